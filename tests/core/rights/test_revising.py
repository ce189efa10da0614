"""How a book of rights may change: the laws under any edits, and what each refusal says."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from buddy_core.kernel import BuddyError, LicenceId, PartnerId
from buddy_core.kernel.ids import TakedownId, WindowId
from buddy_core.rights import (
    AddLicence,
    AddWindow,
    AlterWindow,
    BadRightsChange,
    BadWindow,
    EndLicence,
    EndWindow,
    InBookAlready,
    Licence,
    NotExclusive,
    NotInBook,
    OwnershipNotWhole,
    PastIsFixed,
    RemoveLicence,
    RemoveWindow,
    Restore,
    RightsEdit,
    SetRating,
    TakeDown,
    TakedownOver,
    Territories,
    TitleRights,
    Window,
    WindowsOverlap,
    WindowType,
    book_body,
    book_from_body,
    rating_for,
    revise,
)
from tests.contracts.cases import AT, title, uid
from tests.core.rights.edits import DAY, TITLE, Edits, broken_laws, days, rewritten

EVERY_REFUSAL = {
    "rights.bad_change",
    "rights.bad_licence",
    "rights.bad_window",
    "rights.in_book_already",
    "rights.not_exclusive",
    "rights.not_in_book",
    "rights.ownership_not_whole",
    "rights.past_is_fixed",
    "rights.rating_unknown",
    "rights.takedown_over",
    "rights.windows_overlap",
}
EVERY_EDIT = {
    "AddLicence",
    "AddWindow",
    "AlterWindow",
    "EndLicence",
    "EndWindow",
    "RemoveLicence",
    "RemoveWindow",
    "Restore",
    "SetRating",
    "TakeDown",
}


def make(book: TitleRights | None, *changes: RightsEdit, at: datetime = AT) -> TitleRights:
    """Make changes to a book."""
    return revise(book, changes, title_id=TITLE, at=at, by="me", reason="agreed")


def window(number: int = 1, start: int = 1, end: int | None = 10, **changes: Any) -> Window:
    """Return a worldwide TVOD window between two days."""
    ends_at = None if end is None else days(end)
    found = Window(WindowId(uid(number)), TITLE, WindowType.TVOD, ("*",), days(start), ends_at)
    return evolve(found, **changes)


def licence(number: int = 1, start: int = 1, end: int | None = 10, **changes: Any) -> Licence:
    """Return a worldwide licence between two days that owns all of the title."""
    values: dict[str, Any] = {
        "id": LicenceId(uid(number)),
        "title_id": TITLE,
        "partner_id": PartnerId(uid(number)),
        "share": Fraction(1, 2),
        "territories": ("*",),
        "starts_at": days(start),
        "ends_at": None if end is None else days(end),
    }
    return Licence(**{**values, **changes})


def test_the_laws_hold_whatever_the_edits() -> None:
    """No two windows of a type meet, ownership is whole, the past stays; each refusal fires often."""
    fired: Counter[str] = Counter()

    @settings(max_examples=700)
    @given(st.integers(min_value=0, max_value=2**32))
    def under_edits(seed: int) -> None:
        random = Random(seed)
        edits, book, at = Edits(random), None, AT
        for _ in range(25):
            at += random.choice((0, 0, 1, 2)) * DAY
            changes = edits.some(book, at)
            try:
                after = revise(book, changes, title_id=TITLE, at=at, by="me", reason="agreed")
            except BuddyError as error:
                fired[error.code] += 1
                continue
            fired.update({type(change).__name__ for change in changes})
            assert broken_laws(after) == []
            assert book is None or rewritten(book, after) == []
            assert (after.revision, after.recorded_at) == (book.revision + 1 if book else 1, at)
            assert book_from_body(book_body(after)) == after
            book = after

    under_edits()
    assert set(fired) == EVERY_REFUSAL | EVERY_EDIT
    assert {name: times for name, times in fired.items() if times < 50} == {}


def test_an_overlap_names_both_windows_the_place_and_the_instant() -> None:
    """Whoever planned it reads where and when they meet, and what to do."""
    book = make(None, AddWindow(window(1, territories=("IN", "AE"))))
    with pytest.raises(WindowsOverlap) as refused:
        make(book, AddWindow(window(2, 9, 20, territories=("*",), id=WindowId(uid(2)))))
    error = refused.value
    assert (error.first, error.second, error.territory, error.at) == (uid(1), uid(2), "AE", days(9))
    assert "exclude AE" in error.message()
    assert str(uid(1)) in error.message()
    assert len(make(book, AddWindow(window(2, 10, 20))).windows) == 2
    assert len(make(book, AddWindow(window(2, type=WindowType.SVOD))).windows) == 2


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ((Fraction(9_999, 10_000),), "99.99 %"),
        ((Fraction(1, 3), Fraction(1, 3)), "about 66.6666 %"),
        ((Fraction(1), Fraction(1, 10_000)), "100.01 %"),
    ],
)
def test_ownership_that_is_not_whole_is_refused_with_its_sum(parts: tuple[Fraction, ...], told: str) -> None:
    """99.99 per cent is not 100: the place, the instant and the sum are named."""
    adding = [AddLicence(licence(1 + n, ownership=part, share=Fraction(0))) for n, part in enumerate(parts)]
    with pytest.raises(OwnershipNotWhole) as refused:
        make(None, *adding)
    assert (refused.value.territory, refused.value.at) == ("AD", days(1))
    assert told in refused.value.message()


def test_co_owners_must_begin_and_end_together() -> None:
    """One who ends a day earlier leaves a part that nobody owns from then on."""
    thirds = (Fraction(1, 3), Fraction(2, 3))
    with pytest.raises(OwnershipNotWhole) as refused:
        make(
            None,
            AddLicence(licence(1, 1, 9, ownership=thirds[0])),
            AddLicence(licence(2, 1, 10, ownership=thirds[1])),
        )
    assert (refused.value.at, refused.value.total) == (days(9), thirds[1])
    both = make(None, *(AddLicence(licence(1 + n, ownership=part)) for n, part in enumerate(thirds)))
    assert len(both.licences) == 2
    one = make(both, *(EndLicence(item.id, days(5)) for item in both.licences), AddLicence(licence(3, 5, 20)))
    assert [item.ends_at for item in one.licences] == [days(5), days(5), days(20)]


def test_a_share_is_of_the_partner_s_own_part() -> None:
    """Co-owners may have all of what their parts earn, or little: shares are not added up."""
    halves = [
        licence(n, ownership=Fraction(1, 2), share=share)
        for n, share in ((1, Fraction(1)), (2, Fraction(9, 10)))
    ]
    assert [item.share for item in make(None, *map(AddLicence, halves)).licences] == [1, Fraction(9, 10)]


def test_a_licence_has_a_number_that_stays() -> None:
    """It follows from the id alone, is the same for ever, and does not show the id."""
    numbers = {licence(n).number for n in range(1, 500)}
    assert len(numbers) == 499
    assert all(re.fullmatch("L-[a-z2-7]{10}", number) for number in numbers)
    assert licence(1).number == licence(1, 5, None, share=Fraction(0)).number == "L-pq6m2ef3p3"


def test_an_exclusive_licence_stands_with_its_co_owners_alone() -> None:
    """Another partner who owns nothing there is kept out; one who owns a part is not."""
    alone = make(None, AddLicence(licence(1, is_exclusive=True)))
    with pytest.raises(NotExclusive) as refused:
        make(alone, AddLicence(licence(2, 4, 6, ownership=Fraction(0), share=Fraction(0))))
    assert (refused.value.exclusive, refused.value.other, refused.value.at) == (uid(1), uid(2), days(4))
    halves = [licence(n, ownership=Fraction(1, 2), is_exclusive=n == 1) for n in (1, 2)]
    assert len(make(None, *map(AddLicence, halves)).licences) == 2
    # The same partner may add a licence of nothing beside its own, for other assets.
    more = licence(2, 4, 6, ownership=Fraction(0), share=Fraction(0), partner_id=PartnerId(uid(1)))
    assert len(make(alone, AddLicence(more)).licences) == 2


def test_the_past_of_a_window_is_not_rewritten() -> None:
    """One that has begun takes a new end from now on and nothing else; one that is over takes nothing."""
    book, now = make(None, AddWindow(window(1, 1, 10))), days(5)
    begun = book.windows[0]
    for change in (
        AlterWindow(evolve(begun, starts_at=days(6))),
        AlterWindow(evolve(begun, territories=("IN",))),
        AlterWindow(evolve(begun, type=WindowType.SVOD, ends_at=days(8))),
        EndWindow(begun.id, days(4)),
        RemoveWindow(begun.id),
    ):
        with pytest.raises(PastIsFixed, match=r"begun|past"):
            make(book, change, at=now)
    assert make(book, EndWindow(begun.id, now), at=now).windows[0].ends_at == now
    assert make(book, AlterWindow(evolve(begun, ends_at=None)), at=now).windows[0].ends_at is None
    with pytest.raises(PastIsFixed, match="ended"):
        make(book, EndWindow(begun.id, days(30)), at=days(10))


def test_a_window_that_has_not_begun_may_change_and_go() -> None:
    """Its start may move to now or later, never into the past."""
    book, now = make(None, AddWindow(window(1, 5, 10))), days(2)
    moved = window(1, 2, 4, territories=("IN",))
    assert make(book, AlterWindow(moved), at=now).windows == (moved,)
    with pytest.raises(PastIsFixed, match="which is past"):
        make(book, AlterWindow(window(1, 1, 4)), at=now)
    assert make(book, RemoveWindow(WindowId(uid(1))), at=now).windows == ()
    with pytest.raises(BadWindow):
        make(book, EndWindow(WindowId(uid(1)), days(4)), at=now)


def test_a_licence_ends_now_or_later_and_changes_in_nothing_else() -> None:
    """There is no edit of its partner, share, start or territories; one that has not begun may go."""
    book = make(None, AddLicence(licence(1, 1, 10)))
    assert make(book, EndLicence(LicenceId(uid(1)), None), at=days(5)).licences[0].ends_at is None
    with pytest.raises(PastIsFixed):
        make(book, EndLicence(LicenceId(uid(1)), days(4)), at=days(5))
    with pytest.raises(PastIsFixed):
        make(book, RemoveLicence(LicenceId(uid(1))), at=days(5))
    assert make(book, RemoveLicence(LicenceId(uid(1))), at=AT).licences == ()


def test_a_takedown_begins_and_ends_now() -> None:
    """It is restored once, and says when; a notice is needed."""
    taking = TakeDown(TakedownId(uid(1)), ("IN",), " DMCA 7, by the studio ")
    book = make(None, taking, at=days(1))
    assert [(item.starts_at, item.ends_at, item.notice) for item in book.takedowns] == [
        (days(1), None, "DMCA 7, by the studio")
    ]
    back = make(book, Restore(TakedownId(uid(1))), at=days(3))
    assert back.takedowns[0].ends_at == days(3)
    with pytest.raises(TakedownOver):
        make(back, Restore(TakedownId(uid(1))), at=days(4))
    with pytest.raises(BadRightsChange, match="notice"):
        make(book, evolve(taking, takedown_id=TakedownId(uid(2)), notice=" "))
    with pytest.raises(InBookAlready):
        make(book, taking)


def test_changes_are_made_together_and_in_order() -> None:
    """What would be refused half way is right in the end, and what cannot be leaves the book as it was."""
    book = make(None, AddWindow(window(1, 1, 10)))
    after = make(book, AddWindow(window(2, 5, 20)), EndWindow(WindowId(uid(1)), days(5)))
    assert [item.ends_at for item in after.windows] == [days(5), days(20)]
    with pytest.raises(NotInBook):
        make(book, RemoveWindow(WindowId(uid(1))), EndWindow(WindowId(uid(1)), days(5)), at=AT)
    with pytest.raises(BadRightsChange, match="nothing"):
        make(book)
    with pytest.raises(BadRightsChange, match="not"):
        revise(book, [RemoveWindow(WindowId(uid(1)))], title_id=title(2), at=AT, by="me", reason="")


def test_a_revision_is_never_dated_before_the_one_it_follows() -> None:
    """A clock that is late moves nothing into the past: what was known then stays the last known by then."""
    book = make(None, AddWindow(window(1, 1, 10)), at=days(5))
    after = make(book, SetRating(("*",), "U"), at=days(3))
    assert (after.revision, after.recorded_at) == (2, days(5))


def test_a_book_holds_only_so_much() -> None:
    """A thousand things are far more than a title has; the refusal says how to need fewer."""
    many = [AddWindow(window(n, n, n + 1)) for n in range(1, 1_002)]
    with pytest.raises(BadRightsChange, match="above 1000"):
        make(None, *many)


def test_a_certificate_is_taken_away_by_its_own_code() -> None:
    """Taking away what is not there, or more than was named, is refused; nothing seems done that is not."""
    book = make(None, SetRating(("*",), "A"), SetRating(("EU",), "15"))
    for places in (("IN",), Territories(("IN", "EU")), Territories(("EU",), ("FR",))):
        with pytest.raises(BadRightsChange):
            make(book, SetRating(places, None))
    for places in (Territories(("IN",), ("IN",)), Territories(("EU", "FR"), ("EU",))):
        for label in ("15", None):
            with pytest.raises(BadRightsChange, match="no country"):
                make(book, SetRating(places, label))
    without = make(book, SetRating(("EU",), None))
    assert [rating.territories.included for rating in without.ratings] == [("*",)]
    less = make(book, SetRating(Territories(("*",), ("IN",)), "A"))
    assert rating_for(less, "U", "IN") == ("U", 0)
