"""Arriving and joining: who leaves an account behind, and what a form sent twice does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.web.api_client import ADMIN, ApiClient
from tests.web.service import PASSWORD, Service, running
from tests.web.test_producer_admin_pages import signed_in
from tests.web.test_viewer_pages import short


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


def accounts(service: Service) -> int:
    """Return how many accounts were begun, by the events that say so."""

    async def count() -> int:
        async with service.container.engine().connect() as connection:
            return int((await connection.execute(text("SELECT count(*) FROM accounts"))).scalar_one())

    return int(service.call(count))


def test_head_leaves_no_account(service: Service) -> None:
    """A probe that asks by HEAD is answered, with no body, cookie or account; a page makes its guest."""
    before = accounts(service)
    for path in ("/", "/earn", "/wallet", "/join", f"/{short(service.browser())}"):
        before = accounts(service)
        answer = service.app.test_client().head(path)
        assert (answer.status_code in (200, 301), answer.data) == (True, b"")
        assert "Set-Cookie" not in answer.headers
        assert accounts(service) == before
    service.browser().get("/")
    assert accounts(service) == before + 1


def test_head_of_a_known_visitor_is_their_page(service: Service) -> None:
    """Who has an account is answered by HEAD as by GET."""
    browser = service.browser()
    browser.get("/")
    assert browser.client.head("/wallet").status_code == 200


def test_joining_sent_twice_joins_once(service: Service) -> None:
    """The second of two equal forms finds the account of the first and lets its browser in."""
    browser = service.browser()
    page = browser.get("/join").text
    key = re.findall(r'name="idempotency_key" value="([^"]+)"', page)[0]
    form = {
        "email": "asha@example.com",
        "password": PASSWORD,
        "idempotency_key": key,
        "csrf_token": browser.token,
    }
    held = browser.cookie("buddy_account"), browser.cookie("buddy_csrf")
    answers, cookies = [], []
    before = accounts(service)
    for _ in range(2):
        client = service.app.test_client()
        client.set_cookie("buddy_account", held[0] or "")
        client.set_cookie("buddy_csrf", held[1] or "")
        answers.append(client.post("/join", data=form, headers={"Accept": "text/html"}))
        cookies.append((client.get_cookie("buddy_session"), client.get_cookie("buddy_account")))
    assert [answer.status_code for answer in answers] == [303, 303]
    assert all(session is not None and guest is None for session, guest in cookies)
    assert accounts(service) == before + 1


def test_a_key_alone_lets_nobody_in(service: Service) -> None:
    """The form of another sent again with a wrong password is no way into their account."""
    browser = service.browser()
    page = browser.get("/join").text
    key = re.findall(r'name="idempotency_key" value="([^"]+)"', page)[0]
    held = browser.cookie("buddy_account"), browser.cookie("buddy_csrf")
    form = {
        "email": "asha@example.com",
        "password": PASSWORD,
        "idempotency_key": key,
        "csrf_token": browser.token,
    }
    assert browser.client.post("/join", data=form).status_code == 303
    client = service.app.test_client()
    client.set_cookie("buddy_account", held[0] or "")
    client.set_cookie("buddy_csrf", held[1] or "")
    answer = client.post("/join", data={**form, "password": "Another-one-1"})
    assert (answer.status_code, answer.location) == (303, "/join")
    assert client.get_cookie("buddy_session") is None


def test_a_guest_that_went_elsewhere_joins_anew(service: Service) -> None:
    """Somebody whose guest has joined by another form still gets the account that they ask for."""
    browser = service.browser()
    browser.get("/join")
    held = browser.cookie("buddy_account"), browser.cookie("buddy_csrf")
    token = browser.token
    assert browser.join("asha@example.com").status_code == 303
    client = service.app.test_client()
    client.set_cookie("buddy_account", held[0] or "")
    client.set_cookie("buddy_csrf", held[1] or "")
    form = {
        "email": "bilal@example.com",
        "password": PASSWORD,
        "csrf_token": token,
        "idempotency_key": "reg_2",
    }
    assert client.post("/join", data=form).status_code == 303
    assert service.browser().sign_in("bilal@example.com").status_code == 303


def test_open_rewards_are_bounded(service: Service) -> None:
    """As many ads as a day pays may be open at once; the next is refused until one ends or expires."""
    client = ApiClient(service.app.test_client(), service)
    client.get("/v1/me")
    client.post("/v1/guests")
    statuses = [client.post("/v1/ads/rewards").status_code for _ in range(40)]
    begun = statuses.count(201)
    assert 0 < begun < 40
    assert statuses == [201] * begun + [422] * (40 - begun)
    refused = client.post("/v1/ads/rewards").json
    assert (refused["code"], refused["facts"]["limit"]) == ("ads.too_many_open", begun)
    answer = service.browser()
    answer.get("/earn")
    assert answer.post("/earn/start").status_code == 303


@pytest.mark.parametrize("prefix", ["", "watch/", "unlock/"])
def test_a_short_id_in_capitals_leads_to_the_address(service: Service, prefix: str) -> None:
    """However the id was typed, the browser ends at the one address, with the query it came with."""
    browser = service.browser()
    wanted = short(browser)
    type_, short_id = wanted.split("/")
    answer = browser.get(f"/{prefix}{type_}/{short_id.upper()}?from=poster")
    assert answer.status_code == 301
    assert answer.location.startswith(f"/{prefix}{type_}/{short_id}")
    assert answer.location.endswith("?from=poster")


def test_staff_choose_a_producer(service: Service) -> None:
    """An admin at /producer gets the list of producers, and each leads to its figures."""
    admin = signed_in(service, ADMIN)
    page = admin.get("/producer")
    assert page.status_code == 200
    links = re.findall(r'href="(/producer\?producer=[a-z0-9]+)"', page.text)
    assert len(links) >= 2
    assert all(admin.get(link).status_code == 200 for link in links)
    api = ApiClient(admin.client, service)
    assert api.get("/v1/producer/statements").json["code"] == "web.producer_not_named"


def test_too_short_a_reason_keeps_the_form(service: Service) -> None:
    """A reason that says nothing is refused on the page, with what was typed still in its fields."""
    admin = signed_in(service, ADMIN)
    admin.get("/admin/rewards")
    form = {"owner": "viewer@example.com", "act": "freeze", "reason": "x", "idempotency_key": "frz-1"}
    answer = admin.post("/admin/wallets", form)
    assert answer.status_code == 400
    assert "Say why, in 3 to 500 characters" in answer.text
    assert 'value="viewer@example.com"' in answer.text
    assert 'value="x"' in answer.text
    answer = admin.post("/admin/rewards", {"reward_id": "rwd_1", "decision": "release", "reason": ""})
    assert (answer.status_code, "Say why" in answer.text) == (400, True)


def test_a_body_of_another_type_is_said_plainly(service: Service) -> None:
    """A form sent to the API is told that it takes JSON, without the name of a class of ours."""
    client = ApiClient(service.app.test_client(), service)
    client.get("/v1/me")
    answer = client.http.post("/v1/auth/login", data={"email": "a"}, headers={"X-CSRF-Token": client.token})
    assert answer.status_code == 400
    assert "must be a JSON object, sent with Content-Type: application/json" in answer.json["detail"]
    assert "LoginBody" not in answer.text
