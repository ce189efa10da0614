"""Waterfall cases by kind: recoupment, tiers and formats, film steps, guarantees, royalty per unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    GuaranteeProgress,
    Step,
    Takes,
    Tier,
    Tiered,
    decimal_text,
    formats,
    guarantee_progress,
    period_royalty,
    recoup,
    recoup_from_gross,
    royalty_on_units,
    royalty_per_unit,
    run_waterfall,
    tiered_by_amount,
    tiered_by_units,
    true_up,
    units_to_recoup,
)

Inputs = Mapping[str, Any]

UNASKED = frozenset({"currency"})
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
# Other names that cases give the same field.
PERCENTS = ("artist_percent", "holder_percent", "royalty_percent", "rate_percent", "share_percent")
RATES = ("rate_percent", "royalty_percent")
PER_UNIT = ("rate_minor", "royalty_per_unit_minor")
RECOUPED = ("recoup_minor", "recoups_minor")
EARNED = ("earned_minor", "year_royalties_minor")
BY_UNITS = ("over", "up_to")
BY_AMOUNT = ("over_minor", "up_to_minor")
RETURNS = {"returns_minor": "returns", "returned_minor": "returns"}
RETURNED_UNITS = {
    "returned_units": "returned_units",
    "returns_units": "returned_units",
    "units_returned": "returned_units",
}
UNITS_BEFORE = ("units_before",)
AMOUNT_BEFORE = ("amount_before_minor", "revenue_before_minor")
# What a period's own royalty does not depend on: it is never lifted to a part of the minimum.
OF_THE_YEAR = ("annual_minimum_minor", "period")


def answer(inputs: Inputs, group: str | None) -> dict[str, Any]:
    """Answer one case by its kind."""
    ask = KINDS[inputs["kind"]]
    try:
        return {**ask(inputs), "error": False}
    except REFUSED:
        return {"error": True}


def recouped(inputs: Inputs) -> dict[str, Any]:
    """Recoup an advance from earnings, or from a percent of gross, or say both where both are given."""
    more = {**given(inputs, BEFORE), **words(inputs, "negative")}
    advance = exact(inputs["advance_minor"])
    found: dict[str, Any] = {}
    if inputs.get("gross_minor") is not None:
        of_gross = recoup_from_gross(exact(inputs["gross_minor"]), one(inputs, PERCENTS), advance, **more)
        found = {**recouped_figures(of_gross), **gross_figures(of_gross)}
    if inputs.get("earned_minor") is not None:
        found = {**found, **recouped_figures(recoup(exact(inputs["earned_minor"]), advance, **more))}
    return found


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
    """Apply tiers by units or by amount, as the thresholds are named, or each format's own rate."""
    if "lines" in inputs:
        found = formats([format_line(row) for row in inputs["lines"]], **words(inputs, "negative"))
        return {
            "line_minor": [line.royalty.minor for line in found.lines],
            "line_exact": [str(line.royalty.exact) for line in found.lines],
            "total_minor": found.total.minor,
            "total_exact": str(found.total.exact),
        }
    revenue = exact(inputs["revenue_minor"])
    more = {**given(inputs, RETURNS), **words(inputs, "negative")}
    if are_by_amount(inputs["tiers"]):
        bands = [tier(row, BY_AMOUNT) for row in inputs["tiers"]]
        aside(inputs, ("units", *UNITS_BEFORE, *RETURNED_UNITS))
        before = given(inputs, dict.fromkeys(AMOUNT_BEFORE, "amount_before"))
        return tier_figures(tiered_by_amount(revenue, bands, **before, **more))
    bands = [tier(row, BY_UNITS) for row in inputs["tiers"]]
    aside(inputs, AMOUNT_BEFORE)
    before = given(inputs, {"units_before": "units_before", **RETURNED_UNITS})
    return tier_figures(tiered_by_units(inputs["units"], revenue, bands, **before, **more))


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
    """Give a period's royalty, a year's progress and a term's true-up: each for which there are figures."""
    aside(inputs, OF_THE_YEAR)
    found: dict[str, Any] = {}
    royalties = inputs.get("period_royalties_minor")
    if inputs.get("gross_minor") is not None:
        period = period_royalty(
            exact(inputs["gross_minor"]),
            one(inputs, RATES),
            **given(inputs, RETURNS),
            **words(inputs, "negative"),
        )
        found = {
            "royalty_minor": period.royalty.minor,
            "royalty_exact": str(period.royalty.exact),
            "net_minor": period.net.minor,
        }
        # With the number of periods beside it, it is the first of them.
        if royalties is None and inputs.get("periods_in_year") is not None:
            royalties = [period.royalty.exact]
    if royalties is not None:
        done, minimum = [exact(royalty) for royalty in royalties], exact(inputs["annual_minimum_minor"])
        progress = guarantee_progress(done, inputs["periods_in_year"], minimum)
        found = {**found, **progress_figures(progress)}
    if EARNED_NAMES.intersection(inputs):
        settled = true_up(one(inputs, EARNED), exact(inputs["annual_minimum_minor"]))
        found = {**found, "true_up_minor": settled.due.minor, "shortfall_due_minor": settled.due.minor}
    return found


