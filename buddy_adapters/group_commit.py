"""Group commit: calls that come at once share a transaction, and each gets its own answer.

A commit costs the same for one command as for a hundred. The first call of a quiet moment
goes alone and at once; those that come while it is under way wait together and go next. So
nobody waits for a timer, and batches grow with the load by themselves.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Any, Generic, TypeVar

import attrs

from buddy_core.kernel.errors import Unavailable
from buddy_core.kernel.outcomes import Outcome, unwrap

C = TypeVar("C")
R = TypeVar("R")
Work = Callable[[Sequence[C]], Awaitable[Sequence[Outcome[R]]]]
"""Does a batch in one transaction and answers each command in order, as `move_tokens` does."""

LANES = 3
MOST_IN_BATCH = 64
SHARED_FROM = 16
"""Lanes that are free share what waits, as long as each gets so many."""
MOST_WAITING = 4096


@attrs.define
class Overloaded(Unavailable):
    """As many commands wait already as may; this one was not taken in."""

    code = "group_commit.overloaded"

    waiting: int

    def message(self) -> str:
        return f"{self.waiting} requests wait already. Nothing was done: try again soon, with the same key."


class GroupCommit(Generic[C, R]):
    """A queue before a batch handler; call it with one command.

    Up to `lanes` batches of at most `most_in_batch` are under way at once, so that one is
    decided while another is being written; lanes that are free share what waits. SQLite has
    one writer: give it one lane and larger batches. At most `most_waiting` commands wait; more
    are refused with `Overloaded`, before anything is done. So a command waits no longer than
    `longest_wait(batch_s)`.

    It belongs to the event loop that calls it first.
    """

    def __init__(
        self,
        work: Work[C, R],
        *,
        lanes: int = LANES,
        most_in_batch: int = MOST_IN_BATCH,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._work = work
        self._lanes = lanes
        self._most_in_batch = most_in_batch
        self._most_waiting = most_waiting
        self._waiting: deque[tuple[C, asyncio.Future[Outcome[R]]]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._under_way = 0

    async def __call__(self, command: C) -> R:
        """Do one command in the next batch and return its result.

        A caller who goes away before the batch begins is not served; one who goes away
        later has the command done, and finds the answer by asking again with its key.

        Raises:
            Overloaded: too many wait.
            BuddyError: whatever the batch handler answers for this command.
        """
        if len(self._waiting) >= self._most_waiting:
            raise Overloaded(len(self._waiting))
        loop = asyncio.get_running_loop()
        if self._waiting and self._waiting[0][1].get_loop() is not loop:
            raise RuntimeError("This queue serves another event loop; make one for each.")
        answer: asyncio.Future[Outcome[R]] = loop.create_future()
        self._waiting.append((command, answer))
        self._open_lane()
        return unwrap(await answer)

    def longest_wait(self, batch_s: float) -> float:
        """Return how many seconds a command waits at most when no batch takes longer than `batch_s`."""
        ahead = -(-self._most_waiting // self._most_in_batch)
        return (-(-ahead // self._lanes) + 1) * batch_s

    def _open_lane(self) -> None:
        if self._waiting and len(self._running) < self._lanes:
            # A lane serves many callers: it carries the context of none.
            lane = asyncio.get_running_loop().create_task(self._lane(), context=Context())
            self._running.add(lane)
            lane.add_done_callback(self._ended)

    def _ended(self, lane: asyncio.Task[None]) -> None:
        """Go on without a lane that was cancelled, before its first step even."""
        self._running.discard(lane)
        self._open_lane()

    async def _lane(self) -> None:
        me: Any = asyncio.current_task()
        try:
            while batch := self._taken():
                self._under_way += 1
                try:
                    await self._serve(batch)
                finally:
                    self._under_way -= 1
        finally:
            # At once, not by a callback of the task: a command that comes in between must start a lane.
            self._running.discard(me)

    def _taken(self) -> list[tuple[C, asyncio.Future[Outcome[R]]]]:
        batch: list[tuple[C, asyncio.Future[Outcome[R]]]] = []
        # Were one lane to take all, the store would rest while it decides, and it while the store writes.
        share = -(-len(self._waiting) // max(1, self._lanes - self._under_way))
        most = min(self._most_in_batch, max(share, SHARED_FROM))
        while self._waiting and len(batch) < most:
            command, answer = self._waiting.popleft()
            if not answer.done():
                batch.append((command, answer))
        return batch

    async def _serve(self, batch: Sequence[tuple[C, asyncio.Future[Outcome[R]]]]) -> None:
        try:
            outcomes = await self._work([command for command, _ in batch])
            answered = list(zip(batch, outcomes, strict=True))
        except asyncio.CancelledError:
            for _, answer in batch:
                answer.cancel()
            raise
        except Exception as error:
            await self._failed(batch, error)
            return
        for (_, answer), outcome in answered:
            if not answer.done():
                answer.set_result(outcome)

    async def _failed(self, batch: Sequence[tuple[C, asyncio.Future[Outcome[R]]]], error: Exception) -> None:
        """Let everybody know that the store is gone; for anything else find the one command at fault."""
        if len(batch) > 1 and not isinstance(error, Unavailable):
            for one in batch:
                await self._serve([one])
            return
        for _, answer in batch:
            if not answer.done():
                answer.set_exception(error)
