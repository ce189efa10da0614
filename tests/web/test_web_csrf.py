"""Form tokens: who may change things, and from where."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buddy_web.app import BuddyApp
from buddy_web.csrf import exempt_routes
from tests.web.toy_app import ASHA, BILAL, Clock


def signed_in(client: FlaskClient, name: str = "asha") -> str:
    """Sign in and return the form token of the page."""
    return client.get(f"/sign-in/{name}").get_data(as_text=True)


def test_form_field_is_accepted(client: FlaskClient) -> None:
    """A form that sends its page's token is let through, as its visitor."""
    token = signed_in(client)
    answer = client.post("/change", data={"csrf_token": token})
    assert (answer.status_code, answer.get_json()["account"]) == (200, str(ASHA))


def test_header_is_accepted(client: FlaskClient) -> None:
    """A fetch with the token in X-CSRF-Token is let through, also to the JSON interface."""
    headers = {"X-CSRF-Token": signed_in(client)}
    purchase = {"tokens": 1, "email": "a@example.com"}
    assert client.post("/change", headers=headers).status_code == 200
    assert client.post("/v1/purchases", json=purchase, headers=headers).status_code == 200


def test_missing_token_is_refused(client: FlaskClient) -> None:
    """Without the token nothing is changed, neither by a form nor by the JSON interface."""
    signed_in(client)
    for path in ("/change", "/v1/purchases"):
        answer = client.post(path, json={"tokens": 1, "email": "a@example.com"})
        assert (answer.status_code, answer.get_json()["code"]) == (403, "web.form_token_refused")


def test_token_without_its_cookie_is_refused(client: FlaskClient) -> None:
    """The token alone, without the browser's copy, is refused."""
    token = signed_in(client)
    client.delete_cookie("buddy_csrf")
    assert client.post("/change", headers={"X-CSRF-Token": token}).status_code == 403


def test_another_visitors_token_is_refused(app: BuddyApp) -> None:
    """A token of the attacker's own account, planted as cookie and field, is refused."""
    victim, attacker = app.test_client(), app.test_client()
    signed_in(victim)
    planted = signed_in(attacker, "bilal")
    victim.set_cookie("buddy_csrf", planted)
    assert victim.post("/change", headers={"X-CSRF-Token": planted}).status_code == 403


def test_token_ends_with_the_account(client: FlaskClient) -> None:
    """After signing in to another account the old page's token is refused, and the new page's accepted."""
    old = signed_in(client)
    new = signed_in(client, "bilal")
    assert client.post("/change", headers={"X-CSRF-Token": old}).status_code == 403
    assert client.post("/change", headers={"X-CSRF-Token": new}).status_code == 200


def test_a_guests_token_ends_with_the_sign_in(client: FlaskClient) -> None:
    """The page that a guest had open changes nothing for the session that began since; the new page does."""
    old = signed_in(client)
    new = client.get("/enter").get_data(as_text=True)
    assert client.post("/change", headers={"X-CSRF-Token": old}).status_code == 403
    answer = client.post("/change", headers={"X-CSRF-Token": new})
    assert (answer.status_code, answer.get_json()["account"]) == (200, str(BILAL))


def test_a_token_outlives_the_renewal_of_its_session(client: FlaskClient, clock: Clock) -> None:
    """While a session's tokens rotate, the open page's form token stays good."""
    token = client.get("/enter").get_data(as_text=True)
    held = client.get_cookie("buddy_session")
    clock.at += timedelta(minutes=10)
    assert client.get("/enter").get_data(as_text=True) == token
    assert client.get_cookie("buddy_session") != held
    assert client.post("/change", headers={"X-CSRF-Token": token}).status_code == 200


def test_a_bare_route_serves_whoever_keeps_no_cookies(client: FlaskClient) -> None:
    """Without a cookie that says who asks no form token is needed; with one it is."""
    assert client.post("/bare").get_json() == {"account": None}
    signed_in(client)
    assert client.post("/bare").status_code == 403
    client.get("/enter")
    assert client.post("/bare").status_code == 403


def test_pages_of_one_visitor_share_a_token(client: FlaskClient) -> None:
    """Several tabs hold the same token, so that one does not spoil another."""
    first = signed_in(client)
    assert client.get("/form").get_data(as_text=True) == first


def test_visitor_without_account_has_a_token(client: FlaskClient) -> None:
    """A browser that is nobody yet can send forms too."""
    token = client.get("/form").get_data(as_text=True)
    assert client.post("/change", data={"csrf_token": token}).status_code == 200


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='";,\\')))
def test_made_up_tokens_are_refused(client: FlaskClient, token: str) -> None:
    """No made-up token passes, though cookie and header agree."""
    client.set_cookie("buddy_csrf", token)
    assert client.post("/change", headers={"X-CSRF-Token": token}).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_sites_are_refused(client: FlaskClient, site: str) -> None:
    """A browser that says the request came from another site is refused even with the right token."""
    headers = {"X-CSRF-Token": signed_in(client), "Sec-Fetch-Site": site}
    assert client.post("/change", headers=headers).status_code == 403


def test_exempt_routes_have_no_visitor(client: FlaskClient) -> None:
    """A route without form token is let through, but does not see whose cookie came along."""
    signed_in(client)
    for path in ("/webhook", "/v1/hooks/7"):
        answer = client.post(path)
        assert (answer.status_code, answer.get_json()["account"]) == (200, None)


def test_exempt_routes_are_listed(app: BuddyApp) -> None:
    """Every exemption is found with its reason."""
    assert exempt_routes(app) == {
        "pages.webhook": "signed by the provider",
        "pages.upload": "takes no cookies",
        "toy.hook": "bearer token",
    }


def test_unknown_address_is_not_found(client: FlaskClient) -> None:
    """A POST to nowhere, or by a method that is not taken, says so rather than asking for a token."""
    assert client.post("/nowhere").status_code == 404
    assert client.post("/me").status_code == 405
