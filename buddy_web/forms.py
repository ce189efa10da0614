"""Reads what browsers send: texts that every database takes, numbers within bounds, ids in their form.

Pages take nothing from a query or a form but by these functions, and ids in
addresses by the converters `short_id` and `opaque_id`: what nobody types is
answered at the door, as a wrong field or as an address where nothing is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import Flask
from flask.json.provider import DefaultJSONProvider
from werkzeug.routing import BaseConverter

from buddy_web.errors import InvalidRequest

MAX_NUMBER = 2**31 - 1
"""The largest whole number taken from outside: every database can store it."""
MAX_TEXT = 500

# Control characters, and halves of surrogate pairs, which no encoding of text can carry.
_UNTYPED = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_DIGITS = re.compile(r"[0-9]{1,10}", re.ASCII)
_OPAQUE = r"[a-z]{2,8}_[0-9a-f]{32}"
_KEY = re.compile(r"[!-~]{1,100}")

Source = Mapping[str, str]
"""A query or a form; of a field that came twice, the first counts."""


def text(source: Source, name: str, *, longest: int = MAX_TEXT) -> str:
    """Return a field's line of text, empty if it is missing.

    Raises:
        InvalidRequest: it is longer than `longest`, or holds what nobody types.
    """
    value = source.get(name, "")
    if len(value) > longest:
        raise InvalidRequest(({"field": name, "problem": f"must be at most {longest} characters"},))
    if _UNTYPED.search(value):
        raise InvalidRequest(({"field": name, "problem": "must not hold control characters"},))
    return value


def texts(source: Source) -> dict[str, str]:
    """Return every field's line of text.

    Raises:
        InvalidRequest: one of them is none.
    """
    return {text({"name": name}, "name"): text(source, name) for name in source}


def whole_number(source: Source, name: str) -> int | None:
    """Return a field's number from 0 to `MAX_NUMBER`; None if it is missing or anything else."""
    value = source.get(name, "").strip()
    number = int(value) if _DIGITS.fullmatch(value) else None
    return number if number is not None and number <= MAX_NUMBER else None


def opaque_id(source: Source, name: str) -> str | None:
    """Return a field's id such as `rwd_` and 32 hex digits; None if it is missing or in no such form."""
    value = source.get(name, "")
    return value if re.fullmatch(_OPAQUE, value) else None


def submission_key(source: Source) -> str | None:
    """Return the idempotency key of the form; None if it is none that a page of ours sends."""
    value = source.get("idempotency_key", "")
    return value if _KEY.fullmatch(value) else None


class ShortIdConverter(BaseConverter):
    """A short id in an address, however it was typed."""

    regex = r"[0-9A-Za-z]{1,16}"


class OpaqueIdConverter(BaseConverter):
    """The id of a reward or a session in an address."""

    regex = _OPAQUE


class BoundedJson(DefaultJSONProvider):
    """Flask's JSON, for which a body nested too deep is wrong like any other that cannot be read."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Read JSON.

        Raises:
            ValueError: it is none, or nested too deep to be read.
        """
        try:
            return super().loads(s, **kwargs)
        except RecursionError:
            raise ValueError("nested too deep") from None


def install_forms(app: Flask) -> None:
    """Give routes their converters, and bodies a bound to their depth."""
    app.url_map.converters.update(short_id=ShortIdConverter, opaque_id=OpaqueIdConverter)
    app.json = BoundedJson(app)
