"""The matrix of decisions: every row of it, and the page that says what each must be.

`python -m tests.entitlements_matrix` writes docs/entitlements-matrix.md anew from what the
rules answer; the test reads that page and holds the rules to it. So an answer that is to
change is changed on the page first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path
from uuid import UUID

from attrs import frozen

from buddy_core.entitlements import (
    GIVEN_RIGHTS,
    Allowed,
    Channel,
    Context,
    Decision,
    Grant,
    GrantChange,
    GrantKind,
    GrantStatus,
    GrantUse,
    Holding,
    LicenceFacts,
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
    decide,
    holdings_of,
)
from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.ids import AccountId, GrantId, SessionId, TitleId, WindowId
from buddy_core.rights import Territories, Window, WindowType, sells

PAGE = Path(__file__).parents[1] / "docs" / "entitlements-matrix.md"
AT = datetime(2026, 11, 21, tzinfo=UTC)
"""Day 0: when every row is asked."""
FILM, ME = TitleId(UUID(int=1)), AccountId(UUID(int=2))
HERE = SessionId("ses_here")
AGE = 13
"""From which age the title of the matrix may be seen."""


def day(number: float) -> datetime:
    """Return an instant so many days after day 0."""
    return AT + timedelta(days=number)


# -- windows and territories -------------------------------------------------------------------------

SHOWS = {
    "festival by ticket": (WindowType.FESTIVAL, False),
    "festival, free": (WindowType.FESTIVAL, True),
    "cinema": (WindowType.CINEMA, False),
    "collector": (WindowType.COLLECTOR, False),
    "pvod": (WindowType.PVOD, False),
    "ppv": (WindowType.PPV, False),
    "tvod": (WindowType.TVOD, False),
    "svod": (WindowType.SVOD, False),
    "avod": (WindowType.AVOD, False),
}
"""The types of window by name, and whether it is free. The one of SVOD is for the tier premium."""
STATES = {"ahead": (10, 60), "open": (-30, 60), "over": (-30, -5)}
"""The window's first day, and the day at which it ends."""
LICENSED = {
    "licensed": (-300, 400, True),
    "licence over, tail rights": (-300, -2, True),
    "licence over, no tail rights": (-300, -2, False),
    "no licence for the country": None,
    "country unknown": (-300, 400, True),
    "taken down": (-300, 400, True),
}
"""The licence's first day, the day at which it ends, and whether it has tail rights."""
FREE = Rights(max_height=720, ads=True, downloads=False, streams=2)


def title(show: str, state: str, territory: str) -> TitleFacts:
    """Return a title with one window and at most one licence that matters."""
    kind, is_free = SHOWS[show]
    start, end = STATES[state]
    tiers = ("premium",) if kind is WindowType.SVOD else ()
    window = Window(
        WindowId(UUID(int=10)), FILM, kind, Territories(("*",)), day(start), day(end), tiers, is_free=is_free
    )
    licences = [LicenceFacts(UUID(int=11), frozenset({"AE"}), day(-300))]
    licence = LICENSED[territory]
    if licence is not None:
        begins, ends, has_tail = licence
        licences.append(LicenceFacts(UUID(int=12), COUNTRIES, day(begins), day(ends), has_tail))
    is_watched_free = is_free or kind is WindowType.AVOD
    return TitleFacts(
        FILM,
        day(-200),
        licences,
        [
            WindowFacts(
                window.id,
                kind,
                COUNTRIES,
                window.starts_at,
                window.ends_at,
                frozenset(tiers),
                FREE if is_watched_free else None,
                sells(window),
            )
        ],
        [TakedownFacts(UUID(int=13), frozenset({"IN"}), day(-1))] if territory == "taken down" else [],
        age=AGE,
    )


# -- grants and plans ----------------------------------------------------------------------------------


@frozen
class Held:
    """A grant in one state, in the page's words: days are counted from day 0."""

    kind: GrantKind
    since: float = -10
    ends: float | None = None
    start_by: float | None = None
    hours: int | None = None
    started: float | None = None
    consumed: float | None = None
    here: bool = False
    """Whether the session that asks is the one that used it up."""
    change: GrantStatus | None = None
    """What became of it on day -3."""


