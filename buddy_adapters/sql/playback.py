"""Playback sessions and positions in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Select,
    Table,
    Text,
    func,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import insert, insert_ignoring, locked
from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.types import Id, Instant
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.ids import AccountId, DeviceId, SessionId, TitleId
from buddy_core.playback import LEASE, PlaybackSession, Position, newer

sessions_table = Table(
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
    Column("via_kind", Text, nullable=False, server_default=""),
    Index("ix_playback_sessions_account_id_last_beat_at", "account_id", "last_beat_at"),
    CheckConstraint("ends_at > started_at", name="ends_at"),
    CheckConstraint("last_beat_at >= started_at", name="last_beat_at"),
    CheckConstraint("stopped_at >= started_at", name="stopped_at"),
    CheckConstraint("watched_ms >= 0", name="watched_ms"),
)

positions_table = Table(
    "playback_positions",
    metadata,
    Column("account_id", Id, primary_key=True),
    Column("title_id", Id, primary_key=True),
    Column("position_ms", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("position_ms >= 0", name="position_ms"),
)


_CHANGING = ("last_beat_at", "is_playing", "watched_ms", "stopped_at", "grant_id", "via_kind")


class SqlSessions:
    """Playback sessions by id."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, session: PlaybackSession) -> None:
        if not await insert_ignoring(self._connection, sessions_table, [session_to_row(session)]):
            raise Contention("playback session")

    async def get(self, session: SessionId) -> PlaybackSession | None:
        return await self._load(select(sessions_table).where(sessions_table.c.id == session))

    async def running(self, account: AccountId, at: datetime, *, besides: DeviceId) -> int:
        query = select(func.count(sessions_table.c.device_id.distinct())).where(
            sessions_table.c.account_id == account,
            sessions_table.c.device_id != besides,
            sessions_table.c.stopped_at.is_(None),
            sessions_table.c.ends_at > at,
            sessions_table.c.last_beat_at > at - LEASE,
        )
        return int((await self._connection.execute(query)).scalar_one())

    async def lock(self, session: SessionId) -> PlaybackSession | None:
        query = select(sessions_table).where(sessions_table.c.id == session)
        return await self._load(locked(self._connection, query))

    async def save(self, session: PlaybackSession) -> None:
        row = session_to_row(session)
        changed = {name: row[name] for name in _CHANGING}
        statement = update(sessions_table).where(sessions_table.c.id == session.id).values(changed)
        if (await self._connection.execute(statement)).rowcount != 1:
            raise Contention("playback session")

    async def _load(self, query: Select[Any]) -> PlaybackSession | None:
        row = (await self._connection.execute(query)).mappings().one_or_none()
        return None if row is None else session_from_row(row)


class SqlPositions:
    """The newest position of each account in each title."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of_account(
        self, account: AccountId, titles: Sequence[TitleId] | None = None
    ) -> dict[TitleId, Position]:
        query = select(positions_table).where(positions_table.c.account_id == account)
        if titles is not None:
            query = query.where(positions_table.c.title_id.in_(titles))
        found = await self._connection.execute(query)
        return {row["title_id"]: position_from_row(row) for row in found.mappings()}

    async def save(self, positions: Sequence[Position]) -> None:
        rows = [position_to_row(position) for position in _newest(positions)]
        if not rows:
            return
        statement = insert(self._connection, positions_table).values(rows)
        new = statement.excluded
        await self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["account_id", "title_id"],
                set_={"position_ms": new.position_ms, "at": new.at},
                where=new.at > positions_table.c.at,
            )
        )


def _newest(positions: Sequence[Position]) -> list[Position]:
    """Return one position a title, since one statement may touch a row once; in the order of their keys.

    Writers that lock rows in one order never wait for each other in a circle.
    """
    found: dict[tuple[AccountId, TitleId], Position] = {}
    for position in positions:
        key = (position.account_id, position.title_id)
        found[key] = newer(found.get(key), position)
    return [found[key] for key in sorted(found)]


def session_to_row(session: PlaybackSession) -> dict[str, Any]:
    """Return the row of a session."""
    return {
        "id": session.id,
        "account_id": session.account_id,
        "title_id": session.title_id,
        "device_id": session.device_id,
        "grant_id": session.grant_id,
        "country": session.country,
        "started_at": session.started_at,
        "ends_at": session.ends_at,
        "last_beat_at": session.last_beat_at,
        "is_playing": session.is_playing,
        "watched_ms": session.watched_ms,
        "stopped_at": session.stopped_at,
        "via_kind": session.via_kind,
    }


def session_from_row(row: Mapping[Any, Any]) -> PlaybackSession:
    """Return the session of a row."""
    return PlaybackSession(
        id=row["id"],
        account_id=row["account_id"],
        title_id=row["title_id"],
        device_id=row["device_id"],
        grant_id=row["grant_id"],
        country=row["country"],
        started_at=row["started_at"],
        ends_at=row["ends_at"],
        last_beat_at=row["last_beat_at"],
        is_playing=row["is_playing"],
        watched_ms=row["watched_ms"],
        stopped_at=row["stopped_at"],
        via_kind=row["via_kind"],
    )


def position_to_row(position: Position) -> dict[str, Any]:
    """Return the row of a position."""
    return {
        "account_id": position.account_id,
        "title_id": position.title_id,
        "position_ms": position.position_ms,
        "at": position.at,
    }


def position_from_row(row: Mapping[Any, Any]) -> Position:
    """Return the position of a row."""
    return Position(row["account_id"], row["title_id"], row["position_ms"], row["at"])
