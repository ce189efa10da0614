"""First stage: from facts to what each title netted, by country and model, before anybody's part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from attrs import define, field, frozen

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
from buddy_core.royalty.model.statements import Fund, PoolReport
from buddy_core.royalty.model.terms import AdsBy, Deal, Escalator, PoolMethod, PoolRule, SilentMoney, Terms
from buddy_core.royalty.rules.book import Book, Problems

NOTHING = Fraction(0)


@frozen
class Earned:
    """What a title netted under one set of deals."""

    title: str
    territory: str
    model: Model
    currency: str
    at: datetime | None
    """An instant of the facts, for what depends on the date; None where they have none."""
    deals: tuple[Deal, ...]
    units: Fraction
    """Copies, tokens, seconds or impressions."""
    gross: Fraction
    net: Fraction
    inputs: Mapping[str, Any]
    holder: str | None = None
    """Where a pool gave it to one holder alone."""

    def part(self, deal: Deal) -> Fraction:
        """Return what part of it a deal is about."""
        if self.holder is None:
            return deal.part
        return deal.part / sum((other.part for other in self.deals), NOTHING)


@define
class Attributed:
    """All that was attributed, and what was not."""

    earned: list[Earned] = field(factory=list)
    pools: list[PoolReport] = field(factory=list)
    funds: dict[str, Fund] = field(factory=dict)
    flows: dict[str, Paid] = field(factory=lambda: defaultdict(Paid))
    """Money of facts by currency."""
    stamped: dict[str, Fraction] = field(factory=lambda: defaultdict(Fraction))
    """Worth of the tokens that viewers paid for, by currency."""
    kept: dict[str, Fraction] = field(factory=lambda: defaultdict(Fraction))
    """Of pools by currency, by the platform."""
    carried: dict[str, Fraction] = field(factory=dict)
    """By pool, to the next period."""


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
    _subscriptions(terms, facts, book, brought, found, problems)
    _ads(facts, book, found)
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
            _ids(deals),
            _dated(deals, sale.model, sale.terms_at),
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
        found.earned.append(
            Earned(
                sale.title,
                sale.territory,
                sale.model,
                sale.currency,
                key[5] or sale.terms_at,
                deals,
                Fraction(units),
                Fraction(money.gross),
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
        dated = _dated(deals, Model.TOKENS, use.terms_at)
        key = (use.title, use.territory, use.kind, use.version, use.currency, _ids(deals), dated, of)
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


def _subscriptions(
    terms: Terms,
    facts: Facts,
    book: Book,
    brought: Mapping[str, Fraction],
    found: Attributed,
    problems: Problems,
) -> None:
    revenue: dict[tuple[str, str, str], list[SubscriptionRevenue]] = defaultdict(list)
    for item in facts.subscriptions:
        revenue[item.plan, item.territory, item.currency].append(item)
        found.flows[item.currency] += item.paid
    watched: dict[tuple[str, str], list[Watch]] = defaultdict(list)
    for row in facts.watch:
        if row.plan is not None:
            watched[row.plan, row.territory].append(row)
    left = dict(brought)
    for (plan, territory, currency), items in sorted(revenue.items()):
        name = f"{plan}/{territory}/{currency}"
        rule = _rule(terms, plan)
        pays: dict[str, Fraction] = defaultdict(Fraction)
        for item in items:
            if item.account is not None:
                pays[item.account] += item.paid.net
            elif rule.method is not PoolMethod.PRO_RATA:
                problems.add(
                    f"{item.id}: the pool {name} is shared {rule.method.value}, so its revenue needs the "
                    "account; or share it pro_rata"
                )
        pool = Pool(
            name, territory, currency, sum(item.paid.net for item in items), rule, left.pop(name, NOTHING)
        )
        # Where it is known who pays, those who do not pay are in no divisor.
        rows = [row for row in watched[plan, territory] if not pays or row.account in pays]
        _share(pool, rows, pays, book, found)
    for name, amount in left.items():
        if amount:
            found.carried[name] = amount


@frozen
class Pool:
    """One plan's money of one country and currency."""

    name: str
    territory: str
    currency: str
    paid: int
    rule: PoolRule
    brought: Fraction

    @property
    def net(self) -> Fraction:
        """All there is to share."""
        return self.paid + self.brought


