"""Recurrence: an ISO 8601 duration counted from an anchor, in both directions."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

from attrs import field, frozen

from buddy_core.kernel.clock import utc
from buddy_core.tokens.errors import BadRecurrence

# Whole numbers only: half a month has no length. Six digits reach past the calendar's end.
_NUMBER = r"(?:([0-9]{1,6})%s)?"
_DATE = "".join(_NUMBER % unit for unit in "YMWD")
_TIME = "".join(_NUMBER % unit for unit in "HMS")
_ISO_8601 = re.compile(f"P(?=[0-9T]){_DATE}(?:T(?=[0-9]){_TIME})?")
_FIRST = datetime.min.replace(tzinfo=UTC)


@frozen
class Duration:
    """Calendar months, and a time of fixed length; one of them at least is more than nothing."""

    months: int
    rest: timedelta


def duration(text: str | Duration) -> Duration:
    """Read an ISO 8601 duration of whole numbers, such as `P1M`, `P7D`, `PT1H` or `P1Y2M3DT4H`.

    A day is 24 hours: instants are UTC.

    Raises:
        BadRecurrence: it is no such duration, or it has no length.
    """
    if isinstance(text, Duration):
        return text
    found = _ISO_8601.fullmatch(text)
    if found is None:
        raise BadRecurrence(text, "it is not an ISO 8601 duration of whole numbers")
    years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    rest = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not (years or months or rest):
        raise BadRecurrence(text, "it has no length")
    return Duration(12 * years + months, rest)


def _instant(value: datetime) -> datetime:
    return utc(value, "anchor")


@frozen
class Recurrence:
    """Instants at a distance of `every` from each other, of which `anchor` is one.

    Each is counted from the anchor, so that a month's end keeps its day: from
    31 January by months come 28 (or 29) February and 31 March.
    """

    every: Duration = field(converter=duration)
    anchor: datetime = field(converter=_instant)

    def after(self, instant: datetime) -> Iterator[datetime]:
        """Give the instants after `instant`, in order, up to the end of the calendar."""
        for number in count(self._at_or_before(instant)):
            found = self._instant(number)
            if found is None:
                return
            if found > instant:
                yield found

    def _at_or_before(self, instant: datetime) -> int:
        """Return a number whose instant does not lie after `instant`, and not far from it.

        Months have 28 to 31 days: divided by the longest they count too few
        ahead, and by the shortest too many back, which is the safe side of both.
        """
        ahead = instant - self.anchor
        longest = 31 if ahead >= timedelta(0) else 28
        return ahead // (timedelta(days=longest * self.every.months) + self.every.rest)

    def _instant(self, number: int) -> datetime | None:
        """Return the instant of that number from the anchor; None past the end of the calendar."""
        total = 12 * self.anchor.year + self.anchor.month - 1 + number * self.every.months
        year, month = total // 12, total % 12 + 1
        if not 1 <= year <= 9999:
            return _FIRST if number < 0 else None
        day = min(self.anchor.day, calendar.monthrange(year, month)[1])
        try:
            return self.anchor.replace(year=year, month=month, day=day) + number * self.every.rest
        except OverflowError:
            return _FIRST if number < 0 else None
