"""A made-up month of a streaming service, of any size, the same for the same seed: for benches and tries.

    python -m buddy_adapters.warehouse.synthetic --rows 10000000 --out month --seed 1

Writes `month/watch/*.parquet` and `month/subscriptions/*.parquet`. Each row follows from
the seed and its number alone (splitmix64, whole numbers only), so that chunks need not
know of each other, memory stays flat, and no version of a random generator changes it.
Titles are drawn by Zipf's law: the title of rank r with weight 1/r.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from attrs import field, frozen

from buddy_core.kernel import InvalidValue

CHUNK_ROWS = 1_000_000
"""Rows made at a time, and in a row group."""
FILE_ROWS = 20_000_000
PLANS = ("mobile", "standard", "premium")
MARKETS = (("IN", "INR", 1800), ("AE", "AED", 500), ("US", "USD", 0), ("GB", "GBP", 2000))
"""Territory, currency, and tax included in the price, in hundredths of a percent."""
PRICES = {
    "INR": (14900, 29900, 64900),
    "AED": (1900, 3500, 5900),
    "USD": (599, 1299, 1999),
    "GBP": (499, 999, 1499),
}
"""Minor units a month, by plan."""
SILENT_IN = 20
"""One account in so many pays and watches nothing."""

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = 2**64 - 1


def _whole(_: object, attribute: Any, value: int) -> None:
    if value < 1:
        raise InvalidValue(attribute.name, "must be 1 or more")


@frozen
class Size:
    """How large a month is, and the seed that it is made from."""

    rows: int = field(default=10_000_000, validator=_whole)
    accounts: int = field(default=1_000_000, validator=_whole)
    titles: int = field(default=20_000, validator=_whole)
    seed: int = 1


def write_month(
    folder: Path, size: Size, progress: Callable[[int, int], None] = lambda done, total: None
) -> tuple[Path, Path]:
    """Write a month's files and return the folders of watch rows and of subscriptions.

    `progress` is told rows written and in all. Parts of an earlier month there are removed.
    """
    total = size.rows + size.accounts
    watch, subscriptions = folder / "watch", folder / "subscriptions"
    _write(
        subscriptions,
        size.accounts,
        lambda first, last: _subscriptions(size, first, last),
        lambda done: progress(done, total),
    )
    ranks = _zipf(size.titles)
    names = pa.array([f"title-{number:06d}" for number in range(1, size.titles + 1)])
    _write(
        watch,
        size.rows,
        lambda first, last: _watch(size, ranks, names, first, last),
        lambda done: progress(size.accounts + done, total),
    )
    return watch, subscriptions


def _write(
    folder: Path, rows: int, make: Callable[[int, int], pa.Table], progress: Callable[[int], None]
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("part-*.parquet"):
        old.unlink()
    for number, start in enumerate(range(0, rows, FILE_ROWS)):
        end = min(start + FILE_ROWS, rows)
        writer = None
        for first in range(start, end, CHUNK_ROWS):
            last = min(first + CHUNK_ROWS, end)
            table = make(first, last)
            if writer is None:
                writer = pq.ParquetWriter(
                    folder / f"part-{number:05d}.parquet", table.schema, store_schema=False
                )
            writer.write_table(table, row_group_size=CHUNK_ROWS)
            progress(last)
        if writer is not None:
            writer.close()


def _watch(size: Size, ranks: Any, names: Any, first: int, last: int) -> pa.Table:
    rows = np.arange(first, last, dtype=np.uint64)
    watchers = max(1, size.accounts - size.accounts // SILENT_IN)
    account = _drawn(size.seed, 1, rows) % np.uint64(watchers)
    title = np.searchsorted(ranks, _drawn(size.seed, 2, rows) % np.uint64(ranks[-1]), side="right")
    seconds = np.uint64(30) + _drawn(size.seed, 3, rows) % np.uint64(7171)
    plan, market = _places(size.seed, account)
    return pa.table(
        {
            "account": pa.array(account.astype(np.int64)),
            "title": pa.DictionaryArray.from_arrays(pa.array(title.astype(np.int32)), names),
            "territory": _words(market, [name for name, _, _ in MARKETS]),
            "plan": _words(plan, PLANS),
            "seconds": pa.array(seconds.astype(np.int64)),
        }
    )


def _subscriptions(size: Size, first: int, last: int) -> pa.Table:
    account = np.arange(first, last, dtype=np.uint64)
    plan, market = _places(size.seed, account)
    currencies = [currency for _, currency, _ in MARKETS]
    prices = np.array([PRICES[currency] for currency in currencies], dtype=np.int64)
    rates = np.array([rate for _, _, rate in MARKETS], dtype=np.int64)[market]
    gross = prices[market, plan]
    chance = _drawn(size.seed, 5, account) % np.uint64(1000)
    refund = np.where(chance < 10, gross // 2, 0)
    chargeback = np.where(chance == 999, gross, 0)
    kept = gross - refund - chargeback
    return pa.table(
        {
            "account": pa.array(account.astype(np.int64)),
            "plan": _words(plan, PLANS),
            "territory": _words(market, [name for name, _, _ in MARKETS]),
            "currency": _words(market, currencies),
            "gross": pa.array(gross),
            "tax": pa.array(kept * rates // (10_000 + rates)),
            "fee": pa.array(gross * 2 // 100),
            "refund": pa.array(refund),
            "chargeback": pa.array(chargeback),
        }
    )


def _places(seed: int, account: Any) -> tuple[Any, Any]:
    """Return plan and market of each account, as places in `PLANS` and `MARKETS`."""
    drawn = _drawn(seed, 4, account)
    plan = (drawn % np.uint64(len(PLANS))).astype(np.int32)
    return plan, ((drawn >> np.uint64(32)) % np.uint64(len(MARKETS))).astype(np.int32)


def _words(places: Any, words: Sequence[str]) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array(places), pa.array(list(words)))


def _zipf(titles: int) -> Any:
    """Return the running sums of 2^40 / rank: where a number falls among them is its title."""
    return np.cumsum(np.array([2**40 // rank for rank in range(1, titles + 1)], dtype=np.uint64))


def _drawn(seed: int, column: int, numbers: Any) -> Any:
    """Return 64 random bits for each number: splitmix64 (Steele, Lea and Flood 2014), one stream a column."""
    start = np.uint64((seed * 0xD1342543DE82EF95 + column * 0xDA942042E4DD58B5) & _MASK)
    with np.errstate(over="ignore"):
        bits = _mixed(np.asarray([start]))[0] + (numbers + np.uint64(1)) * np.uint64(_GOLDEN)
        return _mixed(bits)


def _mixed(bits: Any) -> Any:
    with np.errstate(over="ignore"):
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return bits ^ (bits >> np.uint64(31))


def show_progress(done: int, total: int) -> None:
    """Draw a bar on the terminal's line."""
    filled = 40 * done // total
    end = "\n" if done == total else ""
    print(
        f"\r[{'#' * filled}{'.' * (40 - filled)}] {done:,} of {total:,} rows",
        end=end,
        file=sys.stderr,
        flush=True,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a month as the command line says, and name the folders."""
    parser = argparse.ArgumentParser(
        prog="python -m buddy_adapters.warehouse.synthetic", description="Write a made-up month as Parquet."
    )
    parser.add_argument("--rows", type=int, default=Size().rows, help="watch rows (10 million)")
    parser.add_argument("--accounts", type=int, default=Size().accounts, help="subscriptions (1 million)")
    parser.add_argument("--titles", type=int, default=Size().titles, help="titles (20,000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same data (1)")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    asked = parser.parse_args(arguments)
    try:
        size = Size(asked.rows, asked.accounts, asked.titles, asked.seed)
    except InvalidValue as error:
        parser.error(error.message())
    for folder in write_month(asked.out, size, show_progress):
        print(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
