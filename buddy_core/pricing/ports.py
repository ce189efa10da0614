"""What pricing needs from storage."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from buddy_core.pricing.model.costs import TokenCosts
from buddy_core.pricing.model.prices import PriceBook


class CostTables(Protocol):
    """Versions of the table of token costs; only ever added to."""

    async def in_force(self, at: datetime) -> TokenCosts:
        """Return the version in force at `at`.

        Raises:
            NoTokenCosts: no version had taken effect yet.
        """
        ...

    async def in_force_between(self, since: datetime, at: datetime) -> list[TokenCosts]:
        """Return the versions in force at some instant from `since` to `at`, both included, newest first."""
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


class PriceBooks(Protocol):
    """Versions of the book of prices; only ever added to."""

    async def in_force(self, at: datetime) -> PriceBook:
        """Return the version in force at `at`.

        Raises:
            NoPrices: no version had taken effect yet.
        """
        ...

    async def in_force_between(self, since: datetime, at: datetime) -> list[PriceBook]:
        """Return the versions in force at some instant from `since` to `at`, both included, newest first."""
        ...

    async def newest(self, limit: int) -> list[PriceBook]:
        """Return the newest versions, those to come among them, the newest first."""
        ...

    async def before(self, version: int) -> PriceBook | None:
        """Return the version before this one; None if there is none."""
        ...

    async def add(self, book: PriceBook) -> None:
        """Append a version.

        Raises:
            Contention: that version number exists already.
        """
        ...


class PricingTx(Protocol):
    """A transaction that reads and writes costs and prices."""

    @property
    def token_costs(self) -> CostTables: ...

    @property
    def price_books(self) -> PriceBooks: ...
