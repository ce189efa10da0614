"""Poster art."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_adapters.media import Palette, Poster, draw_poster, placeholder_colour
from buddy_adapters.media.posters import MOTIFS, title_lines

POSTER = Poster("Salt Road", "Blue Lantern", "salt", Palette("#3b1f2b", "#b4533c", "#f2c57c", "#fff4de"), 23)
# What XML can hold at all; titles are validated long before.
TEXT = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30)


@pytest.mark.parametrize("motif", sorted(MOTIFS))
@pytest.mark.parametrize("portrait", [True, False])
def test_every_motif_is_well_formed_in_both_shapes(motif: str, portrait: bool) -> None:
    """Each drawing is one SVG document of its shape, without script, link or outside address."""
    art = draw_poster(evolve(POSTER, motif=motif), portrait=portrait)
    root = ElementTree.fromstring(art)
    assert root.get("viewBox") == ("0 0 800 1200" if portrait else "0 0 1600 900")
    assert re.findall(r"<script|href|@import|https?://(?!www\.w3\.org/2000/svg)", art) == []


def test_the_same_title_gives_the_same_poster() -> None:
    """Drawn twice the bytes are equal; another seed moves things."""
    kites = evolve(POSTER, motif="kites")
    assert draw_poster(kites, portrait=True) == draw_poster(kites, portrait=True)
    assert draw_poster(kites, portrait=True) != draw_poster(evolve(kites, seed=24), portrait=True)


@given(title=TEXT, credit=TEXT)
def test_any_text_is_safe(title: str, credit: str) -> None:
    """Whatever the words, the poster stays well formed and says them."""
    root = ElementTree.fromstring(draw_poster(evolve(POSTER, title=title, credit=credit), portrait=True))
    assert root.get("aria-label") == title
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert words == [credit.upper(), *title_lines(title.upper(), most=11)]


def test_art_alone_has_no_words() -> None:
    """The hero for a page that sets its own type holds no text."""
    assert "<text" not in draw_poster(POSTER, portrait=False, words=False)


def test_placeholder_lies_between_edge_and_ground() -> None:
    """The colour shown while loading is the mean of the two darkest."""
    assert placeholder_colour(POSTER.palette) == "#773933"


def test_an_unknown_motif_is_refused() -> None:
    """A motif that nobody drew is named, with those there are."""
    with pytest.raises(ValueError, match=r"'plaid'; there are: .*salt"):
        draw_poster(evolve(POSTER, motif="plaid"), portrait=True)
