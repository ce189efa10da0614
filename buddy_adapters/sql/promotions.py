"""Promotions in SQL: versions, and claims that are numbered without a gap."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Select,
    Table,
    Text,
    UniqueConstraint,
    exists,
    func,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import any_of, insert_ignoring, locked
from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.raw import RawRow, raw_rows, readable, rebuilt
from buddy_adapters.sql.triggers import APPEND_ONLY
from buddy_adapters.sql.types import Id, Instant
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.ids import AccountId, DeviceId
from buddy_core.kernel.proof import Fault
from buddy_core.promotions import Claim, Promotion

promotions_table = Table(
    "promotions",
    metadata,
    Column("code", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("token_kind", Text, nullable=False),
    Column("tokens", Integer, nullable=False),
    Column("days", Integer, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("claim_limit", Integer, nullable=False),
    Column("for_guests", Boolean, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    CheckConstraint("version >= 1", name="version"),
    # Paid tokens are sold, never given.
    CheckConstraint("token_kind = 'bonus'", name="token_kind"),
    CheckConstraint("tokens >= 1 AND days >= 1 AND claim_limit >= 1", name="numbers"),
    # One that was ended before it began has no time at all.
    CheckConstraint("ends_at >= starts_at", name="ends_at"),
    info=APPEND_ONLY,
)

claims_table = Table(
    "promotions_claims",
    metadata,
    Column("code", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("account_id", Id, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("as_guest", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("tokens", Integer, nullable=False),
    Column("entry_id", Id, nullable=False),
    Column("claimed_at", Instant, nullable=False),
    ForeignKeyConstraint(["code", "version"], ["promotions.code", "promotions.version"]),
    UniqueConstraint("code", "account_id"),
    UniqueConstraint("entry_id"),
    CheckConstraint("number >= 1", name="number"),
    CheckConstraint("tokens >= 1", name="tokens"),
    Index("ix_promotions_claims_device", "code", "device_id"),
    info=APPEND_ONLY,
)
Index(
    "uq_promotions_claims_guest_device",
    claims_table.c.code,
    claims_table.c.device_id,
    unique=True,
    postgresql_where=claims_table.c.as_guest,
    sqlite_where=claims_table.c.as_guest,
)


class SqlPromotions:
    """Versions of promotions, each number of a code once."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def newest(self, code: str) -> Promotion | None:
        query = select(promotions_table).where(promotions_table.c.code == code)
        return await self._one(query.order_by(promotions_table.c.version.desc()).limit(1))

    async def lock(self, code: str) -> Promotion | None:
        # The first version stays the same for ever, so that all stand in line for one row; what those
        # before us wrote is seen by the statement that comes after it.
        query = select(promotions_table).where(
            promotions_table.c.code == code, promotions_table.c.version == 1
        )
        if await self._one(locked(self._connection, query)) is None:
            return None
        return await self.newest(code)

    async def page(self, limit: int, offset: int = 0) -> list[tuple[Promotion, int]]:
        later = promotions_table.alias("later")
        is_newest = ~exists().where(
            later.c.code == promotions_table.c.code, later.c.version > promotions_table.c.version
        )
        claimed = (
            select(func.coalesce(func.max(claims_table.c.number), 0))
            .where(claims_table.c.code == promotions_table.c.code)
            .scalar_subquery()
        )
        query = select(promotions_table, claimed.label("claimed")).where(is_newest)
        query = query.order_by(promotions_table.c.starts_at.desc(), promotions_table.c.code)
        found = await self._connection.execute(query.limit(limit).offset(offset))
        return [(promotion_from_row(row), row["claimed"]) for row in found.mappings()]

    async def add(self, promotion: Promotion) -> None:
        if not await insert_ignoring(self._connection, promotions_table, [promotion_to_row(promotion)]):
            raise Contention("promotion")

    async def _one(self, query: Select[Any]) -> Promotion | None:
        row = (await self._connection.execute(query)).mappings().one_or_none()
        return None if row is None else promotion_from_row(row)


