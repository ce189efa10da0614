"""Any value changed in any column of the tables that verify lists is found, and so is any row added or gone.

The columns come from the metadata: a new one is tested without a word here. Rows
and bits are drawn at random; BUDDY_TAMPER_SEED repeats a draw that was printed,
and BUDDY_TAMPER_ROWS says how many rows are drawn for each column (1).
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.migrate import migrate
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_core.flows import VERIFIED_TABLES
from tests.adapters.sql.rich_store import fill
from tests.adapters.sql.tampering import (
    OTHER_ID,
    as_stored,
    change,
    faults_of,
    other_values,
    place,
    rows_of,
    strip,
)
from tests.postgres import PostgresServer

pytestmark = pytest.mark.anyio

ROWS = int(os.environ.get("BUDDY_TAMPER_ROWS", "1"))
COPIES = 4 * ROWS

ALSO_NAMED = {
    # The hash of an entry covers these: where it does not fit, the entry is named.
    "token_lots": ("token_entries",),
    "token_holds": ("token_entries",),
}
"""Tables that a fault may name instead of the one that was tampered with."""


@pytest.fixture(scope="session")
def stripped_sqlite(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the store in SQLite, without constraints."""
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('tamper') / 'store.db'}"
    asyncio.run(_build(url))
    return url


@pytest.fixture(scope="session")
def stripped_postgres(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of the store in PostgreSQL, without constraints."""
    url = postgres_server.create_database()
    asyncio.run(_build(url))
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def stripped_url(request: pytest.FixtureRequest) -> str:
    """The address of the store in each database."""
    return str(request.getfixturevalue(f"stripped_{request.param}"))


@pytest.fixture
async def connection(stripped_url: str) -> AsyncIterator[AsyncConnection]:
    """A transaction on the store, rolled back after the test."""
    engine = make_engine(stripped_url)
    async with engine.connect() as opened:
        await opened.begin()
        yield opened
        await opened.rollback()
    await engine.dispose()


@pytest.fixture
def chance() -> random.Random:
    """Draws rows and bits: the same for the same code, others where a seed is given."""
    seed = os.environ.get("BUDDY_TAMPER_SEED") or "11"
    print(f"repeat with BUDDY_TAMPER_SEED={seed}")
    return random.Random(seed)


async def test_the_untouched_store_is_clean(connection: AsyncConnection) -> None:
    """Nothing is found before anything is changed, and no column is empty in every row."""
    assert await faults_of(connection) == ()
    for name in VERIFIED_TABLES:
        table = as_stored(name, connection.dialect.name)
        rows = await rows_of(connection, table)
        assert [c.name for c in table.c if all(row[c.name] is None for row in rows)] == NEVER_FILLED[name]


@pytest.mark.parametrize("name", VERIFIED_TABLES)
async def test_any_changed_value_is_found(
    connection: AsyncConnection, name: str, chance: random.Random
) -> None:
    """Whatever is put into a column of a row instead of what is there, a fault names the table."""
    dialect = connection.dialect.name
    table = as_stored(name, dialect)
    rows = await rows_of(connection, table)
    missed: list[str] = []
    for column in table.c:
        known = metadata.tables[name].c[column.name]
        tried = 0
        for row in _drawn(rows, column.name, chance):
            for value in other_values(known, row[column.name], dialect, chance):
                async with _undone(connection):
                    if not await change(connection, table, row, column, value):
                        continue
                    tried += 1
                    if not await _is_found(connection, name):
                        missed.append(f"{name}.{column.name}: {row[column.name]!r} -> {value!r}")
        assert tried, f"nothing else could be put into {name}.{column.name}"
    assert missed == []


@pytest.mark.parametrize("name", VERIFIED_TABLES)
async def test_a_missing_row_is_found(connection: AsyncConnection, name: str) -> None:
    """Any one row taken away is found, except the last record of the audit: nothing points at it yet."""
    table = as_stored(name, connection.dialect.name)
    missed: list[tuple[Any, ...]] = []
    for row in await rows_of(connection, table):
        async with _undone(connection):
            await connection.execute(table.delete().where(place(connection.dialect.name) == row["place"]))
            if not await _is_found(connection, name, *TOLD_BY.get(name, ())):
                missed.append(tuple(row[key] for key in KEYS[name]))
    last = (await rows_of(connection, table))[-1]
    assert missed == ([(last["sequence"],)] if name == "access_audit" else [])


@pytest.mark.parametrize("name", VERIFIED_TABLES)
async def test_an_inserted_copy_is_found(
    connection: AsyncConnection, name: str, chance: random.Random
) -> None:
    """A copy of any row under a new key is found, whichever part of the key is new."""
    table = as_stored(name, connection.dialect.name)
    missed = []
    rows = await rows_of(connection, table)
    for row in chance.sample(rows, min(COPIES, len(rows))):
        copy = {key: value for key, value in row.items() if key != "place"}
        for key in KEYS[name]:
            copied = copy | {key: _new_key(copy[key])}
            async with _undone(connection):
                await connection.execute(table.insert().values(copied))
                if not await _is_found(connection, name):
                    missed.append(copied)
    assert missed == []


KEYS = {name: [column.name for column in metadata.tables[name].primary_key] for name in VERIFIED_TABLES}
NEVER_FILLED: dict[str, list[str]] = {name: [] for name in VERIFIED_TABLES} | {
    # Tokens buy what does not end; what staff gave and extended is tampered with in tests/flows.
    "entitlement_grants": ["ends_at", "reopened_at"],
}
TOLD_BY = {
    # Of an entry that is gone its postings are left, or else the wallet's sequence.
    "token_entries": ("token_wallets",),
    # A grant and its change point at each other; whichever is left is named.
    "entitlement_grants": ("entitlement_grant_changes",),
    "entitlement_grant_changes": ("entitlement_grants",),
    # Of the record of a close the closed month is left, of one about a request the request or its decision.
    "access_audit": ("royalty_periods", "access_approvals", "access_approval_decisions"),
}
"""Tables that a fault may name instead of the one that a row is missing from."""


def _drawn(rows: list[dict[str, Any]], column: str, chance: random.Random) -> list[dict[str, Any]]:
    """Draw some rows in which the column is filled, and some in which it is empty."""
    filled = [row for row in rows if row[column] is not None]
    empty = [row for row in rows if row[column] is None]
    return [row for some in (filled, empty) for row in chance.sample(some, min(ROWS, len(some)))]


async def _is_found(connection: AsyncConnection, name: str, *also: str) -> bool:
    named = {fault.table for fault in await faults_of(connection)}
    return bool(named & {name, *also, *ALSO_NAMED.get(name, ())})


@asynccontextmanager
async def _undone(connection: AsyncConnection) -> AsyncIterator[None]:
    savepoint = await connection.begin_nested()
    try:
        yield
    finally:
        await savepoint.rollback()


def _new_key(value: Any) -> Any:
    if isinstance(value, int):
        return value + 1000
    if isinstance(value, str) and len(value) == 36:
        return str(OTHER_ID)
    if isinstance(value, str):
        return value[:-1] + ("9" if value[-1] != "9" else "8")
    return OTHER_ID if not hasattr(value, "year") else value.replace(year=value.year + 1)


async def _build(url: str) -> None:
    engine = make_engine(url)
    try:
        await migrate(engine)
        await fill(SqlUnitOfWork(engine))
        async with engine.begin() as connection:
            await strip(connection, VERIFIED_TABLES)
    finally:
        await engine.dispose()
