"""A guest becomes a member, or signs in as one: everything comes along, once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol
from uuid import UUID

from attrs import evolve, frozen

from buddy_core.access import SYSTEM, AuditQuery, AuditRecord, AuditTx, Change, record_in
from buddy_core.accounts import (
    Account,
    AccountNotFound,
    AccountsTx,
    AccountType,
    GuestMerged,
    Passwords,
    WrongCredentials,
    add_member_in,
    check_credentials,
    check_merge,
    check_password,
    fold_email,
)
from buddy_core.ads import ACCOUNT, AdsTx
from buddy_core.entitlements import EntitlementsTx, GrantStatus, merge_grants_in
from buddy_core.flows.tries import password_key
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.events import envelope
from buddy_core.kernel.idempotency import IdempotencyMismatch, once, request_key, retried
from buddy_core.kernel.ids import AccountId, EventId, IdSource
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.playback import PlaybackTx
from buddy_core.sessions import SessionsTx, clear_tries, reserve_try
from buddy_core.tokens import FreezeWallet, MergeWallets, TokensTx, freeze_in, merge_in, own_key

OWN_BY_HAND = ("tokens.grant", "tokens.adjust", "tokens.refund", "wallet.unfreeze")
"""What nobody does to their own account, and so not to a guest that becomes it either."""
RELEASE = "reward.release"
"""Nor that: what the audit says of it names the reward."""
_OWN_REASON = "Whoever joined gave, corrected, refunded, released or unfroze this guest's tokens as staff."
_RECORDS_AT_ONCE = 100


class MergeTx(AccountsTx, TokensTx, EntitlementsTx, PlaybackTx, AdsTx, AuditTx, Protocol):
    """What a merge needs of a transaction."""


class RegisterTx(MergeTx, SessionsTx, Protocol):
    """What registering needs of a transaction."""


@frozen
class Joined:
    """Who the viewer is now, and what came along."""

    account_id: AccountId
    tokens_moved: int = 0
    tokens_expired_by_cap: int = 0
    unlocks_moved: int = 0
    unlocks_superseded: int = 0


@frozen
class Register:
    """Make a member out of an e-mail address and a password, and bring the guest's things."""

    email: str
    password: str
    guest_id: AccountId | None
    idempotency_key: str


async def register(
    command: Register, *, uow: UnitOfWork[RegisterTx], clock: Clock, ids: IdSource, passwords: Passwords
) -> Joined:
    """Register, once per idempotency key.

    Raises:
        BadEmail, WeakPassword: what is wrong with the input.
        EmailTaken: sign in instead.
        IdempotencyMismatch: the key made another member, or this one with another password.
        SignInLocked: too many repeats with another password.
    """
    email = fold_email(command.email)
    hashed = await passwords.hash(check_password(command.password, email))
    new = AccountId(ids.uuid7())

    async def work(tx: MergeTx, at: datetime) -> Joined:
        await add_member_in(tx, new, email, hashed, at, ids)
        if command.guest_id is None:
            return Joined(new)
        return await merge_guest_in(tx, command.guest_id, new, at, ids)

    async def lock(tx: MergeTx) -> None:
        if command.guest_id is not None:
            await tx.accounts.lock([command.guest_id])

    # Neither address nor password goes into the fingerprint: it is stored for ever.
    request = request_key(f"register:{command.guest_id}", command.idempotency_key, [command.guest_id])
    joined: Joined = await once(
        uow, request, clock, work, encode=canonical_bytes, decode=_from_bytes, lock=lock
    )
    if joined.account_id != new:
        await _prove_repeat(command, joined.account_id, uow, clock, ids, passwords)
    return joined


async def merge_guest(
    guest_id: AccountId, member_id: AccountId, *, uow: UnitOfWork[MergeTx], clock: Clock, ids: IdSource
) -> Joined:
    """Move all that a guest has to a member. Merging twice is merging once.

    Raises:
        AccountNotFound, CannotMerge.
    """
    return await retried(uow, lambda tx: merge_guest_in(tx, guest_id, member_id, clock.now(), ids))


