"""The made-up month: the same for the same seed, sound, and of any size."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from buddy_adapters.warehouse import DuckdbWatchTotals, synthetic
from buddy_adapters.warehouse.synthetic import Size, main, write_month
from buddy_core.royalty import GRAINS, PoolRule, WatchMonth, spread

SMALL = Size(rows=5000, accounts=400, titles=50, seed=7)
PINNED_WATCH = [
    {"account": 49, "title": "title-000003", "territory": "AE", "plan": "mobile", "seconds": 7133},
    {"account": 315, "title": "title-000002", "territory": "AE", "plan": "mobile", "seconds": 4714},
]
PINNED_SUBSCRIPTION = [
    {
        "account": 0,
        "plan": "mobile",
        "territory": "IN",
        "currency": "INR",
        "gross": 14900,
        "tax": 2272,
        "fee": 298,
        "refund": 0,
        "chargeback": 0,
    }
]


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.parquet"))}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    """Two runs with one seed write the same files; another seed writes others."""
    for name, size in (("a", SMALL), ("b", SMALL), ("c", Size(5000, 400, 50, 8))):
        write_month(tmp_path / name, size)
    assert _bytes(tmp_path / "a") == _bytes(tmp_path / "b")
    assert _bytes(tmp_path / "a") != _bytes(tmp_path / "c")


def test_rows_do_not_depend_on_how_they_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small chunks and many files hold the same rows in the same order, and leave no old part behind."""
    watch, _ = write_month(tmp_path / "whole", SMALL)
    monkeypatch.setattr(synthetic, "CHUNK_ROWS", 300)
    monkeypatch.setattr(synthetic, "FILE_ROWS", 1000)
    cut, _ = write_month(tmp_path / "cut", SMALL)
    assert len(list(cut.iterdir())) == 5
    assert pq.read_table(cut) == pq.read_table(watch)
    write_month(tmp_path / "cut", Size(1000, 400, 50, 7))
    assert len(list(cut.iterdir())) == 1


def test_the_first_rows_are_pinned(tmp_path: Path) -> None:
    """Seed 7 begins with these rows on every machine and version."""
    watch, subscriptions = write_month(tmp_path, SMALL)
    assert pq.read_table(watch).slice(0, 2).to_pylist() == PINNED_WATCH
    assert pq.read_table(subscriptions).slice(0, 1).to_pylist() == PINNED_SUBSCRIPTION


def test_a_month_is_sound_and_adds_up(tmp_path: Path) -> None:
    """It passes every check, has silent accounts and every pool, and is shared to the last grain."""
    told: list[tuple[int, int]] = []
    rule = PoolRule(method="user_centric", silent="carry")
    with DuckdbWatchTotals(*write_month(tmp_path, SMALL, lambda *done: told.append(done))) as store:
        pools = store.totals(rule, WatchMonth())
    assert told[-1] == (5400, 5400)
    assert len(pools) == 12
    assert sum(pool.accounts for pool in pools) == 400
    assert sum(pool.silent for pool in pools) > 0
    for found in (spread(pool, rule) for pool in pools):
        assert sum(share.grains for share in found.shares) == found.shared * GRAINS
        assert found.shared + found.carried == found.net


def test_titles_follow_zipf(tmp_path: Path) -> None:
    """The first title has about twice the rows of the second, and three times those of the third."""
    watch, _ = write_month(tmp_path, Size(rows=60_000, accounts=400, titles=50, seed=1))
    counts = pq.read_table(watch, columns=["title"])["title"].value_counts().to_pylist()
    by_title = {found["values"]: found["counts"] for found in counts}
    first = by_title["title-000001"]
    assert first / by_title["title-000002"] == pytest.approx(2, rel=0.1)
    assert first / by_title["title-000003"] == pytest.approx(3, rel=0.1)


def test_the_command_shows_a_bar_and_names_the_folders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is asked for on the command line is written, with progress on the error stream."""
    sizes = ["--rows", "100", "--accounts", "20", "--titles", "5"]
    assert main([*sizes, "--out", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert said.out.split() == [str(tmp_path / "watch"), str(tmp_path / "subscriptions")]
    assert said.err.endswith("120 of 120 rows\n")
    assert pq.read_table(tmp_path / "watch").schema.field("title").type == pa.string()
    with pytest.raises(SystemExit):
        main(["--rows", "0", "--out", str(tmp_path)])
