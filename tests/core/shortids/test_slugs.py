"""Slugs: kebab, limited, numbered when taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.shortids import (
    MAX_SLUG,
    ShortId,
    SlugIllegal,
    check_slug,
    next_slug,
    path,
    slug_from,
)

SLUGS = st.from_regex(r"[a-z0-9]{1,20}(-[a-z0-9]{1,20}){0,2}", fullmatch=True)


def test_kebab() -> None:
    """Everything but letters and digits becomes single hyphens between words."""
    assert slug_from("  Naruto:  The LAST!? ", str) == "naruto-the-last"
    assert slug_from("Schindler's List", str) == "schindlers-list"


def test_title_without_words() -> None:
    """A title of signs alone gets the fallback, so that no link is without a slug."""
    assert slug_from("!?…", str) == "untitled"
    assert slug_from("", str, fallback="film") == "film"


def test_long_title_ends_at_a_word() -> None:
    """A long title is cut between words, and a single endless word inside."""
    assert slug_from("word " * 40, str) == "-".join(["word"] * 16)
    assert slug_from("x" * 200, str) == "x" * MAX_SLUG


def test_numbers_go_up() -> None:
    """The second of one name gets -2, the third -3."""
    taken = set[str]()
    for expected in ("naruto-the-last", "naruto-the-last-2", "naruto-the-last-3"):
        slug = next_slug("naruto-the-last", taken)
        assert slug == expected
        taken.add(slug)


@given(SLUGS, st.integers(0, 12))
def test_next_slug_is_free_and_legal(slug: str, times: int) -> None:
    """However many of one name there are, the next slug is legal, short enough and not taken."""
    taken = set[str]()
    for _ in range(times + 1):
        following = next_slug(slug, taken)
        assert following not in taken
        assert check_slug(following) == following
        taken.add(following)


def test_number_fits_into_the_limit() -> None:
    """A slug as long as allowed is shortened to make room for its number."""
    assert next_slug("x" * MAX_SLUG, {"x" * MAX_SLUG}) == "x" * (MAX_SLUG - 2) + "-2"


@pytest.mark.parametrize("text", ["", "-a", "a-", "a--b", "A", "a_b", "naïve", "a b", "a" * 81, "a\n"])
def test_illegal_slug(text: str) -> None:
    """A slug by hand must be kebab-case ASCII of limited length."""
    with pytest.raises(SlugIllegal):
        check_slug(text)


def test_path() -> None:
    """The canonical link holds type, id and slug."""
    assert path("film", ShortId("t9k2"), "naruto-the-last") == "/film/t9k2/naruto-the-last"
