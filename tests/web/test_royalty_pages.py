"""The desk's pages of facts and terms: brought in, seen before they are saved, and told at their fields."""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from buddy_core.kernel import Money
from tests.web.api_client import ADMIN, FINANCE
from tests.web.months import signed_in
from tests.web.service import Browser, Service, running
from tests.web.test_producer_admin_pages import changes
from tests.web.test_viewer_pages import UUID_TEXT


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


@pytest.fixture
def admin(service: Service) -> Browser:
    """An admin who has opened the desk."""
    browser = signed_in(service, ADMIN)
    browser.get("/admin")
    return browser


def words(page: str) -> str:
    """Return a page's text in one line."""
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", page).split()))


def sent_on(page: str) -> dict[str, str]:
    """Return the fields that the form of the effect sends when it is saved."""
    form = page.partition('<h2 id="effect-title">')[2]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return {html.unescape(name): html.unescape(value) for name, value in found if name != "csrf_token"}


def number_of(browser: Browser, name: str = "The Last Monsoon") -> str:
    """Return the number of a title's first licence, as the list links it."""
    page = browser.get(f"/admin/terms?entity=newtact&q={name}").text
    found = re.search(r"/admin/terms/licence\?entity=newtact&amp;key=(L-[a-z2-7]{10})", page)
    assert found is not None
    return found[1]


def bring(browser: Browser, facts: Any, name: str = "", file: str = "gateway.json", **form: str) -> Any:
    """Choose a file and send the form for October."""
    raw = facts if isinstance(facts, bytes) else json.dumps(facts).encode()
    data = {"entity": "newtact", "month": "2026-10", "name": name, **form, "file": (io.BytesIO(raw), file)}
    return browser.client.post(
        "/admin/facts", data={"csrf_token": browser.token, **data}, headers={"Accept": "text/html"}
    )


def a_sale(browser: Browser, id: str = "s1") -> dict[str, Any]:
    """Return a rental for 100 rupees."""
    titles = browser.client.get("/v1/titles?limit=100").json["titles"]
    film = next(item["id"] for item in titles if item["name"] == "The Last Monsoon")
    return {
        "id": id, "model": "rental", "title": f"film/{film}", "territory": "IN", "currency": "INR",
        "gross": 100_00, "at": "2026-10-05",
    }  # fmt: skip


def test_a_file_is_brought_in_by_the_page_once(service: Service, admin: Browser) -> None:
    """It is listed under its name with its count; sent again it counts once."""
    facts = {"sales": [a_sale(admin)]}
    first = bring(admin, facts)
    assert first.location == "/admin/facts?entity=newtact&month=2026-10&done=brought"
    assert bring(admin, facts).location.endswith("done=again")
    page = admin.get(first.location).text
    assert "The facts are in." in page
    assert "gateway.json 1 fact" in words(page)
    assert not UUID_TEXT.search(page)
    row = a_sale(admin, "s2")
    csv = ",".join(row) + "\n" + ",".join(map(str, row.values())) + "\n"
    assert bring(admin, csv.encode(), "more", "export.csv", section="sales").location.endswith("done=brought")
    assert changes(service) == ["royalty.facts", "royalty.facts"]


@pytest.mark.parametrize(
    ("facts", "file", "form", "said"),
    [
        (b"", "", {}, "Choose a file first"),
        (b"{", "a.json", {}, "is no JSON"),
        (b"id\n", "export.csv", {}, "has no kind of facts in its name"),
        ({"sales": [{"id": "s1"}]}, "a.json", {}, "sales[0].model: is missing"),
        ({}, "a.json", {"month": "2027-03"}, "has not begun"),
        ({}, "a.json", {"month": "soon"}, "soon"),
        ({}, "a.json", {"entity": "nobody"}, "nobody"),
        ({}, "a.json", {"name": "x" * 121}, "1 to 120"),
    ],
)
def test_the_page_says_what_is_wrong_with_a_file(
    service: Service, admin: Browser, facts: Any, file: str, form: dict[str, str], said: str
) -> None:
    """Each mistake is said in words, and nothing is written."""
    name = form.pop("name", "")
    answer = bring(admin, facts, name, file, **form)
    assert answer.status_code in (400, 404)
    assert said in html.unescape(answer.text)
    assert changes(service) == []


