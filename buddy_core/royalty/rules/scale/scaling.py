"""Pools whose watch rows are too many for fractions: integer sums by title, and what they left, given once.

The rule, its error bound and the proof are in docs/royalty-at-scale.md. In short: one
*grain* is 2^-40 of a minor unit (of a second, for capped watch). Each account's share
for one title is floored to grains and added up by title as whole numbers; what a pool
has left over goes to its titles once, by how many floors each title's sum holds. So the
shares sum to the pool exactly, and none is off by more than one grain a floor.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from math import lcm
from typing import Any

from attrs import field, frozen

from buddy_core.kernel.allocation import AllocationRule, allocate
from buddy_core.kernel.errors import InvalidValue
from buddy_core.royalty.model.facts import Paid, PoolPart, SharedPool
from buddy_core.royalty.model.terms import Deal, PoolMethod, PoolRule, SilentMoney
from buddy_core.royalty.rules.pieces.splitting import split_whole

GRAIN_BITS = 40
GRAINS = 1 << GRAIN_BITS
"""Grains in one minor unit, or in one second."""
MOST_MINOR = 2**53
"""The largest amount of one subscription row, in minor units: 90 million million in rupees."""
MOST_PERIOD_SECONDS = 2**22 - 1
"""The longest period, 48 days. With it no product at scale leaves 64 bits and no sum 127."""


MOST_COMMON = 2**64
"""Fractions are added up exactly while their common denominator is not above this."""


def have_common(denominators: Iterable[int]) -> bool:
    """Say whether fractions of these have a common denominator that is short enough to carry along."""
    whole = 1
    for below in denominators:
        whole = lcm(whole, below)
        if whole > MOST_COMMON:
            return False
    return True


def _whole(_: object, attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValue(attribute.name, f"is a {type(value).__name__}; give a whole number of minor units")


@frozen(order=True)
class PoolName:
    """A plan's month in one territory and currency."""

    plan: str
    territory: str
    currency: str


@frozen
class FundedPool:
    """Money that belongs to a pool as a whole and to no account, such as what advertisers paid.

    Its accounts need no subscription row; it can only be shared `pro_rata`.
    """

    pool: PoolName
    net: int = field(validator=_whole)
    """Minor units, after tax and fees."""


@frozen
class TitleHolder:
    """Who holds a title in a territory, as one player; a title held by several has a joint name."""

    title: str
    territory: str
    holder: str


@frozen
class WatchMonth:
    """What a count of a month needs beside the rows, all of it plain data."""

    period_seconds: int = field(default=31 * 86_400, validator=_whole)
    """How long the period is; more of one account and title is refused."""
    funded: tuple[FundedPool, ...] = field(default=())
    holders: tuple[TitleHolder, ...] = ()
    """Needed for `equal_per_subscriber` alone."""

    @funded.validator
    def _once(self, _: object, value: tuple[FundedPool, ...]) -> None:
        if len({found.pool for found in value}) != len(value):
            raise InvalidValue("funded", "has a pool twice; add its money up")

    @period_seconds.validator
    def _fits(self, _: object, value: int) -> None:
        if not 0 < value <= MOST_PERIOD_SECONDS:
            raise InvalidValue("period_seconds", f"must be from 1 to {MOST_PERIOD_SECONDS}, which is 48 days")


@frozen
class SubscriptionRow:
    """What one account's subscription left to be shared: its net in minor units, perhaps below zero."""

    account: str
    pool: PoolName
    net: int
    pays: bool = True
    """Whether anything was paid at all; the watch of those who pay nothing does not count."""


@frozen
class WatchRow:
    """Seconds of one account and title; the same two may come in several rows."""

    account: str
    title: str
    territory: str
    plan: str
    seconds: int


@frozen
class PartTotal:
    """Sums of one title in one pool."""

    title: str
    grains: int
    """The accounts' money for it, each share floored to 2^-40 of a minor unit; 0 by `pro_rata`."""
    weight: int
    """Counted seconds in 2^-40 of a second; whole seconds unless a cap scaled them."""
    accounts: int
    """Accounts whose watch of it counted: the floors in `grains`, and in `weight`."""
    holder: str | None = None
    """By `equal_per_subscriber`: whose the title is in the pool's territory."""

    @property
    def seconds(self) -> Fraction:
        """Counted seconds."""
        return Fraction(self.weight, GRAINS)