K = GrantKind
GRANTS: Mapping[str, Held | None] = {
    "none": None,
    "rental, to be started": Held(K.RENTAL, start_by=20, hours=48),
    "rental, playing": Held(K.RENTAL, start_by=20, hours=48, started=-0.5),
    "rental, not started in time": Held(K.RENTAL, since=-40, start_by=-10, hours=48),
    "rental, ended": Held(K.RENTAL, start_by=20, hours=48, started=-4),
    "rental, refunded": Held(K.RENTAL, start_by=20, hours=48, change=GrantStatus.REFUNDED),
    "watch-once, to be started": Held(K.WATCH_ONCE),
    "watch-once, playing": Held(K.WATCH_ONCE, started=-0.25),
    "watch-once, a day after its first play": Held(K.WATCH_ONCE, started=-2),
    "watch-once, watched to the end": Held(K.WATCH_ONCE, started=-0.25, consumed=-0.125),
    "watch-once, its last session": Held(K.WATCH_ONCE, started=-0.25, consumed=-0.125, here=True),
    "est": Held(K.EST),
    "est, refunded": Held(K.EST, change=GrantStatus.REFUNDED),
    "pvod, to be started": Held(K.PVOD, start_by=20, hours=48),
    "pvod, ended": Held(K.PVOD, start_by=20, hours=48, started=-4),
    "ppv, before the event": Held(K.PPV, since=2, ends=3),
    "ppv": Held(K.PPV, ends=1),
    "ppv, after the event": Held(K.PPV, ends=-1),
    "festival pass": Held(K.FESTIVAL_PASS, ends=7),
    "festival pass, ended": Held(K.FESTIVAL_PASS, ends=-1),
    "edition": Held(K.EDITION),
    "token unlock": Held(K.TOKEN_UNLOCK),
    "token unlock, refunded": Held(K.TOKEN_UNLOCK, change=GrantStatus.REFUNDED),
    "token unlock, moved by a merge": Held(K.TOKEN_UNLOCK, change=GrantStatus.TRANSFERRED),
    "gift, for a later day": Held(K.GIFT, since=5, ends=90),
    "gift": Held(K.GIFT, ends=90),
    "gift, taken back before its day": Held(K.GIFT, since=5, ends=90, change=GrantStatus.REVOKED),
    "promotion": Held(K.PROMOTION, ends=12),
    "promotion, ended": Held(K.PROMOTION, ends=-1),
    "support grant": Held(K.SUPPORT, ends=14),
    "support grant after the licence's end": Held(K.SUPPORT, since=-1, ends=14),
    "support grant, revoked": Held(K.SUPPORT, ends=14, change=GrantStatus.REVOKED),
}
TIERS = {
    "basic": Rights(max_height=720, ads=True, downloads=False, streams=1),
    "premium": Rights(max_height=2160, ads=False, downloads=True, streams=4),
}
P = PlanState
PLANS: Mapping[str, Sequence[tuple[str, PlanState, float, float]]] = {
    "no plan": (),
    "trial": (("premium", P.TRIAL, -10, 30),),
    "active": (("premium", P.ACTIVE, -10, 30),),
    "past due, in grace": (("premium", P.ACTIVE, -40, -1), ("premium", P.GRACE, -1, 6)),
    "paused": (("premium", P.ACTIVE, -40, -1), ("premium", P.PAUSED, -1, 30)),
    "cancelled, until its end": (("premium", P.CANCELLED, -10, 30),),
    "expired": (("premium", P.CANCELLED, -40, -1),),
    "upgraded from basic": (("basic", P.ACTIVE, -40, -1), ("premium", P.ACTIVE, -1, 30)),
    "downgraded, premium until its end": (("premium", P.CANCELLED, -10, 30), ("basic", P.ACTIVE, 30, 60)),
    "basic": (("basic", P.ACTIVE, -10, 30),),
}
"""The spans of a plan: tier, state, first day, and the day at which it ends."""


