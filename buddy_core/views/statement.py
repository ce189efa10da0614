"""A month's statement to one producer: titles, countries, models, then every account to what is paid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from itertools import groupby
from typing import Protocol

from attrs import frozen

from buddy_core.access import Actor
from buddy_core.catalog import Producer, Title
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.currencies import minor_digits
from buddy_core.kernel.ids import EntityId, PartnerId
from buddy_core.kernel.money import Money
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.royalty import AccountShare, HolderStatement, Line, Terms, split_by_exact
from buddy_core.tax import SellerRoutes, SellingEntity
from buddy_core.views.account_figures import AccountFigure, account_figures
from buddy_core.views.common import TitleType
from buddy_core.views.errors import StatementNotFound
from buddy_core.views.own_months import OwnMonth, own_month_in, own_terms_in
from buddy_core.views.producer import ProducerTx, check_sees, producer_in, title_type
from buddy_core.views.stated import (
    MonthState,
    Stated,
    ValuesTx,
    earned_by,
    line_name,
    read_stored,
    titles_in,
)

LINES_SHOWN = 100
"""How many lines a page of a statement has."""


class StatementTx(ProducerTx, ValuesTx, Protocol):
    """What statements and their explanations read."""


@frozen
class StatementLine:
    """What a title earned in a country by one model and deal; `line` names its explanation.

    `net`, `base` and `exact` are exact minor units; `amount` is its part of what was earned.
    """

    line: str
    model: str
    deal: str | None
    step: str
    """The step of the title's waterfall that takes it; empty on a deal's line."""
    kind: str
    """Of tokens: `bonus` or `paid`."""
    refund_of: str
    """On refunds: the month of what was given back."""
    adjusts: str
    """On an adjustment: the closed month that it belongs to."""
    net: Fraction
    base: Fraction
    rate: Fraction
    exact: Fraction
    amount: Money
    plan: str = ""
    """Of subscriptions: the plan whose money it is a part of."""


@frozen
class StatementTerritory:
    """One country's lines."""

    territory: str
    lines: tuple[StatementLine, ...]


@frozen
class StatementTitle:
    """One title with those of its lines that the page shows: its amount is that of all of them together."""

    line: str
    title: str
    type: TitleType
    amount: Money
    territories: tuple[StatementTerritory, ...]
    is_continued: bool = False
    """Lines of it stand on the page before."""


@frozen
class LinesShown:
    """Which of a statement's lines a page has; `page` counts from 1, `first` and `last` too."""

    page: int = 1
    first: int = 0
    last: int = 0
    total: int = 0

    @property
    def next(self) -> int:
        """How many lines the next page has; 0 on the last one."""
        return min(LINES_SHOWN, self.total - self.last)


@frozen
class ShareFigure:
    """What one account has of what was earned: by a rate of exchange where its currency is another."""

    account: str
    adjusts: str
    minor: Money
    rate: Fraction
    """What one of the statement's currency is in the account's: rupees for a dollar, not paise for a cent."""
    arrives: Money

    @property
    def is_exchanged(self) -> bool:
        """Say whether the account is in another currency."""
        return self.minor.currency != self.arrives.currency


@frozen
class StatementChoice:
    """Another statement of the month: with another entity, or in another currency."""

    entity: EntityId
    entity_name: str
    currency: str


@frozen
class StatementPage:
    """The document for a month; `digest` is set once the month is closed.

    `titles` are those of one page of lines; every sum is of all lines. `rounding` is what rounding
    the month once added to its exact value.
    """

    month: str
    state: MonthState
    producer: str
    entity: EntityId
    entity_name: str
    currency: str
    zone: str
    titles: tuple[StatementTitle, ...]
    earned: Money
    rounding: Fraction
    shares: tuple[ShareFigure, ...]
    accounts: tuple[AccountFigure, ...]
    payable: Money
    others: tuple[StatementChoice, ...] = ()
    closed_at: datetime | None = None
    digest: str | None = None
    is_known: bool = True
    lines: LinesShown = LinesShown()


@frozen
class StatementWanted:
    """Which statement of a producer: a month, and where there are several, a currency or an entity."""

    partner: PartnerId
    month: str
    currency: str | None = None
    entity: str | None = None


@frozen
class StatementFile:
    """A statement to download: its bytes are final where it is closed.

    `month` has the producer's statements in all currencies with the entity, for a file that adds
    up to the bank; `titles` are those that the lines of `stated` name.
    """

    producer: Producer
    entity: SellingEntity
    state: MonthState
    as_of: datetime
    stated: Stated
    month: tuple[HolderStatement, ...]
    terms: Terms
    titles: dict[str, Title]


