"""What a title costs: in tokens by the table of costs, in money by the rules of a book."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from attrs import field, frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.ids import TitleId
from buddy_core.pricing.data import HONOUR
from buddy_core.pricing.errors import NotForTokens
from buddy_core.pricing.model.costs import TokenCosts
from buddy_core.pricing.model.prices import PriceBook, PriceRule
from buddy_core.pricing.model.quotes import Product, Quote, QuoteKind

_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)
_PLACES = {kind: place for place, kind in enumerate(QuoteKind)}


def _tiers(value: Iterable[str]) -> frozenset[str]:
    return frozenset(value)


@frozen
class Way:
    """One way to a title that is open: what is sold, in which window, and to which tiers.

    Without a window only rules apply that name none. `tiers` limits a subscription to
    these tiers; none named means any.
    """

    kind: QuoteKind = field(converter=QuoteKind)
    window: str | None = None
    tiers: frozenset[str] = field(default=frozenset(), converter=_tiers)


def _ways(value: Iterable[Way | str]) -> tuple[Way, ...]:
    return tuple(item if isinstance(item, Way) else Way(item) for item in value)


@frozen
class Ask:
    """Who asks for prices of what: a title, the ways to it that are open, and where.

    `plans` are the tiers that the viewer has now; `currency` is asked for, else that of
    the country. Ways may be given by name alone, such as `"rental"`.
    """

    title_id: TitleId
    title_type: str
    ways: tuple[Way, ...] = field(converter=_ways)
    country: str | None
    plans: frozenset[str] = field(default=frozenset(), converter=_tiers)
    currency: str | None = None


def quote(title_id: TitleId, title_type: str, costs: TokenCosts, at: datetime | None = None) -> Quote:
    """Return what an unlock of the title costs; a title's own cost beats its type's.

    With `at` the quote says until when it is held.

    Raises:
        NotForTokens: neither the title nor its type has a cost.
    """
    own = costs.by_title.get(title_id)
    if own is None and title_type not in costs.by_type:
        raise NotForTokens(title_type)
    return Quote(
        title_id,
        own if own is not None else costs.by_type[title_type],
        f"title:{title_id}" if own is not None else f"type:{title_type}",
        costs.version,
        quoted_at=at,
        expires_at=None if at is None else expiry(at),
    )


def expiry(at: datetime) -> datetime:
    """Return until when a quote of that instant is held, without overflow at the end of time."""
    return utc(at) + HONOUR if at < _LAST - HONOUR else _LAST


def quote_offers(book: PriceBook | None, costs: TokenCosts | None, ask: Ask, at: datetime) -> list[Quote]:
    """Return what is offered, one quote a product: kind, hours, tier and billing period.

    Deterministic: for each product the most specific rule wins, and the quote names it. The
    list goes by kind, hours, price, then rule. A viewer in no country that is known is
    offered nothing, and so is what has no price in the viewer's currency.
    """
    if ask.country not in COUNTRIES:
        return []
    found = _in_money(book, ask, ask.country, at) if book is not None else []
    if costs is not None and any(way.kind is QuoteKind.TOKENS for way in ask.ways):
        with suppress(NotForTokens):
            found.append(quote(ask.title_id, ask.title_type, costs, at))
    return sorted(found, key=_order)


def rank(rule: PriceRule, country: str) -> tuple[int, int, bool, bool, timedelta, int, str]:
    """Return how closely a rule fits one viewer; the lowest wins.

    By title, then type, then any; by its country, then the smaller region, then everywhere;
    a member price; one for the window; the later start; the lower price (of two member
    prices for one viewer); the id, which is never needed for one book and one window.
    """
    scope = 0 if rule.title_id is not None else 1 if rule.title_type is not None else 2
    return (
        scope,
        rule.territories.sizes[country],
        rule.plan is None,
        rule.window is None,
        _LAST - (rule.starts_at or _FIRST),
        rule.amount_minor,
        rule.id,
    )


def _in_money(book: PriceBook, ask: Ask, country: str, at: datetime) -> list[Quote]:
    currency = ask.currency or book.currency_of(country)
    if currency is None:
        return []
    best: dict[Product, tuple[tuple[object, ...], PriceRule, Way]] = {}
    for way in ask.ways:
        for rule in book.of_product(way.kind, currency, ask.title_id, ask.title_type):
            if not _applies(rule, ask, way, country, at):
                continue
            place = (*rank(rule, country), way.window or "")
            if rule.product not in best or place < best[rule.product][0]:
                best[rule.product] = (place, rule, way)
    return [_quoted(book, rule, way, ask, at) for _, rule, way in best.values()]


def _applies(rule: PriceRule, ask: Ask, way: Way, country: str, at: datetime) -> bool:
    return (
        country in rule.territories.sizes
        and (rule.window is None or rule.window == way.window)
        and (rule.plan is None or rule.plan in ask.plans)
        and (not way.tiers or rule.tier is None or rule.tier in way.tiers)
        and rule.is_live(at)
    )


def _quoted(book: PriceBook, rule: PriceRule, way: Way, ask: Ask, at: datetime) -> Quote:
    return Quote(
        ask.title_id,
        0,
        rule.id,
        book.version,
        kind=rule.kind,
        price=rule.price,
        hours=rule.hours,
        tier=rule.tier,
        period=rule.period,
        window=way.window,
        country=ask.country,
        quoted_at=at,
        expires_at=expiry(at),
    )


def _order(item: Quote) -> tuple[int, int, int, str, str]:
    minor = item.tokens if item.price is None else item.price.minor
    return (_PLACES[item.kind], item.hours or 0, minor, item.rule, item.tier or "")
