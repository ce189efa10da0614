"""Titles of any script in Latin letters, by python-slugify, and Hindi as people type it."""

from __future__ import annotations

from slugify import slugify

from buddy_adapters.text.devanagari import romanise
from buddy_core.shortids import Transliterator


class SlugifyTransliterator:
    """Writes titles in ASCII words; a `Transliterator`."""

    def to_ascii(self, text: str) -> str:
        """Return the words of `text` in small ASCII letters and digits, with blanks between them."""
        return slugify(romanise(text), separator=" ")


transliterator: Transliterator = SlugifyTransliterator()
