"""A producer's statements."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from buddy_web.schemas.common import Answer, Exact, Instant, Money, MonthText, ShortIdText, TitleType


class StatementsQuery(BaseModel):
    """Whose statements; only staff may name another producer than their own."""

    producer: ShortIdText | None = None


class StatementQuery(StatementsQuery):
    """Which of a month's statements, where there are several."""

    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    entity: str | None = Field(default=None, pattern=r"^[a-z0-9-]{1,32}$")


class MonthPath(BaseModel):
    """Which month."""

    month: MonthText


class StatementSummary(Answer):
    """A closed statement; `digest` is the SHA-256 of its final bytes."""

    month: str
    entity: str
    payable: Money
    closed_at: Instant
    digest: str
    json_url: str
    csv_url: str


class Statements(Answer):
    """A producer's closed statements, newest month first."""

    statements: list[StatementSummary]


class StatementLine(Answer):
    """Tokens of one kind and value version spent on one title. `*_minor` are exact minor units.

    A line of refunds has figures below zero.
    """

    title_type: TitleType
    title_id: str
    title: str
    kind: str
    value_version: int
    tokens: int
    unit_value_minor: Exact
    value_minor: Exact
    share: Exact
    amount_minor: Exact
    refund_of: str | None = Field(
        description="On a line of refunds: the month in which the tokens were spent."
    )


class Statement(Answer):
    """A month's statement; figures are provisional until `state` is `closed`."""

    month: str
    entity: str
    producer: str
    currency: str
    state: Literal["running", "ended", "closed"]
    lines: list[StatementLine]
    exact_minor: Exact
    rounding_minor: Exact
    payable: Money
    closed_at: Instant | None
    digest: str | None
