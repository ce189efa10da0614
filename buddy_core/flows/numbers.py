"""Change what an unlock costs and what an ad pays: a new version from now on, with its audit record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

from attrs import evolve

from buddy_core.access import Actor, AuditTx, Change, record_in, require
from buddy_core.ads import AdsTx, RewardRule
from buddy_core.catalog import TitleType
from buddy_core.flows.catalogue import CatalogueTx, find_title_in
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.ids import TitleId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.pricing import PricingTx, TokenCosts

MAX_NUMBER = 1_000_000
_RULE_NUMBERS = ("tokens", "account_daily", "device_daily", "ip_daily", "guest_life")
_DAYS = "days"


class NumbersTx(PricingTx, AdsTx, CatalogueTx, AuditTx, Protocol):
    """What changing the numbers needs of a transaction."""


async def set_token_costs(
    actor: Actor,
    changes: Mapping[str, int],
    *,
    correlation_id: str,
    uow: UnitOfWork[NumbersTx],
    clock: Clock,
) -> TokenCosts:
    """Change costs by type (`film`) or title (`film/ab2d`), in tokens, from now on; return the table.

    Whoever saw an older table is asked to confirm the new cost. Costs that stand so
    already change nothing and leave no record.

    Raises:
        NotPermitted: the actor may not.
        InvalidValue, BadCost: a name is no type or title, or a cost no whole number above zero.
        TitleNotFound: no title has this id.
        NoTokenCosts: there is no table to change; run `buddy seed`.
    """
    require(actor, "cost:set")

    async def work(tx: NumbersTx) -> TokenCosts:
        at = clock.now()
        before = await tx.token_costs.in_force(at)
        by_type, by_title = dict(before.by_type), dict(before.by_title)
        for name, cost in changes.items():
            _check_number(name, cost, least=1)
            if "/" in name:
                by_title[await _title_in(tx, name)] = cost
            else:
                by_type[_type(name)] = cost
        if (by_type, by_title) == (before.by_type, before.by_title):
            return before
        after = TokenCosts(before.version + 1, at, by_type, by_title)
        await tx.token_costs.add(after)
        old = {name: before.by_type.get(name) for name in changes}
        resource = f"version {after.version}"
        await record_in(
            tx, actor, Change("token_costs.set", resource, old, dict(changes), correlation_id), at
        )
        return after

    return await retried(uow, work)


async def set_reward_rule(
    actor: Actor,
    changes: Mapping[str, int],
    *,
    correlation_id: str,
    uow: UnitOfWork[NumbersTx],
    clock: Clock,
) -> RewardRule:
    """Change what a rewarded ad pays and how often, from now on; return the rule.

    Names are tokens, days (until the tokens expire), account_daily, device_daily,
    ip_daily and guest_life. What stands so already leaves no record.

    Raises:
        NotPermitted: the actor may not.
        InvalidValue: a name is none of these, or a number is out of range.
        NoRewardRule: there is no rule to change; run `buddy seed`.
    """
    require(actor, "reward_rule:set")
    for name, number in changes.items():
        if name not in (*_RULE_NUMBERS, _DAYS):
            raise InvalidValue(name, f"is none of {', '.join((*_RULE_NUMBERS, _DAYS))}")
        _check_number(name, number, least=1 if name in ("tokens", _DAYS) else 0)

    async def work(tx: NumbersTx) -> RewardRule:
        at = clock.now()
        before = await tx.reward_rules.in_force(at)
        wanted: dict[str, Any] = {name: number for name, number in changes.items() if name != _DAYS}
        after = evolve(before, **wanted)
        if _DAYS in changes:
            after = evolve(after, tokens_live_for=timedelta(days=changes[_DAYS]))
        if after == before:
            return before
        after = evolve(after, version=before.version + 1, effective_from=at)
        await tx.reward_rules.add(after)
        old = {name: _shown(before, name) for name in changes}
        resource = f"version {after.version}"
        await record_in(
            tx, actor, Change("reward_rule.set", resource, old, dict(changes), correlation_id), at
        )
        return after

    return await retried(uow, work)


def _shown(rule: RewardRule, name: str) -> int:
    return rule.tokens_live_for.days if name == _DAYS else int(getattr(rule, name))


def _check_number(name: str, number: object, *, least: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= MAX_NUMBER:
        raise InvalidValue(name, f"must be a whole number from {least} to {MAX_NUMBER}")


def _type(name: str) -> str:
    if name not in list(TitleType):
        raise InvalidValue(
            name, f"is no type; there are {', '.join(TitleType)}, or a title such as film/ab2d"
        )
    return name


async def _title_in(tx: NumbersTx, name: str) -> TitleId:
    type, _, text = name.partition("/")
    return (await find_title_in(tx, type, text)).id
