"""Pools of subscriptions and ads, shared over titles by what was watched or shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from math import floor
from typing import Any

from attrs import define, evolve, field, frozen

from buddy_core.kernel.allocation import AllocationRule, allocate
from buddy_core.royalty.errors import about
from buddy_core.royalty.model.facts import (
    Facts,
    Impressions,
    Model,
    SharedPool,
    SubscriptionRevenue,
    Watch,
)
from buddy_core.royalty.model.statements import PoolReport
from buddy_core.royalty.model.terms import AdsBy, Deal, PoolMethod, PoolRule, SilentMoney, Terms
from buddy_core.royalty.rules.book import Book, Problems
from buddy_core.royalty.rules.checking import ADS
from buddy_core.royalty.rules.earned import NOTHING, Attributed, Earned, dated, ids_of
from buddy_core.royalty.rules.scale.scaling import GRAINS, have_common
from buddy_core.royalty.rules.taking import take_shared
from buddy_core.royalty.rules.wording import money_text
from buddy_core.royalty.rules.worked import plain


@frozen
class Slot:
    """A title under one set of deals, and one rate where rates change by date."""

    title: str
    deals: tuple[str, ...]
    since: datetime | None


_Key = tuple[Slot, str | None]
"""A slot, or one holder's part of it."""


@define
class Counted:
    """Seconds, or ads shown, that count: by account and slot."""

    by_account: dict[str, dict[Slot, Fraction]] = field(factory=dict)
    deals: dict[Slot, tuple[Deal, ...]] = field(factory=dict)

    def by_slot(self) -> dict[Slot, Fraction]:
        """Return what counts of each slot, all accounts together."""
        found: dict[Slot, Fraction] = defaultdict(Fraction)
        for slots in self.by_account.values():
            for slot, amount in slots.items():
                found[slot] += amount
        return found


def share_subscriptions(
    terms: Terms,
    facts: Facts,
    book: Book,
    brought: Mapping[str, Fraction],
    found: Attributed,
    problems: Problems,
) -> None:
    """Share every plan's money of each country and currency, with what its pool has from before."""
    revenue: dict[tuple[str, str, str], list[SubscriptionRevenue]] = defaultdict(list)
    for item in facts.subscriptions:
        revenue[item.plan, item.territory, item.currency].append(item)
        found.flows[item.currency] += item.paid
    watched: dict[tuple[str, str], list[Watch]] = defaultdict(list)
    for row in facts.watch:
        if row.plan is not None:
            watched[row.plan, row.territory].append(row)
    left = dict(brought)
    for shared in facts.pools:
        name = f"{shared.plan}/{shared.territory}/{shared.currency}"
        take_shared(shared, left.pop(name, NOTHING), book, found)
    for (plan, territory, currency), items in sorted(revenue.items()):
        name = f"{plan}/{territory}/{currency}"
        rule = rule_of(terms, plan)
        pays = _paying(name, items, rule, problems)
        paid = sum(item.paid.net for item in items)
        pool = _Pool(name, territory, currency, paid, rule, left.pop(name, NOTHING))
        # Where it is known who pays, those who do not pay are in no divisor.
        rows = [row for row in watched[plan, territory] if not pays or row.account in pays]
        counted = count_watch(rows, rule, Model.SUBSCRIPTION, book, problems)
        uncounted = sum(row.seconds for row in watched[plan, territory] if pays and row.account not in pays)
        _share(pool, counted, pays, uncounted, found)
    for name, amount in left.items():
        if amount:
            found.carried[name] = amount
    told = {plan for plan, _, _ in revenue} | {pool.plan for pool in facts.pools}
    _note_unpaid(watched, [*facts.subscriptions, *facts.pools], found)
    for plan in {plan for plan, _ in watched} - told:
        problems.add(
            f"there is watch of the plan {plan}, and no revenue of it anywhere; correct its name, or give "
            "the plan revenue, of 0 if it is free; leave the plan out where ads paid for the watching",
            about("watch", plan=plan),
        )


