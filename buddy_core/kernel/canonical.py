"""One byte string for one value: what is hashed, signed or compared is written here.

The form is JSON with sorted keys, no blanks, UTF-8, and no floats. Instants are
`2026-11-21T10:00:00.000000Z`, fractions `"3/5"`, UUIDs lower-case text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from fractions import Fraction
from typing import Any
from uuid import UUID

import attrs

from buddy_core.kernel.clock import utc
from buddy_core.kernel.errors import InvalidValue

GENESIS = bytes(32)
"""The hash before the first of every chain: 32 zero bytes."""


def canonical_bytes(value: Any) -> bytes:
    """Return the one canonical JSON form of `value`, UTF-8 encoded.

    Takes None, bool, int, str, bytes (as hex), datetime, UUID, Fraction, Enum,
    attrs instances (as objects of their fields), mappings and sequences.

    Raises:
        InvalidValue: a float, a naive datetime, or a type without a canonical form.
    """
    return json.dumps(
        plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def plain(value: Any) -> Any:
    """Return `value` as JSON-ready values: the same rules as `canonical_bytes`."""
    if value is None or (isinstance(value, bool | str) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, int):
        return value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if attrs.has(type(value)):
        return {f.name: plain(getattr(value, f.name)) for f in attrs.fields(type(value))}
    raise InvalidValue("value", f"{type(value).__name__} has no canonical form")


def instant_text(value: datetime) -> str:
    """Return an instant as `YYYY-MM-DDTHH:MM:SS.ffffffZ`, always with six decimals."""
    return utc(value).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def instant_from_text(text: str) -> datetime:
    """Read what `instant_text` wrote, and nothing else.

    Raises:
        InvalidValue: the text is not in exactly that form.
    """
    try:
        value = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except (ValueError, TypeError) as error:
        raise InvalidValue("instant", f"{text!r} is not YYYY-MM-DDTHH:MM:SS.ffffffZ") from error
    if instant_text(value) != text:
        raise InvalidValue("instant", f"{text!r} is not in canonical form")
    return value


def chain_hash(previous: bytes, body: bytes) -> bytes:
    """Return SHA-256 of the previous hash followed by `body`: one link of a chain."""
    return hashlib.sha256(previous + body).digest()


def _key(key: Any) -> str:
    text = plain(key)
    if not isinstance(text, str):
        raise InvalidValue("key", f"{key!r} cannot be an object key")
    return text
