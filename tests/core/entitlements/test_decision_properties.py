"""What holds of every decision, over random titles, viewers and instants; each reason comes up often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve, fields
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from buddy_core.entitlements import (
    Allowed,
    Context,
    Decision,
    Denied,
    Grant,
    GrantChange,
    GrantStatus,
    GrantUse,
    Holding,
    NotExtended,
    Reason,
    Rights,
    TitleFacts,
    UsedUp,
    Verdict,
    Viewer,
    decide,
    decide_each,
    explain,
    extend,
    holdings_of,
    tell,
    trace_data,
)
from buddy_core.entitlements.rules.placing import moment_of, place_of
from buddy_core.kernel import GrantId
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.countries import COUNTRIES
from tests.core.entitlements.worlds import (
    CONTEXTS,
    NEAR,
    OTHER,
    SERIES,
    TICK,
    Books,
    LaterEnd,
    World,
    books,
    held,
    lapsing_titles,
    later_ends,
    near_worlds,
    open_titles,
    titles,
    worlds,
)

OFTEN, MOST = 50, 12
fired: Counter[str] = Counter()
"""How often each thing was checked."""


def of(world: World) -> Decision:
    """Return the decision, and count what it was."""
    answer = decide(world.viewer, fresh(world.title), world.context, world.at)
    fired[answer.reason if isinstance(answer, Denied) else "allowed"] += 1
    return answer


def fresh(title: TitleFacts) -> TitleFacts:
    """Return the same title with nothing worked out yet."""
    return evolve(title)


def often(check: Callable[..., None], examples: int, chance: int, *strategies: Any) -> None:
    """Run a check on that many random examples."""
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    run = settings(max_examples=examples, deadline=None, suppress_health_check=quiet, database=None)
    over: Any = given(*strategies)
    seed(chance)(run(over(check)))()


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> int:
    """The seed of this run, which its header prints."""
    return int(request.config.getoption("--hypothesis-seed"))


def explained(world: World) -> None:
    """Explain's answer is the decision, told by the first rule that applies; text and data can be made."""
    answer, trace = of(world), explain(world.viewer, world.title, world.context, world.at)
    assert trace.decision == answer
    assert [rule.reason for rule in trace.rules] == list(Reason)
    fired.update(f"rule {rule.reason}" for rule in trace.rules if rule.applies)
    rule = trace.decided_by
    won = [item for item in trace.sources if item.verdict is Verdict.WON]
    if isinstance(answer, Allowed):
        assert rule is None
        assert [(item.id, item.kind) for item in won] == [(answer.via, answer.kind)]
        gave = Counter(name for item in trace.sources for name in set(item.gave))
        assert set(gave) == {"max_height", "ads", "downloads", "streams", "until"}
        assert all(item.lost_to == answer.via for item in trace.sources if item.verdict in ("lost", "gave"))
    else:
        assert rule is not None
        assert rule.reason is answer.reason
        assert all(item.verdict in ("barred", "not_open") for item in trace.sources)
    fired.update(f"verdict {item.verdict}" for item in trace.sources)
    assert f"answer: {'yes' if rule is None else 'no'}, " in tell(trace)
    assert canonical_bytes(trace_data(trace)) == canonical_bytes(trace_data(trace))


def searched(world: World) -> None:
    """The answer is that of a plain search through the facts, which knows no spans and prepares nothing."""
    answer, found = of(world), search(world)
    assert isinstance(answer, Denied) or found
    if isinstance(found, Reason):
        assert isinstance(answer, Denied)
        assert answer.reason is found
    elif isinstance(answer, Allowed):
        assert answer.max_height == max(rights.max_height for rights in found)
        assert answer.ads is all(rights.ads for rights in found)
        assert answer.downloads is any(rights.downloads for rights in found)
        assert answer.streams == max(rights.streams for rights in found)
        fired["searched"] += 1
    elif answer.reason is Reason.TOO_MANY_STREAMS:
        assert found
    elif answer.reason not in (Reason.MATURITY, Reason.PROFILE_PIN):
        assert not found


