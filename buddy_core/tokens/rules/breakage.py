"""Breakage: the worth of what was sold and will never be used, and what has expired lot by lot."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from fractions import Fraction

from attrs import field, frozen

from buddy_core.kernel.rounding import Rounding, round_fraction
from buddy_core.tokens.errors import BadBreakage
from buddy_core.tokens.model import check_amount


class BreakageKind(StrEnum):
    """What a record says of the tokens that a lot will lose at its expiry."""

    PLAN = "plan"
    """They were issued, and will expire if nothing else happens."""
    RELEASE = "release"
    """They were used or taken away before, so they will not expire."""
    REOPEN = "reopen"
    """A release was taken back: they are unused again, and will expire after all."""


@frozen
class BreakageRecord:
    """One record of a lot's breakage; amounts are positive, the kind gives the sign."""

    lot_id: str
    kind: BreakageKind = field(converter=BreakageKind)
    amount: int


@frozen
class Breakage:
    """What of a sale is unused, and what of it is revenue, in minor units."""

    unused: int
    recognised: int
    revenue: int


def expired_by_lot(records: Iterable[BreakageRecord]) -> dict[str, int]:
    """Return what expires of each lot: its plans, less its releases, plus its reopens.

    Records of a lot may come in any order; lots that expire together stay apart.

    Raises:
        BadTokenAmount: an amount is none.
        BadBreakage: a lot releases more than it planned, or reopens more than it released.
    """
    sums: dict[str, dict[BreakageKind, int]] = {}
    for record in records:
        of_lot = sums.setdefault(record.lot_id, dict.fromkeys(BreakageKind, 0))
        of_lot[record.kind] += check_amount(record.amount)
    expired = {}
    for lot_id, of_lot in sums.items():
        released = of_lot[BreakageKind.RELEASE] - of_lot[BreakageKind.REOPEN]
        if released < 0:
            raise BadBreakage(f"lot {lot_id} reopens more than it released")
        expired[lot_id] = of_lot[BreakageKind.PLAN] - released
        if expired[lot_id] < 0:
            raise BadBreakage(f"lot {lot_id} releases more than it planned")
    return expired


def breakage(sold: int, redeemed: int, expected_unredeemed: int | None = None) -> Breakage:
    """Return what of `sold` is unused, and the revenue once `redeemed` of it has been used.

    All are minor units of one currency. Of the part that nobody is expected to
    redeem, as much is recognised as has been redeemed of the rest, half up
    (IFRS 15 B46, ASC 606-10-55-48): `expected * redeemed / (sold - expected)`.
    Without an expectation, or before the issuer is entitled to keep anything,
    nothing is recognised. Where more was redeemed than expected, what is unused
    is the limit, so that revenue never exceeds what was sold.

    Raises:
        BadBreakage: a figure is no whole number from 0 on, or more was redeemed
            or expected than was sold, or nothing at all was expected to be redeemed.
    """
    expected = 0 if expected_unredeemed is None else expected_unredeemed
    for name, figure in (("sold", sold), ("redeemed", redeemed), ("expected_unredeemed", expected)):
        _check(name, figure, sold)
    unused = sold - redeemed
    if not expected:
        return Breakage(unused, 0, redeemed)
    if expected == sold:
        raise BadBreakage("nothing was expected to be redeemed, so no proportion of it can be")
    share = round_fraction(Fraction(expected * redeemed, sold - expected), Rounding.HALF_UP)
    recognised = min(share, unused)
    return Breakage(unused, recognised, redeemed + recognised)


def _check(name: str, figure: object, sold: int) -> None:
    if isinstance(figure, bool) or not isinstance(figure, int) or figure < 0:
        raise BadBreakage(f"{name} is {figure!r}; give whole minor units, not below zero")
    if figure > sold:
        raise BadBreakage(f"{name} is {figure}, more than the {sold} sold")
