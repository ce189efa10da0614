"""Random titles, viewers and contexts, close to the instants at which something changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from attrs import evolve, frozen
from hypothesis import strategies as st

from buddy_core.entitlements import (
    Channel,
    Context,
    Grant,
    GrantChange,
    GrantKind,
    GrantStatus,
    GrantUse,
    Holding,
    LicenceFacts,
    Membership,
    PlanState,
    Profile,
    Reason,
    Rights,
    TakedownFacts,
    Terms,
    TitleFacts,
    UseKind,
    Viewer,
    WindowFacts,
)
from buddy_core.kernel import AccountId, EntryId, GrantId, SessionId, TitleId
from buddy_core.kernel.countries import COUNTRIES
from buddy_core.rights import WindowType

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
START = datetime(2026, 11, 21, tzinfo=UTC)
FILM, SERIES, OTHER = (TitleId(UUID(int=number)) for number in (1, 2, 3))
MINE, ELSE = SessionId("ses_mine"), SessionId("ses_else")
ME = AccountId(UUID(int=7))
WAYS_OF = {
    WindowType.FESTIVAL: ("festival_pass",),
    WindowType.CINEMA: (),
    WindowType.COLLECTOR: ("edition",),
    WindowType.PVOD: ("pvod", "est"),
    WindowType.PPV: ("ppv",),
    WindowType.TVOD: ("tokens", "rental", "watch_once", "est"),
    WindowType.SVOD: ("tokens", "subscription"),
    WindowType.AVOD: ("tokens",),
}
"""What a window of each type sells, as the rights say."""

AT_DAYS = st.integers(0, 10).map(lambda days: START + days * DAY)
"""Where things begin and end: few instants, so that many meet."""
ENDS = st.none() | AT_DAYS
NEAR = st.builds(lambda at, ticks: at + ticks * TICK, AT_DAYS, st.sampled_from([-1, 0, 0, 1]))
"""When it is asked: at such an instant, or a microsecond beside it."""
PLACES = st.sampled_from(
    [
        frozenset({"IN"}),
        frozenset({"IN", "AE"}),
        frozenset({"AE"}),
        COUNTRIES,
        COUNTRIES,
    ]
)
RIGHTS = st.builds(
    Rights, st.sampled_from([480, 720, 1080, 2160]), st.booleans(), st.booleans(), st.integers(1, 4)
)
TIERS = st.sampled_from(["basic", "premium"])
TIER_SETS = st.sampled_from(
    [frozenset(found) for found in ((), ("basic",), ("premium",), ("basic", "premium"))]
)
AFTER = st.sampled_from(
    [
        Reason.RENTAL_NOT_STARTED,
        Reason.RENTAL_ENDED,
        Reason.CONSUMED,
        Reason.GRANT_ENDED,
        Reason.REFUNDED,
        Reason.REVOKED,
        None,
    ]
)


def spans(draw: st.DrawFn) -> tuple[datetime, datetime | None]:
    """Return a start, and an end at or after it or none."""
    start, end = draw(AT_DAYS), draw(ENDS)
    return (start, None) if end is None else (min(start, end), max(start, end))


@st.composite
def windows(draw: st.DrawFn, number: int) -> WindowFacts:
    """Return a window of any type, free where its type says so."""
    kind = draw(st.sampled_from(WindowType))
    is_free = kind is WindowType.AVOD or (kind is WindowType.FESTIVAL and draw(st.booleans()))
    start, end = spans(draw)
    ways = () if is_free and kind is WindowType.FESTIVAL else WAYS_OF[kind]
    return WindowFacts(
        UUID(int=100 + number),
        kind,
        draw(PLACES),
        start,
        end,
        tiers=draw(TIER_SETS) if kind is WindowType.SVOD else frozenset(),
        free=draw(RIGHTS) if is_free else None,
        ways=ways,
    )


@st.composite
def titles(draw: st.DrawFn, of: TitleId = FILM) -> TitleFacts:
    """Return a title with up to six windows, two licences and two takedowns, mostly licensed and out."""
    licences = [
        LicenceFacts(UUID(int=200 + number), draw(PLACES), *spans(draw), draw(st.booleans()))
        for number in range(draw(st.sampled_from([0, 1, 2, 2])))
    ]
    if draw(st.sampled_from([True, True, True, False])):
        licences.append(LicenceFacts(UUID(int=299), COUNTRIES, START - DAY))
    return TitleFacts(
        of,
        draw(st.sampled_from([None, START, START, START - DAY, START - DAY, START + 3 * DAY])),
        licences,
        [draw(windows(number)) for number in range(draw(st.integers(0, 6)))],
        [
            TakedownFacts(UUID(int=300 + number), draw(PLACES), *spans(draw))
            for number in range(draw(st.sampled_from([0, 0, 0, 0, 1, 2])))
        ],
        [Membership(SERIES, draw(AT_DAYS)) for _ in range(draw(st.integers(0, 1)))],
        age=draw(st.sampled_from([0, 7, 13, 18])),
        ages=draw(st.dictionaries(st.sampled_from(["IN", "AE"]), st.sampled_from([0, 7, 13, 18]))),
    )


@st.composite
def lapsing_titles(draw: st.DrawFn) -> TitleFacts:
    """Return a title that is out and sold everywhere until its licence ends; what was bought may play on."""
    found = draw(open_titles())
    ends_at = draw(AT_DAYS)
    licences = [evolve(item, ends_at=ends_at, has_tail=True) for item in found.licences]
    return evolve(found, licences=licences, part_of=[Membership(SERIES, draw(AT_DAYS))])


SHOPS = ((WindowType.TVOD, frozenset[str]()), (WindowType.SVOD, frozenset({"basic", "premium"})))


@st.composite
def open_titles(draw: st.DrawFn) -> TitleFacts:
    """Return a title that is out and sold everywhere all the time, for a viewer who may see it."""
    found = draw(titles())
    shops = [
        WindowFacts(UUID(int=190 + number), kind, COUNTRIES, START - DAY, tiers=tiers, ways=WAYS_OF[kind])
        for number, (kind, tiers) in enumerate(SHOPS)
    ]
    licence = LicenceFacts(UUID(int=299), COUNTRIES, START - DAY, has_tail=draw(st.booleans()))
    others = [item for item in found.windows if item.free is None and item.type is not WindowType.SVOD]
    out: dict[str, Any] = {
        "published_at": START - DAY,
        "licences": [licence],
        "takedowns": (),
        "ages": {},
        "age": 0,
    }
    return evolve(found, windows=[*shops, *others], **out)


@st.composite
def holdings(draw: st.DrawFn, number: int) -> Holding:
    """Return a grant or plan in any state, of the film, its series or another title."""
    kind = draw(st.sampled_from([*GrantKind, GrantKind.SUBSCRIPTION, GrantKind.SUBSCRIPTION]))
    start, end = spans(draw)
    is_plan = kind is GrantKind.SUBSCRIPTION
    used_up = end is not None and kind is GrantKind.WATCH_ONCE and draw(st.booleans())
    return Holding(
        GrantId(UUID(int=1_000 + number)),
        kind,
        None if is_plan else draw(st.sampled_from([FILM, FILM, FILM, SERIES, OTHER])),
        draw(RIGHTS),
        start,
        end,
        Reason.PLAN_LAPSED if is_plan else Reason.CONSUMED if used_up else draw(AFTER),
        draw(TIERS) if is_plan else "",
        draw(st.sampled_from(PlanState)) if is_plan else None,
        draw(st.booleans()),
        draw(st.sampled_from([MINE, ELSE])) if used_up else None,
        draw(ENDS) if used_up else None,
        draw(st.sampled_from([None, None, start - DAY, start - 3 * DAY])),
    )


@st.composite
def held(draw: st.DrawFn, first: int = 0, most: int = 4) -> list[Holding]:
    """Return a few holdings with ids of their own."""
    return [draw(holdings(first + number)) for number in range(draw(st.integers(0, most)))]


AGES = st.sampled_from([None, None, None, 0, 7, 13, 18])
CONTEXTS = st.builds(
    Context,
    country=st.sampled_from(["IN", "IN", "IN", "AE", "AE", "US", None, "XX", "in", ""]),
    channel=st.sampled_from(Channel),
    profile=st.builds(Profile, AGES, AGES, st.booleans()),
    streams=st.sampled_from([0, 0, 0, 1, 2, 4]),
    session_id=st.sampled_from([None, MINE]),
)


@frozen
class World:
    """Everything that a decision is asked over."""

    viewer: Viewer
    title: TitleFacts
    context: Context
    at: datetime


@st.composite
def any_worlds(draw: st.DrawFn) -> World:
    """Return a question: who, what, from where, when."""
    return World(Viewer(draw(held())), draw(titles() | open_titles()), draw(CONTEXTS), draw(NEAR))


@st.composite
def near_worlds(draw: st.DrawFn, wanted: Reason | None = None) -> World:
    """Return a question about a title that is open to buy, mostly with the wanted reason against it.

    Left to chance some reasons would come up too seldom to be tested.
    """
    if wanted is None:
        wanted = draw(st.none() | st.sampled_from(Reason))
    title, at = draw(open_titles()), draw(NEAR)
    context = Context("IN", draw(st.sampled_from(Channel)), session_id=draw(st.sampled_from([None, MINE])))
    found = [draw(ended(number, wanted, at)) for number in range(draw(st.integers(0, 2)))]
    if wanted is None or draw(st.sampled_from([False, False, True])):
        found += draw(held(first=10, most=3))
    if wanted is not None:
        found.append(draw(ended(9, wanted, at)))
    if wanted is Reason.TAKEN_DOWN:
        title = evolve(title, takedowns=[TakedownFacts(UUID(int=300), draw(PLACES), START - DAY, draw(ENDS))])
    elif wanted is Reason.NOT_PUBLISHED:
        title = evolve(title, published_at=draw(ENDS))
    elif wanted is Reason.NO_LICENCE:
        ends = draw(st.sampled_from([at, at, at + TICK]))
        title = evolve(title, licences=[evolve(item, ends_at=max(ends, START)) for item in title.licences])
    elif wanted is Reason.COUNTRY_UNKNOWN:
        context = evolve(context, country=draw(st.sampled_from([None, "XX", "in"])))
    elif wanted in (Reason.NOT_YET, Reason.OVER):
        day = draw(st.sampled_from([START - DAY / 2, at, at + TICK, at + DAY]))
        start, end = (START - DAY, day) if wanted is Reason.OVER else (day, None)
        title = evolve(title, windows=[evolve(item, starts_at=start, ends_at=end) for item in title.windows])
    elif wanted is Reason.MATURITY:
        title, context = (
            evolve(title, age=13),
            evolve(context, profile=Profile(max_age=draw(st.sampled_from([7, 12, 13, None])))),
        )
    elif wanted is Reason.PROFILE_PIN:
        profile = Profile(
            None, draw(st.sampled_from([7, 12, 13])), draw(st.sampled_from([False, False, True]))
        )
        title, context = evolve(title, age=13), evolve(context, profile=profile)
    elif wanted is Reason.TOO_MANY_STREAMS:
        context = evolve(context, streams=draw(st.integers(0, 4)))
        rights = st.builds(Rights, st.just(1080), st.booleans(), st.booleans(), st.integers(1, 4))
        for number, given in enumerate(draw(st.lists(rights, min_size=1, max_size=3))):
            end = draw(st.sampled_from([None, at + TICK, at + DAY, at + DAY]))
            found.append(
                Holding(GrantId(UUID(int=1_060 + number)), GrantKind.EST, FILM, given, START - DAY, end)
            )
    return World(Viewer(found), title, context, at)


@st.composite
def ended(draw: st.DrawFn, number: int, wanted: Reason | None, at: datetime) -> Holding:
    """Return a holding that is of no use at `at`, for the reason that is wanted if it is one of grants."""
    one = draw(holdings(number))
    before, later = START - DAY, at + draw(st.sampled_from([TICK, DAY]))
    if wanted in (Reason.NOT_IN_PLAN, Reason.PLAN_PAUSED, Reason.PLAN_LAPSED):
        is_paused = wanted is Reason.PLAN_PAUSED
        return Holding(
            one.id,
            GrantKind.SUBSCRIPTION,
            None,
            one.rights,
            before,
            at if wanted is Reason.PLAN_LAPSED else later,
            Reason.PLAN_LAPSED,
            "other" if wanted is Reason.NOT_IN_PLAN else "basic",
            PlanState.PAUSED if is_paused else PlanState.ACTIVE,
        )
    after = wanted if wanted in GRANT_REASONS else None
    kind = GrantKind.GIFT if one.kind is GrantKind.SUBSCRIPTION else one.kind
    start, end = (later, later + DAY) if wanted is Reason.NOT_BEGUN else (before, at)
    of = OTHER if wanted is Reason.NO_GRANT else FILM
    return Holding(one.id, kind, of, one.rights, start, end, after)


GRANT_REASONS = {
    Reason.RENTAL_NOT_STARTED,
    Reason.RENTAL_ENDED,
    Reason.CONSUMED,
    Reason.GRANT_ENDED,
    Reason.REFUNDED,
    Reason.REVOKED,
}
"""Why a grant of a title may be over."""


def worlds() -> st.SearchStrategy[World]:
    """Return questions of any sort: by chance, close to one of the reasons, and with much that is open."""
    return any_worlds() | near_worlds() | near_worlds(Reason.TOO_MANY_STREAMS)


@frozen
class Books:
    """Stored grants with everything recorded about them."""

    grants: list[Grant]
    changes: list[GrantChange]
    uses: list[GrantUse]


@st.composite
def books(draw: st.DrawFn) -> Books:
    """Return grants of any kind, played, consumed and ended at any time, in the order of what can happen."""
    found = Books([], [], [])
    for number in range(draw(st.integers(1, 4))):
        grant = draw(_grants(number))
        end = draw(st.sampled_from(list(GrantStatus)))
        later = [
            at for at in sorted(draw(st.lists(AT_DAYS, min_size=3, max_size=3))) if at >= grant.granted_at
        ]
        if draw(st.booleans()) and later:
            found.uses.append(GrantUse(grant.origin_id, UseKind.STARTED, later[0], later[0], MINE))
            if draw(st.booleans()) and later[1:]:
                found.uses.append(GrantUse(grant.origin_id, UseKind.CONSUMED, later[1], later[1], MINE))
        if end is not GrantStatus.ACTIVE and later:
            found.changes.append(GrantChange(grant.id, end, later[-1], "test", None))
            grant = evolve(grant, status=end)
        found.grants.append(grant)
    return found


@st.composite
def _grants(draw: st.DrawFn, number: int, kind: GrantKind | None = None) -> Grant:
    kind = kind or draw(st.sampled_from(GrantKind))
    start = draw(AT_DAYS)
    is_plan = kind is GrantKind.SUBSCRIPTION
    hours: dict[str, Any] = {}
    if kind in (GrantKind.RENTAL, GrantKind.PVOD):
        hours = {"hours": draw(st.sampled_from([24, 48])), "start_by": start + draw(st.integers(1, 5)) * DAY}
    if kind is GrantKind.WATCH_ONCE and draw(st.booleans()):
        hours = {"start_by": start + 3 * DAY}
    return Grant(
        id=GrantId(UUID(int=2_000 + number)),
        origin_id=GrantId(UUID(int=2_000 + number)),
        account_id=ME,
        title_id=None if is_plan else draw(st.sampled_from([FILM, FILM, SERIES])),
        kind=kind,
        status=GrantStatus.ACTIVE,
        granted_at=start,
        recorded_at=start,
        ends_at=draw(st.none() | st.integers(1, 6).map(lambda days: start + days * DAY)),
        entry_id=EntryId(UUID(int=3_000 + number)),
        terms=Terms(
            draw(RIGHTS),
            tier=draw(TIERS) if is_plan else "",
            plan=draw(st.sampled_from(PlanState)) if is_plan else None,
            includes_later=draw(st.booleans()),
            **hours,
        ),
    )


@frozen
class LaterEnd:
    """A grant, what else is held, what was and will be done with it, and a later end given at some time."""

    grant: Grant
    other: Grant
    uses: list[GrantUse]
    given_at: datetime
    until: datetime
    at: datetime
    """When it is asked about."""


@st.composite
def later_ends(draw: st.DrawFn) -> LaterEnd:
    """Return a later end of a grant of any kind, before or after it is over, played or not."""
    kind = draw(st.sampled_from([*GrantKind, GrantKind.RENTAL, GrantKind.WATCH_ONCE, GrantKind.WATCH_ONCE]))
    grant, other = draw(_grants(0, kind)), draw(_grants(1))
    given_at = grant.granted_at + draw(st.integers(0, 6)) * DAY
    until = given_at + draw(st.integers(1, 5)) * DAY + draw(st.sampled_from([timedelta(0), TICK]))
    first = grant.granted_at + draw(st.sampled_from([0, 0, 1, 2, 7])) * DAY
    last = first + draw(st.sampled_from([1, 9, 60])) * timedelta(hours=1)
    uses = []
    if draw(st.booleans()):
        uses.append(GrantUse(grant.origin_id, UseKind.STARTED, first, first, MINE))
        if draw(st.sampled_from([False, False, True])):
            uses.append(GrantUse(grant.origin_id, UseKind.CONSUMED, last, last, MINE))
    near = st.sampled_from([given_at - TICK, given_at, until - TICK, until - DAY])
    return LaterEnd(grant, other, uses, given_at, until, draw(near | NEAR))
