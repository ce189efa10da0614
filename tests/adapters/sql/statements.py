"""Counting what goes to a database: through SQLAlchemy, and straight to the driver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

_NOT_COUNTED = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA")


class Statements:
    """Every statement that an engine's connections send, in order; made before the first of them is.

    Beginning and ending a transaction is left out.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self.sent: list[str] = []
        sync = engine.sync_engine
        event.listen(sync, "before_cursor_execute", self._through_sqlalchemy)
        if sync.dialect.name == "postgresql":
            event.listen(sync, "connect", self._connected)

    @asynccontextmanager
    async def of(self) -> AsyncIterator[list[str]]:
        """Answer a list that has, at the end, what was sent in between."""
        await asyncio.sleep(0)
        self.sent.clear()
        found: list[str] = []
        yield found
        # asyncpg tells its loggers in the next step of the loop.
        await asyncio.sleep(0)
        found += self.sent

    def _note(self, text: str) -> None:
        if not text.startswith(_NOT_COUNTED):
            self.sent.append(text)

    def _through_sqlalchemy(self, _: Any, __: Any, text: str, *more: Any) -> None:
        self._note(text)

    def _connected(self, connection: Any, _: Any) -> None:
        # What SQLAlchemy prepares and runs is not among these.
        connection.driver_connection.add_query_logger(lambda record: self._note(record.query))
