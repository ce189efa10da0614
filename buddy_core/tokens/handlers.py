"""Async use cases of tokens alone: one transaction, one receipt, one step.

What staff change (freezing, values) goes through a flow, because it is audited.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import once, request_key
from buddy_core.kernel.ids import EntryId, IdSource
from buddy_core.kernel.outcomes import unwrap
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.tokens import steps
from buddy_core.tokens.commands import EarnTokens, SpendTokens
from buddy_core.tokens.ports import TokensTx


async def earn_tokens(
    command: EarnTokens, *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource
) -> EntryId:
    """Credit tokens from a verified source, once per idempotency key; return the ledger entry."""

    async def work(tx: TokensTx, at: datetime) -> EntryId:
        return unwrap((await steps.earn_in(tx, [command], at, ids))[0]).id

    return await _once(uow, "tokens.earn", command, work, clock)


async def spend_tokens(
    command: SpendTokens, *, uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource
) -> EntryId:
    """Draw tokens for a title, once per idempotency key; return the ledger entry."""

    async def work(tx: TokensTx, at: datetime) -> EntryId:
        return unwrap((await steps.spend_in(tx, [command], at, ids))[0]).entry_id

    return await _once(uow, "tokens.spend", command, work, clock)


async def _once(
    uow: UnitOfWork[TokensTx],
    scope: str,
    command: EarnTokens | SpendTokens,
    work: Callable[[TokensTx, datetime], Awaitable[EntryId]],
    clock: Clock,
) -> EntryId:
    request = request_key(f"{scope}:{command.account_id}", command.idempotency_key, command)
    return await once(
        uow,
        request,
        clock,
        work,
        encode=canonical_bytes,
        decode=lambda raw: EntryId(UUID(json.loads(raw))),
        lock=lambda tx: tx.wallets.lock([command.account_id]),
    )
