"""Refund what tokens were spent on: tokens, grant and royalty go back in one commit, or nothing does."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Protocol
from uuid import UUID

from attrs import evolve, frozen

from buddy_core.access import Actor, Change, afresh_in, check_reason, record_in, require
from buddy_core.accounts import resolve_in
from buddy_core.catalog import CatalogTx
from buddy_core.entitlements import EntitlementsTx, end_refunded_in
from buddy_core.flows.foresee import foreseen
from buddy_core.flows.lock_wallet import lock_wallet_in
from buddy_core.flows.sources import SUPPORT_REFUND, UNLOCK
from buddy_core.flows.staff import StaffTx, check_not_own
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import once, request_key
from buddy_core.kernel.ids import AccountId, EntryId, IdSource, TitleId
from buddy_core.kernel.outcomes import unwrap
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.playback import PlaybackTx
from buddy_core.royalty import RoyaltyTx, TokenSpend
from buddy_core.tokens import (
    ADJUSTED,
    EXPIRED,
    Entry,
    EntryNotFound,
    RefundTokens,
    is_spent,
    own_key,
    refund_in,
)

PERMISSION = "tokens:refund"


class RefundTx(StaffTx, EntitlementsTx, RoyaltyTx, PlaybackTx, CatalogTx, Protocol):
    """What a refund needs of a transaction."""


@frozen
class RefundUnlock:
    """Give back all that an entry spent; the account may be that of the guest who spent it."""

    account_id: AccountId
    entry_id: EntryId
    reason: str
    idempotency_key: str


@frozen
class RefundedUnlock:
    """What went back. An unlock that gave way to an older one has no grant to end."""

    entry_id: EntryId
    """The refund's own."""
    title_id: TitleId
    tokens: int
    """Given back to the lots that they came from."""
    expired: int
    """Of these: in lots that had expired meanwhile, and so lost at once."""
    withdrawn: int
    """Of these: in lots whose earning or purchase was taken back, and so taken back at once."""
    grant_ended: bool
    was_played: bool
    """The title was begun after it was unlocked. An unlock is for ever, so that this keeps nobody from it."""


async def refund_unlock(
    actor: Actor,
    command: RefundUnlock,
    *,
    correlation_id: str,
    uow: UnitOfWork[RefundTx],
    clock: Clock,
    ids: IdSource,
) -> RefundedUnlock:
    """Refund a spend whole, once per idempotency key; the title is closed from then on.

    An unlock is one thing: there is no refund of a part. Each holder of the title gives
    back what they got, in the month of the refund. A spend that a host made for something
    else than a title of ours has neither grant nor royalty, and gives its tokens back alone.

    Raises:
        NotPermitted, SecondFactorNeeded, ReasonMissing, IdempotencyMismatch.
        OwnAccount: nobody gives tokens back to themselves.
        AccountNotFound, EntryNotFound: there is no such account, or the entry is another one's.
        NotRefundable, AlreadyRefunded: the entry spent nothing, or nothing of it is left to give back.
    """
    require(actor, PERMISSION)
    command = evolve(command, reason=check_reason(command.reason))

    async def work(tx: RefundTx, at: datetime) -> RefundedUnlock:
        refunded, change = await _refund_in(tx, actor, command, at, ids)
        await record_in(tx, actor, evolve(change, correlation_id=correlation_id), at)
        return refunded

    request = request_key(f"tokens.refund:{actor.name}", command.idempotency_key, command)
    return await once(
        uow,
        request,
        clock,
        work,
        encode=canonical_bytes,
        decode=_from_bytes,
        lock=lambda tx: lock_wallet_in(tx, command.account_id),
    )


async def foresee_refund(
    actor: Actor, command: RefundUnlock, *, uow: UnitOfWork[RefundTx], clock: Clock, ids: IdSource
) -> RefundedUnlock:
    """Return what a refund would come to now; nothing is kept, and the reason is not asked yet.

    Raises:
        As `refund_unlock`.
    """
    require(actor, PERMISSION)

    async def work(tx: RefundTx) -> RefundedUnlock:
        await lock_wallet_in(tx, command.account_id)
        return (await _refund_in(tx, actor, command, clock.now(), ids))[0]

    return await foreseen(uow, work)


