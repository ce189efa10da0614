"""`once_each`: many requests in one transaction, each done once, as if they had come one by one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_adapters.memory.unit_of_work import MemoryTx
from buddy_core.kernel import (
    BuddyError,
    Contention,
    Done,
    Envelope,
    EventId,
    IdempotencyMismatch,
    Outcome,
    Receipt,
    Refused,
    Rejected,
    RequestKey,
    request_key,
)
from buddy_core.kernel.idempotency import once_each

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@attrs.define
class TooMuch(Rejected):
    """The purse has less than that."""

    code = "test.too_much"

    left: int


@attrs.frozen
class Take:
    """Take an amount out of the purse; who asks twice with one key gets it once."""

    key: str
    amount: int
    scope: str = "ann"

    @property
    def request(self) -> RequestKey:
        """What makes it the same request: all but the amount names it, the amount is its body."""
        return request_key(self.scope, self.key, self.amount)


class Purse(MemoryUnitOfWork):
    """A store with a purse of `size`, a clock that ticks at each look, and a diary of what was called.

    The first `lost` transactions lose a race as they end.
    """

    def __init__(self, size: int = 100, lost: int = 0) -> None:
        super().__init__()
        self.size, self.lost = size, lost
        self.diary: list[Any] = []
        self._effects = 0

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MemoryTx]:
        """Open a transaction whose receipts note when they are looked up."""
        async with super().begin() as tx:
            self.diary.append("begin")
            find_all = tx.receipts.find_all

            async def noted(names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Receipt]:
                self.diary.append(("find", [key for _, key in names]))
                return await find_all(names)

            tx.receipts.find_all = noted  # type: ignore[method-assign]
            yield tx
            if self.lost:
                self.lost -= 1
                raise Contention("purse")

    def now(self) -> datetime:
        """Tell the time, a tick later each time."""
        self.diary.append("clock")
        return AT + TICK * self.diary.count("clock")

    async def _taken(self, tx: MemoryTx) -> int:
        return sum(int(item.body) for item in await tx.outbox_queue.unsent(10_000))

    async def taken(self) -> list[tuple[str, int]]:
        """Return what was taken, by which key, in order."""
        async with self.read() as tx:
            found = sorted(await tx.outbox_queue.unsent(10_000), key=lambda item: item.id)
        return [(item.subject, int(item.body)) for item in found]

    async def receipt(self, take: Take) -> Receipt | None:
        """Return the receipt of a request."""
        async with self.read() as tx:
            return await tx.receipts.find(take.scope, take.key)

    async def do(self, takes: Sequence[Take]) -> list[Any]:
        """Do requests as one batch; each is answered with what is left in the purse, or why not."""

        async def work(tx: MemoryTx, places: Sequence[int], at: datetime) -> list[Outcome[int]]:
            self.diary.append(("work", [takes[place].key for place in places], at))
            outcomes: list[Outcome[int]] = []
            for place in places:
                take, left = takes[place], self.size - await self._taken(tx)
                if take.amount > left:
                    outcomes.append(Refused(TooMuch(left)))
                    continue
                self._effects += 1
                body = str(take.amount).encode()
                effect = Envelope(EventId(UUID(int=self._effects)), "taken", take.key, at, body)
                await tx.outbox.add([effect])
                outcomes.append(Done(left - take.amount))
            return outcomes

        async def prepare(_: MemoryTx, must_lock: bool) -> None:
            self.diary.append(("prepare", must_lock))

        done = await once_each(
            self,
            [take.request for take in takes],
            self,
            work,
            encode=lambda left: str(left).encode(),
            decode=lambda _, raw: int(raw),
            prepare=prepare,
        )
        return [item.value if isinstance(item, Done) else why(item.error) for item in done]

    def prepared(self) -> list[bool]:
        """Return what `prepare` was told, in order."""
        return [item[1] for item in self.diary if item[0] == "prepare"]


def why(error: BuddyError) -> str:
    """Return a refusal in words: two errors are the same where these are."""
    return f"{error.code} {error.facts()}"


def do(purse: Purse, *takes: Take) -> list[Any]:
    """Do requests as one batch."""
    return asyncio.run(purse.do(takes))


def taken(purse: Purse) -> list[tuple[str, int]]:
    """Return what was taken."""
    return asyncio.run(purse.taken())


# -- each once -----------------------------------------------------------------------------------------


def test_each_is_answered_in_its_place() -> None:
    """All are done in one transaction in the order given; each leaves its own receipt."""
    purse = Purse()
    takes = [Take("a", 5), Take("b", 7), Take("a", 9, scope="bob"), Take("c", 1)]
    assert do(purse, *takes) == [95, 88, 79, 78]
    assert taken(purse) == [("a", 5), ("b", 7), ("a", 9), ("c", 1)]
    assert purse.diary.count("begin") == 1
    results = [asyncio.run(purse.receipt(take)) for take in takes]
    assert [(item.request, item.result) for item in results if item] == [
        (takes[0].request, b"95"),
        (takes[1].request, b"88"),
        (takes[2].request, b"79"),
        (takes[3].request, b"78"),
    ]
    assert {item.at for item in results if item} == {AT + TICK}


def test_nothing_asked_is_nothing_done() -> None:
    """No request opens no transaction and looks at no clock."""
    purse = Purse()
    assert do(purse) == []
    assert purse.diary == []


@pytest.mark.parametrize("times", [2, 3])
def test_one_key_in_one_batch_has_one_effect_and_one_answer(times: int) -> None:
    """However often a request stands in a batch, it is done once, and all get the first one's answer."""
    purse = Purse()
    assert do(purse, Take("b", 2), *[Take("a", 5)] * times, Take("c", 1)) == [
        98,
        *[93] * times,
        92,
    ]
    assert taken(purse) == [("b", 2), ("a", 5), ("c", 1)]


