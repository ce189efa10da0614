"""Facts and terms by the API: brought in once, told where they are wrong, and tried before they are set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from buddy_web.routes.api_royalty import MOST_SENT
from tests.web.api_client import ADMIN, FINANCE, MARIGOLD, SUPPORT, VIEWER, ApiClient, member
from tests.web.service import Service, running
from tests.web.test_producer_admin_pages import changes
from tests.web.test_viewer_pages import UUID_TEXT

FACTS = "/v1/admin/royalty/facts"
TERMS = "/v1/admin/royalty/terms"
OCTOBER = "entity=newtact&month=2026-10"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


@pytest.fixture
def admin(service: Service) -> ApiClient:
    """An admin, with a second factor proved."""
    return member(service, ADMIN)


def send(
    client: ApiClient, path: str, body: Any, kind: str = "application/json", method: str = "POST"
) -> Any:
    """Send a body as it is; anything but bytes as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.http.open(path, method=method, data=data, content_type=kind, headers=client.proof())


def sale(client: ApiClient, id: str = "s1", **changed: Any) -> dict[str, Any]:
    """Return a rental of a film of the demo for 100 rupees."""
    film = client.title("The Last Monsoon")
    fact = {
        "id": id,
        "model": "rental",
        "title": f"film/{film['id']}",
        "territory": "IN",
        "currency": "INR",
        "gross": 100_00,
        "at": "2026-10-05",
    }
    return {**fact, **changed}


def licence(client: ApiClient, name: str = "The Last Monsoon") -> dict[str, Any]:
    """Return the first licence of a title."""
    found: dict[str, Any] = client.get(f"{TERMS}?entity=newtact&q={name}").json["licences"][0]
    return found


def test_facts_are_brought_in_once_and_listed(service: Service, admin: ApiClient) -> None:
    """JSON and CSV count once by their name, are listed with their count, and are read again as they are."""
    facts = {"sales": [sale(admin)]}
    first = send(admin, f"{FACTS}?{OCTOBER}&name=gateway%202026-10", facts)
    assert (first.status_code, first.json) == (
        201,
        {"sequence": 1, "facts": 1, "is_new": True, "is_late": False},
    )
    again = send(admin, f"{FACTS}?{OCTOBER}&name=gateway%202026-10", facts)
    assert again.json == {**first.json, "is_new": False}
    row = sale(admin, "s2")
    csv = ",".join(row) + "\n" + ",".join(str(value) for value in row.values()) + "\n"
    found = send(admin, f"{FACTS}?{OCTOBER}&name=csv&section=sales", csv.encode(), "text/csv")
    assert (found.status_code, found.json["facts"]) == (201, 1)
    listed = admin.get(f"{FACTS}?{OCTOBER}").json
    assert [(item["name"], item["facts"]) for item in listed["files"]] == [("csv", 1), ("gateway 2026-10", 1)]
    assert not listed["is_closed"]
    content = admin.get(f"{FACTS}/content?entity=newtact&name=csv")
    assert json.loads(content.data)["sales"][0]["gross"] == 100_00
    assert not UUID_TEXT.search(json.dumps(listed))
    assert changes(service) == ["royalty.facts", "royalty.facts"]


def test_announced_facts_are_awaited(admin: ApiClient) -> None:
    """They are listed as awaited, and an empty object ends it."""
    body = {"entity": "newtact", "month": "2026-10", "name": "ads"}
    assert admin.post(f"{FACTS}/announce", body).status_code == 201
    assert not admin.post(f"{FACTS}/announce", body).json["is_new"]
    [file] = admin.get(f"{FACTS}?{OCTOBER}").json["files"]
    assert (file["is_awaited"], file["facts"]) == (True, 0)
    assert send(admin, f"{FACTS}?{OCTOBER}&name=ads", {}).json["is_new"]
    [file] = admin.get(f"{FACTS}?{OCTOBER}").json["files"]
    assert not file["is_awaited"]


