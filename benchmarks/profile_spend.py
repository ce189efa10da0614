"""`python -m benchmarks.profile_spend [CASE...]`: what a spend costs in CPU time, whoever else is busy.

Wall time tells of the whole machine; here the CPU time of our process and that of the
processes of PostgreSQL is divided by the number of spends, with the rows, statements,
commits and the bytes of WAL that each took.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from time import process_time
from typing import Any

from asyncpg import Connection
from attrs import define
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.stores import Folder, Postgres
from benchmarks.tokens import WALLETS, Store, crowd, open_store

CASES = {"256": (256, WALLETS, 20), "32": (32, WALLETS, 150), "hot": (256, 1, 20), "1": (1, WALLETS, 500)}
"""Callers, wallets that they choose from, and the spends of each caller."""
ROUNDS = 5
"""The least of so many is told: who shares the caches makes a round dearer, never cheaper."""
SQLITE = {"sqlite 256": (256, WALLETS, 20), "sqlite 8": (8, WALLETS, 200)}


@define
class _Statements:
    """Counts what goes to the server, without the beginnings and ends of transactions."""

    count: int = 0

    def watch(self, engine: AsyncEngine) -> None:
        """Count on every connection that the engine opens from now on."""
        event.listen(engine.sync_engine, "checkout", self._connected)

    def _connected(self, opened: Any, record: Any, *_: object) -> None:
        driver: Connection = opened.driver_connection
        if record.info.setdefault("is_counted", False):
            return
        record.info["is_counted"] = True
        driver.add_query_logger(self._seen)

    def _seen(self, record: Any) -> None:
        if not record.query.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
            self.count += 1


async def measure_postgresql(name: str) -> dict[str, float]:
    """Return the figures of a case, each for one spend."""
    callers, wallets, calls = CASES[name]
    folder = Folder()
    server = folder.postgres()
    store = await open_store(server.database("ours"), folder, WALLETS)
    try:
        await server.analyze("ours")
        engine: AsyncEngine = store.uow._writer
        await _spends(store, callers, wallets, 10)
        rounds = []
        for _ in range(ROUNDS):
            ours, theirs = process_time(), _cpu_s(server)
            done = await _spends(store, callers, wallets, calls)
            rounds.append(((process_time() - ours) / done, (_cpu_s(server) - theirs) / done))
        figures = {
            "python us": min(o for o, _ in rounds) * 1e6,
            "postgresql us": min(t for _, t in rounds) * 1e6,
        }
        statements = _Statements()
        statements.watch(engine)
        # A session reports what it did when it ends; one that is open may keep it to itself for a while.
        await engine.dispose()
        before = await _counters(engine)
        statements.count = 0
        done = await _spends(store, callers, wallets, 10)
        figures["statements"] = statements.count / done
        await engine.dispose()
        after = await _counters(engine)
        return figures | {key: (after[key] - before[key]) / done for key in after}
    finally:
        await store.close()


async def measure_sqlite(name: str) -> dict[str, float]:
    """Return the CPU time of a spend on a SQLite file, all of it in our own process."""
    callers, wallets, calls = SQLITE[name]
    folder = Folder()
    store = await open_store(folder.sqlite("ours.db"), folder, WALLETS)
    try:
        await _spends(store, callers, wallets, 10)
        rounds = []
        for _ in range(ROUNDS):
            start = process_time()
            done = await _spends(store, callers, wallets, calls)
            rounds.append((process_time() - start) / done)
        return {"python us": min(rounds) * 1e6}
    finally:
        await store.close()


async def _spends(store: Store, callers: int, wallets: int, calls: int) -> float:
    done = crowd(store.spend, callers, wallets, calls)()
    return done if isinstance(done, float | int) else await done


async def _counters(engine: AsyncEngine) -> dict[str, float]:
    query = (
        "SELECT xact_commit AS commits, tup_inserted AS inserted, tup_updated AS updated, "
        "pg_current_wal_insert_lsn() - '0/0' AS wal_bytes FROM pg_stat_database WHERE datname = 'ours'"
    )
    async with engine.connect() as connection:
        [row] = (await connection.execute(text(query))).mappings()
        return {key: float(value) for key, value in row.items()}


def _cpu_s(server: Postgres) -> float:
    """Return the CPU time so far of the server's processes, those that have not ended."""
    postmaster = server.server.get_postmaster_info().pid
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in children) / 1e9


def main(names: Sequence[str]) -> None:
    """Print the figures of the cases named, or of all."""
    for name in names or [*CASES, *SQLITE]:
        figures = asyncio.run((measure_sqlite if name in SQLITE else measure_postgresql)(name))
        print(f"{name:>10}", *(f"{key} {value:,.2f}" for key, value in figures.items()), sep="  ", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