def stored(held: Held) -> tuple[Grant, list[GrantChange], list[GrantUse]]:
    """Return a grant as it is stored, with what was recorded about it."""
    change = held.change
    grant = Grant(
        id=GrantId(UUID(int=20)),
        origin_id=GrantId(UUID(int=20)),
        account_id=ME,
        title_id=FILM,
        kind=held.kind,
        status=change or GrantStatus.ACTIVE,
        granted_at=day(held.since),
        recorded_at=min(day(held.since), day(-10)),
        ends_at=None if held.ends is None else day(held.ends),
        entry_id=None,
        terms=Terms(
            GIVEN_RIGHTS[held.kind],
            hours=held.hours,
            start_by=None if held.start_by is None else day(held.start_by),
        ),
    )
    session = HERE if held.here else SessionId("ses_elsewhere")
    uses = [
        GrantUse(grant.origin_id, kind, day(at), day(at), session)
        for kind, at in ((UseKind.STARTED, held.started), (UseKind.CONSUMED, held.consumed))
        if at is not None
    ]
    changes = [] if change is None else [GrantChange(grant.id, change, day(-3), "matrix", None)]
    return grant, changes, uses


@cache
def holdings(grant: str, plan: str) -> tuple[Holding, ...]:
    """Return what a viewer holds: a grant in a state, and the spans of a plan."""
    held, found = GRANTS[grant], []
    if held is not None:
        one, changes, uses = stored(held)
        found += holdings_of([one], changes, uses)
    for number, (tier, state, start, end) in enumerate(PLANS[plan]):
        span = Grant(
            id=GrantId(UUID(int=30 + number)),
            origin_id=GrantId(UUID(int=30 + number)),
            account_id=ME,
            title_id=None,
            kind=GrantKind.SUBSCRIPTION,
            status=GrantStatus.ACTIVE,
            granted_at=day(start),
            recorded_at=day(start),
            ends_at=day(end),
            entry_id=None,
            terms=Terms(TIERS[tier], tier=tier, plan=state),
        )
        found += holdings_of([span])
    return tuple(found)


PROFILES = {
    "fits": Profile(max_age=AGE, pin_above=AGE),
    "above the profile's age": Profile(max_age=7),
    "a PIN is asked": Profile(pin_above=7),
    "the PIN was given": Profile(pin_above=7, is_pin_given=True),
}


@frozen
class Row:
    """One question of the matrix: where it stands on the page, and the facts of it."""

    show: str
    state: str
    territory: str
    grant: str
    plan: str
    profile: str
    channel: Channel

    @property
    def title(self) -> TitleFacts:
        return _title(self.show, self.state, self.territory)

    @property
    def viewer(self) -> Viewer:
        return Viewer(holdings(self.grant, self.plan))

    @property
    def context(self) -> Context:
        return _context(self.territory, self.grant, self.profile, self.channel)

    def decide(self) -> Decision:
        """Return what the rules answer."""
        return decide(self.viewer, self.title, self.context, AT)


_title = cache(title)


@cache
def _context(territory: str, grant: str, profile: str, channel: Channel) -> Context:
    held = GRANTS[grant]
    country = None if territory == "country unknown" else "IN"
    session = HERE if held is not None and held.here else None
    return Context(country, channel, PROFILES[profile], session_id=session)


def rows(
    profiles: Sequence[str] = tuple(PROFILES), channels: Sequence[Channel] = tuple(Channel)
) -> Iterator[Row]:
    """Return every row of the full product, or those of some profiles and channels."""
    for values in product(SHOWS, STATES, LICENSED, GRANTS, PLANS, profiles, channels):
        yield Row(*values)


# -- an answer in the page's words -------------------------------------------------------------------

OPEN = [*Reason][[*Reason].index(Reason.NO_GRANT) : -1]
"""The reasons that say what is sold here."""
YES = re.compile(
    r"yes by (?P<kind>[a-z_]+) until (?P<until>[^:;]+): (?P<height>\d+)p, (?P<ads>no ads|ads), "
    r"(?P<downloads>downloads|no downloads), (?P<streams>\d) at once(?P<more>(?:; [^;]+)*)"
)


