"""The plain facts of a decision: what a viewer holds, what a title is, and where it is asked from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from uuid import UUID

from attrs import field, frozen

from buddy_core.entitlements.errors import BadFacts
from buddy_core.entitlements.model.answers import Denied, Reason
from buddy_core.entitlements.model.checks import (
    check_tiers,
    each_is_a,
    instant,
    instant_or_none,
    is_a,
    is_whole,
    names_tier,
    shown,
    whole,
)
from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.ids import GrantId, SessionId, TitleId
from buddy_core.rights import WindowType

MAX_STREAMS = 4
FAR = datetime.max.replace(tzinfo=UTC)
"""What no end is reckoned as."""
Span = tuple[datetime, datetime]
WAYS = (
    "tokens",
    "subscription",
    "rental",
    "watch_once",
    "pvod",
    "ppv",
    "festival_pass",
    "est",
    "edition",
)
"""The ways to a title, in the order in which they are offered."""
PLAN = "subscription"
"""The way that lets a plan watch what has a window for its tier."""


def _countries(value: Iterable[str]) -> frozenset[str]:
    found = _texts(value, "countries")
    _check_countries(found)
    return found


def _texts(value: Iterable[str], name: str) -> frozenset[str]:
    # One text would be taken for its letters, and its parts for names.
    if isinstance(value, str):
        raise BadFacts(f"{name} are one text, {value[:40]!r}; give a set of texts")
    try:
        return frozenset(value)
    except TypeError as error:
        raise BadFacts(f"{name} are {shown(value)}; give a set of texts") from error


def _tiers(value: Iterable[str]) -> frozenset[str]:
    found = _texts(value, "tiers")
    check_tiers(found)
    return found


@lru_cache(maxsize=1024)
def _check_countries(codes: frozenset[str]) -> None:
    """Refuse what is no country; the sets of countries are few, so that most were looked at before."""
    unknown = sorted(str(code) for code in codes - COUNTRIES)
    if unknown:
        raise BadFacts(
            f"{unknown[0][:40]!r} is no country; give ISO 3166-1 codes such as 'IN', "
            "and Territories(...).countries for regions and worldwide"
        )


def _check_span(what: str, starts_at: datetime, ends_at: datetime | None) -> None:
    if ends_at is not None and ends_at < starts_at:
        raise BadFacts(f"a {what} would end at {ends_at.isoformat()}, before it begins")


@frozen
class Rights:
    """What a viewer gets: picture lines at most, with or without ads, downloads, streams at once."""

    max_height: int
    ads: bool
    downloads: bool
    streams: int

    def __attrs_post_init__(self) -> None:
        if type(self.max_height) is not int or not 144 <= self.max_height <= 4320:
            raise InvalidValue("max_height", "must be a whole number of lines from 144 to 4320")
        if type(self.ads) is not bool:
            raise InvalidValue("ads", "must be True or False")
        if type(self.downloads) is not bool:
            raise InvalidValue("downloads", "must be True or False")
        if type(self.streams) is not int or not 1 <= self.streams <= MAX_STREAMS:
            raise InvalidValue("streams", f"must be a whole number from 1 to {MAX_STREAMS}")


class GrantKind(StrEnum):
    """What a grant is; the kind says how it begins and ends."""

    RENTAL = "rental"
    WATCH_ONCE = "watch_once"
    EST = "est"
    PVOD = "pvod"
    PPV = "ppv"
    FESTIVAL_PASS = "festival_pass"
    EDITION = "edition"
    SUBSCRIPTION = "subscription"
    TOKEN_UNLOCK = "token_unlock"
    GIFT = "gift"
    PROMOTION = "promotion"
    SUPPORT = "support"


class PlanState(StrEnum):
    """Where a subscription stands in a span of time; an upgrade or downgrade is the next span."""

    TRIAL = "trial"
    ACTIVE = "active"
    GRACE = "grace"
    """Past due, and still open until the span ends."""
    PAUSED = "paused"
    """Opens nothing while it lasts."""
    CANCELLED = "cancelled"
    """Open until the paid period ends."""


@frozen
class Holding:
    """What a viewer holds of a title at one time: a grant with everything that happened to it.

    Open from `starts_at` up to, not at, `ends_at` (None: no end). `of` is the title, or
    what holds it (a series, a season, a bundle); None for a subscription, which opens
    what has an SVOD window for its tier. `after` is the reason once it is over; None if
    it then counts as never held, such as one that moved to another account. `held_since` is
    when it was first held, if not as it starts: what was given a later end after it was over
    opens anew, and is still from before the end of a licence or the coming of an episode.
    """

    id: GrantId = field(validator=is_a(UUID))
    kind: GrantKind = field(validator=is_a(GrantKind))
    of: TitleId | None = field(validator=is_a(UUID, or_none=True))
    rights: Rights = field(validator=is_a(Rights))
    starts_at: datetime = field(converter=instant)
    ends_at: datetime | None = field(default=None, converter=instant_or_none)
    after: Reason | None = field(default=Reason.GRANT_ENDED, validator=is_a(Reason, or_none=True))
    tier: str = field(default="", validator=names_tier)
    plan: PlanState | None = field(default=None, validator=is_a(PlanState, or_none=True))
    includes_later: bool = field(default=True, validator=is_a(bool))
    """Whether it opens what joined `of` after `held_since`, such as episodes to come."""
    goes_on_in: SessionId | None = field(default=None, validator=is_a(str, or_none=True))
    """The playback session that used it up, which may still see the end, until `goes_on_until`."""
    goes_on_until: datetime | None = field(default=None, converter=instant_or_none)
    held_since: datetime | None = field(default=None, converter=instant_or_none)
    recorded_at: datetime | None = field(default=None, converter=instant_or_none)
    """When it was put on record; the decision does not look at it."""

    def __attrs_post_init__(self) -> None:
        if (self.kind is GrantKind.SUBSCRIPTION) is not (self.of is None):
            raise BadFacts("a subscription is of no title, and every other grant is of one")
        if (self.kind is GrantKind.SUBSCRIPTION) is not (self.plan is not None):
            raise BadFacts("a subscription has a plan state, and nothing else has one")

    def is_open_plan(self, at: datetime) -> bool:
        """Tell whether this is a plan that is open at `at`: begun, not over, and not paused."""
        if self.plan is None or self.plan is PlanState.PAUSED:
            return False
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)


@frozen
class Profile:
    """Who sits in front of it: an age that titles must not exceed, and one above which a PIN is asked."""

    max_age: int | None = field(default=None, validator=whole(or_none=True))
    pin_above: int | None = field(default=None, validator=whole(or_none=True))
    is_pin_given: bool = field(default=False, validator=is_a(bool))


class Channel(StrEnum):
    """Where it is asked from. Apps play and never sell."""

    WEB = "web"
    APP = "app"


@frozen
class Context:
    """From where and how a title is asked for; `country` is what the host found, not what a client says."""

    country: str | None = field(validator=is_a(str, or_none=True))
    channel: Channel = field(default=Channel.WEB, validator=is_a(Channel))
    profile: Profile = field(default=Profile(), validator=is_a(Profile))
    streams: int = field(default=0, validator=whole())
    """Other streams of this viewer that are running now."""
    session_id: SessionId | None = field(default=None, validator=is_a(str, or_none=True))
    """The playback session that asks, if one does."""


@frozen
class Viewer:
    """What the decision may know of the viewer: what they hold, in any order."""

    holdings: Sequence[Holding] = field(default=(), validator=each_is_a(Holding))


@frozen
class LicenceFacts:
    """Where and when a title may be shown; with tail rights what was bought plays on after the end."""

    id: UUID = field(validator=is_a(UUID))
    countries: frozenset[str] = field(converter=_countries)
    starts_at: datetime = field(converter=instant)
    ends_at: datetime | None = field(default=None, converter=instant_or_none)
    has_tail: bool = field(default=True, validator=is_a(bool))

    def __attrs_post_init__(self) -> None:
        _check_span("licence", self.starts_at, self.ends_at)


@frozen
class WindowFacts:
    """What may be sold, or for SVOD, AVOD and free windows watched, where and when.

    `free` is what a viewer without a grant gets in a window that is free to watch, as AVOD
    always is. `tiers` names the tiers of an SVOD window, which sells `subscription`; none
    named means any.
    """

    id: UUID = field(validator=is_a(UUID))
    type: WindowType = field(validator=is_a(WindowType))
    countries: frozenset[str] = field(converter=_countries)
    starts_at: datetime = field(converter=instant)
    ends_at: datetime | None = field(default=None, converter=instant_or_none)
    tiers: frozenset[str] = field(default=frozenset(), converter=_tiers)
    free: Rights | None = field(default=None, validator=is_a(Rights, or_none=True))
    ways: tuple[str, ...] = ()
    """What it sells, such as `rental` or `tokens`."""

    def __attrs_post_init__(self) -> None:
        _check_span("window", self.starts_at, self.ends_at)
        ways: object = self.ways
        if isinstance(ways, str):
            raise BadFacts(f"ways are one text, {ways[:40]!r}; give a tuple such as ('rental',)")
        for way in self.ways:
            if way not in WAYS:
                raise BadFacts(f"{str(way)[:40]!r} is no way to a title; there are {', '.join(WAYS)}")
        is_for_plans = self.type is WindowType.SVOD or bool(self.tiers)
        if is_for_plans and PLAN not in self.ways:
            raise BadFacts(f"a window for plans sells them; give it ways=({PLAN!r}, ...)")
        if self.type is WindowType.AVOD and self.free is None:
            raise BadFacts("an AVOD window is free to watch; say with which rights, free=Rights(...)")


@frozen
class TakedownFacts:
    """A title was taken down in these countries, until it was restored."""

    id: UUID = field(validator=is_a(UUID))
    countries: frozenset[str] = field(converter=_countries)
    starts_at: datetime = field(converter=instant)
    ends_at: datetime | None = field(default=None, converter=instant_or_none)

    def __attrs_post_init__(self) -> None:
        _check_span("takedown", self.starts_at, self.ends_at)


@frozen
class Membership:
    """A series, season or bundle that a title is part of, and since when."""

    of: TitleId = field(validator=is_a(UUID))
    since: datetime = field(converter=instant)


@frozen
class Gate:
    """A window that may be watched, in one country: free, or with a plan of one of its tiers."""

    id: UUID
    type: WindowType
    starts_at: datetime
    ends_at: datetime
    until: datetime
    """When it ends, or the last of the windows on the same terms that follow it without a gap."""
    tiers: frozenset[str]
    free: Rights | None


@frozen
class Moment:
    """A title in one country from one instant at which something changes there up to the next."""

    closed: Denied
    """The answer where nothing that is held plays and nothing is open."""
    is_open: bool
    """A window is open in which something may be watched or bought."""
    kept: tuple[Span, ...]
    """What began before the first of a pair plays until the second; the first pair that fits counts."""
    licensed: datetime | None
    """Until when it is out, licensed and not taken down; None if it is not."""
    gates: tuple[Gate, ...]
    """The windows that may be watched; none where it is not licensed."""
    ways: tuple[str, ...]
    """What is sold, in the order in which it is offered."""


@frozen
class Place:
    """A title in one country: half-open spans, sorted and joined where they touch."""

    licensed: tuple[Span, ...]
    """When it is out, licensed and not taken down."""
    kept: tuple[tuple[datetime, tuple[Span, ...]], ...]
    """For what began before an instant, when it plays: as licensed, and after the end of licences
    with tail rights that it began before. The earliest instant comes first, `FAR` last."""
    openings: tuple[Span, ...]
    """When a window is open in which something may be watched or bought."""
    gates: tuple[Gate, ...]
    shops: tuple[tuple[datetime, datetime, tuple[str, ...]], ...]
    """When which ways to it are sold."""
    taken: tuple[Span, ...]
    published_at: datetime | None
    licence_ends: datetime | None
    """When the last licence that names the country ends; None if none ever named it. Where the
    country is unknown: when nobody anywhere may play it any more."""
    age: int
    is_known: bool
    """Whether the country is one."""
    bounds: list[datetime]
    """Every instant at which something changes, sorted."""
    moments: dict[int, Moment] = field(factory=dict, init=False, eq=False, repr=False)
    """What the rules worked out, by the number of bounds that have passed."""


@frozen
class TitleFacts:
    """What the decision may know of a title, in every country; the same for all viewers."""

    id: TitleId = field(validator=is_a(UUID))
    published_at: datetime | None = field(converter=instant_or_none)
    licences: Sequence[LicenceFacts] = field(default=(), validator=each_is_a(LicenceFacts))
    windows: Sequence[WindowFacts] = field(default=(), validator=each_is_a(WindowFacts))
    takedowns: Sequence[TakedownFacts] = field(default=(), validator=each_is_a(TakedownFacts))
    part_of: Sequence[Membership] = field(default=(), validator=each_is_a(Membership))
    age: int = field(default=0, validator=whole())
    """From which age it may be seen where `ages` does not say otherwise."""
    ages: Mapping[str, int] = field(factory=dict)
    """From which age it may be seen, by country."""
    places: dict[str | None, Place] = field(factory=dict, init=False, eq=False, repr=False)
    """What the rules worked out of it, once a country; no fact of its own."""

    def __attrs_post_init__(self) -> None:
        ages: object = self.ages
        if not isinstance(ages, Mapping):
            raise BadFacts(f"ages are {shown(ages)}; give a mapping such as {{'IN': 13}}")
        if ages:
            _check_countries(frozenset(ages))
        for country, age in ages.items():
            if not is_whole(age):
                raise BadFacts(f"the age in {country} is {shown(age)}; give a whole number from 0 on")
