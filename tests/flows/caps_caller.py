"""One process that settles callbacks: `python -m tests.flows.caps_caller URL`.

The callbacks and the time come pickled on standard input; `ready` is printed when a
connection is open, a line on standard input begins the race, and what became of each
reward goes back pickled.
"""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
from datetime import datetime

from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_adapters.system import SettableClock, SystemIds
from buddy_core.ads import AdCallback, Reward
from buddy_core.flows import settle_reward

CONNECTIONS = 16


async def settle_all(url: str, callbacks: list[AdCallback], at: datetime) -> list[Reward]:
    """Settle all at once, as of `at`."""
    engine = make_engine(url, pool_size=CONNECTIONS, max_overflow=0)
    try:
        uow, clock, ids = SqlUnitOfWork(engine), SettableClock(at), SystemIds()
        async with uow.read() as tx:
            await tx.reward_rules.in_force(at)
        print("ready", file=sys.stderr, flush=True)
        sys.stdin.buffer.readline()
        return await asyncio.gather(
            *(settle_reward(callback, uow=uow, clock=clock, ids=ids) for callback in callbacks)
        )
    finally:
        await engine.dispose()


def from_processes(url: str, count: int, callbacks: list[AdCallback], at: datetime) -> list[list[Reward]]:
    """Have each of so many processes settle every callback, all at the same time; return their answers."""
    command = [sys.executable, "-m", "tests.flows.caps_caller", url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    running = [subprocess.Popen(command, **pipes) for _ in range(count)]  # type: ignore[call-overload]
    try:
        for process in running:
            process.stdin.write(pickle.dumps((callbacks, at)))
            process.stdin.flush()
        for process in running:
            assert process.stderr.readline() == b"ready\n", process.stderr.read().decode()
        for process in running:
            process.stdin.write(b"go\n")
            process.stdin.flush()
        answers = []
        for process in running:
            out, errors = process.communicate(timeout=120)
            assert process.returncode == 0, errors.decode()
            answers.append(pickle.loads(out))
        return answers
    finally:
        for process in running:
            process.kill()
            process.wait()


if __name__ == "__main__":
    asked, when = pickle.load(sys.stdin.buffer)
    pickle.dump(asyncio.run(settle_all(sys.argv[1], asked, when)), sys.stdout.buffer)