def progress_figures(found: GuaranteeProgress) -> dict[str, Any]:
    """Write how a year stands; percents as decimals, and exactly beside it."""
    due = None if found.shortfall_due is None else found.shortfall_due.minor
    return {
        "earned_minor": found.earned.minor,
        "projected_minor": found.projected.minor,
        "projected_exact": str(found.projected.exact),
        **percent("pace_percent", found.pace_percent, "pace_percent_of_prorated"),
        **percent("progress_percent", found.progress_percent, "progress_percent"),
        "on_track": found.is_on_track,
        "shortfall_risk_minor": found.shortfall_risk.minor,
        "shortfall_risk_exact": str(found.shortfall_risk.exact),
        "true_up_minor": due,
        "shortfall_due_minor": due,
        "shortfall_minor": due,
    }


def per_unit(inputs: Inputs) -> dict[str, Any]:
    """Give the royalty on a unit, on as many as were sold, and the units that earn back an advance."""
    each = per_unit_terms(inputs)
    royalty = royalty_per_unit(**each)
    found = {"royalty_per_unit_minor": royalty.minor, "royalty_per_unit_exact": str(royalty.exact)}
    if inputs.get("units") is not None:
        on_all = royalty_on_units(inputs["units"], **each, **words(inputs, "negative"))
        found = {**found, "royalty_minor": on_all.minor, "royalty_exact": str(on_all.exact)}
    if inputs.get("advance_minor") is None:
        return found
    units = units_to_recoup(exact(inputs["advance_minor"]), **each, **given(inputs, BEFORE))
    return {**found, "units_to_recoup": units}


def per_unit_terms(inputs: Inputs) -> dict[str, Any]:
    """Read a price and its percent, or the amount for each unit."""
    if "unit_price_minor" in inputs:
        return {"unit_price": exact(inputs["unit_price_minor"]), "percent": one(inputs, RATES)}
    return {"unit_price": one(inputs, PER_UNIT)}


KINDS = {"recoup": recouped, "tiers": tiers, "film": film, "guarantee": guarantee, "per_unit": per_unit}
EARNED_NAMES = frozenset(EARNED)


def are_by_amount(rows: Any) -> bool:
    """Tell by the first threshold's name whether tiers are of amounts; in `tier` all must be named alike."""
    first: Mapping[str, Any] = next(iter(rows), {})
    return "over_minor" in first or "up_to_minor" in first


def tier(inputs: Inputs, names: tuple[str, str]) -> Tier:
    """Read a tier by the names of its two thresholds."""
    over, up_to = names
    return Tier(exact(inputs[over]), exact(inputs.get(up_to)), one(inputs, RATES))


def format_line(inputs: Inputs) -> FormatLine:
    """Read one format's line; its rate is a percent, or tiers of its own."""
    rows = inputs.get("tiers") or ()
    by_amount = are_by_amount(rows)
    counted = {"units": "units", **RETURNED_UNITS, **dict.fromkeys(UNITS_BEFORE, "before")}
    amounts = dict.fromkeys(AMOUNT_BEFORE, "before")
    aside(inputs, (*counted, *amounts))
    return FormatLine(
        inputs["format"],
        exact(inputs["revenue_minor"]),
        tiers=[tier(row, BY_AMOUNT if by_amount else BY_UNITS) for row in rows],
        **given(inputs, {**dict.fromkeys(RATES, "percent"), **RETURNS}),
        **given(inputs, amounts if by_amount else counted),
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
    amount = one(inputs, RECOUPED)
    if inputs.get("percent") is not None:
        return Step.premium(name, amount, exact(inputs["percent"]), **more)
    return Step.recoup(name, amount, **more)


def percent(name: str, value: Any, as_decimal: str) -> dict[str, Any]:
    """Write a percent as a decimal where decimals end it, and as it is under its own name."""
    if value is None:
        return {as_decimal: None, f"{name}_exact": None}
    return {as_decimal: decimal_text(value), f"{name}_exact": str(value)}


def one(inputs: Inputs, names: tuple[str, ...]) -> Any:
    """Read the number that a case has under just one of several names."""
    [found] = [exact(inputs[name]) for name in names if name in inputs]
    return found


def aside(inputs: Inputs, names: Iterable[str]) -> None:
    """Read fields that a case may have and that change nothing of its answer."""
    for name in names:
        inputs.get(name)


def exact(value: Any) -> Any:
    """Read an exact number from a text; numbers stay as they are."""
    if not isinstance(value, str):
        return value
    try:
        return Fraction(value)
    except (ValueError, ZeroDivisionError) as error:
        raise InvalidValue("number", "is none") from error


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
