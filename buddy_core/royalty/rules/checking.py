"""What no calculation can use: facts of another month, told twice, of nowhere, or with a wrong sign."""

from __future__ import annotations

from collections import defaultdict

from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.rounding import exact_sum
from buddy_core.royalty.errors import about
from buddy_core.royalty.model.facts import (
    AdRevenue,
    Expense,
    Facts,
    Impressions,
    Sale,
    SharedPool,
    SubscriptionRevenue,
    TokenUse,
    Watch,
)
from buddy_core.royalty.model.months import Month
from buddy_core.royalty.rules.book import Problems, is_currency

ADS = "ads"
"""The plan by which pools and rules for them speak of ads."""
Payment = Sale | SubscriptionRevenue | SharedPool | AdRevenue


def check_facts(month: Month, facts: Facts, problems: Problems) -> None:
    """Note everything that is wrong with the facts of a period by themselves."""
    payments: tuple[Payment, ...] = (*facts.sales, *facts.subscriptions, *facts.pools, *facts.ads)
    _check_instants(month, facts, problems)
    _check_names((*payments, *facts.tokens, *facts.expenses), problems)
    _check_places(payments, facts, problems)
    _check_seconds(month, facts, problems)
    _check_signs(payments, problems)
    _check_pools(facts, problems)


def _check_instants(month: Month, facts: Facts, problems: Problems) -> None:
    dated: tuple[Sale | TokenUse, ...] = (*facts.sales, *facts.tokens)
    for fact in dated:
        if not month.period.contains(fact.at):
            problems.add(
                f"{fact.id} is of {fact.at.isoformat()}, which is not in {month.name} of {month.entity} "
                f"({month.zone}); give it to the month that it is of, or to a later one as a late fact",
                about("facts", id=fact.id),
            )
    rows: tuple[Watch | Impressions, ...] = (*facts.watch, *facts.impressions)
    for row in rows:
        if row.at is not None and not month.period.contains(row.at):
            what = "watch" if isinstance(row, Watch) else "impressions"
            problems.add(
                f"{what} of {row.title} at {row.at.isoformat()} is not in {month.name}",
                about(what, title=row.title, at=row.at),
            )


def _check_names(named: tuple[Payment | TokenUse | Expense, ...], problems: Problems) -> None:
    names: set[str] = set()
    for item in named:
        name = f"{item.id}/{item.kind}" if isinstance(item, TokenUse) else item.id
        if name in names:
            problems.add(
                f"{name} is there twice; one fact has one id, so leave one of them out",
                about("facts", id=item.id),
            )
        names.add(name)


def _check_places(payments: tuple[Payment, ...], facts: Facts, problems: Problems) -> None:
    paid: tuple[Payment | TokenUse, ...] = (*payments, *facts.tokens)
    places = [(item.id, item.territory, about("facts", id=item.id)) for item in paid if _is_odd(item)]
    places += [
        (
            f"watch of {row.title} by {row.account}",
            row.territory,
            about("watch", account=row.account, title=row.title, territory=row.territory),
        )
        for row in facts.watch
        if _is_odd(row)
    ]
    places += [
        (
            f"impressions of {row.title}",
            row.territory,
            about("impressions", title=row.title, territory=row.territory),
        )
        for row in facts.impressions
        if _is_odd(row)
    ]
    for name, territory, of in places:
        problems.add(f"{name}: {territory!r} is no country; write an ISO 3166-1 code, such as IN", of)
    known = {currency for currency in {item.currency for item in paid} if is_currency(currency)}
    for item in paid:
        if item.currency not in known:
            problems.add(
                f"{item.id}: {item.currency!r} is no currency; write an ISO 4217 code, such as INR",
                about("facts", id=item.id),
            )


def _is_odd(fact: Payment | TokenUse | Watch | Impressions) -> bool:
    return fact.territory not in COUNTRIES


def _check_seconds(month: Month, facts: Facts, problems: Problems) -> None:
    longest = int((month.period.end - month.period.start).total_seconds())
    seconds: dict[tuple[str, str], int] = defaultdict(int)
    for row in facts.watch:
        seconds[row.account, row.title] += row.seconds
    for (account, title), total in seconds.items():
        if total > longest:
            problems.add(
                f"{account} watched {title} for {total} seconds; {month.name} has {longest}",
                about("watch", account=account, title=title),
            )


def _check_pools(facts: Facts, problems: Problems) -> None:
    """Note shared pools that do not add up, or whose money or watch is told as well."""
    told = {(item.plan, item.territory, item.currency): item.id for item in facts.subscriptions}
    told |= {(ADS, item.territory, item.currency): item.id for item in facts.ads if not item.is_rewarded}
    watched = {(row.plan or ADS, row.territory) for row in facts.watch}
    for pool in facts.pools:
        of, net = (pool.plan, pool.territory, pool.currency), pool.paid.net
        of_pool = about("facts", id=pool.id)
        whole = exact_sum(part.amount for part in pool.parts) + pool.kept + pool.carried
        if whole != net:
            problems.add(
                f"{pool.id}: its parts, kept and carried make {whole}, and its net is {net}", of_pool
            )
        if len({part.title for part in pool.parts}) != len(pool.parts):
            problems.add(f"{pool.id}: a title is there twice; add its parts up", of_pool)
        if any(part.counted < 0 for part in pool.parts):
            problems.add(f"{pool.id}: counted seconds are below zero; a count has no minus sign", of_pool)
        if of in told:
            problems.add(f"{pool.id} is the pool of {told[of]} as well; leave one of them out", of_pool)
        if of[:2] in watched:
            problems.add(
                f"{pool.id}: there is watch of {pool.plan} in {pool.territory} beside it; leave it out",
                of_pool,
            )
        told[of] = pool.id


def _check_signs(payments: tuple[Payment, ...], problems: Problems) -> None:
    """Note minus signs; tax and fees alone may be below zero, where a refund takes them back."""
    for item in payments:
        paid = item.paid
        amounts = {"gross": paid.gross, "refund": paid.refund, "chargeback": paid.chargeback}
        if paid.gross > 0:
            amounts |= {"tax": paid.tax, "fee": paid.fee}
        for word, amount in amounts.items():
            if amount < 0:
                problems.add(
                    f"{item.id}: {word} is {amount}; amounts have no minus sign, what went back is a refund",
                    about("facts", id=item.id),
                )
