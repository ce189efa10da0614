"""Pools: one period's money of many subscribers, shared by what they used."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from buddy_core.royalty.errors import BadPool, SilentMoneyUnnamed
from buddy_core.royalty.model.terms import PoolMethod, SilentMoney
from buddy_core.royalty.rules.pieces.figures import Exact, Figure, checked, half_up, part
from buddy_core.royalty.rules.pieces.splitting import split_whole

P = TypeVar("P", bound=Hashable)


@frozen
class Subscriber(Generic[P]):
    """What one subscriber paid into the pool, in minor units, and the units that they used of each player."""

    pays: Exact
    """Below zero: a refund of an earlier period, which takes back by the same rule."""
    units: Mapping[P, int] = field(hash=False)
    """Seconds, plays: whole numbers from 0 on, in one unit for the whole pool."""
    id: str | None = None
    """Needed only where some are excluded."""


def _names(names: Iterable[Any]) -> frozenset[Any]:
    return frozenset(names)


@frozen
class CountRules:
    """Which units count, in this order: exclusions, the minimum, the cap."""

    min_units: int = 0
    """Units of one subscriber and player below it do not count."""
    max_units: int | None = None
    """What counts of one subscriber at most: above it each player's units are scaled by `max_units / all`."""
    excluded_subscribers: frozenset[Any] = field(default=frozenset(), converter=_names)
    """Their units do not count; what they paid is silent."""
    excluded_players: frozenset[Any] = field(default=frozenset(), converter=_names)
    """They have no units and no share."""


ALL_COUNT = CountRules()


class Parts(Mapping[P, Fraction]):
    """Exact numbers by player, over one common denominator; each is reduced when it is asked for."""

    def __init__(self, numerators: Mapping[P, int], denominator: int) -> None:
        self._numerators, self._denominator = numerators, denominator

    def __getitem__(self, player: P) -> Fraction:
        return Fraction(self._numerators[player], self._denominator)

    def __iter__(self) -> Iterator[P]:
        return iter(self._numerators)

    def __len__(self) -> int:
        return len(self._numerators)

    def __repr__(self) -> str:
        return repr(dict(self))


@frozen
class PoolShares(Generic[P]):
    """A shared pool: players + platform + carried = pool, exactly and in whole minor units."""

    fee: Figure
    """The platform's percent, taken first."""
    pool: Figure
    """What the fee leaves."""
    exact: Mapping[P, Fraction] = field(hash=False)
    """Each player's share, in the order of the players."""
    minor: Mapping[P, int] = field(hash=False)
    """The same in whole minor units."""
    platform: Figure
    """Money of silent subscribers, or the whole pool where nothing was used; without the fee."""
    carried: Figure
    counted: Mapping[P, Fraction] = field(hash=False)
    """Units that counted."""
    silent_subscribers: int
    """How many used nothing that counts."""
    is_unused: bool
    """Nothing at all was used: the whole pool stays with the platform."""