class SqlPromotionClaims:
    """Claims, each account of a code once, and each guest's device."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def count(self, code: str) -> int:
        query = select(func.coalesce(func.max(claims_table.c.number), 0)).where(claims_table.c.code == code)
        counted: int = (await self._connection.execute(query)).scalar_one()
        return counted

    async def has_any(self, code: str, accounts: Collection[AccountId]) -> bool:
        mine = any_of(self._connection, claims_table.c.account_id, list(accounts))
        return await self._has(select(claims_table.c.number).where(claims_table.c.code == code, mine))

    async def has_device(self, code: str, device: DeviceId) -> bool:
        here = claims_table.c.device_id == device
        return await self._has(select(claims_table.c.number).where(claims_table.c.code == code, here))

    async def add(self, claim: Claim) -> None:
        if not await insert_ignoring(self._connection, claims_table, [claim_to_row(claim)]):
            raise Contention("promotion claim")

    async def _has(self, query: Select[Any]) -> bool:
        return (await self._connection.execute(query.limit(1))).first() is not None


class SqlPromotionBooks:
    """All versions and claims as they are stored: a row that cannot be read is a fault, not a failure."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def all(self) -> tuple[list[Promotion], list[Claim], list[Fault]]:
        rows = await raw_rows(self._connection, promotions_table)
        promotions, _, faults = readable(promotions_table, rows, _rebuilt_promotion)
        rows = await raw_rows(self._connection, claims_table)
        claims, _, broken = readable(claims_table, rows, _rebuilt_claim)
        return promotions, claims, [*faults, *broken]


def _rebuilt_promotion(row: RawRow) -> Promotion:
    return rebuilt(promotions_table, row, promotion_from_row, promotion_to_row)


def _rebuilt_claim(row: RawRow) -> Claim:
    return rebuilt(claims_table, row, claim_from_row, claim_to_row)


def promotion_to_row(promotion: Promotion) -> dict[str, Any]:
    """Return the row of a version."""
    return {
        "code": promotion.code,
        "version": promotion.version,
        "token_kind": promotion.token_kind,
        "tokens": promotion.tokens,
        "days": promotion.days,
        "starts_at": promotion.starts_at,
        "ends_at": promotion.ends_at,
        "claim_limit": promotion.limit,
        "for_guests": promotion.for_guests,
        "recorded_at": promotion.recorded_at,
        "recorded_by": promotion.recorded_by,
        "reason": promotion.reason,
    }


def promotion_from_row(row: Mapping[Any, Any]) -> Promotion:
    """Return the version of a row."""
    return Promotion(
        code=row["code"],
        version=row["version"],
        token_kind=row["token_kind"],
        tokens=row["tokens"],
        days=row["days"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        limit=row["claim_limit"],
        for_guests=row["for_guests"],
        recorded_at=row["recorded_at"],
        recorded_by=row["recorded_by"],
        reason=row["reason"],
    )


def claim_to_row(claim: Claim) -> dict[str, Any]:
    """Return the row of a claim."""
    return {
        "code": claim.code,
        "number": claim.number,
        "account_id": claim.account_id,
        "device_id": claim.device_id,
        "as_guest": claim.as_guest,
        "version": claim.version,
        "tokens": claim.tokens,
        "entry_id": claim.entry_id,
        "claimed_at": claim.claimed_at,
    }


def claim_from_row(row: Mapping[Any, Any]) -> Claim:
    """Return the claim of a row."""
    return Claim(
        code=row["code"],
        number=row["number"],
        account_id=row["account_id"],
        device_id=row["device_id"],
        as_guest=row["as_guest"],
        version=row["version"],
        tokens=row["tokens"],
        entry_id=row["entry_id"],
        claimed_at=row["claimed_at"],
    )
