"""The whole money path through the API, on both databases."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.web.api_client import ADMIN, MARIGOLD, ApiClient, guest, member
from tests.web.service import KEY, PASSWORD, Service, running, seed_database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    if request.param == "sqlite":
        with running(tmp_path) as found:
            yield found
        return
    server = request.getfixturevalue("postgres_server")
    url = server.create_database(server.template("demo", seed_database))
    with running(tmp_path, database_url=url) as found:
        yield found
    server.drop_database(url)


def test_a_guest_earns_unlocks_watches_joins_and_the_producer_is_paid_for_it(service: Service) -> None:
    """What a guest's tokens were worth is, to the paisa, what the closed statement pays and explains."""
    viewer = guest(service)
    title = viewer.title("Paper Kites")
    assert title["access"]["reason"] == "no_grant"
    assert title["access"]["offer"] == {"tokens": 1, "rule_version": 1}
    rewards = viewer.earn(3)
    assert viewer.get(f"/v1/ads/rewards/{rewards[0]}").json["status"] == "paid"
    assert viewer.get("/v1/wallet").json["bonus"] == 3

    opened = viewer.unlock(title, "unlock-1")
    assert (opened.status_code, opened.json["tokens_spent"], opened.json["tokens_left"]) == (201, 1, 2)
    assert viewer.unlock(title, "unlock-1").json == opened.json
    assert viewer.get("/v1/wallet").json["bonus"] == 2
    _watch(viewer, title)

    joined = viewer.post("/v1/auth/register", {"email": "asha@example.com", "password": PASSWORD})
    assert (joined.status_code, joined.json["tokens_moved"], joined.json["unlocks_moved"]) == (201, 2, 1)
    assert viewer.get("/v1/wallet").json["bonus"] == 2
    assert viewer.get(f"/v1/titles/short/{title['id']}").json["access"]["allowed"] is True
    entries = viewer.get("/v1/wallet/entries").json["entries"]
    assert [entry["operation"] for entry in entries] == ["transfer_in"]

    producer = member(service, MARIGOLD)
    provisional = producer.get("/v1/producer/statements/2026-11").json
    assert (provisional["state"], provisional["payable"]) == ("running", {"minor": 30, "currency": "INR"})
    assert producer.get("/v1/producer/statements").json == {"statements": []}
    service.clock.advance(timedelta(days=20))
    _close_and_compare(service, title)


def _watch(viewer: ApiClient, title: dict[str, Any]) -> None:
    """Play for twenty seconds: the playlists, the key, and what the server counts."""
    started = viewer.post("/v1/playback/sessions", {"type": title["type"], "id": title["id"]})
    assert started.status_code == 201, started.text
    session = started.json
    assert session["resume_position"] == 0
    master = viewer.get(session["manifest_url"]).text
    rendition = next(line for line in master.splitlines() if line and not line.startswith("#"))
    playlist = viewer.get(rendition).text
    key_line = next(line for line in playlist.splitlines() if line.startswith("#EXT-X-KEY:METHOD=AES-128"))
    address = key_line.split('URI="')[1].split('"')[0]
    assert viewer.get(address).data == KEY
    assert guest(viewer.service).get(address).status_code == 404

    clock = viewer.service.clock
    clock.advance(timedelta(seconds=1))
    viewer.post(session["heartbeat_url"], {"position_s": 0, "playing": True})
    clock.advance(timedelta(seconds=20))
    beat = viewer.post(session["heartbeat_url"], {"position_s": 18, "playing": True})
    assert beat.json["watched_s"] == 20
    clock.advance(timedelta(seconds=1))
    stopped = viewer.post(f"/v1/playback/sessions/{session['session_id']}/stop", {"position_s": 19})
    assert stopped.json["is_over"] is True
    later = viewer.post("/v1/playback/sessions", {"type": title["type"], "id": title["id"]})
    assert later.json["resume_position"] == 19


def _close_and_compare(service: Service, title: dict[str, Any]) -> None:
    """Close the month and ask again; the statement says the one spend, and its file is the kept bytes."""
    admin = member(service, ADMIN)
    report = admin.close("2026-11")
    assert {item["entity"] for item in report["closed"]} == {"newtact"}
    assert (report["open"], report["reviewed"], report["refused"]) == ([], [], [])
    again = admin.close("2026-11")
    assert [item["is_new"] for item in again["closed"]] == [False]
    assert [item["statements"] for item in again["closed"]] == [
        item["statements"] for item in report["closed"]
    ]

    producer = member(service, MARIGOLD)
    statement = producer.get("/v1/producer/statements/2026-11").json
    assert (statement["state"], statement["payable"]) == ("closed", {"minor": 30, "currency": "INR"})
    [line] = statement["lines"]
    assert (line["title_id"], line["model"], line["territory"]) == (title["id"], "tokens", "IN")
    assert (line["net"], line["part"], line["base"], line["rate"], line["amount"]) == (
        "50/1", "1/1", "50/1", "3/5", "30/1",
    )  # fmt: skip
    assert (line["inputs"]["kind"], line["inputs"]["tokens"]) == ("bonus", 1)
    assert statement["earned"] == statement["payable"]
    [share] = statement["shares"]
    [account] = statement["settlements"]
    assert (share["minor"], share["amount"], share["account"]) == (30, 30, account["account"])
    assert sum(step["amount"] for step in account["steps"]) == account["payable"] == 30
    assert account["opening"] == account["closing"]
    [summary] = producer.get("/v1/producer/statements").json["statements"]
    file = producer.get(summary["json_url"]).data
    assert statement["digest"] == summary["digest"] == f"sha256:{hashlib.sha256(file).hexdigest()}"
    assert json.loads(file)["earned"] == 30
    assert service.call(service.container.verify).is_clean
