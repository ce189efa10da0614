"""The one path that makes Buddy worth having, in a real browser on a phone, from ad to statement."""

from __future__ import annotations

import csv
import io
import json
import re
from urllib.parse import urlsplit

from attrs import define, field
from playwright.sync_api import Cookie, Page, Request, Response, Route, expect

from tests.browser.devices import Devices
from tests.browser.scene import close_last_month
from tests.browser.service import ADMIN, FINANCE, PRODUCER, Service
from tests.browser.steps import (
    PASSWORD,
    earn,
    find_title,
    publish_month,
    see_ad,
    see_balance,
    see_playing,
    sign_in,
    unlock,
)

EMAIL = "asha@example.com"
EPISODE = "The Crossing"
SERIES = "Night Ferry"
SHORT = "Paper Kites"


@define
class Heard:
    """What a page fetched for its player: playlists with their text, and how often the key was asked for."""

    keys: list[str] = field(factory=list)
    playlists: dict[str, str] = field(factory=dict)

    def listen(self, page: Page) -> None:
        """Listen from now on."""
        page.on("request", lambda request: self._asked(request))
        page.on("response", lambda response: self._answered(response))

    def _asked(self, request: Request) -> None:
        if request.url.endswith("/key"):
            self.keys.append(request.url)

    def _answered(self, response: Response) -> None:
        if response.url.endswith(".m3u8"):
            self.playlists[response.url] = response.text()


def test_a_guest_earns_watches_joins_and_the_producer_is_paid(service: Service, devices: Devices) -> None:
    """Two ads unlock an episode that plays, joining keeps it, and the closed month pays ₹0.60 for it."""
    viewer, heard = devices.phone(), Heard()
    heard.listen(viewer)
    episode = _is_refused_usefully(viewer, service.url)
    _earns_what_is_missing(viewer)
    _unlocks_in_two_taps(viewer, service.url, episode)
    _watches_real_video(viewer, heard)
    _joins_and_keeps_everything(viewer, service.url, episode)
    other = devices.phone()
    _signs_in_elsewhere_and_merges(other, service.url, episode)

    producer, admin = devices.phone(), devices.phone()
    month = _sees_the_provisional_month(producer, service)
    _adds_a_value(admin, service)
    _closes_the_month(admin, devices.phone(), service, month)
    _sees_the_closed_month(producer, service, month)

    _sees_no_frame_without_the_key(viewer, service.url, episode)
    _is_nobody_with_a_forged_cookie(viewer, devices.phone(), service.url, episode)
    assert "Clean." in service.verify()


def _is_refused_usefully(page: Page, url: str) -> str:
    """Arrive as a guest; playing is refused with words and with what would unlock it."""
    page.goto(url)
    account = cookie_of(page, "buddy_account")
    assert account["httpOnly"]
    assert account["value"].split("~")[2] == "guest"
    see_balance(page, 0)
    episode = find_title(page, url, card=SERIES, episode=EPISODE)
    answer = page.goto(f"{url}/watch/{episode}")
    assert answer is not None
    assert answer.status == 422
    expect(page.locator("[data-reason='entitlements.no_grant']")).to_be_visible()
    expect(page.get_by_role("heading", name="This one is locked")).to_be_visible()
    page.get_by_role("link", name="Unlock for 2 tokens").click()
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_role("heading", name="2 tokens short")).to_be_visible()
    sheet.get_by_role("link", name="Watch a short ad").click()
    return episode


def _earns_what_is_missing(page: Page) -> None:
    """See one ad to its end, and another whose callback is late: each coin lands by itself."""
    expect(page.get_by_text(f"2 tokens more and {EPISODE} is yours.")).to_be_visible()
    page.get_by_role("button", name="Watch the ad").click()
    see_ad(page, act="watch", balance=1)
    page.get_by_role("button", name="One more ad").click()
    see_ad(page, act="Late callback", balance=2)


def _unlocks_in_two_taps(page: Page, url: str, episode: str) -> None:
    """The first tap shows cost and rest; the second one unlocks and plays."""
    page.goto(f"{url}/{episode}")
    page.get_by_role("link", name="Unlock for 2 tokens").click()
    offer = page.get_by_role("dialog").locator("dl")
    expect(offer).to_contain_text(
        re.compile(r"You have\s*2 tokens\s*It costs\s*2 tokens\s*Left after\s*0 tokens")
    )
    page.get_by_role("button", name="Unlock and play").click()
    page.wait_for_url(f"{url}/watch/{episode}")


