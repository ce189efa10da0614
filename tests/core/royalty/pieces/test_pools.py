"""Pools: every method and policy shares exactly the money that came in, and gains by splitting are known."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from itertools import permutations
from random import Random
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from buddy_core.kernel import InvalidValue
from buddy_core.royalty import (
    BadPool,
    CountRules,
    Figure,
    PoolMethod,
    SilentMoney,
    SilentMoneyUnnamed,
    Subscriber,
    shapley_value,
    share_pool,
)
from tests.core.royalty.counting import often
from tests.core.royalty.pieces.pool_cases import PLAYERS, RULES, WAYS, plain, pools

RUNS = settings(max_examples=70)
FEES = st.fractions(0, 100, max_denominator=8)


def test_the_shares_are_those_of_the_plain_sum() -> None:
    """Under each method, policy, minimum, cap and exclusion: what one Fraction after the other comes to."""
    fired: Counter[Any] = Counter()

    @given(pools(), RULES, FEES)
    @RUNS
    def run(rows: list[Subscriber[str]], count: CountRules, fee: Fraction) -> None:
        for method, silent in WAYS:
            found = share_pool(method, rows, PLAYERS, fee_percent=fee, count=count, silent=silent)
            shares, platform, carried = plain(method, silent, rows, count, fee)
            assert dict(found.exact) == shares
            assert (found.platform.exact, found.carried.exact) == (platform, carried)
            assert found.is_unused == (not any(found.counted.values()))
            fired[method, silent] += 1

    often(run, fired, *WAYS)


def test_nothing_is_lost_and_nothing_is_made() -> None:
    """Shares, platform and carry make the pool, and with the fee all that was paid: exactly and in units."""
    fired: Counter[Any] = Counter()

    @given(pools(), RULES, FEES)
    @RUNS
    def run(rows: list[Subscriber[str]], count: CountRules, fee: Fraction) -> None:
        paid = sum((Fraction(row.pays) for row in rows), Fraction(0))
        for method, silent in WAYS:
            found = share_pool(method, rows, PLAYERS, fee_percent=fee, count=count, silent=silent)
            rest = (found.platform, found.carried)
            assert sum(found.exact.values()) + sum(item.exact for item in rest) == found.pool.exact
            assert sum(found.minor.values()) + sum(item.minor for item in rest) == found.pool.minor
            assert found.pool.minor == math.floor(found.pool.exact + Fraction(1, 2))
            assert found.pool.exact + found.fee.exact == paid
            assert found.pool.minor + found.fee.minor == math.floor(paid + Fraction(1, 2))
            figures = [*rest, *(Figure(found.exact[name], found.minor[name]) for name in PLAYERS)]
            assert all(math.floor(item.exact) <= item.minor <= math.ceil(item.exact) for item in figures)
            fired[method, silent] += 1
            fired["unused"] += found.is_unused and bool(rows)
            fired["silent"] += found.silent_subscribers > 0

    often(run, fired, *WAYS, "unused", "silent")


def test_pools_scale() -> None:
    """A multiple of all money gives that multiple; a multiple of all units changes no share."""
    fired: Counter[Any] = Counter()

    @given(pools(), st.integers(1, 9), st.fractions(Fraction(1, 5), 9, max_denominator=5))
    @RUNS
    def run(rows: list[Subscriber[str]], more: int, factor: Fraction) -> None:
        richer = [evolve(row, pays=row.pays * factor) for row in rows]
        longer = [evolve(row, units={name: more * n for name, n in row.units.items()}) for row in rows]
        for method, silent in WAYS:
            found = share_pool(method, rows, PLAYERS, silent=silent)
            scaled = share_pool(method, richer, PLAYERS, silent=silent).exact
            assert dict(scaled) == {name: share * factor for name, share in found.exact.items()}
            assert share_pool(method, longer, PLAYERS, silent=silent).minor == found.minor
            fired[method, silent] += 1

    often(run, fired, *WAYS)


def test_order_decides_ties_alone() -> None:
    """Subscribers in any order give the same; players in any other order move a unit on exact ties alone."""
    fired: Counter[Any] = Counter()

    @given(pools(), st.randoms(use_true_random=False))
    @settings(max_examples=150)
    def run(rows: list[Subscriber[str]], random: Random) -> None:
        mixed, turned = random.sample(rows, len(rows)), random.sample(PLAYERS, len(PLAYERS))
        for method, silent in WAYS:
            found = share_pool(method, rows, PLAYERS, silent=silent)
            assert share_pool(method, mixed, PLAYERS, silent=silent) == found
            again = share_pool(method, rows, turned, silent=silent)
            assert dict(again.exact) == dict(found.exact)
            rests = Counter(share % 1 for share in found.exact.values())
            moved = [name for name in PLAYERS if again.minor[name] != found.minor[name]]
            assert all(rests[found.exact[name] % 1] > 1 for name in moved)
            assert all(abs(again.minor[name] - found.minor[name]) == 1 for name in moved)
            fired["a tie moved" if moved else "nothing moved"] += 1

    often(run, fired, "a tie moved", "nothing moved")


def test_the_first_in_order_wins_a_tie() -> None:
    """One unit for three equal players goes to who is named first."""
    rows = [Subscriber(1, {"a": 5, "b": 5, "c": 5})]
    assert share_pool("pro_rata", rows, ["b", "a", "c"]).minor == {"b": 1, "a": 0, "c": 0}
    assert share_pool("user_centric", rows).minor == {"a": 1, "b": 0, "c": 0}
    assert share_pool("equal_per_title", rows, ["c", "a", "b"]).minor == {"c": 1, "a": 0, "b": 0}


def by_orders(game: dict[frozenset[str], Fraction], players: tuple[str, ...]) -> dict[str, Fraction]:
    """Return what each player adds on average over all orders of arrival."""
    sums = dict.fromkeys(players, Fraction(0))
    orders = list(permutations(players))
    for order in orders:
        for place, player in enumerate(order):
            before = frozenset(order[:place])
            sums[player] += game[before | {player}] - game[before]
    return {player: number / len(orders) for player, number in sums.items()}


def coalitions(players: tuple[str, ...]) -> list[frozenset[str]]:
    """Return every coalition, that of nobody first."""
    return [
        frozenset(name for place, name in enumerate(players) if number >> place & 1)
        for number in range(2 ** len(players))
    ]


def test_equal_per_subscriber_is_the_shapley_value_of_the_pass_game() -> None:
    """The pool's share, the solver's and the average over all orders agree, for up to six holders."""
    fired: Counter[Any] = Counter()

    @given(st.integers(1, 6), st.data())
    @settings(max_examples=70)
    def run(count: int, data: st.DataObject) -> None:
        players = tuple("abcdef"[:count])
        used = st.dictionaries(st.sampled_from(players), st.integers(1, 9), min_size=1)
        rows = data.draw(st.lists(st.builds(Subscriber, st.integers(0, 999), used), max_size=6))
        # v(S): what those paid who used members of S alone.
        game = {
            members: sum((Fraction(row.pays) for row in rows if members.issuperset(row.units)), Fraction(0))
            for members in coalitions(players)
        }
        shares = dict(share_pool(PoolMethod.EQUAL_PER_SUBSCRIBER, rows, players).exact)
        assert shares == by_orders(game, players)
        assert shares == {name: value.exact for name, value in shapley_value(game).values.items()}
        fired["agrees"] += 1

    often(run, fired, "agrees")


def split(rows: list[Subscriber[str]], title: str, parts: list[int]) -> list[Subscriber[str]]:
    """Return the same use with one title told as two: of each use of it the first part to `title + '1'`."""
    told = []
    for row, first in zip(rows, parts, strict=True):
        units = {name: number for name, number in row.units.items() if name != title}
        whole = row.units.get(title, 0)
        one = min(first, whole)
        told.append(evolve(row, units={**units, f"{title}1": one, f"{title}2": whole - one}))
    return told


def test_who_gains_by_splitting_a_title_is_known() -> None:
    """Nobody under pro rata, user centric or by holder; by title the split one gains and no other does."""
    fired: Counter[Any] = Counter()

    @given(pools(least=2), st.data())
    @settings(max_examples=200)
    def run(rows: list[Subscriber[str]], data: st.DataObject) -> None:
        parts = [data.draw(st.integers(0, 40)) for _ in rows]
        told = split(rows, "ada", parts)
        names = ["ada1", "ada2", *PLAYERS[1:]]
        for method in PoolMethod:
            before = share_pool(method, rows, PLAYERS, silent="platform")
            if method is PoolMethod.EQUAL_PER_SUBSCRIBER:
                # The holder of both is one player, so what is passed does not change.
                owner = {"ada1": "ada", "ada2": "ada"}
                back = [evolve(row, units=joined(row, owner)) for row in told]
                after = share_pool(method, back, PLAYERS, silent="platform")
                mine = after.exact["ada"]
            else:
                after = share_pool(method, told, names, silent="platform")
                mine = after.exact["ada1"] + after.exact["ada2"]
            gains = mine - before.exact["ada"]
            if method is PoolMethod.EQUAL_PER_TITLE:
                assert gains >= 0
                assert all(after.exact[name] <= before.exact[name] for name in PLAYERS[1:])
                fired["gains by title"] += gains > 0
            else:
                assert gains == 0
                assert all(after.exact[name] == before.exact[name] for name in PLAYERS[1:])
            fired[method] += 1

    often(run, fired, *PoolMethod, "gains by title")


def joined(row: Subscriber[str], owner: dict[str, str]) -> dict[str, int]:
    """Return a subscriber's units by owner."""
    found: dict[str, int] = {}
    for name, number in row.units.items():
        found[owner.get(name, name)] = found.get(owner.get(name, name), 0) + number
    return found


