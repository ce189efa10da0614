"""A service in mid-life: a viewer with tokens and unlocks; a closed, an ended and a running month."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from attrs import frozen
from playwright.sync_api import Page, expect

from tests.browser.devices import Devices
from tests.browser.service import ADMIN, FINANCE, PRODUCER, SECOND_FINANCE, SUPPORT, Service
from tests.browser.steps import (
    ask_for_value,
    bring_awaited,
    earn,
    find_title,
    give_password,
    join,
    look_as,
    open_user,
    play,
    publish_month,
    review_month,
    sign_in,
    unlock,
)

MEMBER = "asha@example.com"


@frozen
class Scene:
    """Who is there, as cookies that a browser may start with, and the addresses of what they look at."""

    url: str
    roles: dict[str, Any]
    addresses: dict[str, str]

    def cookies(self, role: str) -> Any:
        """Return what a browser of this role starts with; a newcomer starts with nothing."""
        return self.roles.get(role)


def set_up(service: Service, devices: Devices) -> Scene:
    """Let two months pass in which a viewer earns and unlocks; publish the first, review the second.

    The demo's own last month is published before them.
    """
    viewer, producer, admin = devices.phone(), devices.phone(), devices.desktop()
    url = service.url
    first, second = (
        find_title(viewer, url, card="Night Ferry", episode=name) for name in ("The Crossing", "Low Water")
    )
    short = find_title(viewer, url, card="Eleven Minutes")

    _earn(viewer, url, 2)
    unlock(viewer, url, first)
    sign_in(admin, url, ADMIN.email, service.password)
    finance = devices.desktop()
    sign_in(finance, url, FINANCE.email, service.password)
    close_last_month(finance, admin, service)
    month = _month_on(admin, url)
    _earn(viewer, url, 1)
    unlock(viewer, url, short)
    review_month(admin, url)
    publish_month(finance, url)
    _month_on(admin, url)
    review_month(admin, url)
    _earn(viewer, url, 5)
    unlock(viewer, url, second)
    _watch_a_part(viewer, url, first)
    sign_in(producer, url, PRODUCER.email, service.password)
    producer.goto(f"{url}/producer/{month}")
    why = producer.get_by_role("link", name="how The Crossing earned it").get_attribute("href") or ""
    member, halfway, support = devices.phone(), devices.phone(), devices.phone()
    join(member, url, MEMBER)
    _earn(member, url, 1)
    unlock(member, url, short)
    ask_for_value(finance, url, "1.20", "0.014")
    give_password(halfway, url, SECOND_FINANCE.email, service.password)
    sign_in(support, url, SUPPORT.email, service.password)
    open_user(support, url, MEMBER)
    user = support.url
    refund, adjust = (
        support.get_by_role("link", name=act).first.get_attribute("href") or ""
        for act in ("Refund", "Adjust")
    )
    open_user(support, url, FINANCE.email)
    staff = support.url
    look_as(support, url, MEMBER, "Ticket 4711: an unlock is missing")
    people = {
        "viewer": viewer,
        "producer": producer,
        "admin": admin,
        "member": member,
        "finance": finance,
        "halfway": halfway,
        "looking": support,
    }
    return Scene(
        url,
        {role: page.context.storage_state() for role, page in people.items()},
        {
            "series": find_title(viewer, url, card="Night Ferry"),
            "locked": find_title(viewer, url, card="Paper Kites"),
            "first": first,
            "month": month,
            "why": why.removeprefix("/"),
            "user": urlsplit(user).path[1:],
            "staff": urlsplit(staff).path[1:],
            "refund": refund.removeprefix("/"),
            "adjust": adjust.removeprefix("/"),
        },
    )


def close_last_month(finance: Page, admin: Page, service: Service) -> None:
    """Close the month that the demo begins with: it waits for a file, and months follow each other."""
    bring_awaited(finance, service.url, service.folder)
    review_month(admin, service.url)
    publish_month(finance, service.url)


def _earn(page: Page, url: str, tokens: int) -> None:
    """Earn so many tokens, beginning with none."""
    for balance in range(1, tokens + 1):
        earn(page, url, balance=balance)


def _month_on(page: Page, url: str) -> str:
    """Move the demo's clock a month on and return the month before, `2026-11`."""
    page.goto(f"{url}/admin")
    before = page.locator("main time").first.get_attribute("datetime") or ""
    page.get_by_role("button", name="One month on").click()
    expect(page.locator("main time").first).not_to_have_attribute("datetime", before)
    return before[:7]


def _watch_a_part(page: Page, url: str, title: str) -> None:
    """Watch the beginning of a title, jump on and stop there, so that it can be resumed."""
    page.goto(f"{url}/watch/{title}")
    play(page, seconds=0.5)
    page.evaluate("() => { document.querySelector('video').currentTime = 8; }")
    page.wait_for_function("() => document.querySelector('video').currentTime > 8.2")
    with page.expect_response("**/beat"):
        page.keyboard.press("k")
