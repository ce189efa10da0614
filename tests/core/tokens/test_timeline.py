"""The timeline at its edges: what comes first at one instant, refills, resets, overage, voids, refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from buddy_core.kernel import BuddyError, InvalidValue
from buddy_core.tokens import (
    MAX_TOKENS,
    BadLot,
    BadRecurrence,
    BadTimeline,
    BadTokenAmount,
    Cause,
    Debt,
    DrawPolicy,
    Recurrence,
    Reset,
    Standing,
    Timeline,
    TimelineLot,
    Usage,
    Void,
    VoidBeyondBalance,
    timeline,
)
from tests.core.tokens.timelines import END, START, hour, lot, taken

TICK = timedelta(microseconds=1)
DAILY = Recurrence("P1D", hour(0))


def play(*lots: TimelineLot, usages: list[Usage] | None = None, **more: object) -> Timeline:
    """Play from the start to the end of the tests' day."""
    return timeline(lots, usages or [], **{"since": START, "until": END, **more})  # type: ignore[arg-type]


def test_a_lot_lives_from_its_start_up_to_its_expiry() -> None:
    """A use at the start is served, a tick before the expiry too; at the expiry the lot is gone."""
    item = lot("a", 9, begins=1, ends=2)
    uses = [Usage(hour(1) - TICK, 1), Usage(hour(1), 2), Usage(hour(2) - TICK, 3), Usage(hour(2), 4)]
    found = play(item, usages=uses)
    assert taken(found) == [[], [("a", 2)], [("a", 3)], []]
    assert [(change.cause, change.amount) for change in found.changes] == [
        (Cause.STARTED, 9),
        (Cause.SETTLED, -1),
        (Cause.DRAWN, -2),
        (Cause.DRAWN, -3),
        (Cause.EXPIRED, -3),
    ]
    assert (found.balances, found.overage) == ({"a": 0}, 4)


def test_an_expiry_counts_to_the_second() -> None:
    """A lot that would expire within a second is gone when the second begins."""
    item = TimelineLot("a", 5, START, hour(1) + timedelta(milliseconds=900))
    assert taken(play(item, usages=[Usage(hour(1), 1)])) == [[]]


def test_what_happens_at_the_end_counts() -> None:
    """A start, recurrence, reset and expiry at `until` have happened; a use belongs to what follows."""
    lots = [
        lot("starts", 7, begins=12),
        lot("recurs", 5, opening=0, recurrence=Recurrence("PT12H", hour(0))),
        lot("rolls", 9, rollover_max=4),
        lot("expires", 3, ends=12),
    ]
    found = play(*lots, usages=[Usage(END, 6)], resets=[Reset(END)], policy=DrawPolicy(("id",)))
    assert taken(found) == [[]]
    assert found.balances == {"starts": 7, "recurs": 5, "rolls": 4, "expires": 0}
    after = timeline(
        lots,
        [Usage(END, 6)],
        since=END,
        until=hour(13),
        policy=DrawPolicy(("id",)),
        carried=found.standing,
    )
    assert taken(after) == [[("recurs", 5), ("rolls", 1)]]


def test_one_instant_has_one_order() -> None:
    """Expiry, void, reset, start, recurrence, settlement, use: seen in the changes of a single instant."""
    lots = [
        lot("expires", 1, ends=5, scopes=("t",)),
        lot("voided", 2, ended_at=hour(5), scopes=("t",)),
        lot("reset", 4, rollover_max=2, scopes=("t",)),
        lot("starts", 40, begins=5, priority=90, scopes=("t",)),
        lot("recurs", 5, opening=0, scopes=("s",), recurrence=Recurrence("PT5H", hour(0))),
    ]
    resets = [Reset(hour(5), preserve_overage=True)]
    uses = [Usage(hour(2), 3, ("s",)), Usage(hour(5), 3, ("t",))]
    found = play(*lots, usages=uses, resets=resets, voids=[Void(hour(5), "reset", 1)])
    assert [(change.lot_id, change.cause) for change in found.changes if change.at == hour(5)] == [
        ("expires", Cause.EXPIRED),
        ("voided", Cause.VOIDED),
        ("reset", Cause.VOIDED),
        ("reset", Cause.FORFEITED),
        ("starts", Cause.STARTED),
        ("recurs", Cause.REFILLED),
        ("recurs", Cause.SETTLED),
        ("reset", Cause.DRAWN),
        ("starts", Cause.DRAWN),
    ]