def _note_unpaid(
    watched: Mapping[tuple[str, str], Iterable[Watch]],
    paid: Iterable[SubscriptionRevenue | SharedPool],
    found: Attributed,
) -> None:
    """Say in the reports of a plan's pools where it was watched without revenue: that is in no pool."""
    places = {(item.plan, item.territory) for item in paid}
    seconds: dict[str, list[str]] = defaultdict(list)
    for (plan, territory), rows in sorted(watched.items()):
        whole = sum(row.seconds for row in rows)
        if whole and (plan, territory) not in places:
            seconds[plan].append(f"{whole} seconds were watched in {territory}, where it has no revenue")
    for number, report in enumerate(found.pools):
        notes = seconds.get(report.name.rsplit("/", 2)[0], [])
        if notes:
            found.pools[number] = evolve(report, note="; ".join(filter(None, [report.note, *notes])))


def _paying(
    name: str, items: Iterable[SubscriptionRevenue], rule: PoolRule, problems: Problems
) -> dict[str, Fraction]:
    """Return what each account paid that paid anything; empty where it is not told by account."""
    nets: dict[str, Fraction] = defaultdict(Fraction)
    gross: dict[str, int] = defaultdict(int)
    together: list[str] = []
    for item in items:
        if item.account is None:
            together.append(item.id)
            continue
        nets[item.account] += item.paid.net
        gross[item.account] += item.paid.gross
    if together and rule.method is not PoolMethod.PRO_RATA:
        problems.add(
            f"{min(together)}: the pool {name} is shared {rule.method.value}, so its revenue needs the "
            "account; or share it pro_rata",
            about("subscriptions", id=min(together)),
        )
    elif together and nets:
        problems.add(
            f"{min(together)}: some revenue of the pool {name} has an account; give all of it, or none",
            about("subscriptions", id=min(together)),
        )
    return {account: net for account, net in nets.items() if gross[account] or net}


@frozen
class _Pool:
    """One plan's money of one country and currency."""

    name: str
    territory: str
    currency: str
    paid: int
    rule: PoolRule
    brought: Fraction


@define
class _Source:
    """Subscribers whose own money went to a slot: how many, what they paid, and what of it went there."""

    accounts: int = 0
    paid: Fraction = NOTHING
    own: Fraction = NOTHING


@define
class _Divided:
    """A pool's money: what goes to which slot, or to one holder of it, and what goes to nobody."""

    shares: dict[_Key, Fraction] = field(factory=dict)
    sources: dict[_Key, _Source] = field(factory=lambda: defaultdict(_Source))
    """Of what is shared subscriber by subscriber."""
    to_all: Fraction = NOTHING
    """Shared by all that counts."""
    silent: Fraction = NOTHING
    silent_accounts: int = 0
    kept: Fraction = NOTHING
    carried: Fraction = NOTHING
    note: str = ""


def _divide(pool: _Pool, counted: Counted, pays: Mapping[str, Fraction]) -> _Divided:
    """Divide a pool by its rule; what was brought, and silent money of all, goes by all that counts."""
    amounts = counted.by_slot()
    total = sum(amounts.values(), NOTHING)
    found = _Divided()
    if not total:
        found.kept = pool.paid + pool.brought
        found.note = "nobody watched anything that counts, so all of it stays with the platform"
        return found
    to_all = pool.brought
    own: list[tuple[Fraction, dict[_Key, Fraction]]] = []
    if pool.rule.method is PoolMethod.PRO_RATA:
        to_all += pool.paid
    else:
        for account, paid in pays.items():
            if account not in counted.by_account:
                found.silent += paid
                found.silent_accounts += 1
                continue
            slots = counted.by_account[account]
            parts = _parts(pool.rule.method, slots, counted.deals)
            own.append((paid, parts))
            for key in parts:
                found.sources[key].accounts += 1
                found.sources[key].paid += paid
    if pool.rule.silent is SilentMoney.PLATFORM:
        found.kept = found.silent
    elif pool.rule.silent is SilentMoney.CARRY:
        found.carried = found.silent
    else:
        to_all += found.silent
    found.to_all = to_all
    if to_all:
        own.append((to_all, {(slot, None): amount / total for slot, amount in amounts.items()}))
    found.shares = _added_up(own)
    for key, source in found.sources.items():
        source.own = found.shares[key]
        if to_all and key[1] is None:
            source.own -= to_all * amounts[key[0]] / total
    return found


