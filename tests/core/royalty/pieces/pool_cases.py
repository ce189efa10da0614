"""Random pools, and a second way to share them so plain that it can be checked by eye."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from buddy_core.royalty import CountRules, PoolMethod, SilentMoney, Subscriber

PLAYERS = ("ada", "bo", "cy", "di")
WAYS = [(method, silent) for method in PoolMethod for silent in SilentMoney]
"""Each method with each policy."""

PAYS = st.one_of(st.integers(0, 2000), st.builds(Fraction, st.integers(0, 5000), st.integers(1, 7)))
UNITS = st.dictionaries(st.sampled_from(PLAYERS), st.integers(0, 40), max_size=4)


@st.composite
def pools(draw: st.DrawFn, pays: st.SearchStrategy[Any] = PAYS, least: int = 0) -> list[Subscriber[str]]:
    """Return up to seven subscribers, some of them silent."""
    rows = draw(st.lists(st.tuples(pays, UNITS), min_size=least, max_size=7))
    return [Subscriber(paid, units, f"s{place}") for place, (paid, units) in enumerate(rows)]


RULES = st.builds(
    CountRules,
    min_units=st.integers(0, 12),
    max_units=st.none() | st.integers(1, 50),
    excluded_subscribers=st.frozensets(st.sampled_from(["s0", "s3"])),
    excluded_players=st.frozensets(st.sampled_from(["bo", "zoe"]), max_size=1),
)


def plain(
    method: PoolMethod,
    silent: SilentMoney,
    rows: Sequence[Subscriber[str]],
    count: CountRules,
    fee: Fraction,
) -> tuple[dict[str, Fraction], Fraction, Fraction]:
    """Return shares, what the platform keeps of silent money, and what is carried, one Fraction at a time."""
    counted = []
    for row in rows:
        units = {
            name: Fraction(number)
            for name, number in row.units.items()
            if number and number >= count.min_units and name not in count.excluded_players
        }
        if row.id in count.excluded_subscribers:
            units = {}
        total = sum(units.values())
        if count.max_units is not None and total > count.max_units:
            units = {name: number * count.max_units / total for name, number in units.items()}
        counted.append((Fraction(row.pays) * (100 - fee) / 100, units))
    all_units = {name: sum(units.get(name, 0) for _, units in counted) for name in PLAYERS}
    used, money = sum(all_units.values()), sum((paid for paid, _ in counted), Fraction(0))
    nobody = dict.fromkeys(PLAYERS, Fraction(0))
    if not used:
        return nobody, money, Fraction(0)
    pro_rata = {name: Fraction(number) / used for name, number in all_units.items()}
    if method is PoolMethod.PRO_RATA:
        return {name: money * part for name, part in pro_rata.items()}, Fraction(0), Fraction(0)
    shares = dict(nobody)
    quiet = sum((paid for paid, units in counted if not units), Fraction(0))
    for paid, units in counted:
        for name, number in units.items():
            user_centric = method is PoolMethod.USER_CENTRIC
            shares[name] += paid * number / sum(units.values()) if user_centric else paid / len(units)
    if silent is SilentMoney.POOL:
        return {name: shares[name] + quiet * pro_rata[name] for name in PLAYERS}, Fraction(0), Fraction(0)
    zero = Fraction(0)
    return (shares, quiet, zero) if silent is SilentMoney.PLATFORM else (shares, zero, quiet)
