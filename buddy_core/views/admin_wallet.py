"""A wallet as staff see it before they change something: its entries, and what may be done about each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from attrs import frozen

from buddy_core.access import Change, record_in, require
from buddy_core.accounts import resolve_in
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.ids import AccountId, EntryId, LotId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.tokens import (
    WALLET,
    Entry,
    Operation,
    StatementPlace,
    TokenKind,
    Wallet,
    is_expired,
    is_spent,
)
from buddy_core.views.admin_names import NamesTx, names_in, without_ids
from buddy_core.views.errors import WalletEntryNotFound
from buddy_core.views.ledger import LOOK, LedgerTx, Look
from buddy_core.views.wallet_lines import LedgerLine, ledger_page_in

Act = Literal["refund", "reverse", "adjust"]
_REFERENCE = re.compile(r"([0-9]{1,10})(?:-([0-9a-f]{8}))?", re.ASCII)
_PAGE = 500
"""How many entries one step back reads, where an entry or a freeze is looked for."""
_BRINGS_IN = (Operation.EARN, Operation.PURCHASE)


class AdminWalletTx(LedgerTx, NamesTx, Protocol):
    """What the wallet that staff see reads."""


@frozen
class LotNow:
    """A lot that an entry touched, as it is now; `place` is its place among the entry's lots, from 1."""

    place: int
    lot_id: LotId
    kind: str
    remaining: int
    expires_at: datetime | None
    is_over: bool


@frozen
class StaffLine:
    """A line of the wallet, and what staff may do about it as things stand."""

    line: LedgerLine
    acts: tuple[Act, ...] = ()


@frozen
class FrozenSince:
    """Who froze a wallet, when and why."""

    at: datetime
    by: str
    reason: str


@frozen
class StaffWallet:
    """Lines of a wallet, newest first; `older` is where those before them begin.

    `through` is the entry by which a guest's wallet came along: then it is that one's lines.
    """

    lines: tuple[StaffLine, ...]
    older: StatementPlace | None
    is_frozen: bool
    frozen: FrozenSince | None = None
    through: str | None = None


@frozen
class EntryFound:
    """One entry, for an act upon it."""

    account_id: AccountId
    """Whose tokens they are now."""
    entry_id: EntryId
    line: StaffLine
    lots: tuple[LotNow, ...]

    def lot(self, place: int) -> LotNow | None:
        """Return the lot at a place, or None."""
        return next((item for item in self.lots if item.place == place), None)


async def staff_wallet(
    look: Look,
    account_id: AccountId,
    through: str | None = None,
    place: StatementPlace | None = None,
    limit: int = 20,
    *,
    uow: UnitOfWork[AdminWalletTx],
    clock: Clock,
) -> StaffWallet:
    """Return a page of a wallet, or of a guest's that came along `through` an entry; looking is recorded.

    Raises:
        NotPermitted, AccountNotFound.
        WalletEntryNotFound: no wallet came along through such an entry.
        BadStatementPlace: no page of this wallet ended there.
    """
    require(look.actor, "user:read")

    async def work(tx: AdminWalletTx) -> StaffWallet:
        owner = (await resolve_in(tx, account_id)).id
        shown = owner if through is None else await _came_from_in(tx, owner, through)
        told = {"read": "statement", **({} if through is None else {"through": through})}
        await record_in(
            tx, look.actor, Change(LOOK, str(owner), None, told, look.correlation_id), clock.now()
        )
        page = await ledger_page_in(tx, shown, place, limit)
        entries = await tx.entries.of_account(
            shown, before=page.lines[0].number + 1 if page.lines else 1, limit=len(page.lines) or 1
        )
        acts = await _acts_in(tx, entries, owner)
        wallet = (await tx.wallets.load([owner]))[owner]
        return StaffWallet(
            tuple(StaffLine(line, acts.get(line.number, ())) for line in page.lines),
            page.next,
            wallet.is_frozen,
            await _frozen_in(tx, wallet) if wallet.is_frozen and through is None else None,
            through,
        )

    return await retried(uow, work)


async def find_wallet_entry(
    look: Look,
    account_id: AccountId,
    reference: str,
    permission: str,
    *,
    is_recorded: bool = False,
    uow: UnitOfWork[AdminWalletTx],
    clock: Clock,
) -> EntryFound:
    """Return the entry that `7` or `7-1a2b3c4d` names, for whoever has the permission for an act upon it.

    The longer form is what the owner reads in the wallet; it finds what a guest did
    before they joined, too. `is_recorded`: it is shown, and the act is still to come.

    Raises:
        NotPermitted, SecondFactorNeeded, AccountNotFound.
        WalletEntryNotFound: nothing in these wallets is called so.
    """
    require(look.actor, permission)

    async def work(tx: AdminWalletTx) -> EntryFound:
        owner = (await resolve_in(tx, account_id)).id
        entry = await _named_in(tx, owner, reference)
        if is_recorded:
            told = {"read": "entry", "entry": entry.sequence}
            change = Change(LOOK, str(owner), None, told, look.correlation_id)
            await record_in(tx, look.actor, change, clock.now())
        page = await ledger_page_in(tx, entry.account_id, _only(entry), 1)
        acts = await _acts_in(tx, [entry], owner)
        lots = await _lots_in(tx, entry, owner, clock.now())
        return EntryFound(owner, entry.id, StaffLine(page.lines[0], acts[entry.sequence]), lots)

    return await retried(uow, work)