def test_a_refill_sets_the_balance() -> None:
    """A recurrence does not add to what is left, and another lot's start refills nothing."""
    lots = [lot("a", 100, recurrence=Recurrence("PT4H", hour(0))), lot("b", 50, begins=5)]
    found = play(*lots, usages=[Usage(hour(1), 30), Usage(hour(4.5), 10)], until=hour(6))
    assert found.balances == {"a": 90, "b": 50}


def test_a_start_that_is_a_recurrence_too_fills_once() -> None:
    """Overage from before is taken from the first filling; the recurrence at that instant gives no second."""
    item = lot("a", 100, begins=2, recurrence=Recurrence("PT1H", hour(2)))
    found = play(item, usages=[Usage(hour(1), 30)], until=hour(2))
    assert (found.balances["a"], found.overage) == (70, 0)


def test_recurrence_and_start_settle_in_the_order_of_drawing() -> None:
    """Where one lot starts and another recurs together, the one drawn first pays for the overage."""
    lots = [
        lot("late", 10, begins=2, priority=9),
        lot("often", 10, priority=1, recurrence=Recurrence("PT2H", hour(0))),
    ]
    found = play(*lots, usages=[Usage(hour(1), 14)], until=hour(2))
    assert [(item.lot_id, item.amount) for item in found.settlements] == [("often", 4)]


def test_older_overage_is_settled_first() -> None:
    """A lot that cannot pay for all pays for the use of longest ago, and keeps settlements from draws."""
    uses = [Usage(hour(2), 5, ref="second"), Usage(hour(1), 5, ref="first"), Usage(hour(3), 1, ref="third")]
    found = play(lot("a", 7, begins=4), lot("b", 1, begins=6), usages=uses)
    assert taken(found) == [[], [], []]
    assert [(item.usage.ref, item.at, item.lot_id, item.amount) for item in found.settlements] == [
        ("first", hour(4), "a", 5),
        ("second", hour(4), "a", 2),
        ("second", hour(6), "b", 1),
    ]
    assert [(debt.usage.ref, debt.amount) for debt in found.standing.debts] == [("second", 2), ("third", 1)]


def test_overage_is_owed_oldest_first_whatever_its_scopes() -> None:
    """What is still owed stands in the order in which it came about, not sorted by what may pay for it."""
    uses = [Usage(hour(number), number, ("film",) * (number % 2)) for number in (1, 2, 3, 4)]
    assert [debt.amount for debt in play(usages=uses).standing.debts] == [1, 2, 3, 4]


def test_overage_is_settled_by_lots_that_fit() -> None:
    """A lot for films pays for no episode's overage, be it ever so old."""
    uses = [Usage(hour(1), 5, ("episode",)), Usage(hour(2), 5, ("film",))]
    found = play(lot("films", 9, begins=3, scopes=("film",)), lot("any", 2, begins=4), usages=uses)
    assert [(item.lot_id, item.usage.scopes) for item in found.settlements] == [
        ("films", ("film",)),
        ("any", ("episode",)),
    ]
    assert (found.balances, found.overage) == ({"films": 4, "any": 0}, 3)


@pytest.mark.parametrize(
    ("left", "least", "most", "after"), [(80, 0, 50, 50), (30, 0, 50, 30), (30, 40, 50, 40), (30, 40, 0, 0)]
)
def test_a_reset_limits_what_rolls_over(left: int, least: int, most: int, after: int) -> None:
    """The balance becomes min(max, max(min, balance)); without a limit nothing rolls over."""
    item = lot("a", 100, opening=left, rollover_min=least, rollover_max=most)
    assert play(item, resets=[Reset(hour(1))]).balances == {"a": after}