def test_announced_facts_wait_on_the_page(admin: Browser) -> None:
    """They are listed as awaited, and the month says so."""
    form = {"entity": "newtact", "month": "2026-10", "name": "ads"}
    answer = admin.post("/admin/facts/announce", form)
    page = words(admin.get(answer.location).text)
    assert "Waits for 1" in page
    assert "ads Awaited" in page
    assert admin.post("/admin/facts/announce", {**form, "name": " "}).status_code == 400


def test_terms_are_seen_before_they_are_saved(service: Service, admin: Browser) -> None:
    """The preview says who would have what and changes nothing; saved twice they are set once."""
    bring(admin, {"sales": [a_sale(admin)]})
    number = number_of(admin)
    assert "60% by every model" in words(admin.get(f"/admin/terms/licence?entity=newtact&key={number}").text)
    form = {"entity": "newtact", "item": number, "seen": "0", "rate_rental": "33.33", "month": "2026-10"}
    preview = admin.post("/admin/terms/licence/preview", form)
    assert preview.status_code == 200
    said = words(preview.text)
    assert "October 2026 by these terms" in said
    assert "₹33.33" in said
    assert "₹66.67" in said
    assert changes(service) == ["royalty.facts"]
    sent = sent_on(preview.text)
    saved = [admin.post("/admin/terms/licence", sent) for _ in range(2)]
    assert [answer.status_code for answer in saved] == [303, 303]
    assert changes(service) == ["royalty.facts", "royalty.terms"]
    page = admin.get(saved[0].location).text
    assert f"The terms of {number} are set" in words(page)
    assert "33.33% of rentals" in words(page)
    assert not UUID_TEXT.search(page)
    shown = admin.get(f"/admin/terms/licence?entity=newtact&key={number}").text
    assert 'name="rate_rental"' in shown
    assert 'value="33.33%"' in shown
    away = admin.post("/admin/terms/licence/preview", {**form, "seen": "2", "act": "remove"})
    assert "Take them away" in away.text
    assert admin.post("/admin/terms/licence", sent_on(away.text)).location.endswith(
        f"done=removed&key={number}"
    )


def test_an_account_goes_through_its_form_and_back(admin: Browser) -> None:
    """Amounts are major units, parts percent, what has no field is JSON, and all of it comes back."""
    number = number_of(admin)
    holder = re.search(r'<option value="([0-9a-z]+)">Marigold', admin.get("/admin/terms/account").text)
    assert holder is not None
    form = {
        "entity": "newtact", "key": "asha-inr", "holder": holder[1], "currency": "inr", "advance": "3,000.50",
        "threshold": "10", "negative": "forgive", "reserve_part": "10", "reserve_months": "3",
        "tax_rate": "10%", "tax_key": "IN:194J", "tax_from": "2026-04-01", "guarantee_minimum": "500",
        "guarantee_from": "2026-10-01", "guarantee_until": "2027-10-01", "month": "2026-10",
        "more": '{"withholding":\r\n [{"rate": "20%", "key": "IN:206AA", "starts_at": "2027-04-01"}]}',
    }  # fmt: skip
    preview = admin.post("/admin/terms/account/preview", form)
    assert preview.status_code == 200, words(preview.text)
    assert admin.post("/admin/terms/account", sent_on(preview.text)).status_code == 303
    book = admin.client.get("/v1/admin/royalty/terms?entity=newtact").json
    [account] = book["accounts"]
    assert account["terms"] == {
        "id": "asha-inr",
        "holder": holder[1],
        "currency": "INR",
        "advance": 300050,
        "threshold": 1000,
        "negative": "forgive",
        "reserve": {"part": "10%", "periods": 3},
        "withholding": [
            {"rate": "10%", "key": "IN:194J", "starts_at": "2026-04-01"},
            {"rate": "20%", "key": "IN:206AA", "starts_at": "2027-04-01"},
        ],
        "guarantees": [{"minimum": 50000, "starts_at": "2026-10-01", "ends_at": "2027-10-01"}],
    }
    page = admin.get("/admin/terms/account?entity=newtact&key=asha-inr").text
    shown = {
        html.unescape(name): html.unescape(value)
        for name, value in re.findall(r'<input[^>]* name="([^"]+)"[^>]* value="([^"]*)"', page)
    }
    assert (shown["advance"], shown["tax_rate"], shown["guarantee_minimum"]) == ("3000.50", "10%", "500.00")
    assert "IN:206AA" in page
    # Sent as it is shown, it is the same.
    again = {
        **form,
        **shown,
        "item": "asha-inr",
        "more": '{"withholding": [{"rate": "20%", "key": "IN:206AA", "starts_at": "2027-04-01"}]}',
    }
    again.pop("csrf_token")
    preview = admin.post("/admin/terms/account/preview", again)
    assert admin.post("/admin/terms/account", sent_on(preview.text)).status_code == 303
    [same] = admin.client.get("/v1/admin/royalty/terms?entity=newtact").json["accounts"]
    assert same == account
    licence = {
        "entity": "newtact",
        "item": number,
        "preset": "short",
        "account": "asha-inr",
        "month": "2026-10",
    }
    assert admin.post("/admin/terms/licence/preview", licence).status_code in (200, 400)


