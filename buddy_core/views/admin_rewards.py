"""Held rewards: callbacks that came while a wallet was frozen, to release or refuse."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen


@frozen
class HeldReward:
    """One proven callback that has not been paid; `wallet_frozen` blocks its release."""

    reward_id: str
    account: str
    tokens: int
    earned_at: datetime
    reason: str
    wallet_frozen: bool
    idempotency_key: str


@frozen
class AdminRewards:
    """The queue, oldest first. Forms post `decision` (`release`, `refuse`) and `reason`."""

    rewards: tuple[HeldReward, ...]
    done: str | None = None
