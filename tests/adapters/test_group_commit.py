"""Group commit: one transaction for calls that come at once, and for each caller its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar

import attrs
import pytest

from buddy_adapters.group_commit import LANES, MOST_IN_BATCH, MOST_WAITING, GroupCommit, Overloaded
from buddy_adapters.sql.engine import group_commit_on, make_engine
from buddy_core.kernel.errors import Contention, Rejected, Unavailable
from buddy_core.kernel.outcomes import Done, Outcome, Refused

T = TypeVar("T")
WORD: ContextVar[str] = ContextVar("word", default="")
SOON_S = 5.0
"""No test waits so long; one that would hang fails by then."""


@attrs.define
class Unwanted(Rejected):
    """The number was not wanted."""

    code = "test.unwanted"

    number: int


class Broken(Exception):
    """A mistake in a handler, or a store's that nobody has named."""


class Handler:
    """Doubles numbers and remembers the batches; what it is told not to want it refuses alone.

    While its gate is shut a batch waits at it; `steps` is how often it gives way before that.
    """

    def __init__(
        self, *, unwanted: Sequence[int] = (), poisonous: Sequence[int] = (), steps: int = 0
    ) -> None:
        self.batches: list[list[int]] = []
        self.most_at_once = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._unwanted, self._poisonous, self._steps = unwanted, poisonous, steps
        self._at_once = 0

    async def __call__(self, numbers: Sequence[int]) -> list[Outcome[int]]:
        self.batches.append(list(numbers))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            for _ in range(self._steps):
                await asyncio.sleep(0)
            await self.gate.wait()
            return self.answered(numbers)
        finally:
            self._at_once -= 1

    def answered(self, numbers: Sequence[int]) -> list[Outcome[int]]:
        """Return the answers, or break as a whole where one number is poison."""
        if any(number in self._poisonous for number in numbers):
            raise Broken
        return [
            Refused(Unwanted(number)) if number in self._unwanted else Done(2 * number) for number in numbers
        ]


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run to the end, or fail where it would hang."""

    async def in_time() -> T:
        async with asyncio.timeout(SOON_S):
            return await work()

    return asyncio.run(in_time())


async def ask(queue: GroupCommit[int, int], *numbers: int) -> list[Any]:
    """Call with each number at once; return answers and errors in order."""
    return await asyncio.gather(*(queue(number) for number in numbers), return_exceptions=True)


async def settled() -> None:
    """Let everybody go on until only gates are waited for."""
    for _ in range(10):
        await asyncio.sleep(0)


# -- who goes with whom --------------------------------------------------------------------------------


def test_each_caller_gets_its_own_answer() -> None:
    """However calls are put into batches, each is answered for its own command, in the order of coming."""

    async def work() -> None:
        handler = Handler(steps=1)
        queue = GroupCommit(handler, lanes=2, most_in_batch=7)
        assert await ask(queue, *range(100)) == [2 * number for number in range(100)]
        assert [number for batch in handler.batches for number in batch] == list(range(100))

    run(work)


@pytest.mark.parametrize(
    ("calls", "sizes"),
    [(10, [10]), (32, [16, 16]), (40, [16, 16, 8]), (60, [20, 20, 20]), (99, [30, 30, 30, 9])],
)
def test_free_lanes_share_what_waits(calls: int, sizes: list[int]) -> None:
    """While one lane writes another decides: none takes more than its share, or a few."""

    async def work() -> None:
        handler = Handler(steps=1)
        queue = GroupCommit(handler, lanes=3, most_in_batch=30)
        assert await ask(queue, *range(calls)) == [2 * number for number in range(calls)]
        assert [len(batch) for batch in handler.batches] == sizes

    run(work)


def test_a_lone_call_goes_at_once_alone() -> None:
    """In a quiet moment nobody waits for company: the batch is of one and is under way in one step."""

    async def work() -> None:
        handler = Handler()
        queue = GroupCommit(handler)
        call = asyncio.create_task(queue(3))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert handler.batches == [[3]]
        assert await call == 6
        assert await queue(4) == 8
        assert handler.batches == [[3], [4]]

    run(work)


def test_those_who_come_while_a_batch_is_under_way_go_together() -> None:
    """One batch is being written; all who come meanwhile are the next one."""

    async def work() -> None:
        handler = Handler()
        queue = GroupCommit(handler, lanes=1)
        handler.gate.clear()
        first = asyncio.create_task(queue(0))
        await settled()
        rest = asyncio.create_task(ask(queue, *range(1, 20)))
        await settled()
        assert handler.batches == [[0]]
        handler.gate.set()
        assert await first == 0
        assert await rest == [2 * number for number in range(1, 20)]
        assert handler.batches == [[0], list(range(1, 20))]

    run(work)


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_no_more_lanes_and_no_larger_batches_than_may_be(lanes: int) -> None:
    """Under a crowd all lanes are busy and never one more, and no batch exceeds its size."""

    async def work() -> None:
        handler = Handler(steps=3)
        queue = GroupCommit(handler, lanes=lanes, most_in_batch=8)
        await ask(queue, *range(200))
        assert handler.most_at_once == lanes
        assert max(map(len, handler.batches)) == 8
        assert len(handler.batches) == 200 // 8

    run(work)


def test_a_batch_that_stands_still_leaves_the_other_lanes_going() -> None:
    """One lane waits for the store; those who come later are served by another one."""

    async def work() -> None:
        handler = Handler()
        queue = GroupCommit(handler, lanes=2)
        handler.gate.clear()
        slow = asyncio.create_task(queue(1))
        await settled()
        handler.gate.set()
        handler.gate = asyncio.Event()
        handler.gate.set()
        assert await queue(2) == 4
        assert await slow == 2
        assert handler.batches == [[1], [2]]

    run(work)


# -- refusals and back-pressure ------------------------------------------------------------------------


def test_a_refused_command_refuses_for_its_caller_alone() -> None:
    """Whoever asked for what is not wanted gets that very error; the others of the batch their answers."""

    async def work() -> None:
        handler = Handler(unwanted=[2, 4])
        queue = GroupCommit(handler, lanes=1)
        answers = await ask(queue, *range(6))
        assert handler.batches == [list(range(6))]
        assert [answers[place] for place in (0, 1, 3, 5)] == [0, 2, 6, 10]
        assert [(type(answers[place]), answers[place].number) for place in (2, 4)] == [
            (Unwanted, 2),
            (Unwanted, 4),
        ]

    run(work)


def test_what_is_too_much_is_not_taken_in() -> None:
    """When as many wait as may, one more is refused at once, and its command is never handed on."""

    async def work() -> None:
        handler = Handler()
        queue = GroupCommit(handler, lanes=1, most_in_batch=2, most_waiting=3)
        handler.gate.clear()
        first = asyncio.create_task(queue(0))
        await settled()
        waiting = asyncio.create_task(ask(queue, 1, 2, 3))
        await settled()
        with pytest.raises(Overloaded) as refused:
            await queue(99)
        assert isinstance(refused.value, Unavailable)
        assert (refused.value.code, refused.value.facts()) == ("group_commit.overloaded", {"waiting": 3})
        assert "try again soon, with the same key" in str(refused.value)
        assert handler.batches == [[0]]
        handler.gate.set()
        assert [await first, *await waiting] == [0, 2, 4, 6]
        assert handler.batches == [[0], [1, 2], [3]]
        assert await queue(99) == 198

    run(work)


@pytest.mark.parametrize(
    ("lanes", "most_in_batch", "most_waiting"), [(1, 1, 1), (1, 3, 10), (2, 4, 33), (3, 5, 5), (3, 8, 200)]
)
def test_nobody_waits_longer_than_is_promised(lanes: int, most_in_batch: int, most_waiting: int) -> None:
    """With every lane busy and as many waiting as may, the last is answered within `longest_wait`.

    The clock is the number of rounds that all lanes have done; the fullest queue takes every one of them.
    """

    async def work() -> None:
        rounds, answered = 0, [0]
        turn = asyncio.Condition()

        async def slow(numbers: Sequence[int]) -> list[Outcome[int]]:
            """Take exactly one round."""
            async with turn:
                began = rounds
                await turn.wait_for(lambda: rounds > began)
            return [Done(number) for number in numbers]

        queue = GroupCommit(slow, lanes=lanes, most_in_batch=most_in_batch, most_waiting=most_waiting)

        async def timed(number: int) -> None:
            came = rounds
            await queue(number)
            answered.append(rounds - came)

        callers = []
        for number in range(lanes):
            callers.append(asyncio.create_task(timed(number)))
            await settled()
        callers += [asyncio.create_task(timed(number)) for number in range(most_waiting)]
        await settled()
        with pytest.raises(Overloaded):
            await queue(-1)
        while not all(caller.done() for caller in callers):
            async with turn:
                rounds += 1
                turn.notify_all()
            await settled()
        assert max(answered) == queue.longest_wait(1)
        assert queue.longest_wait(0.25) == queue.longest_wait(1) / 4

    run(work)


# -- callers who go away -------------------------------------------------------------------------------


def test_who_goes_away_before_the_batch_is_not_served() -> None:
    """A caller that is cancelled while it waits has nothing done for it, and takes no place in a batch."""

    async def work() -> None:
        handler = Handler()
        queue = GroupCommit(handler, lanes=1, most_in_batch=2)
        handler.gate.clear()
        first = asyncio.create_task(queue(0))
        await settled()
        calls = [asyncio.create_task(queue(number)) for number in (1, 2, 3, 4)]
        await settled()
        for call in calls[:2]:
            call.cancel()
        await settled()
        handler.gate.set()
        assert await asyncio.gather(first, *calls[2:]) == [0, 6, 8]
        assert handler.batches == [[0], [3, 4]]
        assert all(call.cancelled() for call in calls[:2])

    run(work)


def test_when_all_who_wait_go_away_the_queue_goes_on() -> None:
    """Nobody is left to serve, so nothing is handed on; the next caller is served as ever."""

    async def work() -> None:
        handler = Handler()
        queue = GroupCommit(handler, lanes=1)
        calls = [asyncio.create_task(queue(number)) for number in range(5)]
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await settled()
        assert handler.batches == []
        assert await queue(7) == 14

    run(work)


def test_who_goes_away_later_takes_nothing_from_the_others() -> None:
    """A caller that is cancelled while its batch is under way has it done; the others get their answers."""

    async def work() -> None:
        handler = Handler(unwanted=[3])
        queue = GroupCommit(handler, lanes=1)
        handler.gate.clear()
        calls = [asyncio.create_task(queue(number)) for number in (1, 2, 3)]
        await settled()
        calls[0].cancel()
        await settled()
        handler.gate.set()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(answers[0], asyncio.CancelledError)
        assert (answers[1], type(answers[2])) == (4, Unwanted)
        assert handler.batches == [[1, 2, 3]]
        assert await queue(5) == 10

    run(work)


# -- a handler that fails ------------------------------------------------------------------------------


def test_a_store_that_is_gone_is_told_to_all() -> None:
    """The batch is not tried again: everybody in it learns the same, and the next is begun as ever."""
    error = Unavailable()
    batches: list[list[int]] = []

    async def failing(numbers: Sequence[int]) -> list[Outcome[int]]:
        batches.append(list(numbers))
        if 0 in numbers:
            raise error
        return [Done(number) for number in numbers]

    async def work() -> None:
        queue = GroupCommit(failing, lanes=1, most_in_batch=3)
        assert await ask(queue, 0, 1, 2, 3) == [error, error, error, 3]
        assert batches == [[0, 1, 2], [3]]

    run(work)


def test_one_that_clashes_for_ever_fails_alone() -> None:
    """A lost race may be one command's alone: each is tried for itself, and only that one is told."""

    async def clashing(numbers: Sequence[int]) -> list[Outcome[int]]:
        if 0 in numbers:
            raise Contention("wallet")
        return [Done(number) for number in numbers]

    async def work() -> None:
        queue = GroupCommit(clashing, lanes=1, most_in_batch=3)
        lost, *others = await ask(queue, 0, 1, 2)
        assert isinstance(lost, Contention)
        assert others == [1, 2]

    run(work)


