"""The Shapley value: exact, efficient, symmetric, additive, and the average over all orders."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buddy_core.kernel import InvalidValue
from buddy_core.royalty import BadGame, MissingCoalitions, TooManyPlayers, shapley_value
from tests.core.royalty.counting import often
from tests.core.royalty.pieces.test_pools import by_orders, coalitions

Game = dict[frozenset[str], Fraction]
WORTH = st.builds(Fraction, st.integers(-50, 50), st.integers(1, 6))


@st.composite
def games(draw: st.DrawFn, most: int = 6) -> tuple[tuple[str, ...], Game]:
    """Return players and any worth for each coalition; nobody is worth nothing."""
    players = tuple("abcdef"[: draw(st.integers(1, most))])
    game: Game = {members: draw(WORTH) for members in coalitions(players)}
    game[frozenset()] = Fraction(0)
    return players, game


def values(game: Game) -> dict[str, Fraction]:
    """Return each player's exact value."""
    return {player: value.exact for player, value in shapley_value(game).values.items()}


def test_it_is_the_average_over_all_orders() -> None:
    """For any game of up to six players the formula and every order of arrival come to the same."""
    fired: Counter[str] = Counter()

    @given(games())
    @settings(max_examples=100)
    def run(case: tuple[tuple[str, ...], Game]) -> None:
        players, game = case
        assert values(game) == by_orders(game, players)
        fired["agrees"] += 1

    often(run, fired, "agrees")


@given(games(4), st.integers(-5, 5))
@settings(max_examples=60)
def test_it_is_efficient_and_additive(case: tuple[tuple[str, ...], Game], factor: int) -> None:
    """All values make the worth of all players; a game added to a multiple of itself adds the values."""
    players, game = case
    found = shapley_value(game).values
    assert sum(value.exact for value in found.values()) == game[frozenset(players)]
    more = {members: worth * (1 + factor) for members, worth in game.items()}
    assert values(more) == {name: value.exact * (1 + factor) for name, value in found.items()}


def test_whole_values_add_up_and_ties_go_to_who_is_named_first() -> None:
    """Ten among three equal players: four to the first that the game names."""
    names = coalitions(("c", "a", "b"))
    found = shapley_value({members: Fraction(10 * (len(members) == 3)) for members in names})
    assert [(name, value.minor) for name, value in found.values.items()] == [("c", 4), ("a", 3), ("b", 3)]


def test_twelve_players_are_solved_and_thirteen_are_refused() -> None:
    """An additive game of twelve gives each their own worth; one more is refused with what to use instead."""
    twelve = tuple("abcdefghijkl")
    game = {members: sum(ord(name) for name in members) for members in coalitions(twelve)}
    assert {n: v.minor for n, v in shapley_value(game).values.items()} == {name: ord(name) for name in twelve}
    with pytest.raises(TooManyPlayers, match="13 players; up to 12") as refused:
        shapley_value({frozenset({name}): 1 for name in "abcdefghijklm"})
    assert "equal_per_subscriber" in refused.value.message()


def test_missing_coalitions_are_named() -> None:
    """Any coalition left out is named; the empty one may be left out."""
    fired: Counter[str] = Counter()

    @given(games(4), st.data())
    @settings(max_examples=60)
    def run(case: tuple[tuple[str, ...], Game], data: st.DataObject) -> None:
        players, game = case
        whole = frozenset(players)
        # The coalition of all stays, so that it is known who plays.
        gone = data.draw(
            st.sets(st.sampled_from([m for m in game if m and m != whole] or [whole]), min_size=1)
        )
        if gone == {whole}:
            with pytest.raises(BadGame, match="no players"):
                shapley_value({frozenset(): 0})
            return
        with pytest.raises(MissingCoalitions) as refused:
            shapley_value({members: worth for members, worth in game.items() if members not in gone})
        assert {frozenset(name.strip("{}").split(", ")) for name in refused.value.missing} == gone
        assert f"The worth of {len(gone)} coalition(s) is missing" in refused.value.message()
        fired["missing"] += 1

    often(run, fired, "missing")
    assert values({frozenset("a"): Fraction(3)}) == {"a": 3}


@pytest.mark.parametrize(
    ("game", "said"),
    [
        ({}, "it has no players"),
        ({frozenset(): 1, frozenset("a"): 2}, "the coalition of nobody has a worth"),
        ({"a": 1}, "the coalition 'a' is a str"),
        ({("a", "b"): 1}, "is a tuple"),
    ],
)
def test_what_is_no_game_is_refused(game: Any, said: str) -> None:
    """No players, a worth for nobody, or a key that is no frozenset is told as such."""
    with pytest.raises(BadGame) as refused:
        shapley_value(game)
    assert said in refused.value.message()


@pytest.mark.parametrize("worth", [1.0, "1", None, False])
def test_a_worth_that_is_not_exact_is_refused(worth: Any) -> None:
    """A float as a worth is named with its coalition."""
    with pytest.raises(InvalidValue, match=r"worth of \{a\}: is a"):
        shapley_value({frozenset("a"): worth})