@frozen
class PoolTotals:
    """Sums of one pool, from which `spread` makes shares. Money in minor units."""

    pool: PoolName
    net: int
    """All that is shared, or goes by the policy for silent money."""
    accounts: int
    """Accounts that paid for the pool, or watched in a funded one."""
    counted: int
    """Accounts with watch that counted."""
    silent: int
    """Money of those without; 0 in a funded pool, whose money is nobody's."""
    parts: tuple[PartTotal, ...]
    """By title."""


@frozen
class PartShare:
    """One title's share of a pool."""

    title: str
    holder: str | None
    """By `equal_per_subscriber`: whose it is; a holder's share is the sum of these."""
    grains: int
    """Exact at this scale: with the pool's others they make what is shared."""
    minor: int
    """The same as whole minor units, rounded once by largest remainder, ties to the smaller title."""
    floors: int
    """How many floors the share holds: it is not more than so many grains from the exact fraction."""
    weight: int
    """Counted seconds in 2^-40 of a second."""
    weight_error: Fraction = Fraction(0)
    """How much further capped watch may have moved it, in minor units."""

    @property
    def bound(self) -> Fraction:
        """The share is not further than this from the exact fraction, in minor units."""
        return Fraction(self.floors, GRAINS) + self.weight_error

    @property
    def seconds(self) -> Fraction:
        """Counted seconds."""
        return Fraction(self.weight, GRAINS)

    @property
    def amount(self) -> Fraction:
        """The share in minor units."""
        return Fraction(self.grains, GRAINS)


@frozen
class PoolSpread:
    """A pool, shared: `net = shared + platform + carried`, and the shares make `shared`."""

    pool: PoolName
    net: int
    shared: int
    platform: int
    """Silent money by that policy; or the whole pool, where nothing counted."""
    carried: int
    residual: int
    """Grains that the floors left over, given once over the parts."""
    shares: tuple[PartShare, ...]


def per_unit(amount: int, units: int) -> tuple[int, int, int]:
    """Return `(whole, part, rest)`, from which the floored grains of any number of units follow.

    `amount / units` is `whole` minor units, `part` grains (below 2^40), and `rest / units`
    of a grain, `0 <= rest < units`. So `floor(amount x 2^40 x s / units)` is
    `whole x 2^40 x s + part x s + (rest x s) // units`: a store that has 64-bit integers
    alone needs no larger product. `whole` may be below zero, the others never.
    """
    whole, left = divmod(amount, units)
    part, rest = divmod(left << GRAIN_BITS, units)
    return whole, part, rest


def pool_totals(
    watch: Iterable[WatchRow], subscriptions: Iterable[SubscriptionRow], rule: PoolRule, month: WatchMonth
) -> tuple[PoolTotals, ...]:
    """Add up a month in memory, by the rule at scale; the reference for every store that does it elsewhere.

    The rows must be sound (each account once in a plan and territory, each watch row with
    its subscription or in a funded pool); a `WatchTotals` checks that first. Pools come by
    name, and only those of the rule's plan.

    Raises:
        InvalidValue: a funded pool is to be shared by a rule that needs each account's money.
    """
    check_rule(rule, month)
    subscriptions = list(subscriptions)
    members = _members(watch := list(watch), subscriptions, rule, month)
    counted = _counted(watch, members, rule)
    funded = {found.pool: found.net for found in month.funded if rule.plan in ("*", found.pool.plan)}
    players = _players(rule, month)
    pools: dict[PoolName, list[tuple[str, str, str, int]]] = {
        row.pool: [] for row in subscriptions if rule.plan in ("*", row.pool.plan)
    }
    pools |= {pool: [] for pool in funded}
    for (account, plan, territory), found in members.items():
        for pool, net in found:
            pools.setdefault(pool, []).append((account, plan, territory, net))
    return tuple(
        _totals_of(pool, pools[pool], counted, rule, players, funded.get(pool)) for pool in sorted(pools)
    )


