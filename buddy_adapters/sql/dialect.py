"""What SQLite and PostgreSQL say differently: inserts that skip, upserts, row locks and driver errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, Table, any_, bindparam, column, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_core.kernel.errors import BuddyError, Contention, InvalidValue, Unavailable

Row = Mapping[str, Any]

_SERIALIZATION_FAILURE = "40001"
_DEADLOCK = "40P01"
_LOCK_NOT_AVAILABLE = "55P03"
_LOST_TO_ANOTHER_WRITER = {_SERIALIZATION_FAILURE, _DEADLOCK, _LOCK_NOT_AVAILABLE}
_LOCKED_TEXTS = ("database is locked", "database table is locked")
# Classes 08 (connection), 53 (resources) and 57P (shutdown) of PostgreSQL's error codes.
_GONE = ("08", "53", "57P")
_GONE_TEXTS = ("unable to open database", "disk i/o error", "connection is closed", "connection was closed")
# A table that is missing, or one of an older schema; SQLite has no code for either.
_NOT_MIGRATED = {"42P01", "42703"}
_NOT_MIGRATED_TEXTS = ("no such table", "no such column", "has no column named")
_BROKEN_CHECK = "it breaks a rule that the stored data must keep"
_TOO_LARGE = "a number is too large"
_TOO_LONG = "it is too long"
_BAD_TEXT = "a text holds characters that the database does not take"
# What PostgreSQL says of data that it cannot hold. Other errors of class 22 are mistakes of ours.
_UNSTORABLE = {
    "22001": _TOO_LONG,
    "22003": _TOO_LARGE,
    "22021": _BAD_TEXT,
    "22P05": _BAD_TEXT,
    "23514": _BROKEN_CHECK,
    "54000": _TOO_LONG,
}
# asyncpg has one code for all that it cannot send, and SQLite's driver has none.
_UNSTORABLE_TEXTS = {
    "value out of int": _TOO_LARGE,
    "surrogates not allowed": _BAD_TEXT,
    "check constraint failed": _BROKEN_CHECK,
    "string or blob too big": _TOO_LONG,
}


def is_postgresql(connection: AsyncConnection) -> bool:
    """Tell whether the connection leads to PostgreSQL; otherwise it is SQLite."""
    return connection.dialect.name == "postgresql"


def insert(connection: AsyncConnection, table: Table) -> Any:
    """Return the dialect's own INSERT, which knows ON CONFLICT on both databases alike."""
    return postgresql.insert(table) if is_postgresql(connection) else sqlite.insert(table)


