"""Two questions of whoever runs the process: is it up, and can it serve."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
from attrs import define
from flask import Blueprint
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from buddy_adapters.sql.migrate import migration_state
from buddy_core.kernel.errors import Unavailable
from buddy_web.bridge import Bridge

READY_TIMEOUT_S = 2
_LOG = logging.getLogger("buddy.health")


@attrs.define
class NotReady(Unavailable):
    """The process is up, but something that it needs does not answer."""

    code = "web.not_ready"

    def message(self) -> str:
        return "The service is up but cannot serve yet. The log says what is missing."


@attrs.define
class NotMigrated(Unavailable):
    """The database answers, but its schema is not the one that this version needs."""

    code = "web.not_migrated"

    def message(self) -> str:
        return "The database is not at the newest schema. Run `buddy migrate`, then try again."


async def check_migrated(engine: AsyncEngine) -> None:
    """Pass if the database is at the newest schema.

    Raises:
        NotMigrated: it is at an older one, or has none of our tables.
        Unavailable: it cannot be reached.
    """
    if not (await migration_state(engine)).is_current:
        raise NotMigrated


@define
class Readiness:
    """Whether the database can serve; its schema is looked at until it was right once."""

    engine: AsyncEngine
    is_migrated: bool = False

    async def check(self) -> None:
        """Pass if requests can be served.

        Raises:
            NotMigrated, Unavailable: they cannot.
        """
        if not self.is_migrated:
            await check_migrated(self.engine)
            self.is_migrated = True
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))


def health_routes(bridge: Bridge, check: Callable[[], Awaitable[None]]) -> Blueprint:
    """Return `/health` (the process is up) and `/ready` (`check` passes; it raises if not)."""
    routes = Blueprint("health", __name__)

    @routes.get("/health")
    def health() -> dict[str, Any]:
        return {"status": "up"}

    @routes.get("/ready")
    def ready() -> dict[str, Any]:
        try:
            bridge.call_within(READY_TIMEOUT_S, check)
        except Exception as error:
            _LOG.warning("not ready", exc_info=error)
            raise NotReady from error
        return {"status": "ready"}

    return routes
