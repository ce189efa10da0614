"""Second stage: what each holder has of what a title netted, by the terms of their deal; exact."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from attrs import define, evolve, field

from buddy_core.royalty.model.balances import DealBalance
from buddy_core.royalty.model.facts import Expense, Model
from buddy_core.royalty.model.months import PLATFORM
from buddy_core.royalty.model.statements import Line
from buddy_core.royalty.model.terms import Band, Basis, Counting, Deal, Escalator, Tiers
from buddy_core.royalty.rules.book import Book, Exchange, Problems
from buddy_core.royalty.rules.earned import NOTHING, Earned

ONE = Fraction(1)


@define
class Shared:
    """Lines of holders, the platform's, and where each deal stands afterwards."""

    lines: list[Line] = field(factory=list)
    platform: list[Line] = field(factory=list)
    deals: dict[str, DealBalance] = field(factory=dict)


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
            found.platform.append(_platform(row, None, row.net))
    laid_out: dict[str, int] = defaultdict(int)
    for expense in expenses:
        laid_out[expense.deal] += expense.amount
    for name in sorted(laid_out.keys() - rows.keys()):
        if name not in book.deals:
            problems.add(f"there are expenses of the deal {name}, which is not in the terms")
        else:
            rows[name] = []
    for name in sorted(rows):
        deal, balance = book.deals[name], before.get(name, _NEW)
        _check_currencies(deal, rows[name], balance, laid_out[name], problems)
        if laid_out[name]:
            balance = evolve(balance, laid_out=balance.laid_out + laid_out[name])
        taken, balance = _taken_back(deal, rows[name], balance, book, exchange)
        rates, balance = _tiered(deal, rows[name], balance, book, exchange)
        found.deals[name] = balance
        for row in rows[name]:
            _line(deal, row, taken, _rate(deal, row, rates, book, problems), found)
    for name, balance in before.items():
        found.deals.setdefault(name, balance)
    return found


_NEW = DealBalance()


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
            "account, whose currency it is done in"
        )


def _line(deal: Deal, row: Earned, taken: Fraction, rate: Fraction, found: Shared) -> None:
    """Add a holder's line, and the platform's for what it leaves; nothing is multiplied by one or zero."""
    part = row.part(deal)
    own = row.net if part == 1 else row.net * part
    fee = own * deal.fee if deal.fee else NOTHING
    after_fee = own - fee if fee else own
    expenses = after_fee * taken if taken else NOTHING
    base = after_fee - expenses if expenses else after_fee
    amount = base * rate
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
            row.inputs,
        )
    )
    if own != amount:
        found.platform.append(_platform(row, deal, own - amount))


def _taken_back(
    deal: Deal, rows: list[Earned], balance: DealBalance, book: Book, exchange: Exchange
) -> tuple[Fraction, DealBalance]:
    """Return what part of each row goes to expenses, and the balance after it."""
    limit = balance.laid_out if deal.expense_cap is None else min(balance.laid_out, deal.expense_cap)
    open_ = limit - balance.taken_back
    if open_ <= 0 and not balance.taken_back:
        return NOTHING, balance
    there = NOTHING
    for row in rows:
        currency = book.account_of(deal, row.currency).currency
        own = row.net * row.part(deal) * (1 - deal.fee)
        there += own * exchange.factor(row.currency, currency, f"expenses of the deal {deal.id}")
    if not there:
        return NOTHING, balance
    # What more came back than was earned gives back what it had paid of the expenses.
    taken = min(max(open_, NOTHING), there) if there > 0 else max(there, -balance.taken_back)
    return taken / there, evolve(balance, taken_back=balance.taken_back + taken)


def _tiered(
    deal: Deal, rows: list[Earned], balance: DealBalance, book: Book, exchange: Exchange
) -> tuple[dict[Model, Fraction], DealBalance]:
    """Return what the tiers of each model come to in this period, and the balance after it."""
    rates: dict[Model, Fraction] = {}
    counted: dict[Model, Fraction] = {}
    for model, tiers in deal.rates.items():
        if not isinstance(tiers, Tiers):
            continue
        total = NOTHING
        for row in rows:
            if row.model is not model:
                continue
            if tiers.basis is Basis.UNITS:
                total = total + row.units if total else row.units
                continue
            currency = book.account_of(deal, row.currency).currency
            amount = row.gross if tiers.basis is Basis.GROSS else row.net
            total += amount * exchange.factor(row.currency, currency, f"tiers of the deal {deal.id}")
        before = balance.counted.get(model, NOTHING) if tiers.counting is Counting.LIFE else NOTHING
        rates[model] = marginal_rate(tiers, before, total)
        if tiers.counting is Counting.LIFE:
            counted[model] = before + total
    if counted:
        balance = evolve(balance, counted={**balance.counted, **counted})
    return rates, balance


def marginal_rate(tiers: Tiers, before: Fraction, count: Fraction) -> Fraction:
    """Return the one rate that `count` more, after `before`, come to when each has the rate of its band.

    `sum over bands of what falls in the band x its rate / count`. Less than nothing takes back
    from the top down. Of nothing at all it is the rate of the last that was counted.
    """
    low, high = (before, before + count) if count >= 0 else (before + count, before)
    if low.denominator == 1 and high.denominator == 1:
        return _marginal(tiers.bands, low.numerator, high.numerator)
    return _marginal(tiers.bands, low, high)


def _marginal(bands: tuple[Band, ...], low: int | Fraction, high: int | Fraction) -> Fraction:
    if low == high:
        return next(band.rate for band in bands if band.up_to is None or low <= band.up_to)
    found = NOTHING
    for band in bands:
        if band.up_to is not None and band.up_to <= low:
            continue
        if band.over and band.over >= high:
            break
        # The first band reaches below zero: more may come back than was ever counted.
        start = low if not band.over or band.over < low else band.over
        end = high if band.up_to is None or band.up_to > high else band.up_to
        if start == low and end == high:
            return band.rate
        found += (end - start) * band.rate
    return found / (high - low)


def _rate(
    deal: Deal, row: Earned, rates: Mapping[Model, Fraction], book: Book, problems: Problems
) -> Fraction:
    rate = deal.rates.get(row.model)
    if rate is None:
        problems.add(f"deal {deal.id} has no rate for {row.model.value}; add one (0 is one too)")
        return NOTHING
    if isinstance(rate, Tiers):
        return rates[row.model]
    if isinstance(rate, Escalator):
        return rate.rate_at(row.at or book.period.start)
    return rate


def _platform(row: Earned, deal: Deal | None, amount: Fraction) -> Line:
    """Return the platform's line: what a deal leaves of its part, or all where there is none."""
    inputs: dict[str, Any] = dict(row.inputs)
    return Line(
        PLATFORM,
        row.title,
        row.territory,
        row.model,
        row.currency,
        deal.id if deal else None,
        row.net,
        row.part(deal) if deal else ONE,
        NOTHING,
        NOTHING,
        amount,
        ONE,
        amount,
        inputs,
    )
