"""Heartbeats and positions: what was watched is counted here, and never above wall time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import DeviceId, GrantId, InvalidValue, SessionId
from buddy_core.playback import (
    HARD_END,
    LEASE,
    Beat,
    PlaybackSession,
    Position,
    SessionEnded,
    beat,
    is_watched,
    newer,
    stop,
)
from tests.contracts.cases import AT, account, title, uid

SECOND = timedelta(seconds=1)
PLAYS, PAUSES = Beat(1_000, is_playing=True), Beat(1_000, is_playing=False)
SESSION = PlaybackSession(
    id=SessionId("ses_1"),
    account_id=account(1),
    title_id=title(1),
    device_id=DeviceId("dev_1"),
    grant_id=GrantId(uid(1)),
    country="IN",
    started_at=AT,
    ends_at=AT + HARD_END,
    last_beat_at=AT,
    is_playing=True,
    watched_ms=0,
)


def test_time_between_beats_counts_while_playing() -> None:
    """Ten seconds playing count; the ten after a pause do not; from the next play on they do again."""
    session = beat(SESSION, PAUSES, AT + 10 * SECOND)
    session = beat(session, PLAYS, AT + 20 * SECOND)
    session = beat(session, PLAYS, AT + 25 * SECOND)
    assert session.watched_ms == 15_000


def test_silence_counts_up_to_the_lease() -> None:
    """After an hour without a heartbeat only the lease is counted."""
    assert beat(SESSION, PLAYS, AT + timedelta(hours=1)).watched_ms == LEASE // timedelta(milliseconds=1)


def test_a_beat_that_comes_twice_or_late_adds_nothing() -> None:
    """A heartbeat at or before the last one leaves the session as it is."""
    session = beat(SESSION, PLAYS, AT + 10 * SECOND)
    assert beat(session, PAUSES, AT + 10 * SECOND) is session
    assert beat(session, PAUSES, AT + 9 * SECOND) is session


def test_an_ended_session_takes_no_beat() -> None:
    """At its hard end, or once stopped, a session refuses heartbeats; just before the end it takes one."""
    beat(SESSION, PLAYS, SESSION.ends_at - timedelta(microseconds=1))
    with pytest.raises(SessionEnded):
        beat(SESSION, PLAYS, SESSION.ends_at)
    with pytest.raises(SessionEnded):
        beat(stop(SESSION, AT + SECOND), PLAYS, AT + 2 * SECOND)


def test_a_negative_position_is_refused() -> None:
    """No title has a place before its beginning."""
    with pytest.raises(InvalidValue):
        beat(SESSION, Beat(-1, is_playing=True), AT + SECOND)


def test_stopping_counts_the_last_stretch_once() -> None:
    """A stop counts up to its instant; stopping again, or after the hard end, adds nothing."""
    stopped = stop(SESSION, AT + 7 * SECOND)
    assert (stopped.watched_ms, stopped.stopped_at) == (7_000, AT + 7 * SECOND)
    assert stop(stopped, AT + 9 * SECOND) is stopped
    late = SESSION.ends_at + SECOND
    assert (stop(SESSION, late).watched_ms, stop(SESSION, late).stopped_at) == (0, late)


MOMENTS = st.integers(-60_000, int(HARD_END / timedelta(milliseconds=1)) + 60_000)


@given(st.lists(st.tuples(MOMENTS, st.integers(0, 10**9), st.booleans()), max_size=12), st.none() | MOMENTS)
def test_watched_time_is_never_above_wall_time(
    reports: list[tuple[int, int, bool]], stopped_ms: int | None
) -> None:
    """Whatever a player claims, in whatever order, the count only grows and stays within the time passed."""
    session = SESSION
    latest = 0
    for moment_ms, position_ms, is_playing in reports:
        at = AT + timedelta(milliseconds=moment_ms)
        before = session.watched_ms
        try:
            session = beat(session, Beat(position_ms, is_playing), at)
        except SessionEnded:
            continue
        latest = max(latest, moment_ms)
        assert before <= session.watched_ms <= latest
    if stopped_ms is not None:
        session = stop(session, AT + timedelta(milliseconds=stopped_ms))
        latest = max(latest, stopped_ms)
    assert session.watched_ms <= min(latest, HARD_END / timedelta(milliseconds=1))


def position(at_s: int, position_ms: int = 0) -> Position:
    """Return a position some seconds after the start."""
    return Position(account(1), title(1), position_ms, AT + at_s * SECOND)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 99)), min_size=1))
def test_positions_never_move_back_in_time(reports: list[tuple[int, int]]) -> None:
    """Of any sequence of reports one of the latest instant stays: the first that came."""
    known: Position | None = None
    for at_s, position_ms in reports:
        found = newer(known, position(at_s, position_ms))
        assert known is None or found.at >= known.at
        known = found
    last = max(at_s for at_s, _ in reports)
    assert known == position(last, next(ms for at_s, ms in reports if at_s == last))


def test_a_later_report_may_lie_earlier_in_the_film() -> None:
    """Rewinding is no error: the later report counts, wherever it is."""
    assert newer(position(1, 9_000), position(2, 10)) == position(2, 10)


@pytest.mark.parametrize(
    ("position_ms", "duration_ms", "expected"),
    [
        (899, 1_000, False),
        (900, 1_000, True),
        (9, 10, True),
        (0, 0, False),
        (5, 0, False),
        (2_000, 1_000, True),
    ],
)
def test_watched_is_nine_tenths(position_ms: int, duration_ms: int, expected: bool) -> None:
    """A title counts as watched from exactly 90 % on; without a length never."""
    assert is_watched(position_ms, duration_ms) is expected


def test_beats_keep_the_session_otherwise() -> None:
    """A heartbeat changes its own three columns and nothing else."""
    after = beat(SESSION, PAUSES, AT + SECOND)
    assert evolve(after, last_beat_at=AT, is_playing=True, watched_ms=0) == SESSION
