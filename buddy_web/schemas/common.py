"""What many answers share: money, exact values, texts that a database takes, and pages."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from buddy_core.kernel import money as kernel_money
from buddy_core.kernel.digits import fraction_text
from buddy_core.kernel.idempotency import MAX_KEY_LENGTH

_PLAIN_TEXT = r"^[^\x00-\x1f\x7f]*$"
MAX_INT = 2**31 - 1


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        # The first and last hours that a calendar has can be written, but have no instant in UTC.
        raise ValueError("must be an instant of the years 1 to 9999 in UTC") from None


Text = Annotated[str, StringConstraints(pattern=_PLAIN_TEXT, max_length=500)]
"""A line of text without control characters."""
Exact = Annotated[
    Fraction,
    PlainSerializer(fraction_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^-?[0-9]+/[0-9]+$", "examples": ["3/5"]}),
]
"""An exact number as a fraction, such as `3/5`."""
Instant = Annotated[AwareDatetime, Field(examples=["2026-11-21T10:00:00Z"])]
When = Annotated[AwareDatetime, AfterValidator(_in_utc), Field(examples=["2026-12-01T00:00:00+05:30"])]
"""An instant that a client sends; it names its offset."""
ShortIdText = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9A-Za-z]{1,16}$"),
    Field(description="A short id, such as k6ym."),
]
OpaqueId = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,8}_[0-9a-f]{32}$")]
UserId = Annotated[
    str,
    StringConstraints(pattern=r"^usr_[0-9a-f]{32}$"),
    Field(description="An account's public id: `usr_` and 32 digits."),
]
Email = Annotated[str, StringConstraints(pattern=_PLAIN_TEXT, max_length=254)]
Reason = Annotated[str, StringConstraints(pattern=_PLAIN_TEXT, min_length=3, max_length=500)]
"""Why, for whoever reads the audit."""
MonthText = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}$"), Field(description="A month, such as 2026-10.")
]
TitleType = Literal["film", "series", "short", "episode"]


class Answer(BaseModel):
    """The base of all answers: fixed once made."""

    model_config = ConfigDict(frozen=True)


class Body(BaseModel):
    """The base of all request bodies: a field that is not known is a mistake, and no value is guessed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Money(Answer):
    """An amount in whole minor units (paise, cents) of an ISO 4217 currency."""

    minor: int
    currency: str = Field(examples=["INR"])

    @classmethod
    def of(cls, money: kernel_money.Money) -> Money:
        """Return the answer's form of an amount."""
        return cls(minor=money.minor, currency=money.currency)


class IdempotencyHeader(BaseModel):
    """The caller's key: the same key and request again get the first answer, and nothing twice."""

    idempotency_key: str = Field(
        alias="Idempotency-Key", min_length=1, max_length=MAX_KEY_LENGTH, pattern=_PLAIN_TEXT
    )


class OptionalIdempotencyHeader(BaseModel):
    """The caller's key, where a request is safe to repeat without one."""

    idempotency_key: str | None = Field(
        default=None, alias="Idempotency-Key", min_length=1, max_length=MAX_KEY_LENGTH, pattern=_PLAIN_TEXT
    )


class PageQuery(BaseModel):
    """Which page of a list."""

    page: int = Field(default=1, ge=1, le=100_000)
    limit: int = Field(default=20, ge=1, le=100)


class CursorQuery(BaseModel):
    """Where in a list that is read from its newest end."""

    cursor: int | None = Field(
        default=None, ge=1, le=MAX_INT, description="`next_cursor` of the page before."
    )
    limit: int = Field(default=20, ge=1, le=100)
