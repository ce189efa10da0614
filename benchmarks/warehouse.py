"""A month's pools added up by DuckDB: against the query that somebody would write by hand, and its memory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp
from time import perf_counter

import duckdb

from benchmarks.harness import Contest, line
from buddy_adapters.warehouse import DuckdbWatchTotals
from buddy_adapters.warehouse.synthetic import Size, write_month
from buddy_core.royalty import PoolRule, WatchMonth, spread

ROWS = int(os.environ.get("BUDDY_BENCH_WATCH_ROWS", "10000000"))
THREADS = os.cpu_count() or 1
MEMORY_LIMIT = "1536MB"
LONG_ROWS = 100_000_000
MOST_MEMORY_BYTES = 2_500_000_000
RULE = PoolRule(method="user_centric")

BY_HAND = """
WITH seen AS (
    SELECT plan, territory, account, title, sum(seconds)::BIGINT AS seconds
    FROM read_parquet('{watch}/*.parquet') GROUP BY ALL),
whole AS (SELECT plan, territory, account, sum(seconds)::BIGINT AS seconds FROM seen GROUP BY ALL)
SELECT plan, territory, currency, title,
    sum(((gross - tax - fee - refund - chargeback)::HUGEINT * 1099511627776 * seen.seconds)
        // whole.seconds) AS grains
FROM seen JOIN whole USING (plan, territory, account)
JOIN read_parquet('{subscriptions}/*.parquet') USING (plan, territory, account)
GROUP BY ALL
"""
"""Floored sums alone: no check, no silent accounts, no counts; right only where no net is below zero."""


def folder_of(rows: int) -> tuple[Path, Path, Path | None]:
    """Return the folders of a made-up month: kept in BUDDY_BENCH_MONTHS, or made anew and then removed."""
    kept = os.environ.get("BUDDY_BENCH_MONTHS")
    base = Path(kept) if kept else Path(mkdtemp(prefix="buddy-bench-month-"))
    month = base / f"month-{rows}"
    if not (month / "subscriptions").exists():
        write_month(month, Size(rows=rows))
    return month / "watch", month / "subscriptions", None if kept else base


def close_pools(watch: Path, subscriptions: Path, spill: Path) -> int:
    """Check, add up and share a month, from opening the files to shares; answer how many shares."""
    with DuckdbWatchTotals(
        watch, subscriptions, memory_limit=MEMORY_LIMIT, spill_folder=spill, threads=THREADS
    ) as store:
        return sum(len(spread(pool, RULE).shares) for pool in store.totals(RULE, WatchMonth()))


@line(
    "warehouse.user_centric",
    unit="ms a 10M rows",
    yardstick="floored sums in hand-written SQL",
    goal=1.5,
    better="lower",
    rounds=3,
)
def user_centric() -> Contest:
    """Files to shares of 10M watch rows, 1M accounts and 20,000 titles; against the sums alone."""
    watch, subscriptions, made = folder_of(ROWS)
    spill = Path(mkdtemp(prefix="buddy-bench-spill-"))

    def ours() -> float:
        close_pools(watch, subscriptions, spill)
        return ROWS / 10_000_000

    def by_hand() -> float:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY_LIMIT,
            "threads": THREADS,
            "temp_directory": str(spill),
        }
        with duckdb.connect(config=config) as connection:
            connection.execute(BY_HAND.format(watch=watch, subscriptions=subscriptions)).fetchall()
        return ROWS / 10_000_000

    def close() -> None:
        for folder in (spill, made):
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)

    return Contest(ours, by_hand, close)


def measured(rows: int) -> tuple[float, int]:
    """Return the seconds and the peak memory in bytes of one close, in a process of its own."""
    watch, subscriptions, made = folder_of(rows)
    code = f"from benchmarks.warehouse import told; told({str(watch)!r}, {str(subscriptions)!r})"
    try:
        answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    finally:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)
    seconds, peak = answer.stdout.split()
    return float(seconds), int(peak)


def told(watch: str, subscriptions: str) -> None:
    """Close once and print seconds and peak memory; runs in its own process."""
    import resource

    spill = Path(mkdtemp(prefix="buddy-bench-spill-"))
    start = perf_counter()
    try:
        close_pools(Path(watch), Path(subscriptions), spill)
    finally:
        shutil.rmtree(spill, ignore_errors=True)
    print(perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def long_lines() -> None:
    """Register the lines of 100M rows: minutes each, so only where BUDDY_BENCH_LONG is set."""

    @line(
        "warehouse.long_linear",
        unit="ms a row of 100M",
        yardstick="the same a row of 10M",
        goal=1.5,
        better="lower",
        rounds=1,
    )
    def linear() -> Contest:
        """Wall time of 100M rows, ten times that of 10M at most one and a half times over."""
        times = {rows: measured(rows)[0] / rows for rows in (LONG_ROWS // 10, LONG_ROWS)}
        return Contest(lambda: _waited(times[LONG_ROWS]), lambda: _waited(times[LONG_ROWS // 10]))

    @line(
        "warehouse.long_memory",
        unit="peak, 1 ms a 10 MB",
        yardstick="2.5 GB",
        goal=1,
        better="lower",
        rounds=1,
    )
    def memory() -> Contest:
        """Peak memory of the process that closes 100M rows, as time: the harness knows nothing else."""
        peak = measured(LONG_ROWS)[1]
        return Contest(lambda: _waited(peak / 1e10), lambda: _waited(MOST_MEMORY_BYTES / 1e10))


def _waited(seconds: float) -> float:
    """Stand for a measured figure: wait a moment, and answer so much that the rate comes to it."""
    start = perf_counter()
    while perf_counter() - start < 0.05:
        pass
    return (perf_counter() - start) / seconds


if os.environ.get("BUDDY_BENCH_LONG"):
    long_lines()
