"""The migrations make the schema that the adapters declare, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from attrs import evolve
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    Text,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.ledger_glances import read_glances
from buddy_adapters.sql.migrate import MigrationState, alembic_config, migrate, migration_state
from buddy_adapters.sql.royalty import input_to_row, inputs, spend_to_row, token_spends
from buddy_adapters.sql.tables import metadata
from buddy_adapters.sql.tokens_tables import balances as balances_table
from buddy_adapters.sql.tokens_tables import entries as entries_table
from buddy_adapters.sql.tokens_tables import (
    entry_to_row,
    parts_to_rows,
    value_versions,
    version_to_row,
    wallet_to_row,
)
from buddy_adapters.sql.tokens_tables import holds as holds_table
from buddy_adapters.sql.tokens_tables import lots as lots_table
from buddy_adapters.sql.tokens_tables import open_holds as open_holds_table
from buddy_adapters.sql.tokens_tables import postings as postings_view
from buddy_adapters.sql.tokens_tables import wallets as wallets_table
from buddy_adapters.sql.types import Hash, Id, Instant
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_adapters.system import SequentialIds, SettableClock
from buddy_core.access import GLOBAL, SYSTEM, Assignment, Change, Scope, check_audit, check_roles, record_in
from buddy_core.kernel.canonical import GENESIS
from buddy_core.kernel.errors import InvalidValue, Unavailable
from buddy_core.kernel.ids import AccountId, EntityId, EntryId, LotId, PartnerId, TitleId
from buddy_core.royalty import ClosedMonth, Input, InputKind, TokenSpend
from buddy_core.tokens import (
    Entry,
    LedgerReport,
    Operation,
    Posting,
    TokenKind,
    ValueVersion,
    Wallet,
    check_ledger_in,
    spend_tokens,
)
from buddy_core.tokens.model import entry_body
from tests.contracts.cases import AT, spending
from tests.core.tokens.test_screening import ME, VERSIONS, fitting, lived

pytestmark = pytest.mark.anyio


async def test_an_empty_database_is_brought_up_to_date(empty_url: str) -> None:
    """From nothing, one call makes every table; before it the database says that it has none."""
    engine = make_engine(empty_url)
    assert await migration_state(engine) == MigrationState(None, "0016")
    state = await migrate(engine)
    assert state.is_current
    assert await migration_state(engine) == state
    await engine.dispose()


async def test_migrating_again_changes_nothing(migrated_url: str) -> None:
    """A second run leaves the schema and the rows as they are."""
    engine = make_engine(migrated_url)
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO flags (name, is_on) VALUES ('sandbox', true)"))
        before = await connection.run_sync(_schema)
    assert (await migrate(engine)).is_current
    async with engine.connect() as connection:
        assert await connection.run_sync(_schema) == before
        assert (await connection.execute(text("SELECT count(*) FROM flags"))).scalar() == 1
    await engine.dispose()


async def test_the_migrated_schema_is_the_declared_one(migrated_url: str) -> None:
    """Alembic finds no table, column, index or unique key that only one side has."""

    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    engine = make_engine(migrated_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_checks_are_the_declared_ones(empty_url: str) -> None:
    """Every CHECK, which Alembic does not compare, is in the migrated schema word for word."""
    engine = make_engine(empty_url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        declared = await connection.run_sync(_schema)
        await connection.run_sync(metadata.drop_all)
    await migrate(engine)
    async with engine.connect() as connection:
        assert await connection.run_sync(_schema) == declared
    await engine.dispose()


async def test_a_database_that_cannot_be_reached_is_unavailable() -> None:
    """No driver's error gets out where there is no server."""
    engine = make_engine("postgresql+asyncpg://nobody@/none?host=/nowhere")
    with pytest.raises(Unavailable):
        await migrate(engine)
    await engine.dispose()


def test_the_revisions_lie_in_the_package() -> None:
    """Alembic is pointed at the installed package, not at a folder of the repository."""
    assert alembic_config().get_main_option("script_location") == "buddy_adapters.sql:migrations"


ONE, TWO, THREE = (AccountId(UUID(int=number)) for number in (1001, 1002, 1003))
RED, BLUE = (PartnerId(UUID(int=number)) for number in (7, 8))

