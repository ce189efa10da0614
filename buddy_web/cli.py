"""The command `buddy`: set up, serve, close months and check the books."""

from __future__ import annotations

import contextlib
import hashlib
import json
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import attrs
import click
from sqlalchemy.engine import make_url

from buddy_adapters.media.ffmpeg import FfmpegMissing
from buddy_adapters.sql.migrate import migrate as migrate_database
from buddy_adapters.system.clock import ShiftedClock
from buddy_core.access import SYSTEM
from buddy_core.flows import CloseReport, VerifyReport
from buddy_core.flows.close_period import Stage
from buddy_core.tax import entities_named
from buddy_web.commands.approvals import approvals
from buddy_web.commands.audit import audit
from buddy_web.commands.checkpoints import read_checkpoint, write_checkpoint
from buddy_web.commands.facts import facts
from buddy_web.commands.numbers import costs, rewards
from buddy_web.commands.prices import prices
from buddy_web.commands.promotions import promotions
from buddy_web.commands.rights import rights
from buddy_web.commands.roles import roles
from buddy_web.commands.royalty import royalty
from buddy_web.commands.running import (
    CORRELATION_ID,
    EXIT_FAULTS,
    EXIT_STILL_OPEN,
    Buddy,
    run,
    run_migrated,
)
from buddy_web.commands.sweep import sweep
from buddy_web.commands.terms import terms
from buddy_web.commands.tokens import tokens
from buddy_web.commands.users import users
from buddy_web.container import Container
from buddy_web.demo.figures import FactsFile
from buddy_web.demo.media import make_media
from buddy_web.demo.months import seed_months
from buddy_web.demo.seed import DEMO_PASSWORD, LOGINS, seed_demo
from buddy_web.reference import seed_reference
from buddy_web.settings import Settings, load_settings
from buddy_web.start import lacks

PORT = click.IntRange(1, 65535)
_STAGES = {
    "gather": "gathering facts…",
    "state": "stating every holder's month…",
    "seal": "sealing the statements…",
}
_FIRST_PAGES = {"viewer": "/", "partner_admin": "/producer"}
"""Where a demo login begins; staff begin at their own page."""


@click.group(cls=Buddy)
def main() -> None:
    """Buddy: who may watch what, the token wallet, and exact payment to the producer.

    Settings come from BUDDY_* variables of the environment; docs/settings.md lists them.
    """


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, type=PORT, show_default=True, help="The port to listen on.")
def serve(host: str, port: int) -> None:
    """Serve with waitress, a pure-Python server in one process.

    In production prefer: gunicorn --worker-class gthread --workers 2 --threads 16
    --no-control-socket "buddy_web.wsgi:application()"
    """
    with _bound(host, port) as bound:
        _serve(load_settings(), bound)


@main.command()
def migrate() -> None:
    """Bring the database to the newest schema; run it before each start of a new version."""
    settings = load_settings()
    _make_folder(settings)
    run(settings, lambda container: migrate_database(container.engine()))
    click.echo("The database is at the newest schema.")


@main.command()
@click.option("--demo", "with_demo", is_flag=True, help="Also write the demo's titles and accounts.")
def seed(with_demo: bool) -> None:
    """Write the first token values, costs, prices and reward rule; what is there stays as it is."""
    settings = load_settings()
    if with_demo and not settings.demo:
        raise click.ClickException("--demo is refused in production: its password is public.")
    run_migrated(settings, lambda container: _seed(container, with_demo))
    click.echo("Seeded.")


