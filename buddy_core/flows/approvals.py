"""A second person decides; what was asked for is then carried out in the commit of the approval."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from attrs import frozen

from buddy_core.access import (
    SECOND_PERSON_RULES,
    Actor,
    ApprovalDecided,
    ApprovalNotFound,
    ApprovalState,
    Decision,
    Outcome,
    OwnAccount,
    Request,
    RequesterLacksPermission,
    actor_in,
    afresh_in,
    decide_in,
    may,
    require,
    state_of,
)
from buddy_core.flows.close_period import CLOSE, CloseTx, carry_out_close_in, work_out_reviewed
from buddy_core.flows.close_period import MANAGE as CLOSE_MONTHS
from buddy_core.flows.correct import ADJUST, adjustment_from_plain, carry_out_adjustment_in
from buddy_core.flows.lock_wallet import lock_wallet_in
from buddy_core.flows.promotions import (
    ADD,
    MANAGE,
    carry_out_promotion_in,
    promotion_command_from_plain,
)
from buddy_core.flows.staff import (
    StaffTx,
    carry_out_grant_in,
    carry_out_value_in,
    grant_from_plain,
    value_from_plain,
)
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.ids import AccountId, IdSource
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.royalty import AlreadyPublished
from buddy_core.tax import SellerRoutes

PAGE = 50


class DecideTx(StaffTx, CloseTx, Protocol):
    """What deciding a request, and carrying it out, needs of a transaction."""


@frozen
class DecideRequest:
    """Approve, reject or withdraw a request; a rejection says why."""

    request_id: str
    outcome: Outcome
    reason: str = ""


@frozen
class Asked:
    """A request as those who may decide see it."""

    request: Request
    state: ApprovalState
    decision: Decision | None
    is_own: bool
    may_decide: bool
    """The actor has the permission, and did not ask for it."""
    measured: str
    """What the measure means, in words."""


@frozen
class _Approved:
    """What carrying out an approved request needs."""

    tx: DecideTx
    actor: Actor
    request: Request
    correlation_id: str
    at: datetime
    ids: IdSource
    routes: SellerRoutes

    @property
    def command(self) -> Any:
        return json.loads(self.request.command)

    @property
    def approved(self) -> dict[str, str]:
        asked = self.request.requested_by
        return {"request": self.request.id, "requested_by": str(asked) if asked else "system"}


async def _set_value(wanted: _Approved) -> None:
    await carry_out_value_in(
        wanted.tx,
        wanted.actor,
        value_from_plain(wanted.command),
        wanted.correlation_id,
        wanted.at,
        wanted.ids,
        wanted.routes,
        **wanted.approved,
    )


async def _grant(wanted: _Approved) -> None:
    await carry_out_grant_in(
        wanted.tx,
        wanted.actor,
        grant_from_plain(wanted.command),
        wanted.request.id,
        wanted.correlation_id,
        wanted.at,
        wanted.ids,
        **wanted.approved,
    )


async def _adjust(wanted: _Approved) -> None:
    await carry_out_adjustment_in(
        wanted.tx,
        wanted.actor,
        adjustment_from_plain(wanted.command),
        wanted.request.id,
        wanted.correlation_id,
        wanted.at,
        wanted.ids,
        **wanted.approved,
    )


async def _close_month(wanted: _Approved) -> None:
    await carry_out_close_in(
        wanted.tx,
        wanted.actor,
        wanted.command,
        wanted.correlation_id,
        wanted.at,
        wanted.ids,
        wanted.routes.entities,
        **wanted.approved,
    )


async def _add_promotion(wanted: _Approved) -> None:
    await carry_out_promotion_in(
        wanted.tx,
        wanted.actor,
        promotion_command_from_plain(wanted.command),
        wanted.correlation_id,
        wanted.at,
        **wanted.approved,
    )


_CARRY_OUT: Mapping[str, tuple[str, Callable[[_Approved], Awaitable[None]]]] = {
    "token_value.set": ("token_value:set", _set_value),
    "tokens.grant": ("tokens:grant", _grant),
    "tokens.adjust": (ADJUST, _adjust),
    ADD: (MANAGE, _add_promotion),
    CLOSE: (CLOSE_MONTHS, _close_month),
}
"""For each act: the permission of whoever asked, and what doing it is."""


async def decide_request(
    actor: Actor,
    command: DecideRequest,
    *,
    correlation_id: str,
    uow: UnitOfWork[DecideTx],
    clock: Clock,
    ids: IdSource,
    routes: SellerRoutes,
) -> Decision:
    """Decide a request; approving it does what was asked for, all or nothing.

    What the rules refuse by now, such as a value whose day has come, is raised and
    leaves the request as it was.

    Raises:
        ApprovalNotFound: there is no such request.
        NotPermitted, SecondFactorNeeded, OwnRequest, NotOwnRequest: not this actor.
        ApprovalDecided, AlreadyPublished, ApprovalExpired, ReasonMissing: not now, or not like this.
        RequesterLacksPermission: whoever asked may not do it any more.
        RequestAltered: it is not the one that was made.
        OwnAccount: it is about the wallet of the actor, or by now of whoever asked.
        BeingWorkedOut: it is about a large month; ask again.
    """
    if command.outcome is Outcome.APPROVED:
        await _work_out(actor, command.request_id, uow, clock.now(), routes)

    async def work(tx: DecideTx) -> Decision:
        at = clock.now()
        request, decision = await decide_in(
            tx,
            await afresh_in(tx, actor),
            command.request_id,
            command.outcome,
            command.reason,
            at,
            correlation_id,
        )
        if decision.outcome is Outcome.APPROVED:
            permission, carry_out = _CARRY_OUT[request.act]
            await _check_requester_in(tx, request, permission)
            await carry_out(_Approved(tx, actor, request, correlation_id, at, ids, routes))
        return decision

    try:
        return await retried(uow, work)
    except ApprovalDecided as error:
        async with uow.read() as tx:
            await _check_not_published_in(tx, command, error)
        raise


async def _check_not_published_in(tx: DecideTx, command: DecideRequest, error: ApprovalDecided) -> None:
    """Say that a month was published already where a review of it came too late, by whichever request.

    Raises:
        AlreadyPublished: it was.
    """
    found = await tx.approvals.get(command.request_id)
    if found is None or found[0].act != CLOSE or command.outcome is not Outcome.APPROVED:
        return
    wanted = json.loads(found[0].command)
    if wanted["month"] in await tx.statements.months(wanted["entity"]):
        raise AlreadyPublished(wanted["entity"], wanted["month"]) from error


async def _work_out(
    actor: Actor, request_id: str, uow: UnitOfWork[DecideTx], at: datetime, routes: SellerRoutes
) -> None:
    """Have the month that a request would publish worked out before anything is held for it.

    Raises:
        BeingWorkedOut: it takes longer than a person waits.
    """
    async with uow.read() as tx:
        found = await tx.approvals.get(request_id)
    if found is None or found[0].act != CLOSE:
        return
    asked = _asked(actor, *found, at)
    if asked.may_decide and asked.state is ApprovalState.PENDING:
        await work_out_reviewed(json.loads(found[0].command), routes.entities, uow=uow)


async def list_requests(
    actor: Actor,
    *,
    undecided: bool = True,
    before: str | None = None,
    limit: int = PAGE,
    uow: UnitOfWork[DecideTx],
    clock: Clock,
) -> tuple[Asked, ...]:
    """Return requests, newest first; those that wait, or all.

    Raises:
        NotPermitted: the actor may not see them.
    """
    require(actor, "approval:read")
    at = clock.now()
    shown: list[Asked] = []
    async with uow.read() as tx:
        while len(shown) < limit:
            found = await tx.approvals.newest(undecided=undecided, before=before, limit=limit)
            asked = [_asked(actor, request, decision, at) for request, decision in found]
            # What nobody decided in time is undecided and waits no more: it must not shorten a page.
            shown += [item for item in asked if not undecided or item.state is ApprovalState.PENDING]
            if len(found) < limit:
                break
            before = found[-1][0].id
    return tuple(shown[:limit])


async def find_request(actor: Actor, request_id: str, *, uow: UnitOfWork[DecideTx], clock: Clock) -> Asked:
    """Return one request.

    Raises:
        NotPermitted, ApprovalNotFound.
    """
    require(actor, "approval:read")
    async with uow.read() as tx:
        found = await tx.approvals.get(request_id)
    if found is None:
        raise ApprovalNotFound(request_id)
    return _asked(actor, *found, clock.now())


def _asked(actor: Actor, request: Request, decision: Decision | None, at: datetime) -> Asked:
    rule = SECOND_PERSON_RULES.get(request.act)
    is_own = request.requested_by == actor.account_id
    return Asked(
        request,
        state_of(request, decision, at),
        decision,
        is_own,
        may_decide=rule is not None and not is_own and rule.approve in _held(actor),
        measured=rule.measure if rule else "",
    )


def _held(actor: Actor) -> frozenset[str]:
    """Return every permission that the actor has, whether or not a second factor is proven now."""
    return frozenset(name for holding in actor.holdings for name in holding.permissions)


async def _check_requester_in(tx: DecideTx, request: Request, permission: str) -> None:
    if request.requested_by is None:
        return
    # The second factor was proved when it was asked for; the role must still be there.
    requester = await actor_in(tx, request.requested_by, has_second_factor=True)
    if not may(requester, permission):
        raise RequesterLacksPermission(permission)
    account = json.loads(request.command).get("account_id")
    # A guest for whom it was asked may have become whoever asked.
    if account and await lock_wallet_in(tx, AccountId(UUID(account))) == request.requested_by:
        raise OwnAccount