def test_a_lot_that_starts_at_a_reset_is_whole() -> None:
    """The reset's limits are for what came before; overage it preserved is charged after the limits."""
    lots = [lot("old", 100, rollover_max=10), lot("new", 100, begins=5)]
    resets = [Reset(hour(5), preserve_overage=True)]
    assert play(*lots, resets=resets).balances == {"old": 10, "new": 100}
    found = play(*lots, usages=[Usage(hour(1), 115)], resets=resets)
    assert [(item.lot_id, item.amount) for item in found.settlements] == [("new", 15)]


def test_overage_ends_at_a_reset_that_does_not_preserve_it() -> None:
    """It is dropped with a record of the use, and no later lot pays for it."""
    found = play(lot("a", 9, begins=6), usages=[Usage(hour(1), 5, ref="u")], resets=[Reset(hour(5))])
    assert found.dropped == (Debt(Usage(hour(1), 5, ref="u"), 5),)
    assert (found.balances, found.overage) == ({"a": 9}, 0)


def test_a_void_takes_from_the_lot_or_from_all_in_order() -> None:
    """A void of a lot takes from it; one of no lot from all that live, in order, whatever their scopes."""
    lots = [lot("a", 5), lot("b", 5, scopes=("x",)), lot("c", 5, begins=9)]
    assert play(*lots, voids=[Void(hour(1), "b", 2)]).balances == {"a": 5, "b": 3, "c": 5}
    assert play(*lots, voids=[Void(hour(1), amount=7)]).balances == {"a": 0, "b": 3, "c": 5}
    assert play(*lots, voids=[Void(hour(1))]).balances == {"a": 0, "b": 0, "c": 5}


@pytest.mark.parametrize("void", [Void(hour(2), "a", 4), Void(hour(2), amount=9), Void(hour(12), "a", 1)])
def test_a_void_beyond_the_balance_is_refused_whole(void: Void) -> None:
    """More than is left, in the lot or in all, cannot be voided, nor anything of a lot that expires then."""
    lots = [lot("a", 5, ends=12), lot("b", 5)]
    with pytest.raises(VoidBeyondBalance) as refused:
        play(*lots, usages=[Usage(hour(1), 2)], voids=[void])
    assert refused.value.lot == void.lot_id
    assert refused.value.amount == void.amount
    assert refused.value.available == {"a": 3, None: 8}[void.lot_id] * (void.at < hour(12))


def test_uses_of_one_instant_come_in_the_order_given() -> None:
    """The first given is served first."""
    found = play(lot("a", 5), usages=[Usage(hour(1), 4), Usage(hour(1), 4)])
    assert taken(found) == [[("a", 4)], [("a", 1)]]


def test_openings_hold_what_happened_up_to_the_beginning() -> None:
    """At `since` starts and recurrences are in the openings, uses are not; a lot gone by then is empty."""
    lots = [
        lot("whole", 10),
        lot("part", 10, begins=-2, opening=3, recurrence=DAILY),
        lot("gone", 10, begins=-2, ends=0, opening=5),
        lot("future", 10, begins=20, opening=5),
        lot("ended", 10, ended_at=START),
    ]
    found = play(*lots, usages=[Usage(START - TICK, 1), Usage(START, 1)], policy=DrawPolicy(("id",)))
    assert taken(found) == [[], [("part", 1)]]
    assert found.balances == {"whole": 10, "part": 2, "gone": 0, "future": 0, "ended": 0}


def test_a_lot_voided_before_it_starts_never_starts() -> None:
    """Its void is no change, and no use gets anything of it."""
    found = play(lot("a", 5, begins=3, ended_at=hour(3)), usages=[Usage(hour(4), 1)])
    assert (found.changes, found.overage) == ((), 1)


def test_large_numbers_are_exact() -> None:
    """Thousands of lots of 2^53 each lose not one token."""
    lots = [lot(f"{place:04}", MAX_TOKENS, recurrence=DAILY) for place in range(2_000)]
    uses = [Usage(hour(1) + timedelta(seconds=place), MAX_TOKENS - 1) for place in range(2_001)]
    found = play(*lots, usages=uses)
    assert sum(found.balances.values()) - found.overage == 2_000 * MAX_TOKENS - 2_001 * (MAX_TOKENS - 1)
    assert found.draws[1][0].amount == 1


