"""Tiers: marginal rates by units, by amount or by date, and several formats side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from itertools import pairwise

from attrs import field, frozen

from buddy_core.kernel.clock import utc
from buddy_core.royalty.errors import BadFormatLine, BadTiers, NoRateYet
from buddy_core.royalty.rules.pieces.figures import Exact, Figure, checked, figure, part, whole
from buddy_core.royalty.rules.pieces.splitting import split_by_exact


@frozen
class Tier:
    """A rate for what is over `over`, up to and with `up_to`; without an end for all above."""

    over: Exact
    up_to: Exact | None
    percent: Exact


@frozen
class TierPart:
    """What fell into one tier: units, or minor units by amount; the revenue with it, and its royalty."""

    tier: Tier
    counted: Fraction
    revenue: Fraction
    royalty: Figure


@frozen
class Tiered:
    """A tiered royalty with a part for each tier, in order; the parts' figures add up to it."""

    royalty: Figure
    parts: tuple[TierPart, ...]


@frozen
class DatedRate:
    """A percent from an instant on, until the next one; the first may have no start."""

    since: datetime | None
    percent: Exact


def _in_order(tiers: Iterable[Tier]) -> tuple[Tier, ...]:
    return tuple(tiers)


@frozen
class FormatLine:
    """Revenue of one format, and its rate: a percent, or tiers by amount, by units where they are given."""

    name: str
    revenue: Exact
    percent: Exact | None = None
    tiers: tuple[Tier, ...] = field(default=(), converter=_in_order)
    units: int | None = None
    before: Exact = 0
    """Units, or minor units, counted in the tiers before."""


@frozen
class FormatRoyalty:
    """One line's royalty; with tiers, what fell into each."""

    line: FormatLine
    royalty: Figure
    parts: tuple[TierPart, ...] = ()


@frozen
class Formats:
    """The total of all lines, and each line's part of it."""

    total: Figure
    lines: tuple[FormatRoyalty, ...]


def tiered_by_units(units: int, revenue: Exact, tiers: Sequence[Tier], *, units_before: int = 0) -> Tiered:
    """Return the royalty on units whose places follow those of `units_before`.

    `sum over tiers of units in the tier x revenue / units x percent`: marginal, the revenue
    (minor units) spread evenly over the units. Units below zero are returns: they take back
    the last places counted, from the top down, so that what is sold and returned at one
    price is as if never sold. Places below zero, where more came back than was ever counted,
    are in the first tier. Revenue without units has the rate of the last place counted.

    Raises:
        BadTiers: tiers that do not start at 0, leave a gap, overlap or do not end open.
        BadPercent: a rate below 0 or above 100.
        InvalidValue: a float, or units that are not whole.
    """
    bands = _bands(tiers)
    count, before = whole("units", units), whole("units_before", units_before)
    money = checked("revenue", revenue)
    if count:
        counts = _overlaps(bands, Fraction(before), Fraction(before + count))
        revenues = [money * inside / count for inside in counts]
    else:
        counts = [Fraction(0)] * len(bands)
        revenues = [money if band.holds(before) else Fraction(0) for band in bands]
    return _tiered(tiers, bands, counts, revenues)


def tiered_by_amount(revenue: Exact, tiers: Sequence[Tier], *, amount_before: Exact = 0) -> Tiered:
    """Return the royalty on revenue that follows `amount_before`, all in minor units: marginal.

    Revenue below zero takes back from the top down; what goes below zero is in the first tier.

    Raises:
        BadTiers, BadPercent, InvalidValue: as `tiered_by_units`.
    """
    bands = _bands(tiers)
    before = checked("amount_before", amount_before)
    counts = _overlaps(bands, before, before + checked("revenue", revenue))
    return _tiered(tiers, bands, counts, counts)


def formats(lines: Iterable[FormatLine]) -> Formats:
    """Return the royalty of several formats, each by its own rate; none counts in another's tiers.

    The exact total is rounded half up once, and the lines are its largest-remainder split.

    Raises:
        BadFormatLine: a line with both a percent and tiers, or with neither.
        BadTiers, BadPercent, InvalidValue: as `tiered_by_units`.
    """
    given = list(lines)
    found = [_format(line) for line in given]
    figures = split_by_exact(royalty for royalty, _ in found)
    total = figure(sum((item.exact for item in figures), Fraction(0)))
    return Formats(
        total,
        tuple(
            FormatRoyalty(line, item, parts)
            for line, item, (_, parts) in zip(given, figures, found, strict=True)
        ),
    )


