"""Every counter is accounted for, and an altered row is named."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.shortids import (
    Assignment,
    Fault,
    LengthAccount,
    Origin,
    ShortId,
    ShortIdSpace,
    WordList,
    account,
    capacity,
)
from buddy_core.shortids.rules.permutation import permutation

KEY = bytes(range(32))
AT = datetime(2026, 11, 21, tzinfo=UTC)
IDS = permutation(KEY, "film", 4)


def generated(counter: int) -> Assignment:
    """Return the assignment that a counter gives."""
    text = ShortId(IDS.text(counter))
    return Assignment("film", text, UUID(int=counter), Origin.GENERATED, AT, counter)


def by_hand(text: str) -> Assignment:
    """Return an assignment by hand."""
    return Assignment("film", ShortId(text), UUID(int=1 << 64), Origin.MANUAL, AT)


@given(st.integers(1, 300), st.data())
def test_sum_holds(passed: int, data: st.DataObject) -> None:
    """Passed counters are issued, by hand, skipped or given up: each is one of them, and only one."""
    kinds = data.draw(st.lists(st.sampled_from("imx"), min_size=passed, max_size=passed))
    rows = [generated(at) for at, kind in enumerate(kinds) if kind == "i"]
    rows += [by_hand(IDS.text(at)) for at, kind in enumerate(kinds) if kind == "m"]
    words = WordList(("a", "k"))
    lost = [IDS.text(at) for at, kind in enumerate(kinds) if kind == "x"]
    skipped = sum(words.skips(text) for text in lost)
    found = account(ShortIdSpace("film", KEY, counter=passed), rows, words)
    assert found.lengths == (
        LengthAccount(4, passed, kinds.count("i"), kinds.count("m"), skipped, len(lost) - skipped),
    )
    assert found.faults == ()


def test_unused_manual_ids_do_not_count() -> None:
    """An id by hand whose counter has not come yet, or never will, uses up nothing."""
    found = account(ShortIdSpace("film", KEY, counter=10), [by_hand(IDS.text(11)), by_hand("o0o0")])
    assert (found.lengths[0].by_hand, found.lengths[0].issued) == (0, 0)


def test_each_length_is_counted() -> None:
    """A space that has grown accounts for every length up to its own."""
    space = ShortIdSpace("film", KEY, length=5, counter=7)
    found = account(space, (), WordList(()))
    assert [(row.length, row.passed, row.given_up) for row in found.lengths] == [
        (4, capacity(4), capacity(4)),
        (5, 7, 7),
    ]
    assert found.given_up == capacity(4) + 7


def test_altered_rows_are_named() -> None:
    """A counter that does not give its id, was never reserved, or an id that is there twice is a fault."""
    good, moved, ahead = generated(1), evolve(generated(2), counter=3), generated(50)
    foreign = evolve(generated(4), type="genre")
    twice = [by_hand("l0ve"), by_hand("1ove")]
    rows = [good, moved, ahead, foreign, *twice]
    found = account(ShortIdSpace("film", KEY, counter=10), rows)
    assert set(found.faults) == {
        Fault(IDS.text(2), "is not the id of its counter 3"),
        Fault(IDS.text(50), "has the counter 50, which was never reserved"),
        Fault(IDS.text(4), "is of type genre, not film"),
        Fault("1ove", "is the same id as l0ve"),
    }
