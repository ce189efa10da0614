"""Taking a use back: the very lots that were drawn get their tokens again, the last drawn first."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

from attrs import frozen

from buddy_core.tokens.errors import RefundBeyondDraws
from buddy_core.tokens.model import check_amount

LotKey = TypeVar("LotKey", bound=Hashable)


@frozen
class LotDraw(Generic[LotKey]):
    """Tokens taken from, or given back to, the lot of that id."""

    lot_id: LotKey
    amount: int


@frozen
class Refunded(Generic[LotKey]):
    """What a refund gives back, in the order of giving, and what each lot drawn is still used for."""

    restored: tuple[LotDraw[LotKey], ...]
    still_used: dict[LotKey, int]


def refund_draws(draws: Sequence[LotDraw[LotKey]], amount: int) -> Refunded[LotKey]:
    """Give back `amount` of what `draws` took, the last drawn first.

    What stays used is then what a smaller use would have drawn at the time. The
    order of today is never asked: it would move expiry dates. Whether a lot has
    expired meanwhile is for the caller to see; what it gets back expires at once.

    Raises:
        BadTokenAmount: `amount`, or the amount of a draw, is none.
        RefundBeyondDraws: more than was drawn.
    """
    drawn = sum(check_amount(draw.amount) for draw in draws)
    if check_amount(amount) > drawn:
        raise RefundBeyondDraws(amount, drawn)
    restored = []
    still_used = {draw.lot_id: 0 for draw in draws}
    for draw in reversed(draws):
        back = min(amount, draw.amount)
        amount -= back
        still_used[draw.lot_id] += draw.amount - back
        if back:
            restored.append(LotDraw(draw.lot_id, back))
    return Refunded(tuple(restored), still_used)
