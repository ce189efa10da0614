"""The lines of a wallet's statement, each with its why: the lots, the title, what it corrects."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from attrs import frozen

from buddy_core.catalog import Title, Titles
from buddy_core.kernel.ids import AccountId, EntryId, HoldId, LotId, TitleId
from buddy_core.tokens import (
    ADJUSTED,
    EXPIRED,
    WALLET,
    BadStatementPlace,
    Entries,
    Entry,
    Hold,
    Lot,
    Operation,
    Posting,
    StatementLine,
    StatementPlace,
    Wallets,
    newest_place,
    place_below,
    spent_on,
    statement_lines,
)

_SPENT_ON = spent_on(TitleId(UUID(int=0))).removesuffix(str(UUID(int=0)))
_BY_STAFF = frozenset({Operation.FREEZE, Operation.UNFREEZE, Operation.ADJUST})
"""Their source is the person who did it; only that it was staff is told."""
_MODULE = re.compile(r"[a-z][a-z_]*([.-][a-z_]+)*")


class WalletLinesTx(Protocol):
    """What the lines of a wallet read."""

    @property
    def wallets(self) -> Wallets: ...

    @property
    def entries(self) -> Entries: ...

    @property
    def titles(self) -> Titles: ...


@frozen
class LinePiece:
    """The part of a line that fell on one lot; `tokens` carries the line's sign."""

    kind: str
    tokens: int
    created_at: datetime
    effective_from: datetime
    expires_at: datetime | None


@frozen
class Corrected:
    """The entry that a line puts right; `number` is None where it was a guest's, before they joined."""

    number: int | None
    reference: str
    operation: str
    source: str
    at: datetime


@frozen
class LedgerLine:
    """One entry: the signed tokens by kind, the balance after it, and what it was for.

    `after` is what the ledger has in the wallet's lots: what has expired is in it until an
    entry writes it off, what is on hold is not. `reference` is what support asks for.
    """

    number: int
    at: datetime
    recorded_at: datetime
    operation: str
    tokens: Mapping[str, int]
    held: Mapping[str, int]
    after: Mapping[str, int]
    source: str
    rule_version: int | None
    title: Title | None
    reference: str
    lots: tuple[LinePiece, ...] = ()
    corrects: Corrected | None = None
    hold_until: datetime | None = None
    """When the hold that it makes or ends is over by itself."""
    expired: int = 0
    """Tokens that came back and were over by then."""
    uncollectable: int = 0
    """Tokens that a reversal could not take: they were gone already, spent or expired or taken by staff."""
    withdrawn: int = 0
    """Tokens that a refund gave back to a lot whose source had been taken back, and took at once."""


@frozen
class LedgerPage:
    """Entries of an account, newest first; `next` is where those before them begin."""

    account_id: AccountId
    lines: tuple[LedgerLine, ...]
    next: StatementPlace | None


async def ledger_page_in(
    tx: WalletLinesTx, owner: AccountId, place: StatementPlace | None, limit: int
) -> LedgerPage:
    """Return up to `limit` lines below `place`; None: from the newest. It costs the page, not the history.

    Raises:
        BadStatementPlace: no page of this wallet ended there.
    """
    if place is None:
        # Read from one snapshot: what is newer than the wallet that was loaded is not asked for.
        place = newest_place((await tx.wallets.load([owner]))[owner])
    entries = await tx.entries.of_account(owner, before=place.before, limit=limit)
    if not entries and place.before > 1:
        raise BadStatementPlace
    lines = statement_lines(entries, place)
    why = await _why_in(tx, entries)
    has_older = bool(lines) and lines[-1].entry.sequence > 1
    return LedgerPage(
        owner,
        tuple(_line(line, owner, why) for line in lines),
        place_below(lines[-1]) if has_older else None,
    )


@frozen
class _Why:
    """What the lines of one page name, each looked up once."""

    titles: Mapping[TitleId, Title]
    lots: Mapping[LotId, tuple[AccountId, Lot]]
    corrected: Mapping[EntryId, Entry]
    holds: Mapping[HoldId, tuple[AccountId, Hold]]