def test_one_key_for_another_body_is_refused() -> None:
    """In one batch the first is done, and each that wants something else with its key has no effect."""
    purse = Purse()
    answers = do(purse, Take("a", 5), Take("a", 6), Take("b", 1), Take("a", 5), Take("a", 7))
    mismatch = why(IdempotencyMismatch("a"))
    assert answers == [95, mismatch, 94, 95, mismatch]
    assert taken(purse) == [("a", 5), ("b", 1)]


def test_what_was_done_before_is_answered_from_its_receipt() -> None:
    """A batch of old and new: the old are answered as they were, or refused; only the new are worked on."""
    purse = Purse()
    do(purse, Take("a", 5), Take("b", 7))
    purse.diary.clear()
    assert do(purse, Take("b", 7), Take("c", 1), Take("a", 6)) == [
        88,
        87,
        why(IdempotencyMismatch("a")),
    ]
    assert [item[1] for item in purse.diary if item[0] == "work"] == [["c"]]
    assert taken(purse) == [("a", 5), ("b", 7), ("c", 1)]


def test_decode_is_told_which_request_it_is_for() -> None:
    """Answers of several sorts can stand in one batch: each receipt is read by the place of its request."""
    purse = Purse()
    requests = [Take("a", 1).request, Take("b", 2).request]

    async def work(_: MemoryTx, places: Sequence[int], __: datetime) -> list[Outcome[str]]:
        return [Done(f"new {place}") for place in places]

    async def prepare(_: MemoryTx, __: bool) -> None:
        """Nothing is to be kept off."""

    async def ask(asked: Sequence[RequestKey]) -> list[Outcome[str]]:
        return await once_each(
            purse,
            asked,
            purse,
            work,
            encode=str.encode,
            decode=lambda place, raw: f"{raw.decode()}, asked again at {place}",
            prepare=prepare,
        )

    assert asyncio.run(ask(requests)) == [Done("new 0"), Done("new 1")]
    assert asyncio.run(ask([*requests[::-1], requests[0]])) == [
        Done("new 1, asked again at 0"),
        Done("new 0, asked again at 1"),
        Done("new 0, asked again at 2"),
    ]


# -- refusals ------------------------------------------------------------------------------------------