def _added_up(own: Iterable[tuple[Fraction, Mapping[_Key, Fraction]]]) -> dict[_Key, Fraction]:
    """Add up what each amount gives to whom: exactly, or by the rule at scale where that would be too long.

    Fractions of thousands of accounts have no common denominator that could be written down.
    Then each is floored to a grain, and what that leaves is given once, by how many floors
    each sum holds (docs/royalty-at-scale.md has the bound).
    """
    own = list(own)
    found: dict[_Key, Fraction] = defaultdict(Fraction)
    if have_common(part.denominator for _, parts in own for part in parts.values()):
        for amount, parts in own:
            for key, part in parts.items():
                found[key] += amount * part
        return found
    grains: dict[_Key, int] = defaultdict(int)
    floors: dict[_Key, int] = defaultdict(int)
    whole = NOTHING
    for amount, parts in own:
        for key, part in parts.items():
            grains[key] += floor(amount * part * GRAINS)
            floors[key] += 1
        whole += amount if parts else NOTHING
    keys = sorted(grains, key=_named)
    residual, rest = divmod(whole * GRAINS - sum(grains.values()), 1)
    given = allocate(residual, [floors[key] for key in keys], AllocationRule.LARGEST_REMAINDER).shares
    for key, more in zip(keys, given, strict=True):
        found[key] = Fraction(grains[key] + more, GRAINS)
    found[keys[0]] += rest / GRAINS
    return found


def _named(key: _Key) -> tuple[str, tuple[str, ...], str, str]:
    slot, holder = key
    return slot.title, slot.deals, "" if slot.since is None else slot.since.isoformat(), holder or ""


def _share(
    pool: _Pool, counted: Counted, pays: Mapping[str, Fraction], uncounted: int, found: Attributed
) -> None:
    amounts = counted.by_slot()
    total = sum(amounts.values(), NOTHING)
    divided = _divide(pool, counted, pays)
    to_holders = {slot for slot, holder in divided.shares if holder is not None}
    for (slot, holder), amount in divided.shares.items():
        inputs = _worked(pool, divided, (slot, holder), amounts[slot], total)
        deals = counted.deals[slot]
        if holder is not None:
            deals = tuple(deal for deal in deals if deal.holder == holder)
        # Where holders have rows of their own, those count the seconds, and what goes to all counts none.
        is_counted = holder is not None or slot not in to_holders
        found.earned.append(
            Earned(
                slot.title,
                pool.territory,
                Model.SUBSCRIPTION,
                pool.currency,
                slot.since,
                deals,
                amounts[slot] if is_counted else NOTHING,
                amount,
                amount,
                inputs,
                holder,
            )
        )
    found.kept[pool.currency] += divided.kept
    if divided.carried:
        found.carried[pool.name] = divided.carried
    notes = [f"{uncounted} seconds are of accounts that pay nothing here"] if uncounted else []
    if divided.silent_accounts:
        notes.append(_silent_note(pool, divided))
    found.pools.append(
        PoolReport(
            pool.name,
            pool.currency,
            pool.paid,
            pool.rule.method.value,
            sum(divided.shares.values(), NOTHING),
            divided.kept,
            divided.carried,
            total,
            "; ".join([*notes, *filter(None, [divided.note])]),
            divided.silent,
            divided.silent_accounts,
        )
    )


