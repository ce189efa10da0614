"""Playback sessions and positions in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Select, Table, Text, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import insert, insert_rows, integrity_as, locked
from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.types import Id, Instant
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.ids import AccountId, SessionId, TitleId
from buddy_core.playback import PlaybackSession, Position, newer

sessions = Table(
    "playback_sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Id, nullable=False),
    Column("title_id", Id, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("grant_id", Id, nullable=False),
    Column("country", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("last_beat_at", Instant, nullable=False),
    Column("is_playing", Boolean, nullable=False),
    Column("watched_ms", BigInteger, nullable=False),
    Column("stopped_at", Instant),
    CheckConstraint("ends_at > started_at", name="ends_at"),
    CheckConstraint("last_beat_at >= started_at", name="last_beat_at"),
    CheckConstraint("stopped_at >= started_at", name="stopped_at"),
    CheckConstraint("watched_ms >= 0", name="watched_ms"),
)

positions = Table(
    "playback_positions",
    metadata,
    Column("account_id", Id, primary_key=True),
    Column("title_id", Id, primary_key=True),
    Column("position_ms", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("position_ms >= 0", name="position_ms"),
)
