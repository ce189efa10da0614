"""One process that shows and plays: `python -m tests.flows.display_caller URL`.

Each line on standard input is a pickled question in hexadecimal digits, what to do and when; the answer
goes back as a line. What it keeps for display stays between the questions, as in a server.
"""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO, Any

from attrs import define

from buddy_adapters.memory.cache import MemoryCache
from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_adapters.system import SettableClock, SystemIds
from buddy_adapters.told import OutboxFeed
from buddy_core import flows
from buddy_core.access import BUILT_IN
from buddy_core.catalog import Title
from buddy_core.entitlements import Allowed, Context
from buddy_core.kernel import AccountId
from buddy_core.kernel.ids import DeviceId
from buddy_core.playback import PlaybackDenied

HERE = Context("IN")


async def answer_all(url: str) -> None:
    """Answer the questions on standard input until it ends."""
    engine = make_engine(url)
    uow, cache, ids = SqlUnitOfWork(engine), MemoryCache(), SystemIds()
    feed = OutboxFeed(uow, lambda envelopes: cache.drop(flows.stale_keys(envelopes)))

    async def answer(what: str, who: AccountId, title: Title, at: datetime) -> str:
        clock = SettableClock(at)
        asked = flows.ForDisplay(who, ((title.type.value, title.short_id),), HERE)
        if what == "play":
            actor, device = BUILT_IN.actor(who), DeviceId("device-2")
            try:
                await flows.start_playback(actor, device, title.id, HERE, uow=uow, clock=clock, ids=ids)
            except PlaybackDenied as refused:
                return refused.reason
            return "plays"
        if what == "is kept":
            return str(flows.show_kept(asked, clock=clock, cache=cache, is_due=lambda _: False) is not None)
        [shown] = await flows.show_answers(asked, uow=uow, clock=clock, cache=cache, catch_up=feed.catch_up)
        assert shown is not None
        return "plays" if isinstance(shown.decision, Allowed) else str(shown.decision.reason)

    try:
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(await answer(*pickle.loads(bytes.fromhex(line))), flush=True)
    finally:
        await engine.dispose()


@define
class Elsewhere:
    """Another process over the same database."""

    questions: IO[str]
    answers: IO[str]

    def ask(self, what: str, who: AccountId, title: Title, at: datetime) -> str:
        """Return what that process answers: `show`, `play`, or `is kept`."""
        self.questions.write(pickle.dumps((what, who, title, at)).hex() + "\n")
        self.questions.flush()
        return self.answers.readline().strip()


@contextmanager
def elsewhere(url: str) -> Iterator[Elsewhere]:
    """Have another process for a while."""
    command = [sys.executable, "-m", "tests.flows.display_caller", url]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Elsewhere(process.stdin, process.stdout)
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(answer_all(sys.argv[1]))
