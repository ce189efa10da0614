"""The producer's and the admin's pages: figures and files, and what staff may do, by forms alone."""

from __future__ import annotations

import csv
import hashlib
import html
import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from buddy_web.routes.statement_files import safe_cell
from tests.web.api_client import ADMIN, BLUE_LANTERN, MARIGOLD, VIEWER
from tests.web.months import MONTH, close, signed_in, spend
from tests.web.service import START, Browser, Service, running
from tests.web.test_viewer_pages import UUID_TEXT, short

NEW_VALUE = {"kind": "bonus", "effective_from": "2026-12-01", "value_INR": "0.40", "value_USD": "0.005"}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


LOOKS = {"session.begin", "audit.search", "reward.list", "role.read", "user.read", "user.search"}
"""What stands in the audit without anything having changed."""


def changes(service: Service) -> list[str]:
    """Return what staff have changed since the demo was seeded, in order."""

    async def read() -> list[str]:
        async with service.container.uow().read() as tx:
            records, _, _ = await tx.audit_books.records()
        return [item.action for item in records if item.correlation_id != "seed"]

    return [action for action in service.call(read) if action not in LOOKS]


def addresses(text: str, begin: str) -> list[str]:
    """Return the addresses of a page's links that begin so, each once."""
    return list(dict.fromkeys(html.unescape(found) for found in re.findall(rf'href="({begin}[^"]*)"', text)))


def rows(text: str) -> list[dict[str, str]]:
    """Return a CSV file's rows."""
    return list(csv.DictReader(io.StringIO(text)))


def test_a_producer_sees_the_running_month_as_provisional(service: Service) -> None:
    """Two titles for three tokens come to 90 paise, so far, by model and by title; all links open."""
    spend(service)
    browser = signed_in(service, BLUE_LANTERN)
    page = browser.get("/producer").text
    assert "Provisional" in page
    assert re.search(r">Tokens</span></th>\s*<td class=\"n\"><a [^>]*>₹0.90</a>", page)
    assert {"₹0.90", "₹0.60", "₹0.30"} <= set(re.findall(r">(₹[0-9.]+)</a>", page))
    assert "2 unlocks" not in page
    found = addresses(page, "/producer")
    assert len(found) >= 5
    for address in found:
        answer = browser.get(address)
        assert answer.status_code == 200, address
        assert not UUID_TEXT.search(answer.text), address


def test_a_statement_explains_each_amount(service: Service) -> None:
    """The why page says in words and figures how tokens, value and share make it; htmx gets a part."""
    spend(service)
    browser = signed_in(service, BLUE_LANTERN)
    statement = browser.get(f"/producer/{MONTH}").text
    assert "Provisional" in statement
    assert "India, tokens (bonus)" in statement
    [title, line, *_] = addresses(statement, f"/producer/{MONTH}/why/episode-")
    assert ".1?" in line
    for why in (title, line):
        page = browser.get(why).text
        for words in (
            "2 bonus tokens were spent on", "worth ₹1.00 by value version 1", "× your share of 60%",
            "has 60% of ₹1.00: ₹0.60", "How ₹0.60 came about", "Blue Lantern Films",
        ):  # fmt: skip
            assert words in page, words
        part = browser.get(why, headers={"HX-Request": "true"}).text
        assert "<html" not in part
        assert "How ₹0.60 came about" in part


def test_a_closed_statement_downloads_as_the_bytes_that_were_kept(service: Service) -> None:
    """The JSON file is the stored row to the byte, before and after the month is closed again."""
    spend(service)
    admin = close(service)
    browser = signed_in(service, BLUE_LANTERN)
    page = browser.get(f"/producer/{MONTH}").text
    assert "Provisional" not in page
    file = browser.get(f"/producer/{MONTH}/statement.json?currency=INR")
    assert file.headers["Content-Type"] == "application/json"
    assert re.fullmatch(
        r'attachment; filename="statement-2026-11-newtact-INR-[a-z0-9]+\.json"',
        file.headers["Content-Disposition"],
    )
    bodies = service.call(_stored_bodies, service)
    assert file.data in bodies
    assert json.loads(file.data)["earned"] == 90
    assert f"sha256:{hashlib.sha256(file.data).hexdigest()}" in page
    form = {"entity": "newtact"}
    assert admin.post(f"/admin/close/{MONTH}", form).location == "/admin/close?done=closed_before"
    assert service.call(_stored_bodies, service) == bodies
    assert browser.get(f"/producer/{MONTH}/statement.json").data == file.data


