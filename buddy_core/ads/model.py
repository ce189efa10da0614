"""Rewarded ads: the rule that pays, the nonce that binds, and what became of each reward."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from attrs import frozen

from buddy_core.kernel.ids import AccountId, DeviceId


@frozen
class RewardRule:
    """What one rewarded ad pays and how often: data, versioned.

    Caps count paid ads: per account, device and IP in a UTC day, and in a
    guest's whole life.
    """

    version: int
    effective_from: datetime
    tokens: int
    token_kind: str
    tokens_live_for: timedelta
    account_daily: int
    device_daily: int
    ip_daily: int
    guest_life: int
    nonce_lives_for: timedelta


class RewardStatus(StrEnum):
    """Where a reward stands."""

    PENDING = "pending"
    """The ad was begun; no callback has been accepted yet."""
    PAID = "paid"
    CAPPED = "capped"
    """The callback was good, but a cap was reached meanwhile."""
    HELD = "held"
    """The callback was good, but the wallet is frozen; staff decide."""
    REFUSED = "refused"
    """Staff refused what was held."""


@frozen
class Reward:
    """One rewarded ad from its start on; `nonce` is the only thing the network is told."""

    id: str
    """`rwd_` and 128 random bits: what the page asks by."""
    nonce: str
    account_id: AccountId
    as_guest: bool
    device_id: DeviceId
    ip_key: str
    """A keyed hash of the address; the address itself is not kept."""
    ad_unit: str
    started_at: datetime
    expires_at: datetime
    status: RewardStatus = RewardStatus.PENDING
    settled_at: datetime | None = None
    note: str = ""
    """The cap that was reached, or the reason staff gave."""


@frozen
class AdCallback:
    """A callback whose signature was proven, reduced to what admission looks at."""

    network: str
    transaction_id: str
    ad_unit: str
    nonce: str
    at: datetime


@frozen
class Cap:
    """One count that a paid ad adds to, and where it ends."""

    scope: str
    """`account`, `device`, `ip` or `guest`."""
    subject: str
    day: str
    """The UTC day as `YYYY-MM-DD`, or empty for a whole life."""
    limit: int
