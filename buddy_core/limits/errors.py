"""The ways rate limits say no."""

from __future__ import annotations

import attrs

from buddy_core.kernel.errors import Invalid, TooMany


@attrs.define
class RateLimited(TooMany):
    """Too many requests came in too short a time."""

    code = "limits.too_many"

    retry_after_s: int
    """Whole seconds, rounded up: a request after them is not refused for those that came before."""
    limit: int
    window_s: int

    def message(self) -> str:
        return (
            f"Only {self.limit} such requests are taken in {_span(self.window_s)}. "
            f"Try again in {_span(self.retry_after_s)}."
        )


@attrs.define
class BadLimits(Invalid):
    """The policy's data cannot be used; it names the entry to correct."""

    code = "limits.bad_policy"

    entry: str
    """Where it stands, such as `rules[3].count`; counted from 0."""
    problem: str

    def message(self) -> str:
        return f"{self.entry}: {self.problem}"


def _span(seconds: int) -> str:
    for size, name in ((3600, "hour"), (60, "minute")):
        if seconds >= size and seconds % size == 0:
            count = seconds // size
            return f"{count} {name}" if count == 1 else f"{count} {name}s"
    return "1 second" if seconds == 1 else f"{seconds} seconds"
