"""The driver itself under a transaction of PostgreSQL, for the statements that run at every spend and play.

SQLAlchemy makes a statement's cache key, looks up its text and wraps each row; for a statement
of a fixed text that is more work than asking it. These go to asyncpg as they are, in the
transaction that SQLAlchemy began and will end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary, ref

from asyncpg import InterfaceError, PostgresError
from sqlalchemy import Select, Table
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import value_error

DIALECT: Any = asyncpg.dialect()  # type: ignore[no-untyped-call]
_BROKEN_KEY = ("23505", "23P01")
"""A unique key is taken, or a row excludes another; other classes are for `domain_error` to name."""


def text_of(query: Select[Any]) -> str:
    """Return a query as text for `Direct.rows`; its parameters are given in the order in which they stand."""
    return str(query.compile(dialect=DIALECT))


class Direct:
    """Statements straight to the driver; it lives as long as its transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        # Weakly: `_OPEN` would keep a connection for ever whose `Direct` kept it.
        self._of = ref(connection)
        self._driver: Any = None

    @property
    def _connection(self) -> AsyncConnection:
        connection = self._of()
        assert connection is not None, "the transaction that this belongs to is over"
        return connection

    async def rows(self, text: str, *given: Any) -> Sequence[Any]:
        """Return the rows of a query with `$1`, `$2`, ...; each has its columns by place.

        Raises:
            IntegrityError, DBAPIError: as SQLAlchemy raises them.
        """
        if self._driver is None:
            # The first one goes the long way: SQLAlchemy begins the transaction with it.
            found = (await self._connection.exec_driver_sql(text, given)).all()
            self._driver = (await self._connection.get_raw_connection()).driver_connection
            return found
        with _as_sqlalchemy(text):
            rows: Sequence[Any] = await self._driver.fetch(text, *given)
            return rows

    async def mapped(self, table: Table, text: str, *given: Any) -> list[Mapping[str, Any]]:
        """Return rows that have every column of a table in its order, each value by its column's name.

        Values are the driver's own: JSON is still text.

        Raises:
            IntegrityError, DBAPIError: as SQLAlchemy raises them.
        """
        names = table.c.keys()
        return [dict(zip(names, row, strict=True)) for row in await self.rows(text, *given)]


_OPEN: WeakKeyDictionary[AsyncConnection, Direct] = WeakKeyDictionary()


def direct_on(connection: AsyncConnection) -> Direct:
    """Return the one `Direct` of a transaction: whoever asks first has it go the long way for all."""
    found = _OPEN.get(connection)
    if found is None:
        found = _OPEN[connection] = Direct(connection)
    return found


@contextmanager
def _as_sqlalchemy(text: str) -> Iterator[None]:
    try:
        yield
    except (PostgresError, InterfaceError) as error:
        state = getattr(error, "sqlstate", None)
        kind = IntegrityError if state in _BROKEN_KEY else DBAPIError
        raise kind(text, None, error) from error
    except (OverflowError, UnicodeError) as error:
        raise value_error(error) or error from error
