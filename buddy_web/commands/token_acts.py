"""`buddy tokens freeze`, `unfreeze`, `expire`, `refund`, `reverse` and `adjust`: what staff do to wallets."""

from __future__ import annotations

import sys
from typing import Any
from uuid import uuid4

import click

from buddy_core.access import SYSTEM
from buddy_core.flows import (
    AdjustLot,
    Awaiting,
    RefundedUnlock,
    RefundUnlock,
    ReversedEarning,
    ReverseEarning,
    SweptTokens,
)
from buddy_core.kernel.ids import AccountId, EntryId, LotId
from buddy_core.tokens import ExpireTokens, FreezeWallet, LotNotFound, Swept
from buddy_core.views import EntryFound
from buddy_core.views.ledger import Look
from buddy_web.commands.running import CORRELATION_ID, EXIT_STILL_OPEN, ask, key_option
from buddy_web.commands.users import REASON

_LOOK = Look(SYSTEM, CORRELATION_ID)
KEY = key_option("The same key again gives the same answer, and nothing is done twice.")
ENTRY = click.argument("entry")
"""The number or the reference of an entry, as `buddy tokens statement` prints both."""


@click.command()
@click.argument("email")
@REASON
@KEY
def freeze(email: str, reason: str, key: str | None) -> None:
    """Freeze the wallet of the member with EMAIL: it neither earns nor spends, and says so.

    What is given back, taken back or expires is posted all the same.
    """
    _freeze(email, reason, key, is_frozen=True)
    click.echo(f"The wallet of {email} is frozen.")


@click.command()
@click.argument("email")
@REASON
@KEY
def unfreeze(email: str, reason: str, key: str | None) -> None:
    """Let the frozen wallet of the member with EMAIL go on."""
    _freeze(email, reason, key, is_frozen=False)
    click.echo(f"The wallet of {email} goes on.")


@click.command()
@click.argument("email", required=False)
def expire(email: str | None) -> None:
    """Write off what has expired in the wallet of the member with EMAIL; without it, in every wallet.

    No balance changes by it: what has expired counts for nothing before. `buddy sweep` does it too.
    """

    async def one(container: Any) -> tuple[int, int]:
        account = await container.find_member(SYSTEM, email)
        swept: Swept = await container.expire_tokens(ExpireTokens(account, f"expire:{uuid4().hex}"))
        return swept.expired, swept.voided

    async def all_(container: Any) -> tuple[int, int]:
        swept: SweptTokens = await container.sweep_tokens()
        return swept.expired, swept.voided

    expired, voided = ask(all_ if email is None else one)
    click.echo(f"{expired} tokens had expired, and {voided} holds were over.")


@click.command()
@click.argument("email")
@ENTRY
@REASON
@KEY
def refund(email: str, entry: str, reason: str, key: str | None) -> None:
    """Give back what ENTRY of the member with EMAIL spent: an unlock is closed, its royalty taken back.

    ENTRY is a number or a reference, as `buddy tokens statement` prints them; the reference also
    names what they did as a guest.
    """

    async def work(container: Any) -> RefundedUnlock:
        account, found = await _named(container, email, entry, "tokens:refund")
        command = RefundUnlock(account, found.entry_id, reason, key or uuid4().hex)
        done: RefundedUnlock = await container.refund_unlock(SYSTEM, command, correlation_id=CORRELATION_ID)
        return done

    done = ask(work)
    lost = f", of which {done.expired} had expired meanwhile" if done.expired else ""
    taken = f", and {done.withdrawn} were taken back at once: their source was withdrawn" * bool(
        done.withdrawn
    )
    click.echo(f"{email} got {done.tokens} tokens back{lost}{taken}.")
    click.echo("The title is closed." if done.grant_ended else "No title is closed by it.")
    if done.was_played:
        click.echo("It was played after it was unlocked.")


@click.command()
@click.argument("email")
@ENTRY
@REASON
@KEY
def reverse(email: str, entry: str, reason: str, key: str | None) -> None:
    """Take back what ENTRY brought the member with EMAIL, because its source withdraws it.

    What is gone already, spent or expired or taken by staff, is uncollectable; what was unlocked with
    it stays open.
    """

    async def work(container: Any) -> ReversedEarning:
        account, found = await _named(container, email, entry, "tokens:reverse")
        command = ReverseEarning(account, found.entry_id, reason, key or uuid4().hex)
        done: ReversedEarning = await container.reverse_earning(
            SYSTEM, command, correlation_id=CORRELATION_ID
        )
        return done

    done = ask(work)
    click.echo(f"{done.taken} tokens were taken from {email}; {done.uncollectable} were gone already.")


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("email")
@ENTRY
@click.argument("tokens", type=int)
@click.option(
    "--lot", type=click.IntRange(min=1), default=1, show_default=True, help="Which of the entry's lots."
)
@REASON
@KEY
def adjust(email: str, entry: str, tokens: int, lot: int, reason: str, key: str | None) -> None:
    """Give TOKENS to a lot that ENTRY of the member with EMAIL touched, or take them: -3.

    More than one person may move alone is kept as a request, which is named, and the exit code is 3.
    """

    async def work(container: Any) -> EntryId | Awaiting:
        account, found = await _named(container, email, entry, "tokens:adjust")
        place = found.lot(lot)
        if place is None:
            raise LotNotFound(LotId(found.entry_id))
        command = AdjustLot(account, found.entry_id, place.lot_id, tokens, reason, key or uuid4().hex)
        done: EntryId | Awaiting = await container.adjust_lot(SYSTEM, command, correlation_id=CORRELATION_ID)
        return done

    done = ask(work)
    if isinstance(done, Awaiting):
        until = f"{done.expires_at:%Y-%m-%d %H:%M} UTC"
        click.echo(f"Request {done.request_id} waits for a second person until {until}.")
        sys.exit(EXIT_STILL_OPEN)
    click.echo(f"The lot of {email} was adjusted by {tokens:+}.")


def _freeze(email: str, reason: str, key: str | None, *, is_frozen: bool) -> None:
    async def work(container: Any) -> None:
        account = await container.find_member(SYSTEM, email)
        command = FreezeWallet(account, is_frozen, reason, SYSTEM.name, key or uuid4().hex)
        await container.freeze_wallet(SYSTEM, command, correlation_id=CORRELATION_ID)

    ask(work)


async def _named(container: Any, email: str, entry: str, permission: str) -> tuple[AccountId, EntryFound]:
    account: AccountId = await container.find_member(SYSTEM, email)
    found: EntryFound = await container.find_wallet_entry(_LOOK, account, entry, permission)
    return account, found