async def _refund_in(
    tx: RefundTx, actor: Actor, command: RefundUnlock, at: datetime, ids: IdSource
) -> tuple[RefundedUnlock, Change]:
    """Refund inside a transaction that holds the wallet; return what to record, too."""
    require(await afresh_in(tx, actor), PERMISSION)
    owner = (await resolve_in(tx, command.account_id)).id
    check_not_own(actor, owner)
    spend = (await tx.entries.get([command.entry_id])).get(command.entry_id)
    if spend is None:
        raise EntryNotFound(command.entry_id)
    is_unlock = spend.source == UNLOCK and spend.entity is not None
    if is_unlock and spend.entity is not None:
        await tx.statements.hold_months_open(spend.entity, at)
    ref = f"{actor.name}:{command.idempotency_key}"
    wanted = RefundTokens(owner, spend.id, SUPPORT_REFUND, ref, own_key(SUPPORT_REFUND, ref))
    entry = unwrap((await refund_in(tx, [wanted], at, ids))[0])
    title_id = _title_of(entry)
    ended = []
    if is_unlock:
        await tx.token_spends.add(taken_back(entry, spend.effective_at))
        ended = await end_refunded_in(tx, owner, title_id, spend.id, at, ids)
    position = (await tx.positions.of_account(owner, [title_id])).get(title_id)
    refunded = RefundedUnlock(
        entry_id=entry.id,
        title_id=title_id,
        tokens=given_back(entry),
        expired=_on(entry, EXPIRED),
        withdrawn=_on(entry, ADJUSTED),
        grant_ended=bool(ended),
        was_played=position is not None and position.at >= spend.effective_at,
    )
    title = (await tx.titles.get([title_id])).get(title_id)
    after = {
        "entry": spend.sequence,
        "title": f"{title.type}/{title.short_id}" if title else None,
        "tokens": refunded.tokens,
        "expired": refunded.expired,
        "withdrawn": refunded.withdrawn,
        "grant_ended": refunded.grant_ended,
        "reason": command.reason,
    }
    return refunded, Change("tokens.refund", str(owner), None, after)


def taken_back(refund: Entry, spent_at: datetime) -> list[TokenSpend]:
    """Return the royalty facts of a refunded unlock: the stamp of the spend, tokens and value below zero."""
    assert refund.entity is not None, "a refund says who had sold"
    assert refund.country is not None, "a refund says where it was sold"
    facts = []
    for posting in refund.postings:
        if is_spent(posting.account):
            assert posting.currency is not None, "what a title gives back is valued"
            assert posting.value is not None, "in a currency"
            facts.append(
                TokenSpend(
                    entry_id=refund.id,
                    kind=posting.kind,
                    tokens=posting.amount,
                    version=posting.version,
                    currency=posting.currency,
                    value=posting.value,
                    title_id=_title_of(refund),
                    entity=refund.entity,
                    country=refund.country,
                    at=refund.effective_at,
                    spent_at=spent_at,
                )
            )
    return facts


def _title_of(refund: Entry) -> TitleId:
    account = next(item.account for item in refund.postings if is_spent(item.account))
    return TitleId(UUID(account.partition(":")[2]))


def given_back(refund: Entry) -> int:
    """Return how many tokens a refund gave back, those in lots that were over among them."""
    return -sum(item.amount for item in refund.postings if is_spent(item.account))


def _on(refund: Entry, account: str) -> int:
    return sum(item.amount for item in refund.postings if item.account == account)


def _from_bytes(raw: bytes) -> RefundedUnlock:
    stored = json.loads(raw)
    return RefundedUnlock(
        EntryId(UUID(stored["entry_id"])),
        TitleId(UUID(stored["title_id"])),
        stored["tokens"],
        stored["expired"],
        # An answer that was kept before this was counted has none.
        stored.get("withdrawn", 0),
        stored["grant_ended"],
        stored["was_played"],
    )
