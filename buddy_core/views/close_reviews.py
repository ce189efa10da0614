"""Who reviewed a month, and whether what was reviewed is still what would be published."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

from attrs import frozen

from buddy_core.access import Actor, Approvals, ApprovalState, Decision, Request, state_of
from buddy_core.flows.close_period import CLOSE, has_reviewed
from buddy_core.kernel.ids import AccountId, EntityId
from buddy_core.views.admin_names import NamesTx, name_of, names_in, without_ids

ReviewState = Literal["waiting", "outdated", "expired", "rejected"]
OPERATOR = "the operator"
SEARCHED = 100
"""How many of the newest requests are looked through for reviews."""
Reviews = Mapping[tuple[str, str], Sequence[tuple[Request, Decision | None]]]
"""By entity and month, newest first."""


class ReviewsTx(NamesTx, Protocol):
    """What finding reviews reads."""

    @property
    def approvals(self) -> Approvals: ...


@frozen
class CloseReview:
    """A review of a month.

    `waiting`: a second person can publish it until `expires_at`; `outdated`: the figures have
    changed since; `expired`, `rejected`: it has to be reviewed again.
    """

    request_id: str
    state: ReviewState
    by: str
    is_own: bool
    has_reviewed: bool
    """The actor has reviewed these figures, by this request or by another: somebody else publishes them."""
    at: datetime
    expires_at: datetime
    decided_by: str | None = None
    reason: str = ""


async def reviews_in(tx: ReviewsTx) -> Reviews:
    """Return the newest requests to publish a month, those that wait first of all."""
    found: dict[str, tuple[Request, Decision | None]] = {}
    for undecided in (True, False):
        for request, decision in await tx.approvals.newest(undecided=undecided, before=None, limit=SEARCHED):
            if request.act == CLOSE:
                found[request.id] = (request, decision)
    by_month: dict[tuple[str, str], list[tuple[Request, Decision | None]]] = {}
    for item in sorted(found.values(), key=lambda pair: pair[0].requested_at, reverse=True):
        entity, month, _ = wanted_close(item[0])
        by_month.setdefault((entity, month), []).append(item)
    return by_month


async def review_in(
    tx: ReviewsTx,
    actor: Actor,
    reviews: Sequence[tuple[Request, Decision | None]],
    digest: str | None,
    at: datetime,
) -> CloseReview | None:
    """Return the review that says how an open month stands; `digest` is that of its figures now.

    One of these very figures goes before all others, and one that the actor may publish
    before their own; else the newest says what became of it.
    """
    shown: list[tuple[ReviewState, Request, Decision | None]] = []
    for request, decision in reviews:
        state = _state(request, decision, digest, at)
        if state is not None:
            shown.append((state, request, decision))
    if not shown:
        return None

    def first(item: tuple[ReviewState, Request, Decision | None]) -> tuple[bool, bool]:
        state, request, _ = item
        return state != "waiting", state == "waiting" and request.requested_by == actor.account_id

    state, request, decision = min(shown, key=first)
    return CloseReview(
        request.id,
        state,
        await person_in(tx, request.requested_by),
        request.requested_by == actor.account_id,
        has_reviewed(actor, wanted_close(request)[2], reviews),
        request.requested_at,
        request.expires_at,
        await person_in(tx, decision.by) if decision else None,
        decision.reason if decision else "",
    )


async def person_in(tx: NamesTx, account_id: AccountId | None) -> str:
    """Return the name of whoever acted; without an account it was the operator."""
    if account_id is None:
        return OPERATOR
    account = await tx.accounts.get(account_id)
    if account is not None:
        return name_of(account)
    text = str(account_id)
    return without_ids(text, await names_in(tx, [text]))


def wanted_close(request: Request) -> tuple[EntityId, str, str]:
    """Return the entity, the month and the digest that a request to publish is about."""
    wanted = json.loads(request.command)
    return EntityId(wanted["entity"]), wanted["month"], wanted["digest"]


def _state(
    request: Request, decision: Decision | None, digest: str | None, at: datetime
) -> ReviewState | None:
    state = state_of(request, decision, at)
    if state is ApprovalState.PENDING:
        return "waiting" if wanted_close(request)[2] == digest else "outdated"
    if state is ApprovalState.EXPIRED:
        return "expired"
    return "rejected" if state is ApprovalState.REJECTED else None
