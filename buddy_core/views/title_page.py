"""Fills a title's own page: one button that says what will happen, and the reason where it cannot."""

from __future__ import annotations

from typing import Protocol

from buddy_core.catalog import Title, TitleNotFound, TitleType
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.views.ad_offer import AdOfferTx, ad_offer_in, ways_to_tokens
from buddy_core.views.addresses import poster_url, title_url, wide_url
from buddy_core.views.common import Card, Way
from buddy_core.views.shelf import Shelf, ShelfTx, shelf_in
from buddy_core.views.title import Action, EpisodeRow, TitlePage
from buddy_core.views.visitor import Visitor

_MORE = 12


class TitlePageTx(ShelfTx, AdOfferTx, Protocol):
    """What a title's page reads."""


async def title_page(
    title: Title, visitor: Visitor, base_url: str, *, uow: UnitOfWork[TitlePageTx], clock: Clock
) -> TitlePage:
    """Return a title's page; `base_url` begins the addresses that other sites are given.

    Raises:
        TitleNotFound: nobody has announced it yet.
    """
    if title.published_at is None:
        raise TitleNotFound(title.type, title.short_id)
    at = clock.now()
    async with uow.read() as tx:
        shelf = await shelf_in(tx, visitor.account_id, visitor.context, at)
        offer = await ad_offer_in(tx, visitor, at)
        producer = (await tx.producers.get([title.producer_id])).get(title.producer_id)
    series = shelf.titles.get(title.parent_id) if title.parent_id else None
    is_series = title.type is TitleType.SERIES
    back_to = title_url(title)
    ways = shelf.ways(
        title, ways_to_tokens(offer, visitor, back_to), is_guest=visitor.is_guest, back_to=back_to
    )
    action = shelf.action(title)
    return TitlePage(
        short_id=title.short_id,
        slug=title.slug,
        type=title.type.value,
        title=title.name,
        synopsis=title.synopsis,
        action=action,
        poster_url=poster_url(title),
        backdrop_url=wide_url(title),
        certificate=title.maturity,
        languages=title.languages,
        year=title.year,
        duration_s=None if is_series else title.duration_s,
        producer=producer.name if producer else None,
        series_title=series.name if series else None,
        series_url=title_url(series) if series else None,
        episode_number=title.number,
        access=shelf.access(title),
        episodes=episode_rows(shelf, title) if is_series else (),
        denial=shelf.denial(title, ways),
        ways=_besides(ways, action),
        more=more_like(shelf, title),
        canonical_url=base_url + title_url(title),
        share_image_url=base_url + picture if (picture := wide_url(title)) else None,
    )


def episode_rows(shelf: Shelf, series: Title) -> tuple[EpisodeRow, ...]:
    """Return the episodes of a series that are out, in their order."""
    return tuple(_row(shelf, item) for item in shelf.episodes(series.id))


def more_like(shelf: Shelf, title: Title) -> tuple[Card, ...]:
    """Return other titles that are out, newest first; its own series is not among them."""
    others = shelf.published(TitleType.FILM, TitleType.SERIES, TitleType.SHORT)
    shown = [item for item in others if item.id not in (title.id, title.parent_id)]
    return tuple(shelf.card(item) for item in shown[:_MORE])


def _besides(ways: tuple[Way, ...], action: Action) -> tuple[Way, ...]:
    """Return the ways that the button does not lead to: behind an unlock are those to more tokens."""
    if action.kind != "unlock":
        return ways
    return tuple(way for way in ways if way.price is not None)


def _row(shelf: Shelf, episode: Title) -> EpisodeRow:
    progress_ms = shelf.progress_ms(episode)
    return EpisodeRow(
        short_id=episode.short_id,
        slug=episode.slug,
        number=episode.number or 0,
        title=episode.name,
        synopsis=episode.synopsis,
        duration_s=episode.duration_s,
        state=shelf.state(episode),
        still_url=wide_url(episode),
        cost_tokens=shelf.cost(episode),
        progress_s=None if progress_ms is None else progress_ms // 1000,
        way=shelf.way(episode),
        opens_at=shelf.opens_at(episode),
    )
