"""Allocation: a whole amount is split over weights by a named rule, and nothing is lost.

The law of every rule: the shares and the remainder add up to the total. A weight
of zero never receives a spare unit. The README has the rules in a table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from fractions import Fraction

import attrs
from attrs import frozen

from buddy_core.kernel.errors import Invalid, InvalidValue

Weight = int | Fraction


class AllocationRule(Enum):
    """Who gets the units that are left when every exact share is rounded down."""

    LARGEST_REMAINDER = "largest_remainder"
    """The largest fractional parts, ties to the earlier weight (Hamilton's method)."""
    FIRST_COME = "first_come"
    """One each from the start."""
    LAST_COME = "last_come"
    """One each from the end."""
    LARGEST_WEIGHT = "largest_weight"
    """The largest weights first, ties to the earlier."""
    FLOOR_SEPARATE = "floor_separate"
    """Nobody: they stand as an extra last share, which may be zero."""
    CASCADE = "cascade"
    """From the last weight to the first, each takes its floored part of what is left; the first the rest."""
    MAX_AMOUNTS = "max_amounts"
    """Weights are the most each may get, 0 too; above their sum all is remainder; spare from the start."""
    EQUAL_PARTS = "equal_parts"
    """Every weight is 1; spare units from the start. `split_equal` does it by a count."""
    FLOOR_THEN_SPARE = "floor_then_spare"
    """As largest_remainder, but a negative total is floored toward minus infinity, not mirrored."""
    FLOOR_AT_ZERO = "floor_at_zero"
    """As largest_remainder, but a negative total pays nobody and is all remainder."""

    @classmethod
    def _missing_(cls, value: object) -> AllocationRule | None:
        names = ", ".join(rule.value for rule in cls)
        raise InvalidValue("rule", f"{value!r} is not one of {names}")


@frozen
class Allocated:
    """The answer: `sum(shares) + remainder` is the total that was given."""

    shares: tuple[int, ...]
    remainder: int


@attrs.define
class NoWeights(Invalid):
    """There is nobody to share with: the weights are none, or all zero and no maxima."""

    code = "kernel.no_weights"

    count: int

    def message(self) -> str:
        seen = "There are no weights" if self.count == 0 else f"All {self.count} weights are zero"
        return f"{seen}, so nobody can receive a share. Give at least one weight above zero."


@attrs.define
class InvalidWeight(Invalid):
    """A weight cannot be used by this rule."""

    code = "kernel.invalid_weight"

    index: int
    problem: str

    def message(self) -> str:
        return f"Weight {self.index} (counted from 0): {self.problem}."


@attrs.define
class FractionsExceedOne(Invalid):
    """Weights that are declared fractions of one add up to more than one."""

    code = "kernel.fractions_exceed_one"

    total: Fraction

    def message(self) -> str:
        return f"The fractions add up to {self.total}, which is more than the whole. Lower them to at most 1."


@attrs.define
class StepMismatch(Invalid):
    """An amount is not a multiple of the step in which money is handed out."""

    code = "kernel.step_mismatch"

    amount: int
    step: int

    def message(self) -> str:
        return f"{self.amount} is not a multiple of the step {self.step}. Round it to the step first."


def allocate(
    total: int,
    weights: Sequence[Weight],
    rule: AllocationRule,
    *,
    step: int | None = None,
    fractions_of_one: bool = False,
    share_rest: bool = False,
) -> Allocated:
    """Split `total` over `weights` by `rule`; shares stand in the order of the weights.

    Negative totals give the mirrored shares of the positive total, except by
    `FLOOR_THEN_SPARE` and `FLOOR_AT_ZERO`. With `step`, the total and all shares
    are multiples of it. With `fractions_of_one`, weights are parts of the whole:
    what they leave out stands like one more last weight, and its share is the remainder;
    or, with `share_rest`, it is shared in the same proportions and nothing remains.
    Time is O(n log n); fractional weights are scaled once by their common denominator.

    Raises:
        NoWeights: no weights, or none above zero (maxima may all be zero: all is remainder).
        InvalidWeight: a negative or inexact weight, or one that the rule cannot use.
        FractionsExceedOne: declared fractions of one add up to more.
        StepMismatch: the total, or a maximum, is not a multiple of `step`.
        InvalidValue: `total` is no int, or `step` none above zero; `share_rest` without fractions.
    """
    rule = AllocationRule(rule)
    if share_rest and not fractions_of_one:
        raise InvalidValue("share_rest", "only fractions of one leave a rest; declare them as well")
    unit = _checked_unit(total, step)
    _check_weights(weights, rule)
    scaled, scale = _scaled(weights)
    rest = 0
    if fractions_of_one:
        rest = scale - sum(scaled)
        if rule is AllocationRule.MAX_AMOUNTS:
            raise InvalidValue("fractions_of_one", "maxima are amounts; choose another rule for fractions")
        if rest < 0:
            raise FractionsExceedOne(Fraction(sum(scaled), scale))
        rest = 0 if share_rest else rest
    if rest:
        scaled.append(rest)
    if rule is AllocationRule.MAX_AMOUNTS:
        scaled = [_whole_steps(weight, unit) for weight in scaled]
    shares = _signed_shares(total // unit, scaled, rule)
    if rest:
        del shares[len(weights)]
    amounts = tuple(share * unit for share in shares)
    return Allocated(amounts, total - sum(amounts))


def split_equal(total: int, parts: int, *, step: int | None = None) -> Allocated:
    """Split `total` into equal parts, spare units from the start; mirrored when negative.

    Raises:
        NoWeights: `parts` is zero or less.
        StepMismatch, InvalidValue: as `allocate`.
    """
    count = _checked_int("parts", parts)
    if count < 1:
        raise NoWeights(0)
    return allocate(total, [1] * count, AllocationRule.EQUAL_PARTS, step=step)


def _checked_int(field: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValue(field, f"is a {type(value).__name__}; give an int")
    return value


def _checked_unit(total: int, step: int | None) -> int:
    _checked_int("total", total)
    unit = 1 if step is None else _checked_int("step", step)
    if unit < 1:
        raise InvalidValue("step", "must be above zero")
    _whole_steps(total, unit)
    return unit


def _whole_steps(amount: int, unit: int) -> int:
    if amount % unit:
        raise StepMismatch(amount, unit)
    return amount // unit


def _check_weights(weights: Sequence[Weight], rule: AllocationRule) -> None:
    for index, weight in enumerate(weights):
        if type(weight) is not int and type(weight) is not Fraction:
            raise InvalidWeight(index, f"is a {type(weight).__name__}; give an int or a Fraction")
        if weight < 0:
            raise InvalidWeight(index, f"{weight} is below zero")
        if rule is AllocationRule.EQUAL_PARTS and weight != 1:
            raise InvalidWeight(index, f"{weight} is not 1, as equal parts need; choose another rule")
        if rule is AllocationRule.MAX_AMOUNTS and weight.denominator != 1:
            raise InvalidWeight(index, f"{weight} is a maximum amount and must be whole")
    if not weights or (rule is not AllocationRule.MAX_AMOUNTS and not any(weights)):
        raise NoWeights(len(weights))


def _scaled(weights: Sequence[Weight]) -> tuple[list[int], int]:
    """Return the weights as integers of one common denominator, and that denominator."""
    scale = math.lcm(*{weight.denominator for weight in weights})
    return [weight.numerator * (scale // weight.denominator) for weight in weights], scale


def _signed_shares(units: int, weights: list[int], rule: AllocationRule) -> list[int]:
    if units >= 0 or rule is AllocationRule.FLOOR_THEN_SPARE:
        return _SHARES[rule](units, weights)
    if rule is AllocationRule.FLOOR_AT_ZERO:
        return [0] * len(weights)
    return [-share for share in _SHARES[rule](-units, weights)]


def _floored(units: int, weights: list[int]) -> tuple[list[int], list[int], int]:
    """Return the floored shares, their fractional parts (over the sum of weights), and the spare.

    The spare is less than the count of fractional parts above zero, so one unit each
    is always enough, and a weight of zero, having no fractional part, need not get one.
    """
    whole = sum(weights)
    pairs = [divmod(units * weight, whole) for weight in weights]
    shares = [share for share, _ in pairs]
    return shares, [part for _, part in pairs], units - sum(shares)


def _hand_out(shares: list[int], spare: int, order: Iterable[int]) -> list[int]:
    for _, index in zip(range(spare), order, strict=False):
        shares[index] += 1
    return shares


def _largest_remainder(units: int, weights: list[int]) -> list[int]:
    shares, parts, spare = _floored(units, weights)
    # `sorted` is stable, so equal parts stay in the order of the weights.
    return _hand_out(shares, spare, sorted(range(len(parts)), key=lambda i: -parts[i]))


def _first_come(units: int, weights: list[int]) -> list[int]:
    shares, _, spare = _floored(units, weights)
    return _hand_out(shares, spare, (i for i, weight in enumerate(weights) if weight))


def _last_come(units: int, weights: list[int]) -> list[int]:
    shares, _, spare = _floored(units, weights)
    return _hand_out(shares, spare, (i for i in reversed(range(len(weights))) if weights[i]))


def _largest_weight(units: int, weights: list[int]) -> list[int]:
    shares, _, spare = _floored(units, weights)
    return _hand_out(shares, spare, sorted(range(len(weights)), key=lambda i: -weights[i]))


def _floor_separate(units: int, weights: list[int]) -> list[int]:
    shares, _, spare = _floored(units, weights)
    return [*shares, spare]


def _cascade(units: int, weights: list[int]) -> list[int]:
    left, weight_left = units, sum(weights)
    backwards = []
    for weight in reversed(weights):
        # The first weight above zero meets its own weight alone, and so takes all that is left.
        share = left * weight // weight_left if weight else 0
        backwards.append(share)
        left, weight_left = left - share, weight_left - weight
    return backwards[::-1]


def _max_amounts(units: int, weights: list[int]) -> list[int]:
    most = sum(weights)
    return _first_come(min(units, most), weights) if most else [0] * len(weights)


_SHARES: dict[AllocationRule, Callable[[int, list[int]], list[int]]] = {
    AllocationRule.LARGEST_REMAINDER: _largest_remainder,
    AllocationRule.FIRST_COME: _first_come,
    AllocationRule.LAST_COME: _last_come,
    AllocationRule.LARGEST_WEIGHT: _largest_weight,
    AllocationRule.FLOOR_SEPARATE: _floor_separate,
    AllocationRule.CASCADE: _cascade,
    AllocationRule.MAX_AMOUNTS: _max_amounts,
    AllocationRule.EQUAL_PARTS: _first_come,
    AllocationRule.FLOOR_THEN_SPARE: _largest_remainder,
    AllocationRule.FLOOR_AT_ZERO: _largest_remainder,
}
