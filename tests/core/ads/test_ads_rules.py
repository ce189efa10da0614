"""Rewarded ads: which callbacks are admitted, and what a paid ad counts against."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.ads import (
    NOTICE,
    RULE_NUMBERS,
    AdCallback,
    AlertRule,
    BadRewardRule,
    CallbackRefused,
    Cap,
    PlaceUse,
    Reward,
    RewardCapReached,
    RewardRule,
    RewardRuleChanged,
    RewardRuleInPast,
    RewardRuleTooFar,
    RewardStatus,
    SetRewardRule,
    admit,
    alerts_of,
    caps_for,
    day_of,
    day_start,
    least_paid,
    next_rule,
    rule_numbers,
)
from buddy_core.kernel import DeviceId
from tests.contracts.cases import AT, account

MINUTE = timedelta(minutes=1)
REWARD = Reward(
    id="rwd_1",
    nonce="non_1",
    account_id=account(1),
    as_guest=True,
    device_id=DeviceId("dev_1"),
    ip_key="ip",
    ad_unit="unit-1",
    started_at=AT,
    expires_at=AT + 30 * MINUTE,
)
CALLBACK = AdCallback("admob", "tx-1", "unit-1", "non_1", AT + MINUTE)
RULE = RewardRule(
    version=1,
    effective_from=AT,
    tokens=1,
    token_kind="bonus",
    tokens_live_for=timedelta(days=90),
    account_daily=10,
    device_daily=20,
    ip_daily=30,
    guest_life=40,
    nonce_lives_for=30 * MINUTE,
)


@pytest.mark.parametrize("transaction", ["", "x" * 256, "tx\0", "tx\n1"])
def test_a_transaction_id_is_bounded(transaction: str) -> None:
    """A proven callback whose transaction id is empty, endless or no text is refused at the door."""
    assert "transaction id" in refusal(evolve(CALLBACK, transaction_id=transaction), REWARD, AT + MINUTE)


def refusal(callback: AdCallback, reward: Reward | None, at: datetime) -> str:
    """Return why a callback is refused."""
    with pytest.raises(CallbackRefused) as refused:
        admit(callback, reward, at)
    return refused.value.problem


def test_a_fitting_callback_is_admitted() -> None:
    """A callback for an open reward of its own ad unit answers that reward."""
    assert admit(CALLBACK, REWARD, AT + 2 * MINUTE) is REWARD


def test_a_late_callback_is_admitted_for_a_day() -> None:
    """What was shown in time may be told up to 24 hours later, and no longer."""
    assert admit(CALLBACK, REWARD, CALLBACK.at + timedelta(hours=24)) is REWARD
    late = CALLBACK.at + timedelta(hours=24, microseconds=1)
    assert refusal(CALLBACK, REWARD, late) == "it is too old"


@pytest.mark.parametrize("status", [s for s in RewardStatus if s is not RewardStatus.PENDING])
def test_a_nonce_pays_once(status: RewardStatus) -> None:
    """A reward that was settled in any way takes no further callback."""
    assert refusal(CALLBACK, evolve(REWARD, status=status), AT + MINUTE) == "its nonce has been used"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"ad_unit": "unit-2"}, "it is for another ad unit"),
        ({"at": AT + 9 * MINUTE}, "it is dated in the future"),
        ({"at": AT - 6 * MINUTE}, "the ad was not shown while its nonce was open"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict[str, Any], problem: str) -> None:
    """Another unit, a date to come and an ad shown before the start are refused by name."""
    assert refusal(evolve(CALLBACK, **changes), REWARD, AT + 2 * MINUTE) == problem


def test_an_ad_shown_after_the_nonce_expired_pays_nothing() -> None:
    """Five minutes of grace after the expiry for clocks that differ, and not a microsecond more."""
    grace = REWARD.expires_at + 5 * MINUTE
    later = grace + timedelta(hours=1)
    assert admit(evolve(CALLBACK, at=grace - timedelta(microseconds=1)), REWARD, later) is REWARD
    assert "nonce was open" in refusal(evolve(CALLBACK, at=grace), REWARD, later)


def test_an_unknown_nonce_pays_nothing() -> None:
    """A nonce that was never given out is refused."""
    assert refusal(CALLBACK, None, AT) == "its nonce was never given out"


def test_a_guest_counts_against_five_caps() -> None:
    """A guest's ad counts for account, device and IP of the day, and for the lives of guest and device."""
    assert list(caps_for(REWARD, RULE, AT)) == [
        Cap("account", str(account(1)), "2026-11-21", 10),
        Cap("device", "dev_1", "2026-11-21", 20),
        Cap("ip", "ip", "2026-11-21", 30),
        Cap("guest", str(account(1)), "", 40),
        Cap("guest_device", "dev_1", "", 40),
    ]
    assert [cap.scope for cap in caps_for(evolve(REWARD, as_guest=False), RULE, AT)] == [
        "account",
        "device",
        "ip",
    ]


