"""`buddy sweep`: write off what has expired, and remove what says nothing any more."""

from __future__ import annotations

from typing import Any

import click

from buddy_core.flows import SweptTokens
from buddy_core.sessions import Swept
from buddy_web.commands.running import ask


@click.command()
def sweep() -> None:
    """Write off expired lots, and remove what nothing depends on.

    That is refresh tokens that have expired, forgotten tries and counts of rate limits. Holds and
    sessions that are over are written down as ended. Nothing is accepted or refused for it; run it
    once a day, so that the tables stay small. If it breaks off, run it again.
    """

    ask(_sweep)


async def _sweep(container: Any) -> None:
    swept: Swept = await container.sweep_sessions()
    removed = f"{swept.tokens} refresh tokens and {swept.keys} counted tries removed"
    written_off: SweptTokens = await container.sweep_tokens()
    click.echo(
        f"Wallets: {written_off.expired} tokens had expired and {written_off.voided} holds were over, "
        f"in {written_off.wallets} wallets."
    )
    if written_off.left:
        click.echo(
            f"{written_off.left} wallets were left: this host's clock is behind their last entries. "
            "Set the clock, then sweep again."
        )
    click.echo(f"Sessions: {swept.sessions} were over, {removed}.")
    limits = container.rate_limits()
    if limits is None:
        click.echo("Rate limits: off.")
        return
    click.echo(f"Rate limits: {await limits.sweep(container.clock().now())} counts removed.")
