"""Re-derive a wallet from its entries and name every row that is not what it must be."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from buddy_core.kernel.canonical import GENESIS
from buddy_core.kernel.ids import AccountId, EntryId, HoldId, LotId
from buddy_core.kernel.proof import Fault
from buddy_core.tokens.model import (
    ADJUSTED,
    EXPIRED,
    HELD,
    ISSUED,
    SOLD,
    TRANSFERRED,
    WALLET,
    Entry,
    Lot,
    Operation,
    Posting,
    ValueVersion,
    is_spent,
)
from buddy_core.tokens.ports import AccountBooks
from buddy_core.tokens.rules.correcting import given_back, uncollectable
from buddy_core.tokens.rules.drawing import is_expired, is_live
from buddy_core.tokens.rules.merging import derived_lot_id
from buddy_core.tokens.rules.valuing import version_at

ENTRIES = "token_entries"
WALLETS = "token_wallets"
BALANCES = "token_lot_balances"
VERSIONS = "token_value_versions"
POSTINGS = "token_postings"
OPEN_HOLDS = "token_open_holds"

_SPENT = "spent"
_ACCOUNTS: Mapping[Operation, frozenset[str]] = {
    Operation.EARN: frozenset({WALLET, ISSUED}),
    Operation.PURCHASE: frozenset({WALLET, SOLD}),
    Operation.SPEND: frozenset({WALLET, _SPENT}),
    Operation.EXPIRE: frozenset({WALLET, EXPIRED}),
    Operation.REFUND: frozenset({WALLET, _SPENT, EXPIRED, ADJUSTED}),
    Operation.REVERSE: frozenset({WALLET, ISSUED, SOLD, ADJUSTED}),
    Operation.TRANSFER_OUT: frozenset({WALLET, TRANSFERRED}),
    Operation.TRANSFER_IN: frozenset({WALLET, TRANSFERRED}),
    Operation.ADJUST: frozenset({WALLET, ADJUSTED}),
    Operation.HOLD: frozenset({WALLET, HELD}),
    Operation.POST: frozenset({WALLET, HELD, _SPENT, EXPIRED}),
    Operation.VOID: frozenset({WALLET, HELD, EXPIRED}),
    Operation.FREEZE: frozenset(),
    Operation.UNFREEZE: frozenset(),
}
"""The accounts that an entry of each operation may move tokens on."""
_MIRRORING = (Operation.VOID, Operation.REFUND)
"""Operations whose postings name the versions of what they take back, not those in force."""


def check_books(books: AccountBooks, versions: Sequence[ValueVersion]) -> list[Fault]:
    """Return what is wrong with one account's books, given value versions that were checked themselves."""
    faults = list(books.unreadable)
    faults += _check_chain(books)
    for entry in books.entries:
        faults += _check_entry(entry, versions)
    faults += _check_lives(books)
    faults += _check_holds(books)
    return faults + _check_state(books)


def check_corrections(originals: Mapping[EntryId, Entry], corrections: Iterable[Entry]) -> list[Fault]:
    """Return what is wrong with entries that correct others, of whichever wallets.

    `originals` holds what they correct; a guest's spend may be given back to the
    member that the guest became, so this cannot be seen in the books of one account.
    """
    faults: list[Fault] = []
    of_entry: defaultdict[EntryId, list[Entry]] = defaultdict(list)
    for entry in corrections:
        if entry.corrects is not None:
            of_entry[entry.corrects].append(entry)
    lacking = {
        lot.origin_id: sum(map(uncollectable, found))
        for corrected, corrections_of in of_entry.items()
        if corrected in originals
        and (found := [entry for entry in corrections_of if entry.operation is Operation.REVERSE])
        for lot in originals[corrected].lots
    }
    for corrected, found in of_entry.items():
        original = originals.get(corrected)
        row = _row(found[0].account_id, found[0])
        if original is None:
            faults.append(Fault(ENTRIES, row, "corrects an entry that is missing"))
            continue
        faults += [
            Fault(ENTRIES, _row(entry.account_id, entry), problem)
            for entry in found
            if (problem := _wrong_correction(original, entry) or _wrong_withdrawal(entry, lacking))
        ]
        spent = sum(posting.amount for posting in original.postings if is_spent(posting.account))
        if given_back(found) > spent:
            faults.append(Fault(ENTRIES, row, "inserted: more is given back than was spent"))
        if sum(entry.operation is Operation.REVERSE for entry in found) > 1:
            faults.append(Fault(ENTRIES, row, "inserted: an entry is reversed twice"))
    return faults


