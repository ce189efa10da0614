"""Engines and transactions: nothing is lost between writers, and no driver's error gets out."""

from __future__ import annotations

import asyncio
import gc
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from buddy_adapters.sql.dialect import insert_ignoring, insert_rows, integrity_as, update_rows, upsert
from buddy_adapters.sql.direct import Direct
from buddy_adapters.sql.engine import make_engine, reader, writer
from buddy_adapters.sql.flags import flags_table
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_core.kernel.errors import Contention, InvalidValue, Unavailable
from buddy_core.kernel.ids import TitleId

pytestmark = pytest.mark.anyio

ROUNDS = 25
COUNTER = "CREATE TABLE counter (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)"

# Reads, computes and writes: what loses updates where transactions begin as readers.
WORKER = """
import asyncio, sys
from sqlalchemy import text
from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork

async def main(url, rounds):
    engine = make_engine(url)
    uow = SqlUnitOfWork(engine)
    async def add():
        async with uow.begin() as tx:
            n = (await tx.connection.execute(text("SELECT n FROM counter"))).scalar_one()
            await tx.connection.execute(text("UPDATE counter SET n = :n"), {"n": n + 1})
    await asyncio.gather(*(add() for _ in range(rounds)))
    await engine.dispose()

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def test_two_processes_lose_no_update_of_one_sqlite_file(tmp_path: Path) -> None:
    """Writers of two processes, each with many connections, take turns: every increment counts."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'shared.db'}"
    engine = make_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text(COUNTER))
        await connection.execute(text("INSERT INTO counter VALUES (1, 0)"))
    command = [sys.executable, "-c", WORKER, url, str(ROUNDS)]
    workers = [await asyncio.create_subprocess_exec(*command) for _ in range(2)]
    assert [await worker.wait() for worker in workers] == [0, 0]
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT n FROM counter"))).scalar() == 2 * ROUNDS
    await engine.dispose()


async def test_sqlite_writers_take_the_lock_when_they_begin(tmp_path: Path) -> None:
    """A writer begins IMMEDIATE and a reader does not, so that a reader never waits for a writer."""
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}")
    begun: list[str] = []

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        begun.append(statement)

    async with writer(engine).begin(), reader(engine).begin() as connection:
        await connection.execute(text("SELECT 1"))
    assert [statement for statement in begun if "PRAGMA" not in statement] == [
        "BEGIN IMMEDIATE",
        "BEGIN",
        "SELECT 1",
    ]
    await engine.dispose()


async def test_sqlite_is_set_up_for_many(tmp_path: Path) -> None:
    """Each connection writes ahead, waits for half a minute, and honours foreign keys."""
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}")
    async with engine.connect() as connection:
        found = [
            (await connection.execute(text(f"PRAGMA {name}"))).scalar()
            for name in ("journal_mode", "busy_timeout", "foreign_keys", "synchronous")
        ]
    assert found == ["wal", 30_000, 1, 2]
    await engine.dispose()


async def test_a_locked_database_is_contention(tmp_path: Path) -> None:
    """Where another writer does not let go in time, the error is the kernel's, and can be tried again."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'x.db'}"
    one, other = make_engine(url), make_engine(url)
    async with other.connect() as connection:
        # Wait a moment only.
        await connection.execute(text("PRAGMA busy_timeout=1"))
        await connection.rollback()
        async with one.begin():
            with pytest.raises(Contention):
                await connection.execute(text("SELECT 1"))
    await one.dispose()
    await other.dispose()


@pytest.mark.postgres
async def test_a_reader_sees_one_snapshot_on_postgresql(postgres_url: str) -> None:
    """What commits after a reader's first look stays unseen, and a reader cannot write."""
    engine = make_engine(postgres_url)
    uow = SqlUnitOfWork(engine)
    async with uow.begin() as tx:
        await tx.connection.execute(text(COUNTER))
    count = text("SELECT count(*) FROM counter")
    async with uow.read() as reading:
        assert (await reading.connection.execute(count)).scalar() == 0
        async with uow.begin() as tx:
            await tx.connection.execute(text("INSERT INTO counter VALUES (1, 1)"))
        assert (await reading.connection.execute(count)).scalar() == 0
    with pytest.raises(DBAPIError, match="read-only"):
        async with uow.read() as reading:
            await reading.connection.execute(text("INSERT INTO counter VALUES (2, 1)"))
    await engine.dispose()


