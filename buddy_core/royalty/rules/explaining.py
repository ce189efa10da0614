"""A statement line in words that a film producer's accountant can check with a pocket calculator."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from buddy_core.kernel.canonical import fraction_text, whole_number
from buddy_core.kernel.currencies import minor_digits
from buddy_core.kernel.rounding import Rounding, round_fraction
from buddy_core.royalty.model.facts import Model
from buddy_core.royalty.model.months import PLATFORM
from buddy_core.royalty.model.statements import Line, Settlement
from buddy_core.royalty.model.waterfalls import Takes

READABLE = 40
"""Letters of a fraction that are printed; a longer one stands in the statement's own numbers."""
_SOLD_AS = {
    Model.RENTAL: "rentals",
    Model.EST: "copies sold",
    Model.PVOD: "premium rentals and sales",
    Model.PPV: "tickets to an event",
    Model.FESTIVAL: "festival tickets",
    Model.EDITION: "numbered editions",
}
_SHARED = {
    "pro_rata": "All of it is shared by seconds",
    "user_centric": "Each subscriber's money is shared by the seconds of that subscriber",
    "equal_per_subscriber": "Each subscriber's money is shared equally over the holders they watched",
    "equal_per_title": "Each subscriber's money is shared equally over the titles they watched",
}


def explain(line: Line) -> str:
    """Say in a few sentences where a line's amount comes from: every figure it is made of, and the rule."""
    digits = minor_digits(line.currency)

    def money(amount: Fraction | int | str) -> str:
        return f"{exact_text(_exact(amount) / 10**digits, digits)} {line.currency}"

    if line.adjusts:
        said = [_adjusted(line, money)]
    else:
        said = [_what(line, money(line.inputs.get("netted", line.net)), line.inputs, money)]
        if "netted" in line.inputs:
            left, waterfall = money(line.net), line.inputs["waterfall"]
            said.append(f"What the steps of the waterfall {waterfall} left of that is {left}.")
        if line.step:
            said += _step(line, money)
        elif line.holder == PLATFORM:
            said.append(f"Of that {money(line.amount)} is the platform's.")
        else:
            said += _terms(line, money)
    said.append(f"Rule {line.rules}; nothing was rounded here, the statement rounds once.")
    return " ".join(said)


def _adjusted(line: Line, money: Any) -> str:
    inputs = line.inputs
    by = f" by deal {line.deal}" if line.deal else ""
    by = f" by the step {line.step} of the waterfall {inputs['waterfall']}" if line.step else by
    return (
        f"This adjusts {line.adjusts}, which was closed before all of it was known: by {line.model.value} "
        f"{line.title} in {line.territory} had {money(inputs['was_of'])} then and has "
        f"{money(inputs['is_of'])} now, of which {line.holder} had "
        f"{money(inputs['was'])} and has {money(inputs['is'])}{by}: {money(line.amount)}."
    )


def explain_settlement(settlement: Settlement) -> str:
    """Say step by step how what was earned became what is paid."""
    digits = minor_digits(settlement.currency)
    said = [f"Account {settlement.account} of {settlement.holder}, in {settlement.currency}."]
    for step in settlement.steps:
        note = f" ({step.note})" if step.note else ""
        amount = exact_text(Fraction(step.amount, 10**digits), digits)
        left = exact_text(Fraction(step.left, 10**digits), digits)
        said.append(f"{step.name.capitalize()}{note}: {amount}, leaves {left}.")
    said.append(f"Paid: {exact_text(Fraction(settlement.payable, 10**digits), digits)}.")
    return " ".join(said)


def exact_text(value: Fraction, digits: int = 2) -> str:
    """Write a fraction as the decimal it is, if that has at most eight digits; else about, and exactly."""
    scaled = value * 10**8
    if scaled.denominator == 1:
        text = f"{abs(int(scaled)):09d}"
        whole, decimals = text[:-8], text[-8:].rstrip("0")
        sign, point = "-" if value < 0 else "", "." if decimals or digits else ""
        return f"{sign}{whole}{point}{decimals.ljust(digits, '0')}"
    about = Fraction(round_fraction(value * 10 ** (digits + 2), Rounding.HALF_UP), 10 ** (digits + 2))
    fraction = fraction_text(value)
    exactly = f" (exactly {fraction})" if len(fraction) <= READABLE else ""
    return f"about {exact_text(about, digits + 2)}{exactly}"


