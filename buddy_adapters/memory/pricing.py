"""Token costs in memory."""

from __future__ import annotations

from datetime import datetime

from buddy_adapters.memory.tables import TableName, Tables
from buddy_core.kernel import Contention
from buddy_core.pricing import NoTokenCosts, TokenCosts

COSTS: TableName[int, TokenCosts] = TableName("token_costs")


class MemoryCostTables:
    """Versions of the token costs by number."""

    def __init__(self, tables: Tables) -> None:
        self._costs = tables[COSTS]

    async def in_force(self, at: datetime) -> TokenCosts:
        live = [costs for costs in self._costs.rows() if costs.effective_from <= at]
        if not live:
            raise NoTokenCosts
        return max(live, key=lambda costs: costs.version)

    async def newest(self, limit: int) -> list[TokenCosts]:
        return sorted(self._costs.rows(), key=lambda costs: costs.version, reverse=True)[:limit]

    async def add(self, costs: TokenCosts) -> None:
        if not self._costs.add(costs.version, costs):
            raise Contention("token costs")
