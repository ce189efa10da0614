"""The desk's pages of access: what an account holds, giving and taking away, and why a title plays."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
