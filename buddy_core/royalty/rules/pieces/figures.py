"""A figure: an amount of money exact and in whole minor units; and the refusal of what is not exact."""

from __future__ import annotations

from fractions import Fraction

from attrs import frozen

from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.rounding import Rounding, round_fraction
from buddy_core.royalty.errors import BadPercent

Exact = int | Fraction
"""What pieces take as a number."""


@frozen
class Figure:
    """An amount in minor units: as it is, and as it is paid or printed."""

    exact: Fraction
    minor: int


def checked(field: str, value: object) -> Fraction:
    """Return a number as a Fraction.

    Raises:
        InvalidValue: it is neither an int nor a Fraction; a float or a bool is none.
    """
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        problem = f"is a {type(value).__name__}; give an int or a Fraction, such as Fraction('33.33')"
        raise InvalidValue(field, problem)
    return Fraction(value)


def whole(field: str, value: object) -> int:
    """Return a count as it is.

    Raises:
        InvalidValue: it is no int.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValue(field, f"is a {type(value).__name__}; give a whole number")
    return value


def part(field: str, percent: object, most: int | None = 100) -> Fraction:
    """Return a percent as a part of one.

    Raises:
        BadPercent: it is below 0, or above `most`.
        InvalidValue: as `checked`.
    """
    value = checked(field, percent)
    if value < 0 or (most is not None and value > most):
        raise BadPercent(field, value, most)
    return value / 100


def half_up(value: Fraction) -> int:
    """Round a single figure to whole minor units: to the nearest, a half away from zero."""
    return round_fraction(value, Rounding.HALF_UP)


def figure(value: Fraction) -> Figure:
    """Return a figure that is not part of a split: rounded half up."""
    return Figure(value, half_up(value))
