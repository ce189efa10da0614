"""Feature flags in SQL: a row for each flag that somebody has set."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import upsert
from buddy_adapters.sql.metadata import metadata
from buddy_core.flags import DEFAULTS, UnknownFlag

flags_table = Table(
    "flags",
    metadata,
    Column("name", Text, primary_key=True),
    Column("is_on", Boolean, nullable=False),
)


class SqlFlags:
    """The flags as set, over the defaults; asked anew each time."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def is_on(self, name: str) -> bool:
        _known(name)
        stored = await self._connection.execute(select(flags_table.c.is_on).where(flags_table.c.name == name))
        found = stored.scalar_one_or_none()
        return DEFAULTS[name] if found is None else found

    async def set(self, name: str, is_on: bool) -> None:
        _known(name)
        await upsert(self._connection, flags_table, [{"name": name, "is_on": is_on}], ["name"], ["is_on"])

    async def all(self) -> dict[str, bool]:
        stored = {row.name: row.is_on for row in await self._connection.execute(select(flags_table))}
        return {name: stored.get(name, default) for name, default in DEFAULTS.items()}


def _known(name: str) -> None:
    if name not in DEFAULTS:
        raise UnknownFlag(name)