def _only(entry: Entry) -> StatementPlace:
    """Return a place just above an entry; what else was in the lots then is not asked about."""
    moved: Counter[TokenKind] = Counter()
    for item in entry.postings:
        if item.account == WALLET:
            moved[item.kind] += item.amount
    return StatementPlace(entry.sequence + 1, {kind: max(0, amount) for kind, amount in moved.items()})


async def _acts_in(
    tx: AdminWalletTx, entries: Sequence[Entry], owner: AccountId
) -> Mapping[int, tuple[Act, ...]]:
    corrections: dict[EntryId, list[Entry]] = {entry.id: [] for entry in entries}
    for found in await tx.entries.correcting(sorted(corrections)):
        if found.corrects is not None:
            corrections[found.corrects].append(found)
    return {entry.sequence: _acts(entry, corrections[entry.id], owner) for entry in entries}


def _acts(entry: Entry, corrections: Sequence[Entry], owner: AccountId) -> tuple[Act, ...]:
    """Return what may be done about an entry; the ledger's rules have the last word."""
    acts: list[Act] = []
    refunds = [item for item in corrections if item.operation is Operation.REFUND]
    if entry.operation in (Operation.SPEND, Operation.POST) and sum(map(_collected, (entry, *refunds))) > 0:
        acts.append("refund")
    if entry.operation in _BRINGS_IN and all(item.operation is not Operation.REVERSE for item in corrections):
        acts.append("reverse")
    if entry.account_id == owner and any(item.lot_id is not None for item in entry.postings):
        acts.append("adjust")
    return tuple(acts)


def _collected(entry: Entry) -> int:
    return sum(item.amount for item in entry.postings if is_spent(item.account))


async def _lots_in(tx: AdminWalletTx, entry: Entry, owner: AccountId, at: datetime) -> tuple[LotNow, ...]:
    """Return the lots that an entry touched, in its order, if they are the owner's."""
    touched = list(dict.fromkeys(item.lot_id for item in entry.postings if item.lot_id is not None))
    lots = await tx.entries.lots(touched)
    left = {item.lot.id: item.remaining for item in (await tx.wallets.load([owner]))[owner].lots}
    return tuple(
        LotNow(place, lot_id, lot.kind, left.get(lot_id, 0), lot.expires_at, is_expired(lot, at))
        for place, lot_id in enumerate(touched, start=1)
        for holder, lot in [lots[lot_id]]
        if holder == owner
    )


async def _named_in(tx: AdminWalletTx, owner: AccountId, reference: str) -> Entry:
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise WalletEntryNotFound(reference)
    number, digits = int(found[1]), found[2]
    todo = [owner]
    for account in todo:
        entries = await tx.entries.of_account(account, before=number + 1, limit=1)
        is_it = entries and entries[0].sequence == number
        if is_it and entries[0].hash.hex().startswith(digits or ""):
            return entries[0]
        if digits is not None:
            # A guest's wallet has the same numbers: only what the hash begins with tells them apart.
            todo += [source for source in await _sources_in(tx, account) if source not in todo]
    raise WalletEntryNotFound(reference)


async def _sources_in(tx: AdminWalletTx, account: AccountId) -> list[AccountId]:
    """Return the accounts whose wallets came into this one."""
    sources: list[AccountId] = []
    before: int | None = None
    while entries := await tx.entries.of_account(account, before=before, limit=_PAGE):
        sources += [source for entry in entries if (source := _source(entry)) is not None]
        before = entries[-1].sequence
    return list(dict.fromkeys(sources))


async def _came_from_in(tx: AdminWalletTx, owner: AccountId, through: str) -> AccountId:
    source = _source(await _named_in(tx, owner, through))
    if source is None:
        raise WalletEntryNotFound(through)
    return source


def _source(entry: Entry) -> AccountId | None:
    if entry.operation is Operation.TRANSFER_IN:
        with suppress(ValueError):
            return AccountId(UUID(entry.source_ref))
    return None


async def _frozen_in(tx: AdminWalletTx, wallet: Wallet) -> FrozenSince | None:
    """Return who froze the wallet, if it is among the newest entries or came along with a merge."""
    for entry in await tx.entries.of_account(wallet.account_id, before=None, limit=_PAGE):
        if entry.operation is Operation.FREEZE:
            texts = (entry.source, entry.source_ref)
            names = await names_in(tx, texts)
            by, reason = (without_ids(text, names) for text in texts)
            return FrozenSince(entry.effective_at, by, reason)
    return None