def test_a_provisional_file_says_that_it_is_none_to_keep(service: Service) -> None:
    """A running month's JSON is wrapped in its time, and its files are called so."""
    spend(service)
    browser = signed_in(service, MARIGOLD)
    answer = browser.get(f"/producer/{MONTH}/statement.json")
    file = json.loads(answer.data)
    assert file["format"] == "buddy.provisional-statement/2"
    assert file["statement"]["earned"] == 30
    for found in (answer, browser.get(f"/producer/{MONTH}/statement.csv")):
        assert "-provisional." in found.headers["Content-Disposition"]


def test_the_csv_adds_up(service: Service) -> None:
    """Lines and rounding are what was earned, and the steps of the account what is paid, exactly."""
    spend(service)
    close(service)
    for email, paid in ((MARIGOLD, 30), (BLUE_LANTERN, 90)):
        answer = signed_in(service, email).get(f"/producer/{MONTH}/statement.csv")
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        found = rows(answer.text)
        by_kind = {
            kind: [row for row in found if row["row"] == kind] for kind in ("line", "rounding", "step")
        }
        exact = [Fraction(row["amount"]) for row in (*by_kind["line"], *by_kind["rounding"])]
        assert sum(exact) == paid
        assert sum(int(row["minor"]) for row in by_kind["step"]) == paid
        assert found[-1]["payable"] == str(paid)
        for row in by_kind["line"]:
            assert Fraction(row["amount"]) == Fraction(row["base"]) * Fraction(row["rate"])
            assert json.loads(row["inputs"])["kind"] == "bonus"


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_cell_that_would_begin_a_formula_is_quoted(sign: str) -> None:
    """Each sign that OWASP names gets an apostrophe; other texts stay as they are."""
    assert safe_cell(f"{sign}1+1") == f"'{sign}1+1"
    assert safe_cell("Salt = Road") == "Salt = Road"


def test_a_producer_finds_nothing_of_another(service: Service) -> None:
    """Another's month, line, file and short id are not found, and look like what is not there at all."""
    viewer = service.browser()
    viewer.earn(1)
    viewer.unlock(short(viewer))
    close(service)
    owner, other = signed_in(service, MARIGOLD), signed_in(service, BLUE_LANTERN)
    own = owner.get("/v1/me").json["producer"]
    [why, *_] = addresses(owner.get(f"/producer/{MONTH}").text, f"/producer/{MONTH}/why/")
    for path in (why, f"/producer/{MONTH}/statement.json", f"/producer/{MONTH}/statement.csv"):
        assert owner.get(path).status_code == 200, path
        assert other.get(path).status_code == 404, path
    assert "₹0.30" not in other.get(f"/producer/{MONTH}").text
    for path in ("/producer", f"/producer/{MONTH}", f"/producer/{MONTH}/statement.json"):
        hidden = other.get(f"{path}?producer={own}")
        nothing = other.get(f"{path}?producer=zzzz")
        assert (hidden.status_code, nothing.status_code) == (404, 404), path
        assert "Marigold" not in hidden.text
    assert owner.get("/producer/2026-09").status_code == 404
    assert owner.get("/producer/2026-13").status_code == 400


def test_staff_follow_a_producers_links(service: Service) -> None:
    """From the close an admin opens a statement, its amounts and its files, all of the same producer."""
    spend(service)
    admin = close(service)
    [first, *_] = addresses(admin.get("/admin/close").text, f"/producer/{MONTH}")
    assert "producer=" in first
    page = admin.get(first).text
    found = addresses(page, f"/producer/{MONTH}/")
    assert len(found) >= 3
    for address in found:
        assert "producer=" in address
        assert admin.get(address).status_code == 200, address
    assert admin.get(first.replace("producer=", "producer=zz")).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/producer", f"/producer/{MONTH}", f"/producer/{MONTH}/statement.csv", "/admin", "/admin/values",
     "/admin/close", "/admin/rewards", "/admin/audit"],
)  # fmt: skip
def test_who_may_not_see_a_page_is_refused_or_sent_to_sign_in(service: Service, path: str) -> None:
    """A stranger and a guest are led to sign in and back; a member without the role gets 403."""
    stranger = service.browser()
    assert stranger.get(path).location.startswith("/sign-in?next=%2F")
    stranger.get("/")
    assert stranger.get(path).location.startswith("/sign-in?next=%2F")
    assert signed_in(service, VIEWER).get(path).status_code == 403
    if path.startswith("/admin"):
        assert signed_in(service, MARIGOLD).get(path).status_code == 403