@main.command()
@click.argument("month")
@click.option("--entity", help="Close this selling entity only, such as newtact.")
def close(month: str, entity: str | None) -> None:
    """Close MONTH (YYYY-MM): write every statement of it, final from then on.

    Without --entity every entity is closed whose month has ended in its own zone;
    those that cannot be closed are named with the reason, and the exit code is 3. Closing again
    changes nothing: it states the month anew and compares every byte.
    Each statement is named by its producer's short id, its currency and the SHA-256 of its bytes.

    The command line closes at once. On the page /admin/close one person reviews, another publishes.
    """
    shown = ""

    def show(entity: str, stage: Stage) -> None:
        nonlocal shown
        if sys.stderr.isatty():
            line = f"{entity} {month}: {_STAGES[stage]}"
            click.echo(f"\r{line.ljust(len(shown))}", nl=False, err=True)
            shown = line

    async def work(container: Container) -> CloseReport:
        entities = entities_named(container.routes(), entity)
        return await container.close_month(
            SYSTEM, month, entities, correlation_id=CORRELATION_ID, progress=show
        )

    report = run_migrated(load_settings(), work)
    if shown:
        click.echo(f"\r{' ' * len(shown)}\r", nl=False, err=True)
    for closed in report.closed:
        how = "closed" if closed.is_new else "was closed before; its statements are the same to the byte"
        click.echo(f"{closed.entity} {closed.month}: {how}, {len(closed.statements)} statements")
        for item in closed.statements:
            holder = json.loads(item.body)["holder"]
            click.echo(f"  {holder} {item.currency} sha256:{hashlib.sha256(item.body).hexdigest()}")
    for still_open in report.open:
        click.echo(still_open.message(), err=True)
    for refused in report.refusals:
        click.echo(f"{refused.entity} {refused.month} is not closed. {refused.error.message()}", err=True)
    if report.open or report.refusals:
        sys.exit(EXIT_STILL_OPEN)


@main.command()
@click.option(
    "--checkpoint",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="When all is well, write here where each wallet stands. Keep it away from the database.",
)
@click.option(
    "--since",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="Look only at the wallets that have moved since this checkpoint, and at the ledger alone.",
)
def verify(checkpoint: Path | None, since: Path | None) -> None:
    """Re-derive every balance, lot, chain, grant and statement from the ledger.

    Exits with 1 and names each row that was altered, is missing or was inserted.
    What cannot be seen: rows taken off the very end with all that points at them, unless
    --since has a checkpoint that saw them.
    """

    def show(done: int, total: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{done}/{total} wallets", nl=done == total, err=True)

    known = None if since is None else read_checkpoint(since)
    if checkpoint is not None and not checkpoint.parent.is_dir():
        raise click.ClickException(f"{checkpoint} cannot be written: make its folder first.")

    async def check(container: Any) -> VerifyReport:
        report: VerifyReport = await (
            container.verify(progress=show)
            if known is None
            else container.verify_ledger(since=known, progress=show)
        )
        return report

    report = run_migrated(load_settings(), check)
    _print_report(report)
    if not report.is_clean:
        sys.exit(EXIT_FAULTS)
    if checkpoint is not None:
        write_checkpoint(checkpoint, report.checkpoint)
        click.echo(f"Where {len(report.checkpoint.marks)} wallets stand is in {checkpoint}.")


for command in (
    users,
    roles,
    approvals,
    audit,
    sweep,
    tokens,
    costs,
    prices,
    rewards,
    promotions,
    rights,
    facts,
    terms,
    royalty,
):
    main.add_command(command)


@main.group(invoke_without_command=True)
@click.option("--port", default=8000, type=PORT, show_default=True, help="The port to listen on.")
@click.pass_context
def demo(ctx: click.Context, port: int) -> None:
    """Make the demo's clips, database and accounts, then serve it on 127.0.0.1.

    Data stay in var/ between runs; delete the folder to begin anew.
    """
    if ctx.invoked_subcommand is not None:
        return
    # The sandbox ad network calls back under the public address, so it must name the port that is served.
    settings = attrs.evolve(_demo_settings(), public_url=f"http://127.0.0.1:{port}")
    with _bound("127.0.0.1", port) as bound:
        _make_demo(settings)
        _print_addresses(port)
        _serve(settings, bound)


@demo.command("prepare")
def demo_prepare() -> None:
    """Make clips, database and accounts, without serving."""
    _make_demo(_demo_settings())


@demo.command("clock")
@click.argument("shift")
def demo_clock(shift: str) -> None:
    """Move the demo's clock on by SHIFT: +1month, +3days, +2hours. It never goes back."""
    clock = Container(settings=_demo_settings()).clock()
    assert isinstance(clock, ShiftedClock), "the demo's clock can be moved"
    if shift == "reset":
        raise click.ClickException("The ledger has later entries; delete var/ to begin anew.")
    click.echo(f"The demo's clock now stands at {clock.shift(shift):%Y-%m-%d %H:%M} UTC.")


def _make_folder(settings: Settings) -> None:
    """Make the folder of a SQLite file: a clean clone has no var/."""
    url = make_url(settings.database_url)
    if url.drivername.startswith("sqlite") and url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)