def check_rule(rule: PoolRule, month: WatchMonth) -> None:
    """Refuse what cannot be counted.

    Raises:
        InvalidValue: a funded pool is to be shared by a rule that needs each account's money.
    """
    if rule.method is not PoolMethod.PRO_RATA and any(
        rule.plan in ("*", found.pool.plan) for found in month.funded
    ):
        raise InvalidValue("method", "a funded pool has no money by account; share it pro_rata")


_Place = tuple[str, str, str]


def _members(
    watch: Sequence[WatchRow], subscriptions: Iterable[SubscriptionRow], rule: PoolRule, month: WatchMonth
) -> dict[_Place, list[tuple[PoolName, int]]]:
    """Return each account's pools with its money in them, by account, plan and territory."""
    members: dict[_Place, list[tuple[PoolName, int]]] = defaultdict(list)
    for row in subscriptions:
        if row.pays and rule.plan in ("*", row.pool.plan):
            members[row.account, row.pool.plan, row.pool.territory].append((row.pool, row.net))
    funded: dict[tuple[str, str], list[PoolName]] = defaultdict(list)
    for found in month.funded:
        if rule.plan in ("*", found.pool.plan):
            funded[found.pool.plan, found.pool.territory].append(found.pool)
    for watcher in sorted({(row.account, row.plan, row.territory) for row in watch}):
        for pool in funded.get(watcher[1:], ()):
            members[watcher].append((pool, 0))
    return members


