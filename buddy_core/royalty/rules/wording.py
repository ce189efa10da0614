"""Figures as they are read: money in major units, percentages, and what is exact but has no end."""

from __future__ import annotations

from fractions import Fraction

from buddy_core.kernel.currencies import minor_digits
from buddy_core.kernel.digits import is_readable
from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.rounding import Rounding, round_fraction
from buddy_core.royalty.errors import decimal_text
from buddy_core.royalty.model.facts import FxRate


def exact_text(value: Fraction, digits: int = 2) -> str:
    """Write a fraction as the decimal it is, if that has at most eight digits; else about, and exactly."""
    scaled = value * 10**8
    if scaled.denominator == 1:
        text = f"{abs(int(scaled)):09d}"
        whole, decimals = text[:-8], text[-8:].rstrip("0")
        sign, point = "-" if value < 0 else "", "." if decimals or digits else ""
        return f"{sign}{whole}{point}{decimals.ljust(digits, '0')}"
    about = Fraction(round_fraction(value * 10 ** (digits + 2), Rounding.HALF_UP), 10 ** (digits + 2))
    exactly = f" (exactly {value})" if is_readable(value) else ""
    return f"about {exact_text(about, digits + 2)}{exactly}"


def money_text(minor: Fraction | int, currency: str) -> str:
    """Write an amount of minor units in major ones, with its currency: 114.47 INR."""
    try:
        digits = minor_digits(currency)
    except BuddyError:
        digits = 0  # told where the facts are checked
    return f"{exact_text(Fraction(minor) / 10**digits, digits)} {currency}"


def percent_text(rate: Fraction) -> str:
    """Write a part of one as a percentage; one without end as the fraction, and about."""
    scaled = rate * 100
    if (scaled * 10**6).denominator == 1:
        return f"{exact_text(scaled, 0)} %"
    about = Fraction(round_fraction(scaled * 10**4, Rounding.HALF_UP), 10**4)
    near = f"about {exact_text(about, 0)} %"
    return f"{rate} ({near})" if is_readable(rate) else near


def rate_text(rate: FxRate) -> str:
    """Write a rate of exchange with its source and time: 1 USD = 83.125 INR (RBI, 2026-10-31 00:00 UTC)."""
    when = rate.at.isoformat(" ", "minutes").replace("+00:00", " UTC")
    return f"1 {rate.base} = {decimal_text(rate.rate)} {rate.quote} ({rate.source}, {when})"
