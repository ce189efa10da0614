"""May this viewer watch this title here and now: reasons in their order, and what an Allowed says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve

from buddy_core.entitlements import (
    Allowed,
    BadFacts,
    Channel,
    Context,
    Denied,
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
    Untils,
    Viewer,
    WindowFacts,
    decide,
    decide_each,
)
from buddy_core.kernel import GrantId, SessionId
from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.errors import InvalidValue
from buddy_core.rights import WindowType
from tests.core.entitlements.worlds import DAY, FILM, OTHER, SERIES, TICK

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
HD, UHD = Rights(1080, False, False, 2), Rights(2160, False, True, 4)
FREE = Rights(720, True, False, 2)
INDIA, WORLD = frozenset({"IN"}), COUNTRIES
IN = Context("IN")
NOBODY = Viewer()


def uid(number: int) -> UUID:
    """Return an id."""
    return UUID(int=number)


def licence(start: float = -100, end: float | None = 100, number: int = 1, **changes: Any) -> LicenceFacts:
    """Return a licence for India over these days."""
    ends_at = None if end is None else AT + end * DAY
    return evolve(LicenceFacts(uid(number), INDIA, AT + start * DAY, ends_at), **changes)


def window(
    kind: WindowType, *ways: str, start: float = -50, end: float | None = 50, number: int = 10, **changes: Any
) -> WindowFacts:
    """Return a window in India over these days."""
    ends_at = None if end is None else AT + end * DAY
    given = {"countries": INDIA, "starts_at": AT + start * DAY, "ends_at": ends_at, "ways": ways, **changes}
    return WindowFacts(uid(number), kind, **given)


TVOD = window(WindowType.TVOD, "rental", "tokens", "est")
SVOD = window(WindowType.SVOD, "subscription", number=11, tiers=frozenset({"premium"}))
AVOD = window(WindowType.AVOD, number=12, free=FREE)
TITLE = TitleFacts(FILM, AT - 200 * DAY, [licence()], [TVOD])


def has(number: int = 20, kind: GrantKind = GrantKind.EST, **changes: Any) -> Holding:
    """Return a grant of the film, without end."""
    return evolve(Holding(GrantId(uid(number)), kind, FILM, HD, AT - DAY), **changes)


def plan(number: int = 30, state: PlanState = PlanState.ACTIVE, **changes: Any) -> Holding:
    """Return a premium plan that has ten days to go."""
    made = Holding(
        GrantId(uid(number)),
        GrantKind.SUBSCRIPTION,
        None,
        UHD,
        AT - DAY,
        AT + 10 * DAY,
        Reason.PLAN_LAPSED,
        "premium",
        state,
    )
    return evolve(made, **changes)


def test_a_grant_opens_a_licensed_title() -> None:
    """With a grant without end, under a licence with tail rights, the answer is yes for ever, by it."""
    answer = decide(Viewer([has()]), TITLE, IN, AT)
    never = Untils(None, None, None, None)
    assert answer == Allowed(has().id, "est", None, 1080, False, False, 2, never)


def test_the_first_reason_is_the_answer() -> None:
    """As faults are mended one by one the reasons come in their order, and the last fault leaves a yes."""
    profile = Profile(max_age=7, pin_above=7)
    title = TitleFacts(FILM, None, [], [], [TakedownFacts(uid(5), WORLD, AT - DAY)], age=13)
    context = Context(None, profile=profile, streams=2)
    viewer = NOBODY
    seen = []

    def ask() -> None:
        answer = decide(viewer, title, context, AT)
        assert isinstance(answer, Denied)
        seen.append(answer.reason)

    ask()
    title = evolve(title, takedowns=[])
    ask()
    title = evolve(title, published_at=AT - DAY)
    ask()
    title = evolve(title, licences=[licence()])
    ask()
    context = evolve(context, country="IN")
    ask()
    title = evolve(title, windows=[evolve(TVOD, ends_at=AT)])
    ask()
    title = evolve(title, windows=[TVOD, SVOD])
    ask()
    context = evolve(context, profile=evolve(profile, max_age=None))
    ask()
    context = evolve(context, profile=evolve(profile, max_age=None, is_pin_given=True))
    ask()
    ended = {
        Reason.NOT_BEGUN: has(starts_at=AT + TICK),
        Reason.RENTAL_NOT_STARTED: has(ends_at=AT, after=Reason.RENTAL_NOT_STARTED),
        Reason.RENTAL_ENDED: has(ends_at=AT, after=Reason.RENTAL_ENDED),
        Reason.CONSUMED: has(ends_at=AT, after=Reason.CONSUMED),
        Reason.NOT_IN_PLAN: plan(tier="basic"),
        Reason.PLAN_PAUSED: plan(state=PlanState.PAUSED),
        Reason.PLAN_LAPSED: plan(ends_at=AT),
        Reason.GRANT_ENDED: has(ends_at=AT),
        Reason.REFUNDED: has(ends_at=AT, after=Reason.REFUNDED),
        Reason.REVOKED: has(ends_at=AT, after=Reason.REVOKED),
    }
    items = list(ended.values())
    for first in range(len(items)):
        viewer = Viewer(items[first:])
        ask()
    viewer = Viewer([has()])
    ask()
    assert seen == list(Reason)
    context = evolve(context, streams=1)
    assert isinstance(decide(viewer, title, context, AT), Allowed)


@pytest.mark.parametrize("country", [None, "", "XX", "in", "IND"])
def test_an_unknown_country_is_denied(country: str | None) -> None:
    """What is no country code is never treated as some country, whatever was granted or is free."""
    title = evolve(TITLE, windows=[TVOD, AVOD])
    answer = decide(Viewer([has(), plan()]), title, Context(country), AT)
    assert answer == Denied(Reason.COUNTRY_UNKNOWN)
    nowhere = evolve(TITLE, licences=[licence(end=-1, has_tail=False)])
    assert decide(NOBODY, nowhere, Context(country), AT) == Denied(Reason.NO_LICENCE)


def test_only_a_worldwide_takedown_is_known_to_hold_where_the_country_is_not() -> None:
    """Taken down everywhere is said first even then; taken down in India leaves the country the reason."""
    for countries, reason in ((WORLD, Reason.TAKEN_DOWN), (INDIA, Reason.COUNTRY_UNKNOWN)):
        title = evolve(TITLE, takedowns=[TakedownFacts(uid(5), countries, AT)])
        assert decide(Viewer([has()]), title, Context(None), AT) == Denied(reason)


def test_what_is_sold_is_offered_on_the_web_alone() -> None:
    """Without a grant the web says what is sold, in the order of the ways; an app plays and never sells."""
    assert decide(NOBODY, TITLE, IN, AT) == Denied(Reason.NO_GRANT, ("tokens", "rental", "est"))
    assert decide(NOBODY, TITLE, Context("IN", Channel.APP), AT) == Denied(Reason.NO_GRANT)
    assert isinstance(decide(Viewer([has()]), TITLE, Context("IN", Channel.APP), AT), Allowed)


def test_a_window_is_half_open() -> None:
    """It is closed a microsecond before it opens, open until a microsecond before its end, and then over."""
    title = evolve(TITLE, windows=[window(WindowType.AVOD, start=1, end=2, free=FREE)])
    opens, ends = AT + DAY, AT + 2 * DAY
    assert decide(NOBODY, title, IN, opens - TICK) == Denied(Reason.NOT_YET, opens_at=opens)
    first, last = decide(NOBODY, title, IN, opens), decide(NOBODY, title, IN, ends - TICK)
    assert first == last
    assert isinstance(first, Allowed)
    assert (first.until, first.kind, first.max_height, first.ads) == (ends, "avod", 720, True)
    assert decide(NOBODY, title, IN, ends) == Denied(Reason.OVER)


def test_before_anything_was_ever_open_it_is_not_yet() -> None:
    """A title in cinemas, or with no window at all, has not been and gone: no date is known yet."""
    cinema = window(WindowType.CINEMA, start=-5, end=None)
    for windows in ([], [cinema]):
        assert decide(NOBODY, evolve(TITLE, windows=windows), IN, AT) == Denied(Reason.NOT_YET)
    later = window(WindowType.TVOD, "rental", start=9)
    title = evolve(TITLE, windows=[cinema, later])
    assert decide(NOBODY, title, IN, AT) == Denied(Reason.NOT_YET, opens_at=AT + 9 * DAY)


def test_what_is_not_out_yet_says_when_it_opens_here() -> None:
    """A day of publication is told only where something opens; that may be later than the day itself."""
    title = evolve(TITLE, published_at=AT + DAY, windows=[window(WindowType.TVOD, "rental", start=3)])
    assert decide(NOBODY, title, IN, AT) == Denied(Reason.NOT_PUBLISHED, opens_at=AT + 3 * DAY)
    assert decide(NOBODY, title, Context("AE"), AT) == Denied(Reason.NOT_PUBLISHED)


def test_licences_that_touch_are_one() -> None:
    """A licence that follows another without a gap does not end anything in between."""
    title = evolve(TITLE, windows=[AVOD], licences=[licence(end=5), licence(start=5, end=100, number=2)])
    answer = decide(NOBODY, title, IN, AT)
    assert isinstance(answer, Allowed)
    assert answer.until == AVOD.ends_at
    gap = evolve(title, licences=[licence(end=5), licence(start=6, end=100, number=2)])
    answer = decide(NOBODY, gap, IN, AT)
    assert isinstance(answer, Allowed)
    assert answer.until == AT + 5 * DAY
    assert decide(NOBODY, gap, IN, AT + 5 * DAY) == Denied(Reason.NOT_YET, opens_at=AT + 6 * DAY)


def test_windows_on_the_same_terms_that_touch_are_one() -> None:
    """What carries on as it was has the later end; the window that is open now is the one that is named."""
    two = [window(WindowType.AVOD, end=5, free=FREE), window(WindowType.AVOD, start=5, number=12, free=FREE)]
    title = evolve(TITLE, windows=two)
    for at, number in ((AT, 10), (AT + 5 * DAY, 12)):
        answer = decide(NOBODY, title, IN, at)
        assert isinstance(answer, Allowed)
        assert (answer.via, answer.until) == (uid(number), AT + 50 * DAY)
    better = [two[0], evolve(two[1], free=HD)]
    answer = decide(NOBODY, evolve(TITLE, windows=better), IN, AT)
    assert isinstance(answer, Allowed)
    assert answer.until == AT + 5 * DAY


def test_a_takedown_stops_all_until_it_is_restored() -> None:
    """While it lasts nobody may watch, before and after everything is as it was; at no instant is it both."""
    down = TakedownFacts(uid(5), INDIA, AT, AT + DAY)
    title = evolve(TITLE, windows=[TVOD, AVOD, SVOD], takedowns=[down])
    viewer = Viewer([has(), plan()])
    before = decide(viewer, title, IN, AT - TICK)
    assert isinstance(before, Allowed)
    assert before.until == AT
    assert decide(viewer, title, IN, AT) == Denied(Reason.TAKEN_DOWN)
    assert decide(viewer, title, IN, AT + DAY - TICK) == Denied(Reason.TAKEN_DOWN)
    after = decide(viewer, title, IN, AT + DAY)
    assert isinstance(after, Allowed)
    assert after.until is None


def test_a_takedown_that_lasted_no_time_changes_nothing() -> None:
    """A takedown that was restored at its own instant ends nobody's access, then or before."""
    title = evolve(TITLE, takedowns=[TakedownFacts(uid(5), INDIA, AT + DAY, AT + DAY)])
    assert decide(Viewer([has()]), title, IN, AT) == decide(Viewer([has()]), TITLE, IN, AT)


