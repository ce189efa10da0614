"""The process that is killed: `python -m tests.crash.worker unlock|merge|close|stories URL SEED [UNTIL]`.

It sends requests on several lanes at once. Standard output is the client's log:
`start KEY` before each request and, after its answer, `done KEY ...` or `refused
KEY ...`. A line is one write to a pipe, so that it is read whole or not at all.

`outlast` tells the stories to a database that is killed: where the connection breaks
it writes `unknown KEY SENT_NS`, and `parked` once all lanes stand still; after a line
on standard input each lane asks again with the same key.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from functools import partial

from attrs import Factory, define

from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_web.reference import SELLER_ROUTES
from tests.crash.stories import Ask, Road, by_handler, by_queue, send, stories
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


@define
class Barrier:
    """Where lanes wait once the database is gone, until all of them do and a line comes."""

    lanes: int
    waiting: int = 0
    opened: asyncio.Event = Factory(asyncio.Event)

    async def wait(self) -> None:
        """Wait for the others and then for the line."""
        self.waiting += 1
        mine = self.opened
        if self.waiting == self.lanes:
            _log("parked")
            await asyncio.to_thread(sys.stdin.readline)
            self.waiting, self.opened = 0, asyncio.Event()
            mine.set()
        await mine.wait()


async def tell(url: str, seed: int, until: datetime, outlasts: bool) -> None:
    """Tell the seed's stories, each lane the next one when it is free; half of the lanes share a queue."""
    told = iter(stories(seed, until))
    barrier = Barrier(LANES) if outlasts else None
    async with opened(url) as uow:
        roads = [by_handler(uow), by_queue(uow)]
        lanes = (_tell(told, _sender(uow, roads[number % 2]), barrier) for number in range(LANES))
        await asyncio.gather(*lanes)


Sender = Callable[[Ask, dict[str, str]], Awaitable[str]]
"""Sends a request and returns the line of its answer."""


def _sender(uow: SqlUnitOfWork, road: Road) -> Sender:
    return lambda ask, made: send(ask, made, uow, road)


async def _tell(told: Iterator[list[Ask]], sender: Sender, barrier: Barrier | None) -> None:
    """Tell one story after the other; each goes on while its requests are done."""
    for story in told:
        made: dict[str, str] = {}
        for ask in story:
            line = await _asked(ask, made, sender, barrier)
            if not line.startswith("done"):
                break


async def _asked(ask: Ask, made: dict[str, str], sender: Sender, barrier: Barrier | None) -> str:
    """Return the line of the answer, however often it takes to ask for it."""
    for tries in itertools.count(1):
        _log(f"start {ask.key}")
        sent = time.monotonic_ns()
        line = await sender(ask, made)
        if barrier is None or not line.startswith("unknown"):
            _log(line)
            return line
        _log(f"{line} {sent}")
        if tries % 3:
            # Perhaps only a connection of before; the database itself may be there again.
            await asyncio.sleep(0.01)
        else:
            await barrier.wait()
    raise AssertionError("it asks for ever")


def _log(line: str) -> None:
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


if __name__ == "__main__":
    kind, url, seed, *more = sys.argv[1:]
    if more:
        asyncio.run(tell(url, int(seed), datetime.fromisoformat(more[0]), kind == "outlast"))
    else:
        asyncio.run(work(kind, url, int(seed)))
