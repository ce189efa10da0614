"""The rule at scale as one Ibis expression: from watch rows and members to sums by pool and title.

Nothing here knows DuckDB. A store binds the tables, may keep `pairs` and `counted` as
tables of its own on the way, and runs what comes out. Every product fits 64 bits (see
`buddy_core.royalty.rules.scale.scaling` for the limits) and is an integer; only the sums are wider.

Tables: `watch` (account, title, territory, plan, seconds); `members` (member, account,
plan, territory, pool, net), one row an account in a pool, with numbers for both;
`titles` (number, title), one row a title; `holders` (number, territory, player).
"""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.datatypes as dt
from ibis import Table, Value

from buddy_core.royalty import GRAIN_BITS, PoolMethod, PoolRule

WIDE = dt.Decimal(38, 0)
"""How sums leave the store: 38 digits, whole."""
HALF = 1 << GRAIN_BITS // 2
"""2^40 in two steps, so that what is left of a division by seconds fits 64 bits after each."""


@ibis.udf.scalar.builtin(name="divide")  # type: ignore[untyped-decorator]
def quotient(number: int, by: int) -> int:  # type: ignore[empty-body]
    """Divide whole numbers, toward zero.

    Ibis's own `//` becomes a division of floats that is floored, wrong from 2^53 on. The
    name is DuckDB's; another backend has its own word for it, and this is the place for it.
    """


def method_of(rule: PoolRule) -> PoolMethod:
    """Return the rule's method by the front door's names."""
    return PoolMethod(rule.method.value)


def pairs(watch: Table, members: Table, titles: Table) -> Table:
    """Return seconds by member and title; the member is null where nobody paid.

    Names become numbers first, so that what is grouped is small.
    """
    placed = watch.left_join(members, ["account", "plan", "territory"])
    numbered = placed.join(titles, placed.title == titles.title)
    return numbered.group_by([numbered.member, numbered.number]).agg(
        seconds=numbered.seconds.sum().cast("int64")
    )


def counting(pairs: Table, members: Table, titles: Table, rule: PoolRule) -> Table:
    """Return the pairs that count: long enough, of no excluded account or title, of the rule's plan."""
    found = pairs.filter((pairs.seconds > 0) & (pairs.seconds >= rule.min_seconds))
    if rule.excluded_titles:
        out = titles.filter(_named(titles.title, rule.excluded_titles))
        found = found.anti_join(out, "number")
    if rule.excluded_accounts:
        out = members.filter(_named(members.account, rule.excluded_accounts))
        found = found.anti_join(out, "member")
    if rule.plan != "*":
        found = found.semi_join(members.filter(members.plan == rule.plan), "member")
    return found


def with_players(counted: Table, members: Table, holders: Table) -> Table:
    """Add the holder's number to the pairs that count, by title and the pool's territory."""
    placed = counted.join(members.select("member", "territory"), "member")
    return placed.join(holders, ["number", "territory"]).select("member", "number", "seconds", "player")


def accounts(counted: Table, members: Table, rule: PoolRule) -> Table:
    """Return, for each member whose watch counted, its pool, its money, and what one unit of it is.

    One row a member; one a member and holder where holders are the players. `whole`,
    `part` and `rest` are those of `per_unit`, of the money over `units`; `kept`,
    `kept_part` and `kept_rest` those of the capped seconds over all.
    """
    found = counted.group_by("member").agg(**_sums(counted, rule))
    if method_of(rule) is PoolMethod.EQUAL_PER_SUBSCRIBER:
        own = counted.group_by(["member", "player"]).agg(own=counted.seconds.sum().cast("int64"))
        found = own.join(found, "member")
        found = found.mutate(units=found.units * found.own)
    found = found.join(members.select("member", "pool", "net"), "member")
    columns = [found[name] for name in found.columns if name != "own"]
    if method_of(rule) is not PoolMethod.PRO_RATA:
        columns += _per_unit(found.net, found.units, ("whole", "part", "rest"))
    if rule.max_seconds is not None:
        kept = ibis.least(found.total, ibis.literal(rule.max_seconds, "int64"))
        columns += _per_unit(kept, found.total, ("kept", "kept_part", "kept_rest"))
    return found.select(*columns)


def _sums(counted: Table, rule: PoolRule) -> dict[str, Value]:
    total: Value = counted.seconds.sum().cast("int64")
    if method_of(rule) is PoolMethod.USER_CENTRIC:
        return {"total": total, "units": total}
    if method_of(rule) is PoolMethod.EQUAL_PER_TITLE:
        return {"total": total, "units": counted.count()}
    if method_of(rule) is PoolMethod.EQUAL_PER_SUBSCRIBER:
        return {"total": total, "units": counted.player.nunique()}
    return {"total": total}


def parts(counted: Table, accounts: Table, rule: PoolRule) -> Table:
    """Return the sums by pool and title.

    Money is `money x 2^40 + money_part` grains, watch `weight x 2^40 + weight_part`.
    """
    by_holder = method_of(rule) is PoolMethod.EQUAL_PER_SUBSCRIBER
    found = counted.join(accounts, ["member", "player"] if by_holder else "member")
    sums: dict[str, Value] = {"weight": found.seconds}
    if rule.max_seconds is not None:
        sums["weight"] = found.kept * found.seconds
        rest = quotient(found.kept_rest * found.seconds, found.total)
        sums["weight_part"] = found.kept_part * found.seconds + rest
    if method_of(rule) is PoolMethod.EQUAL_PER_TITLE:
        sums |= {"money": found.whole, "money_part": found.part}
    elif method_of(rule) is not PoolMethod.PRO_RATA:
        sums["money"] = found.whole * found.seconds
        sums["money_part"] = found.part * found.seconds + quotient(found.rest * found.seconds, found.units)
    return found.group_by(["pool", "number"]).agg(
        accounts=found.count(), **{name: value.sum().cast(WIDE) for name, value in sums.items()}
    )


def _per_unit(amount: Any, units: Any, names: tuple[str, str, str]) -> list[Any]:
    """Return `per_unit(amount, units)` of the core as three columns, without leaving 64 bits."""
    # `%` has the sign of the amount, so it is brought into 0 to units - 1 first.
    left = ((amount % units) + units) % units
    upper = left * HALF
    lower = (upper % units) * HALF
    return [
        quotient(amount - left, units).name(names[0]),
        (quotient(upper, units) * HALF + quotient(lower, units)).name(names[1]),
        (lower % units).name(names[2]),
    ]


def _named(column: Any, names: frozenset[str]) -> Any:
    return column.cast("string").isin(sorted(names))