def spell(answer: Decision) -> str:
    """Return an answer as a cell says it, without what is sold."""
    if not isinstance(answer, Allowed):
        return answer.reason if answer.opens_at is None else f"{answer.reason}, {_when(answer.opens_at)}"
    untils = answer.untils
    more = [
        f"; {words} until {_when(end)}"
        for words, end in (
            (f"{answer.max_height}p", untils.max_height),
            ("no ads" if not answer.ads else "ads", untils.ads),
            ("downloads" if answer.downloads else "no downloads", untils.downloads),
            (f"{answer.streams} at once", untils.streams),
        )
        if end != answer.until
    ]
    return (
        f"yes by {answer.kind} until {_when(answer.until)}: {answer.max_height}p, "
        f"{'ads' if answer.ads else 'no ads'}, {'downloads' if answer.downloads else 'no downloads'}, "
        f"{answer.streams} at once{''.join(more)}{'; in grace' if answer.is_in_grace else ''}"
    )


def _when(at: datetime | None) -> str:
    if at is None:
        return "no end"
    days = (at - AT) / timedelta(days=1)
    return f"day {days:g}" if days == int(days) else f"hour {days * 24:g}"


Expected = tuple[object, ...]
"""What an answer must be: its parts, in the order of `parts`."""


def parts(answer: Decision) -> Expected:
    """Return what of an answer the page speaks of."""
    if isinstance(answer, Allowed):
        ends = answer.untils
        return (
            "yes",
            str(answer.kind),
            answer.until,
            (answer.max_height, answer.ads, answer.downloads, answer.streams),
            (ends.max_height, ends.ads, ends.downloads, ends.streams),
            answer.is_in_grace,
        )
    return str(answer.reason), answer.opens_at, answer.unlockable_by


def read(cell: str, ways: tuple[str, ...]) -> Expected:
    """Return what a cell says an answer must be; `ways` are what is sold where a grant is missing."""
    match = YES.fullmatch(cell)
    if match is None:
        code, _, opens = cell.partition(", ")
        return str(Reason(code)), _instant(opens) if opens else None, ways if code in OPEN else ()
    until = _instant(match["until"])
    words = [
        f"{match['height']}p",
        match["ads"],
        match["downloads"],
        f"{match['streams']} at once",
    ]
    ends: dict[str, datetime | None] = dict.fromkeys(words, until)
    more = [item for item in match["more"].split("; ") if item]
    for item in more:
        if item != "in grace":
            word, _, when = item.partition(" until ")
            if word not in ends:
                raise ValueError(f"{word!r} is no right of this cell: {cell}")
            ends[word] = _instant(when)
    return (
        "yes",
        match["kind"],
        until,
        (
            int(match["height"]),
            match["ads"] == "ads",
            match["downloads"] == "downloads",
            int(match["streams"]),
        ),
        tuple(ends[word] for word in words),
        "in grace" in more,
    )


def _instant(text: str) -> datetime | None:
    if text == "no end":
        return None
    unit, _, number = text.partition(" ")
    return day(float(number) / {"day": 1, "hour": 24}[unit])


# -- the page --------------------------------------------------------------------------------------------

BASE, WEB = "fits", Channel.WEB
Table = Mapping[tuple[str, str], str]
"""Cells by grant and plan."""
Case = tuple[str, str, str]
"""Type of window, its state, and the territory."""


def tables(spelled: Callable[[Row], str]) -> dict[Case, Table]:
    """Return the cells of each case, for a profile that fits and on the web."""
    return {
        case: {
            (grant, plan): spelled(Row(*case, grant, plan, BASE, WEB))
            for grant, plan in product(GRANTS, PLANS)
        }
        for case in product(SHOWS, STATES, LICENSED)
    }


def page() -> str:
    """Return the page as the rules answer now."""
    found = tables(lambda row: spell(row.decide()))
    alike: dict[tuple[tuple[tuple[str, str], str], ...], list[Case]] = {}
    for case, table in found.items():
        alike.setdefault(tuple(table.items()), []).append(case)
    text = _HEAD
    text += _listed("What is held", ("grant", "from", "until", "what it gives"), _grant_lines())
    text += _listed("Plans", ("plan", "spans"), _plan_lines())
    text += _listed("What is sold", ("window", "on the web, while it is open and licensed"), _way_lines())
    text += _listed("Who is watching", ("the tables say", *PROFILES), _profile_lines(found))
    text += _CHANNELS
    for number, (cells, cases) in enumerate(alike.items(), 1):
        text += f"\n## Table {number}\n\n{_cases(cases)}\n\n{_grid(dict(cells))}"
    return text


