"""One process of callers: `python -m tests.concurrency.caller handlers|queue URL`.

What each caller asks comes pickled on standard input; `ready` is printed when all
connections are open, a line on standard input begins the race, and the answers go
back pickled.
"""

from __future__ import annotations

import asyncio
import pickle
import sys
from typing import Any

from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_adapters.system import SystemClock, SystemIds
from tests.concurrency.calls import ROADS, Answer, Call, Road, ask

CONNECTIONS = 16


async def race(road: str, url: str, callers: list[list[Call]]) -> list[Answer]:
    """Let all callers ask at once, each one thing after the other."""
    engine = make_engine(url, pool_size=CONNECTIONS, max_overflow=0)
    try:
        uow = SqlUnitOfWork(engine)
        async with uow.read() as tx:
            await tx.token_values.in_force(SystemClock().now())
        print("ready", file=sys.stderr, flush=True)
        sys.stdin.buffer.readline()
        who: dict[str, Any] = {"uow": uow, "clock": SystemClock(), "ids": SystemIds()}
        return await everybody(callers, ROADS[road](who))
    finally:
        await engine.dispose()


async def everybody(callers: list[list[Call]], road: Road) -> list[Answer]:
    """Return the answers of all callers, who ask at the same time."""

    async def one(calls: list[Call]) -> list[Answer]:
        return [await ask(call, road) for call in calls]

    answers = await asyncio.gather(*(one(calls) for calls in callers))
    return [answer for of_one in answers for answer in of_one]


if __name__ == "__main__":
    asked: list[list[Call]] = pickle.load(sys.stdin.buffer)
    pickle.dump(asyncio.run(race(sys.argv[1], sys.argv[2], asked)), sys.stdout.buffer)
