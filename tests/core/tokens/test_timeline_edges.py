"""What a timeline writes down of each change, and the two ends of the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from buddy_core.tokens import (
    BONUS,
    PAID,
    Cause,
    Change,
    OpenLot,
    Recurrence,
    Reset,
    Settlement,
    Standing,
    Timeline,
    TimelineLot,
    Usage,
    Void,
    Wallet,
    timeline,
)
from tests.contracts.cases import AT, account, earned
from tests.core.tokens.timelines import END, START, hour, lot

LAST_YEAR = datetime(9999, 1, 1, tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)


def play(*lots: TimelineLot, usages: list[Usage] | None = None, **more: object) -> Timeline:
    """Play from the start to the end of the tests' day."""
    return timeline(lots, usages or [], **{"since": START, "until": END, **more})  # type: ignore[arg-type]


def test_a_lot_of_the_ledger_comes_with_all_that_it_is() -> None:
    """Its id, kind, times, priority and scopes are the lot's, and its opening is what is left."""
    item = earned(Wallet(account(1)), 9, 1, kind=PAID, priority=7, scopes=("type:film",)).wallet.lots[0]
    found = TimelineLot.of(OpenLot(item.lot, 4))
    assert found == TimelineLot(
        str(item.lot.id),
        9,
        AT,
        item.lot.expires_at,
        kind=PAID,
        priority=7,
        scopes=("type:film",),
        created_at=AT,
        opening=4,
    )
    assert timeline([found], since=AT, until=AT).balances == {str(item.lot.id): 4}


def test_a_lot_of_which_nothing_is_said_is_the_plainest() -> None:
    """Bonus, of the usual priority, for anything; nothing of it rolls over and nothing recurs."""
    item = TimelineLot("a", 9, START)
    assert (item.kind, item.priority, item.scopes, item.recurrence) == (BONUS, 50, (), None)
    assert (item.expires_at, item.ended_at, item.created_at, item.opening) == (None, None, None, None)
    assert (item.rollover_min, item.rollover_max) == (0, 0)


def test_every_change_is_written_down() -> None:
    """What opened, was forfeited, refilled, raised, drawn and voided, each at its instant and signed."""
    lots = [
        lot("often", 5, opening=3, recurrence=Recurrence("PT2H", hour(0))),
        lot("rolls", 9, opening=1, rollover_min=4, rollover_max=6, priority=90),
    ]
    found = play(
        *lots,
        usages=[Usage(hour(1), 2)],
        resets=[Reset(hour(3))],
        voids=[Void(hour(4), "rolls", 3)],
        until=hour(4),
    )
    assert found.changes == (
        Change(hour(0), "often", Cause.OPENED, 3),
        Change(hour(0), "rolls", Cause.OPENED, 1),
        Change(hour(1), "often", Cause.DRAWN, -2),
        Change(hour(2), "often", Cause.FORFEITED, -1),
        Change(hour(2), "often", Cause.REFILLED, 5),
        Change(hour(3), "often", Cause.FORFEITED, -5),
        Change(hour(3), "rolls", Cause.RAISED, 3),
        Change(hour(4), "rolls", Cause.VOIDED, -3),
        Change(hour(4), "often", Cause.REFILLED, 5),
    )
    assert (found.since, found.standing) == (START, Standing(hour(4), {"often": 5, "rolls": 1}))


def test_voids_of_one_instant_have_an_order() -> None:
    """Those of a lot before those of any, by its name, the smaller first, all that is left at the end."""
    lots = [lot("a", 5), lot("b", 9, priority=1), lot("c", 9, priority=90)]
    voids = [
        Void(hour(1)),
        Void(hour(1), amount=3),
        Void(hour(1), amount=2),
        Void(hour(1), "b"),
        Void(hour(1), "b", 4),
        Void(hour(1), "b", 1),
        Void(hour(1), "a", 1),
    ]
    found = play(*lots, voids=voids)
    assert [(item.lot_id, -item.amount) for item in found.changes if item.cause is Cause.VOIDED] == [
        ("a", 1),
        ("b", 1),
        ("b", 4),
        ("b", 4),
        ("a", 2),
        ("a", 2),
        ("c", 1),
        ("c", 8),
    ]
    backwards = play(*lots, voids=voids[::-1])
    assert (backwards.changes, backwards.standing) == (found.changes, found.standing)