ASSIGNMENTS_0001 = Table(
    "access_assignments",
    MetaData(),
    Column("account_id", Id),
    Column("role", Text),
    Column("partner_id", Id),
)
AUDIT_0001 = Table(
    "access_audit",
    MetaData(),
    Column("sequence", BigInteger),
    Column("at", Instant),
    *(Column(name, Text) for name in ("actor", "action", "resource", "before", "after", "correlation_id")),
    Column("previous_hash", Hash),
    Column("hash", Hash),
)

# Written out, with the hashes that the first version gave them.
OLD_RECORDS = [
    {
        "sequence": 1,
        "at": datetime(2026, 11, 1, 9, 30, 0, 1, tzinfo=UTC),
        "actor": "system",
        "action": "role.assign",
        "resource": "00000000-0000-0000-0000-0000000003e9",
        "before": "[]",
        "after": '{"producer":null,"role":"admin"}',
        "correlation_id": "cor-1",
        "previous_hash": GENESIS,
        "hash": bytes.fromhex("4257ace55e53054de05c6068d34c74b4e7ae5023bd7b3180b79ee9500b9e8f54"),
    },
    {
        "sequence": 2,
        "at": datetime(2026, 11, 1, 9, 30, 0, 2, tzinfo=UTC),
        "actor": "00000000-0000-0000-0000-0000000003e9",
        "action": "flag.set",
        "resource": "sandbox",
        "before": "false",
        "after": "true",
        "correlation_id": "cor-2",
        "previous_hash": bytes.fromhex("4257ace55e53054de05c6068d34c74b4e7ae5023bd7b3180b79ee9500b9e8f54"),
        "hash": bytes.fromhex("e616fdd375ea5dfd65504315c057ecbe1665e2056f92ac5833f66e3ec27fe97e"),
    },
]


def _first_schema(connection: Connection) -> None:
    command.upgrade(alembic_config(connection), "0001")


async def test_roles_of_the_first_schema_become_scoped_ones(empty_url: str) -> None:
    """An admin is a super admin, a producer its partner's admin; what gave nothing gives nothing still."""
    given = [
        (ONE, "admin", None),
        (ONE, "admin", RED),
        (ONE, "producer", RED),
        (TWO, "producer", RED),
        (TWO, "producer", BLUE),
        (TWO, "viewer", None),
        # No rule wrote these, and they meant nothing; by name two of them would be roles now.
        (THREE, "producer", None),
        (THREE, "finance", None),
        (THREE, "partner_admin", RED),
    ]
    engine = make_engine(empty_url)
    async with engine.begin() as connection:
        await connection.run_sync(_first_schema)
        rows = [{"account_id": who, "role": role, "partner_id": partner} for who, role, partner in given]
        await connection.execute(ASSIGNMENTS_0001.insert(), rows)
    assert (await migrate(engine)).is_current
    async with SqlUnitOfWork(engine).read() as tx:
        assert await tx.assignments.all() == [
            Assignment(ONE, "partner_admin", Scope.partner(RED)),
            Assignment(TWO, "partner_admin", Scope.partner(RED)),
            Assignment(TWO, "partner_admin", Scope.partner(BLUE)),
            Assignment(ONE, "super_admin", GLOBAL),
        ]
    await engine.dispose()


async def test_the_audit_of_the_first_schema_stays_whole(empty_url: str) -> None:
    """Old records keep their hashes in format 1, new ones follow, and what they tell of roles holds."""
    engine = make_engine(empty_url)
    async with engine.begin() as connection:
        await connection.run_sync(_first_schema)
        await connection.execute(AUDIT_0001.insert(), OLD_RECORDS)
        told = {"account_id": ONE, "role": "admin", "partner_id": None}
        await connection.execute(ASSIGNMENTS_0001.insert(), [told])
    await migrate(engine)
    uow = SqlUnitOfWork(engine)
    async with uow.read() as tx:
        old, hashes, faults = await tx.audit_books.records()
    assert (faults, check_audit(old, hashes)) == ([], [])
    assert hashes == [item["hash"] for item in OLD_RECORDS]
    assert [(item.format, item.as_whom, item.ip) for item in old] == [(1, "", "")] * 2
    async with uow.begin() as tx:
        change = Change("flag.set", "sandbox", True, False)
        made = await record_in(tx, SYSTEM, change, datetime(2026, 11, 2, tzinfo=UTC))
    async with uow.read() as tx:
        records, hashes, faults = await tx.audit_books.records()
        assignments, roles, _ = await tx.audit_books.roles()
    assert (faults, check_audit(records, hashes)) == ([], [])
    assert check_roles(assignments, roles, records, str) == []
    assert records == [*old, made]
    assert made.format == 2
    await engine.dispose()


