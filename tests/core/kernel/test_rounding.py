"""Rounding by name, against the decimal module and by its laws."""

from __future__ import annotations

import decimal
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import InvalidValue, Rounding, round_fraction
from buddy_core.kernel.rounding import exact_sum, sort_key

DECIMAL_MODES = {
    Rounding.HALF_UP: decimal.ROUND_HALF_UP,
    Rounding.HALF_DOWN: decimal.ROUND_HALF_DOWN,
    Rounding.HALF_EVEN: decimal.ROUND_HALF_EVEN,
    Rounding.UP: decimal.ROUND_UP,
    Rounding.DOWN: decimal.ROUND_DOWN,
    Rounding.FLOOR: decimal.ROUND_FLOOR,
    Rounding.CEILING: decimal.ROUND_CEILING,
}

TABLE = [
    ("half_up", 3, -3, 2, -2),
    ("half_down", 2, -2, 2, -2),
    ("half_even", 2, -2, 2, -2),
    ("half_odd", 3, -3, 2, -2),
    ("half_toward_positive_infinity", 3, -2, 2, -2),
    ("half_toward_negative_infinity", 2, -3, 2, -2),
    ("up", 3, -3, 3, -3),
    ("down", 2, -2, 2, -2),
    ("floor", 2, -3, 2, -3),
    ("ceiling", 3, -2, 3, -2),
]

halves = st.integers().map(lambda n: Fraction(n, 2))
fractions = st.one_of(st.fractions(), halves)
roundings = st.sampled_from(Rounding)


@pytest.mark.parametrize(("name", "half", "minus_half", "low", "minus_low"), TABLE)
def test_each_rule_rounds_as_the_readme_table_says(
    name: str, half: int, minus_half: int, low: int, minus_low: int
) -> None:
    """Every named rule gives the four answers printed in the README's table."""
    values = (Fraction(5, 2), Fraction(-5, 2), Fraction(11, 5), Fraction(-11, 5))
    assert tuple(round_fraction(value, Rounding(name)) for value in values) == (
        half,
        minus_half,
        low,
        minus_low,
    )


@given(
    st.one_of(
        st.decimals(-(10**6), 10**6, places=3), st.integers(-(10**6), 10**6).map(lambda n: Decimal(n) / 2)
    ),
    st.sampled_from(sorted(DECIMAL_MODES, key=lambda rounding: rounding.value)),
)
def test_rounding_agrees_with_the_decimal_module(value: Decimal, rounding: Rounding) -> None:
    """In the seven rules that both know, the answer is the decimal module's."""
    expected = value.quantize(Decimal(1), rounding=DECIMAL_MODES[rounding])
    assert round_fraction(Fraction(value), rounding) == int(expected)


@given(fractions, roundings)
def test_rounding_moves_less_than_one(value: Fraction, rounding: Rounding) -> None:
    """No rule moves a number by one or more, and whole numbers stay."""
    rounded = round_fraction(value, rounding)
    assert abs(rounded - value) < 1
    assert round_fraction(rounded, rounding) == rounded


@given(fractions, st.sampled_from([rounding for rounding in Rounding if rounding.value.startswith("half")]))
def test_half_rules_choose_the_nearest(value: Fraction, rounding: Rounding) -> None:
    """Every half rule moves a number by at most a half."""
    assert abs(round_fraction(value, rounding) - value) <= Fraction(1, 2)


@given(
    fractions,
    st.sampled_from(
        [
            Rounding.HALF_UP,
            Rounding.HALF_DOWN,
            Rounding.HALF_EVEN,
            Rounding.HALF_ODD,
            Rounding.UP,
            Rounding.DOWN,
        ]
    ),
)
def test_symmetric_rules_mirror_negative_numbers(value: Fraction, rounding: Rounding) -> None:
    """Six rules give a refund exactly the mirrored amount of its charge."""
    assert round_fraction(-value, rounding) == -round_fraction(value, rounding)


@given(st.integers(), st.fractions(Fraction(-1, 2), Fraction(1, 2)))
def test_half_odd_leaves_an_odd_number_where_half_even_leaves_an_even_one(whole: int, off: Fraction) -> None:
    """At a half the two differ by one and are odd and even; anywhere else they agree."""
    for value in (whole + off, whole + Fraction(1, 2)):
        odd, even = round_fraction(value, Rounding.HALF_ODD), round_fraction(value, Rounding.HALF_EVEN)
        if value.denominator == 2:
            assert (odd % 2, even % 2, abs(odd - even)) == (1, 0, 1)
        else:
            assert odd == even


@given(fractions)
def test_the_directed_pairs_mirror_each_other(value: Fraction) -> None:
    """Floor mirrors ceiling, and half toward minus infinity mirrors half toward plus infinity."""
    assert round_fraction(-value, Rounding.FLOOR) == -round_fraction(value, Rounding.CEILING)
    assert round_fraction(-value, Rounding.HALF_TOWARD_NEGATIVE_INFINITY) == -round_fraction(
        value, Rounding.HALF_TOWARD_POSITIVE_INFINITY
    )


def test_rounding_is_exact_beyond_floats() -> None:
    """A half that a float cannot hold is still seen as a half."""
    big = 10**30
    assert round_fraction(Fraction(2 * big + 1, 2), Rounding.HALF_UP) == big + 1
    assert round_fraction(Fraction(2 * big + 1, 2) - Fraction(1, 10**40), Rounding.HALF_UP) == big


@pytest.mark.parametrize("value", [2.5, True, "2.5", Decimal("2.5"), None])
def test_inexact_values_are_refused(value: Any) -> None:
    """Anything but an int or Fraction is refused, bools included."""
    with pytest.raises(InvalidValue):
        round_fraction(value, Rounding.HALF_UP)


def test_an_unknown_rounding_name_is_refused() -> None:
    """A misspelt rule raises InvalidValue, which lists the rules."""
    with pytest.raises(InvalidValue, match="half_even"):
        Rounding("bankers")


SHORT = st.fractions(-999, 999, max_denominator=60)


@given(st.lists(SHORT, max_size=8))
def test_an_exact_sum_is_the_sum(values: list[Fraction]) -> None:
    """Fractions of any denominators add up exactly; none of them make nothing."""
    assert exact_sum(values) == sum(values, Fraction(0))


@pytest.mark.parametrize("count", [31, 32, 33, 1_024, 1_025, 3_000])
def test_a_sum_of_many_denominators_is_exact(count: int) -> None:
    """1/2 + 1/6 + 1/12 ... is n / (n + 1), however many are added up at a time."""
    values = [Fraction(1, number * (number + 1)) for number in range(1, count + 1)]
    assert exact_sum(iter(values)) == Fraction(count, count + 1)


@given(SHORT, SHORT, st.integers(60, 70))
def test_sort_keys_sort_as_the_values(one: Fraction, other: Fraction, places: int) -> None:
    """Keys compare as the values do, also where those differ by less than the key's first part can tell."""
    for near in (other, one + Fraction(1, 2**places), one - Fraction(1, 3**places), one):
        assert (sort_key(one) < sort_key(near)) == (one < near)
        assert (sort_key(one) == sort_key(near)) == (one == near)