def test_what_was_bought_plays_on_after_its_made() -> None:
    """A rental ends when it ends, not with the window that sold it."""
    title = evolve(TITLE, windows=[evolve(TVOD, ends_at=AT)])
    rental = has(kind=GrantKind.RENTAL, ends_at=AT + DAY, after=Reason.RENTAL_ENDED)
    answer = decide(Viewer([rental]), title, IN, AT)
    assert isinstance(answer, Allowed)
    assert answer.until == AT + DAY
    assert decide(NOBODY, title, IN, AT) == Denied(Reason.OVER)


def test_tail_rights_are_for_what_began_before_the_licence_ended() -> None:
    """After a licence with tail rights what was held before plays on; what was given after does not."""
    title = evolve(TITLE, licences=[licence(end=0)])
    held = has(starts_at=AT - TICK)
    assert isinstance(decide(Viewer([held]), title, IN, AT), Allowed)
    given = has(starts_at=AT)
    assert decide(Viewer([given]), title, IN, AT + DAY) == Denied(Reason.NO_LICENCE)
    assert decide(Viewer([plan()]), evolve(title, windows=[SVOD]), IN, AT) == Denied(Reason.NO_LICENCE)
    without = evolve(TITLE, licences=[licence(end=0, has_tail=False)])
    answer = decide(Viewer([held]), without, IN, AT - TICK)
    assert isinstance(answer, Allowed)
    assert answer.until == AT
    assert decide(Viewer([held]), without, IN, AT) == Denied(Reason.NO_LICENCE)


