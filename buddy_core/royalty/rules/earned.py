"""What titles netted, as the first stage leaves it to the second."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from attrs import define, field, frozen

from buddy_core.royalty.model.facts import Model, Paid
from buddy_core.royalty.model.statements import Fund, PoolReport
from buddy_core.royalty.model.terms import Deal, Escalator

NOTHING = Fraction(0)


def times(one: Fraction, other: Fraction) -> Fraction:
    """Return the product; `*` looks for common factors twice, which pays for long fractions alone."""
    above, below = one.as_integer_ratio()
    more, parts = other.as_integer_ratio()
    return Fraction(above * more, below * parts)


def parted(whole: Fraction, part: Fraction) -> tuple[Fraction, Fraction]:
    """Return a part of a whole and what it leaves, both made of whole numbers at once."""
    above, below = whole.as_integer_ratio()
    some, of = part.as_integer_ratio()
    return Fraction(above * some, below * of), Fraction(above * (of - some), below * of)


@frozen
class Earned:
    """What a title netted under one set of deals."""

    title: str
    territory: str
    model: Model
    currency: str
    at: datetime | None
    """An instant of the facts, for what depends on the date; None where they have none."""
    deals: tuple[Deal, ...]
    units: Fraction
    """Copies, tokens, seconds or impressions."""
    gross: Fraction
    net: Fraction
    inputs: Mapping[str, Any]
    holder: str | None = None
    """Where a pool gave it to one holder alone."""

    def part(self, deal: Deal) -> Fraction:
        """Return what part of it a deal is about: all, where one holder was given it alone."""
        if self.holder is None:
            return deal.part
        return deal.part / sum((other.part for other in self.deals), NOTHING)


@define
class Attributed:
    """All that was attributed, and what was not."""

    earned: list[Earned] = field(factory=list)
    pools: list[PoolReport] = field(factory=list)
    funds: dict[str, Fund] = field(factory=dict)
    flows: dict[str, Paid] = field(factory=lambda: defaultdict(Paid))
    """Money of facts by currency."""
    stamped: dict[str, Fraction] = field(factory=lambda: defaultdict(Fraction))
    """Worth of the tokens that viewers paid for, by currency."""
    kept: dict[str, Fraction] = field(factory=lambda: defaultdict(Fraction))
    """Of pools by currency, by the platform."""
    carried: dict[str, Fraction] = field(factory=dict)
    """By pool, to the next period."""


def ids_of(deals: tuple[Deal, ...]) -> tuple[str, ...]:
    """Return what tells one set of deals from another."""
    return tuple([deal.id for deal in deals])


def dated(deals: tuple[Deal, ...], model: Model, at: datetime) -> datetime | None:
    """Return since when the rates hold that hold at an instant; facts of one such time share a line."""
    steps: list[datetime] = []
    for deal in deals:
        rate = deal.rates.get(model)
        if isinstance(rate, Escalator):
            steps += [step.at for step in rate.then if step.at <= at]
    return max(steps, default=None)
