"""`buddy tokens balance` and `statement`: what a wallet holds, or held, and how it came to that."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click

from buddy_core.access import SYSTEM
from buddy_core.tokens import StatementPlace
from buddy_core.views.ledger import Instants, Look, WalletState
from buddy_core.views.wallet_lines import LedgerLine, LedgerPage
from buddy_web.commands.running import CORRELATION_ID, ask

_LINES, _MOST = 50, 1000
_LOOK = Look(SYSTEM, CORRELATION_ID)


def _instant(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """Return an instant that names its offset, in UTC."""
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
        if at.utcoffset() is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{value!r} is no instant, such as 2026-11-03T10:00:00Z.") from None
    raise click.BadParameter(f"{value!r} names no instant; say where, such as 2026-11-03T10:00:00Z.")


@click.command()
@click.argument("email")
@click.option("--at", callback=_instant, metavar="INSTANT", help="The instant that the balance is for.")
@click.option(
    "--known-at", callback=_instant, metavar="INSTANT", help="Count only what was recorded until then."
)
def balance(email: str, at: datetime | None, known_at: datetime | None) -> None:
    """Show what the member with EMAIL can spend now, or could at an instant.

    Without --at the balance is for --known-at: what was believed then. An instant to come shows what
    will be left if nothing happens. That somebody looked is written to the audit.
    """

    async def work(container: Any) -> WalletState:
        account = await container.find_member(SYSTEM, email)
        found: WalletState = await container.wallet_state(account, Instants(at, known_at), look=_LOOK)
        return found

    found = ask(work)
    click.echo(f"At         {_second(found.at)}")
    if known_at is not None:
        click.echo(f"Known at   {_second(found.known_at)}")
        if not found.is_final:
            click.echo("Not final  that was minutes ago: what was dated before it may still be written")
    for kind in sorted({"bonus", "paid", *found.tokens}):
        click.echo(f"{kind:<10} {found.tokens.get(kind, 0)}")
    if found.held:
        click.echo(f"Set aside  {_counted(found.held)}")
    if found.expired:
        click.echo(f"Expired    {_counted(found.expired)}, not written off yet")
    if found.is_frozen:
        click.echo("Frozen     now: it neither earns nor spends")


@click.command()
@click.argument("email")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV, all of it where no --limit is given.")
@click.option("--limit", type=click.IntRange(1, _MOST), help=f"How many entries; {_LINES} as lines.")
@click.option("--before", metavar="PLACE", help="Go on where an earlier statement ended.")
def statement(email: str, as_csv: bool, limit: int | None, before: str | None) -> None:
    """Print what happened to the wallet of the member with EMAIL, newest first, with each balance.

    The balance after an entry is what is in the lots: what has expired is in it until an entry
    writes it off, what is set aside is not. That somebody looked is written to the audit.
    """
    place = None if before is None else StatementPlace.of_text(before)

    async def work(container: Any) -> StatementPlace | None:
        account = await container.find_member(SYSTEM, email)
        if not as_csv:
            page: LedgerPage = await container.ledger_page(account, place, limit or _LINES, look=_LOOK)
            for line in page.lines:
                click.echo(_in_one_line(line))
            if not page.lines:
                click.echo("Nothing has happened to this wallet.", err=True)
            return page.next
        # Imported late: the columns are the host's, and it takes a second to load.
        from buddy_web.routes.wallet_files import PAGE, csv_head, csv_rows

        page = await container.ledger_page(account, place, limit or PAGE, look=_LOOK)
        sys.stdout.buffer.write(csv_head() + csv_rows(page.lines))
        while page.next is not None and limit is None:
            page = await container.ledger_page(page.account_id, page.next, PAGE, of=page.account_id)
            sys.stdout.buffer.write(csv_rows(page.lines))
        sys.stdout.buffer.flush()
        return page.next

    older = ask(work)
    if older is not None:
        click.echo(f"There are older ones: --before {older.text}", err=True)


def _in_one_line(line: LedgerLine) -> str:
    moved = _counted(line.tokens, signed=True)
    held = f"set aside {_counted(line.held, signed=True)}" if line.held else ""
    parts = [
        f"{line.number:>6}",
        _second(line.at),
        f"{line.operation:<12}",
        ", ".join(part for part in (moved, held) if part) or "-",
        f"= {_counted(line.after) or 'nothing'}",
    ]
    if line.title is not None:
        parts.append(line.title.name)
    if line.corrects is not None:
        parts.append(f"corrects {line.corrects.reference}")
    parts += [line.source, line.reference]
    # Whatever a text holds, it stays on its line.
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in "  ".join(parts))


def _counted(tokens: Mapping[str, int], *, signed: bool = False) -> str:
    return ", ".join(
        f"{kind} {number:+}" if signed else f"{kind} {number}" for kind, number in sorted(tokens.items())
    )


def _second(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
