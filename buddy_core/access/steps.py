"""Who acts, what needs a second person, and writing down what was done, in the commit of the act."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Any

from attrs import frozen

from buddy_core.access.errors import ApprovalNotFound, RequestAltered
from buddy_core.access.model import (
    Actor,
    AuditQuery,
    AuditRecord,
    Decision,
    Outcome,
    Request,
    SecondPersonRule,
)
from buddy_core.access.ports import AccessTx, ApprovalsTx, AuditTx
from buddy_core.access.proof import ASKED, DECIDED
from buddy_core.access.rules import BUILT_IN, RoleBook, decide
from buddy_core.access.rules.approving import measure_text
from buddy_core.kernel.canonical import GENESIS, canonical_bytes
from buddy_core.kernel.ids import AccountId


@frozen
class Change:
    """What was changed or read, as values with a canonical form."""

    action: str
    resource: str
    before: Any
    after: Any
    correlation_id: str = ""


async def record_in(tx: AuditTx, actor: Actor, change: Change, at: datetime) -> AuditRecord:
    """Append a record to the audit's chain."""
    last = await tx.audit.last()
    record = AuditRecord(
        sequence=last.sequence + 1 if last else 1,
        at=at,
        actor=actor.name,
        action=change.action,
        resource=change.resource,
        before=canonical_bytes(change.before).decode(),
        after=canonical_bytes(change.after).decode(),
        correlation_id=change.correlation_id,
        previous_hash=last.hash if last else GENESIS,
        as_whom=str(actor.account_id) if actor.impersonator else "",
        ip=actor.ip,
    )
    await tx.audit.append(record)
    return record


async def book_in(tx: AccessTx, book: RoleBook = BUILT_IN) -> RoleBook:
    """Return all roles: the built-in ones and those that the operator defined."""
    custom = await tx.custom_roles.all()
    return book.with_custom(custom) if custom else book


async def actor_in(
    tx: AccessTx,
    account: AccountId,
    *,
    has_second_factor: bool = False,
    owes_second_factor: bool = False,
    impersonator: AccountId | None = None,
    ip: str = "",
) -> Actor:
    """Return an account as an actor, by the roles that it has now."""
    given = await tx.assignments.of(account)
    book = BUILT_IN if all(item.role in BUILT_IN.roles for item in given) else await book_in(tx)
    return book.actor(
        account,
        given,
        has_second_factor=has_second_factor,
        owes_second_factor=owes_second_factor,
        impersonator=impersonator,
        ip=ip,
    )


async def ask_in(
    tx: ApprovalsTx,
    actor: Actor,
    rule: SecondPersonRule,
    request_id: str,
    change: Change,
    measure: Fraction | None,
    reason: str,
    at: datetime,
) -> Request:
    """Keep an act until a second person decides; `change.after` is the command."""
    request = Request(
        id=request_id,
        act=change.action,
        resource=change.resource,
        command=canonical_bytes(change.after).decode(),
        measure=measure_text(measure),
        reason=reason.strip(),
        requested_by=actor.account_id,
        requested_at=at,
        expires_at=at + rule.lives_for,
    )
    await tx.approvals.add(request)
    await record_in(tx, actor, Change(ASKED, request.id, None, request, change.correlation_id), at)
    return request


async def decide_in(
    tx: ApprovalsTx,
    actor: Actor,
    request_id: str,
    outcome: Outcome,
    reason: str,
    at: datetime,
    correlation_id: str,
) -> tuple[Request, Decision]:
    """Decide a request and write it down; what was asked for is carried out by the caller.

    Raises:
        ApprovalNotFound, RequestAltered: there is no such request, or it is not the one that was made.
        NotPermitted, SecondFactorNeeded, OwnRequest, NotOwnRequest: not this actor.
        ApprovalDecided, ApprovalExpired, ReasonMissing: not now, or not like this.
    """
    found = await tx.approvals.get(request_id)
    if found is None:
        raise ApprovalNotFound(request_id)
    request, earlier = found
    await _check_untouched_in(tx, request)
    decision = decide(request, earlier, actor, outcome, reason, at)
    await tx.approvals.decide(decision)
    await record_in(tx, actor, Change(DECIDED, request.id, None, decision, correlation_id), at)
    return request, decision


async def settle_in(
    tx: ApprovalsTx, actor: Actor, request: Request, reason: str, at: datetime, correlation_id: str
) -> None:
    """End a request that nothing is left of to do, because another one was carried out."""
    is_own = actor.account_id == request.requested_by
    outcome = Outcome.WITHDRAWN if is_own else Outcome.REJECTED
    decision = Decision(request.id, outcome, actor.account_id, at, reason)
    await tx.approvals.decide(decision)
    await record_in(tx, actor, Change(DECIDED, request.id, None, decision, correlation_id), at)


async def afresh_in(tx: AccessTx, actor: Actor) -> Actor:
    """Return the actor with the roles that they have now: some may have been taken since the request came."""
    if actor.account_id is None:
        return actor
    return await actor_in(
        tx,
        actor.account_id,
        has_second_factor=actor.has_second_factor,
        owes_second_factor=actor.owes_second_factor,
        impersonator=actor.impersonator,
        ip=actor.ip,
    )


async def _check_untouched_in(tx: ApprovalsTx, request: Request) -> None:
    told = await tx.audit.search(AuditQuery(action=ASKED, resource=request.id), before=None, limit=2)
    if [record.after for record in told] != [canonical_bytes(request).decode()]:
        raise RequestAltered(request.id)