async def _seed(container: Any, with_demo: bool) -> None:
    await seed_reference(uow=container.uow(), clock=container.clock())
    if with_demo:
        await seed_demo(
            uow=container.uow(),
            clock=container.clock(),
            ids=container.ids(),
            passwords=container.passwords(),
            sealer=container.sealer(),
            transliterator=container.transliterator(),
            stock=container.short_ids(),
        )


def _make_demo(settings: Settings) -> None:
    for lack in lacks(settings):
        click.echo(f"Warning: {lack}", err=True)
    _encode(settings)
    _make_folder(settings)
    awaited = run(settings, lambda container: _prepare(container))
    if awaited is not None:
        _offer(settings, awaited)


async def _prepare(container: Any) -> FactsFile | None:
    await migrate_database(container.engine())
    await _seed(container, with_demo=True)
    awaited: FactsFile | None = await seed_months(
        uow=container.uow(), clock=container.clock(), ids=container.ids(), routes=container.routes()
    )
    return awaited


def _offer(settings: Settings, awaited: FactsFile) -> None:
    """Lay the file down that a month waits for, so that somebody can bring it in."""
    place = settings.secret_file.parent / awaited.name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(awaited.content)
    click.echo(f"A month waits for {place}: bring it in under Facts, then review the month.")


def _demo_settings() -> Settings:
    settings = load_settings()
    if not settings.demo:
        raise click.ClickException("BUDDY_MODE is production; the demo has public passwords. Unset it.")
    return settings


def _encode(settings: Settings) -> None:
    with click.progressbar(length=1000, label="Encoding the demo's clips") as bar:
        try:
            for progress in make_media(settings.media_dir):
                bar.label = f"Encoding {progress.title:<16}"
                bar.update(progress.done_permille - bar.pos)
        except FfmpegMissing as error:
            raise click.ClickException(error.message()) from error
        bar.update(1000 - bar.pos)


def _print_addresses(port: int) -> None:
    base = f"http://127.0.0.1:{port}"
    click.echo(f"\nGuest         {base}/ (until you join)")
    for login in LOGINS:
        page = _FIRST_PAGES.get(login.role, "/admin")
        click.echo(f"{login.role:<14}{base}{page:<10}  {login.email}  {DEMO_PASSWORD}")
    click.echo("Everybody but the viewer has a second factor; its page shows the demo's code of the moment.")
    click.echo(f"API           {base}/v1/docs\nStop with Ctrl-C; data stay in var/.\n")


def _print_report(report: VerifyReport) -> None:
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in report.checked.items())
    click.echo(f"Checked {counts}.")
    for space in report.short_ids:
        click.echo(f"Short ids of {space.type}: {space.given_up} counters given up.")
    for fault in report.faults:
        click.echo(f"FAULT {fault}", err=True)
    click.echo("Clean." if report.is_clean else f"{len(report.faults)} faults.", err=not report.is_clean)


@contextlib.contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    """Hold the port from before the long work on; nobody is answered until the server listens."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        taken = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _cannot_listen(host, port, error) from error
    with taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(address)
        except OSError as error:
            raise _cannot_listen(host, port, error) from error
        yield taken


def _cannot_listen(host: str, port: int, error: Exception) -> click.ClickException:
    return click.ClickException(f"Cannot listen on {host}:{port} ({error}). Name another with --port.")


def _serve(settings: Settings, port: socket.socket) -> None:
    """Serve on a bound port until told to leave."""
    from waitress.server import create_server

    from buddy_web.wsgi import application

    def leave(*_: object) -> NoReturn:
        # waitress ends cleanly on SystemExit, and only then atexit disposes of the engine.
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)
    create_server(application(settings), sockets=[port], threads=16, ident="buddy").run()
