"""A wallet from its entries alone: what each entry makes of the wallet before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from buddy_core.kernel.ids import AccountId, LotId
from buddy_core.tokens.errors import NotReplayable
from buddy_core.tokens.model import WALLET, Entry, HeldLot, Lot, OpenHold, OpenLot, Wallet

_NO_LOTS: Mapping[LotId, Lot] = {}


def replay(account: AccountId, entries: Iterable[Entry]) -> Wallet:
    """Return the wallet of `account` after `entries`, the first ever first: what a store has to hold.

    Raises:
        NotReplayable: an entry does not follow from those before it.
    """
    wallet = Wallet(account)
    known: dict[LotId, Lot] = {}
    for entry in entries:
        wallet = apply(wallet, entry, known)
        known.update((lot.id, lot) for lot in entry.lots)
    return wallet


def apply(wallet: Wallet, entry: Entry, known: Mapping[LotId, Lot] = _NO_LOTS) -> Wallet:
    """Return the wallet after `entry`, its lots and holds in order of their ids.

    A wallet forgets the lots that are used up. An entry that gives something back to
    one (a refund, an adjustment) finds it in `known`.

    Raises:
        NotReplayable: it is another account's, does not follow from the wallet's head,
            names a lot that is not known, takes more than a lot has, or ends no open hold.
    """
    _check_follows(wallet, entry)
    lots = {item.lot.id: item.lot for item in wallet.lots}
    left = {item.lot.id: item.remaining for item in wallet.lots}
    for lot in entry.lots:
        lots[lot.id] = lot
    for hold in wallet.holds:
        for held in hold.lots:
            lots[held.lot.id] = held.lot
    for posting in entry.postings:
        if posting.account != WALLET:
            continue
        lot_id = posting.lot_id
        if lot_id is not None and lot_id not in lots and lot_id in known:
            lots[lot_id] = known[lot_id]
        if lot_id is None or lot_id not in lots:
            raise NotReplayable(entry.sequence, f"it names a lot ({lot_id}) that no entry before it opened")
        left[lot_id] = left.get(lot_id, 0) + posting.amount
    for lot_id, amount in left.items():
        if amount < 0:
            raise NotReplayable(entry.sequence, f"it takes {-amount} more from lot {lot_id} than there is")
    after = [OpenLot(lots[lot_id], amount) for lot_id, amount in left.items() if amount]
    after.sort(key=lambda item: item.lot.id)
    return wallet.after(entry, tuple(after), _holds(wallet, entry, lots))


def _check_follows(wallet: Wallet, entry: Entry) -> None:
    if entry.account_id != wallet.account_id:
        raise NotReplayable(entry.sequence, "it is another account's")
    if entry.sequence != wallet.sequence + 1:
        raise NotReplayable(entry.sequence, f"the wallet stands at {wallet.sequence}")
    if entry.previous_hash != wallet.head:
        raise NotReplayable(entry.sequence, "the entry before it has another hash")


def _holds(wallet: Wallet, entry: Entry, lots: Mapping[LotId, Lot]) -> tuple[OpenHold, ...]:
    """Return the holds that are open after `entry`: one it ends goes, one it makes comes."""
    if entry.hold_id is not None and all(item.id != entry.hold_id for item in wallet.holds):
        raise NotReplayable(entry.sequence, "it ends a hold that is not open")
    still = [item for item in wallet.holds if item.id != entry.hold_id]
    for made in entry.holds:
        kept = tuple(
            HeldLot(lots[posting.lot_id], -posting.amount, posting.version)
            for posting in entry.postings
            if posting.lot_id is not None
        )
        still.append(OpenHold(made, kept))
    return tuple(sorted(still, key=lambda item: item.id))
