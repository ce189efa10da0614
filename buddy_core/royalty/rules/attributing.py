"""First stage: from facts to what each title netted, by country and model, before anybody's part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.currencies import minor_digits
from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.periods import month_of
from buddy_core.royalty.model.facts import (
    AdRevenue,
    Expense,
    Facts,
    Impressions,
    Model,
    Paid,
    Sale,
    SubscriptionRevenue,
    TokenUse,
    Watch,
)
from buddy_core.royalty.model.months import Month
from buddy_core.royalty.model.statements import Fund
from buddy_core.royalty.model.terms import Deal, Terms
from buddy_core.royalty.rules.book import Book, Problems
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
    _check(month, facts, problems)
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


def _check(month: Month, facts: Facts, problems: Problems) -> None:
    """Note what no calculation can use: facts outside the period, unknown countries and currencies."""
    rows: list[tuple[str, str | None, str | None]] = []
    names: set[str] = set()
    instants: tuple[Sale | TokenUse, ...] = (*facts.sales, *facts.tokens)
    for fact in instants:
        if not month.period.contains(fact.at):
            problems.add(
                f"{fact.id} is of {fact.at.isoformat()}, which is not in {month.name} of {month.entity} "
                f"({month.zone}); give it to the month that it is of, or to a later one as a late fact"
            )
    named: tuple[Sale | SubscriptionRevenue | AdRevenue | TokenUse | Expense, ...] = (
        *instants,
        *facts.subscriptions,
        *facts.ads,
        *facts.expenses,
    )
    for item in named:
        name = f"{item.id}/{item.kind}" if isinstance(item, TokenUse) else item.id
        if name in names:
            problems.add(f"{name} is there twice; one fact has one id, so leave one of them out")
        names.add(name)
        if not isinstance(item, Expense):
            rows.append((item.id, item.territory, item.currency))
    rows += [(f"watch of {row.title} by {row.account}", row.territory, None) for row in facts.watch]
    rows += [(f"impressions of {row.title}", row.territory, None) for row in facts.impressions]
    known: set[str | None] = {None}
    for name, territory, currency in rows:
        if territory not in COUNTRIES:
            problems.add(f"{name}: {territory!r} is no country; write an ISO 3166-1 code, such as IN")
        if currency not in known:
            try:
                minor_digits(str(currency))
                known.add(currency)
            except BuddyError as error:
                problems.add(f"{name}: {error.message()}")
    longest = int((month.period.end - month.period.start).total_seconds())
    seconds: dict[tuple[str, str], int] = defaultdict(int)
    for row in facts.watch:
        seconds[row.account, row.title] += row.seconds
    for (account, title), total in seconds.items():
        if total > longest:
            problems.add(f"{account} watched {title} for {total} seconds; {month.name} has {longest}")
    rows_seen: tuple[Watch | Impressions, ...] = (*facts.watch, *facts.impressions)
    for seen in rows_seen:
        if seen.at is not None and not month.period.contains(seen.at):
            what = "watch" if isinstance(seen, Watch) else "impressions"
            problems.add(f"{what} of {seen.title} at {seen.at.isoformat()} is not in {month.name}")
    payments: tuple[Sale | SubscriptionRevenue | AdRevenue, ...] = (
        *facts.sales,
        *facts.subscriptions,
        *facts.ads,
    )
    for paying in payments:
        money = paying.paid
        amounts = {
            "tax": money.tax,
            "refund": money.refund,
            "chargeback": money.chargeback,
            "fee": money.fee,
        }
        for word, amount in amounts.items():
            if money.gross > 0 and amount < 0:
                problems.add(f"{paying.id}: {word} is {amount}; write what goes out as a positive amount")
