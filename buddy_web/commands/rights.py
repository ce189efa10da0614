"""`buddy rights`: a title's windows, licences and certificates; why it is not available; takedowns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import click

from buddy_core.access import SYSTEM
from buddy_core.catalog import Title
from buddy_core.flows import AddSheet, ChangeRights, RestoreTitle, SheetAdded, TakenDown, TakeTitleDown
from buddy_core.kernel.clock import utc
from buddy_core.kernel.ids import TakedownId, WindowId, derived_uuid
from buddy_core.rights import (
    AddWindow,
    BadSheet,
    EndWindow,
    Licence,
    RightsEdit,
    Strip,
    Takedown,
    Territories,
    TitleRights,
    WhyNot,
    Window,
    WindowType,
    apply_ladder,
    calendar,
    country_named,
    why_not,
)
from buddy_web.commands.running import CORRELATION_ID, ask, key_option
from buddy_web.commands.users import REASON

TITLE = click.argument("title", metavar="TITLE")
"""By type and short id: film/ab2d."""
TERRITORIES = click.argument("territories", nargs=-1, required=True)
KEY = key_option("The same key again gives the same answer, and nothing is done twice.")
MOST_COUNTRIES = 8
"""How many countries of a strip are named; the others are counted."""


_WRITTEN = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\S+)?", re.ASCII)
"""A day of the calendar, with a time or without; not by weeks."""


class Instant(click.ParamType[datetime]):
    """A day, which begins at midnight UTC, or an instant with its offset."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read the day or instant."""
        if isinstance(value, datetime):
            return value
        try:
            if not _WRITTEN.fullmatch(value):
                raise ValueError
            found = datetime.fromisoformat(value)
            return found.replace(tzinfo=UTC) if len(value) == 10 else utc(found)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no day such as 2026-12-01, and no instant with an offset.", param, ctx)


@click.group()
def rights() -> None:
    """Show and change where and when titles may be sold and watched.

    TITLE is named by its type and short id, such as film/ab2d. TERRITORIES are ISO 3166-1 codes, regions
    such as EU, or * for worldwide; a code that begins with ^ is excluded: '*' ^AE.
    """


@rights.command()
@TITLE
def show(title: str) -> None:
    """Show the licences, windows, certificates and takedowns of TITLE."""
    found, book = ask(lambda container: _found(container, title))
    if book is None:
        click.echo(f"{found.name} has no rights yet.")
        return
    click.echo(f"{found.name}: revision {book.revision}, {_at(book.recorded_at)} by {book.recorded_by}")
    for licence in book.licences:
        notes = [f"owns {licence.ownership}", f"share {licence.share}"]
        notes += ["exclusive"] if licence.is_exclusive else []
        notes += [] if licence.has_tail else ["no tail rights"]
        click.echo(f"licence   {_line(licence)}  {', '.join(notes)}")
    for window in book.windows:
        click.echo(_window_line(window))
    for rating in book.ratings:
        click.echo(f"rated     {_places(rating.territories)}  {rating.label} (from {rating.age})")
    for takedown in book.takedowns:
        click.echo(f"down      {_line(takedown)}  {takedown.notice}")


@rights.command()
@TITLE
@click.option("--from", "since", type=Instant(), help="From when on; else from now.")
@click.option("--days", type=click.IntRange(1, 3660), default=365, show_default=True, help="How long.")
@click.option("--in", "country", help="Of this country alone.")
def windows(title: str, since: datetime | None, days: int, country: str | None) -> None:
    """Show the calendar of TITLE: what is open where and when, and gaps in which nothing is."""

    async def work(container: Any) -> tuple[Strip, ...]:
        _, book = await _found(container, title)
        if country is not None:
            country_named(country)
        start = since or container.clock().now()
        return calendar(book, start, start + timedelta(days=days))

    for strip in ask(work):
        if country is not None and country not in strip.countries:
            continue
        named = " ".join(strip.countries[:MOST_COUNTRIES])
        rest = len(strip.countries) - MOST_COUNTRIES
        click.echo(named + (f" and {rest} more" if rest > 0 else ""))
        for spell in strip.spells:
            if spell.takedowns:
                told = "taken down"
            elif not spell.licences:
                told = "no licence"
            elif spell.is_gap:
                told = f"nothing sold or shown ({', '.join(spell.types) or 'gap'})"
            else:
                told = ", ".join(spell.types)
            click.echo(f"  {_at(spell.starts_at)} to {_at(spell.ends_at)}  {told}")