async def insert_rows(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows in one statement, compiled once; none for no rows. All rows name the same columns."""
    if rows:
        await connection.execute(table.insert(), [dict(row) for row in rows])


async def insert_ignoring(
    connection: AsyncConnection, table: Table, rows: Sequence[Row], index_elements: Sequence[str] = ()
) -> int:
    """Insert those rows that break no unique key and return how many they were.

    `index_elements` names the columns of the one key whose clash is skipped;
    without it a clash with any key is. The transaction can go on in each case.
    """
    if not rows:
        return 0
    skipping = insert(connection, table).on_conflict_do_nothing(index_elements=list(index_elements) or None)
    if len(rows) == 1:
        return (await connection.execute(skipping, dict(rows[0]))).rowcount
    # A driver counts the rows of many executions only where they are returned.
    counted = skipping.returning(next(iter(table.columns)))
    return len((await connection.execute(counted, [dict(row) for row in rows])).all())


async def upsert(
    connection: AsyncConnection,
    table: Table,
    rows: Sequence[Row],
    index_elements: Sequence[str],
    columns: Sequence[str],
) -> None:
    """Insert rows; where the key exists already, give the stored row the new `columns`."""
    if not rows:
        return
    statement = insert(connection, table)
    new = {name: statement.excluded[name] for name in columns}
    await connection.execute(
        statement.on_conflict_do_update(index_elements=list(index_elements), set_=new),
        [dict(row) for row in rows],
    )


async def update_rows(
    connection: AsyncConnection,
    table: Table,
    rows: Sequence[Row],
    keys: Sequence[str],
    columns: Sequence[str],
) -> int:
    """Give each row named by `keys` its new `columns`, in one statement; return how many were found.

    A row may carry `old_<column>` for a key that is also changed.
    """
    if not rows:
        return 0
    if len(rows) > 1 and is_postgresql(connection):
        return await _update_from_arrays(connection, table, rows, keys, columns)
    statement = (
        update(table)
        .where(
            *(
                table.c[_column(key)] == bindparam(f"key_{key}", type_=table.c[_column(key)].type)
                for key in keys
            )
        )
        .values({name: bindparam(f"new_{name}") for name in columns})
    )
    given = [
        {f"key_{key}": row[key] for key in keys} | {f"new_{name}": row[name] for name in columns}
        for row in rows
    ]
    return (await connection.execute(statement, given)).rowcount


async def _update_from_arrays(
    connection: AsyncConnection,
    table: Table,
    rows: Sequence[Row],
    keys: Sequence[str],
    columns: Sequence[str],
) -> int:
    """Update from one array a column: the statement's text is the same for any number of rows."""
    names = [*keys, *columns]
    arrays = [bindparam(f"all_{name}", type_=ARRAY(table.c[_column(name)].type)) for name in names]
    typed = [column(name, table.c[_column(name)].type) for name in names]
    new = func.unnest(*arrays).table_valued(*typed, name="new").render_derived()
    statement = (
        update(table)
        .where(*(table.c[_column(key)] == new.c[key] for key in keys))
        .values({name: new.c[name] for name in columns})
    )
    return (
        await connection.execute(statement, {f"all_{name}": [row[name] for row in rows] for name in names})
    ).rowcount


def _column(name: str) -> str:
    return name.removeprefix("old_")


def any_of(connection: AsyncConnection, column: Column[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Return the condition that `column` is one of `values`; its text is the same however many they are.

    PostgreSQL plans a statement anew for each text; an IN has one for each number of values.
    """
    if is_postgresql(connection):
        return column == any_(bindparam(None, list(values), type_=ARRAY(column.type), unique=True))
    return column.in_(values)


def among(connection: AsyncConnection, column: Column[Any], values: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that `column` is one of any number of texts: they come as one value.

    A statement of SQLite takes only so many values.
    """
    if is_postgresql(connection):
        return any_of(connection, column, values)
    given = func.json_each(json.dumps(list(values))).table_valued("value")
    return column.in_(select(given.c.value))


def locked(connection: AsyncConnection, query: Select[Any]) -> Select[Any]:
    """Return `query` so that it keeps other writers off its rows until the transaction ends.

    A writing transaction of SQLite has the whole database already.
    """
    return query.with_for_update() if is_postgresql(connection) else query


@contextmanager
def integrity_as(error: Callable[[], BuddyError]) -> Iterator[None]:
    """Turn a broken constraint into a domain error.

    The transaction is lost on PostgreSQL, so the error must go up and roll it
    back; where a step has to go on after a clash, use `insert_ignoring`.
    """
    try:
        yield
    except IntegrityError as broken:
        raise error() from broken


@contextmanager
def driver_errors() -> Iterator[None]:
    """Turn what the drivers raise about writers, connections and data into the kernel's errors.

    Anything else of the driver's is a mistake of ours and passes through.

    Raises:
        Contention: a serialization failure, a deadlock, a lock that was not to be had.
        InvalidValue: the database cannot hold a value, or a CHECK refuses it.
        Unavailable: the database cannot be reached, went away, or lacks tables of ours.
    """
    try:
        yield
    except DBAPIError as error:
        known = domain_error(error)
        if known is None:
            raise
        raise known from error
    except OSError as error:
        # asyncpg lets a refused connection through as it is.
        raise DatabaseUnavailable() from error


def domain_error(error: DBAPIError) -> BuddyError | None:
    """Return the kernel's error for what a driver raised, or None where it is not ours to explain.

    A broken UNIQUE is left to `integrity_as`: only the port knows what it means.
    """
    state = getattr(error.orig, "sqlstate", None) or ""
    text = str(error.orig).lower()
    if state in _LOST_TO_ANOTHER_WRITER or (not state and any(lost in text for lost in _LOCKED_TEXTS)):
        return Contention("rows")
    if error.connection_invalidated or state.startswith(_GONE):
        return DatabaseUnavailable()
    # Words count only where there is no code: what comes with one may quote the data.
    if not state and any(gone in text for gone in _GONE_TEXTS):
        return DatabaseUnavailable()
    if state in _NOT_MIGRATED or (not state and any(lacks in text for lacks in _NOT_MIGRATED_TEXTS)):
        return DatabaseNotMigrated()
    return _unstorable(state, text)


def value_error(error: BaseException) -> InvalidValue | None:
    """Return the error for a value that was refused on its way to the database, or None."""
    if isinstance(error, InvalidValue):
        # One of our column types refused it; a new one, for an error cannot be its own cause.
        return InvalidValue(error.field, error.problem)
    if isinstance(error, UnicodeEncodeError):
        return _cannot_be_stored(_BAD_TEXT)
    if isinstance(error, OverflowError):
        return _cannot_be_stored(_TOO_LARGE)
    return None


def _unstorable(state: str, text: str) -> InvalidValue | None:
    """Return the error for data that the database refused; the driver's own words may quote the data."""
    if state in _UNSTORABLE:
        return _cannot_be_stored(_UNSTORABLE[state])
    for known, why in _UNSTORABLE_TEXTS.items():
        if known in text:
            return _cannot_be_stored(why)
    return None


def _cannot_be_stored(why: str) -> InvalidValue:
    return InvalidValue("value", f"cannot be stored: {why}")


class DatabaseUnavailable(Unavailable):
    """The database does not answer. Try again; if it stays so, see that it runs and can be reached."""

    code = "sql.unavailable"


class DatabaseNotMigrated(DatabaseUnavailable):
    """The database lacks tables or columns of this version. Run `buddy migrate`, then try again."""

    code = "sql.not_migrated"