def test_only_the_one_at_fault_fails() -> None:
    """Where a handler breaks as a whole, each command is tried alone, and one error is left."""

    async def work() -> None:
        handler = Handler(poisonous=[2], unwanted=[3])
        queue = GroupCommit(handler, lanes=1)
        answers = await ask(queue, *range(5))
        assert handler.batches == [[0, 1, 2, 3, 4], [0], [1], [2], [3], [4]]
        assert [answers[place] for place in (0, 1, 4)] == [0, 2, 8]
        assert [type(answers[place]) for place in (2, 3)] == [Broken, Unwanted]
        assert await ask(queue, 5) == [10]

    run(work)


def test_a_lone_command_that_breaks_is_not_tried_again() -> None:
    """It was alone already: its caller gets the error, and the queue serves the next."""

    async def work() -> None:
        handler = Handler(poisonous=[2])
        queue = GroupCommit(handler)
        with pytest.raises(Broken):
            await queue(2)
        assert handler.batches == [[2]]
        assert await queue(3) == 6

    run(work)


@pytest.mark.parametrize("excess", [-1, 1])
def test_answers_that_are_too_few_or_too_many_are_an_error_for_all(excess: int) -> None:
    """A handler that does not answer each command once is wrong: nobody waits, or gets another's answer."""

    async def wrong(numbers: Sequence[int]) -> Sequence[Outcome[int]]:
        return [*(Done(number) for number in numbers), Done(0)][: len(numbers) + excess]

    async def work() -> None:
        queue = GroupCommit(wrong, lanes=1)
        for numbers in ((1, 2, 3), (4,)):
            assert [type(answer) for answer in await ask(queue, *numbers)] == [ValueError] * len(numbers)

    run(work)


