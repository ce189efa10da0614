"""Facts and terms of months as tests bring them in, and what closed months come to."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from buddy_core import flows
from buddy_core.access import SYSTEM, Actor
from buddy_core.catalog import Title
from buddy_core.royalty import (
    PLATFORM,
    Facts,
    HolderStatement,
    InputKind,
    Line,
    Model,
    Paid,
    PlatformStatement,
    Sale,
    StoredStatement,
    Whose,
    facts_json,
    read_platform,
    read_statement,
)
from buddy_core.tax import SellingEntity
from buddy_web.reference import NEWTACT
from tests.flows.world import World


def name_of(title: Title) -> str:
    """Return what facts call a title."""
    return f"{title.type}/{title.short_id}"


def sale(name: str, title: Title, gross: int, at: datetime, **changes: Any) -> Sale:
    """Return a rental in India, of which nothing goes to tax or fees."""
    values: dict[str, Any] = {"territory": "IN", "currency": "INR", "paid": Paid(gross), **changes}
    return Sale(name, values.pop("model", Model.RENTAL), name_of(title), at=at, **values)


async def bring(
    world: World,
    month: str,
    name: str,
    facts: Facts | None,
    *,
    entity: SellingEntity = NEWTACT,
    actor: Actor = SYSTEM,
) -> flows.Brought:
    """Bring in facts of a month, or announce them."""
    content = None if facts is None else facts_json(facts).encode()
    return await flows.bring_facts(
        actor,
        flows.BringFacts(entity, month, name, content),
        correlation_id="c1",
        uow=world.uow,
        clock=world.clock,
    )


async def set_terms(
    world: World,
    kind: InputKind,
    key: str,
    terms: Mapping[str, Any] | None,
    *,
    entity: SellingEntity = NEWTACT,
    actor: Actor = SYSTEM,
) -> None:
    """Set the terms of a licence, an account or a plan's pools."""
    await flows.set_terms(
        actor,
        flows.SetTerms(entity, kind, key, terms),
        correlation_id="c1",
        uow=world.uow,
        clock=world.clock,
    )


async def number_of(world: World, title: Title) -> str:
    """Return the number of a title's only licence."""
    async with world.uow.read() as tx:
        books = await tx.rights.of_titles([title.id])
    [licence] = books[title.id].licences
    found: str = licence.number
    return found


async def close(world: World, month: str, entity: SellingEntity = NEWTACT) -> flows.Closed:
    """Close a month of an entity; the clock goes past its end if it is not."""
    end = flows.month_for(entity, month).period.end
    if world.clock.now() < end:
        world.clock.set(end)
    report = await world.close(month, entity)
    if any(error.code == "royalty.nothing_to_close" for error in report.refused):
        # Its books begin with a month of which an empty file says that nothing was in it.
        command = flows.BringFacts(entity, month, "nothing", b"{}")
        await flows.bring_facts(SYSTEM, command, correlation_id="c0", uow=world.uow, clock=world.clock)
        report = await world.close(month, entity)
    assert report.refused == ()
    [closed] = report.closed
    return closed


def of_holders(statements: Iterable[StoredStatement]) -> list[HolderStatement]:
    """Return the holders' statements, read from their final bytes."""
    return [read_statement(item.body) for item in statements if item.holder != PLATFORM]


def of_platform(statements: Iterable[StoredStatement], currency: str = "INR") -> PlatformStatement:
    """Return the platform's statement of a currency."""
    [body] = [item.body for item in statements if (item.holder, item.currency) == (PLATFORM, currency)]
    return read_platform(body)


def lines_of(statements: Iterable[StoredStatement]) -> list[Line]:
    """Return all lines of holders, then those of the platform."""
    stored = list(statements)
    found = [line for item in of_holders(stored) for line in item.lines]
    for item in stored:
        if item.holder == PLATFORM:
            found += read_platform(item.body).lines
    return found


def sums_of(lines: Iterable[Line]) -> dict[tuple[str, str, str], Fraction]:
    """Add up what lines come to, by holder, title and currency; exact, and without what comes to nothing."""
    found: dict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
    for line in lines:
        found[line.holder, line.title, line.currency] += line.amount
    return {key: amount for key, amount in found.items() if amount}


def bodies_of(stated: flows.StatedMonth) -> dict[Whose, dict[str, Any]]:
    """Return the statements of a month as the JSON that they are."""
    return {whose: json.loads(body) for whose, body in stated.bodies.items()}
