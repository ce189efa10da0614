"""The decision whether somebody may watch: asked at every page, beside two engines that say yes or no."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from time import perf_counter_ns
from typing import Any
from uuid import UUID

import cedarpy
from attrs import evolve, frozen
from casbin import Enforcer, Model

from benchmarks.harness import Contest, line
from buddy_core.entitlements import (
    Allowed,
    Context,
    GrantKind,
    Holding,
    LicenceFacts,
    Membership,
    PlanState,
    Profile,
    Reason,
    Rights,
    TakedownFacts,
    TitleFacts,
    Viewer,
    WindowFacts,
    decide,
    decide_each,
)
from buddy_core.kernel.ids import GrantId, TitleId
from buddy_core.rights import WindowType

THOUSANDS = 12
"""Decisions in a round, in thousands: milliseconds a thousand are microseconds each."""
CEDAR_CHECKS, CASBIN_CHECKS = 1_200, 60
SAMPLE = 300
PAGE = 1_000
AT = datetime(2026, 11, 21, tzinfo=UTC)
FILM, SERIES = TitleId(UUID(int=1)), TitleId(UUID(int=2))
COUNTRIES = ("IN", "AE", "US")
SLOTS = range(4)
"""Each viewer holds four grants."""


def day(number: float) -> datetime:
    """Return an instant so many days after the one at which it is asked."""
    return AT + timedelta(days=number)


WINDOWS: Sequence[tuple[WindowType, Sequence[str], float, float]] = (
    (WindowType.FESTIVAL, ("IN",), -400, -390),
    (WindowType.CINEMA, COUNTRIES, -370, -310),
    (WindowType.COLLECTOR, COUNTRIES, -310, -280),
    (WindowType.PVOD, ("IN", "AE"), -310, -280),
    (WindowType.PPV, ("IN",), -280, -279),
    (WindowType.TVOD, ("IN", "AE"), -280, 900),
    (WindowType.SVOD, ("IN",), -100, 200),
    (WindowType.AVOD, ("IN", "AE"), 200, 900),
)
"""Eight windows over three territories: type, countries, first day, and the day at which it ends."""
SOLD = {
    WindowType.FESTIVAL: ("festival_pass",),
    WindowType.COLLECTOR: ("edition",),
    WindowType.PVOD: ("pvod", "est"),
    WindowType.PPV: ("ppv",),
    WindowType.TVOD: ("tokens", "rental", "watch_once", "est"),
    WindowType.SVOD: ("tokens", "subscription"),
    WindowType.AVOD: ("tokens",),
}


def title(number: int = 1) -> TitleFacts:
    """Return the facts of a title: eight windows, a licence a territory, a takedown that is over."""
    return TitleFacts(
        TitleId(UUID(int=number)),
        day(-500),
        [
            LicenceFacts(UUID(int=100 + place), frozenset((country,)), day(-500), day(1_000), has_tail=False)
            for place, country in enumerate(COUNTRIES)
        ],
        [
            WindowFacts(
                UUID(int=200 + place),
                kind,
                frozenset(where),
                day(start),
                day(end),
                frozenset(("premium",)) if kind is WindowType.SVOD else frozenset(),
                Rights(720, True, False, 2) if kind is WindowType.AVOD else None,
                SOLD.get(kind, ()),
            )
            for place, (kind, where, start, end) in enumerate(WINDOWS)
        ],
        [TakedownFacts(UUID(int=300), frozenset(COUNTRIES), day(-60), day(-50))],
        [Membership(SERIES, day(-500))],
        age=13,
    )


def held(number: int, kind: GrantKind, start: float, end: float, after: Reason, **more: Any) -> Holding:
    """Return a holding that runs for some days; a plan if it has a state."""
    of = None if kind is GrantKind.SUBSCRIPTION else more.pop("of", FILM)
    rights = Rights(2160 if of is None else 1080, False, of is None, 2)
    return Holding(GrantId(UUID(int=400 + number)), kind, of, rights, day(start), day(end), after, **more)


K, R = GrantKind, Reason
OWNER = Viewer(
    (
        held(1, K.RENTAL, -1, 1, R.RENTAL_ENDED),
        held(2, K.EST, -90, 5_000, R.GRANT_ENDED, of=SERIES),
        held(3, K.SUBSCRIPTION, -9, 21, R.PLAN_LAPSED, tier="premium", plan=PlanState.ACTIVE),
        held(4, K.GIFT, -3, 40, R.GRANT_ENDED),
    )
)
"""Four grants that are live."""
STRANGER = Viewer(
    (
        held(5, K.RENTAL, -9, -7, R.RENTAL_ENDED),
        held(6, K.PROMOTION, -90, -60, R.GRANT_ENDED, of=SERIES),
        held(7, K.SUBSCRIPTION, -9, 21, R.PLAN_LAPSED, tier="premium", plan=PlanState.PAUSED),
        held(8, K.TOKEN_UNLOCK, -30, -29, R.REFUNDED),
    )
)
"""Four that are not."""


@frozen
class Question:
    """One question: who, from where, when, and what the answer must be if it is one of the measured."""

    viewer: Viewer
    context: Context
    at: datetime
    is_allowed: bool | None = None


MIX = [
    Question(viewer, Context(country, profile=Profile(16, 16)), AT, viewer is OWNER)
    for country in COUNTRIES
    for viewer in (OWNER, STRANGER)
]
"""Allowed and denied in turn, in three territories."""

Ask = Callable[[Question], bool]


@line("entitlements.decide", unit="us", yardstick="1 us of wall time", goal=5, better="lower")
def decision() -> Contest:
    """Allowed and denied in turn: 8 windows, 4 grants, 3 territories; the goal is five microseconds."""
    return Contest(_ours(), _spin)


@line("entitlements.decide_vs_cedar", unit="decisions/s", yardstick="cedarpy.is_authorized", goal=10)
def against_cedar() -> Contest:
    """The same rules as Cedar policies, parsed once, over the same facts as entities, parsed once."""
    agree(sample())
    return _contest(Cedar().asked(MIX), CEDAR_CHECKS)


@line("entitlements.decide_vs_casbin", unit="decisions/s", yardstick="casbin Enforcer.enforce", goal=30)
def against_casbin() -> Contest:
    """The same rules as casbin policies over attributes (ABAC)."""
    agree(sample())
    return _contest(Casbin().asked(MIX), CASBIN_CHECKS)


@line("entitlements.thousand", unit="ms", yardstick="1 ms of wall time", goal=5, better="lower")
def thousand() -> Contest:
    """A page of a thousand titles in one call, for a viewer with four grants and fifty unlocks."""
    titles = [title(1_000 + number) for number in range(PAGE)]
    unlocks = [
        held(100 + number, K.TOKEN_UNLOCK, -9, 900, R.GRANT_ENDED, of=titles[number * 20].id)
        for number in range(50)
    ]
    viewer = Viewer((*OWNER.holdings, *unlocks))
    context = MIX[0].context
    each = decide_each(viewer, titles, context, AT)
    assert each == [decide(viewer, item, context, AT) for item in titles]
    rounds = 20

    def run() -> int:
        for _ in range(rounds):
            decide_each(viewer, titles, context, AT)
        return rounds

    return Contest(run, lambda: _spin_for(rounds))


def sample(count: int = SAMPLE) -> list[Question]:
    """Return questions near and far from where something changes, of all sorts of viewers."""
    draw = random.Random(20261121)
    edges = [
        *[0.0] * 15,
        *(edge for *_, start, end in WINDOWS for edge in (start, end)),
        -60,
        -50,
        -1,
        1,
        21,
        40,
        1_000,
    ]
    found = []
    for _ in range(count):
        profile = Profile(draw.choice([None, 7, 16]), draw.choice([None, 7]), draw.random() < 0.5)
        mixed = [*OWNER.holdings, *STRANGER.holdings]
        found.append(
            Question(
                Viewer(tuple(draw.sample(mixed, 4))),
                Context(draw.choice([*COUNTRIES, "DE"]), profile=profile, streams=draw.choice([0, 1, 2])),
                day(draw.choice(edges)) + timedelta(microseconds=draw.choice([-1, 0, 1])),
            )
        )
    return found


def agree(questions: Sequence[Question]) -> int:
    """Assert that all three give the same answer to each question; return how many were yes."""
    film = title()
    cedar, casbin = Cedar().asked(questions), Casbin().asked(questions)
    granted = 0
    for question in questions:
        ours = isinstance(decide(question.viewer, film, question.context, question.at), Allowed)
        theirs = cedar(question), casbin(question)
        assert theirs == (ours, ours), (question, ours, theirs)
        granted += ours
    assert 0 < granted < len(questions)
    return granted


class Cedar:
    """The decision's rules as Cedar policies: a set cannot be searched, so windows and grants have slots."""

    def __init__(self) -> None:
        self._policies = cedarpy.PolicySet.from_str("\n".join(self.policies()))

    @staticmethod
    def policies() -> list[str]:
        """Return what is forbidden, and what opens a title: a free window, a grant, a plan in its window."""
        watch = 'principal, action == Action::"watch", resource'
        within = "{0}.countries.contains(context.country) && {0}.start <= context.at && context.at < {0}.end"
        licensed = " || ".join(f"({within.format(f'resource.licence{slot}')})" for slot in range(3))
        live = "{0}.start <= context.at && context.at < {0}.end"
        found = [
            f"forbid ({watch}) when {{ {within.format('resource.takedown')} }};",
            f"forbid ({watch}) unless {{ resource.published <= context.at }};",
            f"forbid ({watch}) unless {{ {licensed} }};",
            f"forbid ({watch}) when {{ resource.age > context.max_age }};",
            f"forbid ({watch}) when {{ resource.age > context.pin_above && !context.is_pin_given }};",
            f"permit ({watch}) when {{ {within.format('resource.avod')} "
            "&& context.streams < resource.avod.streams };",
        ]
        for slot in SLOTS:
            grant = f"principal.grant{slot}"
            found.append(
                f"permit ({watch}) when {{ {live.format(grant)} && resource in {grant}.of "
                f"&& context.streams < {grant}.streams }};"
            )
            found.append(
                f"permit ({watch}) when {{ {live.format(grant)} && {grant}.is_open && "
                f"{within.format('resource.svod')} && resource.svod.tiers.contains({grant}.tier) "
                f"&& context.streams < {grant}.streams }};"
            )
        return found

    def asked(self, questions: Sequence[Question]) -> Ask:
        """Return what answers these questions; everything that can be prepared is."""
        viewers = {id(item.viewer): item.viewer for item in questions}
        names = {key: f'User::"{number}"' for number, key in enumerate(viewers)}
        people = [_cedar_viewer(str(number), item) for number, item in enumerate(viewers.values())]
        things = [_entity("Title", "series", {}), _entity("Title", "plan", {}), _cedar_title(title())]
        entities = cedarpy.Entities.from_json_str(json.dumps([*people, *things]))
        requests = {
            id(item): {
                "principal": names[id(item.viewer)],
                "action": 'Action::"watch"',
                "resource": 'Title::"film"',
                "context": _plain_context(item),
            }
            for item in questions
        }
        policies = self._policies
        return lambda item: cedarpy.is_authorized(requests[id(item)], policies, entities).allowed


