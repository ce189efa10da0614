"""Rights by the API: the book and its history, changes, takedowns with what is owed, and files of windows."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.web.api_client import ADMIN, FINANCE, VIEWER, ApiClient, guest, member
from tests.web.service import Service, running
from tests.web.test_producer_admin_pages import changes
from tests.web.test_viewer_pages import UUID_TEXT

REASON = "the autumn plan"
SVOD = {
    "do": "add_window",
    "type": "svod",
    "territories": ["*"],
    "excluding": ["AE"],
    "starts_at": "2026-12-01T00:00:00Z",
    "ends_at": "2027-06-01T00:00:00Z",
    "tiers": ["gold"],
}
HEAD = "title,type,territories,starts,ends,tiers,free,tokens\n"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


@pytest.fixture
def admin(service: Service) -> ApiClient:
    return member(service, ADMIN)


@pytest.fixture
def film(admin: ApiClient) -> str:
    """The address of a film that is licensed worldwide and has one open TVOD window."""
    return f"/v1/admin/titles/film/{admin.title('The Last Monsoon')['id']}"


def change(
    client: ApiClient, film: str, *edits: dict[str, Any], key: str = "k1", **more: Any
) -> TestResponse:
    """Send changes."""
    return client.post(f"{film}/rights/changes", {"changes": list(edits), "reason": REASON, **more}, key=key)


def upload(client: ApiClient, text: str | bytes, key: str = "s1", lines: str = "all") -> TestResponse:
    """Send a file of windows."""
    return client.http.post(
        f"/v1/admin/rights/windows.csv?reason=plan&lines={lines}",
        data=text,
        content_type="text/csv",
        headers=client.proof() | {"Idempotency-Key": key},
    )


def test_the_book_says_what_stands_and_who_made_it_so(service: Service, admin: ApiClient, film: str) -> None:
    """A change is answered with its revision and ids, stands in book and history, and happens once."""
    before = admin.get(f"{film}/rights").json
    assert (before["revision"], len(before["windows"]), before["licences"][0]["ownership"]) == (1, 1, "1/1")
    made = change(admin, film, SVOD, base=1)
    assert made.status_code == 201, made.text
    assert made.json["revision"] == 2
    assert change(admin, film, SVOD, base=1).json == made.json
    book = admin.get(f"{film}/rights").json
    [window] = [item for item in book["windows"] if item["type"] == "svod"]
    assert made.json["added"] == [{"change": 0, "id": window["id"]}]
    assert (window["territories"], window["excluding"], window["tiers"]) == (["*"], ["AE"], ["gold"])
    assert window["sells"] == ["tokens", "subscription"]
    assert (book["recorded_by"], book["reason"]) == (ADMIN, REASON)
    found = admin.get(f"{film}/rights/history").json
    assert [item["revision"] for item in found["revisions"]] == [2, 1]
    assert [item["id"] for item in found["revisions"][0]["come"]["windows"]] == [window["id"]]
    assert found["revisions"][0]["gone"]["windows"] == []
    page = admin.get(f"{film}/rights/history?limit=1").json
    assert page["next_before"] == 2
    assert admin.get(f"{film}/rights/history?before=2").json["revisions"] == found["revisions"][1:]
    assert not UUID_TEXT.search(json.dumps([book, found, made.json]))
    assert changes(service) == ["rights.change"]


def test_windows_and_licences_end_and_move(admin: ApiClient, film: str) -> None:
    """What has not begun is moved or taken away, what has begun ends; all by public ids."""
    svod = change(admin, film, SVOD).json["added"][0]["id"]
    later = {"do": "move_window", "window": svod, "starts_at": "2026-12-08T00:00:00Z", "territories": ["IN"]}
    endless = change(admin, film, later, key="k2")
    assert (endless.status_code, endless.json["code"]) == (400, "web.invalid_request")
    later["ends_at"] = None
    first = change(admin, film, later, key="k2")
    assert first.status_code == 201
    book = admin.get(f"{film}/rights").json
    [moved] = [item for item in book["windows"] if item["id"] == svod]
    assert (moved["starts_at"], moved["ends_at"]) == ("2026-12-08T00:00:00Z", None)
    assert moved["territories"] == ["IN"]
    assert change(admin, film, {"do": "remove_window", "window": svod}, key="k3").status_code == 201
    again = change(admin, film, later, key="k2")
    assert (again.status_code, again.json) == (201, first.json)
    [tvod] = admin.get(f"{film}/rights").json["windows"]
    [licence] = book["licences"]
    end = "2027-01-01T00:00:00Z"
    ended = change(
        admin,
        film,
        {"do": "end_window", "window": tvod["id"], "ends_at": end},
        {"do": "end_licence", "licence": licence["id"], "ends_at": end},
        key="k4",
    )
    assert ended.status_code == 201, ended.text
    book = admin.get(f"{film}/rights").json
    assert (book["windows"][0]["ends_at"], book["licences"][0]["ends_at"]) == (end, end)


def test_co_owners_are_added_together_and_stay_exact(service: Service, admin: ApiClient, film: str) -> None:
    """Thirds in fractions and in per cent make the whole; 99.99 % is refused with place, instant and sum."""
    [licence] = admin.get(f"{film}/rights").json["licences"]
    partner = licence["partner"]["id"]
    end = {"do": "end_licence", "licence": licence["id"], "ends_at": "2027-01-01T00:00:00Z"}

    def owner(ownership: Any, share: Any = "1/5") -> dict[str, Any]:
        return {
            "do": "add_licence", "partner": partner, "ownership": ownership, "share": share,
            "territories": ["*"], "starts_at": "2027-01-01T00:00:00Z",
        }  # fmt: skip

    wrong = change(admin, film, end, owner("33.33%"), owner("66.66 %"))
    assert (wrong.status_code, wrong.json["code"]) == (422, "rights.ownership_not_whole")
    assert "99.99 %" in wrong.json["detail"]
    assert wrong.json["facts"]["territory"] == "AD"
    for odd in (0.3333, 1, "1", "half", "1/0", "101%", "-1/2"):
        refused = change(admin, film, end, owner(odd), owner("2/3"))
        assert (refused.status_code, refused.json["code"]) == (400, "web.invalid_request"), odd
        assert "changes.1" in refused.json["facts"]["fields"][0]["field"]
        assert "ownership" in refused.json["facts"]["fields"][0]["field"]
    done = change(admin, film, end, owner("1/3", "33.34%"), owner("2/3"))
    assert done.status_code == 201, done.text
    new = admin.get(f"{film}/rights").json["licences"][1:]
    assert sorted(item["ownership"] for item in new) == ["1/3", "2/3"]
    assert sorted(item["share"] for item in new) == ["1/5", "1667/5000"]
    assert changes(service) == ["rights.change"]


@pytest.mark.parametrize(
    ("edit", "status", "code", "said"),
    [
        ({**SVOD, "territories": ["IN", "UK"]}, 400, "kernel.territory_unknown", r"^changes\.1: 'UK' is no"),
        ({**SVOD, "ends_at": SVOD["starts_at"]}, 400, "rights.bad_window", r"^changes\.1: .*before"),
        ({**SVOD, "type": "tvod"}, 400, "rights.bad_window", r"^changes\.1: .*only an SVOD"),
        (
            {**SVOD, "type": "tvod", "tiers": []},
            422,
            "rights.windows_overlap",
            r"^In A[A-Z] two TVOD .*2026-12-01.*: win_[0-9a-f]{32} and the new window of changes\.1\.",
        ),
        ({"do": "remove_window", "window": "win_" + "0" * 32}, 404, "rights.not_in_book", "win_"),
        ({"do": "remove_window", "window": "{tvod}"}, 422, "rights.past_is_fixed", "win_.* has begun"),
        (
            {"do": "end_window", "window": "{tvod}", "ends_at": "2026-11-20T00:00:00Z"},
            422,
            "rights.past_is_fixed",
            "which is past",
        ),
        (
            {"do": "end_window", "window": "{tvod}", "ends_at": "2020-01-01T00:00:00Z"},
            400,
            "rights.bad_window",
            r"^changes\.1: .*before it begins",
        ),
        ({"do": "set_rating", "territories": ["IN"], "label": None}, 400, "rights.bad_change", "to take"),
        (
            {"do": "set_rating", "territories": ["IN"], "excluding": ["IN"], "label": "15"},
            400,
            "rights.bad_change",
            "no country",
        ),
        ({**SVOD, "territories": ["IN"], "excluding": ["IN"]}, 400, "rights.bad_window", "no country"),
        (
            {"do": "move_window", "window": "{tvod}",
             "starts_at": "2027-01-02T00:00:00Z", "ends_at": "2027-01-01T00:00:00Z"},
            400,
            "rights.bad_window",
            r"^changes\.1: .*before it begins",
        ),
        ({"do": "set_rating", "territories": ["GB"], "label": "R15?"}, 400, "rights.rating_unknown", "R15"),
        ({"do": "add_licence", "partner": "zzzz", "share": "1/5", "territories": ["*"],
          "starts_at": "2027-01-01T00:00:00Z"}, 404, "catalog.producer_not_found", r"^changes\.1: "),
        ({"do": "fly"}, 400, "web.invalid_request", "changes"),
        ({**SVOD, "starts_at": "2026-12-01T00:00:00"}, 400, "web.invalid_request", "changes.1.*starts_at"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_place(
    service: Service, admin: ApiClient, film: str, edit: dict[str, Any], status: int, code: str, said: str
) -> None:
    """The answer names the change, field and things by public ids; nothing of the good change is kept."""
    [tvod] = admin.get(f"{film}/rights").json["windows"]
    if edit.get("window") == "{tvod}":
        edit = {**edit, "window": tvod["id"]}
    good = {"do": "set_rating", "territories": ["GB"], "label": "15"}
    found = change(admin, film, good, edit)
    assert (found.status_code, found.json["code"]) == (status, code), found.text
    assert re.search(said, found.json["detail"]), found.json["detail"]
    assert not UUID_TEXT.search(found.text)
    assert admin.get(f"{film}/rights").json["revision"] == 1
    assert changes(service) == []


def test_a_stale_base_is_refused(admin: ApiClient, film: str) -> None:
    """A change that began from another revision than the last one is a conflict, and does nothing."""
    assert change(admin, film, SVOD, base=1).status_code == 201
    found = change(admin, film, {"do": "set_rating", "territories": ["GB"], "label": "15"}, key="k2", base=1)
    assert (found.status_code, found.json["code"]) == (409, "rights.book_changed")
    assert (found.json["facts"]["base"], found.json["facts"]["revision"]) == (1, 2)


def test_the_ladder_and_the_calendar(admin: ApiClient, film: str) -> None:
    """The ladder adds its windows but meets the open one; the calendar has gaps, and why says what comes."""
    ladder = {"do": "apply_ladder", "released_at": "2027-01-01T00:00:00Z", "territories": ["IN"]}
    refused = change(admin, film, ladder)
    assert refused.json["code"] == "rights.windows_overlap"
    assert "the TVOD window of changes.0" in refused.json["detail"]
    [tvod] = admin.get(f"{film}/rights").json["windows"]
    end = {"do": "end_window", "window": tvod["id"], "ends_at": "2026-12-01T00:00:00Z"}
    done = change(admin, film, end, ladder, key="k2")
    assert [item["change"] for item in done.json["added"]] == [1] * 7
    found = admin.get(
        f"{film}/rights/calendar?from=2026-11-21T10:00:00Z&until=2027-02-01T00:00:00Z&country=IN"
    )
    spells = found.json["strips"][0]["spells"]
    assert [(item["types"], item["is_gap"]) for item in spells] == [
        (["tvod"], False), ([], True), (["festival"], False), (["cinema"], True),
    ]  # fmt: skip
    everywhere = admin.get(f"{film}/rights/calendar").json["strips"]
    assert sum(len(strip["countries"]) for strip in everywhere) > 200
    assert len(everywhere) == 2
    why = admin.get(f"{film}/rights/why?country=IN&at=2026-12-02T00:00:00Z").json
    assert (why["is_available"], why["closed"]) == (False, "window_not_yet")
    assert why["opens_at"] == "2027-01-01T00:00:00Z"
    assert why["by"] in why["because"]
    gone = admin.get(f"{film}/rights/why?country=AE&at=2026-12-02T00:00:00Z").json
    assert (gone["closed"], gone["by"]) == ("window_over", tvod["id"])
    assert admin.get(f"{film}/rights/why?country=IN").json["sentence"] == "Available in IN."
    for path in ("why", "calendar"):
        for code, said in (
            ("UK", "Did you mean GB"),
            ("XX", "two capital letters"),
            ("EU", "no single country"),
        ):
            typo = admin.get(f"{film}/rights/{path}?country={code}")
            assert (typo.status_code, typo.json["code"]) == (400, "kernel.territory_unknown")
            assert said in typo.json["detail"]
    backwards = admin.get(f"{film}/rights/calendar?from=2027-01-01T00:00:00Z&until=2026-01-01T00:00:00Z")
    assert (backwards.status_code, backwards.json["code"]) == (400, "rights.bad_span")


def test_a_takedown_stops_the_title_and_keeps_what_is_owed(service: Service, admin: ApiClient) -> None:
    """Each account that paid is in the list, a page at a time; restoring ends it once and leaves the list."""
    buyers = [guest(service) for _ in range(3)]
    for number, buyer in enumerate(buyers):
        buyer.earn(1)
        assert buyer.unlock(buyer.title("Eleven Minutes"), f"u{number}").status_code == 201
    found = admin.title("Eleven Minutes")
    short = f"/v1/admin/titles/short/{found['id']}"
    body = {"territories": ["*"], "notice": "DMCA 7, Studio X", "reason": "in order"}
    down = admin.post(f"{short}/takedown", body, key="t1")
    assert (down.status_code, down.json["titles"], down.json["owed"]) == (201, 1, 3), down.text
    assert admin.post(f"{short}/takedown", body, key="t1").json == down.json
    why = admin.get(f"{short}/rights/why?country=IN").json
    assert (why["closed"], why["by"]) == ("taken_down", down.json["id"])
    rows: list[Any] = []
    address = f"/v1/admin/takedowns/{down.json['id']}/owed?limit=2"
    first = admin.get(address).json
    rows += first["owed"]
    second = admin.get(f"{address}&cursor={first['next_cursor']}").json
    rows += second["owed"]
    assert second["next_cursor"] is None
    assert len({row["user_id"] for row in rows}) == 3
    assert {(row["kind"], row["tokens"], row["country"]) for row in rows} == {("token_unlock", 1, "IN")}
    assert {row["refunded"] for row in rows} == {0}
    assert {row["title"]["id"] for row in rows} == {found["id"]}
    assert not UUID_TEXT.search(json.dumps(rows))
    odd = admin.get(f"{address}&cursor=gra_{'0' * 32}")
    assert (odd.status_code, odd.json["code"]) == (400, "web.invalid_request")
    again = {"takedown": down.json["id"], "reason": "counter-notice"}
    assert admin.post(f"{short}/restore", again, key="r1").json == {"titles": 1}
    twice = admin.post(f"{short}/restore", again, key="r2")
    assert (twice.status_code, twice.json["code"]) == (422, "rights.takedown_over")
    assert down.json["id"] in twice.json["detail"]
    assert len(admin.get(address).json["owed"]) == 2
    typo = admin.post(f"{short}/takedown", {**body, "territories": ["EN"]}, key="t2")
    assert typo.json["detail"].startswith("territories: 'EN' is no territory")
    nothing = {"owed": [], "next_cursor": None}
    assert admin.get(f"/v1/admin/takedowns/tkd_{'0' * 32}/owed").json == nothing
    assert changes(service)[-2:] == ["title.takedown", "title.restore"]


def test_a_file_of_windows_is_all_or_nothing(service: Service, admin: ApiClient, film: str) -> None:
    """Each bad line is named with its column and fix, and nothing is written; `good` takes the others."""
    name = "film/" + film.rpartition("/")[2]
    lines = [
        f"{name},svod,* -AE,2026-12-01,2027-06-01,gold,,",
        f"{name},svod,IN,2027-01-01,,,,",
        f"{name},avod,UK,2027-01-01,,,,",
        f"{name},avod,IN,2027-02-01,2027-01-01,,,",
        "film/zzzz,avod,IN,2027-02-01,,,,",
        f"{name},tvod,IN,2027-02-01,,,,",
    ]
    sheet = HEAD + "\n".join(lines)
    found = upload(admin, sheet)
    assert (found.status_code, found.json["code"]) == (400, "rights.bad_sheet"), found.text
    told = found.json["facts"]["lines"]
    assert [re.match(r"line (\d+), (\w+)", line)[0] for line in told] == [  # type: ignore[index]
        "line 3, starts", "line 4, territories", "line 5, ends", "line 6, title", "line 7, starts",
    ]  # fmt: skip
    assert re.search(r"the SVOD window win_[0-9a-f]{32} \(line 2\)", told[0])
    assert not UUID_TEXT.search(found.text)
    assert admin.get(f"{film}/rights").json["revision"] == 1
    good = upload(admin, sheet, "s2", "good")
    assert (good.status_code, good.json["windows"], good.json["titles"]) == (201, 1, 1)
    assert len(good.json["faults"]) == 5
    assert upload(admin, sheet, "s2", "good").json == good.json
    assert len(admin.get(f"{film}/rights").json["windows"]) == 2
    assert changes(service) == ["rights.import"]


@pytest.mark.parametrize(
    "line",
    ["film/zzzz,tvod,UK,2027-13-01,x,,,\n", "a,b\n", '"a"b,c,d,e\n', "\xff" * 80],
    ids=["lines", "cells", "quotes", "binary"],
)
def test_a_broken_file_of_5_mb_is_answered_quickly(admin: ApiClient, line: str) -> None:
    """Five million bytes of nonsense are refused within seconds, with the first faults by line."""
    raw = (HEAD + line * (5_000_000 // len(line))).encode("latin-1")
    begun = time.monotonic()
    found = upload(admin, raw)
    assert time.monotonic() - begun < 5
    assert (found.status_code, found.json["code"]) == (400, "rights.bad_sheet")
    assert found.json["facts"]["lines"][0].startswith("line 2")
    assert len(found.data) < 40_000


def test_too_large_a_file_is_refused(admin: ApiClient) -> None:
    """Beyond the limit of the rules the answer says so; beyond that of the door it is refused unread."""
    assert "split it" in upload(admin, b"x" * 8_500_000).json["detail"]
    assert upload(admin, b"x" * 9_500_000).status_code == 413


def test_only_who_may_sees_and_changes_rights(service: Service, admin: ApiClient, film: str) -> None:
    """Finance reads and changes nothing; a viewer does neither; without a second factor nobody changes."""
    finance, viewer = member(service, FINANCE), member(service, VIEWER)
    takedown = {"territories": ["*"], "notice": "n", "reason": REASON}
    assert finance.get(f"{film}/rights").status_code == 200
    for client in (finance, viewer):
        assert change(client, film, SVOD).status_code == 403
        assert client.post(f"{film}/takedown", takedown, key="t1").status_code == 403
        assert upload(client, HEAD).status_code == 403
        assert client.get(f"/v1/admin/takedowns/tkd_{'0' * 32}/owed").status_code == 403
    assert viewer.get(f"{film}/rights").status_code == 403
    assert viewer.get(f"{film}/rights/calendar").status_code == 403
    half = member(service, ADMIN, is_proven=False)
    assert change(half, film, SVOD).json["code"] == "access.second_factor_needed"
    assert changes(service) == []
