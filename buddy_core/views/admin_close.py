"""Closing a month: three steps with a checklist."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID

from attrs import frozen

from buddy_core.access import Actor, AuditRecord, require
from buddy_core.ads import AdsTx
from buddy_core.catalog import CatalogTx
from buddy_core.flows.close_period import CloseTx, month_for
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.ids import PartnerId
from buddy_core.kernel.money import Money
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.royalty import PLATFORM
from buddy_core.tax import SellerRoutes, SellingEntity
from buddy_core.views.admin_names import NamesTx, names_in, without_ids
from buddy_core.views.admin_values import KINDS
from buddy_core.views.stated import Stated, ValuesTx, open_months_in, read_stored, stated_in

CloseState = Literal["running", "blocked", "ready", "closed"]
CheckKey = Literal["month_ended", "values_complete", "rewards_settled", "ledger_verified"]
CLOSED_SHOWN = 6
"""How many closed months of an entity stand on the page."""
_AUDIT_SEARCHED = 1000


class AdminCloseTx(CloseTx, AdsTx, NamesTx, ValuesTx, Protocol):
    """What the page of the month's close reads."""


@frozen
class Check:
    """One thing that must hold before the month is closed; `count` is how many offend."""

    key: CheckKey
    is_done: bool
    count: int = 0
    url: str | None = None


@frozen
class ClosePayout:
    """One statement that the close writes, or has written."""

    producer: str
    amount: Money
    titles: int
    statement_url: str | None = None


@frozen
class CloseMonth:
    """One entity's month; `ends_at` is its end in the entity's zone."""

    month: str
    entity: str
    zone: str
    state: CloseState
    ends_at: datetime
    checks: tuple[Check, ...] = ()
    payouts: tuple[ClosePayout, ...] = ()
    platform: tuple[Money, ...] = ()
    closed_at: datetime | None = None
    closed_by: str | None = None
    digest: str | None = None
    idempotency_key: str = ""

    @property
    def last_moment(self) -> datetime:
        """Return a moment of the month's last day: `ends_at` itself is midnight of the next one."""
        return self.ends_at - timedelta(seconds=1)


@frozen
class AdminClose:
    """The months of each entity, the one to act on first."""

    months: tuple[CloseMonth, ...]
    now: datetime


async def close_page(
    actor: Actor, *, uow: UnitOfWork[AdminCloseTx], clock: Clock, routes: SellerRoutes
) -> AdminClose:
    """Fill the page: open months with their provisional figures, then the last closed ones.

    Raises:
        NotPermitted: the actor may not close months.
    """
    require(actor, "period:read")
    async with uow.read() as tx:
        at = clock.now()
        opened = await open_in(tx, routes, at)
        closed: list[CloseMonth] = []
        for entity in routes.entities:
            names = sorted(await tx.statements.months(entity.id), reverse=True)[:CLOSED_SHOWN]
            closed += [await _closed_in(tx, entity, name) for name in names]
    closed.sort(key=lambda item: (item.month, item.entity), reverse=True)
    return AdminClose((*opened, *closed), at)


async def open_in(tx: AdminCloseTx, routes: SellerRoutes, at: datetime) -> list[CloseMonth]:
    """Return the open months of every entity, the earliest of those that have ended first."""
    held = len(await tx.rewards.held())
    found: list[CloseMonth] = []
    for entity in routes.entities:
        missing = await missing_values_in(tx, entity, at)
        for name in await open_months_in(tx, entity, at):
            found.append(await _open_in(tx, entity, name, at, held, missing))
    return sorted(found, key=lambda item: (item.state == "running", item.month, item.entity))


async def missing_values_in(tx: ValuesTx, entity: SellingEntity, at: datetime) -> int:
    """Count the kinds of token that have no value in the entity's currency now."""
    live = await tx.token_values.in_force(at)
    return sum(kind not in live or entity.currency not in live[kind].values for kind in KINDS)


async def _open_in(
    tx: AdminCloseTx, entity: SellingEntity, name: str, at: datetime, held: int, missing: int
) -> CloseMonth:
    ends_at = month_for(entity, name).period.end
    has_ended = ends_at <= at
    # A held reward is no part of this month's figures: it is shown, but does not stand in the way.
    checks = (
        Check("month_ended", has_ended),
        Check("values_complete", not missing, missing, "/admin/values" if missing else None),
        Check("rewards_settled", not held, held, "/admin/rewards" if held else None),
    )
    state: CloseState = "running"
    if has_ended:
        state = "blocked" if missing else "ready"
    stated = await stated_in(tx, entity, name)
    return CloseMonth(
        month=name,
        entity=entity.id,
        zone=entity.zone,
        state=state,
        ends_at=ends_at,
        checks=checks,
        payouts=await _payouts_in(tx, stated),
        platform=_platform(stated),
        idempotency_key=f"close:{entity.id}:{name}",
    )


async def _closed_in(tx: AdminCloseTx, entity: SellingEntity, name: str) -> CloseMonth:
    stored = await tx.statements.of_month(entity.id, name)
    stated = [read_stored(item) for item in stored]
    record = await _record_in(tx, f"{entity.id}:{name}")
    names = await names_in(tx, [record.actor]) if record else {}
    return CloseMonth(
        month=name,
        entity=entity.id,
        zone=entity.zone,
        state="closed",
        ends_at=month_for(entity, name).period.end,
        payouts=await _payouts_in(tx, stated),
        platform=_platform(stated),
        closed_at=record.at if record else (stored[-1].closed_at if stored else None),
        closed_by=without_ids(record.actor, names) if record else None,
        digest=f"sha256:{stored[-1].hash.hex()}" if stored else None,
    )


async def _record_in(tx: AdminCloseTx, resource: str) -> AuditRecord | None:
    """Return the audit record of a close, if it is among the newest."""
    for record in await tx.audit.newest(before=None, limit=_AUDIT_SEARCHED):
        if record.action == "period.close" and record.resource == resource:
            return record
    return None


async def _payouts_in(tx: CatalogTx, stated: Sequence[Stated]) -> tuple[ClosePayout, ...]:
    mine = [item for item in stated if item.holder != PLATFORM]
    partners = await tx.producers.get([PartnerId(UUID(item.holder)) for item in mine])
    found = []
    for item in mine:
        producer = partners[PartnerId(UUID(item.holder))]
        url = f"/producer/{item.month}?producer={producer.short_id}&currency={item.currency}"
        titles = len({line.title for line in item.lines})
        found.append(ClosePayout(producer.name, Money(item.payable, item.currency), titles, url))
    return tuple(sorted(found, key=lambda payout: payout.producer))


def _platform(stated: Sequence[Stated]) -> tuple[Money, ...]:
    return tuple(Money(item.payable, item.currency) for item in stated if item.holder == PLATFORM)