def search(world: World) -> Reason | list[Rights]:
    """Return why a title is stopped for all, or the rights of everything that opens it."""
    title, context, at = world.title, world.context, world.at
    known = context.country in COUNTRIES

    def is_on(item: Any) -> bool:
        return bool(item.starts_at <= at) and (item.ends_at is None or bool(at < item.ends_at))

    def is_here(item: Any) -> bool:
        return known and context.country in item.countries

    if any(is_on(item) and (is_here(item) or item.countries >= COUNTRIES) for item in title.takedowns):
        return Reason.TAKEN_DOWN
    if title.published_at is None or at < title.published_at:
        return Reason.NOT_PUBLISHED
    licences = [item for item in title.licences if is_here(item) and item.starts_at <= at]
    is_licensed = any(is_on(item) for item in licences)
    windows = [item for item in title.windows if is_here(item) and is_on(item) and is_licensed]
    found = [item.free for item in windows if item.free is not None]
    for item in world.viewer.holdings:
        of_title = item.of == title.id or any(
            part.of == item.of and (item.includes_later or part.since <= (item.held_since or item.starts_at))
            for part in title.part_of
        )
        in_plan = (
            item.of is None
            and item.plan != "paused"
            and any("subscription" in w.ways and (not w.tiers or item.tier in w.tiers) for w in windows)
        )
        in_tail = any(
            old.has_tail
            and old.ends_at is not None
            and max(old.starts_at, item.held_since or item.starts_at) < old.ends_at
            for old in licences
        )
        goes_on = item.goes_on_in is not None and item.goes_on_in == context.session_id
        is_live = is_on(item) or (goes_on and is_on(evolve(item, ends_at=item.goes_on_until)))
        if is_live and (in_plan or (of_title and (is_licensed or in_tail))):
            found.append(item.rights)
    return found


def ordered(world: World, shuffled: Any) -> None:
    """No order of holdings, windows, licences or takedowns changes the answer or its trace."""
    title, viewer = world.title, world.viewer
    other = evolve(
        title,
        licences=shuffled.draw(st.permutations(title.licences)),
        windows=shuffled.draw(st.permutations(title.windows)),
        takedowns=shuffled.draw(st.permutations(title.takedowns)),
    )
    mixed = Viewer(shuffled.draw(st.permutations(viewer.holdings)))
    assert decide(mixed, other, world.context, world.at) == of(world)
    one, two = (explain(v, t, world.context, world.at) for v, t in ((viewer, title), (mixed, other)))
    assert one == two
    fired["order"] += len(viewer.holdings) > 1 and len(title.windows) > 1


def grows(world: World, more: list[Holding]) -> None:
    """A further holding turns no yes into a no, lowers no right, and brings no end nearer."""
    before = of(world)
    richer = Viewer([*world.viewer.holdings, *more])
    after = decide(richer, fresh(world.title), world.context, world.at)
    if isinstance(before, Denied):
        fired["turned"] += isinstance(after, Allowed)
        return
    no_worse(after, before)
    fired["grown"] += before != after


def no_worse(after: Decision, before: Allowed) -> None:
    """Assert that an answer is a yes, no right of it is lower, and no end of it nearer."""
    assert isinstance(after, Allowed)
    assert not_before(after.until, before.until)
    better = {
        "max_height": after.max_height - before.max_height,
        "ads": before.ads - after.ads,
        "downloads": after.downloads - before.downloads,
        "streams": after.streams - before.streams,
    }
    assert all(value >= 0 for value in better.values())
    for name, value in better.items():
        if value == 0:
            assert not_before(getattr(after.untils, name), getattr(before.untils, name))


def extends(later: LaterEnd, title: TitleFacts, context: Context) -> None:
    """Whenever it is asked about, a later end lowers no right, brings no end nearer, moves itself alone."""
    old, then, at = later.grant, later.given_at, later.at
    known = [item for item in later.uses if item.at <= then]
    try:
        new = extend(old, known, later.until, then, GrantId(UUID(int=4_000)))
    except (NotExtended, UsedUp):
        fired["not extended"] += 1
        return
    assert moved_alone(old, new, known, later.until)
    change = GrantChange(old.id, GrantStatus.EXTENDED, then, "test", new.id)
    before = [old, later.other]
    after = [evolve(old, status=GrantStatus.EXTENDED), later.other, new]
    # What is recorded later, such as its first play, is recorded either way.
    pairs = [(holdings_of(before, uses=later.uses), holdings_of(after, [change], later.uses))]
    if at >= then:
        pairs.append((pairs[0][0], holdings_of(after, uses=later.uses)))
    for held_before, held_after in pairs:
        was, now = (decide(Viewer(held), title, context, at) for held in (held_before, held_after))
        if isinstance(was, Allowed):
            no_worse(now, was)
            fired["extended"] += now != was
        elif isinstance(now, Allowed):
            assert at >= then, "what was over then is not open in hindsight"
            fired["extended and opened"] += 1
        is_tail = moment_of(place_of(title, context.country), at).licensed is None
        fired["extended under a tail"] += is_tail and isinstance(now, Allowed) and now != was
    fired[f"extended {old.kind}"] += 1
    fired["extended when played"] += bool(known)


