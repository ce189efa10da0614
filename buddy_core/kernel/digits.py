"""Whole numbers and fractions as text however long they are: Python alone stops at some thousand digits."""

from __future__ import annotations

from fractions import Fraction

_UNREADABLE = 10**24
"""Numbers from here on are not written out where people read."""


def whole_text(value: int) -> str:
    """Write a whole number in decimal digits.

    Exact shares of very many subscribers have numbers of tens of thousands of digits, which
    Python refuses to write in one go (`sys.set_int_max_str_digits`), as that is slow from
    untrusted hands. These are our own.
    """
    try:
        return str(value)
    except ValueError:
        sign, value = "-" if value < 0 else "", abs(value)
        # A bit is worth 0.3 digits; this splits it about in the middle.
        half = value.bit_length() * 3 // 20
        high, low = divmod(value, 10**half)
        return f"{sign}{whole_text(high)}{whole_text(low).rjust(half, '0')}"


def whole_from(text: str) -> int:
    """Read what `whole_text` writes.

    Raises:
        ValueError: it is no whole number.
    """
    try:
        return int(text)
    except ValueError:
        digits = text.removeprefix("-")
        if len(digits) < 2 or not (digits.isascii() and digits.isdecimal()):
            raise
        half = len(digits) // 2
        scale: int = 10 ** (len(digits) - half)
        found = whole_from(digits[:half]) * scale + whole_from(digits[half:])
        return -found if text.startswith("-") else found


def fraction_text(value: Fraction) -> str:
    """Write a fraction as `3/5`; a whole number as `3/1`."""
    return f"{whole_text(value.numerator)}/{whole_text(value.denominator)}"


def is_readable(value: Fraction) -> bool:
    """Tell whether people can read a fraction: shares of many subscribers may have thousands of digits."""
    return max(abs(value.numerator), value.denominator) < _UNREADABLE


def fraction_from(text: str) -> Fraction:
    """Read a fraction such as `3/5`, or a whole number.

    Raises:
        ValueError: it is neither.
        ZeroDivisionError: it has nothing below.
    """
    above, slash, below = text.partition("/")
    return Fraction(whole_from(above), whole_from(below) if slash else 1)
