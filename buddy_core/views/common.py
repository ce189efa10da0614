"""What several pages show alike: the viewer, a card, a refusal and the ways past it."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

TitleType = Literal["film", "series", "short", "episode"]
CardState = Literal["locked", "unlocked", "free", "continue", "unavailable"]
WayKind = Literal["watch_ad", "unlock", "buy_tokens", "rent", "subscribe", "sign_in", "join", "wait"]


@frozen
class Viewer:
    """Who looks at the page; every template gets it as `viewer`.

    Balances are in tokens. `may` names the permissions whose buttons and links the
    page shows; whoever presses one is asked for a second factor where that is due.
    """

    is_guest: bool
    email: str | None = None
    balance_bonus: int = 0
    balance_paid: int = 0
    country: str | None = None
    is_demo: bool = False
    may: frozenset[str] = frozenset()

    @property
    def balance(self) -> int:
        """Return all tokens the viewer may spend."""
        return self.balance_bonus + self.balance_paid


@frozen
class Card:
    """One title in a rail.

    `poster_url` is a 2:3 picture, `wide_url` a 16:9 one. Progress is in whole
    seconds and set only where the state is `continue`. An episode names its
    series and number, so that a page may say both.
    """

    short_id: str
    slug: str
    type: TitleType
    title: str
    poster_url: str | None = None
    wide_url: str | None = None
    cost_tokens: int | None = None
    state: CardState = "locked"
    progress_s: int | None = None
    duration_s: int | None = None
    series_title: str | None = None
    season_number: int | None = None
    episode_number: int | None = None
    episode_count: int | None = None
    certificate: str | None = None


@frozen
class Way:
    """One way to get at a title, as an offer to click.

    `tokens` is what the way pays (an ad) or costs (an unlock). `available` is
    false where the way exists but not now; `reason` then says why by code, such
    as `daily_cap`.
    """

    kind: WayKind
    url: str
    tokens: int | None = None
    available: bool = True
    reason: str | None = None


@frozen
class Denial:
    """Why a title does not play: the rule's code, its own words, and what would help.

    The page has words for the known codes and falls back to `message`.
    """

    code: str
    message: str = ""
    ways: tuple[Way, ...] = ()
