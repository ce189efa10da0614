"""The handlers: one answer a key, whatever the kind of command, and many commands at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_adapters.memory.unit_of_work import MemoryTx
from buddy_adapters.system import SequentialIds, SettableClock
from buddy_core import tokens
from buddy_core.kernel import AccountId, Done, EntryId, HoldId, IdempotencyMismatch, InvalidValue, Refused
from buddy_core.tokens import (
    BONUS,
    PAID,
    AdjustTokens,
    BuyTokens,
    Entry,
    ExpireTokens,
    FreezeWallet,
    HoldTokens,
    InsufficientTokens,
    Operation,
    PostHold,
    RefundTokens,
    ReverseTokens,
    Swept,
    VoidHold,
    balance,
    move_tokens,
)
from buddy_core.tokens.commands import OWN_WORDS
from tests.contracts.cases import AT, LATER, NEWTACT, VERSIONS, account, earning, spending, title

ME, OTHER = account(1), account(2)
SCOPES = ("type:episode",)
CAUSE: dict[str, Any] = {"source": "test", "source_ref": "ref"}


class Watched(MemoryUnitOfWork):
    """A store that remembers what was locked and loaded, in that order."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, list[AccountId]]] = []

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MemoryTx]:
        """Open a transaction whose wallets are watched."""
        async with super().begin() as tx:
            lock, load = tx.wallets.lock, tx.wallets.load

            async def locked(accounts: Sequence[AccountId]) -> None:
                self.asked.append(("lock", list(accounts)))
                await lock(accounts)

            async def loaded(accounts: Sequence[AccountId]) -> Any:
                self.asked.append(("load", list(accounts)))
                return await load(accounts)

            tx.wallets.lock, tx.wallets.load = locked, loaded  # type: ignore[method-assign]
            yield tx


class World:
    """A store, a clock and ids, and the handlers bound to them."""

    def __init__(self) -> None:
        self.uow, self.clock, self.ids = Watched(), SettableClock(AT), SequentialIds()
        self.count = 0

        async def stock() -> None:
            async with self.uow.begin() as tx:
                for version in VERSIONS.values():
                    await tx.token_values.add(version)

        asyncio.run(stock())

    def do(self, handler: Callable[..., Awaitable[Any]], command: object) -> Any:
        """Run a handler."""

        async def work() -> Any:
            return await handler(command, uow=self.uow, clock=self.clock, ids=self.ids)

        return asyncio.run(work())

    def key(self) -> str:
        """Return a key that was not used."""
        self.count += 1
        return f"key-{self.count}"

    def entries(self, who: AccountId = ME) -> list[Entry]:
        """Return the entries of a wallet, the oldest first."""

        async def work() -> list[Entry]:
            async with self.uow.read() as tx:
                return (await tx.entries.of_account(who, before=None, limit=1_000))[::-1]

        return asyncio.run(work())

    def receipts(self, *names: tuple[str, str]) -> list[bytes | None]:
        """Return the stored answers by scope and key."""

        async def work() -> list[bytes | None]:
            async with self.uow.read() as tx:
                found = [await tx.receipts.find(scope, key) for scope, key in names]
                return [None if item is None else item.result for item in found]

        return asyncio.run(work())

    def left(self, who: AccountId = ME) -> dict[Any, int]:
        """Return what can be spent now."""

        async def work() -> dict[Any, int]:
            async with self.uow.read() as tx:
                return dict(balance((await tx.wallets.load([who]))[who], self.clock.now()))

        return asyncio.run(work())


@pytest.fixture
def world() -> World:
    """A store in which member one has twenty tokens, five held and five spent of them."""
    made = World()
    made.do(tokens.earn_tokens, earning(ME, 20, "first"))
    made.do(tokens.spend_tokens, spending(ME, 5, "second"))
    made.do(tokens.hold_tokens, holding("third"))
    return made


def holding(key: str, amount: int = 5) -> HoldTokens:
    """Return a command that holds tokens for an hour."""
    return HoldTokens(ME, SCOPES, amount, LATER, idempotency_key=key, **CAUSE)


def hold_of(world: World) -> HoldId:
    """Return the hold that is open from the beginning."""
    return world.entries()[2].holds[0].id


