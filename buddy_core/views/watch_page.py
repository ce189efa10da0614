"""Fills the watch page: what the player needs for its session, or why there is none."""

from __future__ import annotations

from typing import Protocol

from buddy_core.catalog import Title
from buddy_core.entitlements import Allowed
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.ids import SessionId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.playback import PlaybackDenied
from buddy_core.views.ad_offer import AdOfferTx, ad_offer_in, ways_to_tokens
from buddy_core.views.addresses import poster_url, title_url, unlock_url, watch_url, wide_url
from buddy_core.views.common import Denial, Way
from buddy_core.views.shelf import RESUME_FROM_MS, Shelf, ShelfTx, shelf_in
from buddy_core.views.title_page import episode_rows, more_like
from buddy_core.views.visitor import Visitor
from buddy_core.views.watch import NextUp, WatchPage
from buddy_core.views.ways import denial_by


class WatchPageTx(ShelfTx, AdOfferTx, Protocol):
    """What the watch page reads."""


async def watch_page(
    title: Title,
    visitor: Visitor,
    session: SessionId | None,
    refusal: PlaybackDenied | None = None,
    *,
    uow: UnitOfWork[WatchPageTx],
    clock: Clock,
) -> WatchPage:
    """Return the page of a running session; without one, the page that says why it does not play.

    `refusal` is what playback said: it knows of other streams, which a page does not.
    """
    at = clock.now()
    async with uow.read() as tx:
        shelf = await shelf_in(tx, visitor.account_id, visitor.context, at)
        offer = await ad_offer_in(tx, visitor, at)
    series = shelf.titles.get(title.parent_id) if title.parent_id else None
    progress_ms = shelf.progress_ms(title) if title.id in shelf.titles else None
    back_to = watch_url(title)
    tokens = ways_to_tokens(offer, visitor, back_to)
    ways = shelf.ways(title, tokens, is_guest=visitor.is_guest, back_to=back_to)
    return WatchPage(
        short_id=title.short_id,
        slug=title.slug,
        type=title.type.value,
        title=title.name,
        back_url=title_url(series or title),
        playlist_url=f"/play/{session}/master.m3u8" if session else None,
        heartbeat_url=f"/play/{session}/beat" if session else None,
        resume_s=progress_ms // 1000 if progress_ms and progress_ms >= RESUME_FROM_MS else 0,
        duration_s=title.duration_s,
        poster_url=poster_url(title),
        backdrop_url=wide_url(title),
        series_title=series.name if series else None,
        episode_number=title.number,
        certificate=title.maturity,
        synopsis=title.synopsis,
        next=_next(shelf, title),
        denial=None if session else _denial(shelf, title, ways, refusal),
        access=shelf.access(title) if session else None,
        episodes=episode_rows(shelf, series) if series else (),
        more=more_like(shelf, title),
    )


def _denial(shelf: Shelf, title: Title, ways: tuple[Way, ...], refusal: PlaybackDenied | None) -> Denial:
    """Return why it does not play; a title that may be watched and yet has no session is not ready."""
    if refusal is not None:
        return denial_by(refusal, ways, shelf.at)
    found = shelf.denial(title, ways) if title.id in shelf.answers else None
    return found or Denial("playback.not_ready", "The pictures are still being prepared.", at=shelf.at)


def _next(shelf: Shelf, title: Title) -> NextUp | None:
    following = shelf.after(title)
    if following is None:
        return None
    answer = shelf.answers[following.id]
    is_open = isinstance(answer.decision, Allowed)
    if not is_open and answer.offer is None:
        return None
    return NextUp(
        url=watch_url(following) if is_open else unlock_url(following),
        title=following.name,
        episode_number=following.number,
        still_url=wide_url(following),
        cost_tokens=answer.offer.tokens if answer.offer else None,
        is_locked=not is_open,
    )
