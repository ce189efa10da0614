"""The rule at scale against exact fractions: conservation, order, splitting, and its error bound."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from buddy_core.kernel import InvalidValue
from buddy_core.royalty import (
    GRAINS,
    MOST_PERIOD_SECONDS,
    CountRules,
    FundedPool,
    PoolName,
    PoolRule,
    PoolShares,
    PoolSpread,
    Subscriber,
    SubscriptionRow,
    TitleHolder,
    WatchMonth,
    WatchRow,
    pool_totals,
    share_pool,
    spread,
)

INDIA = PoolName("basic", "IN", "INR")
TITLES = ("a", "b", "c", "d", "e")
HOLDERS = {"a": "x", "b": "x", "c": "y", "d": "z", "e": "z"}
MONTH = WatchMonth(holders=tuple(TitleHolder(title, "IN", holder) for title, holder in HOLDERS.items()))
METHODS = ("pro_rata", "user_centric", "equal_per_subscriber", "equal_per_title")

Audience = list[tuple[int, dict[str, int]]]
"""What each account paid, and its seconds by title."""

audiences = st.lists(
    st.tuples(
        st.integers(-500, 20_000) | st.integers(-(2**53), 2**53),
        st.dictionaries(st.sampled_from(TITLES), st.integers(0, 9) | st.integers(0, 2_000_000)),
    ),
    max_size=8,
)
rules = st.builds(
    PoolRule,
    method=st.sampled_from(METHODS),
    min_seconds=st.sampled_from((0, 0, 2, 600)),
    max_seconds=st.sampled_from((None, None, 1, 7, 5000)),
    excluded_accounts=st.sampled_from((frozenset(), frozenset({"0"}))),
    excluded_titles=st.sampled_from((frozenset(), frozenset({"a"}))),
    silent=st.sampled_from(("pool", "platform", "carry")),
)


def rows_of(audience: Audience) -> tuple[list[WatchRow], list[SubscriptionRow]]:
    watch = [
        WatchRow(str(place), title, "IN", "basic", seconds)
        for place, (_, titles) in enumerate(audience)
        for title, seconds in titles.items()
    ]
    return watch, [SubscriptionRow(str(place), INDIA, pays) for place, (pays, _) in enumerate(audience)]


def at_scale(audience: Audience, rule: PoolRule) -> PoolSpread | None:
    pools = pool_totals(*rows_of(audience), rule, MONTH)
    return spread(pools[0], rule) if pools else None


def exactly(audience: Audience, rule: PoolRule) -> PoolShares[str]:
    """Share by fractions; holders' minimum is taken before titles become holders."""
    by_holder = rule.method.value == "equal_per_subscriber"
    subscribers = []
    for place, (pays, titles) in enumerate(audience):
        units: dict[str, int] = {}
        for title, seconds in titles.items():
            if seconds >= rule.min_seconds and title not in rule.excluded_titles and seconds:
                player = HOLDERS[title] if by_holder else title
                units[player] = units.get(player, 0) + seconds
        subscribers.append(Subscriber(pays, units, str(place)))
    return share_pool(
        rule.method.value,
        subscribers,
        sorted(set(HOLDERS.values())) if by_holder else TITLES,
        count=CountRules(max_units=rule.max_seconds, excluded_subscribers=rule.excluded_accounts),
        silent=rule.silent.value,
    )


def is_near_tie(exact: PoolShares[str], bounds: dict[str, Fraction]) -> bool:
    """Say whether two remainders, or one and the next whole unit, are nearer than the bounds."""
    parts = sorted((share % 1, bounds[title]) for title, share in exact.exact.items() if share % 1)
    near_whole = any(rest <= bound or 1 - rest <= bound for rest, bound in parts)
    widest = max(bounds.values())
    return near_whole or any(after[0] - before[0] <= 2 * widest for before, after in pairwise(parts))


