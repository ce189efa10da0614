"""Guarantees: a period is never lifted, progress is projected exactly, and a term is settled once."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buddy_core.kernel import InvalidValue
from buddy_core.royalty import (
    BadGuarantee,
    BadPercent,
    NegativeTotal,
    guarantee_progress,
    period_royalty,
    true_up,
)
from tests.core.royalty.counting import often
from tests.core.royalty.pieces.test_splitting import near

MONEY = st.one_of(st.integers(-500, 5000), st.builds(Fraction, st.integers(-900, 9999), st.integers(1, 6)))
MINIMUM = st.one_of(st.integers(0, 9000), st.builds(Fraction, st.integers(0, 9999), st.integers(1, 6)))


@given(MONEY, st.fractions(0, 100, max_denominator=8), st.integers(0, 3000))
def test_a_period_is_what_it_earned(gross: Any, percent: Fraction, returns: int) -> None:
    """Gross less returns times the rate; below zero nothing, or its mirror where that is said."""
    found = period_royalty(gross, percent, returns)
    mirror = period_royalty(gross, percent, returns, negative=NegativeTotal.MIRROR)
    assert found.net.exact == mirror.net.exact == gross - returns
    assert mirror.royalty.exact == (gross - returns) * percent / 100
    assert found.royalty.exact == max(0, mirror.royalty.exact)
    assert (found.royalty.minor, mirror.royalty.minor) == (
        near(found.royalty.exact),
        near(mirror.royalty.exact),
    )


def test_a_slow_quarter_is_not_lifted_to_a_quarter_of_the_minimum() -> None:
    """8 % of 40,000.00 is 3,200.00, whatever the year's minimum is."""
    assert period_royalty(4_000_000, 8).royalty.minor == 320_000
    assert period_royalty(4_000_000, 8, returns=1_000_000).royalty.minor == 240_000
    assert period_royalty(0, 8, 100).royalty.minor == 0
    assert period_royalty(50, 10).net.exact == 50


def test_progress_is_a_projection_and_pays_nothing() -> None:
    """Projection, pace and risk agree with each other; a true-up is there once the year is over."""
    fired: Counter[str] = Counter()

    @given(st.lists(MONEY, min_size=1, max_size=6), st.integers(0, 3), MINIMUM)
    @settings(max_examples=300)
    def run(royalties: list[Any], left: int, minimum: Any) -> None:
        periods = len(royalties) + left
        found = guarantee_progress(royalties, periods, minimum)
        earned = sum(royalties, Fraction(0))
        assert found.earned.exact == earned
        assert found.projected.exact == earned / len(royalties) * periods
        assert found.shortfall_risk.exact == max(Fraction(0), minimum - found.projected.exact)
        for figure in (found.earned, found.projected, found.shortfall_risk):
            assert figure.minor == near(figure.exact)
        assert found.is_on_track == (found.projected.exact >= minimum)
        assert found.shortfall_due == (None if left else true_up(earned, minimum).due)
        if minimum:
            assert found.progress_percent == earned / Fraction(minimum) * 100
            prorated = Fraction(minimum) * len(royalties) / periods
            assert found.pace_percent == earned / prorated * 100
            assert (found.pace_percent < 100) == (found.shortfall_risk.exact > 0)
            fired["behind" if found.pace_percent < 100 else "on pace"] += 1
        else:
            assert found.pace_percent is None
            assert found.progress_percent is None
        assert found.true_up == (true_up(earned, minimum) if not left else None)
        fired["over" if not left else "running"] += 1

    often(run, fired, "behind", "on pace", "over", "running")


def test_a_year_without_a_minimum_has_no_pace() -> None:
    """Nothing guaranteed, nothing to be measured against, nothing at risk."""
    found = guarantee_progress([100], 4, 0)
    assert (found.pace_percent, found.shortfall_risk.minor, found.projected.minor) == (None, 0, 400)


@given(MONEY, MINIMUM)
@settings(max_examples=200)
def test_a_true_up_makes_the_minimum_and_no_more(earned: Any, minimum: Any) -> None:
    """What is due tops what was earned up to the minimum, in whole units as well; else it is nothing."""
    found = true_up(earned, minimum)
    paid = max(Fraction(0), Fraction(earned))
    assert (found.earned.exact, found.minimum.exact) == (earned, minimum)
    assert paid + found.due.exact == max(paid, minimum)
    assert near(paid) + found.due.minor == max(near(paid), near(Fraction(minimum)))


def test_figures_of_a_guarantee_that_cannot_be_are_refused() -> None:
    """No period, too many, a year without periods, a minimum below zero: each says what to write."""
    fired: Counter[str] = Counter()

    @given(st.integers(1, 12), st.integers(1, 9), st.integers(1, 999))
    @settings(max_examples=60)
    def run(periods: int, more: int, minimum: int) -> None:
        for name, said, call in (
            ("none", f"0 periods are done of {periods}; give from 1 to {periods}", ([], periods, minimum)),
            ("many", f"{periods + more} periods are done", ([1] * (periods + more), periods, minimum)),
            ("year", f"the year has {1 - more} periods; write 12 for months", ([1], 1 - more, minimum)),
            ("minimum", f"the minimum is {-minimum}; write what is guaranteed", ([1], periods, -minimum)),
        ):
            with pytest.raises(BadGuarantee) as refused:
                guarantee_progress(*call)
            assert said in refused.value.message()
            fired[name] += 1
        with pytest.raises(BadGuarantee, match="the minimum is -"):
            true_up(1, -minimum)

    often(run, fired, "none", "many", "year", "minimum")


@pytest.mark.parametrize(
    "call",
    [
        lambda: guarantee_progress([0.5], 4, 1),  # type: ignore[list-item]
        lambda: guarantee_progress([1], 4.0, 1),  # type: ignore[arg-type]
        lambda: guarantee_progress([1], 4, 0.5),  # type: ignore[arg-type]
        lambda: true_up(0.5, 1),  # type: ignore[arg-type]
        lambda: true_up(1, 0.5),  # type: ignore[arg-type]
        lambda: period_royalty(0.5, 1),  # type: ignore[arg-type]
        lambda: period_royalty(1, 0.5),  # type: ignore[arg-type]
        lambda: period_royalty(1, 1, 0.5),  # type: ignore[arg-type]
    ],
)
def test_floats_are_refused(call: Any) -> None:
    """What is not exact is refused by the name of its field."""
    with pytest.raises(InvalidValue, match="is a float; give"):
        call()


def test_percents_and_policies_are_checked() -> None:
    """A rate above 100 and a policy that there is not are refused."""
    with pytest.raises(BadPercent):
        period_royalty(1, 101)
    with pytest.raises(InvalidValue, match="floor_at_zero, mirror"):
        period_royalty(1, 1, negative="ignore")
