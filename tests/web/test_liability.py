"""What is owed for tokens, as the API, the desk and the command line tell it."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from dependency_injector import providers

from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_adapters.system import SystemClock, SystemIds
from buddy_core import tokens
from buddy_core.kernel import AccountId
from buddy_core.tokens import PAID, BreakagePolicies, BreakagePolicy, BuyTokens
from buddy_web.cli import main
from buddy_web.routes.liability_files import COLUMNS
from tests.contracts.cases import account, spending
from tests.web.api_client import ADMIN, FINANCE, SUPPORT, VIEWER, app, guest, nobody, refused
from tests.web.service import START, Service, running
from tests.web.test_producer_admin_pages import signed_in

PATH = "/v1/admin/tokens/liability"
OWNER = account(1)
LINES = ["opening", "sold", "redeemed", "expired", "reversed", "adjusted", "breakage", "closing"]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


def command(who: AccountId, amount: int, cost: int, currency: str = "INR", **more: Any) -> BuyTokens:
    """Return the sale of a lot."""
    values: dict[str, Any] = {"source": "shop", "source_ref": "1", "expires_at": None} | more
    key = f"{amount}-{cost}-{currency}"
    return BuyTokens(who, PAID, amount, cost, currency, idempotency_key=key, **values)


def sell(service: Service, amount: int, cost: int, currency: str = "INR", **more: Any) -> None:
    """Sell a lot now."""
    ports = {"uow": service.container.uow(), "clock": service.clock, "ids": service.container.ids()}
    service.call(tokens.buy_tokens, command(OWNER, amount, cost, currency, **more), **ports)


def spend(service: Service, amount: int) -> None:
    """Spend some of it."""
    ports = {"uow": service.container.uow(), "clock": service.clock, "ids": service.container.ids()}
    wanted = spending(OWNER, amount, f"spend-{amount}", source="test")
    service.call(tokens.spend_tokens, wanted, **ports)


def rows_of(text: str) -> list[dict[str, str]]:
    """Return the rows of a file."""
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_a_month_is_answered_with_lines_that_add_up(service: Service) -> None:
    """Every figure in whole minor units, from the opening to the closing, and what is given apart."""
    sell(service, 10, 999)
    spend(service, 3)
    guest(service).earn(2)
    answer = app(service, FINANCE).get(f"{PATH}?month=2026-11")
    assert answer.status_code == 200
    body: Any = answer.json
    assert (body["month"], body["since"], body["as_of"], body["note"]) == (
        "2026-11", "2026-11", "2026-11-21T10:00:00Z", None,
    )  # fmt: skip
    [month] = body["liabilities"]
    assert month == {
        "currency": "INR", "month": "2026-11", "zone": "Asia/Kolkata", "state": "running",
        "starts_at": "2026-10-31T18:30:00Z", "ends_at": "2026-11-30T18:30:00Z",
        "opening": {"tokens": 0, "minor": 0}, "sold": {"tokens": 10, "minor": 999},
        "redeemed": {"tokens": -3, "minor": -300}, "expired": {"tokens": 0, "minor": 0},
        "reversed": {"tokens": 0, "minor": 0}, "adjusted": {"tokens": 0, "minor": 0},
        "breakage_minor": 0, "closing": {"tokens": 7, "minor": 699}, "recognised_ahead_minor": 0,
        "on_hold_tokens": 0, "uncollectable": {"tokens": 0, "minor": 0}, "revenue_minor": 300,
        "breakage_method": "remote", "expected_unredeemed": None, "is_entitled": True,
    }  # fmt: skip
    [bonus] = [item for item in body["promotional"] if item["kind"] == "bonus"]
    assert bonus["opening"] + bonus["given"] + bonus["spent"] + bonus["expired"] == bonus["closing"]
    assert bonus["given"] >= 2
    assert (bonus["zone"], bonus["month"]) == ("UTC", "2026-11")


def test_breakage_in_proportion_is_told_with_its_policy(service: Service) -> None:
    """What is recognised ahead lowers what is owed, and the answer says by which share."""
    policies = BreakagePolicies((BreakagePolicy("INR", START - timedelta(days=90), Fraction(1, 10)),))
    service.container.breakage_policies.override(providers.Object(policies))
    sell(service, 100, 10_000)
    spend(service, 45)
    body: Any = app(service, FINANCE).get(f"{PATH}?currency=INR").json
    [month] = body["liabilities"]
    assert (month["breakage_method"], month["expected_unredeemed"]) == ("proportional", "1/10")
    assert (month["breakage_minor"], month["recognised_ahead_minor"]) == (-500, 500)
    assert (month["closing"], month["revenue_minor"]) == ({"tokens": 55, "minor": 5_000}, 5_000)
    page = signed_in(service, ADMIN).get("/admin/liability").text
    assert "Breakage, early" in page
    assert "10% of what is sold" in page
    assert "−₹5.00" in page


def test_the_file_adds_up_row_by_row(service: Service) -> None:
    """Line rows of a month sum to its closing, in tokens and in money; notes stand apart."""
    sell(service, 10, 999)
    sell(service, 5, 12_345, "KWD")
    spend(service, 3)
    guest(service).earn(1)
    answer = app(service, FINANCE).get(f"{PATH}.csv?month=2026-11&since=2026-10")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert 'filename="token-liability-2026-10-2026-11.csv"' in answer.headers["Content-Disposition"]
    assert answer.data.startswith(b"\xef\xbb\xbf")
    rows = rows_of(answer.data.decode())
    assert tuple(rows[0]) == COLUMNS
    for currency in ("INR", "KWD"):
        lines = [row for row in rows if (row["currency"], row["row"]) == (currency, "line")]
        assert [row["line"] for row in lines] == LINES
        assert sum(int(row["tokens"] or 0) for row in lines[:-1]) == int(lines[-1]["tokens"])
        assert sum(int(row["amount_minor"]) for row in lines[:-1]) == int(lines[-1]["amount_minor"])
        notes = [row["line"] for row in rows if (row["currency"], row["row"]) == (currency, "note")]
        assert notes == ["on_hold", "recognised_ahead", "uncollectable", "revenue"]
    by_line = {row["line"]: row["amount"] for row in rows if row["currency"] == "KWD"}
    assert (by_line["sold"], by_line["redeemed"], by_line["closing"]) == ("12.345", "0.000", "12.345")
    assert {row["line"]: row["amount"] for row in rows if row["currency"] == "INR"}["redeemed"] == "-3.00"
    given = [row for row in rows if row["kind"] == "bonus"]
    assert {(row["currency"], row["amount_minor"], row["zone"]) for row in given} == {("", "0", "UTC")}


def test_nothing_sold_is_said_in_words(service: Service) -> None:
    """The demo sells nothing: an answer without months and with a sentence, and a page that says so."""
    finance = app(service, FINANCE)
    empty: Any = finance.get(PATH).json
    assert (empty["liabilities"], empty["month"]) == ([], "2026-11")
    assert empty["note"] == "No tokens had been sold by the end of 2026-11: nothing is owed for any."
    asked: Any = finance.get(f"{PATH}?currency=EUR").json
    assert asked["note"] == "No tokens had been sold in EUR by the end of 2026-11."
    assert (asked["liabilities"], asked["promotional"]) == ([], [])
    assert rows_of(finance.get(f"{PATH}.csv?currency=EUR").text) == []
    page = signed_in(service, ADMIN).get("/admin/liability")
    assert page.status_code == 200
    assert "Nothing is owed" in page.text
    assert "No tokens had been sold by the end of November 2026." in page.text


@pytest.mark.parametrize("path", [PATH, f"{PATH}.csv"])
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("month=2026-13", "kernel.invalid_month"),
        ("month=November", "web.invalid_request"),
        ("month=2026-12", "views.month_not_begun"),
        ("since=2026-12&month=2026-11", "kernel.invalid_value"),
        ("since=1900-01", "kernel.invalid_value"),
        ("since=0000-00", "kernel.invalid_month"),
        ("currency=ABC", "kernel.unknown_currency"),
        ("currency=XAU", "kernel.no_minor_unit"),
        ("currency=inr", "web.invalid_request"),
    ],
)
def test_a_wrong_question_has_its_own_code(service: Service, path: str, query: str, code: str) -> None:
    """A month that is none or to come, months in the wrong order, and currencies that are none."""
    refused(app(service, FINANCE).get(f"{path}?{query}"), 400, code)


def test_only_finance_and_its_like_see_what_is_owed(service: Service) -> None:
    """Members, support and nobody are refused at the door, file and page alike."""
    for client in (app(service, VIEWER), app(service, SUPPORT)):
        refused(client.get(PATH), 403, "access.not_permitted")
        refused(client.get(f"{PATH}.csv"), 403, "access.not_permitted")
    refused(nobody(service).get(PATH), 403, "web.sign_in_needed")
    assert signed_in(service, SUPPORT).get("/admin/liability").status_code == 403


def test_the_desk_shows_a_table_that_adds_up(service: Service) -> None:
    """The rows of the page are those of the answer, and months lead on to each other."""
    sell(service, 10, 999)
    service.clock.advance(timedelta(days=20))
    spend(service, 3)
    browser = signed_in(service, ADMIN)
    assert 'href="/admin/liability"' in browser.get("/admin").text
    page = browser.get("/admin/liability").text
    assert re.findall(r'<th scope="row">([^<]+)</th>', page)[:7] == [
        "Owed at the start", "Sold", "Spent on titles", "Expired", "Purchases taken back",
        "Put right by hand", "Owed now",
    ]  # fmt: skip
    assert re.findall(r'<td class="n">([^<]*₹[^<]*)</td>', page)[:7] == [
        "₹9.99", "₹0.00", "−₹3.00", "₹0.00", "₹0.00", "₹0.00", "₹6.99",
    ]  # fmt: skip
    assert 'href="/admin/liability?month=2026-11"' in page
    assert 'href="/v1/admin/tokens/liability.csv?month=2026-12"' in page
    before = browser.get("/admin/liability?month=2026-11").text
    assert "Its figures do not change any more." in before
    assert 'href="/admin/liability?month=2026-12"' in before


@pytest.mark.parametrize(
    ("month", "words"),
    [
        ("2027-01", "2027-01 has not begun"),
        ("soon", "&#39;soon&#39; is not a month"),
        ("<q>", "is not a month"),
    ],
)
def test_the_desk_names_a_month_that_cannot_be(service: Service, month: str, words: str) -> None:
    """The page says what is wrong, and shows the month that runs."""
    page = signed_in(service, ADMIN).get("/admin/liability", query_string={"month": month})
    assert page.status_code == 400
    assert words in page.text
    assert "<q>" not in page.text
    assert "November 2026" in page.text


@pytest.fixture
def buddy(tmp_path: Path) -> Any:
    """Run `buddy` on a store of the test's own."""
    environment = {
        "BUDDY_MODE": "demo",
        "BUDDY_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'buddy.db'}",
        "BUDDY_SECRET_FILE": str(tmp_path / "secret.key"),
        "BUDDY_MEDIA_DIR": str(tmp_path / "media"),
    }

    def run(*words: str) -> Result:
        result = CliRunner().invoke(main, words, env=environment, prog_name="buddy")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    assert run("migrate").exit_code == 0
    assert run("seed").exit_code == 0
    run.url = environment["BUDDY_DATABASE_URL"]  # type: ignore[attr-defined]
    return run


