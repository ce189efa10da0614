"""What a later end does to a grant: it moves the one instant at which it would end, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from attrs import evolve

from buddy_core.entitlements.errors import NotExtended, UsedUp
from buddy_core.entitlements.model.facts import GrantKind
from buddy_core.entitlements.model.grants import Grant, GrantUse, UseKind
from buddy_core.entitlements.rules.holding import ONCE_HOURS, hold
from buddy_core.kernel.ids import GrantId

_HOUR = timedelta(hours=1)


def extend(grant: Grant, uses: Iterable[GrantUse], until: datetime, at: datetime, new_id: GrantId) -> Grant:
    """Return the grant that carries on with a later end, as of `at`; `uses` are those of its origin.

    Of what runs from its first play and was not played, `until` is the new instant before which
    it is to be started, and its hours stay; of all else it is the new end. It began when `grant`
    did, so that no right of it is lost; where `grant` had ended, it opens again at `at`.

    Raises:
        NotExtended: it has no end, or `until` is not later than its end and ahead of `at`.
        UsedUp: it could be watched once, and was.
    """
    known = {use.kind: use for use in uses if use.origin_id == grant.origin_id}
    held = hold(grant, None, known)
    if held.ends_at is None or until <= max(held.ends_at, at):
        raise NotExtended(until, held.ends_at)
    if grant.kind is GrantKind.WATCH_ONCE and UseKind.CONSUMED in known:
        raise UsedUp(grant.id)
    return evolve(
        _moved(grant, known.get(UseKind.STARTED), until),
        id=new_id,
        recorded_at=at,
        reopened_at=at if held.ends_at <= at else grant.reopened_at,
    )


def _moved(grant: Grant, started: GrantUse | None, until: datetime) -> Grant:
    terms = grant.terms
    if not grant.is_timed:
        return evolve(grant, ends_at=until)
    if started is None:
        start_by = terms.start_by
        # A rental whose terms name no time to start it has one all the same.
        if start_by is not None or grant.ends_at is None:
            start_by = _later(start_by, until)
        ends_at = None if grant.ends_at is None else _later(grant.ends_at, until)
        return evolve(grant, ends_at=ends_at, terms=evolve(terms, start_by=start_by))
    # The hours from the first play that reach the new end; the end itself is exact.
    hours = max(ONCE_HOURS if terms.hours is None else terms.hours, -((started.at - until) // _HOUR))
    start_by = terms.start_by if terms.start_by is not None and started.at < terms.start_by else None
    return evolve(grant, ends_at=until, terms=evolve(terms, hours=hours, start_by=start_by))


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)
