"""Numbers longer than Python writes in one go become text, and numbers again."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from buddy_core.kernel.digits import fraction_from, fraction_text, is_readable, whole_from, whole_text

LONG = 7**20_000
"""16,902 digits; Python alone stops at 4,300."""


@settings(max_examples=60, deadline=None)
@given(st.integers(-(10**30), 10**30), st.integers(0, 20_000))
@example(0, 0)
@example(1, 4300)
@example(-1, 20_000)
def test_a_whole_number_comes_back(number: int, zeros: int) -> None:
    """Of any length and sign, with zeros within it and at its end."""
    value = number * 10**zeros + number
    text = whole_text(value)
    assert whole_from(text) == value
    assert text.removeprefix("-").isdigit()
    assert text.removeprefix("-").startswith("0") == (value == 0)


def test_what_python_can_write_is_written_the_same() -> None:
    """A short number is what `str` says, and a long one begins and ends as its digits do."""
    assert (whole_text(-42), whole_from("-42")) == ("-42", -42)
    text = whole_text(LONG)
    assert (len(text), int(text[:20]), int(text[-20:])) == (16_902, LONG // 10**16_882, LONG % 10**20)


def test_a_fraction_comes_back() -> None:
    """As `3/5`, as a whole number, and with parts of any length."""
    for value in (Fraction(3, 5), Fraction(-7), Fraction(LONG, LONG + 2), Fraction(-1, LONG)):
        assert fraction_from(fraction_text(value)) == value
    assert (fraction_text(Fraction(7)), fraction_from("7")) == ("7/1", Fraction(7))


@pytest.mark.parametrize("text", ["", "-", "x", "1.5", "--1", "9" * 5000 + "x", "९" * 5000])
def test_what_is_no_number_is_refused(text: str) -> None:
    """However long it is."""
    with pytest.raises(ValueError, match=r"."):
        whole_from(text)


def test_only_short_fractions_are_for_people() -> None:
    """Both parts have at most 12 digits."""
    assert is_readable(Fraction(10**12 - 1, 10**11))
    assert not is_readable(Fraction(-(10**12), 7))
    assert not is_readable(Fraction(1, 10**12))
