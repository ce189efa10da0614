"""One byte string for one value: what is hashed, signed or compared is written here.

The form is JSON with sorted keys, no blanks, UTF-8, and no floats. Instants are
`2026-11-21T10:00:00.000000Z`, fractions `"3/5"`, UUIDs lower-case text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from fractions import Fraction
from functools import lru_cache
from json.encoder import encode_basestring
from operator import attrgetter
from typing import Any
from uuid import UUID

import attrs

from buddy_core.kernel.clock import utc
from buddy_core.kernel.digits import fraction_text
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
    return canonical_text(value).encode()


def canonical_text(value: Any) -> str:
    """Return what `canonical_bytes` encodes, written straight from the value: each spend makes several."""
    kind = type(value)
    return (_TEXTS.get(kind) or _learnt_text(kind))(value)


def plain(value: Any) -> Any:
    """Return `value` as JSON-ready values: the same rules as `canonical_bytes`."""
    kind = type(value)
    return (_KNOWN.get(kind) or _learnt(kind))(value)


json_text: Callable[[str], str] = encode_basestring
"""Return a text as canonical JSON: in quotes, with what must be escaped escaped."""


def _same(value: Any) -> Any:
    return value


def _items(value: Sequence[Any]) -> list[Any]:
    return [plain(item) for item in value]


def _pairs(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {_key(key): plain(item) for key, item in value.items()}


def _learnt(kind: type) -> Callable[[Any], Any]:
    """Return how values of a type are written; asked once a type."""
    _KNOWN[kind] = _writer_of(kind)
    return _KNOWN[kind]


def _writer_of(kind: type) -> Callable[[Any], Any]:
    if issubclass(kind, Enum):
        return lambda value: plain(value.value)
    for known, write in _WRITERS.items():
        if issubclass(kind, known):
            return write
    if attrs.has(kind):
        names = tuple(field.name for field in attrs.fields(kind))
        return lambda value: {name: plain(getattr(value, name)) for name in names}
    raise InvalidValue("value", f"{kind.__name__} has no canonical form")


def instant_text(value: datetime) -> str:
    """Return an instant as `YYYY-MM-DDTHH:MM:SS.ffffffZ`, always with six decimals."""
    # In UTC first: where clocks are set back, two instants of one zone compare as equal.
    return _utc_text(utc(value))


@lru_cache(1024)
def _utc_text(value: datetime) -> str:
    return value.isoformat(timespec="microseconds")[:26] + "Z"


def instant_from_text(text: str) -> datetime:
    """Read what `instant_text` wrote, and nothing else.

    Raises:
        InvalidValue: the text is not in exactly that form.
    """
    try:
        value = datetime.fromisoformat(text)
    except (ValueError, TypeError) as error:
        raise InvalidValue("instant", f"{text!r} is not YYYY-MM-DDTHH:MM:SS.ffffffZ") from error
    if value.tzinfo is not UTC or instant_text(value) != text:
        raise InvalidValue("instant", f"{text!r} is not YYYY-MM-DDTHH:MM:SS.ffffffZ")
    return value


def chain_hash(previous: bytes, body: bytes) -> bytes:
    """Return SHA-256 of the previous hash followed by `body`: one link of a chain."""
    return hashlib.sha256(previous + body).digest()


def _key(key: Any) -> str:
    text = plain(key)
    if not isinstance(text, str):
        raise InvalidValue("key", f"{key!r} cannot be an object key")
    return text


_WRITERS: Mapping[type, Callable[[Any], Any]] = {
    type(None): _same,
    bool: _same,
    int: _same,
    str: _same,
    UUID: str,
    datetime: instant_text,
    Fraction: fraction_text,
    bytes: bytes.hex,
    Mapping: _pairs,
    list: _items,
    tuple: _items,
}
_KNOWN: dict[type, Callable[[Any], Any]] = {}


def _quoted(value: Any) -> str:
    return f'"{value}"'


def _items_text(value: Sequence[Any]) -> str:
    return f"[{','.join(map(canonical_text, value))}]"


def _pairs_text(value: Mapping[Any, Any]) -> str:
    keys = {_key(key): item for key, item in value.items()}
    return f"{{{','.join([f'{json_text(key)}:{canonical_text(keys[key])}' for key in sorted(keys)])}}}"


def _learnt_text(kind: type) -> Callable[[Any], str]:
    _TEXTS[kind] = _text_writer_of(kind)
    return _TEXTS[kind]


def _text_writer_of(kind: type) -> Callable[[Any], str]:
    if issubclass(kind, Enum):
        return lambda value: canonical_text(value.value)
    for known, write in _TEXT_WRITERS.items():
        if issubclass(kind, known):
            return write
    if not attrs.has(kind):
        raise InvalidValue("value", f"{kind.__name__} has no canonical form")
    return _object_writer(sorted(field.name for field in attrs.fields(kind)))


def _object_writer(names: Sequence[str]) -> Callable[[Any], str]:
    if len(names) < 2:
        return lambda value: _pairs_text({name: getattr(value, name) for name in names})
    values, known = attrgetter(*names), _TEXTS.get
    starts = [f"{'{' if name is names[0] else ','}{json_text(name)}:" for name in names]

    def write(value: Any) -> str:
        parts = [
            start + (known(type(item)) or _learnt_text(type(item)))(item)
            for start, item in zip(starts, values(value), strict=True)
        ]
        return f"{''.join(parts)}}}"

    return write


_TEXTS: dict[type, Callable[[Any], str]] = {}
_TEXT_WRITERS: Mapping[type, Callable[[Any], str]] = {
    type(None): lambda _: "null",
    bool: lambda value: "true" if value else "false",
    int: int.__repr__,
    str: json_text,
    UUID: _quoted,
    datetime: lambda value: f'"{instant_text(value)}"',
    Fraction: lambda value: f'"{fraction_text(value)}"',
    bytes: lambda value: f'"{value.hex()}"',
    Mapping: _pairs_text,
    list: _items_text,
    tuple: _items_text,
}
