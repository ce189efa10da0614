"""Currency exponents: the dated list, its refusals, and how CLDR differs."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from babel.numbers import get_currency_precision

from buddy_core.kernel import (
    EXPONENTS,
    ISO_4217_PUBLISHED,
    Invalid,
    NoMinorUnit,
    UnknownCurrency,
    exponent,
    minor_digits,
)

# code: (ISO 4217 exponent, digits of CLDR as Babel gives them). CLDR says how many digits
# are shown in daily life, ISO 4217 how amounts are counted: the ledger follows ISO 4217.
CLDR_DIFFERENCES: dict[str, tuple[int | None, int]] = {
    "AFN": (2, 0),
    "ALL": (2, 0),
    "IQD": (3, 0),
    "IRR": (2, 0),
    "KPW": (2, 0),
    "LAK": (2, 0),
    "LBP": (2, 0),
    "MGA": (2, 0),
    "MMK": (2, 0),
    "RSD": (2, 0),
    "SOS": (2, 0),
    "SYP": (2, 0),
    "YER": (2, 0),
    # Where ISO 4217 defines no minor unit, CLDR falls back to its default of two digits.
    "XAG": (None, 2),
    "XAU": (None, 2),
    "XBA": (None, 2),
    "XBB": (None, 2),
    "XBC": (None, 2),
    "XBD": (None, 2),
    "XDR": (None, 2),
    "XPD": (None, 2),
    "XPT": (None, 2),
    "XSU": (None, 2),
    "XTS": (None, 2),
    "XUA": (None, 2),
    "XXX": (None, 2),
}


def test_the_list_is_whole_and_dated() -> None:
    """All 178 codes of the list of 2026-01-01 are there, 13 of them without a minor unit."""
    assert date(2026, 1, 1) == ISO_4217_PUBLISHED
    counts = {digits: list(EXPONENTS.values()).count(digits) for digits in (0, 2, 3, 4, None)}
    assert counts == {0: 17, 2: 139, 3: 7, 4: 2, None: 13}
    assert len(EXPONENTS) == 178
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in EXPONENTS)


@pytest.mark.parametrize(
    ("code", "digits"), [("INR", 2), ("AED", 2), ("JPY", 0), ("KWD", 3), ("UYW", 4), ("XAU", None)]
)
def test_known_codes_have_their_exponent(code: str, digits: int | None) -> None:
    """A listed code answers its digits after the point, or None."""
    assert exponent(code) == digits


@pytest.mark.parametrize("code", ["", "inr", "INRR", "HRK", "₹", " INR", None, 356, ["INR"]])
def test_unlisted_codes_are_refused(code: Any) -> None:
    """A code outside the list, withdrawn ones and other types included, is UnknownCurrency."""
    with pytest.raises(UnknownCurrency) as caught:
        exponent(code)
    assert isinstance(caught.value, Invalid)
    assert caught.value.facts() == {"currency": str(code)}


def test_a_code_without_minor_unit_cannot_be_paid_in() -> None:
    """Gold has a code, but no amount of money is counted in it."""
    with pytest.raises(NoMinorUnit, match="XAU"):
        minor_digits("XAU")
    assert minor_digits("INR") == 2


def test_the_differences_from_cldr_are_exactly_these() -> None:
    """Babel's digits differ from ISO 4217 for the codes listed here and for no other."""
    found = {
        code: (digits, get_currency_precision(code))
        for code, digits in EXPONENTS.items()
        if get_currency_precision(code) != digits
    }
    assert found == CLDR_DIFFERENCES
