"""Which costs and prices may come next, and when they begin."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from attrs import evolve

from buddy_core.kernel.clock import utc
from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.ids import TitleId
from buddy_core.pricing.data import HORIZON, NOTICE
from buddy_core.pricing.errors import CostsInPast, CostsTooFar, PricesInPast, PricesTooFar
from buddy_core.pricing.model.costs import TokenCosts
from buddy_core.pricing.model.prices import PriceBook, PriceRule

_NEXT = timedelta(microseconds=1)
T = TypeVar("T")


class _Refusal(Protocol):
    def __call__(self, effective_from: datetime, nearest: datetime, /) -> BuddyError: ...


def next_costs(
    last: TokenCosts,
    by_type: Mapping[str, int],
    by_title: Mapping[TitleId, int | None],
    effective_from: datetime | None,
    at: datetime,
) -> TokenCosts | None:
    """Return the table to append after the last, or None if all costs stand so already.

    A title's None takes its own cost away: it costs what its type does again.
    Without an instant they count as soon as may be.

    Raises:
        BadCost: a cost is no whole number from 1 to a million.
        CostsInPast: they would take effect too soon, or not after the last ones.
        CostsTooFar: they would take effect more than a year from now.
    """
    types = {**last.by_type, **by_type}
    titles = {title: cost for title, cost in {**last.by_title, **by_title}.items() if cost is not None}
    after = evolve(last, version=last.version + 1, by_type=types, by_title=titles)
    if (types, titles) == (dict(last.by_type), dict(last.by_title)):
        return None
    start = _start(last.effective_from, effective_from, at, CostsInPast, CostsTooFar)
    return evolve(after, effective_from=start)


def next_prices(
    last: PriceBook | None,
    rules: Mapping[str, PriceRule | None],
    currencies: Mapping[str, str | None],
    effective_from: datetime | None,
    at: datetime,
    *,
    is_whole: bool = False,
) -> PriceBook | None:
    """Return the book to append after the last, or None if all prices stand so already.

    A rule's or currency's None takes it away; what is not named stays, unless what is given
    is the whole book. Without an instant they count as soon as may be.

    Raises:
        BadPriceRule, BadCurrency, BadTerritory, SameRank: the book cannot be.
        PricesInPast: they would take effect too soon, or not after the last ones.
        PricesTooFar: they would take effect more than a year from now.
    """
    keep = last is not None and not is_whole
    old = {rule.id: rule for rule in last.rules} if last is not None else {}
    old_currencies = dict(last.currencies) if last is not None else {}
    new = _merged(old if keep else {}, rules)
    new_currencies = _merged(old_currencies if keep else {}, currencies)
    if last is not None and (new, new_currencies) == (old, old_currencies):
        return None
    before = last.effective_from if last is not None else None
    start = _start(before, effective_from, at, PricesInPast, PricesTooFar)
    return PriceBook(last.version + 1 if last is not None else 1, start, tuple(new.values()), new_currencies)


def _merged(old: Mapping[str, T], changes: Mapping[str, T | None]) -> dict[str, T]:
    return {name: value for name, value in {**old, **changes}.items() if value is not None}


def _start(
    last: datetime | None, wanted: datetime | None, at: datetime, in_past: _Refusal, too_far: _Refusal
) -> datetime:
    """Return when a version begins that was asked for from `wanted` on, or as soon as may be."""
    soonest = utc(at) + NOTICE
    earliest = soonest if last is None else max(soonest, last + _NEXT)
    # One that was set just now is no reason to say no; one that was planned for a later day is.
    start = (
        (earliest if last is None or last < soonest + NOTICE else soonest)
        if wanted is None
        else utc(wanted, "effective_from")
    )
    if start < earliest:
        raise in_past(start, earliest)
    if start > utc(at) + HORIZON:
        raise too_far(start, utc(at) + HORIZON)
    return start
