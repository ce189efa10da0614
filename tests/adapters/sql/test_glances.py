"""The quick look of `buddy verify` on the databases: their text of an entry is the one that was hashed."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.ledger_glances import read_glances
from buddy_adapters.sql.tokens_tables import entries as entries_table
from buddy_adapters.sql.tokens_tables import entry_to_row, parts_to_rows
from buddy_adapters.sql.tokens_tables import lots as lots_table
from buddy_adapters.sql.unit_of_work import SqlTx, SqlUnitOfWork
from buddy_adapters.system import SequentialIds, SettableClock
from buddy_core.kernel import AccountId, EntityId, EntryId, LotId, TitleId
from buddy_core.kernel.proof import Fault
from buddy_core.tokens import (
    BONUS,
    PAID,
    AccountBooks,
    BuyTokens,
    Checkpoint,
    EarnTokens,
    Entry,
    ExpireTokens,
    FreezeWallet,
    HoldTokens,
    MergeWallets,
    SetTokenValue,
    SpendTokens,
    TokenKind,
    check_books,
    check_ledger_in,
    freeze_in,
    merge_in,
    move_tokens,
    set_value_in,
    spend_in,
)
from buddy_core.tokens.model import entry_body
from tests.contracts.conftest import _build, sqlite_template
from tests.core.tokens.test_bodies import entries
from tests.core.tokens.test_format import BARE, FULL
from tests.postgres import PostgresServer

__all__ = ["sqlite_template"]
pytestmark = pytest.mark.anyio

AT = datetime(2026, 11, 21, 10, 0, 0, 5, tzinfo=UTC)
ANN, BEN, GUS, DORA, EVE = (AccountId(UUID(int=number)) for number in range(0xA1, 0xA6))
TITLE = TitleId(UUID(int=0xB1))
SCOPES = (f"title:{TITLE}", "type:film")
ODD = "a \"quoted\" \\ word,\n\t\x01\x7f [\u00e9\U0001f600\u2028] 'it's'"
"""What a host may say of a source."""


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)], autouse=False
)
def empty_store(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a store without rows; what a test writes there it rolls back."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        folder = Path(tempfile.mkdtemp(dir=template.parent))
        yield f"sqlite+aiosqlite:///{shutil.copy(template, folder / 'store.db')}"
        shutil.rmtree(folder)
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create_database(server.template("contracts", _build))
    yield url
    server.drop_database(url)


@pytest.fixture(scope="module")
def store(empty_store: str) -> str:
    """The URL of a store with the lives of five people; what a test changes there it rolls back."""
    asyncio.run(_live(empty_store))
    return empty_store


async def _live(url: str) -> None:
    engine, ids, clock = make_engine(url), SequentialIds(), SettableClock(AT)
    uow = SqlUnitOfWork(engine)

    async def move(*commands: Any) -> None:
        clock.advance(timedelta(seconds=7, microseconds=13))
        done = await move_tokens(commands, uow=uow, clock=clock, ids=ids)
        assert not [item for item in done if hasattr(item, "error")], done

    def earn(who: AccountId, key: str, **changes: Any) -> EarnTokens:
        values: dict[str, Any] = {
            "account_id": who,
            "kind": BONUS,
            "amount": 9,
            "source": ODD,
            "source_ref": "r",
            "idempotency_key": f"{key} é",
            "expires_at": None,
            "earned_as_guest": who == GUS,
            "rule_version": 2,
        }
        return EarnTokens(**values | changes)

    def spend(who: AccountId, amount: int, key: str) -> SpendTokens:
        return SpendTokens(
            who, TITLE, SCOPES, amount, "unlock", ODD, key, "IN", EntityId('new,"tact'), "INR", 3
        )

    async with uow.begin() as tx:
        for kind, value in ((BONUS, Fraction(1, 3)), (PAID, Fraction(50))):
            command = SetTokenValue(kind, AT, {"INR": value}, "me", kind)
            await set_value_in(tx, command, ["INR"], AT, ids)
    await move(
        earn(ANN, "e1", scopes=SCOPES, expires_at=AT + timedelta(hours=1), priority=-3),
        earn(BEN, "e1", source=""),
        earn(GUS, "e1"),
        earn(DORA, "e1"),
    )
    await move(
        BuyTokens(ANN, PAID, 5, 499, "INR", "order", ODD, "b1", AT + timedelta(days=365)),
        earn(ANN, "e2", kind=PAID, source_ref=ODD),
        spend(BEN, 2, "s1"),
    )
    await move(spend(ANN, 12, "s1"))
    async with uow.begin() as tx:
        for is_frozen in (True, False):
            wish = FreezeWallet(BEN, is_frozen, ODD, "me", f"f{is_frozen}")
            await freeze_in(tx, wish, clock.now(), ids)
        # Of the guest's nine the cap leaves five.
        await merge_in(tx, MergeWallets(GUS, BEN, 5, "m1"), clock.now(), ids)
    clock.advance(timedelta(hours=2))
    await move(earn(ANN, "e3", expires_at=clock.now() + timedelta(hours=1)))
    clock.advance(timedelta(hours=2))
    await move(ExpireTokens(ANN, "x1"), spend(BEN, 1, "s2"))
    await move(HoldTokens(DORA, SCOPES, 2, clock.now() + timedelta(days=1), "why", "r", "h1"))
    await engine.dispose()


@asynccontextmanager
async def unguarded(url: str) -> AsyncIterator[AsyncConnection]:
    """Open a transaction in which no trigger and no check stands in the way; it is rolled back."""
    engine = make_engine(url)
    try:
        async with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                await connection.execute(text("SET LOCAL session_replication_role = replica"))
                await _drop_checks(connection)
            else:
                await connection.execute(text("PRAGMA ignore_check_constraints=ON"))
                query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
                for name in (await connection.execute(text(query))).scalars().all():
                    await connection.execute(text(f"DROP TRIGGER {name}"))
            yield connection
            await connection.rollback()
    finally:
        await engine.dispose()


async def _drop_checks(connection: AsyncConnection) -> None:
    query = "SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype IN ('c', 'u')"
    for table, name in (await connection.execute(text(query))).all():
        if str(table).startswith("token_"):
            await connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))


# -- the text ------------------------------------------------------------------------------------------


def storable(entry: Entry, place: int, on_postgresql: bool) -> Entry:
    """Return the entry as one of one account, short enough for its columns, without NUL where it must be."""

    def cut(value: str | None, length: int) -> str | None:
        return None if value is None else clean(value)[:length].rstrip(" ")

    def clean(value: str) -> str:
        return value.replace("\0", "") if on_postgresql else value

    postings = tuple(
        evolve(
            item,
            account=clean(item.account),
            kind=TokenKind(clean(item.kind)),
            currency=None if item.currency is None else clean(item.currency),
        )
        for item in entry.postings
    )
    lots = tuple(
        evolve(
            lot,
            id=LotId(UUID(int=1_000 * place + number)),
            kind=TokenKind(cut(lot.kind, 32) or ""),
            source=clean(lot.source),
            scopes=tuple(map(clean, lot.scopes)),
        )
        for number, lot in enumerate(entry.lots)
    )
    return evolve(
        entry,
        id=EntryId(UUID(int=place)),
        account_id=ANN,
        sequence=place,
        idempotency_key=f"{cut(entry.idempotency_key, 200)}{place}",
        source=clean(entry.source),
        source_ref=clean(entry.source_ref),
        postings=postings,
        lots=lots,
        holds=(),
        country=cut(entry.country, 2),
        entity=None if entry.entity is None else EntityId(clean(entry.entity)),
    )


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(found=st.lists(entries(), min_size=1, max_size=12))
def test_the_databases_text_is_what_was_hashed(empty_store: str, found: list[Entry]) -> None:
    """Odd texts, odd instants, odd numbers and nothing at all: each is written as Python writes it."""
    on_postgresql = empty_store.startswith("postgresql")
    made = [storable(entry, place, on_postgresql) for place, entry in enumerate([*found, FULL, BARE], 1)]

    async def text_of_each() -> list[tuple[str, bytes, bytes]]:
        engine = make_engine(empty_store)
        try:
            async with engine.connect() as connection:
                await connection.execute(entries_table.insert(), [entry_to_row(entry) for entry in made])
                opened, _ = parts_to_rows(made)
                if opened:
                    await connection.execute(lots_table.insert(), opened)
                [glance] = await read_glances(connection, [ANN])
                await connection.rollback()
        finally:
            await engine.dispose()
        assert not glance.is_odd
        return list(glance.entries)

    expected = [(entry_body(entry), entry.previous_hash, entry.hash) for entry in made]
    assert asyncio.run(text_of_each()) == expected


YEARS = [
    datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    datetime(99, 2, 3, tzinfo=UTC),
    datetime(999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_998, tzinfo=UTC),
]


async def test_instants_of_any_year_are_written_alike(empty_store: str) -> None:
    """Four figures a year, six a second, from the first year to the last."""
    made = []
    for place, at in enumerate(YEARS, 1):
        entry = storable(evolve(FULL, effective_at=at, recorded_at=at), place, True)
        lot = evolve(entry.lots[0], effective_from=at, created_at=at, expires_at=None)
        made.append(evolve(entry, lots=(lot,)))
    engine = make_engine(empty_store)
    async with engine.connect() as connection:
        await connection.execute(entries_table.insert(), [entry_to_row(entry) for entry in made])
        await connection.execute(lots_table.insert(), parts_to_rows(made)[0])
        [glance] = await read_glances(connection, [ANN])
        await connection.rollback()
    await engine.dispose()
    assert [body for body, _, _ in glance.entries] == [entry_body(entry) for entry in made]


# -- who takes which look ------------------------------------------------------------------------------


class Noting:
    """The books of a store, noting whom the slow look is taken at."""

    def __init__(self, connection: AsyncConnection, batch: int = 500) -> None:
        self.slow: list[AccountId] = []
        self.glanced: list[AccountId] = []
        self._books, self._batch = SqlTx(connection).ledger_books, batch

    @property
    def ledger_books(self) -> Any:
        """Answer for the transaction and for its books."""
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._books, name)

    async def of_accounts(self, accounts: Sequence[AccountId]) -> list[AccountBooks]:
        """Note who is asked for."""
        self.slow += accounts
        return await self._books.of_accounts(accounts)

    async def glances(self, accounts: Sequence[AccountId], batch: int) -> AsyncIterator[Any]:
        """Note who is asked for."""
        self.glanced += accounts
        async for found in self._books.glances(accounts, min(batch, self._batch)):
            yield found


@pytest.mark.parametrize("batch", [1, 2, 500])
async def test_only_wallets_with_holds_take_the_slow_look(store: str, batch: int) -> None:
    """A healthy wallet passes the quick one, whatever texts are in it; batches overlap and lose nothing."""
    told: dict[AccountId, Sequence[Entry]] = {}
    async with unguarded(store) as connection:
        noting = Noting(connection, batch)
        report = await check_ledger_in(noting, seen=lambda who, made: told.update({who: made}))
        books = await noting._books.of_accounts([ANN, BEN, GUS, DORA])
    assert noting.slow == [DORA]
    assert noting.glanced == [ANN, BEN, GUS, DORA]
    assert (report.faults, report.wallets, report.entries) == ([], 4, 17)
    assert told == {item.account_id: item.entries for item in books}
    assert report.marks == {
        item.account_id: (item.stored.sequence, item.stored.head) for item in books if item.stored
    }


async def faults(connection: AsyncConnection, since: Checkpoint | None = None) -> list[Fault]:
    """Walk over the ledger and return what is wrong."""
    return (await check_ledger_in(SqlTx(connection), since=since)).faults


async def slow_faults(connection: AsyncConnection) -> list[Fault]:
    """Return what the slow look says of every account."""
    books = SqlTx(connection).ledger_books
    versions, _, unreadable = await books.value_versions()
    found = [*unreadable, *await books.strays()]
    for item in await books.of_accounts(await books.accounts()):
        found += check_books(item, versions)
    return found


QUICK_TABLES = ("token_wallets", "token_entries", "token_lots", "token_lot_balances")
SAME_OTHERWISE = {
    "sqlite": ("CAST({0} AS BLOB)", "CAST({0} AS TEXT)", "{0} || char(0)", "{0} || ' '", "{0} + 0.5", "NULL"),
    "postgresql": (),
}
"""What means the same at a glance, in another type or with a bit more."""
OTHERS: dict[str, tuple[str, ...]] = {
    "uuid": ("gen_random_uuid()",),
    "bigint": ("{0} + 1", "-{0} - 1"),
    "integer": ("{0} + 1",),
    "boolean": ("NOT {0}",),
    "bytea": ("sha256('x')", "{0} || '\\x00'::bytea", "''::bytea"),
    "text": ("{0} || ' '", "' ' || {0}", "''", "upper({0}) || 'x'"),
    "character varying": ("left({0} || ' ', 2)", "'x'", "''"),
    "timestamp with time zone": (
        "{0} + interval '1 microsecond'",
        "'infinity'",
        "{0} - interval '3000 years'",
    ),
}


async def _changes(connection: AsyncConnection, table: str) -> list[tuple[str, str]]:
    """Return columns of a table, each with expressions of other values."""
    if connection.dialect.name == "sqlite":
        names = (await connection.execute(text(f"SELECT name FROM pragma_table_info('{table}')"))).scalars()
        return [(name, change) for name in names for change in SAME_OTHERWISE["sqlite"]]
    query = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = :table"
    found = await connection.execute(text(query), {"table": table})
    return [(name, change) for name, kind in found for change in (*OTHERS[kind], "NULL")]


@pytest.mark.parametrize("table", QUICK_TABLES)
async def test_what_lies_otherwise_in_a_column_is_found(store: str, table: str) -> None:
    """In any column of a wallet that takes the quick look, whatever the slow one would fault is found."""
    missed, tried = [], 0
    async with unguarded(store) as connection:
        for name, change in await _changes(connection, table):
            savepoint = await connection.begin_nested()
            new = change.format(f'"{name}"')
            where = f"account_id = '{ANN}'"
            try:
                await connection.execute(text(f'UPDATE {table} SET "{name}" = {new} WHERE {where}'))
            except Exception:
                # The database takes no such value there.
                await savepoint.rollback()
                continue
            slow = await slow_faults(connection)
            tried += bool(slow)
            if slow and not await faults(connection):
                missed.append((name, change))
            await savepoint.rollback()
    assert missed == []
    assert tried


# -- what was hashed again -----------------------------------------------------------------------------


async def rehash(connection: AsyncConnection, who: AccountId) -> None:
    """Chain an account's entries anew over whatever lies there, as somebody would who has the database."""
    [glance] = await read_glances(connection, [who])
    head = bytes(32)
    for body, _, _ in glance.entries:
        before, head = head, hashlib.sha256(head + body.encode()).digest()
        change = entries_table.update().where(entries_table.c.id == UUID(body[2:38]))
        await connection.execute(change.values(previous_hash=before, hash=head))
    await connection.execute(
        text(f"UPDATE token_wallets SET head = :head WHERE account_id = '{who}'"), {"head": head}
    )


