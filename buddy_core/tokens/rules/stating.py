"""A statement: entries with the balance after each, page by page from the newest end."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.errors import InvalidValue
from buddy_core.tokens.errors import BadStatementPlace
from buddy_core.tokens.model import HELD, WALLET, Entry, TokenKind, Wallet

_LONGEST = 1000
_MAX = 2**63 - 1


@frozen
class StatementLine:
    """An entry, what it moved by kind, and what stood in the wallet's lots after it.

    `after` counts what the ledger has: a lot that has expired stays in it until an entry
    writes it off, a lot that has not begun is in it, and what is on hold is not.
    """

    entry: Entry
    tokens: Mapping[TokenKind, int]
    """Into the lots, or out of them."""
    held: Mapping[TokenKind, int]
    """Onto hold, or off it."""
    after: Mapping[TokenKind, int]


@frozen
class StatementPlace:
    """Where a page of a statement begins: below entry `before`, after which `after` stood in the lots.

    It carries the balances so that an older page costs no more than the newest one.
    It is not signed: a host that takes one from outside signs it, and checks that.
    """

    before: int
    after: Mapping[TokenKind, int]

    @property
    def text(self) -> str:
        """The place as one word of letters, digits, - and _."""
        return base64.urlsafe_b64encode(canonical_bytes([self.before, self.after])).rstrip(b"=").decode()

    @classmethod
    def of_text(cls, text: str) -> StatementPlace:
        """Read a place that `text` gave.

        Raises:
            BadStatementPlace: none gave this.
        """
        try:
            before, after = json.loads(_decoded(text))
            place = cls(before, {TokenKind(kind): amount for kind, amount in after.items()})
            is_ours = place.text == text
        except (ValueError, TypeError, AttributeError, RecursionError, InvalidValue):
            raise BadStatementPlace from None
        if not is_ours or before == 0 or not all(map(_is_count, (before, *place.after.values()))):
            raise BadStatementPlace
        return place


def newest_place(wallet: Wallet) -> StatementPlace:
    """Return where the newest page of a wallet's statement begins."""
    totals: Counter[TokenKind] = Counter()
    for item in wallet.lots:
        totals[item.lot.kind] += item.remaining
    return StatementPlace(wallet.sequence + 1, dict(totals))


def statement_lines(entries: Iterable[Entry], place: StatementPlace) -> list[StatementLine]:
    """Return entries, the newest first and beginning below `place`, with the balance after each.

    Raises:
        BadStatementPlace: the place is none of this statement.
    """
    lines: list[StatementLine] = []
    for entry in entries:
        if entry.sequence != place.before - 1:
            raise BadStatementPlace
        moved = _moved(entry, WALLET)
        after = {kind: place.after.get(kind, 0) for kind in sorted({*place.after, *moved})}
        line = StatementLine(entry, moved, _moved(entry, HELD), after)
        lines.append(line)
        place = place_below(line)
        if any(amount < 0 for amount in place.after.values()) or (place.before == 1 and place.after):
            raise BadStatementPlace
    return lines


def place_below(line: StatementLine) -> StatementPlace:
    """Return where the page goes on that ends with `line`."""
    before = {
        kind: line.after.get(kind, 0) - line.tokens.get(kind, 0) for kind in {*line.after, *line.tokens}
    }
    return StatementPlace(line.entry.sequence, {kind: amount for kind, amount in before.items() if amount})


def _moved(entry: Entry, account: str) -> dict[TokenKind, int]:
    moved: Counter[TokenKind] = Counter()
    for posting in entry.postings:
        if posting.account == account:
            moved[posting.kind] += posting.amount
    return dict(moved)


def _decoded(text: str) -> bytes:
    if len(text) > _LONGEST:
        raise BadStatementPlace
    padded = text.encode("ascii") + b"=" * (-len(text) % 4)
    return base64.b64decode(padded, altchars=b"-_", validate=True)


def _is_count(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= _MAX
