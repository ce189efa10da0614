"""Versions of the token costs in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Integer, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import insert_ignoring
from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.triggers import APPEND_ONLY
from buddy_adapters.sql.types import CanonicalJson, Instant
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.ids import TitleId
from buddy_core.pricing import NoTokenCosts, TokenCosts

costs_table = Table(
    "pricing_token_costs",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("effective_from", Instant, nullable=False),
    Column("by_type", CanonicalJson, nullable=False),
    Column("by_title", CanonicalJson, nullable=False),
    CheckConstraint("version >= 1", name="version"),
    info=APPEND_ONLY,
)


class SqlCostTables:
    """Versions of the token costs, each number once."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def in_force(self, at: datetime) -> TokenCosts:
        begun = select(costs_table).where(costs_table.c.effective_from <= at)
        found = await self._connection.execute(begun.order_by(costs_table.c.version.desc()).limit(1))
        row = found.mappings().one_or_none()
        if row is None:
            raise NoTokenCosts
        return costs_from_row(row)

    async def newest(self, limit: int) -> list[TokenCosts]:
        query = select(costs_table).order_by(costs_table.c.version.desc()).limit(limit)
        return [costs_from_row(row) for row in (await self._connection.execute(query)).mappings()]

    async def add(self, costs: TokenCosts) -> None:
        if not await insert_ignoring(self._connection, costs_table, [costs_to_row(costs)]):
            raise Contention("token costs")


def costs_to_row(costs: TokenCosts) -> dict[str, Any]:
    """Return the row of a version."""
    return {
        "version": costs.version,
        "effective_from": costs.effective_from,
        "by_type": costs.by_type,
        "by_title": costs.by_title,
    }


def costs_from_row(row: Mapping[Any, Any]) -> TokenCosts:
    """Return the version of a row."""
    return TokenCosts(
        version=row["version"],
        effective_from=row["effective_from"],
        by_type=row["by_type"],
        by_title={TitleId(UUID(title)): cost for title, cost in row["by_title"].items()},
    )