def _share(
    pool: Pool, rows: list[Watch], pays: Mapping[str, Fraction], book: Book, found: Attributed
) -> None:
    counted = _counted(rows, pool.rule)
    total = sum((sum(titles.values(), NOTHING) for titles in counted.values()), NOTHING)
    owners = _owners([(row, row.seconds) for row in rows], pool.territory, book)
    kept = carried = NOTHING
    shares: dict[tuple[str, str | None], Fraction] = defaultdict(Fraction)
    note = ""
    seconds: dict[str, Fraction] = defaultdict(Fraction)
    for titles in counted.values():
        for title, amount in titles.items():
            seconds[title] += amount
    if not total:
        kept, note = pool.net, "nobody watched anything that counts, so all of it stays with the platform"
    elif pool.rule.method is PoolMethod.PRO_RATA:
        for title, amount in seconds.items():
            shares[title, None] = pool.net * amount / total
    else:
        silent = pool.brought
        for account, paid in pays.items():
            if account not in counted:
                silent += paid
                continue
            for key, part in _parts(pool.rule.method, counted[account], owners).items():
                shares[key] += paid * part
        if silent and pool.rule.silent is SilentMoney.PLATFORM:
            kept = silent
        elif silent and pool.rule.silent is SilentMoney.CARRY:
            carried = silent
        elif silent:
            for title, amount in seconds.items():
                shares[title, None] += silent * amount / total
    attributed = NOTHING
    for (title, holder), amount in shares.items():
        attributed += amount
        inputs = {
            "pool": pool.name,
            "pool_net": pool.net,
            "method": pool.rule.method.value,
            "seconds": seconds[title],
            "pool_seconds": total,
        }
        for deals, weight in _of_holder(owners[title], holder):
            found.earned.append(
                Earned(
                    title,
                    pool.territory,
                    Model.SUBSCRIPTION,
                    pool.currency,
                    None,
                    deals,
                    seconds[title] * weight,
                    amount * weight,
                    amount * weight,
                    inputs,
                    holder,
                )
            )
    found.kept[pool.currency] += kept
    if carried:
        found.carried[pool.name] = carried
    method = pool.rule.method.value
    found.pools.append(
        PoolReport(pool.name, pool.currency, pool.paid, method, attributed, kept, carried, total, note)
    )


Owners = tuple[tuple[tuple[Deal, ...], Fraction], ...]
"""The deals of a title, each set with the part of the title's seconds that falls into its time."""


def _owners(rows: Iterable[Counted], territory: str, book: Book) -> dict[str, Owners]:
    """Return the deals of each title; where they change within the period, by what counts in each time."""
    sums: dict[str, dict[tuple[str, ...], tuple[tuple[Deal, ...], int]]] = defaultdict(dict)
    for row, count in rows:
        if row.at is None:
            deals = book.deals_in(row.title, territory)
        else:
            deals = book.deals_at(row.title, territory, row.at)
        _, before = sums[row.title].get(_ids(deals), (deals, 0))
        sums[row.title][_ids(deals)] = (deals, before + count)
    found: dict[str, Owners] = {}
    for title, sets in sums.items():
        whole = sum(seconds for _, seconds in sets.values())
        if len(sets) == 1 or not whole:
            found[title] = ((next(iter(sets.values()))[0], Fraction(1)),)
        else:
            found[title] = tuple((deals, Fraction(seconds, whole)) for deals, seconds in sets.values())
    return found


def _of_holder(owners: Owners, holder: str | None) -> list[tuple[tuple[Deal, ...], Fraction]]:
    """Return the sets of deals that a holder has, and the part of the holder's money that each gets."""
    if holder is None:
        return list(owners)
    own = [(tuple(deal for deal in deals if deal.holder == holder), weight) for deals, weight in owners]
    weighed = [
        (deals, weight * sum((deal.part for deal in deals), NOTHING)) for deals, weight in own if deals
    ]
    whole = sum((weight for _, weight in weighed), NOTHING)
    return [(deals, weight / whole) for deals, weight in weighed if weight]


def _parts(
    method: PoolMethod, titles: Mapping[str, Fraction], owners: Mapping[str, Owners]
) -> dict[tuple[str, str | None], Fraction]:
    """Return what part of one subscriber's money goes to which title, and to which holder of it."""
    if method is PoolMethod.USER_CENTRIC:
        whole = sum(titles.values(), NOTHING)
        return {(title, None): amount / whole for title, amount in titles.items()}
    if method is PoolMethod.EQUAL_PER_TITLE:
        return {(title, None): Fraction(1, len(titles)) for title in titles}
    by_holder: dict[str | None, dict[str, Fraction]] = defaultdict(dict)
    for title, amount in titles.items():
        parts: dict[str | None, Fraction] = defaultdict(Fraction)
        for deals, weight in owners[title]:
            for deal in deals:
                parts[deal.holder] += deal.part * weight
            if not deals:
                parts[None] += weight
        for holder, part in parts.items():
            if part:
                by_holder[holder][title] = amount * part
    each = Fraction(1, len(by_holder))
    found: dict[tuple[str, str | None], Fraction] = {}
    for holder, amounts in by_holder.items():
        whole = sum(amounts.values(), NOTHING)
        for title, amount in amounts.items():
            found[title, holder] = each * amount / whole
    return found