def share_pool(
    method: PoolMethod | str,
    subscribers: Iterable[Subscriber[P]],
    players: Sequence[P] | None = None,
    *,
    fee_percent: Exact = 0,
    count: CountRules = ALL_COUNT,
    silent: SilentMoney | str | None = None,
) -> PoolShares[P]:
    """Share what subscribers paid over the players that they used, by a named method.

    Players are any keys: holders, or titles. Without `players` they are those used, in the
    order in which they come up. Whole shares are those of the pool, rounded half up once, by
    largest remainder; ties go to the order of the players, then the platform, then what is
    carried. Pro rata does not ask what `silent` is: no money there is any subscriber's own.

    All is counted in integers over a common denominator. Where many subscribers have many
    different totals, that denominator of `user_centric` grows long: tens of thousands of
    them take seconds.

    Raises:
        BadPool: players, subscribers, units, a minimum or a cap that cannot be; all are listed.
        SilentMoneyUnnamed: silent subscribers paid, and `silent` is not given.
        BadPercent: a fee below 0 or above 100.
        InvalidValue: a float, or a method or policy that there is not.
    """
    how, policy = PoolMethod(method), None if silent is None else SilentMoney(silent)
    kept = 1 - part("fee_percent", fee_percent)
    rows = list(subscribers)
    named = _players(rows, players)
    _check(rows, named, players, count)
    scale = lcm(*{row.pays.denominator for row in rows})
    sums: _Sums[P] = _Sums()
    for row in rows:
        sums.add(how, row.pays.numerator * (scale // row.pays.denominator), _counted(row, count), count)
    money, used = Fraction(sums.money * kept, scale), sum(sums.units.numerators(named).values())
    pool = Figure(money, half_up(money))
    paid = Fraction(sums.money, scale)
    fee = Figure(paid - money, half_up(paid) - pool.minor)
    numerators, denominator, platform, carried = _shares(how, sums, named, policy, scale)
    # The parts of nobody's share the players' denominator, so that one split rounds them all.
    denominator *= kept.denominator
    parts = [number * kept.numerator for number in (*numerators, platform, carried)]
    *wholes, to_platform, to_carry = split_whole(parts, denominator, pool.minor)
    return PoolShares(
        fee=fee,
        pool=pool,
        exact=Parts(dict(zip(named, parts, strict=False)), denominator),
        minor=dict(zip(named, wholes, strict=True)),
        platform=Figure(Fraction(parts[-2], denominator), to_platform),
        carried=Figure(Fraction(parts[-1], denominator), to_carry),
        counted=Parts(sums.units.numerators(named), sums.units.denominator),
        silent_subscribers=sums.silent_subscribers,
        is_unused=not used,
    )


class _Amounts(Generic[P]):
    """Fractions summed by player: integers by denominator, brought together at the end."""

    def __init__(self) -> None:
        self._by: dict[int, defaultdict[P, int]] = {1: defaultdict(int)}

    def over(self, denominator: int) -> defaultdict[P, int]:
        """Return the numerators over a denominator, to add to."""
        found = self._by.get(denominator)
        if found is None:
            found = self._by[denominator] = defaultdict(int)
        return found

    @property
    def denominator(self) -> int:
        """The common one."""
        return lcm(*self._by)

    def numerators(self, players: Iterable[P]) -> dict[P, int]:
        """Return each player's sum, over the common denominator."""
        common = self.denominator
        found = dict.fromkeys(players, 0)
        for denominator, numbers in self._by.items():
            factor = common // denominator
            for player, number in numbers.items():
                found[player] += number * factor
        return found


class _Sums(Generic[P]):
    """What is added up over subscribers; money is in units of one over the pool's common denominator."""

    def __init__(self) -> None:
        self.money = 0
        self.silent = 0
        self.silent_subscribers = 0
        self.units: _Amounts[P] = _Amounts()
        self.shares: _Amounts[P] = _Amounts()

    def add(self, method: PoolMethod, money: int, units: Mapping[P, int], count: CountRules) -> None:
        """Add one subscriber, with the units that reach the minimum."""
        self.money += money
        if not units:
            self.silent += money
            self.silent_subscribers += 1
            return
        total = sum(units.values())
        self._count(units, total, count.max_units)
        if method is PoolMethod.USER_CENTRIC:
            # The smaller a denominator is, the more subscribers share it.
            common = gcd(*units.values())
            shorter = gcd(total // common, money)
            numbers, factor = self.shares.over(total // common // shorter), money // shorter
            for player, number in units.items():
                numbers[player] += number // common * factor
        elif method is not PoolMethod.PRO_RATA:
            numbers = self.shares.over(len(units))
            for player in units:
                numbers[player] += money

    def _count(self, units: Mapping[P, int], total: int, most: int | None) -> None:
        if most is None or total <= most:
            numbers, factor = self.units.over(1), 1
        else:
            shorter = gcd(total, most)
            numbers, factor = self.units.over(total // shorter), most // shorter
        for player, number in units.items():
            numbers[player] += number * factor


def _shares(
    method: PoolMethod, sums: _Sums[P], players: Sequence[P], silent: SilentMoney | None, scale: int
) -> tuple[list[int], int, int, int]:
    """Return the players' numerators, the common denominator, and the numerators of platform and carry."""
    units = sums.units.numerators(players)
    used = sum(units.values())
    if not used:
        return [0] * len(players), scale, sums.money, 0
    if method is PoolMethod.PRO_RATA:
        return [sums.money * number for number in units.values()], scale * used, 0, 0
    if sums.silent and silent is None:
        raise SilentMoneyUnnamed(sums.silent_subscribers, Fraction(sums.silent, scale))
    common = sums.shares.denominator
    shares = list(sums.shares.numerators(players).values())
    if silent is SilentMoney.POOL and sums.silent:
        each = zip(shares, units.values(), strict=True)
        return [a * used + sums.silent * common * b for a, b in each], scale * common * used, 0, 0
    rest = sums.silent * common
    to_platform = silent is SilentMoney.PLATFORM
    return shares, scale * common, rest if to_platform else 0, 0 if to_platform else rest


def _counted(row: Subscriber[P], count: CountRules) -> Mapping[P, int]:
    if row.id is not None and row.id in count.excluded_subscribers:
        return {}
    least, excluded = max(1, count.min_units), count.excluded_players
    return {
        player: number for player, number in row.units.items() if number >= least and player not in excluded
    }


def _players(rows: Iterable[Subscriber[P]], players: Sequence[P] | None) -> list[P]:
    if players is not None:
        return list(dict.fromkeys(players))
    return list(dict.fromkeys(player for row in rows for player in row.units))


def _check(
    rows: Sequence[Subscriber[P]], named: Sequence[P], given: Sequence[P] | None, count: CountRules
) -> None:
    problems = [f"player {player!r} is named twice" for player in _twice(given or ())]
    ids = [row.id for row in rows if row.id is not None]
    problems += [f"subscriber {name!r} is given twice; add the rows together" for name in _twice(ids)]
    if type(count.min_units) is not int or count.min_units < 0:
        problems.append(f"min_units is {count.min_units!r}; write a whole number, 0 or more")
    if count.max_units is not None and (type(count.max_units) is not int or count.max_units < 1):
        problems.append(f"max_units is {count.max_units!r}; write a whole number above 0, or none for no cap")
    known = {*named, *count.excluded_players}
    for place, row in enumerate(rows):
        who = f"subscriber {place + 1 if row.id is None else repr(row.id)}"
        checked(f"{who}, pays", row.pays)
        for player, number in row.units.items():
            if type(number) is not int or number < 0:
                problems.append(f"{who} has {number!r} units of {player!r}; write a whole number, 0 or more")
            if player not in known:
                problems.append(f"{who} used {player!r}, which is not among the players")
    if problems:
        raise BadPool(tuple(problems))


def _twice(names: Collection[Any]) -> list[Any]:
    return (
        [name for name, times in Counter(names).items() if times > 1] if len(set(names)) < len(names) else []
    )
