"""A client of the API on the running service."""

from __future__ import annotations

import base64
import re
from typing import Any

from attrs import define
from flask.testing import FlaskClient
from pyotp import TOTP
from werkzeug.test import TestResponse

from buddy_web.demo.seed import DEMO_PASSWORD, demo_secret
from tests.web.service import Service

ADMIN, MARIGOLD, BLUE_LANTERN = "admin@example.com", "marigold@example.com", "bluelantern@example.com"
FINANCE, SECOND_FINANCE = "finance@example.com", "secondfinance@example.com"
SUPPORT, VIEWER = "support@example.com", "viewer@example.com"
NOBODYS_ID = "usr_" + "0" * 32


@define
class ApiClient:
    """A client with its cookies and the form token it was given last, or an app with its access token."""

    http: FlaskClient
    service: Service
    token: str = ""
    access: str = ""
    """Set for an app: it keeps no cookies."""
    refresh: str = ""

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        """Ask for something."""
        headers = {**self.proof(), **kwargs.pop("headers", {})}
        return self._seen(self.http.get(path, buffered=True, headers=headers, **kwargs))

    def post(
        self, path: str, body: Any = None, *, key: str | None = None, method: str = "POST"
    ) -> TestResponse:
        """Change something, with the form token and an idempotency key if given."""
        headers = self.proof() | ({"Idempotency-Key": key} if key else {})
        return self._seen(self.http.open(path, method=method, json=body, headers=headers))

    def proof(self) -> dict[str, str]:
        """Return the header that proves who asks, or that no other site made them."""
        return {"Authorization": f"Bearer {self.access}"} if self.access else {"X-CSRF-Token": self.token}

    def earn(self, times: int = 1) -> list[str]:
        """Watch ads, and have the network call back with its signature; return the rewards' ids."""
        found = []
        for _ in range(times):
            reward = self.post("/v1/ads/rewards").json
            self.service.confirm(reward["ad_unit"], reward["custom_data"])
            found.append(reward["id"])
        return found

    def unlock(self, title: dict[str, Any], key: str, **other: Any) -> TestResponse:
        """Unlock a title at the cost that its answer showed, or with `other` fields."""
        offer = title["access"]["offer"]
        seen = {"seen_tokens": offer["tokens"], "seen_version": offer["rule_version"]}
        body = {"type": title["type"], "id": title["id"], **seen, **other}
        return self.post("/v1/unlocks", body, key=key)

    def title(self, name: str) -> dict[str, Any]:
        """Return a title by its name."""
        titles = self.get("/v1/titles?limit=100").json["titles"]
        found: dict[str, Any] = next(item for item in titles if item["name"] == name)
        return found

    def close(self, month: str) -> Any:
        """Review a month of every entity, have finance publish it, and return what is closed by then."""
        path = f"/v1/admin/periods/{month}/close"
        reviewed = self.post(path, {})
        assert reviewed.status_code in (200, 202), reviewed.text
        second = member(self.service, FINANCE)
        for item in reviewed.json["reviewed"]:
            published = second.post(f"/v1/admin/approvals/{item['request_id']}/approve", {})
            assert published.status_code == 200, published.text
        found = self.post(path, {})
        assert found.status_code == 200, found.text
        return found.json

    def _seen(self, response: TestResponse) -> TestResponse:
        if response.is_json and isinstance(response.json, dict):
            self.token = response.json.get("csrf_token") or self.token
        return response


def nobody(service: Service) -> ApiClient:
    """Return a client without an account; it has a form token."""
    client = ApiClient(service.app.test_client(), service)
    client.get("/v1/me")
    return client


def guest(service: Service) -> ApiClient:
    """Return a client that has begun as a guest."""
    client = nobody(service)
    assert client.post("/v1/guests").status_code == 201
    return client


def member(
    service: Service, email: str, password: str = DEMO_PASSWORD, *, is_proven: bool = True
) -> ApiClient:
    """Return a client that has signed in."""
    client = nobody(service)
    found = client.post("/v1/auth/login", {"email": email, "password": password})
    assert found.status_code == 200, found.text
    if is_proven:
        service.prove(email)
    return client


def app(service: Service, email: str, password: str = DEMO_PASSWORD, *, is_proven: bool = True) -> ApiClient:
    """Return an app that has signed in: it keeps its tokens, and no cookies."""
    http = service.app.test_client(use_cookies=False)
    found = http.post("/v1/auth/login", json={"email": email, "password": password})
    assert found.status_code == 200, found.text
    if is_proven:
        service.prove(email)
    return ApiClient(http, service, access=found.json["access_token"], refresh=found.json["refresh_token"])


def code_of(service: Service, email: str) -> str:
    """Return what the authenticator of a seeded member shows now."""
    secret = base64.b32encode(demo_secret(email)).decode()
    return TOTP(secret).at(service.clock.now())


def refused(answer: TestResponse, status: int, code: str) -> None:
    """Hold an answer against the status and code of a refusal."""
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text
    assert answer.content_type == "application/problem+json"


def operations(service: Service) -> list[tuple[str, str, dict[str, Any]]]:
    """Return method, path and declaration of every operation in the document."""
    paths = service.app.test_client().get("/v1/openapi.json").json["paths"]
    return [(method.upper(), path, found) for path, item in paths.items() for method, found in item.items()]


def concrete(path: str) -> str:
    """Fill a path's parameters with values that name nothing."""
    values = {
        "type": "film",
        "id": "apr_" + "0" * 32,
        "month": "2026-09",
        "name": "nothing",
        "entry": "7",
        "grant": "gra_" + "0" * 32,
        "promotion": "NOTHING26",
        "takedown": "tkd_" + "0" * 32,
        "kind": "licence",
    }
    values["id"] = NOBODYS_ID if "/users/" in path else "zzzz" if "/titles/" in path else values["id"]
    return re.sub(r"{(\w+)}", lambda match: values[match[1]], path)


def user_id(staff: ApiClient, email: str) -> str:
    """Return the public id of a member."""
    [found] = staff.get(f"/v1/admin/users?email={email}").json["users"]
    return str(found["user_id"])
