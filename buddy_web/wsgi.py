"""The WSGI application: `gunicorn "buddy_web.wsgi:application()"`."""

from __future__ import annotations

import atexit
import logging

from buddy_web.app import BuddyApp, create_app
from buddy_web.container import Container
from buddy_web.logs import configure_logging
from buddy_web.routes import blueprints
from buddy_web.settings import Settings, load_settings
from buddy_web.start import lacks

_LOG = logging.getLogger("buddy.start")


def application(settings: Settings | None = None) -> BuddyApp:
    """Return the whole service, wired from the environment. Nothing is connected before the first request."""
    settings = settings or load_settings()
    configure_logging(settings.log_level, texts_of_errors=settings.demo)
    for lack in lacks(settings):
        _LOG.warning(lack)
    container = Container(settings=settings)
    # A file of limits that cannot be used is said now, not with the first request.
    container.limit_policy()
    bridge, engine = container.bridge(), container.engine()
    bridge.on_close(engine.dispose)
    bridge.after_fork(lambda: engine.sync_engine.dispose(close=False))
    atexit.register(bridge.close)
    atexit.register(container.long_bridge().close)
    return create_app(settings, container, blueprints(settings))
