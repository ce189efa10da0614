"""What support staff read: every rule in its order, what won and what lost, as text and as data."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from buddy_core.entitlements import (
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
    Trace,
    Viewer,
    WindowFacts,
    decide,
    explain,
    tell,
    trace_data,
)
from buddy_core.kernel import GrantId, SessionId
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.errors import InvalidValue
from buddy_core.rights import WindowType
from tests.core.entitlements.worlds import DAY, FILM, OTHER, SERIES

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
IN = frozenset({"IN"})
HD, UHD, FREE = Rights(1080, False, False, 2), Rights(2160, False, True, 1), Rights(720, True, False, 2)
WINDOWS = [
    WindowFacts(UUID(int=1), WindowType.CINEMA, IN, AT - 90 * DAY, AT - 60 * DAY),
    WindowFacts(UUID(int=2), WindowType.TVOD, IN, AT - 60 * DAY, AT + 90 * DAY, ways=("rental", "est")),
    WindowFacts(
        UUID(int=3),
        WindowType.SVOD,
        IN,
        AT - 5 * DAY,
        AT + 60 * DAY,
        tiers=frozenset({"premium"}),
        ways=("subscription",),
    ),
    WindowFacts(UUID(int=4), WindowType.AVOD, IN, AT - DAY, AT + 80 * DAY, free=FREE),
    WindowFacts(UUID(int=5), WindowType.AVOD, frozenset({"AE"}), AT, free=FREE),
    WindowFacts(UUID(int=6), WindowType.TVOD, IN, AT + 90 * DAY, ways=("rental",)),
]
TITLE = TitleFacts(
    FILM,
    AT - 200 * DAY,
    [LicenceFacts(UUID(int=11), COUNTRIES, AT - 300 * DAY, AT + 300 * DAY)],
    WINDOWS,
    [TakedownFacts(UUID(int=12), frozenset({"AE"}), AT - DAY)],
    [Membership(SERIES, AT - 200 * DAY)],
    age=13,
)
PLAN = Holding(
    GrantId(UUID(int=21)),
    GrantKind.SUBSCRIPTION,
    None,
    UHD,
    AT - DAY,
    AT + 5 * DAY,
    Reason.PLAN_LAPSED,
    "premium",
    PlanState.GRACE,
)
RENTAL = Holding(GrantId(UUID(int=22)), GrantKind.RENTAL, FILM, HD, AT - DAY, AT + DAY, Reason.RENTAL_ENDED)
OLD = Holding(
    GrantId(UUID(int=23)), GrantKind.RENTAL, FILM, HD, AT - 9 * DAY, AT - 7 * DAY, Reason.RENTAL_ENDED
)
MOVED = Holding(GrantId(UUID(int=24)), GrantKind.EST, SERIES, HD, AT - 9 * DAY, AT - 8 * DAY, None)
NOT_MINE = Holding(GrantId(UUID(int=25)), GrantKind.EST, OTHER, HD, AT - 9 * DAY)
VIEWER = Viewer([PLAN, RENTAL, OLD, MOVED, NOT_MINE])


def verdicts(trace: Trace) -> dict[int, str]:
    """Return what became of each window and grant, by its number."""
    return {item.id.int: item.verdict for item in trace.sources}


def test_what_won_gave_and_lost_is_told() -> None:
    """The plan wins by its lines, the free window lasts longest, and what is not open says why."""
    trace = explain(VIEWER, TITLE, Context("IN"), AT)
    assert trace.decision == decide(VIEWER, TITLE, Context("IN"), AT)
    assert trace.decided_by is None
    assert verdicts(trace) == {
        1: "not_open",
        2: "not_open",
        3: "not_open",
        4: "gave",
        5: "not_open",
        6: "not_open",
        21: "won",
        22: "lost",
        23: "not_open",
        24: "not_open",
    }
    by_id = {item.id.int: item for item in trace.sources}
    assert by_id[21].gave == ("max_height", "ads", "downloads")
    assert by_id[4].gave == ("streams", "until")
    assert by_id[22].lost_to == by_id[4].lost_to == PLAN.id
    whys = {number: item.why for number, item in by_id.items()}
    assert whys[1] == "ended 2026-09-22T10:00:00Z"
    assert whys[2] == "sells rental, est, and opens nothing without a grant"
    assert whys[5] == "is not for IN"
    assert whys[6] == "opens 2027-02-19T10:00:00Z"
    assert whys[21] == "opens it, until: 2026-11-26T10:00:00Z, in grace"
    assert whys[23] == "rental ended, since 2026-11-14T10:00:00Z"
    assert whys[24].startswith("carries on in another grant")


def test_a_no_is_told_by_the_first_rule_and_what_it_bars() -> None:
    """Above the profile's age all that is open is barred, and further rules that would apply are marked."""
    context = Context("IN", profile=Profile(max_age=7, pin_above=7))
    trace = explain(VIEWER, TITLE, context, AT)
    assert trace.decided_by is not None
    assert trace.decided_by.why == "the title is from 13, the profile goes up to 7"
    assert [rule.reason for rule in trace.rules if rule.applies] == [Reason.MATURITY, Reason.PROFILE_PIN]
    assert {verdicts(trace)[number] for number in (4, 21, 22)} == {"barred"}