@frozen
class StatementSummary:
    """A closed statement in a list."""

    month: str
    entity: str
    earned: Money
    payable: Money
    closed_at: datetime
    digest: str


@frozen
class NumberedLine:
    """A line with its place among those of its title, from 1 on, and its part of what was earned."""

    name: str
    line: Line
    minor: int


async def statement_page(
    actor: Actor,
    wanted: StatementWanted,
    page: int = 1,
    *,
    uow: UnitOfWork[StatementTx],
    clock: Clock,
    routes: SellerRoutes,
) -> StatementPage:
    """Fill a statement with a page of its lines: the final one of a closed month, or a provisional one.

    A page after the last one is the last one.

    Raises:
        StatementNotFound: the month is not there, or has nothing in that currency or with that entity.
        InvalidMonth: the text names no month.
    """
    check_sees(actor, wanted.partner)
    async with uow.read() as tx:
        producer = await producer_in(tx, wanted.partner)
        months = await wanted_months_in(tx, wanted, routes, clock.now())
        own, stated = _first(wanted, months)
        if stated is None:
            return _empty(own, producer)
        terms = await own_terms_in(tx, own, producer.short_id)
        titles = await titles_in(tx, [stated])
        shown, lines = _titles(stated, titles, page)
        return StatementPage(
            month=own.month,
            state=own.state,
            producer=producer.name,
            entity=own.entity.id,
            entity_name=own.entity.name,
            currency=stated.currency,
            zone=own.entity.zone,
            titles=shown,
            earned=Money(stated.earned, stated.currency),
            rounding=stated.statement.rounding,
            shares=tuple(_shares(stated, terms)),
            accounts=account_figures(own, [stated], terms, producer.name),
            payable=Money(stated.payable, stated.currency),
            others=_others(months, own, stated),
            closed_at=stated.closed_at,
            digest=stated.digest,
            lines=lines,
        )


async def statement_file(
    actor: Actor, wanted: StatementWanted, *, uow: UnitOfWork[StatementTx], clock: Clock, routes: SellerRoutes
) -> StatementFile:
    """Return a statement for download.

    Raises:
        StatementNotFound: the month is not there, or nothing moved in it.
        InvalidMonth: the text names no month.
    """
    check_sees(actor, wanted.partner)
    async with uow.read() as tx:
        at = clock.now()
        producer = await producer_in(tx, wanted.partner)
        own, stated = _first(wanted, await wanted_months_in(tx, wanted, routes, at))
        if stated is None:
            raise StatementNotFound(wanted.month)
        return StatementFile(
            producer,
            own.entity,
            own.state,
            at,
            stated,
            tuple(item.statement for item in own.stated),
            await own_terms_in(tx, own, producer.short_id),
            await titles_in(tx, [stated]),
        )


async def list_statements(
    actor: Actor, partner: PartnerId, *, uow: UnitOfWork[StatementTx]
) -> tuple[StatementSummary, ...]:
    """Return a producer's closed statements, newest month first."""
    check_sees(actor, partner)
    async with uow.read() as tx:
        stored = await tx.statements.of_holder(str(partner))
    return tuple(_summary(read_stored(item), item.closed_at) for item in stored)


async def wanted_months_in(
    tx: StatementTx, wanted: StatementWanted, routes: SellerRoutes, at: datetime
) -> list[OwnMonth]:
    """Return the month with each entity that may be meant, in the order of the entities.

    Raises:
        StatementNotFound: no entity has it.
        InvalidMonth: the text names no month.
        BeingWorkedOut: it is large and its figures are not there yet; ask again.
    """
    found = [
        own
        for entity in routes.entities
        if wanted.entity in (None, entity.id)
        and (own := await own_month_in(tx, wanted.partner, entity, wanted.month, at)) is not None
    ]
    if not found:
        raise StatementNotFound(wanted.month)
    if working := next((own.working for own in found if own.working), None):
        raise working
    return found


def numbered(stated: Stated) -> list[NumberedLine]:
    """Return the lines of a statement with their parts of what was earned, title by title.

    A title has its part by largest remainder, and of that part so have its lines: every level adds up.
    """
    by_title: dict[str, list[Line]] = {}
    for line in stated.lines:
        by_title.setdefault(line.title, []).append(line)
    totals = earned_by(stated, lambda line: line.title)
    found: list[NumberedLine] = []
    for title, lines in by_title.items():
        figures = split_by_exact([line.amount for line in lines], totals[title])
        found += [
            NumberedLine(f"{line_name(title)}.{place}", line, figure.minor)
            for place, (line, figure) in enumerate(zip(lines, figures, strict=True), start=1)
        ]
    return found


