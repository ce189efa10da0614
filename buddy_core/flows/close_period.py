"""Close a month: state it from its facts and terms, let a second person look, and store what is final."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Literal, Protocol

from attrs import frozen

from buddy_core.access import (
    SECOND_PERSON_RULES,
    Actor,
    ApprovalState,
    ApprovalsTx,
    Change,
    Decision,
    Outcome,
    Request,
    afresh_in,
    record_in,
    require,
    settle_in,
    state_of,
)
from buddy_core.flows.awaiting import Awaiting, wait_in
from buddy_core.flows.royalty_book import RoyaltyBookTx, StatedMonth, first_month_in, state_month_in
from buddy_core.kernel.canonical import GENESIS, canonical_bytes
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.events import Outbox, envelope
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.ids import EntityId, EventId, IdSource
from buddy_core.kernel.periods import month, next_month
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.royalty import (
    AlreadyPublished,
    BadInput,
    BeingWorkedOut,
    ClosedMonth,
    ClosedOutOfOrder,
    FactsPending,
    Month,
    MonthClosed,
    NothingToClose,
    OwnReview,
    PassedOver,
    PeriodNotFinished,
    ReviewOutdated,
    StatementDiffers,
    StoredStatement,
    TermsProblems,
    Whose,
    is_same_statement,
    seal,
)
from buddy_core.tax import SellingEntity

CLOSE = "period.close"
MANAGE = "period:close"
_SEARCHED = 100
"""How many requests are read at once."""
_PUBLISHED = "The month has been published from another review."
Review = tuple[Request, Decision | None]
"""A request to publish a month, with what became of it."""
Stage = Literal["gather", "state", "seal"]
"""How far the close of one entity has come."""
Progress = Callable[[EntityId, Stage], None]


class CloseTx(RoyaltyBookTx, ApprovalsTx, Protocol):
    """What a close needs of a transaction."""

    @property
    def outbox(self) -> Outbox: ...


@frozen
class Closed:
    """A closed month of one entity; `is_new` is False when it had been closed before."""

    entity: EntityId
    month: str
    statements: tuple[StoredStatement, ...]
    is_new: bool


@frozen
class Reviewed:
    """A month of one entity that was reviewed, and waits for a second person to publish it."""

    entity: EntityId
    month: str
    digest: str
    """Of the figures that were reviewed; only these can be published."""
    awaiting: Awaiting


@frozen
class Refused:
    """A month of one entity that cannot be closed, and why."""

    entity: EntityId
    month: str
    error: BuddyError


@frozen
class CloseReport:
    """What closing a month over all entities came to.

    `reviewed` wait for a second person, `open` names those it has not ended for, `refusals`
    say why others could not close.
    """

    closed: tuple[Closed, ...]
    open: tuple[PeriodNotFinished, ...]
    refusals: tuple[Refused, ...] = ()
    reviewed: tuple[Reviewed, ...] = ()

    @property
    def refused(self) -> tuple[BuddyError, ...]:
        """What kept entities from closing."""
        return tuple(item.error for item in self.refusals)


def month_for(entity: SellingEntity, name: str) -> Month:
    """Return the calendar month `YYYY-MM` in the entity's own zone (decision C40).

    Raises:
        InvalidMonth: the name is no month.
    """
    return Month(name, entity.id, entity.zone, month(name, entity.zone))


async def close_month(
    actor: Actor,
    name: str,
    entities: Sequence[SellingEntity],
    *,
    correlation_id: str,
    uow: UnitOfWork[CloseTx],
    clock: Clock,
    ids: IdSource,
    progress: Progress | None = None,
) -> CloseReport:
    """Close a month for every entity whose month has ended; each in a transaction of its own.

    A person reviews: the very figures then wait for a second person, whose approval
    publishes them. The host's own command line and jobs, which are no person, publish at once.
    Closing again states the month anew and answers the stored statements, which must be
    byte for byte the same. Entities of which nothing is known yet are passed over, unless all are.
    One entity that cannot close keeps no other from it: its error
    stands in `refusals` (NothingToClose, ClosedOutOfOrder, PassedOver, FactsPending, BadInput, TermsProblems,
    StatementDiffers; BeingWorkedOut where it takes longer than a person waits). `progress` is told
    each stage of each entity; a stage that met another writer is told again.

    Raises:
        NotPermitted, SecondFactorNeeded, InvalidMonth.
    """
    require(actor, MANAGE)
    closed: list[Closed] = []
    reviewed: list[Reviewed] = []
    still_open: list[PeriodNotFinished] = []
    refusals: list[Refused] = []
    for entity in entities:
        wanted = month_for(entity, name)

        async def work(tx: CloseTx, wanted: Month = wanted) -> Closed | Reviewed:
            return await _close_in(tx, actor, wanted, clock.now(), correlation_id, ids, progress or _quiet)

        if clock.now() < wanted.period.end:
            still_open.append(PeriodNotFinished(entity.id, name, wanted.period.end))
            continue
        try:
            if actor.account_id is not None:
                await _work_out(uow, wanted)
            done = await retried(uow, work)
        except (
            NothingToClose,
            ClosedOutOfOrder,
            PassedOver,
            FactsPending,
            BadInput,
            TermsProblems,
            StatementDiffers,
            BeingWorkedOut,
        ) as error:
            refusals.append(Refused(entity.id, name, error))
            continue
        if isinstance(done, Closed):
            closed.append(done)
        else:
            reviewed.append(done)
    if len(refusals) < len(entities):
        # An entity that has not begun to trade is no reason to look at the others' month again.
        refusals = [item for item in refusals if not _has_not_begun(item.error)]
    return CloseReport(tuple(closed), tuple(still_open), tuple(refusals), tuple(reviewed))


def _has_not_begun(error: BuddyError) -> bool:
    return isinstance(error, NothingToClose) and not error.first


async def _work_out(uow: UnitOfWork[CloseTx], wanted: Month) -> None:
    """Have a month worked out before anything is held for it: nobody waits for a large one.

    Raises:
        BeingWorkedOut: it takes longer than a person waits; ask again.
        ClosedOutOfOrder, PassedOver, FactsPending, BadInput, TermsProblems: it cannot be closed.
    """
    async with uow.read() as tx:
        if wanted.name not in await tx.statements.months(wanted.entity):
            await _ready_in(tx, wanted)


async def work_out_reviewed(
    command: Mapping[str, Any], entities: Iterable[SellingEntity], *, uow: UnitOfWork[CloseTx]
) -> None:
    """Have the month of a review worked out before it is published; what else is wrong is told there.

    Raises:
        BeingWorkedOut: it takes longer than a person waits; ask again.
    """
    with suppress(NothingToClose, ClosedOutOfOrder, PassedOver, FactsPending, BadInput, TermsProblems):
        await _work_out(uow, _of_command(command, entities))


def _of_command(command: Mapping[str, Any], entities: Iterable[SellingEntity]) -> Month:
    """Return the month that a request to publish is about."""
    entity = next(entity for entity in entities if entity.id == command["entity"])
    return month_for(entity, command["month"])


async def carry_out_close_in(
    tx: CloseTx,
    actor: Actor,
    command: Mapping[str, Any],
    correlation_id: str,
    at: datetime,
    ids: IdSource,
    entities: Iterable[SellingEntity],
    **approved: str,
) -> None:
    """Publish a month that was reviewed; `approved` says which request of whom it comes from.

    Raises:
        AlreadyPublished: another review of it was published.
        OwnReview: the actor has reviewed these very figures too.
        ReviewOutdated: its figures are no longer those that were reviewed.
        ClosedOutOfOrder, PassedOver, FactsPending, BadInput, TermsProblems: it cannot be closed by now.
    """
    wanted = _of_command(command, entities)
    await tx.statements.lock_for_close(wanted.entity)
    if wanted.name in await tx.statements.months(wanted.entity):
        raise AlreadyPublished(wanted.entity, wanted.name)
    reviews = await reviews_of_in(tx, wanted)
    if has_reviewed(actor, command["digest"], reviews):
        raise OwnReview(wanted.entity, wanted.name)
    stated = await _ready_in(tx, wanted)
    if digest_of(stated) != command["digest"]:
        raise ReviewOutdated(wanted.entity, wanted.name)
    await _publish_in(tx, actor, stated, at, correlation_id, ids, approved)


async def provisional_month(entity: SellingEntity, name: str, *, uow: UnitOfWork[CloseTx]) -> StatedMonth:
    """Return what a month's statements would be if nothing more came; nothing is written."""
    async with uow.read() as tx:
        return await state_month_in(tx, month_for(entity, name))


