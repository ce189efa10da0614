"""Titles of any script become ASCII slugs."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_adapters.text.slugs import SlugifyTransliterator
from buddy_core.shortids import MAX_SLUG, check_slug, next_slug, slug_from

to_ascii = SlugifyTransliterator().to_ascii


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("नारुतो द लास्ट", "naruto-da-last"),
        ("नमस्ते दुनिया", "namaste-duniya"),
        ("ज़िंदगी न मिलेगी दोबारा", "zindagi-na-milegi-dobara"),
        ("मेरा नाम जोकर", "mera-nam-jokar"),
        ("बदलापुर", "badlapur"),
        ("मुंबई २०२६", "mumbai-2026"),
        ("ॐ शांति ॐ", "om-shanti-om"),
        ("क़िस्मत", "qismat"),
        ("Naruto: नारुतो", "naruto-naruto"),
    ],
)
def test_hindi_titles(title: str, slug: str) -> None:
    """A Devanagari title is written as people type it, its silent vowels left out."""
    assert slug_from(title, to_ascii) == slug


@pytest.mark.parametrize("title", ["تاريخ الأندلس", "ناروتو", "বাংলা", "鬼滅の刃", "Война и мир"])
def test_other_scripts(title: str) -> None:
    """Arabic and other titles give a slug of ASCII words, and not the fallback."""
    slug = slug_from(title, to_ascii)
    assert check_slug(slug) == slug
    assert slug != "untitled"


def test_latin_titles() -> None:
    """Accents, ampersands and apostrophes leave plain words."""
    assert slug_from("Amélie & l’été", to_ascii) == "amelie-lete"
    assert slug_from("Schindler's List", to_ascii) == "schindlers-list"


def test_second_title_is_numbered() -> None:
    """The second title of one name gets -2."""
    slug = slug_from("Naruto: The Last", to_ascii)
    assert next_slug(slug, {slug}) == "naruto-the-last-2"


@given(st.text(max_size=200))
def test_every_title_has_a_slug(title: str) -> None:
    """Any text at all gives a legal slug of limited length."""
    slug = slug_from(title, to_ascii)
    assert check_slug(slug) == slug
    assert len(slug) <= MAX_SLUG


@given(st.text(st.characters(min_codepoint=0x900, max_codepoint=0x97F), min_size=1))
def test_devanagari_leaves_no_marker(text: str) -> None:
    """Whatever stands in a run of Devanagari, only small letters, digits and blanks come out."""
    assert re.fullmatch(r"[a-z0-9 ]*", to_ascii(text))
