"""Splits: a flat share, percents that make the whole, and exact amounts that become whole ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from attrs import frozen

from buddy_core.kernel.rounding import exact_sum, sort_key
from buddy_core.royalty.errors import BadSplit, PercentsNotWhole
from buddy_core.royalty.model.fields import Word
from buddy_core.royalty.rules.pieces.figures import Exact, Figure, checked, figure, half_up, part


class NegativeTotal(Word, field="negative"):
    """What becomes of a total below zero, such as a period with more returns than sales."""

    FLOOR_AT_ZERO = "floor_at_zero"
    """It pays nobody and takes nothing back; the whole of it is unshared."""
    MIRROR = "mirror"
    """Each bears what they would get of the same total above zero."""


@frozen
class FlatShare:
    """A platform's fee, the pool it leaves, and one holder's share of that pool."""

    fee: Figure
    pool: Figure
    share: Figure


@frozen
class Split:
    """Shares in the order of the percents; with what is unshared they are the total."""

    total: Figure
    shares: tuple[Figure, ...]
    unshared: Figure


def flat_share(revenue: Exact, fee_percent: Exact, holder_percent: Exact) -> FlatShare:
    """Return `revenue x (100 - fee) %` and `holder_percent` of that exact pool, in minor units.

    Pool and share are each rounded half up from their exact figure, so that no rounding
    goes into the next one. The fee is what the rounded pool leaves of the rounded revenue.

    Raises:
        BadPercent: a percent below 0 or above 100.
        InvalidValue: a float, or anything else that is not exact.
    """
    money = checked("revenue", revenue)
    pool = figure(money * (1 - part("fee_percent", fee_percent)))
    share = figure(pool.exact * part("holder_percent", holder_percent))
    return FlatShare(Figure(money - pool.exact, half_up(money) - pool.minor), pool, share)


def split_percent(
    total: Exact,
    percents: Sequence[Exact],
    *,
    negative: NegativeTotal | str = NegativeTotal.FLOOR_AT_ZERO,
) -> Split:
    """Split a total by percents that make exactly 100, in minor units.

    The total is rounded half up once and split by largest remainder, ties to the order given.

    Raises:
        PercentsNotWhole: the percents come to anything but 100.
        BadPercent: one is below 0 or above 100.
        InvalidValue: a float, or a policy that there is not.
    """
    money, policy = checked("total", total), NegativeTotal(negative)
    parts = [part(f"percents[{place}]", percent) for place, percent in enumerate(percents)]
    if sum(parts) != 1:
        raise PercentsNotWhole("percents", sum(parts, Fraction(0)) * 100)
    if money < 0 and policy is NegativeTotal.FLOOR_AT_ZERO:
        return Split(figure(money), tuple(Figure(Fraction(0), 0) for _ in parts), figure(money))
    return Split(figure(money), split_by_exact([money * one for one in parts]), Figure(Fraction(0), 0))


def split_by_exact(amounts: Iterable[Exact], total: int | None = None) -> tuple[Figure, ...]:
    """Return exact amounts with whole ones that add up: each rounded down or up, by largest remainder.

    What they add up to is their exact sum, rounded half up; or `total`. Ties go to the order
    given, and an amount of zero stays zero. Amounts that are all below zero are the mirror
    image of the same above it; where there are both, each is rounded down first.

    Raises:
        BadSplit: `total` is not between the sums of all rounded down and all rounded up.
        InvalidValue: a float, or anything else that is not exact.
    """
    exact = [checked(f"amounts[{place}]", amount) for place, amount in enumerate(amounts)]
    wholes = split_fractions(exact, total)
    return tuple(Figure(amount, minor) for amount, minor in zip(exact, wholes, strict=True))


def split_fractions(amounts: Sequence[Fraction], total: int | None = None) -> list[int]:
    """Do as `split_by_exact` does, with the whole amounts alone.

    No common denominator is made: that of a hundred thousand amounts may have a million digits.
    """
    if total is None:
        total = half_up(exact_sum(amounts))
    if total <= 0 and not any(amount > 0 for amount in amounts):
        return [-share for share in _fractions_rounded([-amount for amount in amounts], -total)]
    return _fractions_rounded(amounts, total)


def split_whole(numerators: Sequence[int], denominator: int, total: int | None = None) -> list[int]:
    """Do as `split_by_exact` does, for amounts over one common denominator: no Fraction is made of each."""
    if total is None:
        total = half_up(Fraction(sum(numerators), denominator))
    if not any(number > 0 for number in numerators) and total <= 0:
        return [-share for share in _rounded([-number for number in numerators], denominator, -total)]
    return _rounded(numerators, denominator, total)


def _rounded(numerators: Sequence[int], denominator: int, total: int) -> list[int]:
    pairs = [divmod(number, denominator) for number in numerators]
    rests = {place: rest for place, (_, rest) in enumerate(pairs) if rest}
    return _handed_out([below for below, _ in pairs], rests, total)


def _fractions_rounded(amounts: Sequence[Fraction], total: int) -> list[int]:
    shares = [amount.numerator // amount.denominator for amount in amounts]
    rests = {
        place: sort_key(amount - share)
        for place, (amount, share) in enumerate(zip(amounts, shares, strict=True))
        if amount.denominator != 1
    }
    return _handed_out(shares, rests, total)


def _handed_out(shares: list[int], rests: Mapping[int, Any], total: int) -> list[int]:
    """Add one to the shares with the largest rests, until they are the total; to whole ones never."""
    lowest = sum(shares)
    spare = total - lowest
    if not 0 <= spare <= len(rests):
        raise BadSplit(total, lowest, lowest + len(rests))
    # Sorting backwards leaves those that are equal in the order given.
    for place in sorted(rests, key=rests.__getitem__, reverse=True)[:spare]:
        shares[place] += 1
    return shares