def _counted(
    watch: Iterable[WatchRow], members: Mapping[_Place, object], rule: PoolRule
) -> dict[_Place, dict[str, int]]:
    """Return the seconds that count, by account, plan and territory, then title."""
    found: dict[_Place, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in watch:
        if (row.account, row.plan, row.territory) in members:
            found[row.account, row.plan, row.territory][row.title] += row.seconds
    return {
        place: {title: seconds for title, seconds in sorted(titles.items()) if _counts(title, seconds, rule)}
        for place, titles in found.items()
        if place[0] not in rule.excluded_accounts
    }


def _counts(title: str, seconds: int, rule: PoolRule) -> bool:
    return seconds > 0 and seconds >= rule.min_seconds and title not in rule.excluded_titles


def _players(rule: PoolRule, month: WatchMonth) -> Mapping[tuple[str, str], str] | None:
    if rule.method is not PoolMethod.EQUAL_PER_SUBSCRIBER:
        return None
    return {(found.title, found.territory): found.holder for found in month.holders}


def _totals_of(
    pool: PoolName,
    members: Sequence[tuple[str, str, str, int]],
    counted: Mapping[_Place, Mapping[str, int]],
    rule: PoolRule,
    players: Mapping[tuple[str, str], str] | None,
    funded: int | None,
) -> PoolTotals:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    silent = active = 0
    for account, plan, territory, net in members:
        titles = counted.get((account, plan, territory)) or {}
        if not titles:
            silent += net
            continue
        active += 1
        total = sum(titles.values())
        kept = per_unit(total if rule.max_seconds is None else min(total, rule.max_seconds), total)
        units = _units(titles, total, players, territory, rule.method)
        for title, seconds in titles.items():
            found = sums[title]
            if title in units:
                amount, of = units[title]
                found[0] += _floored(per_unit(net, of), amount, of)
            found[1] += _floored(kept, seconds, total)
            found[2] += 1
    parts = tuple(
        PartTotal(title, grains, weight, many, None if players is None else players[title, pool.territory])
        for title, (grains, weight, many) in sorted(sums.items())
    )
    whole = sum(found[3] for found in members) if funded is None else funded
    return PoolTotals(pool, whole, len(members), active, silent if funded is None else 0, parts)


def _floored(scaled: tuple[int, int, int], amount: int, units: int) -> int:
    whole, part, rest = scaled
    return (whole * amount << GRAIN_BITS) + part * amount + rest * amount // units


def _units(
    titles: Mapping[str, int],
    total: int,
    players: Mapping[tuple[str, str], str] | None,
    territory: str,
    method: PoolMethod,
) -> dict[str, tuple[int, int]]:
    """Return each title's part of an account's money, as a number of units and all there are."""
    if method is PoolMethod.USER_CENTRIC:
        return {title: (seconds, total) for title, seconds in titles.items()}
    if method is PoolMethod.EQUAL_PER_TITLE:
        return dict.fromkeys(titles, (1, len(titles)))
    if players is None:
        return {}
    own: dict[str, int] = defaultdict(int)
    for title, seconds in titles.items():
        own[players[title, territory]] += seconds
    # Each holder has an equal part, and in it each title by seconds.
    return {title: (seconds, len(own) * own[players[title, territory]]) for title, seconds in titles.items()}


def spread(totals: PoolTotals, rule: PoolRule) -> PoolSpread:
    """Make shares of a pool's sums: they make what is shared to the last grain.

    The order of rows plays no part: the residual is allocated over the parts by how many
    floors each holds (largest remainder, ties to the smaller title), so a part gets at most
    one grain for each of its floors. Money of silent accounts goes by the rule's policy:
    to the pool's parts by counted seconds, to the platform, or carried. By `pro_rata` no
    account has money of its own, so the policy says nothing there.
    """
    weight = sum(part.weight for part in totals.parts)
    if not weight:
        return PoolSpread(totals.pool, totals.net, 0, totals.net, 0, 0, ())
    by_account = rule.method is not PoolMethod.PRO_RATA
    silent = totals.silent if by_account else 0
    pooled = totals.net if not by_account else silent if rule.silent is SilentMoney.POOL else 0
    away = silent if by_account and rule.silent is not SilentMoney.POOL else 0
    shared = totals.net - away
    sums = [part.grains + (pooled << GRAIN_BITS) * part.weight // weight for part in totals.parts]
    floors = [(part.accounts if by_account else 0) + (1 if pooled else 0) for part in totals.parts]
    residual = (shared << GRAIN_BITS) - sum(sums)
    given: Sequence[int] = [0] * len(sums)
    if residual:
        given = allocate(residual, floors, AllocationRule.LARGEST_REMAINDER).shares
    grains = [floored + extra for floored, extra in zip(sums, given, strict=True)]
    minor = split_whole(grains, GRAINS, shared)
    error = [Fraction(0)] * len(floors)
    if pooled and rule.max_seconds is not None:
        accounts = sum(part.accounts for part in totals.parts)
        error = [_weight_error(pooled, part, weight, accounts) for part in totals.parts]
    return PoolSpread(
        pool=totals.pool,
        net=totals.net,
        shared=shared,
        platform=away if rule.silent is SilentMoney.PLATFORM else 0,
        carried=away if rule.silent is SilentMoney.CARRY else 0,
        residual=residual,
        shares=tuple(
            PartShare(part.title, part.holder, share, whole, count, part.weight, further)
            for part, share, whole, count, further in zip(
                totals.parts, grains, minor, floors, error, strict=True
            )
        ),
    )


def shared_pool(spread: PoolSpread, rule: PoolRule, paid: Paid) -> SharedPool:
    """Return a shared pool as a fact of its month; `paid` is what its subscriptions brought in together."""
    pool = spread.pool
    return SharedPool(
        id=f"pool {pool.plan}/{pool.territory}/{pool.currency}",
        plan=pool.plan,
        territory=pool.territory,
        currency=pool.currency,
        paid=paid,
        method=rule.method.value,
        parts=tuple(PoolPart(share.title, share.amount, share.seconds) for share in spread.shares),
        kept=spread.platform,
        carried=spread.carried,
    )


def title_holders(deals: Iterable[Deal], territories: Iterable[str], at: datetime) -> tuple[TitleHolder, ...]:
    """Return who holds each title in each of these countries; several are one player, joined by +."""
    holders: dict[tuple[str, str], list[str]] = defaultdict(list)
    places = sorted(set(territories))
    for deal in deals:
        for territory in places:
            if deal.part and deal.holds(territory, at):
                holders[deal.title, territory].append(deal.holder)
    return tuple(
        TitleHolder(title, territory, "+".join(sorted(found)))
        for (title, territory), found in sorted(holders.items())
    )


def _weight_error(pooled: int, part: PartTotal, weight: int, accounts: int) -> Fraction:
    """Return how much further capped watch may move a share, in minor units: its seconds are floored too.

    True weights are `w + d` with `0 <= d < accounts of the part`, their true sum `W + D` with
    `0 <= D < all accounts`; the quotient moves by less than `max(accounts, w / W x all accounts) / W`.
    """
    return Fraction(abs(pooled) * max(part.accounts * weight, part.weight * accounts), weight * weight)