def test_an_old_tail_does_not_carry_what_a_later_licence_sold() -> None:
    """Bought under a licence without tail rights it ends with that licence, whatever an older one granted."""
    old, new = licence(end=-50), licence(start=-10, end=10, number=2, has_tail=False)
    title = evolve(TITLE, licences=[old, new])
    late, early = has(starts_at=AT - DAY), has(starts_at=AT - 60 * DAY)
    for item, until in ((late, AT + 10 * DAY), (early, None)):
        answer = decide(Viewer([item]), title, IN, AT)
        assert isinstance(answer, Allowed)
        assert answer.until == until


@pytest.mark.parametrize("state", PlanState)
def test_a_plan_opens_the_windows_of_its_tier(state: PlanState) -> None:
    """Every state but paused opens an SVOD window of the plan's tier; grace is marked."""
    title = evolve(TITLE, windows=[TVOD, SVOD])
    answer = decide(Viewer([plan(state=state)]), title, IN, AT)
    if state is PlanState.PAUSED:
        assert answer == Denied(Reason.PLAN_PAUSED, ("tokens", "subscription", "rental", "est"))
    else:
        assert isinstance(answer, Allowed)
        assert (answer.kind, answer.until) == ("subscription", AT + 10 * DAY)
        assert answer.is_in_grace is (state is PlanState.GRACE)


