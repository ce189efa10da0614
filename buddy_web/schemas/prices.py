"""What is offered for a title, and the price rules behind it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from buddy_core.pricing import Quote
from buddy_web.schemas.common import MAX_INT, Answer, Body, Instant, Money, Text, When

State = Literal["in_force", "coming", "past"]
OfferKind = Literal[
    "tokens",
    "rental",
    "watch_once",
    "est",
    "pvod",
    "ppv",
    "festival_pass",
    "edition",
    "subscription",
]
Code = Annotated[str, StringConstraints(max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$")]
Whole = Annotated[int, Field(ge=0, le=MAX_INT, strict=True)]


class OfferOut(Answer):
    """One way to a title: its price in tokens or in money, held until `expires_at`.

    Send `kind`, `hours`, `tier`, `period`, the price and `rule_version` back as they are: that is
    what is charged, or nothing is.
    """

    kind: OfferKind
    tokens: int | None = Field(description="The cost in tokens; null where it is sold for money.")
    price: Money | None = Field(description="The price in money; null where it costs tokens.")
    hours: int | None = Field(description="How long a rental can be watched after its first play.")
    tier: str | None = Field(description="The tier of a subscription.")
    period: str | None = Field(
        description="How often it is billed, as an ISO 8601 duration.", examples=["P1M"]
    )
    rule: str | None = Field(
        description="The price rule that set it, or `type` or `title` of the token costs."
    )
    rule_version: int
    expires_at: Instant | None

    @classmethod
    def of(cls, quote: Quote) -> OfferOut:
        """Return the answer's form of a quote; no internal id is in it."""
        return cls(
            kind=quote.kind.value,
            tokens=quote.tokens or None,
            price=None if quote.price is None else Money.of(quote.price),
            hours=quote.hours,
            tier=quote.tier,
            period=quote.period,
            rule=quote.rule if quote.price is not None else quote.rule.partition(":")[0],
            rule_version=quote.rule_version,
            expires_at=quote.expires_at,
        )


class Offers(Answer):
    """What is offered to the asker for a title, here and now."""

    offers: list[OfferOut]


class PriceRule(Answer):
    """A rule as it stands in a version; what limits nothing is null."""

    id: str
    kind: str
    territories: list[str]
    excluding: list[str] = Field(default_factory=list)
    currency: str
    amount_minor: int
    title_type: str | None = None
    title: str | None = Field(default=None, description="A title, such as `film/ab2d`.")
    window: str | None = None
    plan: str | None = Field(default=None, description="The tier that a viewer must have for this price.")
    hours: int | None = None
    tier: str | None = None
    period: str | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None


class PriceVersion(Answer):
    """A version of the prices; of the versions that have taken effect the highest is in force."""

    version: int
    effective_from: Instant
    currencies: dict[str, str] = Field(description="In which currency a territory pays.")
    rules: list[PriceRule]
    state: State


class Prices(Answer):
    """The newest versions, newest first."""

    versions: list[PriceVersion]


class PriceRuleBody(Body):
    """A rule to add, or to put in the place of the one with its id."""

    id: Code
    kind: Code = Field(examples=["rental"])
    territories: list[Code] = Field(
        min_length=1, max_length=300, examples=[["IN"]], description="`*`, regions, or ISO 3166-1 codes."
    )
    excluding: list[Code] = Field(default_factory=list, max_length=300)
    currency: Code = Field(examples=["INR"])
    amount_minor: Annotated[int, Field(strict=True)] = Field(
        examples=[4900], description="A whole number of minor units: paise, cents."
    )
    title_type: Code | None = None
    title: Code | None = Field(default=None, description="A title, such as `film/ab2d`.")
    window: Code | None = None
    plan: Code | None = None
    hours: Annotated[int, Field(strict=True)] | None = None
    tier: Code | None = None
    period: Code | None = None
    starts_at: When | None = None
    ends_at: When | None = None


class PricesBody(Body):
    """Rules to add, replace and remove; what is not named stays, unless `is_whole`.

    Without `effective_from` they count a minute later.
    """

    rules: list[PriceRuleBody] = Field(default_factory=list, max_length=10_000)
    removed: list[Code] = Field(default_factory=list, max_length=10_000, description="Ids of rules.")
    currencies: dict[Code, Text | None] = Field(
        default_factory=dict, max_length=300, description="By territory; null takes one away."
    )
    is_whole: bool = Field(default=False, description="What is not named here is removed.")
    effective_from: When | None = None
    base_version: Whole | None = Field(
        default=None, description="Refuse if this is not the newest version any more; 0: there is none yet."
    )


class PricesSet(Answer):
    """The version that says so now: a new one, or the last one where all stood so already."""

    version: int