def commands(world: World) -> dict[str, tuple[Callable[..., Awaitable[Any]], Any]]:
    """Return each handler with a command that it can do; the name is that of its receipts."""
    first, second, _ = world.entries()
    seller: dict[str, Any] = {"country": "IN", "entity": NEWTACT, "currency": "INR"}
    hold = hold_of(world)
    return {
        "earn": (tokens.earn_tokens, earning(ME, 4, "k")),
        "buy": (tokens.buy_tokens, BuyTokens(ME, PAID, 4, 400, "INR", "order", "o", "k", None)),
        "spend": (tokens.spend_tokens, spending(ME, 4, "k")),
        "hold": (tokens.hold_tokens, holding("k", 4)),
        "post": (
            tokens.post_hold,
            PostHold(ME, hold, title(1), SCOPES, idempotency_key="k", **CAUSE, **seller),
        ),
        "void": (tokens.void_hold, VoidHold(ME, hold, idempotency_key="k", **CAUSE)),
        "refund": (tokens.refund_tokens, RefundTokens(ME, second.id, idempotency_key="k", **CAUSE)),
        "reverse": (tokens.reverse_tokens, ReverseTokens(ME, first.id, idempotency_key="k", **CAUSE)),
        "adjust": (tokens.adjust_tokens, AdjustTokens(ME, first.id, first.lots[0].id, 3, "slip", "me", "k")),
        "expire": (tokens.expire_tokens, ExpireTokens(ME, "k")),
    }


NAMES = ["earn", "buy", "spend", "hold", "post", "void", "refund", "reverse", "adjust", "expire"]


@pytest.mark.parametrize("name", NAMES)
def test_a_key_has_one_effect_and_one_answer(world: World, name: str) -> None:
    """Asked again, later and of everything at once, the answer is the same and nothing more is written."""
    assert sorted(commands(world)) == sorted(NAMES)
    handler, command = commands(world)[name]
    if name == "expire":
        world.clock.set(AT + timedelta(days=90))
    before = len(world.entries())
    answer = world.do(handler, command)
    made = world.entries()[before:]
    if name == "hold":
        assert answer == made[-1].holds[0].id
    elif name == "expire":
        assert (answer, [entry.operation for entry in made]) == (
            Swept(15, 1),
            [Operation.VOID, Operation.EXPIRE],
        )
    else:
        assert (answer, made[-1].idempotency_key) == (made[-1].id, "k")
    world.clock.advance(timedelta(days=100))
    again = world.do(handler, command)
    assert (again, type(again)) == (answer, type(answer))
    [many] = world.do(move_tokens, [command])
    assert many == Done(answer)
    assert world.entries()[before:] == made
    [stored] = world.receipts((f"tokens.{name}:{ME}", "k"))
    assert stored is not None


@pytest.mark.parametrize("name", NAMES)
def test_a_key_is_of_one_command(world: World, name: str) -> None:
    """With another cause the same key is refused; with a key that is none nothing is done."""
    handler, command = commands(world)[name]
    world.do(handler, command)
    before = world.entries()
    if name != "expire":
        fact = "reason" if name == "adjust" else "source_ref"
        with pytest.raises(IdempotencyMismatch):
            world.do(handler, evolve(command, **{fact: "another"}))
    for key in ("", "k" * 10_000):
        with pytest.raises(InvalidValue):
            world.do(handler, evolve(command, idempotency_key=key))
    assert world.entries() == before


@pytest.mark.parametrize("word", sorted(OWN_WORDS))
def test_a_key_may_not_look_like_the_ledger_s_own(world: World, word: str) -> None:
    """The keys under which entries are written without a caller's are kept for them, in any command."""
    with pytest.raises(InvalidValue) as refused:
        world.do(tokens.earn_tokens, earning(ME, 1, f"{word}:1"))
    assert (refused.value.field, refused.value.problem) == (
        "idempotency_key",
        "must not begin with a word that Buddy's own keys begin with",
    )
    fine, kept = world.do(move_tokens, [earning(ME, 1, f"my-{word}:1"), spending(ME, 1, f"{word}:")])
    assert isinstance(fine, Done)
    assert isinstance(kept, Refused)
    [bare] = world.do(move_tokens, [earning(ME, 1, word)])
    assert isinstance(bare, Done)


def test_a_refusal_leaves_no_receipt(world: World) -> None:
    """What was refused for want of tokens is done, under the same key, once there are enough."""
    wish = spending(ME, 30, "big")
    with pytest.raises(InsufficientTokens):
        world.do(tokens.spend_tokens, wish)
    assert world.receipts((f"tokens.spend:{ME}", "big")) == [None]
    world.do(tokens.earn_tokens, earning(ME, 20, "more"))
    assert world.do(tokens.spend_tokens, wish) == world.entries()[-1].id