def shown_title(title: str, titles: dict[str, Title]) -> str:
    """Return what a title is called; its public name where the catalogue has it no more."""
    return titles[title].name if title in titles else title


def _first(wanted: StatementWanted, months: Sequence[OwnMonth]) -> tuple[OwnMonth, Stated | None]:
    """Return the first statement that fits, else a month without one that fits.

    Raises:
        StatementNotFound: nothing is in that currency.
    """
    for own in months:
        for item in own.stated:
            if wanted.currency in (None, item.currency):
                return own, item
    for own in months:
        if wanted.currency in (None, own.entity.currency):
            return own, None
    raise StatementNotFound(wanted.month)


def _empty(own: OwnMonth, producer: Producer) -> StatementPage:
    nothing = Money(0, own.entity.currency)
    return StatementPage(
        month=own.month,
        state=own.state,
        producer=producer.name,
        entity=own.entity.id,
        entity_name=own.entity.name,
        currency=own.entity.currency,
        zone=own.entity.zone,
        titles=(),
        earned=nothing,
        rounding=Fraction(0),
        shares=(),
        accounts=(),
        payable=nothing,
        is_known=own.is_known,
    )


def _titles(
    stated: Stated, titles: dict[str, Title], page: int
) -> tuple[tuple[StatementTitle, ...], LinesShown]:
    """Return the titles of a page of lines, those that earned most first, and which lines these are."""
    by_title: dict[str, list[NumberedLine]] = {}
    for item in numbered(stated):
        by_title.setdefault(item.line.title, []).append(item)
    earned = {name: sum(item.minor for item in items) for name, items in by_title.items()}
    ordered = sorted(by_title, key=lambda name: (-earned[name], shown_title(name, titles)))
    lines = [item for name in ordered for item in sorted(by_title[name], key=lambda it: it.line.territory)]
    page = max(1, min(page, -(-len(lines) // LINES_SHOWN)))
    before, here = lines[: (page - 1) * LINES_SHOWN], lines[(page - 1) * LINES_SHOWN : page * LINES_SHOWN]
    last_before = before[-1].line.title if before else None
    shown = [
        StatementTitle(
            line_name(name),
            shown_title(name, titles),
            title_type(name),
            Money(earned[name], stated.currency),
            tuple(_territories(items)),
            is_continued=name == last_before,
        )
        for name, items in groupby(here, key=lambda item: item.line.title)
    ]
    return tuple(shown), LinesShown(page, len(before) + 1 if here else 0, len(before) + len(here), len(lines))


def _territories(items: Iterable[NumberedLine]) -> list[StatementTerritory]:
    by_territory: dict[str, list[StatementLine]] = {}
    for item in items:
        by_territory.setdefault(item.line.territory, []).append(_line(item))
    return [StatementTerritory(name, tuple(lines)) for name, lines in sorted(by_territory.items())]


def _line(item: NumberedLine) -> StatementLine:
    line = item.line
    return StatementLine(
        line=item.name,
        model=line.model.value,
        deal=line.deal,
        step=line.step,
        kind=line.kind,
        plan=line.plan,
        refund_of=line.refund_of,
        adjusts=line.adjusts,
        net=line.net,
        base=line.base,
        rate=line.rate,
        exact=line.amount,
        amount=Money(item.minor, line.currency),
    )


def _shares(stated: Stated, terms: Terms) -> list[ShareFigure]:
    currencies = {account.id: account.currency for account in terms.accounts}
    return [
        _share(item, stated.currency, currencies.get(item.account, stated.currency))
        for item in stated.statement.shares
    ]


def _share(item: AccountShare, currency: str, into: str) -> ShareFigure:
    scale = Fraction(10 ** minor_digits(currency), 10 ** minor_digits(into))
    return ShareFigure(
        item.account, item.adjusts, Money(item.minor, currency), item.rate * scale, Money(item.amount, into)
    )


def _others(months: Iterable[OwnMonth], here: OwnMonth, stated: Stated) -> tuple[StatementChoice, ...]:
    return tuple(
        StatementChoice(own.entity.id, own.entity.name, item.currency)
        for own in months
        for item in own.stated
        if (own.entity.id, item.currency) != (here.entity.id, stated.currency)
    )


def _summary(stated: Stated, closed_at: datetime) -> StatementSummary:
    return StatementSummary(
        stated.month,
        stated.entity,
        Money(stated.earned, stated.currency),
        Money(stated.payable, stated.currency),
        closed_at,
        stated.digest or "",
    )
