"""A result as files: canonical JSON, CSV that adds up to what the bank pays, and a page to read."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from buddy_core.kernel.currencies import minor_digits
from buddy_core.kernel.digits import fraction_text
from buddy_core.kernel.rounding import Rounding, round_fraction
from buddy_core.royalty.model.balances import Balances, WaterfallBalance
from buddy_core.royalty.model.facts import Facts
from buddy_core.royalty.model.months import Month
from buddy_core.royalty.model.statements import (
    Fund,
    HolderStatement,
    Line,
    PeriodReconciliation,
    PeriodResult,
    PoolReport,
    Settlement,
)
from buddy_core.royalty.model.terms import Terms
from buddy_core.royalty.rules.book import own_account
from buddy_core.royalty.rules.explaining import explain, explain_settlement
from buddy_core.royalty.rules.files.forms import (
    CLOSING,
    FACTS,
    RESULT,
    TERMS,
    Closing,
    Stated,
    WholeTerms,
    schema_of,
)
from buddy_core.royalty.rules.simulating import Simulation
from buddy_core.royalty.rules.wording import money_text, rate_text

COLUMNS = (
    "row",
    "holder",
    "currency",
    "account",
    "title",
    "territory",
    "model",
    "deal",
    "adjusts",
    "net",
    "part",
    "fee",
    "expenses",
    "base",
    "rate",
    "amount",
    "about",
    "step",
    "minor",
    "left",
    "earned",
    "recouped",
    "withheld",
    "payable",
    "note",
    "inputs",
    "rules",
)
"""Columns of the CSV of statements; `docs/royalty-calculator.md` says what each row has of them."""
RECONCILED = (
    "currency",
    "gross",
    "stamped",
    "brought",
    "rounding",
    "tax",
    "refunds",
    "chargebacks",
    "fees",
    "holders",
    "platform",
    "fund",
    "carried",
    "residual",
)
"""Columns of the CSV of the reconciliation: those up to `rounding` came in, the others went out."""
TOLD = ("fund_in", "fund_attributed", "note")
"""Further columns of it: what `fund` is the difference of, and what was unusual in pools."""
NOTHING = Fraction(0)


def json_text(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, two blanks a level, and a line end at the end."""
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False) + "\n"


def result_json(month: Month, result: PeriodResult) -> str:
    """Return a result as JSON; the same result gives the same bytes."""
    return json_text(RESULT.write(Stated(month, result)))


def closing_json(month: Month, result: PeriodResult) -> str:
    """Return what is carried to the next month as JSON."""
    return json_text(CLOSING.write(Closing(month.name, month.entity, result.balances)))


def terms_json(month: Month, terms: Terms, before: Closing | None = None) -> str:
    """Return terms as the JSON that they are read from."""
    return json_text(TERMS.write(WholeTerms(month, terms, before)))


def facts_json(facts: Facts) -> str:
    """Return facts as the JSON that they are read from."""
    return json_text(FACTS.write(facts))


def schema_json(name: str) -> str:
    """Return the JSON Schema of `terms`, `facts`, `result` or `closing`."""
    return json.dumps(schema_of(name), ensure_ascii=False, indent=2) + "\n"


def of_holder(result: PeriodResult, terms: Terms, holder: str) -> PeriodResult:
    """Return what of a result may be sent to one holder: no figure of another, nor of the platform.

    Its closing balances are those of the holder's accounts and deals.
    """
    statements = tuple(item for item in result.statements if item.holder == holder)
    accounts = {item.account for statement in statements for item in statement.settlements}
    deals = {deal.id for deal in terms.deals if deal.holder == holder}
    deals |= {line.deal for statement in statements for line in statement.lines if line.deal}
    balances = Balances(
        {name: value for name, value in result.balances.accounts.items() if name in accounts},
        {name: value for name, value in result.balances.deals.items() if name in deals},
    )
    return PeriodResult(statements, (), (), {}, (), balances)


def statements_csv(result: PeriodResult, terms: Terms, holder: str | None = None) -> str:
    """Return statements as CSV, of all holders or of one: lines, rounding, and each account step by step.

    Of each holder and currency, `amount` of the rows `line` and `rounding` add up to `minor` of the
    rows `earned`; of each account, `left` of the rows `earned` is the sum of its step `earned`, and
    `minor` of the rows `step` adds up to `payable` of the row `account`: what the bank pays.
    """
    wanted = (item for item in result.statements if holder is None or item.holder == holder)
    return statement_csv(wanted, terms)


def statement_csv(statements: Iterable[HolderStatement], terms: Terms) -> str:
    """Return such a CSV of statements that were kept, by the terms of their month.

    It adds up to the bank where all currencies of a holder's month are in it.
    """
    return _csv(COLUMNS, (row for statement in statements for row in _rows(statement, terms)))


