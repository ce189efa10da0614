"""What is owed for tokens, read through the port, and worked out anew from wallets alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

from buddy_core import tokens
from buddy_core.kernel import LotId
from buddy_core.kernel.rounding import Rounding, round_fraction
from buddy_core.tokens import BreakagePolicies, GivenRoll, Liability, LiabilityLine, RollForward, Wallet

Owed = tuple[int, int]
"""Tokens, and what they cost in minor units."""


async def rolled(
    tx: Any, currency: str, instants: Sequence[datetime], policies: BreakagePolicies | None = None
) -> tuple[RollForward, ...]:
    """Return the roll-forwards of a currency; what happened before the first instant is their opening."""
    liability = Liability(currency, instants, policies or BreakagePolicies())
    async for lots in tx.lot_movements.bought(currency, instants):
        liability.add(lots)
    return liability.roll_forwards()


async def rolled_given(tx: Any, instants: Sequence[datetime]) -> tuple[tuple[GivenRoll, ...], ...]:
    """Return the roll-forwards of promotional tokens."""
    return tokens.roll_given(await tx.lot_movements.given(instants), len(instants))


def claimable(wallets: Iterable[Wallet], at: datetime) -> Counter[LotId]:
    """Return what can be spent at an instant or is held then, by the lot that it first was."""
    left: Counter[LotId] = Counter()
    for wallet in wallets:
        for item in wallet.lots:
            if item.lot.expires_at is None or item.lot.expires_at > at:
                left[item.lot.origin_id] += item.remaining
        for held in wallet.holds:
            for part in held.lots:
                left[part.lot.origin_id] += part.amount
    return left


def owed(left: Mapping[LotId, int], first: Mapping[LotId, tokens.Lot], currency: str) -> Owed:
    """Return what all of it cost, each lot rounded half up by itself."""
    amounts = [(first[lot_id], amount) for lot_id, amount in left.items()]
    bought = [(lot, amount) for lot, amount in amounts if lot.cost_currency == currency]
    costs = [Fraction((lot.cost_minor or 0) * amount, lot.amount) for lot, amount in bought]
    return (
        sum(amount for _, amount in bought),
        sum(round_fraction(cost, Rounding.HALF_UP) for cost in costs),
    )


def check(roll: RollForward) -> None:
    """A roll-forward adds up, and recognises no more than can be claimed."""
    lines = roll.lines.values()
    assert set(roll.lines) == set(LiabilityLine)
    assert roll.opening.tokens + sum(line.tokens for line in lines) == roll.closing.tokens
    assert roll.opening.minor + sum(line.minor for line in lines) + roll.breakage == roll.closing.minor
    assert 0 <= roll.on_hold <= roll.closing.tokens
    assert roll.recognised_ahead >= 0
    assert roll.closing.minor >= 0
    # What came in for tokens less what went back for them is earned or still owed.
    kept = 0 if roll.policy.is_entitled else -roll.lines[LiabilityLine.EXPIRED].minor
    cash = roll.lines[LiabilityLine.SOLD].minor + roll.lines[LiabilityLine.REVERSED].minor
    assert roll.revenue + kept + roll.closing.minor - roll.opening.minor == cash
