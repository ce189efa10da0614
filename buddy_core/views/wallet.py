"""The wallet: each kind apart, what expires when, and every line with its why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import Factory, frozen

from buddy_core.tokens import StatementPlace


@frozen
class Expiring:
    """Tokens that end at one instant."""

    kind: str
    tokens: int
    expires_at: datetime


@frozen
class LotPiece:
    """The part of a line that fell on one lot; `tokens` carries the line's sign."""

    kind: str
    tokens: int
    earned_at: datetime
    expires_at: datetime | None = None
    starts_at: datetime | None = None
    """From when it can be spent, where that is later than it came."""


@frozen
class CorrectedLine:
    """The line that another one puts right; `number` is None where it was a guest's, before they joined."""

    operation: str
    at: datetime
    reference: str
    number: int | None = None
    url: str | None = None
    """Leads there, where it is on the same page."""


@frozen
class WalletLine:
    """One entry: the signed tokens, the balance after it, and why.

    `operation` is the ledger's word (`spend`, `transfer_in`, `expire`, ...), or `reward`
    and `grant` for an earning; `cause` what started it, where a page can say so.
    `held` is what went onto hold, or off it. `reference` is what support asks for.
    """

    at: datetime
    operation: str
    tokens: int
    balance_after: int
    reference: str
    title: str | None = None
    title_url: str | None = None
    rule_version: str | None = None
    lots: tuple[LotPiece, ...] = ()
    number: int = 0
    held: int = 0
    cause: str = ""
    kinds_after: Mapping[str, int] = Factory(dict)
    """The balance after it by kind, where there is more than one kind."""
    corrects: CorrectedLine | None = None
    hold_until: datetime | None = None
    expired: int = 0
    uncollectable: int = 0
    withdrawn: int = 0


@frozen
class WalletPage:
    """Balances, expiry and history, newest first; `older` is where the lines before begin.

    `bonus`, `paid` and `others` can be spent now; what is `held` is set aside. `expired`
    tokens cannot be spent, and still stand in the history's balance until the ledger has
    taken them out. `soon` is what expires within `soon_days`.
    """

    bonus: int
    paid: int
    expiring: tuple[Expiring, ...] = ()
    lines: tuple[WalletLine, ...] = ()
    is_frozen: bool = False
    older: StatementPlace | None = None
    earn_tokens: int | None = None
    expired: int = 0
    others: Mapping[str, int] = Factory(dict)
    held: int = 0
    soon: int = 0
    soon_days: int = 14
    csv_url: str | None = None
    """Where the whole history is to be had as a file; None: there is none yet."""
