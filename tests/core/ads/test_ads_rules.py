"""Rewarded ads: which callbacks are admitted, and what a paid ad counts against."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.ads import AdCallback, CallbackRefused, Cap, Reward, RewardRule, RewardStatus, admit, caps_for
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


def test_a_guest_counts_against_four_caps() -> None:
    """A guest's ad counts for the account, device and IP of the UTC day, and for the guest's life."""
    assert list(caps_for(REWARD, RULE, AT)) == [
        Cap("account", str(account(1)), "2026-11-21", 10),
        Cap("device", "dev_1", "2026-11-21", 20),
        Cap("ip", "ip", "2026-11-21", 30),
        Cap("guest", str(account(1)), "", 40),
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
