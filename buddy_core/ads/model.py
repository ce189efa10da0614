"""Rewarded ads: the rule that pays, the nonce that binds, and what became of each reward."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from attrs import frozen

from buddy_core.kernel.ids import AccountId, DeviceId


@frozen
class RewardRule:
    """What one rewarded ad pays and how often: data, versioned.

    Caps count paid ads: per account, device and IP in a UTC day; before
    registration also in a guest's whole life, and in that of all guests of one
    device together (`guest_life` for both).
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
    """`account`, `device`, `ip`, `guest` or `guest_device`."""
    subject: str
    day: str
    """The UTC day as `YYYY-MM-DD`, or empty for a whole life."""
    limit: int


@frozen
class PlaceUse:
    """What one account came to on a device, or at an address, in a stretch of time."""

    subject: str
    """The device's id, or the keyed hash of the address."""
    account_id: AccountId
    """Whose reward it was when it was begun; a guest may have become a member since."""
    status: RewardStatus
    rewards: int
    last_id: str
    """The reward that was settled last of these."""


@frozen
class AlertRule:
    """From when on a place is shown to staff: this part of its day's cap, over this many accounts."""

    scope: str
    """`device` or `ip`."""
    part_of_cap: Fraction
    accounts: int


@frozen
class Alert:
    """A device or an address on which many accounts earned in one UTC day: a sign, no proof."""

    scope: str
    subject: str
    day: str
    limit: int
    """The day's cap there."""
    paid: int
    """What was counted against the cap."""
    uses: tuple[PlaceUse, ...]
    """Account by account and status by status, the most rewards first."""
