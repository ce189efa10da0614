"""Steps of people on the pages through a month: spending in it, reviewing it, publishing it."""

from __future__ import annotations

import re
from datetime import timedelta

from buddy_web.demo.seed import DEMO_PASSWORD
from tests.web.api_client import ADMIN, FINANCE
from tests.web.service import START, Browser, Service
from tests.web.test_viewer_pages import episode_of, link, short

MONTH = "2026-11"


def signed_in(service: Service, email: str) -> Browser:
    """Return a browser in which somebody of the demo has signed in."""
    browser = service.browser()
    assert browser.sign_in(email, DEMO_PASSWORD).status_code == 303
    return browser


def spend(service: Service) -> None:
    """Have one guest unlock a short of each producer and an episode: four tokens, three of Blue Lantern's."""
    viewer = service.browser()
    viewer.earn(4)
    episode = episode_of(viewer, link(viewer, "night-ferry"), 1)
    for title in (short(viewer), short(viewer, "eleven-minutes"), episode):
        assert viewer.unlock(title).location == f"/watch/{title}"


def close(service: Service, month: str = MONTH) -> Browser:
    """Let the month end, review it for both entities, have finance publish it; return the admin's browser."""
    service.clock.set(START + timedelta(days=14))
    admin = signed_in(service, ADMIN)
    admin.get("/admin/close")
    assert admin.post(f"/admin/close/{month}").location == "/admin/close?done=reviewed"
    finance = signed_in(service, FINANCE)
    for form in publishing(finance, month):
        assert finance.post(f"/admin/close/{month}/publish", form).location == "/admin/close?done=published"
    return admin


def publishing(browser: Browser, month: str = MONTH) -> list[dict[str, str]]:
    """Return the fields of each form that publishes a month, by entity, as the page of the months has it."""
    page = browser.get("/admin/close").text
    forms = re.findall(rf'<form action="/admin/close/{month}/publish".*?</form>', page, re.DOTALL)
    fields = [dict(re.findall(r'name="(entity|request_id)" value="([^"]+)"', form)) for form in forms]
    return sorted(fields, key=lambda item: item["entity"])
