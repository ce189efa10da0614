"""The desk's pages about a wallet: what may be done about each entry, seen before it is done."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.service import Browser, Service, running
from tests.web.test_access_pages import FINANCE, SECOND, SUPPORT, VIEWER, enter, page_of, request_of
from tests.web.test_viewer_pages import UUID_TEXT, short

WHY = "Ticket 4711"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


@pytest.fixture
def viewer(service: Service) -> Browser:
    """Somebody who earned three tokens and unlocked a short."""
    browser = enter(service, VIEWER)
    browser.earn(3)
    assert browser.unlock(short(browser)).status_code < 400
    return browser


def words(page: str) -> str:
    """Return what a page says, without its markup."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def link(page: str, act: str) -> str:
    """Return the address of the newest entry's form of an act."""
    [first, *_] = re.findall(rf'href="(/admin/users/usr_[0-9a-f]{{32}}/entries/[0-9a-f-]+/{act})"', page)
    return str(first)


def key_of(page: str) -> str:
    """Return the key of the one form of an entry's page."""
    found = re.search(r'name="idempotency_key" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_a_refund_is_seen_before_it_is_done(service: Service, viewer: Browser) -> None:
    """The member's page leads to a form that says what goes back; sent, it is done once and told."""
    support = enter(service, SUPPORT)
    user = page_of(support, VIEWER)
    before, page = viewer.balance(), support.get(user)
    assert not UUID_TEXT.search(page.text)
    address = link(page.text, "refund")
    form = support.get(address)
    told = words(form.text)
    assert "1 token goes back to the lot it came from" in told
    assert "is closed to them from now on" in told
    assert viewer.balance() == before, "seen, not done"
    refused = support.post(address, {"reason": "x", "idempotency_key": "r1"})
    assert (refused.status_code, "Say why" in refused.text) == (400, True)
    sent = {"reason": WHY, "idempotency_key": key_of(form.text)}
    for _ in range(2):
        done = support.post(address, sent)
        assert (done.status_code, done.location) == (303, f"{user}?done=refunded")
    assert viewer.balance() > before
    shown = support.get(done.location)
    assert "Refunded. The tokens are back in the wallet." in shown.text
    assert address not in shown.text, "nothing is left of it to refund"
    again = support.get(address)
    assert again.status_code == 422
    assert "given back" in words(again.text)
    assert "<form" not in again.text.split("What this does")[1].split("</section>")[0]


def test_a_reversal_says_what_is_gone(service: Service, viewer: Browser) -> None:
    """What can be taken and what was spent already stand on the form, and come to pass."""
    support = enter(service, SUPPORT)
    user = page_of(support, VIEWER)
    address = link(support.get(user).text, "reverse")
    form = support.get(address)
    assert "taken out of the wallet" in words(form.text)
    done = support.post(address, {"reason": WHY, "idempotency_key": key_of(form.text)})
    assert done.location == f"{user}?done=reversed"
    assert support.get(address).status_code == 422


def test_an_adjustment_is_shown_then_made_or_asked_for(service: Service, viewer: Browser) -> None:
    """The effect is shown first; a few tokens move at once, many wait and are listed with the member."""
    support, finance = enter(service, SUPPORT), enter(service, FINANCE)
    user = page_of(support, VIEWER)
    address = link(support.get(user).text, "adjust")
    before = viewer.balance()
    assert "Above 50 tokens" in words(support.get(address).text)
    typed = {"lot": "1", "tokens": "2", "reason": WHY}
    seen = support.post(address, typed)
    assert re.search(r"lot has [01] tokens? now, and [23] tokens then", words(seen.text))
    assert "somebody else" not in words(seen.text)
    assert viewer.balance() == before
    done = support.post(address, {**typed, "seen": "yes", "idempotency_key": key_of(seen.text)})
    assert done.location == f"{user}?done=adjusted"
    assert viewer.balance() == before + 2
    many = {**typed, "tokens": "60"}
    assert "somebody else approves it" in words(support.post(address, many).text)
    waits = support.post(address, {**many, "seen": "yes", "idempotency_key": "a2"})
    assert waits.location.startswith(f"{user}?waiting=apr_")
    assert "An adjustment by +60 waits for a second person" in words(support.get(user).text)
    request = request_of(waits.location)
    assert "by hand" in words(finance.get(request).text)
    finance.post(request, {"decision": "approve"})
    assert viewer.balance() == before + 62
    for wrong, status in (("0", 400), ("1.5", 400), ("9" * 17, 400), ("x", 400), ("-999", 422), ("", 400)):
        answer = support.post(address, {**typed, "tokens": wrong, "seen": "yes", "idempotency_key": "a3"})
        assert answer.status_code == status, wrong
        assert 'role="alert"' in answer.text
        foreseen = support.post(address, {**typed, "tokens": wrong})
        assert (foreseen.status_code, "now, and" in words(foreseen.text)) == (status, False), wrong
    assert support.post(address, {**typed, "lot": "7"}).status_code == 404
    assert viewer.balance() == before + 62


def test_a_freeze_is_made_on_the_members_page(service: Service, viewer: Browser) -> None:
    """It says who froze it and why; the viewer is told, and goes on once it is lifted."""
    support = enter(service, SUPPORT)
    user = page_of(support, VIEWER)
    assert support.post(f"{user}/freeze", {"act": "freeze", "reason": "x"}).status_code == 400
    done = support.post(f"{user}/freeze", {"act": "freeze", "reason": "Forty ads an hour"})
    assert done.location == f"{user}?done=frozen"
    told = words(support.get(user).text)
    assert f"by {SUPPORT} : “Forty ads an hour”" in told or f"by {SUPPORT}: “Forty ads an hour”" in told
    assert "Let the wallet go on" in told
    assert "Your wallet is on hold" in viewer.get("/wallet").text
    assert link(support.get(user).text, "refund"), "a refund is posted all the same"
    assert support.post(f"{user}/freeze", {"act": "unfreeze", "reason": WHY}).location.endswith("unfrozen")
    assert support.post(f"{user}/freeze", {"act": "unfreeze", "reason": WHY}).status_code == 422
    assert "Your wallet is on hold" not in viewer.get("/wallet").text


def test_what_was_done_before_joining_is_there(service: Service) -> None:
    """A guest's entries are behind the line by which they came along, and can be refunded from there."""
    asha = service.browser()
    asha.get("/")
    asha.earn(3)
    assert asha.unlock(short(asha)).status_code < 400
    assert asha.join("asha@example.com").status_code == 303
    support = enter(service, SUPPORT)
    user = page_of(support, "asha@example.com")
    told = words(support.get(f"{user}/wallet").text)
    assert "Came along when they joined" in told
    assert "your account" not in told
    [before] = re.findall(r'href="(/admin/users/[^"]*/wallet\?through=[0-9a-f-]+)"', support.get(user).text)
    page = support.get(html.unescape(before))
    assert "Before they joined" in page.text
    assert "Moved to their account" in page.text
    form = support.get(link(page.text, "refund"))
    done = support.post(link(page.text, "refund"), {"reason": WHY, "idempotency_key": key_of(form.text)})
    assert done.location == f"{user}?done=refunded"
    assert "/adjust" not in page.text, "these lots are in another wallet by now"


def test_a_guest_with_nothing_left_brings_no_line_along(service: Service) -> None:
    """Whoever joined with an empty wallet reads of no tokens that came along."""
    asha = service.browser()
    asha.get("/")
    asha.earn(1)
    assert asha.unlock(short(asha)).status_code < 400
    assert asha.balance() == 0
    assert asha.join("asha@example.com").status_code == 303
    told = words(asha.get("/wallet").text)
    assert "Came along" not in told
    assert "before you joined" not in told


def test_one_token_that_is_gone_is_one(service: Service) -> None:
    """A reversal that finds a single token spent says so of one, to the member and to staff."""
    browser = enter(service, VIEWER)
    browser.earn(1)
    assert browser.unlock(short(browser)).status_code < 400
    support = enter(service, SUPPORT)
    user = page_of(support, VIEWER)
    form = support.get(link(support.get(user).text, "reverse"))
    support.post(form.request.path, {"reason": WHY, "idempotency_key": key_of(form.text)})
    assert "1 token was gone already; nothing is owed for it" in words(browser.get("/wallet").text)
    assert "1 token was gone already" in words(support.get(f"{user}/wallet").text)


def test_pages_open_by_permission(service: Service, viewer: Browser) -> None:
    """Finance, which finds no accounts, sees no member's page; the viewer sees none of it."""
    support = enter(service, SUPPORT)
    user = page_of(support, VIEWER)
    address = link(support.get(user).text, "refund")
    for other in (viewer, enter(service, "marigold@example.com")):
        for path in (f"{user}/wallet", address):
            assert other.get(path).status_code == 403
    second = enter(service, SECOND)
    assert second.get(f"{user}/wallet").status_code == 403
    assert second.get(address).status_code == 200, "who is given the address of an entry may refund it"
    assert support.get(f"{user}/entries/99/refund").status_code == 404
    assert support.get(f"{user}/wallet?before=nowhere").status_code == 400
    assert support.get(f"{user}/wallet?through=99").status_code == 404
