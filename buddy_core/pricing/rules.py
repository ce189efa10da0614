"""The quote, the check that what was seen still holds, and which costs may come next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import evolve

from buddy_core.kernel.clock import utc
from buddy_core.kernel.ids import TitleId
from buddy_core.pricing.errors import CostsInPast, CostsTooFar, NotForTokens, PriceChanged
from buddy_core.pricing.model import Quote, TokenCosts

NOTICE = timedelta(minutes=1)
"""How long before they count costs must be recorded: longer than any unlock takes to commit,
so that no quote can miss costs that were in force."""
HORIZON = timedelta(days=366)
_NEXT = timedelta(microseconds=1)


def quote(title_id: TitleId, title_type: str, costs: TokenCosts) -> Quote:
    """Return what an unlock of the title costs; a title's own cost beats its type's.

    Raises:
        NotForTokens: neither the title nor its type has a cost.
    """
    own = costs.by_title.get(title_id)
    if own is not None:
        return Quote(title_id, own, f"title:{title_id}", costs.version)
    if title_type not in costs.by_type:
        raise NotForTokens(title_type)
    return Quote(title_id, costs.by_type[title_type], f"type:{title_type}", costs.version)


def check_seen(current: Quote, tokens: int, rule_version: int) -> None:
    """Hold the caller to what they saw, and us to what we showed.

    Raises:
        PriceChanged: cost or rule version are no longer those seen.
    """
    if (current.tokens, current.rule_version) != (tokens, rule_version):
        raise PriceChanged(tokens, rule_version, current.tokens, current.rule_version)


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
    return evolve(after, effective_from=_start(last.effective_from, effective_from, at))


def _start(last: datetime, wanted: datetime | None, at: datetime) -> datetime:
    """Return when a version begins that was asked for from `wanted` on, or as soon as may be."""
    soonest = utc(at) + NOTICE
    earliest = max(soonest, last + _NEXT)
    # One that was set just now is no reason to say no; one that was planned for a later day is.
    start = (
        (earliest if last < soonest + NOTICE else soonest)
        if wanted is None
        else utc(wanted, "effective_from")
    )
    if start < earliest:
        raise CostsInPast(start, earliest)
    if start > utc(at) + HORIZON:
        raise CostsTooFar(start, utc(at) + HORIZON)
    return start