def test_a_downgrade_keeps_the_paid_period() -> None:
    """Premium opens the title to the end that was paid for; from then on it is not in the plan."""
    title = evolve(TITLE, windows=[SVOD])
    spans = [
        plan(state=PlanState.CANCELLED),
        plan(31, tier="basic", starts_at=AT + 10 * DAY, ends_at=AT + 40 * DAY),
    ]
    answer = decide(Viewer(spans), title, IN, AT + 10 * DAY - TICK)
    assert isinstance(answer, Allowed)
    assert answer.until == AT + 10 * DAY
    assert decide(Viewer(spans), title, IN, AT + 10 * DAY) == Denied(Reason.NOT_IN_PLAN, ("subscription",))


def test_a_window_for_any_tier_takes_every_plan() -> None:
    """An SVOD window that names no tier opens for whatever tier the plan has."""
    title = evolve(TITLE, windows=[evolve(SVOD, tiers=frozenset())])
    assert isinstance(decide(Viewer([plan(tier="other")]), title, IN, AT), Allowed)


def test_each_right_is_the_best_and_has_its_own_end() -> None:
    """A short rental in HD, a plan in UHD and a free window: the best of each, each until its own end."""
    title = evolve(TITLE, windows=[SVOD, AVOD])
    rental = has(kind=GrantKind.RENTAL, ends_at=AT + 20 * DAY)
    answer = decide(Viewer([rental, plan()]), title, IN, AT)
    short, longer = AT + 10 * DAY, AT + 20 * DAY
    assert answer == Allowed(
        plan().id, "subscription", AT + 50 * DAY, 2160, False, True, 4, Untils(short, longer, short, short)
    )


def test_access_may_outlast_every_right() -> None:
    """When the better grant ends the lesser one goes on: all four rights end before the access does."""
    better = has(1, rights=Rights(1080, False, True, 4), ends_at=AT + DAY)
    lesser = has(2, rights=Rights(480, True, False, 1), ends_at=AT + 9 * DAY)
    answer = decide(Viewer([better, lesser]), TITLE, IN, AT)
    assert isinstance(answer, Allowed)
    assert answer.until == AT + 9 * DAY
    assert answer.untils == Untils(*[AT + DAY] * 4)


