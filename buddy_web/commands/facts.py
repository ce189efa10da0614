"""`buddy facts`: bring in what a month is stated from, announce it, and list it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from buddy_core.access import SYSTEM
from buddy_core.flows import BringFacts, Brought
from buddy_core.kernel.canonical import instant_text
from buddy_core.royalty import BadInput, FactTable, facts_json, read_facts
from buddy_core.tax import SellingEntity, entities_named
from buddy_core.views import FactsMonth
from buddy_web.commands.royalty import FILE, OPENED
from buddy_web.commands.running import CORRELATION_ID, ask

ENTITY = click.option("--entity", required=True, help="The selling entity, such as newtact.")
MONTH = click.option("--month", required=True, help="The month, such as 2026-10.")


@click.group()
def facts() -> None:
    """Bring in sales, subscriptions, ads and watching of a month from outside."""


@facts.command()
@click.argument("files", type=FILE, nargs=-1, required=True)
@ENTITY
@MONTH
@click.option("--name", help="What the facts are called for ever; else the file's own name. For one file.")
def bring(files: tuple[Path, ...], entity: str, month: str, name: str | None) -> None:
    """Bring FILES in: buddy facts bring sales.csv ads.json --entity newtact --month 2026-10

    JSON, or CSV or Parquet whose name begins with what it holds. The same file under its name counts
    once. What comes for a closed month is late: the next month adjusts it. Every problem is listed,
    and of a file with one nothing is written; the files before it are in.
    """
    if name is not None and len(files) > 1:
        raise click.UsageError("--name is for one file; without it each is called by its own name.")

    async def work(container: Any) -> None:
        seller = entities_named(container.routes(), entity)[0]
        for path in files:
            file, content = _content(path, seller)
            command = BringFacts(seller, month, name or path.name, content, file)
            done = await container.bring_facts(SYSTEM, command, correlation_id=CORRELATION_ID)
            _tell(command, done)

    _ask(work)


@facts.command()
@click.argument("name")
@ENTITY
@MONTH
def announce(name: str, entity: str, month: str) -> None:
    """Announce facts: the month is not closed before they have come under NAME."""

    async def work(container: Any) -> None:
        command = BringFacts(entities_named(container.routes(), entity)[0], month, name, None)
        _tell(command, await container.bring_facts(SYSTEM, command, correlation_id=CORRELATION_ID))

    _ask(work)


@facts.command(name="list")
@ENTITY
@MONTH
def list_(entity: str, month: str) -> None:
    """List what was brought in for a month, newest first."""

    async def work(container: Any) -> FactsMonth:
        seller = entities_named(container.routes(), entity)[0]
        found: FactsMonth = await container.facts_of_month(SYSTEM, seller, month)
        return found

    found = ask(work)
    click.echo(f"{month} of {entity}: {'closed' if found.is_closed else 'open'}, {len(found.files)} files")
    for item in found.files:
        what = "awaited" if item.is_awaited else f"{item.facts} facts"
        late = ", late" if item.is_late else ""
        click.echo(f"  {item.name}: {what}{late}, {instant_text(item.at)}")


@facts.command()
@click.argument("name")
@ENTITY
def show(name: str, entity: str) -> None:
    """Print the facts NAME as they were brought in, as JSON."""

    async def work(container: Any) -> bytes:
        seller = entities_named(container.routes(), entity)[0]
        found: bytes = await container.facts_file(SYSTEM, seller, name)
        return found

    click.echo(ask(work))


def _content(path: Path, seller: SellingEntity) -> tuple[str, bytes]:
    """Return a file as it lies there; Parquet as the JSON that says the same."""
    found = OPENED[".parquet"](path) if path.suffix.lower() == ".parquet" else None
    if isinstance(found, FactTable):
        return f"{path.name}.json", facts_json(read_facts([found], seller.zone)).encode()
    return path.name, path.read_bytes()


def _tell(command: BringFacts, done: Brought) -> None:
    what = f"{done.facts} facts" if command.content is not None else "announced"
    how = "" if done.is_new else ", there already and counted once"
    late = "; the month is closed, so the next one adjusts it" if done.is_late and done.is_new else ""
    click.echo(f"{command.name}, {command.month} of {command.entity.id}: {what}{how}{late}.")


def _ask(work: Any) -> None:
    """Run work; of files that cannot be, print one problem a line."""
    try:
        ask(work)
    except BadInput as error:
        raise click.ClickException(error.message()) from error
