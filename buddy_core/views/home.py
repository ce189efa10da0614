"""The home page: one title up front, then rails."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from buddy_core.views.common import Card
from buddy_core.views.title import Action

RailKind = Literal["continue", "unlocked", "films", "series", "shorts", "free", "new", "collection"]
RailShape = Literal["poster", "wide"]


@frozen
class Rail:
    """A row of cards; `title` names a collection, the other kinds have fixed names."""

    kind: RailKind
    cards: tuple[Card, ...]
    shape: RailShape = "poster"
    title: str | None = None


@frozen
class Spotlight:
    """The title the home page opens with."""

    card: Card
    action: Action
    logline: str
    languages: tuple[str, ...] = ()
    year: int | None = None


@frozen
class EarnOffer:
    """What watching an ad pays now, and how many are left today (UTC)."""

    tokens: int
    left_today: int


@frozen
class HomePage:
    """Something to watch within one screen; the rail of kind `continue` comes first."""

    rails: tuple[Rail, ...]
    spotlight: Spotlight | None = None
    earn: EarnOffer | None = None
