"""What takedowns left owed, and grants by title, in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import any_of, insert_ignoring
from buddy_adapters.sql.entitlements import grant_from_row, grants
from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.triggers import APPEND_ONLY
from buddy_adapters.sql.types import Id, Instant
from buddy_adapters.sql.writes import Writes
from buddy_core.entitlements import Grant
from buddy_core.kernel.ids import GrantId, TakedownId, TitleId
from buddy_core.rights import Owed, OwedRows

owed_table = Table(
    "rights_owed",
    metadata,
    Column("takedown_id", Id, primary_key=True),
    Column("origin_id", Id, primary_key=True),
    Column("grant_id", Id, nullable=False),
    Column("account_id", Id, nullable=False, index=True),
    Column("title_id", Id, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("country", String(2)),
    Column("tokens", Integer),
    Column("entry_id", Id),
    Column("source", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    CheckConstraint("tokens >= 0", name="tokens"),
    # Once, by origin: neither a second notice nor a merge makes it owed twice.
    Index("ix_rights_owed_origin_id", "origin_id", unique=True),
    info=APPEND_ONLY,
)


class SqlOwedRows:
    """Rows by takedown and origin."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, rows: Sequence[Owed]) -> int:
        return await insert_ignoring(self._connection, owed_table, [owed_to_row(row) for row in rows])

    async def known(self, origins: Sequence[GrantId]) -> set[GrantId]:
        if not origins:
            return set()
        query = select(owed_table.c.origin_id).where(
            any_of(self._connection, owed_table.c.origin_id, list(origins))
        )
        return {GrantId(id) for id in (await self._connection.execute(query)).scalars()}

    async def of_takedown(self, takedown: TakedownId, *, after: GrantId | None, limit: int) -> list[Owed]:
        query = select(owed_table).where(owed_table.c.takedown_id == takedown)
        if after is not None:
            query = query.where(owed_table.c.origin_id > after)
        rows = await self._connection.execute(query.order_by(owed_table.c.origin_id).limit(limit))
        return [owed_from_row(row) for row in rows.mappings()]


class SqlTitleGrants:
    """Grants by what they are of."""

    def __init__(self, connection: AsyncConnection, writes: Writes) -> None:
        self._connection = connection
        self._writes = writes

    async def of_titles(self, titles: Sequence[TitleId], *, after: GrantId | None, limit: int) -> list[Grant]:
        await self._writes.flush()
        query = select(grants).where(any_of(self._connection, grants.c.title_id, list(titles)))
        if after is not None:
            query = query.where(grants.c.id > after)
        rows = await self._connection.execute(query.order_by(grants.c.id).limit(limit))
        return [grant_from_row(row) for row in rows.mappings()]


def owed_to_row(owed: Owed) -> dict[str, Any]:
    """Return the row of what is owed."""
    return {column.name: getattr(owed, column.name) for column in owed_table.columns}


def owed_from_row(row: Mapping[Any, Any]) -> Owed:
    """Return what a row says is owed."""
    return Owed(**{column.name: row[column.name] for column in owed_table.columns})


def _conforms(connection: AsyncConnection) -> OwedRows:
    """Hold the class here to its port; read by the type checker alone."""
    return SqlOwedRows(connection)
