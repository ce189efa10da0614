"""Tiers: marginal, continuous, additive over periods, and undone by returns."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from buddy_core.kernel import InvalidValue
from buddy_core.royalty import (
    BadFormatLine,
    BadPercent,
    BadTiers,
    DatedRate,
    FormatLine,
    NegativeTotal,
    NoRateYet,
    Tier,
    formats,
    rate_at,
    tiered_by_amount,
    tiered_by_units,
)
from tests.core.royalty.counting import often
from tests.core.royalty.pieces.test_splitting import near

START = datetime(2026, 1, 1, tzinfo=UTC)
BOOK = [Tier(0, 5000, 10), Tier(5000, 10000, 12), Tier(10000, None, 15)]
PERCENT = st.builds(Fraction, st.integers(0, 400), st.sampled_from([4, 7]))
MONEY = st.builds(Fraction, st.integers(-9999, 9999), st.integers(1, 6))


@st.composite
def tiers(draw: st.DrawFn) -> list[Tier]:
    """Return up to four tiers that follow each other, within reach of small units."""
    ends = sorted(draw(st.sets(st.integers(1, 30), max_size=3)))
    starts = [0, *ends]
    return [Tier(over, up_to, draw(PERCENT)) for over, up_to in zip(starts, [*ends, None], strict=True)]


def rate_of(place: int, bands: list[Tier]) -> Fraction:
    """Return the rate of the unit at a place, counted from 1; places below that are in the first tier."""
    for band in bands:
        if band.up_to is None or place <= band.up_to:
            return Fraction(band.percent) / 100
    raise AssertionError


def test_each_unit_has_the_rate_of_its_place() -> None:
    """Sales count up from the place after the last, returns down from it: unit by unit the same royalty."""
    fired: Counter[str] = Counter()

    @given(tiers(), st.integers(-10, 40), st.integers(-25, 25), MONEY)
    @settings(max_examples=300)
    def run(bands: list[Tier], before: int, units: int, money: Fraction) -> None:
        found = tiered_by_units(units, money, bands, units_before=before, negative="mirror")
        places = range(before + 1, before + units + 1) if units > 0 else range(before + units + 1, before + 1)
        rates = [rate_of(place, bands) for place in places] or [rate_of(before, bands)]
        assert found.royalty.exact == sum(money / len(rates) * rate for rate in rates)
        assert sum(part.counted for part in found.parts) == units
        assert sum(part.revenue for part in found.parts) == money
        fired["sales" if units > 0 else "returns" if units < 0 else "money alone"] += 1
        fired["several tiers"] += sum(1 for part in found.parts if part.counted) > 1

    often(run, fired, "sales", "returns", "money alone", "several tiers")


@given(tiers(), MONEY, MONEY)
@settings(max_examples=200)
def test_the_parts_make_the_royalty(bands: list[Tier], before: Fraction, money: Fraction) -> None:
    """Exactly and in whole units the tiers' parts add up; the sum is rounded half up once."""
    found = tiered_by_amount(money, bands, amount_before=before, negative="mirror")
    assert sum(part.royalty.exact for part in found.parts) == found.royalty.exact
    assert sum(part.royalty.minor for part in found.parts) == found.royalty.minor == near(found.royalty.exact)
    assert sum(part.revenue for part in found.parts) == money
    assert [part.tier for part in found.parts] == bands


@given(tiers(), st.integers(0, 40), st.integers(1, 30), st.integers(1, 30), st.integers(1, 900))
def test_units_add_up_over_periods(bands: list[Tier], before: int, one: int, two: int, price: int) -> None:
    """At one price two periods come to what they come to as one, with the count carried over."""
    first = tiered_by_units(one, one * price, bands, units_before=before)
    second = tiered_by_units(two, two * price, bands, units_before=before + one)
    whole = tiered_by_units(one + two, (one + two) * price, bands, units_before=before)
    assert first.royalty.exact + second.royalty.exact == whole.royalty.exact


