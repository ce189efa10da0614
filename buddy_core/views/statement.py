"""A month's statement to one producer, and how one of its amounts was computed."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

from attrs import frozen

from buddy_core.kernel.money import Money
from buddy_core.views.common import TitleType
from buddy_core.views.producer import MonthState


@frozen
class StatementLine:
    """One title: `gross` is the exact value of its spends, `exact` the producer's share of it.

    Both are in minor units; `amount` is what is paid.
    """

    line: str
    title: str
    type: TitleType
    unlocks: int
    bonus_tokens: int
    paid_tokens: int
    gross: Fraction
    exact: Fraction
    amount: Money


@frozen
class StatementPage:
    """The document for a month; `digest` is set once the month is closed.

    `rounding` is the difference between the month's exact value and its rounded one.
    """

    month: str
    state: MonthState
    producer: str
    entity: str
    currency: str
    zone: str
    share: Fraction
    lines: tuple[StatementLine, ...]
    total: Money
    total_exact: Fraction
    rounding: Fraction | None = None
    closed_at: datetime | None = None
    digest: str | None = None


@frozen
class WhySpend:
    """Spends that count alike: so many tokens at one value, in minor units a token."""

    kind: str
    tokens: int
    value: Fraction
    value_version: str
    effective_from: datetime
    exact: Fraction


@frozen
class WhyPage:
    """How one amount was computed, in the order a person would do it by hand.

    `exact` is `gross` times `share`; `amount` is what the statement pays, after
    the month was rounded once and split (`allocation_rule`).
    """

    month: str
    state: MonthState
    line: str
    title: str
    producer: str
    currency: str
    spends: tuple[WhySpend, ...]
    gross: Fraction
    share: Fraction
    exact: Fraction
    amount: Money
    allocation_rule: str = ""
