"""The API's requests for a second person: what waits, what it would do, and deciding it."""

from __future__ import annotations

from typing import Any

from buddy_core.access import (
    SECOND_PERSON_RULES,
    ApprovalDecided,
    ApprovalExpired,
    ApprovalNotFound,
    NotOwnRequest,
    Outcome,
    OwnAccount,
    OwnRequest,
    ReasonMissing,
    RequestAltered,
    RequesterLacksPermission,
)
from buddy_core.accounts import AccountNotFound
from buddy_core.flows import Asked, DecideRequest
from buddy_core.kernel.errors import Contention
from buddy_core.promotions import BadPromotion, CodeTaken
from buddy_core.royalty import (
    AlreadyPublished,
    BadInput,
    BeingWorkedOut,
    ClosedOutOfOrder,
    FactsPending,
    OwnReview,
    PassedOver,
    ReviewOutdated,
    TermsProblems,
)
from buddy_core.tokens import (
    AdjustBeyondLot,
    BadAdjustment,
    BadTokenAmount,
    BadTokenValue,
    EntryNotFound,
    LotNotFound,
    ValueVersionInPast,
    ValueVersionTooFar,
    WalletFrozen,
)
from buddy_core.views.admin_approvals import RequestShown
from buddy_web.app import Web, web
from buddy_web.logs import correlation_id
from buddy_web.operations import Api
from buddy_web.permissions import current_actor
from buddy_web.schemas import access as schema
from buddy_web.schemas.common import Money

api = Api("approvals", "Acts that need a second person: nobody approves what they asked for themselves.")

READ = "approval:read"
_DECIDE: dict[str, Any] = {
    "may": READ,
    "answer": schema.Approval,
    "errors": (
        ApprovalNotFound,
        ApprovalDecided,
        ApprovalExpired,
        OwnRequest,
        ReasonMissing,
        RequestAltered,
        Contention,
    ),
}
_DECIDERS = tuple(dict.fromkeys(rule.approve for rule in SECOND_PERSON_RULES.values()))
_CARRY_OUT = (
    OwnAccount,
    RequesterLacksPermission,
    ValueVersionInPast,
    ValueVersionTooFar,
    BadTokenValue,
    AccountNotFound,
    BadTokenAmount,
    WalletFrozen,
    EntryNotFound,
    LotNotFound,
    BadAdjustment,
    AdjustBeyondLot,
    BadPromotion,
    CodeTaken,
    AlreadyPublished,
    OwnReview,
    BeingWorkedOut,
    ReviewOutdated,
    ClosedOutOfOrder,
    PassedOver,
    FactsPending,
    BadInput,
    TermsProblems,
)


@api.get("/admin/approvals", may=READ, answer=schema.Approvals)
def approvals(query: schema.ApprovalsQuery) -> dict[str, Any]:
    """Return requests, newest first: those that wait, or all."""
    w = web()
    found: tuple[Asked, ...] = w.call(
        w.container.list_requests,
        current_actor(),
        undecided=query.state == "pending",
        before=query.cursor,
        limit=query.limit + 1,
    )
    shown = found[: query.limit]
    answer = schema.Approvals(
        approvals=_shown(w, shown),
        next_cursor=shown[-1].request.id if len(found) > query.limit else None,
    )
    return answer.model_dump(mode="json")


@api.get("/admin/approvals/<id>", may=READ, answer=schema.Approval, errors=(ApprovalNotFound,))
def approval(path: schema.ApprovalPath) -> dict[str, Any]:
    """Return one request, and what approving it would do."""
    return _one(web(), path.id)


@api.post(
    "/admin/approvals/<id>/approve",
    **{**_DECIDE, "errors": (*_DECIDE["errors"], *_CARRY_OUT)},
    then_any=_DECIDERS,
)
def approve(path: schema.ApprovalPath, body: schema.RemarkBody) -> dict[str, Any]:
    """Approve a request of somebody else: what was asked for is done, or nothing is."""
    return _decide(path.id, Outcome.APPROVED, body.reason)


