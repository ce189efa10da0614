"""Currency cases: the ISO 4217 exponent, and major units read as minor ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buddy_core.kernel import InvalidValue, Money, NoMinorUnit, UnknownCurrency, exponent


def answer(inputs: Mapping[str, Any], group: str | None) -> dict[str, Any]:
    """Answer the exponent of a code, and what is asked of an amount in it."""
    code = inputs["code"]
    try:
        answers: dict[str, Any] = {"exponent": exponent(code), "error": False}
    except UnknownCurrency:
        return {"error": True}
    try:
        if inputs.get("major") is not None:
            answers["minor_from_major"] = Money.from_major(text(inputs["major"]), code).minor
        if inputs.get("minor") is not None:
            answers["major_from_minor"] = Money(inputs["minor"], code).major_text()
    except (InvalidValue, NoMinorUnit):
        return {**answers, "error": True}
    return answers


def text(major: Any) -> Any:
    """Write a whole JSON number as the text that it is; a float is no exact amount and stays one."""
    return str(major) if isinstance(major, int) else major