def reconciliation_csv(result: PeriodResult) -> str:
    """Return the reconciliation as CSV, a row a currency."""
    return _csv((*RECONCILED, *TOLD), (_reconciled_row(item, result) for item in result.reconciliations))


def _reconciled_row(item: PeriodReconciliation, result: PeriodResult) -> dict[str, Any]:
    fund = result.funds.get(item.currency)
    told = {} if fund is None else {"fund_in": fund.paid_in, "fund_attributed": _cell(fund.attributed)}
    note = " ".join(_pool_notes(item.currency, result.pools))
    return {name: _cell(getattr(item, name)) for name in RECONCILED} | told | {"note": _safe(note)}


def _pool_notes(currency: str, pools: Iterable[PoolReport]) -> list[str]:
    return [f"Pool {pool.name}: {pool.note}." for pool in pools if pool.note and pool.currency == currency]


def result_files(month: Month, terms: Terms, result: PeriodResult) -> Mapping[str, str]:
    """Return every file of a result by its name."""
    return {
        "result.json": result_json(month, result),
        "closing.json": closing_json(month, result),
        "statements.csv": statements_csv(result, terms),
        "reconciliation.csv": reconciliation_csv(result),
        "statements.txt": statements_text(month, result, is_explained=True),
    }


def statements_text(
    month: Month, result: PeriodResult, is_explained: bool = False, holder: str | None = None
) -> str:
    """Return a page to read: what each holder is paid, from what, and where everything went."""
    said = [f"{month.name}, {month.entity} ({month.zone})"]
    for statement in result.statements:
        if holder is None or statement.holder == holder:
            said += ["", *_statement_text(statement, is_explained)]
    if holder is None:
        for item in result.reconciliations:
            said += ["", *_reconciled_text(item, result.funds.get(item.currency))]
            said += [f"  {note}" for note in _pool_notes(item.currency, result.pools)]
        for name, balance in result.balances.waterfalls.items():
            said += ["", *_waterfall_text(name, balance)]
    return "\n".join(said) + "\n"


def simulation_text(simulation: Simulation) -> str:
    """Return who would have more or less of what, by holder and title, and the sum of each holder."""
    said: list[str] = []
    sums: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for item in simulation.differences:
        sums[item.holder, item.currency] += item.change
        now, then = (_money(amount, item.currency) for amount in (item.now, item.then))
        change = _money(item.change, item.currency)
        said.append(f"{item.holder}, {item.title}: {now} now, {then} then, {change}")
    if not said:
        return "Nobody would have more or less.\n"
    said.append("")
    said += [f"{holder}: {_money(amount, currency)}" for (holder, currency), amount in sums.items()]
    return "\n".join(said) + "\n"


def _rows(statement: HolderStatement, terms: Terms) -> Iterator[dict[str, Any]]:
    whose = {"holder": _safe(statement.holder), "currency": statement.currency}
    accounts: dict[tuple[str | None, ...], str | None] = {(deal.id,): deal.account for deal in terms.deals}
    for waterfall in terms.waterfalls:
        accounts |= {(waterfall.id, step.name, step.taker): step.account for step in waterfall.steps}
    for line in statement.lines:
        yield {"row": "line", **whose, **_line(line), "account": _safe(_account(line, accounts))}
    if statement.lines:
        yield {"row": "rounding", **whose, "amount": _cell(statement.rounding)}
        for share in statement.shares:
            cells = {
                "account": _safe(share.account),
                "adjusts": share.adjusts,
                "rate": _cell(share.rate),
                "minor": share.minor,
                "left": share.amount,
                "note": "" if share.fx is None else _safe(rate_text(share.fx)),
            }
            yield {"row": "earned", **whose, **cells}
    for item in statement.settlements:
        for step in item.steps:
            cells = {"account": _safe(item.account), "step": _safe(step.name), "note": _safe(step.note)}
            yield {"row": "step", **whose, **cells, "minor": step.amount, "left": step.left}
        yield {
            "row": "account",
            **whose,
            "account": _safe(item.account),
            "earned": item.earned,
            "recouped": item.closing.recouped - item.opening.recouped,
            "withheld": item.withheld,
            "payable": item.payable,
        }


def _line(line: Line) -> dict[str, Any]:
    inputs = {name: _cell(value) for name, value in line.inputs.items()}
    cells = {
        name: _cell(getattr(line, name))
        for name in ("net", "part", "fee", "expenses", "base", "rate", "amount")
    }
    return {
        **cells,
        "about": _decimal(line.amount, 6),
        "title": _safe(line.title),
        "territory": line.territory,
        "model": line.model.value,
        "deal": _safe(line.deal or ""),
        "step": _safe(line.step),
        "adjusts": line.adjusts,
        "inputs": json.dumps(inputs, ensure_ascii=False, sort_keys=True),
        "rules": line.rules,
    }


