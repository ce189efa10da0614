"""What an answer offers, as the ways that a page shows, least effort first; and why a title plays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import cast
from urllib.parse import quote

from buddy_core.entitlements import Allowed, Denied, Reason
from buddy_core.flows import Answer
from buddy_core.playback import PlaybackDenied
from buddy_core.pricing import Quote, QuoteKind
from buddy_core.rights import WindowType
from buddy_core.views.addresses import unlock_url
from buddy_core.views.common import Access, Denial, Way, WayKind

FREE_KINDS = frozenset(WindowType)
"""What opens a title to everybody: `Allowed.kind` of a window that is free to watch."""
MAY_BE_HAD = frozenset(list(Reason)[list(Reason).index(Reason.NO_GRANT) :]) - {Reason.TOO_MANY_STREAMS}
"""The reasons that some grant would end: the title itself is open here and now."""
NO_CHECKOUT = "no_checkout"
_BY_EFFORT = (
    QuoteKind.RENTAL,
    QuoteKind.PVOD,
    QuoteKind.PPV,
    QuoteKind.FESTIVAL_PASS,
    QuoteKind.WATCH_ONCE,
    QuoteKind.SUBSCRIPTION,
    QuoteKind.EST,
    QuoteKind.EDITION,
)
_DAYS = {"D": 1, "W": 7, "M": 30, "Y": 365}


def money_ways(offers: Iterable[Quote]) -> tuple[Way, ...]:
    """Return what may be had for money, one line a kind and length: of plans the shortest and cheapest.

    No way leads anywhere: there is no checkout yet, and a page must not pretend that there is.
    """
    priced = [item for item in offers if item.price is not None]
    plans = sorted((item for item in priced if item.kind is QuoteKind.SUBSCRIPTION), key=_plan_order)
    shown = [item for item in priced if item.kind is not QuoteKind.SUBSCRIPTION] + plans[:1]
    return tuple(_money_way(item) for item in sorted(shown, key=lambda item: _BY_EFFORT.index(item.kind)))


def ways_past(answer: Answer, tokens: Sequence[Way], *, is_guest: bool, back_to: str) -> tuple[Way, ...]:
    """Return every way to a title that is denied; `tokens` are those to more tokens."""
    if not isinstance(answer.decision, Denied) or answer.decision.reason not in MAY_BE_HAD:
        return ()
    ways: list[Way] = []
    if answer.offer is not None:
        ways += [Way("unlock", unlock_url(answer.title), answer.offer.tokens), *tokens]
    elif is_guest:
        ways.append(Way("sign_in", f"/sign-in?next={quote(back_to, safe='/')}"))
    return (*ways, *money_ways(answer.offers))


def lowest(ways: Iterable[Way]) -> Way | None:
    """Return the way with the lowest price; a plan only where nothing is sold by itself."""
    priced = [way for way in ways if way.price is not None]
    single = [way for way in priced if way.kind != "subscription"]
    return min(single or priced, key=lambda way: way.price.minor if way.price else 0, default=None)


def access_of(answer: Answer | None, at: datetime) -> Access | None:
    """Return why a title plays and until when; None where it does not."""
    if answer is None or not isinstance(answer.decision, Allowed):
        return None
    said = answer.decision
    return Access(said.kind, at, said.until, said.max_height, said.ads, said.is_in_grace)


def denial_of(answer: Answer, ways: tuple[Way, ...], at: datetime) -> Denial | None:
    """Return a refusal with the ways past it; None if the answer is yes."""
    if not isinstance(answer.decision, Denied):
        return None
    said = answer.decision
    error = PlaybackDenied(said.reason, said.unlockable_by, said.opens_at)
    return denial_by(error, ways if said.reason in MAY_BE_HAD else (), at)


def denial_by(error: PlaybackDenied, ways: tuple[Way, ...], at: datetime) -> Denial:
    """Return what playback refused, in the rule's own words."""
    return Denial(f"entitlements.{error.reason}", error.message(), ways, error.opens_at, at)


def _money_way(item: Quote) -> Way:
    return Way(
        cast(WayKind, item.kind.value),
        price=item.price,
        hours=item.hours,
        tier=item.tier,
        period=item.period,
        available=False,
        reason=NO_CHECKOUT,
    )


def _plan_order(item: Quote) -> tuple[int, int]:
    period = item.period or "P1Y"
    return int(period[1:-1]) * _DAYS[period[-1]], item.price.minor if item.price else 0