def test_a_pool_rule_is_set_by_the_page(admin: Browser) -> None:
    """A new one has a name; its form comes back with what was set."""
    form = {
        "entity": "newtact", "key": "gold", "method": "user_centric", "min_seconds": "60", "silent": "carry",
        "excluded_titles": "film/aaaa, film/bbbb", "month": "2026-10",
    }  # fmt: skip
    preview = admin.post("/admin/terms/pool/preview", form)
    assert "Nobody would have more or less" in words(preview.text)
    assert admin.post("/admin/terms/pool", sent_on(preview.text)).status_code == 303
    page = admin.get("/admin/terms/pool?entity=newtact&key=gold").text
    assert 'value="film/aaaa, film/bbbb"' in page
    assert '<option value="user_centric" selected>' in page


@pytest.mark.parametrize(
    ("currency", "typed", "minor", "shown"),
    [
        ("INR", "5,00,000.50", 500_000_50, "500000.50"),
        ("JPY", "5,000", 5_000, "5000"),
        ("KWD", "1500.125", 1_500_125, "1500.125"),
        ("USD", "0", 0, "0.00"),
    ],
)
def test_the_cap_on_expenses_is_typed_in_the_currency_of_the_account(
    admin: Browser, currency: str, typed: str, minor: int, shown: str
) -> None:
    """Two, no and three digits after the point are read exactly, and come back as they were typed."""
    number = number_of(admin)
    holder = re.search(r'<option value="([0-9a-z]+)">Marigold', admin.get("/admin/terms/account").text)
    assert holder is not None
    account = {"entity": "newtact", "key": "own", "holder": holder[1], "currency": currency}
    more = f'{{"guarantees": [{{"minimum": "{shown}", "starts_at": "2026-10-01", "ends_at": "2027-10-01"}}]}}'
    sent = admin.post("/admin/terms/account", {**account, "more": more, "month": "2026-10"})
    assert sent.status_code == 303, words(sent.text)
    form = {"entity": "newtact", "item": number, "account": "own", "expense_cap": typed, "month": "2026-10"}
    preview = admin.post("/admin/terms/licence/preview", form)
    assert admin.post("/admin/terms/licence", sent_on(preview.text)).status_code == 303
    book = admin.client.get("/v1/admin/royalty/terms?entity=newtact").json
    [licence] = [item for item in book["licences"] if item["key"] == number]
    assert licence["terms"]["expense_cap"] == minor
    assert book["accounts"][0]["terms"]["guarantees"][0]["minimum"] == Money.from_major(shown, currency).minor
    page = admin.get(f"/admin/terms/licence?entity=newtact&key={number}").text
    assert re.search(rf'<input id="expense_cap"[^>]* value="{re.escape(shown)}"', page)
    wrong = admin.post("/admin/terms/licence/preview", {**form, "expense_cap": "1.0001"})
    assert f"Write an amount in {currency} with" in words(wrong.text)