@settings(max_examples=400)
@given(audiences, rules)
@example([(100, {"a": 1, "b": 1, "c": 1})], PoolRule(method="user_centric"))
def test_shares_make_the_pool_to_the_last_grain(audience: Audience, rule: PoolRule) -> None:
    """Shares, platform and carried make the pool, in grains and in minor units; few are left over."""
    found = at_scale(audience, rule)
    if found is None:
        return
    assert found.shared + found.platform + found.carried == found.net == sum(pays for pays, _ in audience)
    assert sum(share.grains for share in found.shares) == found.shared * GRAINS
    assert sum(share.minor for share in found.shares) == found.shared
    assert 0 <= found.residual <= sum(share.bound for share in found.shares) * GRAINS


@settings(max_examples=600)
@given(audiences, rules)
def test_a_share_is_within_its_bound_of_the_exact_fraction(audience: Audience, rule: PoolRule) -> None:
    """No share is further from the exact fraction than the bound says, for any method, cap and minimum."""
    found = at_scale(audience, rule)
    if found is None:
        return
    exact = exactly(audience, rule)
    by_holder = rule.method.value == "equal_per_subscriber"
    sums: dict[str, tuple[Fraction, Fraction]] = {}
    for share in found.shares:
        name = HOLDERS[share.title] if by_holder else share.title
        amount, bound = sums.get(name, (Fraction(0), Fraction(0)))
        sums[name] = amount + share.amount, bound + share.bound
    assert (found.platform, found.carried) == (exact.platform.exact, exact.carried.exact)
    for title, share in exact.exact.items():
        amount, bound = sums.get(title, (Fraction(0), Fraction(0)))
        assert abs(amount - share) <= bound


@settings(max_examples=600)
@given(audiences, rules.filter(lambda rule: rule.method.value != "equal_per_subscriber"))
def test_whole_shares_are_those_of_exact_fractions(audience: Audience, rule: PoolRule) -> None:
    """In whole minor units both ways agree, except where two remainders are nearer than the bounds."""
    found = at_scale(audience, rule)
    if found is None:
        return
    exact = exactly(audience, rule)
    bounds = dict.fromkeys(TITLES, Fraction(0)) | {share.title: share.bound for share in found.shares}
    minor = dict.fromkeys(TITLES, 0) | {share.title: share.minor for share in found.shares}
    assert minor == dict(exact.minor) or is_near_tie(exact, bounds)


@pytest.mark.parametrize("method", METHODS)
def test_large_audiences_agree_to_the_minor_unit(method: str) -> None:
    """Three thousand drawn accounts: whole shares are equal, with no tie to excuse a difference."""
    draw = random.Random(method)
    audience: Audience = [
        (
            draw.randrange(1, 20_000),
            {title: draw.randrange(1, 90_000) for title in TITLES if draw.random() < 0.5},
        )
        for _ in range(300 if method == "user_centric" else 3000)
    ]
    rule = PoolRule(method=method, silent="pool")
    found, exact = at_scale(audience, rule), exactly(audience, rule)
    assert found is not None
    minor: dict[str, int] = {}
    if method == "equal_per_subscriber":
        amounts: dict[str, Fraction] = {}
        for share in found.shares:
            name = HOLDERS[share.title]
            amounts[name] = amounts.get(name, Fraction(0)) + share.amount
        assert {name: round(amount) for name, amount in amounts.items()} == {
            name: round(share) for name, share in exact.exact.items()
        }
        return
    minor = {share.title: share.minor for share in found.shares}
    assert minor == dict(exact.minor)


@given(audiences, rules, st.randoms(use_true_random=False))
def test_order_and_splitting_of_facts_change_nothing(
    audience: Audience, rule: PoolRule, draw: random.Random
) -> None:
    """Rows in another order, and a fact cut into two, give the same sums and shares to the grain."""
    watch, subscriptions = rows_of(audience)
    cut = []
    for row in watch:
        first = draw.randint(0, row.seconds)
        cut += [
            WatchRow(row.account, row.title, row.territory, row.plan, seconds)
            for seconds in (first, row.seconds - first)
        ]
    draw.shuffle(cut)
    shuffled = draw.sample(subscriptions, len(subscriptions))
    assert pool_totals(cut, shuffled, rule, MONTH) == pool_totals(watch, subscriptions, rule, MONTH)


