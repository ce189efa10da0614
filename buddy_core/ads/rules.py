"""When a callback is admitted, and which caps a paid ad counts against."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from buddy_core.ads.errors import CallbackRefused
from buddy_core.ads.model import AdCallback, Cap, Reward, RewardRule, RewardStatus
from buddy_core.kernel.ids import AccountId

MAX_AGE = timedelta(hours=24)
"""How late a callback may come; the network repeats one for hours when we were down."""
MAX_TRANSACTION_LENGTH = 255
"""The longest transaction id that is kept; AdMob's have 32 characters."""
MAX_AHEAD = timedelta(minutes=5)
"""How far the network's clock may be ahead of ours."""


def admit(callback: AdCallback, reward: Reward | None, at: datetime) -> Reward:
    """Return the reward that a proven callback pays, if it may pay it.

    The reward is found by the nonce, is still pending, was begun for this ad unit
    before the ad was shown, and the ad was shown before the nonce expired.
    A callback may come late; what it says must have happened in time.

    Raises:
        CallbackRefused: names what does not fit.
    """
    if not 1 <= len(callback.transaction_id) <= MAX_TRANSACTION_LENGTH:
        raise CallbackRefused(f"its transaction id must have 1 to {MAX_TRANSACTION_LENGTH} characters")
    if not callback.transaction_id.isprintable():
        raise CallbackRefused("its transaction id holds what is no text")
    if reward is None:
        raise CallbackRefused("its nonce was never given out")
    if reward.status is not RewardStatus.PENDING:
        raise CallbackRefused("its nonce has been used")
    if callback.ad_unit != reward.ad_unit:
        raise CallbackRefused("it is for another ad unit")
    if callback.at > at + MAX_AHEAD:
        raise CallbackRefused("it is dated in the future")
    if callback.at < at - MAX_AGE:
        raise CallbackRefused("it is too old")
    if not reward.started_at - MAX_AHEAD <= callback.at < reward.expires_at + MAX_AHEAD:
        raise CallbackRefused("the ad was not shown while its nonce was open")
    return reward


def caps_for(reward: Reward, rule: RewardRule, at: datetime) -> Sequence[Cap]:
    """Return every cap that paying this reward counts against; a day is a UTC day."""
    account = str(reward.account_id)
    daily = account_cap(reward.account_id, rule, at)
    day = daily.day
    caps = [
        daily,
        Cap("device", reward.device_id, day, rule.device_daily),
        Cap("ip", reward.ip_key, day, rule.ip_daily),
    ]
    if reward.as_guest:
        caps.append(Cap("guest", account, "", rule.guest_life))
    return caps


def account_cap(account: AccountId, rule: RewardRule, at: datetime) -> Cap:
    """Return an account's cap of the UTC day that `at` lies in."""
    return Cap("account", str(account), at.astimezone(UTC).strftime("%Y-%m-%d"), rule.account_daily)
