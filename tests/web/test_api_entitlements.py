"""The API of access: staff give, extend and take away, and are told why somebody may or may not watch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.api_client import FINANCE, SUPPORT, VIEWER, ApiClient, app, member, refused, user_id
from tests.web.service import Service, running

FILM = {"type": "film", "id": "t9k2"}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


def locked(viewer: ApiClient) -> dict[str, str]:
    """Return a film that the viewer may not watch yet."""
    films = viewer.get("/v1/titles?type=film&limit=100").json["titles"]
    return next(
        {"type": "film", "id": item["id"]} for item in films if item["access"]["reason"] == "no_grant"
    )


def test_a_gift_opens_and_its_end_closes(service: Service) -> None:
    """A gift plays at once, is listed, explained and extended; revoked, the title is closed and says so."""
    viewer, support = member(service, VIEWER), app(service, SUPPORT)
    film = locked(viewer)
    user = user_id(support, VIEWER)
    base = f"/v1/admin/users/{user}/access"
    body: dict[str, Any] = {"kind": "gift", "title": film, "reason": "made up for an outage"}
    body["ends_at"] = "2027-01-01T00:00:00Z"
    given = support.post(base, body, key="gift-1")
    assert given.status_code == 201
    assert support.post(base, body, key="gift-1").json == given.json
    assert viewer.get(f"/v1/titles/film/{film['id']}").json["access"]["allowed"] is True
    [held] = [item for item in support.get(base).json["grants"] if item["id"] == given.json["id"]]
    assert (held["kind"], held["title"], held["status"]) == ("gift", film, "active")
    where = f"{base}/why?type=film&title={film['id']}&country=IN"
    told = support.get(where).json
    assert (told["answer"]["allowed"], told["answer"]["via"]) == (True, given.json["id"])
    assert [item["verdict"] for item in told["sources"] if item["id"]] == ["won"]
    later = {"ends_at": "2027-02-01T00:00:00Z", "reason": "asked for longer"}
    longer = support.post(f"{base}/{given.json['id']}/extend", later, key="gift-2")
    assert longer.json["ends_at"].startswith("2027-02-01")
    gone = support.post(f"{base}/{longer.json['id']}/revoke", {"reason": "given by mistake"}, key="gift-3")
    assert gone.status_code == 201
    access = viewer.get(f"/v1/titles/film/{film['id']}").json["access"]
    assert (access["allowed"], access["reason"]) == (False, "revoked")
    told = support.get(where).json
    assert told["decided_by"] == told["answer"]["reason"] == "revoked"
    assert "revoked" in told["text"]


def test_no_inner_id_is_shown(service: Service) -> None:
    """Neither the trace nor its words hold an internal id."""
    viewer, support = member(service, VIEWER), app(service, SUPPORT)
    film = locked(viewer)
    base = f"/v1/admin/users/{user_id(support, VIEWER)}/access"
    body = {"kind": "rental", "title": film, "hours": 24, "reason": "made up for an outage"}
    support.post(base, body, key="rent-1")
    for path in (base, f"{base}/why?type=film&title={film['id']}&country=IN"):
        text = support.get(path).get_data(as_text=True)
        assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", text)


def test_who_may_not_and_what_cannot_be(service: Service) -> None:
    """Each refusal has its status and code, and nothing is given."""
    viewer, support = member(service, VIEWER), app(service, SUPPORT)
    film = locked(viewer)
    user = user_id(support, VIEWER)
    base = f"/v1/admin/users/{user}/access"
    body: dict[str, Any] = {"kind": "gift", "title": film, "reason": "made up for an outage"}
    refused(app(service, FINANCE).post(base, body, key="k-1"), 403, "access.not_permitted")
    for change, expected in (
        ({"kind": "token_unlock"}, (400, "entitlements.bad_grant")),
        ({"kind": "subscription"}, (400, "entitlements.bad_grant")),
        ({"ends_at": "2020-01-01T00:00:00Z"}, (400, "entitlements.bad_grant")),
        ({"title": {"type": "film", "id": "zzzz"}}, (404, "catalog.title_not_found")),
        ({"hours": 25}, (400, "web.invalid_request")),
        (
            {"rights": {"max_height": 100, "ads": False, "downloads": False, "streams": 9}},
            (400, "web.invalid_request"),
        ),
    ):
        refused(support.post(base, {**body, **change}, key="k-1"), *expected)
    for code in ("UK", "ZZ", "EU"):
        asked = support.get(f"{base}/why?type=film&title={film['id']}&country={code}")
        refused(asked, 400, "kernel.territory_unknown")
    nobody = f"{base}/gra_{'0' * 32}/revoke"
    refused(support.post(nobody, {"reason": "because"}, key="k-1"), 404, "entitlements.grant_not_found")
    assert not [item for item in support.get(base).json["grants"] if item["kind"] == "gift"]
