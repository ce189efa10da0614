"""The sliding window: it never holds more than its limit, and what is refused leaves no trace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import InvalidValue
from buddy_core.limits import (
    Full,
    Hit,
    Let,
    RateLimited,
    Room,
    Stopped,
    Taken,
    admit,
    admit_all,
    in_order,
    instant,
    micros,
    needed_until,
    refuse,
    wait_s,
)

SECOND = 1_000_000
NOW = micros(datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=UTC))

limits = st.integers(1, 5)
windows = st.integers(1, 4)
# Steps of a quarter of a second meet the edges of windows often; single microseconds pass them by one.
steps = st.one_of(st.integers(0, 20).map(lambda n: n * SECOND // 4), st.integers(-1, SECOND + 1))


def hit(limit: int, window_s: int = 10, key: str = "k") -> Hit:
    """Return a hit."""
    return Hit(key, limit, timedelta(seconds=window_s))


def admitted(one: Hit, instants: list[int]) -> list[int]:
    """Return which of the instants are admitted, asked in this order."""
    stamps: tuple[int, ...] = ()
    found = []
    for at in instants:
        answer = admit(stamps, one, at)
        if isinstance(answer, Taken):
            stamps = answer.stamps
            found.append(at)
    return found


@given(limits, windows, st.lists(steps, max_size=60))
def test_no_window_ever_holds_more_than_the_limit(limit: int, window_s: int, waits: list[int]) -> None:
    """Of what is admitted, any limit + 1 in a row span at least one half-open window."""
    instants = [NOW + sum(max(0, wait) for wait in waits[: n + 1]) for n in range(len(waits))]
    found = admitted(hit(limit, window_s), instants)
    for first, last in zip(found, found[limit:], strict=False):
        assert last - first >= window_s * SECOND


@given(limits, windows, st.lists(steps, max_size=60))
def test_nothing_is_refused_that_would_fit(limit: int, window_s: int, waits: list[int]) -> None:
    """A request is refused only where the window that ends with it holds the limit already."""
    stamps: tuple[int, ...] = ()
    history: list[int] = []
    at = NOW
    for wait in waits:
        at += max(0, wait)
        answer = admit(stamps, hit(limit, window_s), at)
        within = [one for one in history if at - one < window_s * SECOND]
        assert isinstance(answer, Taken) is (len(within) < limit)
        if isinstance(answer, Taken):
            stamps = answer.stamps
            history.append(at)
            assert list(stamps) == [*within, at]


@given(limits, windows, st.lists(st.integers(-3 * SECOND, 3 * SECOND), max_size=60))
def test_clocks_that_differ_keep_the_law(limit: int, window_s: int, waits: list[int]) -> None:
    """Whatever order the clocks tell, the counted instants stay in order and within the limit."""
    stamps: tuple[int, ...] = ()
    at = NOW
    for wait in waits:
        at += wait
        answer = admit(stamps, hit(limit, window_s), at)
        if isinstance(answer, Taken):
            stamps = answer.stamps
            assert list(stamps) == sorted(stamps)
            assert at <= stamps[-1] < at + window_s * SECOND
            assert stamps[-1] - stamps[0] < window_s * SECOND
            assert len(stamps) <= limit


@given(limits, windows, st.lists(steps, max_size=30), st.integers(0, 10 * SECOND))
def test_a_refusal_names_the_first_instant_that_fits(
    limit: int, window_s: int, waits: list[int], later: int
) -> None:
    """At `retry_at` the request is admitted; a microsecond before it is not."""
    one, stamps, at = hit(limit, window_s), (), NOW
    for wait in waits:
        at += max(0, wait)
        answer = admit(stamps, one, at)
        if isinstance(answer, Taken):
            stamps = answer.stamps  # type: ignore[assignment]
        else:
            assert at < answer.retry_at <= at + window_s * SECOND
            assert isinstance(admit(stamps, one, answer.retry_at), Taken)
            assert admit(stamps, one, answer.retry_at - 1) == answer


def test_a_window_is_half_open() -> None:
    """What was admitted exactly one window ago is out; a microsecond less and it is in."""
    assert admit((NOW,), hit(1), NOW + 10 * SECOND) == Taken((NOW + 10 * SECOND,))
    assert admit((NOW,), hit(1), NOW + 10 * SECOND - 1) == Full(NOW + 10 * SECOND)


def test_a_clock_that_is_behind_counts_at_the_newest_instant() -> None:
    """An earlier `at` neither goes before what was counted nor forgets it."""
    assert admit((NOW,), hit(2), NOW - 3 * SECOND) == Taken((NOW, NOW))
    assert admit((NOW,), hit(1), NOW - 3 * SECOND) == Full(NOW + 10 * SECOND)


def test_a_clock_that_was_set_back_begins_anew() -> None:
    """Instants a whole window ahead stop nobody; those that are nearer still count."""
    ahead = NOW + 10 * SECOND
    assert admit((ahead,), hit(1), NOW) == Taken((NOW,))
    assert admit((ahead - 1,), hit(1), NOW) == Full(ahead - 1 + 10 * SECOND)
    assert admit((NOW - 1, ahead), hit(2), NOW) == Taken((NOW - 1, NOW))


def test_a_limit_that_was_lowered_holds_at_once() -> None:
    """With more counted than a new limit allows, the wait is for the count to be below it."""
    stamps = tuple(NOW + n * SECOND for n in range(5))
    assert admit(stamps, hit(2), NOW + 5 * SECOND) == Full(NOW + 13 * SECOND)


@given(
    st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(0, 9), max_size=4).map(sorted), min_size=1),
    st.dictionaries(st.sampled_from("abc"), limits, min_size=1),
    st.integers(9, 19),
)
def test_several_counts_are_all_or_nothing(
    stored: dict[str, list[int]], wanted: dict[str, int], at: int
) -> None:
    """A request is let if each count alone would take it; else nothing is to be stored at all."""
    hits = in_order([hit(limit, key=key) for key, limit in wanted.items()])
    stamps = {key: tuple(n * SECOND for n in instants) for key, instants in stored.items()}
    alone = {one.key: admit(stamps.get(one.key, ()), one, at * SECOND) for one in hits}
    verdict, taken = admit_all(stamps, hits, at * SECOND)
    full = {key: answer.retry_at for key, answer in alone.items() if isinstance(answer, Full)}
    if full:
        assert isinstance(verdict, Stopped)
        assert taken == {}
        assert micros(verdict.retry_at) == max(full.values()) == full[verdict.hit.key]
    else:
        assert isinstance(verdict, Let)
        assert taken == {key: answer.stamps for key, answer in alone.items() if isinstance(answer, Taken)}
        assert verdict.room is not None
        assert verdict.room.remaining == min(one.limit - len(taken[one.key]) for one in hits)


def test_the_tightest_count_is_told() -> None:
    """What has least left is named, with what remains and when the first place is free again."""
    wide, narrow = hit(9, key="wide"), hit(3, key="narrow")
    verdict, _ = admit_all({"narrow": (NOW,)}, [narrow, wide], NOW + SECOND)
    assert verdict == Let(Room(narrow, 1, instant(NOW + 10 * SECOND)))


def test_of_equals_the_longest_is_told() -> None:
    """With as little left in two counts, the one whose next place comes later is named."""
    brief, long = hit(1, 1, key="brief"), hit(1, 60, key="long")
    verdict, _ = admit_all({}, [brief, long], NOW)
    assert isinstance(verdict, Let)
    assert verdict.room is not None
    assert verdict.room.hit == long


def test_no_count_limits_nothing() -> None:
    """A request that adds to no count goes on, and there is nothing to tell of it."""
    assert admit_all({}, [], NOW) == (Let(None), {})


def test_a_request_counts_once() -> None:
    """A key that comes twice is a mistake of the caller; others are put in order."""
    assert [one.key for one in in_order([hit(1, key="b"), hit(1, key="a")])] == ["a", "b"]
    with pytest.raises(InvalidValue):
        in_order([hit(1), hit(2)])


def test_the_error_says_how_long_to_wait() -> None:
    """Seconds are rounded up, so that coming back after them is not in vain."""
    at = instant(NOW)
    error = refuse(Stopped(hit(5, 900), at + timedelta(seconds=59, microseconds=1)), at)
    assert error.facts() == {"retry_after_s": 60, "limit": 5, "window_s": 900}
    assert error.message() == "Only 5 such requests are taken in 15 minutes. Try again in 1 minute."
    assert "in 1 hour. Try again in 61 seconds." in RateLimited(61, 3, 3600).message()


def test_waits_are_whole_seconds() -> None:
    """A part of a second counts as a whole one, and what has come needs no wait."""
    at = instant(NOW)
    waits = [timedelta(microseconds=1), timedelta(seconds=1), timedelta(0), -timedelta(hours=1)]
    assert [wait_s(at + wait, at) for wait in waits] == [1, 1, 0, 0]


@given(st.datetimes(timezones=st.just(UTC)))
def test_microseconds_round_trip(at: datetime) -> None:
    """Any instant is the same after it was a number."""
    assert instant(micros(at)) == at


def test_a_naive_time_is_refused() -> None:
    """Without an offset it names no instant."""
    with pytest.raises(InvalidValue):
        micros(datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize(("limit", "window_s"), [(0, 10), (-1, 10), (10_001, 10), (1, 0), (1, 86_401)])
def test_a_hit_has_sensible_numbers(limit: int, window_s: int) -> None:
    """A limit of nothing, or a window of nothing or of more than a day, is refused."""
    with pytest.raises(InvalidValue):
        hit(limit, window_s)


def test_a_count_is_needed_for_its_window_and_a_minute() -> None:
    """After its window and the grace for slow clocks a count may be forgotten."""
    assert needed_until(hit(2), (NOW - SECOND, NOW)) == NOW + 70 * SECOND
