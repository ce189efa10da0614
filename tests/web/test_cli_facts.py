"""`buddy facts` and `buddy terms`: brought in once, tried before they are set, told where wrong."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.web.test_cli import Buddy, buddy, database, past, settings, store_with_a_past

__all__ = ["buddy", "database", "past", "settings", "store_with_a_past"]

WHERE = ("--entity", "newtact", "--month", "2026-10")
HEADING = "id,model,title,territory,currency,gross,at\n"


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    """A file of facts without a title: subscriptions alone, which the platform keeps."""
    path = tmp_path / "subscriptions-2026-10.csv"
    path.write_text("id,plan,territory,currency,gross\na,gold,IN,INR,10000\n", "utf-8")
    return path


def test_facts_are_brought_in_announced_and_listed(past: Buddy, sales: Path, tmp_path: Path) -> None:
    """Several files at once, each under its own name; again they count once; what is awaited is listed."""
    more = tmp_path / "more.json"
    more.write_text('{"ads": [{"id": "ad", "territory": "IN", "currency": "INR", "gross": 500}]}', "utf-8")
    first = past("facts", "bring", str(sales), str(more), *WHERE)
    assert first.exit_code == 0, first.output
    assert first.stdout.splitlines() == [
        "subscriptions-2026-10.csv, 2026-10 of newtact: 1 facts.",
        "more.json, 2026-10 of newtact: 1 facts.",
    ]
    again = past("facts", "bring", str(sales), *WHERE)
    assert "there already and counted once" in again.stdout
    assert "announced" in past("facts", "announce", "watch", *WHERE).stdout
    listed = past("facts", "list", *WHERE).stdout
    assert "open, 3 files" in listed
    assert "watch: awaited" in listed
    assert "more.json: 1 facts" in listed
    shown = json.loads(past("facts", "show", "more.json", "--entity", "newtact").stdout)
    assert shown["ads"][0]["gross"] == 500


def test_parquet_is_brought_in_as_the_facts_it_has(past: Buddy, tmp_path: Path) -> None:
    """Its rows are stored like any others, and one that cannot be is told with its row."""
    path = tmp_path / "subscriptions.parquet"
    rows = {"id": ["a", "b"], "plan": ["gold"] * 2, "territory": ["IN"] * 2, "currency": ["INR"] * 2}
    pq.write_table(pa.table({**rows, "gross": [100, 200]}), path)
    assert "2 facts" in past("facts", "bring", str(path), *WHERE).stdout
    pq.write_table(pa.table({**rows, "gross": [100.0, float("nan")]}), path)
    wrong = past("facts", "bring", str(path), *WHERE, "--name", "other")
    assert wrong.exit_code == 1
    assert "row 2, gross: is nan" in wrong.stderr


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("{", "a.json", "is no JSON"),
        (HEADING + "s1,rental,film/zzzz,IN,INR,100,2026-10-05\n", "sales.csv", "is film/zzzz, no title"),
        (HEADING + "s1,rental,film/zzzz,IN,INR,1.5,2026-10-05\n", "sales.csv", "row 2, gross"),
        ("a;b\n", "sales.csv", "semicolons"),
        ("id\n", "films.csv", "no kind of facts in its name"),
    ],
)
def test_a_file_that_cannot_be_is_told(past: Buddy, tmp_path: Path, text: str, name: str, said: str) -> None:
    """Every problem has a line of its own, and the exit code is 1."""
    path = tmp_path / name
    path.write_text(text, "utf-8")
    found = past("facts", "bring", str(path), *WHERE)
    assert found.exit_code == 1
    assert said in found.stderr


def test_misuse_is_said(past: Buddy, sales: Path) -> None:
    """One name for two files, terms of two things, an entity that is none, and a licence that is none."""
    assert past("facts", "bring", str(sales), str(sales), *WHERE, "--name", "a").exit_code == 2
    assert past("terms", "set", "--entity", "newtact", "--pool", "a", "--account", "b").exit_code == 2
    assert "tax.unknown_entity" in past("facts", "list", "--entity", "x", "--month", "2026-10").stderr
    unknown = past("terms", "show", "--entity", "newtact", "--licence", "L-none")
    assert "royalty.input_not_found" in unknown.stderr


def test_terms_are_shown_tried_set_and_removed(past: Buddy, tmp_path: Path) -> None:
    """What is tried is printed and not set; what is set is shown; removed, the licence's own counts."""
    listed = past("terms", "show", "--entity", "newtact").stdout
    found = re.search(r"^(L-[a-z2-7]{10}) .*60% by every model$", listed, re.MULTILINE)
    assert found is not None, listed
    whose = ("--entity", "newtact", "--licence", found[1])
    file = tmp_path / "terms.json"
    file.write_text('{"preset": "short", "rates": {"est": "1/3"}}', "utf-8")
    tried = past("terms", "set", *whose, str(file), "--effect", "2026-10")
    assert tried.exit_code == 0, tried.output
    assert "2026-10" in tried.stdout
    assert past("terms", "show", *whose).stdout.strip() == "null"
    assert "are set" in past("terms", "set", *whose, str(file)).stdout
    shown = past("terms", "show", *whose)
    assert json.loads(shown.stdout) == {"preset": "short", "rates": {"est": "1/3"}}
    assert "1/3 of est" in shown.stderr
    file.write_text('{"fee": 0.5, "preset": "filn"}', "utf-8")
    wrong = past("terms", "set", *whose, str(file))
    assert wrong.exit_code == 1
    assert 'write "0.5" in quotes' in wrong.stderr
    assert 'did you mean "film"' in wrong.stderr
    assert "taken away" in past("terms", "remove", *whose).stdout
    assert past("terms", "show", *whose).stdout.strip() == "null"


def test_accounts_and_pools_are_listed(past: Buddy, tmp_path: Path) -> None:
    """They stand at the end of the list as they were set."""
    file = tmp_path / "pool.json"
    file.write_text('{"method": "user_centric"}', "utf-8")
    assert past("terms", "set", "--entity", "newtact", "--pool", "*", str(file)).exit_code == 0
    listed = past("terms", "show", "--entity", "newtact", "--find", "no such title").stdout
    assert listed == 'pool *: {"method": "user_centric", "plan": "*"}\n'


def test_a_waterfall_is_set_shown_and_listed(past: Buddy, database: Path, tmp_path: Path) -> None:
    """A title's waterfall is set by its type and short id, shown as it was given, listed, and taken away."""
    listed = past("terms", "show", "--entity", "newtact").stdout
    assert "waterfall" not in listed
    with closing(sqlite3.connect(database)) as store:
        [(short_id,)] = store.execute("SELECT short_id FROM catalog_titles WHERE type = 'film' LIMIT 1")
    film = f"film/{short_id}"
    step = {"name": "fee", "takes": "percent_of_gross", "rate": "20%", "taker": "platform"}
    file = tmp_path / "waterfall.json"
    file.write_text(json.dumps({"currency": "INR", "steps": [step]}))
    whose = ("--entity", "newtact", "--waterfall", film)
    assert "are set" in past("terms", "set", *whose, str(file)).stdout
    assert json.loads(past("terms", "show", *whose).stdout)["steps"] == [step]
    assert f"waterfall {film}: " in past("terms", "show", "--entity", "newtact").stdout
    assert "taken away" in past("terms", "remove", *whose).stdout
    unknown = past("terms", "set", "--entity", "newtact", "--waterfall", "film/none", str(file))
    assert unknown.exit_code == 1
