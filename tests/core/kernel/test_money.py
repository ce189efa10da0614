"""Money: whole minor units of one currency, and what is refused."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import (
    EXPONENTS,
    AllocationRule,
    CurrencyMismatch,
    InvalidValue,
    Money,
    NoMinorUnit,
    Rounding,
    UnknownCurrency,
    total,
)

amounts = st.integers(-(10**18), 10**18)
currencies = st.sampled_from(sorted(code for code, digits in EXPONENTS.items() if digits is not None))


@given(amounts, currencies)
def test_text_round_trip(minor: int, currency: str) -> None:
    """An amount written as major text reads back as the same amount, in every currency."""
    money = Money(minor, currency)
    assert Money.from_major(money.major_text(), currency) == money


@pytest.mark.parametrize(
    ("text", "currency", "minor", "written"),
    [
        ("1.234", "KWD", 1234, "1.234"),
        ("31", "JPY", 31, "31"),
        ("-0.05", "INR", -5, "-0.05"),
        ("-0", "INR", 0, "0.00"),
        ("1.5", "INR", 150, "1.50"),
        ("199", "INR", 19900, "199.00"),
        ("0.0001", "CLF", 1, "0.0001"),
        ("1.500", "USD", 150, "1.50"),
        ("31.0", "JPY", 31, "31"),
        ("-0.05000", "INR", -5, "-0.05"),
    ],
)
def test_major_text_is_read_and_written(text: str, currency: str, minor: int, written: str) -> None:
    """A plain decimal becomes minor units, and is written with all digits of its currency."""
    money = Money.from_major(text, currency)
    assert money.minor == minor
    assert money.major_text() == written
    assert str(money) == f"{written} {currency}"


@pytest.mark.parametrize(
    "text",
    [
        "1.234", "1.2300001", "", "1.", ".5", "1e3", "+1", " 1", "1\n", "1,000", "1_000", "NaN", "١",
        "1" * 31, "1." + "0" * 31, 1, 1.5, Decimal("1.5"), None,
    ],
)  # fmt: skip
def test_text_that_is_no_amount_is_refused(text: Any) -> None:
    """Too many digits, other spellings and other types are InvalidValue, never rounded."""
    with pytest.raises(InvalidValue):
        Money.from_major(text, "INR")


@given(amounts, currencies, st.integers(0, 20), st.integers(1, 9))
def test_zeros_at_the_end_say_nothing(minor: int, currency: str, zeros: int, digit: int) -> None:
    """Zeros beyond a currency's digits change no amount; any other digit there is refused."""
    money = Money(minor, currency)
    text = money.major_text()
    longer = text + ("" if "." in text else ".0") + "0" * zeros
    assert Money.from_major(longer, currency) == money
    with pytest.raises(InvalidValue, match="digits after the point"):
        Money.from_major(f"{longer}{digit}" if "." in text else f"{text}.{digit}", currency)


@pytest.mark.parametrize("minor", [1.0, True, "1", Decimal(1), Fraction(1), None])
def test_only_a_plain_int_counts_money(minor: Any) -> None:
    """Floats, bools and every other type are refused as an amount."""
    with pytest.raises(InvalidValue):
        Money(minor, "INR")


@pytest.mark.parametrize(("currency", "error"), [("ABC", UnknownCurrency), ("XAU", NoMinorUnit)])
def test_a_currency_that_cannot_be_paid_in_is_refused(currency: str, error: type[Exception]) -> None:
    """Unknown codes and codes without a minor unit make no Money."""
    for make in (Money.zero, lambda code: Money.from_major("1", code), lambda code: total([], code)):
        with pytest.raises(error):
            make(currency)