FORGED: dict[str, str] = {
    "a spend of something else": (
        "UPDATE token_entries SET postings = replace(postings, '-9,', '-8,') "
        "WHERE account_id = '{who}' AND operation = 'spend'"
    ),
    "a lot that never ends": "UPDATE token_lots SET expires_at = NULL WHERE account_id = '{who}'",
    "a spend before all lots": (
        "UPDATE token_entries SET effective_at = recorded_at WHERE account_id = '{who}' AND sequence = 1"
    ),
    "a version that there is not": (
        "UPDATE token_entries SET postings = replace(postings, ',1,null,null]', ',2,null,null]') "
        "WHERE account_id = '{who}'"
    ),
    "postings on another account": (
        "UPDATE token_entries SET postings = replace(postings, '\"issued\"', '\"sold\"') "
        "WHERE account_id = '{who}'"
    ),
}
UNREADABLE: dict[str, str] = {
    "blanks between postings": (
        "UPDATE token_entries SET postings = replace(postings, '],[', '], [') WHERE account_id = '{who}'"
    ),
    "a lot of nothing": "UPDATE token_lots SET amount = 0 WHERE account_id = '{who}'",
    "half a cost": "UPDATE token_lots SET cost_minor = 5 WHERE account_id = '{who}' AND cost_minor IS NULL",
    "a lot that ends before it begins": (
        "UPDATE token_lots SET expires_at = effective_from WHERE account_id = '{who}' "
        "AND expires_at IS NOT NULL"
    ),
}


