"""Each page on a phone and on a desktop: no serious finding, nothing moves, and a picture to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import frozen
from playwright.sync_api import Browser, Page, expect

from tests.browser.devices import NARROW, Devices
from tests.browser.looking import check_page, open_page
from tests.browser.scene import Scene, set_up
from tests.browser.service import Service
from tests.browser.steps import PASSWORD

FIRST_VIEW_BYTES = 120_000


@frozen
class Shown:
    """A page as somebody sees it: its picture's name, who looks, its address, and what must be read there."""

    name: str
    role: str
    path: str
    text: str
    status: int = 200


PAGES = (
    Shown("home", "viewer", "/", "Continue watching"),
    Shown("arrival", "newcomer", "/", "The Last Monsoon"),
    Shown("title", "newcomer", "/{series}", "Episodes"),
    Shown("unlock", "viewer", "/{locked}", "Unlock for 1 token"),
    Shown("offer", "viewer", "/unlock/{locked}", "Left after"),
    Shown("short-of", "newcomer", "/unlock/{locked}", "1 token short"),
    Shown("watch", "viewer", "/watch/{first}", "The Crossing"),
    Shown("refused", "newcomer", "/watch/{first}", "This one is locked", status=422),
    Shown("earn", "viewer", "/earn", "One short ad"),
    Shown("wallet", "viewer", "/wallet", "What expires when"),
    Shown("join", "viewer", "/join", "come along"),
    Shown("sign-in", "newcomer", "/sign-in", "Accounts to try"),
    Shown("producer-later", "producer", "/producer", "Where it came from"),
    Shown("statement-small", "producer", "/producer/{month}", "This statement is closed"),
    Shown("why-tokens", "producer", "/{why}", "How ₹0.60 came about"),
    Shown("admin", "admin", "/admin", "Move the clock"),
    Shown("values", "admin", "/admin/values", "A new value"),
    Shown("costs", "admin", "/admin/costs", "New costs"),
    Shown("ad-rule", "admin", "/admin/ad-rule", "A new rule"),
    Shown("promotions", "admin", "/admin/promotions", "A new promotion"),
    Shown("close-later", "admin", "/admin/close", "You reviewed it: somebody else publishes it."),
    Shown("publish-later", "finance", "/admin/close", "Where all INR went"),
    Shown("rights", "admin", "/admin/rights", "Open today"),
    Shown("rights-title", "admin", "/admin/rights/{locked}?country=AE", "What was changed"),
    Shown("rights-effect", "admin", "/admin/rights/{locked}", "Apply the ladder to a release"),
    Shown("facts-later", "admin", "/admin/facts", "Bring a file in"),
    Shown("terms-later", "admin", "/admin/terms", "Licences"),
    Shown("new-account", "admin", "/admin/terms/account", "New account"),
    Shown("terms-waterfall", "admin", "/admin/terms/waterfall", "New waterfall"),
    Shown("terms-pool", "admin", "/admin/terms/pool", "New pool rule"),
    Shown("rights-import", "admin", "/admin/rights/import", "Choose a file"),
    Shown("rewards", "admin", "/admin/rewards", "Nothing is held"),
    Shown("alerts", "admin", "/admin/alerts", "Nothing looks odd"),
    Shown("audit", "admin", "/admin/audit", "Audit"),
    Shown("account", "member", "/account", "Where you are signed in"),
    Shown("no-account", "newcomer", "/account", "No account yet"),
    Shown("second-factor", "halfway", "/account/second-factor", "Six digits, please"),
    Shown("enrol", "member", "/account/second-factor", "six digits that only your phone knows"),
    Shown("proven", "admin", "/account/second-factor", "New phone, or done with it?"),
    Shown("approvals", "admin", "/admin/approvals", "a new value"),
    Shown("own-request", "finance", "/admin/approvals", "You asked for this yourself"),
    Shown("users", "admin", "/admin/users", "The newest"),
    Shown("user", "admin", "/{user}", "What you can do"),
    Shown("staff-wallet", "admin", "/{user}/wallet", "Unlocked"),
    Shown("staff-refund", "admin", "/{refund}", "goes back to the lot it came from"),
    Shown("staff-adjust", "admin", "/{adjust}", "Which lot, and by how much"),
    Shown("access", "admin", "/{user}/access", "Give access"),
    Shown("decision", "admin", "/{user}/access/why?title=/{locked}&country=IN", "The rules, in their order"),
    Shown("staff", "admin", "/{staff}", "Reset a lost second factor"),
    Shown("nobody", "admin", "/admin/users?email=zzz", "No address begins like this"),
    Shown("roles", "admin", "/admin/roles", "Built in"),
    Shown("role-form", "admin", "/admin/roles/form", "Permissions of its own"),
    Shown("looking", "looking", "/wallet", "You look as"),
    Shown("missing", "newcomer", "/film/zzzz", "This is not here", status=404),
    Shown("forbidden", "producer", "/admin", "Not for this account", status=403),
    Shown("codes", "newcomer", "/problems/", "Error codes"),
)


@pytest.fixture(scope="module")
def scene(chromium: Browser, service: Service) -> Iterator[Scene]:
    devices = Devices(chromium)
    yield set_up(service, devices)
    devices.close()


