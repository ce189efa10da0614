"""Reading rows as they lie there, for `buddy verify`: what cannot be read is a fault, never a failure.

Ordinary reading lets the drivers and column types decode; one bad byte would then
fail a whole query. Here every value is fetched in a form that always arrives, and
is decoded in a second step that is strict: only the form that we write is taken.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Integer,
    LargeBinary,
    Select,
    Table,
    Text,
    case,
    cast,
    func,
    literal_column,
    not_,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import NullType

from buddy_adapters.sql.dialect import is_postgresql
from buddy_adapters.sql.types import CanonicalJson, Id, Instant, json_from_text
from buddy_core.kernel.canonical import instant_from_text, plain
from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.proof import Fault

RawRow = Mapping[Any, Any]
T = TypeVar("T")


class Unreadable(Exception):
    """A stored value is not in the form in which it is written."""


async def raw_rows(
    connection: AsyncConnection,
    table: Table,
    *conditions: ColumnElement[bool],
    order_by: Sequence[ColumnElement[Any]] = (),
) -> list[RawRow]:
    """Return rows with every value in a form that always arrives; `decoded` makes them values."""
    query = _all_as_they_lie(is_postgresql(connection), table)
    query = query.where(*conditions).order_by(*(order_by or table.primary_key.columns))
    async with any_text(connection):
        return list((await connection.execute(query)).mappings())


async def raw_distinct(connection: AsyncConnection, column: Column[Any]) -> list[Any]:
    """Return every value that a column holds, each once, in a form that always arrives."""
    async with any_text(connection):
        query = select(_as_it_lies(is_postgresql(connection), column)).distinct()
        return list((await connection.execute(query)).scalars())


def not_an_id(connection: AsyncConnection, column: Column[Any]) -> ColumnElement[bool]:
    """Return the condition that an id column holds something else; on PostgreSQL that can only be nothing."""
    if is_postgresql(connection):
        return column.is_(None)
    pattern = "-".join("[0-9a-f]" * digits for digits in (8, 4, 4, 4, 12))
    # The length is taken of the bytes: that of a text ends at its first NUL.
    return or_(
        func.typeof(column) != "text",
        func.length(cast(column, LargeBinary)) != 36,
        not_(func.glob(pattern, type_coerce(column, NullType()))),
    )


@asynccontextmanager
async def any_text(connection: AsyncConnection) -> AsyncIterator[None]:
    """Let SQLite hand over text that is not UTF-8; each bad byte becomes a lone surrogate."""
    if is_postgresql(connection):
        yield
        return
    driver: Any = (await connection.get_raw_connection()).driver_connection
    driver.text_factory = _with_surrogates
    try:
        yield
    finally:
        driver.text_factory = str


def decoded(table: Table, row: RawRow) -> dict[str, Any]:
    """Return the values of a raw row.

    Raises:
        Unreadable: a value is not in its column's one form.
    """
    return {column.name: decoded_value(column, row[column.name]) for column in table.c}


def decoded_value(column: Column[Any], value: Any) -> Any:
    """Return one raw value as what its column holds.

    Raises:
        Unreadable: it is not in the column's one form.
    """
    if value is None:
        if column.nullable:
            return None
        raise Unreadable(f"{column.name} is empty")
    try:
        kind: Any = type(column.type)
        return _reader(kind)(value)
    except (BuddyError, ValueError, TypeError, RecursionError) as error:
        shown = str(error).encode("ascii", "backslashreplace").decode()
        raise Unreadable(f"{column.name} cannot be read: {shown}") from error


def rebuilt(
    table: Table,
    row: RawRow,
    build: Callable[[Mapping[str, Any]], T],
    to_row: Callable[[T], Mapping[str, Any]],
) -> T:
    """Return the object of a raw row, if writing it again would give this very row.

    A stored hash is left out of the comparison: whether it fits is asked by the rules.

    Raises:
        Unreadable: a value cannot be read, fits no object, or would be written otherwise.
    """
    values = decoded(table, row)
    try:
        made = build(values)
        again = plain(dict(to_row(made)))
    except (BuddyError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
        raise Unreadable(f"it fits no value: {error}") from error
    for name, value in plain(values).items():
        if name != "hash" and name in again and again[name] != value:
            raise Unreadable(f"{name} is not in the form in which it is written")
    return made


def fault(table: Table, row: RawRow, problem: object) -> Fault:
    """Name a row by its primary key, whatever lies in it."""
    key = " ".join(_shown(row[column.name]) for column in table.primary_key.columns)
    return Fault(table.name, key, str(problem))


def readable(
    table: Table, rows: Sequence[RawRow], read: Callable[[RawRow], T]
) -> tuple[list[T], list[RawRow], list[Fault]]:
    """Read each row; return what was read, the row of each, and the faults of the others."""
    made: list[T] = []
    kept: list[RawRow] = []
    faults: list[Fault] = []
    for row in rows:
        try:
            made.append(read(row))
        except Unreadable as problem:
            faults.append(fault(table, row, f"altered: {problem}"))
        else:
            kept.append(row)
    return made, kept, faults


@cache
def _all_as_they_lie(on_postgresql: bool, table: Table) -> Select[Any]:
    return select(*(_as_it_lies(on_postgresql, column) for column in table.c))


def _as_it_lies(on_postgresql: bool, column: Column[Any]) -> ColumnElement[Any]:
    if isinstance(column.type, Instant) and on_postgresql:
        # Outside these years the driver cannot decode, and to_char leaves out the era.
        common = column.between(
            literal_column("'0001-01-01T00:00:00Z'::timestamptz"),
            literal_column("'9999-12-31T23:59:59.999999Z'::timestamptz"),
        )
        utc = func.timezone("UTC", column, type_=NullType())
        text = func.to_char(utc, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"', type_=Text())
        return case((common, text), else_=cast(column, Text)).label(column.name)
    return type_coerce(column, NullType()).label(column.name)


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    return next((read for of_type, read in _READERS if issubclass(kind, of_type)), _text)


def _uuid(value: Any) -> UUID:
    if isinstance(value, UUID):
        return value
    found = UUID(_text(value))
    if str(found) != value:
        raise ValueError(f"{value!r} is not a UUID in canonical form")
    return found


def _boolean(value: Any) -> bool:
    if isinstance(value, bool) or (isinstance(value, int) and value in (0, 1)):
        return bool(value)
    raise ValueError(f"{value!r} is neither true nor false")


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is not a whole number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text")
    value.encode()
    return value


def _bytes(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError(f"{value!r} is not bytes")
    return value


def _json(value: Any) -> Any:
    return json_from_text(_text(value))


_READERS: tuple[tuple[type[Any], Callable[[Any], Any]], ...] = (
    (Id, _uuid),
    (Instant, instant_from_text),
    (CanonicalJson, _json),
    (Boolean, _boolean),
    (Integer, _integer),
    (LargeBinary, _bytes),
)


def _with_surrogates(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _shown(value: Any) -> str:
    return str(value).encode("ascii", "backslashreplace").decode()