def test_overage_that_a_reset_preserves_is_paid_at_it() -> None:
    """The settlement bears the instant of the reset, and takes what rolled over."""
    use = Usage(hour(1), 7, ("film",))
    found = play(
        lot("films", 5, scopes=("film",)),
        lot("rolls", 9, opening=0, rollover_min=4, rollover_max=4),
        usages=[use],
        resets=[Reset(hour(3), preserve_overage=True)],
    )
    assert found.settlements == (Settlement(use, hour(3), "rolls", 2),)
    assert found.balances == {"films": 0, "rolls": 2}


@pytest.mark.parametrize("gone", [{"ends": 2}, {"ended_at": hour(2)}])
def test_a_lot_that_is_over_rolls_nothing_over(gone: dict[str, object]) -> None:
    """A reset does not lift what has expired or was voided, however much of it was to roll over."""
    item = lot("a", 9, rollover_min=4, rollover_max=6, **gone)  # type: ignore[arg-type]
    assert play(item, resets=[Reset(hour(3))]).balances == {"a": 0}


def test_a_recurrence_stops_with_the_lot_and_with_the_calendar() -> None:
    """No refill comes at the end of a lot or after the last day of the year 9999."""
    item = lot("a", 5, ends=4, recurrence=Recurrence("PT2H", hour(0)))
    refilled = [change.at for change in play(item).changes if change.cause is Cause.REFILLED]
    assert refilled == [hour(2)]
    last = TimelineLot("a", 5, LAST_YEAR, recurrence=Recurrence("P5M", LAST_YEAR))
    found = timeline([last], [Usage(LAST - timedelta(seconds=1), 2)], since=LAST_YEAR, until=LAST)
    assert [change.at.month for change in found.changes if change.cause is Cause.REFILLED] == [6, 11]
    assert found.balances == {"a": 3}


def test_a_duration_has_seven_units() -> None:
    """Years count as twelve months; weeks, days, hours, minutes and seconds are of fixed length."""
    every = Recurrence("P1Y2M3W4DT5H6M7S", START).every
    assert (every.months, every.rest) == (
        14,
        timedelta(weeks=3, days=4, hours=5, minutes=6, seconds=7),
    )
    assert Recurrence("PT90M", START).every.rest == timedelta(hours=1.5)
    assert Recurrence("PT45S", START).every.rest == timedelta(seconds=45)
    assert Recurrence(every, START) == Recurrence("P14M25DT5H6M7S", START)


@pytest.mark.parametrize(
    ("every", "anchor", "after", "wanted"),
    [
        ("P1M", (2, 1, 15), (1, 10, 31), [(1, 11, 15), (1, 12, 15), (2, 1, 15)]),
        ("P1M", (1, 3, 1), (1, 1, 1), [(1, 2, 1), (1, 3, 1)]),
        ("P1D", (1, 1, 3), (1, 1, 1), [(1, 1, 2), (1, 1, 3)]),
        ("P1D", (9999, 12, 30), (9999, 12, 29), [(9999, 12, 30), (9999, 12, 31)]),
        ("P1M", (9999, 11, 30), (9999, 11, 1), [(9999, 11, 30), (9999, 12, 30)]),
        ("P1M", (2026, 3, 1), (2026, 1, 31), [(2026, 2, 1), (2026, 3, 1)]),
        ("P1M", (2026, 3, 1), (2026, 2, 1), [(2026, 3, 1), (2026, 4, 1)]),
    ],
)
def test_a_recurrence_reaches_both_ends_of_the_calendar(
    every: str, anchor: tuple[int, int, int], after: tuple[int, int, int], wanted: list[tuple[int, int, int]]
) -> None:
    """In the year 1 and on the last days of 9999 it counts as anywhere else, and then it is over."""
    found = Recurrence(every, datetime(*anchor, tzinfo=UTC)).after(datetime(*after, tzinfo=UTC))
    expected = [datetime(*day, tzinfo=UTC) for day in wanted]
    assert [at for at, _ in zip(found, expected, strict=False)] == expected
    if wanted[-1][:2] == (9999, 12):
        assert list(found) == []
