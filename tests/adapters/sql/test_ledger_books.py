"""The books name every altered row and never fail on one, whatever lies in the tables."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Boolean, Column, Integer, LargeBinary, text
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.migrate import migrate
from buddy_adapters.sql.tables import metadata
from buddy_adapters.sql.types import Id, Instant
from buddy_adapters.sql.unit_of_work import SqlTx, SqlUnitOfWork
from buddy_core.kernel import AccountId, EntityId, EntryId, TitleId, derived_uuid
from buddy_core.kernel.outcomes import Done
from buddy_core.kernel.proof import Fault
from buddy_core.tokens import (
    BONUS,
    EarnTokens,
    FreezeWallet,
    HoldTokens,
    RefundTokens,
    SetTokenValue,
    SpendTokens,
    VoidHold,
    check_books,
    check_versions,
    earn_in,
    freeze_in,
    hold_in,
    refund_in,
    set_value_in,
    spend_in,
    void_in,
)
from tests.postgres import PostgresServer

AT = datetime(2026, 11, 21, 10, 0, 0, 5, tzinfo=UTC)
ANN = AccountId(UUID("0197f3a0-0000-7000-8000-0000000000a1"))
TITLE = TitleId(UUID("0197f3a0-0000-7000-8000-0000000000b1"))
TABLES = (
    "token_wallets",
    "token_entries",
    "token_lots",
    "token_lot_balances",
    "token_holds",
    "token_open_holds",
    "token_value_versions",
)
CELLS = [(table, column.name) for table in TABLES for column in metadata.tables[table].columns]
# Not UTF-8, no value of any column; other types; and what looks like a value at a glance.
GARBAGE = (
    "CAST(x'ff00fe' AS TEXT)", "x'ff'", "''", "'zzz'", "-7", "1.5", "'\U0001f600'", "'[' || char(0)",
    "CAST(x'7b' AS TEXT)", "9223372036854775807", "'2026-11-21T10:00:00Z'", "'Infinity'",
)  # fmt: skip


class Ids:
    """Ids that can be told in advance."""

    def __init__(self) -> None:
        self._made = 0

    def uuid7(self) -> UUID:
        self._made += 1
        return derived_uuid("test", str(self._made))

    def opaque(self, prefix: str) -> str:
        return f"{prefix}_{self.uuid7().hex}"


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio alone, as the adapters do."""
    return "asyncio"


@pytest.fixture(scope="module")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with a small ledger, its triggers taken off."""
    file = tmp_path_factory.mktemp("books") / "ledger.db"
    _build(f"sqlite+aiosqlite:///{file}")
    return file


@pytest.fixture
def postgres_ledger(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a PostgreSQL database with a small ledger, its triggers taken off."""
    url = postgres_server.create_database(postgres_server.template("ledger-books", _build))
    yield url
    postgres_server.drop_database(url)


@pytest.mark.anyio
async def test_an_untouched_ledger_has_no_fault(sqlite_file: Path) -> None:
    """What the adapters wrote reads back whole, down to lots, holds and value versions."""
    assert await _faults(f"sqlite+aiosqlite:///{sqlite_file}") == []


@pytest.mark.anyio
@pytest.mark.parametrize(("table", "column"), CELLS)
async def test_garbage_in_any_cell_is_found_on_sqlite(
    sqlite_file: Path, tmp_path: Path, table: str, column: str
) -> None:
    """SQLite takes anything into any column; each time the row is named, and nothing is raised."""
    url = f"sqlite+aiosqlite:///{shutil.copy(sqlite_file, tmp_path / 'damaged.db')}"
    engine = make_engine(url)
    found: dict[str, bool] = {}
    async with engine.connect() as connection:
        await connection.rollback()
        for garbage in GARBAGE:
            await connection.execute(text("PRAGMA ignore_check_constraints=ON"))
            row = f"(SELECT min(rowid) FROM {table})"
            changed = await connection.execute(
                text(f'UPDATE {table} SET "{column}" = {garbage} WHERE rowid = {row} '
                     f'AND "{column}" IS NOT {garbage}')
            )  # fmt: skip
            assert changed.rowcount == 1, garbage
            found[garbage] = any(await _check(connection))
            await connection.rollback()
    await engine.dispose()
    assert all(found.values()), found


@pytest.mark.anyio
@pytest.mark.postgres
async def test_a_changed_value_in_any_cell_is_found_on_postgresql(postgres_ledger: str) -> None:
    """PostgreSQL keeps types, so each cell gets another value of its own type; each one is found."""
    engine = make_engine(postgres_ledger)
    async with engine.connect() as connection:
        assert await _check(connection) == []
        missed = []
        for table, name in CELLS:
            for value in _others(metadata.tables[table].columns[name]):
                row = f"(SELECT min(ctid) FROM {table})"
                await connection.execute(text(f'UPDATE {table} SET "{name}" = {value} WHERE ctid = {row}'))
                if not await _check(connection):
                    missed.append((table, name, value))
                await connection.rollback()
    await engine.dispose()
    assert missed == []


