"""What no calculation can use: facts of another month, told twice, of nowhere, or with a wrong sign."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.rounding import exact_sum
from buddy_core.royalty.errors import about
from buddy_core.royalty.model.facts import (
    AdRevenue,
    Expense,
    Facts,
    Impressions,
    Paid,
    Sale,
    SharedPool,
    SubscriptionRevenue,
    TokenUse,
    Watch,
)
from buddy_core.royalty.model.months import Month
from buddy_core.royalty.model.terms import PoolMethod, Terms
from buddy_core.royalty.rules.book import Problems, is_currency

ADS = "ads"
"""The plan by which pools and rules for them speak of ads."""
METHODS = tuple(method.value for method in PoolMethod)
Payment = Sale | SubscriptionRevenue | SharedPool | AdRevenue


def check_facts(month: Month, facts: Facts, problems: Problems) -> None:
    """Note everything that is wrong with the facts of a period by themselves."""
    payments: tuple[Payment, ...] = (*facts.sales, *facts.subscriptions, *facts.pools, *facts.ads)
    _check_instants(month, facts, problems)
    _check_names((*payments, *facts.tokens, *facts.expenses), problems)
    _check_places(payments, facts, problems)
    _check_seconds(month, facts, problems)
    _check_signs(facts, problems)
    _check_tokens(facts.tokens, problems)
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
        if pool.method not in METHODS:
            problems.add(
                f"{pool.id}: {pool.method!r} is no method; write one of {', '.join(METHODS)}", of_pool
            )
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


def check_plans(terms: Terms, facts: Facts, problems: Problems) -> None:
    """Note a rule for pools whose plan differs from one with revenue in capitals or blanks alone."""
    plans = {item.plan for item in facts.subscriptions} | {pool.plan for pool in facts.pools}
    if facts.ads:
        plans.add(ADS)
    alike = {"".join(plan.split()).casefold(): plan for plan in sorted(plans)}
    for rule in terms.pools:
        meant = alike.get("".join(rule.plan.split()).casefold())
        if meant is not None and rule.plan not in plans:
            problems.add(
                f"there is a rule for the pools of {rule.plan}, and revenue of {meant}; write the plan the "
                "same in both",
                about("pools", plan=rule.plan),
            )


def _check_signs(facts: Facts, problems: Problems) -> None:
    """Note amounts that cannot be: what was paid, and what leaves it, bound each other."""
    payments: tuple[Payment, ...] = (*facts.sales, *facts.subscriptions, *facts.ads)
    for item in payments:
        of = about("facts", id=item.id)
        for text in odd_amounts(item.paid):
            problems.add(f"{item.id}: {text}", of)
    for pool in facts.pools:
        for text in odd_sums(pool.paid):
            problems.add(f"{pool.id}: {text}", about("facts", id=pool.id))
    for sale in facts.sales:
        of = about("facts", id=sale.id)
        if sale.paid.gross > 0 and sale.units < 0:
            problems.add(
                f"{sale.id}: units is {sale.units} where {sale.paid.gross} was paid; copies that came back "
                "are a fact of their own, with gross 0",
                of,
            )
        if sale.sold_at is not None and sale.sold_at > sale.at:
            problems.add(f"{sale.id}: sold_at is after its refund; give the instant of the sale", of)


def odd_amounts(paid: Paid) -> list[str]:
    """Return what of one payment cannot be.

    Where something was paid, tax, refund and chargeback are parts of it; a fee may be more, as
    that of a dispute or of a trial for one rupee is. Where nothing was paid, tax and fees below
    zero are those of what went back. Both halves of a payment may keep to all of this.
    """
    if paid.gross <= 0:
        owed = f"tax is {paid.tax}, and nothing was paid; on a refund it has a minus sign, or is left out"
        return odd_sums(paid) + ([owed] if paid.tax > 0 else [])
    found = _minus_signs(paid)
    for word, amount in (("tax", paid.tax), ("fee", paid.fee)):
        if amount < 0:
            found.append(
                f"{word} is {amount}, and {paid.gross} was paid; what is taken back of it is told with the "
                "refund, in a fact of its own with gross 0"
            )
    if paid.tax > paid.gross:
        found.append(f"tax is {paid.tax}, and only {paid.gross} was paid; gross has its tax in it")
    for word, amount in (("refund", paid.refund), ("chargeback", paid.chargeback)):
        if amount > paid.gross:
            found.append(
                f"{word} is {amount}, and only {paid.gross} was paid; what went back of other sales is a "
                "fact of its own, with gross 0"
            )
    return found


def odd_sums(paid: Paid) -> list[str]:
    """Return what of the sum of any payments cannot be."""
    back = max(0, paid.refund) + max(0, paid.chargeback)
    return _minus_signs(paid) + [
        f"{word} is {amount}, and {back} went back; no more than that can be taken back of it"
        for word, amount in (("tax", paid.tax), ("fee", paid.fee))
        if amount < -back
    ]


def _minus_signs(paid: Paid) -> list[str]:
    named = {"gross": paid.gross, "refund": paid.refund, "chargeback": paid.chargeback}
    return [
        f"{word} is {amount}; amounts have no minus sign, what went back is a refund"
        for word, amount in named.items()
        if amount < 0
    ]


def _check_tokens(uses: Iterable[TokenUse], problems: Problems) -> None:
    """Note spends whose tokens and value contradict each other, and refunds before their spend."""
    for use in uses:
        of = about("facts", id=use.id)
        if (use.tokens > 0 and use.value < 0) or (use.tokens < 0 and use.value > 0):
            problems.add(
                f"{use.id}: {use.tokens} tokens are worth {use.value}; tokens and value have one sign, below "
                "zero on a refund",
                of,
            )
        if not use.tokens and use.value:
            problems.add(f"{use.id}: no tokens are worth {use.value}; say how many were spent", of)
        if use.spent_at is not None and use.spent_at > use.at:
            problems.add(f"{use.id}: spent_at is after its refund; give the instant of the spend", of)