@given(tiers(), MONEY, MONEY, MONEY)
def test_amounts_add_up_over_periods(
    bands: list[Tier], before: Fraction, one: Fraction, two: Fraction
) -> None:
    """Two periods come to what they come to as one, whatever their signs."""
    first = tiered_by_amount(one, bands, amount_before=before, negative="mirror").royalty.exact
    second = tiered_by_amount(two, bands, amount_before=before + one, negative="mirror").royalty.exact
    whole = tiered_by_amount(one + two, bands, amount_before=before, negative="mirror").royalty.exact
    assert first + second == whole


@given(tiers(), st.integers(-5, 40), st.integers(1, 30), MONEY)
def test_what_is_sold_and_returned_was_never_sold(
    bands: list[Tier], before: int, units: int, money: Fraction
) -> None:
    """The returns take back tier by tier what the sales brought, in either order."""
    mirror = partial(tiered_by_units, tiers=bands, negative=NegativeTotal.MIRROR)
    sold = mirror(units, money, units_before=before)
    back = mirror(-units, -money, units_before=before + units)
    assert [-part.royalty.exact for part in back.parts] == [part.royalty.exact for part in sold.parts]
    assert [-part.counted for part in back.parts] == [part.counted for part in sold.parts]
    assert back.royalty.minor == -sold.royalty.minor
    early = mirror(-units, -money, units_before=before)
    late = mirror(units, money, units_before=before - units)
    assert early.royalty.exact == -late.royalty.exact


@given(
    tiers(), st.fractions(0, 60, max_denominator=9), st.fractions(Fraction(1, 1000), 1, max_denominator=1000)
)
def test_tiers_are_continuous_and_only_the_part_above_moves(
    bands: list[Tier], at: Fraction, step: Fraction
) -> None:
    """A little more revenue brings at most that times the highest rate: no cliff at a boundary."""
    rates = [Fraction(band.percent) / 100 for band in bands]
    low = tiered_by_amount(at, bands).royalty.exact
    high = tiered_by_amount(at + step, bands).royalty.exact
    assert min(rates) * step <= high - low <= max(rates) * step


def test_the_boundary_belongs_to_the_tier_below() -> None:
    """The five-thousandth unit has the first rate, the next one the second."""
    assert [part.counted for part in tiered_by_units(2, 2000, BOOK, units_before=4999).parts] == [1, 1, 0]
    assert tiered_by_units(1, 1000, BOOK, units_before=4999).royalty.minor == 100
    assert tiered_by_units(1, 1000, BOOK, units_before=5000).royalty.minor == 120
    assert tiered_by_amount(5001, BOOK).royalty.exact == Fraction(50012, 100)
    assert tiered_by_units(5001, 5001, BOOK).royalty.exact == Fraction(50012, 100)


def test_money_without_units_has_the_rate_of_the_last_unit() -> None:
    """A price corrected afterwards is shared as the last unit counted; before any, as the first."""
    assert tiered_by_units(0, 1000, BOOK).royalty.minor == 100
    assert tiered_by_units(0, 1000, BOOK, units_before=5000).royalty.minor == 100
    assert tiered_by_units(0, 1000, BOOK, units_before=5001).royalty.minor == 120
    late = tiered_by_units(0, -1000, BOOK, units_before=20000, negative="mirror")
    assert late.royalty.minor == -150
    assert tiered_by_units(0, -1000, BOOK, units_before=20000).royalty.minor == 0