class Casbin:
    """The decision's rules as casbin policies over attributes of viewer, title and context."""

    MODEL = """
    [request_definition]
    r = sub, obj, env
    [policy_definition]
    p = rule, eft
    [policy_effect]
    e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
    [matchers]
    m = eval(p.rule)
    """

    def __init__(self) -> None:
        model = Model()
        model.load_model_from_text(self.MODEL)
        self._enforcer = Enforcer(model)
        for rule, effect in self.policies():
            self._enforcer.add_policy(rule, effect)

    @staticmethod
    def policies() -> list[tuple[str, str]]:
        """Return what is forbidden, and what opens a title, as Cedar has it."""
        within = "(r.env.country in {0}.countries and {0}.start <= r.env.at and r.env.at < {0}.end)"
        live = "({0}.start <= r.env.at and r.env.at < {0}.end)"
        licensed = " or ".join(within.format(f"r.obj.licence{slot}") for slot in range(3))
        found = [
            (within.format("r.obj.takedown"), "deny"),
            ("r.env.at < r.obj.published", "deny"),
            (f"not ({licensed})", "deny"),
            ("r.obj.age > r.env.max_age", "deny"),
            ("r.obj.age > r.env.pin_above and not r.env.is_pin_given", "deny"),
            (f"{within.format('r.obj.avod')} and r.env.streams < r.obj.avod.streams", "allow"),
        ]
        for slot in SLOTS:
            grant = f"r.sub.grant{slot}"
            found.append(
                (
                    f"{live.format(grant)} and {grant}.of in r.obj.parts and r.env.streams < {grant}.streams",
                    "allow",
                )
            )
            found.append(
                (
                    f"{live.format(grant)} and {grant}.is_open and {within.format('r.obj.svod')} "
                    f"and {grant}.tier in r.obj.svod.tiers and r.env.streams < {grant}.streams",
                    "allow",
                )
            )
        return found

    def asked(self, questions: Sequence[Question]) -> Ask:
        """Return what answers these questions; everything that can be prepared is."""
        film = Thing({**_plain_title(title()), "parts": ["film", "series"]})
        people = {id(item.viewer): Thing(_plain_viewer(item.viewer)) for item in questions}
        around = {id(item): Thing(_plain_context(item)) for item in questions}
        enforce = self._enforcer.enforce
        return lambda item: bool(enforce(people[id(item.viewer)], film, around[id(item)]))