@pytest.mark.parametrize(
    "path",
    ["/admin/values", "/admin/values/preview", f"/admin/close/{MONTH}", f"/admin/close/{MONTH}/publish",
     "/admin/rewards", "/admin/wallets",
     "/admin/demo/clock"],
)  # fmt: skip
def test_a_form_of_the_admins_serves_nobody_else(service: Service, path: str) -> None:
    """A viewer and a producer who send an admin's form change nothing, and neither does one without token."""
    for email in (VIEWER, MARIGOLD):
        browser = signed_in(service, email)
        browser.get("/")
        assert browser.post(path, {**NEW_VALUE, "by": "+1month"}).status_code == 403
    admin = signed_in(service, ADMIN)
    admin.token = "forged"
    assert admin.post(path, {**NEW_VALUE, "by": "+1month"}).status_code == 403
    assert service.container.clock().now() == START
    assert changes(service) == []


def test_an_admin_sees_what_a_new_value_does_before_saving_it(service: Service) -> None:
    """The preview changes nothing; saving adds one version however often it is sent, and is on record."""
    admin = signed_in(service, ADMIN)
    admin.get("/admin/values")
    preview = admin.post("/admin/values/preview", NEW_VALUE).text
    assert "Changes nothing before 1 Dec 2026" in preview
    assert "₹0.80" in preview
    assert "bonus-2" not in admin.get("/admin/values").text
    key = re.findall(r'name="idempotency_key" value="([^"]+)"', preview)[0]
    form = {**NEW_VALUE, "idempotency_key": key}
    saved = [admin.post("/admin/values", form) for _ in range(2)]
    assert [answer.location for answer in saved] == ["/admin/values?saved=bonus-2"] * 2
    page = admin.get(saved[0].location).text
    assert "Version bonus-2 is saved" in page
    assert "Coming" in page
    assert "bonus-3" not in page
    audit = admin.get("/admin/audit").text
    assert "Token value: set" in audit
    assert audit.count(ADMIN) >= 1
    assert not UUID_TEXT.search(audit)


def test_a_new_value_counts_from_its_day_and_never_before(service: Service) -> None:
    """An unlock of November keeps its value when December has come; one of December has the new."""
    spend(service)
    admin = signed_in(service, ADMIN)
    admin.get("/admin/values")
    admin.post("/admin/values", {**NEW_VALUE, "idempotency_key": "val-1"})
    service.clock.set(START + timedelta(days=14))
    viewer = service.browser()
    viewer.earn(1)
    viewer.unlock(short(viewer))
    browser = signed_in(service, MARIGOLD)
    assert "₹0.30" in browser.get(f"/producer/{MONTH}").text
    assert "₹0.24" in browser.get("/producer/2026-12").text


def test_what_is_wrong_with_a_new_value_stands_at_its_field(service: Service) -> None:
    """A comma, a past date and an unknown kind come back as typed, with the problem, and nothing saved."""
    admin = signed_in(service, ADMIN)
    admin.get("/admin/values")
    for wrong, words in (
        ({"value_INR": "0,4"}, "Write the amount with a point"),
        ({"effective_from": "2026-11-01"}, 'id="effective_from-problem"'),
        ({"effective_from": "soon"}, "Choose a date"),
        ({"effective_from": "9999-12-31", "value_USD": "1e5"}, "Write the amount with a point"),
    ):
        for path in ("/admin/values/preview", "/admin/values"):
            answer = admin.post(path, {**NEW_VALUE, **wrong, "idempotency_key": "val-1"})
            assert answer.status_code in (400, 422), (path, wrong)
            assert words in answer.text, (path, wrong)
    assert "bonus-2" not in admin.get("/admin/values").text