@pytest.mark.anyio
@pytest.mark.parametrize("table", TABLES)
async def test_a_missing_row_is_found(sqlite_file: Path, table: str) -> None:
    """Each row of each table is missed when it alone is taken away."""
    engine = make_engine(f"sqlite+aiosqlite:///{sqlite_file}")
    async with engine.connect() as connection:
        rows = (await connection.execute(text(f"SELECT rowid FROM {table}"))).scalars().all()
        assert rows
        for row in rows:
            await connection.execute(text(f"DELETE FROM {table} WHERE rowid = {row}"))
            assert await _check(connection), row
            await connection.rollback()
    await engine.dispose()


async def _faults(url: str) -> list[Fault]:
    engine = make_engine(url)
    try:
        async with engine.connect() as connection:
            return await _check(connection)
    finally:
        await engine.dispose()


async def _check(connection: AsyncConnection) -> list[Fault]:
    books = SqlTx(connection).ledger_books
    versions, hashes, faults = await books.value_versions()
    faults += check_versions(versions, hashes)
    for account in await books.of_accounts(await books.accounts()):
        faults += check_books(account, versions)
    return faults + await books.strays()


def _others(column: Column[Any]) -> list[str]:
    """Return values of the column's type that none of its first row's cells has."""
    if isinstance(column.type, Id):
        return ["gen_random_uuid()"]
    if isinstance(column.type, Instant):
        shifted = "timestamptz '2026-11-21T10:00:00Z' - interval '0.000007 s'"
        return [shifted, "timestamptz '2026-11-21T10:00:00.000005Z BC'"] + (
            ["timestamptz '-infinity'"] if column.name != "expires_at" else ["timestamptz 'infinity'"]
        )
    if isinstance(column.type, Boolean):
        return [f'NOT "{column.name}"']
    if isinstance(column.type, Integer):
        return [f'coalesce("{column.name}", 0) + 1000'] if column.name not in _PAIRED else []
    if isinstance(column.type, LargeBinary):
        return ["sha256('x')"]
    return _TEXTS.get(column.name, ["'x'"])


_PAIRED = ("cost_minor",)
_TEXTS = {
    "operation": ["'adjust'"],
    "country": ["'XX'"],
    "currency": ["'XXX'"],
    "cost_currency": [],
    "scopes": ["'[\"x\"]'", "'[ ]'"],
    "values": ['\'{"INR":"100/2"}\'', '\'{"INR":"49/1"}\''],
}


def _build(url: str) -> None:
    asyncio.run(_write(url))


async def _write(url: str) -> None:
    engine, ids = make_engine(url), Ids()
    await migrate(engine)
    async with SqlUnitOfWork(engine).begin() as tx:
        value = SetTokenValue(BONUS, AT, {"INR": Fraction(50)}, "admin", "v1")
        await set_value_in(tx, value, ["INR"], AT, ids)
        expires = AT + timedelta(days=90)
        earn = EarnTokens(ANN, BONUS, 9, "ad", "r1", "k1", expires, True, 1, scopes=(f"title:{TITLE}",))
        await earn_in(tx, [earn], AT, ids)
        scopes = (f"title:{TITLE}",)
        spend = SpendTokens(ANN, TITLE, scopes, 2, "unlock", "g1", "k2", "IN", EntityId("newtact"), "INR", 1)
        [spent] = await spend_in(tx, [spend], AT, ids)
        assert isinstance(spent, Done)
        await _hold_and_refund(tx, spent.value.entry_id, ids)
        await freeze_in(tx, FreezeWallet(ANN, True, "checked", "admin", "k3"), AT, ids)
        await _take_triggers_off(tx)
    await engine.dispose()


async def _hold_and_refund(tx: SqlTx, spent: EntryId, ids: Ids) -> None:
    """Write what fills the optional columns: a hold that ends, one that stays, and a refund."""
    scopes, end = (f"title:{TITLE}",), AT + timedelta(hours=1)
    for key in ("k4", "k5"):
        [made] = await hold_in(tx, [HoldTokens(ANN, scopes, 1, end, "test", "", key)], AT, ids)
    assert isinstance(made, Done)
    await void_in(tx, [VoidHold(ANN, made.value.holds[0].id, "test", "", "k6")], AT, ids)
    await refund_in(tx, [RefundTokens(ANN, spent, "test", "", "k7", 1)], AT, ids)


async def _take_triggers_off(tx: SqlTx) -> None:
    """Do what somebody would who has the database in hand."""
    connection = tx.connection
    if connection.dialect.name == "sqlite":
        names = await connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
        for name in names.scalars().all():
            await connection.execute(text(f"DROP TRIGGER {name}"))
    else:
        for table in TABLES:
            await connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
            checks = await connection.execute(
                text(
                    "SELECT conname FROM pg_constraint "
                    "WHERE contype = 'c' AND conrelid = CAST(:t AS regclass)"
                ),
                {"t": table},
            )
            for name in checks.scalars().all():
                await connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
