"""Closing a month: three steps with a checklist."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from attrs import frozen

from buddy_core.kernel.money import Money

CloseState = Literal["running", "blocked", "ready", "closed"]
CheckKey = Literal["month_ended", "values_complete", "rewards_settled", "ledger_verified"]


@frozen
class Check:
    """One thing that must hold before the month is closed; `count` is how many offend."""

    key: CheckKey
    is_done: bool
    count: int = 0
    url: str | None = None


@frozen
class ClosePayout:
    """One statement that the close writes, or has written."""

    producer: str
    amount: Money
    titles: int
    statement_url: str | None = None


@frozen
class CloseMonth:
    """One entity's month; `ends_at` is its end in the entity's zone."""

    month: str
    entity: str
    zone: str
    state: CloseState
    ends_at: datetime
    checks: tuple[Check, ...] = ()
    payouts: tuple[ClosePayout, ...] = ()
    platform: tuple[Money, ...] = ()
    closed_at: datetime | None = None
    closed_by: str | None = None
    digest: str | None = None
    idempotency_key: str = ""


@frozen
class AdminClose:
    """The months of each entity, the one to act on first."""

    months: tuple[CloseMonth, ...]
    now: datetime
