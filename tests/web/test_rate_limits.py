"""Rate limits at the door of the running service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from dependency_injector import providers
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from buddy_core.kernel.errors import Unavailable
from buddy_core.limits import DEFAULT_POLICY, BadLimits, group_of, policy_to
from buddy_web.rate_limits import policy_of
from tests.web.api_client import SUPPORT, VIEWER, ApiClient, app, member, user_id
from tests.web.service import Service, running

STORES = ["memory", "database"]


@pytest.fixture(params=STORES)
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path, rate_limits=request.param) as found:
        yield found


@contextmanager
def limited(folder: Path, *rules: tuple[str, str, int, int], **settings: Any) -> Iterator[Service]:
    """Run the service with these rules for its routes: group, what is counted, how many, seconds."""
    data = policy_to(DEFAULT_POLICY)
    data["rules"] = [
        {"group": group, "per": per, "count": count, "window_s": window}
        for group, per, count, window in rules
    ]
    file = folder / "limits.json"
    file.write_text(json.dumps(data), "utf-8")
    with running(folder, rate_limits="memory", rate_limits_file=file, **settings) as found:
        yield found


def log_in(client: FlaskClient, email: str, address: str = "127.0.0.1") -> TestResponse:
    """Try a wrong password as an app does, which keeps no cookies."""
    body = {"email": email, "password": "Wrong-pass-1"}
    return client.post("/v1/auth/login", json=body, environ_base={"REMOTE_ADDR": address})


def test_the_sixth_sign_in_is_stopped_and_told_when_to_come_back(service: Service) -> None:
    """Five tries in 15 minutes reach the password; the sixth gets 429 with Retry-After, and no count."""
    client = service.app.test_client()
    answers = [log_in(client, "asha@example.com") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    last = answers[-1]
    assert (last.json["code"], last.headers["Retry-After"]) == ("limits.too_many", "900")
    for answer in answers:
        # Its count would tell a stranger whether somebody else has been trying this account.
        assert "login:account" not in answer.headers.get("RateLimit", "")
        assert "login:account" not in answer.headers.get("RateLimit-Policy", "")
    service.clock.advance(timedelta(minutes=15))
    assert log_in(client, "asha@example.com").status_code == 422


def test_tries_from_many_addresses_meet_one_count_of_the_account(service: Service) -> None:
    """Whoever guesses one account's password from six addresses is stopped at the sixth."""
    client = service.app.test_client()
    answers = [log_in(client, "asha@example.com", f"198.51.100.{number}") for number in range(6)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    assert log_in(client, "bilal@example.com", "198.51.100.9").status_code == 422


def test_tries_of_many_accounts_meet_one_count_of_the_address(tmp_path: Path) -> None:
    """Outside the demo five accounts may be tried from one address in 15 minutes, and no sixth."""
    with limited(tmp_path, ("login", "address", 5, 900), ("login", "account", 5, 900)) as service:
        client = service.app.test_client()
        answers = [log_in(client, f"m{number}@example.com") for number in range(6)]
        assert [answer.status_code for answer in answers] == [422] * 5 + [429]
        assert log_in(client, "m9@example.com", "198.51.100.9").status_code == 422


def test_the_catalogue_is_asked_a_hundred_times_a_minute(service: Service) -> None:
    """The 101st request of an account within a minute is stopped, as a page for those who read pages."""
    browser = service.browser()
    # The first request has no account yet, and counts for the address.
    for _ in range(101):
        assert browser.get("/").status_code == 200
    stopped = browser.get("/")
    assert stopped.status_code == 429
    assert "Only 100 such requests are taken in 1 minute" in stopped.text
    assert service.browser().get("/").status_code == 200
    service.clock.advance(timedelta(minutes=1))
    assert browser.get("/").status_code == 200


def test_members_are_counted_by_account_and_not_by_address(tmp_path: Path) -> None:
    """Two members behind one address have a count each, whichever of their tokens they send."""
    with limited(tmp_path, ("default", "account", 3, 60)) as service:
        one, other = member(service, "viewer@example.com"), member(service, "marigold@example.com")
        assert [one.get("/v1/wallet").status_code for _ in range(4)] == [200, 200, 200, 429]
        assert other.get("/v1/wallet").status_code == 200


def test_looking_as_a_member_uses_up_nothing_of_theirs(tmp_path: Path) -> None:
    """What staff ask for in a member's account counts for the staff; the member has all their requests."""
    with limited(tmp_path, ("default", "account", 3, 60)) as service:
        viewer, support = app(service, VIEWER), app(service, SUPPORT)
        path = f"/v1/admin/users/{user_id(support, VIEWER)}/impersonate"
        begun = support.post(path, {"reason": "Ticket 4711"})
        look = ApiClient(support.http, service, access=begun.json["access_token"])
        for client in (look, viewer):
            assert [client.get("/v1/wallet").status_code for _ in range(4)] == [200, 200, 200, 429]
        assert support.get("/v1/wallet").status_code == 429


def test_a_guest_that_drops_its_cookie_is_still_counted(tmp_path: Path) -> None:
    """New guests from one address meet the count of the address; another address goes on."""
    data = policy_to(DEFAULT_POLICY)
    data["rules"] = [
        {"group": "catalogue", "per": "account", "count": 50, "window_s": 60},
        {"group": "catalogue", "per": "address", "count": 5, "window_s": 60, "who": "guest"},
    ]
    file = tmp_path / "limits.json"
    file.write_text(json.dumps(data), "utf-8")
    with running(tmp_path, rate_limits="memory", rate_limits_file=file) as service:
        statuses = [service.browser().get("/").status_code for _ in range(6)]
        assert statuses == [200] * 5 + [429]
        other = service.app.test_client().get("/", environ_base={"REMOTE_ADDR": "198.51.100.7"})
        assert other.status_code == 200


def test_what_needs_no_limit_has_none(service: Service) -> None:
    """Health, pictures and static files are asked as often as anybody likes, and say nothing of limits."""
    client = service.app.test_client()
    for _ in range(120):
        answer = client.get("/health")
        assert answer.status_code == 200
    assert "RateLimit" not in answer.headers


def test_every_route_has_its_group(service: Service) -> None:
    """Staff pages, streams, sign-in and the rest each fall into the group that the policy means."""
    groups = {
        f"{method} {rule.rule}": group_of(DEFAULT_POLICY, method, rule.rule)
        for rule in service.app.url_map.iter_rules()
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }
    assert groups["POST /sign-in"] == groups["POST /v1/auth/login"] == "login"
    assert groups["POST /join"] == groups["POST /v1/auth/register"] == "register"
    for route, group in groups.items():
        path = route.split(" ")[1]
        if path.startswith(("/admin", "/v1/admin")):
            assert group == "cms", route
        if path.startswith(("/play/", "/v1/playback")):
            assert group == "stream", route


def test_a_store_of_counts_that_is_down_stops_nobody(tmp_path: Path) -> None:
    """Requests go on uncounted while the store does not answer; the lock-out is kept elsewhere and holds."""

    class Down:
        async def take(self, hits: Any, at: Any) -> Any:
            raise Unavailable

        async def sweep(self, at: Any) -> int:
            raise Unavailable

    with running(tmp_path, rate_limits="memory") as service:
        service.container.rate_limits.override(providers.Object(Down()))
        client = service.app.test_client()
        codes = [log_in(client, "asha@example.com").json["code"] for _ in range(6)]
        assert codes == ["accounts.wrong_credentials"] * 5 + ["sessions.locked"]


def test_a_file_of_limits_that_is_wrong_is_refused_with_its_place(tmp_path: Path) -> None:
    """What cannot be read, is no JSON, or names no group is said before the service starts."""
    file = tmp_path / "limits.json"
    for text in (None, "{", '{"groups": [], "rules": [{"group": "x"}]}'):
        if text is not None:
            file.write_text(text, "utf-8")
        with pytest.raises(BadLimits):
            policy_of(file, is_demo=False)
    file.write_text(json.dumps(policy_to(DEFAULT_POLICY)), "utf-8")
    assert policy_of(file, is_demo=False) == DEFAULT_POLICY == policy_of(None, is_demo=False)
