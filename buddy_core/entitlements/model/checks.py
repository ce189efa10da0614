"""The types of facts, checked as they are made: what is not of its type would be passed over, not refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Any

from attrs import Attribute

from buddy_core.entitlements.errors import BadFacts
from buddy_core.kernel.clock import utc
from buddy_core.rights import TIER_NAMES, is_tier

Check = Callable[[object, "Attribute[Any]", Any], None]
_LISTS = (list, tuple)


def is_a(*kinds: type, or_none: bool = False) -> Check:
    """Return a check that a field is of one of these types; text is no enum, and a flag is no number.

    The check raises BadFacts.
    """
    given = frozenset((*kinds, type(None)) if or_none else kinds)
    wanted = " or ".join((*map(_named, kinds), "None") if or_none else map(_named, kinds))

    def check(_: object, field: Attribute[Any], value: object) -> None:
        kind = type(value)
        # Stores have subclasses of their own, such as of UUID.
        if kind not in given and (kind is bool or not isinstance(value, kinds)):
            raise BadFacts(f"{field.name} is {shown(value)}; give {wanted}")

    return check


def each_is_a(kind: type) -> Check:
    """Return a check that a field is a list or tuple of things of this type; it raises BadFacts."""

    def check(_: object, field: Attribute[Any], values: Any) -> None:
        if type(values) not in _LISTS and (not isinstance(values, Sequence) or isinstance(values, str)):
            raise BadFacts(f"{field.name} are {shown(values)}; give a list or tuple, each {_named(kind)}")
        for value in values:
            if type(value) is not kind and not isinstance(value, kind):
                raise BadFacts(f"one of {field.name} is {shown(value)}; give {_named(kind)}")

    return check


def whole(*, or_none: bool = False) -> Check:
    """Return a check that a field is a whole number from 0 on; it raises BadFacts."""
    rest = ", or None" if or_none else ""

    def check(_: object, field: Attribute[Any], value: object) -> None:
        if not is_whole(value) and not (or_none and value is None):
            raise BadFacts(f"{field.name} is {shown(value)}; give a whole number from 0 on{rest}")

    return check


def is_whole(value: object) -> bool:
    """Tell whether a value is a whole number from 0 on."""
    return type(value) is int and value >= 0


def instant(value: datetime) -> datetime:
    """Return an instant in UTC.

    Raises:
        BadFacts: it is no instant at all.
        InvalidValue: it is naive.
    """
    given: object = value
    if not isinstance(given, datetime):
        raise BadFacts(f"{shown(given)} is no instant; give a datetime with an offset, such as UTC")
    return given if given.tzinfo is UTC else utc(given)


def instant_or_none(value: datetime | None) -> datetime | None:
    """Return an instant in UTC, or None for no end.

    Raises:
        BadFacts, InvalidValue: as `instant`.
    """
    return None if value is None else instant(value)


def names_tier(_: object, field: Attribute[Any], value: object) -> None:
    """Check that a field is empty or the name of a tier; it raises BadFacts."""
    if value != "":
        refuse_tier(value)


@lru_cache(maxsize=1024)
def check_tiers(names: frozenset[str]) -> None:
    """Refuse what is no tier; the sets of tiers are few, so that most were looked at before.

    Raises:
        BadFacts.
    """
    for name in names:
        refuse_tier(name)


def refuse_tier(name: object) -> None:
    """Go on only if this names a tier.

    Raises:
        BadFacts.
    """
    if not isinstance(name, str) or not is_tier(name):
        raise BadFacts(f"{shown(name)} is no tier; write {TIER_NAMES}")


def shown(value: object) -> str:
    """Return a value as an error quotes it."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _named(kind: type) -> str:
    if issubclass(kind, Enum):
        return f"a {kind.__name__} such as {kind.__name__}.{next(iter(kind)).name}"
    return _WORDS.get(kind, f"{kind.__name__}(...)")


_WORDS = {bool: "True or False", str: "a text"}
