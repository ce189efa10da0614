"""What staff change, each act with its permission and its audit record in the same commit."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Protocol
from uuid import UUID

from attrs import evolve

from buddy_core.access import Actor, AuditTx, Change, record_in, require
from buddy_core.flows.lock_wallet import LockWalletTx, lock_wallet_in
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import once, request_key
from buddy_core.kernel.ids import EntryId, IdSource
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.tax import SellerRoutes
from buddy_core.tokens import (
    FreezeWallet,
    SetTokenValue,
    UnknownKind,
    freeze_in,
    set_value_in,
    version_at,
)


class StaffTx(LockWalletTx, AuditTx, Protocol):
    """What staff acts need of a transaction."""


async def set_token_value(
    actor: Actor,
    command: SetTokenValue,
    *,
    correlation_id: str,
    uow: UnitOfWork[StaffTx],
    clock: Clock,
    ids: IdSource,
    routes: SellerRoutes,
) -> int:
    """Append a value version of a kind, with a value in every settlement currency; return its number.

    Raises:
        NotPermitted, UnknownKind, BadTokenValue, IdempotencyMismatch.
        ValueVersionInPast, ValueVersionTooFar: it must count from soon on, within a year.
    """
    require(actor, "token_value:set")
    command = evolve(command, by=actor.name)

    async def work(tx: StaffTx, at: datetime) -> int:
        existing = await tx.token_values.of_kind(command.kind)
        if not existing:
            raise UnknownKind(command.kind)
        before = version_at(existing, at)
        version = await set_value_in(tx, command, routes.currencies, at, ids)
        after = {"version": version.version, "from": version.effective_from, "values": version.values}
        old = {"version": before.version, "values": before.values} if before else None
        await record_in(tx, actor, Change("token_value.set", command.kind, old, after, correlation_id), at)
        return version.version

    request = request_key(f"tokens.value:{command.kind}", command.idempotency_key, command)
    return await once(
        uow, request, clock, work, encode=canonical_bytes, decode=lambda raw: int(json.loads(raw))
    )


async def freeze_wallet(
    actor: Actor,
    command: FreezeWallet,
    *,
    correlation_id: str,
    uow: UnitOfWork[StaffTx],
    clock: Clock,
    ids: IdSource,
) -> EntryId:
    """Freeze a wallet or let it go on; return the ledger entry.

    A guest that has merged stands for the member, so that merging is no way around a freeze.

    Raises:
        NotPermitted, AccountNotFound, NotFrozen, IdempotencyMismatch.
    """
    require(actor, "wallet:freeze")

    async def work(tx: StaffTx, at: datetime) -> EntryId:
        owner = await lock_wallet_in(tx, command.account_id)
        entry = await freeze_in(tx, evolve(command, account_id=owner), at, ids)
        action = "wallet.freeze" if command.is_frozen else "wallet.unfreeze"
        await record_in(tx, actor, Change(action, str(owner), None, command.reason, correlation_id), at)
        return entry.id

    request = request_key(f"tokens.freeze:{command.account_id}", command.idempotency_key, command)
    return await once(
        uow,
        request,
        clock,
        work,
        encode=canonical_bytes,
        decode=lambda raw: EntryId(UUID(json.loads(raw))),
        lock=lambda tx: lock_wallet_in(tx, command.account_id),
    )
