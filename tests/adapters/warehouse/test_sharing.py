"""Pools are shared where their rows are: the same facts from every store, and on from where it stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from buddy_adapters.memory.watch_totals import MemoryWatchTotals
from buddy_adapters.warehouse import DuckdbWatchTotals
from buddy_adapters.warehouse.sharing import main, share_pools
from buddy_adapters.warehouse.synthetic import Size, write_month
from buddy_core.royalty import Document, Paid, PeriodInput, PoolName, WatchMonth, read_input
from tests.adapters.warehouse.stores import SUBSCRIPTION_SCHEMA, WATCH_SCHEMA, paid, watched, write

WATCH = [
    watched("v", "film/a", 600),
    watched("v", "film/b", 300),
    watched("w", "film/b", 900),
    watched("x", "film/a", 900, plan="lite"),
]
PAID = [
    paid("v", 1000, tax=180, fee=20),
    paid("w", 500),
    paid("y", 700, refund=50),
    paid("x", 250, plan="lite", chargeback=10),
]
TERMS = {
    "month": {"name": "2026-10", "entity": "kite", "zone": "Asia/Kolkata"},
    "deals": [
        {"id": "d1", "title": "film/a", "holder": "ada", "rates": {"subscription": "50%"}, "part": "1/2"},
        {"id": "d2", "title": "film/a", "holder": "bo", "rates": {"subscription": "50%"}, "part": "1/2"},
        {"id": "d3", "title": "film/b", "holder": "bo", "rates": {"subscription": "50%"}},
    ],
    "pools": [
        {"plan": "*", "method": "user_centric", "silent": "platform"},
        {"plan": "lite", "method": "equal_per_subscriber", "silent": "carry"},
    ],
}


def period() -> PeriodInput:
    """Return the month and its terms."""
    return read_input(Document("terms.json", json.dumps(TERMS).encode()), [])


def rows_in(folder: Path) -> tuple[Path, Path]:
    """Write the rows as Parquet."""
    (folder / "watch").mkdir()
    write(folder / "watch" / "part.parquet", WATCH, WATCH_SCHEMA)
    return folder / "watch", write(folder / "subscriptions.parquet", PAID, SUBSCRIPTION_SCHEMA)


def test_every_store_gives_the_same_files(tmp_path: Path) -> None:
    """Plain Python and DuckDB write the same bytes, a file a plan, and the month has no remainder."""
    told: list[tuple[str, int, int]] = []
    plain = share_pools(
        MemoryWatchTotals(WATCH, PAID), period(), "rows", tmp_path / "plain", lambda *step: told.append(step)
    )
    with DuckdbWatchTotals(*rows_in(tmp_path)) as store:
        duck = share_pools(store, period(), "rows", tmp_path / "duck", lambda *step: None)
    assert [path.name for path in plain] == [path.name for path in duck]
    assert [path.read_bytes() for path in plain] == [path.read_bytes() for path in duck]
    assert [step[1:] for step in told] == [(0, 1), (0, 2), (1, 2), (2, 2)]
    terms = Document("terms.json", json.dumps(TERMS).encode())
    result = read_input(terms, [Document(path.name, path.read_bytes()) for path in plain]).state()
    [money] = result.reconciliations
    assert (money.gross, money.tax, money.fees, money.refunds, money.chargebacks) == (2450, 180, 20, 50, 10)
    assert money.residual == 0
    # v left 800 for two parts of a and one of b, w 500 for b, x 240 for a; of a half each of ada and bo.
    assert {item.holder: float(item.exact) for item in result.statements} == pytest.approx(
        {"ada": (1600 / 3 + 240) / 4, "bo": (1600 / 3 + 240) / 4 + (800 / 3 + 500) / 2}
    )


def test_what_pools_brought_in_is_told_by_every_store(tmp_path: Path) -> None:
    """Gross, tax, fees, refunds and chargebacks of each pool are those of its rows."""
    expected = {
        PoolName("basic", "IN", "INR"): Paid(2200, 180, 50, 0, 20),
        PoolName("lite", "IN", "INR"): Paid(250, 0, 0, 10, 0),
    }
    assert MemoryWatchTotals(WATCH, PAID).paid(WatchMonth()) == expected
    with DuckdbWatchTotals(*rows_in(tmp_path)) as store:
        assert store.paid(WatchMonth()) == expected


def test_it_goes_on_from_where_it_stopped(tmp_path: Path) -> None:
    """What is written is not made again; what is missing is, and other rows or terms begin anew."""
    store = MemoryWatchTotals(WATCH, PAID)

    def run(source: str = "rows") -> list[Path]:
        return share_pools(store, period(), source, tmp_path, lambda *step: None)

    first, second = run()
    bytes_, made = second.read_bytes(), first.stat().st_mtime_ns
    second.unlink()
    (tmp_path / f"{second.name}.unfinished").write_text("half of it")
    assert run() == [first, second]
    assert (first.stat().st_mtime_ns, second.read_bytes()) == (made, bytes_)
    assert set(run("other rows")).isdisjoint({first, second})


def test_the_command_line_shares_a_month(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It names a file for each plan, draws a bar, and the month adds up to what was paid."""
    watch, subscriptions = write_month(tmp_path, Size(rows=4000, accounts=300, titles=30))
    terms = tmp_path / "terms.json"
    terms.write_text(
        json.dumps({**TERMS, "deals": [], "own_titles": "*", "pools": [{"method": "user_centric"}]}), "utf-8"
    )
    wanted = [
        str(terms),
        "--watch",
        str(watch),
        "--subscriptions",
        str(subscriptions),
        "--out",
        str(tmp_path),
    ]
    assert main(wanted) == 0
    said = capsys.readouterr()
    files = [Path(line) for line in said.out.splitlines()]
    assert files
    assert said.err == ""  # a log keeps no bar
    found = read_input(
        Document("terms.json", terms.read_bytes()), [Document(path.name, path.read_bytes()) for path in files]
    )
    assert all(item.residual == 0 for item in found.state().reconciliations)


