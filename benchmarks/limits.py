"""Rate limits: asked before every request, so that they must cost next to nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter_ns

from benchmarks.harness import Contest, line
from buddy_adapters.memory.limits import MemoryRateLimits
from buddy_core.limits import DEFAULT_POLICY, Caller, group_of, hits_for

CHECKS = 10_000
CALLERS = 500
GOAL_NS = 50_000
"""What one check may take: 20,000 a second."""

_BEGIN = datetime(2026, 11, 21, tzinfo=UTC)
_STEP = timedelta(milliseconds=1)
_ROUTES = (("GET", "/v1/titles"), ("POST", "/play/ses_1/beat"), ("GET", "/wallet"), ("POST", "/sign-in"))


@line("limits.check", unit="checks/s", yardstick="50 us of wall time", goal=1)
def check() -> Contest:
    """A route is placed, a caller's counts are found and taken, in memory; at least 20,000 a second."""
    return Contest(_checks(), _wait)


@line("limits.check_vs_dict", unit="us", yardstick="a bare dict counter", goal=650, better="lower")
def check_against_dict() -> Contest:
    """The same against adding one in a dict, which never forgets and never refuses.

    A dict does some 13 million a second; 650 times as long is 20,000 a second.
    """
    check, count = _checks(), _counter()

    async def run() -> int:
        return await check() // 1000

    return Contest(run, lambda: count() // 1000)


def _checks() -> Callable[[], Awaitable[int]]:
    limits = MemoryRateLimits()
    callers = [Caller(f"account-{n}", f"address-{n % 100}", is_guest=n % 2 == 0) for n in range(CALLERS)]
    at = _BEGIN

    async def run() -> int:
        nonlocal at
        for number in range(CHECKS):
            at += _STEP
            method, route = _ROUTES[number % len(_ROUTES)]
            group = group_of(DEFAULT_POLICY, method, route)
            await limits.take(hits_for(DEFAULT_POLICY, group, callers[number % CALLERS]), at)
        return CHECKS

    return run


def _counter() -> Callable[[], int]:
    counts: dict[str, int] = {}
    keys = [f"account-{n}" for n in range(CALLERS)]

    def run() -> int:
        for number in range(CHECKS):
            key = keys[number % CALLERS]
            counts[key] = counts.get(key, 0) + 1
        return CHECKS

    return run


def _wait() -> int:
    """Let the time pass that the checks may take."""
    end = perf_counter_ns() + CHECKS * GOAL_NS
    while perf_counter_ns() < end:
        pass
    return CHECKS
