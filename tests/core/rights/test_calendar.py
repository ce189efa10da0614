"""The calendar of rights: spells, gaps, types at once, what comes, and why something is not available."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from random import Random

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import BuddyError, CountryUnknown
from buddy_core.kernel.ids import TakedownId, WindowId
from buddy_core.rights import (
    AddLicence,
    AddWindow,
    BadSpan,
    Closed,
    RightsEdit,
    TakeDown,
    TitleRights,
    WindowType,
    calendar,
    gaps,
    revise,
    spells,
    together,
    upcoming,
    why_not,
)
from tests.contracts.cases import AT, uid
from tests.core.rights.edits import ONE_OF_EACH_KIND, TITLE, Edits, days, is_at
from tests.core.rights.test_revising import licence, window


def book_of(*edits: RightsEdit, at: datetime = AT) -> TitleRights:
    """Return a book with these in it."""
    return revise(None, edits, title_id=TITLE, at=at, by="me", reason="agreed")


PLAN = book_of(
    AddLicence(licence(1, 0, 100, territories=("*",))),
    AddWindow(window(1, 10, 20, type=WindowType.CINEMA)),
    AddWindow(window(2, 20, 40)),
    AddWindow(window(3, 30, 50, type=WindowType.SVOD)),
    AddWindow(window(4, 60, None, type=WindowType.AVOD)),
)


def told(spells: tuple[object, ...]) -> list[tuple[int, int]]:
    """Return the days of spells."""
    return [((item.starts_at - AT).days, (item.ends_at - AT).days) for item in spells]  # type: ignore[attr-defined]


def test_gaps_and_types_at_once_are_found() -> None:
    """Licensed time in which nothing is sold or shown is a gap, cinema or not; two types at once are told."""
    assert told(gaps(PLAN, "IN", days(0), days(120))) == [(0, 10), (10, 20), (50, 60)]
    assert told(together(PLAN, "IN", days(0), days(120))) == [(30, 40)]
    after = [item for item in spells(PLAN, "IN", days(0), days(120)) if item.is_unlicensed]
    assert told(tuple(after)) == [(100, 120)]
    assert [item.id for item in upcoming(PLAN, "IN", days(30))] == [WindowId(uid(4))]
    assert upcoming(None, "IN", AT) == ()


def test_countries_with_the_same_rights_stand_together() -> None:
    """One strip for a region, one for what is cut out of it, one for the rest of the world."""
    book = book_of(
        AddLicence(licence(1, 0, 100, territories=("EU",))),
        AddWindow(window(1, 0, 9, territories=("FR",))),
    )
    strips = calendar(book, days(0), days(10))
    assert sorted(len(strip.countries) for strip in strips) == [1, 26, 222]
    assert {strip.countries for strip in strips if len(strip.countries) == 1} == {("FR",)}


@given(st.integers(min_value=0, max_value=2**32))
def test_the_calendar_says_what_the_book_says(seed: int) -> None:
    """Spells follow each other without a hole, and tell of each instant what its windows and licences do."""
    edits, book = Edits(Random(seed)), None
    for _ in range(15):
        try:
            book = revise(book, edits.some(book, AT), title_id=TITLE, at=AT, by="me", reason="agreed")
        except BuddyError:
            continue
    for country in ONE_OF_EACH_KIND:
        found = spells(book, country, days(-5), days(25))
        assert (found[0].starts_at, found[-1].ends_at) == (days(-5), days(25))
        assert all(one.ends_at == two.starts_at for one, two in pairwise(found))
        for day in range(-5, 25):
            [spell] = [item for item in found if item.starts_at <= days(day) < item.ends_at]
            windows = [item for item in (book.windows if book else ()) if country in item.territories]
            assert {item.id for item in spell.windows} == {
                item.id for item in windows if is_at(item, days(day))
            }
            why = why_not(book, country, days(day))
            assert (why is None) is spell.is_available
            if why is not None:
                assert why.sentence.startswith(f"Not available in {country}: ")


@pytest.mark.parametrize(
    ("book", "day", "closed", "words"),
    [
        (None, 0, Closed.NO_LICENCE, "it has no licence at all; add a licence for AE"),
        (
            book_of(AddLicence(licence(1, territories=("IN",)))),
            5,
            Closed.NO_LICENCE,
            "its licence leaves it out; add a licence for AE",
        ),
        (PLAN, -1, Closed.LICENCE_NOT_YET, "begins only at 2026-11-21 10:00 UTC; wait for it"),
        (PLAN, 100, Closed.LICENCE_OVER, "ended at 2027-03-01 10:00 UTC; add a licence for AE"),
        (PLAN, 5, Closed.WINDOW_NOT_YET, "TVOD"),
        (PLAN, 15, Closed.CINEMA_ONLY, "in cinemas only"),
        (PLAN, 55, Closed.WINDOW_NOT_YET, "AVOD"),
        (
            evolve(PLAN, windows=PLAN.windows[1:2]),
            50,
            Closed.WINDOW_OVER,
            "closed at 2026-12-31 10:00 UTC; add a window for AE",
        ),
        (evolve(PLAN, windows=()), 50, Closed.NO_WINDOW, "no window sells or shows it"),
        (
            revise(
                PLAN,
                [TakeDown(TakedownId(uid(9)), ("AE",), "DMCA 7")],
                title_id=TITLE,
                at=days(1),
                by="me",
                reason="notice",
            ),
            30,
            Closed.TAKEN_DOWN,
            "(DMCA 7); restore it",
        ),
    ],
)
def test_why_it_is_not_available_is_told_with_the_way_to_change_it(
    book: TitleRights | None, day: int, closed: Closed, words: str
) -> None:
    """One reason, the thing it lies at, and what would change it."""
    why = why_not(book, "AE", days(day))
    assert why is not None
    assert (why.closed, why.country) == (closed, "AE")
    assert words in why.sentence


def test_what_is_available_has_no_why() -> None:
    """A window that sells or shows, under a licence: there is nothing to explain."""
    assert why_not(PLAN, "AE", days(30)) is None


def test_a_span_or_country_that_is_none_is_refused() -> None:
    """A span ends after it begins, and a country is one of ISO 3166-1."""
    with pytest.raises(BadSpan):
        spells(PLAN, "IN", days(3), days(3))
    for ask in (why_not, upcoming):
        with pytest.raises(CountryUnknown):
            ask(PLAN, "UK", AT)
