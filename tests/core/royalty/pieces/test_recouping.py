"""Recoupment: an advance is earned back from earnings, nothing is paid before that, nothing gets lost."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from buddy_core.kernel import InvalidValue
from buddy_core.royalty import (
    BadPercent,
    BadRecoupment,
    Figure,
    NegativeEarnings,
    Recoupment,
    recoup,
    recoup_from_gross,
    royalty_on_units,
    royalty_per_unit,
    units_to_recoup,
)
from tests.core.royalty.counting import often
from tests.core.royalty.pieces.test_splitting import near

EARNED = st.one_of(st.integers(-500, 500), st.builds(Fraction, st.integers(-999, 999), st.integers(1, 6)))
ADVANCE = st.one_of(st.integers(0, 600), st.builds(Fraction, st.integers(0, 999), st.integers(1, 4)))
PERCENT = st.builds(Fraction, st.integers(0, 400), st.sampled_from([4, 7])) | st.just(Fraction(0))


@st.composite
def advances(draw: st.DrawFn) -> tuple[Any, Any]:
    """Return an advance and what was recouped of it."""
    advance = draw(ADVANCE)
    part = draw(st.sampled_from([Fraction(0), Fraction(1, 3), Fraction(1, 2), Fraction(1)]))
    return advance, advance * part


def parts(found: Recoupment) -> list[Any]:
    """Return what the earnings come to."""
    return [found.recouped, found.payable, found.carried, found.dropped]


def test_nothing_is_paid_while_the_advance_is_open() -> None:
    """Earnings are recouped, paid, carried or dropped: paid once nothing remains, and never below zero."""
    fired: Counter[Any] = Counter()

    @given(EARNED, advances())
    @settings(max_examples=400)
    def run(earned: Any, case: tuple[Any, Any]) -> None:
        advance, before = case
        for policy in NegativeEarnings:
            found = recoup(earned, advance, before, negative=policy)
            assert sum(item.exact for item in parts(found)) == found.earned.exact == earned
            assert sum(item.minor for item in parts(found)) == found.earned.minor == near(Fraction(earned))
            assert found.remaining.exact == advance - before - found.recouped.exact
            assert found.remaining.minor == near(Fraction(advance - before)) - found.recouped.minor
            assert 0 <= found.remaining.exact <= advance
            assert found.remaining.minor >= 0
            for pay, left in (
                (found.payable.exact, found.remaining.exact),
                (found.payable.minor, found.remaining.minor),
            ):
                assert pay >= 0
                assert not (pay and left)
            fired[policy, "below zero" if earned < 0 else "paid" if found.payable.exact else "open"] += 1
            if earned >= 0:
                assert found.recouped.exact == min(earned, advance - before)
                assert found.carried.minor == found.dropped.minor == 0
            elif policy is not NegativeEarnings.UN_RECOUP:
                assert (found.recouped, found.payable.minor) == (Figure(Fraction(0), 0), 0)
                rest = found.carried if policy is NegativeEarnings.CARRY else found.dropped
                assert (rest.exact, rest.minor) == (earned, near(Fraction(earned)))
            else:
                assert found.recouped.exact == max(earned, -before)
                assert found.dropped.exact == found.payable.exact == 0

    often(
        run, fired, *((policy, how) for policy in NegativeEarnings for how in ("below zero", "paid", "open"))
    )


def test_un_recouping_happens_only_where_it_is_said() -> None:
    """By default a bad period leaves what was recouped as it was, and is carried."""
    found = recoup(-300, 1000, 200)
    assert (found.recouped.minor, found.remaining.minor, found.carried.minor) == (0, 800, -300)
    taken = recoup(-300, 1000, 200, negative="un_recoup")
    assert (taken.recouped.minor, taken.remaining.minor, taken.carried.minor) == (-200, 1000, -100)
    gone = recoup(-300, 1000, 200, negative="floor_at_zero")
    assert (gone.recouped.minor, gone.remaining.minor, gone.dropped.minor) == (0, 800, -300)


@given(st.lists(st.integers(-300, 500), max_size=8), st.integers(0, 600))
@settings(max_examples=200)
def test_periods_come_to_what_one_would(periods: list[int], advance: int) -> None:
    """With the carry handed on, what is paid in all is the most that earnings ever were above the advance."""
    recouped = carried = paid = total = best = 0
    for earned in periods:
        found = recoup(earned + carried, advance, recouped)
        recouped, carried = recouped + found.recouped.minor, found.carried.minor
        paid += found.payable.minor
        total += earned
        best = max(best, total - advance)
        assert recouped + paid + carried == total
        assert paid == best
        assert not paid or recouped == advance


def test_gross_still_needed_is_enough_and_no_more() -> None:
    """That much more gross recoups the advance, a minor unit less does not; at no percent none ever does."""
    fired: Counter[str] = Counter()

    @given(st.integers(0, 900), PERCENT, advances())
    @settings(max_examples=300)
    def run(gross: int, percent: Fraction, case: tuple[Any, Any]) -> None:
        advance, before = case
        found = recoup_from_gross(gross, percent, advance, before)
        alone = recoup(gross * percent / 100, advance, before)
        assert parts(found) == parts(alone)
        assert found.remaining == alone.remaining
        assert found.label_cash.exact == gross - advance - found.payable.exact
        assert found.label_cash.minor == gross - near(Fraction(advance)) - found.payable.minor
        needed = found.gross_still_needed
        if needed is None:
            assert percent == 0
            assert found.remaining.exact > 0
            fired["never"] += 1
        elif needed.minor == 0:
            assert found.remaining.exact == needed.exact == 0
            fired["recouped"] += 1
        else:
            so_far = before + found.recouped.exact
            assert recoup_from_gross(needed.minor, percent, advance, so_far).remaining.exact == 0
            assert recoup_from_gross(needed.minor - 1, percent, advance, so_far).remaining.exact > 0
            assert needed.exact * percent / 100 == found.remaining.exact
            fired["open"] += 1

    often(run, fired, "never", "recouped", "open")


def test_the_advance_comes_out_of_the_share_and_not_of_gross() -> None:
    """Half of gross, 100,000 ahead: at 150,000 the label is 50,000 up and the artist unrecouped."""
    found = recoup_from_gross(150_000, 50, 100_000)
    assert (found.recouped.minor, found.remaining.minor, found.payable.minor) == (75_000, 25_000, 0)
    assert found.gross_still_needed is not None
    assert (found.gross_still_needed.minor, found.label_cash.minor) == (50_000, 50_000)
    assert recoup_from_gross(300_000, 50, 100_000).label_cash.minor == 150_000


def test_gross_below_zero_follows_the_policy() -> None:
    """More refunds than sales: the holder's part of them is carried, dropped or un-recouped."""
    assert recoup_from_gross(-100, 50, 1000, 30).carried.minor == -50
    assert recoup_from_gross(-100, 50, 1000, 30, negative="un_recoup").recouped.minor == -30