@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.name)
def test_page_is_right_at_both_sizes(
    shown: Shown,
    scene: Scene,
    devices: Devices,
    axe: Callable[[Page], list[str]],
    shoot: Callable[[Page, str], Path],
) -> None:
    """Nothing serious for axe, nothing breaks the policy, nothing moves, nothing is wider than the window."""
    address = scene.url + shown.path.format(**scene.addresses)
    for device in (devices.phone, devices.desktop):
        page = device(storage_state=scene.cookies(shown.role))
        _look(page, address, shown, axe, shoot)
        if device == devices.phone:
            # The narrowest phone has the same document as the other, a little closer: axe has seen it.
            page.context.new_cdp_session(page).send("Network.clearBrowserCache")
            page.set_viewport_size({**NARROW})
            _look(page, address, shown, None, shoot)


def _look(
    page: Page,
    address: str,
    shown: Shown,
    axe: Callable[[Page], list[str]] | None,
    shoot: Callable[[Page, str], Path],
) -> None:
    """Open the page in the state of its picture, and hold it to what holds for all."""
    open_page(page, address, shown.text, status=shown.status)
    _make_ready(page, shown.name)
    check_page(page, shown.name, axe, shoot)


def _make_ready(page: Page, name: str) -> None:
    """Bring a page into the state that its picture shows."""
    if name == "unlock":
        page.get_by_role("link", name="Unlock for 1 token").first.click()
        expect(page.get_by_role("button", name="Unlock and play")).to_be_visible()
    elif name == "values":
        page.get_by_label("In force from").fill(page.locator("#effective_from").get_attribute("min") or "")
        page.get_by_label("One token in INR").fill("0.80")
        page.get_by_label("One token in USD").fill("0.009")
        page.get_by_role("button", name="Show what it does").click()
        page.get_by_role("region", name="What this does").evaluate(
            "effect => effect.scrollIntoView({ block: 'center' })"
        )
    elif name in ("costs", "ad-rule"):
        label, number = ("Episode, tokens", "3") if name == "costs" else ("Tokens an ad", "2")
        page.get_by_label(label).fill(number)
        page.locator("#effective_from").fill(page.locator("#effective_from").get_attribute("min") or "")
        page.get_by_role("button", name="Show what it does").click()
        page.get_by_role("region", name="What this does").evaluate(
            "effect => effect.scrollIntoView({ block: 'center' })"
        )
    elif name == "rights-effect":
        page.locator("#add-window > summary").click()
        form = page.locator("#add-window")
        form.get_by_label("Type").select_option("svod")
        form.get_by_label("Territories").fill("IN AE")
        form.get_by_label("First day").fill("2030-12-01")
        form.get_by_label("Reason, for the record").fill("The autumn plan")
        form.get_by_role("button", name="Show what it does").click()
        expect(page.get_by_role("region", name="What this does")).to_be_visible()
    elif name == "enrol":
        page.get_by_label("Your password, once more").fill(PASSWORD)
        page.get_by_role("button", name="Begin").click()
        expect(page.get_by_role("img", name="QR code")).to_be_visible()
    elif name == "roles":
        page.locator("#role-finance summary").click()
        page.evaluate("scrollTo(0, 0)")
    elif name == "watch":
        page.get_by_role("button", name="Resume").click()
        page.wait_for_function("() => document.querySelector('video').currentTime > 8.5")


def test_first_view_is_light(scene: Scene, devices: Devices) -> None:
    """A newcomer's home comes in under 120 KB as sent, headers included, pictures left out."""
    page = devices.phone()
    sent, urls = {}, {}
    network = page.context.new_cdp_session(page)
    network.on(
        "Network.requestWillBeSent", lambda event: urls.update({event["requestId"]: event["request"]["url"]})
    )
    network.on(
        "Network.loadingFinished", lambda event: sent.update({event["requestId"]: event["encodedDataLength"]})
    )
    network.send("Network.enable")
    page.goto(scene.url, wait_until="networkidle")
    by_url = {urls[request]: size for request, size in sent.items() if "/art/" not in urls[request]}
    assert scene.url + "/" in by_url
    assert sum(by_url.values()) < FIRST_VIEW_BYTES, by_url
    assert not [url for url in by_url if "player" in url or "hls" in url]


def test_keyboard_reaches_the_content_and_the_sheet(scene: Scene, devices: Devices) -> None:
    """The first tab stop skips to the content; the sheet opens by Enter and Escape gives the focus back."""
    page = devices.desktop(storage_state=scene.cookies("viewer"))
    page.goto(f"{scene.url}/{scene.addresses['locked']}")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    opener = page.get_by_role("link", name="Unlock for 1 token").first
    page.keyboard.press("Tab")
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_role("heading", name="Unlock Paper Kites")).to_be_focused()
    page.keyboard.press("Tab")
    expect(sheet.get_by_role("button", name="Unlock and play")).to_be_focused()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(opener).to_be_focused()


def test_unlock_works_without_javascript(scene: Scene, devices: Devices) -> None:
    """Links and plain forms alone lead from the title to the unlocked page of the player."""
    page = devices.phone(storage_state=scene.cookies("viewer"), java_script_enabled=False)
    page.goto(f"{scene.url}/{scene.addresses['locked']}")
    page.get_by_role("link", name="Unlock for 1 token").first.click()
    expect(page.get_by_role("heading", level=1, name="Unlock Paper Kites")).to_be_visible()
    page.get_by_role("button", name="Unlock and play").click()
    page.wait_for_url(f"{scene.url}/watch/{scene.addresses['locked']}")
    expect(page.get_by_role("heading", name="The player needs JavaScript")).to_be_visible()
