"""The same period under other terms, pools or token values: who would have what; nothing is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction

from attrs import evolve, frozen

from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.rounding import exact
from buddy_core.royalty.model.balances import Balances
from buddy_core.royalty.model.facts import Facts
from buddy_core.royalty.model.months import PLATFORM, Month
from buddy_core.royalty.model.statements import PeriodResult
from buddy_core.royalty.model.terms import Terms
from buddy_core.royalty.rules.earned import NOTHING
from buddy_core.royalty.rules.stating import state_period


@frozen
class Difference:
    """What a holder has of a title as things are, and would have; exact minor units."""

    holder: str
    title: str
    currency: str
    now: Fraction
    then: Fraction

    @property
    def change(self) -> Fraction:
        """What the holder would have more."""
        return self.then - self.now


@frozen
class Simulation:
    """A period as it is and as it would be, and every difference by holder and title."""

    now: PeriodResult
    then: PeriodResult
    differences: tuple[Difference, ...]


def simulate(
    month: Month,
    terms: Terms,
    facts: Facts,
    before: Balances,
    *,
    other_terms: Terms | None = None,
    token_values: Mapping[tuple[str, str], Fraction] | None = None,
) -> Simulation:
    """State a period twice, as it is and with other terms, pool rules or token values.

    `token_values` has minor units for one token, by kind and currency; kinds that it does
    not name keep what is stamped.

    Raises:
        TermsProblems: as `state_period`.
        InvalidValue: a token value that is a float, or not by kind and currency.
    """
    now = state_period(month, terms, facts, before)
    others = facts if token_values is None else revalued(facts, token_values)
    then = state_period(month, other_terms or terms, others, before)
    return Simulation(now, then, differences(now, then))


def differences(now: PeriodResult, then: PeriodResult) -> tuple[Difference, ...]:
    """Return what differs between two results by holder and title, exact; the platform's last."""
    amounts: dict[tuple[str, str, str], list[Fraction]] = defaultdict(lambda: [NOTHING, NOTHING])
    for place, result in enumerate((now, then)):
        lines = [line for statement in result.statements for line in statement.lines]
        for line in (*lines, *result.platform):
            amounts[line.holder, line.title, line.currency][place] += line.amount
    return tuple(
        Difference(*key, *amounts[key])
        for key in sorted(amounts, key=lambda key: (key[0] == PLATFORM, key))
        if amounts[key][0] != amounts[key][1]
    )


def revalued(facts: Facts, values: Mapping[tuple[str, str], Fraction]) -> Facts:
    """Return facts as if a token had been worth so many minor units, by kind and currency."""
    given: Iterable[object] = values
    for key in given:
        match key:
            case (str(), str()):
                continue
        raise InvalidValue("token_values", f"has {key!r} for a key; give ('paid', 'INR'): kind and currency")
    worth = {key: exact(value) for key, value in values.items()}
    return evolve(
        facts,
        tokens=tuple(
            evolve(use, value=worth[use.kind, use.currency] * use.tokens)
            if (use.kind, use.currency) in worth
            else use
            for use in facts.tokens
        ),
    )
