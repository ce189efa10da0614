"""Titles and the producers who made them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from attrs import frozen

from buddy_core.kernel.ids import PartnerId, TitleId


class TitleType(StrEnum):
    """What a title is; the type names its short-id space and its default cost."""

    FILM = "film"
    SHORT = "short"
    SERIES = "series"
    EPISODE = "episode"


@frozen
class Producer:
    """A partner who makes titles; shown by name and short id."""

    id: PartnerId
    short_id: str
    name: str


@frozen
class Title:
    """Something to watch, or a series that holds episodes.

    `media_key` names the packaged media of what plays; a series has none.
    `number` counts episodes in their series. Published when `published_at` has come.
    """

    id: TitleId
    short_id: str
    slug: str
    type: TitleType
    name: str
    synopsis: str
    producer_id: PartnerId
    maturity: str
    languages: tuple[str, ...]
    year: int
    duration_s: int
    published_at: datetime | None
    media_key: str | None = None
    art_key: str | None = None
    """Names the title's pictures; a series has some too."""
    parent_id: TitleId | None = None
    number: int | None = None

    def is_published(self, at: datetime) -> bool:
        """Tell whether the title is out at `at`."""
        return self.published_at is not None and self.published_at <= at

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that restricted tokens may name to be spent on this title."""
        return (f"title:{self.id}", f"type:{self.type}")
