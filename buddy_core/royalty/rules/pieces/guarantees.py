"""Minimum guarantees: a period's royalty as it is, the year's progress, and the true-up at its end."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from attrs import frozen

from buddy_core.royalty.errors import BadGuarantee
from buddy_core.royalty.rules.pieces.figures import Exact, Figure, checked, figure, half_up, part, whole
from buddy_core.royalty.rules.pieces.splitting import NegativeTotal


@frozen
class PeriodRoyalty:
    """The royalty of one period; no guarantee touches it."""

    net: Figure
    """Gross less returns."""
    royalty: Figure


@frozen
class TrueUp:
    """A term's settlement: what was earned and what is due on top make at least the minimum."""

    earned: Figure
    minimum: Figure
    due: Figure


@frozen
class GuaranteeProgress:
    """How a year stands against its minimum while it runs; nothing of it is paid."""

    earned: Figure
    progress_percent: Fraction | None
    """Earned so far against the whole minimum. None: no minimum."""
    projected: Figure
    """`earned / periods done x periods in the year`."""
    pace_percent: Fraction | None
    """Earned against the minimum prorated over the periods done: 100 is on pace. None: no minimum."""
    shortfall_risk: Figure
    """What the projection falls short of the minimum; 0 where it does not."""
    true_up: TrueUp | None
    """Once the last period is done."""

    @property
    def is_on_track(self) -> bool:
        """Say whether the projection reaches the minimum."""
        return not self.shortfall_risk.exact

    @property
    def shortfall_due(self) -> Figure | None:
        """Return what is owed on top of what was earned, once the last period is done; before that None."""
        return None if self.true_up is None else self.true_up.due


def period_royalty(
    gross: Exact,
    percent: Exact,
    returns: Exact = 0,
    *,
    negative: NegativeTotal | str = NegativeTotal.FLOOR_AT_ZERO,
) -> PeriodRoyalty:
    """Return `(gross - returns) x percent` in minor units, rounded half up; never lifted to a minimum.

    Where more was returned than sold the royalty is 0, or below it by `mirror`.

    Raises:
        BadPercent: a percent below 0 or above 100.
        InvalidValue: a float, or a policy that there is not.
    """
    net = checked("gross", gross) - checked("returns", returns)
    royalty = net * part("percent", percent)
    if NegativeTotal(negative) is NegativeTotal.FLOOR_AT_ZERO:
        royalty = max(Fraction(0), royalty)
    return PeriodRoyalty(figure(net), figure(royalty))


def guarantee_progress(
    period_royalties: Sequence[Exact], periods_in_year: int, annual_minimum: Exact
) -> GuaranteeProgress:
    """Return how the periods done so far stand against the year's minimum, in minor units.

    Raises:
        BadGuarantee: no period is done, more are done than the year has, or the minimum is below zero.
        InvalidValue: a float, or a number of periods that is not whole.
    """
    done, periods = len(period_royalties), whole("periods_in_year", periods_in_year)
    minimum = _least("annual_minimum", annual_minimum)
    if periods < 1:
        raise BadGuarantee(f"the year has {periods} periods; write 12 for months, 4 for quarters")
    if not 1 <= done <= periods:
        raise BadGuarantee(f"{done} periods are done of {periods}; give from 1 to {periods} of them")
    earned = sum(
        (checked(f"period_royalties[{place}]", royalty) for place, royalty in enumerate(period_royalties)),
        Fraction(0),
    )
    projected = earned * periods / done
    return GuaranteeProgress(
        earned=figure(earned),
        progress_percent=earned / minimum * 100 if minimum else None,
        projected=figure(projected),
        pace_percent=projected / minimum * 100 if minimum else None,
        shortfall_risk=figure(max(Fraction(0), minimum - projected)),
        true_up=true_up(earned, minimum) if done == periods else None,
    )


def true_up(earned_in_term: Exact, minimum: Exact) -> TrueUp:
    """Return what a term's end owes on top of what was earned: `max(0, minimum - earned)`, in minor units.

    Earnings below zero were never paid, and count as none. In whole minor units earned and
    due make exactly the minimum, or due is 0.

    Raises:
        BadGuarantee: the minimum is below zero.
        InvalidValue: a float.
    """
    earned, least = checked("earned_in_term", earned_in_term), _least("minimum", minimum)
    paid = max(Fraction(0), earned)
    due = Figure(max(Fraction(0), least - paid), max(0, half_up(least) - half_up(paid)))
    return TrueUp(figure(earned), figure(least), due)


def _least(field: str, minimum: Exact) -> Fraction:
    value = checked(field, minimum)
    if value < 0:
        raise BadGuarantee(f"the minimum is {value}; write what is guaranteed, 0 or more")
    return value
