"""Ladders: which windows a release gives."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from buddy_core.rights import (
    AddWindow,
    BadLadder,
    InBookAlready,
    Ladder,
    Rung,
    Territories,
    WindowType,
    apply_ladder,
    revise,
)
from tests.core.rights.edits import TITLE

RELEASE = datetime(2026, 1, 1, tzinfo=UTC)
INDIA = Territories(("IN",))


def test_the_usual_ladder_gives_its_dates() -> None:
    """Festival day 1, cinema 30, collector and PVOD 90, TVOD 120, SVOD 180, AVOD 365; day 1: the release."""
    windows = apply_ladder(TITLE, RELEASE, INDIA)
    assert [(item.type.value, item.starts_at.date()) for item in windows] == [
        ("festival", date(2026, 1, 1)),
        ("cinema", date(2026, 1, 30)),
        ("collector", date(2026, 3, 31)),
        ("pvod", date(2026, 3, 31)),
        ("tvod", date(2026, 4, 30)),
        ("svod", date(2026, 6, 29)),
        ("avod", date(2026, 12, 31)),
    ]
    assert [item.ends_at.date() for item in windows if item.ends_at] == [
        date(2026, 1, 30),
        date(2026, 3, 31),
        date(2026, 4, 30),
    ]


def test_a_ladder_cannot_be_added_twice() -> None:
    """The same ladder for the same release has the same ids; in other territories it has others."""
    edits = [AddWindow(item) for item in apply_ladder(TITLE, RELEASE, INDIA)]
    book = revise(None, edits, title_id=TITLE, at=RELEASE, by="me", reason="released")
    with pytest.raises(InBookAlready):
        revise(book, edits, title_id=TITLE, at=RELEASE, by="me", reason="again")
    elsewhere = [AddWindow(item) for item in apply_ladder(TITLE, RELEASE, Territories(("*",), ("IN",)))]
    assert len(
        revise(book, elsewhere, title_id=TITLE, at=RELEASE, by="me", reason="world").windows
    ) == 2 * len(edits)


@pytest.mark.parametrize(
    "rungs",
    [
        [],
        [(WindowType.TVOD, 0, None)],
        [(WindowType.TVOD, 9, 9)],
        [(WindowType.TVOD, 1, None), (WindowType.TVOD, 5, None)],
        [(WindowType.TVOD, 1, 6), (WindowType.TVOD, 5, 9)],
    ],
)
def test_a_ladder_that_contradicts_itself_is_refused(rungs: list[tuple[WindowType, int, int | None]]) -> None:
    """No rung, a day before the first, an end before the start, or two of a type at once."""
    with pytest.raises(BadLadder):
        Ladder("mine", [Rung(*rung) for rung in rungs])


def test_a_ladder_may_have_a_type_twice_apart() -> None:
    """TVOD may pause for SVOD and come back; a day beyond the calendar is refused."""
    ladder = Ladder("mine", [Rung(WindowType.TVOD, 1, 5), Rung(WindowType.TVOD, 5, None)])
    first, second = apply_ladder(TITLE, RELEASE, INDIA, ladder)
    assert (first.ends_at, second.starts_at) == (second.starts_at, RELEASE + timedelta(days=4))
    with pytest.raises(BadLadder, match="9999"):
        apply_ladder(TITLE, datetime(9999, 12, 30, tzinfo=UTC), INDIA, ladder)