def _exact(value: Fraction | int | str) -> Fraction:
    """Return a number that a line was worked out from; a stored line has it as text, however long."""
    if not isinstance(value, str):
        return Fraction(value)
    above, _, below = value.partition("/")
    return Fraction(whole_number(above), whole_number(below or "1"))


def percent(rate: Fraction) -> str:
    """Write a part of one as a percentage: exactly, where that can be read."""
    scaled = rate * 100
    if (scaled * 10**6).denominator != 1:
        fraction = fraction_text(rate)
        return fraction if len(fraction) <= READABLE else f"{exact_text(scaled, 0)} %"
    text = exact_text(scaled, 0)
    return f"{text} %"


def _what(line: Line, net: str, inputs: Mapping[str, Any], money: Any) -> str:
    where = f"{line.title} in {line.territory}"
    if line.model is Model.TOKENS:
        kind, tokens = inputs["kind"], inputs["tokens"]
        verb = "were spent" if tokens >= 0 else "were given back"
        version = inputs["value_version"]
        return (
            f"{abs(tokens)} {kind} tokens {verb} on {where}, worth {net} by value version {version}, "
            "as stamped when they were spent."
        )
    if line.model is Model.SUBSCRIPTION:
        seconds, of = (exact_text(Fraction(inputs[name]), 0) for name in ("seconds", "pool_seconds"))
        return (
            f"{where} has {net} of the pool {inputs['pool']}: {money(inputs['pool_net'])} after "
            f"tax and fees. {_SHARED[inputs['method']]}; {seconds} of {of} counted seconds are its."
        )
    if line.model is Model.ADS:
        measured = "seconds watched" if inputs["by"] == "watch" else "ads shown"
        return (
            f"{where} has {net} of the ads' {money(inputs['pool_net'])}: {inputs['count']} of "
            f"{inputs['of']} {measured}."
        )
    names = {
        "tax": "tax",
        "refund": "refunds",
        "chargeback": "chargebacks",
        "gateway_fee": "gateway fees",
    }
    out = [f"{money(inputs[name])} {text}" for name, text in names.items() if inputs[name]]
    less = f", less {' and '.join(out)}," if out else ""
    return f"{_SOLD_AS[line.model].capitalize()} of {where} took {money(inputs['gross'])}{less} so {net}."


def _step(line: Line, money: Any) -> list[str]:
    """Say what a step of a waterfall has to date, and what part of each receipt of the month that makes."""
    inputs, said = line.inputs, []
    digits = minor_digits(inputs["step_currency"])

    def to_date(name: str) -> str:
        return f"{exact_text(_exact(inputs[name]) / 10**digits, digits)} {inputs['step_currency']}"

    if line.part != 1:
        said.append(f"{percent(line.part)} of it are measured so: {money(line.base)}.")
    of = "what remains" if inputs["takes"] == Takes.PERCENT_OF_REMAINING.value else "all that is received"
    if "step_amount" in inputs:
        share = _exact(inputs.get("percent", 100)) / 100
        takes = "" if share == 1 else f"{percent(share)} of "
        takes += to_date("step_amount")
    else:
        takes = f"{percent(_exact(inputs['percent']) / 100)} of {of}"
    if "step_cap" in inputs:
        takes += f", {to_date('step_cap')} at most"
    said.append(
        f"The step {line.step} of the waterfall {inputs['waterfall']} takes {takes}, for {line.holder}: of "
        f"{to_date('received')} received to date it has {to_date('taken')}; before, of "
        f"{to_date('received_before')}, it had {to_date('taken_before')}. The difference makes "
        f"{percent(line.rate)} of what the month brought: {money(line.amount)}."
    )
    return said


def _terms(line: Line, money: Any) -> list[str]:
    said = []
    if line.part != 1:
        said.append(f"{line.holder} owns {percent(line.part)}: {money(line.net * line.part)}.")
    if line.fee:
        said.append(f"The distribution fee takes {money(line.fee)}.")
    if line.expenses:
        said.append(f"Expenses that were laid out take back {money(line.expenses)}.")
    has = f"{line.holder} has {percent(line.rate)} of {money(line.base)}"
    said.append(f"By deal {line.deal} {has}: {money(line.amount)}.")
    return said