def moved_alone(old: Grant, new: Grant, uses: list[GrantUse], until: datetime) -> bool:
    """Tell whether one instant moved: the end, or, with its hours as they were, the time to start."""
    [before], [after] = holdings_of([old], uses=uses), holdings_of([new], uses=uses)
    if not uses:
        assert new.terms.hours == old.terms.hours
        assert after.after in (before.after, Reason.RENTAL_NOT_STARTED)
    moved = {"id", "ends_at", "starts_at", "held_since", "recorded_at", "after"}
    names = [item.name for item in fields(Holding) if item.name not in moved]
    return (
        all(getattr(before, name) == getattr(after, name) for name in names)
        and after.ends_at == until
        and (after.held_since or after.starts_at) == (before.held_since or before.starts_at)
    )


def in_bulk(world: World, others: list[TitleFacts]) -> None:
    """A page of titles is answered as each title alone, in its order."""
    page = [evolve(world.title, part_of=item.part_of, id=item.id) for item in others] + [world.title, *others]
    each = decide_each(world.viewer, [fresh(item) for item in page], world.context, world.at)
    assert each == [decide(world.viewer, item, world.context, world.at) for item in page]
    of(world)
    fired["bulk"] += len(set(map(type, each))) > 1


def to_the_microsecond(world: World) -> None:
    """Up to the last microsecond before `until` it is a yes, and then what is held now opens it no more."""
    # How many streams run at once is a right with an end of its own.
    world = evolve(world, context=evolve(world.context, streams=0))
    answer = of(world)
    if not isinstance(answer, Allowed) or answer.until is None:
        return
    viewer = Viewer([item for item in world.viewer.holdings if item.starts_at <= world.at])
    assert isinstance(decide(viewer, world.title, world.context, answer.until - TICK), Allowed)
    fired["last microsecond"] += 1
    # A plan may open a window that has begun since; what is of the title itself is over for good.
    then, now = (opened_by(viewer, world, at) for at in (answer.until, world.at))
    assert not then & now
    fired["over"] += 1


def opened_by(viewer: Viewer, world: World, at: datetime) -> set[UUID]:
    """Return the ids of the holdings of a title that open it."""
    trace = explain(viewer, world.title, world.context, at)
    found = {item.id for item in trace.sources if item.verdict in ("won", "gave", "lost")}
    return found & {item.id for item in viewer.holdings if item.of is not None}


def begins(world: World) -> None:
    """A title that opens by itself is denied up to that instant, and open to all or on sale from then on."""
    answer = of(world)
    if isinstance(answer, Allowed) or answer.opens_at is None:
        return
    nobody = Viewer()
    before = decide(nobody, world.title, world.context, answer.opens_at - TICK)
    after = decide(nobody, world.title, world.context, answer.opens_at)
    assert isinstance(before, Denied)
    assert before.reason in (answer.reason, Reason.TAKEN_DOWN, Reason.NOT_YET, Reason.NO_LICENCE)
    closed = {Reason.TAKEN_DOWN, Reason.NOT_PUBLISHED, Reason.NO_LICENCE, Reason.NOT_YET, Reason.OVER}
    assert isinstance(after, Allowed) or after.reason not in closed
    fired["opens by itself"] += 1


def known_then(kept: Books, title: TitleFacts, context: Context, at: datetime, known_at: datetime) -> None:
    """What was known at an instant is what the records up to then say, whatever was written since."""
    now = [
        evolve(grant, status=GrantStatus.ACTIVE if change is None or change.at > known_at else change.status)
        for grant in kept.grants
        for change in [next((item for item in kept.changes if item.grant_id == grant.id), None)]
        if grant.recorded_at <= known_at
    ]
    changes = [item for item in kept.changes if item.at <= known_at]
    uses = [item for item in kept.uses if item.recorded_at <= known_at]
    later = holdings_of(kept.grants, kept.changes, kept.uses, known_at)
    assert later == holdings_of(now, changes, uses)
    answers = [
        decide(Viewer(found), fresh(title), context, at) for found in (later, holdings_of(now, changes, uses))
    ]
    assert answers[0] == answers[1]
    fired["known then"] += later != holdings_of(kept.grants, kept.changes, kept.uses)


