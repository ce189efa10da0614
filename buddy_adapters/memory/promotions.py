"""Promotions in memory."""

from __future__ import annotations

from collections.abc import Collection

from buddy_adapters.memory.tables import TableName, Tables
from buddy_core.kernel import AccountId, Contention, DeviceId
from buddy_core.kernel.proof import Fault
from buddy_core.promotions import Claim, Promotion

VERSIONS: TableName[tuple[str, int], Promotion] = TableName("promotions")
LAST: TableName[str, int] = TableName("promotions_last_version")
CLAIMS: TableName[tuple[str, int], Claim] = TableName("promotion_claims")
COUNTS: TableName[str, int] = TableName("promotion_claim_counts")
ACCOUNTS: TableName[tuple[str, AccountId], int] = TableName("promotion_claims_by_account")
DEVICES: TableName[tuple[str, DeviceId], int] = TableName("promotion_claims_by_device")


class MemoryPromotions:
    """Versions of promotions by code and number."""

    def __init__(self, tables: Tables) -> None:
        self._versions, self._last, self._counts = tables[VERSIONS], tables[LAST], tables[COUNTS]

    async def newest(self, code: str) -> Promotion | None:
        return self._versions.get((code, self._last.get(code) or 0))

    async def lock(self, code: str) -> Promotion | None:
        return await self.newest(code)

    async def page(self, limit: int, offset: int = 0) -> list[tuple[Promotion, int]]:
        newest = [row for row in self._versions.rows() if row.version == self._last.get(row.code)]
        newest.sort(key=lambda row: row.code)
        newest.sort(key=lambda row: row.starts_at, reverse=True)
        return [(row, self._counts.get(row.code) or 0) for row in newest[offset : offset + limit]]

    async def add(self, promotion: Promotion) -> None:
        if not self._versions.add((promotion.code, promotion.version), promotion):
            raise Contention("promotion")
        self._last.put(promotion.code, promotion.version)


class MemoryPromotionClaims:
    """Claims by code and number."""

    def __init__(self, tables: Tables) -> None:
        self._claims, self._counts = tables[CLAIMS], tables[COUNTS]
        self._accounts, self._devices = tables[ACCOUNTS], tables[DEVICES]

    async def count(self, code: str) -> int:
        return self._counts.get(code) or 0

    async def has_any(self, code: str, accounts: Collection[AccountId]) -> bool:
        return any((code, account) in self._accounts for account in accounts)

    async def has_device(self, code: str, device: DeviceId) -> bool:
        return (code, device) in self._devices

    async def add(self, claim: Claim) -> None:
        device = self._claims.get((claim.code, self._devices.get((claim.code, claim.device_id)) or 0))
        if (
            (claim.as_guest and device is not None and device.as_guest)
            or not self._claims.add((claim.code, claim.number), claim)
            or not self._accounts.add((claim.code, claim.account_id), claim.number)
        ):
            raise Contention("promotion claim")
        if claim.as_guest or device is None:
            self._devices.put((claim.code, claim.device_id), claim.number)
        self._counts.put(claim.code, max(claim.number, self._counts.get(claim.code) or 0))


class MemoryPromotionBooks:
    """All versions and claims as they lie here."""

    def __init__(self, tables: Tables) -> None:
        self._versions, self._claims = tables[VERSIONS], tables[CLAIMS]

    async def all(self) -> tuple[list[Promotion], list[Claim], list[Fault]]:
        versions = sorted(self._versions.rows(), key=lambda row: (row.code, row.version))
        return versions, sorted(self._claims.rows(), key=lambda row: (row.code, row.number)), []
