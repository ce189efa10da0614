"""What a transaction is going to write, kept until it has to be there.

A transaction that writes many small things pays for each trip to the database. What is
handed in here goes out together: before something is read back, and at the commit. On
PostgreSQL all is one statement: a few rows stand in it, many come as one array a column, so
that its text is the same for any number of them. SQLite takes them by `executemany`. A clash
with another writer therefore shows when the rows go out.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from attrs import field, frozen
from sqlalchemy import Boolean, Column, Dialect, LargeBinary, String, Table
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import Row, is_postgresql
from buddy_adapters.sql.direct import DIALECT, direct_on
from buddy_core.kernel.errors import BuddyError

FEW = 16
"""Up to so many rows stand in the statement themselves; more are quicker by arrays."""

Clash = Callable[[], BuddyError]
Binder = Callable[[Any], Any] | None
Shape = tuple[Table, tuple[str, ...], tuple[str, ...]]
"""A table, the names of the keys and those of the new columns."""


@frozen
class _Inserts:
    table: Table
    clash: Clash
    rows: list[Row] = field(factory=list)


@frozen
class _Updates:
    table: Table
    clash: Clash
    rows: Sequence[Row]
    keys: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def shape(self) -> Shape:
        """What decides the statement's text."""
        return self.table, self.keys, self.columns

    @property
    def bound(self) -> list[tuple[str, Column[Any]]]:
        """The values of a row in the order in which they are given: the new ones, then the keys."""
        return [(name, self.table.c[_column_name(name)]) for name in (*self.columns, *self.keys)]


class Writes:
    """The rows of one transaction that were handed in and have not gone out; it lives as long as that."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.direct = direct_on(connection)
        """For those who read in the same transaction; on PostgreSQL only."""
        self._connection = connection
        self._inserts: dict[str, _Inserts] = {}
        self._updates: list[_Updates] = []

    def insert(self, table: Table, rows: Iterable[Row], clash: Clash) -> None:
        """Insert rows that all name every column of the table; `clash` is raised where a key is taken."""
        kept = self._inserts.get(table.name) or _Inserts(table, clash)
        kept.rows.extend(rows)
        if kept.rows:
            self._inserts[table.name] = kept

    def update(
        self, table: Table, rows: Sequence[Row], keys: Sequence[str], columns: Sequence[str], clash: Clash
    ) -> None:
        """Give each row named by `keys` its new `columns`; `clash` is raised where one is not found.

        A row may carry `old_<column>` for a key that is also changed. No row is named twice
        before a flush: which of two changes came last would be lost.
        """
        if rows:
            self._updates.append(_Updates(table, clash, rows, tuple(keys), tuple(columns)))

    @property
    def is_pending(self) -> bool:
        """Tell whether something has not gone out yet."""
        return bool(self._inserts or self._updates)

    async def flush(self) -> None:
        """Send everything, the updates first: who has lost a race learns it before the rest is sent."""
        if not self.is_pending:
            return
        updates, self._updates = self._updates, []
        inserts, self._inserts = list(self._inserts.values()), {}
        rows = sum(len(item.rows) for item in updates) + sum(len(item.rows) for item in inserts)
        if not is_postgresql(self._connection):
            await self._send_to_sqlite(updates, inserts)
        elif rows <= FEW:
            await self._send_together(updates, inserts)
        else:
            await self._send_in_bulk(updates, inserts)

    async def _send_to_sqlite(self, updates: Sequence[_Updates], inserts: Sequence[_Inserts]) -> None:
        dialect = self._connection.dialect
        for change in updates:
            given = list(zip(*_arrays(dialect, change.bound, change.rows), strict=True))
            done = await self._connection.exec_driver_sql(_sqlite_update(change.shape), given)
            if done.rowcount != len(change.rows):
                raise change.clash()
        for new in inserts:
            with _clashing([new]):
                given = list(zip(*_arrays(dialect, _every(new.table), new.rows), strict=True))
                await self._connection.exec_driver_sql(_sqlite_insert(new.table), given)

    async def _send_in_bulk(self, updates: Sequence[_Updates], inserts: Sequence[_Inserts]) -> None:
        dialect = self._connection.dialect
        given: list[Sequence[Any]] = []
        for change in updates:
            given += _arrays(dialect, change.bound, change.rows)
        for new in inserts:
            given += _arrays(dialect, _every(new.table), new.rows)
        text = _in_bulk(tuple(item.shape for item in updates), tuple(item.table for item in inserts))
        with _clashing([*inserts, *updates]):
            [found] = await self.direct.rows(text, *given)
        for count, change in zip(found, updates, strict=False):
            if count != len(change.rows):
                raise change.clash()

    async def _send_together(self, updates: Sequence[_Updates], inserts: Sequence[_Inserts]) -> None:
        """Send all in one statement; its parts do not see each other, and each is checked by its count."""
        text = _Together(self._connection.dialect)
        for change in updates:
            for row in change.rows:
                text.update(change, row)
        for new in inserts:
            text.insert(new)
        with _clashing([*inserts, *updates]):
            [found] = await self.direct.rows(text.text(), *text.given)
        counts = iter(found)
        for change in updates:
            if sum(next(counts) for _ in change.rows) != len(change.rows):
                raise change.clash()


class _Together:
    """One statement of many parts, with its parameters in order."""

    def __init__(self, dialect: Dialect) -> None:
        self.given: list[Any] = []
        self._dialect = dialect
        self._parts: list[str] = []
        self._counts: list[str] = []

    def update(self, change: _Updates, row: Row) -> None:
        """Add the change of one row."""
        places = [self._bound(column, row[name]) for name, column in change.bound]
        new = _pairs(change.columns, places, ", ")
        which = _pairs(map(_column_name, change.keys), places[len(change.columns) :], " AND ")
        part = f"part_{len(self._parts)}"
        self._parts.append(f"{part} AS (UPDATE {change.table.name} SET {new} WHERE {which} RETURNING 1)")
        self._counts.append(f"(SELECT count(*) FROM {part})")

    def insert(self, new: _Inserts) -> None:
        """Add the new rows of a table."""
        columns = _every(new.table)
        rows = ", ".join(
            f"({', '.join(self._bound(column, row[name]) for name, column in columns)})" for row in new.rows
        )
        names = ", ".join(name for name, _ in columns)
        part = f"part_{len(self._parts)}"
        self._parts.append(f"{part} AS (INSERT INTO {new.table.name} ({names}) VALUES {rows})")

    def text(self) -> str:
        """Return the statement; it answers how many rows each update found."""
        return f"WITH {', '.join(self._parts)} SELECT {', '.join(self._counts) or '1'}"

    def _bound(self, column: Column[Any], value: Any) -> str:
        bind = _binder(column, self._dialect)
        self.given.append(value if bind is None else bind(value))
        # No type is named: PostgreSQL takes the column's, and a cast would cut a text that is too long.
        return f"${len(self.given)}"


@contextmanager
def _clashing(parts: Sequence[_Inserts | _Updates]) -> Iterator[None]:
    """Turn a key that is taken into what the `clash` of its table says; the transaction is lost."""
    try:
        yield
    except IntegrityError as broken:
        table = getattr(broken.orig, "table_name", None)
        named = [part.clash for part in parts if part.table.name == table]
        # SQLAlchemy does not say whose key it was; that somebody was first is what matters.
        raise (named or [part.clash for part in parts])[0]() from broken


def _pairs(names: Iterable[str], places: Iterable[str], between: str) -> str:
    return between.join(f"{name} = {place}" for name, place in zip(names, places, strict=False))


def _column_name(key: str) -> str:
    return key.removeprefix("old_")


@cache
def _every(table: Table) -> Sequence[tuple[str, Column[Any]]]:
    return [(column.name, column) for column in table.c]


def _arrays(
    dialect: Dialect, columns: Sequence[tuple[str, Column[Any]]], rows: Sequence[Row]
) -> list[list[Any]]:
    """Return the values of each column, in the order of `columns`, as the driver takes them."""
    arrays: list[list[Any]] = []
    for name, column in columns:
        bind = _binder(column, dialect)
        arrays.append([row[name] for row in rows] if bind is None else [bind(row[name]) for row in rows])
    return arrays


_BINDERS: dict[tuple[str, Column[Any]], Binder] = {}


def _binder(column: Column[Any], dialect: Dialect) -> Binder:
    """Return what turns a value into the driver's, or None where nothing does; looked up once a column."""
    key = dialect.name, column
    if key not in _BINDERS:
        # The drivers take bytes and truth as they are.
        as_it_is = isinstance(column.type, LargeBinary | Boolean)
        _BINDERS[key] = None if as_it_is else column.type.dialect_impl(dialect).bind_processor(dialect)
    return _BINDERS[key]