def _watches_real_video(page: Page, heard: Heard) -> None:
    """Encrypted video plays by itself: its key is asked for once, by this session, and captions are there."""
    see_playing(page, seconds=1.5)
    session = (page.locator("#player").get_attribute("data-playlist") or "").removesuffix("/master.m3u8")
    assert [key.endswith(f"{session}/key") for key in heard.keys] == [True]
    encrypted = [text for text in heard.playlists.values() if "#EXT-X-KEY:METHOD=AES-128" in text]
    assert encrypted
    assert all(f'URI="{session}/key"' in text for text in encrypted)
    frame = page.evaluate(
        "(({videoWidth, videoHeight}) => [videoWidth, videoHeight])(document.querySelector('video'))"
    )
    assert frame in ([256, 144], [640, 360], [854, 480])
    page.keyboard.press("c")
    page.get_by_role("menuitemradio", name="English").click()
    page.wait_for_function("() => document.querySelector('video').textTracks[0].activeCues?.length > 0")


def _joins_and_keeps_everything(page: Page, url: str, episode: str) -> None:
    """One more token, then join: the form names what is kept, and it is all there afterwards."""
    earn(page, url, balance=1)
    page.goto(f"{url}/join")
    expect(page.get_by_text("Your 1 token and 1 unlocked title come along")).to_be_visible()
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Join").click()
    page.wait_for_url(f"{url}/")
    see_balance(page, 1)
    assert {cookie["name"] for cookie in page.context.cookies()} >= {"buddy_session", "buddy_refresh"}
    assert "buddy_account" not in {cookie["name"] for cookie in page.context.cookies()}
    answer = page.goto(f"{url}/watch/{episode}")
    assert answer is not None
    assert answer.status == 200


def _signs_in_elsewhere_and_merges(page: Page, url: str, episode: str) -> None:
    """On another phone a guest has a token and an unlock of their own; signing in adds them."""
    earn(page, url, balance=1)
    short = find_title(page, url, card=SHORT)
    unlock(page, url, short)
    earn(page, url, balance=1)
    sign_in(page, url, EMAIL, PASSWORD)
    see_balance(page, 2)
    for title in (episode, short):
        page.goto(f"{url}/{title}")
        expect(page.get_by_text("Yours", exact=True).first).to_be_visible()


def _sees_the_provisional_month(page: Page, service: Service) -> str:
    """The producer of the episode sees 2 bonus tokens at ₹0.50, of which 60 %, and nothing of the short."""
    sign_in(page, service.url, PRODUCER.email, service.password)
    page.goto(f"{service.url}/producer")
    expect(page.locator(".figure")).to_have_text("₹0.60")
    expect(page.get_by_text("Provisional").first).to_be_visible()
    titles = page.get_by_role("region", name="Titles").get_by_role("row")
    expect(titles).to_have_count(2)
    expect(page.get_by_text(SHORT)).to_have_count(0)
    page.get_by_role("link", name=f"₹0.60, how {EPISODE} earned it").click()
    why = page.get_by_role("dialog")
    expect(why).to_contain_text(re.compile(r"2 bonus tokens.*₹1\.00.*60%.*₹0\.60", re.DOTALL))
    page.keyboard.press("Escape")
    page.locator(".figure a").click()
    month = urlsplit(page.url).path.rpartition("/")[2]
    assert json.loads(_downloaded(page, "JSON"))["format"].startswith("buddy.provisional")
    _checks_the_rows(_downloaded(page, "CSV"))
    return month


def _checks_the_rows(text: bytes) -> None:
    rows = list(csv.DictReader(io.StringIO(text.decode())))
    [line] = [row for row in rows if row["row"] == "line"]
    assert (line["model"], line["territory"], line["base"], line["rate"]) == ("tokens", "IN", "100", "3/5")
    assert json.loads(line["inputs"])["tokens"] == 2
    assert [row["payable"] for row in rows if row["row"] == "account"] == ["60"]


def _downloaded(page: Page, name: str) -> bytes:
    with page.expect_download() as waiting:
        page.get_by_role("link", name=name).click()
    return waiting.value.path().read_bytes()


