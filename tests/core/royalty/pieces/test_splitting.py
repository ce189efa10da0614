"""Splits: flat shares, percents that make the whole, and whole amounts that add up."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buddy_core.kernel import InvalidValue
from buddy_core.royalty import (
    BadPercent,
    BadSplit,
    Figure,
    NegativeTotal,
    PercentsNotWhole,
    flat_share,
    split_by_exact,
    split_percent,
)
from buddy_core.royalty.rules.pieces.splitting import split_fractions, split_whole
from tests.core.royalty.counting import often

MONEY = st.one_of(
    st.integers(-(10**9), 10**9), st.builds(Fraction, st.integers(-9999, 9999), st.integers(1, 40))
)
PERCENT = st.fractions(0, 100, max_denominator=16)


def near(value: Fraction) -> int:
    """Round to the nearest whole number, a half away from zero."""
    return math.floor(abs(value) + Fraction(1, 2)) * (1 if value >= 0 else -1)


@st.composite
def wholes(draw: st.DrawFn) -> list[Fraction]:
    """Return percents that make exactly 100."""
    weights = draw(st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any))
    return [Fraction(100 * weight, sum(weights)) for weight in weights]


@given(MONEY, PERCENT, PERCENT)
def test_a_flat_share_is_taken_of_the_exact_pool(money: Any, fee: Fraction, percent: Fraction) -> None:
    """Pool and share are each rounded once from their exact figure, and fee and pool make the revenue."""
    found = flat_share(money, fee, percent)
    assert found.pool.exact == Fraction(money) * (100 - fee) / 100
    assert found.share.exact == found.pool.exact * percent / 100
    assert (found.pool.minor, found.share.minor) == (near(found.pool.exact), near(found.share.exact))
    assert found.fee.exact + found.pool.exact == money
    assert found.fee.minor + found.pool.minor == near(Fraction(money))


def test_percents_split_all_of_it() -> None:
    """Shares make the total, each less than one unit from its exact percent; below zero by the policy."""
    fired: Counter[Any] = Counter()

    @given(MONEY, wholes())
    @settings(max_examples=250)
    def run(money: Any, percents: list[Fraction]) -> None:
        for policy in NegativeTotal:
            found = split_percent(money, percents, negative=policy)
            parts = [*found.shares, found.unshared]
            assert sum(item.exact for item in parts) == found.total.exact == money
            assert sum(item.minor for item in parts) == found.total.minor == near(Fraction(money))
            if money < 0 and policy is NegativeTotal.FLOOR_AT_ZERO:
                assert all(item == Figure(Fraction(0), 0) for item in found.shares)
            else:
                exact = [Fraction(money) * percent / 100 for percent in percents]
                assert [item.exact for item in found.shares] == exact
                assert all(abs(item.minor - item.exact) < 1 for item in found.shares)
                above = split_percent(-money, percents, negative="mirror")
                assert [item.minor for item in above.shares] == [-item.minor for item in found.shares]
            fired[policy, money < 0] += 1

    often(run, fired, *((policy, below) for policy in NegativeTotal for below in (False, True)))


def test_a_negative_total_pays_nobody_unless_it_is_said() -> None:
    """Without a policy returns above sales take nothing back; the whole of them is named."""
    found = split_percent(-500, [60, 40])
    assert ([item.minor for item in found.shares], found.unshared.minor) == ([0, 0], -500)
    assert [item.minor for item in split_percent(-500, [60, 40], negative="mirror").shares] == [-300, -200]


def test_percents_that_miss_100_are_refused_with_the_difference() -> None:
    """Too little says what to add, too much what to take off."""
    fired: Counter[str] = Counter()

    @given(wholes(), st.fractions(Fraction(1, 100), 50, max_denominator=100))
    @settings(max_examples=200)
    def run(percents: list[Fraction], off: Fraction) -> None:
        places = [place for place, percent in enumerate(percents) if percent >= off]
        if places:
            less = list(percents)
            less[places[0]] -= off
            with pytest.raises(PercentsNotWhole, match="exactly 100: add ") as refused:
                split_percent(100, less)
            assert refused.value.total == 100 - off
            fired["less"] += 1
        with pytest.raises(PercentsNotWhole, match=r"exactly 100: take .* off") as refused:
            split_percent(100, [*percents, off])
        assert refused.value.total == 100 + off
        fired["more"] += 1
        with pytest.raises(BadPercent, match=r"percents\[0\] is -.*write a percent from 0 to 100"):
            split_percent(100, [-off, *percents])
        fired["below zero"] += 1

    often(run, fired, "less", "more", "below zero")


@pytest.mark.parametrize(
    ("percents", "said"),
    [
        (["33.33", "33.33", "33.33"], "come to 99.99; they must make exactly 100: add 0.01."),
        (["60", "40.5"], "come to 100.5; they must make exactly 100: take 0.5 off."),
        (["100/3"], "come to 100/3; they must make exactly 100: add 200/3."),
        ([], "come to 0; they must make exactly 100: add 100."),
    ],
)
def test_percents_are_told_as_an_accountant_writes_them(percents: list[str], said: str) -> None:
    """Decimals where they end, else a fraction."""
    with pytest.raises(PercentsNotWhole) as refused:
        split_percent(1, [Fraction(percent) for percent in percents])
    assert refused.value.message() == f"The percents {said}"


AMOUNTS = st.lists(st.builds(Fraction, st.integers(-500, 500), st.integers(1, 12)), max_size=6)


@given(AMOUNTS)
@settings(max_examples=150)
def test_whole_amounts_add_up(amounts: list[Fraction]) -> None:
    """They make the sum rounded half up; each is rounded down or up, and who is whole stays."""
    found = split_by_exact(amounts)
    assert sum(item.minor for item in found) == near(sum(amounts, Fraction(0)))
    assert [item.exact for item in found] == amounts
    assert all(math.floor(item.exact) <= item.minor <= math.ceil(item.exact) for item in found)


@given(AMOUNTS.filter(lambda amounts: min(amounts, default=0) >= 0))
def test_the_largest_remainders_are_rounded_up(amounts: list[Fraction]) -> None:
    """Nobody who is rounded down has a larger remainder, or the same one earlier, than who is rounded up."""
    found = split_by_exact(amounts)
    up = [(-(item.exact % 1), place) for place, item in enumerate(found) if item.minor > item.exact]
    down = [(-(item.exact % 1), place) for place, item in enumerate(found) if item.minor < item.exact]
    assert not up or not down or max(up) < min(down)
    mirrored = split_by_exact([-amount for amount in amounts])
    assert [item.minor for item in mirrored] == [-item.minor for item in found]


def test_a_given_total_is_held_or_refused() -> None:
    """From all rounded down to all rounded up any total can be split; one unit beyond is refused."""
    fired: Counter[str] = Counter()

    @given(AMOUNTS)
    @settings(max_examples=100)
    def run(amounts: list[Fraction]) -> None:
        low, high = sum(map(math.floor, amounts)), sum(map(math.ceil, amounts))
        for total in range(low, high + 1):
            assert sum(item.minor for item in split_by_exact(amounts, total)) == total
            fired["held"] += 1
        for total in (low - 1, high + 1):
            with pytest.raises(BadSplit, match="cannot be split") as refused:
                split_by_exact(amounts, total)
            bounds = {refused.value.lowest, refused.value.highest}
            assert bounds in ({low, high}, {-low, -high})
            fired["refused"] += 1

    often(run, fired, "held", "refused")


@given(AMOUNTS, st.integers(-3, 3))
def test_a_common_denominator_makes_no_difference(amounts: list[Fraction], more: int) -> None:
    """Fractions, and the same as whole numbers over one denominator, are split alike, or both refused."""
    below = math.lcm(*(amount.denominator for amount in amounts))
    above = [int(amount * below) for amount in amounts]
    assert split_fractions(amounts) == split_whole(above, below)
    total = near(sum(amounts, Fraction(0))) + more
    if sum(map(math.floor, amounts)) <= total <= sum(map(math.ceil, amounts)):
        assert split_fractions(amounts, total) == split_whole(above, below, total)
    else:
        with pytest.raises(BadSplit):
            split_fractions(amounts, total)
        with pytest.raises(BadSplit):
            split_whole(above, below, total)


def test_remainders_that_are_very_near_are_told_apart() -> None:
    """The larger remainder gets the unit, by however little it is larger; the others in the order given."""
    half, tiny = Fraction(1, 2), Fraction(1, 10**40)
    assert split_fractions([half - tiny, half, half + tiny, half], 1) == [0, 0, 1, 0]
    assert split_fractions([half - tiny, half, half + tiny, half], 2) == [0, 1, 1, 0]
    assert split_fractions([half - tiny, half, half + tiny, half], 3) == [0, 1, 1, 1]


@pytest.mark.parametrize(
    "call",
    [
        lambda: flat_share(9.99, 30, 50),  # type: ignore[arg-type]
        lambda: flat_share(999, 0.3, 50),  # type: ignore[arg-type]
        lambda: flat_share(999, 30, 0.5),  # type: ignore[arg-type]
        lambda: split_percent(9.99, [100]),  # type: ignore[arg-type]
        lambda: split_percent(999, [100.0]),  # type: ignore[list-item]
        lambda: split_by_exact([0.5]),  # type: ignore[list-item]
        lambda: split_percent(True, [100]),
    ],
)
def test_floats_are_refused(call: Any) -> None:
    """What is not exact is refused by the name of its field, and told what to write."""
    with pytest.raises(InvalidValue, match=r"give an int or a Fraction, such as Fraction\('33.33'\)"):
        call()


@pytest.mark.parametrize(("fee", "percent"), [(-1, 50), (Fraction(201, 2), 50), (30, -1), (30, 101)])
def test_a_percent_is_from_0_to_100(fee: Any, percent: Any) -> None:
    """A fee or share outside of the whole is refused."""
    with pytest.raises(BadPercent, match="from 0 to 100, such as 12"):
        flat_share(100, fee, percent)


def test_an_unknown_policy_is_told_with_those_there_are() -> None:
    """A policy that there is not is answered with both that there are."""
    with pytest.raises(InvalidValue, match="floor_at_zero, mirror"):
        split_percent(1, [100], negative="ignore")
