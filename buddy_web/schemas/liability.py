"""What is owed for tokens: the months of the accounting view."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from buddy_web.schemas.common import Answer, Exact, Instant, MonthText

State = Literal["running", "settling", "final"]


class LiabilityQuery(BaseModel):
    """Which months: from `since` to `month`; without them the month that runs, in each zone its own."""

    month: MonthText | None = None
    since: MonthText | None = None
    currency: str | None = Field(
        default=None, pattern=r"^[A-Z]{3}$", description="This currency alone, such as INR."
    )


class AtCost(Answer):
    """Tokens and what they cost in minor units; below zero where a line lowers what is owed."""

    tokens: int
    minor: int


class LiabilityMonth(Answer):
    """One currency's month. Opening, the five lines and `breakage_minor` add up to the closing.

    Figures of a month that is `final` do not change any more.
    """

    currency: str
    month: str
    zone: str
    state: State
    starts_at: Instant
    ends_at: Instant
    opening: AtCost
    sold: AtCost
    redeemed: AtCost
    expired: AtCost
    reversed: AtCost
    adjusted: AtCost
    breakage_minor: int
    closing: AtCost
    recognised_ahead_minor: int = Field(
        description="Recognised of tokens that can still be claimed; closing is their cost less this."
    )
    on_hold_tokens: int = Field(description="Of the closing: set aside.")
    uncollectable: AtCost = Field(
        description="Gone before their purchase was taken back (spent, expired or taken by staff), "
        "less what refunds brought back of them; in no line."
    )
    revenue_minor: int
    breakage_method: Literal["remote", "proportional"]
    expected_unredeemed: Exact | None
    is_entitled: bool


class PromotionalMonth(Answer):
    """A month of promotional tokens of one kind, in tokens: nothing is owed for them."""

    kind: str
    month: str
    zone: str
    state: State
    opening: int
    given: int
    spent: int
    expired: int
    reversed: int
    adjusted: int
    closing: int
    on_hold: int
    uncollectable: int


class TokenLiability(Answer):
    """The months asked for, by currency and month; `note` says so in words where nothing was sold."""

    month: str
    since: str
    as_of: Instant
    liabilities: list[LiabilityMonth]
    promotional: list[PromotionalMonth]
    note: str | None