async def merge_guest_in(
    tx: MergeTx, guest_id: AccountId, member_id: AccountId, at: datetime, ids: IdSource
) -> Joined:
    """Merge inside a transaction: tokens by paired entries, grants, positions, then the pointer.

    A guest that is a member by now, or went to this member before, brings nothing. Where the
    member did something to this guest's tokens as staff, the wallet is frozen until somebody
    else has looked: being one's own guest is no way around the rule about one's own account.
    """
    accounts = await tx.accounts.lock([guest_id, member_id])
    guest, member = _both(accounts, guest_id, member_id)
    if guest.type is not AccountType.GUEST or not check_merge(guest, member):
        return Joined(member_id)
    await tx.wallets.lock([guest_id, member_id])
    rule = await tx.reward_rules.in_force(at)
    command = MergeWallets(
        guest_id, member_id, rule.guest_life, own_key("merge", str(guest_id), str(member_id))
    )
    tokens = await merge_in(tx, command, at, ids)
    # What the guest earned on a day counts against the member's: a merge is no way to a second one, and
    # neither is midnight, or a clock that steps back over it.
    await tx.reward_counters.carry(ACCOUNT, str(guest_id), str(member_id))
    grants = await merge_grants_in(tx, guest_id, member_id, at, ids)
    positions = await tx.positions.of_account(guest_id)
    await tx.positions.save([evolve(found, account_id=member_id) for found in positions.values()])
    await tx.accounts.mark_merged(guest_id, member_id, at)
    event = GuestMerged(guest_id, member_id)
    await tx.outbox.add([envelope(event, id=EventId(ids.uuid7()), subject=str(member_id), at=at)])
    await _freeze_own_in(tx, guest_id, member_id, at, ids)
    return Joined(
        member_id,
        tokens.transferred,
        tokens.expired_by_cap,
        len(grants.grants),
        sum(change.status is GrantStatus.SUPERSEDED for change in grants.changes),
    )


async def _freeze_own_in(
    tx: MergeTx, guest_id: AccountId, member_id: AccountId, at: datetime, ids: IdSource
) -> None:
    if not await _acted_for_in(tx, guest_id, member_id):
        return
    command = FreezeWallet(
        member_id, True, _OWN_REASON, SYSTEM.name, own_key("merge", str(guest_id), str(member_id), "own")
    )
    before = {"is_frozen": (await tx.wallets.load([member_id]))[member_id].is_frozen}
    await freeze_in(tx, command, at, ids)
    after = {"is_frozen": True, "reason": _OWN_REASON}
    await record_in(tx, SYSTEM, Change("wallet.freeze", str(member_id), before, after), at)


async def _acted_for_in(tx: MergeTx, guest_id: AccountId, member_id: AccountId) -> bool:
    """Tell whether the member did something to the guest's tokens as staff, or asked for it."""
    for act in OWN_BY_HAND:
        async for record in _records_in(tx, AuditQuery(action=act, resource=str(guest_id))):
            if str(member_id) in (record.actor, json.loads(record.after).get("requested_by")):
                return True
    async for record in _records_in(tx, AuditQuery(actor=str(member_id), action=RELEASE)):
        reward = await tx.rewards.get(record.resource)
        if reward is not None and reward.account_id == guest_id:
            return True
    return False


async def _records_in(tx: MergeTx, query: AuditQuery) -> AsyncIterator[AuditRecord]:
    before: int | None = None
    while found := await tx.audit.search(query, before=before, limit=_RECORDS_AT_ONCE):
        for record in found:
            yield record
        before = found[-1].sequence


async def _prove_repeat(
    command: Register,
    account: AccountId,
    uow: UnitOfWork[RegisterTx],
    clock: Clock,
    ids: IdSource,
    passwords: Passwords,
) -> None:
    """Refuse a repeat with another address or password: a key alone lets nobody into an account.

    It is one more place to try a password, and counts with the others.
    """
    key = password_key(command.email)
    await reserve_try(key, uow=uow, clock=clock, ids=ids)
    try:
        member = await check_credentials(command.email, command.password, uow=uow, passwords=passwords)
    except WrongCredentials:
        raise IdempotencyMismatch(command.idempotency_key) from None
    if member.id != account:
        raise IdempotencyMismatch(command.idempotency_key)
    await clear_tries(key, uow=uow)


def _both(
    accounts: dict[AccountId, Account], guest_id: AccountId, member_id: AccountId
) -> tuple[Account, Account]:
    for wanted in (guest_id, member_id):
        if wanted not in accounts:
            raise AccountNotFound(wanted)
    return accounts[guest_id], accounts[member_id]


def _from_bytes(raw: bytes) -> Joined:
    stored = json.loads(raw)
    return Joined(**{**stored, "account_id": AccountId(UUID(stored["account_id"]))})
