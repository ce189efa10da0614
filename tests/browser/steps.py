"""What people do on the pages, as steps that several tests take."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page, TimeoutError, expect

PASSWORD = "Long-enough-1"
AD_MS = 20_000
CODE_S = 31
"""Within this time there is a code that was not used before."""

AdAct = Literal["watch", "Late callback", "Callback twice"]


def earn(page: Page, url: str, *, balance: int, act: AdAct = "Callback twice", next_path: str = "") -> None:
    """Watch a sandbox ad and wait for its token, which makes `balance`.

    By default the ad is cut short by the button that reports it twice; `watch` lets it run to its end.
    """
    page.goto(f"{url}/earn{f'?next={next_path}' if next_path else ''}")
    page.get_by_role("button", name="Watch the ad").click()
    see_ad(page, act=act, balance=balance)


def see_ad(page: Page, *, balance: int, act: AdAct) -> None:
    """Let an ad that is on the screen end, and wait for its token."""
    expect(page.get_by_text("SANDBOX", exact=True)).to_be_visible()
    if act != "watch":
        page.get_by_role("button", name=act).click()
    status = page.locator("#earn-status")
    if act != "Callback twice":
        expect(status).to_have_attribute("data-state", "pending", timeout=AD_MS)
    else:
        # The page looks by itself every two seconds; it most often need not, if asked a moment later.
        page.wait_for_url("**/earn?reward=*")
        page.reload()
    expect(status).to_have_attribute("data-state", "paid", timeout=AD_MS)
    see_balance(page, balance)


def see_balance(page: Page, tokens: int) -> None:
    """Check the number at the top of the page."""
    noun = "token" if tokens == 1 else "tokens"
    expect(page.locator("#balance")).to_have_attribute("aria-label", f"Your wallet: {tokens} {noun}")


def find_title(page: Page, url: str, *, card: str, episode: str | None = None) -> str:
    """Go from home to a title and return `episode/<id>` of it, as its addresses end."""
    page.goto(url)
    page.get_by_role("link", name=card).last.click()
    expect(page.get_by_role("heading", level=1, name=card)).to_be_visible()
    link = page.url
    if episode is not None:
        link = page.get_by_role("link", name=episode).get_attribute("href") or ""
    found = re.search(r"(?:film|series|short|episode)/[a-z0-9]+", link)
    assert found is not None, link
    return found[0]


def unlock(page: Page, url: str, title: str) -> None:
    """Unlock a title on the page of the offer, which leads to its player."""
    page.goto(f"{url}/unlock/{title}")
    page.get_by_role("button", name="Unlock and play").click()
    page.wait_for_url(f"{url}/watch/{title}")


def sign_in(page: Page, url: str, email: str, password: str) -> None:
    """Sign in, with the six digits that the demo shows where there is a second factor, and wait for home."""
    give_password(page, url, email, password)
    if page.url != f"{url}/":
        shown = page.locator("#demo-code")
        for _ in range(CODE_S):
            if shown.is_visible():
                break
            # Each code is good once: of one who signs in often the next code is a little off.
            page.wait_for_timeout(1000)
            page.reload()
        give_code(page, shown.inner_text())
    expect(page).to_have_url(f"{url}/")


def give_password(page: Page, url: str, email: str, password: str) -> None:
    """Sign in by the password alone, as far as that leads."""
    page.goto(f"{url}/sign-in")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda found: "/sign-in" not in found)


def give_code(page: Page, code: str) -> None:
    """Type the six digits of the second factor, and send them."""
    page.get_by_label("Code", exact=True).fill(code)
    page.get_by_role("button", name="Go on").click()


def join(page: Page, url: str, email: str) -> None:
    """Join with this address; what the guest has comes along."""
    page.goto(f"{url}/join")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Join").click()
    page.wait_for_url(f"{url}/")


def ask_for_value(page: Page, url: str, inr: str, usd: str) -> None:
    """Ask for a new value of a bonus token from the first day that is free."""
    page.goto(f"{url}/admin/values")
    page.get_by_label("In force from").fill(page.locator("#effective_from").get_attribute("min") or "")
    page.get_by_label("One token in INR").fill(inr)
    page.get_by_label("One token in USD").fill(usd)
    page.get_by_role("button", name="Show what it does").click()
    expect(page.get_by_text("somebody else approves it")).to_be_visible()
    page.get_by_role("button", name="Ask for approval").click()
    expect(page.get_by_text("Waits for approval")).to_be_visible()


def bring_awaited(page: Page, url: str, folder: Path) -> None:
    """Bring in the file that the demo's last month waits for; the start has laid it down."""
    page.goto(f"{url}/admin/facts")
    [file] = folder.glob("ads-*.json")
    page.get_by_label("JSON or CSV for").set_input_files(file)
    page.get_by_role("button", name="Bring it in").click()
    expect(page.get_by_text("The facts are in.")).to_be_visible()


def review_month(page: Page, url: str) -> None:
    """Review the month that is ready, so that somebody else can publish it."""
    page.goto(f"{url}/admin/close")
    page.get_by_role("button", name="Review ").first.click()
    expect(page.get_by_text("It waits for another person")).to_be_visible()


def publish_month(page: Page, url: str) -> None:
    """Publish the month that another one has reviewed."""
    page.goto(f"{url}/admin/close")
    page.get_by_role("button", name="Publish ").click()
    expect(page.get_by_text("The statements are final")).to_be_visible()


def open_user(page: Page, url: str, email: str) -> None:
    """Find somebody by the start of their address, and open their page."""
    page.goto(f"{url}/admin/users")
    page.get_by_label("E-mail address begins with").fill(email.partition("@")[0])
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name=email).click()
    expect(page.get_by_role("heading", level=1, name=email)).to_be_visible()


def look_as(page: Page, url: str, email: str, reason: str) -> None:
    """Begin to look at the service as a member."""
    open_user(page, url, email)
    act = page.locator("#act-look")
    act.get_by_text("Look as this user").click()
    act.get_by_label("Reason").fill(reason)
    act.get_by_role("button", name="Begin to look").click()
    expect(page.get_by_text("You look as")).to_be_visible()


def play(page: Page, seconds: float) -> None:
    """Press the big button and wait until the video has run for so long."""
    try:
        page.locator(".player-big").click(timeout=5_000)
    except TimeoutError:
        # It was watched for so long before, on a slow machine, that it asks where to go on.
        page.locator("[data-act=restart]").click()
    see_playing(page, seconds)


def see_playing(page: Page, seconds: float) -> None:
    """Wait until the video has run for so long, whoever began it."""
    page.wait_for_function("s => document.querySelector('video').currentTime > s", arg=seconds, timeout=AD_MS)
