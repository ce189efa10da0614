"""The admin's first page: what needs attention today."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Protocol

from attrs import frozen

from buddy_core.access import Actor, ApprovalState, may, require, state_of
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.tax import SellerRoutes
from buddy_core.views.admin_alerts import AlertsTx, open_alerts_in
from buddy_core.views.admin_audit import AuditLine, AuditPageTx, lines_in
from buddy_core.views.admin_close import AdminCloseTx, CloseMonth, missing_values_in, open_in
from buddy_core.views.admin_values import ValueVersion, versions_in

AttentionKind = Literal[
    "month_to_close",
    "month_to_publish",
    "rewards_held",
    "verify_failed",
    "value_missing",
    "wallets_frozen",
    "approvals_waiting",
    "earning_alerts",
]
_CLOSING: Mapping[str, AttentionKind] = {
    "ready": "month_to_close",
    "blocked": "month_to_close",
    "reviewed": "month_to_publish",
}
LINES_SHOWN = 5
MOST_COUNTED = 100


class AdminHomeTx(AdminCloseTx, AuditPageTx, AlertsTx, Protocol):
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
        NotPermitted: the actor is not staff. What else they may not see is left out.
    """
    require(actor, "desk:read")
    sees_values, sees_months = may(actor, "token_value:read"), may(actor, "period:read")
    async with uow.read() as tx:
        at = clock.now()
        months = await open_in(tx, actor, routes, at) if sees_months else ()
        attention = [
            Attention(_CLOSING[month.state], 1, "/admin/close", f"{month.entity} {month.month}")
            for month in months
            if month.state in _CLOSING
        ]
        for entity in routes.entities if sees_values else ():
            missing = await missing_values_in(tx, entity, at)
            if missing:
                attention.append(Attention("value_missing", missing, "/admin/values", entity.currency))
        held = len(await tx.rewards.held()) if may(actor, "reward:read") else 0
        if held:
            attention.append(Attention("rewards_held", held, "/admin/rewards"))
        alerts = await open_alerts_in(tx, at) if may(actor, "reward:read") else 0
        if alerts:
            attention.append(Attention("earning_alerts", alerts, "/admin/alerts"))
        waiting = await _waiting_in(tx, at) if may(actor, "approval:read") else 0
        if waiting:
            attention.append(Attention("approvals_waiting", waiting, "/admin/approvals"))
        lines = await tx.audit.newest(before=None, limit=LINES_SHOWN) if may(actor, "audit:read") else []
        return AdminHome(
            now=at,
            attention=tuple(attention),
            values=tuple(
                item for item in (await versions_in(tx, at) if sees_values else ()) if item.state != "past"
            ),
            close=months[0] if months else None,
            audit=tuple(await lines_in(tx, lines, staff_only=True)),
        )


async def _waiting_in(tx: AdminHomeTx, at: datetime) -> int:
    found = await tx.approvals.newest(undecided=True, before=None, limit=MOST_COUNTED)
    return sum(state_of(request, decision, at) is ApprovalState.PENDING for request, decision in found)