def test_a_cap_without_an_account_is_in_the_currency_of_the_entity(admin: Browser) -> None:
    """It is read in rupees, and saved again as it is shown nothing changes."""
    number = number_of(admin)
    form = {"entity": "newtact", "item": number, "expense_cap": "250.5", "month": "2026-10"}
    assert admin.post("/admin/terms/licence", form).status_code == 303
    page = admin.get(f"/admin/terms/licence?entity=newtact&key={number}").text
    assert "In the currency of the account, INR without one" in words(page)
    assert re.search(r'<input id="expense_cap"[^>]* value="250.50"', page)
    assert admin.post("/admin/terms/licence", {**form, "expense_cap": "250.50"}).status_code == 303
    path = f"/v1/admin/royalty/terms/licence?entity=newtact&key={number}"
    assert admin.client.get(path).json["terms"] == {"expense_cap": 250_50}
    assert admin.client.get(path).json["sequence"] == 1


def test_amounts_in_tiers_are_typed_in_the_major_unit(admin: Browser) -> None:
    """Bands of money come in quotes and are shown so again; bands of units are whole numbers."""
    number = number_of(admin)
    bands = '[{"over": 0, "up_to": "5000.50", "rate": "40%"}, {"over": "5000.50", "rate": "50%"}]'
    units = '[{"over": 0, "up_to": 1000, "rate": "40%"}, {"over": 1000, "rate": "50%"}]'
    more = f'{{"rates": {{"rental": {{"basis": "gross", "bands": {bands}}}, "est": {{"bands": {units}}}}}}}'
    form = {"entity": "newtact", "item": number, "more": more, "month": "2026-10"}
    assert admin.post("/admin/terms/licence", form).status_code == 303
    path = f"/v1/admin/royalty/terms/licence?entity=newtact&key={number}"
    rates = admin.client.get(path).json["terms"]["rates"]
    assert [band["over"] for band in rates["rental"]["bands"]] == [0, 5_000_50]
    assert [band["over"] for band in rates["est"]["bands"]] == [0, 1_000]
    page = html.unescape(admin.get(f"/admin/terms/licence?entity=newtact&key={number}").text)
    assert '"over": "5000.50"' in page
    assert '"over": 1000' in page


@pytest.mark.parametrize(
    ("kind", "changed", "field"),
    [
        ("licence", {"rate_rental": "150"}, "rate_rental"),
        ("licence", {"rate_est": "half"}, "rate_est"),
        ("licence", {"fee": "-5"}, "fee"),
        ("licence", {"expense_cap": "5.505"}, "expense_cap"),
        ("licence", {"expense_cap": "5,50"}, "expense_cap"),
        ("licence", {"expense_cap": "-5"}, "expense_cap"),
        ("licence", {"expense_cap": "5000 USD"}, "expense_cap"),
        ("licence", {"preset": "filn"}, "preset"),
        ("licence", {"more": "{"}, "more"),
        ("licence", {"more": "[]"}, "more"),
        ("licence", {"more": '{"fee": 0.5}'}, "more"),
        ("licence", {"more": '{"part": "50%"}'}, "more"),
        ("licence", {"more": '{"rates": {"rental": {"bands": []}}}'}, "more"),
        ("account", {"key": ""}, "key"),
        ("account", {"holder": ""}, "holder"),
        ("account", {"currency": "RS"}, "currency"),
        ("account", {"advance": "3.000,50"}, "advance"),
        ("account", {"advance": "3.000"}, "advance"),
        ("account", {"currency": "JPY", "advance": "300.5"}, "advance"),
        ("account", {"more": '{"guarantees": [{"minimum": 5000000}]}'}, "more"),
        ("account", {"reserve_part": "10"}, "reserve_months"),
        ("account", {"tax_rate": "10"}, "tax_key"),
        ("account", {"guarantee_minimum": "500", "guarantee_from": "soon"}, "guarantee_from"),
        ("pool", {"min_seconds": "-1"}, "min_seconds"),
        ("pool", {"method": "by_luck"}, "method"),
    ],
)
def test_the_form_says_what_cannot_be_at_its_field(
    admin: Browser, kind: str, changed: dict[str, str], field: str
) -> None:
    """The problem stands at the field, what was typed stays, and nothing can be saved."""
    number = number_of(admin)
    usual = {
        "licence": {"item": number},
        "account": {"key": "asha", "holder": "zzzz", "currency": "INR"},
        "pool": {"key": "gold"},
    }[kind]
    form = {"entity": "newtact", "month": "2026-10", **usual, **changed}
    for path in (f"/admin/terms/{kind}/preview", f"/admin/terms/{kind}"):
        answer = admin.post(path, form)
        assert answer.status_code == 400
        assert f'id="{field}-problem"' in answer.text
        assert "effect-title" not in answer.text


