"""Files of terms and facts: what is right becomes the model, what is wrong is listed with its place."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import attrs
import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buddy_core.royalty import (
    BadInput,
    Document,
    FactTable,
    facts_json,
    read_facts,
    read_input,
    schema_json,
    terms_json,
)
from buddy_core.royalty.data import presets
from buddy_core.royalty.model import balances, facts, statements, terms, waterfalls
from buddy_core.royalty.model.facts import Facts, Model, Paid, Sale, Watch
from buddy_core.royalty.model.terms import Terms
from buddy_core.royalty.rules.files import forms
from buddy_core.royalty.rules.files.forms import Closing
from buddy_core.royalty.rules.files.reading import PeriodInput
from buddy_core.royalty.rules.files.shapes import MOST_NOTED, Form
from tests.core.royalty.written import OCTOBER, any_balances, any_facts, any_terms

ROOT = Path(__file__).parents[3]
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=25)
MONTH: dict[str, Any] = {"name": "2026-10", "entity": "thaja", "zone": "Asia/Kolkata"}
DEAL: dict[str, Any] = {"id": "d1", "title": "film", "holder": "anna", "rates": {"rental": "50%"}}
SALE: dict[str, Any] = {
    "id": "s1",
    "model": "rental",
    "title": "film",
    "territory": "IN",
    "currency": "INR",
    "gross": 1000,
    "at": "2026-10-05",
}


ACCOUNT: dict[str, Any] = {"id": "a", "holder": "anna", "currency": "INR"}
TERM: dict[str, Any] = {"minimum": 100, "starts_at": "2026-01-01"}
RATE: dict[str, Any] = {"base": "USD", "quote": "INR", "rate": "83", "source": "RBI", "at": "2026-10-31"}
GOLD: dict[str, Any] = {"id": "g", "plan": "gold", "territory": "IN", "currency": "INR", "gross": 5}
POOL: dict[str, Any] = GOLD | {"id": "p", "method": "pro_rata", "parts": [], "kept": 5}


def document(value: Any, name: str = "terms.json") -> Document:
    """Return a file of JSON, or of the very bytes or text that are given."""
    if isinstance(value, str):
        value = value.encode()
    return Document(name, value if isinstance(value, bytes) else json.dumps(value).encode())


def read(terms_given: Any, *facts_given: Any, before: Any = None) -> PeriodInput:
    """Read terms and facts as files of usual names."""
    return read_input(
        document(terms_given),
        [document(item, "facts.json") for item in facts_given],
        None if before is None else document(before, "closing.json"),
    )


def wrong(terms_given: Any, *facts_given: Any, before: Any = None) -> list[str]:
    """Return what is wrong, a line a problem; files that are right stop at the engine."""
    with pytest.raises(BadInput) as caught:
        read(terms_given, *facts_given, before=before).state()
    assert caught.value.count == len(caught.value.problems)
    return [problem.text() for problem in caught.value.problems]


def whole(deal: Any = None, **others: Any) -> dict[str, Any]:
    """Return terms with one deal, changed as is wanted."""
    return {"month": MONTH, "deals": [DEAL | (deal or {})], **others}


@SLOW
@given(any_terms, any_facts, any_balances)
def test_what_is_written_is_read_again(given_terms: Terms, given_facts: Facts, carried: Any) -> None:
    """Terms, facts and balances of any kind are the same after they were written and read."""
    closing = Closing("2026-09", "thaja", carried)
    found = read(terms_json(OCTOBER, given_terms, closing), facts_json(given_facts))
    assert (found.month, found.terms, found.facts, found.before) == (
        OCTOBER,
        given_terms,
        given_facts,
        carried,
    )


@SLOW
@given(any_terms, any_facts, any_balances)
def test_what_is_written_fits_the_schemas(given_terms: Terms, given_facts: Facts, carried: Any) -> None:
    """What the model can hold is valid by the published schemas."""
    text = terms_json(OCTOBER, given_terms, Closing(None, None, carried))
    jsonschema_rs.validate(json.loads(schema_json("terms")), json.loads(text))
    jsonschema_rs.validate(json.loads(schema_json("facts")), json.loads(facts_json(given_facts)))


@SLOW
@given(st.sampled_from((0, 1, 10_000)), st.integers(0, 10_000), st.booleans())
def test_units_left_out_are_those_of_python(gross: int, back: int, is_csv: bool) -> None:
    """In JSON, in CSV and in Python it is 1 where something was paid, and 0 on a refund."""
    row = {
        "id": "s",
        "model": "rental",
        "title": "t",
        "territory": "IN",
        "currency": "INR",
        "at": "2026-10-05",
    }
    row |= {"gross": str(gross), "refund": str(back)}
    if is_csv:
        text = f"{','.join(row)},units\n{','.join(row.values())},\n"
        file = Document("sales.csv", text.encode())
    else:
        amounts = {"gross": gross, "refund": back}
        file = Document("facts.json", json.dumps({"sales": [row | amounts]}).encode())
    [sale] = read_facts([file], "UTC").sales
    made = Sale("s", "rental", "t", "IN", "INR", Paid(gross, refund=back), sale.at)
    assert sale == made
    assert sale.units == (1 if gross else 0)


def test_a_refund_without_units_takes_no_place_in_tiers() -> None:
    """A copy at 10 %, all above at 90 %: a refund of 1.00 is no second copy, so of 99.00 it is 9.90."""
    bands = [{"over": 0, "up_to": 1, "rate": "10%"}, {"over": 1, "rate": "90%"}]
    sale = {"model": "rental", "title": "film", "territory": "IN", "currency": "INR", "at": "2026-10-05"}
    sales = [sale | {"id": "s", "gross": 10000, "units": 1}, sale | {"id": "r", "refund": 100}]
    result = read(whole({"rates": {"rental": {"bands": bands}}}), {"sales": sales}).state()
    assert result.statements[0].earned == 990


@pytest.mark.parametrize("name", ["terms", "facts", "result", "closing"])
def test_the_published_schemas_are_what_the_reader_reads(name: str) -> None:
    """The files are the same to the byte when made again: python -m buddy_core.royalty --schema NAME."""
    assert (ROOT / f"docs/schemas/royalty-{name}.json").read_text("utf-8") == schema_json(name)
    jsonschema_rs.meta.validate(json.loads(schema_json(name)))


DESCRIBED = [
    (terms.Deal, forms.DEAL, {"preset"}),
    (terms.Tiers, forms.TIERS, set()),
    (terms.Band, forms.BAND, set()),
    (terms.Escalator, forms.ESCALATOR, set()),
    (terms.Account, forms.ACCOUNT, set()),
    (terms.Guarantee, forms.GUARANTEE, set()),
    (terms.Reserve, forms.RESERVE, set()),
    (terms.Withholding, forms.WITHHOLDING, set()),
    (terms.PoolRule, forms.POOL, set()),
    (terms.Terms, forms.TERMS, {"month", "before"}),
    (balances.AccountBalance, forms.ACCOUNT_BALANCE, set()),
    (balances.DealBalance, forms.DEAL_BALANCE, set()),
    (balances.Held, forms.HELD, set()),
    (balances.WaterfallBalance, forms.WATERFALL_BALANCE, set()),
    (balances.Balances, forms.CLOSING, {"month", "entity"}),
    (waterfalls.FilmWaterfall, forms.WATERFALL, set()),
    (facts.Facts, forms.FACTS, set()),
    (statements.Line, forms.LINE, set()),
    (statements.SettlingStep, forms.STEP, set()),
    (statements.Settlement, forms.SETTLEMENT, set()),
    (statements.HolderStatement, forms.STATEMENT, {"rounding"}),
    (statements.PoolReport, forms.POOL_REPORT, set()),
    (statements.Fund, forms.FUND, set()),
    (statements.PeriodReconciliation, forms.RECONCILIATION, {"residual"}),
    *((kind, forms.SECTIONS[name], set(forms.PAID)) for kind, name in facts._PLACES.items()),
]


@pytest.mark.parametrize(
    ("kind", "form", "more"), DESCRIBED, ids=lambda value: getattr(value, "__name__", "")
)
def test_every_field_of_the_model_has_a_key(kind: type, form: Form, more: set[str]) -> None:
    """A field that is added to the model must be described, or it would be lost in files."""
    fields = {item.name for item in attrs.fields(kind)} - {"paid"}
    assert form.keys.keys() - more == fields - more


def test_numbers_are_read_exactly() -> None:
    """Percentages, fractions and decimals are what they say, and nothing is a float."""
    rates = {"rental": "50%", "est": "1/3", "pvod": "0.333", "ads": "33.3%", "tokens": 1, "ppv": "0.1"}
    found = read(whole({"rates": rates})).terms.deals[0].rates
    thirds = Fraction(333, 1000)
    assert found == {
        Model.RENTAL: Fraction(1, 2),
        Model.EST: Fraction(1, 3),
        Model.PVOD: thirds,
        Model.ADS: thirds,
        Model.TOKENS: 1,
        Model.PPV: Fraction(1, 10),
    }


def test_a_plain_date_begins_in_the_months_zone() -> None:
    """A date is its first moment there, and an instant is what its offset says."""
    found = read(whole({"starts_at": "2026-10-01", "ends_at": "2026-10-05T10:00+05:30"})).terms.deals[0]
    assert found.starts_at == datetime(2026, 9, 30, 18, 30, tzinfo=UTC)
    assert found.ends_at == datetime(2026, 10, 5, 4, 30, tzinfo=UTC)


def test_presets_are_data_that_a_deal_names() -> None:
    """A preset gives every rate, and those that the deal has itself go before it."""
    deal = {key: value for key, value in DEAL.items() if key != "rates"} | {"preset": "film"}
    found = read({"month": MONTH, "deals": [deal | {"rates": {"ads": "1/4"}}]}).terms.deals[0].rates
    assert found[Model.RENTAL] == Fraction(1, 2)
    assert found[Model.ADS] == Fraction(1, 4)
    assert all(rates.keys() == {model.value for model in Model} for rates in presets().values())
    assert Fraction(presets()["film_60"]["rental"]) == Fraction(3, 5)
    kept = {name: Fraction(presets()[name]["rental"]) for name in ("series", "short")}
    assert all(rate < Fraction(1, 2) for rate in kept.values())


def test_facts_may_lie_in_several_files() -> None:
    """Facts of all files are read together, and one id in two of them is found with both places."""
    again = read(whole(), {"sales": [SALE]}, {"sales": [SALE | {"id": "s2"}]})
    assert [sale.id for sale in again.facts.sales] == ["s1", "s2"]
    assert wrong(whole(), {"sales": [SALE]}, {"sales": [SALE]}) == [
        "facts.json, sales[0], sales[0]: s1 is there twice; one fact has one id, so leave one of them out"
    ]


def test_a_byte_order_mark_and_a_schema_key_do_no_harm() -> None:
    """Files as editors and spreadsheets save them are read."""
    raw = b"\xef\xbb\xbf" + json.dumps(whole() | {"$schema": "royalty-terms.json"}).encode()
    assert read(raw, {"$schema": "royalty-facts.json", "sales": []}).terms.deals[0].id == "d1"


NUMBERS = "write a whole number of minor units (cents, paise): 1980 for 19.80"
TABLE: list[tuple[str, Any, Any, str]] = [
    (
        "a share as a float",
        whole({"rates": {"rental": 0.5}}),
        {},
        "terms.json, deals[0].rates.rental: is 0.5 without quotes, which computers keep inexactly; "
        'write "0.5" in quotes',
    ),
    (
        "an amount as a float",
        whole(),
        {"sales": [SALE | {"gross": 19.8}]},
        f"facts.json, sales[0].gross: is 19.8; {NUMBERS}",
    ),
    (
        "NaN",
        whole(),
        {"sales": [SALE | {"gross": float("nan")}]},
        f"facts.json, sales[0].gross: is NaN; {NUMBERS}",
    ),
    (
        "Infinity",
        whole(accounts=[{"id": "a", "holder": "anna", "currency": "INR", "advance": float("inf")}]),
        {},
        f"terms.json, accounts[0].advance: is Infinity; {NUMBERS}",
    ),
    (
        "an exponent",
        '{"month": '
        + json.dumps(MONTH)
        + ', "accounts": [{"id": "a", "holder": "b", "currency": "INR", "advance": 1e5}]}',
        {},
        f"terms.json, accounts[0].advance: is 1e5; {NUMBERS}",
    ),
    (
        "a huge number",
        whole(),
        {"sales": [SALE | {"gross": 10**80}]},
        f"facts.json, sales[0].gross: is 1{'0' * 39}; {NUMBERS}",
    ),
    (
        "a number in quotes",
        whole(),
        {"sales": [SALE | {"gross": "1000"}]},
        "facts.json, sales[0].gross: is '1000'; write 1000 without quotes",
    ),
    (
        "a boolean as a number",
        whole(),
        {"sales": [SALE | {"gross": True}]},
        f"facts.json, sales[0].gross: is true; {NUMBERS}",
    ),
    (
        "an unknown key",
        whole({"teritories": ["IN"]}),
        {},
        'terms.json, deals[0].teritories: is not known here; did you mean "territories"?',
    ),
    (
        "an unknown kind of facts",
        whole(),
        {"sale": []},
        'facts.json, sale: is not known here; did you mean "sales"?',
    ),
    (
        "an unknown model",
        whole({"rates": {"rentl": "50%"}}),
        {},
        "terms.json, deals[0].rates.rentl: is 'rentl'; did you mean \"rental\"? write one of "
        "rental, est, pvod, "
        "ppv, festival, edition, subscription, ads, tokens",
    ),
    (
        "per cent without its sign",
        whole({"part": "50"}),
        {},
        "terms.json, deals[0].part: is '50'; write \"50%\" if you mean per cent",
    ),
    (
        "a part above the whole",
        whole({"part": "-1/2"}),
        {},
        'terms.json, deals[0].part: is \'-1/2\'; write a part from 0 to 1, or "0%" to "100%"',
    ),
    (
        "a fraction of nothing",
        whole({"part": "1/0"}),
        {},
        'terms.json, deals[0].part: is \'1/0\'; write a part in quotes, such as "50%", "1/3" or "0.333"',
    ),
    (
        "a wrong type",
        whole({"title": 7}),
        {},
        "terms.json, deals[0].title: is 7; write a text of 1 to 200 characters, without line breaks, "
        "in quotes",
    ),
    (
        "half of a character",
        whole({"title": "\ud800"}),
        {},
        "terms.json, deals[0].title: is '\\ud800'; write a text of 1 to 200 characters, without line breaks",
    ),
    (
        "a list where an object is",
        whole({"rates": []}),
        {},
        "terms.json, deals[0].rates: is a list [ ]; write an object in braces: { ... }",
    ),
    (
        "an object where a list is",
        {"month": MONTH, "deals": {}},
        {},
        "terms.json, deals: is an object { }; write a list in square brackets: [ ... ]",
    ),
    (
        "a bad date",
        whole({"starts_at": "2026-02-30"}),
        {},
        "terms.json, deals[0].starts_at: is '2026-02-30'; write a day that is in the calendar",
    ),
    (
        "a date of another country",
        whole({"starts_at": "01/10/2026"}),
        {},
        "terms.json, deals[0].starts_at: is '01/10/2026'; write a date such as \"2026-10-05\", or an instant "
        'such as "2026-10-05T18:30:00+05:30"',
    ),
    (
        "an instant without a zone",
        whole({"starts_at": "2026-10-01T10:00"}),
        {},
        "terms.json, deals[0].starts_at: is '2026-10-01T10:00', and it does not say in which time zone; "
        'add the offset, such as "2026-10-01T10:00+05:30", or "2026-10-01T10:00Z" for UTC',
    ),
    (
        "a missing key",
        {"month": MONTH, "deals": [{key: DEAL[key] for key in ("id", "title", "rates")}]},
        {},
        "terms.json, deals[0].holder: is missing; add it: who gets the share",
    ),
    (
        "neither rates nor a preset",
        {"month": MONTH, "deals": [{key: DEAL[key] for key in ("id", "title", "holder")}]},
        {},
        'terms.json, deals[0].rates: is missing; add it, such as {"rental": "50%"}, or name a '
        "preset, such as "
        '"preset": "film"',
    ),
    (
        "an unknown preset",
        whole({"preset": "fillm"}),
        {},
        "terms.json, deals[0].preset: is 'fillm'; did you mean \"film\"? write one of film, film_60, series, "
        "short, or give the rates",
    ),
    (
        "an unknown territory",
        whole({"territories": ["UK"]}),
        {},
        "terms.json, deals[0].territories: 'UK' is no territory; did you mean GB?",
    ),
    (
        "no month",
        {"deals": []},
        {},
        "terms.json, month: is missing; add it: the month, who sells, and the time zone",
    ),
    (
        "a month that is none",
        {"month": MONTH | {"name": "2026-13"}},
        {},
        "terms.json, month.name: '2026-13' is not a month; write YYYY-MM, such as 2026-10, from 1900 on",
    ),
    (
        "a key twice",
        '{"month": ' + json.dumps(MONTH) + ', "deals": [], "deals": []}',
        {},
        "terms.json, deals: is there twice; leave one of them out",
    ),
    (
        "a band that begins too late",
        whole({"rates": {"rental": {"bands": [{"over": 5, "rate": "1/2"}]}}}),
        {},
        "terms.json, deals[0].rates.rental.bands: begin at 0 and follow each other; one begins over 5",
    ),
    (
        "two deals of one name",
        {"month": MONTH, "deals": [DEAL, DEAL | {"title": "other"}]},
        {},
        "terms.json, deals[0], deals[1]: two deals are called d1; give one another id",
    ),
    (
        "two guarantees at once",
        whole(
            accounts=[
                {
                    "id": "a",
                    "holder": "anna",
                    "currency": "INR",
                    "guarantees": [
                        {"minimum": 1, "starts_at": "2026-01-01", "ends_at": "2026-12-01"},
                        {"minimum": 1, "starts_at": "2026-06-01", "ends_at": "2027-06-01"},
                    ],
                }
            ]
        ),
        {},
        "terms.json, accounts[0]: account a has two guarantees at once; let the terms follow each other",
    ),
    (
        "accounts that recoup each other",
        whole(
            accounts=[
                {"id": "a", "holder": "anna", "currency": "INR", "recoups": ["b"]},
                {"id": "b", "holder": "anna", "currency": "INR", "recoups": ["a"]},
            ]
        ),
        {},
        "terms.json, accounts[0]: the accounts a -> b -> a recoup each other in a circle; take one link out",
    ),
    (
        "parts that do not make one",
        whole({"part": "1/2"}),
        {"sales": [SALE]},
        "terms.json, deals[0]: the parts of film in every country make 1/2 (anna 1/2), and must make exactly "
        "1; correct them, add the missing holder, or let deals that follow each other not overlap",
    ),
    (
        "a title without a deal",
        whole(),
        {"sales": [SALE | {"title": "other"}]},
        "facts.json, sales[0]: there is no deal for other; add one, or name it among the "
        "platform's own titles",
    ),
    ("an empty file", b" \n", {}, "terms.json: is empty; write a file as the tutorial shows"),
    (
        "UTF-16",
        json.dumps(whole()).encode("utf-16"),
        {},
        "terms.json: is UTF-16; save it as UTF-8 (in an editor: Save as, encoding UTF-8)",
    ),
    ("Latin 1", b'{\n"m\xf6nth": 1}', {}, "terms.json: is not UTF-8 in line 2; save it as UTF-8"),
    (
        "a bracket that is not closed",
        b'{"month": ',
        {},
        "terms.json: is no JSON at line 1, column 11 (Expecting value); look there and just before it for a "
        "missing comma, quotation mark or bracket",
    ),
    (
        "brackets without end",
        b"[" * 200_000,
        {},
        "terms.json: has brackets within brackets within brackets without end; write a file as the tutorial "
        "shows",
    ),
    ("a number as the whole file", b"7", {}, "terms.json: is 7; write an object in braces: { 'month': ... }"),
]


@pytest.mark.parametrize(
    ("given_terms", "given_facts", "said"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_what_is_wrong_is_told_with_its_place_and_its_cure(
    given_terms: Any, given_facts: Any, said: str
) -> None:
    """Each fault is named by file and key, with what is there and what to write instead."""
    assert said in wrong(given_terms, given_facts)


def test_files_in_the_wrong_order_are_told_once_each() -> None:
    """Facts where terms should be are recognized, instead of a problem for every key."""
    found = wrong({"sales": [SALE]}, whole())
    assert len(found) == 2
    assert "these are facts, not terms; name the file of terms first" in found[0]
    assert "these are terms, not facts" in found[1]


def test_every_problem_of_all_files_is_told_at_once() -> None:
    """Faults of form in both files, and faults of sense in what could be read, come in one list."""
    given_terms = {
        "month": MONTH,
        "deals": [DEAL | {"fee": 0.1}, DEAL | {"id": "d2", "title": "b", "part": "1/2"}],
    }
    given_facts = {
        "sales": [SALE, SALE | {"id": "s2", "title": "b"}, SALE | {"id": "s3", "title": "c", "gross": None}],
        "watch": [{"account": "v", "title": "b", "territory": "IN", "seconds": 10**9}],
    }
    found = wrong(given_terms, given_facts)
    assert [text.split(": ")[0] for text in found] == [
        "terms.json, deals[0].fee",
        "facts.json, sales[2].gross",
        "facts.json, watch[0]",
        "terms.json, deals[1]",
    ]


def test_closing_balances_belong_to_the_month_before() -> None:
    """Balances of another month or company, and two sets of balances, are refused."""
    closing = {"month": "2026-08", "entity": "other", "accounts": {"h:INR": {"carried": 1}}}
    found = wrong(whole(before={"month": "2026-09"}), before=closing)
    assert [text.split(": ")[0] for text in found] == [
        "terms.json, before",
        "closing.json, month",
        "closing.json, entity",
    ]
    right = closing | {"month": "2026-09", "entity": "thaja"}
    assert read(whole(), before=right).before.accounts["h:INR"].carried == 1


def test_a_file_of_ten_megabytes_of_faults_is_told_in_bounds() -> None:
    """So many problems are counted, and the first ten thousand are told."""
    raw = b'{"watch": [' + b'"%s",' % (b"x" * 95) * 105_000 + b"1]}"
    assert len(raw) > 10_000_000
    with pytest.raises(BadInput) as caught:
        read(whole(), raw)
    assert caught.value.count == 105_001
    assert len(caught.value.problems) == MOST_NOTED
    assert caught.value.message().endswith("and 95001 more")


CSV = "id,model,title,territory,currency,gross,tax,at\n"


def table(text: str | bytes, name: str = "sales-2026-10.csv") -> Document:
    """Return a file of CSV."""
    return Document(name, text.encode() if isinstance(text, str) else text)


def test_facts_come_as_csv_too() -> None:
    """A CSV named after its kind gives the same facts as JSON; cells that are empty are not there."""
    rows = table(CSV + 's1,rental,"film",IN,INR,1000,,2026-10-05\n\n')
    found = read_input(document(whole()), [rows])
    assert found.facts == read(whole(), {"sales": [SALE]}).facts
    watched = FactTable(
        "watch.parquet", "watch", [{"account": "v", "title": "film", "territory": "IN", "seconds": 9}]
    )
    assert read_input(document(whole()), [watched]).facts.watch == (Watch("v", "film", "IN", 9),)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (
            table(CSV + "s1,rental,film,IN,INR,10.00,,2026-10-05\n"),
            f"sales-2026-10.csv, row 2, gross: is '10.00'; {NUMBERS}",
        ),
        (
            table(CSV + "s1,rental,film,IN,INR,NaN,,2026-10-05\n"),
            f"sales-2026-10.csv, row 2, gross: is 'NaN'; {NUMBERS}",
        ),
        (
            table(CSV + "s1,rental,film,IN,INR,1,,2026-10-05\ns2,rental,film,IN,INR,1,,2026-11-05\n"),
            "sales-2026-10.csv, row 3: s2 is of 2026-11-04T18:30:00+00:00, which is not in 2026-10 of thaja "
            "(Asia/Kolkata); give it to the month that it is of, or to a later one as a late fact",
        ),
        (
            table("id,modle,title,territory,currency,at\n"),
            'sales-2026-10.csv, modle: is not known here; did you mean "model"?',
        ),
        (
            table("id,model,title,territory,currency\n"),
            "sales-2026-10.csv, at: the column is missing; add it: when it happened, within the month",
        ),
        (
            table(CSV.replace(",", ";")),
            "sales-2026-10.csv: has semicolons between its columns; save it with commas (CSV, comma "
            "separated)",
        ),
        (
            table(CSV + "s1,rental,film, part two,IN,INR,1,,2026-10-05\n"),
            "sales-2026-10.csv, row 2: has 9 cells, and the heading has 8; put texts with commas into "
            "quotation "
            'marks: "..."',
        ),
        (
            table(CSV + '"s1,rental'),
            "sales-2026-10.csv: is no CSV from line 2 on (unexpected end of data); look "
            "there for a quotation mark left open",
        ),
        (
            table(CSV, "rents.csv"),
            "rents.csv: has no kind of facts in its name ('rents'); did you mean rates? "
            "begin the name with one of sales, subscriptions, ads, watch, impressions, tokens, "
            "expenses, rates, such "
            "as sales-2026-10.csv",
        ),
        (table(b""), "sales-2026-10.csv: is empty; write a file as the tutorial shows"),
    ],
)
def test_what_is_wrong_in_csv_is_told_by_row_and_column(file: Document, said: str) -> None:
    """A fault in a table is named by its row, counted as a spreadsheet does, and its column."""
    with pytest.raises(BadInput) as caught:
        read_input(document(whole()), [file]).state()
    assert said in [problem.text() for problem in caught.value.problems]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@SLOW
@given(st.data())
def test_no_input_at_all_ends_in_anything_but_a_list_of_problems(data: st.DataObject) -> None:
    """Whatever stands in the place of any key, the reader reads it or lists what is wrong with it."""
    given_terms, given_facts = whole(), {"sales": [dict(SALE)]}
    target = data.draw(
        st.sampled_from((given_terms, given_terms["deals"][0], given_facts, given_facts["sales"][0]))
    )
    keys = st.sampled_from((*forms.DEAL.keys, *forms.TERMS.keys, *forms.SECTIONS["sales"].keys, "sales"))
    target[data.draw(keys)] = data.draw(json_values)
    with contextlib.suppress(BadInput):
        read(given_terms, given_facts).state()


@SLOW
@given(st.data())
def test_reader_and_schema_say_the_same(data: st.DataObject) -> None:
    """What the reader takes is valid by the schema, and a form that the schema refuses the reader refuses."""
    deal = {**DEAL, data.draw(st.sampled_from(tuple(forms.DEAL.keys))): data.draw(json_values)}
    given_terms = {"month": MONTH, "deals": [deal]}
    is_valid = jsonschema_rs.is_valid(json.loads(schema_json("terms")), given_terms)
    try:
        read(given_terms)
        is_read = True
    except BadInput:
        is_read = False
    # The schema cannot ask the calendar or tell 1.0 from 1; everything else that is read is valid.
    assert is_valid or not is_read


@pytest.mark.parametrize(
    ("carried", "told"),
    [
        (
            {"accounts": {"x": {"held": [{"month": "garbage", "amount": 5}]}}},
            "accounts.x.held[0].month: is 'garbage'; write a month such as 2026-10",
        ),
        (
            {"accounts": {"x": {"recouped": -500_000}}},
            "accounts.x.recouped: is -500000; it is not below zero",
        ),
        ({"deals": {"d1": {"taken_back": "-1"}}}, "deals.d1.taken_back: is -1; it is never below zero"),
        ({"pools": {"gold/IN/XQQ": "5"}}, "pools.gold/IN/XQQ: a balance of pool gold/IN/XQQ names no pool;"),
        (
            {"accounts": {"x": {"recouped": 5}}},
            "accounts.x: a balance of account x is brought forward, which",
        ),
        (
            {"accounts": {"a": {"recouped": 5}}},
            "accounts.a: a balance of account a has recouped 5 of an advance",
        ),
    ],
)
@pytest.mark.parametrize("is_file", [True, False])
def test_balances_brought_forward_are_told_with_their_place(carried: Any, told: str, is_file: bool) -> None:
    """What the month before left is checked as all else is: the file and the key that are wrong are named."""
    closing = {"month": "2026-09", "entity": "thaja", **carried}
    terms_given = whole(accounts=[{"id": "a", "holder": "anna", "currency": "INR"}])
    if is_file:
        assert wrong(terms_given, {"sales": [SALE]}, before=closing)[0].startswith(f"closing.json, {told}")
        as_result = {"statements": [], "closing": closing}
        assert f"closing.json, closing.{told}" in wrong(terms_given, {"sales": [SALE]}, before=as_result)[0]
    else:
        found = wrong({**terms_given, "before": closing}, {"sales": [SALE]})
        assert found[0].startswith(f"terms.json, before.{told}")


def test_a_wrong_month_is_told_beside_other_faults() -> None:
    """Terms with a fault of form do not hide that the closing balances are of another month or company."""
    found = wrong(whole({"part": 0.7}), {"sales": [SALE]}, before={"month": "2026-08", "entity": "other"})
    assert found[0].startswith("terms.json, deals[0].part: is 0.7 without quotes")
    assert found[1:] == [
        "closing.json, month: is '2026-08'; give what 2026-09 closed with: the month before 2026-10",
        "closing.json, entity: is 'other'; give the balances of thaja, whose month it is",
    ]


@pytest.mark.parametrize(
    ("terms_given", "facts_given", "place"),
    [
        (
            whole(pools=[{}, {"plan": "Gold"}]),
            {"subscriptions": [GOLD]},
            "terms.json, pools[1]: there is a rule",
        ),
        (
            whole(accounts=[ACCOUNT | {"guarantees": [TERM | {"ends_at": "2026-12-15"}]}]),
            {},
            "terms.json, accounts[0]: the guarantee of account a begins or ends",
        ),
        (
            whole(accounts=[ACCOUNT | {"guarantees": [TERM | {"ends_at": "2025-12-01"}]}]),
            {},
            "terms.json, accounts[0].guarantees[0].ends_at: is 2025-11-30T18:30:00+00:00, and it starts at",
        ),
        (
            whole({"starts_at": "2026-12-01", "ends_at": "2026-01-01"}),
            {},
            "terms.json, deals[0].ends_at: is 2025-12-31T18:30:00+00:00, and it starts at",
        ),
        (whole(), {"rates": [RATE | {"at": "1999-10-31"}]}, "facts.json, rates[0]: the rate from USD to INR"),
        (
            whole(),
            {"rates": [RATE | {"quote": "USD"}]},
            "facts.json, rates[0].quote: is USD, as base is; a rate is between two currencies",
        ),
        (
            whole(),
            {"pools": [POOL | {"method": "banana"}]},
            "facts.json, pools[0]: p: 'banana' is no method; write one of pro_rata",
        ),
        (
            whole(),
            {"sales": [SALE | {"tax": 1001}]},
            "facts.json, sales[0]: s1: tax is 1001, and only 1000 was",
        ),
    ],
)
def test_what_no_term_or_fact_can_be_has_its_place(terms_given: Any, facts_given: Any, place: str) -> None:
    """Terms that end before they start, plans written otherwise, odd rates and amounts name file and key."""
    assert any(text.startswith(place) for text in wrong(terms_given, facts_given))
