"""Change what an unlock costs and what an ad pays: a new version from an instant on, once, on the record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from attrs import field, frozen

from buddy_core.access import Actor, AuditTx, Change, record_in, require
from buddy_core.ads import (
    AdsTx,
    NoRewardRule,
    RewardRule,
    RewardRules,
    SetRewardRule,
    next_rule,
    rule_numbers,
)
from buddy_core.catalog import TitleType
from buddy_core.flows.catalogue import CatalogueTx, find_title_in
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.clock import Clock, utc
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.idempotency import ReceiptTx, once, request_key
from buddy_core.kernel.ids import TitleId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.pricing import CostsChanged, NoTokenCosts, PricingTx, TokenCosts, next_costs


class RulesTx(Protocol):
    """A transaction that reads reward rules."""

    @property
    def reward_rules(self) -> RewardRules: ...


class NumbersTx(PricingTx, AdsTx, CatalogueTx, AuditTx, ReceiptTx, Protocol):
    """What changing the numbers needs of a transaction."""


def _instant(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value, "effective_from")


@frozen
class SetTokenCosts:
    """Change costs by type (`film`) or title (`film/ab2d`), in tokens, from an instant on.

    A title's None takes its own cost away. Without an instant they count as soon as may be.
    """

    changes: Mapping[str, int | None]
    idempotency_key: str
    effective_from: datetime | None = field(default=None, converter=_instant)
    base: int | None = None
    """The version that it began from, where another one meanwhile should stop it."""


async def set_token_costs(
    actor: Actor,
    command: SetTokenCosts,
    *,
    correlation_id: str,
    uow: UnitOfWork[NumbersTx],
    clock: Clock,
) -> int:
    """Append a version of the costs; return its number, or the last one's where all stands so already.

    No past figure changes. Whoever saw older costs is asked to confirm the new ones.

    Raises:
        NotPermitted, SecondFactorNeeded: the actor may not.
        InvalidValue, BadCost: a name is no type or title, or a cost no whole number from 1.
        CostsChanged: the last table is not the one that the change began from.
        CostsInPast, CostsTooFar: they must count from soon on, after the last ones, within a year.
        TitleNotFound: no title has this id.
        NoTokenCosts: there is no table to change; run `buddy seed`.
        IdempotencyMismatch: the key was used for another change.
    """
    require(actor, "cost:set")

    async def work(tx: NumbersTx, at: datetime) -> int:
        before = await last_costs_in(tx)
        after = await next_costs_in(tx, before, command, at)
        if after is None:
            return before.version
        await tx.token_costs.add(after)
        names = await _ids_in(tx, command.changes)
        old = {name: _cost(before, *key) for name, key in names.items()}
        new = {"from": after.effective_from, **command.changes}
        change = Change("token_costs.set", f"version {after.version}", old, new, correlation_id)
        await record_in(tx, actor, change, at)
        return after.version

    request = request_key("pricing.costs", command.idempotency_key, command)
    return await once(uow, request, clock, work, encode=canonical_bytes, decode=json.loads)


async def next_costs_in(
    tx: NumbersTx, last: TokenCosts, command: SetTokenCosts, at: datetime
) -> TokenCosts | None:
    """Return the table that a change would append after the last, None if it would change nothing."""
    if command.base is not None and command.base != last.version:
        raise CostsChanged(command.base, last.version)
    by_type: dict[str, int] = {}
    by_title: dict[TitleId, int | None] = {}
    for name, (type, title) in (await _ids_in(tx, command.changes)).items():
        cost = command.changes[name]
        if title is not None:
            if title in by_title:
                raise InvalidValue(name, "names a title that is named already")
            by_title[title] = cost
        elif cost is None:
            raise InvalidValue(name, "is a type; only a title can do without a cost of its own")
        else:
            by_type[type] = cost
    return next_costs(last, by_type, by_title, command.effective_from, at)


async def last_costs_in(tx: PricingTx) -> TokenCosts:
    """Return the newest table of costs, in force or to come.

    Raises:
        NoTokenCosts: there is none.
    """
    found = await tx.token_costs.newest(1)
    if not found:
        raise NoTokenCosts
    return found[0]


async def set_reward_rule(
    actor: Actor,
    command: SetRewardRule,
    *,
    correlation_id: str,
    uow: UnitOfWork[NumbersTx],
    clock: Clock,
) -> int:
    """Append a version of the rule; return its number, or the last one's where all stands so already.

    Nothing that was paid changes, and the counts of the day go on: a new cap holds against them.

    Raises:
        NotPermitted, SecondFactorNeeded: the actor may not.
        BadRewardRule: a name is unknown, or a number is out of range.
        RewardRuleChanged: the last rule is not the one that the change began from.
        RewardRuleInPast, RewardRuleTooFar: it must count from soon on, after the last one, within a year.
        NoRewardRule: there is no rule to change; run `buddy seed`.
        IdempotencyMismatch: the key was used for another change.
    """
    require(actor, "reward_rule:set")

    async def work(tx: NumbersTx, at: datetime) -> int:
        before = await last_rule_in(tx)
        after = next_rule(before, command, at)
        if after is None:
            return before.version
        await tx.reward_rules.add(after)
        numbers = rule_numbers(before)
        old = {name: numbers[name] for name in command.changes}
        new: dict[str, Any] = {"from": after.effective_from, **command.changes}
        change = Change("reward_rule.set", f"version {after.version}", old, new, correlation_id)
        await record_in(tx, actor, change, at)
        return after.version

    request = request_key("ads.reward_rule", command.idempotency_key, command)
    return await once(uow, request, clock, work, encode=canonical_bytes, decode=json.loads)


async def last_rule_in(tx: RulesTx) -> RewardRule:
    """Return the newest reward rule, in force or to come.

    Raises:
        NoRewardRule: there is none.
    """
    found = await tx.reward_rules.newest(1)
    if not found:
        raise NoRewardRule
    return found[0]


async def _ids_in(tx: NumbersTx, names: Mapping[str, Any]) -> dict[str, tuple[str, TitleId | None]]:
    """Return the type that each name says, and the title where it says one."""
    found: dict[str, tuple[str, TitleId | None]] = {}
    for name in names:
        type, slash, text = name.partition("/")
        if type not in list(TitleType):
            raise InvalidValue(
                name, f"is no type; there are {', '.join(TitleType)}, or a title such as film/ab2d"
            )
        found[name] = (type, (await find_title_in(tx, type, text)).id if slash else None)
    return found


def _cost(costs: TokenCosts, type: str, title: TitleId | None) -> int | None:
    return costs.by_type.get(type) if title is None else costs.by_title.get(title)