@given(audiences, rules.filter(lambda rule: rule.max_seconds is None), st.integers(2, 1000))
def test_pools_scale(audience: Audience, rule: PoolRule, factor: int) -> None:
    """So many times the money gives so many times each share, but for the bound."""
    small = at_scale(audience, rule)
    large = at_scale([(pays * factor, titles) for pays, titles in audience], rule)
    if small is None or large is None:
        return
    for one, many in zip(small.shares, large.shares, strict=True):
        assert abs(one.amount * factor - many.amount) <= one.bound * factor + many.bound


def test_equal_per_subscriber_shares_by_holder_then_by_seconds() -> None:
    """An account's money goes equally to the two holders, and in a holder's part by seconds."""
    found = at_scale([(1200, {"a": 100, "b": 300, "c": 5})], PoolRule(method="equal_per_subscriber"))
    assert found is not None
    assert [(share.title, share.holder, share.amount) for share in found.shares] == [
        ("a", "x", 150),
        ("b", "x", 450),
        ("c", "y", 600),
    ]


def test_a_pool_that_nobody_watched_stays_with_the_platform() -> None:
    """Without counted seconds there are no shares, and the whole net is the platform's by any policy."""
    for silent in ("pool", "platform", "carry"):
        found = at_scale([(500, {}), (700, {"a": 0})], PoolRule(method="user_centric", silent=silent))
        assert found is not None
        assert (found.shares, found.platform, found.carried, found.shared) == ((), 1200, 0, 0)


def test_residual_goes_by_floors_and_then_by_title() -> None:
    """Of 100 over three equal titles one grain is left over, and the smallest title has it."""
    found = at_scale([(100, {"c": 1, "b": 1, "a": 1})], PoolRule(method="user_centric"))
    assert found is not None
    third = 100 * GRAINS // 3
    assert found.residual == 1
    assert [share.grains for share in found.shares] == [third + 1, third, third]


def test_a_funded_pool_needs_no_subscription() -> None:
    """Advertisers' money is shared pro rata over who watched there, in each of its currencies."""
    free = [PoolName("free", "IN", currency) for currency in ("INR", "USD")]
    month = WatchMonth(funded=(FundedPool(free[0], 900), FundedPool(free[1], 30)))
    watch = [WatchRow("1", "a", "IN", "free", 20), WatchRow("2", "b", "IN", "free", 10)]
    rule = PoolRule()
    shared = [spread(pool, rule) for pool in pool_totals(watch, [], rule, month)]
    assert [[share.minor for share in pool.shares] for pool in shared] == [[600, 300], [20, 10]]


def test_a_funded_pool_is_refused_by_rules_that_need_accounts_money() -> None:
    """Only pro rata can share money that is no account's."""
    month = WatchMonth(funded=(FundedPool(INDIA, 900),))
    with pytest.raises(InvalidValue, match="pro_rata"):
        pool_totals([], [], PoolRule(method="user_centric"), month)


def test_a_rule_of_one_plan_counts_that_plan_alone() -> None:
    """Pools of other plans are not among the answer."""
    subscriptions = [SubscriptionRow("1", INDIA, 10), SubscriptionRow("2", PoolName("top", "IN", "INR"), 20)]
    found = pool_totals([], subscriptions, PoolRule(plan="top"), WatchMonth())
    assert [(pool.pool.plan, pool.net, pool.silent) for pool in found] == [("top", 20, 20)]


@pytest.mark.parametrize("seconds", [0, MOST_PERIOD_SECONDS + 1, True, 1.5])
def test_a_period_outside_of_the_limits_is_refused(seconds: int) -> None:
    """Periods are whole seconds from 1 to 48 days: beyond it, 64 bits would not hold the products."""
    with pytest.raises(InvalidValue, match="period_seconds"):
        WatchMonth(seconds)


def test_a_pool_funded_twice_is_refused() -> None:
    """Two sums for one pool are to be added up first."""
    with pytest.raises(InvalidValue, match="twice"):
        WatchMonth(funded=(FundedPool(INDIA, 1), FundedPool(INDIA, 2)))
