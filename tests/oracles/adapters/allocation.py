"""Allocation and rounding cases: `allocate` by rule name, `round_fraction` by rounding name."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from buddy_core.kernel import (
    AllocationRule,
    FractionsExceedOne,
    InvalidValue,
    InvalidWeight,
    NoWeights,
    Rounding,
    StepMismatch,
    allocate,
    round_fraction,
)

# The cases give this method name to a split on which their sources disagree.
DISPUTED = "source_specific_negative"


def answer(inputs: Mapping[str, Any], group: str | None) -> dict[str, Any]:
    """Answer one case: a rounding when a rounding is named, else an allocation."""
    try:
        if "rounding" in inputs:
            rounding = Rounding(inputs["rounding"])
            return {"rounded": round_fraction(Fraction(inputs["value"]), rounding), "error": False}
        if inputs["method"] == DISPUTED:
            return {
                "shares_minor": shares(inputs, AllocationRule.FLOOR_THEN_SPARE),
                "mirrored_alternative": shares(inputs, AllocationRule.LARGEST_REMAINDER),
                "error": False,
            }
        return {"shares_minor": shares(inputs, AllocationRule(inputs["method"])), "error": False}
    except (FractionsExceedOne, InvalidValue, InvalidWeight, NoWeights, StepMismatch):
        return {"error": True}


def shares(inputs: Mapping[str, Any], rule: AllocationRule) -> list[int]:
    """Call `allocate` with the case's fields under its names."""
    allocated = allocate(
        inputs["total_minor"],
        [Fraction(weight) for weight in inputs["weights"]],
        rule,
        step=inputs.get("step_minor"),
        fractions_of_one=inputs.get("weights_are") == "fractions of one",
    )
    return list(allocated.shares)