def test_a_minimum_makes_splitting_a_loss() -> None:
    """Where short use does not count, a title told as two gets no more by pro rata or user centric."""
    fired: Counter[Any] = Counter()

    @given(pools(least=2), st.integers(2, 15), st.data())
    @settings(max_examples=500)
    def run(rows: list[Subscriber[str]], least: int, data: st.DataObject) -> None:
        told = split(rows, "ada", [data.draw(st.integers(0, 40)) for _ in rows])
        count = CountRules(min_units=least)
        for method in (PoolMethod.PRO_RATA, PoolMethod.USER_CENTRIC):
            before = share_pool(method, rows, silent="platform", count=count).exact.get("ada", 0)
            after = share_pool(method, told, silent="platform", count=count).exact
            mine = after["ada1"] + after["ada2"]
            assert mine <= before
            fired[method] += mine < before

    often(run, fired, PoolMethod.PRO_RATA, PoolMethod.USER_CENTRIC)


def test_by_holder_and_by_title_differ_in_who_plays() -> None:
    """One holder with two titles used of three: a half by holder, two thirds by title."""
    by_title = [Subscriber(600, {"t1": 10, "t2": 30, "u": 60})]
    by_holder = [Subscriber(600, {"mg": 40, "bl": 60})]
    assert share_pool("equal_per_subscriber", by_holder).minor == {"mg": 300, "bl": 300}
    assert share_pool("equal_per_title", by_title).minor == {"t1": 200, "t2": 200, "u": 200}


