"""Two questions of whoever runs the process: is it up, and can it serve."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
from flask import Blueprint

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
