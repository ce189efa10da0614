"""A promotion in real browsers: staff begin it on a desk, a newcomer types its code on a phone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.browser.devices import Devices
from tests.browser.service import ADMIN, Service
from tests.browser.steps import see_balance, sign_in

CODE = "MONSOON26"


def test_a_code_is_begun_and_typed(service: Service, devices: Devices) -> None:
    """A wrong code is told beside its field without a new page; the right one lands, without scripts too."""
    desk, phone = devices.desktop(), devices.phone()
    sign_in(desk, service.url, ADMIN.email, service.password)
    desk.goto(f"{service.url}/admin/promotions")
    last_day = datetime.now(UTC) + timedelta(days=7)
    for label, typed in (
        ("Code", "monsoon-26"),
        ("Tokens each", "5"),
        ("How many may claim", "10"),
        ("Last day", f"{last_day:%Y-%m-%d}"),
        ("What it is for, for the record", "posters in Pune"),
    ):
        desk.get_by_label(label, exact=True).fill(typed)
    desk.get_by_label("Guests may claim too").check()
    desk.get_by_role("button", name="Begin it").click()
    expect(desk.get_by_text("The promotion stands")).to_be_visible()

    phone.goto(f"{service.url}/wallet")
    phone.get_by_text("Have a code?").click()
    phone.get_by_label("Your code").fill("no such code")
    phone.get_by_role("button", name="Get the tokens").click()
    expect(phone.get_by_role("alert")).to_contain_text("This code is not known")
    expect(phone.get_by_label("Your code")).to_have_value("no such code")
    phone.get_by_label("Your code").fill("Monsoon 26")
    phone.get_by_role("button", name="Get the tokens").click()
    expect(phone.get_by_text("The tokens of your code are in the wallet.")).to_be_visible()
    see_balance(phone, 5)

    plain = devices.phone(java_script_enabled=False)
    plain.goto(f"{service.url}/wallet")
    plain.get_by_text("Have a code?").click()
    plain.get_by_label("Your code").fill(CODE)
    plain.get_by_role("button", name="Get the tokens").click()
    expect(plain.get_by_text("The tokens of your code are in the wallet.")).to_be_visible()
    see_balance(plain, 5)

    desk.reload()
    expect(desk.get_by_text("2 of 10 claimed")).to_be_visible()
