"""May they watch, asked over HTTP: for display from what is kept, and for playing on facts read fresh."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Blueprint

from benchmarks.harness import Contest, line
from benchmarks.stores import Folder, account, add_titles, funded, title
from buddy_core.entitlements import Context
from buddy_core.flows import may_watch_in
from buddy_core.kernel import Clock, UnitOfWork
from buddy_web.app import create_app, web
from buddy_web.container import Container
from buddy_web.permissions import PUBLIC, permission
from buddy_web.routes import blueprints
from buddy_web.settings import load_settings

REQUESTS = 150
"""Requests in a round."""


@line("watching.display_http", unit="requests/s", yardstick="a trivial JSON route", goal=0.7)
async def display() -> Contest:
    """Availability of a title over HTTP with a warm cache, against the same server's trivial JSON route."""
    site = await _Site.opened()
    return Contest(site.asked("/v1/titles/short/t000/availability"), site.asked("/bench/json"), site.close)


@line("watching.play_check_http", unit="requests/s", yardstick="a route with one select", goal=0.7)
async def play_check() -> Contest:
    """The check before playing, on title, rights and grants read fresh, against a route with one select."""
    site = await _Site.opened()
    return Contest(site.asked("/bench/check"), site.asked("/bench/select"), site.close)


class _Site:
    """The service on PostgreSQL behind waitress, in a process of its own, asked over one connection."""

    @classmethod
    async def opened(cls) -> _Site:
        """Start the database, fill it, and start the service."""
        folder = Folder()
        url = folder.postgres().database("watching")
        await _fill(url)
        return cls(folder, url)

    def __init__(self, folder: Folder, url: str) -> None:
        self._folder = folder
        environment = {
            **os.environ,
            "BUDDY_ENV": "demo",
            "BUDDY_DATABASE_URL": url,
            "BUDDY_RATE_LIMITS": "off",
            "BUDDY_SECRET_FILE": str(self._folder.path / "secret"),
            "BUDDY_MEDIA_DIR": str(self._folder.path / "media"),
            "BUDDY_LOG_LEVEL": "ERROR",
        }
        command = [sys.executable, "-c", "from benchmarks.watching import serve; serve()"]
        self._server = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent, text=True
        )
        assert self._server.stdout is not None, "it is a pipe"
        self._port = int(self._server.stdout.readline())

    def asked(self, path: str) -> Callable[[], int]:
        """Return what asks for a path many times over one connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port)

        def run() -> int:
            for _ in range(REQUESTS):
                connection.request("GET", path)
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"{path}: {answer.status} {body[:200]!r}")
            return REQUESTS

        run()
        return run

    def close(self) -> None:
        """Stop the server and the database."""
        self._server.terminate()
        self._server.wait(10)
        self._folder.close()


async def _fill(url: str) -> None:
    uow, close, _ = await funded(url, 1)
    await add_titles(uow, 20)
    await close()


def serve() -> None:
    """Serve the whole service with three more routes; print the port once it listens."""
    from waitress.server import create_server

    settings = load_settings()
    container = Container(settings=settings)
    app = create_app(settings, container, [*blueprints(settings), _routes()])
    server: Any = create_server(app, host="127.0.0.1", port=0, threads=4)
    print(server.effective_port, flush=True)
    server.run()


def _routes() -> Blueprint:
    routes = Blueprint("bench", __name__, url_prefix="/bench")

    @routes.get("/json")
    @permission(PUBLIC)
    def trivial() -> dict[str, bool]:
        return {"ok": True}

    @routes.get("/select")
    @permission(PUBLIC)
    def select() -> dict[str, bool]:
        w = web()
        return {"ok": w.call(_select, w.container.uow())}

    @routes.get("/check")
    @permission(PUBLIC)
    def check() -> dict[str, bool]:
        w = web()
        return {"ok": w.call(_check, w.container.uow(), w.clock)}

    return routes


async def _select(uow: UnitOfWork[Any]) -> bool:
    async with uow.read() as tx:
        return bool(await tx.titles.get([title(0)]))


async def _check(uow: UnitOfWork[Any], clock: Clock) -> bool:
    async with uow.read() as tx:
        found = (await tx.titles.get([title(0)]))[title(0)]
        answers = await may_watch_in(tx, account(0), [found], Context("IN"), clock.now())
        return bool(answers)
