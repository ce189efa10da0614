"""The Shapley value: what each player adds to a game, averaged over all orders of arrival."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from fractions import Fraction
from math import factorial, lcm
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from buddy_core.royalty.errors import BadGame, MissingCoalitions, TooManyPlayers
from buddy_core.royalty.rules.pieces.figures import Exact, Figure, checked
from buddy_core.royalty.rules.pieces.splitting import split_by_exact

P = TypeVar("P", bound=Hashable)

MOST_PLAYERS = 12


@frozen
class ShapleyValue(Generic[P]):
    """Each player's value; together they are the worth of all players."""

    values: Mapping[P, Figure] = field(hash=False)
    """In the order in which the game first names the players by themselves."""


def shapley_value(game: Mapping[frozenset[P], Exact]) -> ShapleyValue[P]:
    """Return the Shapley value of a game: coalition -> worth, for each coalition of its players.

    `value(i) = sum over S without i of |S|! (n - |S| - 1)! / n! x (v(S + i) - v(S))`
    (Shapley 1953). Exact; 12 players are 4096 coalitions. The empty coalition is worth 0
    and may be left out. Whole values are split by largest remainder, ties to the order of
    the coalitions of one player.

    Raises:
        MissingCoalitions: the worth of some is not given; all of them are named.
        TooManyPlayers: more than 12.
        BadGame: no players, the empty coalition with a worth, or a key that is no frozenset.
        InvalidValue: a worth that is a float, or not exact.
    """
    players = _players(game)
    worths = _worths(game, players)
    scale = lcm(*{worth.denominator for worth in worths})
    table = [worth.numerator * (scale // worth.denominator) for worth in worths]
    count = len(players)
    weights = [factorial(size) * factorial(count - size - 1) for size in range(count)]
    sums = [0] * count
    for coalition, worth in enumerate(table):
        size = coalition.bit_count()
        for place in range(count):
            if coalition >> place & 1:
                sums[place] += weights[size - 1] * worth
            else:
                sums[place] -= weights[size] * worth
    figures = split_by_exact(Fraction(number, scale * factorial(count)) for number in sums)
    return ShapleyValue(dict(zip(players, figures, strict=True)))


def _players(game: Mapping[frozenset[P], Exact]) -> list[P]:
    found: dict[P, None] = {}
    alone: dict[P, None] = {}
    for coalition in game:
        given: Any = coalition
        if not isinstance(given, frozenset):
            raise BadGame(f"the coalition {given!r} is a {type(given).__name__}; write frozenset({{...}})")
        found.update(dict.fromkeys(coalition))
        if len(coalition) == 1:
            alone.update(dict.fromkeys(coalition))
    if not found:
        raise BadGame("it has no players; give the worth of each coalition of at least one")
    if len(found) > MOST_PLAYERS:
        raise TooManyPlayers(len(found), MOST_PLAYERS)
    # The rest is missing as coalitions of one, and will be named as such.
    return [*alone, *(player for player in found if player not in alone)]


def _worths(game: Mapping[frozenset[P], Exact], players: list[P]) -> list[Fraction]:
    """Return the worth of each coalition, at the number whose bits are its players' places."""
    worths, missing = [Fraction(0)], []
    if checked("worth of the empty coalition", game.get(frozenset(), 0)) != 0:
        raise BadGame("the coalition of nobody has a worth; it is 0, or left out")
    for number in range(1, 2 ** len(players)):
        members = [player for place, player in enumerate(players) if number >> place & 1]
        coalition = frozenset(members)
        name = "{" + ", ".join(str(member) for member in members) + "}"
        if coalition in game:
            worths.append(checked(f"worth of {name}", game[coalition]))
        else:
            missing.append(name)
    if missing:
        raise MissingCoalitions(tuple(missing))
    return worths
