"""What every store can keep: checked before anything is written, so that a wrong value is refused alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from buddy_core.kernel.clock import utc
from buddy_core.kernel.errors import InvalidValue

LARGEST = 2**63 - 1
"""The largest whole number of a database; the smallest is one below its negative."""
_FIRST = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
_LAST = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)
"""A day from the ends of the calendar: whatever offset an instant is shown with, it is one still."""


def check_text(value: Any, field: str) -> str:
    """Return a text that every store keeps as it is.

    Raises:
        InvalidValue: it is no text, or holds NUL or half of a surrogate pair.
    """
    if not isinstance(value, str):
        raise InvalidValue(field, "must be a text")
    if "\0" in value:
        raise InvalidValue(field, "holds the character NUL, which no database keeps")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidValue(field, "holds half of a surrogate pair, which is no character") from None
    return value


def check_whole(value: Any, field: str) -> int:
    """Return a whole number that every store keeps.

    Raises:
        InvalidValue: it is none, or needs more than 64 bits.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValue(field, "must be a whole number")
    if not -LARGEST <= value <= LARGEST:
        raise InvalidValue(field, "must be a whole number between -2^63 and 2^63")
    return value


def check_instant(value: Any, field: str) -> datetime:
    """Return an instant in UTC that every store keeps.

    Raises:
        InvalidValue: it is none, is naive, or lies within a day of the ends of the calendar.
    """
    if not isinstance(value, datetime):
        raise InvalidValue(field, "must be an instant, with an offset such as UTC")
    found = utc(value, field)
    if not _FIRST <= found <= _LAST:
        raise InvalidValue(field, "is at an end of the calendar; choose a nearer instant")
    return found
