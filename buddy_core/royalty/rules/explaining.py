"""A statement line in words that a film producer's accountant can check with a pocket calculator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from buddy_core.kernel.digits import fraction_from
from buddy_core.royalty.model.facts import Model
from buddy_core.royalty.model.months import PLATFORM
from buddy_core.royalty.model.statements import Line, Settlement
from buddy_core.royalty.model.waterfalls import Takes
from buddy_core.royalty.rules.wording import exact_text, money_text, percent_text

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
    "user_centric": "Each account's money is shared by that account's own seconds",
    "equal_per_subscriber": "Each account's money is shared equally over the holders it watched",
    "equal_per_title": "Each account's money is shared equally over the titles it watched",
}
Money = Callable[[Any], str]


def explain(line: Line) -> str:
    """Say in a few sentences where a line's amount comes from: every figure it is made of, and the rule."""

    def money(amount: Fraction | int | str) -> str:
        return money_text(_exactly(amount), line.currency)

    if line.adjusts:
        said = [_adjusted(line, money)]
    else:
        said = [_what(line, money(line.inputs.get("netted", line.net)), line.inputs, money)]
        if "netted" in line.inputs:
            left, waterfall = percent_text(_exactly(line.inputs["left"])), line.inputs["waterfall"]
            said.append(f"The steps of the waterfall {waterfall} leave {left} of that: {money(line.net)}.")
        if line.step:
            said += _step(line, money)
        else:
            said += _of_platform(line, money) if line.holder == PLATFORM else _terms(line, money)
    said.append(f"Rule {line.rules}; nothing was rounded here, the statement rounds once.")
    return " ".join(filter(None, said))


def _adjusted(line: Line, money: Money) -> str:
    inputs = line.inputs
    by = f" by deal {line.deal}" if line.deal else ""
    by = f" by the step {line.step} of the waterfall {inputs['waterfall']}" if line.step else by
    sold = _SOLD_AS.get(line.model, line.model.value)
    return (
        f"This adjusts {line.adjusts}, which was closed before all of it was known: "
        f"{line.title} in {line.territory}, by {sold}, had {money(inputs['was_of'])} then and has "
        f"{money(inputs['is_of'])} now, of which {line.holder} had "
        f"{money(inputs['was'])} and has {money(inputs['is'])}{by}: {money(line.amount)}."
    )


def explain_settlement(settlement: Settlement) -> str:
    """Say step by step how what was earned became what is paid."""
    said = [f"Account {settlement.account} of {settlement.holder}, in {settlement.currency}."]

    def money(amount: int) -> str:
        return money_text(amount, settlement.currency).rpartition(" ")[0]

    for step in settlement.steps:
        note = f" ({step.note})" if step.note else ""
        said.append(f"{step.name.capitalize()}{note}: {money(step.amount)}, leaves {money(step.left)}.")
    said.append(f"Paid: {money(settlement.payable)}.")
    return " ".join(said)


def _what(line: Line, net: str, inputs: Mapping[str, Any], money: Money) -> str:
    where = f"{line.title} in {line.territory}"
    if line.model is Model.TOKENS:
        return _of_tokens(where, net, inputs)
    if "method" in inputs:
        return _of_pool(where, net, inputs, money)
    if line.model is Model.ADS:
        measured = "seconds watched" if inputs["by"] == "watch" else "ads shown"
        return (
            f"{where} has {net} of the ads' {money(inputs['pool_net'])}: {_number(inputs['count'])} of "
            f"{_number(inputs['of'])} {measured}."
        )
    return _of_sales(line, where, net, inputs, money)


def _exactly(value: Fraction | int | str) -> Fraction:
    """Return a figure as it was worked out, or as a statement's final bytes have it."""
    return fraction_from(value) if isinstance(value, str) else Fraction(value)


def _number(value: Fraction | int | str) -> str:
    return exact_text(_exactly(value), 0)


def _of_tokens(where: str, net: str, inputs: Mapping[str, Any]) -> str:
    tokens = inputs["tokens"]
    verb = "were spent" if tokens >= 0 else "were given back"
    version = inputs["value_version"]
    return (
        f"{abs(tokens)} {inputs['kind']} tokens {verb} on {where}, worth {net} by value version {version}, "
        f"as stamped when they were spent{_given_back(inputs)}."
    )


