"""Whole numbers and fractions as text however long they are: Python alone stops at some thousand digits.

Exact sums over many shares can have numbers of thousands of digits, which Python refuses to
write and to read (`sys.set_int_max_str_digits`), as its way would take long. A `Decimal` is quick.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

_UNREADABLE = 10**12
"""Numbers from here on are not written out where people read."""


def whole_text(value: int) -> str:
    """Write a whole number in decimal digits."""
    try:
        return str(value)
    except ValueError:
        return f"{Decimal(value):f}"


def whole_from(text: str) -> int:
    """Read a whole number in decimal digits; whoever calls bounds its length.

    Raises:
        ValueError: it is no whole number.
    """
    try:
        return int(text)
    except ValueError:
        if not (text.isascii() and text.removeprefix("-").isdecimal()):
            raise
        return int(Decimal(text))


def fraction_text(value: Fraction) -> str:
    """Write a fraction as `3/5`; a whole number as `3/1`."""
    return f"{whole_text(value.numerator)}/{whole_text(value.denominator)}"


def is_readable(value: Fraction) -> bool:
    """Tell whether people can read a fraction: sums over many shares may have thousands of digits."""
    return max(abs(value.numerator), value.denominator) < _UNREADABLE


def fraction_from(text: str) -> Fraction:
    """Read a fraction such as `3/5`, or a whole number.

    Raises:
        ValueError: it is neither.
        ZeroDivisionError: it has nothing below.
    """
    above, slash, below = text.partition("/")
    return Fraction(whole_from(above), whole_from(below) if slash else 1)
