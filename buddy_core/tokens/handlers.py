"""Async use cases of tokens alone: one transaction, one receipt a command, one step a kind of command.

`move_tokens` takes any number of commands; the others are one command each. What staff
change (freezing, values) goes through a flow, because it is audited. Refunds, reversals and
adjustments are here for flows of the host's own: who may ask for one, and what becomes of
the title that was opened or of the money, is for them to say.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, cast, get_args
from uuid import UUID

from attrs import fields, frozen

from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.errors import BuddyError, InvalidValue
from buddy_core.kernel.idempotency import RequestKey, once_each, request_key
from buddy_core.kernel.ids import EntryId, HoldId, IdSource
from buddy_core.kernel.outcomes import Done, Outcome, Refused, unwrap
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.tokens import steps
from buddy_core.tokens.commands import (
    AdjustTokens,
    BuyTokens,
    EarnTokens,
    ExpireTokens,
    HoldTokens,
    PostHold,
    RefundTokens,
    ReverseTokens,
    SpendTokens,
    VoidHold,
    check_callers_key,
)
from buddy_core.tokens.errors import BadTokenAmount
from buddy_core.tokens.model import Entry
from buddy_core.tokens.ports import TokensTx
from buddy_core.tokens.steps import Spent, Swept

MoveCommand = (
    EarnTokens
    | BuyTokens
    | SpendTokens
    | HoldTokens
    | PostHold
    | VoidHold
    | ExpireTokens
    | RefundTokens
    | ReverseTokens
    | AdjustTokens
)
"""A command that moves tokens of one wallet."""
Moved = EntryId | HoldId | Swept
"""What a command comes to: the hold of `HoldTokens`, the sums of `ExpireTokens`, else the ledger entry."""


_ID_FIELDS = ("account_id", "title_id", "hold_id", "entry_id", "lot_id")


async def move_tokens(
    commands: Sequence[MoveCommand], *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource
) -> list[Outcome[Moved]]:
    """Do many commands of any kind in one transaction, each once per its key; a refused one refuses alone.

    Answers each command in the order given. Commands of one kind are decided in that order,
    kinds one after another; of several with one key the first is done and the others get its
    answer. It is the one way in which tokens move without a flow: the other handlers here are
    batches of one.
    """
    answers: dict[int, Outcome[Moved]] = {}
    requests: dict[int, RequestKey] = {}
    for place, command in enumerate(commands):
        try:
            requests[place] = _request(command)
        except BuddyError as error:
            answers[place] = Refused(error)
    named = list(requests)
    asked = [commands[place] for place in named]

    async def work(tx: TokensTx, places: Sequence[int], at: datetime) -> list[Outcome[Moved]]:
        by_kind: dict[type, list[int]] = {}
        for place in places:
            by_kind.setdefault(type(asked[place]), []).append(place)
        found: dict[int, Outcome[Moved]] = {}
        for kind, mine in by_kind.items():
            use = _USES[kind]
            outcomes = await use.step(tx, [asked[place] for place in mine], at, ids)
            found.update(zip(mine, map(use.answer, outcomes), strict=True))
        return [found[place] for place in places]

    async def prepare(tx: TokensTx, must_lock: bool) -> None:
        accounts = sorted({command.account_id for command in asked}, key=attrgetter("int"))
        await (tx.wallets.lock(accounts) if must_lock else tx.wallets.load(accounts))

    done = await once_each(
        uow,
        list(requests.values()),
        clock,
        work,
        encode=canonical_bytes,
        decode=lambda place, raw: _USES[type(asked[place])].read(json.loads(raw)),
        prepare=prepare,
    )
    answers.update(zip(named, done, strict=True))
    return [answers[place] for place in range(len(commands))]


async def earn_tokens(
    command: EarnTokens, *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource
) -> EntryId:
    """Credit tokens from a verified source, once per idempotency key; return the ledger entry."""
    return cast(EntryId, await _move(command, uow, clock, ids))


async def buy_tokens(
    command: BuyTokens, *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource
) -> EntryId:
    """Credit tokens that were paid for, with their cost, once per key; return the ledger entry."""
    return cast(EntryId, await _move(command, uow, clock, ids))


async def spend_tokens(
    command: SpendTokens, *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource
) -> EntryId:
    """Draw tokens for a title, once per idempotency key; return the ledger entry."""
    return cast(EntryId, await _move(command, uow, clock, ids))


async def expire_tokens(
    command: ExpireTokens, *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource
) -> Swept:
    """Write off what has expired in a wallet and end its lapsed holds, once per key; return how much."""
    return cast(Swept, await _move(command, uow, clock, ids))


async def hold_tokens(
    command: HoldTokens, *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource
) -> HoldId:
    """Set tokens aside, once per idempotency key; return the hold."""
    return cast(HoldId, await _move(command, uow, clock, ids))


async def post_hold(command: PostHold, *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource) -> EntryId:
    """Spend what a hold set aside, or a part, once per idempotency key; return the ledger entry."""
    return cast(EntryId, await _move(command, uow, clock, ids))


async def void_hold(command: VoidHold, *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource) -> EntryId:
    """Set free what a hold set aside, once per idempotency key; return the ledger entry."""
    return cast(EntryId, await _move(command, uow, clock, ids))


async def refund_tokens(
    command: RefundTokens, *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource
) -> EntryId:
    """Give back what an entry spent, or a part, once per idempotency key; return the ledger entry.

    Only the tokens come back: a grant that they opened and the royalty of the spend stay.
    """
    return cast(EntryId, await _move(command, uow, clock, ids))


async def reverse_tokens(
    command: ReverseTokens, *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource
) -> EntryId:
    """Take back what an earning or a purchase brought in, once; return the ledger entry."""
    return cast(EntryId, await _move(command, uow, clock, ids))


async def adjust_tokens(
    command: AdjustTokens, *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource
) -> EntryId:
    """Put a lot right by hand, once per idempotency key; return the ledger entry.

    Permission, a second person and the audit are the caller's, as for all that staff do.
    """
    return cast(EntryId, await _move(command, uow, clock, ids))


async def _move(command: MoveCommand, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource) -> Moved:
    [outcome] = await move_tokens([command], uow=uow, clock=clock, ids=ids)
    return unwrap(outcome)


@frozen
class _Use:
    """What a kind of command is done by."""

    name: str
    """The first part of its keys' scope."""
    step: Callable[[TokensTx, Sequence[Any], datetime, IdSource], Awaitable[Sequence[Outcome[Any]]]]
    result: Callable[[Any], Moved]
    """What of the step's answer is the caller's, and is stored."""
    read: Callable[[Any], Moved]
    """Turns the stored result back."""

    def answer(self, outcome: Outcome[Any]) -> Outcome[Moved]:
        """Return the caller's part of a step's outcome."""
        return Done(self.result(outcome.value)) if isinstance(outcome, Done) else outcome


