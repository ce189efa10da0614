"""Async use cases of tokens alone: one transaction, one receipt, one step.

What staff change (freezing, values) goes through a flow, because it is audited. Refunds,
reversals and adjustments are here for flows of the host's own: who may ask for one, and
what becomes of the title that was opened or of the money, is for them to say.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import once, request_key
from buddy_core.kernel.ids import AccountId, EntryId, HoldId, IdSource
from buddy_core.kernel.outcomes import unwrap
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
)
from buddy_core.tokens.ports import TokensTx
from buddy_core.tokens.steps import Swept

R = TypeVar("R")


class _Command(Protocol):
    @property
    def account_id(self) -> AccountId: ...

    @property
    def idempotency_key(self) -> str: ...


async def earn_tokens(
    command: EarnTokens, *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource
) -> EntryId:
    """Credit tokens from a verified source, once per idempotency key; return the ledger entry."""

    async def work(tx: TokensTx, at: datetime) -> EntryId:
        return unwrap((await steps.earn_in(tx, [command], at, ids))[0]).id

    return await _once(uow, "tokens.earn", command, work, clock, _entry_id)


async def buy_tokens(
    command: BuyTokens, *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource
) -> EntryId:
    """Credit tokens that were paid for, with their cost, once per key; return the ledger entry."""

    async def work(tx: TokensTx, at: datetime) -> EntryId:
        return unwrap((await steps.buy_in(tx, [command], at, ids))[0]).id

    return await _once(uow, "tokens.buy", command, work, clock, _entry_id)


async def spend_tokens(
    command: SpendTokens, *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource
) -> EntryId:
    """Draw tokens for a title, once per idempotency key; return the ledger entry."""

    async def work(tx: TokensTx, at: datetime) -> EntryId:
        return unwrap((await steps.spend_in(tx, [command], at, ids))[0]).entry_id

    return await _once(uow, "tokens.spend", command, work, clock, _entry_id)


async def expire_tokens(
    command: ExpireTokens, *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource
) -> Swept:
    """Write off what has expired in a wallet and end its lapsed holds, once per key; return how much."""

    async def work(tx: TokensTx, at: datetime) -> Swept:
        return unwrap((await steps.expire_in(tx, [command], at, ids))[0])

    return await _once(uow, "tokens.expire", command, work, clock, lambda stored: Swept(**stored))


async def hold_tokens(
    command: HoldTokens, *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource
) -> HoldId:
    """Set tokens aside, once per idempotency key; return the hold."""

    async def work(tx: TokensTx, at: datetime) -> HoldId:
        [made] = unwrap((await steps.hold_in(tx, [command], at, ids))[0]).holds
        return made.id

    return await _once(uow, "tokens.hold", command, work, clock, lambda stored: HoldId(UUID(stored)))


async def post_hold(command: PostHold, *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource) -> EntryId:
    """Spend what a hold set aside, or a part, once per idempotency key; return the ledger entry."""

    async def work(tx: TokensTx, at: datetime) -> EntryId:
        return unwrap((await steps.post_in(tx, [command], at, ids))[0]).entry_id

    return await _once(uow, "tokens.post", command, work, clock, _entry_id)


async def void_hold(command: VoidHold, *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource) -> EntryId:
    """Set free what a hold set aside, once per idempotency key; return the ledger entry."""

    async def work(tx: TokensTx, at: datetime) -> EntryId:
        return unwrap((await steps.void_in(tx, [command], at, ids))[0]).id

    return await _once(uow, "tokens.void", command, work, clock, _entry_id)


async def refund_tokens(
    command: RefundTokens, *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource
) -> EntryId:
    """Give back what an entry spent, or a part, once per idempotency key; return the ledger entry.

    Only the tokens come back: a grant that they opened and the royalty of the spend stay.
    """

    async def work(tx: TokensTx, at: datetime) -> EntryId:
        return unwrap((await steps.refund_in(tx, [command], at, ids))[0]).id

    return await _once(uow, "tokens.refund", command, work, clock, _entry_id)


async def reverse_tokens(
    command: ReverseTokens, *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource
) -> EntryId:
    """Take back what an earning or a purchase brought in, once; return the ledger entry."""

    async def work(tx: TokensTx, at: datetime) -> EntryId:
        return unwrap((await steps.reverse_in(tx, [command], at, ids))[0]).id

    return await _once(uow, "tokens.reverse", command, work, clock, _entry_id)


async def adjust_tokens(
    command: AdjustTokens, *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource
) -> EntryId:
    """Put a lot right by hand, once per idempotency key; return the ledger entry.

    Permission, a second person and the audit are the caller's, as for all that staff do.
    """

    async def work(tx: TokensTx, at: datetime) -> EntryId:
        return unwrap((await steps.adjust_in(tx, [command], at, ids))[0]).id

    return await _once(uow, "tokens.adjust", command, work, clock, _entry_id)


async def _once(
    uow: UnitOfWork[TokensTx],
    scope: str,
    command: _Command,
    work: Callable[[TokensTx, datetime], Awaitable[R]],
    clock: Clock,
    read: Callable[[Any], R],
) -> R:
    request = request_key(f"{scope}:{command.account_id}", command.idempotency_key, command)
    return await once(
        uow,
        request,
        clock,
        work,
        encode=canonical_bytes,
        decode=lambda raw: read(json.loads(raw)),
        lock=lambda tx: tx.wallets.lock([command.account_id]),
    )


def _entry_id(stored: str) -> EntryId:
    return EntryId(UUID(stored))
