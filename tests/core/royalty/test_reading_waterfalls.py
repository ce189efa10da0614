"""Waterfalls in files: what is right becomes the model, and what is wrong is listed with its place."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest

from buddy_core.royalty import (
    AccountBalance,
    BadInput,
    Balances,
    Document,
    FilmWaterfall,
    Model,
    Step,
    Terms,
    WaterfallBalance,
    closing_json,
    read_input,
    state_period,
    terms_json,
)
from tests.core.royalty.test_reading import DEAL, MONTH, SALE
from tests.core.royalty.written import OCTOBER

FEE: dict[str, Any] = {"name": "fee", "takes": "percent_of_gross", "rate": "20%", "taker": "platform"}
DEBT: dict[str, Any] = {"name": "debt", "takes": "recoup", "amount": 700, "taker": "bank"}
FILM: dict[str, Any] = {"id": "w", "title": "film", "currency": "INR", "steps": [FEE, DEBT]}


def whole(*waterfalls: Any, **more: Any) -> dict[str, Any]:
    """Return terms of a deal and waterfalls."""
    return {"month": MONTH, "deals": [DEAL], "waterfalls": list(waterfalls), **more}


def with_step(step: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return terms of which the second step is another."""
    return whole(FILM | {"steps": [FEE, {**step, **changes}]})


def wrong(terms: dict[str, Any], *sales: Any) -> list[str]:
    """Return every problem of terms, beside a sale."""
    facts = Document("facts.json", json.dumps({"sales": [*sales, SALE]}).encode())
    with pytest.raises(BadInput) as caught:
        read_input(Document("terms.json", json.dumps(terms).encode()), [facts]).state()
    return [problem.text() for problem in caught.value.problems]


def test_a_waterfall_is_read_as_it_says() -> None:
    """Rates are parts as everywhere in a file, amounts minor units; what is left out is nothing, or all."""
    steps = [
        FEE | {"cap": 500},
        DEBT | {"taken_before": 100, "account": "bank-main"},
        {"name": "equity", "takes": "recoup", "amount": 1000, "rate": "120%", "taker": "investor"},
        {"name": "agent", "takes": "percent_of_remaining", "rate": "1/3", "taker": "agent"},
        {"name": "prints", "takes": "fixed", "amount": 90, "taker": "lab"},
    ]
    given = whole(
        FILM | {"steps": steps, "territories": ["IN"], "models": ["rental", "est"]}, FILM | {"id": "v"}
    )
    found = read_input(Document("terms.json", json.dumps(given).encode()), []).terms.waterfalls
    assert found[0] == FilmWaterfall(
        "w",
        "film",
        "INR",
        (
            Step.of_gross("fee", 20, cap=500, taker="platform"),
            Step.recoup("debt", 700, 100, taker="bank", account="bank-main"),
            Step.premium("equity", 1000, 120, taker="investor"),
            Step.of_remaining("agent", Fraction(100, 3), taker="agent"),
            Step.fixed("prints", 90, taker="lab"),
        ),
        ("IN",),
        (Model.RENTAL, Model.EST),
    )
    assert found[1].models == frozenset(Model)
    assert found[1].territories.included == ("*",)
    written = json.loads(terms_json(OCTOBER, Terms(waterfalls=found)))["waterfalls"]
    assert written[0]["models"] == ["est", "rental"]
    assert written[1]["models"] is None
    assert [step["rate"] for step in written[0]["steps"]] == ["1/5", "1/1", "6/5", "1/3", None]
    assert [step["amount"] for step in written[0]["steps"]] == [None, 700, 1000, None, 90]


ROWS: list[tuple[dict[str, Any], str]] = [
    (with_step(DEBT, amount=None), "amount: is missing; add how much the step takes in all, minor units"),
    (
        with_step(FEE, name="x", amount=5),
        'amount: is there beside a rate; leave it out; "cap" is the most that the step takes',
    ),
    (with_step(FEE, name="x", rate=None), 'rate: is missing; add what part the step takes, such as "25%"'),
    (
        with_step(FEE, name="x", rate="120%"),
        'rate: is more than all of it; write a part from 0 to 1, or "0%" to "100%"',
    ),
    (with_step(FEE, name="x", rate=25), 'rate: is 25; write "25%" if you mean per cent'),
    (with_step(DEBT, rate="120"), "rate: is '120'; write \"120%\" if you mean per cent"),
    (with_step(DEBT, rate="-1/2"), "rate: is '-1/2'; write a rate from 0 on"),
    (with_step(DEBT, takes="fixed", rate="50%"), "rate: is there beside an amount; leave it out"),
    (
        with_step(DEBT, cap=9),
        "cap: is there on what is recouped; leave it out: no more than the amount is taken",
    ),
    (with_step(DEBT, amount=-1), "amount: is -1; write 0 or more"),
    (
        with_step(DEBT, amount=7.5),
        "amount: is 7.5; write a whole number of minor units (cents, paise): 1980 for 19.80",
    ),
    (
        with_step(DEBT, amount="much"),
        "amount: is 'much'; write a whole number of minor units (cents, paise): 1980 for 19.80",
    ),
    (with_step(FEE), "name: is 'fee' once more; give each step a name of its own"),
    (
        with_step(DEBT, takes="percent"),
        "takes: is 'percent'; did you mean \"percent_of_gross\"? write one of percent_of_gross, "
        "percent_of_remaining, fixed, recoup",
    ),
    (
        with_step({key: DEBT[key] for key in ("name", "takes", "amount")}),
        'taker: is missing; add it: who gets it: a holder, or "platform"',
    ),
]


