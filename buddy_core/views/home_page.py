"""Fills the home page: something to watch within one screen."""

from __future__ import annotations

from typing import Protocol

from buddy_core.catalog import Title, TitleType
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.views.ad_offer import AdOfferTx, ad_offer_in
from buddy_core.views.common import Card
from buddy_core.views.home import EarnOffer, HomePage, Rail, Spotlight
from buddy_core.views.shelf import Shelf, ShelfTx, shelf_in
from buddy_core.views.visitor import Visitor

_RAIL_CARDS = 24
"""A longer rail is not scrolled to its end by anybody."""


class HomeTx(ShelfTx, AdOfferTx, Protocol):
    """What the home page reads."""


async def home_page(visitor: Visitor, *, uow: UnitOfWork[HomeTx], clock: Clock) -> HomePage:
    """Return the home page; it asks the stores as often for a thousand titles as for one."""
    at = clock.now()
    async with uow.read() as tx:
        shelf = await shelf_in(tx, visitor.account_id, visitor.context, at)
        offer = await ad_offer_in(tx, visitor, at)
    films = shelf.published(TitleType.FILM)
    series = shelf.published(TitleType.SERIES)
    shorts = shelf.published(TitleType.SHORT)
    rails = (
        Rail("continue", _begun(shelf), "wide"),
        Rail("new", _cards(shelf, shelf.published(TitleType.FILM, TitleType.SERIES, TitleType.SHORT))),
        Rail("unlocked", _owned(shelf), "wide"),
        Rail("films", _cards(shelf, films), "wide"),
        Rail("series", _cards(shelf, series), "wide"),
        Rail("shorts", _cards(shelf, shorts)),
    )
    return HomePage(
        rails=tuple(rail for rail in rails if rail.cards),
        spotlight=_spotlight(shelf, films + series + shorts),
        earn=EarnOffer(offer.rule.tokens, offer.left_today),
    )


def _cards(shelf: Shelf, titles: list[Title]) -> tuple[Card, ...]:
    return tuple(shelf.card(title) for title in titles[:_RAIL_CARDS])


def _begun(shelf: Shelf) -> tuple[Card, ...]:
    """Return what the viewer is in the middle of and may go on with, last watched first."""
    titles = [shelf.titles[title_id] for title_id in shelf.positions if title_id in shelf.answers]
    begun = [title for title in titles if shelf.state(title) == "continue"]
    return _cards(shelf, sorted(begun, key=lambda title: shelf.positions[title.id].at, reverse=True))


def _owned(shelf: Shelf) -> tuple[Card, ...]:
    playing = shelf.published(TitleType.FILM, TitleType.SHORT, TitleType.EPISODE)
    return _cards(shelf, [title for title in playing if shelf.state(title) == "unlocked"])


def _spotlight(shelf: Shelf, titles: list[Title]) -> Spotlight | None:
    """Put up front the newest title that can be had here; films and series before shorts."""
    chosen = next((title for title in titles if shelf.state(title) not in ("unavailable", "coming")), None)
    if chosen is None:
        return None
    return Spotlight(shelf.card(chosen), shelf.action(chosen), chosen.synopsis, chosen.languages, chosen.year)