def test_minimum_cap_and_exclusions_in_that_order() -> None:
    """Short use falls out before the cap scales what is left, and the excluded count for nothing."""
    rows = [
        Subscriber(100, {"a": 3, "b": 60, "c": 120}, "heavy"),
        Subscriber(100, {"a": 30}, "light"),
        Subscriber(100, {"a": 9999}, "robot"),
    ]
    count = CountRules(5, 90, ["robot"], ["c"])
    found = share_pool("pro_rata", rows, ["a", "b", "c"], count=count)
    assert dict(found.counted) == {"a": 30, "b": 60, "c": 0}
    assert found.minor == {"a": 100, "b": 200, "c": 0}
    wider = share_pool("pro_rata", rows, ["a", "b", "c"], count=evolve(count, excluded_players=()))
    assert dict(wider.counted) == {"a": 30, "b": 30, "c": 60}
    silent = share_pool("user_centric", rows, ["a", "b", "c"], count=count, silent="carry")
    assert (silent.minor, silent.carried.minor) == ({"a": 100, "b": 100, "c": 0}, 100)
    assert (silent.silent_subscribers, silent.is_unused) == (1, False)


def test_use_that_is_exactly_the_minimum_counts() -> None:
    """Thirty seconds are enough where thirty are needed; twenty-nine are not."""
    rows = [Subscriber(100, {"a": 30, "b": 29})]
    assert share_pool("pro_rata", rows, count=CountRules(30)).minor == {"a": 100, "b": 0}