def test_the_winner_is_named_by_height_ads_downloads_end_and_id() -> None:
    """Each of these decides where those before are equal."""
    best = has(1, rights=Rights(1080, False, True, 1), ends_at=AT + 2 * DAY)
    worse = [
        has(2, rights=Rights(720, False, True, 4)),
        has(3, rights=Rights(1080, True, True, 4)),
        has(4, rights=Rights(1080, False, False, 4)),
        evolve(best, id=GrantId(uid(5)), ends_at=AT + DAY),
        evolve(best, id=GrantId(uid(6))),
    ]
    for other in worse:
        for viewer in (Viewer([best, other]), Viewer([other, best])):
            answer = decide(viewer, TITLE, IN, AT)
            assert isinstance(answer, Allowed)
            assert answer.via == best.id


def test_a_grant_of_a_series_opens_its_episodes() -> None:
    """With later episodes included it opens all; without, those that were there when it began."""
    begun = AT - DAY
    for since, includes_later, opens in (
        (begun, False, True),
        (begun + TICK, False, False),
        (begun + TICK, True, True),
    ):
        title = evolve(TITLE, part_of=[Membership(SERIES, since)])
        item = has(of=SERIES, includes_later=includes_later)
        answer = decide(Viewer([item]), title, IN, AT)
        assert isinstance(answer, Allowed) is opens
        assert isinstance(answer, Allowed) or answer.reason is Reason.NO_GRANT


def test_the_session_that_used_it_up_may_see_the_end() -> None:
    """Watched to its end it is consumed everywhere but in that session, which ends when the day does."""
    mine, other = SessionId("ses_40"), SessionId("ses_41")
    used = has(
        kind=GrantKind.WATCH_ONCE,
        ends_at=AT,
        after=Reason.CONSUMED,
        goes_on_in=mine,
        goes_on_until=AT + DAY,
    )
    viewer = Viewer([used])
    answer = decide(viewer, TITLE, Context("IN", session_id=mine), AT)
    assert isinstance(answer, Allowed)
    assert answer.until == AT + DAY
    # Told of the same end before it was used up, so that the end does not come upon the session.
    assert decide(viewer, TITLE, Context("IN", session_id=mine), AT - TICK) == answer
    for context, at in (
        (Context("IN", session_id=other), AT),
        (IN, AT),
        (Context("IN", session_id=mine), AT + DAY),
    ):
        answer = decide(viewer, TITLE, context, at)
        assert isinstance(answer, Denied)
        assert answer.reason is Reason.CONSUMED
    early = decide(viewer, TITLE, Context("IN", session_id=mine), used.starts_at - TICK)
    assert isinstance(early, Denied)
    assert early.reason is Reason.NOT_BEGUN


def test_what_was_taken_back_before_it_began_never_begins() -> None:
    """A gift for a later day that is revoked is revoked at once, not about to begin."""
    gift = has(kind=GrantKind.GIFT, starts_at=AT + DAY, ends_at=AT - DAY, after=Reason.REVOKED)
    answer = decide(Viewer([gift]), TITLE, IN, AT)
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.REVOKED


def test_the_age_of_the_country_counts() -> None:
    """Where a country rates a title otherwise its own age is asked; the same age is no obstacle."""
    title = evolve(TITLE, age=18, ages={"IN": 13})
    for limit, opens in ((13, True), (12, False)):
        answer = decide(Viewer([has()]), title, Context("IN", profile=Profile(max_age=limit)), AT)
        assert isinstance(answer, Allowed) is opens


def test_streams_are_counted_against_the_best_grant() -> None:
    """As many as the best grant allows may run at once; a further grant with more lets one more begin."""
    two = Context("IN", streams=2)
    assert decide(Viewer([has()]), TITLE, two, AT) == Denied(Reason.TOO_MANY_STREAMS)
    more = has(21, rights=Rights(480, True, False, 3))
    answer = decide(Viewer([has(), more]), TITLE, two, AT)
    assert isinstance(answer, Allowed)
    assert (answer.via, answer.streams) == (has().id, 3)


