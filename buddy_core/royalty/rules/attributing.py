"""First stage: from facts to what each title netted, by country and model, before anybody's part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from buddy_core.kernel.periods import month_of
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
from buddy_core.royalty.rules.checking import check_facts
from buddy_core.royalty.rules.earned import NOTHING, Attributed, Earned, dated, ids_of
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
    _sales(month, facts.sales, book, found)
    _tokens(month, terms, facts, book, found)
    share_subscriptions(terms, facts, book, brought, found, problems)
    share_ads(terms, facts, book, found, problems)
    return found


def _sales(month: Month, sales: Iterable[Sale], book: Book, found: Attributed) -> None:
    paid: dict[tuple[Any, ...], list[int]] = {}
    keys: dict[tuple[Any, ...], tuple[Sale, tuple[Deal, ...], str]] = {}
    for sale in sales:
        deals = book.deals_at(sale.title, sale.territory, sale.terms_at)
        of = "" if sale.sold_at is None else month_of(sale.sold_at, month.zone)
        key = (
            sale.title,
            sale.territory,
            sale.model,
            sale.currency,
            ids_of(deals),
            dated(deals, sale.model, sale.terms_at),
            of,
        )
        keys.setdefault(key, (sale, deals, of))
        money, sums = sale.paid, paid.setdefault(key, [0, 0, 0, 0, 0, 0])
        for place, amount in enumerate(
            (money.gross, money.tax, money.refund, money.chargeback, money.fee, sale.units)
        ):
            sums[place] += amount
    for key, (sale, deals, of) in keys.items():
        *amounts, units = paid[key]
        money = Paid(*amounts)
        found.flows[sale.currency] += money
        inputs: dict[str, Any] = {
            "gross": money.gross,
            "tax": money.tax,
            "refund": money.refund,
            "chargeback": money.chargeback,
            "gateway_fee": money.fee,
        }
        if of:
            inputs["refund_of"] = of
        kept = money.gross - money.refund - money.chargeback
        found.earned.append(
            Earned(
                sale.title,
                sale.territory,
                sale.model,
                sale.currency,
                key[5] or sale.terms_at,
                deals,
                Fraction(units),
                Fraction(kept),
                Fraction(money.net),
                inputs,
            )
        )


def _tokens(month: Month, terms: Terms, facts: Facts, book: Book, found: Attributed) -> None:
    sums: dict[tuple[Any, ...], tuple[int, Fraction]] = {}
    keys: dict[tuple[Any, ...], tuple[TokenUse, tuple[Deal, ...], str]] = {}
    for use in facts.tokens:
        deals = book.deals_at(use.title, use.territory, use.terms_at)
        of = "" if use.spent_at is None else month_of(use.spent_at, month.zone)
        since = dated(deals, Model.TOKENS, use.terms_at)
        key = (use.title, use.territory, use.kind, use.version, use.currency, ids_of(deals), since, of)
        keys.setdefault(key, (use, deals, of))
        tokens, value = sums.get(key, (0, NOTHING))
        sums[key] = (tokens + use.tokens, value + use.value)
    attributed: dict[str, Fraction] = defaultdict(Fraction)
    for key, (use, deals, of) in keys.items():
        tokens, value = sums[key]
        inputs: dict[str, Any] = {
            "kind": use.kind,
            "value_version": use.version,
            "tokens": tokens,
            "value": value,
        }
        if of:
            inputs["refund_of"] = of
        found.earned.append(
            Earned(
                use.title,
                use.territory,
                Model.TOKENS,
                use.currency,
                key[6] or use.terms_at,
                deals,
                Fraction(tokens),
                value,
                value,
                inputs,
            )
        )
        if use.kind in terms.fund_kinds:
            attributed[use.currency] += value
        else:
            found.stamped[use.currency] += value
    paid_in: dict[str, Paid] = defaultdict(Paid)
    for revenue in facts.ads:
        if revenue.is_rewarded:
            paid_in[revenue.currency] += revenue.paid
            found.flows[revenue.currency] += revenue.paid
    for currency in attributed.keys() | paid_in.keys():
        net, worth = paid_in[currency].net, attributed[currency]
        found.funds[currency] = Fund(net, worth, net - worth)
