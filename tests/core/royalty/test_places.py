"""Each problem stands where it belongs: the file, and the row as a spreadsheet counts it."""

from __future__ import annotations

import json
from time import process_time
from typing import Any

import pytest

from buddy_core.royalty import BadInput, Document, FactTable, Problem, read_input
from tests.core.royalty.test_reading import DEAL, SALE, document, whole

WATCH = "account,title,territory,plan,seconds,at\n"
POOL = {"pools": [{"plan": "gold", "method": "user_centric"}]}
PLAN = {
    "subscriptions": [
        {"id": "p1", "plan": "gold", "territory": "IN", "currency": "INR", "gross": 100, "account": "v1"}
    ]
}


def csv(text: str, name: str = "watch.csv") -> Document:
    """Return a table."""
    return Document(name, text.encode())


def problems(terms: Any, *files: Document | FactTable) -> list[Problem]:
    """Return what is wrong with terms and files of facts."""
    with pytest.raises(BadInput) as caught:
        read_input(document(terms), files).state()
    return list(caught.value.problems)


def told(terms: Any, *files: Document | FactTable) -> list[str]:
    """Return the places and what is wrong there, without what to do."""
    return [problem.text().partition(";")[0] for problem in problems(terms, *files)]


def facts(value: Any) -> Document:
    """Return facts as JSON."""
    return document(value, "facts.json")


def subscribed() -> dict[str, Any]:
    """Return terms of a pool."""
    return whole({"rates": {"rental": "50%", "subscription": "50%"}}, **POOL)


def test_watch_outside_of_the_month_is_told_by_its_row() -> None:
    """The second row of data is row 3 of the sheet."""
    table = csv(WATCH + "v1,film,IN,gold,5,2026-10-03\nv1,film,IN,gold,5,2026-11-03\n")
    assert told(subscribed(), facts(PLAN), table) == [
        "watch.csv, row 3: watch of film at 2026-11-02T18:30:00+00:00 is not in 2026-10"
    ]


def test_too_many_seconds_are_told_where_they_were_watched() -> None:
    """Not the subscription of the account is wrong, but the rows of its watching; three are named."""
    table = csv(WATCH + "v1,film,IN,gold,900000,\n" * 5)
    found = told(subscribed(), facts(PLAN), table)
    assert found == [
        f"watch.csv, row {row}: v1 watched film for 4500000 seconds (and 2 rows more)" for row in (2, 3, 4)
    ]


def test_an_id_twice_is_told_in_both_files() -> None:
    """The same sale in JSON and in a table: each place is named."""
    table = csv(
        "id,model,title,territory,currency,gross,at\ns1,rental,film,IN,INR,1,2026-10-05\n", "sales.csv"
    )
    said = "s1 is there twice"
    assert told(whole(), facts({"sales": [SALE]}), table) == [
        f"facts.json, sales[0]: {said}",
        f"sales.csv, row 2: {said}",
    ]


def test_watch_of_a_plan_without_revenue_is_told_at_the_watch() -> None:
    """A misspelt plan stands in the table, and so the problem does."""
    table = csv(WATCH + "v1,film,IN,gold,5,\nv1,film,IN,goold,5,\n")
    assert told(subscribed(), facts(PLAN), table) == [
        "watch.csv, row 3: there is watch of the plan goold, and no revenue of it anywhere"
    ]


