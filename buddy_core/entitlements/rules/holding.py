"""A stored grant with everything recorded about it, as the decision sees it at one time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

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
from buddy_core.kernel.ids import GrantId

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
    terms, ends_at, after = grant.terms, grant.ends_at, _AFTER.get(grant.kind, Reason.GRANT_ENDED)
    begun, eaten = uses.get(UseKind.STARTED), uses.get(UseKind.CONSUMED)
    once = grant.kind is GrantKind.WATCH_ONCE
    goes_on_in = goes_on_until = None
    if once or terms.hours is not None:
        first = begun or (eaten if once else None)
        start_by = terms.start_by
        if start_by is None and grant.kind is GrantKind.RENTAL and ends_at is None:
            start_by = grant.granted_at + TO_START
        if first is not None and (start_by is None or first.at < start_by):
            hours = terms.hours if terms.hours is not None else ONCE_HOURS
            ends_at = _sooner(ends_at, _later(first.at, hours))
            after = Reason.CONSUMED if once else Reason.RENTAL_ENDED
        elif start_by is not None and (ends_at is None or start_by <= ends_at):
            ends_at, after = start_by, Reason.RENTAL_NOT_STARTED
        if once and eaten is not None and (ends_at is None or eaten.at < ends_at):
            goes_on_in, goes_on_until = eaten.session_id, ends_at
            ends_at, after = eaten.at, Reason.CONSUMED
    starts_at = grant.starts_at
    closed: Reason | None = after
    if change is not None or (grant.status is not GrantStatus.ACTIVE and not has_history):
        # Without its change only the present is known: it is over, and has been since it was written.
        closed_at = min(starts_at, grant.recorded_at) if change is None else change.at
        status = grant.status if change is None else change.status
        if ends_at is None or closed_at < ends_at or _CLOSED[status] is None:
            closed = _CLOSED[status]
        ends_at = _sooner(ends_at, closed_at)
        if goes_on_in is not None and eaten is not None and eaten.at < closed_at:
            # Looked back on, it went on in that session until somebody closed it.
            goes_on_until = _sooner(goes_on_until, closed_at)
        else:
            goes_on_in = goes_on_until = None
    return Holding(
        id=grant.id,
        kind=grant.kind,
        of=grant.title_id,
        rights=terms.rights,
        starts_at=starts_at,
        ends_at=ends_at,
        after=closed,
        tier=terms.tier,
        plan=terms.plan,
        includes_later=terms.includes_later,
        goes_on_in=goes_on_in,
        goes_on_until=goes_on_until,
        held_since=None if grant.reopened_at is None else grant.granted_at,
        recorded_at=grant.recorded_at,
    )


def _later(at: datetime, hours: int) -> datetime:
    """Return an instant so many hours on; the last one there is, where that is later."""
    try:
        return at + timedelta(hours=hours)
    except OverflowError:
        return FAR


def _sooner(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else min(one, other)
