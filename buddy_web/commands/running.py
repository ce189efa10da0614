"""How a command runs: wired, in one event loop, on a database that was checked; and what it may exit with."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import click
from dependency_injector import providers

from buddy_adapters.workings import PlainWorkings
from buddy_core.kernel.errors import BuddyError
from buddy_web.container import Container
from buddy_web.health import check_migrated
from buddy_web.settings import Settings, load_settings

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

CORRELATION_ID = "cli"
"""What the audit names for whatever was done at the command line."""
EXIT_FAULTS = 1
EXIT_STILL_OPEN = 3
"""Something was not done and waits: a month for its end, a request for a second person."""


def key_option(help: str) -> Callable[[F], F]:
    """Return the option `--key`; an empty one is refused, for it would name no request at all."""
    return click.option("--key", help=help, callback=_key)


def _key(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.strip():
        raise click.BadParameter("it is empty; give a word of your own, or leave the option out.")
    return value


class Buddy(click.Group):
    """Says what went wrong in one line instead of a traceback, when Buddy raised it on purpose."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BuddyError as error:
            raise click.ClickException(str(error)) from error


def run(settings: Settings, work: Callable[[Any], Awaitable[T]]) -> T:
    """Run work with everything wired, and answer what it answers."""

    async def inside() -> T:
        async with _wired(settings) as container:
            return await work(container)

    return asyncio.run(inside())


def run_migrated(settings: Settings, work: Callable[[Any], Awaitable[T]]) -> T:
    """Run work that needs the tables, or say that `buddy migrate` comes first."""

    async def checked(container: Any) -> T:
        await check_migrated(container.engine())
        return await work(container)

    return run(settings, checked)


def ask(work: Callable[[Any], Awaitable[T]]) -> T:
    """Run work that needs the tables with the settings of the environment."""
    return run_migrated(load_settings(), work)


@contextlib.asynccontextmanager
async def _wired(settings: Settings) -> AsyncIterator[Container]:
    container = Container(settings=settings)
    # Nobody else waits for a command: it works months out where it stands, however long that takes.
    container.workings.override(providers.Object(PlainWorkings()))
    try:
        yield container
    finally:
        await container.engine().dispose()