def test_a_refused_one_refuses_alone_and_leaves_no_receipt() -> None:
    """The others of the batch are done; its key is free, for the same or for something else."""
    purse = Purse(size=10)
    assert do(purse, Take("a", 4), Take("b", 11), Take("c", 3)) == [6, why(TooMuch(6)), 3]
    assert asyncio.run(purse.receipt(Take("b", 11))) is None
    purse.size = 20
    assert do(purse, Take("b", 11)) == [2]
    assert do(purse, Take("d", 3)) == [why(TooMuch(2))]
    assert do(purse, Take("d", 2)) == [0]


def test_a_refused_one_of_a_batch_leaves_its_key_to_the_next() -> None:
    """Of two with one key the first is refused, so that the second is the first to have an effect."""
    purse = Purse(size=10)
    assert do(purse, Take("a", 11), Take("a", 9), Take("a", 9), Take("a", 1)) == [
        why(TooMuch(10)),
        1,
        1,
        why(IdempotencyMismatch("a")),
    ]
    assert taken(purse) == [("a", 9)]


def test_work_that_breaks_leaves_nothing() -> None:
    """An error that is no refusal goes up, and of the whole batch neither effect nor receipt is left."""
    purse = Purse()

    async def work(tx: MemoryTx, places: Sequence[int], at: datetime) -> list[Outcome[int]]:
        await tx.outbox.add([Envelope(EventId(UUID(int=1)), "taken", "a", at, b"5")])
        raise LookupError

    async def prepare(_: MemoryTx, __: bool) -> None:
        """Nothing is to be kept off."""

    takes = [Take("a", 5), Take("b", 5)]
    asked = once_each(
        purse,
        [take.request for take in takes],
        purse,
        work,
        encode=lambda left: str(left).encode(),
        decode=lambda _, raw: int(raw),
        prepare=prepare,
    )
    with pytest.raises(LookupError):
        asyncio.run(asked)
    assert taken(purse) == []
    assert [asyncio.run(purse.receipt(take)) for take in takes] == [None, None]


def test_answers_that_are_too_few_are_no_answers() -> None:
    """A step that forgets a request is wrong; nothing of its batch is stored."""
    purse = Purse()

    async def work(tx: MemoryTx, places: Sequence[int], at: datetime) -> list[Outcome[int]]:
        await tx.outbox.add([Envelope(EventId(UUID(int=1)), "taken", "a", at, b"5")])
        return [Done(1)]

    async def prepare(_: MemoryTx, __: bool) -> None:
        """Nothing is to be kept off."""

    asked = once_each(
        purse,
        [Take("a", 5).request, Take("b", 5).request],
        purse,
        work,
        encode=lambda left: str(left).encode(),
        decode=lambda _, raw: int(raw),
        prepare=prepare,
    )
    with pytest.raises(ValueError, match="shorter"):
        asyncio.run(asked)
    assert taken(purse) == []


# -- locks, clocks and lost races ----------------------------------------------------------------------


def test_one_request_meets_nobody_on_its_first_try() -> None:
    """A lone request is looked up first, then prepared without a lock; the clock is read after that."""
    purse = Purse()
    do(purse, Take("a", 5))
    assert purse.diary == [
        "begin",
        ("find", ["a"]),
        ("prepare", False),
        "clock",
        ("work", ["a"], AT + TICK),
    ]
    purse.diary.clear()
    do(purse, Take("a", 5))
    assert purse.diary == ["begin", ("find", ["a"])]


def test_a_batch_keeps_others_off() -> None:
    """Many are locked before their receipts are looked up, and the clock is read once for all, after both."""
    purse = Purse()
    do(purse, Take("a", 5), Take("b", 5))
    assert purse.diary == [
        "begin",
        ("prepare", True),
        ("find", ["a", "b"]),
        "clock",
        ("work", ["a", "b"], AT + TICK),
    ]


def test_requests_with_one_key_are_one_request() -> None:
    """The first is a lone one; the others find its receipt in a transaction of their own, without a clock."""
    purse = Purse()
    do(purse, Take("a", 5), Take("a", 5))
    assert purse.diary == [
        "begin",
        ("find", ["a"]),
        ("prepare", False),
        "clock",
        ("work", ["a"], AT + TICK),
        "begin",
        ("find", ["a"]),
    ]


