"""The terms of a licence, account, plan or title, read alone: what a desk or a program sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from buddy_core.kernel.canonical import canonical_text
from buddy_core.kernel.errors import InvalidValue
from buddy_core.royalty.errors import BadInput
from buddy_core.royalty.model.months import InputKind
from buddy_core.royalty.rules.files.forms import ACCOUNT, DEAL, POOL, WATERFALL
from buddy_core.royalty.rules.files.reading import Document, read_json
from buddy_core.royalty.rules.files.shapes import Place, Source, Twice, Unread, told, unknown

LICENCE_TERMS = ("preset", "rates", "fee", "expense_cap", "ads_by", "account")
"""What may be said of a licence; the rest of its deal is the licence's own."""
TERMS_NAMED_BY = {
    InputKind.ACCOUNT: ("id",),
    InputKind.POOL: ("plan",),
    InputKind.WATERFALL: ("id", "title"),
}
"""What of the terms says whose they are: the key that they are set under."""
_FORMS = {InputKind.ACCOUNT: ACCOUNT, InputKind.POOL: POOL, InputKind.WATERFALL: WATERFALL}
_STANDS = {"title": "its title", "holder": "its holder", "part": "1"}
"""Stands for what a licence says itself while its royalty terms are read."""


def read_terms_of(kind: InputKind, key: str, document: Document, zone: str) -> dict[str, Any]:
    """Read the terms of one licence, account, plan or title; plain dates in them are of `zone`.

    Raises:
        BadInput: every problem, with its key, what is wrong and what to write.
    """
    source = Source(document.file, ZoneInfo(zone))
    raw = read_json(document, source)
    if isinstance(raw, Mapping):
        _read(kind, key, raw, source.root)
    elif not isinstance(raw, Unread):
        source.root.wrong(f"is {told(raw)}", "write an object in braces: { ... }")
    if source.problems:
        problems = tuple(sorted(source.problems))
        raise BadInput(problems, len(problems) + source.more)
    found: dict[str, Any] = _plain({name: raw[name] for name in raw if name != "$schema"})
    for name in TERMS_NAMED_BY.get(kind, ()):
        found.pop(name, None)
    return found


def check_terms_of(kind: InputKind, key: str, terms: Mapping[str, Any], zone: str, file: str) -> None:
    """Refuse what is no terms of one licence, account, plan or title.

    Raises:
        BadInput: every problem, with its key.
        InvalidValue: something in it is no JSON, such as a float, or half a character.
    """
    try:
        content = canonical_text(terms).encode()
    except UnicodeEncodeError as error:
        raise InvalidValue("terms", "have half a character in them, which is none; write it whole") from error
    read_terms_of(kind, key, Document(file, content), zone)


def _read(kind: InputKind, key: str, raw: Mapping[str, Any], place: Place) -> None:
    form, given = _FORMS.get(kind, DEAL), raw
    names = TERMS_NAMED_BY.get(kind, ())
    for name in names:
        if raw.get(name, key) != key:
            place.at(name).wrong(
                f"is {told(raw[name])}, and these are the terms of {key}", "leave it out, or set those"
            )
    if not names:
        for odd in raw.keys() - {*LICENCE_TERMS, "$schema"}:
            unknown(place, odd, LICENCE_TERMS)
        given = {item: raw[item] for item in raw if item in LICENCE_TERMS}
        if given.get("preset") is None:
            given.setdefault("rates", {})
    own = dict.fromkeys(names, key) if names else {"id": key, **_STANDS}
    whole = Twice({**{item: given[item] for item in given if item != "$schema"}, **own})
    whole.keys_twice = raw.keys_twice if isinstance(raw, Twice) else ()
    form.read(whole, place)


def _plain(value: Any) -> Any:
    """Return JSON as plain dicts and lists."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
