"""What an ad pays and how often: the versions there are, a new one, and its effect before it is saved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Protocol
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from buddy_core.access import Actor, require
from buddy_core.ads import (
    DAYS,
    MAX_NUMBER,
    RULE_NUMBERS,
    RewardRule,
    RewardRuleChanged,
    RewardRuleInPast,
    RewardRules,
    RewardRuleTooFar,
    SetRewardRule,
    next_rule,
    rule_numbers,
)
from buddy_core.flows.numbers import last_rule_in
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.tax import SellerRoutes
from buddy_core.tokens import TokenKind, version_at
from buddy_core.views.admin_values import FieldValue, ValueState, read_start, seen_version
from buddy_core.views.stated import ValuesTx

VERSIONS_SHOWN = 20
_WHOLE = re.compile(r"[0-9]{1,7}", re.ASCII)
_START = "effective_from"
_AT_LEAST_ONE = ("tokens", DAYS)


class AdminAdRuleTx(ValuesTx, Protocol):
    """What the page of the reward rule reads."""

    @property
    def reward_rules(self) -> RewardRules: ...


@frozen
class RuleVersion:
    """A version of the rule; `numbers` are what staff may change, in the order of the form."""

    version: int
    effective_from: datetime
    token_kind: str
    numbers: tuple[tuple[str, int], ...]
    state: ValueState

    def number(self, name: str) -> int:
        """Return one of the numbers."""
        return dict(self.numbers)[name]


@frozen
class RuleChange:
    """One number before and after."""

    name: str
    before: int
    after: int


@frozen
class RuleEffect:
    """What saving would do; nothing is changed before `effective_from`.

    `day_tokens` is the most that one account earns in a day then, and `day_counts`
    what these count when they are spent, in exact minor units by currency.
    `guest_tokens` is the most that a guest earns, of which `guest_keeps` come along
    when they join.
    """

    effective_from: datetime
    is_soon: bool
    """No day was chosen: a minute after it is saved."""
    changes: tuple[RuleChange, ...]
    tokens: int
    token_kind: str
    day_tokens: int
    day_counts: tuple[tuple[str, Fraction], ...]
    guest_tokens: int
    guest_keeps: int
    command: SetRewardRule
    """What is sent when it is saved, so that sending it twice is sending it once."""


@frozen
class AdminAdRule:
    """Versions, newest first, and the form, which begins with the newest one's numbers.

    A form that began from an older version than the newest is shown anew, and the problem says so.
    Form fields are `base` (the version that it began from), the rule's names and
    `effective_from` (a day, midnight in `zone`; empty: in a minute).
    """

    versions: tuple[RuleVersion, ...]
    zone: str
    earliest: date
    fields: tuple[FieldValue, ...] = ()
    effect: RuleEffect | None = None
    saved_version: int | None = None
    problem: str | None = None
    """What is wrong with no field in particular."""

    def field(self, name: str, otherwise: str = "") -> FieldValue:
        """Return the field of that name, as it was typed or as it would stand."""
        return next((field for field in self.fields if field.name == name), FieldValue(name, otherwise))

    @property
    def last(self) -> RuleVersion:
        """The newest version, which the next one changes."""
        return self.versions[0]

    @property
    def has_problem(self) -> bool:
        """Return whether something has to be mended before anything can be saved."""
        return self.problem is not None or any(field.problem for field in self.fields)


async def rule_versions(
    actor: Actor, *, uow: UnitOfWork[AdminAdRuleTx], clock: Clock
) -> tuple[RuleVersion, ...]:
    """Return the newest versions of the reward rule, newest first.

    Raises:
        NotPermitted: the actor may not see the rule.
    """
    require(actor, "reward_rule:read")
    async with uow.read() as tx:
        return await _versions_in(tx, clock.now())


async def rule_effect(
    actor: Actor, command: SetRewardRule, *, uow: UnitOfWork[AdminAdRuleTx], clock: Clock
) -> RuleEffect | None:
    """Return what a change would do, None if all stands so already; nothing is changed.

    Raises:
        NotPermitted: the actor may not see the rule.
        BadRewardRule, RewardRuleChanged, RewardRuleInPast, RewardRuleTooFar, NoRewardRule.
    """
    require(actor, "reward_rule:read")
    async with uow.read() as tx:
        last = await last_rule_in(tx)
        after = next_rule(last, command, clock.now())
        return None if after is None else await _effect_in(tx, last, command, after)


async def ad_rule_page(
    actor: Actor,
    typed: Mapping[str, str] | None,
    idempotency_key: str,
    *,
    uow: UnitOfWork[AdminAdRuleTx],
    clock: Clock,
    routes: SellerRoutes,
) -> AdminAdRule:
    """Fill the page; with a form that was typed, its problems, or what saving it would do.

    Raises:
        NotPermitted: the actor may not see the rule.
        NoRewardRule: there is none yet.
    """
    require(actor, "reward_rule:read")
    zone = routes.entities[0].zone
    async with uow.read() as tx:
        at = clock.now()
        last = await last_rule_in(tx)
        page = AdminAdRule(
            versions=await _versions_in(tx, at),
            zone=zone,
            earliest=at.astimezone(ZoneInfo(zone)).date() + timedelta(days=1),
        )
        if typed is None:
            return page
        seen = seen_version(typed)
        if seen is not None and seen != last.version:
            return evolve(page, problem=RewardRuleChanged(seen, last.version).message())
        fields, command = read_rule_form(typed, page.last, zone, idempotency_key)
        page = evolve(page, fields=fields)
        if command is None:
            return page
        try:
            after = next_rule(last, command, at)
        except (RewardRuleInPast, RewardRuleTooFar) as error:
            marked = [
                evolve(field, problem=error.message()) if field.name == _START else field for field in fields
            ]
            return evolve(page, fields=tuple(marked))
        if after is None:
            return evolve(page, problem="The rule says this already: nothing would change.")
        return evolve(page, effect=await _effect_in(tx, last, command, after))


def read_rule_form(
    typed: Mapping[str, str], last: RuleVersion, zone: str, idempotency_key: str
) -> tuple[tuple[FieldValue, ...], SetRewardRule | None]:
    """Read the form: what was typed with its problems, and the change if there are none.

    Only numbers other than the last version's are part of the change.
    """
    fields: list[FieldValue] = []
    changes: dict[str, int] = {}
    for name, stands in last.numbers:
        text = typed.get(name, "").strip()
        least = 1 if name in _AT_LEAST_ONE else 0
        number = int(text) if _WHOLE.fullmatch(text) else -1
        is_wrong = not least <= number <= MAX_NUMBER
        problem = f"Write a whole number from {least} to {MAX_NUMBER}." if is_wrong else None
        fields.append(FieldValue(name, text, problem))
        if number != stands:
            changes[name] = number
    text = typed.get(_START, "").strip()
    day, start = read_start(text, zone) if text else (FieldValue(_START), None)
    fields.append(day)
    if any(field.problem for field in fields):
        return tuple(fields), None
    return tuple(fields), SetRewardRule(changes, idempotency_key, start, last.version)


async def _effect_in(
    tx: AdminAdRuleTx, last: RewardRule, command: SetRewardRule, after: RewardRule
) -> RuleEffect:
    existing = await tx.token_values.of_kind(TokenKind(after.token_kind))
    values = version_at(existing, after.effective_from)
    day_tokens = after.tokens * after.account_daily
    worth = sorted(values.values.items()) if values else []
    before, numbers = rule_numbers(last), rule_numbers(after)
    return RuleEffect(
        effective_from=after.effective_from,
        is_soon=command.effective_from is None,
        changes=tuple(
            RuleChange(name, before[name], numbers[name]) for name in RULE_NUMBERS if name in command.changes
        ),
        tokens=after.tokens,
        token_kind=after.token_kind,
        day_tokens=day_tokens,
        day_counts=tuple((currency, value * day_tokens) for currency, value in worth),
        guest_tokens=after.tokens * after.guest_life,
        guest_keeps=after.guest_life,
        command=command,
    )


async def _versions_in(tx: AdminAdRuleTx, at: datetime) -> tuple[RuleVersion, ...]:
    found = await tx.reward_rules.newest(VERSIONS_SHOWN)
    live = max((item.version for item in found if item.effective_from <= at), default=0)
    return tuple(_shown(rule, live) for rule in found)


def _shown(rule: RewardRule, live: int) -> RuleVersion:
    state: ValueState = "coming"
    if rule.version <= live:
        state = "in_force" if rule.version == live else "past"
    numbers = rule_numbers(rule)
    shown = tuple((name, numbers[name]) for name in RULE_NUMBERS)
    return RuleVersion(rule.version, rule.effective_from, rule.token_kind, shown, state)