async def _why_in(tx: WalletLinesTx, entries: Sequence[Entry]) -> _Why:
    titles = {title_id for entry in entries if (title_id := _title_of(entry)) is not None}
    lots = {item.lot_id for entry in entries for item in _drawn(entry) if item.lot_id is not None}
    corrected = {entry.corrects for entry in entries if entry.corrects is not None}
    holds = {entry.hold_id for entry in entries if entry.hold_id is not None}
    return _Why(
        await tx.titles.get(sorted(titles)),
        await tx.entries.lots(sorted(lots)),
        await tx.entries.get(sorted(corrected)),
        await tx.entries.holds(sorted(holds)),
    )


def _line(line: StatementLine, owner: AccountId, why: _Why) -> LedgerLine:
    entry = line.entry
    title_id = _title_of(entry)
    return LedgerLine(
        number=entry.sequence,
        at=entry.effective_at,
        recorded_at=entry.recorded_at,
        operation=entry.operation.value,
        tokens={str(kind): amount for kind, amount in line.tokens.items()},
        held={str(kind): amount for kind, amount in line.held.items()},
        after={str(kind): amount for kind, amount in line.after.items()},
        source=_source(entry),
        rule_version=entry.rule_version,
        title=why.titles.get(title_id) if title_id else None,
        reference=_reference(entry),
        lots=tuple(
            _piece(item, why.lots[item.lot_id][1])
            for item in _drawn(entry)
            # A row that is missing is for `buddy verify` to tell; the line stands without it.
            if item.lot_id is not None and item.lot_id in why.lots
        ),
        corrects=_corrected(entry, owner, why),
        hold_until=_hold_until(entry, why),
        expired=_sum(entry, EXPIRED) if entry.operation is not Operation.EXPIRE else 0,
        uncollectable=-_sum(entry, ADJUSTED) if entry.operation is Operation.REVERSE else 0,
        withdrawn=_sum(entry, ADJUSTED) if entry.operation is Operation.REFUND else 0,
    )


def _reference(entry: Entry) -> str:
    # Found by its number in the account, and proven by the hash; the entry's own id stays inside.
    return f"{entry.sequence}-{entry.hash.hex()[:8]}"


def _source(entry: Entry) -> str:
    """Return what caused an entry, if that is a part of the service and not a person."""
    is_told = entry.operation not in _BY_STAFF and _MODULE.fullmatch(entry.source)
    return entry.source if is_told else "staff"


def _drawn(entry: Entry) -> list[Posting]:
    """Return the postings that tell of which lots a line's tokens were.

    A post and a refund put tokens into lots and take some out again; what tells of
    them is what was spent, and what was given back.
    """
    moved = [item for item in entry.postings if item.account == WALLET]
    if entry.operation in (Operation.POST, Operation.REFUND):
        return [item for item in moved if item.value is not None]
    if entry.operation is Operation.VOID:
        return [item for item in moved if item.amount > 0]
    return moved


def _piece(posting: Posting, lot: Lot) -> LinePiece:
    return LinePiece(posting.kind, posting.amount, lot.created_at, lot.effective_from, lot.expires_at)


def _corrected(entry: Entry, owner: AccountId, why: _Why) -> Corrected | None:
    found = why.corrected.get(entry.corrects) if entry.corrects else None
    if found is None:
        return None
    number = found.sequence if found.account_id == owner else None
    return Corrected(number, _reference(found), found.operation.value, _source(found), found.effective_at)


def _hold_until(entry: Entry, why: _Why) -> datetime | None:
    if entry.holds:
        return entry.holds[0].expires_at
    found = why.holds.get(entry.hold_id) if entry.hold_id else None
    return found[1].expires_at if found else None


def _sum(entry: Entry, account: str) -> int:
    return sum(item.amount for item in entry.postings if item.account == account)


def _title_of(entry: Entry) -> TitleId | None:
    for posting in entry.postings:
        if posting.account.startswith(_SPENT_ON):
            return TitleId(UUID(posting.account.removeprefix(_SPENT_ON)))
    return None
