"""The producer's page: this month against the last, by model and by title, and what is recouped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Protocol, TypeVar

from attrs import frozen

from buddy_core.access import Actor, Resource, may
from buddy_core.catalog import CatalogTx, Producer, ProducerNotFound
from buddy_core.flows.close_period import CloseTx, month_for
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.ids import PartnerId, TitleId
from buddy_core.kernel.money import Money
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.rights import Licence, holds, licences_of
from buddy_core.royalty import Line, Model, TokenSpend
from buddy_core.shortids import fold
from buddy_core.tax import SellerRoutes
from buddy_core.views.account_figures import AccountFigure, account_figures
from buddy_core.views.common import TitleType
from buddy_core.views.own_months import (
    OwnMonth,
    currencies_of,
    own_months_in,
    own_terms_in,
    state_over,
)
from buddy_core.views.stated import MonthState, Stated, earned_by, line_name, titles_in

READ = "statement:read"
MONTHS_SHOWN = 12
TITLES_SHOWN = 100
"""Those that earned the most; the statement has all of them, page by page."""
Key = TypeVar("Key", bound=Hashable)


class ProducerTx(CloseTx, Protocol):
    """What a producer's pages read."""


@frozen
class ModelFigure:
    """What one way of earning came to in a month: `rental`, `subscription`, `tokens`, ..."""

    model: str
    amount: Money


@frozen
class MonthFigure:
    """A month (`2026-10`), what it earned and what is paid out; provisional until `closed`.

    `is_known` is False while its facts and terms do not go together, or while it is being worked out.
    """

    month: str
    earned: Money
    payable: Money
    state: MonthState
    models: tuple[ModelFigure, ...] = ()
    is_known: bool = True
    is_being_worked_out: bool = False


@frozen
class ModelChange:
    """A way of earning this month and the month before; the lines name what explains it, where it is."""

    model: str
    amount: Money
    last: Money | None
    line: str | None = None
    last_line: str | None = None


@frozen
class TitleFigure:
    """One title's month; `line` names its explanation under `/producer/<month>/why/<line>`."""

    line: str
    title: str
    type: TitleType
    unlocks: int
    models: tuple[str, ...]
    amount: Money


@frozen
class OtherTitles:
    """What all titles that are not listed earned together."""

    count: int
    amount: Money


@frozen
class ProducerPage:
    """One producer in one currency; `months` run from the oldest to the newest.

    `models` are all that any of the months has, in one order.
    """

    producer: str
    currency: str
    month: MonthFigure
    last: MonthFigure | None = None
    months: tuple[MonthFigure, ...] = ()
    models: tuple[ModelChange, ...] = ()
    titles: tuple[TitleFigure, ...] = ()
    """A hundred at most, which earned the most."""
    accounts: tuple[AccountFigure, ...] = ()
    """Those that have an advance, a guarantee or a reserve."""
    currencies: tuple[str, ...] = ()
    others: OtherTitles | None = None
    """Titles that are not listed."""


@frozen
class ProducersPage:
    """Every producer by name, for staff to choose whose figures to look at: name and short id."""

    producers: tuple[tuple[str, str], ...]


async def producers_page(actor: Actor, *, uow: UnitOfWork[ProducerTx]) -> ProducersPage:
    """Return the producers whose figures the actor may see."""
    async with uow.read() as tx:
        return ProducersPage(
            tuple((item.name, item.short_id) for item in await tx.producers.all() if sees(actor, item.id))
        )


def sees(actor: Actor, partner: PartnerId) -> bool:
    """Tell whether the actor may see a producer's figures."""
    return bool(may(actor, READ, Resource(partner_id=partner)))


async def find_producer(actor: Actor, short_id: str, *, uow: UnitOfWork[ProducerTx]) -> Producer:
    """Return the producer with this short id; capitals and look-alikes lead to the same one.

    Raises:
        ProducerNotFound: there is none, or its figures are not the actor's to see; both look alike.
    """
    async with uow.read() as tx:
        for producer in await tx.producers.all():
            if fold(producer.short_id) == fold(short_id) and sees(actor, producer.id):
                return producer
    raise ProducerNotFound(short_id)


async def producer_name(partner: PartnerId, *, uow: UnitOfWork[ProducerTx]) -> str:
    """Return a producer's short id.

    Raises:
        ProducerNotFound: there is none.
    """
    async with uow.read() as tx:
        return (await producer_in(tx, partner)).short_id


async def producer_page(
    actor: Actor,
    partner: PartnerId,
    currency: str | None,
    *,
    uow: UnitOfWork[ProducerTx],
    clock: Clock,
    routes: SellerRoutes,
) -> ProducerPage:
    """Fill a producer's page in one currency, or in the first that they have statements in.

    Raises:
        ProducerNotFound: there is no such producer, or it is not the actor's to see.
    """
    check_sees(actor, partner)
    async with uow.read() as tx:
        producer = await producer_in(tx, partner)
        months = await own_months_in(tx, partner, routes, clock.now())
        currencies = currencies_of(months, routes)
        chosen = currency if currency in currencies else currencies[0]
        by_name = {name: list(those) for name, those in groupby(months, key=lambda own: own.month)}
        figures = [_month(name, those, chosen) for name, those in by_name.items()][-MONTHS_SHOWN:]
        now, last = figures[-1], figures[-2] if len(figures) > 1 else None
        titles = await _titles_in(tx, partner, by_name[now.month], chosen)
        rest = titles[TITLES_SHOWN:]
        return ProducerPage(
            producer=producer.name,
            currency=chosen,
            month=now,
            last=last,
            months=tuple(figures),
            models=_models(figures, now, last),
            titles=titles[:TITLES_SHOWN],
            others=OtherTitles(len(rest), Money(sum(item.amount.minor for item in rest), chosen))
            if rest
            else None,
            accounts=await _accounts_in(tx, producer, by_name[now.month], chosen),
            currencies=currencies,
        )


