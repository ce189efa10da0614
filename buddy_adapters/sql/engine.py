"""Engines for SQLite and PostgreSQL, set up so that no update is lost and no driver error gets out."""

from __future__ import annotations

import sqlite3
from typing import Any, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from buddy_adapters.group_commit import GroupCommit, Work
from buddy_adapters.sql.dialect import domain_error, value_error
from buddy_adapters.sql.sqlite_driver import SqliteDriver
from buddy_core.kernel.errors import InvalidValue

BUSY_TIMEOUT_MS = 30_000
POOL_SIZE = 10
POOL_OVERFLOW = 10
POOL_TIMEOUT_S = 30

_READS = "buddy_reads"
C = TypeVar("C")
R = TypeVar("R")


def make_engine(
    url: str | URL, *, pool_size: int = POOL_SIZE, max_overflow: int = POOL_OVERFLOW
) -> AsyncEngine:
    """Return an engine for `sqlite+aiosqlite` or `postgresql+asyncpg`.

    It belongs to the event loop that first uses it, and is disposed of there.

    Raises:
        InvalidValue: the URL names another database or driver.
    """
    parsed = make_url(url)
    if parsed.drivername == "sqlite+aiosqlite":
        engine = _sqlite(parsed, pool_size, max_overflow)
    elif parsed.drivername == "postgresql+asyncpg":
        engine = _postgresql(parsed, pool_size, max_overflow)
    else:
        raise InvalidValue(
            "database url",
            f"{parsed.drivername!r} is not supported; begin it with sqlite+aiosqlite or postgresql+asyncpg",
        )
    event.listen(engine.sync_engine, "handle_error", _to_domain)
    return engine


def group_commit_on(engine: AsyncEngine, work: Work[C, R], **limits: int) -> GroupCommit[C, R]:
    """Return a queue before a batch handler that suits the database; `limits` are its other arguments.

    Three lanes keep PostgreSQL and ourselves at work at once. SQLite has one writer, so one
    lane takes whoever has come meanwhile.
    """
    lanes, most_in_batch = (3, 64) if engine.dialect.name == "postgresql" else (1, 256)
    return GroupCommit(work, **{"lanes": lanes, "most_in_batch": most_in_batch, **limits})


def writer(engine: AsyncEngine) -> AsyncEngine:
    """Return the engine for transactions that write: READ COMMITTED with row locks, or BEGIN IMMEDIATE."""
    return engine


def reader(engine: AsyncEngine) -> AsyncEngine:
    """Return the engine for transactions that only read, each on one snapshot; it shares the pool."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine.execution_options(**{_READS: True})


def _postgresql(url: URL, pool_size: int, max_overflow: int) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_timeout=POOL_TIMEOUT_S,
        isolation_level="READ COMMITTED",
        hide_parameters=True,
        # Plans made while a table was empty would be kept for as long as a connection lives; and compiling
        # a plan takes longer than any of our statements runs.
        # Our queries ask for few rows by key, which lie in memory: the price of a disk that turns would have
        # a table of ten thousand rows read whole for sixty of them.
        connect_args={
            "server_settings": {
                "plan_cache_mode": "force_custom_plan",
                "jit": "off",
                "random_page_cost": "1.1",
            }
        },
    )


def _sqlite(url: URL, pool_size: int, max_overflow: int) -> AsyncEngine:
    # The driver must not open transactions by itself: it would begin them deferred, and two that read
    # before they write end in "database is locked" or in a lost update.
    connect_args: dict[str, Any] = {
        "isolation_level": None,
        "timeout": BUSY_TIMEOUT_MS / 1000,
        "factory": _LettingGo,
    }
    pool: dict[str, Any] = {"pool_size": pool_size, "max_overflow": max_overflow}
    if url.database in (None, "", ":memory:"):
        # All connections to a database in memory are one connection; its pool has no size.
        pool = {}
    engine = create_async_engine(
        url, module=SqliteDriver(), connect_args=connect_args, hide_parameters=True, **pool
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


class _LettingGo(sqlite3.Connection):
    """Ends its transaction when it is closed.

    A request that is cancelled leaves a cursor behind in its traceback; SQLite keeps a closed
    connection, and its lock on the database, for as long as that lives.
    """

    def close(self) -> None:
        if self.in_transaction:
            self.rollback()
        super().close()


def _prepare_sqlite(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    # `synchronous` stays FULL: a commit that was answered survives a power cut too.
    for pragma in ("journal_mode=WAL", f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    reads = bool(connection.get_execution_options().get(_READS, False))
    # SQLite has no read-only transactions; a pooled connection is told when its part changes.
    if connection.info.get(_READS, False) is not reads:
        connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reads else 'OFF'}")
        connection.info[_READS] = reads
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _to_domain(context: ExceptionContext) -> BaseException | None:
    error = context.sqlalchemy_exception
    if isinstance(error, DBAPIError):
        return domain_error(error)
    # Nothing was sent yet: SQLAlchemy or the driver could not turn a value into what the database takes.
    return value_error(context.original_exception)