_SILENT = {
    SilentMoney.POOL: "it is shared by all seconds that count",
    SilentMoney.PLATFORM: "the platform keeps it",
    SilentMoney.CARRY: "it is carried to the next month's pool",
}


def _silent_note(pool: _Pool, divided: _Divided) -> str:
    amount, many = money_text(divided.silent, pool.currency), divided.silent_accounts
    who = "1 account" if many == 1 else f"{many} accounts"
    policy = pool.rule.silent
    return (
        f"{who} paid {amount} and watched nothing that counts; by the rule silent = {policy.value} "
        f"{_SILENT[policy]}"
    )


def _worked(
    pool: _Pool, divided: _Divided, key: tuple[Slot, str | None], seconds: Fraction, total: Fraction
) -> dict[str, Any]:
    """Return what a share of a pool is worked out from, and nothing that does not lead to it.

    `own`, which is of `accounts` that paid `accounts_paid`, and `to_all x seconds / pool_seconds`.
    A pool that is shared pro rata has nothing but the second, of all its money.
    """
    found: dict[str, Any] = {
        "pool": pool.name,
        "pool_net": plain(pool.paid + pool.brought),
        "method": pool.rule.method.value,
    }
    if (source := divided.sources.get(key)) is not None:
        found["accounts"] = source.accounts
        found["accounts_paid"] = plain(source.paid)
        found["own"] = plain(source.own)
    if divided.to_all and key[1] is None:
        if pool.rule.method is not PoolMethod.PRO_RATA:
            found["to_all"] = plain(divided.to_all)
        found["seconds"], found["pool_seconds"] = plain(seconds), plain(total)
    return found


def _parts(
    method: PoolMethod, slots: Mapping[Slot, Fraction], deals: Mapping[Slot, tuple[Deal, ...]]
) -> dict[_Key, Fraction]:
    """Return what part of one subscriber's money goes to which slot, and to which holder of it."""
    if method is PoolMethod.USER_CENTRIC:
        whole = sum(slots.values(), NOTHING)
        return {(slot, None): amount / whole for slot, amount in slots.items()}
    players: dict[str | None, dict[Slot, Fraction]] = defaultdict(dict)
    for slot, amount in slots.items():
        if method is PoolMethod.EQUAL_PER_TITLE:
            players[slot.title][slot] = amount
            continue
        if not deals[slot]:
            players[None][slot] = amount
        for deal in deals[slot]:
            if deal.part:
                players[deal.holder][slot] = players[deal.holder].get(slot, NOTHING) + amount * deal.part
    if not players:
        # Deals without any part are a problem that has been noted; what they would get is nobody's.
        return {}
    each = Fraction(1, len(players))
    found: dict[_Key, Fraction] = {}
    for player, amounts in players.items():
        holder = player if method is PoolMethod.EQUAL_PER_SUBSCRIBER else None
        whole = sum(amounts.values(), NOTHING)
        for slot, amount in amounts.items():
            found[slot, holder] = each * amount / whole
    return found


def count_watch(
    rows: Iterable[Watch], rule: PoolRule, model: Model, book: Book, problems: Problems
) -> Counted:
    """Return the seconds that count: after exclusions, a title's minimum, and an account's cap."""
    found = Counted()
    seconds: dict[str, dict[str, dict[Slot, int]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(int))
    )
    for row in rows:
        if row.account not in rule.excluded_accounts and row.title not in rule.excluded_titles:
            slot = _slot(row, model, book, problems, found)
            seconds[row.account][row.title][slot] += row.seconds
    scaled: list[str] = []
    for account, titles in seconds.items():
        enough: dict[Slot, Fraction] = {}
        for slots in titles.values():
            if sum(slots.values()) >= max(1, rule.min_seconds):
                enough.update({slot: Fraction(amount) for slot, amount in slots.items() if amount})
        whole = sum(enough.values(), NOTHING)
        if rule.max_seconds is not None and whole > rule.max_seconds:
            scale = rule.max_seconds / whole
            enough = {slot: amount * scale for slot, amount in enough.items() if scale}
            scaled.append(account)
        if enough:
            found.by_account[account] = enough
    capped = [found.by_account[account] for account in scaled if account in found.by_account]
    if not have_common(amount.denominator for those in capped for amount in those.values()):
        for those in capped:
            for slot, amount in those.items():
                those[slot] = Fraction(floor(amount * GRAINS), GRAINS)
    return found


