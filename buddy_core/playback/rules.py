"""Counting what was really watched, and keeping the newest position."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import evolve

from buddy_core.playback.errors import SessionEnded
from buddy_core.playback.model import LEASE, WATCHED_PERCENT, Beat, PlaybackSession, Position

_MILLISECOND = timedelta(milliseconds=1)


def beat(session: PlaybackSession, report: Beat, at: datetime) -> PlaybackSession:
    """Return the session after a heartbeat at `at` of our clock.

    Time since the last heartbeat counts if the player was playing, up to the
    lease; so the count never exceeds wall time, whatever the player claims, and
    a beat that arrives twice or late adds nothing.

    Raises:
        SessionEnded: it was stopped or has reached its hard end.
    """
    if session.stopped_at is not None or at >= session.ends_at:
        raise SessionEnded
    if at <= session.last_beat_at:
        return session
    passed = min(at - session.last_beat_at, LEASE) if session.is_playing else timedelta()
    return evolve(
        session,
        last_beat_at=at,
        is_playing=report.is_playing,
        watched_ms=session.watched_ms + passed // _MILLISECOND,
    )


def stop(session: PlaybackSession, at: datetime) -> PlaybackSession:
    """Return the session as stopped; stopping twice changes nothing."""
    if session.stopped_at is not None:
        return session
    last = beat(session, Beat(0, is_playing=False), at) if at < session.ends_at else session
    return evolve(last, stopped_at=at)


def is_running(session: PlaybackSession, at: datetime) -> bool:
    """Tell whether a session goes on at `at`; a player that was not heard of for the lease has gone."""
    return session.stopped_at is None and at < session.ends_at and at - session.last_beat_at < LEASE


def newer(known: Position | None, found: Position) -> Position:
    """Return the later of two positions: an old report never moves a newer one back."""
    return found if known is None or found.at > known.at else known


def is_watched(position_ms: int, duration_ms: int) -> bool:
    """Tell whether a title counts as watched: at 90 % of its length."""
    return duration_ms > 0 and position_ms * 100 >= duration_ms * WATCHED_PERCENT