async def _sell_on(url: str) -> None:
    engine = make_engine(url)
    ports: dict[str, Any] = {"uow": SqlUnitOfWork(engine), "clock": SystemClock(), "ids": SystemIds()}
    await tokens.buy_tokens(command(OWNER, 10, 999), **ports)
    await tokens.spend_tokens(spending(OWNER, 3, "s1", source="test"), **ports)
    await engine.dispose()


def test_the_command_prints_the_same_figures(buddy: Any) -> None:
    """A table a currency, that adds up; as CSV the columns of the API; nothing sold is said in words."""
    empty = buddy("tokens", "liability")
    assert empty.exit_code == 0
    assert "No tokens had been sold by the end of" in empty.stdout
    asyncio.run(_sell_on(buddy.url))
    shown = buddy("tokens", "liability").stdout
    assert re.search(r"^INR  \d{4}-\d\d  Asia/Kolkata, running$", shown, re.MULTILINE)
    found = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line.startswith("  ")}
    assert found["sold"] == ["10", "9.99"]
    assert found["redeemed"] == ["-3", "-3.00"]
    assert found["closing"] == ["7", "6.99"]
    assert found["breakage"] == ["0.00"]
    assert found["(revenue)"] == ["3.00"]
    rows = rows_of(buddy("tokens", "liability", "--csv", "--currency", "INR").stdout)
    assert [row["line"] for row in rows if row["row"] == "line"] == LINES
    assert "No tokens had been sold in EUR" in buddy("tokens", "liability", "--currency", "EUR").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--month", "2026-13"), "kernel.invalid_month"),
        (("--month", "9000-01"), "views.month_not_begun"),
        (("--since", "9000-01"), "kernel.invalid_value"),
        (("--currency", "ABC"), "kernel.unknown_currency"),
    ],
)
def test_the_command_refuses_a_wrong_question(buddy: Any, words: tuple[str, ...], said: str) -> None:
    """In one line with the code, and without a traceback."""
    result = buddy("tokens", "liability", *words)
    assert result.exit_code == 1
    assert said in result.stderr
