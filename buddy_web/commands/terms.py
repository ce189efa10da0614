"""`buddy terms`: who has what of a title's money: shown, tried on a month, set and taken away."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from buddy_core.access import SYSTEM
from buddy_core.flows import Effect, SetTerms
from buddy_core.kernel.money import Money
from buddy_core.royalty import BadInput, Document, InputKind, read_terms_of
from buddy_core.tax import SellingEntity, entities_named
from buddy_core.views import LicenceTerms, NamedTerms, TermsBook
from buddy_web.commands.facts import ENTITY
from buddy_web.commands.running import CORRELATION_ID, ask

MAX_BYTES = 1_000_000
_FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
EFFECT = click.option(
    "--effect", "month", help="Print what this month, such as 2026-10, would come to, and set nothing."
)


def _whose(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command take what the terms are of."""
    for name, words in (
        ("waterfall", "A title with a waterfall, such as film/ab2d."),
        ("pool", "A plan, such as gold; * for every plan without a rule."),
        ("account", "An account's id."),
        ("licence", "A licence's number, such as L-k3q7zmw2ah."),
    ):
        command = click.option(f"--{name}", help=words)(command)
    return ENTITY(command)


@click.group()
def terms() -> None:
    """Show and set the royalty terms of licences, accounts, pools and waterfalls."""


@terms.command()
@_whose
@click.option("--find", default="", help="List only licences whose title, producer or number has this.")
def show(
    entity: str, licence: str | None, account: str | None, pool: str | None, waterfall: str | None, find: str
) -> None:
    """Print the terms of one licence, account, plan or title as JSON, which `set` takes; or list all."""
    if licence is account is pool is waterfall is None:
        _list(entity, find)
        return
    kind, key = _one(licence, account, pool, waterfall)

    async def work(container: Any) -> LicenceTerms | NamedTerms:
        seller = entities_named(container.routes(), entity)[0]
        found: LicenceTerms | NamedTerms = await container.terms_of(SYSTEM, seller, kind, key)
        return found

    found = ask(work)
    if isinstance(found, LicenceTerms):
        click.echo(_line(found), err=True)
    click.echo(json.dumps(found.terms, ensure_ascii=False, indent=1))


@terms.command(name="set")
@_whose
@click.argument("file", type=_FILE, default="-")
@EFFECT
def set_(
    entity: str,
    licence: str | None,
    account: str | None,
    pool: str | None,
    waterfall: str | None,
    file: Path,
    month: str | None,
) -> None:
    """Set terms from FILE, or from standard input: JSON as `show` prints it.

    buddy terms set --entity newtact --licence L-k3q7zmw2ah terms.json --effect 2026-10

    They count for every month that is not closed. The same again changes nothing; it is written
    into the audit.
    """
    kind, key = _one(licence, account, pool, waterfall)
    raw = sys.stdin.buffer.read(MAX_BYTES + 1) if str(file) == "-" else _bytes(file)
    if len(raw) > MAX_BYTES:
        raise click.ClickException(f"{file} is longer than {MAX_BYTES // 1_000_000} MB; that is no terms.")

    def command(seller: SellingEntity) -> SetTerms:
        name = "standard input" if str(file) == "-" else str(file)
        return SetTerms(seller, kind, key, read_terms_of(kind, key, Document(name, raw), seller.zone))

    _carry_out(entity, command, month)


@terms.command()
@_whose
@EFFECT
def remove(
    entity: str,
    licence: str | None,
    account: str | None,
    pool: str | None,
    waterfall: str | None,
    month: str | None,
) -> None:
    """Take terms away; a licence's own share counts again, by every model."""
    kind, key = _one(licence, account, pool, waterfall)
    _carry_out(entity, lambda seller: SetTerms(seller, kind, key, None), month)


def _carry_out(entity: str, made: Callable[[SellingEntity], SetTerms], month: str | None) -> None:
    async def work(container: Any) -> None:
        command = made(entities_named(container.routes(), entity)[0])
        if month is not None:
            _print_effect(await container.terms_effect(SYSTEM, command, month))
            return
        place = await container.set_terms(SYSTEM, command, correlation_id=CORRELATION_ID)
        done = "taken away" if command.terms is None else "set"
        click.echo(f"The terms of {command.kind.value} {command.key} are {done} (input {place} of {entity}).")

    try:
        ask(work)
    except BadInput as error:
        # One problem a line, as it stands: the code that other errors begin with would hide the first.
        raise click.ClickException(error.message()) from error


def _print_effect(effect: Effect) -> None:
    if effect.problems:
        click.echo(f"{effect.month} cannot be stated, with these terms or without them; nothing was set.")
        for problem in effect.problems:
            click.echo(f"  {problem}")
        return
    if effect.now is None:
        click.echo(f"{effect.month} cannot be stated as it is; by these terms it can. Nothing was set.")
        return
    if not effect.is_changed:
        click.echo(f"{effect.month}: nobody would have more or less.")
        return
    click.echo(f"{effect.month} by these terms; nothing was set.")
    for item in effect.totals:
        if item.is_changed:
            click.echo(
                f"  {item.holder}: earned {item.earned} -> {item.earned_then}"
                + _paid(item.payable, item.payable_then)
            )
    if effect.differences:
        click.echo("By title, exact minor units:")
    for one in effect.differences:
        click.echo(f"  {one.holder} {one.title}: {one.now} -> {one.then} {one.currency}")


def _paid(now: Money, then: Money) -> str:
    return "" if now == then else f", paid {now} -> {then}"


def _list(entity: str, find: str) -> None:
    async def pages(container: Any) -> list[TermsBook]:
        entities_named(container.routes(), entity)
        found: list[TermsBook] = [await container.terms_book(SYSTEM, entity, find, 1)]
        while found[-1].has_more:
            found.append(await container.terms_book(SYSTEM, entity, find, found[-1].page + 1))
        return found

    found = ask(pages)
    for book in found:
        for licence in book.licences:
            click.echo(_line(licence))
    for item in (*found[0].accounts, *found[0].pools, *found[0].waterfalls):
        click.echo(f"{item.kind.value} {item.key}: {json.dumps(item.terms, ensure_ascii=False)}")


def _line(item: LicenceTerms) -> str:
    shares = "; ".join(
        f"{text} {'of ' + ', '.join(models) if len(item.shares) > 1 else 'by every model'}"
        for text, models in item.shares
    )
    how = "" if item.terms is None else ", own terms"
    return f"{item.number} {item.title.name}, {item.holder.name} ({item.holder.short_id}): {shares}{how}"


def _one(
    licence: str | None, account: str | None, pool: str | None, waterfall: str | None
) -> tuple[InputKind, str]:
    """Return what the terms are of: exactly one thing."""
    kinds = (
        (InputKind.LICENCE, licence),
        (InputKind.ACCOUNT, account),
        (InputKind.POOL, pool),
        (InputKind.WATERFALL, waterfall),
    )
    given = [(kind, key) for kind, key in kinds if key is not None]
    if len(given) != 1:
        raise click.UsageError("Give one of --licence, --account, --pool and --waterfall.")
    return given[0]


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)