def test_an_advance_that_cannot_be_is_refused() -> None:
    """Below zero, or recouped beyond what was advanced: each is told with the figures."""
    fired: Counter[str] = Counter()

    @given(st.integers(1, 900), st.integers(0, 900))
    @settings(max_examples=60)
    def run(more: int, advance: int) -> None:
        for name, said, arguments in (
            ("advance", f"the advance is -{more}", (-more, 0)),
            ("before", f"recouped before is -{more}", (advance, -more)),
            (
                "beyond",
                f"{advance + more} was recouped before of an advance of {advance}",
                (advance, advance + more),
            ),
        ):
            for call in (
                lambda a, b: recoup(5, a, b),
                lambda a, b: recoup_from_gross(5, 50, a, b),
                lambda a, b: units_to_recoup(a, 10, 50, b),
            ):
                with pytest.raises(BadRecoupment) as refused:
                    call(*arguments)
                assert said in refused.value.message()
            fired[name] += 1

    often(run, fired, "advance", "before", "beyond")


@given(st.integers(1, 900), PERCENT, advances())
@settings(max_examples=200)
def test_units_to_recoup_are_enough_and_no_more(price: int, percent: Fraction, case: tuple[Any, Any]) -> None:
    """That many units earn back what is open, one less does not."""
    advance, before = case
    each = royalty_per_unit(price, percent)
    assert each.exact == price * percent / 100
    assert each.minor == near(each.exact)
    units, left = units_to_recoup(advance, price, percent, before), advance - before
    if units is None:
        assert not each.exact
        assert left > 0
    else:
        assert units * each.exact >= left
        assert units == 0 or (units - 1) * each.exact < left


