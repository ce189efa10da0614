"""Time: an injected clock, aware UTC instants, and the refusal of naive ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

from buddy_core.kernel.errors import InvalidValue

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Tells the time; handlers ask once and pass the answer to the rules as `at`."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...


def utc(value: datetime, field: str = "at") -> datetime:
    """Return `value` in UTC.

    Raises:
        InvalidValue: `value` is naive: without an offset it names no instant; or beyond the calendar.
    """
    if value.tzinfo is UTC:
        return value
    if value.tzinfo is None or value.utcoffset() is None:
        raise InvalidValue(field, "a naive datetime names no instant; give it an offset, such as UTC")
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise InvalidValue(field, "lies beyond the calendar in UTC") from error


def from_milliseconds(value: int, field: str = "at") -> datetime:
    """Return the instant so many milliseconds after the start of 1970, in UTC; exact, as no float is.

    Raises:
        InvalidValue: `value` is no int, or lies beyond the calendar.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValue(field, f"is a {type(value).__name__}; give a whole number of milliseconds")
    try:
        return _EPOCH + timedelta(milliseconds=value)
    except OverflowError as error:
        raise InvalidValue(field, "lies beyond the calendar") from error


def whole_second(value: datetime) -> datetime:
    """Truncate an instant to its second: expiries are kept and compared to the second."""
    value = utc(value)
    return value.replace(microsecond=0) if value.microsecond else value
