"""Clocks: the machine's, one that stands where it is set, and one that can be moved for a demo."""

from __future__ import annotations

import calendar
import json
import os
import re
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from buddy_core.kernel import Clock, InvalidValue, utc

_MICROSECOND = timedelta(microseconds=1)
_SHIFT = re.compile(r"\+([1-9][0-9]{0,3})(hour|day|month)s?")


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SettableClock:
    """Stands at an instant until it is moved; for tests and examples."""

    def __init__(self, at: datetime) -> None:
        self._at = utc(at)

    def now(self) -> datetime:
        return self._at

    def set(self, at: datetime) -> None:
        """Stand at `at` from now on."""
        self._at = utc(at)

    def advance(self, by: timedelta) -> datetime:
        """Move on by `by` and return the new time."""
        self._at += by
        return self._at


class ShiftedClock:
    """Another clock plus an offset that is kept in a file, so that all processes move together.

    The offset is a fixed duration, worked out when the clock is moved: a shift by
    calendar months that was applied to each reading would run backwards at the
    end of a long month.
    """

    def __init__(self, base: Clock, offset_file: Path) -> None:
        self._base = base
        self._file = offset_file
        self._seen: tuple[int, int] | None = None
        self._offset = timedelta()

    def now(self) -> datetime:
        return self._base.now() + self._read()

    def shift(self, text: str) -> datetime:
        """Move the clock by `+1month`, `+3days` or `+2hours`, or back by `reset`; return the new time.

        A month later is the same day of the next month, or its last day when it is shorter.

        Raises:
            InvalidValue: the text is none of these, or would leave the calendar.
        """
        base = self._base.now()
        if text == "reset":
            self._write(timedelta())
            return base
        match = _SHIFT.fullmatch(text)
        if match is None:
            raise InvalidValue("shift", f"{text!r} is not like +1month, +3days, +2hours or reset")
        try:
            moved = _moved(base + self._read(), int(match[1]), match[2])
        except (OverflowError, ValueError) as error:
            raise InvalidValue("shift", f"{text!r} goes beyond the calendar") from error
        self._write(moved - base)
        return moved

    def _read(self) -> timedelta:
        try:
            found = os.stat(self._file)
        except FileNotFoundError:
            self._seen, self._offset = None, timedelta()
            return self._offset
        # A rename makes a new inode, so that two writes within one tick of the file system differ too.
        stamp = (found.st_mtime_ns, found.st_ino)
        if stamp != self._seen:
            self._offset = _offset_in(self._file)
            self._seen = stamp
        return self._offset

    def _write(self, offset: timedelta) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._file.parent, prefix=f".{self._file.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"offset_us": offset // _MICROSECOND}, file)
        os.replace(name, self._file)
        self._seen = None


def add_months(at: datetime, months: int) -> datetime:
    """Return the same time `months` calendar months later; on the last day where there is no such day."""
    index = at.year * 12 + at.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return at.replace(year=year, month=month, day=min(at.day, calendar.monthrange(year, month)[1]))


def _moved(at: datetime, count: int, unit: str) -> datetime:
    if unit == "month":
        return add_months(at, count)
    return at + (timedelta(days=count) if unit == "day" else timedelta(hours=count))


def _offset_in(file: Path) -> timedelta:
    try:
        return timedelta(microseconds=json.loads(file.read_text(encoding="utf-8"))["offset_us"])
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        problem = f"{file} holds no offset; delete it to go back to the real time"
        raise InvalidValue("clock", problem) from error


_conforms: tuple[type[Clock], ...] = (SystemClock, SettableClock, ShiftedClock)
