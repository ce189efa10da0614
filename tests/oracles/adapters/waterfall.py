"""Waterfall cases by kind: recoupment, tiers and formats, film steps, guarantees, royalty per unit."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from buddy_core.kernel import InvalidValue
from buddy_core.royalty import (
    BadFormatLine,
    BadGuarantee,
    BadPercent,
    BadRecoupment,
    BadTiers,
    BadWaterfall,
    FormatLine,
    GrossRecoupment,
    Step,
    Takes,
    Tier,
    Tiered,
    formats,
    guarantee_progress,
    period_royalty,
    recoup,
    recoup_from_gross,
    royalty_per_unit,
    run_waterfall,
    tiered_by_amount,
    tiered_by_units,
    true_up,
    units_to_recoup,
)

Inputs = Mapping[str, Any]

REFUSED = (
    BadFormatLine,
    BadGuarantee,
    BadPercent,
    BadRecoupment,
    BadTiers,
    BadWaterfall,
    InvalidValue,
)
FRACTION_BAR = "/"
BASES = {"gross": Takes.PERCENT_OF_GROSS, "remaining": Takes.PERCENT_OF_REMAINING}
BEFORE = {"recouped_before_minor": "recouped_before"}


def answer(inputs: Inputs, group: str | None) -> dict[str, Any]:
    """Answer one case by its kind."""
    try:
        return {**KINDS[inputs["kind"]](inputs), "error": False}
    except REFUSED:
        return {"error": True}


def recouped(inputs: Inputs) -> dict[str, Any]:
    """Recoup an advance from earnings, or from a percent of gross."""
    more = {**given(inputs, BEFORE), **words(inputs, "negative")}
    advance = exact(inputs["advance_minor"])
    if "earned_minor" in inputs:
        return recouped_figures(recoup(exact(inputs["earned_minor"]), advance, **more))
    [percent] = [exact(inputs[name]) for name in ("artist_percent", "holder_percent") if name in inputs]
    found = recoup_from_gross(exact(inputs["gross_minor"]), percent, advance, **more)
    return {**recouped_figures(found), **gross_figures(found)}


def recouped_figures(found: Any) -> dict[str, Any]:
    """Write what every recoupment has."""
    return {
        "earned_minor": found.earned.minor,
        "recouped_minor": found.recouped.minor,
        "payable_minor": found.payable.minor,
        "remaining_minor": found.remaining.minor,
        "carried_minor": found.carried.minor,
    }


def gross_figures(found: GrossRecoupment) -> dict[str, Any]:
    """Write what a recoupment from gross has besides."""
    needed = found.gross_still_needed
    return {
        "gross_still_needed_minor": None if needed is None else needed.minor,
        "label_cash_minor": found.label_cash.minor,
    }


def tiers(inputs: Inputs) -> dict[str, Any]:
    """Apply tiers by units or by amount, or each format's own rate."""
    if "lines" in inputs:
        found = formats([format_line(row) for row in inputs["lines"]])
        return {
            "line_minor": [line.royalty.minor for line in found.lines],
            "line_exact": [str(line.royalty.exact) for line in found.lines],
            "total_minor": found.total.minor,
            "total_exact": str(found.total.exact),
        }
    bands, revenue = [tier(row) for row in inputs["tiers"]], exact(inputs["revenue_minor"])
    if "units" in inputs:
        before = given(inputs, {"units_before": "units_before"})
        return tier_figures(tiered_by_units(inputs["units"], revenue, bands, **before))
    before = given(inputs, {"amount_before_minor": "amount_before", "revenue_before_minor": "amount_before"})
    return tier_figures(tiered_by_amount(revenue, bands, **before))


def tier_figures(found: Tiered) -> dict[str, Any]:
    """Write a tiered royalty."""
    return {
        "units_per_tier": [number(part.counted) for part in found.parts],
        "amount_per_tier_minor": [number(part.revenue) for part in found.parts],
        "royalty_per_tier_minor": [part.royalty.minor for part in found.parts],
        "royalty_minor": found.royalty.minor,
        "royalty_exact": str(found.royalty.exact),
    }


def film(inputs: Inputs) -> dict[str, Any]:
    """Run the steps of a film; what is left is shared by the net profit percents."""
    percents = {name: exact(text) for name, text in (inputs.get("net_profit_percents") or {}).items()}
    found = run_waterfall(exact(inputs["gross_minor"]), [step(row) for row in inputs["steps"]], percents)
    return {
        "step_minor": [item.taken.minor for item in found.steps],
        "step_exact": [str(item.taken.exact) for item in found.steps],
        "after_steps_minor": [item.left.minor for item in found.steps],
        "after_steps_exact": [str(item.left.exact) for item in found.steps],
        "net_profit_minor": found.net_profit.minor,
        "net_profit_exact": str(found.net_profit.exact),
        "unshared_minor": found.unshared.minor,
        **{f"{name}_minor": share.minor for name, share in found.net_shares.items()},
        **{f"{name}_exact": str(share.exact) for name, share in found.net_shares.items()},
    }


