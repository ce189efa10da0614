"""What waits for a second person: who asks for what, and what approving it would do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import Protocol

from attrs import frozen

from buddy_core.access import (
    SECOND_PERSON_RULES,
    Actor,
    ApprovalState,
    Change,
    Request,
    may,
    record_in,
    require,
)
from buddy_core.flows.approvals import Asked
from buddy_core.flows.close_period import (
    CLOSE,
    CloseTx,
    digest_of,
    digest_of_closed,
    has_reviewed,
    month_for,
    reviews_of_in,
)
from buddy_core.flows.correct import adjustment_from_plain
from buddy_core.flows.promotions import promotion_command_from_plain
from buddy_core.flows.royalty_book import state_month_in
from buddy_core.flows.staff import grant_from_plain, value_from_plain
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.ids import AccountId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.royalty import BadInput, BeingWorkedOut, TermsProblems
from buddy_core.tax import SellerRoutes
from buddy_core.tokens import Entries, version_at
from buddy_core.views.admin_names import NamesTx
from buddy_core.views.close_figures import CloseFigures, figures_in
from buddy_core.views.close_reviews import person_in, wanted_close
from buddy_core.views.stated import ValuesTx, closed_month, provisional

_ABOUT_MEMBERS = ("tokens.grant", "tokens.adjust")


class AdminApprovalsTx(CloseTx, NamesTx, ValuesTx, Protocol):
    """What the page of approvals reads."""

    @property
    def entries(self) -> Entries: ...


@frozen
class ValueStep:
    """One currency's value before and after; `before` is None where there was none.

    `change` is a part of what it was: 7/5 is 140 % more.
    """

    currency: str
    before: Fraction | None
    after: Fraction
    change: Fraction | None


@frozen
class WantedValue:
    """A new value of one kind of token, compared with the one in force when it was asked for."""

    kind: str
    effective_from: datetime
    steps: tuple[ValueStep, ...]


@frozen
class WantedGrant:
    """Bonus tokens for somebody."""

    account_id: AccountId
    account: str
    tokens: int


@frozen
class WantedAdjustment:
    """Tokens to give to a lot of somebody, or below zero to take from it."""

    account_id: AccountId
    account: str
    tokens: int
    kind: str
    """Of the lot; empty where it is gone."""
    reference: str
    """The entry that had it wrong, as its owner reads it."""


@frozen
class WantedPromotion:
    """A code that brings tokens to so many accounts."""

    code: str
    tokens: int
    limit: int
    days: int
    starts_at: datetime | None
    """None: as soon as it is approved."""
    ends_at: datetime
    for_guests: bool

    @property
    def budget(self) -> int:
        """Return how many tokens it gives at most."""
        return self.tokens * self.limit


@frozen
class WantedClose:
    """A reviewed month to publish.

    `figures` are those of `digest`, as the month stands now or was published. Without them nobody
    can publish: it does not come to them any more, or is still being worked out.
    """

    entity: str
    month: str
    digest: str
    figures: CloseFigures | None
    is_being_worked_out: bool = False
    is_hidden: bool = False
    """The figures of months are not the actor's to see."""
    has_reviewed: bool = False
    """The actor has reviewed these very figures: somebody else publishes them."""


@frozen
class RequestShown:
    """A request as staff read it.

    `value`, `grant`, `adjustment`, `promotion` or `close` says what it would do.
    """

    id: str
    act: str
    state: ApprovalState
    asked_by: str
    is_own: bool
    may_decide: bool
    reason: str
    requested_at: datetime
    expires_at: datetime
    measure: Fraction | None
    """How large it is by the rule; None: there was nothing to compare with."""
    above: Fraction
    """The most that one person does alone."""
    value: WantedValue | None = None
    grant: WantedGrant | None = None
    adjustment: WantedAdjustment | None = None
    promotion: WantedPromotion | None = None
    close: WantedClose | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_reason: str = ""


@frozen
class AdminApprovals:
    """What waits, and what was decided, each the newest first.

    `problem` says in words what did not work, for the request `problem_id`; `reason` is what was
    typed; `done` is what was just done: `approved`, `rejected` or `withdrawn`.
    """

    waiting: tuple[RequestShown, ...]
    decided: tuple[RequestShown, ...] = ()
    done: str | None = None
    problem: str | None = None
    problem_id: str = ""
    reason: str = ""
    is_one: bool = False
    """The page is about one request alone."""


