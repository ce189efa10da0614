"""Many commands in one transaction, on every store: each key has one effect, a refused one refuses alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from buddy_adapters.system import SequentialIds, SettableClock
from buddy_core.kernel import AccountId, Done, Outcome, Refused
from buddy_core.tokens import (
    BONUS,
    ExpireTokens,
    HoldTokens,
    MoveCommand,
    Moved,
    Operation,
    PostHold,
    RefundTokens,
    ReverseTokens,
    Swept,
    VoidHold,
    balance,
    move_tokens,
    spend_tokens,
)
from tests.contracts.cases import AT, LATER, NEWTACT, VERSIONS, Uow, account, earning, spending, title

pytestmark = pytest.mark.anyio

ME, OTHER = account(1), account(2)
SCOPES = ("type:episode",)
CAUSE: dict[str, Any] = {"source": "test", "source_ref": "ref"}
MISMATCH, POOR = "kernel.idempotency_mismatch", "tokens.insufficient"


class World:
    """A store with value versions, and one clock and source of ids for all."""

    def __init__(self, uow: Uow) -> None:
        self.uow = uow
        self.who: dict[str, Any] = {"uow": uow, "clock": SettableClock(AT), "ids": SequentialIds()}

    async def move(self, *commands: MoveCommand) -> list[Outcome[Moved]]:
        """Do these commands in one batch."""
        return await move_tokens(commands, **self.who)

    async def done(self, *commands: MoveCommand) -> list[Any]:
        """Do these commands, none of which is refused, and return their answers."""
        return [_answer(outcome) for outcome in await self.move(*commands)]

    async def keys(self, who: AccountId = ME) -> list[tuple[str, str]]:
        """Return operation and key of a wallet's entries, in order."""
        async with self.uow.read() as tx:
            entries = await tx.entries.of_account(who, before=None, limit=100)
        return [(entry.operation.value, entry.idempotency_key) for entry in reversed(entries)]

    async def left(self, who: AccountId = ME) -> int:
        """Return how many tokens can be spent."""
        async with self.uow.read() as tx:
            wallet = (await tx.wallets.load([who]))[who]
        return sum(balance(wallet, self.who["clock"].now()).values())


@pytest.fixture
async def world(uow: Uow) -> World:
    """A store in which both accounts have ten tokens."""
    made = World(uow)
    async with uow.begin() as tx:
        for version in VERSIONS.values():
            await tx.token_values.add(version)
    await made.done(earning(ME, 10, "first"), earning(OTHER, 10, "first"))
    return made


def _answer(outcome: Outcome[Moved]) -> Moved:
    assert isinstance(outcome, Done), outcome
    return outcome.value


def _codes(outcomes: Sequence[Outcome[Moved]]) -> list[str]:
    return [outcome.error.code if isinstance(outcome, Refused) else "done" for outcome in outcomes]


async def test_a_key_thrice_in_a_batch_has_one_effect(world: World) -> None:
    """All three get the one answer; a fourth who comes later gets it too, alone and in a batch."""
    wish = spending(ME, 3, "k")
    answers = await world.done(wish, wish, wish)
    assert len(set(answers)) == 1
    assert await world.keys() == [("earn", "first"), ("spend", "k")]
    assert await spend_tokens(wish, **world.who) == answers[0]
    assert await world.done(wish, spending(ME, 1, "l"), wish) == [
        answers[0],
        *await world.done(spending(ME, 1, "l"), wish),
    ]
    assert await world.left() == 6


async def test_another_body_in_a_batch_is_refused(world: World) -> None:
    """Of two bodies under one key the first counts, wherever the other stands among the rest."""
    wish = spending(ME, 3, "k")
    other = evolve(wish, amount=4)
    outcomes = await world.move(wish, other, wish, other)
    assert _codes(outcomes) == ["done", MISMATCH, "done", MISMATCH]
    assert outcomes[0] == outcomes[2]
    assert _codes(await world.move(other, wish)) == [MISMATCH, "done"]
    assert await world.left() == 7


async def test_a_refused_body_leaves_the_key_free_in_the_batch(world: World) -> None:
    """As if they had come one after another: what was refused took no effect, so that the next body may."""
    outcomes = await world.move(spending(ME, 11, "k"), spending(ME, 4, "k"), spending(ME, 11, "k"))
    assert _codes(outcomes) == [POOR, "done", MISMATCH]
    assert await world.keys() == [("earn", "first"), ("spend", "k")]
    assert await world.left() == 6


async def test_one_key_in_two_wallets_and_operations(world: World) -> None:
    """A key counts for one operation of one account: four requests, four effects."""
    answers = await world.done(
        spending(ME, 1, "k"), spending(OTHER, 2, "k"), earning(ME, 3, "k"), earning(OTHER, 4, "k")
    )
    assert len(set(answers)) == 4
    assert (await world.left(), await world.left(OTHER)) == (12, 12)


