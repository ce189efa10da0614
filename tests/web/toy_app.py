"""A small application around the host: a few routes that answer, change things and fail."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import attrs
from flask import Blueprint, jsonify, render_template_string, request
from flask_openapi3.blueprint import APIBlueprint
from jinja2 import DictLoader
from pydantic import BaseModel, Field

from buddy_core.kernel.errors import (
    Conflict,
    Contention,
    Forbidden,
    InvalidValue,
    NotFound,
    Rejected,
    TooMany,
    Unavailable,
    Unproven,
)
from buddy_core.kernel.idempotency import IdempotencyMismatch
from buddy_core.kernel.ids import AccountId, DeviceId, LoginSessionId
from buddy_core.sessions import POLICY, LoginSession, Started, claims_for
from buddy_web.app import BuddyApp, create_app, web
from buddy_web.bridge import Bridge
from buddy_web.csrf import bare, exempt
from buddy_web.logs import JsonLines, correlation_id
from buddy_web.security import body_limit
from buddy_web.settings import Settings

START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
ASHA = AccountId(UUID("018f0000-0000-7000-8000-00000000000a"))
BILAL = AccountId(UUID("018f0000-0000-7000-8000-00000000000b"))
SESSION = LoginSessionId(f"sgn_{7:032x}")
SECRET = "a-secret-key-that-is-long-enough-for-tests"


@attrs.define
class Clock:
    """A clock that stands until it is moved."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at


@attrs.define
class TooFewTokens(Rejected):
    """The wallet holds less than this costs."""

    code = "toy.too_few_tokens"
    cost: int
    account_id: UUID
    seen_at: datetime
    scopes: frozenset[str] = frozenset()


@attrs.define
class NoSuchTitle(NotFound):
    """There is no such title."""

    code = "toy.no_such_title"


@attrs.define
class NotYours(Forbidden):
    """Only its owner may do this."""

    code = "toy.not_yours"


@attrs.define
class NotProven(Unproven):
    """It is not known who asks."""

    code = "toy.not_proven"


@attrs.define
class TooOften(TooMany):
    """This was asked for too often."""

    code = "toy.too_often"
    retry_after_s: int


@attrs.define
class AlreadyDone(Conflict):
    """This was done before."""

    code = "toy.already_done"


@attrs.define
class Unreachable(Unavailable):
    """The payment provider does not answer."""

    code = "toy.unreachable"


ERRORS = {
    error.code: error
    for error in (
        TooFewTokens(2, ASHA, START, frozenset({"film", "episode"})),
        NoSuchTitle(),
        NotYours(),
        NotProven(),
        TooOften(42),
        AlreadyDone(),
        Unreachable(),
        InvalidValue("tokens", "must be above zero"),
        IdempotencyMismatch("k1"),
        Contention("wallet"),
    )
}


class Purchase(BaseModel):
    """What the toy's one documented operation takes."""

    tokens: int = Field(gt=0)
    email: str


class Container:
    """The toy's composition root."""

    def __init__(self, clock: Clock) -> None:
        self._bridge = Bridge(timeout_s=2)
        self._clock = clock
        self.fault: Exception | None = None

    def bridge(self) -> Bridge:
        return self._bridge

    def clock(self) -> Clock:
        return self._clock

    async def ready(self) -> None:
        if self.fault is not None:
            raise self.fault


def started(at: datetime, refresh_token: str | None = "rft_1") -> Started:
    """Return a session of Bilal's that began just now, with its tokens."""
    session = LoginSession(SESSION, BILAL, at, at, at + POLICY.refresh_life)
    return Started(session, claims_for(session, at, POLICY), refresh_token)


def make_app(settings: Settings, container: Container, *, error_page: bool = True) -> BuddyApp:
    """Return the host with the toy's routes."""
    app = create_app(settings, container, [_pages(), _api()])
    pages = {"error.html": "<h1>{{ page.title }}</h1><p>{{ page.detail }}</p><i>{{ page.code }}</i>"}
    app.jinja_loader = DictLoader(pages if error_page else {})
    return app


def _pages() -> Blueprint:
    pages = Blueprint("pages", __name__, static_folder="files", static_url_path="/files")

    @pages.get("/sign-in/<name>")
    def sign_in(name: str) -> str:
        account = {"asha": ASHA, "bilal": BILAL}[name]
        visitors = web().visitors
        visitors.remember_guest(visitors.guest_cookie.issue(account))
        visitors.remember_device(DeviceId("dev_1"))
        return web().form_tokens.token()

    @pages.get("/enter")
    def enter() -> str:
        web().visitors.remember_session(started(web().clock.now()))
        return web().form_tokens.token()

    @pages.get("/sign-out")
    def sign_out() -> str:
        web().visitors.forget()
        return "gone"

    @pages.get("/form")
    def form() -> str:
        return render_template_string("{{ csrf_token() }}")

    @pages.get("/me")
    def me() -> Any:
        return jsonify(
            account=_who(),
            device=web().visitors.device_id(),
            ip_key=web().ip_key(),
            prefix=web().client_prefix(),
            country=web().country(),
        )

    @pages.post("/change")
    def change() -> Any:
        return jsonify(account=_who())

    @pages.post("/bare")
    @bare
    def without_cookies() -> Any:
        return jsonify(account=_who())

    @pages.post("/webhook")
    @exempt("signed by the provider")
    def webhook() -> Any:
        return jsonify(account=_who())

    @pages.post("/upload")
    @exempt("takes no cookies")
    @body_limit(5000)
    def upload() -> Any:
        return jsonify(size=len(request.get_data()))

    @pages.get("/titles/<title_id>")
    def title(title_id: str) -> Any:
        return web().call(_title, title_id)

    @pages.get("/cached")
    def cached() -> Any:
        return "same for all", 200, {"Cache-Control": "public, max-age=60"}

    @pages.get("/cached-with-cookie")
    def cached_with_cookie() -> Any:
        visitors = web().visitors
        visitors.remember_guest(visitors.guest_cookie.issue(ASHA))
        return "somebody's", 200, {"Cache-Control": "public, max-age=60"}

    @pages.get("/fail/<code>")
    def fail(code: str) -> Any:
        raise ERRORS[code]

    @pages.get("/fault")
    def fault() -> Any:
        raise RuntimeError("asha@example.com could not be written")

    return pages


def _api() -> APIBlueprint:
    api = APIBlueprint("toy", __name__, url_prefix="/v1")

    @api.post("/purchases")
    def purchase(body: Purchase) -> Any:
        """Buy something."""
        return body.model_dump(mode="json")

    @api.post("/hooks/<int:hook_id>")
    @exempt("bearer token")
    def hook() -> Any:
        """Take a call from another server."""
        return {"account": _who()}

    return api


def _who() -> str | None:
    """Return whom the cookies or the bearer's token name: a session's account, or a guest."""
    visitors = web().visitors
    sent = visitors.bearer()
    claims = visitors.claims() if sent is None else web().tokens.decode_all(sent)
    found = claims[0] if claims else visitors.guest()
    return str(found.account_id) if found else None


async def _title(title_id: str) -> dict[str, str]:
    logging.getLogger("buddy.toy").info("on the loop")
    return {"title": title_id, "correlation_id": correlation_id.get()}


@contextmanager
def log_lines(*, texts_of_errors: bool = False) -> Iterator[list[dict[str, Any]]]:
    """Collect what the process logs meanwhile, read back from its JSON."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines(texts_of_errors=texts_of_errors))
    logger, lines = logging.getLogger("buddy"), []
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        lines.extend(json.loads(line) for line in stream.getvalue().splitlines())
