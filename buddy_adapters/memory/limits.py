"""Rate limits in memory, for one process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Lock

from buddy_core.limits import Hit, RateLimits, Verdict, admit_all, in_order, micros, needed_until

_DROPPED_AT_ONCE = 2


class MemoryRateLimits:
    """Counts of one process: any number of its event loops and threads share one object exactly.

    Nothing is awaited while the lock is held, so that an event loop waits only
    for what another thread does in a few microseconds. Each take forgets up to
    two keys that have gone quiet for each that it adds to: there are never many
    more keys than were used within their windows. Other processes count for themselves.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[timedelta, OrderedDict[str, tuple[Hit, tuple[int, ...]]]] = {}
        """By window, then by key; those of one window are in the order in which they go quiet."""

    def __len__(self) -> int:
        """Return how many keys are kept."""
        with self._lock:
            return sum(map(len, self._counts.values()))

    async def take(self, hits: Sequence[Hit], at: datetime) -> Verdict:
        wanted, now = in_order(hits), micros(at)
        with self._lock:
            stored = {hit.key: found[1] for hit in wanted if (found := self._of(hit).get(hit.key))}
            verdict, taken = admit_all(stored, wanted, now)
            for hit in wanted:
                counts = self._of(hit)
                if hit.key in taken:
                    counts[hit.key] = hit, taken[hit.key]
                    counts.move_to_end(hit.key)
                _drop_quiet(counts, now, _DROPPED_AT_ONCE)
        return verdict

    async def sweep(self, at: datetime) -> int:
        now = micros(at)
        with self._lock:
            return sum(_drop_quiet(counts, now, len(counts)) for counts in self._counts.values())

    def _of(self, hit: Hit) -> OrderedDict[str, tuple[Hit, tuple[int, ...]]]:
        counts = self._counts.get(hit.window)
        if counts is None:
            counts = self._counts[hit.window] = OrderedDict()
        return counts


def _drop_quiet(counts: OrderedDict[str, tuple[Hit, tuple[int, ...]]], now: int, most: int) -> int:
    dropped = 0
    while counts and dropped < most:
        key = next(iter(counts))
        if needed_until(*counts[key]) > now:
            break
        del counts[key]
        dropped += 1
    return dropped


_conforms: type[RateLimits] = MemoryRateLimits
