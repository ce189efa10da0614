"""A month's statement to one producer, and how one of its amounts was computed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import Protocol

from attrs import frozen

from buddy_core.access import Actor
from buddy_core.catalog import Producer, Title
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.ids import PartnerId
from buddy_core.kernel.money import Money
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.rights import licences_of
from buddy_core.tax import SellerRoutes, SellingEntity
from buddy_core.tokens import TokenKind
from buddy_core.views.common import TitleType
from buddy_core.views.errors import StatementLineNotFound, StatementNotFound
from buddy_core.views.producer import ProducerTx, check_sees, producer_in, unlocks_in
from buddy_core.views.stated import (
    MonthState,
    Stated,
    StatedLine,
    ValuesTx,
    line_name,
    open_months_in,
    paid_by,
    read_stored,
    share_of,
    state_of,
    stated_in,
    titles_in,
)

ALLOCATION_RULE = "largest remainder; ties to the smaller exact share"


class StatementTx(ProducerTx, ValuesTx, Protocol):
    """What statements and their explanations read."""


@frozen
class StatementLine:
    """One title: `gross` is the exact value of its spends, `exact` the producer's share of it.

    Both are in minor units; `amount` is what is paid. What was refunded is taken off
    already; `refunded_tokens` says how many that was, by the month in which they were spent.
    """

    line: str
    title: str
    type: TitleType
    unlocks: int
    bonus_tokens: int
    paid_tokens: int
    gross: Fraction
    exact: Fraction
    amount: Money
    refunded_tokens: tuple[tuple[str, int], ...] = ()


@frozen
class StatementPage:
    """The document for a month; `digest` is set once the month is closed.

    `rounding` is the difference between the month's exact value and its rounded one.
    """

    month: str
    state: MonthState
    producer: str
    entity: str
    currency: str
    zone: str
    share: Fraction
    lines: tuple[StatementLine, ...]
    total: Money
    total_exact: Fraction
    rounding: Fraction | None = None
    closed_at: datetime | None = None
    digest: str | None = None


@frozen
class WhySpend:
    """Spends that count alike: so many tokens at one value, in minor units a token.

    Of refunds tokens and `exact` are below zero, and `refund_of` is the month of the spends.
    """

    kind: str
    tokens: int
    value: Fraction
    value_version: str
    effective_from: datetime
    exact: Fraction
    refund_of: str | None = None


@frozen
class WhyPage:
    """How one amount was computed, in the order a person would do it by hand.

    `exact` is `gross` times `share`; `amount` is what the statement pays, after
    the month was rounded once and split (`allocation_rule`).
    """

    month: str
    state: MonthState
    line: str
    title: str
    producer: str
    currency: str
    spends: tuple[WhySpend, ...]
    gross: Fraction
    share: Fraction
    exact: Fraction
    amount: Money
    allocation_rule: str = ""


@frozen
class StatementWanted:
    """Which statement of a producer: a month, and where there are several, a currency or an entity."""

    partner: PartnerId
    month: str
    currency: str | None = None
    entity: str | None = None


@frozen
class StatementFile:
    """A statement to download: its bytes are final where `is_closed`.

    `titles` are those that its lines name.
    """

    producer: Producer
    entity: SellingEntity
    state: MonthState
    as_of: datetime
    stated: Stated
    titles: dict[str, Title]


@frozen
class StatementSummary:
    """A closed statement in a list."""

    month: str
    entity: str
    amount: Money
    closed_at: datetime
    digest: str


@frozen
class _Found:
    """A statement as it lies there, with where it stands; `stated` is None where nothing was earned."""

    entity: SellingEntity
    state: MonthState
    stated: Stated | None


async def statement_page(
    actor: Actor, wanted: StatementWanted, *, uow: UnitOfWork[StatementTx], clock: Clock, routes: SellerRoutes
) -> StatementPage:
    """Fill a statement: the final one of a closed month, or a provisional one.

    Raises:
        StatementNotFound: the month is not there, or has nothing in that currency or with that entity.
        InvalidMonth: the text names no month.
    """
    check_sees(actor, wanted.partner)
    async with uow.read() as tx:
        producer = await producer_in(tx, wanted.partner)
        found = await _find_in(tx, wanted, routes, clock.now())
        stated, entity = found.stated, found.entity
        lines = await _lines_in(tx, wanted.partner, entity, stated) if stated else ()
        share = share_of(stated.lines) if stated else None
        return StatementPage(
            month=wanted.month,
            state=found.state,
            producer=producer.name,
            entity=entity.name,
            currency=entity.currency,
            zone=entity.zone,
            share=await _share_in(tx, wanted.partner) if share is None else share,
            lines=lines,
            total=Money(stated.payable if stated else 0, entity.currency),
            total_exact=stated.exact if stated else Fraction(0),
            rounding=stated.rounding if stated else None,
            closed_at=stated.closed_at if stated else None,
            digest=stated.digest if stated else None,
        )


async def why_page(
    actor: Actor,
    wanted: StatementWanted,
    line: str,
    *,
    uow: UnitOfWork[StatementTx],
    clock: Clock,
    routes: SellerRoutes,
) -> WhyPage:
    """Explain one line of a statement.

    Raises:
        StatementNotFound, StatementLineNotFound, InvalidMonth.
    """
    check_sees(actor, wanted.partner)
    async with uow.read() as tx:
        producer = await producer_in(tx, wanted.partner)
        found = await _find_in(tx, wanted, routes, clock.now(), line)
        if found.stated is None:
            raise StatementLineNotFound(wanted.month, line)
        stated = found.stated
        lines = [item for item in stated.lines if line_name(item.title) == line]
        if not lines:
            raise StatementLineNotFound(wanted.month, line)
        title = (await titles_in(tx, [stated]))[lines[0].title]
        share = share_of(lines)
        return WhyPage(
            month=wanted.month,
            state=found.state,
            line=line,
            title=title.name,
            producer=producer.name,
            currency=stated.currency,
            spends=tuple([await _spend_in(tx, item) for item in lines]),
            gross=sum((item.value for item in lines), Fraction(0)),
            share=lines[0].share if share is None else share,
            exact=sum((item.amount for item in lines), Fraction(0)),
            amount=Money(paid_by(stated, lambda item: item.title)[lines[0].title], stated.currency),
            allocation_rule=ALLOCATION_RULE,
        )


async def statement_file(
    actor: Actor, wanted: StatementWanted, *, uow: UnitOfWork[StatementTx], clock: Clock, routes: SellerRoutes
) -> StatementFile:
    """Return a statement for download.

    Raises:
        StatementNotFound: the month is not there, or nothing was earned in it.
    """
    check_sees(actor, wanted.partner)
    async with uow.read() as tx:
        at = clock.now()
        producer = await producer_in(tx, wanted.partner)
        found = await _find_in(tx, wanted, routes, at)
        if found.stated is None:
            raise StatementNotFound(wanted.month)
        titles = await titles_in(tx, [found.stated])
        return StatementFile(producer, found.entity, found.state, at, found.stated, titles)


async def list_statements(
    actor: Actor, partner: PartnerId, *, uow: UnitOfWork[StatementTx]
) -> tuple[StatementSummary, ...]:
    """Return a producer's closed statements, newest month first."""
    check_sees(actor, partner)
    async with uow.read() as tx:
        stored = await tx.statements.of_holder(str(partner))
    return tuple(
        StatementSummary(
            item.month,
            item.entity,
            Money(read_stored(item).payable, item.currency),
            item.closed_at,
            read_stored(item).digest or "",
        )
        for item in stored
    )


