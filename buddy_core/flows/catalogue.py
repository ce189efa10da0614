"""Put a title into the catalogue with its public id, slug and licence; and find it by what a link says."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from attrs import evolve, frozen

from buddy_core.catalog import CatalogTx, Producer, Title, TitleNotFound, TitleType
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.ids import TitleId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.rights import (
    BadLicence,
    Licence,
    RightsTx,
    Takedown,
    Window,
    canonical,
    check_book,
    first_book,
    passed_on,
)
from buddy_core.shortids import (
    ShortIdTx,
    ShortIdUnknown,
    Stock,
    Transliterator,
    assign_in,
    next_slug,
    publish_in,
    resolve_in,
    slug_from,
    stock_short_ids,
)

PRODUCER_SPACE = "producer"
"""The short-id space of producers; titles use their type."""


class CatalogueTx(CatalogTx, RightsTx, ShortIdTx, Protocol):
    """What the catalogue needs of a transaction."""


@frozen
class AddTitle:
    """A title as its maker tells of it; short id and slug are filled in here.

    `short_id` and `slug` of `title` are what was chosen by hand, or empty.
    """

    title: Title
    licences: tuple[Licence, ...] = ()
    windows: tuple[Window, ...] | None = None
    """None gives a licensed title one TVOD window, worldwide and without end."""


async def add_producer(
    producer: Producer, *, uow: UnitOfWork[CatalogueTx], clock: Clock, stock: Stock
) -> Producer:
    """Store a producer under a generated id, or under the one that `short_id` holds.

    `stock` is the process's own stock of short ids, filled here by whole blocks.
    """
    if not producer.short_id:
        await stock_short_ids(uow, stock, PRODUCER_SPACE)

    async def work(tx: CatalogueTx) -> Producer:
        short_id = await _short_id_in(tx, PRODUCER_SPACE, producer.id, producer.short_id, clock.now(), stock)
        stored = evolve(producer, short_id=short_id)
        await tx.producers.add(stored)
        # Statements carry it, and they are final: nobody may change it from now on.
        await publish_in(tx, producer.id, clock.now())
        return stored

    return await retried(uow, work)


async def add_title(
    command: AddTitle,
    *,
    uow: UnitOfWork[CatalogueTx],
    clock: Clock,
    transliterator: Transliterator,
    stock: Stock,
) -> Title:
    """Store a title with its licences; once it is published, its short id never changes.

    An episode of a series that is taken down is stopped with it, where and since when the series is.

    Raises:
        ShortIdIllegal, ShortIdTaken: the id chosen by hand cannot be.
        RatingUnknown: its certificate is neither of the scale nor one of its aliases.
        BadLicence, OwnershipNotWhole: its licences cannot be.
    """
    if not command.title.short_id:
        await stock_short_ids(uow, stock, command.title.type)

    async def work(tx: CatalogueTx) -> Title:
        at = clock.now()
        title = command.title
        if any(licence.title_id != title.id for licence in command.licences):
            raise BadLicence("it is for another title than the one it comes with")
        maturity = canonical(title.maturity)
        short_id = await _short_id_in(tx, title.type, title.id, title.short_id, at, stock)
        slug = title.slug or slug_from(title.name, transliterator.to_ascii)
        slug = next_slug(slug, await tx.titles.slugs(title.type, slug))
        stored = evolve(title, short_id=short_id, slug=slug, maturity=maturity)
        await tx.titles.add(stored)
        if stored.published_at is not None:
            await publish_in(tx, stored.id, at)
        takedowns = () if title.parent_id is None else await _stopped_in(tx, title.parent_id, title.id)
        if command.licences or command.windows or takedowns:
            book = first_book(title.id, at, "catalogue", command.licences, command.windows)
            book = evolve(book, takedowns=takedowns)
            check_book(book)
            await tx.rights.append(book)
        return stored

    return await retried(uow, work)


async def find_title_in(tx: CatalogueTx, type: str, text: str) -> Title:
    """Return the title that a link names; capitals and look-alikes lead to the same one.

    Raises:
        TitleNotFound: no title of this type has this id.
    """
    try:
        found = await resolve_in(tx, TitleType(type), text)
    except (ShortIdUnknown, ValueError):
        raise TitleNotFound(type, text) from None
    title_id = TitleId(found.target)
    return (await tx.titles.get([title_id]))[title_id]


async def find_title(type: str, text: str, *, uow: UnitOfWork[CatalogueTx]) -> Title:
    """Return the title that a link names.

    Raises:
        TitleNotFound: no title of this type has this id.
    """
    async with uow.read() as tx:
        return await find_title_in(tx, type, text)


async def _stopped_in(tx: CatalogueTx, series: TitleId, episode: TitleId) -> tuple[Takedown, ...]:
    """Return the series' takedowns that stop an episode, too; one that begins meanwhile waits for it."""
    await tx.titles.lock([series])
    book = (await tx.rights.of_titles([series])).get(series)
    return passed_on(book, episode)


async def _short_id_in(
    tx: CatalogueTx, space: str, target: UUID, wanted: str, at: datetime, stock: Stock
) -> str:
    assignment = await assign_in(tx, space, target, at, wanted=wanted or None, stock=stock)
    return assignment.short_id.text
