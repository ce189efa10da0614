"""Second stage: what each holder has of what a title netted, by the terms of their deal; exact."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import lcm

from attrs import define, evolve, field

from buddy_core.kernel.rounding import exact_sum
from buddy_core.royalty.errors import about
from buddy_core.royalty.model.balances import DealBalance, WaterfallBalance
from buddy_core.royalty.model.facts import Expense, Model
from buddy_core.royalty.model.months import PLATFORM
from buddy_core.royalty.model.statements import Line
from buddy_core.royalty.model.terms import Band, Basis, Counting, Deal, Escalator, Tiers
from buddy_core.royalty.rules.book import Book, Exchange, Problems
from buddy_core.royalty.rules.earned import NOTHING, Earned, parted, times
from buddy_core.royalty.rules.worked import Inputs, of_expenses, of_rate, of_tiers, plain

ONE = Fraction(1)


@define
class Shared:
    """Lines of holders, the platform's, and where each deal and waterfall stands afterwards."""

    lines: list[Line] = field(factory=list)
    platform: list[Line] = field(factory=list)
    deals: dict[str, DealBalance] = field(factory=dict)
    waterfalls: dict[str, WaterfallBalance] = field(factory=dict)


def share(
    earned: Iterable[Earned],
    expenses: Iterable[Expense],
    before: Mapping[str, DealBalance],
    book: Book,
    exchange: Exchange,
    problems: Problems,
) -> Shared:
    """Share what titles netted by their deals, each deal's rows together."""
    found = Shared()
    rows: dict[str, list[Earned]] = defaultdict(list)
    for row in earned:
        for deal in row.deals:
            rows[deal.id].append(row)
        if not row.deals:
            found.platform.append(_platform(row, None, ONE, row.net))
    laid_out: dict[str, int] = defaultdict(int)
    for expense in expenses:
        laid_out[expense.deal] += expense.amount
    for name in sorted(laid_out.keys() - rows.keys()):
        if name not in book.deals:
            problems.add(
                f"there are expenses of the deal {name}, which is not in the terms",
                about("expenses", deal=name),
            )
        else:
            rows[name] = []
    for name in sorted(rows):
        deal, balance, its = book.deals[name], before.get(name, _NEW), rows[name]
        spent = laid_out.get(name, 0)
        _check_currencies(deal, its, balance, spent, problems)
        if spent:
            balance = evolve(balance, laid_out=balance.laid_out + spent)
        taken, laid, balance = _taken_back(deal, its, balance, book, exchange)
        rates, counts, balance = _tiered(deal, its, balance, book, exchange)
        found.deals[name] = balance
        for row in its:
            inputs = _inputs(deal, row, laid, counts.get(row.model, _NO_INPUTS), book, exchange)
            _line(deal, row, taken, _rate(deal, row, rates, book, problems), inputs, found)
    for name, balance in before.items():
        found.deals.setdefault(name, balance)
    return found


_NEW = DealBalance()
_NO_INPUTS: Inputs = {}


def _inputs(deal: Deal, row: Earned, laid: Inputs, counts: Inputs, book: Book, exchange: Exchange) -> Inputs:
    """Return all that a line is worked out from: its net, its expenses, its tiers, its rate of exchange."""
    if not laid and not counts:
        return row.inputs
    found = {**row.inputs, **laid, **counts}
    if laid or "tier_currency" in counts:
        found.update(of_rate(exchange.stamped(row.currency, book.account_of(deal, row.currency).currency)))
    return found


def _check_currencies(
    deal: Deal, rows: list[Earned], balance: DealBalance, laid_out: int, problems: Problems
) -> None:
    """Note a deal that counts or takes back several currencies, and names no account to say in which."""
    if deal.account is not None or len({row.currency for row in rows}) < 2:
        return
    counts = [
        rate for rate in deal.rates.values() if isinstance(rate, Tiers) and rate.basis is not Basis.UNITS
    ]
    if counts or laid_out or balance.laid_out:
        problems.add(
            f"deal {deal.id} has money of several currencies, and counts or takes back money; name an "
            "account, whose currency it is done in",
            about("deals", id=deal.id),
        )


def _line(deal: Deal, row: Earned, taken: Fraction, rate: Fraction, inputs: Inputs, found: Shared) -> None:
    """Add a holder's line, and the platform's for what it leaves; nothing is multiplied by one or zero."""
    part = row.part(deal)
    own = row.net if part == 1 else times(row.net, part)
    fee, after_fee = parted(own, deal.fee) if deal.fee else (NOTHING, own)
    expenses, base = parted(after_fee, taken) if taken else (NOTHING, after_fee)
    amount, left = parted(base, rate)
    found.lines.append(
        Line(
            deal.holder,
            row.title,
            row.territory,
            row.model,
            row.currency,
            deal.id,
            row.net,
            part,
            fee,
            expenses,
            base,
            rate,
            amount,
            inputs,
        )
    )
    if base is not own:
        left = own - amount
    if left:
        found.platform.append(_platform(row, deal, part, left, amount))


