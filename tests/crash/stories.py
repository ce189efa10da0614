"""The load on the ledger: short stories in which one request needs the answer of the one before.

Everything comes from a seed, so that whoever sends a story again sends the same requests.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from attrs import field, frozen

from buddy_adapters.group_commit import GroupCommit
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_adapters.system import SystemClock
from buddy_core.kernel.errors import BuddyError, Unavailable
from buddy_core.kernel.ids import AccountId, EntryId, HoldId
from buddy_core.tokens import (
    BONUS,
    PAID,
    BuyTokens,
    EarnTokens,
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
from buddy_web.reference import SELLER_ROUTES
from tests.crash.world import IDS, VIEWERS, Request, requests, title_id, unlock, viewer

Made = Mapping[str, str]
"""The answers so far, by key: the id of an entry or a hold."""
Place = tuple[str, AccountId, str]
"""Where a key is found in the ledger: operation, account and the key itself."""

_SCOPES = (f"title:{title_id(1)}", "type:short")
_CAUSE: dict[str, Any] = {"source": "test", "source_ref": "ref"}
_SELLER: dict[str, Any] = {"country": "IN", "entity": SELLER_ROUTES.entities[0].id, "currency": "INR"}

_HANDLERS: Mapping[str, Callable[..., Awaitable[Any]]] = {
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
_TALES = (
    ("earn", "spend", "refund"),
    ("purchase", "hold", "post", "refund"),
    ("earn", "hold", "void"),
    ("earn", "spend", "reverse"),
    ("spend",),
    ("spend",),
    ("expire",),
    ("unlock",),
)


Road = Callable[["Ask", Made], Awaitable[Any]]
"""How a request is made."""


@frozen
class Ask:
    """One request; `after` names the keys whose answers it needs."""

    operation: str
    """Of the entry that it makes; an unlock makes a spend."""
    account: AccountId
    key: str
    amount: int = 0
    until: datetime | None = None
    """When a hold ends."""
    after: Mapping[str, str] = field(factory=dict)
    """The key of each earlier request of the story, by operation."""
    unlock: Request | None = None

    @property
    def place(self) -> Place:
        """Where its entry is found."""
        return "spend" if self.unlock else self.operation, self.account, self.key


def stories(seed: int, until: datetime) -> list[list[Ask]]:
    """Return the seed's stories in order; some are told twice, so that two lanes tell them at once."""
    chance = random.Random(f"stories {seed}")
    unlocks = iter(requests(seed))
    told: list[list[Ask]] = []
    for number in range(600):
        tale, account = chance.choice(_TALES), viewer(chance.randrange(VIEWERS))
        if tale == ("unlock",):
            wanted = next(unlocks)
            told.append([Ask("unlock", wanted.account, wanted.key, unlock=wanted)])
            continue
        story: list[Ask] = []
        for operation in tale:
            after = {ask.operation: ask.key for ask in story}
            key, amount = f"{operation}-{seed}-{number}", chance.randint(1, 6)
            story.append(Ask(operation, account, key, amount, until, after))
        told += [story, story] if chance.random() < 0.15 else [story]
    return told


def command(ask: Ask, made: Made) -> Any:
    """Return the command that a request is, given the answers that it needs."""
    who: dict[str, Any] = {"account_id": ask.account, "idempotency_key": ask.key}
    spend: dict[str, Any] = {"title_id": title_id(1), "title_scopes": _SCOPES, **_SELLER}
    spent = ask.after.get("spend") or ask.after.get("post")
    match ask.operation:
        case "earn":
            lot: dict[str, Any] = {"kind": BONUS, "amount": ask.amount, "expires_at": None}
            return EarnTokens(**who, **_CAUSE, **lot, earned_as_guest=True)
        case "purchase":
            lot = {"kind": PAID, "amount": ask.amount, "expires_at": None}
            return BuyTokens(**who, **_CAUSE, **lot, cost_minor=100 * ask.amount, cost_currency="INR")
        case "spend":
            return SpendTokens(**who, **_CAUSE, **spend, amount=ask.amount)
        case "hold":
            assert ask.until is not None
            return HoldTokens(**who, **_CAUSE, title_scopes=_SCOPES, amount=ask.amount, expires_at=ask.until)
        case "post":
            return PostHold(**who, **_CAUSE, **spend, hold_id=HoldId(UUID(made[ask.after["hold"]])))
        case "void":
            return VoidHold(**who, **_CAUSE, hold_id=HoldId(UUID(made[ask.after["hold"]])))
        case "refund":
            assert spent is not None
            return RefundTokens(**who, **_CAUSE, entry_id=EntryId(UUID(made[spent])))
        case "reverse":
            return ReverseTokens(**who, **_CAUSE, entry_id=EntryId(UUID(made[ask.after["earn"]])))
    assert ask.operation == "expire"
    return ExpireTokens(**who)


def by_handler(uow: SqlUnitOfWork) -> Road:
    """Make each request through its public handler."""
    who: dict[str, Any] = {"uow": uow, "clock": SystemClock(), "ids": IDS}
    return lambda ask, made: _HANDLERS[ask.operation](command(ask, made), **who)


def by_queue(uow: SqlUnitOfWork) -> Road:
    """Make requests through one queue, which does those that come at once in one transaction."""
    queue = GroupCommit(partial(move_tokens, uow=uow, clock=SystemClock(), ids=IDS), lanes=2)
    return lambda ask, made: queue(command(ask, made))


async def send(ask: Ask, made: dict[str, str], uow: SqlUnitOfWork, road: Road) -> str:
    """Send a request, keep its answer in `made`, and return the line that the client writes down.

    A broken connection is no answer: what came of the request is unknown.
    """
    try:
        if ask.unlock is not None:
            return await unlock(ask.unlock, uow)
        answer = await road(ask, made)
    except Unavailable:
        return f"unknown {ask.key}"
    except BuddyError as error:
        return f"refused {ask.key} {error.code}"
    if isinstance(answer, Swept):
        return f"done {ask.key} {answer.expired} {answer.voided}"
    made[ask.key] = str(answer)
    return f"done {ask.key} {answer}"
