"""Who may do what, in real browsers: second persons, second factors, looking as somebody, signing out."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import APIResponse, Page, expect

from tests.browser.devices import Devices
from tests.browser.service import (
    ADMIN,
    FINANCE,
    PRODUCER,
    SECOND_FINANCE,
    SUPPORT,
    Service,
)
from tests.browser.steps import (
    PASSWORD,
    ask_for_value,
    earn,
    find_title,
    give_code,
    give_password,
    join,
    look_as,
    see_balance,
    sign_in,
)

LOST = "meera@example.com"
SEEN = "kabir@example.com"


def test_a_large_change_needs_a_second_person(service: Service, devices: Devices) -> None:
    """Whoever asks has no button and is refused without one; another approves; the audit names both."""
    first, second, admin = devices.desktop(), devices.phone(), devices.desktop()
    sign_in(first, service.url, FINANCE.email, service.password)
    ask_for_value(first, service.url, "1.20", "0.014")
    first.get_by_role("link", name="Look at the request").click()
    expect(first.get_by_text("You asked for this yourself: somebody else decides.")).to_be_visible()
    expect(first.get_by_role("button", name="Approve")).to_have_count(0)
    request = urlsplit(first.url).path
    refused = _post(first, service.url + request, decision="approve", reason="It is fine")
    assert refused.status == 403
    assert "somebody else decides" in refused.text()

    sign_in(second, service.url, SECOND_FINANCE.email, service.password)
    second.goto(f"{service.url}/admin")
    expect(second.get_by_role("link", name="Audit")).to_have_count(0)
    second.get_by_role("link", name=re.compile("Approvals.*1 waiting")).click()
    wanted = second.get_by_role("article", name="Bonus token")
    expect(wanted).to_contain_text(re.compile(r"₹0\.50.*₹1\.20.*\+140%.*USD.*From \d+ \w+", re.DOTALL))
    expect(wanted).to_contain_text(f"Asked by {FINANCE.email}")
    wanted.get_by_role("button", name="Approve").click()
    expect(second.get_by_text("Approved and done")).to_be_visible()
    second.goto(f"{service.url}/admin/values")
    expect(second.get_by_text("Coming")).to_be_visible()

    sign_in(admin, service.url, ADMIN.email, service.password)
    admin.goto(f"{service.url}/admin/audit?about=bonus&action=token_value")
    line = admin.locator("main li.line").first
    expect(line).to_contain_text("Token value: set")
    expect(line).to_contain_text(SECOND_FINANCE.email)
    expect(line).to_contain_text(FINANCE.email)


def test_a_producer_signs_in_with_six_digits_and_sees_their_own(service: Service, devices: Devices) -> None:
    """The password alone opens nothing; a wrong code says so; the right one shows their own titles only."""
    page = devices.phone()
    give_password(page, service.url, PRODUCER.email, service.password)
    page.goto(f"{service.url}/producer")
    expect(page.get_by_role("heading", name="Six digits, please")).to_be_visible()
    code = service.code(PRODUCER.email)
    give_code(page, "000000" if code != "000000" else "111111")
    expect(page.get_by_role("alert")).to_contain_text("This code is wrong or was used before")
    give_code(page, service.code(PRODUCER.email))
    page.wait_for_url(f"{service.url}/producer")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Blue Lantern")
    expect(page.get_by_text("Paper Kites")).to_have_count(0)
    foreign = _foreign_producer(service, devices)
    for path in (f"/producer?producer={foreign}", f"/producer/2026-11?producer={foreign}"):
        answer = page.goto(service.url + path)
        assert answer is not None
        assert answer.status == 404, path


def test_support_looks_as_a_member_and_changes_nothing(service: Service, devices: Devices) -> None:
    """The banner says as whom and why; unlocking is refused with words; stopping gives the desk back."""
    member, support = devices.phone(), devices.phone()
    earn(member, service.url, balance=1)
    title = find_title(member, service.url, card="Paper Kites")
    join(member, service.url, SEEN)

    sign_in(support, service.url, SUPPORT.email, service.password)
    look_as(support, service.url, SEEN, "Ticket 4711: an unlock is missing")
    banner = support.get_by_role("region", name="You look as somebody else")
    expect(banner).to_contain_text(re.compile(rf"You look as {SEEN} until \d+:\d+.*Reason: Ticket 4711"))
    see_balance(support, 1)
    support.goto(f"{service.url}/unlock/{title}")
    support.get_by_role("button", name="Unlock and play").click()
    expect(support.get_by_role("heading", name="You only look")).to_be_visible()
    expect(support.get_by_text("Nothing was changed")).to_be_visible()
    expect(banner).to_be_visible()
    support.goto(f"{service.url}/account")
    expect(support.get_by_role("heading", name="Their account")).to_be_visible()
    expect(support.locator("main").get_by_role("button")).to_have_count(0)
    see_balance(member, 1)
    banner.get_by_role("button", name="Stop").click()
    expect(support.get_by_role("heading", level=1, name="Users")).to_be_visible()
    expect(banner).to_have_count(0)


def test_signing_out_everywhere_counts_at_the_next_click(service: Service, devices: Devices) -> None:
    """One browser signs the others out; the other one is a guest with its next click."""
    here, lost = devices.desktop(), devices.phone()
    join(here, service.url, LOST)
    sign_in(lost, service.url, LOST, PASSWORD)
    lost.goto(f"{service.url}/account")
    expect(lost.get_by_role("heading", name="Your account")).to_be_visible()

    here.goto(f"{service.url}/account")
    expect(here.get_by_role("button", name=re.compile("^Sign out Chrome"))).to_have_count(2)
    here.get_by_role("button", name="Sign out everywhere else").click()
    expect(here.get_by_text("Only this browser is left")).to_be_visible()
    expect(here.get_by_role("button", name=re.compile("^Sign out Chrome"))).to_have_count(1)

    lost.get_by_role("link", name="Account").last.click()
    expect(lost.get_by_role("heading", name="No account yet")).to_be_visible()


def test_a_member_sets_up_a_second_factor_without_javascript(service: Service, devices: Devices) -> None:
    """Forms alone show the QR code and the secret, say what is wrong with a code, and turn it on."""
    page = devices.phone(java_script_enabled=False)
    join(page, service.url, "noor@example.com")
    page.goto(f"{service.url}/account")
    page.get_by_role("link", name="Set it up").click()
    page.get_by_label("Your password, once more").fill(PASSWORD)
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    secret = page.locator("#secret").inner_text().replace(" ", "")
    page.get_by_label("Code", exact=True).fill("000000")
    page.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_role("alert")).to_contain_text("This code is wrong")
    assert page.locator("#secret").inner_text().replace(" ", "") == secret
    page.get_by_label("Code", exact=True).fill(service.code_of(secret))
    page.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_text("From now on signing in asks for six digits too.")).to_be_visible()


def test_the_second_factor_works_by_keyboard(service: Service, devices: Devices) -> None:
    """The field has the focus at once; Enter sends; a wrong code leaves the focus in the field."""
    page = devices.desktop()
    give_password(page, service.url, "marigold@example.com", service.password)
    field = page.get_by_label("Code", exact=True)
    expect(field).to_be_focused()
    page.keyboard.type("12 34")
    page.keyboard.press("Enter")
    expect(field).to_be_focused()
    field.fill(service.code("marigold@example.com"))
    page.keyboard.press("Enter")
    page.wait_for_url(f"{service.url}/")


def _post(page: Page, address: str, **form: str) -> APIResponse:
    """Send a form that no page has, with the page's own token and cookies."""
    token = page.locator("meta[name=csrf-token]").get_attribute("content") or ""
    return page.request.post(
        address, form={"csrf_token": token, **form}, headers={"Accept": "text/html"}, max_redirects=0
    )


def _foreign_producer(service: Service, devices: Devices) -> str:
    """Return the short id of the other producer, as staff see it."""
    staff = devices.desktop()
    sign_in(staff, service.url, ADMIN.email, service.password)
    staff.goto(f"{service.url}/producer")
    link = staff.get_by_role("link", name="Marigold").get_attribute("href") or ""
    return link.rpartition("=")[2]
