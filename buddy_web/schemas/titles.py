"""Titles, whether they may be watched, and unlocking them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from buddy_core.entitlements import Reason
from buddy_web.schemas.common import MAX_INT, Answer, Body, Instant, PageQuery, ShortIdText, TitleType

Count = Annotated[int, Field(strict=True, ge=0, le=MAX_INT)]


class Offer(Answer):
    """What tokens open a title for; send both numbers back with the unlock."""

    tokens: int
    rule_version: int


class Access(Answer):
    """May this visitor watch this title here and now."""

    allowed: bool
    reason: Reason | None = None
    unlockable_by: list[str] = Field(default_factory=list)
    offer: Offer | None = None
    until: Instant | None = Field(default=None, description="When access ends; null if it does not.")


class Series(Answer):
    """The series that an episode belongs to."""

    id: str
    name: str


class Title(Answer):
    """A title as a list shows it. Durations are in seconds, pictures are paths on this host."""

    type: TitleType
    id: str
    slug: str
    name: str
    synopsis: str
    maturity: str
    languages: list[str]
    year: int
    duration_s: int
    url: str
    poster_url: str | None
    wide_url: str | None
    series: Series | None
    number: int | None = Field(description="An episode's place in its series.")
    access: Access


class Titles(Answer):
    """One page of the published titles."""

    titles: list[Title]
    page: int
    limit: int
    total: int
    total_pages: int


class TitlesQuery(PageQuery):
    """Which titles."""

    type: TitleType | None = None


class TitlePath(BaseModel):
    """Which title."""

    type: TitleType
    id: ShortIdText


class Quote(Answer):
    """What an unlock costs now, and the version of the rule that says so."""

    type: TitleType
    id: str
    tokens: int
    rule_version: int


class UnlockBody(Body):
    """A title, and the cost and rule version that were shown: if they changed, nothing is spent."""

    type: TitleType
    id: ShortIdText
    seen_tokens: Count
    seen_version: Count


class Unlocked(Answer):
    """The title is open. `tokens_spent` is 0 when it had been open before."""

    type: TitleType
    id: str
    tokens_spent: int
    tokens_left: int