def test_a_handler_that_is_cancelled_leaves_nobody_waiting() -> None:
    """A batch whose work is cancelled cancels its callers; those who wait behind it are served."""

    async def work() -> None:
        gone = asyncio.get_running_loop().create_future()

        async def broken_off(numbers: Sequence[int]) -> list[Outcome[int]]:
            if 0 in numbers:
                await gone
            return [Done(number) for number in numbers]

        queue = GroupCommit(broken_off, lanes=1, most_in_batch=1)
        calls = [asyncio.create_task(queue(number)) for number in (0, 1)]
        await settled()
        gone.cancel()
        await settled()
        assert calls[0].cancelled()
        assert calls[1].done()
        assert calls[1].result() == 1

    run(work)


# -- nobody is forgotten -------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [0, 1])
@pytest.mark.parametrize("lanes", [1, 3])
def test_thousands_in_waves_are_all_answered(lanes: int, steps: int) -> None:
    """Calls that come just as a lane ends are not forgotten, also where the handler answers at once."""

    async def work() -> None:
        handler = Handler(steps=steps)
        queue = GroupCommit(handler, lanes=lanes, most_in_batch=16)

        async def caller(number: int) -> list[int]:
            found = []
            for wave in range(10):
                # Each comes back at another moment of the lanes.
                for _ in range((number * 7 + wave) % 5):
                    await asyncio.sleep(0)
                found.append(await queue(10 * number + wave))
            return found

        answers = await asyncio.gather(*(caller(number) for number in range(500)))
        assert [item for found in answers for item in found] == [2 * number for number in range(5_000)]
        served = sorted(number for batch in handler.batches for number in batch)
        assert served == list(range(5_000))
        assert handler.most_at_once <= lanes

    run(work)