@rights.command("add-window")
@TITLE
@click.argument("type", type=click.Choice([type.value for type in WindowType]))
@TERRITORIES
@click.option("--from", "start", type=Instant(), required=True, help="When it begins.")
@click.option("--until", type=Instant(), help="When it ends; else it has no end.")
@click.option("--tier", multiple=True, help="A tier of plans that an SVOD window is for; else any.")
@click.option("--free", is_flag=True, help="A festival that needs no ticket.")
@REASON
@KEY
def add_window(
    title: str,
    type: str,
    territories: tuple[str, ...],
    start: datetime,
    until: datetime | None,
    tier: tuple[str, ...],
    free: bool,
    reason: str,
    key: str | None,
) -> None:
    """Add a window of TYPE to TITLE in TERRITORIES."""

    async def work(container: Any) -> TitleRights:
        found, _ = await _found(container, title)
        used = key or uuid4().hex
        window = Window(
            id=WindowId(derived_uuid("cli", found.id, used)),
            title_id=found.id,
            type=WindowType(type),
            territories=_territories(territories),
            starts_at=start,
            ends_at=until,
            tiers=tier,
            is_free=free,
        )
        return await _changed(container, found, [AddWindow(window)], reason, used)

    click.echo(f"{title} is at revision {ask(work).revision}.")


@rights.command("end-window")
@TITLE
@click.argument("window", type=click.UUID)
@click.option("--until", type=Instant(), required=True, help="When it ends, now or later.")
@REASON
@KEY
def end_window(title: str, window: UUID, until: datetime, reason: str, key: str | None) -> None:
    """Let WINDOW of TITLE end; `buddy rights show` names it."""

    async def work(container: Any) -> TitleRights:
        found, _ = await _found(container, title)
        edits = [EndWindow(WindowId(window), until)]
        return await _changed(container, found, edits, reason, key or uuid4().hex)

    click.echo(f"{title} is at revision {ask(work).revision}.")


@rights.command()
@TITLE
@TERRITORIES
@click.option("--released", type=Instant(), required=True, help="When it is released: day 1 of the ladder.")
@REASON
@KEY
def ladder(
    title: str, territories: tuple[str, ...], released: datetime, reason: str, key: str | None
) -> None:
    """Give TITLE the windows of the usual ladder in TERRITORIES, from its release on."""

    async def work(container: Any) -> tuple[TitleRights, Sequence[Window]]:
        found, _ = await _found(container, title)
        made = apply_ladder(found.id, released, _territories(territories))
        edits = [AddWindow(window) for window in made]
        return await _changed(container, found, edits, reason, key or uuid4().hex), made

    book, made = ask(work)
    for window in made:
        click.echo(_window_line(window))
    click.echo(f"{title} is at revision {book.revision}.")


@rights.command("import")
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@click.option("--take-good", is_flag=True, help="Add the lines that can be, and leave out the others.")
@REASON
@KEY
def import_windows(file: Path, take_good: bool, reason: str, key: str | None) -> None:
    """Add the windows of a CSV FILE: title,type,territories,starts,ends,tiers,free,tokens

    Every fault is told with its line, and then nothing is written, unless --take-good.
    """
    raw = file.read_bytes()

    async def work(container: Any) -> SheetAdded:
        command = AddSheet(raw, reason, key or uuid4().hex, take_good)
        done: SheetAdded = await container.add_windows_from_csv(
            SYSTEM, command, correlation_id=CORRELATION_ID
        )
        return done

    try:
        done = ask(work)
    except BadSheet as refused:
        _tell(refused.lines, refused.more)
        raise click.ClickException(f"{refused.code}: Nothing was written.") from refused
    _tell(done.faults, done.more)
    click.echo(f"{done.windows} windows of {done.titles} titles were added.")


