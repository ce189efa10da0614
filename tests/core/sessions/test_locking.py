"""How often a secret may be guessed, and how a second factor's codes are used up."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import InvalidValue
from buddy_core.sessions import (
    MAX_SKEW,
    POLICY,
    Attempts,
    SecondFactorExists,
    SecondFactorMissing,
    SecondFactorWrong,
    SignInLocked,
    begin_try,
    confirm,
    enrol,
    forget_before,
    use,
)
from tests.contracts.cases import AT, LATER, account

MICROSECOND, SECOND, MINUTE = timedelta(microseconds=1), timedelta(seconds=1), timedelta(minutes=1)
NONE = Attempts("password:of-somebody")


def tried(*instants: datetime, attempts: Attempts = NONE) -> Attempts:
    """Return the tries after one at each instant."""
    for at in instants:
        attempts = begin_try(attempts, at, POLICY)
    return attempts


FIVE = tried(*(AT + number * MINUTE for number in range(5)))
FIFTH = AT + 4 * MINUTE


def test_the_sixth_try_is_refused() -> None:
    """Five tries within 15 minutes are let through; the sixth is not, and says how long to wait."""
    assert FIVE.locked_until == FIFTH + 15 * MINUTE
    with pytest.raises(SignInLocked) as refused:
        begin_try(FIVE, FIFTH + MINUTE, POLICY)
    assert refused.value.retry_after_s == 14 * 60


@pytest.mark.parametrize(
    ("left", "seconds"),
    [
        (15 * MINUTE, 900),
        (SECOND, 1),
        (timedelta(microseconds=1), 1),
        (SECOND + timedelta(microseconds=1), 2),
    ],
)
def test_the_wait_is_rounded_up(left: timedelta, seconds: int) -> None:
    """Whoever waits as long as was said is let through."""
    with pytest.raises(SignInLocked) as refused:
        begin_try(FIVE, FIFTH + 15 * MINUTE - left, POLICY)
    assert refused.value.retry_after_s == seconds
    assert tried(FIFTH + 15 * MINUTE - left + seconds * SECOND, attempts=FIVE).locked_until is None


def test_the_lock_ends_to_the_microsecond() -> None:
    """It lasts 15 minutes from the fifth try, and then the count begins anew."""
    end = FIFTH + 15 * MINUTE
    with pytest.raises(SignInLocked):
        begin_try(FIVE, end - MICROSECOND, POLICY)
    assert begin_try(FIVE, end, POLICY) == Attempts(NONE.key, (end,))


def test_slow_tries_are_never_locked() -> None:
    """Four tries in every 15 minutes go on for ever."""
    attempts = tried(*(AT + number * 15 * MINUTE / 4 for number in range(200)))
    assert attempts.locked_until is None
    assert len(attempts.failures) == 4


@given(st.lists(st.integers(0, 20 * 60), max_size=60))
def test_no_window_holds_more_than_five(gaps_s: list[int]) -> None:
    """Of any tries at all, no 15 minutes hold more than five that were let through."""
    at, attempts, through, waits = AT, NONE, [], [1]
    for gap in gaps_s:
        at += gap * SECOND
        try:
            attempts = begin_try(attempts, at, POLICY)
            through.append(at)
        except SignInLocked as refused:
            waits.append(refused.retry_after_s)
    assert 1 <= min(waits) <= max(waits) <= 900
    for first, sixth in zip(through, through[5:], strict=False):
        assert sixth - first >= POLICY.lock_window


def test_tries_of_a_host_whose_clock_is_ahead_count() -> None:
    """A try that another host dates in the future counts as of now, and its lock holds."""
    attempts = tried(*(AT + SECOND for _ in range(4)), AT)
    with pytest.raises(SignInLocked):
        begin_try(attempts, AT - SECOND, POLICY)


def test_a_clock_that_was_set_back_does_not_lock_for_ever() -> None:
    """A lock that no clock of now could have set lets one try through and begins anew."""
    before = AT - timedelta(days=30)
    again = begin_try(FIVE, before, POLICY)
    assert again == Attempts(NONE.key, (before,) * 5, before + 15 * MINUTE)
    with pytest.raises(SignInLocked):
        begin_try(again, before + MINUTE, POLICY)
    edge = FIFTH - MAX_SKEW
    with pytest.raises(SignInLocked):
        begin_try(FIVE, edge, POLICY)


@given(st.integers(0, 5), st.integers(0, 3600))
def test_what_a_sweep_removes_said_nothing(count: int, later_s: int) -> None:
    """Tries that are old enough to be forgotten change no answer."""
    attempts, at = tried(*(AT for _ in range(count))), AT + later_s * SECOND
    if forget_before(at, POLICY) >= max(attempts.failures, default=AT):
        assert begin_try(attempts, at, POLICY) == begin_try(NONE, at, POLICY)


@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb", "a\0b", "\ud800"])
def test_a_key_is_short_and_printable(key: str) -> None:
    """What no store could keep is refused before it gets there."""
    with pytest.raises(InvalidValue):
        Attempts(key)


FACTOR = enrol(None, account(1), b"sealed", AT)
CONFIRMED = confirm(FACTOR, 100, LATER)


def test_an_unconfirmed_factor_is_replaced() -> None:
    """Who closed the page before the first code begins again with another secret."""
    again = enrol(FACTOR, account(1), b"other", LATER)
    assert (again.sealed_secret, again.created_at, again.confirmed_at) == (b"other", LATER, None)
    with pytest.raises(SecondFactorExists):
        enrol(CONFIRMED, account(1), b"other", LATER)


def test_the_first_code_confirms() -> None:
    """A factor is confirmed once, by a code that is right."""
    assert (CONFIRMED.confirmed_at, CONFIRMED.last_step) == (LATER, 100)
    with pytest.raises(SecondFactorWrong):
        confirm(FACTOR, None, LATER)
    with pytest.raises(SecondFactorExists):
        confirm(CONFIRMED, 101, LATER)
    with pytest.raises(SecondFactorMissing):
        confirm(None, 101, LATER)


@pytest.mark.parametrize("step", [None, 0, 99, 100])
def test_a_code_is_good_once(step: int | None) -> None:
    """A wrong code, the one used last, and every older one are refused alike."""
    with pytest.raises(SecondFactorWrong):
        use(CONFIRMED, step)


def test_a_newer_code_is_good() -> None:
    """The step after the last is taken, and then used up."""
    used = use(CONFIRMED, 101)
    assert used == evolve(CONFIRMED, last_step=101)
    with pytest.raises(SecondFactorWrong):
        use(used, 101)


def test_an_unconfirmed_factor_proves_nothing() -> None:
    """Neither no factor nor one that waits for its first code takes a code."""
    for factor in (None, FACTOR):
        with pytest.raises(SecondFactorMissing):
            use(factor, 101)
