"""A playback session, and how far somebody has come in a title."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from attrs import field, frozen

from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.ids import AccountId, DeviceId, SessionId, TitleId

HARD_END = timedelta(hours=4)
"""A session ends after this at the latest."""
LEASE = timedelta(seconds=90)
"""Without a heartbeat for this long, nothing more is counted until the next one."""
WATCHED_PERCENT = 90


@frozen
class PlaybackSession:
    """One title being watched by one account on one device, allowed by one grant."""

    id: SessionId
    account_id: AccountId
    title_id: TitleId
    device_id: DeviceId
    grant_id: UUID
    """The grant that allows it, or the window that is free to watch."""
    country: str
    started_at: datetime
    ends_at: datetime
    last_beat_at: datetime
    is_playing: bool
    """What the last heartbeat said; the time up to the next one counts only then."""
    watched_ms: int
    """Counted on the server, never above wall time."""
    stopped_at: datetime | None = None
    via_kind: str = ""
    """The kind of what allows it; empty for sessions of before it was kept."""


def _not_negative(_: object, __: Any, value: int) -> None:
    if value < 0:
        raise InvalidValue("position", "must not be negative")


@frozen
class Beat:
    """What a player reports: where it is, and whether it plays.

    Raises:
        InvalidValue: a negative position.
    """

    position_ms: int = field(validator=_not_negative)
    is_playing: bool


@frozen
class Position:
    """How far an account has come in a title, as of an instant."""

    account_id: AccountId
    title_id: TitleId
    position_ms: int
    at: datetime


@frozen
class ContentKey:
    """The AES-128 key of a packaged title: 16 bytes."""

    media_key: str
    key: bytes
