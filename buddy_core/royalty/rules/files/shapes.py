"""Forms of JSON: one description reads a value, writes it, and gives its JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import Enum
from fractions import Fraction
from functools import cache
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from attrs import define, field, frozen

from buddy_core.kernel.canonical import instant_text
from buddy_core.kernel.clock import utc
from buddy_core.kernel.digits import fraction_text, whole_from
from buddy_core.kernel.errors import BuddyError, InvalidValue
from buddy_core.kernel.territories import REGIONS, Territories
from buddy_core.royalty.errors import Problem

MOST_NOTED = 10_000
"""Problems of one file that are told; the others are counted."""
MOST_DIGITS = 60
"""Longer numbers in terms and facts are refused: no money has so many digits."""
MOST_DIGITS_OF_RESULTS = 100_000
"""The same in what was calculated: sums of many deals' fractions can be long."""
_EXACT = re.compile(r"(-?[0-9]+)(?:\.([0-9]+)|/(0*[1-9][0-9]*))?(%?)")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
INSTANT = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2}))?$"
)
_WHOLE = re.compile(r"-?[0-9]{1,60}")
NAME = r"^[^\u0000-\u0020\u007f][^\u0000-\u001f\u007f]{0,199}$"
_NAME = re.compile(r"(?=\S)[^\x00-\x1f\x7f\ud800-\udfff]{1,200}")


class Unread:
    """What stands in the place of a value that could not be read; its problem is noted."""


UNREAD = Unread()


@frozen
class Odd:
    """A number as JSON had it that nothing here can be: with a point or exponent, too long, or NaN."""

    text: str


class Twice(dict[str, Any]):
    """A JSON object that has keys more than once."""

    keys_twice: tuple[str, ...] = ()


@define
class Source:
    """A file while it is read: its name, the zone for plain dates, and all that is wrong in it."""

    file: str
    zone: ZoneInfo | None = None
    problems: list[Problem] = field(factory=list)
    more: int = 0
    """How many more problems there are than are told."""
    is_table: bool = False
    """Rows of a table have numbers; parts of JSON have paths."""

    @property
    def is_full(self) -> bool:
        """Say whether no more problems are told, but counted."""
        return len(self.problems) >= MOST_NOTED

    @property
    def root(self) -> Place:
        """The place of the whole file."""
        return Place(self, None, "")


class Place:
    """Where a value stands: a linked path, spelt out only where something is wrong."""

    __slots__ = ("key", "source", "up")

    def __init__(self, source: Source, up: Place | None, key: str | int) -> None:
        self.source, self.up, self.key = source, up, key

    def at(self, key: str | int) -> Place:
        """Return the place of a part."""
        return Place(self.source, self, key)

    def text(self) -> str:
        """Spell it out, such as `deals[3].rates.rental`."""
        keys: list[str] = []
        place: Place | None = self
        while place is not None and place.up is not None:
            keys.append(f"[{place.key}]" if isinstance(place.key, int) else f".{place.key}")
            place = place.up
        return "".join(reversed(keys)).removeprefix(".")

    def wrong(self, what: str, fix: str) -> Unread:
        """Note what is wrong here and what to write instead."""
        if self.source.is_full:
            self.source.more += 1
            return UNREAD
        path, row = self.text(), 0
        if self.source.is_table and (match := re.match(r"[a-z_]+\[([0-9]+)\]\.?", path)):
            path, row = path[match.end() :], int(match[1])
            path = path.removeprefix("paid.")
        self.source.problems.append(Problem(self.source.file, row, path, what, fix))
        return UNREAD


class Shape(Protocol):
    """A form of value: read, written, and described."""

    def read(self, value: Any, place: Place) -> Any:
        """Return the value in the model, or UNREAD after what is wrong has been noted."""
        ...

    def write(self, value: Any) -> Any:
        """Return JSON for a value of the model."""
        ...

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        ...


