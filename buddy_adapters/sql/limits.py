"""Rate limits in SQL: a row a count, with the admitted instants packed into it."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, LargeBinary, Table, Text, delete, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from buddy_adapters.sql.dialect import driver_errors, insert_ignoring, is_postgresql, locked, update_rows
from buddy_adapters.sql.engine import reader, writer
from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.types import Instant
from buddy_core.kernel import Contention, InvalidValue
from buddy_core.limits import (
    Hit,
    Let,
    RateLimits,
    Stopped,
    Verdict,
    admit_all,
    in_order,
    instant,
    micros,
    needed_until,
)

TRIES = 10
SWEPT_AT_ONCE = 1_000
"""Rows that a sweep removes in one transaction: few enough that no writer waits long behind it."""

_STAMP_BYTES = 8

limits_table = Table(
    "rate_limits",
    metadata,
    Column("key", Text, primary_key=True),
    # Whole microseconds since 1970, eight bytes each, the oldest first.
    Column("stamps", LargeBinary, nullable=False),
    # Without an index: it would be written at every request to serve a sweep now and then.
    Column("needed_until", Instant, nullable=False),
    CheckConstraint("length(stamps) / 8 * 8 = length(stamps)", name="stamps"),
)


class SqlRateLimits:
    """Counts that all processes on one database share.

    A request that is refused takes no lock and writes nothing: only those that are
    admitted write, each in a transaction of its own that touches its own rows of this
    one table. SQLite has one writer at a time for all tables; where that is felt, give
    an engine on a file of its own, or `line`, in which the other writers of the process
    stand too.
    """

    def __init__(self, engine: AsyncEngine, line: asyncio.Lock | None = None) -> None:
        self._reader = reader(engine)
        self._writer = writer(engine)
        self._line = line or (asyncio.Lock() if engine.dialect.name == "sqlite" else None)

    async def take(self, hits: Sequence[Hit], at: datetime) -> Verdict:
        wanted, now = in_order(hits), micros(at)
        if not wanted:
            return Let()
        for _ in range(TRIES - 1):
            try:
                return await self._take(wanted, now)
            except Contention:
                continue
        return await self._take(wanted, now)

    async def sweep(self, at: datetime) -> int:
        quiet = select(limits_table.c.key).where(limits_table.c.needed_until <= instant(micros(at)))
        # Rows that a request is adding to are not quiet: they are passed over, not waited for.
        some = quiet.order_by(limits_table.c.key).limit(SWEPT_AT_ONCE).with_for_update(skip_locked=True)
        removed = 0
        while True:
            with driver_errors():
                async with self._line or nullcontext(), self._writer.begin() as connection:
                    found = await connection.execute(
                        delete(limits_table).where(limits_table.c.key.in_(some.scalar_subquery()))
                    )
            removed += found.rowcount
            if found.rowcount < SWEPT_AT_ONCE:
                return removed

    async def _take(self, hits: Sequence[Hit], now: int) -> Verdict:
        with driver_errors():
            async with self._reader.connect() as connection:
                seen = await _stored(connection, hits, keep=False)
            verdict, _ = admit_all(seen, hits, now)
            if isinstance(verdict, Stopped):
                return verdict
            async with self._line or nullcontext(), self._writer.connect() as connection:
                verdict = await _take_in(connection, hits, now, new=[h for h in hits if h.key not in seen])
                if isinstance(verdict, Let):
                    await connection.commit()
                return verdict


async def _take_in(connection: AsyncConnection, hits: Sequence[Hit], now: int, new: Sequence[Hit]) -> Verdict:
    """Look again with the rows locked, and write; every caller makes and locks rows in the keys' order."""
    if is_postgresql(connection):
        # A power cut may cost the counts of its last moments; no request waits for the disk.
        await connection.execute(text("SET LOCAL synchronous_commit TO off"))
    rows = [{"key": hit.key, "stamps": b"", "needed_until": instant(now)} for hit in new]
    await insert_ignoring(connection, limits_table, rows, ["key"])
    found = await _stored(connection, hits, keep=True)
    if len(found) < len(hits):
        # Swept between the two looks.
        raise Contention("rate limits")
    verdict, taken = admit_all(found, hits, now)
    changed = [limit_to_row(hit, taken[hit.key]) for hit in hits if hit.key in taken]
    if await update_rows(connection, limits_table, changed, ["key"], ["stamps", "needed_until"]) < len(
        changed
    ):
        raise Contention("rate limits")
    return verdict


async def _stored(
    connection: AsyncConnection, hits: Sequence[Hit], *, keep: bool
) -> dict[str, tuple[int, ...]]:
    """Return the instants by key; with `keep` nobody else changes them until the transaction ends."""
    query = select(limits_table.c.key, limits_table.c.stamps)
    query = query.where(limits_table.c.key.in_([hit.key for hit in hits])).order_by(limits_table.c.key)
    rows = await connection.execute(locked(connection, query) if keep else query)
    return {row["key"]: stamps_from_row(row) for row in rows.mappings()}


def limit_to_row(hit: Hit, stamps: Sequence[int]) -> dict[str, Any]:
    """Return the row of a count."""
    return {
        "key": hit.key,
        "stamps": struct.pack(f">{len(stamps)}q", *stamps),
        "needed_until": instant(needed_until(hit, stamps)),
    }


def stamps_from_row(row: Mapping[Any, Any]) -> tuple[int, ...]:
    """Return the instants of a row.

    Raises:
        InvalidValue: the row was altered: it holds no whole instants.
    """
    packed = row["stamps"]
    if len(packed) % _STAMP_BYTES:
        raise InvalidValue("stamps", f"{len(packed)} bytes are no whole instants")
    return struct.unpack(f">{len(packed) // _STAMP_BYTES}q", packed)


_conforms: type[RateLimits] = SqlRateLimits
