"""Re-derive a wallet from its entries and name every row that is not what it must be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from buddy_core.kernel.canonical import GENESIS
from buddy_core.kernel.ids import AccountId, LotId
from buddy_core.kernel.proof import Fault
from buddy_core.tokens.model import WALLET, Entry, Operation, ValueVersion
from buddy_core.tokens.ports import AccountBooks
from buddy_core.tokens.rules.valuing import version_at

ENTRIES = "token_entries"
WALLETS = "token_wallets"
BALANCES = "token_lot_balances"
VERSIONS = "token_value_versions"


def check_books(books: AccountBooks, versions: Sequence[ValueVersion]) -> list[Fault]:
    """Return what is wrong with one account's books, given value versions that were checked themselves."""
    faults = list(books.unreadable)
    faults += _check_chain(books)
    for entry in books.entries:
        faults += _check_entry(entry, versions)
    return faults + _check_state(books)


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
    for posting in entry.postings:
        sums[posting.kind] += posting.amount
        version = version_at((item for item in versions if item.kind == posting.kind), entry.effective_at)
        if version is None or version.version != posting.version:
            faults.append(Fault("token_postings", row, "its value version was not in force"))
        elif posting.value is not None and posting.value != posting.amount * version.values.get(
            posting.currency or "", 0
        ):
            faults.append(Fault("token_postings", row, "its value is not that of its value version"))
    if any(sums.values()):
        faults.append(Fault("token_postings", row, "do not sum to zero"))
    return faults


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
    return faults


def _row(account: AccountId, entry: Entry) -> str:
    return f"{entry.id} (account {account}, sequence {entry.sequence})"
