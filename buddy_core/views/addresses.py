"""The addresses that pages lead to: one place, so that a link and its route cannot part."""

from __future__ import annotations

from buddy_core.catalog import Title
from buddy_core.shortids import ShortId, path


def title_url(title: Title) -> str:
    """Return a title's own page; the short id decides, the slug is for eyes."""
    return path(title.type, ShortId(title.short_id), title.slug)


def watch_url(title: Title) -> str:
    """Return where a title plays."""
    return f"/watch/{title.type}/{title.short_id}"


def unlock_url(title: Title) -> str:
    """Return the offer to unlock a title."""
    return f"/unlock/{title.type}/{title.short_id}"


def poster_url(title: Title) -> str | None:
    """Return a title's 2:3 picture, or None where it has no pictures."""
    return _art(title, "poster")


def wide_url(title: Title) -> str | None:
    """Return a title's 16:9 picture without words, or None where it has no pictures."""
    return _art(title, "wide")


def _art(title: Title, shape: str) -> str | None:
    return f"/art/{title.art_key}/{shape}.svg" if title.art_key else None