@pytest.mark.parametrize(
    ("query", "body", "kind", "status", "code"),
    [
        (f"{OCTOBER}&name=a", b"{", "application/json", 400, "royalty.bad_input"),
        (f"{OCTOBER}&name=a", b"", "application/json", 400, "royalty.bad_input"),
        (f"{OCTOBER}&name=a", b'{"sales": [{}]}', "application/json", 400, "royalty.bad_input"),
        (f"{OCTOBER}&name=a&section=sales", b"{}", "application/json", 400, "web.invalid_request"),
        (f"{OCTOBER}&name=a", b"id\n", "text/csv", 400, "web.invalid_request"),
        (f"{OCTOBER}&name=a&section=sales", b"id\n", "text/csv", 400, "royalty.bad_input"),
        (f"{OCTOBER}&name=a&section=films", b"id\n", "text/csv", 400, "web.invalid_request"),
        (f"{OCTOBER}&name=", b"{}", "application/json", 400, "web.invalid_request"),
        ("entity=newtact&month=2026-13&name=a", b"{}", "application/json", 400, "kernel.invalid_month"),
        ("entity=newtact&month=2027-10&name=a", b"{}", "application/json", 400, "kernel.invalid_value"),
        ("entity=nobody&month=2026-10&name=a", b"{}", "application/json", 404, "tax.unknown_entity"),
    ],
)
def test_facts_that_cannot_be_are_refused(
    service: Service, admin: ApiClient, query: str, body: bytes, kind: str, status: int, code: str
) -> None:
    """Each has its stable code, and nothing is written."""
    found = send(admin, f"{FACTS}?{query}", body, kind)
    assert (found.status_code, found.json["code"]) == (status, code), found.text
    assert changes(service) == []


def test_every_problem_comes_with_its_place(admin: ApiClient) -> None:
    """The facts of the error list file, row, column, what and fix."""
    facts = {"sales": [sale(admin, title="film/zzzz"), sale(admin, "s2", at="2026-11-05")]}
    found = send(admin, f"{FACTS}?{OCTOBER}&name=a", facts)
    assert found.json["facts"]["count"] == 2
    assert [item["column"] for item in found.json["facts"]["problems"]] == ["sales[0].title", "sales[1].at"]
    assert all(item["fix"] for item in found.json["facts"]["problems"])


def test_a_body_that_is_too_large_is_refused_before_it_is_read(admin: ApiClient) -> None:
    """It is 413 with a code of its own."""
    found = send(admin, f"{FACTS}?{OCTOBER}&name=a", b" " * (MOST_SENT + 1))
    assert (found.status_code, found.json["code"]) == (413, "web.body_too_large")


def test_terms_are_read_set_tried_and_taken_away(service: Service, admin: ApiClient) -> None:
    """A licence has none, then these, then others; an effect says who would have what and writes nothing."""
    send(admin, f"{FACTS}?{OCTOBER}&name=a", {"sales": [sale(admin)]})
    mine = licence(admin)
    assert (mine["terms"], mine["sequence"], mine["title"]) == (None, 0, "The Last Monsoon")
    path = f"{TERMS}/licence?entity=newtact&key={mine['key']}"
    effect = send(
        admin,
        f"{TERMS}/licence/effect?entity=newtact&key={mine['key']}&month=2026-10",
        {"rates": {"rental": "1/3"}},
    ).json
    assert effect["is_changed"]
    mine_then, platform = effect["differences"]
    assert (mine_then["holder"], mine_then["then"]) == (mine["holder"], "10000/3")
    assert platform["holder"] == "platform"
    assert {item["earned_then"] for item in effect["totals"]} == {33_33, 66_67}
    done = send(admin, path, {"rates": {"rental": "1/3"}}, method="PUT")
    assert (done.status_code, done.json) == (200, {"sequence": 2})
    assert send(admin, path, {"rates": {"rental": "1/3"}}, method="PUT").json == {"sequence": 2}
    stale = send(admin, f"{path}&base=0", {"fee": "5%"}, method="PUT")
    assert (stale.status_code, stale.json["code"]) == (409, "royalty.terms_changed")
    assert admin.get(path).json["terms"] == {"rates": {"rental": "1/3"}}
    assert admin.get(path).json["shares"]["1/3"] == ["rental"]
    same = send(admin, f"{TERMS}/licence/effect?entity=newtact&key={mine['key']}&month=2026-10", b"null").json
    assert same["is_changed"]
    assert admin.post(path, method="DELETE").status_code == 200
    assert admin.get(path).json["terms"] is None
    assert changes(service) == ["royalty.facts", "royalty.terms", "royalty.terms"]


