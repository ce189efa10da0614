"""Periods: half-open spans of UTC instants, and calendar months in a named time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import attrs
from attrs import field, frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.errors import Invalid, InvalidValue

_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_FIRST_YEAR, _LAST_YEAR = 1900, 9998


@attrs.define
class InvalidMonth(Invalid):
    """The text names no calendar month."""

    code = "kernel.invalid_month"

    text: str

    def message(self) -> str:
        return f"{self.text!r} is not a month. Write YYYY-MM, such as 2026-10, from {_FIRST_YEAR} on."


@attrs.define
class UnknownZone(Invalid):
    """The time zone is not in the IANA database of this machine."""

    code = "kernel.unknown_zone"

    zone: str
    has_zones: bool = True
    """Without them no name is known: the system has no time zone data, as Windows has none."""

    def message(self) -> str:
        if not self.has_zones:
            return (
                f"{self.zone!r} cannot be looked up: this system has no time zone data. Run "
                "`pip install tzdata` once."
            )
        return f"{self.zone!r} is not a known IANA time zone. Write one such as Asia/Kolkata."


def _start_utc(value: datetime) -> datetime:
    return utc(value, "start")


def _end_utc(value: datetime) -> datetime:
    return utc(value, "end")


@frozen
class Period:
    """The instants from `start` up to, but without, `end`; kept in UTC.

    Raises:
        InvalidValue: a naive instant, or an end that is not after the start.
    """

    start: datetime = field(converter=_start_utc)
    end: datetime = field(converter=_end_utc)

    @end.validator
    def _check_order(self, _: Any, end: datetime) -> None:
        if end <= self.start:
            raise InvalidValue("end", "must be after the start")

    def contains(self, at: datetime) -> bool:
        """Tell whether `at` lies in the period; the start does, the end does not."""
        return self.start <= utc(at) < self.end


def month(text: str, zone: str) -> Period:
    """Return the calendar month `YYYY-MM` as it runs in `zone`.

    Months of one zone follow each other without gap or overlap: a month starts
    when the local clock first reads 00:00 on the first.

    Raises:
        InvalidMonth: `text` is not a month in that form.
        UnknownZone: `zone` is not an IANA name.
    """
    year, number = _year_and_number(text)
    local = _zone(zone)
    return Period(_first_instant(year, number, local), _first_instant(*_after(year, number), local))


def month_of(at: datetime, zone: str) -> str:
    """Return the month `YYYY-MM` in which `at` falls in `zone`: the one whose period contains it.

    Raises:
        InvalidValue: `at` is naive.
        UnknownZone: `zone` is not an IANA name.
    """
    instant = utc(at)
    local_zone = _zone(zone)
    if not _FIRST_YEAR < instant.year < _LAST_YEAR:
        raise InvalidMonth(f"{instant.year:04d}-{instant.month:02d}")
    local = instant.astimezone(local_zone)
    text = _text(local.year, local.month)
    # Where clocks were once set back or forward across midnight of the first, the
    # local date and the month's period differ for less than a day; the period decides.
    period = month(text, zone)
    if instant < period.start:
        return previous_month(text)
    return next_month(text) if instant >= period.end else text


def next_month(text: str) -> str:
    """Return the month after `YYYY-MM`.

    Raises:
        InvalidMonth: `text` is not a month, or the last that can be named.
    """
    return _checked_text(*_after(*_year_and_number(text)))


def previous_month(text: str) -> str:
    """Return the month before `YYYY-MM`.

    Raises:
        InvalidMonth: `text` is not a month, or the first that can be named.
    """
    year, number = _year_and_number(text)
    return _checked_text(year - 1, 12) if number == 1 else _text(year, number - 1)


def _year_and_number(text: object) -> tuple[int, int]:
    match = _MONTH.fullmatch(text) if isinstance(text, str) else None
    if match is None or not _FIRST_YEAR <= int(match[1]) <= _LAST_YEAR:
        raise InvalidMonth(str(text))
    return int(match[1]), int(match[2])


def _after(year: int, number: int) -> tuple[int, int]:
    return (year + 1, 1) if number == 12 else (year, number + 1)


def _text(year: int, number: int) -> str:
    return f"{year:04d}-{number:02d}"


def _checked_text(year: int, number: int) -> str:
    text = _text(year, number)
    _year_and_number(text)
    return text


def _first_instant(year: int, number: int, zone: ZoneInfo) -> datetime:
    return datetime(year, number, 1, tzinfo=zone).astimezone(UTC)


def _zone(key: str) -> ZoneInfo:
    try:
        return ZoneInfo(key)
    except (KeyError, ValueError, TypeError, AttributeError, OSError) as error:
        # A missing zone is a KeyError; an absolute path, a folder name or a NUL are the others.
        raise UnknownZone(str(key), has_zones=_is_known("UTC")) from error


def _is_known(key: str) -> bool:
    try:
        ZoneInfo.no_cache(key)
    except (KeyError, OSError):
        return False
    return True
