"""The page that is shown when something did not work."""

from __future__ import annotations

from attrs import frozen

from buddy_core.views.common import Way


@frozen
class ErrorPage:
    """A status, its title, and the error's own words and code.

    `correlation_id` is what support can look up.
    """

    status: int
    title: str
    detail: str
    code: str
    correlation_id: str | None = None
    ways: tuple[Way, ...] = ()
    back_url: str | None = None
