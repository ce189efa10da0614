"""`buddy royalty` is the calculator of the core, with the manners of the other commands."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from buddy_core.royalty import Document, read_input, result_files, schema_json
from buddy_web.cli import main

EXAMPLE = Path(__file__).parents[2] / "examples/royalty_calculator"
TERMS, FACTS = str(EXAMPLE / "terms.json"), str(EXAMPLE / "facts.json")


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["royalty", *arguments])


def _files() -> dict[str, str]:
    documents = [Document(name, Path(name).read_bytes()) for name in (TERMS, FACTS)]
    found = read_input(documents[0], documents[1:])
    return dict(result_files(found.month, found.terms, found.state()))


def test_it_prints_what_the_core_gives(tmp_path: Path) -> None:
    """JSON, CSV, the page and the folder are the same to the byte as those of the core."""
    files = _files()
    assert _run(TERMS, FACTS, "--json").stdout_bytes.decode() == files["result.json"]
    assert _run(TERMS, FACTS, "--csv").stdout_bytes.decode() == files["statements.csv"]
    assert _run(TERMS, FACTS, "--explain").stdout_bytes.decode() == files["statements.txt"]
    assert _run(TERMS, FACTS, "--out", str(tmp_path / "october")).exit_code == 0
    written = {path.name: path.read_text("utf-8") for path in (tmp_path / "october").iterdir()}
    assert written == files


def test_the_json_of_one_holder_has_nobody_else() -> None:
    """--holder leaves out of JSON what is not that holder's, as it does on the page and in CSV."""
    printed = _run(TERMS, FACTS, "--json", "--holder", "kite-capital").stdout_bytes.decode()
    assert "kite-capital" in printed
    assert "asha" not in printed


def test_facts_may_be_csv(tmp_path: Path) -> None:
    """A CSV beside the JSON is read by the kind that its name says."""
    more = tmp_path / "sales-more.csv"
    more.write_text(
        "id,model,title,territory,currency,gross,at\nr2,rental,monsoon,IN,INR,1000,2026-10-07\n", "utf-8"
    )
    assert "INR 3385.90" in _run(TERMS, FACTS, str(more)).output


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--json", "--csv"), 2, "Give one of --out, --json, --csv and --instead or --token-value."),
        (("--out", "o", "--holder", "asha-films"), 2, "have figures of all holders"),
        (("--instead", TERMS, "--holder", "asha-films"), 2, "have figures of all holders"),
        (
            ("--holder", "nobody"),
            1,
            "there is no statement of nobody; there are those of asha-films, kite-capital.",
        ),
        (("--out", str(EXAMPLE / "terms.json" / "x")), 1, "cannot be written (Not a directory)"),
        (("--before", FACTS), 1, "sales: is not known here"),
    ],
)
def test_misuse_says_what_to_do(options: tuple[str, ...], code: int, said: str) -> None:
    """Options that do not go together, and what is not there, are told in words."""
    done = _run(TERMS, FACTS, *options)
    assert done.exit_code == code
    assert said in done.output


def test_wrong_input_lists_every_problem_and_writes_nothing(tmp_path: Path) -> None:
    """The exit code is 1, and the folder is not made."""
    wrong = tmp_path / "terms.json"
    wrong.write_text(
        Path(TERMS).read_text("utf-8").replace('"70%"', "0.7").replace('"short"', '"shrt"'), "utf-8"
    )
    done = _run(str(wrong), FACTS, "--out", str(tmp_path / "out"))
    assert done.exit_code == 1
    assert "has 2 problem(s)" in done.output
    assert 'write "0.7" in quotes' in done.output
    assert 'did you mean "short"?' in done.output
    assert not (tmp_path / "out").exists()


def test_facts_may_be_parquet(tmp_path: Path) -> None:
    """Rows of Parquet are facts like those of a CSV: instants, days and decimals are read as they are."""
    path = tmp_path / "sales-more.parquet"
    rows = {"id": ["r2"], "model": ["rental"], "title": ["monsoon"], "territory": ["IN"], "currency": ["INR"]}
    for at in (datetime(2026, 10, 7, tzinfo=UTC), date(2026, 10, 7), "2026-10-07"):
        for gross in (1000, Decimal(1000)):
            pq.write_table(pa.table({**rows, "gross": [gross], "at": [at], "sold_at": [None]}), path)
            found = _run(TERMS, FACTS, str(path))
            assert "INR 3385.90" in found.output, found.output