async def test_the_old_audit_is_still_only_added_to(empty_url: str) -> None:
    """The wider table has kept its triggers, and an old record takes no address afterwards."""
    engine = make_engine(empty_url)
    async with engine.begin() as connection:
        await connection.run_sync(_first_schema)
        await connection.execute(AUDIT_0001.insert(), OLD_RECORDS)
    await migrate(engine)
    for attempt in ("UPDATE access_audit SET ip = '192.0.2.1'", "DELETE FROM access_audit"):
        with pytest.raises(IntegrityError, match="append-only"):
            async with engine.begin() as connection:
                await connection.execute(text(attempt))
    await engine.dispose()


# Postings had a table of their own up to 0007, and balances only said what was left.
ENTRIES_0007 = Table(
    "token_entries", MetaData(), *(Column(c.name, c.type) for c in entries_table.c if c.name != "postings")
)
POSTINGS_0007 = Table(
    "token_postings",
    MetaData(),
    Column("entry_id", Id),
    Column("position", Integer),
    *(Column(name, Text) for name in ("account", "kind", "currency")),
    Column("lot_id", Id),
    *(Column(name, BigInteger) for name in ("amount", "version", "value_numerator", "value_denominator")),
)
BALANCES_0007 = Table(
    "token_lot_balances",
    MetaData(),
    Column("lot_id", Id),
    Column("account_id", Id),
    Column("remaining", BigInteger),
)
WALLETS_0007 = Table(
    "token_wallets", MetaData(), *(Column(c.name, c.type) for c in wallets_table.c if c.name != "moved_at")
)

LIVED = lived(
    [
        *[("earn", 1)] * 12,
        ("spend", 12),
        ("buy", 9),
        ("spend", 3),
        ("refund", 1),
        ("hold", 2),
        ("freeze", 3),
        ("freeze", 4),
        ("earn", 9),
        ("expire", 12),
        ("merge_in", 5),
        ("spend", 1),
        ("hold", 1),
    ]
)
"""A wallet's life: one spend draws on twelve lots, a freeze moves nothing, and a hold is still open."""
ODD_TEXTS = ['a "quoted" \\\\ word', "\t\n\x01\x1f\x7f", "\u00e9\U0001f600\u2028", "", "],[", "null", "it's"]


def odd_entries(source: str) -> list[Entry]:
    """Return entries as no rule makes them: odd texts, the largest numbers, nothing where that may be."""
    texts = ODD_TEXTS
    postings = [
        Posting(
            account=f"spent:{text}",
            lot_id=None if place % 2 else LotId(UUID(int=7_000 + place)),
            kind=TokenKind(text[:32]),
            amount=(-1) ** place * (2**63 - 1 - place),
            version=place + 1,
            currency=None if place % 3 == 2 else text[:3],
            value=None if place % 3 == 2 else Fraction(-(2**63) + 1 + place, 2**place),
        )
        for place, text in enumerate(texts)
    ]
    wallet, made = Wallet(OTHER_ACCOUNT), list[Entry]()
    for place, moved in enumerate([postings, [], postings[:1], postings[::-1] * 2]):
        made.append(
            Entry(
                EntryId(UUID(int=8_000 + place)),
                OTHER_ACCOUNT,
                wallet.sequence + 1,
                wallet.head,
                Operation.ADJUST,
                AT + timedelta(seconds=place),
                AT + timedelta(seconds=place),
                f"key {place}",
                texts[place],
                source,
                tuple(moved),
            )
        )
        wallet = wallet.after(made[-1], ())
    return made


OTHER_ACCOUNT = AccountId(UUID(int=0xD1))