_IDS: Mapping[type, tuple[str, ...]] = {
    kind: tuple(name for name in _ID_FIELDS if name in {field.name for field in fields(kind)})
    for kind in get_args(MoveCommand)
}
"""The fields of each command that must be ids: a store looks them up before anything is decided."""


def _request(command: MoveCommand) -> RequestKey:
    kind = type(command)
    scope = f"tokens.{_USES[kind].name}:{command.account_id}"
    amount = getattr(command, "amount", None)
    if amount is not None and (isinstance(amount, bool) or not isinstance(amount, int)):
        raise BadTokenAmount(amount)
    try:
        request = request_key(scope, command.idempotency_key, command)
    except InvalidValue as error:
        raise _named(command, error) from None
    check_callers_key(request.key)
    for name in _IDS[kind]:
        if not isinstance(getattr(command, name), UUID):
            raise InvalidValue(name, "must be a UUID")
    return request


def _named(command: MoveCommand, refused: InvalidValue) -> InvalidValue:
    """Return the refusal of a command under the name of the field that it is about."""
    for field in fields(type(command)):
        try:
            canonical_bytes(getattr(command, field.name))
        except InvalidValue as error:
            return InvalidValue(field.name, error.problem)
        except ValueError:
            return InvalidValue(field.name, refused.problem)
    return refused


def _entry(made: Entry) -> EntryId:
    return made.id


def _spent(made: Spent) -> EntryId:
    return made.entry_id


def _hold(made: Entry) -> HoldId:
    [held] = made.holds
    return held.id


def _swept(made: Swept) -> Swept:
    return made


def _entry_id(stored: str) -> EntryId:
    return EntryId(UUID(stored))


def _hold_id(stored: str) -> HoldId:
    return HoldId(UUID(stored))


_USES: Mapping[type, _Use] = {
    EarnTokens: _Use("earn", steps.earn_in, _entry, _entry_id),
    BuyTokens: _Use("buy", steps.buy_in, _entry, _entry_id),
    SpendTokens: _Use("spend", steps.spend_in, _spent, _entry_id),
    HoldTokens: _Use("hold", steps.hold_in, _hold, _hold_id),
    PostHold: _Use("post", steps.post_in, _spent, _entry_id),
    VoidHold: _Use("void", steps.void_in, _entry, _entry_id),
    ExpireTokens: _Use("expire", steps.expire_in, _swept, lambda stored: Swept(**stored)),
    RefundTokens: _Use("refund", steps.refund_in, _entry, _entry_id),
    ReverseTokens: _Use("reverse", steps.reverse_in, _entry, _entry_id),
    AdjustTokens: _Use("adjust", steps.adjust_in, _entry, _entry_id),
}