def test_returns_above_sales_earn_nothing_and_take_nothing_back() -> None:
    """Net units and net revenue are capped at zero each; what is dropped is said, and mirror keeps it."""
    fired: Counter[str] = Counter()

    @given(tiers(), st.integers(0, 40), st.integers(0, 20), st.integers(0, 20), MONEY, MONEY)
    @settings(max_examples=300)
    def run(
        bands: list[Tier], before: int, units: int, back: int, money: Fraction, returns: Fraction
    ) -> None:
        found = tiered_by_units(
            units, money, bands, units_before=before, returned_units=back, returns=returns
        )
        net = max(Fraction(0), money - returns)
        alone = tiered_by_units(max(0, units - back), net, bands, units_before=before)
        assert (found.royalty, found.parts) == (alone.royalty, alone.parts)
        assert found.royalty.exact >= 0
        assert sum(part.revenue for part in found.parts) + found.dropped.exact == money - returns
        amount = tiered_by_amount(money, bands, amount_before=before, returns=returns)
        kept = tiered_by_amount(net, bands, amount_before=before)
        assert (amount.royalty, amount.parts) == (kept.royalty, kept.parts)
        assert amount.dropped == found.dropped
        for line, wanted in (
            (FormatLine("flat", money, 50, returns=returns), net / 2),
            (FormatLine("amount", money, tiers=bands, before=before, returns=returns), kept.royalty.exact),
            (
                FormatLine(
                    "units",
                    money,
                    tiers=bands,
                    units=units,
                    before=before,
                    returns=returns,
                    returned_units=back,
                ),
                found.royalty.exact,
            ),
        ):
            [of_line] = formats([line]).lines
            assert (of_line.royalty.exact, of_line.dropped) == (wanted, found.dropped)
            [mirrored] = formats([line], negative="mirror").lines
            assert mirrored.dropped.exact == 0
            if money < returns:
                assert mirrored.royalty.exact <= of_line.royalty.exact
        fired["dropped" if found.dropped.exact else "kept"] += 1
        fired["units back"] += back > units

    often(run, fired, "dropped", "kept", "units back")


def test_a_format_that_comes_back_takes_nothing_of_another() -> None:
    """50 sold and 100 returned of print, 800 net of the ebook: the ebook has all of its own."""
    lines = [
        FormatLine("print", 50_000, 10, returns=100_000),
        FormatLine("ebook", 500_000, 20, returns=100_000),
    ]
    found = formats(lines)
    assert ([line.royalty.minor for line in found.lines], found.total.minor) == ([0, 80_000], 80_000)
    mirrored = formats(lines, negative=NegativeTotal.MIRROR)
    assert ([line.royalty.minor for line in mirrored.lines], mirrored.total.minor) == (
        [-5_000, 80_000],
        75_000,
    )


def test_only_what_lies_beyond_a_last_end_is_refused() -> None:
    """Up to its end a bounded last tier counts as an open one does; beyond it the place is named."""
    fired: Counter[str] = Counter()

    @given(tiers(), st.integers(31, 35), st.integers(0, 40), st.integers(-20, 20), MONEY)
    @settings(max_examples=300)
    def run(bands: list[Tier], end: int, before: int, units: int, money: Fraction) -> None:
        bounded = [*bands[:-1], evolve(bands[-1], up_to=end)]
        for call, most in (
            (
                partial(tiered_by_units, units, money, units_before=before, negative="mirror"),
                Fraction(max(before, before + units) if units or money else 0),
            ),
            (
                partial(tiered_by_amount, money, amount_before=before, negative="mirror"),
                max(Fraction(before), before + money) if money else Fraction(0),
            ),
        ):
            if most > end:
                with pytest.raises(BadTiers, match=f"the last ends at {end}, and {most} lies beyond"):
                    call(tiers=bounded)
                fired["beyond"] += 1
            else:
                found, wanted = call(tiers=bounded), call(tiers=bands)
                assert found.royalty == wanted.royalty
                assert [part.counted for part in found.parts] == [part.counted for part in wanted.parts]
                fired["within"] += 1

    often(run, fired, "beyond", "within")
    assert tiered_by_units(5000, 5_000_000, BOOK[:1]).royalty.minor == 500_000
    with pytest.raises(BadTiers, match="5001 lies beyond"):
        tiered_by_units(5001, 1, BOOK[:1])