async def test_a_reader_of_sqlite_cannot_write(tmp_path: Path) -> None:
    """A reading transaction refuses to write, and the connection writes again when its part changes."""
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}", pool_size=1, max_overflow=0)
    uow = SqlUnitOfWork(engine)
    async with uow.begin() as tx:
        await tx.connection.execute(text(COUNTER))
    with pytest.raises(DBAPIError, match="readonly"):
        async with uow.read() as reading:
            await reading.connection.execute(text("INSERT INTO counter VALUES (1, 1)"))
    async with uow.begin() as tx:
        await tx.connection.execute(text("INSERT INTO counter VALUES (1, 1)"))
    await engine.dispose()


@pytest.mark.postgres
async def test_a_deadlock_is_contention(postgres_url: str) -> None:
    """Of two writers who wait for each other one goes on, and the other is told to try again."""
    engine = make_engine(postgres_url)
    uow = SqlUnitOfWork(engine)
    async with uow.begin() as tx:
        await tx.connection.execute(text(COUNTER))
        await tx.connection.execute(text("INSERT INTO counter VALUES (1, 0), (2, 0)"))
    both_hold = asyncio.Barrier(2)

    async def work(first: int, second: int) -> None:
        async with uow.begin() as tx:
            await tx.connection.execute(text("SET LOCAL deadlock_timeout = '50ms'"))
            take = text("UPDATE counter SET n = n + 1 WHERE id = :id")
            await tx.connection.execute(take, {"id": first})
            await both_hold.wait()
            await tx.connection.execute(take, {"id": second})

    ends = await asyncio.gather(work(1, 2), work(2, 1), return_exceptions=True)
    assert {type(end) for end in ends} == {type(None), Contention}
    await engine.dispose()


@pytest.mark.postgres
async def test_a_cut_connection_is_unavailable(postgres_url: str) -> None:
    """When the server ends a connection in use, the error says that the database is gone."""
    engine = make_engine(postgres_url)
    uow = SqlUnitOfWork(engine)
    with pytest.raises(Unavailable):
        async with uow.begin() as tx:
            await tx.connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    async with uow.read() as tx:
        assert (await tx.connection.execute(text("SELECT 1"))).scalar() == 1
    await engine.dispose()


async def test_a_database_without_tables_is_to_be_migrated(empty_url: str) -> None:
    """Reading or writing where nothing was migrated is Unavailable, and says which command to run."""
    engine = make_engine(empty_url)
    uow = SqlUnitOfWork(engine)

    async def write() -> None:
        async with uow.begin() as tx:
            await tx.flags.set("live.enabled", True)

    async def read() -> None:
        async with uow.read() as tx:
            await tx.flags.all()

    for work in (write, read):
        with pytest.raises(Unavailable, match="buddy migrate") as caught:
            await work()
        assert "flags" not in str(caught.value)
    await engine.dispose()


@pytest.mark.parametrize("words", ["database is locked", "unable to open database", "no such table"])
async def test_what_a_value_says_is_not_taken_for_the_drivers_words(engine: AsyncEngine, words: str) -> None:
    """A refused value that holds the words of another error is still an invalid value."""
    uow = SqlUnitOfWork(engine)
    with pytest.raises(InvalidValue, match="cannot be stored"):
        async with uow.begin() as tx:
            await insert_rows(tx.connection, flags_table, [{"name": f"{words}\ud800", "is_on": True}])


async def test_a_value_that_a_column_refuses_is_an_invalid_value(engine: AsyncEngine) -> None:
    """The error of a column's type comes out as it was raised, without the statement around it."""
    uow = SqlUnitOfWork(engine)
    with pytest.raises(InvalidValue, match="naive") as caught:
        async with uow.read() as tx:
            await tx.reward_rules.in_force(datetime(2026, 11, 21))  # noqa: DTZ001
    assert "SELECT" not in str(caught.value)


