"""What a timeline answers: balances, draws, overage, settlements, and every change that led there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from attrs import field, frozen

from buddy_core.kernel.clock import utc
from buddy_core.tokens.model import check_amount
from buddy_core.tokens.rules.refunding import LotDraw
from buddy_core.tokens.rules.timeline.facts import Usage


def _instant(value: datetime) -> datetime:
    return utc(value)


def _positive(_: object, __: Any, value: Any) -> None:
    check_amount(value)


def _balances(balances: Mapping[str, int]) -> dict[str, int]:
    return {lot_id: left if left == 0 else check_amount(left) for lot_id, left in balances.items()}


class Cause(StrEnum):
    """Why a lot's balance changed."""

    OPENED = "opened"
    """It was left from before the timeline."""
    STARTED = "started"
    REFILLED = "refilled"
    """A recurrence gave the whole amount anew; what was left before is forfeited."""
    RAISED = "raised"
    """A reset lifted the balance to the least that rolls over."""
    DRAWN = "drawn"
    SETTLED = "settled"
    """It paid for overage."""
    EXPIRED = "expired"
    VOIDED = "voided"
    FORFEITED = "forfeited"
    """A reset or a recurrence let it lapse."""


@frozen
class Change:
    """A signed number of tokens that came to a lot or went from it."""

    at: datetime
    lot_id: str
    cause: Cause
    amount: int


@frozen
class Debt:
    """What no lot has covered of a usage yet."""

    usage: Usage
    amount: int = field(validator=_positive)


@frozen
class Settlement:
    """A part of an earlier usage's overage, paid at `at` by a lot."""

    usage: Usage
    at: datetime
    lot_id: str
    amount: int


@frozen
class Standing:
    """How things stand at an instant, once all that happens at it but usages has happened.

    Give it to the next timeline as `carried`, and it goes on as if it had never
    been cut.
    """

    at: datetime = field(converter=_instant)
    balances: Mapping[str, int] = field(converter=_balances)
    debts: tuple[Debt, ...] = ()


@frozen
class Timeline:
    """The answer at `standing.at`, and how it came about.

    `draws` has one element a usage, in the order in which the usages were given:
    what it drew from which lots when it happened. What was paid later is under
    `settlements`. Nothing was drawn for a usage outside of the timeline.
    """

    since: datetime
    standing: Standing
    draws: tuple[tuple[LotDraw[str], ...], ...]
    settlements: tuple[Settlement, ...] = ()
    dropped: tuple[Debt, ...] = ()
    """Overage that a reset let go."""
    changes: tuple[Change, ...] = field(default=(), repr=False)
    """In order of time; their sum is the balance, lot by lot."""
    voided: tuple[tuple[LotDraw[str], ...], ...] = ()
    """What each void took from which lots, one element a void, in the order in which they were given."""

    @property
    def balances(self) -> Mapping[str, int]:
        """What is left of each lot; nothing of one that has not begun or is gone."""
        return self.standing.balances

    @property
    def overage(self) -> int:
        """What was used and no lot has covered yet."""
        return sum(debt.amount for debt in self.standing.debts)
