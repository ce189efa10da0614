"""What several pages show alike: the viewer, a card, a refusal and the ways past it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from attrs import frozen

from buddy_core.kernel.money import Money

TitleType = Literal["film", "series", "short", "episode"]
CardState = Literal["locked", "unlocked", "free", "continue", "coming", "unavailable"]
WayKind = Literal[
    "unlock",
    "watch_ad",
    "sign_in",
    "join",
    "wait",
    "buy_tokens",
    "rental",
    "pvod",
    "ppv",
    "festival_pass",
    "watch_once",
    "subscription",
    "est",
    "edition",
]


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
class Way:
    """One way to get at a title, as an offer to click, or as a line where it cannot be had yet.

    `tokens` is what the way pays (an ad) or costs (an unlock), `price` what it costs in
    money. `available` is false where the way exists but not now; `reason` then says why
    by code, such as `daily_cap` or `no_checkout`, and `url` may be empty.
    """

    kind: WayKind
    url: str = ""
    tokens: int | None = None
    available: bool = True
    reason: str | None = None
    price: Money | None = None
    hours: int | None = None
    """How long a rental can be watched after its first play."""
    tier: str | None = None
    period: str | None = None
    """How often a plan is billed, as an ISO 8601 duration such as `P1M`."""


@frozen
class Access:
    """Why a title plays, and until when (None: no end), as the decision says at `at`.

    `kind` is that of the grant, or the type of the window that is free to watch.
    `max_height` is in picture lines. `is_in_grace`: the plan's payment is overdue.
    """

    kind: str
    at: datetime
    until: datetime | None = None
    max_height: int = 0
    ads: bool = False
    is_in_grace: bool = False


@frozen
class Card:
    """One title in a rail.

    `poster_url` is a 2:3 picture, `wide_url` a 16:9 one. Progress is in whole
    seconds and set only where the state is `continue`. An episode names its
    series and number, so that a page may say both. `way` is the lowest price in
    money where tokens do not open it; `opens_at` is set where it is to come.
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
    way: Way | None = None
    opens_at: datetime | None = None


@frozen
class Denial:
    """Why a title does not play: the rule's code, its own words, and what would help, least effort first.

    The page has words for the known codes and falls back to `message`. `opens_at` is when
    it opens by itself, if that is known; `at` is when it was asked.
    """

    code: str
    message: str = ""
    ways: tuple[Way, ...] = ()
    opens_at: datetime | None = None
    at: datetime | None = None
