"""Prices in money as data: rules, and the book of them that is in force from an instant on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.currencies import EXPONENTS
from buddy_core.kernel.ids import TitleId
from buddy_core.kernel.money import Money
from buddy_core.kernel.territories import Territories, TerritoryUnknown, members
from buddy_core.pricing.errors import (
    BadAmount,
    BadCurrency,
    BadDates,
    BadHours,
    BadPriceRule,
    BadTerritory,
    SameRank,
)
from buddy_core.pricing.model.quotes import Product, QuoteKind, utc_or_none

HOURS = (24, 36, 48, 72)
"""How long a rental may last after its first play."""
WINDOWS = ("festival", "cinema", "collector", "pvod", "ppv", "tvod", "svod", "avod")
"""The types of window that a rule may be for."""
MAX_MINOR = 10**12
MAX_RULES = 10_000
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_TYPE = re.compile(r"[a-z][a-z_]{0,31}", re.ASCII)
_PERIOD = re.compile(r"P[1-9][0-9]{0,2}[DWMY]", re.ASCII)


@frozen
class PriceRule:
    """What one product costs, where, for what and when; half-open from `starts_at` up to `ends_at`.

    What is None limits nothing: a rule without a title is for all titles, one without a
    `plan` for everybody. The winner among rules that apply is told in `pricing/README.md`.

    Raises:
        BadPriceRule, BadAmount, BadCurrency, BadTerritory, BadHours, BadDates: each names the rule.
    """

    id: str
    kind: QuoteKind
    territories: Territories
    currency: str
    amount_minor: int
    """In minor units of the currency: paise, cents, fils. 0 for a free tier of a subscription alone."""
    title_type: str | None = None
    title_id: TitleId | None = None
    window: str | None = None
    """The type of the window in which the price holds."""
    plan: str | None = None
    """The tier that a viewer must have for this price: a member price."""
    hours: int | None = None
    tier: str | None = None
    period: str | None = None
    starts_at: datetime | None = field(default=None, converter=utc_or_none)
    ends_at: datetime | None = field(default=None, converter=utc_or_none)

    def __attrs_post_init__(self) -> None:
        _check_names(self)
        _check_amount(self)
        _check_hours(self)
        if (self.starts_at and self.ends_at) and self.ends_at <= self.starts_at:
            raise BadDates(self.id, self.starts_at, self.ends_at)

    @property
    def price(self) -> Money:
        """The amount as money."""
        return Money(self.amount_minor, self.currency)

    @property
    def product(self) -> Product:
        """What it is the price of."""
        return (self.kind, self.hours, self.tier, self.period)

    def is_live(self, at: datetime) -> bool:
        """Return whether the rule applies at an instant, by its own dates."""
        return (self.starts_at is None or self.starts_at <= at) and (
            self.ends_at is None or at < self.ends_at
        )


def price_rule(
    id: str,
    kind: str,
    where: str | Iterable[str],
    currency: str,
    amount_minor: int,
    *,
    excluding: Iterable[str] = (),
    **rest: Any,
) -> PriceRule:
    """Return a rule of territories by their codes; `rest` are the other fields of `PriceRule`.

    Raises:
        BadPriceRule, BadAmount, BadCurrency, BadTerritory, BadHours, BadDates: each names the rule.
    """
    if kind not in list(QuoteKind):
        raise BadPriceRule(id, f"is of kind {kind!r}; there are {', '.join(list(QuoteKind)[1:])}")
    codes = (where,) if isinstance(where, str) else tuple(where)
    try:
        places = Territories(codes, tuple(excluding))
    except TerritoryUnknown as error:
        raise BadTerritory(id, error.given) from error
    return PriceRule(id, QuoteKind(kind), places, currency, amount_minor, **rest)


def _check_names(rule: PriceRule) -> None:
    if not _NAME.fullmatch(rule.id):
        raise BadPriceRule(rule.id[:80], "needs an id of 1 to 64 small letters, digits, dots and hyphens")
    if rule.kind is QuoteKind.TOKENS:
        raise BadPriceRule(rule.id, "is of kind 'tokens'; what those cost is in the token costs")
    if not rule.territories.countries:
        raise BadPriceRule(rule.id, "is for no country: what it includes it excludes too")
    if rule.title_type is not None and rule.title_id is not None:
        raise BadPriceRule(rule.id, "names a title and a type; name one, or none for all titles")
    if rule.title_type is not None and not _TYPE.fullmatch(rule.title_type):
        raise BadPriceRule(rule.id, f"is for the type {rule.title_type[:80]!r}; write one such as 'film'")
    if rule.window is not None and rule.window not in WINDOWS:
        raise BadPriceRule(rule.id, f"is for the window {rule.window[:80]!r}; there are {', '.join(WINDOWS)}")
    for name, tier in (("plan", rule.plan), ("tier", rule.tier)):
        if tier is not None and not _NAME.fullmatch(tier):
            raise BadPriceRule(rule.id, f"has the {name} {tier[:80]!r}; write small letters, digits, hyphens")
    is_plan = rule.kind is QuoteKind.SUBSCRIPTION
    if is_plan is not (rule.tier is not None) or is_plan is not (rule.period is not None):
        raise BadPriceRule(rule.id, "a subscription names its tier and its period, and nothing else does")
    if rule.period is not None and not _PERIOD.fullmatch(rule.period):
        raise BadPriceRule(rule.id, f"has the period {rule.period[:80]!r}; write one such as P1M, P3M or P1Y")


def _check_amount(rule: PriceRule) -> None:
    if EXPONENTS.get(rule.currency) is None:
        raise BadCurrency(rule.id, str(rule.currency)[:80])
    # A bool is an int to Python, and True is no price.
    is_whole = type(rule.amount_minor) is int
    least = 0 if rule.kind is QuoteKind.SUBSCRIPTION else 1
    if not is_whole or not least <= rule.amount_minor <= MAX_MINOR:
        raise BadAmount(rule.id, str(rule.amount_minor)[:80])


def _check_hours(rule: PriceRule) -> None:
    if rule.hours is None:
        if rule.kind is QuoteKind.RENTAL:
            raise BadHours(rule.id, "none")
    elif type(rule.hours) is not int or rule.hours not in HOURS:
        raise BadHours(rule.id, str(rule.hours)[:80])
    elif rule.kind not in (QuoteKind.RENTAL, QuoteKind.PVOD):
        raise BadPriceRule(rule.id, f"has hours; only a rental or PVOD has them, {rule.kind} has not")


Shelf = tuple[QuoteKind, str, str | TitleId | None]
"""Where a book keeps rules to find them: kind, currency, and title, type or None."""


def _sorted(rules: Iterable[PriceRule]) -> tuple[PriceRule, ...]:
    return tuple(sorted(rules, key=lambda rule: rule.id))


@frozen
class PriceBook:
    """Every price in force from an instant on; in whatever order its rules came, it is the same book.

    `currencies` says in which currency a territory pays (`*`, a region or a country; the most
    specific says). Nothing is ever converted: what has no price in that currency is not sold there.

    Raises:
        BadPriceRule: two rules have one id, or there are too many.
        BadCurrency, BadTerritory: of `currencies`.
        SameRank: two rules would win equally for one viewer.
    """

    version: int
    effective_from: datetime = field(converter=utc)
    rules: tuple[PriceRule, ...] = field(converter=_sorted)
    currencies: Mapping[str, str] = field(factory=dict)
    shelves: Mapping[Shelf, tuple[PriceRule, ...]] = field(init=False, eq=False, repr=False)
    paid_in: Mapping[str, str] = field(init=False, eq=False, repr=False)
    """The currency of each country."""
    dates: frozenset[datetime] = field(init=False, eq=False, repr=False)
    """When a rule begins or ends by its own dates."""

    def __attrs_post_init__(self) -> None:
        if len(self.rules) > MAX_RULES:
            raise BadPriceRule(
                self.rules[-1].id, f"is one of {len(self.rules)}; a book has {MAX_RULES} at most"
            )
        for one, other in zip(self.rules, self.rules[1:], strict=False):
            if one.id == other.id:
                raise BadPriceRule(one.id, "stands there twice; give each rule an id of its own")
        object.__setattr__(self, "paid_in", _by_country(self.currencies))
        _check_ranks(self.rules)
        shelves: dict[Shelf, list[PriceRule]] = {}
        for rule in self.rules:
            scope = rule.title_id if rule.title_id is not None else rule.title_type
            shelves.setdefault((rule.kind, rule.currency, scope), []).append(rule)
        dates = {date for rule in self.rules for date in (rule.starts_at, rule.ends_at) if date}
        object.__setattr__(self, "dates", frozenset(dates))
        object.__setattr__(self, "shelves", {shelf: tuple(found) for shelf, found in shelves.items()})

    def currency_of(self, country: str) -> str | None:
        """Return in which currency a country pays; None if nobody said."""
        return self.paid_in.get(country)

    def of_product(
        self, kind: QuoteKind, currency: str, title_id: TitleId, title_type: str
    ) -> Iterable[PriceRule]:
        """Yield the rules of a kind in a currency that are for this title, its type, or all titles."""
        for scope in (title_id, title_type, None):
            yield from self.shelves.get((kind, currency, scope), ())


def _by_country(currencies: Mapping[str, str]) -> dict[str, str]:
    """Return the currency of each country: that of the smallest code that has it."""
    places: list[tuple[frozenset[str], str]] = []
    for code, currency in sorted(currencies.items()):
        place = f"currencies.{str(code)[:80]}"
        try:
            places.append((members(code), currency))
        except TerritoryUnknown as error:
            raise BadTerritory(place, error.given) from error
        if EXPONENTS.get(currency) is None:
            raise BadCurrency(place, str(currency)[:80])
    places.sort(key=lambda item: len(item[0]), reverse=True)
    return {country: currency for countries, currency in places for country in countries}


def _check_ranks(rules: tuple[PriceRule, ...]) -> None:
    """Refuse two rules between which nothing but their ids would decide."""
    alike: dict[object, list[PriceRule]] = {}
    for rule in rules:
        key = (
            *(rule.product, rule.currency, rule.title_type, rule.title_id),
            *(rule.window, rule.plan, rule.starts_at),
        )
        alike.setdefault(key, []).append(rule)
    for group in alike.values():
        if len(group) == 1:
            continue
        taken: dict[tuple[str, int], PriceRule] = {}
        for rule in group:
            for place in rule.territories.sizes.items():
                if place in taken:
                    raise SameRank(rule.id, taken[place].id, min(_shared(rule, taken[place])))
                taken[place] = rule


def _shared(one: PriceRule, other: PriceRule) -> set[str]:
    """Return the countries that both name equally closely."""
    sizes = other.territories.sizes
    return {country for country, size in one.territories.sizes.items() if sizes.get(country) == size}
