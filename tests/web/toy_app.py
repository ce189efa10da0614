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
    Unavailable,
)
from buddy_core.kernel.idempotency import IdempotencyMismatch
from buddy_core.kernel.ids import AccountId, DeviceId
from buddy_web.app import BuddyApp, create_app, web
from buddy_web.bridge import Bridge
from buddy_web.cookies import VisitorKind
from buddy_web.csrf import exempt
from buddy_web.logs import JsonLines, correlation_id
from buddy_web.security import body_limit
from buddy_web.settings import Settings

START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
ASHA = AccountId(UUID("018f0000-0000-7000-8000-00000000000a"))
BILAL = AccountId(UUID("018f0000-0000-7000-8000-00000000000b"))
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
        visitors.remember(visitors.account.issue(account, VisitorKind.GUEST))
        visitors.remember_device(DeviceId("dev_1"))
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
        identity = web().visitors.identity()
        return jsonify(
            account=str(identity.account_id) if identity else None,
            device=web().visitors.device_id(),
            ip_key=web().ip_key(),
            prefix=web().client_prefix(),
            country=web().country(),
        )

    @pages.post("/change")
    def change() -> Any:
        identity = web().visitors.identity()
        return jsonify(account=str(identity.account_id) if identity else None)

    @pages.post("/webhook")
    @exempt("signed by the provider")
    def webhook() -> Any:
        return jsonify(account=web().visitors.identity() and "somebody")

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
        visitors.remember(visitors.account.issue(ASHA, VisitorKind.MEMBER))
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
        return {"account": web().visitors.identity()}

    return api


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
