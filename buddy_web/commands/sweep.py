"""`buddy sweep`: remove what says nothing any more."""

from __future__ import annotations

from typing import Any

import click

from buddy_core.sessions import Swept
from buddy_web.commands.running import ask


@click.command()
def sweep() -> None:
    """Remove what nothing depends on: expired tokens, forgotten tries, counts of rate limits.

    Sessions that are over are written down as ended. Nothing is accepted or refused for it; run it
    once a day, so that the tables stay small.
    """

    ask(_sweep)


async def _sweep(container: Any) -> None:
    swept: Swept = await container.sweep_sessions()
    removed = f"{swept.tokens} refresh tokens and {swept.keys} counted tries removed"
    click.echo(f"Sessions: {swept.sessions} were over, {removed}.")
    limits = container.rate_limits()
    if limits is None:
        click.echo("Rate limits: off.")
        return
    click.echo(f"Rate limits: {await limits.sweep(container.clock().now())} counts removed.")
