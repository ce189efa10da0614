"""What fields of the model take: names, whole numbers, and collections kept as tuples."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import Enum
from fractions import Fraction
from typing import Any

from buddy_core.kernel.clock import utc
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.rounding import exact

_WORD = re.compile(r"[^\s].{0,199}", re.DOTALL)


def name(_: object, attribute: Any, value: Any) -> None:
    """Refuse what cannot be a name."""
    if not is_name(value):
        raise InvalidValue(attribute.name, "must be a text of 1 to 200 characters")


def is_name(value: object) -> bool:
    """Tell whether something can be a name."""
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


def whole(_: object, attribute: Any, value: Any) -> None:
    """Refuse what is no whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValue(attribute.name, f"is a {type(value).__name__}; give a whole number of minor units")


def not_negative(_: object, attribute: Any, value: Any) -> None:
    """Refuse what is no whole number from zero on."""
    whole(_, attribute, value)
    if value < 0:
        raise InvalidValue(attribute.name, f"is {value}; it is not below zero")


def many(value: Iterable[Any]) -> tuple[Any, ...]:
    """Return a collection as a tuple, also a generator; what is none is left for `each` to refuse."""
    return value if _is_odd(value) else tuple(value)  # type: ignore[return-value]


def each(kind: type, about: str) -> Callable[[object, Any, Any], None]:
    """Return a validator of collections: they hold values of one type alone; `about` says which."""

    def check(_: object, attribute: Any, value: Any) -> None:
        if not isinstance(value, tuple):
            raise InvalidValue(attribute.name, f"is {_told(value)}; give {about} in a list or tuple")
        odd = next((item for item in value if not isinstance(item, kind)), _NONE)
        if odd is not _NONE:
            raise InvalidValue(attribute.name, f"has {_told(odd)} in it; give {about} alone")

    return check


def texts(value: Iterable[str]) -> frozenset[str]:
    """Return texts as a set; what is no collection is left for `each_text` to refuse."""
    return value if _is_odd(value) else frozenset(value)  # type: ignore[return-value]


def optional_texts(value: Iterable[str] | None) -> frozenset[str] | None:
    """Return texts as a set, and None as it is."""
    return None if value is None else texts(value)


def each_text(_: object, attribute: Any, value: Any) -> None:
    """Refuse a text where a collection of them is meant, and whatever is no text in one."""
    if not isinstance(value, frozenset):
        raise InvalidValue(attribute.name, f"is {_told(value)}; give texts in a list or set")
    for item in value:
        if not isinstance(item, str):
            raise InvalidValue(attribute.name, f"has {_told(item)} in it; give texts alone")


def texts_or_none(_: object, attribute: Any, value: Any) -> None:
    """Refuse what `each_text` does, and let None be."""
    if value is not None:
        each_text(_, attribute, value)


def by_name(kind: type, about: str) -> Callable[[object, Any, Any], None]:
    """Return a validator of values by name; `about` says what the values are."""

    def check(_: object, attribute: Any, value: Any) -> None:
        if not isinstance(value, Mapping):
            raise InvalidValue(attribute.name, f"is {_told(value)}; give {about} by name")
        for key, item in value.items():
            if not isinstance(key, str):
                raise InvalidValue(attribute.name, f"has {_told(key)} for a name; names are texts")
            if not isinstance(item, kind):
                raise InvalidValue(f"{attribute.name}.{key}", f"is {_told(item)}; give {about}")

    return check


class Word(Enum):
    """One of some words; another is refused by the field's name, with the words there are.

    The field is called as the class is, or otherwise: `class NegativeTotal(Word, field="negative")`.
    """

    _field: str | None

    def __init_subclass__(cls, field: str | None = None) -> None:
        super().__init_subclass__()
        cls._field = field

    @classmethod
    def _missing_(cls, value: object) -> Word | None:
        field = cls._field or re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        words = ", ".join(f"{word.value}" for word in cls)
        raise InvalidValue(field, f"{value!r} is not one of {words}")


def exactly(value: Fraction | int) -> Fraction:
    """Return an exact number as the Fraction it is; what is none is left for `a_number` to refuse."""
    try:
        return exact(value)
    except InvalidValue:
        return value  # type: ignore[return-value]


def a_number(_: object, attribute: Any, value: Any) -> None:
    """Refuse what is not exact, such as a float."""
    if not isinstance(value, Fraction):
        raise InvalidValue(
            attribute.name, f"is a {type(value).__name__}; only int and Fraction are exact here"
        )


def a_part(_: object, attribute: Any, value: Any) -> None:
    """Refuse what is no exact number from 0 to 1."""
    a_number(_, attribute, value)
    if not 0 <= value <= 1:
        raise InvalidValue(attribute.name, f"is {value}; a part is from 0 to 1")


def start(value: datetime) -> datetime:
    """Return the instant of a field `starts_at` in UTC."""
    return utc(value, "starts_at")


def end(value: datetime) -> datetime:
    """Return the instant of a field `ends_at` in UTC."""
    return utc(value, "ends_at")


def at_or_none(value: datetime | None) -> datetime | None:
    """Return the instant of a field `at` in UTC, and None as it is."""
    return None if value is None else utc(value)


def start_or_none(value: datetime | None) -> datetime | None:
    """Return the instant of a field `starts_at` in UTC, and None as it is."""
    return None if value is None else start(value)


def end_or_none(value: datetime | None) -> datetime | None:
    """Return the instant of a field `ends_at` in UTC, and None as it is."""
    return None if value is None else end(value)


def sold_or_none(value: datetime | None) -> datetime | None:
    """Return the instant of a field `sold_at` in UTC, and None as it is."""
    return None if value is None else utc(value, "sold_at")


def spent_or_none(value: datetime | None) -> datetime | None:
    """Return the instant of a field `spent_at` in UTC, and None as it is."""
    return None if value is None else utc(value, "spent_at")


_NONE = object()


def _is_odd(value: object) -> bool:
    return isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable)


def _told(value: object) -> str:
    return f"the text {value[:60]!r}" if isinstance(value, str) else f"a {type(value).__name__}"