@pytest.mark.parametrize("forgery", FORGED.values(), ids=FORGED.keys())
async def test_what_was_hashed_again_is_found_alike(store: str, forgery: str) -> None:
    """A chain that fits itself is judged by the rules; the quick look finds no less than the slow one."""
    async with unguarded(store) as connection:
        await connection.execute(text(forgery.format(who=ANN)))
        await rehash(connection, ANN)
        assert bool(await faults(connection)) == bool(await slow_faults(connection))


@pytest.mark.parametrize("forgery", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_what_is_no_entry_and_was_hashed_again_is_found(store: str, forgery: str) -> None:
    """A row that the rules could not have made, or not in this form, is named though its hash fits."""
    async with unguarded(store) as connection:
        await connection.execute(text(forgery.format(who=ANN)))
        await rehash(connection, ANN)
        assert await slow_faults(connection)
        assert (await check_ledger_in(SqlTx(connection), seen=lambda _, __: None)).faults


UNSEEN = pytest.mark.xfail(strict=True, reason="where nobody asks for entries none is made")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[UNSEEN] if name in ("a lot of nothing", "half a cost") else [])
        for name in UNREADABLE
    ],
)
async def test_it_is_found_where_nobody_asks_for_the_entries(store: str, name: str) -> None:
    """The check of the ledger alone names the same rows."""
    async with unguarded(store) as connection:
        await connection.execute(text(UNREADABLE[name].format(who=ANN)))
        await rehash(connection, ANN)
        assert await faults(connection)


