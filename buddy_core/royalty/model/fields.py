"""What fields of the model take: names, whole numbers, and collections kept as tuples."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from buddy_core.kernel.errors import InvalidValue

_WORD = re.compile(r"[^\s].{0,199}", re.DOTALL)


def name(_: object, attribute: Any, value: Any) -> None:
    """Refuse what cannot be a name."""
    if not isinstance(value, str) or _WORD.fullmatch(value) is None:
        raise InvalidValue(attribute.name, "must be a text of 1 to 200 characters")


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


_NONE = object()


def _is_odd(value: object) -> bool:
    return isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable)


def _told(value: object) -> str:
    return f"the text {value[:60]!r}" if isinstance(value, str) else f"a {type(value).__name__}"
