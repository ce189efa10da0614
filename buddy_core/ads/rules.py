"""When a callback is admitted, which caps a paid ad counts against, and which rule may come next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import evolve

from buddy_core.ads.commands import SetRewardRule
from buddy_core.ads.errors import (
    BadRewardRule,
    CallbackRefused,
    RewardRuleChanged,
    RewardRuleInPast,
    RewardRuleTooFar,
)
from buddy_core.ads.model import (
    AdCallback,
    Alert,
    AlertRule,
    Cap,
    PlaceUse,
    Reward,
    RewardRule,
    RewardStatus,
)
from buddy_core.kernel.clock import utc
from buddy_core.kernel.ids import AccountId, DeviceId

NOTICE = timedelta(minutes=1)
"""How long before it counts a rule must be recorded: longer than paying takes to commit,
so that no payment can miss a rule that was in force."""
HORIZON = timedelta(days=366)
MAX_NUMBER = 1_000_000
DAYS = "days"
RULE_NUMBERS = ("tokens", DAYS, "account_daily", "device_daily", "ip_daily", "guest_life")
"""The names of what staff may change, in the order in which they are shown."""
_AT_LEAST_ONE = ("tokens", DAYS)
_NEXT = timedelta(microseconds=1)

ACCOUNT = "account"
"""The scope of what an account earned in a day; a merge carries it to the member."""
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
    """Return every cap that paying this reward counts against; a day is a UTC day.

    What guests earn on one device counts together for as long as there is a count:
    many guests on it get no more than one.
    """
    account, day = str(reward.account_id), day_of(at)
    caps = [
        Cap(ACCOUNT, account, day, rule.account_daily),
        Cap("device", reward.device_id, day, rule.device_daily),
        Cap("ip", reward.ip_key, day, rule.ip_daily),
    ]
    if reward.as_guest:
        caps += guest_caps(reward.account_id, reward.device_id, rule)
    return caps


def guest_caps(account: AccountId, device: DeviceId, rule: RewardRule) -> list[Cap]:
    """Return the caps on what a guest, and all guests of a device together, earn in their whole lives."""
    return [
        Cap("guest", str(account), "", rule.guest_life),
        Cap("guest_device", device, "", rule.guest_life),
    ]


def day_of(at: datetime) -> str:
    """Return the UTC day that an instant lies in, as caps name it."""
    return at.astimezone(UTC).strftime("%Y-%m-%d")


def day_start(day: str) -> datetime:
    """Return when a day of `day_of` begins."""
    return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)


def next_rule(last: RewardRule, command: SetRewardRule, at: datetime) -> RewardRule | None:
    """Return the rule to append after the last, or None if all stands so already.

    Raises:
        BadRewardRule: a name is unknown, or its number out of range.
        RewardRuleChanged: the last one is not the one that the change began from.
        RewardRuleInPast: it would take effect too soon, or not after the last one.
        RewardRuleTooFar: it would take effect more than a year from now.
    """
    if command.base is not None and command.base != last.version:
        raise RewardRuleChanged(command.base, last.version)
    for name, number in command.changes.items():
        _check_number(name, number)
    wanted: dict[str, Any] = {name: number for name, number in command.changes.items() if name != DAYS}
    after = evolve(last, **wanted)
    if DAYS in command.changes:
        after = evolve(after, tokens_live_for=timedelta(days=command.changes[DAYS]))
    if after == last:
        return None
    start = _start(last.effective_from, command.effective_from, at)
    return evolve(after, version=last.version + 1, effective_from=start)


def rule_numbers(rule: RewardRule) -> dict[str, int]:
    """Return what staff may change of a rule, by name."""
    numbers = {name: getattr(rule, name) for name in RULE_NUMBERS if name != DAYS}
    return {**numbers, DAYS: rule.tokens_live_for.days}


def is_worth_a_look(alert_rule: AlertRule, limit: int, paid: int, uses: Sequence[PlaceUse]) -> bool:
    """Tell whether a place is shown to staff: enough paid, or turned away, over enough accounts."""
    settled = max(paid, sum(use.rewards for use in uses))
    accounts = {use.account_id for use in uses}
    return limit > 0 and settled >= least_paid(alert_rule, limit) and len(accounts) >= alert_rule.accounts


def least_paid(alert_rule: AlertRule, limit: int) -> int:
    """Return from how many paid ads on a place is looked at; at least one."""
    return max(1, -(-limit * alert_rule.part_of_cap.numerator // alert_rule.part_of_cap.denominator))


def alerts_of(
    alert_rule: AlertRule,
    day: str,
    limit: int,
    paid: Mapping[str, int],
    uses: Sequence[PlaceUse],
) -> list[Alert]:
    """Return the places of one scope and day that staff are shown, those with the most paid ads first."""
    by_place: dict[str, list[PlaceUse]] = {subject: [] for subject in paid}
    for use in uses:
        by_place.setdefault(use.subject, []).append(use)
    found = [
        Alert(alert_rule.scope, subject, day, limit, paid.get(subject, 0), tuple(_ranked(mine)))
        for subject, mine in by_place.items()
        if is_worth_a_look(alert_rule, limit, paid.get(subject, 0), mine)
    ]
    return sorted(found, key=lambda alert: (-alert.paid, alert.subject))


def _ranked(uses: Sequence[PlaceUse]) -> list[PlaceUse]:
    return sorted(uses, key=lambda use: (-use.rewards, str(use.account_id), use.status))


def _check_number(name: str, number: object) -> None:
    if name not in RULE_NUMBERS:
        raise BadRewardRule(name, f"is none of {', '.join(RULE_NUMBERS)}")
    least = 1 if name in _AT_LEAST_ONE else 0
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= MAX_NUMBER:
        raise BadRewardRule(name, f"must be a whole number from {least} to {MAX_NUMBER}")


def _start(last: datetime, wanted: datetime | None, at: datetime) -> datetime:
    """Return when a version begins that was asked for from `wanted` on, or as soon as may be."""
    soonest = utc(at) + NOTICE
    earliest = max(soonest, last + _NEXT)
    # One that was set just now is no reason to say no; one that was planned for a later day is.
    start = (earliest if last < soonest + NOTICE else soonest) if wanted is None else wanted
    if start < earliest:
        raise RewardRuleInPast(start, earliest)
    if start > utc(at) + HORIZON:
        raise RewardRuleTooFar(start, utc(at) + HORIZON)
    return start
