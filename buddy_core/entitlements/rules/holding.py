"""A stored grant with everything recorded about it, as the decision sees it at one time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from attrs import frozen

from buddy_core.entitlements.model.answers import Reason
from buddy_core.entitlements.model.facts import FAR, GrantKind, Holding
from buddy_core.entitlements.model.grants import (
    TO_START,
    Grant,
    GrantChange,
    GrantStatus,
    GrantUse,
    UseKind,
)
from buddy_core.kernel.ids import GrantId, SessionId

ONCE_HOURS = 24
"""How long after its first play something to be watched once can be seen."""
_CLOSED: Mapping[GrantStatus, Reason | None] = {
    GrantStatus.REFUNDED: Reason.REFUNDED,
    GrantStatus.REVOKED: Reason.REVOKED,
    # What carries on in another grant counts as never held in this one.
    GrantStatus.TRANSFERRED: None,
    GrantStatus.SUPERSEDED: None,
    GrantStatus.EXTENDED: None,
}
_AFTER: Mapping[GrantKind, Reason] = {
    GrantKind.SUBSCRIPTION: Reason.PLAN_LAPSED,
    GrantKind.RENTAL: Reason.RENTAL_ENDED,
}


@frozen
class _End:
    at: datetime | None
    reason: Reason | None
    goes_on_in: SessionId | None = None
    """The session that watched it to its end may go on until `goes_on_until`."""
    goes_on_until: datetime | None = None


def holdings_of(
    grants: Iterable[Grant],
    changes: Iterable[GrantChange] = (),
    uses: Iterable[GrantUse] = (),
    known_at: datetime | None = None,
) -> list[Holding]:
    """Return what an account holds by its grants; with `known_at`, as it was known at that instant.

    A grant whose status is no longer active and whose change is not among `changes` counts as
    closed for ever, which is right for the present and for nothing else.
    """

    def is_known(recorded_at: datetime) -> bool:
        return known_at is None or recorded_at <= known_at

    closings = {change.grant_id: change for change in changes if is_known(change.at)}
    started: dict[GrantId, dict[UseKind, GrantUse]] = {}
    for use in uses:
        if is_known(use.recorded_at):
            started.setdefault(use.origin_id, {})[use.kind] = use
    return [
        hold(
            grant, closings.get(grant.id), started.get(grant.origin_id, {}), has_history=known_at is not None
        )
        for grant in grants
        if is_known(grant.recorded_at)
    ]


def hold(
    grant: Grant,
    change: GrantChange | None,
    uses: Mapping[UseKind, GrantUse],
    *,
    has_history: bool = False,
) -> Holding:
    """Return a grant as the decision sees it.

    A rental ends its hours after the first play, or when the time to start it is over.
    Something to be watched once ends a day after its first play, or when it was watched to
    its end; the session that did so may finish. What had ended by itself before somebody
    ended it keeps its own reason.
    """
    end = _own_end(grant, uses)
    if change is not None:
        end = _closed(end, change.at, change.status)
    elif grant.status is not GrantStatus.ACTIVE and not has_history:
        # Without its change only the present is known: it is over, and has been since it was written.
        end = _closed(end, min(grant.starts_at, grant.recorded_at), grant.status)
    return Holding(
        id=grant.id,
        kind=grant.kind,
        of=grant.title_id,
        rights=grant.terms.rights,
        starts_at=grant.starts_at,
        ends_at=end.at,
        after=end.reason,
        tier=grant.terms.tier,
        plan=grant.terms.plan,
        includes_later=grant.terms.includes_later,
        goes_on_in=end.goes_on_in,
        goes_on_until=end.goes_on_until,
        held_since=None if grant.reopened_at is None else grant.granted_at,
        recorded_at=grant.recorded_at,
    )


def _own_end(grant: Grant, uses: Mapping[UseKind, GrantUse]) -> _End:
    """Return when and why a grant ends by itself."""
    terms, ends_at, reason = grant.terms, grant.ends_at, _AFTER.get(grant.kind, Reason.GRANT_ENDED)
    begun, eaten = uses.get(UseKind.STARTED), uses.get(UseKind.CONSUMED)
    once = grant.kind is GrantKind.WATCH_ONCE
    if not once and terms.hours is None:
        return _End(ends_at, reason)
    first = begun or (eaten if once else None)
    start_by = terms.start_by
    if start_by is None and grant.kind is GrantKind.RENTAL and ends_at is None:
        start_by = grant.granted_at + TO_START
    if first is not None and (start_by is None or first.at < start_by):
        hours = terms.hours if terms.hours is not None else ONCE_HOURS
        ends_at = _sooner(ends_at, _later(first.at, hours))
        reason = Reason.CONSUMED if once else Reason.RENTAL_ENDED
    elif start_by is not None and (ends_at is None or start_by <= ends_at):
        ends_at, reason = start_by, Reason.RENTAL_NOT_STARTED
    if once and eaten is not None and (ends_at is None or eaten.at < ends_at):
        return _End(eaten.at, Reason.CONSUMED, eaten.session_id, ends_at)
    return _End(ends_at, reason)


def _closed(end: _End, at: datetime, status: GrantStatus) -> _End:
    """Return the end of a grant that somebody ended at an instant."""
    reason = end.reason
    if end.at is None or at < end.at or _CLOSED[status] is None:
        reason = _CLOSED[status]
    if end.goes_on_in is not None and end.at is not None and end.at < at:
        # Looked back on, it went on in that session until somebody closed it.
        return _End(end.at, reason, end.goes_on_in, _sooner(end.goes_on_until, at))
    return _End(_sooner(end.at, at), reason)


def _later(at: datetime, hours: int) -> datetime:
    """Return an instant so many hours on; the last one there is, where that is later."""
    try:
        return at + timedelta(hours=hours)
    except OverflowError:
        return FAR


def _sooner(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else min(one, other)