def _taken_back(
    deal: Deal, rows: list[Earned], balance: DealBalance, book: Book, exchange: Exchange
) -> tuple[Fraction, Inputs, DealBalance]:
    """Return what part of each row goes to expenses, how that was worked out, and the balance after it."""
    if not balance.laid_out and not balance.taken_back:
        return NOTHING, _NO_INPUTS, balance
    limit = balance.laid_out if deal.expense_cap is None else min(balance.laid_out, deal.expense_cap)
    open_ = limit - balance.taken_back
    if open_ <= 0 and not balance.taken_back:
        return NOTHING, _NO_INPUTS, balance
    there, currency, of = NOTHING, "", about("deals", id=deal.id)
    for row in rows:
        currency = book.account_of(deal, row.currency).currency
        own = row.net * row.part(deal) * (1 - deal.fee)
        there += own * exchange.factor(row.currency, currency, f"expenses of the deal {deal.id}", of)
    if not there:
        return NOTHING, _NO_INPUTS, balance
    # What more came back than was earned gives back what it had paid of the expenses.
    taken = min(max(open_, NOTHING), there) if there > 0 else max(there, -balance.taken_back)
    inputs = of_expenses(deal, balance, taken, there, currency)
    return taken / there, inputs, evolve(balance, taken_back=balance.taken_back + taken)


def _tiered(
    deal: Deal, rows: list[Earned], balance: DealBalance, book: Book, exchange: Exchange
) -> tuple[dict[Model, Fraction], dict[Model, Inputs], DealBalance]:
    """Return what the tiers of each model come to in this period, of what, and the balance after it."""
    rates: dict[Model, Fraction] = {}
    inputs: dict[Model, Inputs] = {}
    counted: dict[Model, Fraction] = {}
    for model, tiers in deal.rates.items():
        if not isinstance(tiers, Tiers):
            continue
        its = [row for row in rows if row.model is model]
        total = _counted(deal, tiers, its, book, exchange)
        before = balance.counted.get(model, NOTHING) if tiers.counting is Counting.LIFE else NOTHING
        rates[model] = marginal_rate(tiers, before, total)
        if its:
            inputs[model] = of_tiers(tiers, before, total, book.account_of(deal, its[0].currency).currency)
        if tiers.counting is Counting.LIFE:
            counted[model] = before + total if before else total
    if counted:
        # As `evolve` would, which looks every field up by name: this is done for every deal.
        balance = DealBalance({**balance.counted, **counted}, balance.laid_out, balance.taken_back)
    return rates, inputs, balance


def _counted(deal: Deal, tiers: Tiers, rows: list[Earned], book: Book, exchange: Exchange) -> Fraction:
    """Return what tiers count of rows: units, or money in the currency of the deal's account."""
    if tiers.basis is Basis.UNITS:
        return rows[0].units if len(rows) == 1 else exact_sum(row.units for row in rows)
    amounts: dict[str, list[Fraction]] = defaultdict(list)
    for row in rows:
        amounts[row.currency].append(row.gross if tiers.basis is Basis.GROSS else row.net)
    total = NOTHING
    for currency, those in amounts.items():
        to = book.account_of(deal, currency).currency
        total += exact_sum(those) * exchange.factor(
            currency, to, f"tiers of the deal {deal.id}", about("deals", id=deal.id)
        )
    return total


def marginal_rate(tiers: Tiers, before: Fraction, count: Fraction) -> Fraction:
    """Return the one rate that `count` more, after `before`, come to when each has the rate of its band.

    `sum over bands of what falls in the band x its rate / count`. Less than nothing takes back
    from the top down. Of nothing at all it is the rate of the last that was counted.
    """
    # Counted in whole steps of one `unit`-th, so that no Fraction is made on the way.
    unit = lcm(before.denominator, count.denominator)
    start = before.numerator * (unit // before.denominator)
    end = start + count.numerator * (unit // count.denominator)
    low, high = (start, end) if start < end else (end, start)
    return _marginal(tiers.bands, low, high, unit)


def _marginal(bands: tuple[Band, ...], low: int, high: int, unit: int) -> Fraction:
    if low == high:
        return next(band.rate for band in bands if band.up_to is None or low <= band.up_to * unit)
    found, below = 0, 1
    for band in bands:
        over, up_to = band.over * unit, high if band.up_to is None else band.up_to * unit
        if up_to <= low:
            continue
        if over and over >= high:
            break
        # The first band reaches below zero: more may come back than was ever counted.
        start = over if over and over > low else low
        end = up_to if up_to < high else high
        if start == low and end == high:
            return band.rate
        above, of = band.rate.as_integer_ratio()
        if below % of:
            whole = lcm(below, of)
            found, below = found * (whole // below), whole
        found += (end - start) * above * (below // of)
    return Fraction(found, below * (high - low))


def _rate(
    deal: Deal, row: Earned, rates: Mapping[Model, Fraction], book: Book, problems: Problems
) -> Fraction:
    tiered = rates.get(row.model)
    if tiered is not None:
        return tiered
    rate = deal.rates.get(row.model)
    if rate is None:
        problems.add(
            f"deal {deal.id} has no rate for {row.model.value}; add one (0 is one too)",
            about("deals", id=deal.id),
        )
        return NOTHING
    if isinstance(rate, Escalator):
        return rate.rate_at(row.at or book.period.start)
    assert not isinstance(rate, Tiers), "what tiers come to is among the rates"
    return rate


def _platform(
    row: Earned, deal: Deal | None, part: Fraction, amount: Fraction, theirs: Fraction = NOTHING
) -> Line:
    """Return the platform's line: what a deal leaves of its part, or all where there is none."""
    # `net` x `part` - what the holder has is what the platform has.
    inputs = {**row.inputs, "holder_has": plain(theirs)} if theirs else row.inputs
    return Line(
        PLATFORM,
        row.title,
        row.territory,
        row.model,
        row.currency,
        deal.id if deal else None,
        row.net,
        part,
        NOTHING,
        NOTHING,
        amount,
        ONE,
        amount,
        inputs,
    )
