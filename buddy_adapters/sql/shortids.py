"""Short ids in SQL: the key and counter of each type, and who holds which id."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    delete,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import insert_ignoring, locked
from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.types import Id, Instant
from buddy_core.kernel.errors import Contention
from buddy_core.shortids import (
    KEY_BYTES,
    MAX_LENGTH,
    MIN_LENGTH,
    Assignment,
    Block,
    Origin,
    ShortId,
    ShortIdAlreadyGiven,
    ShortIdSpace,
    ShortIdTaken,
    capacity,
    reserve,
)

_CAPACITIES = " ".join(
    f"WHEN {length} THEN {capacity(length)}" for length in range(MIN_LENGTH, MAX_LENGTH + 1)
)

spaces_table = Table(
    "shortid_spaces",
    metadata,
    Column("type", Text, primary_key=True),
    # Key and counter belong together: a backup of one without the other would repeat ids.
    Column("key", LargeBinary, nullable=False),
    Column("length", Integer, nullable=False),
    Column("counter", BigInteger, nullable=False),
    CheckConstraint(f"length(key) = {KEY_BYTES}", name="key"),
    CheckConstraint(f"length BETWEEN {MIN_LENGTH} AND {MAX_LENGTH}", name="length"),
    CheckConstraint(f"counter BETWEEN 0 AND CASE length {_CAPACITIES} END", name="counter"),
)

shortids_table = Table(
    "shortids",
    metadata,
    Column("type", Text, primary_key=True),
    Column("folded", Text, primary_key=True),
    Column("short_id", Text, nullable=False),
    Column("target", Id, nullable=False),
    Column("origin", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("counter", BigInteger),
    Column("published_at", Instant),
    UniqueConstraint("target"),
    CheckConstraint(f"length(short_id) BETWEEN {MIN_LENGTH} AND {MAX_LENGTH}", name="short_id"),
    CheckConstraint(
        "folded = replace(replace(replace(short_id, 'o', '0'), 'l', '1'), 'i', '1')", name="folded"
    ),
    CheckConstraint("origin IN ('generated', 'manual')", name="origin"),
    CheckConstraint("(origin = 'generated') = (counter IS NOT NULL)", name="counter_of_generated"),
    CheckConstraint("counter >= 0", name="counter"),
)


def new_key() -> bytes:
    """Return a random key for a new space."""
    return secrets.token_bytes(KEY_BYTES)


class SqlShortIds:
    """Spaces and assignments; a type's row is locked while counters are taken out of it."""

    def __init__(self, connection: AsyncConnection, new_key: Callable[[], bytes] = new_key) -> None:
        self._connection = connection
        self._new_key = new_key

    async def reserve(self, type: str, count: int) -> Block:
        space, block = reserve(await self._locked_space(type), count)
        statement = update(spaces_table).where(spaces_table.c.type == type)
        await self._connection.execute(statement.values(length=space.length, counter=space.counter))
        return block

    async def taken(self, type: str, folded: Sequence[str]) -> set[str]:
        query = select(shortids_table.c.folded).where(
            shortids_table.c.type == type, shortids_table.c.folded.in_(folded)
        )
        return set((await self._connection.execute(query)).scalars())

    async def add(self, assignment: Assignment) -> None:
        if await insert_ignoring(self._connection, shortids_table, [assignment_to_row(assignment)]):
            return
        if await self.find(assignment.type, assignment.folded) is not None:
            raise ShortIdTaken(assignment.type, assignment.short_id.text)
        held = await self.for_target(assignment.target)
        if held is None:
            # What stood in the way was removed in between.
            raise Contention("short id")
        raise ShortIdAlreadyGiven(held.type, held.short_id.text)

    async def remove(self, assignment: Assignment) -> None:
        statement = delete(shortids_table).where(*_unchanged(assignment))
        if (await self._connection.execute(statement)).rowcount != 1:
            raise Contention("short id")

    async def publish(self, assignment: Assignment, at: datetime) -> None:
        statement = update(shortids_table).where(*_unchanged(assignment)).values(published_at=at)
        if (await self._connection.execute(statement)).rowcount == 1:
            return
        held = await self.for_target(assignment.target)
        if held is None or not held.published or held.short_id != assignment.short_id:
            raise Contention("short id")

    async def find(self, type: str, folded: str) -> Assignment | None:
        return await self._one(shortids_table.c.type == type, shortids_table.c.folded == folded)

    async def for_target(self, target: UUID) -> Assignment | None:
        return await self._one(shortids_table.c.target == target)

    async def _one(self, *where: ColumnElement[bool]) -> Assignment | None:
        found = await self._connection.execute(select(shortids_table).where(*where))
        row = found.mappings().one_or_none()
        return None if row is None else assignment_from_row(row)

    async def _locked_space(self, type: str) -> ShortIdSpace:
        query = locked(self._connection, select(spaces_table).where(spaces_table.c.type == type))
        row = (await self._connection.execute(query)).mappings().one_or_none()
        if row is None:
            # Of several that find no row, one makes it; all then lock that one and use its key.
            fresh = ShortIdSpace(type, self._new_key())
            await insert_ignoring(self._connection, spaces_table, [space_to_row(fresh)], ["type"])
            row = (await self._connection.execute(query)).mappings().one()
        return space_from_row(row)


class SqlShortIdBooks:
    """All spaces and assignments, for verify."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def spaces(self) -> list[ShortIdSpace]:
        found = await self._connection.execute(select(spaces_table))
        # Sorted here and below, because databases put letters in the order of their own locale.
        return sorted((space_from_row(row) for row in found.mappings()), key=lambda space: space.type)

    async def assignments(self, type: str) -> list[Assignment]:
        found = await self._connection.execute(select(shortids_table).where(shortids_table.c.type == type))
        return sorted((assignment_from_row(row) for row in found.mappings()), key=lambda row: row.folded)


def _unchanged(assignment: Assignment) -> list[ColumnElement[bool]]:
    """Return what holds while an assignment is the draft that was read."""
    row = assignment_to_row(assignment)
    same = [shortids_table.c[name].is_not_distinct_from(value) for name, value in row.items()]
    return [*same, shortids_table.c.published_at.is_(None)]


def space_to_row(space: ShortIdSpace) -> dict[str, Any]:
    """Return the row of a space."""
    return {"type": space.type, "key": space.key, "length": space.length, "counter": space.counter}


def space_from_row(row: Mapping[Any, Any]) -> ShortIdSpace:
    """Return the space of a row."""
    return ShortIdSpace(row["type"], row["key"], row["length"], row["counter"])


def assignment_to_row(assignment: Assignment) -> dict[str, Any]:
    """Return the row of an assignment."""
    return {
        "type": assignment.type,
        "folded": assignment.folded,
        "short_id": assignment.short_id.text,
        "target": assignment.target,
        "origin": assignment.origin.value,
        "at": assignment.at,
        "counter": assignment.counter,
        "published_at": assignment.published_at,
    }


def assignment_from_row(row: Mapping[Any, Any]) -> Assignment:
    """Return the assignment of a row."""
    return Assignment(
        type=row["type"],
        short_id=ShortId(row["short_id"]),
        target=row["target"],
        origin=Origin(row["origin"]),
        at=row["at"],
        counter=row["counter"],
        published_at=row["published_at"],
    )
