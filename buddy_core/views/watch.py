"""The watch page: what the player needs, or why it may not play."""

from __future__ import annotations

from attrs import frozen

from buddy_core.views.common import Access, Card, Denial, TitleType
from buddy_core.views.title import EpisodeRow


@frozen
class CaptionTrack:
    """One WebVTT file; `language` is a BCP 47 tag."""

    url: str
    language: str
    is_default: bool = False


@frozen
class NextUp:
    """The episode that comes next, and what clicking it does."""

    url: str
    title: str
    episode_number: int | None = None
    season_number: int | None = None
    still_url: str | None = None
    cost_tokens: int | None = None
    is_locked: bool = False


@frozen
class WatchPage:
    """A player's configuration; exactly one of `playlist_url` and `denial` is set.

    Positions are whole seconds. The player posts `{position_s, playing}` to
    `heartbeat_url` every `heartbeat_every_s` seconds; the server counts the time.
    `episodes` are all those of the series, `more` other titles: what stands below the player.
    """

    short_id: str
    slug: str
    type: TitleType
    title: str
    back_url: str
    playlist_url: str | None = None
    heartbeat_url: str | None = None
    heartbeat_every_s: int = 10
    captions: tuple[CaptionTrack, ...] = ()
    resume_s: int = 0
    duration_s: int | None = None
    poster_url: str | None = None
    backdrop_url: str | None = None
    series_title: str | None = None
    season_number: int | None = None
    episode_number: int | None = None
    certificate: str | None = None
    synopsis: str = ""
    next: NextUp | None = None
    denial: Denial | None = None
    access: Access | None = None
    episodes: tuple[EpisodeRow, ...] = ()
    more: tuple[Card, ...] = ()
