"""May titles be watched here and now, asked by name; and which windows are still to come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from attrs import frozen

from buddy_core.catalog import Title, TitleNotFound
from buddy_core.flows.catalogue import CatalogueTx, find_title_in
from buddy_core.flows.display import ForDisplay
from buddy_core.flows.may_watch import Answer
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.rights import TitleRights, WindowType, spells
from buddy_core.views.offers import NOBODY, Asker, OffersTx

_LAST = datetime.max.replace(tzinfo=UTC)


@frozen
class Named:
    """A title by its type and short id, as somebody wrote them."""

    type: str
    short_id: str


@frozen
class UpcomingWindow:
    """A window that opens in a country later on; neither its licence nor its terms."""

    type: WindowType
    starts_at: datetime


Show = Callable[[ForDisplay], Awaitable[list[Answer | None]]]
"""`flows.show_answers`, bound to its store and what it keeps."""


ShowKept = Callable[[ForDisplay], list[Answer | None] | None]
"""`flows.show_kept`, bound to what is kept."""


async def availability(asker: Asker, asked: Sequence[Named], *, show: Show) -> list[Answer | None]:
    """Answer for each title in its place; None where there is none, or nobody has announced it.

    Many ask the store as often as one, and are answered as one is. For display: it may
    rest on facts that were read a moment ago.
    """
    return await show(_for_display(asker, asked))


def kept_availability(asker: Asker, asked: Sequence[Named], *, show: ShowKept) -> list[Answer | None] | None:
    """Answer as `availability` does from what is kept alone; None where the store has to be asked."""
    return show(_for_display(asker, asked))


async def upcoming_windows(
    named: Named, country: str | None, *, uow: UnitOfWork[OffersTx], clock: Clock
) -> list[UpcomingWindow]:
    """Return the windows that open in a country later on, the next one first; none where it is unknown.

    Raises:
        TitleNotFound: there is none, or nobody has announced it.
    """
    async with uow.read() as tx:
        at = clock.now()
        title = await _announced_in(tx, named)
        book = (await tx.rights.of_titles([title.id])).get(title.id)
    return opening_later(title, book, country, at) if country in COUNTRIES else []


def opening_later(
    title: Title, book: TitleRights | None, country: str | None, at: datetime
) -> list[UpcomingWindow]:
    """Return when each window of a title opens that is not open now: out, licensed and not taken down."""
    first: dict[object, UpcomingWindow] = {}
    if country is None or title.published_at is None:
        return []
    for spell in spells(book, country, at, _LAST):
        if not spell.licences or spell.takedowns or spell.ends_at <= title.published_at:
            continue
        starts_at = max(spell.starts_at, title.published_at)
        for window in spell.windows:
            first.setdefault(window.id, UpcomingWindow(window.type, starts_at))
    later = [item for item in first.values() if item.starts_at > at]
    return sorted(later, key=lambda item: (item.starts_at, item.type))


def _for_display(asker: Asker, asked: Sequence[Named]) -> ForDisplay:
    account = NOBODY if asker.account is None else asker.account
    return ForDisplay(account, tuple((item.type, item.short_id) for item in asked), asker.context)


async def _announced_in(tx: CatalogueTx, named: Named) -> Title:
    title = await find_title_in(tx, named.type, named.short_id)
    if title.published_at is None:
        raise TitleNotFound(named.type, named.short_id)
    return title
