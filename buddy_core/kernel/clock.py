"""Time: an injected clock, aware UTC instants, and the refusal of naive ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from buddy_core.kernel.errors import InvalidValue


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


def whole_second(value: datetime) -> datetime:
    """Truncate an instant to its second: expiries are kept and compared to the second."""
    value = utc(value)
    return value.replace(microsecond=0) if value.microsecond else value