def _adds_a_value(page: Page, service: Service) -> None:
    """The admin sees what a new value would do, and only then saves it."""
    sign_in(page, service.url, ADMIN.email, service.password)
    page.goto(f"{service.url}/admin/values")
    page.get_by_label("In force from").fill(page.locator("#effective_from").get_attribute("min") or "")
    page.get_by_label("One token in INR").fill("0.60")
    page.get_by_label("One token in USD").fill("0.007")
    page.get_by_role("button", name="Show what it does").click()
    effect = page.get_by_role("region", name="What this does")
    expect(effect).to_contain_text("Changes nothing before")
    expect(effect).to_contain_text("₹1.20")
    expect(effect).not_to_contain_text("somebody else")
    expect(page.get_by_text("Coming")).to_have_count(0)
    effect.get_by_role("button", name="Save the new value").click()
    expect(page.get_by_text("is saved")).to_be_visible()


def _closes_the_month(page: Page, second: Page, service: Service, month: str) -> None:
    """The demo's clock moves a month on; one reviews the ended month, another publishes; both are named.

    The month before, which waits for a file, is closed first.
    """
    sign_in(second, service.url, FINANCE.email, service.password)
    close_last_month(second, page, service)
    page.goto(f"{service.url}/admin")
    clock = page.get_by_role("region", name="Demo Move the clock")
    clock.get_by_role("button", name="One month on").click()
    page.get_by_role("link", name="Review the month").click()
    closing = page.locator(f"form[action='/admin/close/{month}']")
    ended = page.get_by_role("article").filter(has=closing)
    expect(ended.get_by_text("Ready", exact=True)).to_be_visible()
    expect(ended.locator(".checks .no")).to_have_count(0)
    closing.get_by_role("button").click()
    expect(closing).to_have_count(0)
    expect(page.get_by_text("You reviewed it: somebody else publishes it.")).to_be_visible()
    publish_month(second, service.url)
    by = f"Reviewed by {ADMIN.email}, published by {FINANCE.email}"
    expect(second.get_by_text(by).first).to_be_visible()
    page.goto(f"{service.url}/admin/audit")
    for act, who in (("token", ADMIN), ("close", FINANCE)):
        expect(page.locator("main li.line", has_text=re.compile(act, re.IGNORECASE)).first).to_contain_text(
            who.email
        )


def _sees_the_closed_month(page: Page, service: Service, month: str) -> None:
    """The producer's statement is closed with the same amount, and its file is final."""
    page.goto(f"{service.url}/producer/{month}")
    expect(page.locator(".figure")).to_have_text("₹0.60")
    expect(page.get_by_text("This statement is closed and does not change")).to_be_visible()
    _checks_the_rows(_downloaded(page, "CSV"))
    assert "provisional" not in _downloaded(page, "JSON").decode()


def _sees_no_frame_without_the_key(page: Page, url: str, episode: str) -> None:
    """With the key denied the same page plays nothing, and says so."""

    def deny(route: Route) -> None:
        route.fulfill(status=403)

    page.context.route("**/play/*/key", deny)
    page.goto(f"{url}/watch/{episode}")
    page.locator(".player-big").click(force=True)
    expect(page.get_by_role("alert")).to_contain_text("This session may not play")
    video = page.evaluate(
        "(({currentTime, readyState}) => [currentTime, readyState])(document.querySelector('video'))"
    )
    assert video[0] == 0
    assert video[1] < 2
    page.context.unroute("**/play/*/key", deny)


def _is_nobody_with_a_forged_cookie(victim: Page, forger: Page, url: str, episode: str) -> None:
    """A member's cookie with one sign changed is nobody's: its bearer is a new guest with nothing."""
    held = cookie_of(victim, "buddy_session")
    assert held["httpOnly"]
    forged = held["value"][:-1] + ("A" if held["value"][-1] != "A" else "B")
    forger.context.add_cookies([{"name": "buddy_session", "value": forged, "url": url}])
    forger.goto(url)
    see_balance(forger, 0)
    assert cookie_of(forger, "buddy_account")["value"].split("~")[2] == "guest"
    answer = forger.goto(f"{url}/watch/{episode}")
    assert answer is not None
    assert answer.status == 422


def cookie_of(page: Page, name: str) -> Cookie:
    """Return a cookie that the page's browser holds."""
    return next(cookie for cookie in page.context.cookies() if cookie["name"] == name)
