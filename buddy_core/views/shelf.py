"""The catalogue as one viewer sees it: asked of the stores in a fixed number of questions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from attrs import frozen

from buddy_core.catalog import Title, TitleType
from buddy_core.entitlements import Allowed, Context, Denied, Reason
from buddy_core.flows import Answer, MayWatchTx, may_watch_in
from buddy_core.kernel.ids import AccountId, TitleId
from buddy_core.playback import PlaybackTx, Position, is_watched
from buddy_core.views.addresses import poster_url, unlock_url, watch_url, wide_url
from buddy_core.views.common import Access, Card, CardState, Denial, Way
from buddy_core.views.title import Action, ActionKind
from buddy_core.views.ways import (
    FREE_KINDS,
    MAY_BE_HAD,
    access_of,
    denial_of,
    lowest,
    money_ways,
    ways_past,
)

RESUME_FROM_MS = 5_000
"""Somebody who left within the first seconds has not begun."""
_SERIES_STATES: tuple[tuple[CardState, CardState], ...] = (
    ("locked", "locked"),
    ("unlocked", "unlocked"),
    ("continue", "unlocked"),
    ("free", "free"),
    ("coming", "coming"),
)
"""What a series says by the first of these that one of its episodes is."""


class ShelfTx(MayWatchTx, PlaybackTx, Protocol):
    """What the catalogue's pages read."""


