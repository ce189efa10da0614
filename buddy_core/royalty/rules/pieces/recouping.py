"""Recoupment: an advance is earned back from the holder's share, never from gross and never in cash."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from attrs import frozen

from buddy_core.royalty.errors import BadRecoupment
from buddy_core.royalty.model.fields import Word
from buddy_core.royalty.rules.pieces.figures import Exact, Figure, checked, figure, half_up, part, whole
from buddy_core.royalty.rules.pieces.splitting import NegativeTotal


class NegativeEarnings(Word, field="negative"):
    """What becomes of earnings below zero, as in a period with more refunds than sales; contracts differ."""

    CARRY = "carry"
    """Nothing is paid or recouped; `carried` is to be added to what is earned next."""
    FLOOR_AT_ZERO = "floor_at_zero"
    """Nothing is paid or recouped, and it is forgotten: `dropped` names it."""
    UN_RECOUP = "un_recoup"
    """The advance is less recouped again, down to nothing; what is left is carried."""


@frozen
class Recoupment:
    """What earnings come to: `recouped + payable + carried + dropped`, exactly and in minor units."""

    earned: Figure
    recouped: Figure
    """Set against the advance now; below zero only by `un_recoup`."""
    payable: Figure
    remaining: Figure
    """Of the advance, still to be recouped; never owed in cash."""
    carried: Figure
    """Below zero: to be added to what is earned next."""
    dropped: Figure
    """Below zero: forgotten by the policy."""


@frozen
class GrossRecoupment(Recoupment):
    """Recoupment from a percent of gross, and where that leaves who paid the advance."""

    gross_still_needed: Figure | None
    """More gross until the advance is recouped, rounded up to a minor unit; None: never, at 0 percent."""
    label_cash: Figure
    """`gross - advance - payable`: what who paid the advance has kept so far, where gross is that to date."""


def recoup(
    earned: Exact,
    advance: Exact,
    recouped_before: Exact = 0,
    *,
    negative: NegativeEarnings | str = NegativeEarnings.CARRY,
) -> Recoupment:
    """Set the holder's earnings against what is open of an advance, in minor units.

    `recouped = min(earned, advance - recouped_before)`, `payable = earned - recouped`. In
    minor units earned, and what was open, are each rounded half up, and the rest follows
    from them, so that the figures add up.

    Raises:
        BadRecoupment: an advance or what was recouped is below zero, or more was recouped than advanced.
        InvalidValue: a float, or a policy that there is not.
    """
    return Recoupment(*_recouped(earned, advance, recouped_before, negative))


def recoup_from_gross(
    gross: Exact,
    percent: Exact,
    advance: Exact,
    recouped_before: Exact = 0,
    *,
    negative: NegativeEarnings | str = NegativeEarnings.CARRY,
) -> GrossRecoupment:
    """Set the holder's percent of gross against what is open of an advance, in minor units.

    Raises:
        BadPercent: a percent below 0 or above 100.
        BadRecoupment, InvalidValue: as `recoup`.
    """
    money, rate = checked("gross", gross), part("percent", percent)
    found = recoup(money * rate, advance, recouped_before, negative=negative)
    needed: Figure | None = Figure(Fraction(0), 0)
    if found.remaining.exact:
        more = found.remaining.exact / rate if rate else None
        needed = None if more is None else Figure(more, ceil(more))
    paid_in = checked("advance", advance)
    cash = Figure(
        money - paid_in - found.payable.exact, half_up(money) - half_up(paid_in) - found.payable.minor
    )
    return GrossRecoupment(
        found.earned,
        found.recouped,
        found.payable,
        found.remaining,
        found.carried,
        found.dropped,
        gross_still_needed=needed,
        label_cash=cash,
    )


def royalty_per_unit(unit_price: Exact, percent: Exact = 100) -> Figure:
    """Return the royalty on one unit: `unit_price x percent`, in minor units, rounded half up.

    Without a percent, `unit_price` is itself what is earned on a unit.

    Raises:
        BadPercent: a percent below 0 or above 100.
        InvalidValue: a float.
    """
    return figure(checked("unit_price", unit_price) * part("percent", percent))


def royalty_on_units(
    units: int,
    unit_price: Exact,
    percent: Exact = 100,
    *,
    negative: NegativeTotal | str = NegativeTotal.FLOOR_AT_ZERO,
) -> Figure:
    """Return `units x unit_price x percent`, in minor units, rounded half up once and not unit by unit.

    Where more units came back than were sold it is 0, or below it by `mirror`.

    Raises:
        BadPercent: a percent below 0 or above 100.
        InvalidValue: a float, units that are not whole, or a policy that there is not.
    """
    royalty = whole("units", units) * royalty_per_unit(unit_price, percent).exact
    floored = NegativeTotal(negative) is NegativeTotal.FLOOR_AT_ZERO
    return figure(max(Fraction(0), royalty) if floored else royalty)


def units_to_recoup(
    advance: Exact, unit_price: Exact, percent: Exact = 100, recouped_before: Exact = 0
) -> int | None:
    """Return how many units earn back what is open of an advance, rounded up; None if they never will.

    Counted with the exact royalty of a unit: royalties are rounded on statements, not unit by unit.

    Raises:
        BadRecoupment, BadPercent, InvalidValue: as `recoup_from_gross`.
    """
    left = _open(advance, recouped_before)
    each = royalty_per_unit(unit_price, percent).exact
    if not left:
        return 0
    return ceil(left / each) if each > 0 else None


def _open(advance: Exact, recouped_before: Exact) -> Fraction:
    paid, before = checked("advance", advance), checked("recouped_before", recouped_before)
    if paid < 0:
        raise BadRecoupment(f"the advance is {paid}; write what was paid, 0 or more")
    if before < 0:
        raise BadRecoupment(f"recouped before is {before}; write what was recouped so far, 0 or more")
    if before > paid:
        raise BadRecoupment(
            f"{before} was recouped before of an advance of {paid}; it is at most the advance"
        )
    return paid - before


def _recouped(
    earned: Exact, advance: Exact, recouped_before: Exact, negative: NegativeEarnings | str
) -> tuple[Figure, ...]:
    money, left, policy = (
        checked("earned", earned),
        _open(advance, recouped_before),
        NegativeEarnings(negative),
    )
    none = Figure(Fraction(0), 0)
    recouped = carried = dropped = none
    if money >= 0:
        recouped = figure(min(money, left))
    elif policy is NegativeEarnings.UN_RECOUP:
        recouped = figure(max(money, -checked("recouped_before", recouped_before)))
        carried = Figure(money - recouped.exact, half_up(money) - recouped.minor)
    elif policy is NegativeEarnings.CARRY:
        carried = figure(money)
    else:
        dropped = figure(money)
    payable = Figure(
        money - recouped.exact - carried.exact - dropped.exact,
        half_up(money) - recouped.minor - carried.minor - dropped.minor,
    )
    # Rounding half up keeps order, so what is recouped is never above what is open in minor units either.
    remaining = Figure(left - recouped.exact, half_up(left) - recouped.minor)
    return figure(money), recouped, payable, remaining, carried, dropped