async def test_an_error_rolls_back(engine: AsyncEngine) -> None:
    """What was written before an exception is not there afterwards."""
    uow = SqlUnitOfWork(engine)

    async def fail_after_writing() -> None:
        async with uow.begin() as tx:
            await insert_rows(tx.connection, flags_table, [{"name": "sandbox", "is_on": True}])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_after_writing()
    assert await _flags(uow) == {}


async def test_rows_are_inserted_skipped_updated_and_replaced(engine: AsyncEngine) -> None:
    """The statements that differ between the databases do the same and count the same on both."""
    uow = SqlUnitOfWork(engine)
    on = [{"name": name, "is_on": True} for name in ("a", "b", "c")]
    async with uow.begin() as tx:
        await insert_rows(tx.connection, flags_table, [])
        assert await insert_ignoring(tx.connection, flags_table, []) == 0
        assert await insert_ignoring(tx.connection, flags_table, on[:1], ["name"]) == 1
        assert await insert_ignoring(tx.connection, flags_table, on[:1]) == 0
        assert await insert_ignoring(tx.connection, flags_table, on, ["name"]) == 2
        off = [{"name": name, "is_on": False} for name in ("b", "c", "nowhere")]
        assert await update_rows(tx.connection, flags_table, off, ["name"], ["is_on"]) == 2
        assert await update_rows(tx.connection, flags_table, [], ["name"], ["is_on"]) == 0
        new = [{"name": "c", "is_on": True}, {"name": "d", "is_on": True}]
        await upsert(tx.connection, flags_table, new, ["name"], ["is_on"])
        await upsert(tx.connection, flags_table, [], ["name"], ["is_on"])
    assert await _flags(uow) == {"a": True, "b": False, "c": True, "d": True}


async def test_an_update_can_ask_for_the_old_value(engine: AsyncEngine) -> None:
    """`old_<column>` guards a row: one that has moved on since is not found."""
    uow = SqlUnitOfWork(engine)
    async with uow.begin() as tx:
        await insert_rows(tx.connection, flags_table, [{"name": n, "is_on": True} for n in "ab"])
        moves = [
            {"name": "a", "is_on": False, "old_is_on": True},
            {"name": "b", "is_on": False, "old_is_on": False},
        ]
        assert await update_rows(tx.connection, flags_table, moves, ["name", "old_is_on"], ["is_on"]) == 1
    assert await _flags(uow) == {"a": False, "b": True}


async def test_a_broken_constraint_is_the_error_that_was_named(engine: AsyncEngine) -> None:
    """A clash of keys goes up as a domain error and takes the transaction with it."""
    uow = SqlUnitOfWork(engine)
    row = {"name": "a", "is_on": True}

    async def insert_twice() -> None:
        async with uow.begin() as tx:
            await insert_rows(tx.connection, flags_table, [row])
            with integrity_as(lambda: Contention("flag")):
                await insert_rows(tx.connection, flags_table, [row])

    with pytest.raises(Contention):
        await insert_twice()
    assert await _flags(uow) == {}


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite:///x.db", "postgresql://x/y"])
def test_another_driver_is_refused(url: str) -> None:
    """Only the two drivers that the adapters know are taken, and the error names them."""
    with pytest.raises(InvalidValue, match=r"sqlite\+aiosqlite or postgresql\+asyncpg"):
        make_engine(url)


async def _flags(uow: SqlUnitOfWork) -> dict[str, bool]:
    async with uow.read() as tx:
        rows = await tx.connection.execute(text("SELECT name, is_on FROM flags"))
        return {name: bool(is_on) for name, is_on in rows}


async def test_nothing_of_a_transaction_is_left_when_it_is_over(engine: AsyncEngine) -> None:
    """A service runs for months: what a transaction read by goes with it."""
    of_others = _alive()
    uow = SqlUnitOfWork(engine)
    for _ in range(5):
        async with uow.begin() as tx:
            await tx.titles.get([TitleId(UUID(int=1))])
        async with uow.read() as reading:
            await reading.rights.of_titles([TitleId(UUID(int=1))])
    del tx, reading
    assert [item for item in _alive() if item not in of_others] == []


def _alive() -> list[Direct]:
    gc.collect()
    return [item for item in gc.get_objects() if isinstance(item, Direct)]
