"""What a transaction is going to write, kept until it has to be there.

A transaction that writes many small things pays for each trip to the database. What is
handed in here goes out together: before something is read back, and at the commit. A few
rows are one statement on PostgreSQL; many go by COPY and by arrays, SQLite takes them by
`executemany`. A clash with another writer therefore shows when the rows go out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from attrs import field, frozen
from sqlalchemy import Column, Dialect, String, Table
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import Row, is_postgresql
from buddy_adapters.sql.direct import DIALECT, Direct
from buddy_core.kernel.errors import BuddyError

FEW = 16
"""Up to so many rows go out in one statement; more are quicker by one statement a table."""

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
        self.direct = Direct(connection)
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
            given = _records(dialect, change.bound, change.rows)
            done = await self._connection.exec_driver_sql(_sqlite_update(change.shape), given)
            if done.rowcount != len(change.rows):
                raise change.clash()
        for new in inserts:
            with _clashing(new.clash):
                records = _records(dialect, _every(new.table), new.rows)
                await self._connection.exec_driver_sql(_sqlite_insert(new.table), records)

    async def _send_in_bulk(self, updates: Sequence[_Updates], inserts: Sequence[_Inserts]) -> None:
        dialect = self._connection.dialect
        for change in updates:
            arrays = zip(*_records(dialect, change.bound, change.rows), strict=True)
            [(found,)] = await self.direct.rows(_bulk_update(change.shape), *map(list, arrays))
            if found != len(change.rows):
                raise change.clash()
        for new in inserts:
            with _clashing(new.clash):
                await self.direct.copy(new.table, _records(dialect, _every(new.table), new.rows))

    async def _send_together(self, updates: Sequence[_Updates], inserts: Sequence[_Inserts]) -> None:
        """Send all in one statement; its parts do not see each other, and each is checked by its count."""
        text = _Together(self._connection.dialect)
        for change in updates:
            for row in change.rows:
                text.update(change, row)
        for new in inserts:
            text.insert(new)
        # Whose key it was is in the error's text alone; that somebody was first is what matters.
        with _clashing(inserts[0].clash if inserts else updates[0].clash):
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
def _clashing(clash: Clash) -> Iterator[None]:
    """Turn a key that is taken into what `clash` says; the transaction is lost."""
    try:
        yield
    except IntegrityError as broken:
        raise clash() from broken


def _pairs(names: Iterable[str], places: Iterable[str], between: str) -> str:
    return between.join(f"{name} = {place}" for name, place in zip(names, places, strict=False))


def _column_name(key: str) -> str:
    return key.removeprefix("old_")


@cache
def _every(table: Table) -> Sequence[tuple[str, Column[Any]]]:
    return [(column.name, column) for column in table.c]


def _records(
    dialect: Dialect, columns: Sequence[tuple[str, Column[Any]]], rows: Sequence[Row]
) -> list[tuple[Any, ...]]:
    """Return the rows as the driver takes them, each in the order of `columns`."""
    binders = [(name, _binder(column, dialect)) for name, column in columns]
    return [tuple([row[name] if bind is None else bind(row[name]) for name, bind in binders]) for row in rows]


_BINDERS: dict[tuple[str, Column[Any]], Binder] = {}


def _binder(column: Column[Any], dialect: Dialect) -> Binder:
    """Return what turns a value into the driver's, or None where nothing does; looked up once a column."""
    key = dialect.name, column
    if key not in _BINDERS:
        _BINDERS[key] = column.type.dialect_impl(dialect).bind_processor(dialect)
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
def _bulk_update(shape: Shape) -> str:
    """Return an update from one array a column: its text is the same for any number of rows."""
    table, keys, columns = shape
    names = [*columns, *keys]
    types = [_element_type(table.c[_column_name(name)]) for name in names]
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(types, 1))
    new = ", ".join(f"{name} = new.{name}" for name in columns)
    which = " AND ".join(f"{table.name}.{_column_name(key)} = new.{key}" for key in keys)
    return (
        f"WITH done AS (UPDATE {table.name} SET {new} FROM unnest({arrays}) AS new ({', '.join(names)}) "
        f"WHERE {which} RETURNING 1) SELECT count(*) FROM done"
    )