def test_many_lots_and_uses_are_quick() -> None:
    """Ten thousand events over five thousand lots take no pass over all lots each."""
    lots = [
        lot(f"{place:04}", 10, begins=place % 10, ends=11, scopes=("s",) * (place % 2))
        for place in range(5_000)
    ]
    uses = [Usage(hour(0) + timedelta(seconds=4 * place), 9, ("s",)) for place in range(5_000)]
    found = play(*lots, usages=uses)
    covered = sum(draw.amount for draws in found.draws for draw in draws)
    covered += sum(item.amount for item in found.settlements)
    assert (covered, found.overage) == (45_000, 0)
    assert sum(change.amount for change in found.changes if change.cause is Cause.EXPIRED) == -5_000


@pytest.mark.parametrize(
    ("every", "anchor", "after", "wanted"),
    [
        ("P1M", "2026-01-31", "2026-01-31", ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
        ("P1M", "2026-05-31", "2023-12-31", ["2024-01-31", "2024-02-29", "2024-03-31"]),
        ("P1Y", "2024-02-29", "2024-02-29", ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
        ("P1W", "2026-01-01", "1999-12-31", ["2000-01-06", "2000-01-13"]),
        ("P1M15D", "2026-01-01", "2026-01-01", ["2026-02-16", "2026-03-31", "2026-05-16"]),
        ("P3M", "2026-01-15", "2126-01-14", ["2126-01-15", "2126-04-15"]),
        ("P1M", "2126-01-15", "2026-01-01", ["2026-01-15", "2026-02-15"]),
        ("PT36H", "2026-01-01", "2026-01-03", ["2026-01-04", "2026-01-05 12:00"]),
        ("P2M", "9999-08-31", "9999-07-01", ["9999-08-31", "9999-10-31", "9999-12-31"]),
        ("P999999Y", "2026-01-01", "2000-01-01", ["2026-01-01"]),
        ("P999999D", "2026-01-01", "0001-01-01", ["2026-01-01", "4763-11-28"]),
    ],
)
def test_a_recurrence_counts_from_its_anchor(every: str, anchor: str, after: str, wanted: list[str]) -> None:
    """Instants lie on both sides of the anchor, and a month that is too short does not move the next."""
    found = Recurrence(every, _day(anchor)).after(_day(after))
    assert [at for at, _ in zip(found, wanted, strict=False)] == [_day(text) for text in wanted]


def test_a_recurrence_ends_with_the_calendar() -> None:
    """After the last instant of the year 9999 comes none."""
    assert list(Recurrence("P1Y", _day("2026-06-01")).after(_day("9997-06-02"))) == [
        _day("9998-06-01"),
        _day("9999-06-01"),
    ]


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "every",
    [
        "",
        "P",
        "PT",
        "P1",
        "1M",
        "P0D",
        "PT0S",
        "-P1M",
        "P-1M",
        "P1.5D",
        "PT1M1H",
        "P1MT",
        "p1m",
        "P1M\n",
        "P1234567D",
    ],
)
def test_what_is_no_duration_is_refused(every: str) -> None:
    """Nothing, no length, signs, fractions, another order or too many digits: each is refused by name."""
    with pytest.raises(BadRecurrence) as refused:
        Recurrence(every, START)
    assert refused.value.every == every


@pytest.mark.parametrize("amount", [-1, MAX_TOKENS + 1, 1.0, True, "1", None])
def test_an_amount_that_is_none_is_refused(amount: int) -> None:
    """Negative, huge, fractional, bool and text are no numbers of tokens, in no fact."""
    for fact in (
        lambda: lot("a", amount),
        lambda: lot("a", 1, rollover_max=amount),
        lambda: Usage(START, amount),
        lambda: Standing(START, {"a": amount}),
        lambda: Debt(Usage(START, 1), amount),
    ):
        with pytest.raises(BadTokenAmount):
            fact()


@pytest.mark.parametrize("zero", [0, 0.0, False])
def test_zero_is_no_lot_and_no_void(zero: int) -> None:
    """A lot or a void of nothing is refused; a use of nothing is one only as a whole number."""
    for fact in (lambda: lot("a", zero), lambda: Void(START, None, zero)):
        with pytest.raises(BadTokenAmount):
            fact()
    assert taken(play(lot("a", 1), usages=[Usage(START, 0)])) == [[]]
    if type(zero) is not int:
        with pytest.raises(BadTokenAmount):
            Usage(START, zero)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"lots": [lot("a"), lot("a")]}, "same id"),
        ({"resets": [Reset(hour(1)), Reset(hour(1), True)]}, "same instant"),
        ({"resets": [Reset(START)]}, "part of the openings"),
        ({"voids": [Void(START)]}, "part of the openings"),
        ({"voids": [Void(hour(1), "z", 1)]}, "'z'"),
        ({"until": START - TICK}, "before it begins"),
        ({"carried": Standing(hour(1), {"a": 1})}, "another instant"),
        ({"carried": Standing(START, {})}, "'a' has begun"),
        ({"carried": Standing(START, {"a": 1, "z": 1})}, "'z' carries 1"),
        ({"lots": [lot("a", begins=1)], "carried": Standing(START, {"a": 1})}, "'a' carries 1"),
    ],
)
def test_facts_that_contradict_each_other_are_refused(facts: dict[str, object], words: str) -> None:
    """Each contradiction is named; nothing is guessed."""
    given = {"lots": [lot("a")], "since": START, "until": END, **facts}
    with pytest.raises(BadTimeline, match=words):
        timeline(**given)  # type: ignore[arg-type]


