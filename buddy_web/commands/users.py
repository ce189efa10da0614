"""`buddy users`: find members, look at one, sign them out, help with a lost second factor, give tokens."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

import click

from buddy_core.access import SYSTEM
from buddy_core.flows import Awaiting, FindUsers, FoundUser, GrantTokens, UserRecord
from buddy_core.kernel.ids import EntryId
from buddy_core.views import GivenRole, UserRow
from buddy_web.commands.running import CORRELATION_ID, EXIT_STILL_OPEN, ask, key_option

REASON = click.option(
    "--reason", required=True, help="Why, for whoever reads the audit: 3 to 500 characters."
)
PAGE = 100


@click.group()
def users() -> None:
    """Find members and look after them; all of it is written to the audit, looking too."""


@users.command("find")
@click.argument("prefix", default="")
@click.option("--limit", default=PAGE, type=click.IntRange(1, PAGE), show_default=True)
def find(prefix: str, limit: int) -> None:
    """List members whose address begins with PREFIX, newest first; without it, the newest of all."""

    async def work(container: Any) -> tuple[Sequence[UserRow], bool]:
        found = await container.find_users(
            SYSTEM, FindUsers(prefix, limit=limit), correlation_id=CORRELATION_ID
        )
        return await container.name_roles(found.users), found.next_after is not None

    rows, are_more = ask(work)
    for row in rows:
        account = row.found.account
        click.echo(f"{account.email}  since {account.created_at:%Y-%m-%d}  {_roles(row.roles)}")
    if not rows:
        click.echo("Nobody's address begins so.", err=True)
    if are_more:
        click.echo("There are more; type more of the address.", err=True)


@users.command("show")
@click.argument("email")
def show(email: str) -> None:
    """Show what staff see of the member with EMAIL: roles, wallet, second factor, open sessions."""

    async def work(container: Any) -> tuple[UserRecord, Sequence[GivenRole]]:
        account = await container.find_member(SYSTEM, email)
        record = await container.look_at_user(SYSTEM, account, correlation_id=CORRELATION_ID)
        (row,) = await container.name_roles([FoundUser(record.account, record.assignments)])
        return record, row.roles

    record, roles = ask(work)
    frozen = ", frozen" if record.is_frozen else ""
    click.echo(f"Member         {record.account.email}, since {record.account.created_at:%Y-%m-%d}")
    click.echo(f"Roles          {_roles(roles)}")
    click.echo(f"Tokens         {record.tokens}{frozen}")
    click.echo(f"Second factor  {'confirmed' if record.has_second_factor else 'none'}")
    if record.locked_until is not None:
        click.echo(f"Locked until   {_minute(record.locked_until)}: too many wrong passwords")
    click.echo(f"Sessions       {len(record.sessions)}")
    for session in record.sessions:
        what = session.label or "unnamed"
        if session.impersonator is not None:
            what = f"staff looking: {session.reason}"
        click.echo(f"  {what}  since {_minute(session.started_at)}, used {_minute(session.last_used_at)}")


@users.command("sign-out")
@click.argument("email")
@REASON
def sign_out(email: str, reason: str) -> None:
    """End every session of the member with EMAIL; their tokens open nothing from the next request on."""

    async def work(container: Any) -> int:
        account = await container.find_member(SYSTEM, email)
        ended: int = await container.sign_out_user(SYSTEM, account, reason, correlation_id=CORRELATION_ID)
        return ended

    click.echo(f"{ask(work)} sessions of {email} were ended.")


@users.command("reset-second-factor")
@click.argument("email")
@REASON
def reset_second_factor(email: str, reason: str) -> None:
    """Take away the lost second factor of the member with EMAIL, and sign them out everywhere.

    Make sure first that it is really they who ask, by a way other than the one they ask by. Until
    they have set up another, acts about money are closed to them.
    """

    async def work(container: Any) -> None:
        account = await container.find_member(SYSTEM, email)
        await container.reset_second_factor(SYSTEM, account, reason, correlation_id=CORRELATION_ID)

    ask(work)
    click.echo(f"{email} has no second factor any more, and is signed out everywhere.")


def _amount(_: click.Context, __: click.Parameter, value: str) -> int:
    """Return an amount of tokens; a number with a minus reads as an option, if nobody looks."""
    if not re.fullmatch("[0-9]{1,18}", value) or int(value) == 0:
        raise click.BadParameter(f"{value!r} is no amount; it must be a whole number from 1.")
    return int(value)


@users.command("grant-tokens", context_settings={"ignore_unknown_options": True})
@click.argument("email")
@click.argument("tokens", callback=_amount)
@REASON
@key_option("The same key again gives the same answer, and no second gift.")
def grant_tokens(email: str, tokens: int, reason: str, key: str | None) -> None:
    """Give TOKENS bonus tokens to the member with EMAIL; they last 90 days.

    More than one person may give alone is kept as a request, which is named, and the exit code is 3:
    somebody who signed in with a second factor approves it.
    """

    async def work(container: Any) -> EntryId | Awaiting:
        account = await container.find_member(SYSTEM, email)
        command = GrantTokens(account, tokens, reason, key or uuid4().hex)
        given: EntryId | Awaiting = await container.grant_tokens(
            SYSTEM, command, correlation_id=CORRELATION_ID
        )
        return given

    given = ask(work)
    if isinstance(given, Awaiting):
        click.echo(f"Request {given.request_id} waits for a second person until {_minute(given.expires_at)}.")
        sys.exit(EXIT_STILL_OPEN)
    click.echo(f"{email} got {tokens} bonus tokens.")


def _roles(roles: Sequence[GivenRole]) -> str:
    return ", ".join(f"{item.role} ({where(item)})" for item in roles) or "viewer"


def where(item: GivenRole) -> str:
    """Return how far a role reaches, in the words of the options that gave it."""
    if item.producer:
        return f"producer {item.producer}, {item.where}"
    return f"territory {item.territory}" if item.territory else item.where


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