def _slot(row: Watch | Impressions, model: Model, book: Book, problems: Problems, found: Counted) -> Slot:
    if row.at is None:
        deals = book.deals_in(row.title, row.territory)
        book.check_one_rate(deals, model, row.title)
        since = dated(deals, model, book.period.start)
    else:
        deals = book.deals_at(row.title, row.territory, row.at)
        since = dated(deals, model, row.at)
    slot = Slot(row.title, ids_of(deals), since)
    found.deals[slot] = deals
    return slot


def share_ads(terms: Terms, facts: Facts, book: Book, found: Attributed, problems: Problems) -> None:
    """Share the ads of each country; each deal counts what its contract says."""
    pools: dict[tuple[str, str], int] = defaultdict(int)
    for revenue in facts.ads:
        if not revenue.is_rewarded:
            pools[revenue.territory, revenue.currency] += revenue.paid.net
            found.flows[revenue.currency] += revenue.paid
    rule = rule_of(terms, ADS)
    for (territory, currency), net in sorted(pools.items()):
        watch = [row for row in facts.watch if row.plan is None and row.territory == territory]
        seconds = count_watch(watch, rule, Model.ADS, book, problems)
        shown = Counted()
        ads: dict[Slot, Fraction] = defaultdict(Fraction)
        for row in facts.impressions:
            if row.territory == territory and row.title not in rule.excluded_titles:
                ads[_slot(row, Model.ADS, book, problems, shown)] += row.count
        measured = {
            AdsBy.WATCH: (seconds.by_slot(), seconds.deals),
            AdsBy.IMPRESSIONS: ({slot: count for slot, count in ads.items() if count}, shown.deals),
        }
        _share_ads(territory, currency, net, measured, found)


def _share_ads(
    territory: str,
    currency: str,
    net: int,
    measured: Mapping[AdsBy, tuple[Mapping[Slot, Fraction], Mapping[Slot, tuple[Deal, ...]]]],
    found: Attributed,
) -> None:
    name = f"{ADS}/{territory}/{currency}"
    attributed = NOTHING
    for by, (counts, deals_of) in measured.items():
        total = sum(counts.values(), NOTHING)
        for slot, count in counts.items():
            deals = deals_of[slot]
            # What nobody has a deal for is measured by watch.
            theirs = tuple(deal for deal in deals if deal.ads_by is by)
            if not theirs and (deals or by is not AdsBy.WATCH):
                continue
            amount = net * count / total
            inputs = {"pool": name, "pool_net": net, "by": by.value, "count": count, "of": total}
            found.earned.append(
                Earned(
                    slot.title,
                    territory,
                    Model.ADS,
                    currency,
                    slot.since,
                    theirs,
                    count,
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
        verb = "adds" if attributed > net else "keeps"
        difference = money_text(abs(net - attributed), currency)
        note = f"deals measure by watch and by impressions; the platform {verb} {difference}"
    found.kept[currency] += net - attributed
    counted = sum(measured[AdsBy.WATCH][0].values(), NOTHING)
    found.pools.append(
        PoolReport(name, currency, net, "by deal", attributed, net - attributed, NOTHING, counted, note)
    )


def rule_of(terms: Terms, plan: str) -> PoolRule:
    """Return the rule of a plan, or the one for all."""
    rules = {rule.plan: rule for rule in terms.pools}
    return rules.get(plan) or rules.get("*") or PoolRule()