def guarantee(inputs: Inputs) -> dict[str, Any]:
    """Give a period's royalty, a year's progress, or a term's true-up."""
    if "gross_minor" in inputs:
        returns = given(inputs, {"returns_minor": "returns"})
        found = period_royalty(exact(inputs["gross_minor"]), exact(inputs["rate_percent"]), **returns)
        return {"royalty_minor": found.royalty.minor, "royalty_exact": str(found.royalty.exact)}
    minimum = exact(inputs["annual_minimum_minor"])
    if "earned_minor" in inputs:
        return {"true_up_minor": true_up(exact(inputs["earned_minor"]), minimum).due.minor}
    royalties = [exact(royalty) for royalty in inputs["period_royalties_minor"]]
    progress = guarantee_progress(royalties, inputs["periods_in_year"], minimum)
    return {
        "earned_minor": progress.earned.minor,
        "projected_minor": progress.projected.minor,
        "pace_percent_of_prorated": None if progress.pace_percent is None else str(progress.pace_percent),
        "shortfall_risk_minor": progress.shortfall_risk.minor,
        "true_up_minor": None if progress.true_up is None else progress.true_up.due.minor,
    }


def per_unit(inputs: Inputs) -> dict[str, Any]:
    """Give the royalty on a unit, and the units that earn back an advance."""
    price, rate = exact(inputs["unit_price_minor"]), exact(inputs["rate_percent"])
    each = royalty_per_unit(price, rate)
    found = {"royalty_per_unit_minor": each.minor, "royalty_per_unit_exact": str(each.exact)}
    if inputs.get("advance_minor") is None:
        return found
    units = units_to_recoup(exact(inputs["advance_minor"]), price, rate, **given(inputs, BEFORE))
    return {**found, "units_to_recoup": units}


KINDS = {"recoup": recouped, "tiers": tiers, "film": film, "guarantee": guarantee, "per_unit": per_unit}


def tier(inputs: Inputs) -> Tier:
    """Read a tier by units, or by amount."""
    over, up_to = ("over_minor", "up_to_minor") if "over_minor" in inputs else ("over", "up_to")
    return Tier(exact(inputs[over]), exact(inputs.get(up_to)), exact(inputs["rate_percent"]))


def format_line(inputs: Inputs) -> FormatLine:
    """Read one format's line; its rate is a percent, or tiers of its own."""
    return FormatLine(
        inputs["format"],
        exact(inputs["revenue_minor"]),
        tiers=[tier(row) for row in inputs.get("tiers") or ()],
        **given(
            inputs,
            {
                "rate_percent": "percent",
                "units": "units",
                "units_before": "before",
                "amount_before_minor": "before",
            },
        ),
    )


def step(inputs: Inputs) -> Step:
    """Read one step by the fields that it has."""
    name, taker = inputs["name"], inputs.get("taker")
    limits = given(inputs, {"cap_minor": "cap", "taken_before_minor": "taken_before"})
    if inputs.get("percent_of") is not None:
        return Step(name, BASES[inputs["percent_of"]], exact(inputs["percent"]), taker=taker, **limits)
    if inputs.get("fixed_minor") is not None:
        return Step.fixed(name, exact(inputs["fixed_minor"]), taker=taker, **limits)
    more = {**given(inputs, BEFORE), "taker": taker}
    amount = exact(inputs["recoup_minor"])
    if inputs.get("percent") is not None:
        return Step.premium(name, amount, exact(inputs["percent"]), **more)
    return Step.recoup(name, amount, **more)


def exact(value: Any) -> Any:
    """Read an exact number from a text; numbers stay as they are."""
    return Fraction(value) if isinstance(value, str) else value


def number(value: Fraction) -> Any:
    """Write an exact number as the cases do: whole, or as a text."""
    text = str(value)
    return text if FRACTION_BAR in text else int(text)


def given(inputs: Inputs, names: Mapping[str, str]) -> dict[str, Any]:
    """Read the numbers that a case has, under their names here."""
    return {name: exact(inputs[field]) for field, name in names.items() if inputs.get(field) is not None}


def words(inputs: Inputs, name: str) -> dict[str, Any]:
    """Read a field that names a policy, where the case has it."""
    return {name: inputs[name]} if inputs.get(name) is not None else {}