async def _write_as_0007(connection: AsyncConnection, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Write one account's entries and what follows from them; return the rows of its postings."""
    books = fitting(entries)
    assert books.stored is not None
    wallet = evolve(books.stored, account_id=entries[0].account_id)
    opened, held = parts_to_rows(entries)
    moved = [
        {
            "entry_id": entry.id,
            "position": position,
            "account": posting.account,
            "lot_id": posting.lot_id,
            "kind": posting.kind,
            "amount": posting.amount,
            "version": posting.version,
            "currency": posting.currency,
            "value_numerator": None if posting.value is None else posting.value.numerator,
            "value_denominator": None if posting.value is None else posting.value.denominator,
        }
        for entry in entries
        for position, posting in enumerate(entry.postings)
    ]
    left = [
        {"lot_id": lot, "account_id": wallet.account_id, "remaining": remaining}
        for lot, remaining in books.balances.items()
    ]
    waiting = [
        {"hold_id": hold, "account_id": wallet.account_id, "expires_at": end}
        for hold, end in books.open_holds.items()
    ]
    # Not in their order: that is what the position is for.
    turned = [*moved[1::2], *moved[::2]]
    for table, rows in (
        (ENTRIES_0007, [_only(ENTRIES_0007, entry_to_row(entry)) for entry in entries]),
        (POSTINGS_0007, turned),
        (lots_table, opened),
        (holds_table, held),
        (BALANCES_0007, left),
        (open_holds_table, waiting),
        (WALLETS_0007, [_only(WALLETS_0007, wallet_to_row(wallet))]),
    ):
        if rows:
            await connection.execute(table.insert(), rows)
    return moved


def _only(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    return {column.name: row[column.name] for column in table.c}


def _schema_0007(connection: Connection) -> None:
    command.upgrade(alembic_config(connection), "0007")


@pytest.fixture
async def ledger_0007(empty_url: str) -> AsyncIterator[AsyncEngine]:
    """A database of the schema before postings moved into their entries, with a life in it."""
    engine = make_engine(empty_url)
    async with engine.begin() as connection:
        await connection.run_sync(_schema_0007)
        await connection.execute(value_versions.insert(), [version_to_row(item) for item in CHAINED])
        await _write_as_0007(connection, LIVED)
    yield engine
    await engine.dispose()


def _chained(versions: Sequence[ValueVersion]) -> list[ValueVersion]:
    made: dict[str, ValueVersion] = {}
    found = []
    for version in versions:
        before = made.get(version.kind)
        made[version.kind] = evolve(version, previous_hash=before.hash if before else GENESIS)
        found.append(made[version.kind])
    return found


CHAINED = _chained(VERSIONS)


async def test_a_ledger_of_0007_is_whole_after_it(ledger_0007: AsyncEngine) -> None:
    """Every hash fits, every balance and hold is there, and verify finds nothing wrong."""
    assert (await migrate(ledger_0007)).is_current
    async with SqlUnitOfWork(ledger_0007).read() as tx:
        told: list[Entry] = []
        report = await check_ledger_in(tx, seen=lambda _, made: told.extend(made))
        found = (await tx.wallets.load([ME]))[ME]
    assert (report.faults, report.wallets, report.entries) == ([], 1, len(LIVED))
    assert told == LIVED
    books = fitting(LIVED)
    assert {item.lot.id: item.remaining for item in found.lots} == {
        lot: left for lot, left in books.balances.items() if left
    }
    assert {item.id for item in found.holds} == set(books.open_holds)


async def test_what_the_migrated_rows_say_besides(ledger_0007: AsyncEngine) -> None:
    """A balance is open where something is left; a wallet moved when its last entry was recorded."""
    await migrate(ledger_0007)
    async with ledger_0007.connect() as connection:
        left = {row.lot_id: row for row in await connection.execute(select(balances_table))}
        [wallet] = (await connection.execute(select(wallets_table))).all()
    books = fitting(LIVED)
    assert {lot: (row.remaining, row.is_open) for lot, row in left.items()} == {
        lot: (remaining, remaining > 0) for lot, remaining in books.balances.items()
    }
    assert {row.is_open for row in left.values()} == {True, False}
    assert wallet.moved_at == LIVED[-1].recorded_at


async def test_life_goes_on_after_it(ledger_0007: AsyncEngine) -> None:
    """The wallet spends what it had, and the chain goes on from where it stood."""
    await migrate(ledger_0007)
    uow, at = SqlUnitOfWork(ledger_0007), LIVED[-1].recorded_at + timedelta(minutes=5)
    who: dict[str, Any] = {"uow": uow, "clock": SettableClock(at), "ids": SequentialIds(9)}
    await spend_tokens(spending(ME, 1, "after"), **who)
    async with uow.read() as tx:
        assert (await check_ledger_in(tx)).faults == []
        [newest] = await tx.entries.of_account(ME, before=None, limit=1)
    assert (newest.operation, newest.idempotency_key) == (Operation.SPEND, "after")


@pytest.mark.parametrize("is_odd", [False, True])
async def test_the_view_shows_what_the_table_held(empty_url: str, is_odd: bool) -> None:
    """Posting by posting, in order, to the last digit and letter; the text is the one that was hashed."""
    engine = make_engine(empty_url)
    # No posting has a NUL in its words, but a source may where the database takes it.
    entries = odd_entries("a\0b" if engine.dialect.name == "sqlite" else "") if is_odd else LIVED
    async with engine.begin() as connection:
        await connection.run_sync(_schema_0007)
        expected = await _write_as_0007(connection, entries)
    await migrate(engine)
    async with engine.connect() as connection:
        query = select(postings_view).order_by(postings_view.c.entry_id, postings_view.c.position)
        shown = [dict(row) for row in (await connection.execute(query)).mappings()]
        texts = select(entries_table.c.postings).order_by(entries_table.c.sequence)
        stored = (await connection.execute(texts)).scalars().all()
        [glance] = await read_glances(connection, [entries[0].account_id])
    await engine.dispose()
    assert shown == sorted(expected, key=lambda row: (row["entry_id"], row["position"]))
    assert max(row["position"] for row in shown) > 9
    assert stored == [entry.postings_text for entry in entries]
    if is_odd:
        assert list(glance.entries) == [(entry_body(e), e.previous_hash, e.hash) for e in entries]


async def test_the_migrated_ledger_is_only_added_to(ledger_0007: AsyncEngine) -> None:
    """The wider tables have their triggers again, and nothing can be written to the view."""
    await migrate(ledger_0007)
    tables = ("token_entries", "token_lots", "token_holds")
    changes = ("UPDATE {} SET id = id", "DELETE FROM {}")
    for attempt in (change.format(table) for table in tables for change in changes):
        with pytest.raises(IntegrityError, match="append-only"):
            async with ledger_0007.begin() as connection:
                await connection.execute(text(attempt))
    with pytest.raises(DBAPIError):
        async with ledger_0007.begin() as connection:
            await connection.execute(text("DELETE FROM token_postings"))
    async with ledger_0007.connect() as connection:
        count = (await connection.execute(select(func.count()).select_from(entries_table))).scalar()
    assert count == len(LIVED)


async def test_an_empty_ledger_is_migrated_too(empty_url: str) -> None:
    """Without a row there is nothing to move, and the store works."""
    engine = make_engine(empty_url)
    async with engine.begin() as connection:
        await connection.run_sync(_schema_0007)
    assert (await migrate(engine)).is_current
    async with SqlUnitOfWork(engine).read() as tx:
        assert await check_ledger_in(tx) == LedgerReport()
    await engine.dispose()


# Up to 0014 a closed month kept nothing but its end.
PERIODS_0014 = Table(
    "royalty_periods",
    MetaData(),
    Column("entity", Text),
    Column("month", Text),
    Column("ends_at", Instant),
)


def _schema_0014(connection: Connection) -> None:
    command.upgrade(alembic_config(connection), "0014")


async def test_a_store_without_closed_months_takes_facts_and_terms(empty_url: str) -> None:
    """Spends of 0014 are there after it, and the first month closes with terms and balances."""
    engine = make_engine(empty_url)
    async with engine.begin() as connection:
        await connection.run_sync(_schema_0014)
        await connection.execute(token_spends.insert(), [spend_to_row(SPEND)])
    assert (await migrate(engine)).is_current
    brought = Input(SPEND.entity, 1, InputKind.FACTS, "file", "2026-10", b"{}", AT)
    closed = ClosedMonth(SPEND.entity, "2026-10", AT + timedelta(days=9), 1, b"{}", b"{}")
    async with SqlUnitOfWork(engine).begin() as tx:
        await tx.royalty_inputs.add(brought)
        await tx.statements.close(closed, [])
    async with SqlUnitOfWork(engine).read() as tx:
        records = await tx.royalty_books.all()
    assert (records.spends, records.inputs, records.months) == ([SPEND], [brought], [closed])
    for table in ("royalty_inputs", "royalty_periods"):
        for attempt in (f"UPDATE {table} SET month = '2026-09'", f"DELETE FROM {table}"):
            with pytest.raises(IntegrityError, match="append-only"):
                async with engine.begin() as connection:
                    await connection.execute(text(attempt))
    await engine.dispose()


async def test_a_store_with_closed_months_is_not_migrated(empty_url: str) -> None:
    """Months of the first form carry no balances: the store is left as it is, and it is said what to do."""
    engine = make_engine(empty_url)
    async with engine.begin() as connection:
        await connection.run_sync(_schema_0014)
        row = {"entity": "newtact", "month": "2026-09", "ends_at": AT}
        await connection.execute(PERIODS_0014.insert(), [row])
    with pytest.raises(InvalidValue, match="Keep this store as an archive"):
        await migrate(engine)
    assert await migration_state(engine) == MigrationState("0014", "0016")
    async with engine.connect() as connection:
        assert (await connection.execute(select(PERIODS_0014))).all() == [("newtact", "2026-09", AT)]
    await engine.dispose()


def _schema_0015(connection: Connection) -> None:
    command.upgrade(alembic_config(connection), "0015")


async def test_files_of_facts_are_counted(empty_url: str) -> None:
    """Files of 0015 say after it how many facts they have, and nobody may change them still."""
    engine = make_engine(empty_url)
    bodies = (b'{"sales":[{"id":"a"},{"id":"b"}]}', b"null", b"{}")
    values = [input_to_row(Input(SPEND.entity, number, InputKind.FACTS, f"f{number}", "2026-10", body, AT))
              for number, body in enumerate(bodies, start=1)]  # fmt: skip
    rule = input_to_row(Input(SPEND.entity, 4, InputKind.POOL, "*", "", b'{"plan":["*"]}', AT))
    rows = [{name: value for name, value in row.items() if name != "facts"} for row in (*values, rule)]
    before = Table("royalty_inputs", MetaData(), *(Column(item.name, item.type) for item in inputs.c[:-1]))
    async with engine.begin() as connection:
        await connection.run_sync(_schema_0015)
        await connection.execute(before.insert(), rows)
    assert (await migrate(engine)).is_current
    async with SqlUnitOfWork(engine).read() as tx:
        assert [item.facts for item in await tx.royalty_inputs.heads(SPEND.entity)] == [2, 0, 0]
        assert (await tx.royalty_books.all()).unreadable == []
    for attempt in ("UPDATE royalty_inputs SET facts = 7", "DELETE FROM royalty_inputs"):
        with pytest.raises(IntegrityError, match="append-only"):
            async with engine.begin() as connection:
                await connection.execute(text(attempt))
    await engine.dispose()


SPEND = TokenSpend(
    EntryId(UUID(int=5)),
    "bonus",
    2,
    1,
    "INR",
    Fraction(7, 3),
    TitleId(UUID(int=6)),
    EntityId("newtact"),
    "IN",
    AT,
)


def _schema(connection: Connection) -> dict[str, Any]:
    found = inspect(connection)
    tables = sorted(set(found.get_table_names()) - {"alembic_version"})
    return {
        table: (
            [
                (column["name"], str(column["type"]), column["nullable"])
                for column in found.get_columns(table)
            ],
            sorted((check["name"], check["sqltext"]) for check in found.get_check_constraints(table)),
            sorted(str(key) for key in found.get_unique_constraints(table)),
            sorted(_index(index) for index in found.get_indexes(table)),
            sorted(str(key) for key in found.get_foreign_keys(table)),
        )
        for table in tables
    }


def _index(index: Any) -> tuple[str, list[str], bool, list[str]]:
    where = [str(value) for name, value in index["dialect_options"].items() if name.endswith("_where")]
    return index["name"], index["column_names"], bool(index["unique"]), where