# -- since a checkpoint --------------------------------------------------------------------------------


async def checkpoint(connection: AsyncConnection) -> Checkpoint:
    """Return where everybody stands."""
    report = await check_ledger_in(SqlTx(connection))
    assert report.faults == []
    return Checkpoint(report.marks)


async def spend_more(connection: AsyncConnection, who: AccountId) -> None:
    """Let somebody spend a token inside the open transaction."""
    tx = SqlTx(connection)
    command = SpendTokens(who, TITLE, SCOPES, 1, "u", "g", "more", "IN", EntityId("newtact"), "INR")
    [done] = await spend_in(tx, [command], AT + timedelta(days=1), SequentialIds(99))
    assert not hasattr(done, "error"), done
    await tx.writes.flush()


async def test_only_who_has_moved_is_looked_at(store: str) -> None:
    """Nobody since just now; then the one who has spent, whole; a change to one who stands is not seen."""
    async with unguarded(store) as connection:
        known = await checkpoint(connection)
        noting = Noting(connection)
        report = await check_ledger_in(noting, since=known)
        assert (report.wallets, report.entries, report.faults) == (0, 0, [])
        assert (noting.glanced, noting.slow) == ([], [])
        assert report.marks == known.marks
        await spend_more(connection, BEN)
        await connection.execute(
            text(f"UPDATE token_entries SET source = 'forged' WHERE account_id = '{ANN}' AND sequence = 1")
        )
        noting = Noting(connection)
        report = await check_ledger_in(noting, since=known)
        assert (report.wallets, report.entries, report.faults) == (1, 8, [])
        assert (noting.glanced, noting.slow) == ([BEN], [])
        moved = [who for who, mark in report.marks.items() if mark != known.marks[who]]
        assert moved == [BEN]
        assert await faults(connection)


