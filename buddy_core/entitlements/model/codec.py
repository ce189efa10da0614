"""A grant's terms as one canonical text, and back; what is stored and compared."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from buddy_core.entitlements.errors import BadGrant
from buddy_core.entitlements.model.facts import PlanState, Rights
from buddy_core.entitlements.model.grants import UNLOCK_TERMS, Terms
from buddy_core.kernel.canonical import canonical_bytes, instant_from_text
from buddy_core.kernel.errors import BuddyError


def terms_body(terms: Terms) -> str:
    """Return the canonical text of terms: JSON, sorted keys."""
    return _UNLOCK if terms is UNLOCK_TERMS else canonical_bytes(terms).decode()


def terms_from_body(text: str) -> Terms:
    """Read what `terms_body` wrote, and nothing else.

    Raises:
        BadGrant: the text is not exactly the canonical text of terms.
    """
    if text == _UNLOCK:
        return UNLOCK_TERMS
    try:
        terms = _terms(json.loads(text))
        is_canonical = canonical_bytes(terms).decode() == text
    except (BuddyError, ValueError, TypeError, LookupError, RecursionError) as error:
        raise BadGrant(f"its terms cannot be read ({type(error).__name__})") from error
    if not is_canonical:
        raise BadGrant("its terms are not in their canonical form")
    return terms


def _terms(raw: Any) -> Terms:
    rights = raw["rights"]
    return Terms(
        rights=Rights(rights["max_height"], rights["ads"], rights["downloads"], rights["streams"]),
        hours=raw["hours"],
        start_by=_instant(raw["start_by"]),
        tier=raw["tier"],
        plan=None if raw["plan"] is None else PlanState(raw["plan"]),
        includes_later=raw["includes_later"],
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else instant_from_text(text)


_UNLOCK = canonical_bytes(UNLOCK_TERMS).decode()
