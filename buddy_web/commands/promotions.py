"""`buddy promotions`: list them, begin one, end one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import uuid4

import click

from buddy_core.access import SYSTEM
from buddy_core.flows import Awaiting, PromotionNow
from buddy_core.promotions import AddPromotion, EndPromotion, Promotion
from buddy_web.commands.numbers import KEY, Start, instant
from buddy_web.commands.running import CORRELATION_ID, EXIT_STILL_OPEN, ask
from buddy_web.commands.users import REASON

_PAGE = 100


@click.group()
def promotions() -> None:
    """Codes that bring bonus tokens: so many in all, once an account."""


@promotions.command("list")
def list_() -> None:
    """List promotions with how many have claimed, those that begin last first."""

    async def work(container: Any) -> Sequence[PromotionNow]:
        found: list[PromotionNow] = []
        while True:
            page = await container.list_promotions(SYSTEM, limit=_PAGE, offset=len(found))
            found += page
            if len(page) < _PAGE:
                return found

    found = ask(work)
    for item in found:
        one = item.promotion
        click.echo(
            f"{one.code:<16}  {item.state.value.replace('_', ' '):<8}  {item.claimed}/{one.limit} claimed, "
            f"{one.tokens} tokens for {one.days} days, {_minute(one.starts_at)} to {_minute(one.ends_at)}, "
            f"{'guests too' if one.for_guests else 'members'}"
        )
    if not found:
        click.echo("There are no promotions.", err=True)


@promotions.command("add")
@click.argument("code")
@click.option("--tokens", type=click.IntRange(min=1), required=True, help="Bonus tokens for each claim.")
@click.option("--limit", type=click.IntRange(min=1), required=True, help="How many may claim in all.")
@click.option("--days", type=click.IntRange(min=1), default=30, show_default=True, help="How long they last.")
@click.option("--from", "start", type=Start(), help="The day (or instant) from which it counts; else now.")
@click.option(
    "--until", "until", type=Start(), required=True, help="The day (or instant) at which it counts no more."
)
@click.option("--guests", is_flag=True, help="Guests may claim too, once a device.")
@REASON
@KEY
def add(
    code: str,
    tokens: int,
    limit: int,
    days: int,
    start: date | None,
    until: date,
    guests: bool,
    reason: str,
    key: str | None,
) -> None:
    """Begin a promotion: buddy promotions add MONSOON26 --tokens 5 --limit 1000 --until 2026-12-01 ...

    One that may give more than one person decides alone is kept as a request, which is named, and the
    exit code is 3.
    """

    async def work(container: Any) -> Promotion | Awaiting:
        ends_at = instant(container, until)
        assert ends_at is not None
        command = AddPromotion(
            code=code,
            tokens=tokens,
            days=days,
            limit=limit,
            ends_at=ends_at,
            for_guests=guests,
            reason=reason,
            idempotency_key=key or uuid4().hex,
            starts_at=instant(container, start),
        )
        done: Promotion | Awaiting = await container.add_promotion(
            SYSTEM, command, correlation_id=CORRELATION_ID
        )
        return done

    done = ask(work)
    if isinstance(done, Awaiting):
        click.echo(f"Request {done.request_id} waits for a second person until {_minute(done.expires_at)}.")
        sys.exit(EXIT_STILL_OPEN)
    click.echo(f"{done.code} counts from {_minute(done.starts_at)} to {_minute(done.ends_at)}.")


@promotions.command("end")
@click.argument("code")
@REASON
@KEY
def end(code: str, reason: str, key: str | None) -> None:
    """End the promotion CODE now; what was claimed stays."""
    command = EndPromotion(code, reason, key or uuid4().hex)
    done = ask(lambda container: container.end_promotion(SYSTEM, command, correlation_id=CORRELATION_ID))
    click.echo(f"{done.code} ended at {_minute(done.ends_at)}.")


def _minute(at: Any) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
