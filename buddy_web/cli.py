"""The command `buddy`: set up, serve, close months and check the books."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn, TypeVar

import attrs
import click

from buddy_adapters.media.ffmpeg import FfmpegMissing
from buddy_adapters.sql.migrate import migrate as migrate_database
from buddy_adapters.system.clock import ShiftedClock
from buddy_core.access import SYSTEM
from buddy_core.flows import CloseReport, VerifyReport
from buddy_core.kernel.errors import BuddyError
from buddy_core.tax import entities_named
from buddy_web.container import Container
from buddy_web.demo.media import make_media
from buddy_web.demo.seed import DEMO_PASSWORD, LOGINS, seed_demo
from buddy_web.reference import seed_reference
from buddy_web.settings import Settings, load_settings

T = TypeVar("T")

EXIT_FAULTS = 1
EXIT_STILL_OPEN = 3


class _Buddy(click.Group):
    """Says what went wrong in one line instead of a traceback, when Buddy raised it on purpose."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BuddyError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Buddy)
def main() -> None:
    """Buddy: who may watch what, the token wallet, and exact payment to the producer.

    Settings come from BUDDY_* variables of the environment; docs/settings.md lists them.
    """


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, help="The port to listen on.")
def serve(host: str, port: int) -> None:
    """Serve with waitress, a pure-Python server in one process.

    In production prefer: gunicorn --worker-class gthread --workers 2 --threads 16
    --no-control-socket "buddy_web.wsgi:application()"
    """
    _serve(load_settings(), host, port)


@main.command()
def migrate() -> None:
    """Bring the database to the newest schema; run it before each start of a new version."""
    _run(load_settings(), lambda container: migrate_database(container.engine()))
    click.echo("The database is at the newest schema.")


@main.command()
@click.option("--demo", "with_demo", is_flag=True, help="Also write the demo's titles and accounts.")
def seed(with_demo: bool) -> None:
    """Write the first token values, costs and reward rule; what is there stays as it is."""
    settings = load_settings()
    if with_demo and not settings.demo:
        raise click.ClickException("--demo is refused in production: its password is public.")
    _run(settings, lambda container: _seed(container, with_demo))
    click.echo("Seeded.")


@main.command()
@click.argument("month")
@click.option("--entity", help="Close this selling entity only, such as newtact.")
def close(month: str, entity: str | None) -> None:
    """Close MONTH (YYYY-MM): write every statement of it, final from then on.

    Without --entity every entity is closed whose month has ended in its own zone;
    the others are named, and the exit code is 3. Closing again changes nothing.
    """

    async def work(container: Container) -> CloseReport:
        entities = entities_named(container.routes(), entity)
        return await container.close_month(SYSTEM, month, entities, correlation_id="cli")

    report = _run(load_settings(), work)
    for closed in report.closed:
        how = "closed" if closed.is_new else "was closed before, the same to the byte"
        click.echo(f"{closed.entity} {closed.month}: {how}, {len(closed.statements)} statements")
        for item in closed.statements:
            click.echo(f"  {item.holder} {item.currency} {item.hash.hex()[:16]}")
    for still_open in report.open:
        click.echo(still_open.message(), err=True)
    if report.open:
        sys.exit(EXIT_STILL_OPEN)


@main.command()
def verify() -> None:
    """Re-derive every balance, lot, chain, grant and statement from the ledger.

    Exits with 1 and names each row that was altered, is missing or was inserted.
    What cannot be seen: rows taken off the very end with all that points at them.
    """

    def show(done: int, total: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{done}/{total} wallets", nl=done == total, err=True)

    report = _run(load_settings(), lambda container: container.verify(progress=show))
    _print_report(report)
    if not report.is_clean:
        sys.exit(EXIT_FAULTS)


@main.group(invoke_without_command=True)
@click.option("--port", default=8000, show_default=True, help="The port to listen on.")
@click.pass_context
def demo(ctx: click.Context, port: int) -> None:
    """Make the demo's clips, database and accounts, then serve it on 127.0.0.1.

    Data stay in var/ between runs; delete the folder to begin anew.
    """
    if ctx.invoked_subcommand is not None:
        return
    # The sandbox ad network calls back under the public address, so it must name the port that is served.
    settings = attrs.evolve(_demo_settings(), public_url=f"http://127.0.0.1:{port}")
    _encode(settings)
    _run(settings, lambda container: _prepare(container))
    _print_addresses(port)
    _serve(settings, "127.0.0.1", port)


@demo.command("prepare")
def demo_prepare() -> None:
    """Make clips, database and accounts, without serving."""
    settings = _demo_settings()
    _encode(settings)
    _run(settings, lambda container: _prepare(container))


@demo.command("clock")
@click.argument("shift")
def demo_clock(shift: str) -> None:
    """Move the demo's clock on by SHIFT: +1month, +3days, +2hours. It never goes back."""
    clock = Container(settings=_demo_settings()).clock()
    assert isinstance(clock, ShiftedClock), "the demo's clock can be moved"
    if shift == "reset":
        raise click.ClickException("The ledger has later entries; delete var/ to begin anew.")
    click.echo(f"The demo's clock now stands at {clock.shift(shift):%Y-%m-%d %H:%M} UTC.")


def _run(settings: Settings, work: Callable[[Any], Awaitable[T]]) -> T:
    async def inside() -> T:
        async with _wired(settings) as container:
            return await work(container)

    return asyncio.run(inside())


@contextlib.asynccontextmanager
async def _wired(settings: Settings) -> AsyncIterator[Container]:
    container = Container(settings=settings)
    try:
        yield container
    finally:
        await container.engine().dispose()


async def _seed(container: Any, with_demo: bool) -> None:
    await seed_reference(uow=container.uow(), clock=container.clock())
    if with_demo:
        await seed_demo(
            uow=container.uow(),
            clock=container.clock(),
            ids=container.ids(),
            passwords=container.passwords(),
            transliterator=container.transliterator(),
        )


async def _prepare(container: Any) -> None:
    await migrate_database(container.engine())
    await _seed(container, with_demo=True)


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
    pages = {"viewer": "/", "producer": "/producer", "admin": "/admin"}
    click.echo(f"\nViewer    {base}/            (a guest until you join)")
    for login in LOGINS:
        click.echo(f"{login.role:<9} {base}{pages[login.role]:<12} {login.email}  {DEMO_PASSWORD}")
    click.echo(f"API       {base}/v1/docs\nStop with Ctrl-C; data stay in var/.\n")


def _print_report(report: VerifyReport) -> None:
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in report.checked.items())
    click.echo(f"Checked {counts}.")
    for space in report.short_ids:
        click.echo(f"Short ids of {space.type}: {space.given_up} counters given up.")
    for fault in report.faults:
        click.echo(f"FAULT {fault}", err=True)
    click.echo("Clean." if report.is_clean else f"{len(report.faults)} faults.", err=not report.is_clean)


def _serve(settings: Settings, host: str, port: int) -> None:
    from waitress import serve as waitress_serve

    from buddy_web.wsgi import application

    def leave(*_: object) -> NoReturn:
        # waitress ends cleanly on SystemExit, and only then atexit disposes of the engine.
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)
    waitress_serve(application(settings), host=host, port=port, threads=16, ident="buddy")
