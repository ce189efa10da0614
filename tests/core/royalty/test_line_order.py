"""The order of a statement's lines: that of `line_order`, however the lines were found."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from buddy_core.royalty.model.facts import Model
from buddy_core.royalty.model.statements import Line
from buddy_core.royalty.rules.stating import in_order, line_order

ZERO = Fraction(0)


def some_line(chance: Random) -> Line:
    """Return a line that is told from others by any of what lines are told apart by."""
    inputs = {"kind": chance.choice(("bonus", "paid")), "value_version": chance.randint(1, 2)}
    net, rate = Fraction(chance.randint(1, 2)), Fraction(1, chance.randint(1, 2))
    line = Line(
        chance.choice("hg"),
        chance.choice("ab"),
        chance.choice(("US", "AE")),
        chance.choice((Model.TOKENS, Model.RENTAL)),
        "USD",
        chance.choice((None, "", "d", "e")),
        net,
        Fraction(1),
        ZERO,
        ZERO,
        net,
        rate,
        net * rate,
        inputs if chance.random() < 0.7 else {},
    )
    return evolve(line, adjusts=chance.choice(("", "", "2026-09")))


@given(st.integers(0, 2**64))
@settings(max_examples=100)
def test_lines_stand_by_all_that_tells_them_apart(seed: int) -> None:
    """Lines are sorted by their whole key, and those with one key stay as they were found."""
    chance = Random(seed)
    lines = [some_line(chance) for _ in range(chance.randint(0, 60))]
    found = in_order(lines)
    assert [id(line) for line in found] == [id(line) for line in sorted(lines, key=line_order)]
