"""What 64 callers ask for at once: few wallets, few keys, and now and then another body under a known key."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from attrs import Factory, define, evolve, frozen

from buddy_adapters.group_commit import GroupCommit
from buddy_adapters.system import SequentialIds, SettableClock
from buddy_core.kernel import AccountId, BuddyError, EntryId, HoldId
from buddy_core.tokens import (
    PAID,
    BuyTokens,
    ExpireTokens,
    HoldTokens,
    PostHold,
    RefundTokens,
    ReverseTokens,
    SpendTokens,
    Swept,
    VoidHold,
    buy_tokens,
    earn_tokens,
    expire_tokens,
    hold_tokens,
    move_tokens,
    post_hold,
    refund_tokens,
    reverse_tokens,
    spend_tokens,
    void_hold,
)
from tests.contracts.cases import VERSIONS, Uow, account, earning, spending, title

CALLERS = 64
RICH = [account(number) for number in range(4)]
"""Wallets that have enough for all that is asked of them."""
POOR = [account(100 + number) for number in range(2)]
"""Wallets that have enough for three of the many spends that are asked of them."""
POOR_HAVE, POOR_SPEND = 10, 3
EXPIRED, WITHDRAWN, SPENT, HELD = 7, 20, 10, 5
"""Tokens of each rich wallet: gone by now, of the earning that is withdrawn, of each spend and hold."""
LASTING: Mapping[str, int] = {"a": 500, "b": 300}
_SCOPES = ("type:episode",)
_CAUSE: dict[str, Any] = {"source": "test", "source_ref": "ref"}
_SELLER: dict[str, Any] = {"country": "IN", "entity": "newtact", "currency": "INR"}

HANDLERS: Mapping[str, Callable[..., Awaitable[Any]]] = {
    "earn": earn_tokens,
    "purchase": buy_tokens,
    "spend": spend_tokens,
    "hold": hold_tokens,
    "post": post_hold,
    "void": void_hold,
    "refund": refund_tokens,
    "reverse": reverse_tokens,
    "expire": expire_tokens,
}
"""The public handlers, by the operation of the entry that each makes."""

Place = tuple[str, AccountId, str]
"""What one key is: the operation and account that it counts for, and the key itself."""


@frozen
class Call:
    """One request of one caller."""

    operation: str
    command: Any
    body: int
    """0 or 1: which of the two bodies that are sent under its key."""

    @property
    def place(self) -> Place:
        """Where its key counts."""
        return self.operation, self.command.account_id, self.command.idempotency_key


@frozen
class Answer:
    """What a caller got: the answer, or the code of the refusal."""

    call: Call
    value: Any = None
    code: str | None = None


@define
class Plan:
    """All calls, each as often as it is made, and which keys are after the same thing."""

    calls: list[Call] = Factory(list)
    rivals: dict[Place, tuple[str, int]] = Factory(dict)
    """By key: the name of what it is after, and how many keys of that name can have it."""

    def add(
        self,
        operation: str,
        one: Any,
        other: Any = None,
        times: int = 4,
        rival: tuple[str, int] | None = None,
    ) -> None:
        """Let several callers ask for `one` under a key, and two of them for the `other` body."""
        self.calls += [Call(operation, one, 0)] * times
        if other is not None:
            self.calls += [Call(operation, other, 1)] * 2
        if rival is not None:
            self.rivals[self.calls[-1].place] = rival

    def dealt(self, chance: random.Random) -> list[list[Call]]:
        """Return the calls of each caller."""
        calls = list(self.calls)
        chance.shuffle(calls)
        return [calls[number::CALLERS] for number in range(CALLERS)]


@frozen
class Prepared:
    """What one rich wallet did before the race."""

    account: AccountId
    spends: list[EntryId]
    holds: list[HoldId]
    withdrawn: EntryId


async def prepare(uow: Uow, at: datetime) -> list[Prepared]:
    """Fill the wallets as of `at`, the present; what has expired by then was earned the day before."""
    clock = SettableClock(at - timedelta(days=1))
    who: dict[str, Any] = {"uow": uow, "clock": clock, "ids": SequentialIds()}
    async with uow.begin() as tx:
        for version in VERSIONS.values():
            await tx.token_values.add(evolve(version, effective_from=at - timedelta(days=2)))
    prepared: list[Prepared] = []
    for wallet in RICH:
        # For films alone, so that nothing else draws on it before it is gone.
        gone = earning(wallet, EXPIRED, "gone", scopes=("type:film",), expires_at=at - timedelta(hours=1))
        await earn_tokens(gone, **who)
        for key, amount in LASTING.items():
            await earn_tokens(earning(wallet, amount, key, expires_at=None), **who)
        # Drawn last, so that all of it is there when it is withdrawn.
        late = earning(wallet, WITHDRAWN, "withdrawn", kind=PAID, priority=90, expires_at=None)
        withdrawn = await earn_tokens(late, **who)
        spends = [await spend_tokens(_spend(wallet, SPENT, f"s{number}"), **who) for number in range(2)]
        until = at + timedelta(days=20)
        holds = [
            await hold_tokens(HoldTokens(wallet, _SCOPES, HELD, until, "t", "t", f"h{number}"), **who)
            for number in range(3)
        ]
        prepared.append(Prepared(wallet, spends, holds, withdrawn))
    for wallet in POOR:
        await earn_tokens(earning(wallet, POOR_HAVE, "all", expires_at=None), **who)
    return prepared


def planned(prepared: list[Prepared], at: datetime) -> Plan:
    """Return what is asked of the wallets; the same few keys stand for something else in each."""
    plan = Plan()
    for before in prepared:
        wallet = before.account
        for number in range(4):
            spend = _spend(wallet, 1 + number, f"k{number}")
            plan.add("spend", spend, evolve(spend, amount=9))
        for number in range(2):
            earn = earning(wallet, 3 + number, f"k{number}", expires_at=None)
            plan.add("earn", earn, evolve(earn, amount=8))
            hold = HoldTokens(
                wallet, _SCOPES, 2 + number, at + timedelta(days=9), idempotency_key=f"k{number}", **_CAUSE
            )
            plan.add("hold", hold, evolve(hold, amount=6))
        buy = BuyTokens(wallet, PAID, 40, 4_000, "INR", idempotency_key="k0", expires_at=None, **_CAUSE)
        plan.add("purchase", buy, evolve(buy, cost_minor=1))
        _ends_of_holds(plan, before)
        _corrections(plan, before)
        for number in range(2):
            plan.add("expire", ExpireTokens(wallet, f"k{number}"))
    for wallet in POOR:
        for number in range(8):
            spend = _spend(wallet, POOR_SPEND, f"k{number}")
            fits = POOR_HAVE // POOR_SPEND
            plan.add("spend", spend, times=3, rival=(f"all of {wallet}", fits))
    return plan


def _spend(wallet: AccountId, amount: int, key: str) -> SpendTokens:
    # Not an unlock: verify would look for its grant.
    return spending(wallet, amount, key, source="test")


def _ends_of_holds(plan: Plan, before: Prepared) -> None:
    """One hold is posted, one voided, and one is wanted for both."""
    wallet, rival = before.account, (f"a hold of {before.account}", 1)
    for number, hold_id in ((0, before.holds[0]), (1, before.holds[2])):
        post = PostHold(wallet, hold_id, title(1), _SCOPES, idempotency_key=f"k{number}", **_CAUSE, **_SELLER)
        plan.add("post", post, evolve(post, amount=1), rival=rival if number else None)
    for number, hold_id in ((0, before.holds[1]), (1, before.holds[2])):
        void = VoidHold(wallet, hold_id, idempotency_key=f"k{number}", **_CAUSE)
        plan.add("void", void, evolve(void, source_ref="another"), rival=rival if number else None)


def _corrections(plan: Plan, before: Prepared) -> None:
    """One spend is given back; two keys want more than half of another, and two withdraw one earning."""
    wallet = before.account
    refund = RefundTokens(wallet, before.spends[0], idempotency_key="k0", **_CAUSE)
    plan.add("refund", refund, evolve(refund, amount=1))
    for number in (1, 2):
        half = RefundTokens(
            wallet, before.spends[1], idempotency_key=f"k{number}", amount=SPENT // 2 + 1, **_CAUSE
        )
        plan.add("refund", half, rival=(f"a spend of {wallet}", 1))
        reverse = ReverseTokens(wallet, before.withdrawn, idempotency_key=f"k{number}", **_CAUSE)
        plan.add(
            "reverse",
            reverse,
            evolve(reverse, source_ref="another"),
            rival=(f"an earning of {wallet}", 1),
        )


Road = Callable[[Call], Awaitable[Any]]
"""How a call is made."""


def by_handler(who: dict[str, Any]) -> Road:
    """Make each call through its public handler."""
    return lambda call: HANDLERS[call.operation](call.command, **who)


def by_queue(who: dict[str, Any]) -> Road:
    """Make all calls through one queue, which does those that come at once in one transaction.

    Few go in a batch, so that batches of one process meet too.
    """
    queue = GroupCommit(partial(move_tokens, **who), most_in_batch=12)
    return lambda call: queue(call.command)


ROADS: Mapping[str, Callable[[dict[str, Any]], Road]] = {"handlers": by_handler, "queue": by_queue}


async def ask(call: Call, road: Road) -> Answer:
    """Make a call, and return what the caller got."""
    try:
        return Answer(call, await road(call))
    except BuddyError as error:
        return Answer(call, code=error.code)


def gained(answer: Answer) -> int:
    """Return what the call that was answered changes in the live tokens of its wallet."""
    command = answer.call.command
    match command:
        case ReverseTokens():
            return -WITHDRAWN
        case RefundTokens():
            return int(command.amount or SPENT)
        case PostHold():
            return 0 if command.amount is None else HELD - int(command.amount)
        case VoidHold():
            return HELD
        case ExpireTokens():
            assert isinstance(answer.value, Swept)
            return 0
        case _:
            takes = answer.call.operation in ("spend", "hold")
            return -int(command.amount) if takes else int(command.amount)
