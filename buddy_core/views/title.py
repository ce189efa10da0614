"""A title's own page: film, series, short or episode."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from attrs import frozen

from buddy_core.views.common import Access, Card, CardState, Denial, TitleType, Way

ActionKind = Literal["play", "play_free", "resume", "unlock", "none"]


@frozen
class Action:
    """What the one button does.

    `tokens` is the cost where kind is `unlock`, `resume_s` the position where it
    is `resume`; `episode_number` is set where the button acts on an episode of
    the page's series.
    """

    kind: ActionKind
    url: str = ""
    tokens: int | None = None
    resume_s: int | None = None
    episode_number: int | None = None


@frozen
class EpisodeRow:
    """One episode in a series' list, with its state for this viewer."""

    short_id: str
    slug: str
    number: int
    title: str
    synopsis: str
    duration_s: int
    state: CardState
    still_url: str | None = None
    cost_tokens: int | None = None
    progress_s: int | None = None
    season_number: int = 1
    way: Way | None = None
    opens_at: datetime | None = None


@frozen
class TitlePage:
    """A title with its one button, why it plays or does not, and the ways to it besides the button."""

    short_id: str
    slug: str
    type: TitleType
    title: str
    synopsis: str
    action: Action
    poster_url: str | None = None
    backdrop_url: str | None = None
    certificate: str | None = None
    certificate_reasons: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    caption_languages: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    year: int | None = None
    duration_s: int | None = None
    producer: str | None = None
    cast: tuple[str, ...] = ()
    series_title: str | None = None
    series_url: str | None = None
    season_number: int | None = None
    episode_number: int | None = None
    access: Access | None = None
    episodes: tuple[EpisodeRow, ...] = ()
    denial: Denial | None = None
    ways: tuple[Way, ...] = ()
    more: tuple[Card, ...] = ()
    canonical_url: str | None = None
    share_image_url: str | None = None