def test_what_is_carried_takes_the_place_of_openings() -> None:
    """Balances and overage go on from the standing; uses at its instant come after it."""
    debt = Debt(Usage(hour(-5), 9, ref="old"), 4)
    found = play(
        lot("a", 10, opening=10),
        lot("b", 3, begins=2),
        usages=[Usage(START, 1), Usage(hour(1), 1)],
        carried=Standing(START, {"a": 0, "gone": 0}, (debt,)),
    )
    assert taken(found) == [[], []]
    assert [(item.usage.ref, item.amount) for item in found.settlements] == [("old", 3)]
    assert found.overage == 3


def test_a_reset_or_void_of_the_past_is_refused_unless_it_is_carried() -> None:
    """Before the beginning nobody can say whether the openings hold it; a standing does hold it."""
    for early in ({"resets": [Reset(hour(-1))]}, {"voids": [Void(hour(-1), "a", 1)]}):
        with pytest.raises(BadTimeline, match="up to `since` is part of the openings"):
            play(lot("a", 10), **early)
        found = play(lot("a", 10), carried=Standing(START, {"a": 7}), **early)
        assert found.balances == {"a": 7}


def test_each_void_says_what_it_took() -> None:
    """One element a void in the order given, of whatever instant; one after `until` took nothing."""
    lots = [lot("a", 5), lot("b", 9, priority=1)]
    voids = [Void(hour(2)), Void(hour(1), amount=10), Void(hour(13)), Void(hour(1), "a", 1)]
    found = play(*lots, voids=voids)
    assert [[(item.lot_id, item.amount) for item in voided] for voided in found.voided] == [
        [("a", 3)],
        [("b", 9), ("a", 1)],
        [],
        [("a", 1)],
    ]


def test_instants_need_an_offset_and_scopes_are_tuples() -> None:
    """A naive instant names none, and one text is no list of scopes; a lot must begin before it expires."""
    naive = datetime(2026, 3, 1)  # noqa: DTZ001
    refusals: list[type[BuddyError]] = []
    for fact in (
        lambda: Usage(naive, 1),
        lambda: Recurrence("P1D", naive),
        lambda: play(since=naive),
        lambda: Usage(START, 1, "film"),
        lambda: lot("a", scopes=("film", 1)),
        lambda: lot("a", begins=2, ends=2),
    ):
        with pytest.raises(BuddyError) as refused:
            fact()
        refusals.append(refused.type)
    assert refusals == [InvalidValue] * 3 + [BadTimeline] * 2 + [BadLot]
