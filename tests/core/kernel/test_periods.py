"""Periods and months: half-open, aware, and seamless in every zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from buddy_core.kernel import (
    InvalidMonth,
    InvalidValue,
    Period,
    UnknownZone,
    month,
    month_of,
    next_month,
    previous_month,
)

# The last four changed their clocks, or their side of the date line, at a month's midnight.
ZONES = [
    "UTC",
    "Asia/Kolkata",
    "Asia/Dubai",
    "America/New_York",
    "Europe/London",
    "America/St_Johns",
    "America/Asuncion",
    "Pacific/Kiritimati",
    "Pacific/Kwajalein",
]
zones = st.sampled_from(ZONES)
instants = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
months = st.tuples(st.integers(1901, 9997), st.integers(1, 12)).map(lambda ym: f"{ym[0]:04d}-{ym[1]:02d}")


def test_october_in_india_starts_at_half_past_six_in_the_evening_utc() -> None:
    """A month of the Indian entity runs from 18:30 UTC to 18:30 UTC, kept in UTC."""
    october = month("2026-10", "Asia/Kolkata")
    assert october == Period(
        datetime(2026, 9, 30, 18, 30, tzinfo=UTC), datetime(2026, 10, 31, 18, 30, tzinfo=UTC)
    )
    assert october.start.tzinfo is UTC


def test_a_period_has_its_start_and_not_its_end() -> None:
    """The first instant is inside, the end is outside, whatever offset asks."""
    period = month("2026-10", "Asia/Kolkata")
    india = timezone(timedelta(hours=5, minutes=30))
    assert period.contains(datetime(2026, 10, 1, tzinfo=india))
    assert not period.contains(period.start - timedelta(microseconds=1))
    assert period.contains(period.end - timedelta(microseconds=1))
    assert not period.contains(datetime(2026, 11, 1, tzinfo=india))


def test_naive_instants_are_refused() -> None:
    """A period has no naive bounds and is asked no naive instant."""
    naive = datetime(2026, 10, 1)  # noqa: DTZ001
    aware = datetime(2026, 10, 1, tzinfo=UTC)
    for ask in (
        lambda: Period(naive, aware),
        lambda: Period(aware, naive),
        lambda: month("2026-10", "UTC").contains(naive),
        lambda: month_of(naive, "UTC"),
    ):
        with pytest.raises(InvalidValue, match="naive"):
            ask()


@pytest.mark.parametrize("length", [timedelta(0), timedelta(seconds=-1)])
def test_a_period_that_holds_nothing_is_refused(length: timedelta) -> None:
    """The end comes after the start."""
    start = datetime(2026, 10, 1, tzinfo=UTC)
    with pytest.raises(InvalidValue, match="end"):
        Period(start, start + length)


@given(instants, zones)
@example(datetime(2009, 11, 1, 3, 0, tzinfo=UTC), "America/St_Johns")
@example(datetime(2009, 11, 1, 2, 30, 30, tzinfo=UTC), "America/St_Johns")
@example(datetime(2017, 10, 1, 4, 0, tzinfo=UTC), "America/Asuncion")
def test_every_instant_lies_in_the_month_it_is_said_to_be_in(at: datetime, zone: str) -> None:
    """`month_of` and `month` agree, also where clocks were changed at midnight of the first."""
    text = month_of(at, zone)
    assert month(text, zone).contains(at)


@given(months, zones)
def test_months_follow_each_other_without_gap(text: str, zone: str) -> None:
    """A month ends at the instant at which the next begins; next and previous undo each other."""
    assert month(text, zone).end == month(next_month(text), zone).start
    assert previous_month(next_month(text)) == text
    assert next_month(previous_month(text)) == text


def test_the_year_turns() -> None:
    """December is followed by January of the next year, and the other way round."""
    assert next_month("2026-12") == "2027-01"
    assert previous_month("2027-01") == "2026-12"


@pytest.mark.parametrize(
    "text",
    ["2026-13", "2026-00", "2026-1", "2026-10-01", "26-10", "", " 2026-10", "2026-10\n", "２０２６-10",
     "0000-01", "1899-12", "9999-01", None, 202610],
)  # fmt: skip
def test_text_that_is_no_month_is_refused(text: Any) -> None:
    """Anything but YYYY-MM of a year that can be reckoned with is InvalidMonth."""
    for ask in (lambda: month(text, "UTC"), lambda: next_month(text), lambda: previous_month(text)):
        with pytest.raises(InvalidMonth):
            ask()


def test_the_ends_of_the_calendar_are_refused() -> None:
    """Beyond the years that can be named there is no month, and no overflow either."""
    assert month("9998-12", "Asia/Kolkata").contains(datetime(9998, 12, 31, tzinfo=UTC))
    with pytest.raises(InvalidMonth):
        next_month("9998-12")
    with pytest.raises(InvalidMonth):
        previous_month("1900-01")
    for at in (datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)):
        with pytest.raises(InvalidMonth):
            month_of(at, "Asia/Kolkata")


@pytest.mark.parametrize(
    "zone", ["Asia/Bombay2", "", "America", "/etc/passwd", "../UTC", "a\0b", "IST\n", None, 5]
)
def test_unknown_zones_are_refused(zone: Any) -> None:
    """A name outside the IANA database, a path or another type is UnknownZone."""
    for ask in (lambda: month("2026-10", zone), lambda: month_of(datetime(2026, 10, 1, tzinfo=UTC), zone)):
        with pytest.raises(UnknownZone):
            ask()
