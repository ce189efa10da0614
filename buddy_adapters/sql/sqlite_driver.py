"""SQLite's driver with one call to its thread for each statement.

aiosqlite keeps a thread for each connection, and SQLAlchemy calls it four times a statement:
to make a cursor, execute, fetch and close. Each call costs more than most of our statements do.
Here the four are one.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import aiosqlite
from attrs import frozen
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
)

Execute = Callable[[sqlite3.Cursor], object]


@frozen
class _Done:
    """What is left of a cursor once its statement has run."""

    rows: Sequence[Any] = ()
    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    """Holds all rows of its statement; SQLite's own cursor is closed before it answers."""

    __slots__ = ("_done", "arraysize")

    def __init__(self, adapt_connection: AsyncAdapt_aiosqlite_connection) -> None:
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection
        self._rows = deque()
        self._done = _Done()
        self.arraysize = 1

    @property
    def description(self) -> Any:
        return self._done.description

    @property
    def rowcount(self) -> int:
        return self._done.rowcount

    @property
    def lastrowid(self) -> Any:
        return self._done.lastrowid

    async def _execute_async(self, operation: Any, parameters: Any) -> None:
        await self._run(lambda cursor: cursor.execute(operation, parameters or ()))

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> None:
        await self._run(lambda cursor: cursor.executemany(operation, seq_of_parameters))

    async def _run(self, execute: Execute) -> None:
        connection: Any = self._connection
        async with self._adapt_connection._execute_mutex:
            self._done = await connection._execute(_run, connection._conn, execute)
        self._rows = deque(self._done.rows)

    async def _async_soft_close(self) -> None:
        """Do nothing: SQLite's cursor is closed already."""

    def close(self) -> None:
        """Forget the rows that nobody has fetched."""
        self._rows.clear()


class _Connection(AsyncAdapt_aiosqlite_connection):
    __slots__ = ()

    _cursor_cls = _Cursor  # type: ignore[assignment]


class SqliteDriver(AsyncAdapt_aiosqlite_dbapi):
    """What `create_async_engine` takes as `module`."""

    def __init__(self) -> None:
        super().__init__(aiosqlite, sqlite3)

    def connect(self, *args: Any, **more: Any) -> AsyncAdapt_aiosqlite_connection:
        """Return a new connection, whose statements are one call each."""
        return _Connection(self, super().connect(*args, **more)._connection)


def _run(connection: sqlite3.Connection, execute: Execute) -> _Done:
    """Run a statement to its end, in the connection's thread."""
    with closing(connection.cursor()) as cursor:
        execute(cursor)
        rows = cursor.fetchall() if cursor.description else ()
        return _Done(rows, cursor.description, cursor.rowcount, cursor.lastrowid)
