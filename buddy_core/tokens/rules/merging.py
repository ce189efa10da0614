"""Two wallets become one: paired transfers, and the cap on what a guest had earned (C23)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from attrs import evolve, frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.ids import AccountId, EntryId, LotId, derived_uuid
from buddy_core.tokens.commands import MergeWallets
from buddy_core.tokens.model import (
    EXPIRED,
    TRANSFERRED,
    Entry,
    Lot,
    OpenLot,
    Operation,
    Posting,
    Wallet,
)
from buddy_core.tokens.rules.drawing import Draw, is_expired, reduced
from buddy_core.tokens.rules.holding import release
from buddy_core.tokens.rules.posting import Because, Posted, moves, next_entry, numbers
from buddy_core.tokens.rules.valuing import Versions


@frozen
class Merged:
    """Both wallets after a merge, the entries in the order to append, and the totals moved."""

    source: Wallet
    target: Wallet
    entries: tuple[Entry, ...]
    transferred: int
    expired_by_cap: int


def merge(
    source: Wallet, target: Wallet, command: MergeWallets, versions: Versions, at: datetime, entry_id: EntryId
) -> Merged:
    """Move every lot of `source` to `target`, then expire what exceeds the guest cap (C23).

    Holds of the source are voided first, so that what they set aside moves as well;
    whoever had asked for them holds the tokens again, in the target.
    A moved lot keeps origin, expiry, priority, cost share and guest mark; its new
    id follows from origin and target, so that any order of merges ends the same.
    What had expired unswept is written off first. The cap counts the units left
    in guest-marked lots of the target, keeps the latest expiry first, then the
    smaller origin id. A freeze travels along, so that merging is no way around it.

    Raises:
        InvalidValue: the command names other accounts than those of the wallets.
    """
    at = utc(at)
    for name, wallet in (("from_account", source), ("to_account", target)):
        if getattr(command, name) != wallet.account_id:
            raise InvalidValue(name, "names another account than that of the wallet given")
    entries: list[Entry] = []

    def post(wallet: Wallet, step: str, *args: Any, **kw: Any) -> Wallet:
        made = _merge_entry(wallet, EntryId(derived_uuid(entry_id, step)), command, at, *args, **kw)
        entries.append(made.entry)
        return made.wallet

    for ended in release(source, source.holds, "merge", "merge", at):
        source = ended.wallet
        entries.append(ended.entry)
    stale = [Draw(item.lot, item.remaining) for item in source.lots if is_expired(item.lot, at)]
    if stale:
        source = post(source, "stale", Operation.EXPIRE, _moved(stale, EXPIRED, versions), drawn=stale)
    moved = [Draw(item.lot, item.remaining) for item in source.lots]
    arrivals = [_arrived(draw, target.account_id) for draw in moved]
    source = post(source, "out", Operation.TRANSFER_OUT, _moved(moved, TRANSFERRED, versions), drawn=moved)
    target = post(
        target,
        "in",
        Operation.TRANSFER_IN,
        _moved([Draw(lot, -lot.amount) for lot in arrivals], TRANSFERRED, versions),
        opened=arrivals,
    )
    excess = _beyond_cap(target, command.guest_cap, at)
    if excess:
        target = post(target, "cap", Operation.EXPIRE, _moved(excess, EXPIRED, versions), drawn=excess)
    if source.is_frozen and not target.is_frozen:
        target = post(target, "freeze", Operation.FREEZE, ())
    return Merged(
        source,
        target,
        tuple(entries),
        transferred=sum(draw.amount for draw in moved),
        expired_by_cap=sum(draw.amount for draw in excess),
    )


def _merge_entry(
    wallet: Wallet,
    entry_id: EntryId,
    command: MergeWallets,
    at: datetime,
    operation: Operation,
    postings: tuple[Posting, ...],
    *,
    drawn: Sequence[Draw] = (),
    opened: Sequence[Lot] = (),
) -> Posted:
    other = command.to_account if wallet.account_id == command.from_account else command.from_account
    cause = Because(command.idempotency_key, "merge", str(other))
    entry = next_entry(wallet, operation, cause, at, entry_id, postings, lots=tuple(opened))
    lots = (*reduced(wallet.lots, drawn), *(OpenLot(lot, lot.amount) for lot in opened))
    return Posted(wallet.after(entry, lots), entry)


def _moved(draws: Sequence[Draw], account: str, versions: Versions) -> tuple[Posting, ...]:
    return moves(draws, account, numbers(draws, versions))


def moved_id(lot: Lot, owner: AccountId) -> LotId:
    """Return the id that a lot has after a merge: it follows from its origin and the new owner."""
    return derived_lot_id(lot.origin_id, owner)


def derived_lot_id(origin_id: LotId, owner: AccountId) -> LotId:
    """Return the same for a lot of which only the origin is known."""
    return LotId(derived_uuid("lot", origin_id, owner))


def cost_share(lot: Lot, amount: int) -> int | None:
    """Return what `amount` tokens of a lot cost, rounded down; None where nobody bought them."""
    return None if lot.cost_minor is None else lot.cost_minor * amount // lot.amount


def _arrived(draw: Draw, target: AccountId) -> Lot:
    """Return the lot that `draw` becomes in the target."""
    lot = draw.lot
    return evolve(lot, id=moved_id(lot, target), amount=draw.amount, cost_minor=cost_share(lot, draw.amount))


def _beyond_cap(wallet: Wallet, cap: int, at: datetime) -> list[Draw]:
    marked = [item for item in wallet.lots if item.lot.earned_as_guest and not is_expired(item.lot, at)]

    marked.sort(key=lambda item: item.lot.origin_id)
    marked.sort(key=lambda item: (item.lot.expires_at is None, item.lot.expires_at or at), reverse=True)
    held = [part for item in wallet.holds for part in item.lots if part.lot.earned_as_guest]
    # What is set aside comes back, or is spent; it has its place under the cap.
    draws, room = [], max(0, cap - sum(part.amount for part in held))
    for item in marked:
        kept = min(room, item.remaining)
        room -= kept
        if kept < item.remaining:
            draws.append(Draw(item.lot, item.remaining - kept))
    return draws