@cache
def _sqlite_insert(table: Table) -> str:
    names = ", ".join(column.name for column in table.c)
    return f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' * len(table.c))})"


@cache
def _sqlite_update(shape: Shape) -> str:
    table, keys, columns = shape
    new = _pairs(columns, "?" * len(columns), ", ")
    which = _pairs(map(_column_name, keys), "?" * len(keys), " AND ")
    return f"UPDATE {table.name} SET {new} WHERE {which}"


def _element_type(column: Column[Any]) -> str:
    # Never one with a length: a text that is too long must be refused by the column, not cut by a cast.
    impl = column.type.dialect_impl(DIALECT)
    return "TEXT" if isinstance(impl, String) else str(DIALECT.type_compiler_instance.process(impl))


@cache
def _in_bulk(updates: Sequence[Shape], inserts: Sequence[Table]) -> str:
    """Return the statement that takes one array a column; it answers how many rows each update found."""
    numbers = itertools.count(1)
    parts, counts = [], []

    def arrays(columns: Iterable[Column[Any]]) -> str:
        return ", ".join(f"${next(numbers)}::{_element_type(column)}[]" for column in columns)

    for place, (table, keys, columns) in enumerate(updates):
        names = [*columns, *keys]
        given = arrays(table.c[_column_name(name)] for name in names)
        new = ", ".join(f"{name} = new.{name}" for name in columns)
        which = " AND ".join(f"{table.name}.{_column_name(key)} = new.{key}" for key in keys)
        parts.append(
            f"changed_{place} AS (UPDATE {table.name} SET {new} FROM unnest({given}) "
            f"AS new ({', '.join(names)}) WHERE {which} RETURNING 1)"
        )
        counts.append(f"(SELECT count(*) FROM changed_{place})")
    for place, table in enumerate(inserts):
        names = [column.name for column in table.c]
        parts.append(
            f"new_{place} AS (INSERT INTO {table.name} ({', '.join(names)}) "
            f"SELECT * FROM unnest({arrays(table.c)}))"
        )
    return f"WITH {', '.join(parts)} SELECT {', '.join(counts) or '1'}"