@pytest.mark.parametrize("method", list(PoolMethod))
@pytest.mark.parametrize("silent", [*SilentMoney, None])
def test_a_pool_that_nobody_used_stays_with_the_platform(
    method: PoolMethod, silent: SilentMoney | None
) -> None:
    """Whatever the policy: with nothing counted the platform has the whole, and it is said."""
    found = share_pool(method, [Subscriber(999, {}), Subscriber(1, {"a": 0})], ["a"], silent=silent)
    assert found.is_unused
    assert (found.platform, found.carried.minor) == (Figure(Fraction(1000), 1000), 0)
    assert (found.minor, found.silent_subscribers) == ({"a": 0}, 2)


def test_a_pool_of_nobody_is_nothing() -> None:
    """No subscribers, no players: everything is zero."""
    nobody: list[Subscriber[str]] = []
    found = share_pool("user_centric", nobody)
    assert (dict(found.exact), found.minor, found.pool.minor) == ({}, {}, 0)
    assert found.is_unused


def test_a_refund_takes_back_by_the_same_rule() -> None:
    """Money below zero is shared as its mirror image, and with the sale it comes to nothing."""
    sale, refund = Subscriber(999, {"a": 1, "b": 2}), Subscriber(-999, {"a": 1, "b": 2})
    assert share_pool("user_centric", [refund]).minor == {"a": -333, "b": -666}
    assert share_pool("user_centric", [sale, refund]).minor == {"a": 0, "b": 0}


def test_silent_money_needs_a_policy() -> None:
    """Money of who used nothing is nobody's until it is said whose; where that is nothing it is not asked."""
    fired: Counter[str] = Counter()
    user = Subscriber(500, {"a": 1})

    @given(st.lists(st.integers(1, 900), min_size=1, max_size=5))
    @settings(max_examples=60)
    def run(amounts: list[int]) -> None:
        quiet: list[Subscriber[str]] = [Subscriber(amount, {}) for amount in amounts]
        for method in (PoolMethod.USER_CENTRIC, PoolMethod.EQUAL_PER_SUBSCRIBER, PoolMethod.EQUAL_PER_TITLE):
            with pytest.raises(SilentMoneyUnnamed) as refused:
                share_pool(method, [user, *quiet])
            assert refused.value.amount == sum(amounts)
            assert f"{len(amounts)} subscriber(s) paid {sum(amounts)} minor units" in refused.value.message()
            fired["refused"] += 1
        assert share_pool("pro_rata", [user, *quiet]).minor == {"a": 500 + sum(amounts)}
        assert share_pool("user_centric", [user, Subscriber(0, {})]).minor == {"a": 500}
        fired["not asked"] += 1

    often(run, fired, "refused", "not asked")


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown player": (
        {"units": {"zoe": 3}},
        "subscriber 's1' used 'zoe', which is not among the players",
    ),
    "units below zero": ({"units": {"ada": -1}}, "has -1 units of 'ada'; write a whole number, 0 or more"),
    "units that are a float": ({"units": {"ada": 1.0}}, "has 1.0 units of 'ada'"),
    "units that are a bool": ({"units": {"ada": True}}, "has True units of 'ada'"),
    "a subscriber twice": ({"id": "s0"}, "subscriber 's0' is given twice; add the rows together"),
}
"""What may be wrong with a subscriber, and what is said of it."""
BROKEN_RULES: dict[str, tuple[dict[str, Any], str]] = {
    "a minimum below zero": ({"min_units": -1}, "min_units is -1; write a whole number, 0 or more"),
    "a minimum that is a float": ({"min_units": 0.5}, "min_units is 0.5"),
    "a cap of nothing": (
        {"max_units": 0},
        "max_units is 0; write a whole number above 0, or none for no cap",
    ),
    "a cap that is a float": ({"max_units": 9.0}, "max_units is 9.0"),
}


