"""The desk's pages of access: what an account holds, giving and taking away, and why a title plays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.web.api_client import SUPPORT, VIEWER, app, member, user_id
from tests.web.service import Service, running
from tests.web.test_api_entitlements import locked


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


def test_support_gives_extends_and_takes_away(service: Service) -> None:
    """Each form does its act once and says so; a refusal stands at the form, with what was typed."""
    film = locked(member(service, VIEWER))
    here = f"/admin/users/{user_id(app(service, SUPPORT), VIEWER)}/access"
    browser = member(service, SUPPORT).http
    page = browser.get(here)
    assert page.status_code == 200
    assert "Nothing yet" in page.text
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]  # type: ignore[index]
    key = re.search(r'name="idempotency_key" value="([^"]+)"', page.text)[1]  # type: ignore[index]
    form = {
        "csrf_token": csrf,
        "idempotency_key": key,
        "kind": "gift",
        "title": f"https://example.test/film/{film['id']}/a-name",
        "ends_at": "2027-01-01T00:00",
        "reason": "made up for an outage",
    }
    wrong = browser.post(here, data={**form, "title": "film/zzzz"})
    assert wrong.status_code == 404
    assert "made up for an outage" in wrong.text
    for _ in range(2):
        assert browser.post(here, data=form).headers["Location"].endswith("done=access_give")
    page = browser.get(f"{here}?done=access_give")
    assert page.text.count('<span class="chip good">Active</span>') == 1
    grant = re.search(r"(gra_[0-9a-f]{32})/extend", page.text)[1]  # type: ignore[index]
    later = {
        "csrf_token": csrf,
        "idempotency_key": "x-1",
        "ends_at": "2027-02-01",
        "reason": "asked for longer",
    }
    assert browser.post(f"{here}/{grant}/extend", data={**later, "ends_at": "soon"}).status_code == 400
    assert browser.post(f"{here}/{grant}/extend", data=later).status_code in (302, 303)
    grant = re.search(r"(gra_[0-9a-f]{32})/revoke", browser.get(here).text)[1]  # type: ignore[index]
    gone = {"csrf_token": csrf, "idempotency_key": "r-1", "reason": "given by mistake"}
    assert browser.post(f"{here}/{grant}/revoke", data=gone).status_code in (302, 303)
    assert "given by mistake" in browser.get(here).text


def test_what_is_over_is_not_called_active(service: Service) -> None:
    """A gift that has ended by itself says so and since when, and may be given a later end."""
    film = locked(member(service, VIEWER))
    support = app(service, SUPPORT)
    here = f"/admin/users/{user_id(support, VIEWER)}/access"
    until = service.clock.now() + timedelta(hours=1)
    body = {"kind": "gift", "title": film, "ends_at": until.isoformat(), "reason": "made up for an outage"}
    assert support.post(f"/v1{here}", body, key="gift-1").status_code == 201
    [grant] = support.get(f"/v1{here}").get_json()["grants"]
    assert (grant["over_because"], grant["until"]) == (None, grant["ends_at"])
    service.clock.advance(timedelta(hours=2))
    browser = member(service, SUPPORT).http
    page = browser.get(here)
    assert "Grant ended" in page.text
    assert "over since" in page.text
    assert ">Active</span>" not in page.text
    assert "/extend" in page.text
    [grant] = app(service, SUPPORT).get(f"/v1{here}").get_json()["grants"]
    assert (grant["status"], grant["over_because"]) == ("active", "grant_ended")


def test_why_shows_the_whole_way(service: Service) -> None:
    """The page names the answer, the rule, every source and fact, and no internal id."""
    film = locked(member(service, VIEWER))
    browser = member(service, SUPPORT).http
    here = f"/admin/users/{user_id(app(service, SUPPORT), VIEWER)}/access/why"
    assert browser.get(here).status_code == 200
    page = browser.get(f"{here}?title=film/{film['id']}&country=in")
    assert page.status_code == 200
    assert "The answer" in page.text
    assert "No grant" in page.text
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-7", page.text)
    for query, status in (
        (f"title=film/{film['id']}&country=in&at=never", 400),
        ("title=nothing", 404),
        (f"title=film/{film['id']}&known_at=2199-01-01", 400),
    ):
        assert browser.get(f"{here}?{query}").status_code == status


def test_what_was_typed_wrong_is_said_at_the_form(service: Service) -> None:
    """A tier no plan has, hours no rental runs, an age that is none, a country by another name."""
    film = locked(member(service, VIEWER))
    here = f"/admin/users/{user_id(app(service, SUPPORT), VIEWER)}/access"
    browser = member(service, SUPPORT).http
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(here).text)[1]  # type: ignore[index]
    form = {"csrf_token": csrf, "title": f"film/{film['id']}", "reason": "made up for an outage"}
    plan = {**form, "kind": "subscription", "title": "", "ends_at": "2027-01-01"}
    for wrong, said in (
        ({**plan, "tier": "Gold Plan <b>"}, "small letters"),
        ({**plan, "tier": " Gold "}, "small letters"),
        ({**form, "kind": "rental", "hours": "47"}, "24, 36, 48, 72"),
    ):
        page = browser.post(here, data=wrong)
        assert (page.status_code, said in page.text) == (400, True), wrong
    assert "Nothing yet" in browser.get(here).text
    assert browser.post(here, data={**plan, "tier": " gold "}).status_code in (302, 303)
    asked = f"{here}/why?title=film/{film['id']}"
    for query, said in (
        ("max_age=%C2%B2", "0 to 99"),
        ("max_age=abc", "0 to 99"),
        ("max_age=100", "0 to 99"),
        ("max_age=-1", "0 to 99"),
        ("country=UK", "Did you mean GB"),
        ("country=zz", "two capital letters"),
    ):
        page = browser.get(f"{asked}&{query}")
        assert (page.status_code, said in page.text) == (400, True), query
    assert browser.get(f"{asked}&max_age=12&country=in").status_code == 200