def test_bad_rows_are_told_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every problem is listed with file and row, the exit code is 1, and no file of facts is there."""
    watch, subscriptions = rows_in(tmp_path)
    write(watch / "part.parquet", [watched("v", "film/a", -5), watched("v", None, 5)], WATCH_SCHEMA)
    terms = tmp_path / "terms.json"
    terms.write_text(json.dumps(TERMS), "utf-8")
    out = tmp_path / "out"
    wanted = [str(terms), "--watch", str(watch), "--subscriptions", str(subscriptions), "--out", str(out)]
    assert main(wanted) == 1
    said = capsys.readouterr().err
    assert "row 1, seconds" in said
    assert "row 2, title" in said
    assert not list(out.glob("pools-*"))
    assert main(["missing.json", *wanted[1:]]) == 1
    assert "missing.json" in capsys.readouterr().err


@pytest.mark.parametrize("fault", ["no column", "not a number"])
def test_bad_subscriptions_are_told_with_bad_watch(
    fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A subscriptions file without a column or with a NaN is refused in words, nothing is written."""
    watch, subscriptions = rows_in(tmp_path)
    column = pa.array([1000.0, float("nan"), 700.0, 250.0])
    table = pq.read_table(subscriptions).drop_columns("gross")
    pq.write_table(table if fault == "no column" else table.append_column("gross", column), subscriptions)
    terms = tmp_path / "terms.json"
    terms.write_text(json.dumps(TERMS), "utf-8")
    out = tmp_path / "out"
    wanted = [str(terms), "--watch", str(watch), "--subscriptions", str(subscriptions), "--out", str(out)]
    assert main(wanted) == 1
    said = capsys.readouterr().err
    assert "subscriptions.parquet" in said
    assert "gross" in said
    assert not list(out.glob("pools-*"))


def test_plans_of_like_names_have_files_of_their_own(tmp_path: Path) -> None:
    """Plans whose names differ in signs that files do not carry lose none of their money."""
    rows = [paid("v", 100, plan="a/b"), paid("w", 10, plan="a_b")]
    store = MemoryWatchTotals([], rows)
    files = share_pools(store, period(), "rows", tmp_path, lambda *step: None)
    found = [pool for path in files for pool in json.loads(path.read_text("utf-8"))["pools"]]
    assert [pool["plan"] for pool in found] == ["a/b", "a_b"]