def test_who_has_lost_keeps_others_off() -> None:
    """After a lost race a lone request is locked before it is looked up, and dated anew."""
    purse = Purse(lost=2)
    assert do(purse, Take("a", 5)) == [95]

    def again(at: datetime) -> list[Any]:
        return ["begin", ("prepare", True), ("find", ["a"]), "clock", ("work", ["a"], at)]

    assert purse.diary == [
        "begin",
        ("find", ["a"]),
        ("prepare", False),
        "clock",
        ("work", ["a"], AT + TICK),
        *again(AT + 2 * TICK),
        *again(AT + 3 * TICK),
    ]
    assert taken(purse) == [("a", 5)]
    receipt = asyncio.run(purse.receipt(Take("a", 5)))
    assert receipt is not None
    assert receipt.at == AT + 3 * TICK


def test_a_lost_race_is_forgotten_in_the_next_transaction() -> None:
    """Of two with one key the second is a lone request again, whatever the first has met."""
    purse = Purse(size=10, lost=1)
    do(purse, Take("a", 11), Take("a", 3))
    assert purse.prepared() == [False, True, True, False]


def test_a_lone_refusal_is_asked_for_again_under_the_lock() -> None:
    """What is seen without the lock may be half of what another did; only what is seen with it is said."""
    purse = Purse(size=10)
    do(purse, Take("a", 11))
    assert purse.prepared() == [False, True]
    assert asyncio.run(purse.receipt(Take("a", 11))) is None


def test_lasting_contention_reaches_the_caller() -> None:
    """After ten tries the race is given up, and nothing is stored."""
    purse = Purse(lost=99)
    with pytest.raises(Contention):
        do(purse, Take("a", 5), Take("b", 5))
    assert purse.prepared() == [True] * 10
    assert taken(purse) == []
    assert asyncio.run(purse.receipt(Take("a", 5))) is None


# -- the law -------------------------------------------------------------------------------------------


TAKES = st.builds(
    Take, st.sampled_from("abcd"), st.integers(1, 9), scope=st.sampled_from(["ann", "ann", "bob"])
)


def in_rounds(takes: Sequence[Take]) -> list[int]:
    """Return the order in which a batch is done: the first of each key, then the second, and so on."""
    before: Counter[tuple[str, str]] = Counter()
    rounds = []
    for place, take in enumerate(takes):
        rounds.append((before[take.scope, take.key], place))
        before[take.scope, take.key] += 1
    return [place for _, place in sorted(rounds)]


async def one_by_one(purse: Purse, takes: Sequence[Take], order: Sequence[int]) -> list[Any]:
    """Ask each alone in an order; return the answers by place."""
    answers = {place: (await purse.do([takes[place]]))[0] for place in order}
    return [answers[place] for place in range(len(takes))]


@given(st.lists(TAKES, max_size=12), st.lists(TAKES, max_size=12), st.integers(0, 40), st.integers(0, 3))
def test_a_batch_is_as_good_as_one_by_one(
    before: list[Take], takes: list[Take], size: int, lost: int
) -> None:
    """Whatever was done before and however small the purse: the same answers, effects and receipts."""

    async def compare() -> None:
        together, apart = Purse(size, lost), Purse(size)
        for batch in (before, takes):
            assert await together.do(batch) == await one_by_one(apart, batch, in_rounds(batch))
            assert await together.taken() == await apart.taken()
            for take in batch:
                kept, same = await together.receipt(take), await apart.receipt(take)
                assert (kept and (kept.request, kept.result)) == (same and (same.request, same.result))

    asyncio.run(compare())


@given(st.lists(TAKES, max_size=12))
def test_where_none_is_in_anothers_way_the_order_given_counts(takes: list[Take]) -> None:
    """With a purse that lasts, every answer but what is left is that of asking in the order given."""

    async def compare() -> None:
        together, apart = Purse(10_000), Purse(10_000)
        batch = await together.do(takes)
        single = await one_by_one(apart, takes, range(len(takes)))
        assert [item for item in batch if isinstance(item, str)] == [
            item for item in single if isinstance(item, str)
        ]
        assert [isinstance(item, str) for item in batch] == [isinstance(item, str) for item in single]
        assert sorted(await together.taken()) == sorted(await apart.taken())

    asyncio.run(compare())
