"""The process that is killed: `python -m tests.crash.worker unlock|merge|close URL SEED`.

It sends requests on several lanes at once. Standard output is the client's log:
`start KEY` before each request and, after its answer, `done KEY ...` or `refused
KEY ...`. A line is one write to a pipe, so that it is read whole or not at all.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_web.reference import SELLER_ROUTES
from tests.crash.world import LANES, MONTH_NAMES, VIEWERS, Request, close, merge, opened, requests, unlock

Call = tuple[str, Callable[[], Awaitable[str]]]
"""The key of a request, and how to send it."""


def unlocks(uow: SqlUnitOfWork, seed: int) -> list[Iterator[Call]]:
    """All requests of the seed, on lanes that take the next one as they get free."""
    return [_unlock_calls(uow, requests(seed))] * LANES


def merges(uow: SqlUnitOfWork, seed: int) -> list[Iterator[Call]]:
    """On some lanes guests merge into members, several into one; on the others they unlock meanwhile."""
    order = random.Random(seed).sample(range(VIEWERS), VIEWERS)
    merging: Iterator[Call] = iter([(f"merge-{number}", partial(merge, number, uow)) for number in order])
    return [merging] * 4 + [_unlock_calls(uow, requests(seed))] * 4


def closes(uow: SqlUnitOfWork, seed: int) -> list[Iterator[Call]]:
    """One lane an entity closes its months in order, and closes each again; others unlock meanwhile."""
    lanes: list[Iterator[Call]] = [_unlock_calls(uow, requests(seed))] * 2
    for entity in SELLER_ROUTES.entities:
        lanes.append(
            iter(
                [
                    (f"close-{entity.id}-{name}", partial(close, entity, name, uow))
                    for month in MONTH_NAMES
                    for name in (month, month)
                ]
            )
        )
    return lanes


def _unlock_calls(uow: SqlUnitOfWork, wanted: list[Request]) -> Iterator[Call]:
    return iter([(request.key, partial(unlock, request, uow)) for request in wanted])


WORK = {"unlock": unlocks, "merge": merges, "close": closes}


async def work(kind: str, url: str, seed: int) -> None:
    """Send everything, a request after the other on each lane."""
    async with opened(url) as uow:
        await asyncio.gather(*(_lane(calls) for calls in WORK[kind](uow, seed)))


async def _lane(calls: Iterator[Call]) -> None:
    for key, call in calls:
        _log(f"start {key}")
        _log(await call())


def _log(line: str) -> None:
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], sys.argv[2], int(sys.argv[3])))
