"""The API of signing in: tokens, sessions and the second factor, for apps and browsers alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dependency_injector import providers
from pyotp import TOTP
from werkzeug.test import TestResponse

from buddy_core.sessions import POLICY
from buddy_web.demo.seed import DEMO_PASSWORD
from tests.web.api_client import (
    ADMIN,
    FINANCE,
    VIEWER,
    ApiClient,
    app,
    code_of,
    concrete,
    guest,
    member,
    nobody,
    operations,
    refused,
)
from tests.web.service import Service, running

Enter = Callable[..., ApiClient]
KNOWN = {"password": DEMO_PASSWORD}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


@pytest.fixture(params=[app, member], ids=["app", "browser"])
def enter(request: pytest.FixtureRequest) -> Enter:
    """Return how somebody signs in: with an app that keeps tokens, or a browser that keeps cookies."""
    found: Enter = request.param
    return found


def test_an_app_signs_in_and_refreshes_without_a_cookie(service: Service) -> None:
    """It is given tokens and no cookie; a refresh token works once, and sent again ends the session."""
    client = app(service, VIEWER)
    assert (
        "Set-Cookie"
        not in client.http.post("/v1/auth/login", json={"email": VIEWER, "password": "Monsoon-2026"}).headers
    )
    verified = client.get("/v1/auth/verify").json
    assert (verified["email"], verified["roles"], verified["is_support"]) == (VIEWER, ["viewer"], False)
    assert verified["user_id"] == client.get("/v1/me").json["user_id"]
    service.clock.advance(POLICY.access_life)
    refused(client.get("/v1/wallet"), 401, "web.token_refused")
    body = {"refresh_token": client.refresh}
    renewed = client.http.post("/v1/auth/refresh", json=body)
    client.access = renewed.json["access_token"]
    assert client.get("/v1/wallet").status_code == 200
    again = client.http.post("/v1/auth/refresh", json=body)
    refused(again, 422, "sessions.refresh_refused")
    assert again.json["facts"] == {"reason": "reused"}
    refused(client.get("/v1/wallet"), 401, "web.token_refused")


def test_an_app_that_signs_in_anew_gets_tokens_again(service: Service) -> None:
    """A sign-in that brings an access token is an app's: it is answered with tokens, not with cookies."""
    client = app(service, VIEWER)
    answer = client.post("/v1/auth/login", {"email": VIEWER, "password": "Monsoon-2026"})
    assert answer.json["access_token"]
    assert "buddy_session" not in "".join(answer.headers.getlist("Set-Cookie"))


def test_what_is_wrong_at_the_door_is_named(service: Service) -> None:
    """A wrong password or strange token is 422, an unreadable one 400; after five tries 429."""
    http = service.app.test_client(use_cookies=False)

    def tried(email: str) -> TestResponse:
        return http.post("/v1/auth/login", json={"email": email, "password": "Wrong-pass-1"})

    for _ in range(5):
        refused(tried(VIEWER), 422, "accounts.wrong_credentials")
    locked = tried(VIEWER)
    refused(locked, 429, "sessions.locked")
    assert locked.headers["Retry-After"] == str(locked.json["facts"]["retry_after_s"]) == "900"
    refused(tried("nobody"), 400, "accounts.bad_email")
    refused(http.post("/v1/auth/refresh", json={"refresh_token": "x"}), 400, "web.invalid_request")
    unknown = {"refresh_token": "rft_" + "0" * 32}
    refused(http.post("/v1/auth/refresh", json=unknown), 422, "sessions.refresh_refused")
    refused(http.get("/v1/auth/verify"), 403, "web.sign_in_needed")


def test_a_token_that_was_signed_out_opens_nothing(service: Service) -> None:
    """Each operation there is answers 401 to the token of a session that has ended, and to a made-up one."""
    ended = app(service, ADMIN)
    assert ended.post("/v1/auth/logout").json["kind"] == "nobody"
    for access in (ended.access, "made-up", ended.access[:-2]):
        client = ApiClient(ended.http, service, access=access)
        for method, path, declared in operations(service):
            answer = client.post(concrete(path), {}, key="k1", method=method)
            refused(answer, 401, "web.token_refused")
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="buddy"'
            assert "web.token_refused" in declared["x-codes"], path


