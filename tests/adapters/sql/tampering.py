"""Tables without constraints and triggers, and the ways in which one value of them can be changed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from attrs import frozen
from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    Uuid,
    literal_column,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import NullType, TypeEngine

from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.types import CanonicalJson, Id, Instant
from buddy_adapters.sql.unit_of_work import SqlTx
from buddy_core.flows import verify
from buddy_core.kernel.canonical import instant_text
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.proof import Fault
from buddy_web.reference import SELLER_ROUTES

OTHER_ID = UUID("0190f0f0-0000-7000-8000-00000000abcd")


@frozen
class OneConnection:
    """A unit of work that reads inside one open transaction, so that what is not committed is checked."""

    connection: AsyncConnection

    @asynccontextmanager
    async def read(self) -> Any:
        yield SqlTx(self.connection)

    begin = read


async def faults_of(connection: AsyncConnection) -> tuple[Fault, ...]:
    """Verify what the transaction sees."""
    report = await verify(uow=OneConnection(connection), routes=SELLER_ROUTES)
    return report.faults


async def strip(connection: AsyncConnection, tables: Sequence[str]) -> None:
    """Put a table without keys, checks, defaults and triggers in the place of each.

    What is found then is found by verify alone, as against somebody who may alter the schema.
    """
    for name in tables:
        table = metadata.tables[name]
        bare = Table(name, MetaData(), *(Column(column.name, column.type) for column in table.c))
        await connection.execute(text(f"ALTER TABLE {name} RENAME TO old_{name}"))
        await connection.run_sync(bare.create)
        await connection.execute(text(f"INSERT INTO {name} SELECT * FROM old_{name}"))


def as_stored(name: str, dialect: str) -> Table:
    """Return a table whose values go to and fro as the driver has them, in whatever form they lie there."""
    return Table(
        name,
        MetaData(),
        *(Column(column.name, _raw_type(column.type, dialect)) for column in metadata.tables[name].c),
    )


def place(dialect: str) -> Any:
    """Return the column that tells rows apart without a key."""
    return literal_column("rowid" if dialect == "sqlite" else "CAST(ctid AS text)")


async def rows_of(connection: AsyncConnection, table: Table) -> list[dict[str, Any]]:
    """Return every row as it lies there, with its place under `place`."""
    query = select(place(connection.dialect.name).label("place"), table)
    return [dict(row) for row in (await connection.execute(query)).mappings()]


def other_values(column: Column[Any], value: Any, dialect: str, chance: random.Random) -> Iterator[Any]:
    """Return what could stand there instead of `value`: near it, far from it, and the same said otherwise."""
    if value is not None:
        yield None
    kind = column.type
    if isinstance(kind, Boolean):
        yield from _booleans(value, dialect)
    elif isinstance(kind, Integer):
        yield from _integers(value, dialect)
    elif isinstance(kind, LargeBinary):
        yield from _binaries(value, dialect, chance)
    elif isinstance(kind, Id) and dialect == "postgresql":
        yield OTHER_ID
        if value is not None:
            yield UUID(int=value.int ^ 1 << chance.randrange(128))
    elif isinstance(kind, Instant) and dialect == "postgresql":
        yield from _instants(value)
    else:
        yield from _texts(kind, value, dialect, chance)


async def change(
    connection: AsyncConnection, table: Table, row: dict[str, Any], column: Column[Any], value: Any
) -> bool:
    """Put a value into a row. False: the database does not take it, or stores what was there before."""
    dialect = connection.dialect.name
    where = place(dialect) == row["place"]
    seen: list[Any] = [column]
    if dialect == "sqlite":
        # Python takes 1, 1.0 and True for the same; the bytes that are stored differ.
        seen = [literal_column(f'typeof("{column.name}")'), literal_column(f'hex("{column.name}")')]
    before = (await connection.execute(select(*seen).select_from(table).where(where))).one()
    changed = table.update().where(where).values({column.name: value}).returning(*seen)
    try:
        async with connection.begin_nested():
            after = (await connection.execute(changed)).one()
    except (DBAPIError, UnicodeError, InvalidValue):
        return False
    return bool(before != after)


def _raw_type(kind: TypeEngine[Any], dialect: str) -> TypeEngine[Any]:
    if dialect == "sqlite":
        return NullType()
    if isinstance(kind, Id):
        return Uuid()
    if isinstance(kind, Instant):
        return DateTime(timezone=True)
    return Text() if isinstance(kind, CanonicalJson) else kind


def _booleans(value: Any, dialect: str) -> Iterator[Any]:
    yield not value
    if dialect == "sqlite":
        yield from (2, "true", b"\x01")


def _integers(value: int | None, dialect: str) -> Iterator[Any]:
    number = value or 0
    yield from (number + 1, number - 1, number + 2**32)
    if number:
        yield -number
    if dialect == "sqlite":
        yield from (number + 0.5, f"{number}x", str(number).encode())


def _binaries(value: bytes | None, dialect: str, chance: random.Random) -> Iterator[Any]:
    if value is None:
        yield b"\x00"
        return
    bit = chance.randrange(len(value) * 8)
    yield bytes(byte ^ (1 << bit % 8 if place == bit // 8 else 0) for place, byte in enumerate(value))
    yield from (value[:-1], value + b"\x00", b"")
    if dialect == "sqlite":
        yield from (value.hex(), 0)


def _instants(value: datetime | None) -> Iterator[datetime]:
    if value is None:
        yield datetime.fromisoformat("2026-02-03T04:05:06+00:00")
        return
    for step in (timedelta(microseconds=1), timedelta(days=1), timedelta(days=40)):
        yield from (value + step, value - step)


def _texts(kind: Any, value: str | None, dialect: str, chance: random.Random) -> Iterator[Any]:
    if value is None:
        yield _plausible(kind)
        return
    size = getattr(kind, "length", None)
    if value:
        at = chance.randrange(len(value))
        yield value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :]
        yield value[:at] + value[at + 1 :]
        yield ""
    yield from (value + " ", " " + value, value + "0")
    if value.swapcase() != value:
        yield value.swapcase()
    yield from _same_meaning(kind, value)
    if size is not None:
        yield "x" * size
    if dialect == "sqlite":
        yield from (value + "\x00", value.encode(), value.encode() + b"\xff", 0)


def _same_meaning(kind: Any, value: str) -> Iterator[str]:
    if isinstance(kind, Id):
        yield from (value.replace("-", ""), f"{{{value}}}", str(OTHER_ID))
    elif isinstance(kind, Instant):
        yield value.replace("Z", "+00:00")
        yield value.replace("T", " ")
        later = datetime.fromisoformat(value) + timedelta(microseconds=1)
        yield instant_text(later)
    elif isinstance(kind, CanonicalJson):
        yield value.replace(":", ": ").replace(",", ", ")


def _plausible(kind: Any) -> str:
    if isinstance(kind, Id):
        return str(OTHER_ID)
    if isinstance(kind, Instant):
        return "2026-02-03T04:05:06.000000Z"
    return "IN" if isinstance(kind, String) and kind.length == 2 else "INR"