def test_a_held_reward_waits_for_staff(service: Service) -> None:
    """A frozen wallet's reward is held; release needs it unfrozen, refusal a reason; each is on record."""
    admin = signed_in(service, ADMIN)
    viewer = signed_in(service, VIEWER)
    begun = [viewer.client.post("/v1/ads/rewards", headers={"X-CSRF-Token": _token(viewer)}).json
             for _ in range(2)]  # fmt: skip
    admin.get("/admin/rewards")
    freeze = {"owner": VIEWER, "reason": "ten ads in a second", "act": "freeze"}
    assert admin.post("/admin/wallets", freeze).location == "/admin/rewards?done=freeze"
    assert "frozen" in admin.get("/admin/rewards?done=freeze").text.casefold()
    for reward in begun:
        service.confirm(reward["ad_unit"], reward["custom_data"])
    assert viewer.balance() == 0
    assert "Rewards are held" in admin.get("/admin").text
    page = admin.get("/admin/rewards").text
    assert page.count(f"1 token for {VIEWER}") == 2
    assert page.count("The wallet is still frozen") == 2
    first, second = (reward["id"] for reward in begun)
    release = {"reward_id": first, "decision": "release", "reason": "all is well"}
    early = admin.post("/admin/rewards", release)
    assert early.status_code == 422
    assert 'role="alert"' in early.text
    assert admin.post("/admin/rewards", {**release, "reason": "x"}).status_code == 400
    unfreeze = {"owner": first, "reason": "it was a family", "act": "unfreeze"}
    assert admin.post("/admin/wallets", unfreeze).status_code == 303
    assert admin.post("/admin/rewards", release).location == "/admin/rewards?done=release"
    assert viewer.balance() == 1
    refuse = {"reward_id": second, "decision": "refuse", "reason": "one is enough"}
    assert admin.post("/admin/rewards", refuse).location == "/admin/rewards?done=refuse"
    assert viewer.balance() == 1
    assert "Nothing is held" in admin.get("/admin/rewards").text
    assert admin.post("/admin/rewards", release).status_code == 422
    audit = admin.get("/admin/audit").text
    for words in ("Wallet: freeze", "Wallet: unfreeze", "Reward: release", "Reward: refuse"):
        assert words in audit, words
    for reason in ("ten ads in a second", "it was a family", "all is well", "one is enough"):
        assert reason in audit, reason
    assert not UUID_TEXT.search(audit)


def test_a_wallet_that_nobody_has_changes_nothing(service: Service) -> None:
    """Who types an address or a reward that is not there reads so on the page."""
    admin = signed_in(service, ADMIN)
    admin.get("/admin/rewards")
    for owner in ("nobody@example.com", "rwd_" + "0" * 32):
        answer = admin.post("/admin/wallets", {"owner": owner, "reason": "a test", "act": "freeze"})
        assert answer.status_code == 404
        assert "No account has this e-mail address" in answer.text
    wrong = {"owner": "not an address", "reason": "a test", "act": "freeze"}
    assert admin.post("/admin/wallets", wrong).status_code == 400
    never = {"owner": VIEWER, "reason": "a test", "act": "unfreeze"}
    assert admin.post("/admin/wallets", never).status_code == 422
    assert admin.post("/admin/wallets", {**never, "act": "burn"}).status_code == 400
    assert changes(service) == []


def test_the_audit_is_searched_and_read_page_by_page(service: Service) -> None:
    """Person, act or subject of acts narrow the lines, what finds nothing says so, and each search is one."""
    admin = signed_in(service, ADMIN)
    admin.get("/admin/rewards")
    for act in ("freeze", "unfreeze", "freeze"):
        admin.post("/admin/wallets", {"owner": VIEWER, "reason": f"{act} now", "act": act})
    for query, found in (
        ("action=wallet", 3),
        ("action=wallet.unfreeze", 1),
        (f"about={VIEWER}", 3),
        (f"about={VIEWER}&action=wallet.freeze&actor={ADMIN}", 2),
        (f"actor={MARIGOLD}&action=wallet", 0),
        ("action=audit", 5),
        ("before=2", 1),
    ):
        assert admin.get(f"/admin/audit?{query}").text.count('<li class="line">') == found, query
    assert "No such act" in admin.get("/admin/audit?about=nothing-of-the-kind").text
    for before in ("0", "-1", "x", str(10**30)):
        assert admin.get(f"/admin/audit?before={before}").status_code in (200, 400), before


def test_the_demos_clock_goes_forward_by_a_button(service: Service) -> None:
    """An admin moves the service a day or a month on; other spans are refused."""
    admin = signed_in(service, ADMIN)
    assert "Move the clock" in admin.get("/admin").text
    assert admin.post("/admin/demo/clock", {"by": "+1day"}).location == "/admin"
    assert service.container.clock().now() == START + timedelta(days=1)
    admin.post("/admin/demo/clock", {"by": "+1month"})
    assert service.container.clock().now() == START + timedelta(days=31)
    assert admin.post("/admin/demo/clock", {"by": "reset"}).status_code == 400


def _token(browser: Browser) -> str:
    browser.get("/")
    return browser.token


async def _stored_bodies(service: Service) -> set[bytes]:
    async with service.container.uow().read() as tx:
        return {item.body for item in await tx.statements.of_month("newtact", MONTH)}
