"""Playing on the whole service: sessions, playlists, links, keys and heartbeats."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.web.api_client import VIEWER, app
from tests.web.service import KEY, Browser, Service, running
from tests.web.test_viewer_pages import short


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


@pytest.fixture
def browser(service: Service) -> Browser:
    return service.browser()


@pytest.fixture
def title(browser: Browser) -> str:
    """Return a short that the browser's guest has unlocked."""
    browser.earn()
    found = short(browser)
    browser.unlock(found)
    return found


def links(browser: Browser, session: str) -> list[str]:
    """Return the segments' links of a session."""
    return [line for line in browser.get(f"{session}/144p.m3u8").text.splitlines() if line[:1] == "/"]


def test_the_whole_path_ends_in_signed_encrypted_video(browser: Browser, title: str) -> None:
    """Earned, unlocked, watched: the playlist has EXT-X-KEY and signed links, and the key is given."""
    session = browser.watch(title)
    master = browser.get(f"{session}/master.m3u8")
    assert master.content_type == "application/vnd.apple.mpegurl"
    assert master.headers["Cache-Control"] == "private, no-store"
    assert f"{session}/144p.m3u8" in master.text
    assert f'URI="{session}/captions/en.m3u8"' in master.text
    playlist = browser.get(f"{session}/144p.m3u8").text
    assert f'#EXT-X-KEY:METHOD=AES-128,URI="{session}/key",IV=' in playlist
    found = links(browser, session)
    assert [link.partition("?")[0].rpartition("/")[2] for link in found] == ["00000.ts", "00001.ts"]
    segment = browser.get(found[1])
    assert (segment.data, segment.mimetype) == (bytes([1]) * 64, "video/mp2t")
    assert segment.headers["Cache-Control"].startswith("private, max-age=3600")
    key = browser.get(f"{session}/key")
    assert (key.data, key.headers["Cache-Control"]) == (KEY, "private, no-store")


def test_pictures_above_what_may_be_shown_are_left_out(browser: Browser, title: str) -> None:
    """A rendition over the decision's height is neither offered nor given to who guesses its name."""
    session = browser.watch(title)
    assert "2160" not in browser.get(f"{session}/master.m3u8").text
    for name in ("2160p", "captions", "nothing"):
        assert browser.get(f"{session}/{name}.m3u8").status_code == 404


def test_captions_come_by_signed_links(browser: Browser, title: str) -> None:
    """Each language has a playlist of its own whose file is a signed link."""
    session = browser.watch(title)
    playlist = browser.get(f"{session}/captions/en.m3u8").text
    link = next(line for line in playlist.splitlines() if line.startswith("/"))
    assert browser.get(link).text == "WEBVTT\n"
    assert browser.get(f"{session}/captions/hi.m3u8").status_code == 404


def test_the_key_goes_to_the_sessions_device_alone(service: Service, browser: Browser, title: str) -> None:
    """Neither a stranger, nor the account's cookie without the device's, nor a forged one gets it."""
    session = browser.watch(title)
    stranger = service.browser()
    assert stranger.get(f"{session}/key").status_code == 404
    stranger.get("/")
    assert stranger.get(f"{session}/key").status_code == 404
    thief = service.browser()
    thief.client.set_cookie("buddy_account", browser.cookie("buddy_account") or "")
    assert thief.get(f"{session}/key").status_code == 404
    device = browser.cookie("buddy_device") or ""
    thief.client.set_cookie("buddy_device", device[:-1] + ("A" if device[-1] != "A" else "B"))
    assert thief.get(f"{session}/key").status_code == 404
    thief.client.set_cookie("buddy_device", device)
    assert thief.get(f"{session}/key").data == KEY


