"""Token costs: the versions there are, a new one, and its effect before it is saved."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Protocol
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from buddy_core.access import Actor, require
from buddy_core.catalog import Title, TitleNotFound
from buddy_core.flows.catalogue import find_title_in
from buddy_core.flows.numbers import NumbersTx, SetTokenCosts, last_costs_in, next_costs_in
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.errors import BuddyError, InvalidValue
from buddy_core.kernel.ids import TitleId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.pricing import MAX_COST, CostsChanged, CostsInPast, CostsTooFar, TokenCosts
from buddy_core.tax import SellerRoutes
from buddy_core.tokens import BONUS, version_at
from buddy_core.views.admin_values import FieldValue, ValueState, read_start, seen_version
from buddy_core.views.stated import ValuesTx

VERSIONS_SHOWN = 20
_WHOLE = re.compile(r"[0-9]{1,7}", re.ASCII)
_TITLE = re.compile(r"(?:https?://[^/]+)?/?(film|short|series|episode)/([0-9A-Za-z]{1,16})(?:/.*)?", re.ASCII)
_START, _NEW_TITLE, _NEW_COST = "effective_from", "new_title", "new_cost"


class AdminCostsTx(NumbersTx, ValuesTx, Protocol):
    """What the page of costs reads."""


@frozen
class TitleCost:
    """A title with a cost of its own; `name` as links say it, such as `film/ab2d`."""

    name: str
    title: str
    tokens: int


@frozen
class CostVersion:
    """A table of costs: by type, and by title where one differs."""

    version: int
    effective_from: datetime
    by_type: tuple[tuple[str, int], ...]
    by_title: tuple[TitleCost, ...]
    state: ValueState


@frozen
class CostChange:
    """What a type or a title costs before and after, in tokens.

    None where it is not unlocked with tokens. `has_own` tells whether the title has
    a cost of its own then. `titles` counts those that are out then and cost this;
    `counts` is what an unlock with bonus tokens counts then, in exact minor units
    by currency.
    """

    name: str
    label: str
    before: int | None
    after: int | None
    has_own: bool
    titles: int
    counts: tuple[tuple[str, Fraction], ...]


@frozen
class CostEffect:
    """What saving would do; nothing is changed before `effective_from`."""

    effective_from: datetime
    is_soon: bool
    """No day was chosen: a minute after it is saved."""
    changes: tuple[CostChange, ...]
    command: SetTokenCosts
    """What is sent when it is saved, so that sending it twice is sending it once."""


@frozen
class AdminCosts:
    """Versions, newest first, and the form, which begins with the newest one's numbers.

    A form that began from an older version than the newest is shown anew, and the problem says so.
    Form fields are `base` (the version that it began from), `effective_from` (a day,
    midnight in `zone`; empty: in a minute),
    `type_<type>`, `title_<type>/<id>` (empty: as its type), `new_title` and `new_cost`.
    """

    versions: tuple[CostVersion, ...]
    zone: str
    earliest: date
    fields: tuple[FieldValue, ...] = ()
    effect: CostEffect | None = None
    saved_version: int | None = None
    problem: str | None = None
    """What is wrong with no field in particular."""

    def field(self, name: str, otherwise: str = "") -> FieldValue:
        """Return the field of that name, as it was typed or as it would stand."""
        return next((field for field in self.fields if field.name == name), FieldValue(name, otherwise))

    @property
    def last(self) -> CostVersion:
        """The newest version, which the next one changes."""
        return self.versions[0]

    @property
    def has_problem(self) -> bool:
        """Return whether something has to be mended before anything can be saved."""
        return self.problem is not None or any(field.problem for field in self.fields)


async def cost_versions(
    actor: Actor, *, uow: UnitOfWork[AdminCostsTx], clock: Clock
) -> tuple[CostVersion, ...]:
    """Return the newest versions of the costs, newest first.

    Raises:
        NotPermitted: the actor may not see costs.
    """
    require(actor, "cost:read")
    async with uow.read() as tx:
        return await _versions_in(tx, clock.now())


async def costs_effect(
    actor: Actor, command: SetTokenCosts, *, uow: UnitOfWork[AdminCostsTx], clock: Clock
) -> CostEffect | None:
    """Return what a change would do, None if all stands so already; nothing is changed.

    Raises:
        NotPermitted: the actor may not see costs.
        InvalidValue, BadCost, CostsChanged, CostsInPast, CostsTooFar, TitleNotFound, NoTokenCosts.
    """
    require(actor, "cost:read")
    async with uow.read() as tx:
        last = await last_costs_in(tx)
        after = await next_costs_in(tx, last, command, clock.now())
        return None if after is None else await _effect_in(tx, command, last, after)


async def costs_page(
    actor: Actor,
    typed: Mapping[str, str] | None,
    idempotency_key: str,
    *,
    uow: UnitOfWork[AdminCostsTx],
    clock: Clock,
    routes: SellerRoutes,
) -> AdminCosts:
    """Fill the page; with a form that was typed, its problems, or what saving it would do.

    Raises:
        NotPermitted: the actor may not see costs.
        NoTokenCosts: there is no table yet.
    """
    require(actor, "cost:read")
    zone = routes.entities[0].zone
    async with uow.read() as tx:
        at = clock.now()
        last = await last_costs_in(tx)
        page = AdminCosts(
            versions=await _versions_in(tx, at),
            zone=zone,
            earliest=at.astimezone(ZoneInfo(zone)).date() + timedelta(days=1),
        )
        if typed is None:
            return page
        seen = seen_version(typed)
        if seen is not None and seen != last.version:
            return evolve(page, problem=CostsChanged(seen, last.version).message())
        fields, command = read_costs_form(typed, page.last, zone, idempotency_key)
        page = evolve(page, fields=fields)
        if command is None:
            return page
        try:
            after = await next_costs_in(tx, last, command, at)
        except (CostsInPast, CostsTooFar, TitleNotFound, InvalidValue) as error:
            return evolve(page, fields=_marked(fields, error))
        if after is None:
            return evolve(page, problem="This is what it costs already: nothing would change.")
        return evolve(page, effect=await _effect_in(tx, command, last, after))


def read_costs_form(
    typed: Mapping[str, str], last: CostVersion, zone: str, idempotency_key: str
) -> tuple[tuple[FieldValue, ...], SetTokenCosts | None]:
    """Read the form: what was typed with its problems, and the change if there are none.

    Only numbers other than the last version's are part of the change.
    """
    fields: list[FieldValue] = []
    changes: dict[str, int | None] = {}
    stands: dict[str, int] = {f"type_{name}": tokens for name, tokens in last.by_type}
    stands |= {f"title_{item.name}": item.tokens for item in last.by_title}
    for name, tokens in stands.items():
        text = typed.get(name, "").strip()
        is_title = name.startswith("title_")
        cost = None if is_title and not text else _whole(text)
        wrong = cost is None and not (is_title and not text)
        fields.append(FieldValue(name, text, _COST_PROBLEM if wrong else None))
        if cost != tokens:
            changes[name.partition("_")[2]] = cost
    fields += _new_title(typed, changes)
    text = typed.get(_START, "").strip()
    day, start = read_start(text, zone) if text else (FieldValue(_START), None)
    fields.append(day)
    if any(field.problem for field in fields):
        return tuple(fields), None
    return tuple(fields), SetTokenCosts(changes, idempotency_key, start, last.version)


_COST_PROBLEM = f"Write a whole number of tokens from 1 to {MAX_COST}."


def _new_title(typed: Mapping[str, str], changes: dict[str, int | None]) -> list[FieldValue]:
    """Read the row that gives one more title a cost of its own, and add it to the changes."""
    name, text = typed.get(_NEW_TITLE, "").strip(), typed.get(_NEW_COST, "").strip()
    if not name and not text:
        return []
    found, cost = _TITLE.fullmatch(name), _whole(text)
    title = f"{found[1]}/{found[2]}" if found else ""
    problem = None if found else "Write its address, such as film/ab2d."
    if title in changes or f"title_{title}" in typed:
        problem = "This title stands in the list already."
    if title and cost is not None and problem is None:
        changes[title] = cost
    return [
        FieldValue(_NEW_TITLE, name, problem),
        FieldValue(_NEW_COST, text, _COST_PROBLEM if cost is None else None),
    ]


def _whole(text: str) -> int | None:
    found = int(text) if _WHOLE.fullmatch(text) else 0
    return found if 1 <= found <= MAX_COST else None


def _marked(fields: Sequence[FieldValue], error: BuddyError) -> tuple[FieldValue, ...]:
    """Put what a rule says to the field that it is about."""
    about = _START if isinstance(error, CostsInPast | CostsTooFar) else _NEW_TITLE
    return tuple(evolve(field, problem=error.message()) if field.name == about else field for field in fields)


async def _effect_in(
    tx: AdminCostsTx, command: SetTokenCosts, before: TokenCosts, after: TokenCosts
) -> CostEffect:
    values = version_at(await tx.token_values.of_kind(BONUS), after.effective_from)
    worth = sorted(values.values.items()) if values else []
    titles = await tx.titles.all()
    changes = []
    for name in command.changes:
        type, slash, short_id = name.partition("/")
        title = await find_title_in(tx, type, short_id) if slash else None
        old, new = (_cost(costs, type, title) for costs in (before, after))
        affected = 1 if title else _count(titles, type, after, after.effective_from)
        has_own = title is not None and title.id in after.by_title
        counts = tuple((currency, value * (new or 0)) for currency, value in worth)
        changes.append(CostChange(name, title.name if title else type, old, new, has_own, affected, counts))
    return CostEffect(
        after.effective_from,
        command.effective_from is None,
        tuple(changes),
        command,
    )


def _cost(costs: TokenCosts, type: str, title: Title | None) -> int | None:
    """Return what a type costs, or a title of it; its own cost beats its type's."""
    own = costs.by_title.get(title.id) if title else None
    return costs.by_type.get(type) if own is None else own


def _count(titles: Sequence[Title], type: str, costs: TokenCosts, at: datetime) -> int:
    return sum(
        item.type == type and item.is_published(at) and item.id not in costs.by_title for item in titles
    )


async def _versions_in(tx: AdminCostsTx, at: datetime) -> tuple[CostVersion, ...]:
    found = await tx.token_costs.newest(VERSIONS_SHOWN)
    titles = await tx.titles.get(list({title for costs in found for title in costs.by_title}))
    live = max((item.version for item in found if item.effective_from <= at), default=0)
    return tuple(_shown(costs, titles, live) for costs in found)


def _shown(costs: TokenCosts, titles: Mapping[TitleId, Title], live: int) -> CostVersion:
    state: ValueState = "coming"
    if costs.version <= live:
        state = "in_force" if costs.version == live else "past"
    own = [
        TitleCost(f"{titles[title].type}/{titles[title].short_id}", titles[title].name, tokens)
        for title, tokens in costs.by_title.items()
        if title in titles
    ]
    return CostVersion(
        costs.version,
        costs.effective_from,
        tuple(sorted(costs.by_type.items(), key=lambda item: (item[1], item[0]))),
        tuple(sorted(own, key=lambda item: item.name)),
        state,
    )
