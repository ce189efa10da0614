"""Close a month: gather its spends and terms, state it, and store what is final."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from attrs import frozen

from buddy_core.access import Actor, AuditTx, Change, record_in, require
from buddy_core.catalog import CatalogTx
from buddy_core.kernel.canonical import GENESIS
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.events import Outbox, envelope
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.ids import EntityId, EventId, IdSource, PartnerId
from buddy_core.kernel.periods import month, month_of
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.rights import Licence, RightsTx
from buddy_core.royalty import (
    PLATFORM,
    ClosedOutOfOrder,
    Month,
    MonthClosed,
    PassedOver,
    PeriodNotFinished,
    PublicNames,
    RoyaltyTx,
    Statement,
    StatementDiffers,
    StoredStatement,
    TermsProblems,
    TokenSpend,
    TokenTerms,
    seal,
    state_month,
    statement_body,
)
from buddy_core.tax import SellingEntity


class CloseTx(RoyaltyTx, RightsTx, CatalogTx, AuditTx, Protocol):
    """What a close needs of a transaction."""

    @property
    def outbox(self) -> Outbox: ...


@frozen
class Closed:
    """A closed month of one entity; `is_new` is False when it had been closed before."""

    entity: EntityId
    month: str
    statements: tuple[StoredStatement, ...]
    is_new: bool


@frozen
class CloseReport:
    """What closing a month over all entities came to.

    `open` names those it has not ended for, `refused` says why others could not close.
    """

    closed: tuple[Closed, ...]
    open: tuple[PeriodNotFinished, ...]
    refused: tuple[BuddyError, ...] = ()


def month_for(entity: SellingEntity, name: str) -> Month:
    """Return the calendar month `YYYY-MM` in the entity's own zone (decision C40).

    Raises:
        InvalidMonth: the name is no month.
    """
    return Month(name, entity.id, entity.zone, month(name, entity.zone))


async def close_month(
    actor: Actor,
    name: str,
    entities: Sequence[SellingEntity],
    *,
    correlation_id: str,
    uow: UnitOfWork[CloseTx],
    clock: Clock,
    ids: IdSource,
) -> CloseReport:
    """Close a month for every entity whose month has ended; each in a transaction of its own.

    Closing again states the month anew and answers the stored statements, which
    must be byte for byte the same. One entity that cannot close keeps no other from
    it: its error stands in `refused` (ClosedOutOfOrder, PassedOver, TermsProblems,
    StatementDiffers).

    Raises:
        NotPermitted, InvalidMonth.
    """
    require(actor, "period:close")
    closed: list[Closed] = []
    still_open: list[PeriodNotFinished] = []
    refused: list[BuddyError] = []
    for entity in entities:
        wanted = month_for(entity, name)

        async def work(tx: CloseTx, wanted: Month = wanted) -> Closed:
            return await _close_in(tx, actor, wanted, clock.now(), correlation_id, ids)

        if clock.now() < wanted.period.end:
            still_open.append(PeriodNotFinished(entity.id, name, wanted.period.end))
            continue
        try:
            closed.append(await retried(uow, work))
        except (ClosedOutOfOrder, PassedOver, TermsProblems, StatementDiffers) as error:
            refused.append(error)
    return CloseReport(tuple(closed), tuple(still_open), tuple(refused))


async def state_month_in(tx: CloseTx, wanted: Month) -> tuple[Statement, ...]:
    """State a month from its facts as they lie there now: provisional until it is closed."""
    return await state_spends_in(tx, wanted, await tx.token_spends.of_period(wanted.entity, wanted.period))


async def state_spends_in(tx: CloseTx, wanted: Month, spends: Sequence[TokenSpend]) -> tuple[Statement, ...]:
    """State a month from these of its spends, by the terms as they lie there now."""
    books = await tx.rights.of_titles(sorted({spend.title_id for spend in spends}))
    licences = sorted((item for book in books.values() for item in book.licences), key=lambda item: item.id)
    return state_month(wanted, spends, [_terms(licence) for licence in licences])


async def names_in(tx: CloseTx, statements: Sequence[Statement]) -> PublicNames:
    """Return the public names of the titles and partners that the statements speak of."""
    titles = await tx.titles.get(sorted({line.title_id for item in statements for line in item.lines}))
    partners = [PartnerId(UUID(item.holder)) for item in statements if item.holder != PLATFORM]
    producers = await tx.producers.get(sorted(set(partners)))
    return PublicNames(
        {title.id: f"{title.type}/{title.short_id}" for title in titles.values()},
        {str(producer.id): producer.short_id for producer in producers.values()},
    )


async def provisional_month(
    entity: SellingEntity, name: str, *, uow: UnitOfWork[CloseTx]
) -> tuple[Statement, ...]:
    """Return what a month's statements would be if nothing more came; nothing is written."""
    async with uow.read() as tx:
        return await state_month_in(tx, month_for(entity, name))


