"""The admin's first page: what needs attention today."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Protocol

from attrs import frozen

from buddy_core.access import Actor, require
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.tax import SellerRoutes
from buddy_core.views.admin_audit import AuditLine, AuditPageTx, lines_in
from buddy_core.views.admin_close import AdminCloseTx, CloseMonth, missing_values_in, open_in
from buddy_core.views.admin_values import ValueVersion, versions_in

AttentionKind = Literal["month_to_close", "rewards_held", "verify_failed", "value_missing", "wallets_frozen"]
LINES_SHOWN = 5


class AdminHomeTx(AdminCloseTx, AuditPageTx, Protocol):
    """What the admin's first page reads."""


@frozen
class Attention:
    """One thing to look at; `subject` is what it is about (a month, a currency)."""

    kind: AttentionKind
    count: int
    url: str
    subject: str | None = None


@frozen
class AdminHome:
    """Attention first, then the values in force, the month to close and the last changes.

    `now` is the service's clock; the demo may move it.
    """

    now: datetime
    attention: tuple[Attention, ...] = ()
    values: tuple[ValueVersion, ...] = ()
    close: CloseMonth | None = None
    audit: tuple[AuditLine, ...] = ()


async def admin_home(
    actor: Actor, *, uow: UnitOfWork[AdminHomeTx], clock: Clock, routes: SellerRoutes
) -> AdminHome:
    """Fill the admin's first page.

    Raises:
        NotPermitted: the actor may not read the audit.
    """
    require(actor, "audit:read")
    async with uow.read() as tx:
        at = clock.now()
        months = await open_in(tx, routes, at)
        held = len(await tx.rewards.held())
        attention = [
            Attention("month_to_close", 1, "/admin/close", f"{month.entity} {month.month}")
            for month in months
            if month.state in ("ready", "blocked")
        ]
        for entity in routes.entities:
            missing = await missing_values_in(tx, entity, at)
            if missing:
                attention.append(Attention("value_missing", missing, "/admin/values", entity.currency))
        if held:
            attention.append(Attention("rewards_held", held, "/admin/rewards"))
        return AdminHome(
            now=at,
            attention=tuple(attention),
            values=tuple(item for item in await versions_in(tx, at) if item.state != "past"),
            close=months[0] if months else None,
            audit=tuple(await lines_in(tx, await tx.audit.newest(before=None, limit=LINES_SHOWN))),
        )