def test_the_callers_context_stays_its_own() -> None:
    """A lane serves many: it sees the context variables of none, and callers keep theirs."""
    seen: list[str] = []

    async def looking(numbers: Sequence[int]) -> list[Outcome[int]]:
        seen.append(WORD.get())
        await asyncio.sleep(0)
        return [Done(number) for number in numbers]

    async def work() -> None:
        queue = GroupCommit(looking, lanes=1, most_in_batch=2)

        async def caller(number: int) -> str:
            WORD.set(f"word {number}")
            await queue(number)
            return WORD.get()

        words = await asyncio.gather(*(caller(number) for number in range(6)))
        assert words == [f"word {number}" for number in range(6)]
        assert seen == [""] * 3

    run(work)


def test_the_queue_suits_the_database() -> None:
    """PostgreSQL gets three lanes, SQLite with its one writer a single one and larger batches."""
    made = {
        "postgresql+asyncpg://nobody@/none": (3, 64),
        "sqlite+aiosqlite://": (1, 256),
    }

    async def work() -> None:
        for url, (lanes, most_in_batch) in made.items():
            engine = make_engine(url)
            for limits, largest in (({}, most_in_batch), ({"most_in_batch": 5}, 5)):
                handler = Handler(steps=2)
                queue: GroupCommit[int, int] = group_commit_on(engine, handler, **limits)
                await ask(queue, *range(1_000))
                assert (handler.most_at_once, max(map(len, handler.batches))) == (lanes, largest)
                own = GroupCommit(handler, lanes=lanes, most_in_batch=largest)
                assert queue.longest_wait(1) == own.longest_wait(1)
            await engine.dispose()

    run(work)
    assert (LANES, MOST_IN_BATCH, MOST_WAITING) == (3, 64, 4096)