def check_sees(actor: Actor, partner: PartnerId) -> None:
    """Go on only if the actor may see a producer's figures.

    Raises:
        ProducerNotFound: as for one that is not there.
    """
    if not sees(actor, partner):
        raise ProducerNotFound("with this account")


async def producer_in(tx: CatalogTx, partner: PartnerId) -> Producer:
    """Return a producer.

    Raises:
        ProducerNotFound: there is none.
    """
    found = (await tx.producers.get([partner])).get(partner)
    if found is None:
        raise ProducerNotFound("with this account")
    return found


def count_unlocks(spends: Iterable[TokenSpend], licences: Sequence[Licence]) -> dict[TitleId, int]:
    """Count the ledger entries that spent tokens on each title under one of `licences`, less those refunded.

    One unlock may draw tokens of two kinds and so leave two facts; it counts once. A
    refund of an earlier month's unlock counts below zero.
    """
    seen = {
        (spend.title_id, spend.entry_id): 1 if spend.tokens > 0 else -1
        for spend in spends
        if any(
            item.title_id == spend.title_id and holds(item, spend.country, spend.terms_at)
            for item in licences
        )
    }
    unlocks: dict[TitleId, int] = {}
    for (title_id, _), sign in seen.items():
        unlocks[title_id] = unlocks.get(title_id, 0) + sign
    return unlocks


def stated_of(months: Iterable[OwnMonth], currency: str) -> list[Stated]:
    """Return the statements in one currency."""
    return [item for own in months for item in own.stated if item.currency == currency]


def title_type(title: str) -> TitleType:
    """Return the type of a title by its public name."""
    type: TitleType = title.partition("/")[0]  # type: ignore[assignment]
    return type


def model_line(model: str) -> str:
    """Return the name of a model's line in links."""
    return f"model-{model}"


def _month(name: str, months: Sequence[OwnMonth], currency: str) -> MonthFigure:
    mine = stated_of(months, currency)
    earned = _sums(mine, lambda line: line.model)
    return MonthFigure(
        name,
        Money(sum(item.earned for item in mine), currency),
        Money(sum(item.payable for item in mine), currency),
        state_over([own for own in months if own.stated or own.entity.currency == currency] or months),
        tuple(ModelFigure(model.value, Money(earned[model], currency)) for model in Model if model in earned),
        all(own.is_known for own in months),
        any(own.working is not None for own in months),
    )


def _models(
    months: Iterable[MonthFigure], now: MonthFigure, last: MonthFigure | None
) -> tuple[ModelChange, ...]:
    """Return each model that any month has: what it earned now, and in the month before."""
    used = {figure.model for month in months for figure in month.models}
    here, before = _by_model(now), _by_model(last) if last else None
    nothing = Money(0, now.earned.currency)
    return tuple(
        ModelChange(
            name,
            here.get(name, nothing),
            None if before is None else before.get(name, nothing),
            model_line(name) if name in here else None,
            model_line(name) if before and name in before else None,
        )
        for name in (model.value for model in Model)
        if name in used
    )


def _by_model(month: MonthFigure) -> Mapping[str, Money]:
    return {figure.model: figure.amount for figure in month.models}


def _sums(stated: Iterable[Stated], key: Callable[[Line], Key]) -> Counter[Key]:
    """Return what statements come to over groups of their lines; the parts add up to what was earned."""
    sums: Counter[Key] = Counter()
    for item in stated:
        sums.update(earned_by(item, key))
    return sums


async def _titles_in(
    tx: ProducerTx, partner: PartnerId, months: Sequence[OwnMonth], currency: str
) -> tuple[TitleFigure, ...]:
    stated = stated_of(months, currency)
    titles = await titles_in(tx, stated)
    unlocks = await _unlocks_in(tx, partner, months, currency)
    models: dict[str, set[Model]] = {}
    for line in (line for item in stated for line in item.lines):
        models.setdefault(line.title, set()).add(line.model)
    figures = [
        TitleFigure(
            line=line_name(name),
            title=titles[name].name if name in titles else name,
            type=title_type(name),
            unlocks=unlocks[titles[name].id] if name in titles else 0,
            models=tuple(model.value for model in Model if model in models[name]),
            amount=Money(minor, currency),
        )
        for name, minor in _sums(stated, lambda line: line.title).items()
    ]
    return tuple(sorted(figures, key=lambda figure: (-figure.amount.minor, figure.title)))


async def _unlocks_in(
    tx: ProducerTx, partner: PartnerId, months: Iterable[OwnMonth], currency: str
) -> Counter[TitleId]:
    """Count the unlocks behind a month: an entity's spends that one of the producer's licences covers."""
    licences = licences_of(partner, await tx.rights.of_partner(partner))
    found: Counter[TitleId] = Counter()
    for own in months:
        if own.entity.currency == currency:
            spends = await tx.token_spends.of_period(own.entity.id, month_for(own.entity, own.month).period)
            found.update(count_unlocks(spends, licences))
    return found


async def _accounts_in(
    tx: ProducerTx, producer: Producer, months: Iterable[OwnMonth], currency: str
) -> tuple[AccountFigure, ...]:
    found: list[AccountFigure] = []
    for own in months:
        mine = stated_of([own], currency)
        if any(item.statement.settlements for item in mine):
            terms = await own_terms_in(tx, own, producer.short_id)
            found += account_figures(own, mine, terms, producer.name)
    return tuple(figure for figure in found if figure.progress)
