"""Currency cases: the ISO 4217 exponent, and major units read as minor ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buddy_core.kernel import InvalidValue, Money, NoMinorUnit, UnknownCurrency, exponent


def answer(inputs: Mapping[str, Any], group: str | None) -> dict[str, Any]:
    """Answer the exponent of a code, and the minor units when an amount is given."""
    code = inputs["code"]
    try:
        answers: dict[str, Any] = {"exponent": exponent(code), "error": False}
        if "major" in inputs:
            answers["minor_from_major"] = Money.from_major(inputs["major"], code).minor
    except (InvalidValue, NoMinorUnit, UnknownCurrency):
        return {"error": True}
    return answers
