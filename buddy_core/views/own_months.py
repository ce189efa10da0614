"""One producer's months with each entity: final where closed, else as their facts give them now."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from buddy_core.flows.close_period import CloseTx, month_for
from buddy_core.flows.royalty_book import OpenMonths, StatedMonth, state_month_in
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.ids import EntityId, PartnerId
from buddy_core.royalty import (
    BadInput,
    BeingWorkedOut,
    Document,
    StoredStatement,
    Terms,
    TermsProblems,
    read_input,
    read_statement,
)
from buddy_core.tax import SellerRoutes, SellingEntity
from buddy_core.views.stated import MonthState, Stated, open_months_in, read_stored, state_of


@frozen
class OwnMonth:
    """A producer's month with one entity: a statement for each currency that something moved in."""

    month: str
    entity: SellingEntity
    state: MonthState
    stated: tuple[Stated, ...] = ()
    is_known: bool = True
    """False while facts and terms of an open month do not go together, so that there are no figures."""
    working: BeingWorkedOut | None = None
    """Set while an open month is so large that its figures are still being worked out."""
    terms: bytes = b""
    """Everybody's terms of an open month; those of a closed one stay where they are until asked for."""


async def own_months_in(
    tx: CloseTx, partner: PartnerId, routes: SellerRoutes, at: datetime
) -> list[OwnMonth]:
    """Return every month there is with each entity, closed or open, the oldest first."""
    stored = await tx.statements.of_holder(str(partner))
    found: list[OwnMonth] = []
    for entity in routes.entities:
        for name in await tx.statements.months(entity.id):
            found.append(_closed(stored, entity, name))
        known = OpenMonths()
        for name in await open_months_in(tx, entity, at):
            found.append(await _open_in(tx, partner, entity, name, at, known))
    return sorted(found, key=lambda item: item.month)


async def own_month_in(
    tx: CloseTx, partner: PartnerId, entity: SellingEntity, name: str, at: datetime
) -> OwnMonth | None:
    """Return one month with an entity, or None where there is none.

    Raises:
        InvalidMonth: the name is no month.
    """
    month_for(entity, name)
    if name in await tx.statements.months(entity.id):
        return _closed(await tx.statements.of_holder(str(partner)), entity, name)
    if name in await open_months_in(tx, entity, at):
        return await _open_in(tx, partner, entity, name, at)
    return None


async def own_terms_in(tx: CloseTx, own: OwnMonth, holder: str) -> Terms:
    """Return the deals, accounts and steps of one holder, by short id, that a month was stated by."""
    terms = own.terms
    if own.state == "closed":
        [closed] = await tx.statements.closed(own.entity.id, [own.month])
        terms = closed.terms
    whole = json.loads(terms or b'{"deals":[],"accounts":[]}')
    mine: dict[str, Any] = {"month": {"name": own.month, "entity": own.entity.id, "zone": own.entity.zone}}
    for name in ("deals", "accounts"):
        mine[name] = [item for item in whole[name] if item["holder"] == holder]
    mine["waterfalls"] = [
        {**item, "steps": [step for step in item["steps"] if step["taker"] == holder]}
        for item in whole.get("waterfalls", ())
    ]
    return read_input(Document("terms", canonical_bytes(mine)), []).terms


def currencies_of(months: Iterable[OwnMonth], routes: SellerRoutes) -> tuple[str, ...]:
    """Return the currencies that a producer has statements in, the entities' own first; never none."""
    used = {item.currency for own in months for item in own.stated}
    own_first = [code for code in routes.currencies if code in used]
    others = sorted(used.difference(own_first))
    return (*own_first, *others) or routes.currencies[:1]


def state_over(months: Iterable[OwnMonth]) -> MonthState:
    """Say how a month stands over several entities: closed only where it is with all of them."""
    states = {own.state for own in months}
    order: tuple[MonthState, ...] = ("running", "ended")
    return next((item for item in order if item in states), "closed")


def _closed(stored: Sequence[StoredStatement], entity: SellingEntity, name: str) -> OwnMonth:
    mine = (item for item in stored if (item.entity, item.month) == (entity.id, name))
    ordered = sorted(mine, key=lambda item: item.sequence)
    return OwnMonth(name, entity, "closed", _own_first(entity, map(read_stored, ordered)))


async def _open_in(
    tx: CloseTx,
    partner: PartnerId,
    entity: SellingEntity,
    name: str,
    at: datetime,
    known: OpenMonths | None = None,
) -> OwnMonth:
    state = state_of(entity, name, (), at)
    try:
        wanted = month_for(entity, name)
        # Of a month that runs, something new comes at any moment.
        stated = await state_month_in(tx, wanted, known=known, may_lag=state == "running")
    except BeingWorkedOut as error:
        return OwnMonth(name, entity, state, is_known=False, working=error)
    except (BadInput, TermsProblems):
        # Whatever is wrong may be about others' titles; staff see it where they close.
        return OwnMonth(name, entity, state, is_known=False)
    mine = _of_holder(stated, entity.id, str(partner))
    return OwnMonth(name, entity, state, _own_first(entity, mine), terms=stated.terms)


def _of_holder(month: StatedMonth, entity: EntityId, holder: str) -> list[Stated]:
    return [
        Stated(month.month.name, entity, holder, whose.currency, read_statement(body), body)
        for whose, body in month.bodies.items()
        if whose.holder == holder
    ]


def _own_first(entity: SellingEntity, stated: Iterable[Stated]) -> tuple[Stated, ...]:
    return tuple(sorted(stated, key=lambda item: item.currency != entity.currency))