async def _find_in(
    tx: StatementTx, wanted: StatementWanted, routes: SellerRoutes, at: datetime, line: str | None = None
) -> _Found:
    """Find the first statement that fits, in the order of the entities; an empty one if there is no other."""
    empty: _Found | None = None
    for entity in routes.entities:
        if wanted.entity not in (None, entity.id) or wanted.currency not in (None, entity.currency):
            continue
        closed = await tx.statements.months(entity.id)
        state = state_of(entity, wanted.month, closed, at)
        if state != "closed" and wanted.month not in await open_months_in(tx, entity, at):
            continue
        for item in await stated_in(tx, entity, wanted.month):
            is_mine = item.holder == str(wanted.partner) and item.currency == entity.currency
            if is_mine and (line is None or line in {line_name(found.title) for found in item.lines}):
                return _Found(entity, state, item)
        empty = empty or _Found(entity, state, None)
    if empty is None:
        raise StatementNotFound(wanted.month)
    return empty


async def _lines_in(
    tx: StatementTx, partner: PartnerId, entity: SellingEntity, stated: Stated
) -> tuple[StatementLine, ...]:
    titles = await titles_in(tx, [stated])
    unlocks = await unlocks_in(tx, partner, entity, stated.month)
    paid = paid_by(stated, lambda line: line.title)
    found = [
        _line(name, title, unlocks.get(title.id, 0), Money(paid[name], stated.currency), stated)
        for name, title in titles.items()
    ]
    return tuple(sorted(found, key=lambda line: (-line.exact, line.title)))


def _line(name: str, title: Title, unlocks: int, amount: Money, stated: Stated) -> StatementLine:
    lines = [line for line in stated.lines if line.title == name]
    return StatementLine(
        line=line_name(name),
        title=title.name,
        type=title.type.value,
        unlocks=unlocks,
        bonus_tokens=_tokens(lines, "bonus"),
        paid_tokens=_tokens(lines, "paid"),
        gross=sum((line.value for line in lines), Fraction(0)),
        exact=sum((line.amount for line in lines), Fraction(0)),
        amount=amount,
        refunded_tokens=_refunded(lines),
    )


def _refunded(lines: Sequence[StatedLine]) -> tuple[tuple[str, int], ...]:
    months: dict[str, int] = {}
    for line in lines:
        if line.refund_of is not None:
            months[line.refund_of] = months.get(line.refund_of, 0) - line.tokens
    return tuple(sorted(months.items()))


def _tokens(lines: Sequence[StatedLine], kind: str) -> int:
    return sum(line.tokens for line in lines if line.kind == kind)


async def _spend_in(tx: StatementTx, line: StatedLine) -> WhySpend:
    versions = await tx.token_values.of_kind(TokenKind(line.kind))
    version = next(item for item in versions if item.version == line.version)
    return WhySpend(
        kind=line.kind,
        tokens=line.tokens,
        value=line.unit_value,
        value_version=f"{line.kind}-{line.version}",
        effective_from=version.effective_from,
        exact=line.value,
        refund_of=line.refund_of,
    )


async def _share_in(tx: StatementTx, partner: PartnerId) -> Fraction:
    """Return the share that the producer's newest licence gives, to name one where nothing was earned."""
    licences = licences_of(partner, await tx.rights.of_partner(partner))
    return licences[-1].share if licences else Fraction(0)
