"""The API's availability: one title, a thousand at once, and the windows to come."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.web.api_client import VIEWER, ApiClient, guest, member, nobody
from tests.web.service import START, Service, running

APP = {"X-Buddy-Channel": "app"}
UUID_TEXT = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


def path_of(client: ApiClient, name: str, what: str = "availability") -> str:
    """Return the address of a title's availability or windows."""
    title = client.title(name)
    return f"/v1/titles/{title['type']}/{title['id']}/{what}"


def test_a_locked_title_says_why_and_what_opens_it_at_which_price(service: Service) -> None:
    """The reason, the ways and every offer: tokens or minor units with currency, its rule, and its end."""
    client = guest(service)
    found = client.get(path_of(client, "Salt Road")).json
    assert (found["allowed"], found["reason"], found["rights"], found["via"]) == (
        False,
        "no_grant",
        None,
        None,
    )
    assert found["unlockable_by"] == ["tokens", "rental", "watch_once", "est"]
    tokens, rental, once, est = found["offers"]
    assert (tokens["kind"], tokens["tokens"], tokens["price"], tokens["rule"]) == (
        "tokens",
        10,
        None,
        "type:film",
    )
    assert (rental["price"], rental["hours"], rental["window"]) == (
        {"minor": 4900, "currency": "INR"},
        48,
        "tvod",
    )
    assert (rental["rule"], rental["rule_version"]) == ("rental-film-in", 1)
    assert [item["price"]["minor"] for item in (once, est)] == [2900, 19900]
    held_until = {item["expires_at"] for item in found["offers"]}
    assert held_until == {"2026-11-21T10:15:00Z"}


def test_what_is_open_says_by_what_until_when_and_how(service: Service) -> None:
    """An unlocked title has no end and each right its own; a free film has ads up to 720 lines."""
    client = guest(service)
    client.earn(1)
    client.unlock(client.title("Paper Kites"), "k1")
    kites = client.get(path_of(client, "Paper Kites")).json
    assert (kites["allowed"], kites["via"], kites["until"], kites["offers"]) == (
        True,
        "token_unlock",
        None,
        [],
    )
    assert kites["rights"] == {
        "max_height": {"value": 1080, "until": None},
        "ads": {"value": False, "until": None},
        "downloads": {"value": False, "until": None},
        "streams": {"value": 2, "until": None},
    }
    lamps = client.get(path_of(client, "Lamp Street")).json
    assert (lamps["via"], lamps["rights"]["ads"]["value"], lamps["rights"]["max_height"]["value"]) == (
        "avod",
        True,
        720,
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Borrowed Words", "taken_down"),
        ("First Harvest", "not_yet"),
        ("The Ash Line", "over"),
        ("The Glass Hour", "no_grant"),
        ("After the Verdict", "no_grant"),
    ],
)
def test_the_demo_has_a_title_for_each_case(service: Service, name: str, reason: str) -> None:
    """A title that is down, to come, over, in a plan alone and for money alone, each with its reason."""
    client = nobody(service)
    found = client.get(path_of(client, name)).json
    assert (found["allowed"], found["reason"]) == (False, reason)
    assert bool(found["offers"]) == (reason == "no_grant")
    assert (found["opens_at"] is not None) == (reason == "not_yet")


def test_many_are_answered_as_each_alone(service: Service) -> None:
    """Each item is as the single answer, in the order asked; a series, or what is not there, is one too."""
    client = guest(service)
    client.earn(1)
    client.unlock(client.title("Paper Kites"), "k1")
    titles = client.get("/v1/titles?limit=100").json["titles"]
    asked = [{"type": title["type"], "id": title["id"]} for title in reversed(titles)]
    asked += [{"type": "film", "id": "zzzz"}, asked[0], {**asked[1], "id": asked[1]["id"].upper()}]
    items = client.post("/v1/availability", {"titles": asked}).json["items"]
    assert [{"type": item["type"], "id": item["id"]} for item in items] == asked
    for item in items:
        alone = client.get(f"/v1/titles/{item['type']}/{item['id']}/availability")
        if item["error"] is None:
            assert item["availability"] == alone.json
        else:
            assert item["availability"] is None
            assert (item["error"]["code"], item["error"]["detail"]) == (
                alone.json["code"],
                alone.json["detail"],
            )
    # Of a series that is not licensed by itself only the episodes are answered.
    of_titles = [item["type"] != "series" for item in asked[: len(titles)]]
    assert [item["error"] is None for item in items] == [*of_titles, False, True, True]


