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


class LinesQuery(StatementQuery):
    """Which of a month's statements, and which of its lines."""

    cursor: str | None = Field(
        default=None,
        pattern=r"^[1-9][0-9]{0,8}-[0-9a-f]{16}$",
        description="`next_cursor` of the page before.",
    )
    limit: int = Field(default=20, ge=1, le=100, description="How many lines.")


class MonthPath(BaseModel):
    """Which month."""

    month: MonthText


class StatementSummary(Answer):
    """A closed statement; `digest` is the SHA-256 of its final bytes."""

    month: str
    entity: str
    earned: Money
    payable: Money
    closed_at: Instant
    digest: str
    json_url: str
    csv_url: str


class Statements(Answer):
    """A producer's closed statements, newest month first."""

    statements: list[StatementSummary]


class StatementLine(Answer):
    """What one title earned in one country by one model and deal; all but `part` and `rate` in minor units.

    `net` x `part` - `fee` - `expenses` is `base`, and `base` x `rate` is `amount`, all of it exact.
    """

    title_type: TitleType
    title_id: str
    title: str
    territory: str
    model: str
    deal: str | None
    step: str | None = Field(description="The step of the title's waterfall that takes it, where one does.")
    net: Exact
    part: Exact
    fee: Exact
    expenses: Exact
    base: Exact
    rate: Exact
    amount: Exact
    inputs: dict[str, str | int] = Field(description="What `net` and `rate` were worked out from.")
    adjusts: str | None = Field(
        description="On an adjustment: the closed month that it belongs to. Its figures are differences."
    )
    rules: str


class StatementShare(Answer):
    """What one account has of what was earned; all of them add up to `earned`."""

    account: str
    adjusts: str | None
    minor: int
    rate: Exact
    amount: int = Field(description="`minor` x `rate` in the account's currency, rounded half up.")


class StatementStep(Answer):
    """One step of settling an account: what it added or took, and what was there after it."""

    name: str
    amount: int
    left: int
    note: str


class StatementBalance(Answer):
    """An account between two months, in minor units."""

    recouped: int
    carried: int
    held: int
    in_term: int


class StatementSettlement(Answer):
    """An account's month in minor units: `steps` add up to `payable`."""

    account: str
    currency: str
    opening: StatementBalance
    earned: int
    steps: list[StatementStep]
    withheld: int
    topped_up: int
    forgiven: int
    payable: int
    closing: StatementBalance


class Statement(Answer):
    """A month's statement with a page of its lines; figures are provisional until `state` is `closed`.

    Every figure beside the lines is of all of them, on each page.
    """

    month: str
    entity: str
    producer: str
    currency: str
    state: Literal["running", "ended", "closed"]
    lines: list[StatementLine]
    line_count: int = Field(description="How many lines there are in all.")
    next_cursor: str | None = Field(description="Where the next lines begin; null after the last.")
    exact: Exact = Field(description="All lines together, in minor units.")
    rounding: Exact = Field(description="What rounding once added to that.")
    earned: Money
    shares: list[StatementShare]
    settlements: list[StatementSettlement]
    payable: Money
    closed_at: Instant | None
    digest: str | None