def _account(line: Line, accounts: Mapping[tuple[str | None, ...], str | None]) -> str:
    key = (line.inputs["waterfall"], line.step, line.holder) if line.step else (line.deal,)
    return accounts.get(key) or own_account(line.holder, line.currency).id


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    """Return a figure as it stands in CSV: exact, and a whole number where it is one."""
    return fraction_text(value).removesuffix("/1") if isinstance(value, Fraction) else value


def _safe(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: an apostrophe goes before it."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "'") else text


def _decimal(value: Fraction, digits: int) -> str:
    """Write a figure with so many digits after the point, rounded half up: to read, never to sum."""
    whole = round_fraction(abs(value) * 10**digits, Rounding.HALF_UP)
    sign = "-" if value < 0 and whole else ""
    text = f"{whole:0{digits + 1}d}"
    return f"{sign}{text[: len(text) - digits]}{'.' if digits else ''}{text[len(text) - digits :]}"


def _money(amount: Fraction | int, currency: str) -> str:
    digits = minor_digits(currency)
    return f"{currency} {_decimal(Fraction(amount) / 10**digits, digits)}"


def _statement_text(statement: HolderStatement, is_explained: bool) -> list[str]:
    said = [f"{statement.holder}, {statement.currency}"]
    for line in statement.lines:
        name = " ".join(filter(None, (line.title, line.territory, line.model.value, line.plan or line.kind)))
        notes = [line.step, line.refund_of and f"back of {line.refund_of}"]
        notes.append(line.adjusts and f"adjusts {line.adjusts}")
        name += "".join(f" ({note})" for note in notes if note)
        said.append(f"  {name:<48}{_money(line.amount, line.currency):>20}")
        if is_explained:
            said.append(f"    {explain(line)}")
    if statement.lines:
        said.append(f"  {'earned, rounded once':<48}{_money(statement.earned, statement.currency):>20}")
    for item in statement.settlements:
        said += _settlement_text(item, is_explained)
    return said


def _waterfall_text(name: str, balance: WaterfallBalance) -> list[str]:
    """Say where a waterfall stands to date: what came in, each step in order, and what they leave."""
    left = balance.received - sum(balance.taken.values(), Fraction(0))
    rows = [("received", balance.received), *((step, -taken) for step, taken in balance.taken.items())]
    rows.append(("left for the deals", left))
    about = "" if name == balance.title else f" of {balance.title}"
    return [
        f"Waterfall {name}{about} to date, {balance.currency}",
        *(f"  {text:<48}{_money(amount, balance.currency):>20}" for text, amount in rows),
    ]


def _settlement_text(item: Settlement, is_explained: bool) -> list[str]:
    said = [f"  account {item.account}"]
    for step in item.steps:
        note, amount = f" ({step.note})" if step.note else "", _money(step.amount, item.currency)
        is_short = len(step.name + note) < _WIDTH
        said.append(f"    {step.name + (note if is_short else ''):<{_WIDTH}}{amount:>20}")
        said += [] if is_short else [f"     {note}"]
    said.append(f"    {'paid':<46}{_money(item.payable, item.currency):>20}")
    if is_explained:
        said.append(f"    {explain_settlement(item)}")
    return said


_WIDTH = 46
_OUT = (
    ("tax", "tax"),
    ("refunds", "refunds"),
    ("chargebacks", "chargebacks"),
    ("fees", "gateway fees"),
    ("holders", "to holders"),
    ("platform", "to the platform"),
    ("fund", "to the token fund"),
    ("carried", "carried to the next month's pools"),
)
_FROM_FUND = "deficit of the token fund, put in by the platform"


def _reconciled_text(item: PeriodReconciliation, fund: Fund | None) -> list[str]:
    came = [("gross", "came in"), ("stamped", "tokens that were paid for"), ("brought", "brought forward")]
    said = [f"Where all {item.currency} went"]
    for names, sign in ((came, 1), ([("rounding", "rounding")], 1), (_OUT, -1)):
        for name, text in names:
            amount = getattr(item, name)
            if name == "fund" and amount < 0:
                text = _FROM_FUND
            if amount:
                said.append(f"  {text:<48}{_money(sign * amount, item.currency):>20}")
    said.append(f"  {'left over':<48}{_money(item.residual, item.currency):>20}")
    return said if fund is None else [*said, _fund_text(fund, item.currency)]


def _fund_text(fund: Fund, currency: str) -> str:
    result = "deficit" if fund.result < 0 else "surplus"
    amounts = (fund.paid_in, fund.attributed, fund.result)
    came, worth, left = (money_text(amount, currency) for amount in amounts)
    return f"  Token fund: {came} in, less {worth} of value attributed, is a {result} of {left}."
