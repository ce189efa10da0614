"""`buddy tokens value`: what one token counts, and a new version with what it does."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Any
from uuid import uuid4

import click

from buddy_core.access import SYSTEM
from buddy_core.flows import Awaiting
from buddy_core.tokens import SetTokenValue, TokenKind
from buddy_core.views import ValueEffect, ValueVersion
from buddy_core.views.admin_values import read_amount
from buddy_web.commands.numbers import FROM, KEY, PREVIEW, check_once, instant
from buddy_web.commands.running import CORRELATION_ID, EXIT_STILL_OPEN, ask
from buddy_web.formats import exact_money


@click.command("value")
@click.argument("kind", required=False, type=click.Choice(["bonus", "paid"]))
@click.argument("amounts", nargs=-1, metavar="[CURRENCY=AMOUNT]...")
@FROM
@PREVIEW
@KEY
def value(
    kind: str | None, amounts: tuple[str, ...], start: date | None, preview: bool, key: str | None
) -> None:
    """Show what one token counts, or set it: buddy tokens value bonus INR=0.40 USD=0.005 --from 2026-12-01

    Every settlement currency needs an amount. Spends before that day keep the value that they
    were made at. A change that one person may not make alone is kept as a request, which is
    named, and the exit code is 3.
    """
    if not amounts:
        versions: Sequence[ValueVersion] = ask(lambda container: container.value_versions(SYSTEM))
        for item in versions:
            if kind in (None, item.kind):
                click.echo(_line(item))
        return
    if kind is None or start is None:
        raise click.UsageError("Name the kind, and with --from the day from which the value counts.")
    values = _amounts(amounts)

    async def work(container: Any) -> tuple[ValueEffect | None, int | Awaiting | None]:
        since = instant(container, start)
        assert since is not None, "a day was given"
        command = SetTokenValue(TokenKind(kind), since, values, "", key or uuid4().hex)
        effect = await container.show_value_effect(SYSTEM, command) if key is None or preview else None
        if preview:
            return effect, None
        saved: int | Awaiting = await container.set_token_value(
            SYSTEM, command, correlation_id=CORRELATION_ID
        )
        return effect, saved

    effect, saved = ask(work)
    if effect is not None:
        _print_effect(effect)
    if isinstance(saved, Awaiting):
        click.echo(f"Request {saved.request_id} waits for a second person until {saved.expires_at:%Y-%m-%d}.")
        sys.exit(EXIT_STILL_OPEN)
    if saved is not None:
        click.echo(f"Version {kind}-{saved} is saved.")


def _print_effect(effect: ValueEffect) -> None:
    click.echo(f"Changes nothing before {effect.effective_from:%Y-%m-%d %H:%M} UTC.")
    for change in effect.changes:
        after = exact_money(change.example_after, change.currency)
        if change.example_before is None:
            before = ""
        elif change.example_before == change.example_after:
            before = ", as before"
        else:
            before = f" instead of {exact_money(change.example_before, change.currency)}"
        click.echo(f"From then an unlock of {effect.tokens} {effect.kind} tokens counts {after}{before}.")


def _line(item: ValueVersion) -> str:
    state = {"in_force": "in force", "coming": "coming", "past": "past"}[item.state]
    counts = ", ".join(exact_money(entry.per_token, entry.currency) for entry in item.values)
    return f"{item.version:<9} {state:<8}  from {item.effective_from:%Y-%m-%d %H:%M} UTC  {counts}"


def _amounts(words: Sequence[str]) -> dict[str, Fraction]:
    values: dict[str, Fraction] = {}
    for word in words:
        currency, amount = _amount(word)
        check_once(currency, values)
        values[currency] = amount
    return values


def _amount(word: str) -> tuple[str, Fraction]:
    currency, _, text = word.partition("=")
    amount = read_amount(text, currency) if len(currency) == 3 and currency.isupper() else None
    if amount is None:
        raise click.UsageError(f"{word!r} is not of the form CURRENCY=AMOUNT, such as INR=0.40.")
    return currency, amount
