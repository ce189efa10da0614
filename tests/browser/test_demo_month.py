"""The demo as it begins: a full month for producers, and the three steps that close it, at both sizes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from attrs import frozen
from playwright.sync_api import Browser, Page, expect

from buddy_core.kernel.periods import month_of, previous_month
from buddy_web.demo.seed import LOGINS
from buddy_web.reference import NEWTACT
from tests.browser.devices import Devices
from tests.browser.looking import check_page, open_page
from tests.browser.service import ADMIN, FINANCE, PRODUCER, SECOND_FINANCE, Service
from tests.browser.steps import bring_awaited, publish_month, review_month, sign_in

MARIGOLD = next(login for login in LOGINS if login.producer == "marigold")
LAST = previous_month(month_of(datetime.now(UTC), NEWTACT.zone))
CLOSED = previous_month(LAST)


@frozen
class Seen:
    """A page of the demo: its picture's name, who looks, where, and what must be read there."""

    name: str
    who: str
    path: str
    text: str


PAGES = (
    Seen("producer", "marigold", "/producer", "Recouped in full"),
    Seen("producer-blue", "blue", "/producer", "Where it came from"),
    Seen("statement", "marigold", "/producer/{closed}", "Statement of earnings"),
    Seen("statement-open", "blue", "/producer/{last}", "belongs to"),
    Seen("recouping", "marigold", "/producer/{closed}#accounts", "left to recoup"),
    Seen("why", "marigold", "{glass}", "× the 25% that you own"),
    Seen("why-late", "marigold", "{monsoon}", "The difference"),
    Seen("facts", "finance", "/admin/facts", "Waits for 1 file"),
    Seen("terms", "admin", "/admin/terms", "advance of ₹55,000.00"),
    Seen("terms-account", "admin", "/admin/terms/account?entity=newtact&key=marigold-inr", "Tax kept back"),
    Seen(
        "terms-effect", "admin", "/admin/terms/account?entity=newtact&key=marigold-inr", "Show what it does"
    ),
    Seen("bring", "finance", "/admin/close", "Not ready"),
)


@frozen
class Demo:
    """The service with the cookies of those who look, and the addresses of what they look at."""

    url: str
    cookies: dict[str, Any]
    addresses: dict[str, str]


@pytest.fixture(scope="module")
def demo(chromium: Browser, service: Service) -> Iterator[Demo]:
    """Everybody has signed in; nothing else was done since the start."""
    devices = Devices(chromium)
    people = {
        "marigold": MARIGOLD,
        "blue": PRODUCER,
        "admin": ADMIN,
        "finance": FINANCE,
        "second": SECOND_FINANCE,
    }
    pages = {who: devices.phone() for who in people}
    for who, login in people.items():
        sign_in(pages[who], service.url, login.email, service.password)
    pages["marigold"].goto(f"{service.url}/producer/{CLOSED}")
    titles = {
        name: _why(pages["marigold"], title)
        for name, title in {"glass": "The Glass Hour", "monsoon": "The Last Monsoon"}.items()
    }
    cookies = {who: page.context.storage_state() for who, page in pages.items()}
    yield Demo(service.url, cookies, {"closed": CLOSED, "last": LAST, **titles})
    devices.close()


def _why(page: Page, title: str) -> str:
    link = page.get_by_role("link", name=f"how {title} earned it").first.get_attribute("href") or ""
    return f"{urlsplit(link).path}?{urlsplit(link).query}"


@pytest.mark.parametrize("seen", PAGES, ids=lambda seen: seen.name)
def test_a_full_month_is_right_at_both_sizes(
    seen: Seen,
    demo: Demo,
    devices: Devices,
    axe: Callable[[Page], list[str]],
    shoot: Callable[[Page, str], Path],
) -> None:
    """Figures of every kind fit the phone and the desktop, and axe finds nothing serious."""
    for device in (devices.phone, devices.desktop, devices.narrow):
        page = device(storage_state=demo.cookies[seen.who])
        open_page(page, demo.url + seen.path.format(**demo.addresses), seen.text)
        if seen.name == "terms-effect":
            page.get_by_label("Advance", exact=True).fill("60000")
            page.get_by_role("button", name="Show what it does").click()
            expect(page.get_by_role("region", name="by these terms")).to_contain_text("would be paid")
        if seen.name == "why-late":
            late = page.locator("section", has_text="belongs to").last
            late.evaluate("part => part.scrollIntoView({ block: 'center' })")
        check_page(page, seen.name, axe, shoot)


def test_the_month_is_closed_in_three_steps(
    demo: Demo,
    service: Service,
    devices: Devices,
    axe: Callable[[Page], list[str]],
    shoot: Callable[[Page, str], Path],
) -> None:
    """The awaited file is brought in, one person reviews, another publishes; the producer is paid."""
    finance, second = (devices.phone(storage_state=demo.cookies[who]) for who in ("finance", "second"))
    bring_awaited(finance, demo.url, service.folder)
    for device in (devices.phone, devices.desktop):
        page = device(storage_state=demo.cookies["finance"])
        open_page(page, f"{demo.url}/admin/close", "Ready")
        check_page(page, "close", axe, shoot)
    review_month(finance, demo.url)
    for device in (devices.phone, devices.desktop):
        page = device(storage_state=demo.cookies["second"])
        open_page(page, f"{demo.url}/admin/close", "Where all INR went")
        page.get_by_role("button", name="Publish ").evaluate(
            "button => button.scrollIntoView({ block: 'center' })"
        )
        check_page(page, "publish", axe, shoot)
    publish_month(second, demo.url)
    by = f"Reviewed by {FINANCE.email}, published by {SECOND_FINANCE.email}"
    expect(second.get_by_text(by).first).to_be_visible()
    producer = devices.phone(storage_state=demo.cookies["marigold"])
    open_page(producer, f"{demo.url}/producer/{LAST}", "This statement is closed and does not change")
    expect(producer.locator("#accounts")).to_contain_text(
        re.compile(r"Recouped in full.*IN:194J, 10%", re.DOTALL)
    )
    assert "Clean." in service.verify()
