"""First stage: from facts to what each title netted, by country and model, before anybody's part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from attrs import define, field

from buddy_core.kernel.periods import month_of
from buddy_core.kernel.rounding import exact_sum
from buddy_core.royalty.model.facts import (
    Facts,
    Model,
    Paid,
    Sale,
    TokenUse,
)
from buddy_core.royalty.model.months import Month
from buddy_core.royalty.model.statements import Fund
from buddy_core.royalty.model.terms import Deal, Terms
from buddy_core.royalty.rules.book import Book, Problems
from buddy_core.royalty.rules.checking import check_facts, check_plans
from buddy_core.royalty.rules.earned import Attributed, Earned, dated, ids_of
from buddy_core.royalty.rules.pooling import share_ads, share_subscriptions


def attribute(
    month: Month,
    terms: Terms,
    facts: Facts,
    book: Book,
    brought: Mapping[str, Fraction],
    problems: Problems,
) -> Attributed:
    """Attribute a period's money to titles; `brought` is what pools have from the period before.

    The order of facts makes no difference, nor does a fact given in two halves.
    """
    found = Attributed()
    check_facts(month, facts, problems)
    check_plans(terms, facts, problems)
    for title in {row.title for row in facts.watch} | {row.title for row in facts.impressions}:
        book.check_known(title)
    _sales(month, facts.sales, book, found)
    _tokens(month, terms, facts, book, found)
    share_subscriptions(terms, facts, book, brought, found, problems)
    share_ads(terms, facts, book, found, problems)
    return found


@define
class _Money:
    """Money as it is added up; a Paid would check its figures anew with each addition."""

    gross: int = 0
    tax: int = 0
    refund: int = 0
    chargeback: int = 0
    fee: int = 0

    def add(self, more: Paid | _Money) -> None:
        """Add money of the same currency."""
        self.gross += more.gross
        self.tax += more.tax
        self.refund += more.refund
        self.chargeback += more.chargeback
        self.fee += more.fee

    def paid(self) -> Paid:
        """Return what it has come to."""
        return Paid(self.gross, self.tax, self.refund, self.chargeback, self.fee)


@define
class _Sold:
    """Sales that share a line: the first of them, under which deals and rates, and all added up."""

    sale: Sale
    deals: tuple[Deal, ...]
    since: datetime | None
    of: str
    money: _Money = field(factory=_Money)
    units: int = 0


def _sales(month: Month, sales: Iterable[Sale], book: Book, found: Attributed) -> None:
    lines: dict[tuple[Any, ...], _Sold] = {}
    for sale in sales:
        at = sale.terms_at
        deals = book.deals_at(sale.title, sale.territory, at)
        since = dated(deals, sale.model, at)
        of = "" if sale.sold_at is None else month_of(sale.sold_at, month.zone)
        key = (sale.title, sale.territory, sale.model, sale.currency, ids_of(deals), since, of)
        sold = lines.get(key)
        if sold is None:
            sold = lines[key] = _Sold(sale, deals, since, of)
        sold.money.add(sale.paid)
        sold.units += sale.units
    totals: dict[str, _Money] = defaultdict(_Money)
    for sold in lines.values():
        totals[sold.sale.currency].add(sold.money)
        found.earned.append(_of_sales(sold))
    for currency, total in totals.items():
        found.flows[currency] += total.paid()


def _of_sales(sold: _Sold) -> Earned:
    sale, money = sold.sale, sold.money
    inputs: dict[str, Any] = {
        "gross": money.gross,
        "tax": money.tax,
        "refund": money.refund,
        "chargeback": money.chargeback,
        "gateway_fee": money.fee,
    }
    if sold.of:
        inputs["refund_of"] = sold.of
    kept = money.gross - money.refund - money.chargeback
    return Earned(
        sale.title,
        sale.territory,
        sale.model,
        sale.currency,
        sold.since or sale.terms_at,
        sold.deals,
        Fraction(sold.units),
        Fraction(kept),
        Fraction(kept - money.tax - money.fee),
        inputs,
    )


@define
class _Spent:
    """Spends that share a line: the first of them, under which deals and rates, and all of them."""

    use: TokenUse
    deals: tuple[Deal, ...]
    since: datetime | None
    of: str
    tokens: int = 0
    values: list[Fraction] = field(factory=list)


def _tokens(month: Month, terms: Terms, facts: Facts, book: Book, found: Attributed) -> None:
    lines: dict[tuple[Any, ...], _Spent] = {}
    for use in facts.tokens:
        at = use.terms_at
        deals = book.deals_at(use.title, use.territory, at)
        of = "" if use.spent_at is None else month_of(use.spent_at, month.zone)
        since = dated(deals, Model.TOKENS, at)
        key = (use.title, use.territory, use.kind, use.version, use.currency, ids_of(deals), since, of)
        spent = lines.get(key)
        if spent is None:
            spent = lines[key] = _Spent(use, deals, since, of)
        spent.tokens += use.tokens
        spent.values.append(use.value)
    attributed: dict[str, Fraction] = defaultdict(Fraction)
    for spent in lines.values():
        earned = _of_spends(spent)
        found.earned.append(earned)
        if spent.use.kind in terms.fund_kinds:
            attributed[earned.currency] += earned.net
        else:
            found.stamped[earned.currency] += earned.net
    paid_in: dict[str, Paid] = defaultdict(Paid)
    for revenue in facts.ads:
        if revenue.is_rewarded:
            paid_in[revenue.currency] += revenue.paid
            found.flows[revenue.currency] += revenue.paid
    for currency in attributed.keys() | paid_in.keys():
        net, worth = paid_in[currency].net, attributed[currency]
        found.funds[currency] = Fund(net, worth, net - worth)


def _of_spends(spent: _Spent) -> Earned:
    use, value = spent.use, exact_sum(spent.values)
    inputs: dict[str, Any] = {
        "kind": use.kind,
        "value_version": use.version,
        "tokens": spent.tokens,
        "value": value,
    }
    if spent.of:
        inputs["refund_of"] = spent.of
    return Earned(
        use.title,
        use.territory,
        Model.TOKENS,
        use.currency,
        spent.since or use.terms_at,
        spent.deals,
        Fraction(spent.tokens),
        value,
        value,
        inputs,
    )