_HEAD = """# The matrix of decisions

<!-- Made by `python -m tests.entitlements_matrix`. The tests read this page and hold the rules to it. -->

May this viewer watch this title? This page answers for every type of window, its state, the licence, every
grant and its state, every plan and its state, who is watching and from where. It is the tests' own table:
**an answer that should be another is corrected here**, and the tests then fail until the rules give it.

Every question is asked on **day 0**; days are counted from it. The title has one window and is for ages from
13. A window that is *ahead* opens on day 10, one that is *over* ended on day -5, one that is *open* and one
ahead end on day 60. The licence runs until day 400 with tail rights, or ended on day -2. The SVOD window is
for the tier *premium*. A free window gives 720p with ads, two at once.

A cell is the code of a reason, or *yes*: by what, until when, and with which rights; a right that ends before
the rest says until when. A row or column that names several things stands for each of them.
"""
_CHANNELS = """
## Where it is asked from

| the tables say | web | app |
|---|---|---|
| any | the same, with what is sold | the same, with nothing sold |
"""


def _listed(name: str, head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return f"\n## {name}\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _grant_lines() -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = []
    for name, held in GRANTS.items():
        if held is None:
            continue
        [item] = holdings(name, "no plan")
        given = item.rights
        rights = f"{given.max_height}p, {'ads' if given.ads else 'no ads'}, "
        rights += f"{'downloads' if given.downloads else 'no downloads'}, {given.streams} at once"
        lines.append((name, _when(item.starts_at), _when(item.ends_at), rights))
    return lines


def _plan_lines() -> list[tuple[str, str]]:
    return [
        (
            name,
            "; ".join(f"{tier} {state}, day {start:g} to {end:g}" for tier, state, start, end in spans)
            or "-",
        )
        for name, spans in PLANS.items()
    ]


def _way_lines() -> list[tuple[str, str]]:
    lines = []
    for show in SHOWS:
        answer = Row(show, "open", "licensed", "none", "no plan", BASE, WEB).decide()
        # A window that is free denies nobody: ask beside a profile what it would offer.
        ways = () if isinstance(answer, Allowed) else answer.unlockable_by
        lines.append((show, ", ".join(ways) or "nothing"))
    return lines


def _profile_lines(found: Mapping[Case, Table]) -> list[tuple[str, ...]]:
    """Return what each profile makes of an answer that the tables give."""
    made: dict[str, dict[str, set[str]]] = {}
    for case, table in found.items():
        for (grant, plan), cell in table.items():
            kind = "yes" if cell.startswith("yes") else cell.partition(",")[0]
            for profile in PROFILES:
                told = spell(Row(*case, grant, plan, profile, WEB).decide())
                into = made.setdefault(kind, {}).setdefault(profile, set())
                into.add("the same" if told == cell else told)
    order = ["yes", *Reason]
    alike: dict[tuple[str, ...], list[str]] = {}
    for kind in sorted(made, key=order.index):
        cells = tuple(" or ".join(sorted(made[kind][profile])) for profile in PROFILES)
        alike.setdefault(cells, []).append(kind)
    return [(", ".join(kinds), *cells) for cells, kinds in alike.items()]


def _cases(cases: Sequence[Case]) -> str:
    """Return a table of the cases that a table is for: territories by types and states."""
    by_window: dict[tuple[str, str], list[str]] = {}
    for show, state, territory in cases:
        by_window.setdefault((show, state), []).append(territory)
    by_territories: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for (show, state), names in by_window.items():
        by_territories.setdefault(tuple(names), {}).setdefault(state, []).append(show)
    lines = []
    for licences, states in by_territories.items():
        by_shows: dict[tuple[str, ...], list[str]] = {}
        for state, shows in states.items():
            by_shows.setdefault(tuple(shows), []).append(state)
        for shows_found, states_found in by_shows.items():
            shows_text = "any" if len(shows_found) == len(SHOWS) else "; ".join(shows_found)
            lines.append((shows_text, _any(states_found, STATES), _any(licences, LICENSED)))
    rows_ = [("window", "state", "licence"), ("---",) * 3, *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows_)


def _any(names: Sequence[str], of: Mapping[str, object]) -> str:
    return "any" if len(names) == len(of) else "; ".join(names)


def _grid(table: Table) -> str:
    """Return a table's cells, with equal rows as one and equal columns as one."""
    columns = _grouped(PLANS, lambda plan: tuple(table[grant, plan] for grant in GRANTS))
    lines = _grouped(GRANTS, lambda grant: tuple(table[grant, plan] for plan in PLANS))
    head = ["grant", *(_any(plans, PLANS) for plans in columns)]
    rows_ = [head, ["---"] * len(head)]
    rows_ += [[_any(grants, GRANTS), *(table[grants[0], plans[0]] for plans in columns)] for grants in lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows_)


def _grouped(names: Mapping[str, object], key: Callable[[str], tuple[str, ...]]) -> list[list[str]]:
    found: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        found.setdefault(key(name), []).append(name)
    return list(found.values())


# -- reading it ------------------------------------------------------------------------------------------


@frozen
class Matrix:
    """What the page says: the cell of each case, what profiles make of it, and what is sold."""

    cells: Mapping[Case, Table]
    profiles: Mapping[tuple[str, str], str]
    """By what the tables say, and the profile."""
    ways: Mapping[str, tuple[str, ...]]
    channels: Mapping[Channel, bool]
    """Whether what is sold is named."""

    def expected(self, row: Row) -> Expected:
        """Return what the page says the answer to a row must be."""
        cell = self.cells[row.show, row.state, row.territory][row.grant, row.plan]
        kind = "yes" if cell.startswith("yes") else cell.partition(",")[0]
        made = self.profiles[kind, row.profile]
        ways = self.ways[row.show] if self.channels[row.channel] else ()
        return _read(cell if made == "the same" else made, ways)


_read = cache(read)


def parse(text: str) -> Matrix:
    """Return what a page says.

    Raises:
        ValueError: a case or a cell stands twice, or something is not a cell.
    """
    cells: dict[Case, dict[tuple[str, str], str]] = {}
    sections = dict(re.findall(r"^## (.+?)\n\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    for name, body in sections.items():
        if not name.startswith("Table "):
            continue
        cases_text, grid = body.strip().split("\n\n")
        head, *lines = _cells(grid)
        table: dict[tuple[str, str], str] = {}
        for line in lines:
            for plans, cell in zip(head[1:], line[1:], strict=True):
                for pair in product(_names(line[0], GRANTS), _names(plans, PLANS)):
                    if pair in table:
                        raise ValueError(f"{name} says twice what {pair} is")
                    table[pair] = cell
        for shows, states, territories in _cells(cases_text)[1:]:
            for case in product(_names(shows, SHOWS), _names(states, STATES), _names(territories, LICENSED)):
                if case in cells:
                    raise ValueError(f"{case} stands in two tables, the second is {name}")
                cells[case] = table
    head, *lines = _cells(sections["Who is watching"])
    profiles = {
        (kind, profile): cell
        for line in lines
        for kind in line[0].split(", ")
        for profile, cell in zip(head[1:], line[1:], strict=True)
    }
    ways = {
        show: () if told == "nothing" else tuple(told.split(", "))
        for show, told in _cells(sections["What is sold"])[1:]
    }
    [names, told] = _cells(sections["Where it is asked from"])
    channels = {
        Channel(name): {"the same, with what is sold": True, "the same, with nothing sold": False}[cell]
        for name, cell in zip(names[1:], told[1:], strict=True)
    }
    return Matrix(cells, profiles, ways, channels)


def _cells(text: str) -> list[list[str]]:
    lines = [line for line in text.strip().splitlines() if line.startswith("|")]
    found = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [found[0], *found[2:]]


def _names(text: str, of: Mapping[str, object]) -> list[str]:
    names = list(of) if text == "any" else text.split("; ")
    unknown = [name for name in names if name not in of]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is none of: {', '.join(of)}")
    return names


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    print(f"{PAGE}: {PAGE.stat().st_size:,} bytes")