async def test_a_refused_one_refuses_alone(world: World) -> None:
    """A wallet of ten pays three of five spends of three, in the order given; a bad key hurts nobody."""
    wishes = [spending(ME, 3, f"k{number}") for number in range(5)]
    outcomes = await world.move(*wishes[:2], spending(OTHER, 1, "x" * 10_000), *wishes[2:])
    assert _codes(outcomes) == ["done", "done", "kernel.invalid_value", "done", POOR, POOR]
    assert await world.keys() == [("earn", "first"), ("spend", "k0"), ("spend", "k1"), ("spend", "k2")]
    assert await world.left() == 1
    assert await world.keys(OTHER) == [("earn", "first")]


async def test_one_hold_is_ended_once_in_a_batch(world: World) -> None:
    """Of a post and a void of one hold one is done, whoever asks how often."""
    [hold] = await world.done(HoldTokens(ME, SCOPES, 6, LATER, idempotency_key="h", **CAUSE))
    seller: dict[str, Any] = {"country": "IN", "entity": NEWTACT, "currency": "INR"}
    post = PostHold(ME, hold, title(1), SCOPES, idempotency_key="p", **CAUSE, **seller)
    void = VoidHold(ME, hold, idempotency_key="v", **CAUSE)
    outcomes = await world.move(post, void, post, evolve(post, idempotency_key="q"), void)
    assert _codes(outcomes) == ["done", gone := "tokens.hold_not_found", "done", gone, gone]
    assert outcomes[0] == outcomes[2]
    assert await world.left() == 4
    assert [operation for operation, _ in await world.keys()] == ["earn", "hold", "post"]


async def test_a_spend_is_given_back_once_in_a_batch(world: World) -> None:
    """Two keys that want all of a spend back: one gets it. Two that withdraw an earning: one does."""
    [spent] = await world.done(spending(ME, 5, "s"))
    async with world.uow.read() as tx:
        [_, earned] = await tx.entries.of_account(ME, before=None, limit=10)
    refund = RefundTokens(ME, spent, idempotency_key="r", **CAUSE)
    reverse = ReverseTokens(ME, earned.id, idempotency_key="w", **CAUSE)
    outcomes = await world.move(
        refund,
        evolve(refund, idempotency_key="r2"),
        refund,
        reverse,
        evolve(reverse, idempotency_key="w2"),
        reverse,
    )
    assert _codes(outcomes) == [
        "done", "tokens.already_refunded", "done", "done", "tokens.already_reversed", "done"
    ]  # fmt: skip
    assert await world.left() == 0
    assert [operation for operation, _ in await world.keys()] == ["earn", "spend", "refund", "reverse"]


async def test_a_sweep_twice_in_a_batch_writes_off_once(world: World) -> None:
    """One key has one answer; another key finds nothing left."""
    world.who["clock"].set(AT + timedelta(days=91))
    sweep = ExpireTokens(ME, "x")
    answers = await world.done(sweep, sweep, ExpireTokens(ME, "y"))
    assert answers == [Swept(10, 0), Swept(10, 0), Swept(0, 0)]
    assert await world.keys() == [("earn", "first"), ("expire", "x")]


async def test_a_batch_is_told_once(world: World) -> None:
    """Each effect of a batch is one event, however often its key was in it."""
    before = await _told(world)
    wish = spending(ME, 3, "k")
    await world.move(wish, wish, evolve(wish, amount=4), earning(OTHER, 2, "k"), spending(ME, 99, "poor"))
    told = await _told(world)
    assert sorted(told[name] - before.get(name, 0) for name in told) == [1, 1]
    assert {name: told[name] - before.get(name, 0) for name in told} == {
        "tokens.earned.v1": 1,
        "tokens.spent.v1": 1,
    }


async def _told(world: World) -> dict[str, int]:
    async with world.uow.read() as tx:
        types = [item.type for item in await tx.outbox_queue.unsent(1_000)]
    return {name: types.count(name) for name in types}


async def test_a_batch_leaves_one_chain(world: World) -> None:
    """Many entries of one wallet in one batch follow from each other, and the lots are as they say."""
    wishes = [earning(ME, 1 + number, f"e{number}", kind=BONUS) for number in range(20)]
    await world.done(*wishes, *(spending(ME, 2, f"s{number}") for number in range(20)))
    async with world.uow.read() as tx:
        [books] = await tx.ledger_books.of_accounts([ME])
    entries = list(books.entries)
    assert [entry.sequence for entry in entries] == list(range(1, 42))
    assert [entry.previous_hash for entry in entries[1:]] == [entry.hash for entry in entries[:-1]]
    assert [entry.operation for entry in entries[1:]] == [Operation.EARN] * 20 + [Operation.SPEND] * 20
    assert sum(books.balances.values()) == await world.left() == 10 + 210 - 40
