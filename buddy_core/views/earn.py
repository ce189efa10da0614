"""The earn page and the sandbox ad: a coin lands when the server says so, not before."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from attrs import frozen

RewardState = Literal[
    "ready", "playing", "pending", "paid", "no_fill", "failed", "capped", "held", "refused", "frozen"
]


@frozen
class RewardStatus:
    """Where one rewarded ad stands.

    `balance` is the viewer's balance now, in tokens. `resets_at` is set where
    the state is `capped` and the cap ends by itself; `reason` then names it (`guest` ends
    by joining). `waiting_s` counts since about the ad's end, where pending.
    """

    state: RewardState
    tokens: int
    balance: int
    reward_id: str | None = None
    ad_url: str | None = None
    resets_at: datetime | None = None
    waiting_s: int = 0
    reason: str | None = None


@frozen
class WantedTitle:
    """The title the viewer came from, how many tokens are missing for it, and where it is unlocked."""

    title: str
    cost: int
    short_by: int
    url: str


@frozen
class EarnPage:
    """One ad to watch and what it pays; `next_url` leads back to where the viewer was."""

    status: RewardStatus
    left_today: int
    daily_cap: int
    bonus_days: int
    next_url: str | None = None
    wanted: WantedTitle | None = None


@frozen
class SandboxAdPage:
    """The advertisement of the sandbox network; it runs `seconds` and cannot be skipped.

    The page posts to `finish_url` when it has run. `cancel_url` leaves without pay.
    """

    reward_id: str
    seconds: int
    tokens: int
    finish_url: str
    cancel_url: str
    advertiser: str
    headline: str
