"""Promotions: codes that bring tokens, as members claim and staff run them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from buddy_web.schemas.common import MAX_INT, Answer, Body, Instant, Reason, Text, When

CodeText = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9A-Za-z]{4,32}$"),
    Field(description="A code of 4 to 32 letters and digits; case does not count."),
]
Whole = Annotated[int, Field(ge=1, le=MAX_INT, strict=True)]


class ClaimBody(Body):
    """A code as it was typed: case, blanks and hyphens do not count."""

    code: Annotated[Text, StringConstraints(min_length=1, max_length=100)] = Field(examples=["MONSOON26"])


class Claimed(Answer):
    """What the code brought, and until when it can be spent."""

    code: str
    tokens: int
    expires_at: Instant


class PromotionPath(BaseModel):
    """Which promotion, by its code."""

    promotion: CodeText


class PromotionBody(Body):
    """A new promotion. Without `starts_at` it counts at once; it ends within a year, and not at `ends_at`."""

    code: CodeText
    tokens: Whole = Field(description="For each claim.")
    days: Whole = Field(description="How long the tokens last, from the claim on.")
    limit: Whole = Field(description="How many may claim in all.")
    starts_at: When | None = None
    ends_at: When
    for_guests: Annotated[bool, Field(strict=True)] = False
    reason: Reason = Field(description="What it is for.")


class EndBody(Body):
    """Why the promotion ends early."""

    reason: Reason


class Promotion(Answer):
    """A promotion as it stands."""

    code: str
    state: Literal["coming", "running", "used_up", "over"]
    tokens: int
    days: int
    limit: int
    claimed: int = Field(description="How many have claimed so far.")
    starts_at: Instant
    ends_at: Instant
    for_guests: bool
    reason: str = Field(description="What it is for, or why it was ended.")


class Promotions(Answer):
    """Promotions, those that begin last first."""

    promotions: list[Promotion]
    has_more: bool


class PromotionSet(Answer):
    """The code of the promotion, and from when to when it counts now."""

    code: str
    starts_at: Instant
    ends_at: Instant
