"""`buddy prices`: what titles and plans cost in money, and new versions with what they do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import click

from buddy_core.access import SYSTEM
from buddy_core.flows import SetPrices
from buddy_core.kernel.money import Money
from buddy_core.views import PriceEffect, PriceVersion
from buddy_web.commands.numbers import FROM, KEY, PREVIEW, instant
from buddy_web.commands.running import CORRELATION_ID, ask

MAX_BYTES = 5_000_000


@click.group()
def prices() -> None:
    """Show and change what titles and plans cost in money."""


@prices.command()
@click.option("--version", type=int, help="Another version than the newest.")
def show(version: int | None) -> None:
    """Print a version as the JSON that `buddy prices set --file` takes."""
    found: Sequence[PriceVersion] = ask(lambda container: container.price_versions(SYSTEM))
    chosen = [item for item in found if version in (None, item.version)]
    if not chosen:
        raise click.ClickException("There is no such version of the prices; see GET /v1/admin/prices.")
    item = chosen[0]
    click.echo(
        f"Version {item.version}, {item.state.replace('_', ' ')}, from "
        f"{item.effective_from:%Y-%m-%d %H:%M} UTC, {len(item.rules)} rules.",
        err=True,
    )
    document = {"currencies": dict(item.currencies), "rules": [dict(rule.data) for rule in item.rules]}
    click.echo(json.dumps(document, ensure_ascii=False, indent=1))


@prices.command(name="set")
@click.option("--file", "path", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option("--add", is_flag=True, help="Keep what the file does not name; else it is the whole book.")
@FROM
@PREVIEW
@KEY
def set_(path: Path, add: bool, start: date | None, preview: bool, key: str | None) -> None:
    """Add a version: buddy prices set --file prices.json --from 2026-12-01

    The file is what `buddy prices show` prints, changed. What was quoted is held for a
    quarter of an hour; what was sold stays; it is written into the audit.
    """
    document = _read(path)

    async def work(container: Any) -> tuple[PriceEffect | None, int | None]:
        command = SetPrices(
            document.get("rules", []),
            key or uuid4().hex,
            currencies=document.get("currencies", {}),
            is_whole=not add,
            effective_from=instant(container, start),
        )
        effect = await container.prices_effect(SYSTEM, command) if key is None or preview else None
        if preview:
            return effect, None
        version: int = await container.set_prices(SYSTEM, command, correlation_id=CORRELATION_ID)
        return effect, version

    effect, version = ask(work)
    if effect is not None:
        _print_effect(effect)
    elif preview:
        click.echo("These prices stand so already: nothing would change.")
    if version is not None:
        click.echo(f"Prices are at version {version}.")


def _read(path: Path) -> Mapping[str, Any]:
    """Read a file of prices.

    Raises:
        ClickException: it is too long, no JSON, or not of the form that `show` prints.
    """
    if path.stat().st_size > MAX_BYTES:
        raise click.ClickException(
            f"{path} is longer than {MAX_BYTES // 1_000_000} MB; that is no list of prices."
        )
    try:
        found = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise click.ClickException(f"{path} is no JSON: {str(error)[:200]}.") from None
    if not isinstance(found, dict) or set(found) - {"rules", "currencies"}:
        raise click.ClickException(f'{path} must hold {{"currencies": {{...}}, "rules": [...]}} and no more.')
    if not isinstance(found.get("rules", []), list) or not isinstance(found.get("currencies", {}), dict):
        raise click.ClickException(f"{path}: rules must be a list, and currencies an object.")
    return found


def _print_effect(effect: PriceEffect) -> None:
    click.echo(f"From {effect.effective_from:%Y-%m-%d %H:%M:%S} UTC:")
    for change in effect.changes:
        data = change.rule.data
        what = ", ".join(
            str(part)
            for part in (
                data["kind"],
                data.get("tier"),
                data.get("period"),
                f"{data['hours']} h" if "hours" in data else None,
                data.get("title") or data.get("title_type"),
                f"in {change.rule.territories}",
                f"with {data['plan']}" if "plan" in data else None,
            )
            if part
        )
        click.echo(f"  {change.rule.id} ({what}): {_paid(change.before)} -> {_paid(change.after)}")
    for code, before, after in effect.currencies:
        click.echo(f"  {code} pays in: {before or 'nothing'} -> {after or 'nothing'}")


def _paid(price: Money | None) -> str:
    return "not sold" if price is None else str(price)