@given(amounts, amounts, currencies)
def test_sums_are_those_of_the_minor_units(left: int, right: int, currency: str) -> None:
    """Adding, taking away, negating and ordering follow the integers."""
    a, b = Money(left, currency), Money(right, currency)
    assert a + b == Money(left + right, currency)
    assert a - b == a + -b == Money(left - right, currency)
    assert a + Money.zero(currency) == a
    assert total([a, b, -a], currency) == b
    assert (a < b, a <= b, a > b, a >= b) == (left < right, left <= right, left > right, left >= right)


@pytest.mark.parametrize(
    "operation", [operator.add, operator.sub, operator.lt, operator.le, operator.gt, operator.ge]
)
def test_mixed_currencies_are_refused(operation: Callable[[Money, Money], Any]) -> None:
    """Two currencies in one sum or comparison raise CurrencyMismatch, which names both."""
    with pytest.raises(CurrencyMismatch, match="INR and USD") as caught:
        operation(Money(1, "INR"), Money(1, "USD"))
    assert caught.value.facts() == {"left": "INR", "right": "USD"}


def test_a_total_of_mixed_currencies_is_refused() -> None:
    """One foreign amount refuses the whole total."""
    with pytest.raises(CurrencyMismatch):
        total([Money(1, "INR"), Money(1, "USD")], "INR")
    assert total([], "INR") == Money(0, "INR")


def test_the_same_number_of_two_currencies_is_not_equal() -> None:
    """Equality between currencies is plain False, so that amounts can be keys of a dict."""
    assert Money(1, "INR") != Money(1, "USD")
    assert len({Money(1, "INR"), Money(1, "USD"), Money(1, "INR")}) == 2


@pytest.mark.parametrize(
    "operation",
    [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.lt,
     operator.le, operator.gt, operator.ge],
)  # fmt: skip
def test_bare_numbers_do_not_mix_with_money(operation: Callable[[Any, Any], Any]) -> None:
    """There is no division or multiplication, and no sum with a bare number."""
    with pytest.raises(TypeError):
        operation(Money(10, "INR"), 2)


def test_money_is_frozen() -> None:
    """An amount cannot be changed after it is made."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Money(1, "INR").minor = 2  # type: ignore[misc]


def test_scaling_rounds_once_by_the_named_rule() -> None:
    """A tenth of 25 paise is 3 or 2 paise, as the rule says, and its refund the mirror."""
    money = Money(25, "INR")
    assert money.scaled(Fraction(1, 10), rounding=Rounding.HALF_UP) == Money(3, "INR")
    assert money.scaled(Fraction(1, 10), rounding=Rounding.HALF_EVEN) == Money(2, "INR")
    assert (-money).scaled(Fraction(1, 10), rounding=Rounding.HALF_UP) == Money(-3, "INR")
    assert money.scaled(3, rounding=Rounding.DOWN) == Money(75, "INR")


@pytest.mark.parametrize("factor", [0.1, True, Decimal("0.1"), "1/10", None])
def test_scaling_by_an_inexact_factor_is_refused(factor: Any) -> None:
    """Only an int or Fraction scales money."""
    with pytest.raises(InvalidValue):
        Money(25, "INR").scaled(factor, rounding=Rounding.HALF_UP)


@given(amounts, currencies, st.lists(st.integers(0, 1000), min_size=1).filter(any))
def test_allocated_money_adds_up(minor: int, currency: str, weights: list[int]) -> None:
    """By every rule for proportions, shares and remainder make up the amount, in its currency."""
    money = Money(minor, currency)
    for rule in set(AllocationRule) - {AllocationRule.EQUAL_PARTS}:
        split = money.allocate(weights, rule=rule)
        assert total(split.shares, currency) + split.remainder == money


def test_allocation_of_money_passes_its_options_on() -> None:
    """Step and declared fractions work on Money as on integers."""
    split = Money(100, "INR").allocate(
        [Fraction(1, 2), Fraction(1, 4)],
        rule=AllocationRule.LARGEST_REMAINDER,
        step=5,
        fractions_of_one=True,
    )
    assert [share.minor for share in split.shares] == [50, 25]
    assert split.remainder == Money(25, "INR")