async def test_who_has_moved_is_looked_at_whole(store: str) -> None:
    """What was altered before the checkpoint in a wallet that has moved since is named."""
    async with unguarded(store) as connection:
        known = await checkpoint(connection)
        await spend_more(connection, BEN)
        await connection.execute(
            text(f"UPDATE token_entries SET source = 'forged' WHERE account_id = '{BEN}' AND sequence = 1")
        )
        [fault] = await faults(connection, known)
    assert (fault.table, fault.problem) == ("token_entries", "altered: its hash is not that of its rows")


async def test_a_history_that_was_rewritten_is_named(store: str) -> None:
    """An old entry was altered and all that follows hashed again: right in itself, but not what was seen."""
    async with unguarded(store) as connection:
        known = await checkpoint(connection)
        await connection.execute(
            text(f"UPDATE token_entries SET source = 'forged' WHERE account_id = '{ANN}' AND sequence = 1")
        )
        await rehash(connection, ANN)
        assert await faults(connection) == []
        sequence, _ = known.marks[ANN]
        assert await faults(connection, known) == [
            Fault(
                "token_entries",
                f"(account {ANN}, sequence {sequence})",
                "is not the one of the checkpoint",
            )
        ]


async def test_entries_taken_off_the_end_are_named(store: str) -> None:
    """The last entry is gone, and wallet and balances stand as before it: only a checkpoint knows of it."""
    async with unguarded(store) as connection:
        await _without_the_last(connection, BEN)
        before = await checkpoint(connection)
        await connection.rollback()
    async with unguarded(store) as connection:
        known = await checkpoint(connection)
        assert before.marks[BEN][0] == known.marks[BEN][0] - 1
        await _without_the_last(connection, BEN)
        assert await faults(connection) == []
        [fault] = await faults(connection, known)
    assert fault.row == f"(account {BEN}, sequence {known.marks[BEN][0]})"


