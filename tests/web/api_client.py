"""A client of the API on the running service."""

from __future__ import annotations

from typing import Any

from attrs import define
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from buddy_web.demo.seed import DEMO_PASSWORD
from tests.web.service import Service

ADMIN, MARIGOLD, BLUE_LANTERN = "admin@example.com", "marigold@example.com", "bluelantern@example.com"
VIEWER = "viewer@example.com"


@define
class ApiClient:
    """A client with its cookies and the form token that it was given last."""

    http: FlaskClient
    service: Service
    token: str = ""

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        """Ask for something."""
        return self._seen(self.http.get(path, buffered=True, **kwargs))

    def post(
        self, path: str, body: Any = None, *, key: str | None = None, method: str = "POST"
    ) -> TestResponse:
        """Change something, with the form token and an idempotency key if given."""
        headers = {"X-CSRF-Token": self.token} | ({"Idempotency-Key": key} if key else {})
        return self._seen(self.http.open(path, method=method, json=body, headers=headers))

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
        """Close a month of every entity, and return the report."""
        found = self.post(f"/v1/admin/periods/{month}/close", {})
        assert found.status_code == 200, found.text
        return found.json

    def _seen(self, response: TestResponse) -> TestResponse:
        if response.is_json and isinstance(response.json, dict):
            self.token = response.json.get("csrf_token", self.token)
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


def member(service: Service, email: str, password: str = DEMO_PASSWORD) -> ApiClient:
    """Return a client that has signed in."""
    client = nobody(service)
    found = client.post("/v1/auth/login", {"email": email, "password": password})
    assert found.status_code == 200, found.text
    return client
