"""Allocation and rounding cases: `allocate` by rule name, `round_fraction` by rounding name."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from buddy_core.kernel import (
    Allocated,
    AllocationRule,
    FractionsExceedOne,
    InvalidValue,
    InvalidWeight,
    NoWeights,
    Rounding,
    StepMismatch,
    allocate,
    round_fraction,
    split_equal,
)

Inputs = Mapping[str, Any]

UNASKED = frozenset({"currency"})
REFUSED = (FractionsExceedOne, InvalidValue, InvalidWeight, NoWeights, StepMismatch)
# The cases give this method name to a split on which their sources disagree.
DISPUTED = "source_specific_negative"
PERCENT_SIGN = "%"
# The source of these cases shares the whole amount, also where the fractions come to less than one.
LABELS = {"fractions of one": {"fractions_of_one": True, "share_rest": True}, "proportions": {}}


def answer(inputs: Inputs, group: str | None) -> dict[str, Any]:
    """Answer one case: a rounding when a rounding is named, else an allocation.

    A rule or label that is not there is no refusal of the case, so it is looked up outside of the net.
    """
    if "rounding" in inputs:
        return rounded(inputs, Rounding(inputs["rounding"]))
    labels = {} if inputs.get("weights_are") is None else LABELS[inputs["weights_are"]]
    if inputs["method"] == DISPUTED:
        return disputed(inputs, labels)
    return allocated(inputs, AllocationRule(inputs["method"]), labels)


def rounded(inputs: Inputs, rounding: Rounding) -> dict[str, Any]:
    """Round a value."""
    try:
        return {"rounded": round_fraction(number(inputs["value"]), rounding), "error": False}
    except REFUSED:
        return {"error": True}


def allocated(inputs: Inputs, rule: AllocationRule, labels: Mapping[str, bool]) -> dict[str, Any]:
    """Split a total by weights, or into a count of equal parts."""
    try:
        found = shares(inputs, rule, labels)
    except REFUSED:
        return {"error": True}
    return {"shares_minor": list(found.shares), "remainder_minor": found.remainder, "error": False}


def disputed(inputs: Inputs, labels: Mapping[str, bool]) -> dict[str, Any]:
    """Split by both rules that the sources follow."""
    try:
        return {
            "shares_minor": list(shares(inputs, AllocationRule.FLOOR_THEN_SPARE, labels).shares),
            "mirrored_alternative": list(shares(inputs, AllocationRule.LARGEST_REMAINDER, labels).shares),
            "error": False,
        }
    except REFUSED:
        return {"error": True}


def shares(inputs: Inputs, rule: AllocationRule, labels: Mapping[str, bool]) -> Allocated:
    """Call `allocate` with the case's fields under its names."""
    total, step = inputs["total_minor"], inputs.get("step_minor")
    if inputs["method"] == "equal_parts" and inputs.get("parts") is not None:
        return split_equal(total, inputs["parts"], step=step)
    return allocate(total, weights(inputs["weights"]), rule, step=step, **labels)


def weights(given: list[Any]) -> list[Fraction]:
    """Read weights; where one has a percent sign each must have one, and as proportions it says nothing."""
    if PERCENT_SIGN in "".join(str(weight) for weight in given):
        return [number(without_sign(weight)) for weight in given]
    return [number(weight) for weight in given]


def without_sign(weight: str) -> str:
    """Take the percent sign off."""
    [digits, _] = weight.split(PERCENT_SIGN)
    return digits


def number(value: Any) -> Fraction:
    """Read the exact number that the case writes: a text, or a JSON number by its digits."""
    try:
        return Fraction(str(value))
    except (ValueError, ZeroDivisionError) as error:
        raise InvalidValue("number", "is none") from error
