"""What a short id is: its symbols, its folded form, the space it comes from, and who holds it."""

from __future__ import annotations

import re
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from attrs import field, frozen
from attrs.converters import optional

from buddy_core.kernel.clock import utc
from buddy_core.kernel.errors import InvalidValue
from buddy_core.shortids.errors import ShortIdIllegal

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""The 31 symbols of generated ids: lower case and digits without 0 o 1 l i."""
MIN_LENGTH = 4
MAX_LENGTH = 8
KEY_BYTES = 32

_TYPE = re.compile(r"[a-z][a-z0-9-]{0,31}")
_MANUAL = re.compile(r"[a-z0-9]*")
_FOLD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZoli", "abcdefgh1jk1mn0pqrstuvwxyz011")


def capacity(length: int) -> int:
    """Return how many ids of `length` characters can be generated: 31 to that power."""
    return int(len(ALPHABET) ** length)


def fold(text: str) -> str:
    """Return the form in which two ids are compared: o as 0, l and i as 1, capitals as small letters.

    A generated id holds none of these symbols, so it is its own folded form.
    """
    return text.translate(_FOLD)


def check_type(_: object, __: Any, value: str) -> None:
    """Refuse a type name that could not stand in a link: small letters, digits and hyphens."""
    if not _TYPE.fullmatch(value):
        raise InvalidValue("type", "must be 1 to 32 of a-z, 0-9 and -, and begin with a letter")


def _check_text(_: object, __: Any, value: str) -> None:
    if not _MANUAL.fullmatch(value):
        raise ShortIdIllegal(value, "only the letters a-z and the digits 0-9 are allowed")
    if not MIN_LENGTH <= len(value) <= MAX_LENGTH:
        raise ShortIdIllegal(value, f"it has {len(value)} characters, not {MIN_LENGTH} to {MAX_LENGTH}")


@frozen
class ShortId:
    """An id as it stands in a link: four to eight of a-z and 0-9."""

    text: str = field(validator=_check_text)

    @property
    def folded(self) -> str:
        """The form under which it is unique in its type and found by links."""
        return fold(self.text)

    def __str__(self) -> str:
        return self.text


@frozen
class ShortIdSpace:
    """Where the ids of one type come from: a key, the length in use, and the next counter.

    Counters below `counter`, and all of shorter lengths, are given out. Key and
    counter belong together: one without the other would repeat ids.
    """

    type: str = field(validator=check_type)
    key: bytes = field(repr=False)
    length: int = field(default=MIN_LENGTH)
    counter: int = field(default=0)

    @key.validator
    def _check_key(self, _: Any, value: bytes) -> None:
        if len(value) != KEY_BYTES:
            raise InvalidValue("key", f"must be {KEY_BYTES} random bytes")

    @length.validator
    def _check_length(self, _: Any, value: int) -> None:
        if not MIN_LENGTH <= value <= MAX_LENGTH:
            raise InvalidValue("length", f"must be {MIN_LENGTH} to {MAX_LENGTH}")

    @counter.validator
    def _check_counter(self, _: Any, value: int) -> None:
        if not 0 <= value <= capacity(self.length):
            raise InvalidValue("counter", f"must be 0 to {capacity(self.length)}")


@frozen
class Block:
    """Counters `start` up to, not including, `end`, given to one process for its own use."""

    type: str
    key: bytes = field(repr=False)
    length: int
    start: int
    end: int


@frozen
class Candidate:
    """An id that a counter generates; it is issued when it is stored, and not before."""

    text: str
    counter: int


class Origin(Enum):
    """How an id came to be."""

    GENERATED = "generated"
    MANUAL = "manual"


def _check_counter(assignment: Any, _: Any, value: int | None) -> None:
    if (value is None) is (assignment.origin is Origin.GENERATED):
        raise InvalidValue("counter", "a generated id has its counter, a manual one has none")


@frozen
class Assignment:
    """An id in use: the thing that it names, where it came from, and since when it is public."""

    type: str = field(validator=check_type)
    short_id: ShortId
    target: UUID
    origin: Origin
    at: datetime = field(converter=utc)
    counter: int | None = field(default=None, validator=_check_counter)
    published_at: datetime | None = field(default=None, converter=optional(utc))

    @property
    def folded(self) -> str:
        """The form that no other assignment of this type may have."""
        return self.short_id.folded

    @property
    def published(self) -> bool:
        """Whether links to it may exist, so that it can never change."""
        return self.published_at is not None