def rate_at(rates: Sequence[DatedRate], at: datetime) -> Fraction:
    """Return the percent that holds at an instant: that of the last rate that has begun by then.

    Raises:
        NoRateYet: the instant lies before the first.
        BadTiers: no rates, starts that do not follow each other, or one without a start after the first.
        BadPercent, InvalidValue: a rate below 0 or above 100; a float; an instant without an offset.
    """
    instant, starts = utc(at), _starts(rates)
    percents = [part(f"rates[{place}].percent", rate.percent) * 100 for place, rate in enumerate(rates)]
    held = [
        percent for since, percent in zip(starts, percents, strict=True) if since is None or since <= instant
    ]
    if not held:
        first = starts[0]
        assert first is not None
        raise NoRateYet(instant, first)
    return held[-1]


@frozen
class _Band:
    """A tier that has been checked; its rate as a part of one."""

    over: Fraction
    up_to: Fraction | None
    rate: Fraction

    def holds(self, place: int) -> bool:
        """Say whether a place lies in it; places below the first lie in the first."""
        begins = self.over == 0 or place > self.over
        return begins and (self.up_to is None or place <= self.up_to)

    def overlap(self, start: Fraction, end: Fraction) -> Fraction:
        """Return how much of `start` to `end` lies in it; the first reaches below zero."""
        low = start if self.over == 0 else max(start, self.over)
        high = end if self.up_to is None else min(end, self.up_to)
        return max(Fraction(0), high - low)


def _bands(tiers: Sequence[Tier]) -> list[_Band]:
    bands = [
        _Band(
            checked(f"tiers[{place}].over", tier.over),
            None if tier.up_to is None else checked(f"tiers[{place}].up_to", tier.up_to),
            part(f"tiers[{place}].percent", tier.percent),
        )
        for place, tier in enumerate(tiers)
    ]
    problems = list(_problems(bands))
    if problems:
        raise BadTiers(tuple(problems))
    return bands


def _problems(bands: Sequence[_Band]) -> Iterable[str]:
    if not bands:
        yield "there are none"
        return
    if bands[0].over != 0:
        yield f"the first begins over {bands[0].over}, not over 0"
    for number, (band, after) in enumerate(pairwise(bands), start=1):
        if band.up_to is None:
            yield f"tier {number} has no end, but is not the last"
        elif after.over > band.up_to:
            yield f"between {band.up_to} and {after.over} there is no tier"
        elif after.over < band.up_to:
            yield f"tier {number} ends at {band.up_to}, but tier {number + 1} begins over {after.over}"
    for number, band in enumerate(bands, start=1):
        if band.up_to is not None and band.up_to <= band.over:
            yield f"tier {number} ends at {band.up_to}, not above its start {band.over}"
    if bands[-1].up_to is not None:
        yield f"the last ends at {bands[-1].up_to}; leave its end open"


def _overlaps(bands: Sequence[_Band], start: Fraction, end: Fraction) -> list[Fraction]:
    if end >= start:
        return [band.overlap(start, end) for band in bands]
    return [-band.overlap(end, start) for band in bands]


def _tiered(
    tiers: Sequence[Tier], bands: Sequence[_Band], counts: Sequence[Fraction], revenues: Sequence[Fraction]
) -> Tiered:
    figures = split_by_exact(money * band.rate for money, band in zip(revenues, bands, strict=True))
    parts = tuple(TierPart(*row) for row in zip(tiers, counts, revenues, figures, strict=True))
    return Tiered(figure(sum((item.exact for item in figures), Fraction(0))), parts)


def _format(line: FormatLine) -> tuple[Fraction, tuple[TierPart, ...]]:
    if (line.percent is None) == (not line.tiers):
        raise BadFormatLine(line.name, "give it either a percent or tiers")
    if line.percent is not None:
        rate = part(f"percent of {line.name}", line.percent)
        return checked(f"revenue of {line.name}", line.revenue) * rate, ()
    if line.units is None:
        found = tiered_by_amount(line.revenue, line.tiers, amount_before=line.before)
    else:
        before = whole(f"before of {line.name}", line.before)
        found = tiered_by_units(line.units, line.revenue, line.tiers, units_before=before)
    return found.royalty.exact, found.parts


def _starts(rates: Sequence[DatedRate]) -> list[datetime | None]:
    starts = [None if rate.since is None else utc(rate.since, "since") for rate in rates]
    if not starts:
        raise BadTiers(("there are no rates",))
    problems = []
    for number, (one, after) in enumerate(pairwise(starts), start=2):
        if after is None:
            problems.append(f"rate {number} has no start, but is not the first")
        elif one is not None and after <= one:
            problems.append(f"rate {number} begins at {after.isoformat()}, not after the one before it")
    if problems:
        raise BadTiers(tuple(problems))
    return starts