@example(-5, 10, Fraction(50))
@given(st.integers(-50, 900), st.integers(1, 900), PERCENT)
def test_units_are_paid_together(units: int, price: int, percent: Fraction) -> None:
    """Many units are rounded once; more returned than sold earn nothing, unless mirror is said."""
    exact = Fraction(units * price) * percent / 100
    mirrored = royalty_on_units(units, price, percent, negative="mirror")
    assert (mirrored.exact, mirrored.minor) == (exact, near(exact))
    assert royalty_on_units(units, price, percent).exact == max(Fraction(0), exact)
    assert royalty_on_units(units, price).exact == max(0, units * price)


def test_an_amount_for_each_unit_needs_no_percent() -> None:
    """1.50 a unit is 1.50 a unit, and a thousand of them earn back 1500.00."""
    assert royalty_per_unit(150).minor == 150
    assert units_to_recoup(150_000, 150) == 1000
    assert royalty_on_units(1000, 150).minor == 150_000


def test_a_unit_is_counted_with_its_exact_royalty() -> None:
    """15 % of 9.99 is 1.4985: rounded to 1.50 a thousand units would seem enough, and are not."""
    assert royalty_per_unit(999, 15).minor == 150
    assert units_to_recoup(150_000, 999, 15) == 1002
    assert units_to_recoup(150_000, 1000, 15) == 1000
    assert units_to_recoup(100, 0, 15) is None
    assert units_to_recoup(100, -5, 15) is None
    assert units_to_recoup(100, 1000, 0, 100) == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda: recoup(0.5, 1),  # type: ignore[arg-type]
        lambda: recoup(1, 0.5),  # type: ignore[arg-type]
        lambda: recoup(1, 1, 0.5),  # type: ignore[arg-type]
        lambda: recoup_from_gross(0.5, 1, 1),  # type: ignore[arg-type]
        lambda: recoup_from_gross(1, 0.5, 1),  # type: ignore[arg-type]
        lambda: royalty_per_unit(9.99, 15),  # type: ignore[arg-type]
        lambda: royalty_per_unit(999, 0.15),  # type: ignore[arg-type]
        lambda: units_to_recoup(0.5, 999, 15),  # type: ignore[arg-type]
        lambda: royalty_on_units(1.5, 999, 15),  # type: ignore[arg-type]
    ],
)
def test_floats_are_refused(call: Any) -> None:
    """What is not exact is refused by the name of its field."""
    with pytest.raises(InvalidValue, match=r"is a float; give (an int or a Fraction|a whole number)"):
        call()


def test_percents_and_policies_are_checked() -> None:
    """A percent above 100 and a policy that there is not are refused."""
    with pytest.raises(BadPercent, match="percent is 101 percent"):
        recoup_from_gross(1, 101, 1)
    with pytest.raises(BadPercent, match="percent is -1 percent"):
        royalty_per_unit(1, -1)
    with pytest.raises(InvalidValue, match="carry, floor_at_zero, un_recoup"):
        recoup(1, 1, negative="sue")