def test_what_is_wrong_with_other_terms_is_said_above_the_form(admin: Browser) -> None:
    """An unknown account of a licence, an unknown holder, a month that is none, and terms set meanwhile."""
    number = number_of(admin)
    form = {"entity": "newtact", "item": number, "month": "2026-10"}
    for changed, said in (
        ({"account": "none-such"}, "which is not in the terms"),
        ({"month": "2026-13"}, "2026-13"),
    ):
        answer = admin.post("/admin/terms/licence/preview", {**form, **changed})
        assert answer.status_code == 400
        assert said in words(answer.text), words(answer.text)
    sent = {**form, "fee": "5", "seen": "0"}
    assert admin.post("/admin/terms/licence", sent).status_code == 303
    stale = admin.post("/admin/terms/licence", {**sent, "fee": "6"})
    assert stale.status_code == 409
    assert "set again since they were looked at" in words(stale.text)
    assert admin.get("/admin/terms/licence?key=L-none").status_code == 404
    assert admin.get("/admin/terms/book").status_code == 404


def test_finance_looks_at_terms_and_changes_none(service: Service) -> None:
    """The list opens without links to forms; the forms are refused; facts may be brought in."""
    finance = signed_in(service, FINANCE)
    page = finance.get("/admin/terms").text
    assert "/admin/terms/licence" not in page
    assert finance.get("/admin/terms/pool").status_code == 403
    assert 'action="/admin/facts"' in finance.get("/admin/facts").text


