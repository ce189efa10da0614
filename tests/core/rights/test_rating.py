"""Certificates: what is understood, what is shown, and which one counts where."""

from __future__ import annotations

import pytest

from buddy_core.kernel import CountryUnknown
from buddy_core.rights import SCALE, RatingUnknown, SetRating, age_of, canonical, rating_for, revise
from tests.contracts.cases import AT
from tests.core.rights.edits import TITLE


@pytest.mark.parametrize(
    ("written", "shown", "age"),
    [
        ("U", "U", 0),
        ("ua 7+", "UA 7+", 7),
        ("U/A 13+", "UA 13+", 13),
        ("UA16", "UA 16+", 16),
        ("A", "A", 18),
        ("u/a", "UA", 12),
        ("PG", "PG", 8),
        ("12a", "12A", 12),
        ("15", "15", 15),
        ("pg13", "PG-13", 13),
        ("NC17", "NC-17", 18),
        ("tv-ma", "TV-MA", 17),
        ("15+", "15+", 15),
        ("fsk12", "FSK 12", 12),
        ("MA15+", "MA 15+", 15),
    ],
)
def test_a_certificate_is_understood_however_it_is_written(written: str, shown: str, age: int) -> None:
    """Capitals, blanks, hyphens and strokes make no difference; it is shown as its board writes it."""
    assert (canonical(written), age_of(written)) == (shown, age)


def test_the_scale_rises() -> None:
    """The five certificates of the project stand in the order of their ages."""
    assert list(SCALE.values()) == sorted(SCALE.values())
    assert list(SCALE) == ["U", "UA 7+", "UA 13+", "UA 16+", "A"]


@pytest.mark.parametrize("label", ["", "+", "UA 8+", "XXX", "a" * 10_000])
def test_what_is_no_certificate_is_refused(label: str) -> None:
    """The refusal names some that there are, and stays short."""
    with pytest.raises(RatingUnknown) as refused:
        age_of(label)
    assert len(refused.value.message()) < 250


def test_one_title_shows_ua_in_india_and_15_in_britain() -> None:
    """The most specific territory decides; where none is, the title's own certificate."""
    edits = [
        SetRating(("*", "IN"), "A"),
        SetRating(("IN",), "U/A"),
        SetRating(("EU",), "FSK 16"),
        SetRating(("EEA",), "18"),
        SetRating(("GB",), "15"),
    ]
    book = revise(None, edits, title_id=TITLE, at=AT, by="me", reason="certified")
    shown = {country: rating_for(book, "U", country) for country in ("IN", "GB", "DE", "NO", "US")}
    assert shown == {
        "IN": ("UA", 12),
        "GB": ("15", 15),
        "DE": ("FSK 16", 16),
        "NO": ("18", 18),
        "US": ("A", 18),
    }
    assert rating_for(None, "u/a 7+", "IN") == ("UA 7+", 7)
    less = revise(book, [SetRating(("IN", "*"), None)], title_id=TITLE, at=AT, by="me", reason="undone")
    assert (rating_for(less, "U", "IN"), rating_for(less, "U", "US")) == (("U", 0), ("U", 0))
    with pytest.raises(CountryUnknown):
        rating_for(book, "U", "UK")


def test_the_first_certificate_of_a_book_that_has_a_country_is_the_one_that_counts() -> None:
    """Certificates are kept most specific first, so that whoever reads them in order finds the same."""
    edits = [SetRating(("*",), "A"), SetRating(("SAARC",), "15"), SetRating(("IN",), "U")]
    book = revise(None, edits, title_id=TITLE, at=AT, by="me", reason="certified")
    for country in ("IN", "PK", "US"):
        first = next(item for item in book.ratings if country in item.territories)
        assert (first.label, first.age) == rating_for(book, "U", country)
