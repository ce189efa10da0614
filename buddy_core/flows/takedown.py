"""Take a title down at once, record what is owed to whom, and restore it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from attrs import evolve, field, frozen

from buddy_core.access import Actor, Change, afresh_in, check_reason, record_in, require_anywhere
from buddy_core.catalog import Title, TitleNotFound, TitleType
from buddy_core.entitlements import EntitlementsTx, Grant, GrantKind, GrantStatus, Holding, holdings_of
from buddy_core.flows.refund import given_back
from buddy_core.flows.rights import RightsEditTx, book_in, check_reach, reach, require_placed, revise_in
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import once, request_key, retried
from buddy_core.kernel.ids import EntryId, GrantId, IdSource, TakedownId, TitleId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.rights import (
    BadRightsChange,
    NotInBook,
    Owed,
    OwedTx,
    Restore,
    StillOwed,
    TakeDown,
    Takedown,
    TakedownOver,
    Territories,
    TitleRights,
    part_takedown_id,
    still_owed,
)
from buddy_core.rights import territories as as_territories
from buddy_core.tokens import WALLET, Entries, Entry, Operation

PERMISSION = "title:takedown"
PAID = frozenset(
    {
        GrantKind.RENTAL,
        GrantKind.WATCH_ONCE,
        GrantKind.EST,
        GrantKind.PVOD,
        GrantKind.PPV,
        GrantKind.FESTIVAL_PASS,
        GrantKind.EDITION,
        GrantKind.TOKEN_UNLOCK,
    }
)
"""Kinds of grants that were paid for one title. A plan goes on; gifts and promotions cost nothing."""
_GRANTS_AT_ONCE = 500


GIVEN = "staff"
"""The source of what staff gave: nobody paid for it, whatever its kind."""


class TitleGrants(Protocol):
    """Grants by what they are of, whoever holds them."""

    async def of_titles(self, titles: Sequence[TitleId], *, after: GrantId | None, limit: int) -> list[Grant]:
        """Return up to `limit` grants of any of these titles in id order, those after `after` only."""
        ...


class TakedownTx(RightsEditTx, EntitlementsTx, OwedTx, Protocol):
    """What a takedown needs of a transaction."""

    @property
    def title_grants(self) -> TitleGrants: ...

    @property
    def entries(self) -> Entries: ...


@frozen
class TakeTitleDown:
    """Stop a title in some territories; of a series, every episode with it."""

    title_id: TitleId
    territories: Territories = field(converter=as_territories)
    notice: str
    reason: str
    idempotency_key: str


@frozen
class RestoreTitle:
    """End a takedown; of a series, that of every episode with it."""

    title_id: TitleId
    takedown_id: TakedownId
    reason: str
    idempotency_key: str


@frozen
class TakenDown:
    """What a takedown came to: its id, how many titles it stopped, and how many grants are owed."""

    takedown_id: TakedownId
    titles: int
    owed: int


@frozen
class TakedownForeseen:
    """What a takedown would come to: titles that it stops, grants that are owed, tokens paid for them."""

    titles: int
    owed: int
    tokens: int


async def take_down(
    actor: Actor,
    command: TakeTitleDown,
    *,
    correlation_id: str,
    uow: UnitOfWork[TakedownTx],
    clock: Clock,
    ids: IdSource,
) -> TakenDown:
    """Stop a title for everybody in some territories from now on, and keep what is owed to whom.

    Whatever was bought stops with it. Each live grant that was paid for is written as owed,
    unless it is known to have been sold elsewhere, or another takedown left it owed before.

    Raises:
        NotPermitted, ReasonMissing, IdempotencyMismatch, TitleNotFound.
        BadRightsChange: the notice is missing or too long, or no country is named.
    """
    require_anywhere(actor, PERMISSION)
    command = evolve(command, reason=check_reason(command.reason))
    _check_somewhere(command.territories)

    async def work(tx: TakedownTx, at: datetime) -> TakenDown:
        check_reach(await afresh_in(tx, actor), PERMISSION, command.territories.countries)
        first = TakedownId(ids.uuid7())
        # An episode that is being added is waited for, or waits for us.
        await tx.titles.lock([command.title_id])
        titles = await _titles_in(tx, command.title_id)
        down: dict[TitleId, Takedown] = {}
        for title in titles:
            id = _takedown_id(first, command.title_id, title.id)
            book = await revise_in(
                tx,
                actor,
                title.id,
                await book_in(tx, title.id),
                [TakeDown(id, command.territories, command.notice)],
                command.reason,
                at,
                ids,
                action="title.takedown",
                correlation_id=correlation_id,
            )
            down[title.id] = _takedown(book, id)
        owed = await _record_owed_in(tx, titles, down, first, at)
        return TakenDown(first, len(titles), owed)

    request = request_key(f"title.takedown:{actor.name}", command.idempotency_key, command)
    return await once(uow, request, clock, work, encode=canonical_bytes, decode=_from_bytes)


async def foresee_takedown(
    actor: Actor,
    title_id: TitleId,
    territories: Territories,
    *,
    uow: UnitOfWork[TakedownTx],
    clock: Clock,
) -> TakedownForeseen:
    """Return what taking a title down would stop and leave owed; nothing is changed.

    Raises:
        NotPermitted, TitleNotFound.
        BadRightsChange: no country is named.
    """
    _check_somewhere(territories)
    check_reach(actor, PERMISSION, territories.countries)
    async with uow.read() as tx:
        at = clock.now()
        titles = await _titles_in(tx, title_id)
        main = Takedown(TakedownId(UUID(int=0)), territories, "", at)
        owed = tokens = 0
        async for rows in _rows_in(tx, titles, main, main.id, at):
            owed += len(rows)
            tokens += sum(row.tokens or 0 for row in rows)
    return TakedownForeseen(len(titles), owed, tokens)


async def owed_in_all(
    actor: Actor, takedown_id: TakedownId, *, uow: UnitOfWork[TakedownTx]
) -> tuple[int, int]:
    """Return how many grants a takedown left owed that still are, and how many tokens are owed for them.

    Raises:
        NotPermitted: the actor may take no title down.
    """
    require_placed(actor, PERMISSION)
    owed = tokens = 0
    after: GrantId | None = None
    async with uow.read() as tx:
        while rows := await tx.owed.of_takedown(takedown_id, after=after, limit=_GRANTS_AT_ONCE):
            after = rows[-1].origin_id
            found = [row for row in await _now_in(tx, rows) if not row.is_settled]
            owed += len(found)
            tokens += sum(row.tokens or 0 for row in found)
    return owed, tokens


async def restore(
    actor: Actor,
    command: RestoreTitle,
    *,
    correlation_id: str,
    uow: UnitOfWork[TakedownTx],
    clock: Clock,
    ids: IdSource,
) -> int:
    """End a takedown from now on, and return how many titles it stopped; what is owed stays owed.

    An episode that joined its series while that was down is restored with it.

    Raises:
        NotPermitted, ReasonMissing, IdempotencyMismatch, TitleNotFound.
        NotInBook, TakedownOver: the title has no such takedown, or it was ended before.
    """
    require_anywhere(actor, PERMISSION)
    command = evolve(command, reason=check_reason(command.reason))

    async def work(tx: TakedownTx, at: datetime) -> int:
        now = await afresh_in(tx, actor)
        await tx.titles.lock([command.title_id])
        restored = 0
        for title in await _titles_in(tx, command.title_id):
            book = await book_in(tx, title.id)
            id = _takedown_id(command.takedown_id, command.title_id, title.id)
            edits = [Restore(id)]
            is_first = title.id == command.title_id
            if not is_first and not _is_down(book, id):
                # An episode that was restored by itself.
                continue
            check_reach(now, PERMISSION, reach(book, edits))
            await revise_in(
                tx,
                now,
                title.id,
                book,
                edits,
                command.reason,
                at,
                ids,
                action="title.restore",
                correlation_id=correlation_id,
            )
            restored += 1
        return restored

    request = request_key(f"title.restore:{actor.name}", command.idempotency_key, command)
    return await once(uow, request, clock, work, encode=canonical_bytes, decode=json.loads)


async def record_owed(
    actor: Actor,
    title_id: TitleId,
    takedown_id: TakedownId,
    *,
    correlation_id: str,
    uow: UnitOfWork[TakedownTx],
    clock: Clock,
) -> int:
    """Look once more for grants that a running takedown stopped, and return how many were not owed yet.

    A sale that was under way when the title was taken down may have been committed after it.

    Raises:
        NotPermitted, TitleNotFound, NotInBook, TakedownOver.
    """
    require_anywhere(actor, PERMISSION)

    async def work(tx: TakedownTx) -> int:
        at = clock.now()
        now = await afresh_in(tx, actor)
        titles = await _titles_in(tx, title_id)
        down: dict[TitleId, Takedown] = {}
        for title in titles:
            id = _takedown_id(takedown_id, title_id, title.id)
            book = await book_in(tx, title.id)
            if _is_down(book, id) and book is not None:
                down[title.id] = _takedown(book, id)
            elif title.id == title_id:
                ended = next((item for item in book.takedowns if item.id == id), None) if book else None
                if ended is not None and ended.ends_at is not None:
                    raise TakedownOver(id, ended.ends_at)
                raise NotInBook("takedown", id)
        check_reach(now, PERMISSION, down[title_id].territories.countries)
        owed = await _record_owed_in(tx, titles, down, takedown_id, at)
        if owed:
            change = Change("title.owed", str(title_id), None, {"owed": owed}, correlation_id)
            await record_in(tx, now, change, at)
        return owed

    return await retried(uow, work)


async def owed_by(
    actor: Actor,
    takedown_id: TakedownId,
    *,
    after: GrantId | None = None,
    limit: int = _GRANTS_AT_ONCE,
    uow: UnitOfWork[TakedownTx],
) -> list[StillOwed]:
    """Return what a takedown left owed to whom, a page at a time in order of the grants' origins.

    Tokens that a refund gave back since are taken off; a row that nothing is left of stays in the list.

    Raises:
        NotPermitted: the actor may take no title down.
    """
    require_placed(actor, PERMISSION)
    async with uow.read() as tx:
        return await _now_in(tx, await tx.owed.of_takedown(takedown_id, after=after, limit=limit))


async def _now_in(tx: TakedownTx, rows: Sequence[Owed]) -> list[StillOwed]:
    """Return rows less what refunds gave back by now: the ledger knows, however the refund came about."""
    paid_by = sorted({row.entry_id for row in rows if row.entry_id is not None})
    back: dict[EntryId | None, int] = {}
    for entry in await tx.entries.correcting(paid_by):
        if entry.operation is Operation.REFUND:
            back[entry.corrects] = back.get(entry.corrects, 0) + given_back(entry)
    return [still_owed(row, back.get(row.entry_id, 0)) for row in rows]


def _check_somewhere(territories: Territories) -> None:
    if not territories.countries:
        raise BadRightsChange("the takedown is of no country; name one that is not excluded")


async def _titles_in(tx: TakedownTx, title_id: TitleId) -> list[Title]:
    """Return a title, and the episodes of a series behind it."""
    title = (await tx.titles.get([title_id])).get(title_id)
    if title is None:
        raise TitleNotFound("title", str(title_id))
    if title.type is not TitleType.SERIES:
        return [title]
    return [title, *(item for item in await tx.titles.all() if item.parent_id == title_id)]


async def _record_owed_in(
    tx: TakedownTx,
    titles: Sequence[Title],
    down: Mapping[TitleId, Takedown],
    takedown_id: TakedownId,
    at: datetime,
) -> int:
    """Write a row for each live paid grant of these titles, or of the series they are in; return how many."""
    owed = 0
    async for rows in _rows_in(tx, titles, down[titles[0].id], takedown_id, at):
        owed += await tx.owed.add(rows)
    return owed


async def _rows_in(
    tx: TakedownTx, titles: Sequence[Title], main: Takedown, takedown_id: TakedownId, at: datetime
) -> AsyncIterator[list[Owed]]:
    """Yield a row for each live paid grant that a takedown stops, a page at a time."""
    series = [title.parent_id for title in titles if title.parent_id is not None]
    wanted = sorted({*(title.id for title in titles), *series})
    after: GrantId | None = None
    while page := await tx.title_grants.of_titles(wanted, after=after, limit=_GRANTS_AT_ONCE):
        after = page[-1].id
        live = await _live_in(tx, page, main.starts_at)
        grants = [grant for grant in live if any(_opens(grant, title) for title in titles)]
        paid_by = [grant.entry_id for grant in grants if grant.entry_id is not None]
        entries = await tx.entries.get(paid_by)
        owed_before = await tx.owed.known([grant.origin_id for grant in grants])
        rows = [
            _owed(grant, entries, takedown_id, at) for grant in grants if grant.origin_id not in owed_before
        ]
        yield [row for row in rows if row.country is None or row.country in main.territories]


async def _live_in(tx: TakedownTx, page: Iterable[Grant], at: datetime) -> list[Grant]:
    """Return the grants that were paid for and open at `at`."""
    paid = [
        grant
        for grant in page
        if grant.kind in PAID and grant.status is GrantStatus.ACTIVE and grant.source != GIVEN
    ]
    uses = await tx.grants.uses([grant.origin_id for grant in paid if grant.is_timed])
    held: dict[GrantId, Holding] = {item.id: item for item in holdings_of(paid, (), uses)}
    return [grant for grant in paid if _is_open(held[grant.id], at)]


def _is_open(holding: Holding, at: datetime) -> bool:
    return holding.ends_at is None or at < holding.ends_at


def _opens(grant: Grant, title: Title) -> bool:
    """Tell whether a grant is of a title, or of a series that had it then or promised what comes later."""
    if grant.title_id == title.id:
        return True
    if grant.title_id is None or grant.title_id != title.parent_id:
        return False
    is_later = title.published_at is None or title.published_at > grant.granted_at
    return grant.terms.includes_later or not is_later


def _owed(grant: Grant, entries: Mapping[EntryId, Entry], takedown_id: TakedownId, at: datetime) -> Owed:
    entry = entries.get(grant.entry_id) if grant.entry_id is not None else None
    tokens = (
        None
        if entry is None
        else -sum(posting.amount for posting in entry.postings if posting.account == WALLET)
    )
    assert grant.title_id is not None
    return Owed(
        takedown_id=takedown_id,
        origin_id=grant.origin_id,
        grant_id=grant.id,
        account_id=grant.account_id,
        title_id=grant.title_id,
        kind=grant.kind.value,
        country=entry.country if entry else None,
        tokens=tokens,
        entry_id=grant.entry_id,
        source=grant.source,
        recorded_at=at,
    )


def _takedown_id(first: TakedownId, main: TitleId, title: TitleId) -> TakedownId:
    """Return the id of a takedown in the book of one of its titles; an episode's follows from the first."""
    return first if title == main else part_takedown_id(first, title)


def _takedown(book: TitleRights, id: TakedownId) -> Takedown:
    return next(item for item in book.takedowns if item.id == id)


def _is_down(book: TitleRights | None, id: TakedownId) -> bool:
    return book is not None and any(item.id == id and item.ends_at is None for item in book.takedowns)


def _from_bytes(raw: bytes) -> TakenDown:
    stored = json.loads(raw)
    return TakenDown(TakedownId(UUID(stored["takedown_id"])), stored["titles"], stored["owed"])
