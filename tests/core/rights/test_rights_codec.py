"""A book of rights as bytes: what was written is read back, and nothing else is read."""

from __future__ import annotations

import json
from fractions import Fraction
from random import Random

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import BuddyError, LicenceId, PartnerId
from buddy_core.rights import (
    BookUnreadable,
    Licence,
    TitleRights,
    book_body,
    book_from_body,
    revise,
)
from tests.contracts.cases import AT, title, uid
from tests.core.rights.edits import DAY, TITLE, Edits


def some_book(seed: int) -> TitleRights:
    """Return a book after some random edits."""
    edits, book = Edits(Random(seed)), None
    for step in range(12):
        at = AT + step * DAY
        try:
            book = revise(book, edits.some(book, at), title_id=TITLE, at=at, by="me", reason="agreed")
        except BuddyError:
            continue
    return book or TitleRights(TITLE, 1, AT, "me", "nothing")


@given(st.integers(min_value=0, max_value=2**32))
def test_a_book_comes_back_from_its_body(seed: int) -> None:
    """The same value, and of it the same bytes."""
    book = some_book(seed)
    assert book_from_body(book_body(book)) == book


@given(
    st.fractions(min_value=0, max_value=1),
    st.fractions(min_value=0, max_value=1),
    st.text(st.characters(exclude_categories=["Cs"])),
)
def test_fractions_and_words_come_back_exactly(share: Fraction, ownership: Fraction, reason: str) -> None:
    """A third is a third: two whole numbers, however large."""
    licence = Licence(
        LicenceId(uid(1)), TITLE, PartnerId(uid(2)), share, ("IN",), AT, None, ownership, assets=("trailer",)
    )
    book = TitleRights(TITLE, 1, AT, "me", reason, (licence,))
    assert book_from_body(book_body(book)) == book


@given(st.integers(min_value=0, max_value=2**16), st.data())
def test_an_altered_body_is_refused_or_another_book(seed: int, data: st.DataObject) -> None:
    """No two bodies are one book: a byte changed is refused, or read as something else."""
    book = some_book(seed)
    raw = bytearray(book_body(book))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = book_from_body(bytes(raw))
    except BookUnreadable:
        return
    assert (found == book) == (bytes(raw) == book_body(book))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"form":NaN}',
        b'{"form":2}',
        b'{"form":1,"title_id":7}',
    ],
)
def test_what_is_no_body_is_refused(raw: bytes) -> None:
    """Whatever the bytes are, the refusal has its code and says what to do."""
    with pytest.raises(BookUnreadable, match="Restore"):
        book_from_body(raw)


def test_another_form_of_the_same_is_refused() -> None:
    """Blanks, another order, a fraction that could be shortened: not what was written."""
    book = some_book(3)
    body = json.loads(book_body(book))
    with pytest.raises(BookUnreadable, match="canonical"):
        book_from_body(json.dumps(body).encode())
    with pytest.raises(BookUnreadable, match="form"):
        book_from_body(json.dumps({**body, "form": 2}).encode())


def test_a_thing_of_another_title_is_not_written() -> None:
    """The body names its title once, for all that is in it."""
    licence = Licence(LicenceId(uid(1)), title(2), PartnerId(uid(2)), Fraction(1), ("IN",), AT)
    book = TitleRights(TITLE, 1, AT, "me", "", (licence,))
    with pytest.raises(BookUnreadable, match="of the title"):
        book_body(book)
    assert book_body(evolve(book, licences=(evolve(licence, title_id=TITLE),)))