@api.post("/admin/approvals/<id>/reject", **_DECIDE, then_any=_DECIDERS)
def reject(path: schema.ApprovalPath, body: schema.ReasonBody) -> dict[str, Any]:
    """Reject a request of somebody else, and say why."""
    return _decide(path.id, Outcome.REJECTED, body.reason)


@api.post("/admin/approvals/<id>/withdraw", **{**_DECIDE, "errors": (*_DECIDE["errors"], NotOwnRequest)})
def withdraw(path: schema.ApprovalPath, body: schema.RemarkBody) -> dict[str, Any]:
    """Take back a request of one's own."""
    return _decide(path.id, Outcome.WITHDRAWN, body.reason)


def _decide(request_id: str, outcome: Outcome, reason: str) -> dict[str, Any]:
    w = web()
    command = DecideRequest(request_id, outcome, reason)
    w.call_long(w.container.decide_request, current_actor(), command, correlation_id=correlation_id.get())
    return _one(w, request_id)


def _one(w: Web, request_id: str) -> dict[str, Any]:
    found: Asked = w.call(w.container.find_request, current_actor(), request_id)
    return _shown(w, (found,))[0].model_dump(mode="json")


def _shown(w: Web, asked: tuple[Asked, ...]) -> list[schema.Approval]:
    found: tuple[RequestShown, ...] = w.call(
        w.container.show_requests, current_actor(), asked, correlation_id=correlation_id.get()
    )
    return [_approval(w, item) for item in found]


def _approval(w: Web, item: RequestShown) -> schema.Approval:
    return schema.Approval(
        id=item.id,
        act=item.act,
        state=item.state.value,
        requested_by=item.asked_by,
        requested_at=item.requested_at,
        expires_at=item.expires_at,
        reason=item.reason,
        measure=item.measure,
        measured=SECOND_PERSON_RULES[item.act].measure,
        value=_value(item),
        grant=_grant(w, item),
        adjustment=_adjustment(w, item),
        promotion=_promotion(item),
        close=_close(item),
        is_own=item.is_own,
        may_decide=item.may_decide and item.state.value == "pending",
        decided_by=item.decided_by,
        decided_at=item.decided_at,
        decision_reason=item.decision_reason,
    )


def _value(item: RequestShown) -> schema.WantedValue | None:
    if item.value is None:
        return None
    return schema.WantedValue(
        kind=item.value.kind,
        effective_from=item.value.effective_from,
        steps=[
            schema.ValueStep(currency=step.currency, before=step.before, after=step.after, change=step.change)
            for step in item.value.steps
        ],
    )


def _grant(w: Web, item: RequestShown) -> schema.WantedGrant | None:
    if item.grant is None:
        return None
    return schema.WantedGrant(
        user_id=w.public_ids.show(item.grant.account_id),
        account=item.grant.account,
        tokens=item.grant.tokens,
    )


def _adjustment(w: Web, item: RequestShown) -> schema.WantedAdjustment | None:
    if item.adjustment is None:
        return None
    return schema.WantedAdjustment(
        user_id=w.public_ids.show(item.adjustment.account_id),
        account=item.adjustment.account,
        tokens=item.adjustment.tokens,
        kind=item.adjustment.kind,
        entry=item.adjustment.reference,
    )


def _promotion(item: RequestShown) -> schema.WantedPromotion | None:
    if item.promotion is None:
        return None
    wanted = item.promotion
    return schema.WantedPromotion(
        code=wanted.code,
        tokens=wanted.tokens,
        limit=wanted.limit,
        days=wanted.days,
        starts_at=wanted.starts_at,
        ends_at=wanted.ends_at,
        for_guests=wanted.for_guests,
    )


def _close(item: RequestShown) -> schema.WantedClose | None:
    if item.close is None:
        return None
    figures = item.close.figures
    return schema.WantedClose(
        entity=item.close.entity,
        month=item.close.month,
        digest=item.close.digest,
        statements=figures.statements if figures else None,
        paid=[Money(minor=paid.minor, currency=paid.currency) for paid in figures.paid] if figures else None,
    )
