"""What was shown is held until it expires: the quotes that still hold, and the check against them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from buddy_core.kernel.clock import utc
from buddy_core.kernel.ids import TitleId
from buddy_core.pricing.data import HONOUR
from buddy_core.pricing.errors import NotForTokens, PriceChanged
from buddy_core.pricing.model.costs import TokenCosts
from buddy_core.pricing.model.prices import PriceBook
from buddy_core.pricing.model.quotes import Quote, Seen
from buddy_core.pricing.rules.quoting import Ask, quote, quote_offers

_MOMENT = timedelta(microseconds=1)
_LAST = datetime.max.replace(tzinfo=UTC)


class Version(Protocol):
    """A version of numbers that counts from an instant on."""

    @property
    def version(self) -> int: ...

    @property
    def effective_from(self) -> datetime: ...


V = TypeVar("V", bound=Version)


def in_force(versions: Iterable[V], at: datetime) -> V | None:
    """Return the highest version that has taken effect; None if none has."""
    begun = [item for item in versions if item.effective_from <= at]
    return max(begun, key=lambda item: item.version, default=None)


def check_seen(
    current: Quote,
    tokens: int,
    rule_version: int,
    before: Sequence[Quote] = (),
    at: datetime = _LAST,
) -> Quote:
    """Hold the caller to what they saw, and us to what we showed; return the quote to charge by.

    `before` are the quotes that were given until lately (`quotes_lately`), `at` is now.

    Raises:
        PriceChanged: cost and version are neither those of now nor of a quote that still holds.
    """
    seen = Seen(current.kind, rule_version, tokens=tokens)
    return check_quote(seen, [current], before, at)


def check_quote(seen: Seen | Quote, now: Sequence[Quote], before: Sequence[Quote], at: datetime) -> Quote:
    """Return the quote to charge by: that of now, or one from before that is still held.

    A quote from before is held until it expires, and not if the one that was seen has expired.

    Raises:
        PriceChanged: the price and version seen are neither; it says what they are now.
    """
    shown = seen.seen if isinstance(seen, Quote) else seen
    for found in now:
        if shown.is_of(found):
            return found
    if shown.expires_at is None or at < shown.expires_at:
        for found in before:
            if found.expires_at is not None and at < found.expires_at and shown.is_of(found):
                return found
    raise _changed(shown, now)


def offers_lately(
    books: Sequence[PriceBook], costs: Sequence[TokenCosts], ask: Ask, at: datetime
) -> list[Quote]:
    """Return the quotes that `quote_offers` gave before `at` and that have not expired, the latest first.

    `books` and `costs` are the versions in force at some time within HONOUR before `at`, as
    `in_force_between` of the ports returns them. Those that stand so now are not among them.
    """
    dates = {table.effective_from for table in costs}
    for book in books:
        dates |= {book.effective_from, *book.dates}

    def quoted(moment: datetime) -> list[Quote]:
        return quote_offers(in_force(books, moment), in_force(costs, moment), ask, moment)

    return _lately(dates, quoted, at)


def quotes_lately(
    title_id: TitleId, title_type: str, costs: Sequence[TokenCosts], at: datetime
) -> list[Quote]:
    """Return the token quotes that `quote` gave before `at` and that have not expired, the latest first."""

    def quoted(moment: datetime) -> list[Quote]:
        table = in_force(costs, moment)
        try:
            return [] if table is None else [quote(title_id, title_type, table, moment)]
        except NotForTokens:
            return []

    return _lately({table.effective_from for table in costs}, quoted, at)


def _lately(dates: set[datetime], quoted: Callable[[datetime], list[Quote]], at: datetime) -> list[Quote]:
    """Ask for the quotes of the last moment before each change that came while quotes of then hold."""
    at = utc(at)
    moments = sorted((date for date in dates if _MOMENT - HONOUR < date - at <= timedelta()), reverse=True)
    if not moments:
        return []
    known = [item.seen for item in quoted(at)]
    found: list[Quote] = []
    for moment in moments:
        for item in quoted(moment - _MOMENT):
            if not any(shown.is_of(item) for shown in known):
                found.append(item)
                known.append(item.seen)
    return found


def _changed(seen: Seen, now: Sequence[Quote]) -> PriceChanged:
    current = next((item for item in now if item.product == seen.product), None)
    return PriceChanged(
        seen.tokens,
        seen.rule_version,
        current.tokens if current else 0,
        current.rule_version if current else max((item.rule_version for item in now), default=0),
        seen.price,
        current.price if current else None,
    )
