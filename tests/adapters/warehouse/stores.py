"""The stores that carry out `WatchTotals`, each made from rows; what the contract runs on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from buddy_adapters.memory.watch_totals import MemoryWatchTotals
from buddy_adapters.warehouse import DuckdbWatchTotals
from buddy_core.royalty import WatchTotals

Rows = Sequence[Mapping[str, Any]]

WATCH_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("account", "title", "territory", "plan")] + [("seconds", pa.int64())]
)
SUBSCRIPTION_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("account", "plan", "territory", "currency")]
    + [(name, pa.int64()) for name in ("gross", "tax", "fee", "refund", "chargeback")]
)


@contextmanager
def in_memory(watch: Rows, subscriptions: Rows) -> Iterator[WatchTotals]:
    """Yield the plain Python store."""
    yield MemoryWatchTotals(watch, subscriptions)


@contextmanager
def in_parquet(watch: Rows, subscriptions: Rows, files: int = 1) -> Iterator[WatchTotals]:
    """Yield DuckDB over Parquet files, the watch rows dealt over so many."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "watch").mkdir()
        for number in range(files):
            path = folder / "watch" / ("watch.parquet" if files == 1 else f"watch-{number}.parquet")
            write(path, watch[number::files], WATCH_SCHEMA)
        write(folder / "subscriptions.parquet", subscriptions, SUBSCRIPTION_SCHEMA)
        with DuckdbWatchTotals(
            folder / "watch", folder / "subscriptions.parquet", threads=1, spill_folder=folder / "spill"
        ) as store:
            yield store


def write(path: Path, rows: Rows, schema: pa.Schema) -> Path:
    """Write rows as one Parquet file."""
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)
    return path


def watched(
    account: Any, title: Any, seconds: Any, plan: Any = "basic", territory: Any = "IN"
) -> dict[str, Any]:
    """Return a watch row."""
    return {"account": account, "title": title, "territory": territory, "plan": plan, "seconds": seconds}


def paid(
    account: Any, gross: Any, plan: Any = "basic", territory: Any = "IN", currency: Any = "INR", **other: Any
) -> dict[str, Any]:
    """Return a subscription row; what is not named is 0."""
    row = {"account": account, "plan": plan, "territory": territory, "currency": currency, "gross": gross}
    return row | {"tax": 0, "fee": 0, "refund": 0, "chargeback": 0} | other