def digest_of(stated: StatedMonth) -> str:
    """Return the SHA-256 over every statement, the terms and what is carried: what a review is of."""
    return _figures_digest(stated.terms, stated.closing, stated.bodies)


def digest_of_closed(month_: ClosedMonth, statements: Iterable[StoredStatement]) -> str:
    """Return the same of a month that is closed, from its statements in the order of their chain."""
    bodies = {Whose(item.holder, item.currency): item.body for item in statements}
    return _figures_digest(month_.terms, month_.closing, bodies)


def _figures_digest(terms: bytes, closing: bytes, bodies: Mapping[Whose, bytes]) -> str:
    whole = hashlib.sha256(terms + closing)
    for whose, body in bodies.items():
        whole.update(f"{whose.holder} {whose.currency}".encode() + hashlib.sha256(body).digest())
    return f"sha256:{whole.hexdigest()}"


def _quiet(entity: EntityId, stage: Stage) -> None:
    """Tell nobody."""


async def _close_in(
    tx: CloseTx,
    actor: Actor,
    wanted: Month,
    at: datetime,
    correlation_id: str,
    ids: IdSource,
    progress: Progress,
) -> Closed | Reviewed:
    require(await afresh_in(tx, actor), MANAGE)
    progress(wanted.entity, "gather")
    await tx.statements.lock_for_close(wanted.entity)
    if wanted.name in await tx.statements.months(wanted.entity):
        progress(wanted.entity, "state")
        return await _check_again(tx, wanted)
    stated = await _ready_in(tx, wanted, progress)
    progress(wanted.entity, "seal")
    if actor.account_id is None:
        return await _publish_in(tx, actor, stated, at, correlation_id, ids, {})
    command = {"entity": wanted.entity, "month": wanted.name, "digest": digest_of(stated)}
    change = Change(CLOSE, _resource(wanted), None, command, correlation_id)
    awaiting = await _asked_before(tx, actor, wanted, change, at)
    if awaiting is None:
        awaiting = await wait_in(tx, actor, SECOND_PERSON_RULES[CLOSE], change, None, "", at, ids)
    return Reviewed(wanted.entity, wanted.name, command["digest"], awaiting)


