"""The waterfall: no step takes more than remains, nothing is lost, and more gross is nobody's loss."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from buddy_core.kernel import InvalidValue
from buddy_core.royalty import BadWaterfall, Figure, Step, Takes, Waterfall, run_waterfall
from tests.core.royalty.counting import often
from tests.core.royalty.pieces.test_splitting import near

GROSS = st.one_of(st.integers(0, 5000), st.builds(Fraction, st.integers(0, 9999), st.integers(1, 6)))
AMOUNT = st.one_of(st.integers(0, 900), st.builds(Fraction, st.integers(0, 2000), st.integers(1, 3)))
PERCENT = st.builds(Fraction, st.integers(0, 400), st.sampled_from([4, 7]))
LIMITS: dict[str, Any] = {"cap": st.none() | AMOUNT, "taken_before": st.sampled_from([0, 5, 400])}
NOTHING = Figure(Fraction(0), 0)


@st.composite
def steps(draw: st.DrawFn) -> list[Step]:
    """Return up to six steps of any kind; two of them may have one taker."""
    any_step = st.one_of(
        st.builds(Step.of_gross, st.just(""), PERCENT, **LIMITS),
        st.builds(Step.of_remaining, st.just(""), PERCENT, **LIMITS),
        st.builds(Step.fixed, st.just(""), AMOUNT, **LIMITS),
        st.builds(Step.recoup, st.just(""), AMOUNT, st.sampled_from([0, 7, 500])),
        st.builds(Step.premium, st.just(""), AMOUNT, st.sampled_from([110, 120]), st.sampled_from([0, 7])),
    )
    found = draw(st.lists(any_step, max_size=6))
    takers = st.sampled_from([None, "fund", "star"])
    return [evolve(step, name=f"step {place}", taker=draw(takers)) for place, step in enumerate(found)]


@st.composite
def nets(draw: st.DrawFn) -> dict[str, Any]:
    """Return net profit percents that make at most 100."""
    parts = draw(st.lists(st.integers(0, 9), max_size=3))
    whole = max(1, sum(parts) + draw(st.integers(0, 5)))
    return {
        name: Fraction(100 * one, whole) for name, one in zip(("star", "writer", "crew"), parts, strict=False)
    }


def plain(gross: Fraction, ordered: list[Step]) -> tuple[list[Fraction], Fraction]:
    """Return what each step takes and what is left, with nothing but Fractions."""
    left, taken = gross, []
    for step in ordered:
        rate = Fraction(step.percent) / 100
        if step.takes is Takes.PERCENT_OF_GROSS:
            wish = gross * rate
        elif step.takes is Takes.PERCENT_OF_REMAINING:
            wish = left * rate
        elif step.takes is Takes.FIXED:
            wish = Fraction(step.amount or 0)
        else:
            wish = max(Fraction(0), Fraction(step.amount or 0) * rate - step.taken_before)
        if step.cap is not None:
            wish = min(wish, max(Fraction(0), Fraction(step.cap) - step.taken_before))
        taken.append(min(wish, left))
        left -= taken[-1]
    return taken, left


def test_no_step_takes_more_than_remains_and_nothing_is_lost() -> None:
    """Steps, net profits and what is unshared make the gross, exactly and in whole units."""
    fired: Counter[Any] = Counter()

    @given(GROSS, steps(), nets())
    @settings(max_examples=250)
    def run(gross: Any, ordered: list[Step], net: dict[str, Any]) -> None:
        found = run_waterfall(gross, ordered, net)
        taken, left = plain(Fraction(gross), ordered)
        assert [item.taken.exact for item in found.steps] == taken
        assert found.net_profit.exact == left
        figures = [*(item.taken for item in found.steps), *found.net_shares.values(), found.unshared]
        assert all(item.exact >= 0 and item.minor >= 0 for item in figures)
        assert sum(item.exact for item in figures) == found.gross.exact == gross
        assert sum(item.minor for item in figures) == found.gross.minor == near(Fraction(gross))
        before = found.gross
        for item in found.steps:
            assert item.taken.exact + item.left.exact == before.exact
            assert item.taken.minor + item.left.minor == before.minor
            assert item.taken.minor <= near(item.taken.exact) or item.left.exact == 0
            assert item.left.exact or not item.left.minor
            assert item.asked.exact >= item.taken.exact
            owed = item.asked.exact - item.taken.exact if item.step.takes is Takes.RECOUP else 0
            assert (item.still_owed.exact, item.still_owed.minor) == (owed, near(Fraction(owed)))
            fired[item.step.takes] += 1
            fired["in part"] += 0 < item.taken.exact < item.asked.exact
            fired["by its cap"] += item.step.cap is not None
            before = item.left
        shared = [Fraction(percent) * left / 100 for percent in net.values()]
        assert [item.exact for item in found.net_shares.values()] == shared
        assert list(found.net_shares) == list(net)
        assert found.carried == NOTHING
        fired["net profit"] += bool(shared and left)

    often(run, fired, *Takes, "in part", "by its cap", "net profit")


def totals(found: Waterfall) -> dict[str, Fraction]:
    """Return what each participant has in all, exactly."""
    return {name: item.exact for name, item in found.takers.items()}


@given(GROSS, GROSS, steps(), nets())
@settings(max_examples=200)
def test_more_gross_is_nobodys_loss(gross: Any, more: Any, ordered: list[Step], net: dict[str, Any]) -> None:
    """Each step, each participant and what is unshared have at least what they had."""
    low, high = run_waterfall(gross, ordered, net), run_waterfall(gross + more, ordered, net)
    pairs = zip(low.steps, high.steps, strict=True)
    assert all(one.taken.exact <= two.taken.exact and one.left.exact <= two.left.exact for one, two in pairs)
    assert all(amount <= totals(high)[name] for name, amount in totals(low).items())
    assert low.unshared.exact <= high.unshared.exact


@given(GROSS, steps(), nets())
def test_participants_have_what_they_take_in_all(
    gross: Any, ordered: list[Step], net: dict[str, Any]
) -> None:
    """By participant: the sum of their steps and net profits, exactly and in whole units."""
    found = run_waterfall(gross, ordered, net)
    rows = [(item.step.taker or item.step.name, item.taken) for item in found.steps]
    rows += list(found.net_shares.items())
    for name, item in found.takers.items():
        assert item.exact == sum(figure.exact for who, figure in rows if who == name)
        assert item.minor == sum(figure.minor for who, figure in rows if who == name)
    assert {name for name, _ in rows} == set(found.takers)


def test_what_is_recouped_over_runs_is_recouped_once() -> None:
    """Debt and equity take over all runs what they are owed and no more, however the gross comes in."""
    fired: Counter[str] = Counter()

    @given(st.lists(st.integers(0, 400), min_size=1, max_size=5), st.integers(0, 600), st.integers(0, 600))
    @settings(max_examples=100)
    def run(grosses: list[int], debt: int, principal: int) -> None:
        bank = fund = left = Fraction(0)
        for gross in grosses:
            ordered = [Step.recoup("bank", debt, bank), Step.premium("fund", principal, 120, fund)]
            found = run_waterfall(gross, ordered)
            bank += found.takers["bank"].exact
            fund += found.takers["fund"].exact
            left += found.net_profit.exact
            owed = [item.still_owed.exact for item in found.steps]
            assert owed == [debt - bank, Fraction(principal * 6, 5) - fund]
        whole = run_waterfall(sum(grosses), [Step.recoup("bank", debt), Step.premium("fund", principal, 120)])
        assert totals(whole) == {"bank": bank, "fund": fund}
        assert whole.net_profit.exact == left
        fired["runs"] += len(grosses) > 1

    often(run, fired, "runs")


def test_a_percent_of_gross_placed_late_is_cut_to_what_remains() -> None:
    """70 % and then 50 % of gross: the second has the 30 that are left, the third nothing."""
    found = run_waterfall(1000, [Step.of_gross("a", 70), Step.of_gross("b", 50), Step.fixed("c", 10)])
    assert [item.taken.minor for item in found.steps] == [700, 300, 0]
    assert [item.left.minor for item in found.steps] == [300, 0, 0]


def test_a_cap_holds_over_all_runs() -> None:
    """Expenses of 10 % up to 50 in all, 30 of them taken before: 20 more."""
    step = Step.of_remaining("expenses", 10, cap=50, taken_before=30, taker="distributor")
    assert run_waterfall(1000, [step]).takers["distributor"].minor == 20
    assert run_waterfall(1000, [evolve(step, taken_before=60)]).takers["distributor"].minor == 0


def test_equity_gets_its_premium() -> None:
    """A principal of 1,000 at 120 is 1,200 in all."""
    found = run_waterfall(5000, [Step.premium("equity", 1000, 120)])
    assert (found.takers["equity"].minor, found.net_profit.minor) == (1200, 3800)


def test_a_film_of_half_a_million_leaves_its_star_250() -> None:
    """25 % fee, 25,000 of marketing, 10 % commission, 10,000 of expenses, 300,000 of debt: 5 % of 5,000."""
    film = [
        Step.of_gross("distributor", 25),
        Step.fixed("marketing", 25_000),
        Step.of_remaining("sales agent", 10),
        Step.fixed("expenses", 10_000),
        Step.recoup("investors", 300_000),
    ]
    found = run_waterfall(500_000, film, {"star": 5})
    assert (found.net_profit.minor, found.net_shares["star"].minor, found.unshared.minor) == (5000, 250, 4750)


def test_rounding_leaves_nothing_behind() -> None:
    """Three thirds of 100: 33, 33 and, as that is all, 34; halves that round up are cut to what is there."""
    third = Fraction(100, 3)
    found = run_waterfall(100, [Step.of_gross(name, third) for name in "abc"])
    assert [item.taken.minor for item in found.steps] == [33, 33, 34]
    halves = run_waterfall(1, [Step.of_gross("a", 50), Step.of_gross("b", 50)])
    assert [item.taken.minor for item in halves.steps] == [1, 0]
    shares = run_waterfall(100, [], {"a": third, "b": third, "c": third})
    assert [item.minor for item in shares.net_shares.values()] == [34, 33, 33]
    assert run_waterfall(1, [], {"a": 50}).net_shares["a"].minor == 1


@given(st.fractions(-900, Fraction(-1, 6), max_denominator=6), steps(), nets())
def test_gross_below_zero_is_carried(gross: Fraction, ordered: list[Step], net: dict[str, Any]) -> None:
    """Nobody takes anything and nobody owes; the whole is named to be added to the next gross."""
    found = run_waterfall(gross, ordered, net)
    assert (found.carried.exact, found.carried.minor) == (gross, near(gross))
    assert (found.gross.exact, found.gross.minor) == (gross, near(gross))
    assert all(item == NOTHING for item in found.takers.values())
    assert found.net_profit == found.unshared == NOTHING


BROKEN: dict[str, Step] = {
    "takes 101 percent; write from 0 to 100": Step.of_gross("x", 101),
    "takes -1 percent; write from 0 to 100": Step.of_remaining("x", -1),
    "takes -5 percent; write 0 or more": Step.premium("x", 10, -5),
    "has no amount; write how much it takes": Step("x", Takes.FIXED),
    "has no amount; write": Step("x", Takes.RECOUP),
    "takes a percent, and has an amount as well": Step("x", Takes.PERCENT_OF_GROSS, 5, 100),
    "takes an amount, and has a percent as well": Step("x", Takes.FIXED, 5, 100),
    "recoups its amount and no more; leave its cap out": Step("x", Takes.RECOUP, 100, 100, 50),
    "amount is -1; write 0 or more": Step.fixed("x", -1),
    "cap is -1; write 0 or more": Step.of_gross("x", 5, cap=-1),
    "taken_before is -1; write 0 or more": Step.recoup("x", 5, -1),
}
"""What may be wrong with a step, and what is said of it."""


def test_every_problem_of_a_waterfall_is_listed() -> None:
    """Each thing that is wrong is told by the number and name of its step, with all others."""
    fired: Counter[str] = Counter()

    @given(GROSS, st.integers(0, 3), st.fractions(Fraction(1, 4), 50, max_denominator=4))
    @settings(max_examples=60)
    def run(gross: Any, before: int, above: Fraction) -> None:
        good = [Step.fixed(f"step {place}", 5) for place in range(before)]
        for said, step in BROKEN.items():
            with pytest.raises(BadWaterfall) as refused:
                run_waterfall(gross, [*good, step])
            [problem] = refused.value.problems
            assert problem.startswith(f"step {before + 1} (x)")
            assert said in problem
            fired[said] += 1
        with pytest.raises(BadWaterfall) as refused:
            run_waterfall(gross, [*good, Step.fixed("x", 1), Step.fixed("x", -1)], {"a": 100, "b": above})
        assert refused.value.problems[0] == f"step {before + 2} (x) has the name of an earlier step"
        assert refused.value.problems[2].startswith("the net profit percents come to ")
        assert len(refused.value.problems) == 3
        with pytest.raises(BadWaterfall, match=r"a has -.* percent of the net profit; write 0 or more"):
            run_waterfall(gross, good, {"a": -above})
        fired["all of them"] += 1

    often(run, fired, *BROKEN, "all of them")


@pytest.mark.parametrize(
    "call",
    [
        lambda: run_waterfall(0.5, []),  # type: ignore[arg-type]
        lambda: run_waterfall(1, [Step.of_gross("a", 0.5)]),  # type: ignore[arg-type]
        lambda: run_waterfall(1, [Step.fixed("a", 0.5)]),  # type: ignore[arg-type]
        lambda: run_waterfall(1, [Step.of_gross("a", 5, cap=0.5)]),  # type: ignore[arg-type]
        lambda: run_waterfall(1, [Step.recoup("a", 5, 0.5)]),  # type: ignore[arg-type]
        lambda: run_waterfall(1, [], {"a": 0.5}),  # type: ignore[dict-item]
    ],
)
def test_floats_are_refused(call: Any) -> None:
    """What is not exact is refused by the name of its field."""
    with pytest.raises(InvalidValue, match="is a float; give an int or a Fraction"):
        call()


def test_an_unknown_kind_is_told_with_those_there_are() -> None:
    """A step can be made from words; one that there is not is answered with those that there are."""
    assert Step("a", "fixed", amount=5) == Step.fixed("a", 5)
    with pytest.raises(InvalidValue, match="percent_of_gross, percent_of_remaining, fixed, recoup"):
        Step("a", "gift")


def test_a_step_is_what_it_was_made_with() -> None:
    """Each of the five ways to make one keeps cap, what was taken before, taker and account."""
    more = {"taker": "kite", "account": "kite-inr"}
    made = {
        Step.of_gross("s", 5, cap=7, taken_before=3, **more): (Takes.PERCENT_OF_GROSS, 5, None, 7, 3),
        Step.of_remaining("s", 5, cap=7, taken_before=3, **more): (Takes.PERCENT_OF_REMAINING, 5, None, 7, 3),
        Step.fixed("s", 9, cap=7, taken_before=3, **more): (Takes.FIXED, 100, 9, 7, 3),
        Step.recoup("s", 9, 3, **more): (Takes.RECOUP, 100, 9, None, 3),
        Step.premium("s", 9, 120, 3, **more): (Takes.RECOUP, 120, 9, None, 3),
    }
    for step, kept in made.items():
        assert step == Step("s", *kept, "kite", "kite-inr")
    plain = (Step.of_gross("s", 5), Step.of_remaining("s", 5), Step.fixed("s", 9), Step.recoup("s", 9))
    assert {(step.cap, step.taken_before, step.taker, step.account) for step in plain} == {
        (None, 0, None, None)
    }