def as_it_was(kept: Books, title: TitleFacts, context: Context, at: datetime) -> None:
    """A decision made at an instant is found again from what is stored later."""
    made = decide(
        Viewer(
            holdings_of(
                [evolve(g, status=GrantStatus.ACTIVE) for g in kept.grants if g.recorded_at <= at],
                [item for item in kept.changes if item.at <= at],
                [item for item in kept.uses if item.recorded_at <= at],
            )
        ),
        title,
        context,
        at,
    )
    stored = Viewer(holdings_of(kept.grants, kept.changes, kept.uses, known_at=at))
    assert decide(stored, fresh(title), context, at) == made
    grants = [item for item in kept.grants if item.recorded_at <= at]
    true_then = decide(Viewer(holdings_of(grants, kept.changes, kept.uses)), title, context, at)
    # What came later may move an end, and never the answer itself.
    assert type(true_then) is type(made)
    carried_on = {GrantStatus.TRANSFERRED, GrantStatus.SUPERSEDED, GrantStatus.EXTENDED}
    if isinstance(made, Denied) and not carried_on & {item.status for item in kept.changes}:
        assert true_then == made
    fired["made then"] += bool(kept.changes or kept.uses)
    fired[f"made then {made.reason if isinstance(made, Denied) else 'allowed'}"] += 1


def not_before(after: datetime | None, before: datetime | None) -> bool:
    """Tell whether an end is not nearer than another; none is the farthest."""
    return after is None or (before is not None and after >= before)


CHECKS: dict[str, tuple[Callable[..., None], int, tuple[Any, ...], tuple[str, ...]]] = {
    "explained": (explained, 300, (worlds(),), ("allowed", *(f"verdict {item}" for item in Verdict))),
    "searched": (searched, 300, (worlds(),), ("searched",)),
    "ordered": (ordered, 150, (worlds(), st.data()), ("order",)),
    "grows": (grows, 250, (worlds(), held(first=50, most=2)), ("turned", "grown")),
    "in_bulk": (
        in_bulk,
        100,
        (worlds(), st.lists(titles() | titles(OTHER) | titles(SERIES), max_size=4)),
        ("bulk",),
    ),
    "to_the_microsecond": (to_the_microsecond, 200, (worlds(),), ("last microsecond", "over")),
    "begins": (begins, 150, (worlds() | near_worlds(Reason.NOT_YET),), ("opens by itself",)),
    "known_then": (known_then, 150, (books(), open_titles(), CONTEXTS, NEAR, NEAR), ("known then",)),
    "extends": (
        extends,
        400,
        (later_ends(), lapsing_titles(), CONTEXTS | st.just(Context("IN"))),
        (
            "extended",
            "extended and opened",
            "extended under a tail",
            "extended watch_once",
            "extended rental",
            "extended when played",
            "not extended",
        ),
    ),
    "as_it_was": (as_it_was, 250, (books(), open_titles(), CONTEXTS, NEAR), ("made then",)),
}
"""Each law, how many examples it takes at a time, over what, and what it is to have seen."""


@pytest.mark.parametrize("name", CHECKS)
def test_it_holds_of_every_decision(name: str, chance: int) -> None:
    """Each law holds of random titles, viewers and instants, and was put to the test at least fifty times."""
    check, examples, strategies, seen = CHECKS[name]
    for number in range(MOST):
        often(check, examples, chance + number, *strategies)
        if all(fired[item] >= OFTEN for item in seen):
            break
    print({item: fired[item] for item in seen})
    assert {item: fired[item] for item in seen if fired[item] < OFTEN} == {}


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_and_rule_fires_often(reason: Reason, chance: int) -> None:
    """Close to what each reason is about it is the answer, and its rule applies, at least fifty times."""
    seen = (str(reason), f"rule {reason}")
    before = [fired[item] for item in seen]
    for number in range(MOST):
        often(explained, 100, chance + number, near_worlds(reason))
        if all(fired[item] - was >= OFTEN for item, was in zip(seen, before, strict=True)):
            break
    assert all(fired[item] - was >= OFTEN for item, was in zip(seen, before, strict=True))
