"""Slugs: the readable end of a link, which decides nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from itertools import count

from buddy_core.shortids.errors import SlugIllegal
from buddy_core.shortids.model import ShortId

MAX_SLUG = 80
"""Characters of a slug at most: links are read, copied and printed."""

_APOSTROPHES = re.compile("['’‘`]")
_OTHER = re.compile(r"[^a-z0-9]+")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def slug_from(title: str, to_ascii: Callable[[str], str], fallback: str = "untitled") -> str:
    """Return the kebab slug of a title in any script.

    `to_ascii` writes other scripts in Latin letters (the `Transliterator` port);
    `fallback` stands for a title that has neither letters nor digits.
    """
    latin = to_ascii(_APOSTROPHES.sub("", title))
    words = _OTHER.sub("-", _APOSTROPHES.sub("", latin).lower()).strip("-")
    return _cut(words, MAX_SLUG) or fallback


def next_slug(slug: str, taken: Container[str]) -> str:
    """Return `slug`, or with the first of -2, -3, ... that is free.

    Raises:
        SlugIllegal: `slug` is not one.
    """
    check_slug(slug)
    if slug not in taken:
        return slug
    for number in count(2):
        end = f"-{number}"
        candidate = _cut(slug, MAX_SLUG - len(end)) + end
        if candidate not in taken:
            return candidate
    raise AssertionError("unreachable")


def check_slug(text: str) -> str:
    """Return a slug that a person chose, exactly as typed.

    Raises:
        SlugIllegal: it is not kebab-case ASCII, or too long.
    """
    if len(text) > MAX_SLUG:
        raise SlugIllegal(text, f"it has {len(text)} characters, more than {MAX_SLUG}")
    if not _SLUG.fullmatch(text):
        raise SlugIllegal(text, "use words of a-z and 0-9 with single hyphens between them")
    return text


def path(type: str, short_id: ShortId, slug: str) -> str:
    """Return the canonical link: in `/film/t9k2/naruto-the-last` the id decides, the slug is for eyes."""
    return f"/{type}/{short_id}/{slug}"


def _cut(slug: str, limit: int) -> str:
    """Shorten at a hyphen where there is one, so that no word is broken."""
    if len(slug) <= limit:
        return slug
    head, hyphen, _ = slug[: limit + 1].rpartition("-")
    return head if hyphen else slug[:limit]
