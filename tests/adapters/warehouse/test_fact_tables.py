"""Parquet of facts row by row: what is wrong with one file is told beside what is wrong with all others."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from buddy_adapters.warehouse import DuckdbWatchTotals, parquet_facts
from buddy_core.royalty import BadInput, Document, FactTable, PoolRule, WatchMonth, read_input

WATCH: dict[str, Any] = {
    "account": ["v1", "v2"],
    "title": ["film", "film"],
    "territory": ["IN", "IN"],
    "plan": ["gold", "gold"],
    "seconds": [900, 840],
}
TERMS = {
    "month": {"name": "2026-10", "entity": "thaja", "zone": "Asia/Kolkata"},
    "deals": [{"id": "d", "title": "film", "holder": "anna", "preset": "film", "part": "90%"}],
}
PARTS = "the parts of film in IN make 9/10 (anna 9/10), and must make exactly 1"
PLAN = {"subscriptions": [{"id": "p", "plan": "gold", "territory": "IN", "currency": "INR", "gross": 100}]}


def write(path: Path, columns: dict[str, Any]) -> Path:
    """Write a file of columns."""
    pq.write_table(pa.table(columns), path)
    return path


def told(*files: Path) -> list[str]:
    """Return what is wrong, by file, row and column, without what to do."""
    facts: list[Document | FactTable] = [
        Document("facts.json", json.dumps(PLAN).encode()),
        *(parquet_facts(path) for path in files),
    ]
    with pytest.raises(BadInput) as caught:
        read_input(Document("terms.json", json.dumps(TERMS).encode()), facts).state()
    return [problem.text().partition(";")[0].split("/")[-1] for problem in caught.value.problems]


def corrupt(path: Path) -> Path:
    """Overwrite some bytes of the first page of a file."""
    content = bytearray(path.read_bytes())
    content[20:28] = b"\xff" * 8
    path.write_bytes(content)
    return path


def test_a_missing_column_hides_neither_terms_nor_another_file(tmp_path: Path) -> None:
    """Parts of 90 %, a column that lacks in one file and one unknown in another are told together."""
    lacks = write(tmp_path / "watch-a.parquet", {k: v for k, v in WATCH.items() if k != "title"})
    odd = write(tmp_path / "watch-b.parquet", {**WATCH, "foo": [1, 2]})
    right = write(tmp_path / "watch-c.parquet", WATCH)
    found = told(lacks, odd, right)
    assert found[:2] == [
        "watch-a.parquet, title: the column is missing",
        "watch-b.parquet, foo: is not known here",
    ]
    assert "must make exactly 1" in found[2]


def test_a_column_twice_is_told(tmp_path: Path) -> None:
    """A second column of seconds does not silently win."""
    names = [*WATCH, "seconds"]
    table = pa.Table.from_arrays([pa.array(WATCH[name]) for name in names], names=names)
    pq.write_table(table, tmp_path / "watch.parquet")
    assert told(tmp_path / "watch.parquet")[0] == "watch.parquet, seconds: is there twice"


def test_a_corrupt_page_is_a_problem_of_its_file(tmp_path: Path) -> None:
    """A file whose pages cannot be read is named, and is no traceback."""
    broken = corrupt(write(tmp_path / "watch.parquet", WATCH))
    assert told(broken)[0] == "watch.parquet: cannot be read"


def test_a_corrupt_page_is_a_problem_at_scale_too(tmp_path: Path) -> None:
    """DuckDB reads the same broken file: its name is told."""
    plain = {name: [0, 0] for name in ("tax", "refund", "chargeback", "fee")}
    paid = {name: WATCH[name] for name in ("account", "plan", "territory")}
    paid |= {"currency": ["INR", "INR"], "gross": [100, 100], **plain}
    watch = corrupt(write(tmp_path / "watch.parquet", WATCH))
    subscriptions = write(tmp_path / "subscriptions.parquet", paid)
    with (
        DuckdbWatchTotals(watch, subscriptions) as store,
        pytest.raises(BadInput, match=r"watch\.parquet: cannot be read"),
    ):
        store.totals(PoolRule(), WatchMonth(period_seconds=1000))


@pytest.mark.parametrize("kind", [pa.timestamp("us", "UTC"), pa.timestamp("s"), pa.date32()])
def test_a_day_before_the_year_1_is_told_by_its_row(tmp_path: Path, kind: pa.DataType) -> None:
    """What Python has no date for is a wrong cell like any other."""
    days = -800_000
    value = days if pa.types.is_date(kind) else days * 86_400 * (1_000_000 if kind.unit == "us" else 1)
    at = pa.array([None, value], pa.int32() if pa.types.is_date(kind) else pa.int64()).cast(kind)
    found = told(write(tmp_path / "watch.parquet", {**WATCH, "at": at}))
    assert found[0].startswith("watch.parquet, row 2, at: is '")


def test_a_cell_of_an_odd_type_is_called_by_it(tmp_path: Path) -> None:
    """A duration is no list."""
    odd = {**WATCH, "seconds": pa.array([timedelta(seconds=1)] * 2, pa.duration("s"))}
    assert told(write(tmp_path / "watch.parquet", odd))[0] == (
        "watch.parquet, row 1, seconds: is of the type timedelta"
    )
