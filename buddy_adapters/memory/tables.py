"""Tables in memory whose writes can be undone, and whose snapshots cost nothing until somebody writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class TableName(Generic[K, V]):
    """Names a table and says what its keys and rows are; each port's file declares its own."""

    def __init__(self, name: str) -> None:
        self.name = name


class Table(Generic[K, V]):
    """Rows by key. Rows are never None and never altered, only replaced.

    The journal keeps, for each key written since the last commit, the row that
    stood there before.
    """

    def __init__(self, rows: dict[K, V] | None = None, *, is_read_only: bool = False) -> None:
        self._rows: dict[K, V] = {} if rows is None else rows
        self._is_read_only = is_read_only
        self._is_shared = False
        self._journal: dict[K, V | None] = {}

    def __contains__(self, key: K) -> bool:
        return key in self._rows

    def __iter__(self) -> Iterator[K]:
        return iter(self._rows)

    def get(self, key: K) -> V | None:
        """Return the row of a key, or None."""
        return self._rows.get(key)

    def found(self, keys: Iterable[K]) -> dict[K, V]:
        """Return the rows that exist among `keys`."""
        return {key: self._rows[key] for key in keys if key in self._rows}

    def rows(self) -> list[V]:
        """Return all rows, in no order that may be relied on."""
        return list(self._rows.values())

    def put(self, key: K, row: V) -> None:
        """Store a row, replacing the one that was there."""
        self._remember(key)
        self._rows[key] = row

    def add(self, key: K, row: V) -> bool:
        """Store a row unless its key is taken; tell whether it was stored."""
        if key in self._rows:
            return False
        self.put(key, row)
        return True

    def drop(self, key: K) -> None:
        """Remove a row that exists."""
        self._remember(key)
        del self._rows[key]

    def commit(self) -> None:
        """Forget the journal: what was written stays."""
        self._journal.clear()

    def rollback(self) -> None:
        """Put back what stood there at the last commit."""
        _undo(self._rows, self._journal)
        self._journal.clear()

    def snapshot(self) -> Table[K, V]:
        """Return a read-only table of what is committed; later writes do not show in it."""
        if self._journal:
            rows = dict(self._rows)
            _undo(rows, self._journal)
            return Table(rows, is_read_only=True)
        self._is_shared = True
        return Table(self._rows, is_read_only=True)

    def _remember(self, key: K) -> None:
        if self._is_read_only:
            raise RuntimeError("this transaction only reads; open one with begin() to write")
        if self._is_shared:
            self._rows = dict(self._rows)
            self._is_shared = False
        if key not in self._journal:
            self._journal[key] = self._rows.get(key)


class Tables:
    """All tables of one store, made when they are first asked for."""

    def __init__(self, *, is_read_only: bool = False) -> None:
        self._is_read_only = is_read_only
        self._tables: dict[TableName[Any, Any], Table[Any, Any]] = {}

    def __getitem__(self, name: TableName[K, V]) -> Table[K, V]:
        table = self._tables.get(name)
        if table is None:
            table = self._tables[name] = Table(is_read_only=self._is_read_only)
        return table

    def commit(self) -> None:
        """Keep what was written since the last commit."""
        for table in self._tables.values():
            table.commit()

    def rollback(self) -> None:
        """Undo what was written since the last commit."""
        for table in self._tables.values():
            table.rollback()

    def snapshot(self) -> Tables:
        """Return read-only tables of what is committed."""
        copy = Tables(is_read_only=True)
        copy._tables = {name: table.snapshot() for name, table in self._tables.items()}
        return copy


def _undo(rows: dict[K, V], journal: dict[K, V | None]) -> None:
    for key, before in journal.items():
        if before is None:
            rows.pop(key, None)
        else:
            rows[key] = before