async def show_requests(
    actor: Actor,
    asked: Sequence[Asked],
    *,
    correlation_id: str,
    uow: UnitOfWork[AdminApprovalsTx],
    clock: Clock,
    routes: SellerRoutes,
) -> tuple[RequestShown, ...]:
    """Return requests with names and what each would do; that members' names were shown is recorded.

    Raises:
        NotPermitted: the actor may not see requests.
    """
    require(actor, "approval:read")

    async def work(tx: AdminApprovalsTx) -> tuple[RequestShown, ...]:
        about_members = [item.request.id for item in asked if item.request.act in _ABOUT_MEMBERS]
        if about_members:
            change = Change("approval.read", "approvals", None, about_members, correlation_id)
            await record_in(tx, actor, change, clock.now())
        return tuple([await _shown_in(tx, actor, item, routes) for item in asked])

    return await retried(uow, work)


async def _shown_in(tx: AdminApprovalsTx, actor: Actor, asked: Asked, routes: SellerRoutes) -> RequestShown:
    request, decision = asked.request, asked.decision
    return RequestShown(
        id=request.id,
        act=request.act,
        state=asked.state,
        asked_by=await person_in(tx, request.requested_by),
        is_own=asked.is_own,
        may_decide=asked.may_decide,
        reason=request.reason,
        requested_at=request.requested_at,
        expires_at=request.expires_at,
        measure=Fraction(request.measure) if "/" in request.measure else None,
        above=SECOND_PERSON_RULES[request.act].above,
        value=await _value_in(tx, request) if request.act == "token_value.set" else None,
        grant=await _grant_in(tx, request) if request.act == "tokens.grant" else None,
        adjustment=await _adjustment_in(tx, request) if request.act == "tokens.adjust" else None,
        promotion=_promotion(request) if request.act == "promotion.add" else None,
        close=await _close_in(tx, actor, asked, routes) if request.act == CLOSE else None,
        decided_by=await person_in(tx, decision.by) if decision else None,
        decided_at=decision.at if decision else None,
        decision_reason=decision.reason if decision else "",
    )


async def _value_in(tx: AdminApprovalsTx, request: Request) -> WantedValue:
    command = value_from_plain(json.loads(request.command))
    # Versions count from the future on: the one in force when it was asked for stays the same for ever.
    before = version_at(await tx.token_values.of_kind(command.kind), request.requested_at)
    steps = []
    for currency, after in sorted(command.values.items()):
        old = before.values.get(currency) if before else None
        steps.append(ValueStep(currency, old, after, (after - old) / old if old else None))
    return WantedValue(command.kind, command.effective_from, tuple(steps))


async def _grant_in(tx: AdminApprovalsTx, request: Request) -> WantedGrant:
    command = grant_from_plain(json.loads(request.command))
    return WantedGrant(command.account_id, await person_in(tx, command.account_id), command.tokens)


async def _adjustment_in(tx: AdminApprovalsTx, request: Request) -> WantedAdjustment:
    command = adjustment_from_plain(json.loads(request.command))
    lots = await tx.entries.lots([command.lot_id])
    entry = (await tx.entries.get([command.entry_id])).get(command.entry_id)
    return WantedAdjustment(
        command.account_id,
        await person_in(tx, command.account_id),
        command.tokens,
        lots[command.lot_id][1].kind if command.lot_id in lots else "",
        f"{entry.sequence}-{entry.hash.hex()[:8]}" if entry else "",
    )


def _promotion(request: Request) -> WantedPromotion:
    command = promotion_command_from_plain(json.loads(request.command))
    return WantedPromotion(
        command.code,
        command.tokens,
        command.limit,
        command.days,
        command.starts_at,
        command.ends_at,
        command.for_guests,
    )


async def _close_in(tx: AdminApprovalsTx, actor: Actor, asked: Asked, routes: SellerRoutes) -> WantedClose:
    name, month, digest = wanted_close(asked.request)
    entity = next(entity for entity in routes.entities if entity.id == name)
    if not may(actor, "period:read"):
        return WantedClose(name, month, digest, None, is_hidden=True)
    figures, is_being_worked_out = None, False
    if closed := await tx.statements.closed(name, [month]):
        stored = await tx.statements.of_month(name, month)
        if digest_of_closed(closed[0], stored) == digest:
            figures = await figures_in(tx, closed_month(stored))
    elif asked.state is ApprovalState.PENDING:
        try:
            stated = await state_month_in(tx, month_for(entity, month))
            if digest_of(stated) == digest:
                figures = await figures_in(tx, provisional(stated))
        except BeingWorkedOut:
            is_being_worked_out = True
        except (BadInput, TermsProblems):
            # As after any other change of facts or terms: these are no longer its figures.
            pass
    mine = has_reviewed(actor, digest, await reviews_of_in(tx, month_for(entity, month)))
    return WantedClose(name, month, digest, figures, is_being_worked_out, has_reviewed=mine)
