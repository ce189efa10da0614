"""Take back tokens whose source withdraws them, and put a lot right by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from attrs import evolve, frozen

from buddy_core.access import (
    Actor,
    Change,
    afresh_in,
    check_reason,
    needs_second_person,
    record_in,
    require,
)
from buddy_core.accounts import resolve_in
from buddy_core.flows.awaiting import Awaiting, wait_in
from buddy_core.flows.foresee import foreseen
from buddy_core.flows.lock_wallet import lock_wallet_in
from buddy_core.flows.sources import WITHDRAWAL
from buddy_core.flows.staff import (
    StaffTx,
    check_not_own,
    entry_or_awaiting,
    moved_lately_in,
)
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import once, request_key
from buddy_core.kernel.ids import AccountId, EntryId, IdSource, LotId
from buddy_core.kernel.outcomes import unwrap
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.tokens import (
    ADJUSTED,
    WALLET,
    AdjustTokens,
    BadTokenAmount,
    Entry,
    EntryNotFound,
    LotNotFound,
    NewIds,
    ReverseTokens,
    adjust,
    adjust_in,
    check_amount,
    lapse,
    own_key,
    reverse_in,
)

REVERSE, ADJUST = "tokens:reverse", "tokens:adjust"


@frozen
class ReverseEarning:
    """Take back what an earning or a purchase brought in; the account may be the guest's who had it."""

    account_id: AccountId
    entry_id: EntryId
    reason: str
    idempotency_key: str


@frozen
class ReversedEarning:
    """What was taken back, and what was not there any more and is written off as uncollectable."""

    entry_id: EntryId
    """The reversal's own."""
    taken: int
    uncollectable: int


@frozen
class AdjustLot:
    """Give tokens to a lot, or take some: `tokens` below zero. `entry_id` is the entry that had it wrong."""

    account_id: AccountId
    entry_id: EntryId
    lot_id: LotId
    tokens: int
    reason: str
    idempotency_key: str


@frozen
class AdjustmentForeseen:
    """What the lot has and would have, and whether a second person would be asked."""

    before: int
    after: int
    needs_second_person: bool


async def reverse_earning(
    actor: Actor,
    command: ReverseEarning,
    *,
    correlation_id: str,
    uow: UnitOfWork[StaffTx],
    clock: Clock,
    ids: IdSource,
) -> ReversedEarning:
    """Take back an earning that its source withdraws, once per idempotency key.

    Fraud with rewards, a purchase that was charged back. Holds on such tokens are voided.
    What was spent stays spent: the rest is uncollectable, and no one's balance goes below
    zero. A source that withdraws by a message of its own calls this as `SYSTEM`.

    Raises:
        NotPermitted, SecondFactorNeeded, ReasonMissing, OwnAccount, IdempotencyMismatch.
        AccountNotFound, EntryNotFound: there is no such account, or the entry is another one's.
        NotReversible, AlreadyReversed: the entry brought nothing in, or it was taken back before.
    """
    require(actor, REVERSE)
    command = evolve(command, reason=check_reason(command.reason))

    async def work(tx: StaffTx, at: datetime) -> ReversedEarning:
        reversed_, change = await _reverse_in(tx, actor, command, at, ids)
        await record_in(tx, actor, evolve(change, correlation_id=correlation_id), at)
        return reversed_

    request = request_key(f"tokens.reverse:{actor.name}", command.idempotency_key, command)
    return await once(
        uow,
        request,
        clock,
        work,
        encode=canonical_bytes,
        decode=_reversed,
        lock=lambda tx: lock_wallet_in(tx, command.account_id),
    )


async def foresee_reversal(
    actor: Actor, command: ReverseEarning, *, uow: UnitOfWork[StaffTx], clock: Clock, ids: IdSource
) -> ReversedEarning:
    """Return what a reversal would come to now; nothing is kept, and the reason is not asked yet.

    Raises:
        As `reverse_earning`.
    """
    require(actor, REVERSE)

    async def work(tx: StaffTx) -> ReversedEarning:
        await lock_wallet_in(tx, command.account_id)
        return (await _reverse_in(tx, actor, command, clock.now(), ids))[0]

    return await foreseen(uow, work)