def test_every_problem_of_a_pool_is_listed() -> None:
    """Each thing that is wrong is refused, alone and together with another, by its place and with its fix."""
    fired: Counter[str] = Counter()

    @given(pools(least=1))
    @settings(max_examples=60)
    def run(rows: list[Subscriber[str]]) -> None:
        good = evolve(rows[0], id="s1")
        first = evolve(rows[0], id="s0")
        for name, (change, said) in BROKEN.items():
            with pytest.raises(BadPool) as refused:
                share_pool("pro_rata", [first, evolve(good, **change)], [*PLAYERS, "ada"])
            assert any(said in problem for problem in refused.value.problems)
            assert "player 'ada' is named twice" in refused.value.problems
            assert len(refused.value.problems) == 2
            fired[name] += 1
        for name, (rules, said) in BROKEN_RULES.items():
            with pytest.raises(BadPool) as refused:
                share_pool("pro_rata", rows, PLAYERS, count=CountRules(**rules))
            assert len(refused.value.problems) == 1
            assert refused.value.problems[0].startswith(said)
            fired[name] += 1

    often(run, fired, *BROKEN, *BROKEN_RULES)


def test_many_problems_are_counted() -> None:
    """A message spells out twenty problems and says how many more there are; the error holds them all."""
    rows = [Subscriber(1, {"x": 1}) for _ in range(25)]
    with pytest.raises(BadPool) as refused:
        share_pool("pro_rata", rows, ["a"])
    assert len(refused.value.problems) == 25
    assert "subscriber 20 used 'x'" in refused.value.message()
    assert refused.value.message().endswith("; and 5 more.")
    with pytest.raises(BadPool) as refused:
        share_pool("pro_rata", rows[:20], ["a"])
    assert "more" not in refused.value.message()


def test_an_excluded_player_need_not_be_named() -> None:
    """Use of a player who is excluded and not among the players is no mistake."""
    rows = [Subscriber(100, {"a": 1, "trailer": 50})]
    assert share_pool("pro_rata", rows, ["a"], count=CountRules(excluded_players={"trailer"})).minor == {
        "a": 100
    }


@pytest.mark.parametrize("pays", [9.99, True, "999", None])
def test_money_that_is_not_exact_is_refused(pays: Any) -> None:
    """A float is named with the subscriber who has it."""
    with pytest.raises(InvalidValue, match="subscriber 1, pays: is a"):
        share_pool("pro_rata", [Subscriber(pays, {"a": 1})])


@pytest.mark.parametrize(("field", "value"), [("method", "by_dice"), ("silent", "charity")])
def test_an_unknown_word_is_told_with_those_there_are(field: str, value: str) -> None:
    """A method or policy that there is not is answered with the list of those that there are."""
    words: dict[str, Any] = {"method": "pro_rata", "silent": "pool", field: value}
    wanted = "equal_per_title" if field == "method" else "pool, platform, carry"
    with pytest.raises(InvalidValue, match=wanted):
        share_pool(words["method"], [], silent=words["silent"])


def test_shares_are_a_mapping() -> None:
    """Exact shares are looked up, counted and printed as a dict is; who is no player is a KeyError."""
    exact = share_pool("pro_rata", [Subscriber(3, {"a": 1, "b": 1})]).exact
    assert (len(exact), list(exact), "z" in exact) == (2, ["a", "b"], False)
    assert repr(exact) == "{'a': Fraction(3, 2), 'b': Fraction(3, 2)}"
    with pytest.raises(KeyError):
        exact["z"]
