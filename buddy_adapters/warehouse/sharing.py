"""Share a month's pools where their rows are: a file of facts for each plan, and on from where it stopped."""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from attrs import evolve

from buddy_adapters.warehouse.watch_totals import DuckdbWatchTotals
from buddy_core.kernel.errors import BuddyError
from buddy_core.royalty import (
    Document,
    Facts,
    Paid,
    PeriodInput,
    PoolName,
    SharedPool,
    WatchMonth,
    WatchTotals,
    facts_json,
    read_input,
    rule_of,
    shared_pool,
    spread,
    terms_json,
    title_holders,
)

Progress = Callable[[str, int, int], None]
"""Told what is done now, how many steps are done, and how many there are."""


def share_pools(
    store: WatchTotals, period: PeriodInput, source: str, out: Path, progress: Progress
) -> list[Path]:
    """Write a file of facts for each plan of the month, and return their paths.

    `source` says which rows they are of. A file that is there already, of the same rows,
    terms and month, is not made again: after a break the rest is done.

    Raises:
        BadInput: rows are not as they must be; every problem is listed.
        InvalidValue: a rule that cannot share its pool.
    """
    progress("reading and checking", 0, 1)
    span = period.month.period
    watch = WatchMonth(period_seconds=int((span.end - span.start).total_seconds()))
    paid = store.paid(watch)
    plans = sorted({name.plan for name in paid})
    rows_and_terms = f"{source}\n{terms_json(period.month, period.terms)}"
    out.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for place, plan in enumerate(plans):
        progress(f"sharing {plan}", place, len(plans))
        digest = hashlib.sha256(f"{plan}\n{rows_and_terms}".encode()).hexdigest()
        path = out / f"pools-{re.sub(r'[^A-Za-z0-9]', '_', plan)}-{digest[:12]}.json"
        if not path.exists():
            mine = {name: money for name, money in paid.items() if name.plan == plan}
            _write(path, facts_json(Facts(pools=tuple(_shared(store, watch, period, plan, mine)))))
        written.append(path)
    progress("done", len(plans), len(plans))
    return written


def _shared(
    store: WatchTotals, watch: WatchMonth, period: PeriodInput, plan: str, paid: Mapping[PoolName, Paid]
) -> Iterator[SharedPool]:
    rule = evolve(rule_of(period.terms, plan), plan=plan)
    start = period.month.period.start
    deals = [deal for deal in period.terms.deals if deal.holds_at(start)]
    holders = title_holders(deals, (name.territory for name in paid), start)
    for totals in store.totals(rule, evolve(watch, holders=holders)):
        yield shared_pool(spread(totals, rule), rule, paid[totals.pool])


def source_of(paths: Sequence[Path]) -> str:
    """Return what tells files from others: their names, sizes and times."""
    files = [
        file for path in paths for file in ([path] if path.is_file() else sorted(path.rglob("*.parquet")))
    ]
    return "\n".join(f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files)


def _write(path: Path, text: str) -> None:
    """Write a file whole, or not at all."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    with unfinished.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


class _Bar:
    """A line of the terminal that says what is done; DuckDB's own progress moves it on between steps."""

    def __init__(self, store: DuckdbWatchTotals) -> None:
        self._store, self._told = store, ("", 0, 1)

    def tell(self, what: str, done: int, total: int) -> None:
        """Begin another step."""
        self._told = (what, done, total)
        self.draw()

    def draw(self) -> None:
        """Draw the line, where somebody looks: a log keeps none of it."""
        if not sys.stderr.isatty():
            return
        what, done, total = self._told
        part = (done + (self._store.done() or 0) * (done < total)) / max(1, total)
        filled = int(40 * part)
        line = f"\r[{'#' * filled}{'.' * (40 - filled)}] {what:<40.40}"
        print(line, end="\n" if done == total else "", file=sys.stderr, flush=True)

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Draw it again twice a second."""
        over = Event()

        def again() -> None:
            while not over.wait(0.5):
                if self._told[1] < self._told[2]:
                    self.draw()

        thread = Thread(target=again, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def main(arguments: Sequence[str] | None = None) -> int:
    """Share the pools of a month as the command line says, and name the files of facts."""
    parser = argparse.ArgumentParser(
        prog="python -m buddy_adapters.warehouse.sharing",
        description="Share the pools of a month where its watch rows are: Parquet in, files of facts out.",
    )
    parser.add_argument(
        "terms", type=Path, help="the month and its terms: a file as buddy_core.royalty reads it"
    )
    parser.add_argument("--watch", type=Path, nargs="+", required=True, help="Parquet files or folders")
    parser.add_argument(
        "--subscriptions", type=Path, nargs="+", required=True, help="who paid what, the same"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the files of facts")
    asked = parser.parse_args(arguments)
    try:
        period = read_input(Document(str(asked.terms), asked.terms.read_bytes()), [])
        asked.out.mkdir(parents=True, exist_ok=True)
        with DuckdbWatchTotals(asked.watch, asked.subscriptions, spill_folder=asked.out) as store:
            bar = _Bar(store)
            with bar.moving():
                source = source_of([*asked.watch, *asked.subscriptions])
                written = share_pools(store, period, source, asked.out, bar.tell)
    except (BuddyError, OSError) as error:
        text = error.message() if isinstance(error, BuddyError) else str(error)
        print(f"\n{text}", file=sys.stderr)
        return 1
    for path in written:
        print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
