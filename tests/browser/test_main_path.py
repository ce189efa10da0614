"""The one path that makes Buddy worth having, in a real browser on a phone, from ad to statement."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import define, field
from playwright.sync_api import Page, Request, Response, Route, expect

from tests.browser.devices import Devices
from tests.browser.service import ADMIN, PRODUCER, Service
from tests.browser.steps import PASSWORD, earn, find_title, play, see_ad, see_balance, sign_in, unlock

EMAIL = "asha@example.com"
EPISODE = "The Crossing"
SERIES = "Night Ferry"
SHORT = "Paper Kites"
Shoot = Callable[[Page, str], Path]


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
    viewer = devices.phone()
    episode = _is_refused_usefully(viewer, service.url)
    _earns_what_is_missing(viewer)
    _unlocks_in_two_taps(viewer, service.url, episode)
    session = _watches(viewer)
    _joins_and_keeps_everything(viewer, service.url, episode)
    short = _signs_in_elsewhere_and_merges(devices.phone(), service.url, episode)

    producer, admin = devices.phone(), devices.phone()
    month = _sees_the_provisional_month(producer, service)
    _adds_a_value(admin, service)
    _closes_the_month(admin, service, month)
    _sees_the_closed_month(producer, service, month)

    _sees_no_frame_without_the_key(viewer, service.url, episode)
    _is_nobody_with_a_forged_cookie(devices.phone(), viewer, service.url, session, short)
    assert "Clean." in service.verify()


def _is_refused_usefully(page: Page, url: str) -> str:
    """Arrive as a guest; playing is refused with words and with what would unlock it."""
    page.goto(url)
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert cookies["buddy_account"]["httpOnly"]
    assert cookies["buddy_account"]["value"].split("~")[2] == "guest"
    see_balance(page, 0)
    episode = find_title(page, url, card=SERIES, episode=EPISODE)
    answer = page.goto(f"{url}/watch/{episode}")
    assert answer is not None
    assert answer.status == 403
    expect(page.locator("[data-reason='entitlements.no_grant']")).to_be_visible()
    expect(page.get_by_role("heading", name="This one is locked")).to_be_visible()
    page.get_by_role("link", name="Unlock for 2 tokens").click()
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_role("heading", name="2 tokens short")).to_be_visible()
    expect(sheet.get_by_text("Still needed")).to_be_visible()
    sheet.get_by_role("link", name="Watch a short ad").click()
    return episode


def _earns_what_is_missing(page: Page) -> None:
    """See one ad to its end, and another whose callback is late: the coin lands by itself."""
    expect(page.get_by_text("2 tokens more and The Crossing is yours.")).to_be_visible()
    page.get_by_role("button", name="Watch the ad").click()
    see_ad(page, act="watch", balance=1)
    page.get_by_role("button", name="One more ad").click()
    see_ad(page, act="Late callback", balance=2)
    page.get_by_role("link", name="Go on").click()


def _unlocks_in_two_taps(page: Page, url: str, episode: str) -> None:
    """The first tap shows cost and rest, the second one unlocks and plays."""
    page.goto(f"{url}/{episode}")
    page.get_by_role("link", name="Unlock episode 1 for 2 tokens").click()
    sheet = page.get_by_role("dialog")
    assert re.sub(r"\s+", " ", sheet.locator("dl").inner_text()) == (
        "You have 2 tokens It costs 2 tokens Left after 0 tokens"
    )
    heard = Heard()
    heard.listen(page)
    page.heard = heard  # type: ignore[attr-defined]
    sheet.get_by_role("button", name="Unlock and play").click()
    page.wait_for_url(f"{url}/watch/{episode}")