@frozen
class Shelf:
    """Every title that is announced or out, with its answer and the viewer's place in it."""

    titles: Mapping[TitleId, Title]
    answers: Mapping[TitleId, Answer]
    positions: Mapping[TitleId, Position]
    at: datetime

    def published(self, *types: TitleType) -> list[Title]:
        """Return the titles of these types that are out and not taken down here, newest first."""
        found = [
            item
            for item in self.titles.values()
            if item.type in types and item.is_published(self.at) and not self.is_taken_down(item)
        ]
        return sorted(found, key=lambda item: (item.published_at, item.short_id), reverse=True)

    def episodes(self, series_id: TitleId) -> list[Title]:
        """Return the episodes of a series that are out, in their order."""
        found = [item for item in self.published(TitleType.EPISODE) if item.parent_id == series_id]
        return sorted(found, key=lambda item: item.number or 0)

    def after(self, episode: Title) -> Title | None:
        """Return the episode that comes next, or None."""
        if episode.parent_id is None or episode.number is None:
            return None
        later = [item for item in self.episodes(episode.parent_id) if (item.number or 0) > episode.number]
        return later[0] if later else None

    def progress_ms(self, title: Title) -> int | None:
        """Return where the viewer stopped, if they had begun and not come to the end."""
        known = self.positions.get(title.id)
        if known is None or known.position_ms < RESUME_FROM_MS:
            return None
        return None if is_watched(known.position_ms, title.duration_s * 1000) else known.position_ms

    def is_over(self, title: Title) -> bool:
        """Tell whether the viewer has seen a title to its end."""
        known = self.positions.get(title.id)
        return known is not None and is_watched(known.position_ms, title.duration_s * 1000)

    def is_taken_down(self, title: Title) -> bool:
        """Tell whether a title was taken down where the viewer is."""
        answer = self.answers.get(title.id)
        decision = answer.decision if answer else None
        return isinstance(decision, Denied) and decision.reason is Reason.TAKEN_DOWN

    def state(self, title: Title) -> CardState:
        """Return what a card says; a series is what its episodes are together."""
        if title.type is TitleType.SERIES:
            states = {self.state(item) for item in self.episodes(title.id)}
            return next((says for found, says in _SERIES_STATES if found in states), "unavailable")
        decision = self.answers[title.id].decision
        if isinstance(decision, Allowed):
            if self.progress_ms(title) is not None:
                return "continue"
            return "free" if decision.kind in FREE_KINDS else "unlocked"
        if decision.reason in MAY_BE_HAD:
            return "locked"
        return "unavailable" if decision.opens_at is None else "coming"

    def cost(self, title: Title) -> int | None:
        """Return what an unlock costs here; of a series, its cheapest episode that is locked."""
        if title.type is TitleType.SERIES:
            costs = [self.cost(item) for item in self.episodes(title.id)]
            return min((cost for cost in costs if cost is not None), default=None)
        offer = self.answers[title.id].offer
        return None if offer is None else offer.tokens

    def way(self, title: Title) -> Way | None:
        """Return the lowest price in money where tokens do not open a title; of a series, of any episode."""
        if title.type is TitleType.SERIES:
            if self.cost(title) is not None:
                return None
            return lowest(way for item in self.episodes(title.id) if (way := self.way(item)) is not None)
        answer = self.answers[title.id]
        return lowest(money_ways(answer.offers)) if answer.offer is None else None

    def opens_at(self, title: Title) -> datetime | None:
        """Return when a title opens by itself; of a series, its first episode that will."""
        if title.type is TitleType.SERIES:
            coming = [self.opens_at(item) for item in self.episodes(title.id)]
            return min((at for at in coming if at is not None), default=None)
        decision = self.answers[title.id].decision
        return decision.opens_at if isinstance(decision, Denied) else None

    def card(self, title: Title) -> Card:
        """Return the card of a title."""
        progress_ms = self.progress_ms(title)
        state = self.state(title)
        series = self.titles.get(title.parent_id) if title.parent_id else None
        is_series = title.type is TitleType.SERIES
        return Card(
            short_id=title.short_id,
            slug=title.slug,
            type=title.type.value,
            title=title.name,
            poster_url=poster_url(title),
            wide_url=wide_url(title),
            cost_tokens=self.cost(title),
            state=state,
            progress_s=progress_ms // 1000 if state == "continue" and progress_ms else None,
            duration_s=None if is_series else title.duration_s,
            series_title=series.name if series else None,
            episode_number=title.number,
            episode_count=len(self.episodes(title.id)) if is_series else None,
            certificate=title.maturity,
            way=self.way(title) if state == "locked" else None,
            opens_at=self.opens_at(title) if state == "coming" else None,
        )

    def action(self, title: Title) -> Action:
        """Return what the one button of a title does; a series acts on the episode that is next."""
        if title.type is TitleType.SERIES:
            chosen = self._next_of(title)
            return Action("none") if chosen is None else self._action(chosen, chosen.number)
        return self._action(title, None)

    def denial(self, title: Title, ways: tuple[Way, ...] = ()) -> Denial | None:
        """Return why a title does not play, with the ways past it; None if it does."""
        if title.type is TitleType.SERIES:
            chosen = self._next_of(title)
            if chosen is None:
                return Denial("entitlements.not_published", "No episode of this is out yet.", at=self.at)
            return self.denial(chosen, ways)
        return denial_of(self.answers[title.id], ways, self.at)

    def access(self, title: Title) -> Access | None:
        """Return why a title plays and until when; None where it does not, and for a series."""
        return access_of(self.answers.get(title.id), self.at)

    def ways(self, title: Title, tokens: tuple[Way, ...], *, is_guest: bool, back_to: str) -> tuple[Way, ...]:
        """Return every way to a title that does not play; of a series, to the episode that is next."""
        chosen = self._next_of(title) if title.type is TitleType.SERIES else title
        answer = self.answers.get(chosen.id) if chosen else None
        return () if answer is None else ways_past(answer, tokens, is_guest=is_guest, back_to=back_to)

    def _action(self, title: Title, number: int | None) -> Action:
        answer = self.answers[title.id]
        if isinstance(answer.decision, Allowed):
            progress_ms = self.progress_ms(title)
            if progress_ms is None:
                kind: ActionKind = "play_free" if answer.decision.kind in FREE_KINDS else "play"
                return Action(kind, watch_url(title), episode_number=number)
            return Action("resume", watch_url(title), resume_s=progress_ms // 1000, episode_number=number)
        if answer.offer is not None:
            return Action("unlock", unlock_url(title), tokens=answer.offer.tokens, episode_number=number)
        return Action("none", episode_number=number)

    def _next_of(self, series: Title) -> Title | None:
        """Return the episode the viewer is in, else the first not seen to its end, else the first."""
        episodes = self.episodes(series.id)
        begun = [
            item
            for item in episodes
            if self.progress_ms(item) is not None and isinstance(self.answers[item.id].decision, Allowed)
        ]
        if begun:
            return max(begun, key=lambda item: self.positions[item.id].at)
        ahead = [item for item in episodes if not self.is_over(item)]
        return next(iter(ahead or episodes), None)


async def shelf_in(tx: ShelfTx, account: AccountId, context: Context, at: datetime) -> Shelf:
    """Return the shelf: five questions to the stores, however many titles there are."""
    titles = [title for title in await tx.titles.all() if title.published_at is not None]
    playing = [title for title in titles if title.type is not TitleType.SERIES]
    answers = await may_watch_in(tx, account, playing, context, at)
    positions = await tx.positions.of_account(account)
    return Shelf(
        {title.id: title for title in titles}, {item.title.id: item for item in answers}, positions, at
    )