def test_a_waterfall_is_set_by_the_page(admin: Browser) -> None:
    """Its steps are typed in rows; the preview says what they do, and the form comes back as it was set."""
    shown = admin.get("/admin/terms/waterfall?entity=newtact").text
    holder = re.search(r'<option value="([0-9a-z]+)">Marigold', shown)
    title = re.search(r'<option value="(film/[0-9a-z]+)">', shown)
    assert holder is not None
    assert title is not None
    form = {
        "entity": "newtact", "key": title[1], "currency": "INR", "month": "2026-10",
        "step1_name": "agent", "step1_takes": "percent_of_gross", "step1_rate": "12.5",
        "step1_cap": "1,500.50", "step1_taker": "platform",
        "step3_name": "equity", "step3_takes": "recoup", "step3_amount": "3000", "step3_rate": "120",
        "step3_taken_before": "10", "step3_taker": holder[1],
        "more": '{"territories": ["IN"], "steps": '
        '[{"name": "x", "takes": "fixed", "amount": "7.50", "taker": "platform"}]}',
    }  # fmt: skip
    preview = admin.post("/admin/terms/waterfall/preview", form)
    assert "2026 by these terms" in words(preview.text)
    assert admin.post("/admin/terms/waterfall", sent_on(preview.text)).status_code == 303
    path = f"/v1/admin/royalty/terms/waterfall?entity=newtact&key={title[1]}"
    stored = admin.get(path).json["terms"]
    assert stored["steps"] == [
        {"name": "agent", "takes": "percent_of_gross", "rate": "12.5%", "cap": 150_050, "taker": "platform"},
        {
            "name": "equity", "takes": "recoup", "amount": 300_000, "rate": "120%", "taken_before": 1_000,
            "taker": holder[1],
        },
        {"name": "x", "takes": "fixed", "amount": 750, "taker": "platform"},
    ]  # fmt: skip
    assert stored["territories"] == ["IN"]
    page = admin.get(f"/admin/terms/waterfall?entity=newtact&key={title[1]}").text
    assert 'name="step1_cap" autocomplete="off"' in page
    assert 'value="1500.50"' in page
    assert 'value="120%"' in page
    assert "agent 12.5% of all, at most 1500.50 · equity 120% of 3000.00 · x 7.50" in words(
        admin.get("/admin/terms?entity=newtact").text
    )
    assert admin.get("/v1/admin/royalty/terms?entity=newtact").json["waterfalls"][0]["key"] == title[1]
    again = sent_on(
        admin.post("/admin/terms/waterfall/preview", form | {"item": title[1], "act": "remove"}).text
    )
    assert admin.post("/admin/terms/waterfall", again).status_code == 303
    assert admin.get("/v1/admin/royalty/terms?entity=newtact").json["waterfalls"] == []


def test_a_wrong_waterfall_is_told_at_its_fields(admin: Browser) -> None:
    """What is wrong with a step stands at what was typed of it; nothing is set."""
    form = {
        "entity": "newtact", "key": "", "currency": "INR", "month": "2026-10",
        "step2_name": "agent", "step2_takes": "percent_of_gross", "step2_amount": "5",
        "step2_taker": "platform",
        "step4_name": "equity", "step4_takes": "recoup", "step4_amount": "lots", "step4_taker": "platform",
    }  # fmt: skip
    answer = admin.post("/admin/terms/waterfall/preview", form)
    assert answer.status_code == 400
    said = words(answer.text)
    assert "Choose the title." in said
    for field in ("key", "step2_amount", "step2_rate", "step4_amount"):
        assert f'id="{field}-problem"' in answer.text


def test_what_a_field_says_is_not_said_again_as_json(service: Service, admin: Browser) -> None:
    """It is refused and both places are named; a field's problem speaks of no quotes and no minor units."""
    number = _licence(service)
    typed = {"entity": "newtact", "item": number, "rate_rental": "20", "more": '{"rates": {"rental": "10%"}}'}
    found = admin.post("/admin/terms/licence/preview", typed)
    assert (found.status_code, "rates.rental was filled in above" in found.text) == (400, True)
    other = {**typed, "more": '{"rates": {"est": "10%"}}'}
    assert admin.post("/admin/terms/licence/preview", other).status_code == 200
    wrong = admin.post("/admin/terms/licence/preview", {**typed, "more": "", "rate_rental": "a third"})
    assert wrong.status_code == 400
    assert "a part in quotes" not in wrong.text
    account = {"entity": "newtact", "item": "main", "holder": "x", "currency": "INR", "advance": "-5"}
    below = admin.post("/admin/terms/account/preview", account)
    assert "Write an amount of 0 or more." in below.text
    assert "-500" not in below.text


def test_an_unknown_entity_has_no_page_of_facts_or_terms(admin: Browser) -> None:
    """It is told so, and which there are; another one's facts are not shown under its name."""
    for path in ("/admin/facts", "/admin/terms"):
        found = admin.get(f"{path}?entity=nope")
        assert (found.status_code, "There is no selling entity" in found.text) == (404, True)


def _licence(service: Service) -> str:
    """Return the number of a licence."""

    async def first() -> str:
        async with service.container.uow().read() as tx:
            titles = [title.id for title in await tx.titles.all()]
            books = await tx.rights.of_titles(titles)
        return str(next(item.number for book in books.values() for item in book.licences))

    return service.call(first)