def test_many_commands_are_answered_in_their_order(world: World) -> None:
    """Of all kinds, for two wallets, with refusals and a key that is none among them."""
    outcomes = world.do(
        move_tokens,
        [
            spending(ME, 99, "poor"),
            earning(OTHER, 3, "o"),
            earning(ME, 1, ""),
            spending(ME, 2, "s"),
            ExpireTokens(OTHER, "x"),
            holding("h", 1),
            earning(ME, 7, "m"),
            spending(OTHER, 3, "t"),
        ],
    )
    poor, other, keyless, mine, swept, held, more, gone = outcomes
    assert isinstance(poor, Refused)
    assert poor.error.code == "tokens.insufficient"
    assert isinstance(keyless, Refused)
    assert keyless.error.code == "kernel.invalid_value"
    assert swept == Done(Swept(0, 0))
    # One kind after another, in the order in which each first comes.
    assert [entry.operation for entry in world.entries()[3:]] == ["spend", "earn", "hold"]
    spend, earned, hold = world.entries()[3:]
    assert (mine, more, held) == (Done(spend.id), Done(earned.id), Done(hold.holds[0].id))
    assert isinstance(gone, Refused), "spends came first, when the other wallet was empty"
    assert other == Done(world.entries(OTHER)[0].id)
    assert (world.left(), world.left(OTHER)) == ({BONUS: 14}, {BONUS: 3})


def test_a_key_twice_in_a_batch_is_one_effect(world: World) -> None:
    """The same command twice has one answer; with another body the second is refused."""
    first, second, other = world.do(
        move_tokens, [earning(ME, 4, "k"), earning(ME, 4, "k"), earning(ME, 5, "k")]
    )
    assert first == second == Done(world.entries()[-1].id)
    assert isinstance(other, Refused)
    assert isinstance(other.error, IdempotencyMismatch)
    assert world.left() == {BONUS: 14}


def test_a_key_is_of_one_kind_and_one_wallet(world: World) -> None:
    """Another kind of command, or another wallet, may use the same key."""
    outcomes = world.do(
        move_tokens, [earning(ME, 4, "k"), spending(ME, 1, "k"), earning(OTHER, 2, "k"), holding("k", 1)]
    )
    assert [isinstance(outcome, Done) for outcome in outcomes] == [True] * 4
    names = [(f"tokens.{name}", "k") for name in (f"earn:{ME}", f"spend:{ME}", f"earn:{OTHER}", f"hold:{ME}")]
    assert [stored is None for stored in world.receipts(*names)] == [False] * 4


def test_a_batch_of_nothing_is_nothing(world: World) -> None:
    """No command has no answer, and only bad keys have refusals and no more."""
    assert world.do(move_tokens, []) == []
    [refused] = world.do(move_tokens, [earning(ME, 1, "")])
    assert isinstance(refused, Refused)
    assert len(world.entries()) == 3


def test_wallets_of_a_batch_are_locked_in_one_order(world: World) -> None:
    """Many commands lock their wallets before anything is read; one alone meets nobody and only reads."""
    world.uow.asked.clear()
    world.do(move_tokens, [earning(OTHER, 1, "a"), earning(ME, 1, "b"), earning(OTHER, 1, "c")])
    assert world.uow.asked[0] == ("lock", [ME, OTHER])
    assert {ME, OTHER} in [set(asked) for what, asked in world.uow.asked if what == "load"]
    world.uow.asked.clear()
    world.do(move_tokens, [earning(OTHER, 1, "d")])
    assert world.uow.asked[0] == ("load", [OTHER])
    assert "lock" not in [what for what, _ in world.uow.asked]


def test_a_freeze_locks_its_wallet_first(world: World) -> None:
    """So that nothing is spent between the look at the wallet and the freeze."""

    async def frozen() -> Entry:
        async with world.uow.begin() as tx:
            command = FreezeWallet(ME, True, "odd", "admin-1", "f")
            return await tokens.freeze_in(tx, command, AT, world.ids)

    world.uow.asked.clear()
    assert asyncio.run(frozen()) == world.entries()[-1]
    assert world.uow.asked == [("lock", [ME]), ("load", [ME])]


def test_the_answer_is_what_the_ledger_has(world: World) -> None:
    """Ids come back as ids, from the receipt too: they find the entry."""
    answer = world.do(tokens.earn_tokens, earning(ME, 4, "k"))

    async def found(entry_id: EntryId) -> list[EntryId]:
        async with world.uow.read() as tx:
            return list(await tx.entries.get([entry_id]))

    for given in (answer, world.do(tokens.earn_tokens, earning(ME, 4, "k"))):
        assert asyncio.run(found(given)) == [answer]
