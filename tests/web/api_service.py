"""The whole service on SQLite or PostgreSQL, with every route, a clock that moves and a client of the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from attrs import define, frozen
from dependency_injector import providers
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from buddy_adapters.sql.migrate import migrate
from buddy_adapters.system.clock import SettableClock, ShiftedClock
from buddy_web.app import BuddyApp, create_app
from buddy_web.demo.seed import DEMO_PASSWORD, seed_demo
from buddy_web.reference import seed_reference
from buddy_web.routes import blueprints
from buddy_web.sandbox.network import KEY_ID, SandboxNetwork, ShownAd, sandbox_key
from buddy_web.settings import Settings
from tests.web.service import SECRET, fake_media, make_container

START = datetime(2026, 10, 20, 10, 0, tzinfo=UTC)
ADMIN, MARIGOLD, BLUE_LANTERN = "admin@example.com", "marigold@example.com", "bluelantern@example.com"


@frozen
class ApiService:
    """The running service and its hands."""

    app: BuddyApp
    container: Any
    clock: SettableClock
    network: SandboxNetwork

    def client(self) -> ApiClient:
        """Return a client that nobody has used yet."""
        return ApiClient(self.app.test_client(), self)

    def guest(self) -> ApiClient:
        """Return a client that has begun as a guest."""
        client = self.client()
        client.me()
        assert client.post("/v1/guests").status_code == 201
        return client

    def member(self, email: str, password: str = DEMO_PASSWORD) -> ApiClient:
        """Return a client that has signed in."""
        client = self.client()
        client.me()
        found = client.post("/v1/auth/login", {"email": email, "password": password})
        assert found.status_code == 200, found.text
        return client

    def call(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run a coroutine function on the service's loop."""
        return self.container.bridge().call(work, *args, **kwargs)

    def close(self, month: str, entity: str | None = None) -> Any:
        """Close a month as the admin, and return the report."""
        found = self.member(ADMIN).post(
            f"/v1/admin/periods/{month}/close", {"entity": entity} if entity else {}
        )
        assert found.status_code == 200, found.text
        return found.json


@define
class ApiClient:
    """A client of the API with its cookies and the token it was given last."""

    http: FlaskClient
    service: ApiService
    token: str = ""

    def me(self) -> Any:
        """Ask who we are, and take the token."""
        return self.get("/v1/me").json

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        """Ask for something."""
        return self._seen(self.http.get(path, **kwargs))

    def post(
        self, path: str, body: Any = None, *, key: str | None = None, method: str = "POST"
    ) -> TestResponse:
        """Change something, with the form token and an idempotency key if given."""
        headers = {"X-CSRF-Token": self.token} | ({"Idempotency-Key": key} if key else {})
        return self._seen(self.http.open(path, method=method, json=body, headers=headers))

    def form(self, path: str, form: dict[str, str], **headers: str) -> TestResponse:
        """Send a page's form."""
        sent = {"Accept": "text/html", **headers}
        return self.http.post(path, data={"csrf_token": self.token, **form}, headers=sent)

    def page(self, path: str, **headers: str) -> TestResponse:
        """Open a page as a browser does."""
        return self.http.get(path, headers={"Accept": "text/html", **headers})

    def earn(self, times: int = 1) -> list[str]:
        """Watch ads, and have the network call back with its signature; return the rewards' ids."""
        found = []
        for _ in range(times):
            reward = self.post("/v1/ads/rewards").json
            ad = ShownAd(reward["ad_unit"], reward["custom_data"], self.service.container.clock().now())
            self.service.network.confirm(ad)
            found.append(reward["id"])
        return found

    def unlock(self, title: dict[str, Any], key: str, **other: Any) -> TestResponse:
        """Unlock a title at the cost that its answer showed."""
        offer = title["access"]["offer"] or {"tokens": 1, "rule_version": 1}
        body = {
            "type": title["type"],
            "id": title["id"],
            "seen_tokens": offer["tokens"],
            "seen_version": offer["rule_version"],
        }
        return self.post("/v1/unlocks", {**body, **other}, key=key)

    def title(self, name: str) -> dict[str, Any]:
        """Return a title by its name."""
        titles = self.get("/v1/titles?limit=100").json["titles"]
        found: dict[str, Any] = next(item for item in titles if item["name"] == name)
        return found

    def _seen(self, response: TestResponse) -> TestResponse:
        if isinstance(response.json if response.is_json else None, dict):
            self.token = response.json.get("csrf_token", self.token)
        return response


@contextmanager
def serving(folder: Path, database_url: str | None = None) -> Iterator[ApiService]:
    """Run the service in a folder, on its own SQLite file or on the database named."""
    fake_media(folder / "media")
    settings = Settings(
        secret_key=SECRET,
        secret_file=folder / "secret.key",
        database_url=database_url or f"sqlite+aiosqlite:///{folder / 'buddy.db'}",
        media_dir=folder / "media",
    )
    key = sandbox_key(folder / "ads.pem")
    clock = SettableClock(START)
    container = make_container(settings, clock, key)
    container.clock.override(providers.Object(ShiftedClock(clock, folder / "clock.json")))
    transport: Any = httpx.WSGITransport(app=_unready)
    network = SandboxNetwork(key, "http://localhost/v1/webhooks/admob", transport, lambda work: work())
    app = create_app(settings, container, blueprints(settings, network))
    transport.app = app
    bridge = container.bridge()
    try:
        bridge.call_within(60, _set_up, container)
        yield ApiService(app, container, clock, network)
    finally:
        bridge.call(container.engine().dispose)
        bridge.close()


def _unready(environ: Any, start: Any) -> Any:
    raise AssertionError(f"the service is not up yet (key {KEY_ID})")


async def _set_up(container: Any) -> None:
    uow, clock, ids = container.uow(), container.clock(), container.ids()
    await migrate(container.engine())
    await seed_reference(uow=uow, clock=clock)
    await seed_demo(
        uow=uow,
        clock=clock,
        ids=ids,
        passwords=container.passwords(),
        transliterator=container.transliterator(),
    )
