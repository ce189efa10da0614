"""What ends when somebody signs in or out, sets a second factor, or stops looking, on the running demo."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pyotp import TOTP

from buddy_core.access import SYSTEM
from buddy_core.flows import AssignRole
from buddy_web.app import web
from buddy_web.cookies import ACCESS, LOOKING
from buddy_web.demo.seed import DEMO_PASSWORD
from buddy_web.keys import signer
from buddy_web.public_ids import public_ids
from buddy_web.tokens import AccessTokens
from tests.web.api_client import ADMIN, SUPPORT, VIEWER, ApiClient, app, refused, user_id
from tests.web.api_client import member as browser_of_api
from tests.web.service import PASSWORD, Browser, Service, running

ASHA = "asha@example.com"
WHY = {"reason": "Ticket 4711"}
KNOWN = {"password": DEMO_PASSWORD}
FACTOR = "/v1/auth/second-factor"
OLD_KEY, STRANGE_KEY = "the-former-secret-key-of-the-service-one", "a-secret-key-that-was-never-the-services"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


def entered(service: Service, email: str) -> Browser:
    """Return a browser in which somebody of the demo has signed in and proved themselves."""
    browser = service.browser()
    assert browser.sign_in(email, DEMO_PASSWORD).status_code == 303
    return browser


def copied(service: Service, browser: Browser, name: str = ACCESS) -> ApiClient:
    """Return a thief who has copied the token of a browser's cookie, and sends it as an app does."""
    held = browser.cookie(name)
    assert held
    thief = ApiClient(service.app.test_client(use_cookies=False), service, access=held)
    assert thief.get("/v1/auth/verify").status_code == 200
    return thief


def over(client: ApiClient) -> None:
    """Hold that a token opens nothing any more."""
    refused(client.get("/v1/auth/verify"), 401, "web.token_refused")


def looking(service: Service, support: Browser, email: str = VIEWER) -> None:
    """Have staff look as a member for ten minutes."""
    found = re.search(r"/admin/users/usr_[0-9a-f]{32}", support.get(f"/admin/users?email={email}").text)
    assert found is not None
    support.get(found[0])
    assert support.post(f"{found[0]}/look", {**WHY, "minutes": "10"}).location == "/"


# ---- signing in and out


def test_the_page_that_signs_out_ends_the_session(service: Service) -> None:
    """The token that was copied from the cookie before opens nothing afterwards."""
    browser = entered(service, VIEWER)
    thief = copied(service, browser)
    browser.get("/account")
    assert browser.post("/sign-out").location == "/"
    assert browser.cookie(ACCESS) is None
    over(thief)


def test_signing_out_while_looking_ends_both(service: Service) -> None:
    """The look and the staff's own session end, and the end of the look is on the record."""
    support = entered(service, SUPPORT)
    looking(service, support)
    own, look = copied(service, support), copied(service, support, LOOKING)
    support.get("/account")
    assert support.post("/sign-out").location == "/"
    over(own)
    over(look)
    lines = app(service, ADMIN).get("/v1/admin/audit?action=impersonation.end").json["lines"]
    assert [(line["actor"], line["subject"]) for line in lines] == [(SUPPORT, VIEWER)]


def _by_page(browser: Browser) -> None:
    browser.get("/sign-in")
    assert browser.post("/sign-in", {"email": ADMIN, **KNOWN}).status_code == 303


def _by_api(browser: Browser) -> None:
    client = ApiClient(browser.client, browser.service)
    client.get("/v1/me")
    assert client.post("/v1/auth/login", {"email": ADMIN, **KNOWN}).status_code == 200


def _by_api_joining(browser: Browser) -> None:
    client = ApiClient(browser.client, browser.service)
    client.get("/v1/me")
    body = {"email": ASHA, "password": PASSWORD}
    assert client.post("/v1/auth/register", body, key="reg-12345678").status_code == 201


@pytest.mark.parametrize("again", [_by_page, _by_api, _by_api_joining])
def test_signing_in_ends_what_the_browser_had(service: Service, again: Callable[[Browser], None]) -> None:
    """The former session's tokens are overwritten, so nobody may go on with them; others stay."""
    browser, elsewhere = entered(service, VIEWER), app(service, VIEWER)
    thief = copied(service, browser)
    again(browser)
    over(thief)
    copied(service, browser)
    assert elsewhere.get("/v1/wallet").status_code == 200