def test_broken_tiers_are_refused_with_every_problem() -> None:
    """A first that is not at 0, a gap, an overlap, an end that is no end."""
    fired: Counter[str] = Counter()

    @given(st.lists(st.integers(2, 9), min_size=3, max_size=3), PERCENT)
    @settings(max_examples=60)
    def run(lengths: list[int], percent: Fraction) -> None:
        a, b = lengths[0], lengths[0] + lengths[1]
        good = [Tier(0, a, percent), Tier(a, b, percent), Tier(b, None, percent)]
        for name, said, tier in (
            ("late", "the first begins over 1, not over 0", evolve(good[0], over=1)),
            ("gap", f"between {a - 1} and {a} there is no tier", evolve(good[0], up_to=a - 1)),
            ("overlap", f"tier 1 ends at {a + 1}, but tier 2 begins over {a}", evolve(good[0], up_to=a + 1)),
            ("open", "tier 1 has no end, but is not the last", evolve(good[0], up_to=None)),
        ):
            with pytest.raises(BadTiers) as refused:
                tiered_by_amount(1, [tier, *good[1:]])
            assert said in refused.value.problems
            assert "0 to 5000, 5000 to 10000, 10000 to none" in refused.value.message()
            fired[name] += 1
        with pytest.raises(BadTiers) as refused:
            tiered_by_units(1, 1, [evolve(good[0], over=2, up_to=2), *good[1:2]])
        assert refused.value.problems[0].startswith("the first begins over 2")
        assert "tier 1 ends at 2, not above its start 2" in refused.value.problems
        assert len(refused.value.problems) == (2 if a == 2 else 3)
        with pytest.raises(BadTiers, match="there are none"):
            tiered_by_units(1, 1, [])
        with pytest.raises(BadPercent, match=r"tiers\[1\].percent is -"):
            tiered_by_units(1, 1, [good[0], evolve(good[1], percent=-1 - percent), good[2]])
        with pytest.raises(BadPercent, match=r"tiers\[2\].percent"):
            tiered_by_amount(1, [*good[:2], evolve(good[2], percent=101 + percent)])
        fired["all of them"] += 1

    often(run, fired, "late", "gap", "overlap", "open", "all of them")


@pytest.mark.parametrize(
    "call",
    [
        lambda: tiered_by_units(1.0, 1, BOOK),  # type: ignore[arg-type]
        lambda: tiered_by_units(1, 1.0, BOOK),  # type: ignore[arg-type]
        lambda: tiered_by_units(1, 1, BOOK, units_before=0.0),  # type: ignore[arg-type]
        lambda: tiered_by_units(True, 1, BOOK),
        lambda: tiered_by_amount(0.5, BOOK),  # type: ignore[arg-type]
        lambda: tiered_by_amount(1, BOOK, amount_before=0.5),  # type: ignore[arg-type]
        lambda: tiered_by_amount(1, [Tier(0.0, None, 1)]),  # type: ignore[arg-type]
        lambda: tiered_by_amount(1, [Tier(0, 1.5, 1), Tier(1.5, None, 1)]),  # type: ignore[arg-type]
        lambda: tiered_by_amount(1, [Tier(0, None, 12.5)]),  # type: ignore[arg-type]
        lambda: formats([FormatLine("ebook", 1.0, 10)]),  # type: ignore[arg-type]
        lambda: formats([FormatLine("ebook", 1, 0.1)]),  # type: ignore[arg-type]
        lambda: formats([FormatLine("ebook", 1, 10, returns=0.5)]),  # type: ignore[arg-type]
        lambda: tiered_by_units(1, 1, BOOK, returns=0.5),  # type: ignore[arg-type]
        lambda: tiered_by_units(1, 1, BOOK, returned_units=Fraction(1, 2)),  # type: ignore[arg-type]
        lambda: tiered_by_amount(1, BOOK, returns=0.5),  # type: ignore[arg-type]
        lambda: formats([FormatLine("ebook", 1, tiers=BOOK, units=1, before=Fraction(1, 2))]),
        lambda: rate_at([DatedRate(None, 12.5)], START),  # type: ignore[arg-type]
    ],
)
def test_what_is_not_exact_is_refused(call: Any) -> None:
    """Floats, bools and parts of units are refused by the name of their field."""
    with pytest.raises(InvalidValue, match=r"is a (float|bool|Fraction); give"):
        call()


LINES = st.lists(
    st.one_of(
        st.builds(FormatLine, st.just("flat"), MONEY, PERCENT),
        st.builds(FormatLine, st.just("amount"), MONEY, tiers=tiers(), before=st.integers(0, 20)),
        st.builds(
            FormatLine,
            st.just("units"),
            MONEY,
            tiers=tiers(),
            units=st.integers(1, 20),
            before=st.integers(0, 20),
        ),
    ),
    max_size=6,
)