async def _asked_before(
    tx: CloseTx, actor: Actor, wanted: Month, change: Change, at: datetime
) -> Awaiting | None:
    """Return the same person's review of the very same figures, if it still waits."""
    command = canonical_bytes(change.after).decode()
    for request, decision in await reviews_of_in(tx, wanted):
        is_same = (request.command, request.requested_by) == (command, actor.account_id)
        if is_same and state_of(request, decision, at) is ApprovalState.PENDING:
            return Awaiting(request.id, request.expires_at)
    return None


async def reviews_of_in(tx: ApprovalsTx, wanted: Month) -> list[Review]:
    """Return every review of a month, newest first; none is older than its end."""
    found: list[Review] = []
    before: str | None = None
    while True:
        page = await tx.approvals.newest(undecided=False, before=before, limit=_SEARCHED)
        found += [item for item in page if _is_of(item[0], wanted)]
        if len(page) < _SEARCHED or page[-1][0].requested_at < wanted.period.end:
            return found
        before = page[-1][0].id


def _is_of(request: Request, wanted: Month) -> bool:
    return (request.act, request.resource) == (CLOSE, _resource(wanted))


def _resource(wanted: Month) -> str:
    return f"{wanted.entity}:{wanted.name}"


def has_reviewed(actor: Actor, digest: str, reviews: Iterable[Review]) -> bool:
    """Tell whether the actor has reviewed figures of this digest, and has not taken that back."""
    return actor.account_id is not None and any(
        request.requested_by == actor.account_id
        and json.loads(request.command)["digest"] == digest
        and (decision is None or decision.outcome is not Outcome.WITHDRAWN)
        for request, decision in reviews
    )