def test_a_day_is_a_utc_day() -> None:
    """Half past midnight in India is still the day before in UTC."""
    india = datetime(2026, 11, 22, 0, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert {cap.day for cap in caps_for(evolve(REWARD, as_guest=False), RULE, india)} == {"2026-11-21"}


@given(st.integers(-3_000, 3_000), st.integers(-3_000, 3_000))
def test_only_ads_in_time_are_admitted(shown: int, told: int) -> None:
    """What is admitted was shown while the nonce was open and told within a day, give or take 5 minutes."""
    callback, at = evolve(CALLBACK, at=AT + shown * MINUTE), AT + told * MINUTE
    try:
        admit(callback, REWARD, at)
    except CallbackRefused:
        assert not (0 <= shown < 30 and shown <= told <= shown + 24 * 60)
    else:
        assert -5 <= shown < 35
        assert shown - 5 <= told <= shown + 24 * 60


def test_a_day_begins_where_it_is_named() -> None:
    """The start of a day lies in it, and the instant before it in the day before."""
    start = day_start("2026-11-21")
    assert start == datetime(2026, 11, 21, tzinfo=UTC)
    assert (day_of(start), day_of(start - timedelta(microseconds=1))) == ("2026-11-21", "2026-11-20")


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ("account", "this account today"),
        ("device", "Come back tomorrow"),
        ("ip", "internet address"),
        ("guest", "Register"),
        ("guest_device", "the guests of this device"),
    ],
)
def test_a_reached_cap_says_what_to_do(scope: str, words: str) -> None:
    """Each cap is named in words, with the number, and with what comes next."""
    said = RewardCapReached(scope, 20).message()
    assert words in said
    assert said.startswith("20 ads")


def wish(at: datetime | None = None, base: int | None = None, **changes: int) -> SetRewardRule:
    """Return a change of the rule."""
    return SetRewardRule(changes, "k1", at, base)


def test_a_new_rule_keeps_what_is_not_named() -> None:
    """It has the next number, begins a minute later, and differs in what was named alone."""
    rule = next_rule(RULE, wish(tokens=2, days=7, guest_life=0), AT + MINUTE)
    assert rule == evolve(
        RULE,
        version=2,
        effective_from=AT + MINUTE + NOTICE,
        tokens=2,
        tokens_live_for=timedelta(days=7),
        guest_life=0,
    )
    assert rule_numbers(rule) == {
        "tokens": 2,
        "days": 7,
        "account_daily": 10,
        "device_daily": 20,
        "ip_daily": 30,
        "guest_life": 0,
    }


@given(st.dictionaries(st.sampled_from(RULE_NUMBERS), st.integers(1, 1_000_000)))
def test_a_rule_says_what_was_asked_for_or_nothing_changes(changes: dict[str, int]) -> None:
    """What was named stands in the new rule; there is none where all of it stood there before."""
    rule = next_rule(RULE, wish(**changes), AT)
    after = rule_numbers(rule or RULE)
    assert after == {**rule_numbers(RULE), **changes}
    assert (rule is None) == (after == rule_numbers(RULE))


@pytest.mark.parametrize(
    "changes",
    [
        {"price": 1},
        {"tokens": 0},
        {"days": 0},
        {"account_daily": -1},
        {"guest_life": 1_000_001},
        {"tokens": True},
        {"tokens": 1.5},
        {"version": 9},
    ],
)
def test_numbers_that_cannot_be_are_refused(changes: dict[str, int]) -> None:
    """An unknown name, too little, too much and what is no whole number are each said by name."""
    with pytest.raises(BadRewardRule) as refused:
        next_rule(RULE, wish(**changes), AT)
    assert refused.value.name in changes


