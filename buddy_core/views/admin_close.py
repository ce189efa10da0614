"""Closing a month: what has to come in, what was reviewed, and what is published."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol

from attrs import evolve, frozen

from buddy_core.access import Actor, AuditQuery, AuditRecord, require
from buddy_core.ads import AdsTx
from buddy_core.flows.close_period import CLOSE, CloseTx, digest_of, digest_of_closed, month_for
from buddy_core.flows.royalty_book import OpenMonths, state_month_in
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.royalty import MOST_LISTED, BadInput, BeingWorkedOut, ClosedMonth, InputHead, TermsProblems
from buddy_core.tax import SellerRoutes, SellingEntity
from buddy_core.views.admin_names import NamesTx, names_in, without_ids
from buddy_core.views.admin_values import KINDS
from buddy_core.views.close_figures import CloseFigures, figures_in
from buddy_core.views.close_reviews import OPERATOR, CloseReview, Reviews, review_in, reviews_in
from buddy_core.views.stated import ValuesTx, closed_month, open_months_in, provisional

CloseState = Literal["running", "blocked", "ready", "reviewed", "closed"]
CheckKey = Literal[
    "month_ended",
    "months_in_order",
    "facts_arrived",
    "values_complete",
    "terms_fit",
    "worked_out",
    "rewards_settled",
]
CLOSED_SHOWN = 6
"""How many closed months of an entity stand on the page."""


class AdminCloseTx(CloseTx, AdsTx, NamesTx, ValuesTx, Protocol):
    """What the page of the month's close reads."""


@frozen
class Check:
    """One thing to look at before the month is closed; `count` is how many offend.

    What is not `blocking` is told, and does not stand in the way.
    """

    key: CheckKey
    is_done: bool
    count: int = 0
    url: str | None = None
    is_blocking: bool = True


@frozen
class FactsFile:
    """Facts that were brought in by name, or that are awaited; `month` is the one that they are of."""

    name: str
    month: str
    at: datetime
    facts: int | None
    """How many rows; None while they are awaited."""


@frozen
class CloseMonth:
    """One entity's month; `ends_at` is its end in the entity's zone.

    `late` are facts of closed months: they stand in this one as adjustments. `figures` is None
    where the month cannot be stated: `problems` say why, the first hundred of `problem_count`.
    `after` is the open month that has to be closed first; what carries over from it may be missing
    until then, and with it the figures.
    """

    month: str
    entity: str
    entity_name: str
    zone: str
    state: CloseState
    ends_at: datetime
    checks: tuple[Check, ...] = ()
    files: tuple[FactsFile, ...] = ()
    late: tuple[FactsFile, ...] = ()
    figures: CloseFigures | None = None
    problems: tuple[str, ...] = ()
    problem_count: int = 0
    after: str | None = None
    is_being_worked_out: bool = False
    """It is large: its figures come by themselves."""
    review: CloseReview | None = None
    closed_at: datetime | None = None
    reviewed_by: str | None = None
    """None where the host's own command line closed it alone."""
    published_by: str | None = None
    digest: str | None = None
    """Of all figures: what was reviewed is what is published."""

    @property
    def last_moment(self) -> datetime:
        """Return a moment of the month's last day: `ends_at` itself is midnight of the next one."""
        return self.ends_at - timedelta(seconds=1)

    @property
    def awaited(self) -> tuple[FactsFile, ...]:
        """Return the facts that were announced and have not come."""
        return tuple(item for item in self.files if item.facts is None)


@frozen
class AdminClose:
    """The months of each entity, the one to act on first.

    `done` is what was just done: `reviewed`, `published` or `closed_before`; `problem` says what
    did not work with the month `problem_of`, an entity and its month.
    """

    months: tuple[CloseMonth, ...]
    now: datetime
    done: str | None = None
    problem: str | None = None
    problem_of: str = ""

    def find(self, entity: str, month: str) -> CloseMonth | None:
        """Return an entity's month, if it stands on the page."""
        return next((item for item in self.months if (item.entity, item.month) == (entity, month)), None)


async def close_page(
    actor: Actor, *, uow: UnitOfWork[AdminCloseTx], clock: Clock, routes: SellerRoutes
) -> AdminClose:
    """Fill the page: open months with their provisional figures, then the last closed ones.

    Raises:
        NotPermitted: the actor may not see months.
    """
    require(actor, "period:read")
    async with uow.read() as tx:
        at = clock.now()
        opened = await open_in(tx, actor, routes, at)
        closed: list[CloseMonth] = []
        for entity in routes.entities:
            names = (await tx.statements.months(entity.id))[-CLOSED_SHOWN:]
            closed += [
                await _closed_in(tx, entity, month) for month in await tx.statements.closed(entity.id, names)
            ]
    closed.sort(key=lambda item: (item.month, item.entity), reverse=True)
    return AdminClose((*opened, *closed), at)


async def open_in(tx: AdminCloseTx, actor: Actor, routes: SellerRoutes, at: datetime) -> list[CloseMonth]:
    """Return the open months of every entity, the earliest of those that have ended first."""
    held = len(await tx.rewards.held())
    reviews = await reviews_in(tx)
    found: list[CloseMonth] = []
    for entity in routes.entities:
        book = _Book(entity, await _late_in(tx, entity), await missing_values_in(tx, entity, at), held)
        first: str | None = None
        known = OpenMonths()
        for name in await open_months_in(tx, entity, at):
            month = await _open_in(tx, book, name, first, at, known)
            found.append(await _with_review_in(tx, actor, month, reviews, at))
            first = first or name
    return sorted(found, key=lambda item: (item.state == "running", item.month, item.entity))