async def _ready_in(tx: CloseTx, wanted: Month, progress: Progress = _quiet) -> StatedMonth:
    """State a month that may be closed now: those before it are, and nothing is awaited."""
    entity, name = wanted.entity, wanted.name
    closed = await tx.statements.months(entity)
    if closed:
        if name < closed[0]:
            raise PassedOver(entity, name, closed[0])
        if name != next_month(closed[-1]):
            raise ClosedOutOfOrder(entity, name, next_month(closed[-1]))
    else:
        first = await first_month_in(tx, entity, wanted.zone)
        if first is None or name < first:
            raise NothingToClose(entity, name, first or "")
        if first < name:
            raise ClosedOutOfOrder(entity, name, first)
    files = await tx.royalty_inputs.heads(entity)
    newest = {item.key: item for item in files}
    awaited = sorted(key for key, item in newest.items() if item.month <= name and item.is_awaited)
    if awaited:
        raise FactsPending(entity, name, tuple(awaited))
    progress(entity, "state")
    return await state_month_in(tx, wanted)


async def _publish_in(
    tx: CloseTx,
    actor: Actor,
    stated: StatedMonth,
    at: datetime,
    correlation_id: str,
    ids: IdSource,
    approved: Mapping[str, str],
) -> Closed:
    wanted = stated.month
    last = await tx.statements.last(wanted.entity)
    sealed = seal(
        wanted,
        stated.bodies,
        at,
        sequence=last.sequence if last else 0,
        previous_hash=last.hash if last else GENESIS,
    )
    month_ = ClosedMonth(
        wanted.entity, wanted.name, wanted.period.end, stated.cut, stated.terms, stated.closing
    )
    await tx.statements.close(month_, sealed)
    after = {
        "statements": {f"{_shown(item)} {item.currency}": digest(item.body) for item in sealed},
        "cut": stated.cut,
        "terms": digest(stated.terms),
        "closing": digest(stated.closing),
        **approved,
    }
    change = Change(CLOSE, _resource(wanted), None, after, correlation_id)
    await record_in(tx, actor, change, at)
    for request, decision in await reviews_of_in(tx, wanted):
        if decision is None and state_of(request, decision, at) is ApprovalState.PENDING:
            await settle_in(tx, actor, request, _PUBLISHED, at, correlation_id)
    event = MonthClosed(wanted.entity, wanted.name, len(sealed))
    await tx.outbox.add([envelope(event, id=EventId(ids.uuid7()), subject=wanted.entity, at=at)])
    return Closed(wanted.entity, wanted.name, sealed, is_new=True)


async def _check_again(tx: CloseTx, wanted: Month) -> Closed:
    [closed] = await tx.statements.closed(wanted.entity, [wanted.name])
    stored = await tx.statements.of_month(wanted.entity, wanted.name)
    fresh = (await state_month_in(tx, wanted, closed)).bodies
    kept = {(item.holder, item.currency): item for item in stored}
    for holder, currency in sorted(fresh.keys() | kept.keys()):
        item = kept.get((holder, currency))
        body = fresh.get(Whose(holder, currency))
        if item is None or body is None or not is_same_statement(item.body, body):
            shown = _shown(item) if item else json.loads(fresh[Whose(holder, currency)])["holder"]
            raise StatementDiffers(wanted.entity, wanted.name, shown, currency)
    return Closed(wanted.entity, wanted.name, tuple(stored), is_new=False)


def _shown(item: StoredStatement) -> str:
    """Return whose statement it is as its own bytes say it: a short id, for internal ids are not shown."""
    holder: str = json.loads(item.body)["holder"]
    return holder


def digest(body: bytes) -> str:
    """Return the SHA-256 of bytes, as statements and the audit show it."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
