"""Column types that keep one form per value and refuse what is not in it.

Reading is strict: a stored value in any other form than the one we write raises,
so that `verify` sees an altered byte even where it would mean the same.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Dialect, LargeBinary, String, Text, Uuid
from sqlalchemy.types import TypeDecorator, TypeEngine

from buddy_core.kernel.canonical import canonical_bytes, instant_from_text, instant_text
from buddy_core.kernel.clock import utc
from buddy_core.kernel.errors import InvalidValue

_ENDS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
"""asyncpg would store these as infinity, and read that as no instant of ours."""


class Instant(TypeDecorator[datetime]):
    """An aware instant: `timestamptz` on PostgreSQL, canonical text with six decimals on SQLite."""

    impl = String(27)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(String(27))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return _aware(value) if dialect.name == "postgresql" else _as_text(value)

    def bind_processor(self, dialect: Dialect) -> Any:
        # Without the layers of a decorated type: this runs for each value that is written.
        return _aware if dialect.name == "postgresql" else _as_text

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        # asyncpg gives what we want, in UTC: nothing is called for each value then.
        return None if dialect.name == "postgresql" else super().result_processor(dialect, coltype)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else instant_from_text(value)


def _aware(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if value in _ENDS:
        raise InvalidValue("instant", "is the first or the last that there is; choose a nearer one")
    return utc(value)


def _as_text(value: datetime | None) -> str | None:
    at = _aware(value)
    return None if at is None else instant_text(at)


class Id(TypeDecorator[UUID]):
    """A UUID: native on PostgreSQL, lower-case text with hyphens on SQLite."""

    impl = String(36)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Uuid())
        return dialect.type_descriptor(String(36))

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return str(value)

    def bind_processor(self, dialect: Dialect) -> Any:
        return None if dialect.name == "postgresql" else lambda value: None if value is None else str(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        return None if dialect.name == "postgresql" else super().result_processor(dialect, coltype)

    def process_result_value(self, value: Any, dialect: Dialect) -> UUID | None:
        if value is None:
            return value
        try:
            found = UUID(value)
        except (ValueError, TypeError, AttributeError) as error:
            raise InvalidValue("id", f"{value!r} is not a UUID") from error
        if str(found) != value:
            raise InvalidValue("id", f"{value!r} is not in canonical form")
        return found


class CanonicalJson(TypeDecorator[Any]):
    """Plain JSON values as canonical text, the same bytes on both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return canonical_bytes(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        # An outer join gives no value where it finds no row.
        return None if value is None else json_from_text(value)


def json_from_text(text: Any) -> Any:
    """Read what `canonical_bytes` wrote, and nothing else.

    Raises:
        InvalidValue: the text is not canonical JSON.
    """
    try:
        found = json.loads(text)
        again = canonical_bytes(found).decode()
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidValue("json", f"{text!r} is not JSON") from error
    if again != text:
        raise InvalidValue("json", f"{text!r} is not in canonical form")
    return found


Hash = LargeBinary
"""SHA-256: 32 bytes."""