def test_who_has_no_session_is_asked_to_sign_in(service: Service) -> None:
    """A guest and nobody have no sessions, tokens or second factor: 403 says to sign in."""
    paths = [
        ("GET", "/v1/auth/verify", None),
        ("GET", "/v1/auth/sessions", None),
        ("DELETE", "/v1/auth/sessions/sgn_" + "0" * 32, None),
        ("POST", "/v1/auth/logout-all", {}),
        ("GET", "/v1/auth/second-factor", None),
        ("POST", "/v1/auth/second-factor", KNOWN),
        ("POST", "/v1/auth/second-factor/confirm", {"code": "123456"}),
        ("POST", "/v1/auth/second-factor/prove", {"code": "123456"}),
        ("DELETE", "/v1/auth/second-factor", None),
    ]
    for client in (guest(service), nobody(service)):
        for method, path, body in paths:
            refused(client.post(path, body, method=method), 403, "web.sign_in_needed")


def test_sessions_are_listed_and_ended_one_by_one(service: Service, enter: Enter) -> None:
    """Each is listed once; one that is ended opens nothing at once, and another's does not exist."""
    first, second, other = enter(service, VIEWER), enter(service, VIEWER), enter(service, FINANCE)
    listed = first.get("/v1/auth/sessions").json["sessions"]
    assert len(listed) == 2
    [current] = [item for item in listed if item["is_current"]]
    [elsewhere] = [item for item in listed if not item["is_current"]]
    assert current["id"] == first.get("/v1/auth/verify").json["session_id"]
    gone = first.post(f"/v1/auth/sessions/{elsewhere['id']}", method="DELETE")
    assert (gone.status_code, gone.data) == (204, b"")
    assert first.post(f"/v1/auth/sessions/{elsewhere['id']}", method="DELETE").status_code == 204
    assert second.get("/v1/wallet").status_code in (401, 403)
    assert len(first.get("/v1/auth/sessions").json["sessions"]) == 1
    anothers = other.get("/v1/auth/verify").json["session_id"]
    for name in (anothers, "sgn_" + "0" * 32):
        refused(first.post(f"/v1/auth/sessions/{name}", method="DELETE"), 404, "sessions.not_found")
    refused(first.post("/v1/auth/sessions/sgn_1", method="DELETE"), 400, "web.invalid_request")
    assert other.get("/v1/auth/verify").status_code == 200
    assert first.post(f"/v1/auth/sessions/{current['id']}", method="DELETE").status_code == 204
    assert first.get("/v1/wallet").status_code in (401, 403)


def test_signing_out_everywhere_keeps_this_session_only_if_asked(service: Service, enter: Enter) -> None:
    """With `keep_current` the others end; without it all do."""
    clients = [enter(service, VIEWER) for _ in range(3)]
    kept = clients[0].post("/v1/auth/logout-all", {"keep_current": True})
    assert (kept.status_code, kept.json["ended"], kept.json["kind"]) == (200, 2, "member")
    assert [client.get("/v1/wallet").status_code == 200 for client in clients] == [True, False, False]
    everywhere = clients[0].post("/v1/auth/logout-all", {})
    assert (everywhere.json["ended"], everywhere.json["kind"]) == (1, "nobody")
    assert clients[0].get("/v1/wallet").status_code in (401, 403)


def test_a_session_that_owes_its_second_factor_opens_nothing_else(service: Service, enter: Enter) -> None:
    """With the password alone only who it is, the state and the proof are open; a code opens the rest."""
    client = enter(service, ADMIN, is_proven=False)
    assert client.get("/v1/me").json["needs_second_factor"] is True
    assert client.get("/v1/auth/verify").json["needs_second_factor"] is True
    assert client.get("/v1/auth/second-factor").json == {
        "is_set": True, "is_waiting": False, "needs_proof": True, "proven_until": None,
    }  # fmt: skip
    for path in ("/v1/wallet", "/v1/admin/users", "/v1/auth/sessions"):
        refused(client.get(path), 403, "access.second_factor_needed")
    for path, body in (("/v1/auth/logout-all", {}), ("/v1/auth/second-factor", KNOWN)):
        refused(client.post(path, body), 403, "access.second_factor_needed")
    refused(client.post("/v1/auth/second-factor", method="DELETE"), 403, "access.second_factor_needed")
    prove = "/v1/auth/second-factor/prove"
    refused(client.post(prove, {"code": "12345"}), 400, "web.invalid_request")
    code = code_of(service, ADMIN)
    wrong = str((int(code) + 1) % 1_000_000).zfill(6)
    refused(client.post(prove, {"code": wrong}), 422, "sessions.second_factor_wrong")
    proven = client.post(prove, {"code": code})
    assert (proven.status_code, proven.json["needs_proof"]) == (200, False)
    assert proven.json["proven_until"] == client.get("/v1/auth/verify").json["second_factor_until"]
    assert client.get("/v1/admin/users").status_code == 200
    refused(client.post(prove, {"code": code}), 422, "sessions.second_factor_wrong")