class Thing:
    """Attributes by name, as casbin wants them."""

    def __init__(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            setattr(self, name, Thing(value) if isinstance(value, dict) else value)


def _plain_title(facts: TitleFacts) -> dict[str, Any]:
    """Return a title for an engine that says yes or no: its windows that may be watched, by type."""
    by_type = {item.type: item for item in facts.windows}
    avod, svod = by_type[WindowType.AVOD], by_type[WindowType.SVOD]
    assert facts.published_at is not None
    assert avod.free is not None
    return {
        "published": _number(facts.published_at),
        "age": facts.age,
        "takedown": _plain_span(facts.takedowns[0]),
        **{f"licence{slot}": _plain_span(item) for slot, item in enumerate(facts.licences)},
        "avod": {**_plain_span(avod), "streams": avod.free.streams},
        "svod": {**_plain_span(svod), "tiers": sorted(svod.tiers)},
    }


def _plain_span(item: LicenceFacts | WindowFacts | TakedownFacts) -> dict[str, Any]:
    assert item.ends_at is not None
    return {
        "countries": sorted(item.countries),
        "start": _number(item.starts_at),
        "end": _number(item.ends_at),
    }


def _plain_viewer(viewer: Viewer) -> dict[str, Any]:
    found = {}
    for slot, item in enumerate(viewer.holdings):
        assert item.ends_at is not None
        found[f"grant{slot}"] = {
            "start": _number(item.starts_at),
            "end": _number(item.ends_at),
            "of": {None: "plan", FILM: "film", SERIES: "series"}[item.of],
            "tier": item.tier,
            "is_open": item.plan in (PlanState.ACTIVE, PlanState.TRIAL, PlanState.GRACE, PlanState.CANCELLED),
            "streams": item.rights.streams,
        }
    return found


def _plain_context(question: Question) -> dict[str, Any]:
    profile = question.context.profile
    return {
        "country": question.context.country,
        "at": _number(question.at),
        "max_age": 99 if profile.max_age is None else profile.max_age,
        "pin_above": 99 if profile.pin_above is None else profile.pin_above,
        "is_pin_given": profile.is_pin_given,
        "streams": question.context.streams,
    }


def _cedar_viewer(name: str, viewer: Viewer) -> dict[str, Any]:
    grants = _plain_viewer(viewer)
    for grant in grants.values():
        grant["of"] = {"__entity": {"type": "Title", "id": grant["of"]}}
    return _entity("User", name, grants)


def _cedar_title(facts: TitleFacts) -> dict[str, Any]:
    parents = [{"type": "Title", "id": "series"}]
    return {**_entity("Title", "film", _plain_title(facts)), "parents": parents}


def _entity(kind: str, name: str, attributes: dict[str, Any]) -> dict[str, Any]:
    return {"uid": {"type": kind, "id": name}, "attrs": attributes, "parents": []}


def _number(at: datetime) -> int:
    """Return an instant in microseconds: Cedar and casbin compare whole numbers."""
    return (at - AT) // timedelta(microseconds=1)


def _contest(ask: Ask, checks: int) -> Contest:
    assert [ask(item) for item in MIX] == [item.is_allowed for item in MIX]
    ours = _ours()

    def theirs() -> int:
        for _ in range(checks // len(MIX)):
            for item in MIX:
                ask(item)
        return checks // len(MIX) * len(MIX)

    return Contest(lambda: ours() * 1000, theirs)


def _ours() -> Callable[[], int]:
    film = title()
    answers = [decide(item.viewer, film, item.context, item.at) for item in MIX]
    assert [isinstance(answer, Allowed) for answer in answers] == [item.is_allowed for item in MIX]
    # The same as on facts that were never asked before: nothing is prepared but the title.
    assert answers == [decide(item.viewer, evolve(film), item.context, item.at) for item in MIX]
    questions = [(item.viewer, item.context, item.at) for item in MIX]
    rounds = THOUSANDS * 1000 // len(MIX)

    def run() -> int:
        for _ in range(rounds):
            for viewer, context, at in questions:
                decide(viewer, film, context, at)
        return THOUSANDS

    return run


def _spin() -> int:
    """Let a microsecond pass for each decision."""
    return _spin_for(THOUSANDS)


def _spin_for(units: int) -> int:
    """Let so many milliseconds pass."""
    end = perf_counter_ns() + units * 1_000_000
    while perf_counter_ns() < end:
        pass
    return units