def _given_back(inputs: Mapping[str, Any]) -> str:
    """Say of a refund in which month that was which it takes back."""
    return f" in {inputs['refund_of']}" if inputs.get("refund_of") else ""


def _of_sales(line: Line, where: str, net: str, inputs: Mapping[str, Any], money: Money) -> str:
    names = {
        "tax": "tax",
        "refund": "refunds",
        "chargeback": "chargebacks",
        "gateway_fee": "gateway fees",
    }
    amounts = {text: _exactly(inputs[name]) for name, text in names.items()}
    less = " and ".join(f"{money(amount)} {text}" for text, amount in amounts.items() if amount > 0)
    more = " and ".join(
        f"{money(-amount)} {text} that is no longer owed" for text, amount in amounts.items() if amount < 0
    )
    sold = f"{_SOLD_AS[line.model].capitalize()} of {where}"
    of = _given_back(inputs)
    if of:
        sold = f"Refunds of {_SOLD_AS[line.model]} of {where}{of}"
    out = ", ".join([*([f"less {less}"] if less else []), *([f"plus {more}"] if more else [])])
    return f"{sold} took {money(inputs['gross'])}{f', {out}: {net}' if out else ''}."


def _step(line: Line, money: Money) -> list[str]:
    """Say what a step of a waterfall has to date, and what part of each receipt of the month that makes."""
    inputs, said = line.inputs, []

    def to_date(name: str) -> str:
        return money_text(_exactly(inputs[name]), inputs["step_currency"])

    if line.part != 1:
        said.append(f"{percent_text(line.part)} of it are measured so: {money(line.base)}.")
    of = "what remains" if inputs["takes"] == Takes.PERCENT_OF_REMAINING.value else "all that is received"
    if "step_amount" in inputs:
        share = _exactly(inputs.get("percent", 100)) / 100
        takes = "" if share == 1 else f"{percent_text(share)} of "
        takes += to_date("step_amount")
    else:
        takes = f"{percent_text(_exactly(inputs['percent']) / 100)} of {of}"
        if "remained" in inputs:
            takes += f", {to_date('remained')} to date"
    if "step_cap" in inputs:
        takes += f", {to_date('step_cap')} at most"
    if "since" in inputs:
        takes += f", counted since {to_date('since')} was received, when the steps became what they are"
    if "taken_before" in inputs:
        takes += f", and had {to_date('taken_before')} before there was a waterfall here"
    said.append(
        f"The step {line.step} of the waterfall {inputs['waterfall']} takes {takes}, for {line.holder}: of "
        f"{to_date('received')} received to date it has {to_date('taken')}; before, of "
        f"{to_date('opening_received')}, it had {to_date('opening_taken')}. The difference makes "
        f"{percent_text(line.rate)} of what the month brought: {money(line.amount)}."
    )
    return said


def _of_pool(where: str, net: str, inputs: Mapping[str, Any], money: Money) -> str:
    pool = f"{where} has {net} of the pool {inputs['pool']}: {money(inputs['pool_net'])} after tax and fees."
    said = [pool, f"{_SHARED.get(inputs['method'], inputs['method'])}."]
    if "pool_part" in inputs:
        part = money(inputs["pool_part"])
        said.append(f"It was shared where its rows are ({inputs['pool_fact']}): {part} is its.")
    if "own" in inputs:
        many = inputs["accounts"]
        accounts = "1 account that watched it" if many == 1 else f"{many} accounts that watched it"
        own = money(inputs["own"])
        said.append(f"{accounts} paid {money(inputs['accounts_paid'])}; its parts of that come to {own}.")
    if "seconds" in inputs:
        seconds, of = _number(inputs["seconds"]), _number(inputs["pool_seconds"])
        counted = f"{seconds} of {of} counted seconds are its"
        if "to_all" in inputs:
            to_all = _exactly(inputs["to_all"])
            its = to_all * _exactly(inputs["seconds"]) / _exactly(inputs["pool_seconds"])
            counted = f"{money(to_all)} is shared by all seconds: {counted}, {money(its)}"
        said.append(f"{counted}.")
    return " ".join(said)


def _of_platform(line: Line, money: Money) -> list[str]:
    had = line.inputs.get("holder_has")
    if had is None:
        return [f"Of that {money(line.amount)} is the platform's."]
    of = f"{percent_text(line.part)} of it, " if line.part != 1 else ""
    return [
        f"Deal {line.deal} is about {of}{money(line.net * line.part)}; its holder has {money(had)}, and "
        f"{money(line.amount)} is the platform's."
    ]