def test_the_text_is_short_lines_with_the_answer_first() -> None:
    """The text says the answer, why, each rule, each window and grant, and the facts; instants are UTC."""
    text = tell(explain(Viewer([OLD]), TITLE, Context("AE", streams=1), AT))
    lines = text.splitlines()
    assert lines[:3] == [
        f"title {FILM} at 2026-11-21T10:00:00Z",
        "answer: no, taken_down",
        "because taken down since 2026-11-20T10:00:00Z, until: no end",
    ]
    assert ">  1 taken_down: taken down since 2026-11-20T10:00:00Z, until: no end" in lines
    assert "   2 not_published: published 2026-05-05T10:00:00Z" in lines
    assert f"  part of: {SERIES} since 2026-05-05T10:00:00Z" in lines
    assert "  held: 1, of which 1 may have to do with it" in lines
    assert max(map(len, lines)) < 160
    bought = tell(explain(VIEWER, TITLE, Context("IN"), AT)).splitlines()
    assert bought[1] == (
        f"answer: yes, by subscription {PLAN.id}, until: 2027-02-09T10:00:00Z, "
        "2160 lines, no ads, downloads, 2 at once, in grace"
    )
    offered = tell(
        explain(Viewer([OLD]), TitleFacts(FILM, AT, TITLE.licences, WINDOWS[:2]), Context("IN"), AT)
    )
    assert "answer: no, rental_ended; opened by rental, est" in offered


def test_the_data_is_ready_for_json() -> None:
    """The data has primitives only, is the same bytes each time, and says what the trace says."""
    context = Context("IN", session_id=SessionId("ses_31"))
    trace = explain(VIEWER, TITLE, context, AT)
    data = trace_data(trace)
    assert canonical_bytes(data) == canonical_bytes(trace_data(explain(VIEWER, TITLE, context, AT)))
    back = json.loads(json.dumps(data))
    assert back == data
    assert back["answer"]["via"] == str(PLAN.id)
    assert back["decided_by"] is None
    assert [rule["reason"] for rule in back["rules"]] == list(Reason)
    assert len(back["sources"]) == len(trace.sources)
    denied = trace_data(explain(Viewer(), TITLE, Context(None), AT))
    assert denied["answer"] == {
        "is_allowed": False,
        "reason": "country_unknown",
        "unlockable_by": [],
        "opens_at": None,
    }


@pytest.mark.parametrize(
    ("country", "words"),
    [(None, "the country could not be told"), ("in", "'in' is no country")],
)
def test_an_unknown_country_is_told_as_such(country: str | None, words: str) -> None:
    """Staff see whether no country was found or something that is none."""
    trace = explain(VIEWER, TITLE, Context(country), AT)
    assert trace.decided_by is not None
    assert (trace.decided_by.reason, trace.decided_by.why) == (Reason.COUNTRY_UNKNOWN, words)


def test_a_grant_after_the_licence_is_told_apart_from_one_before() -> None:
    """Tail rights open what began before the end, and staff read why the later grant does not."""
    title = TitleFacts(FILM, AT - 9 * DAY, [LicenceFacts(UUID(int=11), IN, AT - 9 * DAY, AT - DAY)])
    late = Holding(GrantId(UUID(int=26)), GrantKind.SUPPORT, FILM, HD, AT - DAY)
    trace = explain(Viewer([late]), title, Context("IN"), AT)
    assert trace.decided_by is not None
    assert trace.decided_by.reason is Reason.NO_LICENCE
    [item] = trace.sources
    assert "after the end of the licence" in item.why


def test_a_naive_instant_is_refused() -> None:
    """As for the decision itself an instant needs an offset."""
    with pytest.raises(InvalidValue):
        explain(VIEWER, TITLE, Context("IN"), AT.replace(tzinfo=None))
