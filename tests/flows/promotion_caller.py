"""One process that claims: `python -m tests.flows.promotion_caller URL`, as `caps_caller` settles."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
from datetime import datetime

from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_adapters.system import SettableClock, SystemIds
from buddy_core.access import BUILT_IN
from buddy_core.flows import claim_promotion
from buddy_core.kernel import BuddyError
from buddy_core.promotions import ClaimPromotion

CONNECTIONS = 16


async def claim_all(url: str, commands: list[ClaimPromotion], at: datetime) -> list[str]:
    """Claim all at once, as of `at`; answer each with its entry, or the code of its refusal."""
    engine = make_engine(url, pool_size=CONNECTIONS, max_overflow=0)
    uow, clock, ids = SqlUnitOfWork(engine), SettableClock(at), SystemIds()

    async def one(command: ClaimPromotion) -> str:
        try:
            claimed = await claim_promotion(
                BUILT_IN.actor(command.account_id), command, uow=uow, clock=clock, ids=ids
            )
        except BuddyError as error:
            return error.code
        return str(claimed.entry_id)

    try:
        async with uow.read() as tx:
            await tx.reward_rules.in_force(at)
        print("ready", file=sys.stderr, flush=True)
        sys.stdin.buffer.readline()
        return await asyncio.gather(*map(one, commands))
    finally:
        await engine.dispose()


def started(url: str, commands: list[ClaimPromotion], at: datetime) -> subprocess.Popen[bytes]:
    """Start a process that is about to claim: it begins with a line on its standard input."""
    command = [sys.executable, "-m", "tests.flows.promotion_caller", url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process: subprocess.Popen[bytes] = subprocess.Popen(command, **pipes)  # type: ignore[call-overload]
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.write(pickle.dumps((commands, at)))
    process.stdin.flush()
    assert process.stderr.readline() == b"ready\n", process.stderr.read().decode()
    return process


def from_processes(url: str, count: int, commands: list[ClaimPromotion], at: datetime) -> list[list[str]]:
    """Have each of so many processes claim everything, all at the same time; return their answers."""
    running = [started(url, commands, at) for _ in range(count)]
    try:
        for process in running:
            assert process.stdin is not None
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
    pickle.dump(asyncio.run(claim_all(sys.argv[1], asked, when)), sys.stdout.buffer)