def _wrong_correction(original: Entry, entry: Entry) -> str:
    if entry.operation is Operation.REFUND:
        if original.operation not in (Operation.SPEND, Operation.POST):
            return "gives back what no entry spent"
        stamps = {_stamp(posting) for posting in original.postings if is_spent(posting.account)}
        if not {_stamp(posting) for posting in entry.postings if is_spent(posting.account)} <= stamps:
            return "its stamp is not that of the spend"
    if entry.operation is Operation.REVERSE:
        if original.operation not in (Operation.EARN, Operation.PURCHASE):
            return "takes back what no entry brought in"
        came = {(item.account, item.kind, -item.amount) for item in original.postings if _is_system(item)}
        if came != {(item.account, item.kind, item.amount) for item in entry.postings if _is_system(item)}:
            return "takes back something else than came in"
    return ""


def _wrong_withdrawal(entry: Entry, lacking: dict[LotId, int]) -> str:
    """Say what is wrong with what a refund took again at once, and take it off what was `lacking`.

    Only a withdrawn lot loses what comes back to it, and all refunds together no more than was uncollectable.
    """
    taken = [item for item in entry.postings if item.account == ADJUSTED]
    if entry.operation is not Operation.REFUND or not taken:
        return ""
    # A lot that a merge moved has an id that follows from the first one and the owner.
    origins = {derived_lot_id(lot_id, entry.account_id): lot_id for lot_id in lacking}
    origins |= {lot_id: lot_id for lot_id in lacking}
    for item in taken:
        other = Posting(WALLET, item.lot_id, item.kind, -item.amount, item.version)
        if item.amount < 1 or other not in entry.postings:
            return "what it takes back at once does not leave the lot"
        origin = None if item.lot_id is None else origins.get(item.lot_id)
        if origin is None:
            return "takes back at once what was not withdrawn"
        lacking[origin] -= item.amount
        if lacking[origin] < 0:
            return "takes back at once more than was uncollectable"
    return ""


def _is_system(posting: Posting) -> bool:
    return posting.account in (ISSUED, SOLD)


def _stamp(posting: Posting) -> tuple[object, ...]:
    worth = None if posting.value is None else posting.value / posting.amount
    return posting.account, posting.kind, posting.version, posting.currency, worth


def check_versions(versions: Sequence[ValueVersion], hashes: Sequence[bytes]) -> list[Fault]:
    """Return what is wrong with the value versions, given by kind and number with their stored hashes."""
    faults: list[Fault] = []
    last: dict[str, ValueVersion] = {}
    for version, stored in zip(versions, hashes, strict=True):
        row = f"{version.kind} version {version.version}"
        before = last.get(version.kind)
        if version.version != (before.version + 1 if before else 1):
            faults.append(Fault(VERSIONS, row, "a version before it is missing"))
        elif version.previous_hash != (before.hash if before else GENESIS):
            faults.append(Fault(VERSIONS, row, "altered: it does not follow from the version before"))
        if version.hash != stored:
            faults.append(Fault(VERSIONS, row, "altered: its hash is not that of its columns"))
        if before and version.effective_from <= before.effective_from:
            faults.append(Fault(VERSIONS, row, "altered: it takes effect before the version before it"))
        last[version.kind] = version
    return faults


def _check_chain(books: AccountBooks) -> list[Fault]:
    faults: list[Fault] = []
    sequence, head = 0, GENESIS
    for entry, stored in zip(books.entries, books.hashes, strict=True):
        row = _row(books.account_id, entry)
        if entry.sequence != sequence + 1:
            faults.append(Fault(ENTRIES, row, f"missing or inserted: it comes after {sequence}"))
        elif entry.previous_hash != head:
            faults.append(Fault(ENTRIES, row, "altered: it does not follow from the entry before"))
        if entry.hash != stored:
            faults.append(Fault(ENTRIES, row, "altered: its hash is not that of its rows"))
        sequence, head = entry.sequence, stored
    wallet = books.stored
    if wallet is None:
        return [*faults, Fault(WALLETS, str(books.account_id), "missing")]
    if (wallet.sequence, wallet.head) != (sequence, head):
        faults.append(
            Fault(WALLETS, str(books.account_id), "altered, or its last entries are missing or inserted")
        )
    return faults


def _check_entry(entry: Entry, versions: Sequence[ValueVersion]) -> list[Fault]:
    faults: list[Fault] = []
    row = _row(entry.account_id, entry)
    sums: Counter[str] = Counter()
    allowed = _ACCOUNTS[entry.operation]
    for posting in entry.postings:
        sums[posting.kind] += posting.amount
        if (_SPENT if is_spent(posting.account) else posting.account) not in allowed:
            faults.append(Fault(POSTINGS, row, f"{entry.operation} moves nothing on {posting.account}"))
        of_kind = [item for item in versions if item.kind == posting.kind]
        version = version_at(of_kind, entry.effective_at)
        if entry.operation in _MIRRORING:
            version = next((item for item in of_kind if item.version == posting.version), None)
        if version is None or version.version != posting.version:
            faults.append(Fault(POSTINGS, row, "its value version was not in force"))
        elif posting.value is not None and posting.value != posting.amount * version.values.get(
            posting.currency or "", 0
        ):
            faults.append(Fault(POSTINGS, row, "its value is not that of its value version"))
    if any(sums.values()):
        faults.append(Fault(POSTINGS, row, "do not sum to zero"))
    return faults


