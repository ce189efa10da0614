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
from buddy_core.royalty.rules.pieces.splitting import NegativeTotal, split_by_exact

_ZERO = Figure(Fraction(0), 0)


@frozen
class Tier:
    """A rate for what is over `over`, up to and with `up_to`; without an end for all above.

    The last tier may have an end: what lies beyond it is then refused.
    """

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
    dropped: Figure
    """Revenue below zero that the policy leaves out; counted and dropped make the net revenue."""


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
    returns: Exact = 0
    """Revenue taken back, in minor units; what counts is net of it."""
    returned_units: int = 0


@frozen
class FormatRoyalty:
    """One line's royalty; with tiers, what fell into each."""

    line: FormatLine
    royalty: Figure
    parts: tuple[TierPart, ...] = ()
    dropped: Figure = _ZERO
    """Revenue below zero that the policy leaves out of this line."""


@frozen
class Formats:
    """The total of all lines, and each line's part of it."""

    total: Figure
    lines: tuple[FormatRoyalty, ...]


def tiered_by_units(
    units: int,
    revenue: Exact,
    tiers: Sequence[Tier],
    *,
    units_before: int = 0,
    returned_units: int = 0,
    returns: Exact = 0,
    negative: NegativeTotal | str = NegativeTotal.FLOOR_AT_ZERO,
) -> Tiered:
    """Return the royalty on units, net of those returned, whose places follow those of `units_before`.

    `sum over tiers of units in the tier x revenue / units x percent`: marginal, the revenue
    (minor units, net of `returns`) spread evenly over the units. Revenue without units has
    the rate of the last place counted.

    Where more was returned than sold, `floor_at_zero` counts no units, and no revenue below
    zero: nothing is earned and nothing taken back. By `mirror`, units below zero take back the
    last places counted, from the top down, so that what is sold and returned at one price is
    as if never sold; places below zero, where more came back than was ever counted, are in
    the first tier.

    Raises:
        BadTiers: tiers that do not start at 0, leave a gap or overlap, or units beyond their end.
        BadPercent: a rate below 0 or above 100.
        InvalidValue: a float, units that are not whole, or a policy that there is not.
    """
    bands, policy = _bands(tiers), NegativeTotal(negative)
    before = whole("units_before", units_before)
    count = whole("units", units) - whole("returned_units", returned_units)
    money, dropped = _kept(checked("revenue", revenue) - checked("returns", returns), policy)
    if policy is NegativeTotal.FLOOR_AT_ZERO:
        count = max(0, count)
    if count:
        counts = _overlaps(bands, Fraction(before), Fraction(before + count))
        revenues = [money * inside / count for inside in counts]
    else:
        counts = [Fraction(0)] * len(bands)
        if money:
            _check_reach(bands, Fraction(before))
        revenues = [money if band.holds(before) else Fraction(0) for band in bands]
    return _tiered(tiers, bands, counts, revenues, dropped)


def tiered_by_amount(
    revenue: Exact,
    tiers: Sequence[Tier],
    *,
    amount_before: Exact = 0,
    returns: Exact = 0,
    negative: NegativeTotal | str = NegativeTotal.FLOOR_AT_ZERO,
) -> Tiered:
    """Return the royalty on net revenue that follows `amount_before`, all in minor units: marginal.

    Where more was returned than sold nothing counts, by `floor_at_zero`; by `mirror` it takes
    back from the top down, and what goes below zero is in the first tier.

    Raises:
        BadTiers, BadPercent, InvalidValue: as `tiered_by_units`.
    """
    bands, policy = _bands(tiers), NegativeTotal(negative)
    before = checked("amount_before", amount_before)
    money, dropped = _kept(checked("revenue", revenue) - checked("returns", returns), policy)
    counts = _overlaps(bands, before, before + money)
    return _tiered(tiers, bands, counts, counts, dropped)


def formats(
    lines: Iterable[FormatLine], *, negative: NegativeTotal | str = NegativeTotal.FLOOR_AT_ZERO
) -> Formats:
    """Return the royalty of several formats, each by its own rate; none counts in another's tiers.

    The exact total is rounded half up once, and the lines are its largest-remainder split.
    The policy is for each line by itself: by `floor_at_zero`, the default, a format with more
    returns than sales earns nothing and takes nothing of another's.

    Raises:
        BadFormatLine: a line with both a percent and tiers, or with neither.
        BadTiers, BadPercent, InvalidValue: as `tiered_by_units`.
    """
    given, policy = list(lines), NegativeTotal(negative)
    found = [_format(line, policy) for line in given]
    figures = split_by_exact(royalty for royalty, _, _ in found)
    total = figure(sum((item.exact for item in figures), Fraction(0)))
    return Formats(
        total,
        tuple(
            FormatRoyalty(line, item, parts, dropped)
            for line, item, (_, parts, dropped) in zip(given, figures, found, strict=True)
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


def _kept(net: Fraction, policy: NegativeTotal) -> tuple[Fraction, Figure]:
    """Return the net revenue that counts, and what the policy drops of it."""
    if net >= 0 or policy is NegativeTotal.MIRROR:
        return net, _ZERO
    return Fraction(0), figure(net)


def _check_reach(bands: Sequence[_Band], place: Fraction) -> None:
    last = bands[-1].up_to
    if last is not None and place > last:
        raise BadTiers(
            (f"the last ends at {last}, and {place} lies beyond; add a tier or leave its end open",)
        )


def _overlaps(bands: Sequence[_Band], start: Fraction, end: Fraction) -> list[Fraction]:
    if start != end:
        _check_reach(bands, max(start, end))
    if end >= start:
        return [band.overlap(start, end) for band in bands]
    return [-band.overlap(end, start) for band in bands]


def _tiered(
    tiers: Sequence[Tier],
    bands: Sequence[_Band],
    counts: Sequence[Fraction],
    revenues: Sequence[Fraction],
    dropped: Figure,
) -> Tiered:
    figures = split_by_exact(money * band.rate for money, band in zip(revenues, bands, strict=True))
    parts = tuple(TierPart(*row) for row in zip(tiers, counts, revenues, figures, strict=True))
    return Tiered(figure(sum((item.exact for item in figures), Fraction(0))), parts, dropped)


def _format(line: FormatLine, policy: NegativeTotal) -> tuple[Fraction, tuple[TierPart, ...], Figure]:
    if (line.percent is None) == (not line.tiers):
        raise BadFormatLine(line.name, "give it either a percent or tiers")
    if line.percent is not None:
        rate = part(f"percent of {line.name}", line.percent)
        revenue = checked(f"revenue of {line.name}", line.revenue)
        money, dropped = _kept(revenue - checked(f"returns of {line.name}", line.returns), policy)
        return money * rate, (), dropped
    if line.units is None:
        found = tiered_by_amount(
            line.revenue, line.tiers, amount_before=line.before, returns=line.returns, negative=policy
        )
    else:
        found = tiered_by_units(
            line.units,
            line.revenue,
            line.tiers,
            units_before=whole(f"before of {line.name}", line.before),
            returned_units=line.returned_units,
            returns=line.returns,
            negative=policy,
        )
    return found.royalty.exact, found.parts, found.dropped


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
