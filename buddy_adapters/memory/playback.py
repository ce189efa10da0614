"""Playback sessions and positions in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from buddy_adapters.memory.tables import TableName, Tables
from buddy_core.kernel import AccountId, Contention, DeviceId, SessionId, TitleId
from buddy_core.playback import PlaybackSession, Position, is_running, newer

SESSIONS: TableName[SessionId, PlaybackSession] = TableName("playback_sessions")
POSITIONS: TableName[AccountId, dict[TitleId, Position]] = TableName("positions")


class MemorySessions:
    """Playback sessions by id."""

    def __init__(self, tables: Tables) -> None:
        self._sessions = tables[SESSIONS]

    async def add(self, session: PlaybackSession) -> None:
        if not self._sessions.add(session.id, session):
            raise Contention("playback session")

    async def get(self, session: SessionId) -> PlaybackSession | None:
        return self._sessions.get(session)

    async def running(self, account: AccountId, at: datetime, *, besides: DeviceId) -> int:
        playing = {
            item.device_id
            for item in self._sessions.rows()
            if item.account_id == account and is_running(item, at)
        }
        return len(playing - {besides})

    async def lock(self, session: SessionId) -> PlaybackSession | None:
        return self._sessions.get(session)

    async def save(self, session: PlaybackSession) -> None:
        if session.id not in self._sessions:
            raise Contention("playback session")
        self._sessions.put(session.id, session)


class MemoryPositions:
    """The newest positions by account."""

    def __init__(self, tables: Tables) -> None:
        self._positions = tables[POSITIONS]

    async def of_account(
        self, account: AccountId, titles: Sequence[TitleId] | None = None
    ) -> dict[TitleId, Position]:
        mine = self._positions.get(account) or {}
        return {title: mine[title] for title in mine if titles is None or title in titles}

    async def save(self, positions: Sequence[Position]) -> None:
        for position in positions:
            mine = dict(self._positions.get(position.account_id) or {})
            mine[position.title_id] = newer(mine.get(position.title_id), position)
            self._positions.put(position.account_id, mine)