async def _without_the_last(connection: AsyncConnection, who: AccountId) -> None:
    """Undo a wallet's last entry, a spend of one token, without a trace."""
    for change in (
        "UPDATE token_lot_balances SET remaining = remaining + 1, is_open = true WHERE account_id = '{who}' "
        "AND lot_id = (SELECT lot_id FROM token_postings AS p JOIN token_entries AS e ON e.id = p.entry_id "
        "WHERE e.account_id = '{who}' AND p.lot_id IS NOT NULL ORDER BY sequence DESC LIMIT 1)",
        "DELETE FROM token_entries WHERE account_id = '{who}' "
        "AND sequence = (SELECT sequence FROM token_wallets WHERE account_id = '{who}')",
        "UPDATE token_wallets SET sequence = e.sequence, head = e.hash, moved_at = e.recorded_at "
        "FROM token_entries AS e WHERE e.account_id = '{who}' AND token_wallets.account_id = '{who}' "
        "AND e.sequence = token_wallets.sequence - 1",
    ):
        await connection.execute(text(change.format(who=who)))


async def test_a_wallet_that_is_gone_is_named(store: str) -> None:
    """Every row of it was taken away, so that nothing that is left tells of it but the checkpoint."""
    async with unguarded(store) as connection:
        known = await checkpoint(connection)
        for change in (
            "DELETE FROM token_lots WHERE account_id = '{who}'",
            "DELETE FROM token_lot_balances WHERE account_id = '{who}'",
            "DELETE FROM token_entries WHERE account_id = '{who}'",
            "DELETE FROM token_wallets WHERE account_id = '{who}'",
        ):
            await connection.execute(text(change.format(who=ANN)))
        assert await faults(connection) == []
        assert await faults(connection, known) == [Fault("token_wallets", str(ANN), "missing")]


async def test_who_is_new_is_looked_at(store: str) -> None:
    """A wallet that the checkpoint does not know is read whole, and what is wrong with it named."""
    async with unguarded(store) as connection:
        known = Checkpoint(
            {who: mark for who, mark in (await checkpoint(connection)).marks.items() if who != ANN}
        )
        assert await faults(connection, known) == []
        await connection.execute(
            text(f"UPDATE token_wallets SET is_frozen = NOT is_frozen WHERE account_id = '{ANN}'")
        )
        noting = Noting(connection)
        report = await check_ledger_in(noting, since=known)
    assert (noting.glanced, noting.slow) == ([ANN], [ANN])
    assert [fault.table for fault in report.faults] == ["token_wallets"]