async def adjust_lot(
    actor: Actor,
    command: AdjustLot,
    *,
    correlation_id: str,
    uow: UnitOfWork[StaffTx],
    clock: Clock,
    ids: IdSource,
) -> EntryId | Awaiting:
    """Put a lot right by hand, once per idempotency key; return the ledger entry.

    More than the second-person rule allows wait for a second person.

    Raises:
        NotPermitted, SecondFactorNeeded, ReasonMissing, IdempotencyMismatch.
        OwnAccount: nobody corrects their own wallet.
        AccountNotFound, EntryNotFound, LotNotFound: there is none, or it is another account's.
        BadTokenAmount, BadAdjustment, AdjustBeyondLot: it cannot be done like this.
    """
    require(actor, ADJUST)
    check_change(command.tokens)
    command = evolve(command, reason=check_reason(command.reason))

    async def work(tx: StaffTx, at: datetime) -> EntryId | Awaiting:
        # Of two corrections at once the second has to see the first, whose wallet is another one.
        await tx.assignments.lock()
        require(await afresh_in(tx, actor), ADJUST)
        owner = (await resolve_in(tx, command.account_id)).id
        check_not_own(actor, owner)
        measure = Fraction(abs(command.tokens) + await moved_lately_in(tx, actor, owner, at))
        rule = needs_second_person("tokens.adjust", measure)
        if rule is not None:
            # The rule itself says no before anybody is asked to approve what cannot be.
            await _check_possible_in(tx, owner, command, at, ids)
            change = Change("tokens.adjust", str(command.account_id), None, command, correlation_id)
            return await wait_in(tx, actor, rule, change, measure, command.reason, at, ids)
        ref = f"{actor.name}:{command.idempotency_key}"
        return await carry_out_adjustment_in(tx, actor, command, ref, correlation_id, at, ids)

    request = request_key(f"tokens.adjust:{actor.name}", command.idempotency_key, command)
    return await once(
        uow,
        request,
        clock,
        work,
        encode=canonical_bytes,
        decode=entry_or_awaiting,
        lock=lambda tx: lock_wallet_in(tx, command.account_id),
    )


async def foresee_adjustment(
    actor: Actor, command: AdjustLot, *, uow: UnitOfWork[StaffTx], clock: Clock, ids: IdSource
) -> AdjustmentForeseen:
    """Return what an adjustment would come to now; nothing is kept, and the reason is not asked yet.

    Raises:
        As `adjust_lot`.
    """
    require(actor, ADJUST)
    check_change(command.tokens)

    async def work(tx: StaffTx) -> AdjustmentForeseen:
        require(await afresh_in(tx, actor), ADJUST)
        owner, at = await lock_wallet_in(tx, command.account_id), clock.now()
        check_not_own(actor, owner)
        measure = Fraction(abs(command.tokens) + await moved_lately_in(tx, actor, owner, at))
        needs = needs_second_person("tokens.adjust", measure) is not None
        wanted = _wanted(evolve(command, reason="foreseen"), owner, actor.name, "foreseen")
        unwrap((await adjust_in(tx, [wanted], at, ids))[0])
        wallet = (await tx.wallets.load([owner]))[owner]
        left = sum(item.remaining for item in wallet.lots if item.lot.id == command.lot_id)
        return AdjustmentForeseen(left - command.tokens, left, needs)

    return await foreseen(uow, work)


