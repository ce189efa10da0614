"""`buddy costs` and `buddy rewards`: what unlocks cost and ads pay, and new versions with what they do."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import click

from buddy_core.access import SYSTEM
from buddy_core.ads import SetRewardRule
from buddy_core.flows import SetTokenCosts
from buddy_core.kernel.clock import utc
from buddy_core.views import CostEffect, CostVersion, RuleEffect, RuleVersion
from buddy_web.commands.running import CORRELATION_ID, ask, key_option
from buddy_web.formats import exact_money

AS_ITS_TYPE = "type"
"""What is written for a title that shall have no cost of its own any more."""


class Start(click.ParamType[date]):
    """A day, which begins at midnight where the first entity sells, or an instant with its offset."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read the day or instant."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value) if len(value) == 10 else utc(datetime.fromisoformat(value))
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no day such as 2026-12-01, and no instant with an offset.", param, ctx)


FROM = click.option(
    "--from", "start", type=Start(), help="The day (or instant) from which it counts; else in a minute."
)
PREVIEW = click.option("--preview", is_flag=True, help="Show what it would do, and save nothing.")
KEY = key_option("The same key again gives the same answer, and no second version.")


@click.command()
@click.argument("costs", nargs=-1, metavar="[NAME=TOKENS]...")
@FROM
@PREVIEW
@KEY
def costs(costs: tuple[str, ...], start: date | None, preview: bool, key: str | None) -> None:
    """Show what unlocks cost, or change it: buddy costs episode=3 film/ab2d=5 --from 2026-12-01

    NAME is a type (film, short, episode) or a title by type and id; a title's cost beats its
    type's, and film/ab2d=type takes it away. What was spent stays; viewers who saw
    the old cost are asked again; it is written into the audit.
    """
    if not costs:
        _print_costs(ask(lambda container: container.cost_versions(SYSTEM)))
        return
    changes: dict[str, int | None] = {}
    for word in costs:
        name, _, number = word.partition("=")
        check_once(name, changes)
        changes[name] = None if "/" in name and number == AS_ITS_TYPE else _number(word)

    async def work(container: Any) -> tuple[CostEffect | None, int | None]:
        at = instant(container, start)
        command = SetTokenCosts(changes, key or uuid4().hex, at)
        effect = await container.costs_effect(SYSTEM, command) if key is None or preview else None
        if preview:
            return effect, None
        version: int = await container.set_token_costs(SYSTEM, command, correlation_id=CORRELATION_ID)
        return effect, version

    effect, version = ask(work)
    if effect is not None:
        click.echo(f"From {effect.effective_from:%Y-%m-%d %H:%M:%S} UTC:")
        for change in effect.changes:
            click.echo(
                f"  {change.label}: {_was(change.before)} -> {_was(change.after)}, {change.titles} titles"
            )
    elif preview:
        click.echo("This is what it costs already: nothing would change.")
    if version is not None:
        click.echo(f"Costs are at version {version}.")


@click.command()
@click.argument("numbers", nargs=-1, metavar="[NAME=NUMBER]...")
@FROM
@PREVIEW
@KEY
def rewards(numbers: tuple[str, ...], start: date | None, preview: bool, key: str | None) -> None:
    """Show what a rewarded ad pays, or change it: buddy rewards tokens=2 account_daily=8

    Names: tokens, days (until they expire), account_daily, device_daily, ip_daily,
    guest_life. What was paid stays, and the day's counts go on. It is written into the audit.
    """
    if not numbers:
        _print_rules(ask(lambda container: container.rule_versions(SYSTEM)))
        return
    changes: dict[str, int] = {}
    for word in numbers:
        name = word.partition("=")[0]
        check_once(name, changes)
        changes[name] = _number(word)

    async def work(container: Any) -> tuple[RuleEffect | None, int | None]:
        at = instant(container, start)
        command = SetRewardRule(changes, key or uuid4().hex, at)
        effect = await container.rule_effect(SYSTEM, command) if key is None or preview else None
        if preview:
            return effect, None
        version: int = await container.set_reward_rule(SYSTEM, command, correlation_id=CORRELATION_ID)
        return effect, version

    effect, version = ask(work)
    if effect is not None:
        click.echo(f"From {effect.effective_from:%Y-%m-%d %H:%M:%S} UTC:")
        for change in effect.changes:
            click.echo(f"  {change.name}: {change.before} -> {change.after}")
        worth = " or ".join(exact_money(value, currency) for currency, value in effect.day_counts)
        click.echo(f"  An account earns at most {effect.day_tokens} tokens a day; spent, they count {worth}.")
    elif preview:
        click.echo("The rule says this already: nothing would change.")
    if version is not None:
        click.echo(f"The reward rule is at version {version}.")


def check_once(name: str, named: Container[str]) -> None:
    """Refuse a name that was given before: which of two numbers is meant, nobody can know.

    Raises:
        UsageError: it is among `named`.
    """
    if name in named:
        raise click.UsageError(f"{name} is named twice; give it once.")


def instant(container: Any, start: date | None) -> datetime | None:
    """Return when a day begins where the first entity sells; an instant as it is."""
    if start is None or isinstance(start, datetime):
        return start
    zone = container.routes().entities[0].zone
    return utc(datetime(start.year, start.month, start.day, tzinfo=ZoneInfo(zone)))


def _print_costs(versions: Sequence[CostVersion]) -> None:
    for item in versions:
        numbers = {**dict(item.by_type), **{own.name: own.tokens for own in item.by_title}}
        click.echo(f"{_head(item)}  {_listed(numbers)}")


def _print_rules(versions: Sequence[RuleVersion]) -> None:
    for item in versions:
        click.echo(f"{_head(item)}  {_listed(dict(item.numbers))}")


def _head(item: CostVersion | RuleVersion) -> str:
    state = {"in_force": "in force", "coming": "coming", "past": "past"}[item.state]
    return f"{item.version:>4}  {state:<8}  from {item.effective_from:%Y-%m-%d %H:%M} UTC"


def _number(word: str) -> int:
    name, _, number = word.partition("=")
    if not name or not number.isascii() or not number.isdigit() or len(number) > 9:
        raise click.UsageError(f"{word!r} is not of the form NAME=NUMBER, such as film=8.")
    return int(number)


def _was(cost: int | None) -> str:
    return "not for tokens" if cost is None else f"{cost} tokens"


def _listed(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in numbers.items())
