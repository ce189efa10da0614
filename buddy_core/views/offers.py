"""Titles with the answer for one viewer: may they watch, and if not, what would open it."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from attrs import frozen

from buddy_core.accounts import AccountsTx, resolve_in
from buddy_core.catalog import Title, TitleNotFound
from buddy_core.entitlements import Context
from buddy_core.flows.catalogue import CatalogueTx, find_title_in
from buddy_core.flows.may_watch import Answer, MayWatchTx, may_watch_in
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.ids import AccountId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.pricing import Quote, quote

NOBODY = AccountId(UUID(int=0))
"""The account that has nothing: what a visitor without one is answered as."""


class OffersTx(MayWatchTx, CatalogueTx, AccountsTx, Protocol):
    """What the question needs of a transaction."""


@frozen
class Asker:
    """Who asks and from where; `account` is None for a visitor who has none yet."""

    account: AccountId | None
    context: Context


@frozen
class TitleWithAnswer:
    """A title, what was decided for the asker, and the series it belongs to."""

    answer: Answer
    series: Title | None


@frozen
class TitlePageOfList:
    """One page of the published titles; `total` counts them all."""

    items: tuple[TitleWithAnswer, ...]
    total: int


async def list_titles(
    asker: Asker, type: str | None, page: int, limit: int, *, uow: UnitOfWork[OffersTx], clock: Clock
) -> TitlePageOfList:
    """Return a page of the published titles, in order of type, series, number and name."""
    async with uow.read() as tx:
        at = clock.now()
        published = [title for title in await tx.titles.all() if title.is_published(at)]
        if type is not None:
            published = [title for title in published if title.type == type]
        shown = published[(page - 1) * limit : page * limit]
        answers = await may_watch_in(tx, await _account_in(tx, asker), shown, asker.context, at)
        return TitlePageOfList(await _with_series_in(tx, answers), len(published))


async def title_with_answer(
    asker: Asker, type: str, short_id: str, *, uow: UnitOfWork[OffersTx], clock: Clock
) -> TitleWithAnswer:
    """Return one published title.

    Raises:
        TitleNotFound: there is none, or it is not out.
    """
    async with uow.read() as tx:
        at = clock.now()
        title = await find_title_in(tx, type, short_id)
        if not title.is_published(at):
            raise TitleNotFound(type, short_id)
        answers = await may_watch_in(tx, await _account_in(tx, asker), [title], asker.context, at)
        return (await _with_series_in(tx, answers))[0]


async def quote_title(
    type: str, short_id: str, *, uow: UnitOfWork[OffersTx], clock: Clock
) -> tuple[Title, Quote]:
    """Return what an unlock of a title costs now.

    Raises:
        TitleNotFound: there is none, or it is not out.
        NotForTokens: tokens do not open it.
    """
    async with uow.read() as tx:
        at = clock.now()
        title = await find_title_in(tx, type, short_id)
        if not title.is_published(at):
            raise TitleNotFound(type, short_id)
        return title, quote(title.id, title.type, await tx.token_costs.in_force(at))


async def _account_in(tx: OffersTx, asker: Asker) -> AccountId:
    return NOBODY if asker.account is None else (await resolve_in(tx, asker.account)).id


async def _with_series_in(tx: OffersTx, answers: list[Answer]) -> tuple[TitleWithAnswer, ...]:
    parents = {answer.title.parent_id for answer in answers if answer.title.parent_id is not None}
    series = await tx.titles.get(sorted(parents))
    return tuple(
        TitleWithAnswer(answer, series.get(answer.title.parent_id) if answer.title.parent_id else None)
        for answer in answers
    )