def test_an_instant_of_another_offset_is_the_same_instant() -> None:
    """The offset changes nothing, and an instant without one is refused."""
    local = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert decide(Viewer([has()]), TITLE, IN, local) == decide(Viewer([has()]), TITLE, IN, AT)
    with pytest.raises(InvalidValue):
        decide(NOBODY, TITLE, IN, AT.replace(tzinfo=None))
    with pytest.raises(InvalidValue):
        decide_each(NOBODY, [TITLE], IN, AT.replace(tzinfo=None))


def test_facts_that_contradict_each_other_are_refused() -> None:
    """A plan is of no title and has a state; every other grant is of one and has none."""
    with pytest.raises(BadFacts):
        has(of=None)
    with pytest.raises(BadFacts):
        plan(of=OTHER)
    with pytest.raises(BadFacts):
        plan(plan=None)
    for height, streams in ((143, 1), (1080, 0), (1080, 5), (4321, 1)):
        with pytest.raises(InvalidValue):
            Rights(height, False, False, streams)


def test_a_page_is_answered_as_each_title_alone() -> None:
    """Titles that are held, free, part of what is held, and none of these, in one call."""
    titles = [
        TITLE,
        evolve(TITLE, id=OTHER),
        evolve(TITLE, id=OTHER, part_of=[Membership(SERIES, AT)]),
        evolve(TITLE, id=OTHER, windows=[AVOD]),
        evolve(TITLE, id=OTHER, windows=[SVOD]),
    ]
    viewer = Viewer([has(), has(21, of=SERIES), plan()])
    answers = decide_each(viewer, titles, IN, AT)
    assert answers == [decide(viewer, item, IN, AT) for item in titles]
    assert [isinstance(item, Allowed) for item in answers] == [True, False, True, True, True]
    assert decide_each(viewer, [], IN, AT) == []


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: _made(WindowType.SVOD, tiers={"gold"}), "ways=('subscription', ...)"),
        (lambda: _made(WindowType.SVOD), "ways=('subscription', ...)"),
        (lambda: _made(WindowType.TVOD, tiers={"gold"}, ways=("rental",)), "ways=('subscription', ...)"),
        (lambda: _made(WindowType.AVOD), "free=Rights(...)"),
        (lambda: _made(WindowType.TVOD, ways=("token",)), "'token' is no way"),
        (lambda: _made(WindowType.TVOD, ways="rental"), "one text"),
        (lambda: _made(WindowType.SVOD, tiers="gold", ways=("subscription",)), "one text"),
        (lambda: _made(WindowType.TVOD, countries={"UK"}), "'UK' is no country"),
        (lambda: _made(WindowType.TVOD, countries="IN"), "one text"),
        (lambda: _made(WindowType.TVOD, ends_at=AT - TICK), "before it begins"),
        (lambda: LicenceFacts(uid(1), {"*"}, AT), "'*' is no country"),
        (lambda: LicenceFacts(uid(1), {"IN"}, AT, AT - DAY), "before it begins"),
        (lambda: TakedownFacts(uid(1), {"EU"}, AT), "'EU' is no country"),
        (lambda: TakedownFacts(uid(1), {"IN"}, AT, AT - DAY), "before it begins"),
        (lambda: TitleFacts(FILM, AT, ages={"UK": 15}), "'UK' is no country"),
    ],
)
def test_facts_that_would_say_nothing_are_refused(make: Callable[[], Any], said: str) -> None:
    """What would be not_yet for ever, or silently let somebody in, says what to give instead."""
    with pytest.raises(BadFacts) as refused:
        make()
    assert said in refused.value.message()


