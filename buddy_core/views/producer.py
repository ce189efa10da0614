"""The producer's page: this month in one figure, against the last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen

from buddy_core.access import Actor, Resource, may
from buddy_core.catalog import CatalogTx, Producer, ProducerNotFound
from buddy_core.flows.close_period import CloseTx, month_for
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.ids import EntityId, PartnerId, TitleId
from buddy_core.kernel.money import Money
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.rights import Licence, holds, licences_of
from buddy_core.royalty import TokenSpend
from buddy_core.shortids import fold
from buddy_core.tax import SellerRoutes, SellingEntity
from buddy_core.views.common import TitleType
from buddy_core.views.stated import (
    MonthState,
    Stated,
    line_name,
    open_months_in,
    paid_by,
    read_stored,
    state_of,
    stated_in,
    titles_in,
)

READ = "statement:read"
MONTHS_SHOWN = 12


class ProducerTx(CloseTx, Protocol):
    """What a producer's pages read."""


@frozen
class MonthFigure:
    """A month (`2026-10`) and what it came to; provisional until `closed`."""

    month: str
    amount: Money
    state: MonthState


@frozen
class ModelFigure:
    """What one way of earning brought in the month: `token_bonus`, `token_paid`, ..."""

    model: str
    amount: Money
    units: int


@frozen
class TitleFigure:
    """One title's month; `line` names its explanation under `/producer/<month>/why/<line>`."""

    line: str
    title: str
    type: TitleType
    unlocks: int
    tokens: int
    amount: Money
    poster_url: str | None = None


@frozen
class ProducerPage:
    """One producer in one currency; `months` run from the oldest to the newest."""

    producer: str
    currency: str
    month: MonthFigure
    last: MonthFigure | None = None
    months: tuple[MonthFigure, ...] = ()
    models: tuple[ModelFigure, ...] = ()
    titles: tuple[TitleFigure, ...] = ()
    currencies: tuple[str, ...] = ()


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
    """Fill a producer's page in one currency, or in the one that their newest statement has.

    Raises:
        ProducerNotFound: there is no such producer, or it is not the actor's to see.
    """
    check_sees(actor, partner)
    async with uow.read() as tx:
        at = clock.now()
        producer = await producer_in(tx, partner)
        months = await _months_in(tx, str(partner), routes, at)
        found = [item for stated in months.values() for item in stated]
        used = {item.currency for item in found}
        currencies = tuple(code for code in routes.currencies if code in used) or routes.currencies[:1]
        chosen = currency if currency in currencies else currencies[0]
        entities = [entity for entity in routes.entities if entity.currency == chosen]
        closed = {entity.id: await tx.statements.months(entity.id) for entity in entities}
        figures = [_figure(name, months[name], chosen, entities, closed, at) for name in sorted(months)]
        now = figures[-1]
        shown = [item for item in months[now.month] if item.currency == chosen]
        return ProducerPage(
            producer=producer.name,
            currency=chosen,
            month=now,
            last=figures[-2] if len(figures) > 1 else None,
            months=tuple(figures[-MONTHS_SHOWN:]),
            models=_models(shown, chosen),
            titles=await _titles_in(tx, partner, shown, entities, chosen),
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


async def unlocks_in(
    tx: ProducerTx, partner: PartnerId, entity: SellingEntity, month: str
) -> dict[TitleId, int]:
    """Count the unlocks behind a producer's month: the spends that one of their licences covers."""
    spends = await tx.token_spends.of_period(entity.id, month_for(entity, month).period)
    return count_unlocks(spends, licences_of(partner, await tx.rights.of_partner(partner)))


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


async def _months_in(
    tx: ProducerTx, holder: str, routes: SellerRoutes, at: datetime
) -> dict[str, list[Stated]]:
    """Return every month there is, closed or open, with the holder's statements in it."""
    months: dict[str, list[Stated]] = {}
    for entity in routes.entities:
        for name in await tx.statements.months(entity.id):
            months.setdefault(name, [])
        for name in await open_months_in(tx, entity, at):
            mine = [item for item in await stated_in(tx, entity, name) if item.holder == holder]
            months.setdefault(name, []).extend(mine)
    for stored in await tx.statements.of_holder(holder):
        months.setdefault(stored.month, []).append(read_stored(stored))
    return months


def _figure(
    name: str,
    stated: Sequence[Stated],
    currency: str,
    entities: Sequence[SellingEntity],
    closed: dict[EntityId, list[str]],
    at: datetime,
) -> MonthFigure:
    paid = sum(item.payable for item in stated if item.currency == currency)
    states = {state_of(entity, name, closed[entity.id], at) for entity in entities}
    order: tuple[MonthState, ...] = ("running", "ended")
    state: MonthState = next((item for item in order if item in states), "closed")
    return MonthFigure(name, Money(paid, currency), state)


def _models(stated: Sequence[Stated], currency: str) -> tuple[ModelFigure, ...]:
    paid: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    for item in stated:
        paid.update(paid_by(item, lambda line: line.kind))
        for line in item.lines:
            tokens[line.kind] += line.tokens
    return tuple(
        ModelFigure(f"token_{kind}", Money(paid[kind], currency), tokens[kind]) for kind in sorted(tokens)
    )


async def _titles_in(
    tx: ProducerTx,
    partner: PartnerId,
    stated: Sequence[Stated],
    entities: Sequence[SellingEntity],
    currency: str,
) -> tuple[TitleFigure, ...]:
    titles = await titles_in(tx, stated)
    paid: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    unlocks: Counter[TitleId] = Counter()
    for item in stated:
        paid.update(paid_by(item, lambda line: line.title))
        for line in item.lines:
            tokens[line.title] += line.tokens
        entity = next(entity for entity in entities if entity.id == item.entity)
        unlocks.update(await unlocks_in(tx, partner, entity, item.month))
    figures = [
        TitleFigure(
            line=line_name(name),
            title=title.name,
            type=title.type.value,
            unlocks=unlocks[title.id],
            tokens=tokens[name],
            amount=Money(paid[name], currency),
        )
        for name, title in titles.items()
    ]
    return tuple(sorted(figures, key=lambda figure: (-figure.amount.minor, figure.title)))
