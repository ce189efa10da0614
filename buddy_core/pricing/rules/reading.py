"""Price rules as plain data: what files, answers and stores hold, and back, with the place of each fault."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from buddy_core.kernel.canonical import instant_text
from buddy_core.kernel.clock import utc
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.ids import TitleId
from buddy_core.pricing.errors import BadAmount, BadCurrency, BadHours, BadPriceRule, BadTerritory
from buddy_core.pricing.model.prices import PriceRule, price_rule

_NEEDED = ("id", "kind", "territories", "currency", "amount_minor")
_TEXTS = ("title_type", "window", "plan", "tier", "period")
_INSTANTS = ("starts_at", "ends_at")
_FIELDS = (*_NEEDED, "excluding", *_TEXTS, "title_id", "hours", *_INSTANTS)


def rule_to_plain(rule: PriceRule) -> dict[str, Any]:
    """Return a rule as JSON-ready data: what limits nothing is left out."""
    found: dict[str, Any] = {
        "id": rule.id,
        "kind": rule.kind.value,
        "territories": list(rule.territories.included),
        "currency": rule.currency,
        "amount_minor": rule.amount_minor,
    }
    if rule.territories.excluded:
        found["excluding"] = list(rule.territories.excluded)
    for name in (*_TEXTS, "hours"):
        if getattr(rule, name) is not None:
            found[name] = getattr(rule, name)
    if rule.title_id is not None:
        found["title_id"] = str(rule.title_id)
    for name in _INSTANTS:
        if getattr(rule, name) is not None:
            found[name] = instant_text(getattr(rule, name))
    return found


def rule_from_plain(data: object, place: str = "rule") -> PriceRule:
    """Return the rule that plain data says; `place` says where it stands until its id is known.

    Raises:
        BadPriceRule: a field is unknown, missing or of another form.
        BadAmount, BadCurrency, BadTerritory, BadHours, BadDates: each names the rule.
    """
    if not isinstance(data, Mapping):
        raise BadPriceRule(place, "must be an object of fields, such as id, kind and territories")
    name = data["id"] if isinstance(data.get("id"), str) and data["id"] else place
    name = name[:80]
    unknown = sorted(str(key)[:80] for key in data if key not in _FIELDS)
    if unknown:
        raise BadPriceRule(name, f"has the field {unknown[0]!r}; there are {', '.join(_FIELDS)}")
    missing = [key for key in _NEEDED if data.get(key) is None]
    if missing:
        raise BadPriceRule(name, f"lacks {missing[0]}")
    for key in ("id", "kind", *_TEXTS):
        if not isinstance(data.get(key), str | None):
            raise BadPriceRule(name, f"must have a text as {key}")
    if not isinstance(data["currency"], str):
        raise BadCurrency(name, str(data["currency"])[:80])
    # Said here, where it is still known what was given: 49.0 is no whole number, and True none either.
    for key, refusal in (("amount_minor", BadAmount), ("hours", BadHours)):
        if data.get(key) is not None and type(data[key]) is not int:
            raise refusal(name, repr(data[key])[:80])
    rest: dict[str, Any] = {key: data.get(key) for key in (*_TEXTS, "hours")}
    rest |= {key: _instant(data.get(key), name, key) for key in _INSTANTS}
    return price_rule(
        data["id"],
        data["kind"],
        _codes(data["territories"], name),
        data["currency"],
        data["amount_minor"],
        excluding=_codes(data.get("excluding") or [], name),
        title_id=_title(data.get("title_id"), name),
        **rest,
    )


def _codes(value: object, rule: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple):
        raise BadTerritory(rule, repr(value)[:80])
    for code in value:
        if not isinstance(code, str):
            raise BadTerritory(rule, repr(code)[:80])
    return tuple(value)


def _instant(value: object, rule: str, name: str) -> datetime | None:
    if value is None:
        return None
    try:
        return utc(datetime.fromisoformat(value)) if isinstance(value, str) else utc(value)  # type: ignore[arg-type]
    except (ValueError, AttributeError, OverflowError, InvalidValue):
        raise BadPriceRule(
            rule, f"has no instant as {name}; write one such as 2026-12-01T00:00:00Z"
        ) from None


def _title(value: object, rule: str) -> TitleId | None:
    if value is None:
        return None
    try:
        return TitleId(UUID(str(value)))
    except ValueError:
        raise BadPriceRule(rule, f"names no title by {str(value)[:80]!r}") from None