def test_a_rule_begins_after_the_last_and_within_a_year() -> None:
    """Within the minute of notice, before one that was planned and after a year no rule begins."""
    soonest = AT + NOTICE
    assert next_rule(RULE, wish(soonest, tokens=2), AT) is not None
    for at in (soonest - timedelta(microseconds=1), AT, AT - timedelta(days=9)):
        with pytest.raises(RewardRuleInPast) as refused:
            next_rule(RULE, wish(at, tokens=2), AT)
        assert refused.value.earliest == soonest
    planned = evolve(RULE, version=2, effective_from=AT + timedelta(days=3))
    for at in (None, planned.effective_from):
        with pytest.raises(RewardRuleInPast):
            next_rule(planned, wish(at, tokens=2), AT)
    assert next_rule(planned, wish(planned.effective_from + timedelta(seconds=1), tokens=2), AT) is not None
    assert next_rule(RULE, wish(AT + timedelta(days=366), tokens=2), AT) is not None
    with pytest.raises(RewardRuleTooFar):
        next_rule(RULE, wish(AT + timedelta(days=366, microseconds=1), tokens=2), AT)


def test_two_changes_within_a_minute_follow_each_other() -> None:
    """As soon as may be is right after one that begins within the minute."""
    first = next_rule(RULE, wish(tokens=2), AT)
    assert first is not None
    second = next_rule(first, wish(tokens=3), AT)
    assert second is not None
    assert (second.version, second.effective_from - first.effective_from) == (3, timedelta(microseconds=1))


def test_a_change_that_began_from_another_rule_is_stopped() -> None:
    """Whoever looked at an older version is told of the newer one."""
    assert next_rule(RULE, wish(base=1, tokens=2), AT) is not None
    with pytest.raises(RewardRuleChanged) as refused:
        next_rule(evolve(RULE, version=3), wish(base=2, tokens=2), AT)
    assert (refused.value.seen_version, refused.value.version) == (2, 3)


DEVICES = AlertRule("device", Fraction(1, 2), accounts=3)


def use(who: int, rewards: int, status: RewardStatus = RewardStatus.PAID, place: str = "d") -> PlaceUse:
    """Return what an account came to at a place."""
    return PlaceUse(place, account(who), status, rewards, f"rwd_{who}")


@pytest.mark.parametrize(("limit", "least"), [(20, 10), (21, 11), (1, 1), (0, 1)])
def test_a_place_is_looked_at_from_a_part_of_its_cap_on(limit: int, least: int) -> None:
    """The part is rounded up, and is never nothing."""
    assert least_paid(DEVICES, limit) == least


def test_a_place_is_shown_for_enough_ads_over_enough_accounts() -> None:
    """Half the cap over three accounts is shown; less of either is not, and neither is a cap of nothing."""
    enough = [use(1, 4), use(2, 3), use(3, 3)]
    [alert] = alerts_of(DEVICES, "2026-11-21", 20, {"d": 10}, enough)
    assert (alert.scope, alert.subject, alert.paid, alert.limit) == ("device", "d", 10, 20)
    assert alert.uses == (use(1, 4), use(2, 3), use(3, 3))
    assert alerts_of(DEVICES, "2026-11-21", 20, {"d": 9}, [use(1, 3), use(2, 3), use(3, 3)]) == []
    assert alerts_of(DEVICES, "2026-11-21", 20, {"d": 10}, [use(1, 5), use(2, 5)]) == []
    assert alerts_of(DEVICES, "2026-11-21", 0, {"d": 10}, enough) == []


def test_ads_that_were_turned_away_count_too() -> None:
    """A cap that was lowered meanwhile hides nothing: what was settled there is what is looked at."""
    uses = [use(1, 5), use(2, 3, RewardStatus.CAPPED), use(3, 2, RewardStatus.HELD)]
    assert [alert.paid for alert in alerts_of(DEVICES, "2026-11-21", 20, {"d": 5}, uses)] == [5]


def test_the_worst_place_comes_first() -> None:
    """Places are in order of what was paid there."""
    uses = [use(who, 5, place=place) for place in "ab" for who in (1, 2, 3)]
    found = alerts_of(DEVICES, "2026-11-21", 20, {"a": 15, "b": 16}, uses)
    assert [alert.subject for alert in found] == ["b", "a"]
