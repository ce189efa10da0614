"""Token costs and prices in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from buddy_adapters.memory.tables import TableName, Tables
from buddy_core.kernel import Contention
from buddy_core.pricing import NoPrices, NoTokenCosts, PriceBook, TokenCosts, in_force

COSTS: TableName[int, TokenCosts] = TableName("token_costs")
PRICES: TableName[int, PriceBook] = TableName("price_books")
V = TypeVar("V", TokenCosts, PriceBook)


class MemoryCostTables:
    """Versions of the token costs by number."""

    def __init__(self, tables: Tables) -> None:
        self._costs = tables[COSTS]

    async def in_force(self, at: datetime) -> TokenCosts:
        found = in_force(self._costs.rows(), at)
        if found is None:
            raise NoTokenCosts
        return found

    async def in_force_between(self, since: datetime, at: datetime) -> list[TokenCosts]:
        return _between(self._costs.rows(), since, at)

    async def newest(self, limit: int) -> list[TokenCosts]:
        return _newest_first(self._costs.rows())[:limit]

    async def add(self, costs: TokenCosts) -> None:
        if not self._costs.add(costs.version, costs):
            raise Contention("token costs")


class MemoryPriceBooks:
    """Versions of the prices by number."""

    def __init__(self, tables: Tables) -> None:
        self._books = tables[PRICES]

    async def in_force(self, at: datetime) -> PriceBook:
        found = in_force(self._books.rows(), at)
        if found is None:
            raise NoPrices
        return found

    async def in_force_between(self, since: datetime, at: datetime) -> list[PriceBook]:
        return _between(self._books.rows(), since, at)

    async def newest(self, limit: int) -> list[PriceBook]:
        return _newest_first(self._books.rows())[:limit]

    async def before(self, version: int) -> PriceBook | None:
        earlier = [book for book in self._books.rows() if book.version < version]
        return max(earlier, key=lambda book: book.version, default=None)

    async def add(self, book: PriceBook) -> None:
        if not self._books.add(book.version, book):
            raise Contention("prices")


def _newest_first(versions: Iterable[V]) -> list[V]:
    return sorted(versions, key=lambda item: item.version, reverse=True)


def _between(versions: Sequence[V], since: datetime, at: datetime) -> list[V]:
    first = in_force(versions, since)
    least = 0 if first is None else first.version
    return _newest_first(item for item in versions if item.effective_from <= at and item.version >= least)