def _counted(rows: Iterable[Watch], rule: PoolRule) -> dict[str, dict[str, Fraction]]:
    """Return the seconds that count, by account and title."""
    seconds: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        if row.account not in rule.excluded_accounts and row.title not in rule.excluded_titles:
            seconds[row.account][row.title] += row.seconds
    counted: dict[str, dict[str, Fraction]] = {}
    for account, titles in seconds.items():
        enough = {
            title: Fraction(total) for title, total in titles.items() if total and total >= rule.min_seconds
        }
        whole = sum(enough.values(), NOTHING)
        if rule.max_seconds is not None and whole > rule.max_seconds:
            scale = rule.max_seconds / whole
            enough = {title: amount * scale for title, amount in enough.items() if scale}
        if enough:
            counted[account] = enough
    return counted


def _ads(facts: Facts, book: Book, found: Attributed) -> None:
    pools: dict[tuple[str, str], int] = defaultdict(int)
    for revenue in facts.ads:
        if not revenue.is_rewarded:
            pools[revenue.territory, revenue.currency] += revenue.paid.net
            found.flows[revenue.currency] += revenue.paid
    measured = {
        AdsBy.WATCH: _by_territory((row, row.seconds) for row in facts.watch if row.plan is None),
        AdsBy.IMPRESSIONS: _by_territory((row, row.count) for row in facts.impressions),
    }
    for (territory, currency), net in sorted(pools.items()):
        name = f"ads/{territory}/{currency}"
        attributed = NOTHING
        totals: dict[AdsBy, int] = {}
        for by, rows in measured.items():
            counts: dict[str, int] = defaultdict(int)
            for row, count in rows[territory]:
                counts[row.title] += count
            totals[by] = sum(counts.values())
            owners = _owners(rows[territory], territory, book)
            for title, count in counts.items():
                if not count:
                    continue
                inputs = {"pool": name, "pool_net": net, "by": by.value, "count": count, "of": totals[by]}
                for deals, weight in owners[title]:
                    # What nobody has a deal for is measured by watch.
                    theirs = tuple(deal for deal in deals if deal.ads_by is by)
                    if not theirs and (deals or by is not AdsBy.WATCH):
                        continue
                    amount = Fraction(net * count, totals[by]) * weight
                    found.earned.append(
                        Earned(
                            title,
                            territory,
                            Model.ADS,
                            currency,
                            None,
                            theirs,
                            count * weight,
                            amount,
                            amount,
                            inputs,
                        )
                    )
                    attributed += amount * sum((deal.part for deal in theirs), NOTHING) if deals else amount
        note = ""
        if not attributed and net:
            note = "nothing was watched or shown, so all of it stays with the platform"
        elif attributed != net:
            note = "deals measure by watch and by impressions; the platform bears the difference"
        found.kept[currency] += net - attributed
        counted = Fraction(totals[AdsBy.WATCH])
        found.pools.append(
            PoolReport(name, currency, net, "by deal", attributed, net - attributed, NOTHING, counted, note)
        )


Counted = tuple[Watch | Impressions, int]
"""A row and how much of it counts: seconds, or ads shown."""


def _by_territory(rows: Iterable[Counted]) -> dict[str, list[Counted]]:
    found: dict[str, list[Counted]] = defaultdict(list)
    for row, count in rows:
        found[row.territory].append((row, count))
    return found


def _ids(deals: tuple[Deal, ...]) -> tuple[str, ...]:
    return tuple(deal.id for deal in deals)


def _dated(deals: tuple[Deal, ...], model: Model, at: datetime) -> datetime | None:
    """Return since when the rates hold that hold at an instant; facts of one such time share a line."""
    steps = (
        step.at
        for deal in deals
        if isinstance(rate := deal.rates.get(model), Escalator)
        for step in rate.then
        if step.at <= at
    )
    return max(steps, default=None)


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
    for row in facts.watch:
        if row.seconds > longest:
            problems.add(
                f"{row.account} watched {row.title} for {row.seconds} seconds; {month.name} has {longest}"
            )


def _rule(terms: Terms, plan: str) -> PoolRule:
    """Return the rule of a plan, or the one for all."""
    rules = {rule.plan: rule for rule in terms.pools}
    return rules.get(plan) or rules.get("*") or PoolRule()