def test_an_app_plays_with_its_access_token_alone(service: Service) -> None:
    """Without a cookie: the master, a media playlist, a segment by its link, captions and the key."""
    viewer = app(service, VIEWER)
    viewer.earn()
    title = viewer.title("Paper Kites")
    assert viewer.unlock(title, "k1").status_code == 201
    began = viewer.post("/v1/playback/sessions", {"type": title["type"], "id": title["id"]}).json
    session = f"/play/{began['session_id']}"
    master = viewer.get(began["manifest_url"])
    assert (master.status_code, master.content_type) == (200, "application/vnd.apple.mpegurl")
    assert f"{session}/144p.m3u8" in master.text
    playlist = viewer.get(f"{session}/144p.m3u8")
    assert f'URI="{session}/key"' in playlist.text
    link = next(line for line in playlist.text.splitlines() if line.startswith("/"))
    assert service.app.test_client(use_cookies=False).get(link, buffered=True).data == bytes([0]) * 64
    assert viewer.get(f"{session}/captions/en.m3u8").status_code == 200
    assert viewer.get(f"{session}/key").data == KEY
    beaten = viewer.post(f"{session}/beat", {"position_s": 1, "playing": True})
    assert (beaten.status_code, beaten.json["is_stopped"]) == (200, False)


def test_an_apps_session_is_its_own(service: Service) -> None:
    """Another sign-in of the account is another device, and a token that is not accepted is told so."""
    viewer, again, other = app(service, VIEWER), app(service, VIEWER), app(service, "admin@example.com")
    viewer.earn()
    title = viewer.title("Paper Kites")
    assert viewer.unlock(title, "k1").status_code == 201
    began = viewer.post("/v1/playback/sessions", {"type": title["type"], "id": title["id"]}).json
    session = f"/play/{began['session_id']}"
    for path in ("master.m3u8", "144p.m3u8", "captions/en.m3u8", "key"):
        assert viewer.get(f"{session}/{path}").status_code == 200
        for client in (again, other):
            refused = client.get(f"{session}/{path}")
            assert (refused.status_code, refused.json["code"]) == (404, "playback.session_not_found")
        bare = service.app.test_client(use_cookies=False)
        assert bare.get(f"{session}/{path}").json["code"] == "playback.session_not_found"
        odd = bare.get(f"{session}/{path}", headers={"Authorization": "Bearer odd"})
        assert (odd.status_code, odd.json["code"]) == (401, "web.token_refused")


def test_players_make_no_guests(service: Service) -> None:
    """A playlist or key asked for without cookies leaves no account behind."""
    for path in ("master.m3u8", "144p.m3u8", "key"):
        response = service.browser().get(f"/play/ses_{'0' * 32}/{path}")
        assert response.status_code == 404
        assert not [header for header in response.headers.getlist("Set-Cookie") if "buddy_account" in header]


def test_a_session_goes_on_after_joining(browser: Browser, title: str) -> None:
    """What a guest began to watch plays on for the member they became."""
    session = browser.watch(title)
    browser.join("asha@example.com")
    assert browser.get(f"{session}/key").data == KEY


def test_the_decision_is_asked_again_for_each_playlist_and_key(browser: Browser, title: str) -> None:
    """Who moves to a country without a licence is refused in the middle of a session."""
    session = browser.watch(short_here(browser))
    browser.post("/country", {"country": "AE"})
    for path in ("master.m3u8", "144p.m3u8", "key"):
        response = browser.client.get(f"{session}/{path}")
        assert (response.status_code, response.json["facts"]["reason"]) == (422, "no_licence")


def short_here(browser: Browser) -> str:
    """Unlock and return a short that the Emirates may not see."""
    browser.earn()
    found = short(browser, "eleven-minutes")
    browser.unlock(found)
    return found


def test_a_link_works_an_hour_and_only_as_it_was_signed(
    service: Service, browser: Browser, title: str
) -> None:
    """An altered path, another expiry, no signature or a late request is refused, and keys are no files."""
    session = browser.watch(title)
    first, second = links(browser, session)
    path, _, query = first.partition("?")
    later = re.sub(r"expires=([0-9]+)", lambda found: f"expires={int(found[1]) + 60}", first)
    for bad in (
        path,
        later,
        f"{second.partition('?')[0]}?{query}",
        f"{path}?{query}0",
        path + "/../00001.ts?" + query,
    ):
        assert browser.get(bad).status_code in (403, 404), bad
    assert browser.get(first).status_code == 200
    for secret in ("key.bin", "master.m3u8", "144p/index.m3u8", "../secret.key", "%2e%2e/secret.key"):
        assert browser.get(f"/media/paper-kites/{secret}?{query}").status_code == 404, secret
    service.clock.advance(timedelta(seconds=3601))
    assert browser.get(first).status_code == 403


