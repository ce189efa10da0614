"""The walk over all wallets: a quick look at each, and a slow one where the quick one passes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from attrs import Factory, define, frozen

from buddy_core.kernel.canonical import GENESIS
from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.ids import AccountId
from buddy_core.kernel.proof import Fault
from buddy_core.tokens.model import Entry, entry_from_body
from buddy_core.tokens.ports import Glance, LedgerBooks, Mark
from buddy_core.tokens.proof.books import ENTRIES, WALLETS, check_books, check_versions
from buddy_core.tokens.proof.screening import Screen

_BATCH = 500

Seen = Callable[[AccountId, Sequence[Entry]], None]
"""Is told the entries of each wallet that was read, in order."""


class LedgerBooksTx(Protocol):
    """A transaction in which the ledger can be read as it is stored."""

    @property
    def ledger_books(self) -> LedgerBooks: ...


@frozen
class Checkpoint:
    """Where each wallet stood when a check found nothing wrong; keep it away from the store it speaks of."""

    marks: Mapping[AccountId, Mark]


@define
class LedgerReport:
    """What the walk over the wallets found."""

    wallets: int = 0
    """Wallets that were read; those that stand as the checkpoint has them were not."""
    entries: int = 0
    faults: list[Fault] = Factory(list)
    marks: dict[AccountId, Mark] = Factory(dict)
    """Where each wallet stands now, for the next checkpoint."""


async def check_ledger_in(
    tx: LedgerBooksTx,
    *,
    since: Checkpoint | None = None,
    seen: Seen | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> LedgerReport:
    """Re-derive every wallet from its entries and name each row that is not what it must be.

    With `since`, wallets that have not moved since that checkpoint are passed over. Those
    that have are checked whole, and must still carry the hash that the checkpoint names.
    What belongs to no wallet is looked for only without it.
    """
    versions, hashes, unreadable = await tx.ledger_books.value_versions()
    report = LedgerReport(faults=[*unreadable, *check_versions(versions, hashes)])
    known: Mapping[AccountId, Mark] = {} if since is None else since.marks
    accounts = await tx.ledger_books.accounts()
    if since is not None:
        report.marks = await tx.ledger_books.marks()
        report.faults += _gone(known, report.marks)
        accounts = [item for item in accounts if item not in known or known[item] != report.marks.get(item)]
    screen = Screen(versions)
    async for glances in tx.ledger_books.glances(accounts, _BATCH):
        slow = [item.account for item in glances if not _look(item, screen, known, seen, report)]
        for books in await tx.ledger_books.of_accounts(slow) if slow else ():
            report.entries += len(books.entries)
            report.faults += check_books(books, versions)
            report.faults += _rewritten(books.account_id, books.hashes, known)
            if seen is not None:
                seen(books.account_id, books.entries)
        report.wallets += len(glances)
        progress(report.wallets, len(accounts))
    if since is None:
        report.faults += await tx.ledger_books.strays()
    return report


def _look(
    glance: Glance,
    screen: Screen,
    known: Mapping[AccountId, Mark],
    seen: Seen | None,
    report: LedgerReport,
) -> bool:
    """Tell whether the quick look found an account right; only then it is told of."""
    if glance.stored is not None:
        report.marks[glance.account] = glance.stored[:2]
    read = screen.look(glance)
    if read is None or _rewritten(glance.account, [item[2] for item in glance.entries], known):
        return False
    if seen is not None:
        try:
            made = zip(read, glance.entries, strict=True)
            entries = [entry_from_body(body, previous) for body, (_, previous, _) in made]
        except (BuddyError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError):
            # It fits its hash and is no entry of ours all the same: the slow look names it.
            return False
        seen(glance.account, entries)
    report.entries += len(read)
    return True


def _rewritten(account: AccountId, hashes: Sequence[bytes], known: Mapping[AccountId, Mark]) -> list[Fault]:
    """Name a wallet whose entry at the checkpoint is not the one that the checkpoint saw."""
    sequence, head = known.get(account, (0, GENESIS))
    if not sequence:
        return []
    if 1 <= sequence <= len(hashes) and hashes[sequence - 1] == head:
        return []
    return [Fault(ENTRIES, f"(account {account}, sequence {sequence})", "is not the one of the checkpoint")]


def _gone(known: Mapping[AccountId, Mark], marks: Mapping[AccountId, Mark]) -> list[Fault]:
    return [Fault(WALLETS, str(account), "missing") for account in sorted(known.keys() - marks.keys())]
