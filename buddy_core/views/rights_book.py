"""A title's book of rights as staff see it: with the names behind its ids, and how it came to be so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from attrs import frozen

from buddy_core.access import Actor
from buddy_core.catalog import Producer, ProducerNotFound, Title, TitleNotFound
from buddy_core.flows.rights import READ, RightsEditTx, book_in, difference, require_placed
from buddy_core.kernel.ids import PartnerId, TitleId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.rights import Licence, Rating, Takedown, TitleRights, Window
from buddy_core.shortids import fold
from buddy_core.views.admin_names import NamesTx, names_in, without_ids


class RightsPageTx(RightsEditTx, NamesTx, Protocol):
    """What the pages of rights read."""


@frozen
class RightsItems:
    """Some of what is in a book."""

    licences: tuple[Licence, ...] = ()
    windows: tuple[Window, ...] = ()
    ratings: tuple[Rating, ...] = ()
    takedowns: tuple[Takedown, ...] = ()

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self.licences) + len(self.windows) + len(self.ratings) + len(self.takedowns)


@frozen
class ShownBook:
    """A title's last revision of its rights, None before the first, and the names of who is in it."""

    title: Title
    book: TitleRights | None
    recorded_by: str
    partners: Mapping[PartnerId, Producer]

    @property
    def revision(self) -> int:
        """The number of the last revision; 0: there is none."""
        return self.book.revision if self.book else 0


@frozen
class Revision:
    """What one change did; what was altered is among what went and among what came."""

    number: int
    recorded_at: datetime
    recorded_by: str
    reason: str
    gone: RightsItems
    come: RightsItems


@frozen
class RightsHistory:
    """Revisions, newest first; `next_before` asks for older ones, None where there are none."""

    title: Title
    revisions: tuple[Revision, ...]
    next_before: int | None
    partners: Mapping[PartnerId, Producer]


async def rights_book(actor: Actor, title_id: TitleId, *, uow: UnitOfWork[RightsPageTx]) -> ShownBook:
    """Return a title's rights as they stand.

    Raises:
        NotPermitted: the actor may not see rights. TitleNotFound.
    """
    require_placed(actor, READ)
    async with uow.read() as tx:
        return await shown_book_in(tx, title_id)


async def shown_book_in(tx: RightsPageTx, title_id: TitleId) -> ShownBook:
    """Return a title's rights as they stand.

    Raises:
        TitleNotFound.
    """
    title = await _title_in(tx, title_id)
    book = await book_in(tx, title_id)
    by = book.recorded_by if book else ""
    names = await names_in(tx, [by])
    return ShownBook(
        title, book, without_ids(by, names), await _partners_in(tx, book.licences if book else ())
    )


async def rights_history(
    actor: Actor,
    title_id: TitleId,
    *,
    before: int | None = None,
    limit: int = 20,
    uow: UnitOfWork[RightsPageTx],
) -> RightsHistory:
    """Return what each change of a title's rights did, newest first, those before revision `before` only.

    Raises:
        NotPermitted: the actor may not see rights. TitleNotFound.
    """
    require_placed(actor, READ)
    async with uow.read() as tx:
        return await history_in(tx, title_id, before, limit)


async def history_in(tx: RightsPageTx, title_id: TitleId, before: int | None, limit: int) -> RightsHistory:
    """Return what each change of a title's rights did, newest first.

    Raises:
        TitleNotFound.
    """
    title = await _title_in(tx, title_id)
    books = await tx.rights.history(title_id)
    pairs = [*zip([None, *books], books, strict=False)]
    wanted = [(old, new) for old, new in reversed(pairs) if before is None or new.revision < before]
    shown = wanted[:limit]
    names = await names_in(tx, [new.recorded_by for _, new in shown])
    revisions = tuple(_revision(old, new, names) for old, new in shown)
    licences = [item for found in revisions for item in (*found.gone.licences, *found.come.licences)]
    is_last = len(wanted) <= limit
    return RightsHistory(
        title,
        revisions,
        None if is_last else shown[-1][1].revision,
        await _partners_in(tx, licences),
    )


async def partners_named(
    actor: Actor, short_ids: Sequence[str], *, uow: UnitOfWork[RightsPageTx]
) -> dict[str, Producer]:
    """Return the partners with these short ids; capitals and look-alikes lead to the same one.

    Raises:
        NotPermitted: the actor may not see rights. ProducerNotFound: one of them is nobody's.
    """
    require_placed(actor, READ)
    async with uow.read() as tx:
        known = {fold(item.short_id): item for item in await tx.producers.all()}
    found = {short_id: known.get(fold(short_id)) for short_id in short_ids}
    for short_id, producer in found.items():
        if producer is None:
            raise ProducerNotFound(short_id)
    return {short_id: producer for short_id, producer in found.items() if producer is not None}


def items_between(before: TitleRights | None, after: TitleRights) -> tuple[RightsItems, RightsItems]:
    """Return what is in the one book only, and what is in the other only."""
    old, new = difference(before, after)
    return _items(old), _items(new)


def _items(found: Mapping[str, Any]) -> RightsItems:
    kinds = ("licences", "windows", "ratings", "takedowns")
    return RightsItems(*(tuple(found.get(kind, ())) for kind in kinds))


def _revision(old: TitleRights | None, new: TitleRights, names: dict[str, str]) -> Revision:
    gone, come = items_between(old, new)
    return Revision(
        new.revision, new.recorded_at, without_ids(new.recorded_by, names), new.reason, gone, come
    )


async def _title_in(tx: RightsPageTx, title_id: TitleId) -> Title:
    found = (await tx.titles.get([title_id])).get(title_id)
    if found is None:
        raise TitleNotFound("title", str(title_id))
    return found


async def _partners_in(
    tx: RightsPageTx, licences: Iterable[Licence] | Sequence[Licence]
) -> dict[PartnerId, Producer]:
    return await tx.producers.get(sorted({item.partner_id for item in licences}))
