"""Clocks that tell the time, stand still, or are moved for a demo."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_adapters.system import SettableClock, ShiftedClock, SystemClock
from buddy_adapters.system.clock import add_months
from buddy_core.kernel import InvalidValue

AT = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)


def test_the_system_clock_is_aware() -> None:
    """The machine's time is in UTC."""
    assert SystemClock().now().tzinfo is UTC


def test_a_settable_clock_moves_only_when_told() -> None:
    """It stands where it was set, moves on by what is asked, and refuses a naive instant."""
    clock = SettableClock(AT)
    assert clock.now() == clock.now() == AT
    assert clock.advance(timedelta(hours=1)) == clock.now() == AT + timedelta(hours=1)
    clock.set(AT)
    assert clock.now() == AT
    with pytest.raises(InvalidValue):
        clock.set(AT.replace(tzinfo=None))


def test_a_shift_adds_up_and_is_reset(tmp_path: Path) -> None:
    """A month, then three days, then two hours later, as the calendar has it; reset is the base again."""
    base = SettableClock(AT)
    clock = ShiftedClock(base, tmp_path / "deep" / "clock.json")
    assert clock.now() == AT
    assert clock.shift("+1month") == datetime(2026, 2, 28, 23, 30, tzinfo=UTC)
    assert clock.shift("+3days") == datetime(2026, 3, 3, 23, 30, tzinfo=UTC)
    assert clock.shift("+2hours") == clock.now() == datetime(2026, 3, 4, 1, 30, tzinfo=UTC)
    base.advance(timedelta(minutes=5))
    assert clock.now() == datetime(2026, 3, 4, 1, 35, tzinfo=UTC)
    assert clock.shift("reset") == clock.now() == base.now()


def test_two_processes_move_together(tmp_path: Path) -> None:
    """What one clock writes the other reads at its next question, however quickly it changes."""
    file = tmp_path / "clock.json"
    one, other = ShiftedClock(SettableClock(AT), file), ShiftedClock(SettableClock(AT), file)
    for _ in range(5):
        assert one.shift("+1day") == other.now()
    file.unlink()
    assert one.now() == other.now() == AT


@pytest.mark.parametrize(
    "text", ["", "1month", "-1day", "+0days", "+1.5days", "+1year", "+ 1day", "RESET", "+9999999days"]
)
def test_what_is_no_shift_is_refused(tmp_path: Path, text: str) -> None:
    """Only whole months, days and hours forward, and reset, move the clock."""
    clock = ShiftedClock(SettableClock(AT), tmp_path / "clock.json")
    with pytest.raises(InvalidValue):
        clock.shift(text)
    assert clock.now() == AT


def test_the_end_of_the_calendar_is_refused(tmp_path: Path) -> None:
    """A shift beyond the year 9999 is refused and moves nothing."""
    clock = ShiftedClock(SettableClock(datetime(9999, 6, 1, tzinfo=UTC)), tmp_path / "clock.json")
    for text in ("+7months", "+300days"):
        with pytest.raises(InvalidValue):
            clock.shift(text)
    assert clock.now().year == 9999


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"offset_us": "many"}', '{"offset_us": null}', "{"])
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    """A file that holds no offset is an error that names it, not a silent zero."""
    file = tmp_path / "clock.json"
    file.write_text(text)
    with pytest.raises(InvalidValue, match=r"clock\.json"):
        ShiftedClock(SettableClock(AT), file).now()


INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(INSTANTS, st.integers(0, 40))
def test_months_are_clamped_to_their_last_day(at: datetime, months: int) -> None:
    """Months later it is the same day and time, or the month's last day where it is shorter."""
    later = add_months(at, months)
    assert (later.year * 12 + later.month) - (at.year * 12 + at.month) == months
    assert later.time() == at.time()
    assert later.day == at.day or (later.day < at.day and (later + timedelta(days=1)).day == 1)