def test_formats_are_independent_and_add_up() -> None:
    """Each line is what it is alone, exactly; in whole units the lines make the total rounded once."""
    fired: Counter[str] = Counter()

    @given(LINES)
    @settings(max_examples=120)
    def run(lines: list[FormatLine]) -> None:
        found = formats(lines, negative="mirror")
        assert sum(line.royalty.exact for line in found.lines) == found.total.exact
        assert sum(line.royalty.minor for line in found.lines) == found.total.minor == near(found.total.exact)
        for line, royalty in zip(lines, found.lines, strict=True):
            assert royalty.line is line
            assert royalty.royalty.exact == formats([line], negative="mirror").total.exact
            if line.percent is not None:
                assert (royalty.royalty.exact, royalty.parts) == (line.revenue * line.percent / 100, ())
            elif line.units is None:
                alone = tiered_by_amount(
                    line.revenue, line.tiers, amount_before=line.before, negative="mirror"
                )
                assert royalty.parts == alone.parts
            else:
                assert (
                    royalty.parts
                    == tiered_by_units(
                        line.units,
                        line.revenue,
                        line.tiers,
                        units_before=int(line.before),
                        negative="mirror",
                    ).parts
                )
            fired[line.name] += 1

    often(run, fired, "flat", "amount", "units")


@pytest.mark.parametrize("line", [FormatLine("ebook", 1), FormatLine("ebook", 1, 10, BOOK)])
def test_a_line_has_one_rate(line: FormatLine) -> None:
    """A format with both a percent and tiers, or neither, is refused by its name."""
    with pytest.raises(BadFormatLine, match="Line 'ebook': give it either a percent or tiers"):
        formats([line])


def test_the_rate_is_that_of_the_last_one_begun() -> None:
    """At its start a rate holds, the instant before it does not; before the first there is none."""
    fired: Counter[str] = Counter()

    @given(st.lists(st.integers(0, 900), min_size=1, max_size=4, unique=True), st.booleans(), st.data())
    @settings(max_examples=150)
    def run(days: list[int], open_start: bool, data: st.DataObject) -> None:
        starts = [START + timedelta(days=day) for day in sorted(days)]
        rates = [DatedRate(start, number) for number, start in enumerate(starts)]
        if open_start:
            rates[0] = evolve(rates[0], since=None)
        tick = timedelta(microseconds=1)
        at = data.draw(st.sampled_from(starts)) + data.draw(st.sampled_from([-tick, timedelta(0), tick]))
        begun = [number for number, start in enumerate(starts) if start <= at]
        if begun or open_start:
            assert rate_at(rates, at) == max(begun, default=0)
            fired["rate"] += 1
        else:
            with pytest.raises(NoRateYet, match="Date the first rate earlier") as refused:
                rate_at(rates, at)
            assert refused.value.first == starts[0]
            fired["none yet"] += 1
        with pytest.raises(BadTiers, match="rate 2 has no start, but is not the first"):
            rate_at([rates[0], DatedRate(None, 5)], at)
        with pytest.raises(BadTiers, match="not after the one before it"):
            rate_at([DatedRate(starts[-1], 1), DatedRate(starts[0], 2)], at)
        fired["refused"] += 1

    often(run, fired, "rate", "none yet", "refused")


def test_rates_by_date_are_checked() -> None:
    """No rates, a rate above 100 and an instant without an offset are refused."""
    with pytest.raises(BadTiers, match="there are no rates"):
        rate_at([], START)
    with pytest.raises(BadPercent, match=r"rates\[0\].percent is 101"):
        rate_at([DatedRate(None, 101)], START)
    with pytest.raises(InvalidValue, match="naive"):
        rate_at([DatedRate(None, 1)], datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(InvalidValue, match="since: a naive"):
        rate_at([DatedRate(datetime(2026, 1, 1), 1)], START)  # noqa: DTZ001