async def _close_in(
    tx: CloseTx, actor: Actor, wanted: Month, at: datetime, correlation_id: str, ids: IdSource
) -> Closed:
    await tx.statements.lock_for_close(wanted.entity)
    closed_until = await tx.statements.closed_until(wanted.entity)
    is_closed = closed_until is not None and wanted.period.end <= closed_until
    if not is_closed:
        first = await tx.token_spends.first_at(wanted.entity, closed_until)
        if first is not None and first < wanted.period.start:
            earlier = month_of(first, wanted.zone)
            raise ClosedOutOfOrder(wanted.entity, wanted.name, earlier)
    statements = await state_month_in(tx, wanted)
    if is_closed:
        if wanted.name not in await tx.statements.months(wanted.entity):
            raise PassedOver(wanted.entity, wanted.name)
        return await _check_again(tx, wanted, statements)
    last = await tx.statements.last(wanted.entity)
    sealed = seal(
        statements,
        await names_in(tx, statements),
        at,
        sequence=last.sequence if last else 0,
        previous_hash=last.hash if last else GENESIS,
    )
    await tx.statements.close(wanted.entity, wanted.name, wanted.period.end, sealed)
    after = {"statements": {f"{_shown(item)} {item.currency}": _digest(item) for item in sealed}}
    change = Change("period.close", f"{wanted.entity}:{wanted.name}", None, after, correlation_id)
    await record_in(tx, actor, change, at)
    event = MonthClosed(wanted.entity, wanted.name, len(sealed))
    await tx.outbox.add([envelope(event, id=EventId(ids.uuid7()), subject=wanted.entity, at=at)])
    return Closed(wanted.entity, wanted.name, sealed, is_new=True)


async def _check_again(tx: CloseTx, wanted: Month, statements: Sequence[Statement]) -> Closed:
    stored = await tx.statements.of_month(wanted.entity, wanted.name)
    names = await names_in(tx, statements)
    fresh = {(item.holder, item.currency): statement_body(item, names) for item in statements}
    kept = {(item.holder, item.currency): item.body for item in stored}
    for holder, currency in sorted(fresh.keys() | kept.keys()):
        if fresh.get((holder, currency)) != kept.get((holder, currency)):
            shown = names.holders.get(holder, PLATFORM)
            raise StatementDiffers(wanted.entity, wanted.name, shown, currency)
    return Closed(wanted.entity, wanted.name, tuple(stored), is_new=False)


def _shown(item: StoredStatement) -> str:
    """Return whose statement it is as its own bytes say it: a short id, for internal ids are not shown."""
    holder: str = json.loads(item.body)["holder"]
    return holder


def _digest(item: StoredStatement) -> str:
    return f"sha256:{hashlib.sha256(item.body).hexdigest()}"


def _terms(licence: Licence) -> TokenTerms:
    return TokenTerms(
        licence_id=licence.id,
        title_id=licence.title_id,
        holder=licence.partner_id,
        share=licence.share,
        territories=tuple(sorted(licence.territories.countries)),
        excluded=(),
        starts_at=licence.starts_at,
        ends_at=licence.ends_at,
    )
