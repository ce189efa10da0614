"""The sliding window: exact, on whole microseconds."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from attrs import frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.errors import InvalidValue
from buddy_core.limits.errors import RateLimited
from buddy_core.limits.model import Hit, Let, Room, Stopped, Verdict

GRACE = timedelta(seconds=60)
"""How long a count is kept past its window, for callers whose clocks are behind."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)


@frozen
class Taken:
    """The count has room."""

    stamps: tuple[int, ...]
    """The admitted instants that the window still needs, in order, this one last."""


@frozen
class Full:
    """The count has no room."""

    retry_at: int
    """When it has."""


def admit(stamps: Sequence[int], hit: Hit, at: int) -> Taken | Full:
    """Add a request at `at` to the instants admitted so far, if no window then holds more than the limit.

    Windows are half-open: what was admitted exactly one window ago is out. A
    clock behind the newest admitted instant counts at that instant, so that
    order is kept. What lies a whole window ahead was left there by a clock that
    has been set back since, and is forgotten.
    """
    window = hit.window // _MICROSECOND
    end = bisect_left(stamps, at + window)
    now = max(at, stamps[end - 1]) if end else at
    begin = bisect_right(stamps, now - window, 0, end)
    if end - begin >= hit.limit:
        return Full(stamps[end - hit.limit] + window)
    return Taken((*stamps[begin:end], now))


def admit_all(
    stored: Mapping[str, Sequence[int]], hits: Sequence[Hit], at: int
) -> tuple[Verdict, dict[str, tuple[int, ...]]]:
    """Add a request to every count or, if one is full, to none.

    `stored` has the instants by key; a missing key has none. Returns the verdict
    and what must be stored, which is nothing for a request that is stopped.
    """
    taken: dict[str, tuple[int, ...]] = {}
    rooms: list[Room] = []
    full: list[tuple[Hit, int]] = []
    for hit in hits:
        answer = admit(stored.get(hit.key, ()), hit, at)
        if isinstance(answer, Full):
            full.append((hit, answer.retry_at))
        elif not full:
            taken[hit.key] = answer.stamps
            rooms.append(room_of(hit, len(answer.stamps), answer.stamps[0]))
    if full:
        return stopped(full), {}
    return tightest(rooms), taken


def room_of(hit: Hit, counted: int, oldest: int) -> Room:
    """Return how a count stands whose window holds `counted` requests, the first of them at `oldest`."""
    return Room(hit, max(0, hit.limit - counted), instant(oldest) + hit.window)


def tightest(rooms: Iterable[Room]) -> Let:
    """Let a request go on; of several counts with as little left, the one that is so for longest is named."""
    return Let(min(rooms, key=lambda room: (room.remaining, _EPOCH - room.more_at), default=None))


def stopped(full: Sequence[tuple[Hit, int]]) -> Stopped:
    """Stop a request at the count that is full for longest: to come back sooner would be in vain."""
    hit, retry_at = max(full, key=lambda found: found[1])
    return Stopped(hit, instant(retry_at))


def in_order(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """Return the hits in the order of their keys, in which every store looks and locks.

    Raises:
        InvalidValue: a key comes twice; one request counts once.
    """
    if len(hits) > 1:
        hits = sorted(hits, key=lambda hit: hit.key)
        for one, other in pairwise(hits):
            if one.key == other.key:
                raise InvalidValue("hits", f"{one.key!r} comes twice")
    return tuple(hits)


def needed_until(hit: Hit, stamps: Sequence[int]) -> int:
    """Return from when on a count with these instants says the same as none at all."""
    return stamps[-1] + (hit.window + GRACE) // _MICROSECOND


def refuse(verdict: Stopped, at: datetime) -> RateLimited:
    """Return the error to raise for a request that was stopped at `at`."""
    return RateLimited(wait_s(verdict.retry_at, at), verdict.hit.limit, verdict.hit.window_s)


def wait_s(until: datetime, at: datetime) -> int:
    """Return the whole seconds from `at` to `until`, rounded up; 0 if it has come."""
    return max(0, -((at - until) // _SECOND))


def micros(at: datetime) -> int:
    """Return an instant as whole microseconds since 1970, in which all counting is done.

    Raises:
        InvalidValue: `at` is naive.
    """
    return (utc(at) - _EPOCH) // _MICROSECOND


def instant(micros: int) -> datetime:
    """Return the instant of so many microseconds since 1970."""
    return _EPOCH + micros * _MICROSECOND
