"""Playback sessions and their heartbeats."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from buddy_web.schemas.common import Answer, Body, Instant, OpaqueId, ShortIdText, TitleType

Seconds = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]


class SessionBody(Body):
    """What to play."""

    type: TitleType
    id: ShortIdText


class Session(Answer):
    """A session that has begun: the player opens `manifest_url` and posts beats to `heartbeat_url`."""

    session_id: str
    manifest_url: str
    resume_position: int = Field(description="Seconds.")
    heartbeat_url: str
    heartbeat_every_s: int
    expires_at: Instant


class SessionPath(BaseModel):
    """Which session."""

    id: OpaqueId


class BeatBody(Body):
    """Where the player is, in seconds, and whether it plays."""

    position_s: Seconds
    playing: Annotated[bool, Field(strict=True)]


class StopBody(Body):
    """Where the player stopped, in seconds."""

    position_s: Seconds


class Watched(Answer):
    """What the server has counted: never more than the time that passed."""

    session_id: str
    watched_s: int
    position_s: int
    is_over: bool
