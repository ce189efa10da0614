"""The whole money path through the API, on both databases."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.web.api_service import MARIGOLD, ApiService, serving


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ApiService]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    with serving(tmp_path, url) as found:
        yield found


def test_a_guest_earns_unlocks_watches_joins_and_the_producer_is_paid_for_it(service: ApiService) -> None:
    """What a guest's tokens were worth is, to the paisa, what the closed statement pays and explains."""
    viewer = service.guest()
    film = viewer.title("Paper Kites")
    assert film["access"]["reason"] == "no_grant"
    assert film["access"]["offer"] == {"tokens": 1, "rule_version": 1}
    rewards = viewer.earn(3)
    assert viewer.get(f"/v1/ads/rewards/{rewards[0]}").json["status"] == "paid"
    assert viewer.get("/v1/wallet").json["bonus"] == 3

    opened = viewer.unlock(film, "unlock-1")
    assert (opened.status_code, opened.json["tokens_spent"], opened.json["tokens_left"]) == (201, 1, 2)
    assert viewer.unlock(film, "unlock-1").json == opened.json
    assert viewer.get(f"/v1/titles/short/{film['id']}").json["access"]["allowed"] is True
    _watch(viewer, film)

    joined = viewer.post("/v1/auth/register", {"email": "asha@example.com", "password": "Long-enough-1"})
    assert (joined.status_code, joined.json["tokens_moved"], joined.json["unlocks_moved"]) == (201, 2, 1)
    assert viewer.get("/v1/wallet").json["bonus"] == 2
    assert viewer.get(f"/v1/titles/short/{film['id']}").json["access"]["allowed"] is True
    entries = viewer.get("/v1/wallet/entries").json["entries"]
    assert [entry["operation"] for entry in entries] == ["transfer_in"]

    producer = service.member(MARIGOLD)
    provisional = producer.get("/v1/producer/statements/2026-10").json
    assert (provisional["state"], provisional["payable"]) == ("running", {"minor": 30, "currency": "INR"})
    service.clock.advance(timedelta(days=30))
    report = service.close("2026-10")
    assert {item["entity"] for item in report["closed"]} == {"newtact", "thaja"}
    assert report["open"] == []

    final = service.member(MARIGOLD)
    statement = final.get("/v1/producer/statements/2026-10").json
    assert statement["state"] == "closed"
    assert statement["payable"] == {"minor": 30, "currency": "INR"}
    assert [(line["title_id"], line["tokens"], line["value_minor"]) for line in statement["lines"]] == [
        (film["id"], 1, "50/1")
    ]
    file = final.get("/producer/2026-10/statement.json").data
    assert statement["digest"] == f"sha256:{hashlib.sha256(file).hexdigest()}"
    assert json.loads(file)["payable_minor"] == 30
    again = service.close("2026-10")
    assert [item["is_new"] for item in again["closed"]] == [False, False]
    assert again["closed"][0]["statements"] == report["closed"][0]["statements"]
    assert service.call(service.container.verify).is_clean


def _watch(viewer: Any, film: dict[str, Any]) -> None:
    """Play for twenty seconds: the playlist, the key, and what the server counts."""
    started = viewer.post("/v1/playback/sessions", {"type": film["type"], "id": film["id"]})
    assert started.status_code == 201, started.text
    session = started.json
    assert session["resume_position"] == 0
    assert "#EXTM3U" in viewer.get(session["manifest_url"]).text
    key = viewer.get(session["manifest_url"].replace("master.m3u8", "key"))
    assert (key.status_code, len(key.data)) == (200, 16)
    viewer.service.clock.advance(timedelta(seconds=1))
    viewer.post(session["heartbeat_url"], {"position_s": 0, "playing": True})
    viewer.service.clock.advance(timedelta(seconds=20))
    beat = viewer.post(session["heartbeat_url"], {"position_s": 18, "playing": True})
    assert beat.json["watched_s"] == 20
    viewer.service.clock.advance(timedelta(seconds=1))
    stopped = viewer.post(f"/v1/playback/sessions/{session['session_id']}/stop", {"position_s": 19})
    assert stopped.json["is_over"] is True
    later = viewer.post("/v1/playback/sessions", {"type": film["type"], "id": film["id"]})
    assert later.json["resume_position"] == 19