def test_a_thousand_is_the_most(service: Service) -> None:
    """A thousand titles are answered in one call, and one more is refused by its place in the request."""
    client = nobody(service)
    one = {"type": "film", "id": client.title("Salt Road")["id"]}
    assert len(client.post("/v1/availability", {"titles": [one] * 1000}).json["items"]) == 1000
    for wrong in ([one] * 1001, []):
        refused = client.post("/v1/availability", {"titles": wrong})
        assert (refused.status_code, refused.json["code"]) == (400, "web.invalid_request")
        assert refused.json["facts"]["fields"][0]["field"] == "titles"


def test_an_app_is_shown_no_offers_and_plays_all_the_same(service: Service) -> None:
    """With the app's header neither offers nor ways come along; what is open stays open."""
    client = guest(service)
    locked = client.get(path_of(client, "Salt Road"), headers=APP).json
    assert (locked["reason"], locked["offers"], locked["unlockable_by"]) == ("no_grant", [], [])
    assert client.get(path_of(client, "Lamp Street"), headers=APP).json["allowed"]
    page = service.browser().get("/", headers=APP).text
    assert "₹" not in page


def test_the_answer_may_be_kept_and_asked_about_again(service: Service) -> None:
    """It is private, and what is still the same comes as 304; once it changed it comes anew."""
    client = guest(service)
    client.earn(1)
    path = path_of(client, "Paper Kites")
    first = client.get(path)
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert {"Cookie", "Authorization", "X-Buddy-Channel"} <= set(first.vary)
    tag = {"If-None-Match": first.headers["ETag"]}
    assert client.get(path, headers=tag).status_code == 304
    client.unlock(client.title("Paper Kites"), "k1")
    assert client.get(path, headers=tag).status_code == 200


def test_windows_to_come_are_told_by_type_and_day(service: Service) -> None:
    """What opens later is listed for the asker's country, until it has opened; nothing else of it is said."""
    client = nobody(service)
    path = path_of(client, "First Harvest", "windows")
    found = client.get(path).json
    assert found["country"] == "IN"
    assert found["windows"] == [{"type": "tvod", "starts_at": "2026-12-21T00:00:00Z"}]
    assert client.get(path_of(client, "Salt Road", "windows")).json["windows"] == []
    assert client.get(path_of(client, "Borrowed Words", "windows")).json["windows"] == []
    service.clock.set(START + timedelta(days=31))
    assert client.get(path).json["windows"] == []


def test_nothing_internal_is_said(service: Service) -> None:
    """No id of a grant, a window or a title leaves the service; a title that is not there is not found."""
    client = member(service, VIEWER)
    titles = client.get("/v1/titles?limit=100").json["titles"]
    asked: list[dict[str, Any]] = [{"type": title["type"], "id": title["id"]} for title in titles]
    assert not UUID_TEXT.search(client.post("/v1/availability", {"titles": asked}).text)
    for what in ("availability", "windows"):
        missing = client.get(f"/v1/titles/film/zzzz/{what}")
        assert (missing.status_code, missing.json["code"]) == (404, "catalog.title_not_found")


def test_a_title_taken_down_is_451_wherever_it_is_opened(service: Service) -> None:
    """Its page, its player and a session of it answer 451; no other page shows it."""
    client = guest(service)
    title = client.title("Borrowed Words")
    browser = service.browser()
    assert "Borrowed Words" not in browser.get("/").text
    for path in (title["url"], f"/watch/film/{title['id']}"):
        page = browser.get(path)
        assert page.status_code == 451
        assert "Taken down" in page.text
    refused = client.post("/v1/playback/sessions", {"type": "film", "id": title["id"]})
    assert (refused.status_code, refused.json["code"]) == (451, "playback.taken_down")


def test_a_series_leads_to_its_episodes(service: Service) -> None:
    """Asked about, unlocked or played it says the same, and not that it is missing in this country."""
    client = guest(service)
    series = next(
        item for item in client.get("/v1/titles?limit=100").json["titles"] if item["type"] == "series"
    )
    named = {"type": "series", "id": series["id"]}
    many = client.post("/v1/availability", {"titles": [named]}).json["items"]
    assert (many[0]["availability"], many[0]["error"]["code"]) == (None, "playback.no_media")
    for answer in (
        client.get(f"/v1/titles/series/{series['id']}/availability"),
        client.post("/v1/playback/sessions", named),
        client.post("/v1/unlocks", {**named, "seen_tokens": 1, "seen_version": 1}, key="k1"),
    ):
        assert (answer.status_code, answer.json["code"]) == (422, "playback.no_media")
        assert "open one of the episodes" in answer.json["detail"]
