"""The desk's list of titles: what is open of each, where, today."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from attrs import frozen

from buddy_core.access import Actor
from buddy_core.catalog import Title
from buddy_core.flows.rights import READ, require_placed
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.rights import Licence, Takedown, TitleRights, Window, WindowType
from buddy_core.views.rights_book import RightsPageTx

PAGE = 40


@frozen
class OpenNow:
    """Windows of one type that are open, and the countries in which they count: licensed, not taken down."""

    type: WindowType
    countries: tuple[str, ...]


@frozen
class RightsLine:
    """A title: what is open of it today, the window that opens next, and where it is taken down."""

    title: Title
    series: Title | None
    """The series that an episode is in."""
    open: tuple[OpenNow, ...]
    next: Window | None
    is_licensed: bool
    down: tuple[str, ...]


@frozen
class RightsList:
    """A page of titles by name; `total` is how many fit what was looked for."""

    lines: tuple[RightsLine, ...]
    total: int
    page: int
    q: str
    at: datetime

    @property
    def has_more(self) -> bool:
        """Tell whether there is a next page."""
        return self.page * PAGE < self.total


async def rights_list(
    actor: Actor, q: str = "", page: int = 1, *, uow: UnitOfWork[RightsPageTx], clock: Clock
) -> RightsList:
    """Return titles whose name or short id has `q`, with what is open of them.

    Raises:
        NotPermitted: the actor may not see rights.
    """
    require_placed(actor, READ)
    wanted = q.strip().casefold()
    async with uow.read() as tx:
        at = clock.now()
        titles = await tx.titles.all()
        by_id = {title.id: title for title in titles}
        found = sorted(
            (title for title in titles if _fits(title, wanted)),
            key=lambda title: (title.name.casefold(), title.short_id),
        )
        shown = found[(page - 1) * PAGE : page * PAGE]
        books = await tx.rights.of_titles([title.id for title in shown])
    lines = [
        _line(title, by_id.get(title.parent_id) if title.parent_id else None, books.get(title.id), at)
        for title in shown
    ]
    return RightsList(tuple(lines), len(found), page, q.strip(), at)


def available(book: TitleRights | None, at: datetime) -> frozenset[str]:
    """Return the countries in which anything of a book is sold or watched at an instant."""
    return frozenset(code for found in open_now(book, at) for code in found.countries)


def open_now(book: TitleRights | None, at: datetime) -> tuple[OpenNow, ...]:
    """Return the windows that are open at an instant by type, with the countries in which they count."""
    if book is None:
        return ()
    here = countries_at(book.licences, at) - countries_at(book.takedowns, at)
    found = []
    for type in WindowType:
        if type is WindowType.CINEMA:
            continue
        countries = here & countries_at([item for item in book.windows if item.type is type], at)
        if countries:
            found.append(OpenNow(type, tuple(sorted(countries))))
    return tuple(found)


def _line(title: Title, series: Title | None, book: TitleRights | None, at: datetime) -> RightsLine:
    coming = sorted(
        (item for item in (book.windows if book else ()) if item.starts_at > at),
        key=lambda item: (item.starts_at, item.id),
    )
    return RightsLine(
        title,
        series,
        open_now(book, at),
        coming[0] if coming else None,
        book is not None and bool(countries_at(book.licences, at)),
        tuple(sorted(countries_at(book.takedowns, at))) if book else (),
    )


def _fits(title: Title, wanted: str) -> bool:
    if not wanted:
        return True
    address = f"{title.type}/{title.short_id}"
    return wanted in title.name.casefold() or wanted in address or address in wanted


def countries_at(items: Iterable[Licence | Takedown | Window], at: datetime) -> frozenset[str]:
    """Return the countries of what holds at an instant."""
    live = [item for item in items if item.starts_at <= at and (item.ends_at is None or at < item.ends_at)]
    return frozenset(code for item in live for code in item.territories.countries)
