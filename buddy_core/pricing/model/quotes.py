"""The quote: the one answer to "what will it cost me", in tokens or in money."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from attrs import field, frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.ids import TitleId
from buddy_core.kernel.money import Money


class QuoteKind(StrEnum):
    """What is sold, in the order in which offers are listed; the names are those that windows sell by."""

    TOKENS = "tokens"
    """An unlock for ever, for tokens; all others are sold for money."""
    RENTAL = "rental"
    WATCH_ONCE = "watch_once"
    EST = "est"
    PVOD = "pvod"
    PPV = "ppv"
    FESTIVAL_PASS = "festival_pass"
    EDITION = "edition"
    SUBSCRIPTION = "subscription"


Product = tuple[QuoteKind, int | None, str | None, str | None]
"""What one quote is for: kind, hours, tier and billing period."""


def utc_or_none(value: datetime | None) -> datetime | None:
    """Return an instant in UTC, or None for none."""
    return None if value is None else utc(value)


@frozen
class Quote:
    """A price with the rule that set it; what was shown is what is charged, or nothing is.

    Either `tokens` is 1 or more, or `price` is set and `tokens` is 0. Open from `quoted_at`
    up to, not at, `expires_at`; None where nobody asked for how long it holds.
    """

    title_id: TitleId
    tokens: int
    rule: str
    """`type:<name>` or `title:<id>` of the token costs, or the id of the price rule."""
    rule_version: int
    kind: QuoteKind = field(default=QuoteKind.TOKENS, converter=QuoteKind)
    price: Money | None = None
    hours: int | None = None
    """How long a rental can be watched after its first play."""
    tier: str | None = None
    """The tier of a subscription."""
    period: str | None = None
    """How often a subscription is billed, as an ISO 8601 duration such as `P1M`."""
    window: str | None = None
    """The type of the window that sells it."""
    country: str | None = None
    quoted_at: datetime | None = field(default=None, converter=utc_or_none)
    expires_at: datetime | None = field(default=None, converter=utc_or_none)

    def __attrs_post_init__(self) -> None:
        if (self.kind is QuoteKind.TOKENS) is not (self.price is None) or (self.tokens > 0) is not (
            self.price is None
        ):
            raise InvalidValue("quote", "is either in tokens or of another kind with a price in money")

    @property
    def product(self) -> Product:
        """What it is for; two quotes of one product differ in price alone."""
        return (self.kind, self.hours, self.tier, self.period)

    @property
    def seen(self) -> Seen:
        """What a viewer sends back who was shown this."""
        return Seen(
            self.kind,
            self.rule_version,
            tokens=self.tokens,
            price=self.price,
            hours=self.hours,
            tier=self.tier,
            period=self.period,
            expires_at=self.expires_at,
        )


@frozen
class Seen:
    """What a viewer was shown, as they send it back: the product, its price and the version.

    `expires_at` is when that quote expires, where the viewer says; it can only shorten
    for how long the quote is held.
    """

    kind: QuoteKind = field(converter=QuoteKind)
    rule_version: int
    tokens: int = 0
    price: Money | None = None
    hours: int | None = None
    tier: str | None = None
    period: str | None = None
    expires_at: datetime | None = field(default=None, converter=utc_or_none)

    @property
    def product(self) -> Product:
        """What it is for."""
        return (self.kind, self.hours, self.tier, self.period)

    def is_of(self, quote: Quote) -> bool:
        """Return whether this is the price and version of that quote."""
        return (self.product, self.tokens, self.price, self.rule_version) == (
            quote.product,
            quote.tokens,
            quote.price,
            quote.rule_version,
        )