def _tell(faults: Sequence[str], more: int) -> None:
    """Write faults, one a line."""
    for fault in faults:
        click.echo(fault, err=True)
    if more:
        click.echo(f"And {more} more.", err=True)


@rights.command()
@TITLE
@click.argument("country")
@click.option("--at", type=Instant(), help="When; else now.")
def why(title: str, country: str, at: datetime | None) -> None:
    """Say why TITLE is not available in COUNTRY, and what would change it."""

    async def work(container: Any) -> WhyNot | None:
        _, book = await _found(container, title)
        return why_not(book, country_named(country), at or container.clock().now())

    found = ask(work)
    click.echo(f"Available in {country}." if found is None else found.sentence)


@rights.command()
@TITLE
@TERRITORIES
@click.option("--notice", required=True, help="Whose notice, and what it says; staff see it.")
@REASON
@KEY
def takedown(title: str, territories: tuple[str, ...], notice: str, reason: str, key: str | None) -> None:
    """Stop TITLE in TERRITORIES for everybody, at once, and keep what is owed to whom.

    Of a series, every episode stops with it.
    """

    async def work(container: Any) -> TakenDown:
        found, _ = await _found(container, title)
        command = TakeTitleDown(found.id, _territories(territories), notice, reason, key or uuid4().hex)
        done: TakenDown = await container.take_down(SYSTEM, command, correlation_id=CORRELATION_ID)
        return done

    done = ask(work)
    click.echo(f"Takedown {done.takedown_id}: {done.titles} stopped, {done.owed} grants are owed.")


@rights.command()
@TITLE
@click.argument("takedown", type=click.UUID)
@REASON
@KEY
def restore(title: str, takedown: UUID, reason: str, key: str | None) -> None:
    """End the TAKEDOWN of TITLE; what is owed stays owed. `buddy rights show` names it."""

    async def work(container: Any) -> int:
        found, _ = await _found(container, title)
        command = RestoreTitle(found.id, TakedownId(takedown), reason, key or uuid4().hex)
        done: int = await container.restore_title(SYSTEM, command, correlation_id=CORRELATION_ID)
        return done

    click.echo(f"{ask(work)} restored.")


async def _found(container: Any, name: str) -> tuple[Title, TitleRights | None]:
    type, _, short_id = name.partition("/")
    title: Title = await container.find_title(type, short_id)
    book: TitleRights | None = await container.rights_of(SYSTEM, title.id)
    return title, book


async def _changed(
    container: Any, title: Title, edits: Sequence[RightsEdit], reason: str, key: str
) -> TitleRights:
    command = ChangeRights(title.id, edits, reason, key)
    book: TitleRights = await container.change_rights(SYSTEM, command, correlation_id=CORRELATION_ID)
    return book


def _territories(codes: Sequence[str]) -> Territories:
    excluded = tuple(code[1:] for code in codes if code.startswith("^"))
    return Territories(tuple(code for code in codes if not code.startswith("^")), excluded)


def _places(territories: Territories) -> str:
    return " ".join((*territories.included, *(f"^{code}" for code in territories.excluded)))


def _line(item: Licence | Window | Takedown) -> str:
    until = "no end" if item.ends_at is None else _at(item.ends_at)
    return f"{item.id}  {_places(item.territories)}  {_at(item.starts_at)} to {until}"


def _window_line(window: Window) -> str:
    notes = [f"for plans of {', '.join(window.tiers)}"] if window.tiers else []
    if window.type is WindowType.SVOD and not window.tiers:
        notes.append("for every plan")
    notes += ["free"] if window.is_free else []
    if window.sells_tokens is not None:
        notes.append("for tokens" if window.sells_tokens else "not for tokens")
    return f"{window.type.value:<9} {_line(window)}  {', '.join(notes)}".rstrip()


def _at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}Z"