def told(value: Any) -> str:
    """Name a JSON value in a message."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Odd():
            return value.text[:40]
        case int():
            return f"{value}" if abs(value) < 10**40 else "a number of more than 40 digits"
        case str():
            return repr(value if len(value) <= 60 else value[:57] + "...")
        case float():
            return f"{value}"
        case Mapping():
            return "an object { }"
        case list() | tuple():
            return "a list [ ]"
        case _:
            return f"of the type {type(value).__name__}"


def close_to(word: str, known: Iterable[str]) -> str:
    """Return the known word that is nearest to one that was mistyped, if there is one."""
    words = list(known)
    same = [name for name in words if name.lower() == word.strip().lower().replace(" ", "_")]
    return next(iter(same or get_close_matches(word[:60], words, n=1, cutoff=0.6)), "")


@frozen
class Text:
    """A name or id."""

    about: str = "a text of 1 to 200 characters, without line breaks"

    def read(self, value: Any, place: Place) -> Any:
        if not isinstance(value, str):
            return place.wrong(f"is {told(value)}", f"write {self.about}, in quotes")
        if _NAME.fullmatch(value) is None:
            return place.wrong(f"is {told(value)}", f"write {self.about}")
        return value

    def write(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": NAME}


@frozen
class Whole:
    """A whole number: an amount in minor units, or a count."""

    least: int | None = None
    about: str = "a whole number of minor units (cents, paise): 1980 for 19.80"

    def read(self, value: Any, place: Place) -> Any:
        if isinstance(value, str) and place.source.is_table and _WHOLE.fullmatch(value):
            value = int(value)
        if isinstance(value, str) and _WHOLE.fullmatch(value):
            return place.wrong(f"is {told(value)}", f"write {value} without quotes")
        if isinstance(value, bool) or not isinstance(value, int):
            return place.wrong(f"is {told(value)}", f"write {self.about}")
        if abs(value) >= 10**MOST_DIGITS:
            return place.wrong(f"is {told(value)}", f"write {self.about}")
        if self.least is not None and value < self.least:
            return place.wrong(f"is {told(value)}", f"write {self.least} or more")
        return value

    def write(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "integer"} | ({} if self.least is None else {"minimum": self.least})


@frozen
class Exact:
    """An exact number: a whole one, or in quotes a decimal, a fraction or a percentage."""

    is_part: bool = False
    """From 0 to 1."""
    most: int = MOST_DIGITS

    def read(self, value: Any, place: Place) -> Any:
        if isinstance(value, Odd):
            if not re.fullmatch(r"-?[0-9.]+", value.text):
                return place.wrong(f"is {told(value)}", f"write {self._about}")
            return place.wrong(
                f"is {told(value)} without quotes, which computers keep inexactly",
                f'write "{told(value)}" in quotes',
            )
        if isinstance(value, bool) or not isinstance(value, int | str):
            return place.wrong(f"is {told(value)}", f"write {self._about}")
        match = _EXACT.fullmatch(f"{value}" if isinstance(value, str) else told(value))
        if match is None or any(len(digits or "") > self.most for digits in match.groups()):
            return place.wrong(f"is {told(value)}", f"write {self._about}")
        whole, decimals, under, percent = match.groups()
        scale = 10 ** len(decimals or "")
        found = Fraction(whole_from(whole + (decimals or "")), scale * whole_from(under or "1"))
        found = found / 100 if percent else found
        if self.is_part and not 0 <= found.numerator <= found.denominator:
            if not percent and 1 < found <= 100:
                return place.wrong(f"is {told(value)}", f'write "{value}%" if you mean per cent')
            return place.wrong(f"is {told(value)}", 'write a part from 0 to 1, or "0%" to "100%"')
        return found

    def write(self, value: Any) -> Any:
        return fraction_text(value)

    def schema(self) -> dict[str, Any]:
        whole = {"type": "integer"} | ({"minimum": 0, "maximum": 1} if self.is_part else {})
        return {"anyOf": [whole, {"type": "string", "pattern": f"^{_EXACT.pattern}$"}]}

    @property
    def _about(self) -> str:
        if self.is_part:
            return 'a part in quotes, such as "50%", "1/3" or "0.333"'
        return 'a whole number, or in quotes a decimal or fraction, such as "5.4" or "27/5"'


@frozen
class Flag:
    """Yes or no."""

    def read(self, value: Any, place: Place) -> Any:
        if place.source.is_table and isinstance(value, str):
            value = {"true": True, "false": False}.get(value.lower(), value)
        if not isinstance(value, bool):
            return place.wrong(f"is {told(value)}", "write true or false, without quotes")
        return value

    def write(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@frozen
class Instant:
    """An instant with its offset, or a date: its first moment in the month's zone."""

    def read(self, value: Any, place: Place) -> Any:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return utc(value)
        match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            return place.wrong(
                f"is {told(value)}",
                'write a date such as "2026-10-05", or an instant such as "2026-10-05T18:30:00+05:30"',
            )
        try:
            found = datetime.fromisoformat(value)
            if match[1] != value and match[2] is None:
                return place.wrong(
                    f"is {told(value)}, and it does not say in which time zone",
                    f'add the offset, such as "{value}+05:30", or "{value}Z" for UTC',
                )
            return utc(found.replace(tzinfo=place.source.zone or UTC) if match[1] == value else found)
        except (ValueError, OverflowError, InvalidValue):
            return place.wrong(f"is {told(value)}", "write a day that is in the calendar")

    def write(self, value: Any) -> Any:
        return instant_text(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": INSTANT}


@frozen
class Choice:
    """One of some words."""

    kind: type[Enum]
    among: tuple[Any, ...] = ()

    def read(self, value: Any, place: Place) -> Any:
        words = self._words()
        if isinstance(value, str) and value in words:
            return self.kind(value)
        close = close_to(value, words) if isinstance(value, str) and not place.source.is_full else ""
        meant = f'did you mean "{close}"? ' if close else ""
        return place.wrong(f"is {told(value)}", f"{meant}write one of {', '.join(words)}")

    def write(self, value: Any) -> Any:
        return value.value

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self._words())}

    def _words(self) -> list[str]:
        return _words_of(self.kind, self.among)