async def missing_values_in(tx: ValuesTx, entity: SellingEntity, at: datetime) -> int:
    """Count the kinds of token that have no value in the entity's currency now."""
    live = await tx.token_values.in_force(at)
    return sum(kind not in live or entity.currency not in live[kind].values for kind in KINDS)


@frozen
class _Book:
    """What the open months of an entity have in common."""

    entity: SellingEntity
    late: tuple[FactsFile, ...]
    missing: int
    held: int


async def _open_in(
    tx: AdminCloseTx, book: _Book, name: str, first: str | None, at: datetime, known: OpenMonths
) -> CloseMonth:
    """Return an open month; `first` is the open one before all others, None where this is it."""
    entity = book.entity
    wanted = month_for(entity, name)
    month = CloseMonth(
        month=name,
        entity=entity.id,
        entity_name=entity.name,
        zone=entity.zone,
        state="running",
        ends_at=wanted.period.end,
        files=_newest(await tx.royalty_inputs.heads(entity.id, month=name)),
        late=book.late if first is None else (),
        after=first,
    )
    try:
        # Of a month that runs, something new comes at any moment.
        stated = await state_month_in(tx, wanted, known=known, may_lag=wanted.period.end > at)
    except BeingWorkedOut:
        month = evolve(month, is_being_worked_out=True)
    except (BadInput, TermsProblems) as error:
        if first is None:
            texts, count = _problems(error)
            month = evolve(month, problems=texts, problem_count=count)
    else:
        figures = await figures_in(tx, provisional(stated))
        month = evolve(month, figures=figures, digest=digest_of(stated))
    checks = _checks(book, month, at)
    is_blocked = any(check.is_blocking and not check.is_done for check in checks)
    state: CloseState = "running" if wanted.period.end > at else "blocked" if is_blocked else "ready"
    return evolve(month, checks=checks, state=state)


def _problems(error: BadInput | TermsProblems) -> tuple[tuple[str, ...], int]:
    """Return the first problems in words, and how many there are."""
    if isinstance(error, BadInput):
        return tuple(problem.text() for problem in error.problems), error.count
    return error.problems[:MOST_LISTED], len(error.problems)


def _checks(book: _Book, month: CloseMonth, at: datetime) -> tuple[Check, ...]:
    awaited, missing, held = len(month.awaited), book.missing, book.held
    values = "/admin/values" if missing else None
    facts = f"/admin/facts?entity={month.entity}&month={month.month}"
    order = () if month.after is None else (Check("months_in_order", is_done=False),)
    return (
        Check("month_ended", month.ends_at <= at),
        *order,
        Check("facts_arrived", not awaited, awaited, facts if awaited else None),
        Check("values_complete", not missing, missing, values),
        Check("worked_out", is_done=False)
        if month.is_being_worked_out
        else Check("terms_fit", not month.problem_count, month.problem_count),
        # A held reward is no part of this month's figures.
        Check("rewards_settled", not held, held, "/admin/rewards" if held else None, is_blocking=False),
    )


async def _with_review_in(
    tx: AdminCloseTx, actor: Actor, month: CloseMonth, reviews: Reviews, at: datetime
) -> CloseMonth:
    if month.is_being_worked_out:
        # Whether its figures are those that were reviewed is not known yet.
        return month
    known = reviews.get((month.entity, month.month), ())
    review = await review_in(tx, actor, known, month.digest, at)
    is_waiting = review is not None and review.state == "waiting" and month.state == "ready"
    return evolve(month, review=review, state="reviewed" if is_waiting else month.state)


async def _closed_in(tx: AdminCloseTx, entity: SellingEntity, closed: ClosedMonth) -> CloseMonth:
    stored = await tx.statements.of_month(entity.id, closed.month)
    record = await _record_in(tx, f"{entity.id}:{closed.month}")
    asked = json.loads(record.after).get("requested_by") if record else None
    return CloseMonth(
        month=closed.month,
        entity=entity.id,
        entity_name=entity.name,
        zone=entity.zone,
        state="closed",
        ends_at=closed.ends_at,
        figures=await figures_in(tx, closed_month(stored)),
        closed_at=record.at if record else (stored[-1].closed_at if stored else None),
        reviewed_by=await _named_in(tx, asked) if asked else None,
        published_by=await _named_in(tx, record.actor) if record else None,
        digest=digest_of_closed(closed, stored),
    )


async def _record_in(tx: AdminCloseTx, resource: str) -> AuditRecord | None:
    """Return the audit record of a close."""
    found = await tx.audit.search(AuditQuery(action=CLOSE, resource=resource), before=None, limit=1)
    return found[0] if found else None


async def _late_in(tx: AdminCloseTx, entity: SellingEntity) -> tuple[FactsFile, ...]:
    """Return the files of closed months that came after the last of them was closed."""
    names = await tx.statements.months(entity.id)
    last = await tx.statements.closed(entity.id, names[-1:])
    if not last:
        return ()
    came = await tx.royalty_inputs.heads(entity.id, since=last[0].cut)
    return _newest([item for item in came if item.month <= last[0].month])


async def _named_in(tx: NamesTx, actor: str) -> str:
    return OPERATOR if actor == "system" else without_ids(actor, await names_in(tx, [actor]))


def _newest(files: Sequence[InputHead]) -> tuple[FactsFile, ...]:
    """Return the newest file of each name: what was awaited may have come."""
    return tuple(_file(item) for _, item in sorted({item.key: item for item in files}.items()))


def _file(item: InputHead) -> FactsFile:
    return FactsFile(item.key, item.month, item.at, None if item.is_awaited else item.facts)
