"""Does an act need a second person, and may this one decide."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction

from buddy_core.access.data import SECOND_PERSON_RULES
from buddy_core.access.errors import (
    ApprovalDecided,
    ApprovalExpired,
    NotOwnRequest,
    NotPermitted,
    OwnRequest,
    ReasonMissing,
    SecondFactorNeeded,
)
from buddy_core.access.model import Actor, ApprovalState, Decision, Outcome, Request, SecondPersonRule
from buddy_core.access.rules.permits import require

MIN_REASON, MAX_REASON = 3, 500
UNLIMITED = "unlimited"


def needs_second_person(
    act: str,
    measure: Fraction | None,
    rules: Mapping[str, SecondPersonRule] = SECOND_PERSON_RULES,
) -> SecondPersonRule | None:
    """Return the rule that asks for a second person, or None if one may do this alone.

    A measure of None is above every limit: there was nothing to compare with.
    """
    rule = rules.get(act)
    if rule is None or (measure is not None and measure <= rule.above):
        return None
    return rule


def measure_text(measure: Fraction | None) -> str:
    """Return a measure as it is kept: `n/d`, or `unlimited`."""
    return UNLIMITED if measure is None else f"{measure.numerator}/{measure.denominator}"


def state_of(request: Request, decision: Decision | None, at: datetime) -> ApprovalState:
    """Return how a request stands; one that nobody decided in time has expired."""
    if decision is not None:
        return ApprovalState(decision.outcome.value)
    return ApprovalState.PENDING if at < request.expires_at else ApprovalState.EXPIRED


def decide(
    request: Request,
    earlier: Decision | None,
    actor: Actor,
    outcome: Outcome,
    reason: str,
    at: datetime,
    rules: Mapping[str, SecondPersonRule] = SECOND_PERSON_RULES,
) -> Decision:
    """Return the decision on a request, if this actor may make it now.

    Raises:
        NotPermitted, SecondFactorNeeded: the actor may not decide such requests.
        OwnRequest: nobody approves or rejects what they asked for; they withdraw it.
        NotOwnRequest: only whoever asked withdraws.
        ApprovalDecided, ApprovalExpired: it is too late.
        ReasonMissing: a rejection says why, and no reason is longer than 500 characters.
    """
    is_own = actor.account_id == request.requested_by
    if outcome is Outcome.WITHDRAWN:
        if not is_own or actor.impersonator is not None:
            raise NotOwnRequest(request.id)
        if actor.owes_second_factor:
            raise SecondFactorNeeded(request.act)
    else:
        rule = rules.get(request.act)
        if rule is None:
            # Its rule was taken out of the data: nobody is left who may decide.
            raise NotPermitted(request.act)
        require(actor, rule.approve)
        if outcome is Outcome.APPROVED and actor.account_id is None:
            raise NotPermitted(rule.approve, "not_a_person")
        if is_own:
            raise OwnRequest(request.id)
    if earlier is not None:
        raise ApprovalDecided(request.id, earlier.outcome.value)
    if at >= request.expires_at:
        raise ApprovalExpired(request.id, request.expires_at)
    if outcome is Outcome.REJECTED or reason.strip():
        reason = check_reason(reason)
    return Decision(request.id, outcome, actor.account_id, at, reason.strip())


def check_reason(text: str) -> str:
    """Return a reason without blanks around it.

    Raises:
        ReasonMissing: it is shorter than 3 characters, longer than 500, or not printable.
    """
    reason = text.strip()
    if not MIN_REASON <= len(reason) <= MAX_REASON or not reason.isprintable():
        raise ReasonMissing
    return reason
