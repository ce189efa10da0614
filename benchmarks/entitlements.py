"""The decision whether somebody may watch: asked at every page, so it must cost next to nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import perf_counter_ns
from uuid import UUID

from benchmarks.harness import Contest, line
from buddy_core.entitlements import (
    TOKEN_UNLOCK,
    Grant,
    GrantStatus,
    TitleFacts,
    ViewerFacts,
    decide,
)
from buddy_core.kernel.ids import AccountId, EntryId, GrantId, TitleId

THOUSANDS = 20
"""Decisions in a round, in thousands: milliseconds a thousand are microseconds each."""


@line("entitlements.decide", unit="us", yardstick="1 us of wall time", goal=5, better="lower")
def decision() -> Contest:
    """An allowed and a denied decision in turn, with one grant at hand; the goal is five microseconds."""
    at = datetime(2026, 11, 21, tzinfo=UTC)
    title = TitleId(UUID(int=1))
    grant = Grant(
        id=GrantId(UUID(int=2)),
        origin_id=GrantId(UUID(int=2)),
        account_id=AccountId(UUID(int=3)),
        title_id=title,
        kind=TOKEN_UNLOCK,
        status=GrantStatus.ACTIVE,
        granted_at=at - timedelta(days=1),
        recorded_at=at - timedelta(days=1),
        ends_at=None,
        entry_id=EntryId(UUID(int=4)),
    )
    facts = TitleFacts(title, is_published=True, is_licensed=True, unlockable_by=("tokens",))
    owner, stranger = ViewerFacts("IN", (grant,)), ViewerFacts("AE")

    def run() -> int:
        for _ in range(THOUSANDS * 500):
            decide(owner, facts, at)
            decide(stranger, facts, at)
        return THOUSANDS

    return Contest(run, _spin)


def _spin() -> int:
    """Let a microsecond pass for each decision."""
    end = perf_counter_ns() + THOUSANDS * 1_000_000
    while perf_counter_ns() < end:
        pass
    return THOUSANDS
