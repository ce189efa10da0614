"""Price rules: the versions there are, a new one, and its effect before it is saved."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from buddy_core.access import Actor, require
from buddy_core.catalog import TitleType
from buddy_core.flows.prices import PricesTx, SetPrices, last_prices_in, next_prices_in, rules_shown_in
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.currencies import minor_digits
from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.ids import TitleId
from buddy_core.kernel.money import Money
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.pricing import (
    HOURS,
    WINDOWS,
    Ask,
    PriceBook,
    PriceRule,
    PricesChanged,
    PricesInPast,
    PricesTooFar,
    Quote,
    QuoteKind,
    Way,
    quote_offers,
)
from buddy_core.tax import SellerRoutes
from buddy_core.views.admin_values import FieldValue, ValueState, read_start, seen_version

VERSIONS_SHOWN = 20
KINDS = tuple(kind for kind in QuoteKind if kind is not QuoteKind.TOKENS)
_NO_TITLE = TitleId(UUID(int=0))
_START = "effective_from"
_CODES = re.compile(r"[\s,]+")
_TEXTS = ("title_type", "title", "window", "plan", "tier", "period")
_FIELDS = ("id", "kind", "territories", "excluding", "currency", "amount", "hours", *_TEXTS)


class AdminPricesTx(PricesTx, Protocol):
    """What the page of prices reads."""


@frozen
class ShownRule:
    """A rule as pages tell it; `data` is its plain form, which `SetPrices` takes."""

    data: Mapping[str, Any]
    price: Money

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.data["id"])

    @property
    def territories(self) -> str:
        """Its territories by their codes, such as `*, -IN`."""
        return ", ".join(
            (*self.data["territories"], *(f"-{code}" for code in self.data.get("excluding", ())))
        )


@frozen
class PriceVersion:
    """A version of the prices, its rules by territory, kind and id."""

    version: int
    effective_from: datetime
    rules: tuple[ShownRule, ...]
    currencies: tuple[tuple[str, str], ...]
    state: ValueState

    @property
    def by_territory(self) -> tuple[tuple[str, tuple[ShownRule, ...]], ...]:
        """The rules of each territory, as a page lists them."""
        places: dict[str, list[ShownRule]] = {}
        for rule in self.rules:
            places.setdefault(rule.territories, []).append(rule)
        return tuple((place, tuple(rules)) for place, rules in places.items())

    def rule(self, name: str) -> ShownRule | None:
        """Return the rule of that id; None if there is none."""
        return next((rule for rule in self.rules if rule.id == name), None)


@frozen
class PriceChange:
    """What a viewer whom a changed rule is for pays before and after it; None: not sold to them.

    `country` is one that the rule is for, `rule` what it says (before, if it is removed), and
    `winner` the rule that sets the price then, which may be a more specific one.
    """

    rule: ShownRule
    is_removed: bool
    country: str
    before: Money | None
    after: Money | None
    winner: str | None


@frozen
class PriceEffect:
    """What saving would do; nothing is changed before `effective_from`."""

    effective_from: datetime
    is_soon: bool
    """No day was chosen: a minute after it is saved."""
    changes: tuple[PriceChange, ...]
    currencies: tuple[tuple[str, str | None, str | None], ...]
    """Territory, and its currency before and after."""
    command: SetPrices
    """What is sent when it is saved, so that sending it twice is sending it once."""


@frozen
class AdminPrices:
    """The newest version by territory and kind, and a form that sets or removes one rule of it.

    Form fields are `base` (the version that it began from), `act` (`set` or `remove`), the rule's
    `id`, `kind`, `territories` and `excluding` (codes apart by commas), `currency`, `amount` (in major
    units), `hours`, `title_type`, `title`, `window`, `plan`, `tier`, `period`, and `effective_from`
    (a day, midnight in `zone`; empty: in a minute).
    """

    versions: tuple[PriceVersion, ...]
    zone: str
    earliest: date
    fields: tuple[FieldValue, ...] = ()
    effect: PriceEffect | None = None
    saved_version: int | None = None
    problem: str | None = None
    """What is wrong, in the words of the rule that says so."""
    kinds: tuple[str, ...] = KINDS
    windows: tuple[str, ...] = WINDOWS
    hours: tuple[int, ...] = HOURS
    types: tuple[str, ...] = tuple(TitleType)

    def field(self, name: str) -> FieldValue:
        """Return the field of that name, as it was typed or as the rule that is shown has it."""
        return next((field for field in self.fields if field.name == name), FieldValue(name, ""))

    @property
    def last(self) -> PriceVersion | None:
        """The newest version, which the next one changes; None if there is none yet."""
        return self.versions[0] if self.versions else None

    @property
    def has_problem(self) -> bool:
        """Return whether something has to be mended before anything can be saved."""
        return self.problem is not None or any(field.problem for field in self.fields)


async def price_versions(
    actor: Actor, *, uow: UnitOfWork[AdminPricesTx], clock: Clock, limit: int = VERSIONS_SHOWN
) -> tuple[PriceVersion, ...]:
    """Return the newest versions of the prices, newest first.

    Raises:
        NotPermitted: the actor may not see price rules.
    """
    require(actor, "price:edit")
    async with uow.read() as tx:
        return await _versions_in(tx, clock.now(), limit)


async def prices_effect(
    actor: Actor, command: SetPrices, *, uow: UnitOfWork[AdminPricesTx], clock: Clock
) -> PriceEffect | None:
    """Return what a change would do, None if all stands so already; nothing is changed.

    Raises:
        NotPermitted: the actor may not see price rules.
        What `set_prices` raises of the rules and versions.
    """
    require(actor, "price:edit")
    async with uow.read() as tx:
        return await _effect_in(tx, command, clock.now())


async def prices_page(
    actor: Actor,
    typed: Mapping[str, str] | None,
    idempotency_key: str,
    *,
    rule: str | None = None,
    uow: UnitOfWork[AdminPricesTx],
    clock: Clock,
    routes: SellerRoutes,
) -> AdminPrices:
    """Fill the page; with a form that was typed, its problems, or what saving it would do.

    `rule` names one whose numbers the form begins with.

    Raises:
        NotPermitted: the actor may not see price rules.
    """
    require(actor, "price:edit")
    zone = routes.entities[0].zone
    async with uow.read() as tx:
        at = clock.now()
        versions = await _versions_in(tx, at, VERSIONS_SHOWN)
        page = AdminPrices(versions, zone, at.astimezone(ZoneInfo(zone)).date() + timedelta(days=1))
        last = page.last.version if page.last else 0
        if typed is None:
            found = page.last.rule(rule) if page.last and rule else None
            return evolve(page, fields=_fields_of(found)) if found else page
        seen = seen_version(typed)
        if seen is not None and seen != last:
            return evolve(page, problem=PricesChanged(seen, last).message())
        fields, command = read_prices_form(typed, last, zone, idempotency_key)
        page = evolve(page, fields=fields)
        if command is None:
            return page
        try:
            effect = await _effect_in(tx, command, at)
        except (PricesInPast, PricesTooFar) as error:
            marked = [
                evolve(item, problem=error.message()) if item.name == _START else item for item in fields
            ]
            return evolve(page, fields=tuple(marked))
        except BuddyError as error:
            return evolve(page, problem=error.message())
        if effect is None:
            return evolve(page, problem="These prices stand so already: nothing would change.")
        return evolve(page, effect=effect)


def read_prices_form(
    typed: Mapping[str, str], last: int, zone: str, idempotency_key: str
) -> tuple[tuple[FieldValue, ...], SetPrices | None]:
    """Read the form: what was typed with its problems, and the change if there are none."""
    texts = {name: typed.get(name, "").strip() for name in _FIELDS}
    fields = {name: FieldValue(name, text) for name, text in texts.items()}
    start = None
    text = typed.get(_START, "").strip()
    fields[_START], start = read_start(text, zone) if text else (FieldValue(_START), None)
    is_removed = typed.get("act") == "remove"
    data: dict[str, Any] = {"id": texts["id"], "kind": texts["kind"]}
    if not texts["id"]:
        fields["id"] = FieldValue("id", "", "Give the rule a name, such as rental-film-in.")
    if not is_removed:
        data["currency"] = texts["currency"].upper()
        for name in ("territories", "excluding"):
            data[name] = [code for code in _CODES.split(texts[name].upper()) if code]
        try:
            minor_digits(data["currency"])
            data["amount_minor"] = Money.from_major(texts["amount"], data["currency"]).minor
        except BuddyError as error:
            wrong = "amount" if error.code == "kernel.invalid_value" else "currency"
            fields[wrong] = FieldValue(wrong, texts[wrong], error.message())
        data |= {name: texts[name] for name in _TEXTS if texts[name]}
        if texts["hours"]:
            data["hours"] = int(texts["hours"]) if texts["hours"].isdecimal() else texts["hours"]
    found = tuple(fields.values())
    if any(field.problem for field in found):
        return found, None
    rules, removed = ([], [texts["id"]]) if is_removed else ([data], [])
    return found, SetPrices(rules, idempotency_key, removed, effective_from=start, base=last)


def _fields_of(rule: ShownRule) -> tuple[FieldValue, ...]:
    data = {**rule.data, "amount": rule.price.major_text()}
    data |= {name: ", ".join(data.get(name, ())) for name in ("territories", "excluding")}
    return tuple(FieldValue(name, str(data.get(name, ""))) for name in _FIELDS)


async def _effect_in(tx: AdminPricesTx, command: SetPrices, at: datetime) -> PriceEffect | None:
    last = await last_prices_in(tx)
    after = await next_prices_in(tx, last, command, at)
    if after is None:
        return None
    old = {rule.id: rule for rule in last.rules} if last else {}
    new = {rule.id: rule for rule in after.rules}
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    rules = [new[name] if name in new else old[name] for name in names]
    shown = await rules_shown_in(tx, rules)
    was = dict(last.currencies) if last else {}
    codes = sorted(was.keys() | after.currencies.keys())
    return PriceEffect(
        after.effective_from,
        command.effective_from is None,
        tuple(
            _change(rule, data, last, after, rule.id not in new)
            for rule, data in zip(rules, shown, strict=True)
        ),
        tuple(
            (code, was.get(code), after.currencies.get(code))
            for code in codes
            if was.get(code) != after.currencies.get(code)
        ),
        evolve(command, base=last.version if last else 0),
    )


def _change(
    rule: PriceRule, data: Mapping[str, Any], last: PriceBook | None, after: PriceBook, is_removed: bool
) -> PriceChange:
    """Ask both books what somebody pays whom the rule is for."""
    country = min(rule.territories.countries, key=lambda code: (code not in ("IN", "US"), code))
    ask = Ask(
        rule.title_id or _NO_TITLE,
        rule.title_type or "",
        (Way(rule.kind, rule.window),),
        country,
        [rule.plan] if rule.plan else [],
        rule.currency,
    )
    at = max(filter(None, (after.effective_from, rule.starts_at)))
    old, new = (_quoted(book, ask, rule, at) for book in (last, after))
    return PriceChange(
        ShownRule(data, rule.price),
        is_removed,
        country,
        old.price if old else None,
        new.price if new else None,
        new.rule if new else None,
    )


def _quoted(book: PriceBook | None, ask: Ask, rule: PriceRule, at: datetime) -> Quote | None:
    offers = quote_offers(book, None, ask, at)
    return next((item for item in offers if item.product == rule.product), None)


async def _versions_in(tx: AdminPricesTx, at: datetime, limit: int) -> tuple[PriceVersion, ...]:
    found = await tx.price_books.newest(limit)
    live = max((item.version for item in found if item.effective_from <= at), default=0)
    return tuple([await _shown_in(tx, book, live) for book in found])


async def _shown_in(tx: AdminPricesTx, book: PriceBook, live: int) -> PriceVersion:
    state: ValueState = "coming"
    if book.version <= live:
        state = "in_force" if book.version == live else "past"
    shown = await rules_shown_in(tx, book.rules)
    rules = [ShownRule(data, rule.price) for data, rule in zip(shown, book.rules, strict=True)]
    return PriceVersion(
        book.version,
        book.effective_from,
        tuple(sorted(rules, key=_place)),
        tuple(sorted(book.currencies.items())),
        state,
    )


def _place(rule: ShownRule) -> tuple[bool, str, int, str]:
    order: Sequence[str] = KINDS
    return ("*" in rule.data["territories"], rule.territories, order.index(rule.data["kind"]), rule.id)
