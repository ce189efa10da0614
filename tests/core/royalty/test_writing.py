"""A result as files: canonical, valid by its schema, and a CSV that adds up to the bank figure."""

from __future__ import annotations

import csv
import io
import json
import random
import subprocess
import sys
from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema_rs
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buddy_core.royalty import (
    Document,
    closing_json,
    facts_json,
    read_input,
    reconciliation_csv,
    result_files,
    result_json,
    schema_json,
    statements_csv,
    statements_text,
    terms_json,
)
from buddy_core.royalty.model.facts import Facts
from buddy_core.royalty.model.terms import Terms
from buddy_core.royalty.rules.files.forms import RESULT, SECTIONS, Stated
from buddy_core.royalty.rules.files.reading import PeriodInput
from buddy_core.royalty.rules.files.shapes import Source
from buddy_core.royalty.rules.stating import state_period
from tests.core.royalty.written import OCTOBER, whole_months

ROOT = Path(__file__).parents[3]
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=25)
Months = tuple[Terms, Facts]


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@SLOW
@given(whole_months(), st.randoms(use_true_random=False))
def test_the_same_input_gives_the_same_bytes(given_month: Months, shuffle: random.Random) -> None:
    """The order of facts, deals and accounts changes no byte of any file."""
    terms, facts = given_month
    others = Facts(**{name: _shuffled(getattr(facts, name), shuffle) for name in SECTIONS})
    again = evolve(terms, deals=_shuffled(terms.deals, shuffle), accounts=_shuffled(terms.accounts, shuffle))
    one = result_files(OCTOBER, terms, state_period(OCTOBER, terms, facts))
    other = result_files(OCTOBER, again, state_period(OCTOBER, again, others))
    assert one == other


def _shuffled(values: tuple[Any, ...], shuffle: random.Random) -> tuple[Any, ...]:
    found = list(values)
    shuffle.shuffle(found)
    return tuple(found)


@SLOW
@given(whole_months())
def test_the_result_is_valid_by_its_schema_and_loses_nothing(given_month: Months) -> None:
    """Every result is valid JSON by the published schema, and reading it gives back every figure."""
    terms, facts = given_month
    result = state_period(OCTOBER, terms, facts)
    written = json.loads(result_json(OCTOBER, result))
    jsonschema_rs.validate(json.loads(schema_json("result")), written)
    jsonschema_rs.validate(json.loads(schema_json("closing")), json.loads(closing_json(OCTOBER, result)))
    source = Source("result.json")
    read: Stated = RESULT.read(written, source.root)
    assert source.problems == []
    assert read.month == OCTOBER
    assert read.result.balances == result.balances
    assert read.result.reconciliations == result.reconciliations
    assert [item.settlements for item in read.result.statements] == [
        item.settlements for item in result.statements
    ]
    assert [[line.amount for line in item.lines] for item in read.result.statements] == [
        [line.amount for line in item.lines] for item in result.statements
    ]


@SLOW
@given(whole_months())
def test_the_csv_adds_up_to_what_is_paid(given_month: Months) -> None:
    """Lines and rounding are what was earned, that reaches the accounts, and their steps are the payment."""
    terms, facts = given_month
    result = state_period(OCTOBER, terms, facts)
    rows = _rows(statements_csv(result, terms))
    sums: dict[Any, Fraction] = defaultdict(Fraction)
    for row in rows:
        whose = (row["holder"], row["currency"])
        if row["row"] in ("line", "rounding"):
            sums[whose] += Fraction(row["amount"])
        if row["row"] == "earned":
            sums[whose] -= int(row["minor"])
            sums[row["account"], "in"] += int(row["left"])
        if row["row"] == "step":
            sums[row["account"]] += int(row["minor"])
            if row["step"] == "earned":
                sums[row["account"], "in"] -= int(row["minor"])
        if row["row"] == "account":
            sums[row["account"]] -= int(row["payable"])
    assert {name: amount for name, amount in sums.items() if amount} == {}
    paid = sum(int(row["payable"]) for row in rows if row["row"] == "account")
    assert paid == sum(item.payable for one in result.statements for item in one.settlements)
    for item in _rows(reconciliation_csv(result)):
        assert item["residual"] == "0"


@settings(deadline=None, max_examples=5)
@given(whole_months())
def test_the_example_script_comes_to_the_bank_figures(given_month: Months) -> None:
    """The script that knows nothing of Buddy finds the same payments, with two currencies as well."""
    terms, facts = given_month
    result = state_period(OCTOBER, terms, facts)
    paid = [item.payable for one in result.statements for item in one.settlements]
    with TemporaryDirectory() as folder:
        path = Path(folder, "statements.csv")
        path.write_text(statements_csv(result, terms), "utf-8")
        command = [sys.executable, "-I", str(ROOT / "examples/statement_to_bank.py"), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    found = [int(line.split(" pay ")[1].split()[0]) for line in done.stdout.splitlines()]
    assert sorted(found) == sorted(paid)


@SLOW
@given(whole_months())
def test_closing_balances_open_the_next_month_as_they_are(given_month: Months) -> None:
    """What a month prints as closing is read as the opening of the next, from either file."""
    terms, facts = given_month
    result = state_period(OCTOBER, terms, facts)
    november = json.loads(terms_json(OCTOBER, terms))
    november["month"]["name"] = "2026-11"
    written = Document("terms.json", json.dumps(november).encode())
    for name, text in (
        ("closing.json", closing_json(OCTOBER, result)),
        ("result.json", result_json(OCTOBER, result)),
    ):
        found: PeriodInput = read_input(written, [], Document(name, text.encode()))
        assert found.before == result.balances
    assert found.state().balances.accounts.keys() >= result.balances.accounts.keys()


@SLOW
@given(whole_months())
def test_no_cell_begins_a_formula(given_month: Months) -> None:
    """A holder or title named like a formula is text to a spreadsheet."""
    terms, facts = given_month
    result = state_period(OCTOBER, terms, facts)
    for row in _rows(statements_csv(result, terms)):
        for name in ("holder", "account", "title", "deal", "step", "note"):
            assert row[name][:1] not in ("=", "+", "@")


def test_a_holders_own_file_has_that_holder_alone() -> None:
    """Statements of one holder say nothing of another, in CSV and on the page."""
    example = ROOT / "examples/royalty_calculator"
    files = [Document(name, (example / name).read_bytes()) for name in ("terms.json", "facts.json")]
    found = read_input(files[0], files[1:])
    result = found.state()
    rows = _rows(statements_csv(result, found.terms, "kite-capital"))
    assert {row["holder"] for row in rows} == {"kite-capital"}
    text = statements_text(found.month, result, is_explained=True, holder="kite-capital")
    assert "asha" not in text
    assert "INR 1186.07" in text
    assert json.loads(facts_json(found.facts))["sales"][0]["gross"] == 1180000
