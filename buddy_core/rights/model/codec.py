"""A book of rights as one canonical byte string, and back; what is stored and compared."""

from __future__ import annotations

import json
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any
from uuid import UUID

from buddy_core.kernel.canonical import canonical_bytes, instant_from_text
from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.ids import LicenceId, PartnerId, TakedownId, TitleId, WindowId
from buddy_core.kernel.territories import Territories
from buddy_core.rights.errors import BookUnreadable
from buddy_core.rights.model.books import TitleRights
from buddy_core.rights.model.licences import Licence
from buddy_core.rights.model.ratings import Rating
from buddy_core.rights.model.takedowns import Takedown
from buddy_core.rights.model.windows import FreeRights, Window, WindowType

FORM = 1
"""The form of the body; a later form gets the next number, and old bodies stay as they are."""
_SMALL = 16_384
"""Up to how many bytes a body is remembered with what it says."""
_UNREADABLE = (
    BuddyError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    RecursionError,
    AttributeError,
)
"""What reading something else than a body may raise."""


def book_body(rights: TitleRights) -> bytes:
    """Return the canonical body of one revision: JSON, sorted keys, a fraction as two whole numbers.

    Raises:
        BookUnreadable: a licence or window in it is of another title.
    """
    items: tuple[Licence | Window, ...] = (*rights.licences, *rights.windows)
    for item in items:
        if item.title_id != rights.title_id:
            raise BookUnreadable(f"{item.id} in it is of the title {item.title_id}")
    return canonical_bytes(
        {
            "form": FORM,
            "title_id": rights.title_id,
            "revision": rights.revision,
            "recorded_at": rights.recorded_at,
            "recorded_by": rights.recorded_by,
            "reason": rights.reason,
            "licences": [_licence(item) for item in rights.licences],
            "windows": [_window(item) for item in rights.windows],
            "ratings": [_rating(item) for item in rights.ratings],
            "takedowns": [_takedown(item) for item in rights.takedowns],
        }
    )


def book_from_body(raw: bytes) -> TitleRights:
    """Read what `book_body` wrote, and nothing else.

    Raises:
        BookUnreadable: the bytes are not exactly the canonical body of a book.
    """
    return _read_again(raw) if len(raw) <= _SMALL else _read(raw)


def _read(raw: bytes) -> TitleRights:
    try:
        rights = _book(json.loads(raw))
        is_canonical = book_body(rights) == raw
    except BookUnreadable:
        raise
    except _UNREADABLE as error:
        raise BookUnreadable(f"{type(error).__name__}: {error}"[:200]) from error
    if not is_canonical:
        raise BookUnreadable("it is not in its canonical form")
    return rights


_read_again = lru_cache(maxsize=4096)(_read)
"""The same bytes are the same book, and nothing alters it: a shelf of titles read again costs look-ups."""


def _licence(item: Licence) -> dict[str, Any]:
    return {
        "id": item.id,
        "partner_id": item.partner_id,
        "share": _pair(item.share),
        "ownership": _pair(item.ownership),
        "territories": _codes(item.territories),
        "starts_at": item.starts_at,
        "ends_at": item.ends_at,
        "is_exclusive": item.is_exclusive,
        "assets": item.assets,
        "has_tail": item.has_tail,
    }


def _window(item: Window) -> dict[str, Any]:
    return {
        "id": item.id,
        "type": item.type,
        "territories": _codes(item.territories),
        "starts_at": item.starts_at,
        "ends_at": item.ends_at,
        "tiers": item.tiers,
        "is_free": item.is_free,
        "sells_tokens": item.sells_tokens,
        "free": item.free,
    }


def _rating(item: Rating) -> dict[str, Any]:
    return {"territories": _codes(item.territories), "label": item.label, "age": item.age}


def _takedown(item: Takedown) -> dict[str, Any]:
    return {
        "id": item.id,
        "territories": _codes(item.territories),
        "notice": item.notice,
        "starts_at": item.starts_at,
        "ends_at": item.ends_at,
    }


def _pair(value: Fraction) -> list[int]:
    return [value.numerator, value.denominator]


def _codes(value: Territories) -> dict[str, Any]:
    return {"included": value.included, "excluded": value.excluded}


def _book(body: Any) -> TitleRights:
    if body["form"] != FORM:
        raise BookUnreadable(f"its form is {body['form']!r}, and {FORM} is the one that is known")
    title_id = TitleId(UUID(body["title_id"]))
    return TitleRights(
        title_id=title_id,
        revision=body["revision"],
        recorded_at=instant_from_text(body["recorded_at"]),
        recorded_by=body["recorded_by"],
        reason=body["reason"],
        licences=tuple(_read_licence(item, title_id) for item in body["licences"]),
        windows=tuple(_read_window(item, title_id) for item in body["windows"]),
        ratings=tuple(
            Rating(_read_codes(item["territories"]), item["label"], item["age"]) for item in body["ratings"]
        ),
        takedowns=tuple(_read_takedown(item) for item in body["takedowns"]),
    )


def _read_licence(item: Any, title_id: TitleId) -> Licence:
    return Licence(
        id=LicenceId(UUID(item["id"])),
        title_id=title_id,
        partner_id=PartnerId(UUID(item["partner_id"])),
        share=Fraction(*item["share"]),
        territories=_read_codes(item["territories"]),
        starts_at=instant_from_text(item["starts_at"]),
        ends_at=_read_end(item["ends_at"]),
        ownership=Fraction(*item["ownership"]),
        is_exclusive=item["is_exclusive"],
        assets=tuple(item["assets"]),
        has_tail=item["has_tail"],
    )


def _read_window(item: Any, title_id: TitleId) -> Window:
    free = item["free"]
    return Window(
        id=WindowId(UUID(item["id"])),
        title_id=title_id,
        type=WindowType(item["type"]),
        territories=_read_codes(item["territories"]),
        starts_at=instant_from_text(item["starts_at"]),
        ends_at=_read_end(item["ends_at"]),
        tiers=tuple(item["tiers"]),
        is_free=item["is_free"],
        sells_tokens=item["sells_tokens"],
        free=FreeRights(free["max_height"], free["ads"], free["downloads"], free["streams"]),
    )


def _read_takedown(item: Any) -> Takedown:
    return Takedown(
        id=TakedownId(UUID(item["id"])),
        territories=_read_codes(item["territories"]),
        notice=item["notice"],
        starts_at=instant_from_text(item["starts_at"]),
        ends_at=_read_end(item["ends_at"]),
    )


def _read_codes(item: Any) -> Territories:
    return Territories(tuple(item["included"]), tuple(item["excluded"]))


def _read_end(text: str | None) -> datetime | None:
    return None if text is None else instant_from_text(text)