def _check_lives(books: AccountBooks) -> list[Fault]:
    """Nothing is drawn from a lot before its start or after its end, and only what has ended expires."""
    lots = {lot.id: lot for entry in books.entries for lot in entry.lots}
    faults: list[Fault] = []
    for entry in books.entries:
        named = [
            lots[item.lot_id] for item in entry.postings if item.lot_id is not None and item.lot_id in lots
        ]
        if entry.operation in (Operation.SPEND, Operation.HOLD) and not _all_live(named, entry.effective_at):
            faults.append(Fault(POSTINGS, _row(books.account_id, entry), "draws on a lot that was not live"))
        # A merge writes off what exceeds the guest cap, whether its time is over or not.
        if (
            entry.operation is Operation.EXPIRE
            and entry.source != "merge"
            and not all(is_expired(lot, entry.effective_at) for lot in named)
        ):
            faults.append(Fault(POSTINGS, _row(books.account_id, entry), "expires a lot before its time"))
    return faults


def _all_live(lots: Iterable[Lot], at: datetime) -> bool:
    return all(is_live(lot, at) for lot in lots)


def _check_holds(books: AccountBooks) -> list[Fault]:
    """Each hold is opened once and ended at most once, by what gives back exactly what it had drawn."""
    faults: list[Fault] = []
    still: dict[HoldId, datetime] = {}
    drawn: dict[HoldId, Counter[object]] = {}
    for entry in books.entries:
        row = _row(books.account_id, entry)
        if bool(entry.holds) != (entry.operation is Operation.HOLD) or len(entry.holds) > 1:
            faults.append(Fault("token_holds", row, f"{entry.operation} has {len(entry.holds)} holds"))
        held = sum(posting.amount for posting in entry.postings if posting.account == HELD)
        for hold in entry.holds:
            still[hold.id], drawn[hold.id] = hold.expires_at, _moved(entry, -1)
            if held != hold.amount:
                faults.append(Fault("token_holds", row, f"holds {hold.amount}, its postings {held}"))
        if entry.operation not in (Operation.POST, Operation.VOID):
            continue
        if entry.hold_id is None or entry.hold_id not in still:
            faults.append(Fault(ENTRIES, row, "ends a hold that is not open"))
            continue
        ends = still.pop(entry.hold_id)
        if entry.effective_at > ends or (entry.operation is Operation.POST and entry.effective_at == ends):
            faults.append(Fault(ENTRIES, row, "ends a hold that was over"))
        if _moved(entry, 1) != drawn.pop(entry.hold_id):
            faults.append(Fault(POSTINGS, row, "gives back something else than its hold set aside"))
    return faults + [
        Fault(OPEN_HOLDS, str(hold), f"ends {books.open_holds.get(hold)}, by its entries {still.get(hold)}")
        for hold in sorted(still.keys() | books.open_holds.keys())
        if still.get(hold) != books.open_holds.get(hold)
    ]


def _moved(entry: Entry, sign: int) -> Counter[object]:
    """Return what an entry moves into lots (1) or out of them (-1), by lot, and on `held` against it.

    A void names the versions of its hold; those of a post are its own.
    """
    moved: Counter[object] = Counter()
    for posting in entry.postings:
        if posting.account == WALLET and posting.amount * sign > 0:
            moved[posting.lot_id] += posting.amount * sign
        elif posting.account == HELD:
            moved[HELD, posting.kind] += posting.amount * -sign
    return moved


def _check_state(books: AccountBooks) -> list[Fault]:
    left: dict[LotId, int] = {}
    is_frozen = False
    for entry in books.entries:
        for lot in entry.lots:
            left[lot.id] = 0
        for posting in entry.postings:
            if posting.account == WALLET and posting.lot_id is not None:
                left[posting.lot_id] = left.get(posting.lot_id, 0) + posting.amount
        if entry.operation in (Operation.FREEZE, Operation.UNFREEZE):
            is_frozen = entry.operation is Operation.FREEZE
    faults = [
        Fault(BALANCES, str(lot), f"is {books.balances.get(lot)}, its entries give {left.get(lot)}")
        for lot in sorted(left.keys() | books.balances.keys())
        if left.get(lot) != books.balances.get(lot)
    ]
    faults += [Fault(BALANCES, str(lot), "is below zero") for lot, amount in left.items() if amount < 0]
    if books.stored is not None and books.stored.is_frozen != is_frozen:
        faults.append(Fault(WALLETS, str(books.account_id), "altered: frozen is not what its entries say"))
    last = books.entries[-1].recorded_at if books.entries else None
    if books.stored is not None and books.stored.moved_at != last:
        faults.append(Fault(WALLETS, str(books.account_id), "altered: its last move is not its last entry's"))
    return faults


def _row(account: AccountId, entry: Entry) -> str:
    return f"{entry.id} (account {account}, sequence {entry.sequence})"
