"""Allocation by rule: examples, refusals, and the laws that every rule keeps."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import (
    Allocated,
    AllocationRule,
    FractionsExceedOne,
    InvalidValue,
    InvalidWeight,
    NoWeights,
    StepMismatch,
    Weight,
    allocate,
    split_equal,
)

R = AllocationRule
ANY_WEIGHTS = [rule for rule in R if rule not in (R.EQUAL_PARTS, R.MAX_AMOUNTS)]
MIRRORED = [rule for rule in R if rule not in (R.FLOOR_THEN_SPARE, R.FLOOR_AT_ZERO)]

totals = st.integers(-(10**12), 10**12)
steps = st.integers(1, 100)
exact_weights = st.one_of(
    st.integers(0, 10**6), st.fractions(min_value=0, max_value=1000, max_denominator=1000)
)


def weights_for(rule: AllocationRule) -> st.SearchStrategy[list[Weight]]:
    """Return weights that the rule can use."""
    if rule is R.EQUAL_PARTS:
        return st.integers(1, 12).map(lambda count: [1] * count)
    one: st.SearchStrategy[Weight] = st.integers(0, 10**6) if rule is R.MAX_AMOUNTS else exact_weights
    return st.lists(one, min_size=1, max_size=12).filter(any)


cases = st.sampled_from(R).flatmap(lambda rule: st.tuples(st.just(rule), weights_for(rule)))


def parts_of_one(raw: list[int], rest: int) -> list[Weight]:
    """Return fractions in proportion to `raw` that leave `rest` out of the whole."""
    whole = sum(raw) + rest
    return [Fraction(part, whole) for part in raw]


def largest_remainder_by_search(total: int, weights: list[Weight]) -> list[int]:
    """Return Hamilton's split the slow way: give each spare unit to the one furthest below its share."""
    whole = sum(weights)
    exact = [Fraction(total * weight, 1) / whole for weight in weights]
    shares = [value.numerator // value.denominator for value in exact]
    while sum(shares) < total:
        gaps = [value - share for value, share in zip(exact, shares, strict=True)]
        shares[gaps.index(max(gaps))] += 1
    return shares


EXAMPLES: list[tuple[AllocationRule, int, list[Weight], tuple[int, ...], int]] = [
    (R.LARGEST_REMAINDER, 10, [3, 3, 1], (4, 4, 2), 0),
    (R.LARGEST_REMAINDER, -5, [7, 3], (-4, -1), 0),
    (R.FIRST_COME, 10, [3, 3, 1], (5, 4, 1), 0),
    (R.FIRST_COME, 1, [0, 1, 1], (0, 1, 0), 0),
    (R.LAST_COME, 10, [3, 3, 1], (4, 4, 2), 0),
    (R.LAST_COME, 1, [1, 1, 0], (0, 1, 0), 0),
    (R.LARGEST_WEIGHT, 9, [3, 3, 4], (3, 2, 4), 0),
    (R.FLOOR_SEPARATE, 10, [3, 3, 1], (4, 4, 1, 1), 0),
    (R.FLOOR_SEPARATE, 7, [3, 3, 1], (3, 3, 1, 0), 0),
    (R.CASCADE, 10, [3, 3, 1], (5, 4, 1), 0),
    (R.CASCADE, 101, [0, 1, 1], (0, 51, 50), 0),
    (R.MAX_AMOUNTS, 10, [3, 3, 1], (3, 3, 1), 3),
    (R.MAX_AMOUNTS, -10, [3, 3, 1], (-3, -3, -1), -3),
    (R.MAX_AMOUNTS, 5, [3, 3, 1], (3, 2, 0), 0),
    (R.EQUAL_PARTS, 10, [1, 1, 1], (4, 3, 3), 0),
    (R.FLOOR_THEN_SPARE, 5, [7, 3], (4, 1), 0),
    (R.FLOOR_THEN_SPARE, -5, [7, 3], (-3, -2), 0),
    (
        R.FLOOR_AT_ZERO,
        123456,
        [Fraction("33.33"), Fraction("33.33"), Fraction("33.34")],
        (41148, 41148, 41160),
        0,
    ),
    (R.FLOOR_AT_ZERO, -50000, [60, 40], (0, 0), -50000),
]


@pytest.mark.parametrize(("rule", "total", "weights", "shares", "remainder"), EXAMPLES)
def test_each_rule_gives_the_spare_where_it_says(
    rule: AllocationRule, total: int, weights: list[Weight], shares: tuple[int, ...], remainder: int
) -> None:
    """A hand-worked example of each rule comes out share by share, with its remainder."""
    assert allocate(total, weights, rule) == Allocated(shares, remainder)


@given(cases, totals, steps)
def test_shares_and_remainder_are_the_total(
    case: tuple[AllocationRule, list[Weight]], units: int, step: int
) -> None:
    """By every rule nothing is lost or made, and every share is a multiple of the step."""
    rule, weights = case
    maxima = rule is R.MAX_AMOUNTS
    split = allocate(units * step, [w * step for w in weights] if maxima else weights, rule, step=step)
    assert sum(split.shares) + split.remainder == units * step
    assert all(share % step == 0 for share in split.shares)
    assert len(split.shares) == len(weights) + (rule is R.FLOOR_SEPARATE)


@given(st.sampled_from(ANY_WEIGHTS).flatmap(lambda rule: st.tuples(st.just(rule), weights_for(rule))), totals)
def test_nothing_remains_when_weights_are_proportions(
    case: tuple[AllocationRule, list[Weight]], total: int
) -> None:
    """Only a negative total under floor_at_zero leaves a remainder when weights are proportions."""
    rule, weights = case
    held_back = rule is R.FLOOR_AT_ZERO and total < 0
    assert allocate(total, weights, rule).remainder == (total if held_back else 0)


@given(st.sampled_from(MIRRORED).flatmap(lambda rule: st.tuples(st.just(rule), weights_for(rule))), totals)
def test_negative_totals_mirror_positive_ones(case: tuple[AllocationRule, list[Weight]], total: int) -> None:
    """Taking back an amount takes from each exactly what giving it gave."""
    rule, weights = case
    there, back = allocate(total, weights, rule), allocate(-total, weights, rule)
    assert back.shares == tuple(-share for share in there.shares)
    assert back.remainder == -there.remainder


@given(cases, totals)
def test_zero_weights_get_nothing(case: tuple[AllocationRule, list[Weight]], total: int) -> None:
    """A weight of zero has a share of zero by every rule, spare units included."""
    rule, weights = case
    shares = allocate(total, weights, rule).shares
    assert all(share == 0 for share, weight in zip(shares, weights, strict=False) if weight == 0)


@given(
    st.sampled_from([rule for rule in ANY_WEIGHTS if rule is not R.CASCADE]).flatmap(
        lambda rule: st.tuples(st.just(rule), weights_for(rule))
    ),
    st.integers(0, 10**12),
)
def test_shares_stay_within_one_unit_of_exact(case: tuple[AllocationRule, list[Weight]], total: int) -> None:
    """Each share of a positive total is less than one unit away from its exact share."""
    rule, weights = case
    shares = allocate(total, weights, rule).shares[: len(weights)]
    whole = sum(weights)
    assert all(
        abs(share - total * Fraction(weight) / whole) < 1
        for share, weight in zip(shares, weights, strict=True)
    )


@given(weights_for(R.LARGEST_REMAINDER), st.integers(0, 10**9))
def test_largest_remainder_agrees_with_a_slow_search(weights: list[Weight], total: int) -> None:
    """The sorted hand-out is the same as giving units one by one to the furthest below."""
    assert list(allocate(total, weights, R.LARGEST_REMAINDER).shares) == largest_remainder_by_search(
        total, weights
    )


@given(weights_for(R.LARGEST_REMAINDER), totals, st.fractions(min_value=Fraction(1, 1000), max_value=1000))
def test_proportions_do_not_depend_on_their_scale(
    weights: list[Weight], total: int, factor: Fraction
) -> None:
    """Weights times any exact factor give the same shares, since only proportions count."""
    for rule in ANY_WEIGHTS:
        assert allocate(total, weights, rule) == allocate(total, [w * factor for w in weights], rule)


@given(weights_for(R.LARGEST_REMAINDER), st.integers(0, 10**9), st.randoms(use_true_random=False))
def test_largest_remainder_depends_on_the_order_only_in_ties(
    weights: list[Weight], total: int, random: Any
) -> None:
    """Reordered weights keep their shares, save for the one unit that equal fractional parts draw for."""
    order = list(range(len(weights)))
    random.shuffle(order)
    shares = allocate(total, weights, R.LARGEST_REMAINDER).shares
    moved = allocate(total, [weights[i] for i in order], R.LARGEST_REMAINDER).shares
    parts = [Fraction(total * weight) / sum(weights) % 1 for weight in weights]
    for position, index in enumerate(order):
        gap = abs(moved[position] - shares[index])
        assert gap == 0 or (gap == 1 and parts.count(parts[index]) > 1)


def test_ties_go_to_the_earlier_weight() -> None:
    """Equal weights differ by one unit at most, the earlier having the more."""
    assert allocate(5, [2, 2, 2], R.LARGEST_REMAINDER).shares == (2, 2, 1)
    assert allocate(5, [3, 1, 3, 1], R.LARGEST_WEIGHT).shares == (2, 1, 2, 0)


@given(
    st.sampled_from(ANY_WEIGHTS),
    st.lists(st.integers(0, 1000), min_size=1, max_size=8).filter(any),
    st.integers(0, 1000),
    st.integers(0, 10**9),
)
def test_fractions_below_one_leave_the_rest_as_remainder(
    rule: AllocationRule, raw: list[int], rest: int, total: int
) -> None:
    """What declared fractions leave out is the remainder, within one unit of its exact part."""
    split = allocate(total, parts_of_one(raw, rest), rule, fractions_of_one=True)
    assert sum(split.shares) + split.remainder == total
    slack = len(raw) + 1 if rule is R.CASCADE else 1
    assert abs(split.remainder - Fraction(total * rest, sum(raw) + rest)) < slack


def test_fractions_that_make_one_leave_nothing() -> None:
    """Declared fractions that add up to one share out the whole total."""
    thirds = [Fraction(1, 3)] * 3
    assert allocate(100, thirds, R.LARGEST_REMAINDER, fractions_of_one=True) == Allocated((34, 33, 33), 0)


def test_fractions_above_one_are_refused() -> None:
    """Declared fractions of 1.1 in sum are refused and the error holds their sum."""
    with pytest.raises(FractionsExceedOne) as caught:
        allocate(5, [Fraction(1, 2), Fraction(3, 5)], R.LARGEST_REMAINDER, fractions_of_one=True)
    assert caught.value.total == Fraction(11, 10)


def test_maxima_cannot_be_fractions_of_one() -> None:
    """Maxima are amounts, so declaring them fractions of one is refused."""
    with pytest.raises(InvalidValue, match="maxima"):
        allocate(5, [1], R.MAX_AMOUNTS, fractions_of_one=True)


@given(weights_for(R.MAX_AMOUNTS), totals)
def test_no_maximum_is_passed(weights: list[Weight], total: int) -> None:
    """By max_amounts nobody gets more than the maximum, and the excess is the remainder."""
    split = allocate(total, weights, R.MAX_AMOUNTS)
    assert all(abs(share) <= weight for share, weight in zip(split.shares, weights, strict=True))
    assert abs(split.remainder) == max(0, abs(total) - sum(weights))


@given(st.integers(1, 8), totals)
def test_maxima_of_nothing_share_nothing(count: int, total: int) -> None:
    """Where nobody may get anything nobody gets anything, and the whole total is the remainder."""
    assert allocate(total, [0] * count, R.MAX_AMOUNTS) == Allocated((0,) * count, total)


@given(
    st.sampled_from(ANY_WEIGHTS),
    st.lists(st.integers(0, 1000), min_size=1, max_size=8).filter(any),
    st.integers(0, 1000),
    totals,
)
def test_a_rest_that_is_shared_makes_fractions_proportions(
    rule: AllocationRule, raw: list[int], rest: int, total: int
) -> None:
    """With `share_rest` declared fractions share the whole total as plain weights do."""
    fractions = parts_of_one(raw, rest)
    split = allocate(total, fractions, rule, fractions_of_one=True, share_rest=True)
    assert split == allocate(total, fractions, rule)


def test_a_shared_rest_is_one_of_declared_fractions() -> None:
    """Above one they are refused all the same, and undeclared weights have no rest to share."""
    with pytest.raises(FractionsExceedOne):
        allocate(5, [Fraction(1, 2), Fraction(3, 5)], R.FIRST_COME, fractions_of_one=True, share_rest=True)
    with pytest.raises(InvalidValue, match="share_rest"):
        allocate(5, [Fraction(1, 2)], R.FIRST_COME, share_rest=True)


@pytest.mark.parametrize("weights", [[], [0, 0], [Fraction(0)]])
@pytest.mark.parametrize("rule", list(R))
def test_nobody_to_share_with_is_refused(rule: AllocationRule, weights: list[Weight]) -> None:
    """No weights are refused by every rule, zeros alone by every one but the rule of maxima."""
    if weights and rule is R.MAX_AMOUNTS:
        return
    with pytest.raises((NoWeights, InvalidWeight)):
        allocate(5, weights, rule)


@pytest.mark.parametrize("weight", [-1, Fraction(-1, 2), 0.5, True, "1", Decimal(1), None])
def test_unfit_weights_are_refused_by_their_place(weight: Any) -> None:
    """A negative or inexact weight is refused, and the error says which one it is."""
    with pytest.raises(InvalidWeight) as caught:
        allocate(5, [1, weight], R.LARGEST_REMAINDER)
    assert caught.value.index == 1


@pytest.mark.parametrize(
    ("rule", "weight"), [(R.EQUAL_PARTS, 2), (R.EQUAL_PARTS, 0), (R.MAX_AMOUNTS, Fraction(1, 2))]
)
def test_weights_that_a_rule_cannot_use_are_refused(rule: AllocationRule, weight: Weight) -> None:
    """Equal parts take weights of 1 alone, and maxima are whole amounts."""
    with pytest.raises(InvalidWeight):
        allocate(5, [1, weight], rule)


@pytest.mark.parametrize("total", [5.0, True, Fraction(5), "5", None])
def test_a_total_that_is_not_an_int_is_refused(total: Any) -> None:
    """Only a plain int can be split."""
    with pytest.raises(InvalidValue):
        allocate(total, [1], R.FIRST_COME)


def test_amounts_off_the_step_are_refused() -> None:
    """A total, or a maximum, that is not a multiple of the step is refused."""
    with pytest.raises(StepMismatch):
        allocate(101, [1, 1], R.FIRST_COME, step=5)
    with pytest.raises(StepMismatch):
        allocate(100, [7, 5], R.MAX_AMOUNTS, step=5)


@pytest.mark.parametrize("step", [0, -5, 5.0, True])
def test_a_step_that_is_no_amount_is_refused(step: Any) -> None:
    """A step is an int above zero."""
    with pytest.raises(InvalidValue):
        allocate(100, [1], R.FIRST_COME, step=step)


@given(totals, st.integers(1, 50))
def test_equal_parts_differ_by_one_unit_at_most(total: int, parts: int) -> None:
    """A split by count gives that many shares, the larger ones first, in sum the total."""
    shares = split_equal(total, parts).shares
    assert len(shares) == parts
    assert sum(shares) == total
    assert max(shares) - min(shares) <= 1
    assert [abs(share) for share in shares] == sorted((abs(share) for share in shares), reverse=True)


@pytest.mark.parametrize(("parts", "error"), [(0, NoWeights), (-1, NoWeights), (2.0, InvalidValue)])
def test_a_count_that_is_no_count_is_refused(parts: Any, error: type[Exception]) -> None:
    """Equal parts need a whole count above zero."""
    with pytest.raises(error):
        split_equal(10, parts)


def test_a_rule_is_found_by_its_name() -> None:
    """Every rule is known by its published name; a misspelt one is InvalidValue and lists them."""
    make: Callable[[str], AllocationRule] = AllocationRule
    assert make("floor_at_zero") is R.FLOOR_AT_ZERO
    with pytest.raises(InvalidValue, match="cascade"):
        make("hamilton")