def test_rules_accounts_and_balances_have_their_places() -> None:
    """Two rules of a plan, an account in a circle, a rate told twice, and a balance of nobody."""
    account = {"id": "a", "holder": "anna", "currency": "INR", "recoups": ["a"]}
    rates = [
        {"base": "USD", "quote": "INR", "rate": rate, "source": "bank", "at": "2026-10-31"}
        for rate in (83, 84)
    ]
    terms = whole(accounts=[account], pools=[{"plan": "gold"}, {"plan": "gold"}])
    before = Document("closing.json", json.dumps({"accounts": {"nobody": {"recouped": 5}}}).encode())
    with pytest.raises(BadInput) as caught:
        read_input(document(terms), [facts({"sales": [SALE], "rates": rates})], before).state()
    assert {(item.file, item.column) for item in caught.value.problems} == {
        ("terms.json", "pools[0], pools[1]"),
        ("terms.json", "accounts[0]"),
        ("facts.json", "rates[0], rates[1]"),
        ("closing.json", "accounts.nobody"),
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b"PK\x03\x04\x14\0\0\0xxxx\xff\xff",
            "is a spreadsheet (xlsx, ods) or another zip file, and no text",
        ),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "is an old spreadsheet (xls), and no text"),
        (b"\x1f\x8b\x08\0\0\0", "is a compressed file (gzip), and no text"),
        (b"PAR1xxxx", "is Parquet, and no text"),
    ],
)
@pytest.mark.parametrize("name", ["sales.xlsx", "sales.csv", "facts.json"])
def test_files_of_other_programs_are_called_what_they_are(content: bytes, said: str, name: str) -> None:
    """A spreadsheet is no broken JSON; the message says how to save it."""
    [problem] = problems(whole(), Document(name, content))
    assert problem.what == said
    assert "save the sheet as CSV" in problem.fix


def test_what_is_wrong_with_a_table_hides_nothing_else() -> None:
    """A table that is refused by its columns, and a fault within another, stand beside all others."""

    def rows() -> Any:
        yield {"account": "v1", "title": "film", "territory": "IN", "seconds": -5, "plan": "gold"}
        raise BadInput((Problem("b.parquet", 2, "", "cannot be read", "write it again"),), 1)

    broken = (Problem("a.parquet", 0, "title", "the column is missing", "add it"),)
    tables = [
        FactTable("a.parquet", "watch", (), problems=broken),
        FactTable("b.parquet", "watch", rows()),
    ]
    assert told(whole({"part": "90%"}), facts({"sales": [SALE]}), *tables) == [
        "a.parquet, title: the column is missing",
        "b.parquet, row 1, seconds: is -5",
        "b.parquet, row 2: cannot be read",
        "terms.json, deals[0]: the parts of film in every country make 9/10 (anna 9/10), and must make "
        "exactly 1",
    ]


def test_a_table_of_rates_that_cannot_be_read_makes_no_other_rate_missing() -> None:
    """The file of rates is at fault, and not all that needs one."""
    table = csv("base;quote;rate;source;at\nUSD;INR;83;bank;2026-10-31\n", "rates.csv")
    sold = SALE | {"currency": "USD"}
    account = {"id": "a", "holder": "anna", "currency": "INR"}
    found = told(whole({"account": "a"}, accounts=[account]), facts({"sales": [sold]}), table)
    assert found == ["rates.csv: has semicolons between its columns"]


def _seconds(work: Any) -> float:
    began = process_time()
    with pytest.raises(BadInput):
        work()
    return process_time() - began


def test_many_keys_with_one_twice_are_read_in_linear_time() -> None:
    """Forty thousand keys, one of them twice: a second would be long."""
    keys = ",".join(f'"k{number}":1' for number in range(40_000))
    text = f'{{{keys},"k0":2}}'
    assert _seconds(lambda: read_input(document(text), [])) < 20  # it was minutes


def test_many_faults_of_form_and_of_sense_are_told_in_linear_time() -> None:
    """Eight thousand faults of form beside as many of sense take seconds, not minutes."""
    many = 8_000
    head = "id,model,title,territory,currency,gross,at\n"
    wrong = "".join(f"c{number},rental,film,IN,INR,x,2026-10-03\n" for number in range(many))
    late = "".join(f"d{number},rental,film,IN,INR,1,2026-12-03\n" for number in range(many))
    files = [csv(head + wrong, "sales-a.csv"), csv(head + late, "sales-b.csv")]
    assert _seconds(lambda: read_input(document(whole(DEAL)), files)) < 30