def test_accounts_and_pools_have_terms(admin: ApiClient) -> None:
    """They are set by their key, stand in the list, and are gone when they are taken away."""
    holder = licence(admin)["holder"]
    account, pool = f"{TERMS}/account?entity=newtact&key=asha-inr", f"{TERMS}/pool?entity=newtact&key=*"
    for path in (account, pool):
        assert admin.get(path).json["code"] == "royalty.input_not_found"
    terms = {"holder": holder, "currency": "INR", "advance": 300_000}
    assert send(admin, account, terms, method="PUT").status_code == 200
    assert send(admin, pool, {"method": "user_centric"}, method="PUT").status_code == 200
    book = admin.get(f"{TERMS}?entity=newtact").json
    assert [(item["key"], item["holder"]) for item in book["accounts"]] == [("asha-inr", holder)]
    assert [(item["key"], item["terms"]["method"]) for item in book["pools"]] == [("*", "user_centric")]
    assert book["total"] >= len(book["licences"]) > 1
    for path in (account, pool):
        assert admin.post(path, method="DELETE").status_code == 200
        assert admin.get(path).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "code", "column"),
    [
        ("licence", b'{"fee": 0.5}', "royalty.bad_input", "fee"),
        ("licence", b'{"fee": "5%", "fee": "6%"}', "royalty.bad_input", "fee"),
        ("licence", b'{"preset": "filn"}', "royalty.bad_input", "preset"),
        ("licence", b"[]", "royalty.bad_input", ""),
        ("account", b'{"holder": "zzzz", "currency": "INR"}', "royalty.bad_input", "accounts.x.holder"),
        ("account", b'{"id": "y", "holder": "zzzz", "currency": "INR"}', "royalty.bad_input", "id"),
        ("pool", b'{"method": "by_luck"}', "royalty.bad_input", "method"),
    ],
)
def test_terms_that_cannot_be_are_told_by_their_key(
    admin: ApiClient, path: str, body: bytes, code: str, column: str
) -> None:
    """A number without quotes is told too: it is read as it was written."""
    key = licence(admin)["key"] if path == "licence" else "x"
    found = send(admin, f"{TERMS}/{path}?entity=newtact&key={key}", body, method="PUT")
    assert (found.status_code, found.json["code"]) == (400, code)
    assert found.json["facts"]["problems"][0]["column"] == column


def test_a_licence_that_is_none_is_not_found(admin: ApiClient) -> None:
    """Reading, setting and trying say so alike."""
    where = "entity=newtact&key=L-none"
    assert admin.get(f"{TERMS}/licence?{where}").json["code"] == "royalty.input_not_found"
    assert send(admin, f"{TERMS}/licence?{where}", {}, method="PUT").status_code == 404
    assert send(admin, f"{TERMS}/licence/effect?{where}&month=2026-10", {}).status_code == 404
    assert admin.get(f"{FACTS}/content?entity=newtact&name=none").status_code == 404


def test_only_who_may_brings_facts_and_sets_terms(service: Service) -> None:
    """Finance brings facts in and sets no terms; support, producers and viewers do neither, nor look."""
    finance = member(service, FINANCE)
    assert send(finance, f"{FACTS}?{OCTOBER}&name=a", {}).status_code == 201
    key = licence(finance)["key"]
    assert send(finance, f"{TERMS}/licence?entity=newtact&key={key}", {}, method="PUT").status_code == 403
    for email in (SUPPORT, MARIGOLD, VIEWER):
        client = member(service, email)
        assert client.get(f"{FACTS}?{OCTOBER}").status_code == 403
        assert client.get(f"{TERMS}?entity=newtact").status_code == 403
        assert send(client, f"{FACTS}?{OCTOBER}&name=b", {}).status_code == 403
        assert send(client, f"{TERMS}/licence?entity=newtact&key={key}", {}, method="PUT").status_code == 403
