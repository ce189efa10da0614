"""What rate limits need from storage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from buddy_core.limits.model import Hit, Verdict


class RateLimits(Protocol):
    """Counts of requests, exact among all callers that share the store."""

    async def take(self, hits: Sequence[Hit], at: datetime) -> Verdict:
        """Add a request to every count, or to none and say which is full.

        It is a transaction of its own and done when it returns: what becomes of
        the request later gives nothing back. A key always comes with one window.

        Raises:
            InvalidValue: a key comes twice, or `at` is naive.
            Contention: other callers were first again and again.
            Unavailable: the store does not answer.
        """
        ...

    async def sweep(self, at: datetime) -> int:
        """Remove the counts that no window needs at `at` any more, and return how many they were.

        0 from a store that does so by itself.

        Raises:
            Unavailable: the store does not answer.
        """
        ...