def test_ranges_are_served(browser: Browser, title: str) -> None:
    """A player may ask for a part of a segment."""
    first = links(browser, browser.watch(title))[0]
    response = browser.get(first, headers={"Range": "bytes=0-9"})
    assert (response.status_code, len(response.data)) == (206, 10)


def test_links_may_be_bound_to_the_network(tmp_path: Path) -> None:
    """Bound links fail from another network; the playlist loaded again there has links that work."""
    with running(tmp_path, bind_links_to_network=True) as service:
        browser = service.browser()
        browser.earn()
        title = short(browser)
        browser.unlock(title)
        session = browser.watch(title)
        first = links(browser, session)[0]
        elsewhere = {"environ_base": {"REMOTE_ADDR": "198.51.100.7"}}
        nearby = {"environ_base": {"REMOTE_ADDR": "127.0.0.99"}}
        assert browser.get(first, **nearby).status_code == 200
        assert browser.get(first, **elsewhere).status_code == 403
        again = browser.get(f"{session}/144p.m3u8", **elsewhere).text
        fresh = next(line for line in again.splitlines() if line.startswith("/"))
        assert browser.get(fresh, **elsewhere).status_code == 200


def test_heartbeats_count_on_the_server_and_keep_the_place(
    service: Service, browser: Browser, title: str
) -> None:
    """Wall time counts and no more, whatever the player claims; a second visit offers to resume."""
    session = browser.watch(title)
    service.clock.advance(timedelta(seconds=1))
    browser.beat(f"{session}/beat", {"position_s": 0, "playing": True})
    service.clock.advance(timedelta(seconds=7))
    answer = browser.beat(f"{session}/beat", {"position_s": 11, "playing": True})
    assert answer.json == {"watched_s": 7, "is_stopped": False}
    assert browser.beat(f"{session}/beat", {"position_s": 11, "playing": True}).json["watched_s"] == 7
    assert 'data-resume="11"' in browser.get(f"/watch/{title}").text
    assert "0:09 left" in browser.get("/").text
    stopped = browser.beat(f"{session}/beat", {"position_s": 12, "playing": False, "stop": True})
    assert stopped.json["is_stopped"] is True
    ended = browser.beat(f"{session}/beat", {"position_s": 12, "playing": True})
    assert (ended.status_code, ended.json["code"]) == (422, "playback.session_ended")
    assert browser.get(f"{session}/key").status_code == 422


def test_a_heartbeat_of_another_form_is_refused(browser: Browser, title: str) -> None:
    """Nothing is counted for a report that cannot be read."""
    session = browser.watch(title)
    bodies: list[Any] = [None, [], {}, {"position_s": 1, "playing": 1}]
    bodies += [{"position_s": position, "playing": True} for position in ("3", -1, 1.5, True, 10**9)]
    bodies.append({"position_s": 1, "playing": True, "stop": "yes"})
    for body in bodies:
        assert browser.beat(f"{session}/beat", body).json["code"] == "web.invalid_request", body


def test_a_heartbeat_needs_the_pages_token(browser: Browser, title: str) -> None:
    """Another site cannot move a viewer's place."""
    session = browser.watch(title)
    browser.token = "forged"
    assert browser.beat(f"{session}/beat", {"position_s": 1, "playing": True}).status_code == 403


def test_a_locked_title_says_why_and_what_would_help(browser: Browser) -> None:
    """The player's page refuses with the rule's code, the price, and an ad; there is no session."""
    title = short(browser)
    response = browser.get(f"/watch/{title}")
    assert response.status_code == 422
    assert 'data-reason="entitlements.no_grant"' in response.text
    assert "Unlock for 1 token" in response.text
    assert f"/earn?next=/watch/{title}" in response.text
    assert "ses_" not in response.text


def test_missing_media_are_not_ready(service: Service, browser: Browser, title: str) -> None:
    """A title whose files are gone answers plainly, and no name leads out of the media folder."""
    session = browser.watch(title)
    (service.media_dir / "paper-kites" / "master.m3u8").unlink()
    (service.media_dir / "paper-kites" / "key.bin").unlink()
    assert browser.client.get(f"{session}/master.m3u8").json["code"] == "playback.no_media"
    assert browser.client.get(f"{session}/key").json["code"] == "media.key_not_found"
    assert browser.get("/art/..%2fsecret/poster.svg").status_code == 404
    assert browser.get("/art/nothing/poster.svg").status_code == 404