@cache
def _words_of(kind: type[Enum], among: tuple[Any, ...]) -> list[str]:
    return [item.value for item in among or tuple(kind)]


@frozen
class Maybe:
    """A value, or null."""

    of: Shape

    def read(self, value: Any, place: Place) -> Any:
        return None if value is None else self.of.read(value, place)

    def write(self, value: Any) -> Any:
        return None if value is None else self.of.write(value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.of.schema(), {"type": "null"}]}


@frozen
class Checked:
    """A value that is looked at by itself, so that others are told beside it."""

    of: Shape
    check: Callable[[Any], object]
    """Raises where it cannot be."""

    def read(self, value: Any, place: Place) -> Any:
        found = self.of.read(value, place)
        if not isinstance(found, Unread):
            try:
                self.check(found)
            except BuddyError as error:
                return _refused(place, error)
        return found

    def write(self, value: Any) -> Any:
        return self.of.write(value)

    def schema(self) -> dict[str, Any]:
        return self.of.schema()


@frozen
class Many:
    """A list of values of one form."""

    of: Shape
    make: Callable[[Iterable[Any]], Any] = tuple

    def read(self, value: Any, place: Place) -> Any:
        if not isinstance(value, list):
            return place.wrong(f"is {told(value)}", "write a list in square brackets: [ ... ]")
        found = [self.of.read(item, place.at(number)) for number, item in enumerate(value)]
        return UNREAD if any(item is UNREAD for item in found) else self.make(found)

    def write(self, value: Any) -> Any:
        # A set has no order of its own.
        return [self.of.write(item) for item in (sorted(value) if isinstance(value, frozenset) else value)]

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.of.schema()}


@frozen
class ByName:
    """An object whose keys are names."""

    of: Shape
    key: Shape = Text()

    def read(self, value: Any, place: Place) -> Any:
        if not isinstance(value, Mapping):
            return place.wrong(f"is {told(value)}", "write an object in braces: { ... }")
        is_right = _are_once(value, place)
        found: dict[Any, Any] = {}
        for name, item in value.items():
            key, read = self.key.read(name, place.at(name)), self.of.read(item, place.at(name))
            is_right = is_right and key is not UNREAD and read is not UNREAD
            found[key] = read
        return found if is_right else UNREAD

    def write(self, value: Any) -> Any:
        return {self.key.write(key): self.of.write(item) for key, item in value.items()}

    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "propertyNames": self.key.schema(),
            "additionalProperties": self.of.schema(),
        }