@pytest.mark.parametrize(
    ("name", "columns", "said"),
    [
        ("sales.parquet", {"id": ["a"], "model": ["rental"]}, "title: the column is missing"),
        ("sales.parquet", {"seconds": [1]}, "seconds: is not known here"),
        ("films.parquet", {"id": ["a"]}, "has no kind of facts in its name"),
        ("ads.parquet",
            {"id": ["a"], "territory": ["IN"], "currency": ["INR"], "gross": [math.nan]},
            "row 1, gross"),
        ("ads.parquet", None, "is no Parquet file"),
    ],
)  # fmt: skip
def test_parquet_that_cannot_be_is_told(
    tmp_path: Path, name: str, columns: dict[str, list[object]] | None, said: str
) -> None:
    """Missing and unknown columns, a name that says nothing, NaN and other files are told with the place."""
    path = tmp_path / name
    if columns is None:
        path.write_bytes(b"id,territory\n")
    else:
        pq.write_table(pa.table(columns), path)
    found = _run(TERMS, FACTS, str(path))
    assert found.exit_code == 1
    assert said in found.output


def test_watch_is_shared_where_it_lies(tmp_path: Path) -> None:
    """Parquet of watch and subscriptions gives what the same rows give as facts."""
    facts = json.loads(Path(FACTS).read_text("utf-8"))
    money = ("gross", "tax", "refund", "chargeback", "fee")
    paid = [{**dict.fromkeys(money, 0), **row} for row in facts["subscriptions"]]
    names = ("account", "plan", "territory", "currency", *money)
    pq.write_table(pa.table({name: [row[name] for row in paid] for name in names}), tmp_path / "paid.parquet")
    seen = ("account", "title", "territory", "plan", "seconds")
    watch = tmp_path / "watch.parquet"
    pq.write_table(pa.table({name: [row[name] for row in facts["watch"]] for name in seen}), watch)
    sales = tmp_path / "sales.json"
    sales.write_text(json.dumps({"sales": facts["sales"]}), "utf-8")
    options = ("--watch", str(watch), "--subscriptions", str(tmp_path / "paid.parquet"))
    found = _run(TERMS, str(sales), *options)
    assert found.exit_code == 0, found.output
    whole = _run(TERMS, FACTS).output
    assert [line for line in whole.splitlines() if line.startswith(("    paid", "  earned"))] == [
        line for line in found.output.splitlines() if line.startswith(("    paid", "  earned"))
    ]
    assert _run(TERMS, str(sales), "--watch", str(watch)).exit_code == 2
    assert _run(TERMS).exit_code == 2


def test_other_terms_are_compared(tmp_path: Path) -> None:
    """Who would have more or less is printed; terms of another month are refused."""
    other = json.loads(Path(TERMS).read_text("utf-8"))
    other["deals"][1]["rates"]["rental"] = "50%"
    path = tmp_path / "other.json"
    path.write_text(json.dumps(other), "utf-8")
    assert "kite-capital, monsoon" in _run(TERMS, FACTS, "--instead", str(path)).output
    assert "Nobody would have more or less" in _run(TERMS, FACTS, "--instead", TERMS).output
    other["month"]["name"] = "2026-09"
    path.write_text(json.dumps(other), "utf-8")
    assert _run(TERMS, FACTS, "--instead", str(path)).exit_code == 1


def test_other_token_values_are_compared_and_schemas_printed(tmp_path: Path) -> None:
    """What tokens would be worth changes what holders have; the schema is the core's own."""
    facts = {"tokens": [
        {"id": "t", "title": "kites", "territory": "IN", "kind": "paid", "tokens": 10, "version": 1,
         "currency": "INR", "value": 500, "at": "2026-10-05"},
    ]}  # fmt: skip
    path = tmp_path / "tokens.json"
    path.write_text(json.dumps(facts), "utf-8")
    found = _run(TERMS, FACTS, str(path), "--token-value", "paid/INR=60")
    assert "asha-films, kites: INR 83.97 now, INR 84.27 then, INR 0.30" in found.output
    wrong = _run(TERMS, FACTS, str(path), "--token-value", "paid/USD=60")
    assert (wrong.exit_code, "there are paid/INR" in wrong.output) == (1, True)
    assert "is no value of a token" in _run(TERMS, FACTS, "--token-value", "paid=0.5").output
    assert _run("--schema", "facts").output == schema_json("facts")
