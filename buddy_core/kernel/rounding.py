"""Rounding by name: an exact fraction becomes a whole number of minor units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from fractions import Fraction
from math import lcm

from buddy_core.kernel.errors import InvalidValue


class Rounding(Enum):
    """How a fraction becomes a whole number; the README has the table with examples."""

    HALF_UP = "half_up"
    """Nearest; a half goes away from zero (India's CGST Act, section 170; most invoices)."""
    HALF_DOWN = "half_down"
    """Nearest; a half goes toward zero."""
    HALF_EVEN = "half_even"
    """Nearest; a half goes to the even neighbour."""
    HALF_ODD = "half_odd"
    """Nearest; a half goes to the odd neighbour."""
    HALF_TOWARD_POSITIVE_INFINITY = "half_toward_positive_infinity"
    HALF_TOWARD_NEGATIVE_INFINITY = "half_toward_negative_infinity"
    UP = "up"
    """Away from zero."""
    DOWN = "down"
    """Toward zero."""
    FLOOR = "floor"
    """Toward minus infinity."""
    CEILING = "ceiling"
    """Toward plus infinity."""

    @classmethod
    def _missing_(cls, value: object) -> Rounding | None:
        names = ", ".join(rounding.value for rounding in cls)
        raise InvalidValue("rounding", f"{value!r} is not one of {names}")


def exact(value: Fraction | int) -> Fraction:
    """Return a number as the Fraction it is.

    Raises:
        InvalidValue: `value` is not an int or Fraction (floats, bools and decimals are refused).
    """
    given: object = value
    if isinstance(given, Fraction):
        return given
    if isinstance(given, bool) or not isinstance(given, int):
        raise InvalidValue("value", f"is a {type(given).__name__}; only int and Fraction are exact here")
    return Fraction(given)


def exact_sum(values: Iterable[Fraction]) -> Fraction:
    """Return the sum; quick where many values share few denominators, and where none are alike."""
    numerators: dict[int, int] = {}
    for value in values:
        above, below = value.as_integer_ratio()
        numerators[below] = numerators.get(below, 0) + above
    parts = list(numerators.items())
    # A few at a time, then those sums: their numbers are long only at the end.
    while len(parts) > _AT_A_TIME:
        parts = [_added(parts[place : place + _AT_A_TIME]) for place in range(0, len(parts), _AT_A_TIME)]
    below, above = _added(parts)
    return Fraction(above, below)


_AT_A_TIME = 32


def _added(parts: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the sum of denominators with their numerators as one of each."""
    whole, total = 1, 0
    for below, above in parts:
        if whole % below:
            common = lcm(whole, below)
            whole, total = common, total * (common // whole)
        total += above * (whole // below)
    return whole, total


def sort_key(value: Fraction) -> tuple[int, Fraction]:
    """Return what sorts as the value does, and sooner: 64 binary places tell most values apart."""
    above, below = value.as_integer_ratio()
    return (above << 64) // below, value


def round_fraction(value: Fraction | int, rounding: Rounding) -> int:
    """Return `value` as a whole number, rounded by the named rule; exact at any size.

    Raises:
        InvalidValue: `value` is not an int or Fraction (floats and bools are refused).
    """
    exact: object = value
    if isinstance(exact, bool) or not isinstance(exact, int | Fraction):
        raise InvalidValue("value", f"is a {type(exact).__name__}; only int and Fraction are exact here")
    below, rest = divmod(exact.numerator, exact.denominator)
    if rest == 0:
        return below
    return below + _GOES_UP[Rounding(rounding)](below, 2 * rest - exact.denominator)


# Each rule answers whether a number strictly between `below` and `below + 1` goes to the
# upper one. `half` is negative, zero or positive: below, at or above the middle.
# `below` is negative exactly when the number is.
_GOES_UP: dict[Rounding, Callable[[int, int], bool]] = {
    Rounding.HALF_UP: lambda below, half: half > 0 or (half == 0 and below >= 0),
    Rounding.HALF_DOWN: lambda below, half: half > 0 or (half == 0 and below < 0),
    Rounding.HALF_EVEN: lambda below, half: half > 0 or (half == 0 and below % 2 == 1),
    Rounding.HALF_ODD: lambda below, half: half > 0 or (half == 0 and below % 2 == 0),
    Rounding.HALF_TOWARD_POSITIVE_INFINITY: lambda below, half: half >= 0,
    Rounding.HALF_TOWARD_NEGATIVE_INFINITY: lambda below, half: half > 0,
    Rounding.UP: lambda below, half: below >= 0,
    Rounding.DOWN: lambda below, half: below < 0,
    Rounding.FLOOR: lambda below, half: False,
    Rounding.CEILING: lambda below, half: True,
}