@frozen
class Codes:
    """Territories: `*`, regions and countries; one that begins with `^` is left out."""

    def read(self, value: Any, place: Place) -> Any:
        codes = Many(Text()).read(value, place)
        if isinstance(codes, Unread):
            return codes
        try:
            return Territories(
                tuple(code for code in codes if not code.startswith("^")),
                tuple(code[1:] for code in codes if code.startswith("^")),
            )
        except BuddyError as error:
            if not codes:
                return place.wrong("is empty", 'write ["*"] for everywhere, or codes such as ["IN", "GCC"]')
            return _refused(place, error)

    def write(self, value: Any) -> Any:
        return [*value.included, *(f"^{code}" for code in value.excluded)]

    def schema(self) -> dict[str, Any]:
        codes = "|".join((r"\*", *sorted(REGIONS, reverse=True), "[A-Z]{2}"))
        return {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "pattern": rf"^\^?(?:{codes})$"},
        }


_NEEDED: Any = object()


@frozen
class Key:
    """A key of an object: its form, what it means, and what it is without being written."""

    of: Shape
    about: str
    otherwise: Any = _NEEDED
    is_only_written: bool = False
    """Worked out from the others, so not read."""

    @property
    def is_needed(self) -> bool:
        """Say whether it must be written."""
        return self.otherwise is _NEEDED


@frozen
class Form:
    """An object with named keys, and the value that is made of it."""

    make: Callable[..., Any]
    keys: Mapping[str, Key]
    title: str

    def read(self, value: Any, place: Place) -> Any:
        found = self.read_keys(value, place)
        return UNREAD if isinstance(found, Unread) else self.made(found, place)

    def read_keys(self, value: Any, place: Place) -> dict[str, Any] | Unread:
        """Return the value of every key, before anything is made of them."""
        if not isinstance(value, Mapping):
            return place.wrong(f"is {told(value)}", f"write {self.title} in braces: {{ ... }}")
        is_right = _are_once(value, place)
        for name in value:
            if name not in self.keys:
                is_right = False
                unknown(place, name, self.keys)
        found: dict[str, Any] = {}
        for name, key in self.keys.items():
            if name in value:
                item = key.of.read(value[name], place.at(name))
                is_right = is_right and item is not UNREAD
                found[name] = item
            elif key.is_needed:
                is_right = False
                place.at(name).wrong("is missing", f"add it: {key.about}")
            else:
                found[name] = key.otherwise
        if not is_right:
            return UNREAD
        return {name: item for name, item in found.items() if not self.keys[name].is_only_written}

    def made(self, found: Mapping[str, Any], place: Place) -> Any:
        """Make the value, or note why it cannot be."""
        try:
            return self.make(**found)
        except InvalidValue as error:
            what, _, fix = error.problem.partition("; ")
            return place.at(error.field).wrong(what, fix or "write a value that can be")
        except BuddyError as error:
            return _refused(place, error)

    def write(self, value: Any) -> Any:
        return {name: key.of.write(getattr(value, name)) for name, key in self.keys.items()}

    def schema(self) -> dict[str, Any]:
        properties = {name: {"description": key.about} | key.of.schema() for name, key in self.keys.items()}
        needed = [name for name, key in self.keys.items() if key.is_needed]
        return {
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
        } | ({"required": needed} if needed else {})


def unknown(place: Place, name: str, known: Iterable[str]) -> None:
    """Note a key that has no meaning here."""
    names = list(known)
    # Looking for a likely word is slow, and past the most that are told nobody reads it.
    close = "" if place.source.is_full else close_to(name, names)
    fix = f'did you mean "{close}"?' if close else f"leave it out; there are {', '.join(names)}"
    place.at(name if len(name) <= 60 else name[:57] + "...").wrong("is not known here", fix)


def _are_once(value: Mapping[str, Any], place: Place) -> bool:
    twice = value.keys_twice if isinstance(value, Twice) else ()
    for name in twice:
        place.at(name).wrong("is there twice", "leave one of them out")
    return not twice


def _refused(place: Place, error: BuddyError) -> Unread:
    """Note why a value cannot be: its first sentence is what is wrong, and the rest what to do."""
    what, _, fix = error.message().removesuffix(".").partition(". ")
    return place.wrong(what, fix[:1].lower() + fix[1:] or "write a value that can be")


def only(places: Sequence[str], most: int = 3) -> str:
    """Name a few places, and count the others."""
    more = len(places) - most
    return ", ".join(places[:most]) + (f" and {more} more" if more > 0 else "")
