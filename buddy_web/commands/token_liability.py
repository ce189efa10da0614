"""`buddy tokens liability`: what is owed for tokens that members bought, month by month."""

from __future__ import annotations

import sys

import click

from buddy_core.access import SYSTEM
from buddy_core.views import GivenMonth, LiabilityMonth, LiabilityWanted, TokenLiability
from buddy_web.commands.running import ask


@click.command()
@click.option("--month", metavar="YYYY-MM", help="The month, or the last of several; else the one that runs.")
@click.option("--since", metavar="YYYY-MM", help="The first of several months.")
@click.option("--currency", metavar="CODE", help="This currency alone, such as INR.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV, with the columns of the API.")
def liability(month: str | None, since: str | None, currency: str | None, as_csv: bool) -> None:
    """Show what is owed for tokens that members bought: opening, what came and went, closing.

    Amounts are at lot cost. A month runs in the zone of the company that settles in the currency;
    promotional tokens are counted in UTC, and nothing is owed for them.
    """
    # Imported late: the columns are the host's, and it takes a second to load.
    from buddy_web.routes.liability_files import liability_csv, liability_note

    wanted = LiabilityWanted(month, since, currency)
    found: TokenLiability = ask(lambda container: container.token_liability(SYSTEM, wanted))
    if as_csv:
        sys.stdout.buffer.write(liability_csv(found))
        sys.stdout.buffer.flush()
        return
    if (note := liability_note(found)) is not None:
        click.echo(note)
    for bought in found.months:
        _print_month(bought)
    for given in found.given:
        _print_given(given)


def _print_month(month: LiabilityMonth) -> None:
    click.echo(f"{month.roll.currency}  {month.month}  {month.zone}, {month.state}")
    for row in month.rows:
        _print_row(row.name, row.tokens, row.amount.major_text())
    if month.roll.on_hold:
        _print_row("(on hold)", month.roll.on_hold, "")
    for row in month.notes:
        if row.tokens or row.amount.minor:
            _print_row(f"({row.name})", row.tokens, row.amount.major_text())


def _print_given(month: GivenMonth) -> None:
    for number, roll in enumerate(month.rolls):
        click.echo(f"promotional {roll.kind}  {month.month}  {month.zone}, {month.state}")
        for name, tokens in month.rows:
            _print_row({"sold": "given", "redeemed": "spent"}.get(name, name), tokens[number], "")


def _print_row(name: str, tokens: int | None, amount: str) -> None:
    counted = "" if tokens is None else str(tokens)
    click.echo(f"  {name:<20}{counted:>14}{amount:>18}".rstrip())
