"""What promotions need from storage."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from buddy_core.kernel.ids import AccountId, DeviceId
from buddy_core.kernel.proof import Fault
from buddy_core.promotions.model import Claim, Promotion


class Promotions(Protocol):
    """Versions of promotions by folded code; only ever added to."""

    async def newest(self, code: str) -> Promotion | None:
        """Return the newest version, or None."""
        ...

    async def lock(self, code: str) -> Promotion | None:
        """Return the newest version and keep other claims and versions off until the transaction ends."""
        ...

    async def page(self, limit: int, offset: int = 0) -> list[tuple[Promotion, int]]:
        """Return the newest version of each with how many have claimed, those that begin last first."""
        ...

    async def add(self, promotion: Promotion) -> None:
        """Append a version.

        Raises:
            Contention: that version of this code exists already.
        """
        ...


class PromotionClaims(Protocol):
    """Claims, each account once for each code; only ever added to."""

    async def count(self, code: str) -> int:
        """Return how many have claimed; exact while the promotion is locked."""
        ...

    async def has_any(self, code: str, accounts: Collection[AccountId]) -> bool:
        """Tell whether one of these accounts has claimed."""
        ...

    async def has_device(self, code: str, device: DeviceId) -> bool:
        """Tell whether anybody on this device has claimed."""
        ...

    async def add(self, claim: Claim) -> None:
        """Store a claim.

        Raises:
            Contention: its number, its account or its guest's device has one already.
        """
        ...


class PromotionBooks(Protocol):
    """Everything, as it lies there, for `buddy verify`."""

    async def all(self) -> tuple[list[Promotion], list[Claim], list[Fault]]:
        """Return every version and every claim, by code and number, and what cannot be read."""
        ...


class PromotionsTx(Protocol):
    """A transaction that reads and writes promotions."""

    @property
    def promotions(self) -> Promotions: ...

    @property
    def promotion_claims(self) -> PromotionClaims: ...