@pytest.mark.parametrize(
    ("make", "odd", "said"),
    [
        (
            lambda odd: plan(plan=odd),
            "paused",
            "plan is 'paused'; give a PlanState such as PlanState.TRIAL or",
        ),
        (lambda odd: plan(plan=odd), "bogus", "plan is 'bogus'"),
        (lambda odd: has(kind=odd), "bogus", "kind is 'bogus'; give a GrantKind such as GrantKind.RENTAL"),
        (lambda odd: has(kind=odd), "subscription", "kind is 'subscription'"),
        (lambda odd: has(after=odd), "grant_ended", "after is 'grant_ended'"),
        (lambda odd: has(of=odd), "film", "of is 'film'; give UUID(...) or None"),
        (lambda odd: has(rights=odd), 1080, "rights is 1080; give Rights(...)"),
        (lambda odd: has(includes_later=odd), "no", "includes_later is 'no'; give True or False"),
        (lambda odd: has(ends_at=odd), "2026-11-21", "'2026-11-21' is no instant"),
        (lambda odd: plan(tier=odd), "Gold", "'Gold' is no tier"),
        (lambda odd: plan(tier=odd), ["gold"], "is no tier"),
        (
            lambda odd: Context("IN", channel=odd),
            "app",
            "channel is 'app'; give a Channel such as Channel.WEB",
        ),
        (lambda odd: Context(odd), 91, "country is 91; give a text or None"),
        (lambda odd: Context("IN", streams=odd), True, "streams is True; give a whole number from 0 on"),
        (lambda odd: Context("IN", profile=odd), 18, "profile is 18; give Profile(...)"),
        (lambda odd: Profile(max_age=odd), "18", "max_age is '18'; give a whole number from 0 on, or None"),
        (lambda odd: Profile(pin_above=odd), -1, "pin_above is -1"),
        (lambda odd: Profile(is_pin_given=odd), "no", "is_pin_given is 'no'"),
        (lambda odd: Viewer(odd), {}, "holdings are {}; give a list or tuple, each Holding(...)"),
        (lambda odd: Viewer([odd]), "rental", "one of holdings is 'rental'; give Holding(...)"),
        (lambda odd: _made(odd), "bogus", "type is 'bogus'; give a WindowType such as WindowType."),
        (lambda odd: _made(WindowType.TVOD, id=odd), 1, "id is 1; give UUID(...)"),
        (lambda odd: _made(WindowType.TVOD, free=odd), True, "free is True; give Rights(...) or None"),
        (
            lambda odd: _made(WindowType.SVOD, tiers=odd, ways=("subscription",)),
            {"Gold"},
            "'Gold' is no tier",
        ),
        (lambda odd: _made(WindowType.SVOD, tiers=odd, ways=("subscription",)), 7, "tiers are 7; give a set"),
        (lambda odd: LicenceFacts(uid(1), {"IN"}, AT, has_tail=odd), "no", "has_tail is 'no'"),
        (lambda odd: TakedownFacts(odd, {"IN"}, AT), "1", "id is '1'"),
        (lambda odd: Membership(odd, AT), "series", "of is 'series'"),
        (lambda odd: TitleFacts(FILM, AT, windows=odd), iter(()), "windows are <tuple"),
        (lambda odd: TitleFacts(FILM, AT, licences=[odd]), SVOD, "one of licences is WindowFacts("),
        (lambda odd: TitleFacts(FILM, AT, age=odd), -1, "age is -1; give a whole number from 0 on"),
        (lambda odd: TitleFacts(FILM, AT, age=odd), 18.0, "age is 18.0"),
        (lambda odd: TitleFacts(FILM, AT, ages={"IN": odd}), "18", "the age in IN is '18'"),
        (lambda odd: TitleFacts(FILM, AT, ages=odd), 18, "ages are 18"),
    ],
)
def test_facts_that_are_not_of_their_type_are_refused(
    make: Callable[[Any], Any], odd: Any, said: str
) -> None:
    """Text where a name of the rules is meant would be passed over, and let somebody in."""
    with pytest.raises(BadFacts) as refused:
        make(odd)
    assert said in refused.value.message()


def test_rights_that_are_no_yes_or_no_are_refused() -> None:
    """The text "no" would count as a yes."""
    odd: tuple[tuple[Any, Any, str], ...] = (("no", False, "ads"), (False, "no", "downloads"))
    for ads, downloads, named in odd:
        with pytest.raises(InvalidValue) as refused:
            Rights(1080, ads, downloads, 2)
        assert refused.value.field == named


def test_a_takedown_may_end_as_it_begins() -> None:
    """Restored at the very instant, it stops nothing."""
    assert TakedownFacts(uid(1), INDIA, AT, AT).ends_at == AT


def _made(type: WindowType, **changes: Any) -> WindowFacts:
    values: dict[str, Any] = {"id": uid(1), "type": type, "countries": INDIA, "starts_at": AT}
    return WindowFacts(**{**values, **changes})