def _terms(line: Line, money: Money) -> list[str]:
    said = []
    if line.part != 1:
        said.append(f"{line.holder} owns {percent_text(line.part)}: {money(line.net * line.part)}.")
    if line.fee:
        said.append(f"The distribution fee takes {money(line.fee)}.")
    said += _expenses(line, money)
    said += _tiers(line.inputs)
    has = f"{line.holder} has {percent_text(line.rate)} of {money(line.base)}"
    said.append(f"By deal {line.deal} {has}: {money(line.amount)}.")
    return said


def told_inputs(inputs: Mapping[str, Any]) -> dict[str, str]:
    """Return what tiers, expenses and rates of exchange were worked out from, as a person reads it.

    Bands are one text each, in the order of their names; money is in its own currency.
    """
    found: dict[str, str] = {}
    if "expenses_now" in inputs:
        for name in _LAID_OUT:
            if name in inputs:
                found[name] = money_text(_exactly(inputs[name]), inputs["expenses_currency"])
    if "tier_now" in inputs:
        count = _count(inputs)
        found["tier_basis"], found["tier_counting"] = inputs["tier_basis"], inputs["tier_counting"]
        if inputs["tier_counting"] == "life":
            found["tier_before"] = count(inputs["tier_before"])
        found["tier_now"] = count(inputs["tier_now"])
        found |= _bands(inputs, count)
    if rate := _exchanged(inputs):
        found["fx"] = rate
    return found


_LAID_OUT = ("expenses_laid_out", "expenses_cap", "expenses_before", "expenses_from", "expenses_now")


def _count(inputs: Mapping[str, Any]) -> Money:
    """Return how what tiers count is written: as units, or as money of their currency."""
    currency = inputs.get("tier_currency", "")
    return lambda value: money_text(_exactly(value), currency) if currency else _number(value)


def _bands(inputs: Mapping[str, Any], count: Money) -> dict[str, str]:
    found: dict[str, str] = {}
    for number in sorted({int(name.split("_")[1]) for name in inputs if name.startswith("band_")}):
        over, up_to = inputs[f"band_{number}_over"], inputs.get(f"band_{number}_up_to")
        end = "" if up_to is None else f" up to {count(up_to)}"
        rate = percent_text(_exactly(inputs[f"band_{number}_rate"]))
        found[f"band_{number}"] = (
            f"{count(inputs[f'band_{number}_counted'])} at {rate} (over {count(over)}{end})"
        )
    return found


def _exchanged(inputs: Mapping[str, Any]) -> str:
    if "fx_rate" not in inputs:
        return ""
    rate, when = exact_text(_exactly(inputs["fx_rate"]), 0), inputs["fx_at"]
    return f"1 {inputs['fx_base']} = {rate} {inputs['fx_quote']} ({inputs['fx_source']}, {when})"


def _expenses(line: Line, money: Money) -> list[str]:
    if "expenses_now" not in line.inputs:
        return [f"Expenses that were laid out take back {money(line.expenses)}."] if line.expenses else []
    told = told_inputs(line.inputs)
    cap = f", of which {told['expenses_cap']} may be taken back" if "expenses_cap" in told else ""
    said = (
        f"Expenses of {told['expenses_laid_out']} were laid out so far{cap}; {told['expenses_before']} was "
        f"taken back before, and {told['expenses_now']} is now, from the {told['expenses_from']} that the "
        f"deal has after its fee: here {money(line.expenses)}."
    )
    return [said, *([f"{told['fx']}."] if "fx" in told else [])]


def _tiers(inputs: Mapping[str, Any]) -> list[str]:
    """Say what tiers counted, what of it is in which band, and what that comes to."""
    if "tier_now" not in inputs:
        return []
    told, bands = told_inputs(inputs), _bands(inputs, _count(inputs))
    is_life = inputs["tier_counting"] == "life"
    since = "over the life of the deal" if is_life else "in each period anew"
    before = f"{told['tier_before']} before and " if is_life else ""
    said = (
        f"Its tiers count {inputs['tier_basis']} {since}: {before}{told['tier_now']} now, of which "
        f"{' and '.join(bands.values())}; all of that over {told['tier_now']} is the rate."
    )
    return [said, *([f"{told['fx']}."] if "fx" in told and "expenses_now" not in inputs else [])]