async def carry_out_adjustment_in(
    tx: StaffTx,
    actor: Actor,
    command: AdjustLot,
    ref: str,
    correlation_id: str,
    at: datetime,
    ids: IdSource,
    **approved: str,
) -> EntryId:
    """Adjust the lot once for `ref` and record it; `approved` says which request of whom it comes from."""
    owner = await lock_wallet_in(tx, command.account_id)
    check_not_own(actor, owner)
    by = approved.get("requested_by", actor.name)
    wanted = _wanted(command, owner, by, own_key("tokens.adjust", ref))
    entry = unwrap((await adjust_in(tx, [wanted], at, ids))[0])
    corrected = (await tx.entries.get([command.entry_id]))[command.entry_id]
    after = {"entry": corrected.sequence, "tokens": command.tokens, "reason": command.reason, **approved}
    await record_in(tx, actor, Change("tokens.adjust", str(owner), None, after, correlation_id), at)
    return entry.id


def adjustment_from_plain(stored: Mapping[str, Any]) -> AdjustLot:
    """Return the command of a request, as its canonical JSON holds it."""
    return AdjustLot(
        AccountId(UUID(stored["account_id"])),
        EntryId(UUID(stored["entry_id"])),
        LotId(UUID(stored["lot_id"])),
        stored["tokens"],
        stored["reason"],
        stored["idempotency_key"],
    )


async def _reverse_in(
    tx: StaffTx, actor: Actor, command: ReverseEarning, at: datetime, ids: IdSource
) -> tuple[ReversedEarning, Change]:
    """Reverse inside a transaction that holds the wallet; return what to record, too."""
    require(await afresh_in(tx, actor), REVERSE)
    owner = (await resolve_in(tx, command.account_id)).id
    check_not_own(actor, owner)
    ref = f"{actor.name}:{command.idempotency_key}"
    wanted = ReverseTokens(owner, command.entry_id, WITHDRAWAL, ref, own_key(WITHDRAWAL, ref))
    entry = unwrap((await reverse_in(tx, [wanted], at, ids))[0])
    earned = (await tx.entries.get([command.entry_id]))[command.entry_id]
    done = ReversedEarning(entry.id, -_sum(entry, WALLET), -_sum(entry, ADJUSTED))
    after = {
        "entry": earned.sequence,
        "source": earned.source,
        "taken": done.taken,
        "uncollectable": done.uncollectable,
        "reason": command.reason,
    }
    return done, Change("tokens.reverse", str(owner), None, after)


async def _check_possible_in(
    tx: StaffTx, owner: AccountId, command: AdjustLot, at: datetime, ids: IdSource
) -> None:
    """Decide an adjustment by the ledger's own rule, and write nothing."""
    corrected = (await tx.entries.get([command.entry_id])).get(command.entry_id)
    if corrected is None or (await resolve_in(tx, corrected.account_id)).id != owner:
        raise EntryNotFound(command.entry_id)
    holder, lot = (await tx.entries.lots([command.lot_id])).get(command.lot_id, (None, None))
    if lot is None or holder != owner:
        raise LotNotFound(command.lot_id)
    wallet = (await tx.wallets.load([owner]))[owner]
    over = lapse(wallet, at)
    versions = await tx.token_values.in_force(at)
    wanted = _wanted(command, owner, "nobody", command.idempotency_key)
    new = NewIds(EntryId(ids.uuid7()))
    adjust(over[-1].wallet if over else wallet, lot, corrected, wanted, versions, at, new)


def _wanted(command: AdjustLot, owner: AccountId, by: str, key: str) -> AdjustTokens:
    return AdjustTokens(owner, command.entry_id, command.lot_id, command.tokens, command.reason, by, key)


def check_change(tokens: Any) -> int:
    """Return a number of tokens to give, or below zero to take.

    Raises:
        BadTokenAmount: it is none.
    """
    if isinstance(tokens, bool) or not isinstance(tokens, int):
        raise BadTokenAmount(tokens)
    check_amount(abs(tokens))
    return tokens


def _sum(entry: Entry, account: str) -> int:
    return sum(item.amount for item in entry.postings if item.account == account)


def _reversed(raw: bytes) -> ReversedEarning:
    stored = json.loads(raw)
    return ReversedEarning(EntryId(UUID(stored["entry_id"])), stored["taken"], stored["uncollectable"])