def test_codes_cannot_be_guessed(service: Service) -> None:
    """After five wrong codes even the right one is answered 429 with the wait."""
    client = app(service, ADMIN, is_proven=False)
    code = code_of(service, ADMIN)
    wrong = str((int(code) + 1) % 1_000_000).zfill(6)
    for _ in range(5):
        refused(
            client.post("/v1/auth/second-factor/prove", {"code": wrong}), 422, "sessions.second_factor_wrong"
        )
    locked = client.post("/v1/auth/second-factor/prove", {"code": code})
    refused(locked, 429, "sessions.locked")
    assert int(locked.headers["Retry-After"]) == locked.json["facts"]["retry_after_s"]


def test_a_second_factor_is_set_proved_and_removed(service: Service, enter: Enter) -> None:
    """It counts from its first code on; others end when it comes and goes; a proven session removes it."""
    client, other = (enter(service, VIEWER, is_proven=False) for _ in range(2))
    refused(client.post("/v1/auth/second-factor", method="DELETE"), 404, "sessions.second_factor_missing")
    confirm = "/v1/auth/second-factor/confirm"
    refused(client.post(confirm, {"code": "123456"}), 404, "sessions.second_factor_missing")
    enrolled = client.post("/v1/auth/second-factor", KNOWN)
    assert enrolled.status_code == 201
    assert enrolled.json["uri"].startswith("otpauth://totp/")
    assert client.get("/v1/auth/second-factor").json["is_waiting"] is True
    assert client.get("/v1/wallet").status_code == 200
    totp = TOTP(enrolled.json["secret"])
    code = totp.at(service.clock.now())
    wrong = str((int(code) + 1) % 1_000_000).zfill(6)
    refused(client.post(confirm, {"code": wrong}), 422, "sessions.second_factor_wrong")
    confirmed = client.post(confirm, {"code": f"{code[:3]} {code[3:]}"})
    assert (confirmed.status_code, confirmed.json["is_set"]) == (200, True)
    refused(client.post("/v1/auth/second-factor", KNOWN), 409, "sessions.second_factor_exists")
    refused(client.post(confirm, {"code": code}), 409, "sessions.second_factor_exists")
    assert other.get("/v1/wallet").status_code in (401, 403)
    late = enter(service, VIEWER, is_proven=False)
    refused(late.get("/v1/wallet"), 403, "access.second_factor_needed")
    refused(late.post("/v1/auth/second-factor", method="DELETE"), 403, "access.second_factor_needed")
    removed = client.post("/v1/auth/second-factor", method="DELETE")
    assert (removed.status_code, removed.json["is_set"], removed.json["proven_until"]) == (200, False, None)
    assert late.get("/v1/wallet").status_code in (401, 403)
    assert client.get("/v1/wallet").status_code == 200


def test_a_proof_that_is_too_old_removes_no_second_factor(service: Service) -> None:
    """Half a day after the code, money and the factor itself ask for another one."""
    # The demo's sessions last a year, because its clock is moved on; here they last as they do elsewhere.
    service.container.session_policy.override(providers.Object(POLICY))
    client = app(service, FINANCE)
    service.clock.advance(POLICY.second_factor_life)
    body = {"refresh_token": client.refresh}
    client.access = client.http.post("/v1/auth/refresh", json=body).json["access_token"]
    assert client.get("/v1/admin/token-values").status_code == 200
    refused(client.post("/v1/auth/second-factor", method="DELETE"), 403, "access.second_factor_needed")
    refused(client.post("/v1/admin/periods/2026-10/close", {}), 403, "access.second_factor_needed")
    proven = client.post("/v1/auth/second-factor/prove", {"code": code_of(service, FINANCE)})
    assert proven.json["proven_until"] == "2026-11-22T10:00:00Z"
    assert client.post("/v1/auth/second-factor", method="DELETE").json["is_set"] is False
