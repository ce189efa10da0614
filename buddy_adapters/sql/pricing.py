"""Versions of the token costs and of the prices in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Integer, Select, Table, Text, func, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import insert_ignoring
from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.triggers import APPEND_ONLY
from buddy_adapters.sql.types import CanonicalJson, Instant, json_from_text
from buddy_core.kernel.errors import Contention, InvalidValue
from buddy_core.kernel.ids import TitleId
from buddy_core.pricing import (
    NoPrices,
    NoTokenCosts,
    PriceBook,
    TokenCosts,
    rule_from_plain,
    rule_to_plain,
)

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
prices_table = Table(
    "pricing_price_books",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("effective_from", Instant, nullable=False),
    Column("rules", CanonicalJson, nullable=False),
    Column("currencies", CanonicalJson, nullable=False),
    CheckConstraint("version >= 1", name="version"),
    info=APPEND_ONLY,
)
_BOOKS = select(
    prices_table.c.version,
    prices_table.c.effective_from,
    type_coerce(prices_table.c.rules, Text).label("rules"),
    type_coerce(prices_table.c.currencies, Text).label("currencies"),
)
"""The JSON comes as text, so that a book that was read before is not read again."""


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

    async def in_force_between(self, since: datetime, at: datetime) -> list[TokenCosts]:
        found = await self._connection.execute(_between(select(costs_table), costs_table, since, at))
        return [costs_from_row(row) for row in found.mappings()]

    async def newest(self, limit: int) -> list[TokenCosts]:
        query = select(costs_table).order_by(costs_table.c.version.desc()).limit(limit)
        return [costs_from_row(row) for row in (await self._connection.execute(query)).mappings()]

    async def add(self, costs: TokenCosts) -> None:
        if not await insert_ignoring(self._connection, costs_table, [costs_to_row(costs)]):
            raise Contention("token costs")


class SqlPriceBooks:
    """Versions of the prices, each number once."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def in_force(self, at: datetime) -> PriceBook:
        found = await self._read(
            _BOOKS.where(prices_table.c.effective_from <= at).order_by(prices_table.c.version.desc()).limit(1)
        )
        if not found:
            raise NoPrices
        return found[0]

    async def in_force_between(self, since: datetime, at: datetime) -> list[PriceBook]:
        return await self._read(_between(_BOOKS, prices_table, since, at))

    async def newest(self, limit: int) -> list[PriceBook]:
        return await self._read(_BOOKS.order_by(prices_table.c.version.desc()).limit(limit))

    async def before(self, version: int) -> PriceBook | None:
        earlier = _BOOKS.where(prices_table.c.version < version)
        found = await self._read(earlier.order_by(prices_table.c.version.desc()).limit(1))
        return found[0] if found else None

    async def add(self, book: PriceBook) -> None:
        if not await insert_ignoring(self._connection, prices_table, [book_to_row(book)]):
            raise Contention("prices")

    async def _read(self, query: Select[Any]) -> list[PriceBook]:
        rows = (await self._connection.execute(query)).mappings()
        return [_book(row["version"], row["effective_from"], row["rules"], row["currencies"]) for row in rows]


def _between(query: Select[Any], table: Table, since: datetime, at: datetime) -> Select[Any]:
    """Narrow a query to the versions that were in force at some instant of the two or between them."""
    first = select(func.max(table.c.version)).where(table.c.effective_from <= since).scalar_subquery()
    begun = query.where(table.c.effective_from <= at, table.c.version >= func.coalesce(first, 0))
    return begun.order_by(table.c.version.desc())


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


def book_to_row(book: PriceBook) -> dict[str, Any]:
    """Return the row of a version."""
    return {
        "version": book.version,
        "effective_from": book.effective_from,
        "rules": [rule_to_plain(rule) for rule in book.rules],
        "currencies": book.currencies,
    }


@lru_cache(maxsize=16)
def _book(version: int, effective_from: datetime, rules: str, currencies: str) -> PriceBook:
    """Return the version of a row; the same row is read once, for versions never change."""
    given = json_from_text(rules)
    book = PriceBook(
        version, effective_from, tuple(rule_from_plain(item) for item in given), json_from_text(currencies)
    )
    if [rule_to_plain(rule) for rule in book.rules] != given:
        raise InvalidValue("rules", f"version {version} of the prices is not in the form that we write")
    return book
