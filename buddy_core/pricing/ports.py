"""What pricing needs from storage."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from buddy_core.pricing.model import TokenCosts


class CostTables(Protocol):
    """Versions of the table of token costs; only ever added to."""

    async def in_force(self, at: datetime) -> TokenCosts:
        """Return the version in force at `at`.

        Raises:
            NoTokenCosts: no version had taken effect yet.
        """
        ...

    async def newest(self, limit: int) -> list[TokenCosts]:
        """Return the newest versions, those to come among them, the newest first."""
        ...

    async def add(self, costs: TokenCosts) -> None:
        """Append a version.

        Raises:
            Contention: that version number exists already.
        """
        ...


class PricingTx(Protocol):
    """A transaction that reads and writes costs."""

    @property
    def token_costs(self) -> CostTables: ...
