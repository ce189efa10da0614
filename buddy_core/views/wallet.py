"""The wallet: bonus and paid apart, what expires when, and every line with its why."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from attrs import frozen

TokenKind = Literal["bonus", "paid"]


@frozen
class Expiring:
    """Tokens that end at one instant."""

    kind: TokenKind
    tokens: int
    expires_at: datetime


@frozen
class LotPiece:
    """The part of a line that fell on one lot; `tokens` carries the line's sign."""

    kind: TokenKind
    tokens: int
    earned_at: datetime
    expires_at: datetime | None = None


@frozen
class WalletLine:
    """One entry: the signed tokens, the balance after it, and why.

    `operation` is the ledger's word (`reward`, `spend`, `transfer_in`, `expire`, ...);
    `reference` is what support asks for.
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


@frozen
class WalletPage:
    """Balances, expiry and history, newest first; `older_url` leads to the lines before.

    `bonus` and `paid` can be spent now. `expired` tokens cannot, and still stand in
    the history's balance until the ledger has taken them out.
    """

    bonus: int
    paid: int
    expiring: tuple[Expiring, ...] = ()
    lines: tuple[WalletLine, ...] = ()
    is_frozen: bool = False
    older_url: str | None = None
    earn_tokens: int | None = None
    expired: int = 0