def test_where_to_go_on_is_told_in_a_header_that_servers_take(service: Service) -> None:
    """A next page with letters beyond Latin-1 goes percent-encoded into htmx's header."""
    browser = service.browser()
    browser.get("/sign-in")
    form = {"csrf_token": browser.token, "email": VIEWER, **KNOWN, "next": "/€"}
    answer = browser.client.post("/sign-in", data=form, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/%E2%82%AC")


# ---- the second factor


def test_setting_up_a_second_factor_asks_for_the_password(service: Service) -> None:
    """A wrong one makes no secret; after five even the right one waits, here and at the sign-in."""
    client = app(service, VIEWER)
    refused(client.post(FACTOR, {}), 400, "web.invalid_request")
    for _ in range(5):
        refused(client.post(FACTOR, {"password": "Wrong-pass-1"}), 422, "accounts.wrong_credentials")
    assert client.get(FACTOR).json["is_waiting"] is False
    locked = client.post(FACTOR, KNOWN)
    refused(locked, 429, "sessions.locked")
    assert locked.headers["Retry-After"] == "900"
    at_the_door = client.http.post("/v1/auth/login", json={"email": VIEWER, **KNOWN})
    refused(at_the_door, 429, "sessions.locked")
    service.clock.advance(timedelta(minutes=15))
    browser = entered(service, VIEWER)
    browser.get("/account/second-factor")
    for _ in range(5):
        wrong = browser.post("/account/second-factor/set-up", {"password": "Wrong-pass-1"})
        assert wrong.status_code == 422
        assert 'role="alert"' in wrong.text
        assert 'id="secret"' not in wrong.text
    late = browser.post("/account/second-factor/set-up", KNOWN)
    assert late.status_code == 429
    assert 'id="secret"' not in late.text
    assert int(late.headers["Retry-After"]) == 900


def test_a_parked_session_dies_when_a_factor_comes_or_goes(service: Service) -> None:
    """Sessions that only ever knew the password end when it is set, and again when it is removed."""
    client, parked = app(service, VIEWER), app(service, VIEWER)
    secret = client.post(FACTOR, KNOWN).json["secret"]
    code = TOTP(secret).at(service.clock.now())
    assert parked.get("/v1/wallet").status_code == 200
    assert client.post(f"{FACTOR}/confirm", {"code": code}).status_code == 200
    over(parked)
    parked = app(service, VIEWER, is_proven=False)
    refused(parked.get("/v1/wallet"), 403, "access.second_factor_needed")
    assert client.post(FACTOR, method="DELETE").json["is_set"] is False
    over(parked)
    refused(
        parked.http.post("/v1/auth/refresh", json={"refresh_token": parked.refresh}),
        422,
        "sessions.refresh_refused",
    )
    assert client.get("/v1/wallet").status_code == 200


def test_the_page_takes_no_factor_away_without_a_proof(service: Service) -> None:
    """A session that has only the password is sent to the digits; factor and other sessions stay."""
    owner, thief = entered(service, SUPPORT), service.browser()
    thief.get("/sign-in")
    thief.post("/sign-in", {"email": SUPPORT, **KNOWN})
    thief.get("/account/second-factor")
    answer = thief.post("/account/second-factor/remove")
    assert answer.location.startswith("/account/second-factor")
    assert copied(service, owner).get(FACTOR).json["is_set"] is True


# ---- looking


@pytest.mark.parametrize("end", ["time", "time and cookie", "role", "member"])
def test_a_form_of_a_looked_at_page_changes_nothing_after_the_look(service: Service, end: str) -> None:
    """Sent when the look is over, it does not sign staff out elsewhere, nor set up their factor."""
    support, elsewhere = entered(service, SUPPORT), app(service, SUPPORT)
    viewer = app(service, VIEWER)
    looking(service, support)
    support.get("/account")
    if end == "role":
        command = AssignRole(SUPPORT, "support")
        service.call(service.container.revoke_role, SYSTEM, command, correlation_id="test")
    elif end == "member":
        assert viewer.post("/v1/auth/logout-all", {}).status_code == 200
    else:
        service.clock.advance(timedelta(minutes=10))
    if end == "time and cookie":
        support.client.delete_cookie(LOOKING)
    token = support.token
    for path in ("/account/sessions", "/account/second-factor/remove", "/account/second-factor/set-up"):
        answer = support.post(path, {"csrf_token": token, **KNOWN})
        assert answer.status_code == 403, path
        assert "This page is out of date" in answer.text, path
    assert elsewhere.get(FACTOR).json["is_set"] is True
    support.get("/account")
    assert support.post("/account/sessions").location == "/account?done=others_ended"
    over(elsewhere)


@pytest.mark.parametrize("where", [None, "", "own", "everywhere", "global ", "Global"])
def test_a_role_is_not_given_without_a_place(service: Service, where: str | None) -> None:
    """A form that says nowhere, or somewhere that is no place, gives nothing instead of everything."""
    admin = entered(service, ADMIN)
    found = re.search(r"/admin/users/usr_[0-9a-f]{32}", admin.get(f"/admin/users?email={VIEWER}").text)
    assert found is not None
    admin.get(found[0])
    form = {"role": "support", "producer": "", "territory": ""}
    answer = admin.post(f"{found[0]}/roles", form if where is None else {**form, "where": where})
    assert answer.status_code == 400
    assert "choose everywhere, one producer or one territory" in answer.text
    assert "A viewer, and nothing else." in admin.get(found[0]).text


def test_a_browser_of_the_api_that_looks_is_held_to_the_same(service: Service) -> None:
    """A form token of the look changes nothing once the look is over."""
    support, elsewhere = browser_of_api(service, SUPPORT), app(service, SUPPORT)
    path = f"/v1/admin/users/{user_id(support, VIEWER)}/impersonate"
    assert support.post(path, {"minutes": 1, **WHY}).status_code == 201
    assert support.get("/v1/me").json["email"] == VIEWER
    service.clock.advance(timedelta(minutes=1))
    refused(support.post("/v1/auth/logout-all", {"keep_current": True}), 403, "web.form_token_refused")
    assert elsewhere.get("/v1/auth/verify").status_code == 200


# ---- a change of keys


def test_sessions_outlive_a_change_of_keys(tmp_path: Path) -> None:
    """A token that the former key signed opens the session in app and browser; a stranger's none."""
    with running(tmp_path, old_secret_keys=(OLD_KEY,)) as service:
        client = app(service, VIEWER)
        with service.app.app_context():
            claims = web().tokens.decode(client.access)
        assert claims is not None
        for key, status, kind in ((OLD_KEY, 200, "member"), (STRANGE_KEY, 401, "nobody")):
            text = AccessTokens(signer((key,), "access-token"), public_ids((key,))).encode(claims)
            found = ApiClient(client.http, service, access=text).get("/v1/auth/verify")
            assert found.status_code == status, found.text
            assert status != 200 or found.json["email"] == VIEWER
            browser = service.app.test_client()
            browser.set_cookie(ACCESS, text)
            assert browser.get("/v1/me").json["kind"] == kind