@pytest.mark.parametrize(("terms", "told"), ROWS, ids=[told for _, told in ROWS])
def test_a_wrong_step_is_told_at_its_key(terms: dict[str, Any], told: str) -> None:
    """Each problem has the place of its key, what is wrong, and what to write."""
    assert wrong(terms) == [f"terms.json, waterfalls[0].steps[1].{told}"]


def test_everything_wrong_is_told_at_once() -> None:
    """Problems of a step, of the engine and of facts are in one list; a broken waterfall hides no other."""
    broken = FILM | {"id": "broken", "steps": [FEE | {"rate": 25}], "models": []}
    unknown = FILM | {"id": "v", "title": "flim", "steps": [DEBT | {"account": "main"}]}
    late = SALE | {"id": "s2", "at": "2026-11-02"}
    found = wrong(whole(broken, unknown), late)
    assert [text.partition(": ")[0] for text in found] == [
        "terms.json, waterfalls[0].steps[0].rate",
        "facts.json, sales[0]",
        "terms.json, waterfalls[1]",
        "terms.json, waterfalls[1]",
    ]
    assert wrong(whole(FILM | {"models": []})) == [
        "terms.json, waterfalls[0].models: is empty; name some, or leave it out for all"
    ]
    assert wrong(whole(waterfalls={"w": FILM})) == [
        "terms.json, waterfalls: is an object { }; write a list in square brackets: [ ... ]"
    ]


def test_what_the_engine_finds_has_the_place_of_the_waterfall() -> None:
    """Two of one name, or two that meet, are told with the places where they stand."""
    assert wrong(whole(FILM, FILM | {"territories": ["US"]})) == [
        "terms.json, waterfalls[0], waterfalls[1]: two waterfalls are called w; give one another id"
    ]
    assert wrong(whole(FILM, FILM | {"id": "v"})) == [
        "terms.json, waterfalls[0], waterfalls[1]: waterfall w and v both take of film in IN by rental; give "
        "them different countries or models"
    ]
    assert wrong(with_step(DEBT, account="other")) == [
        "terms.json, waterfalls[0]: waterfall w: step debt names the account other, which is not in the "
        "terms; add it"
    ]
    assert wrong(whole(FILM), SALE | {"id": "dollars", "currency": "USD"}) == [
        "terms.json, waterfalls[0]: waterfall w: there is no rate from USD to INR; add one with its source "
        "and time"
    ]


def test_where_a_waterfall_stands_goes_from_month_to_month() -> None:
    """Closing balances have it, and those written before there were waterfalls are the bytes they were."""
    terms = Document("terms.json", json.dumps(whole(FILM)).encode())
    facts = Document("facts.json", json.dumps({"sales": [SALE]}).encode())
    found = read_input(terms, [facts])
    text = closing_json(OCTOBER, found.state())
    assert json.loads(text)["waterfalls"] == {
        "w": {
            "title": "film",
            "currency": "INR",
            "received": "1000/1",
            "since": "0/1",
            "before": {},
            "taken": {"fee": "200/1", "debt": "700/1"},
        }
    }
    month = MONTH | {"name": "2026-11"}
    later = Document("terms.json", json.dumps(whole(FILM, month=month)).encode())
    before = read_input(later, [], Document("closing.json", text.encode())).before
    assert before == Balances(
        dict.fromkeys(("anna:INR", "bank:INR"), AccountBalance()),
        before.deals,
        waterfalls={"w": WaterfallBalance("film", "INR", Fraction(1000), taken={"fee": 200, "debt": 700})},
    )
    bare = state_period(OCTOBER, Terms(found.terms.deals), found.facts)
    assert json.loads(closing_json(OCTOBER, bare)).keys() == {"month", "entity", "accounts", "deals", "pools"}
