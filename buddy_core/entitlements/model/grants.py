"""Grants as they are stored, and everything that is recorded about them afterwards."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from attrs import field, frozen

from buddy_core.entitlements.errors import BadGrant
from buddy_core.entitlements.model.facts import GrantKind, PlanState, Rights
from buddy_core.kernel.clock import utc
from buddy_core.kernel.ids import AccountId, EntryId, GrantId, SessionId, TitleId
from buddy_core.rights import TIER_NAMES, is_tier

TOKEN_UNLOCK = GrantKind.TOKEN_UNLOCK
"""The kind of grant that tokens buy: for ever, while the licence or its tail lasts."""
RENTAL_HOURS = (24, 36, 48, 72)
"""How long a rental may run from its first play."""
TO_START = timedelta(days=30)
"""Within which time a rental is to be started, unless its terms say otherwise."""


class GrantStatus(StrEnum):
    """Where a grant stands. Only an active one opens anything."""

    ACTIVE = "active"
    TRANSFERRED = "transferred"
    """Moved to another account by a merge; the successor there carries on."""
    SUPERSEDED = "superseded"
    """An older grant of the same title stays instead; no token returns."""
    REFUNDED = "refunded"
    """What paid for it went back; nothing takes its place."""
    REVOKED = "revoked"
    """Staff took it away, with a reason; nothing takes its place."""
    EXTENDED = "extended"
    """Staff gave it a later end; the successor carries on from where this one began."""


@frozen
class Terms:
    """What a grant gives and how it runs; stamped on it, so that later defaults change nothing.

    A rental runs `hours` from its first play and is to be started before `start_by`.
    A subscription has a `tier` and a `plan` state. `includes_later` tells whether a grant
    of a series opens episodes that come later.
    """

    rights: Rights
    hours: int | None = None
    start_by: datetime | None = None
    tier: str = ""
    plan: PlanState | None = None
    includes_later: bool = True

    def __attrs_post_init__(self) -> None:
        if self.tier and not is_tier(self.tier):
            raise BadGrant(f"{self.tier[:40]!r} is no tier; write {TIER_NAMES}")


UNLOCK_TERMS = Terms(Rights(max_height=1080, ads=False, downloads=False, streams=2))
"""What tokens buy."""


@frozen
class Grant:
    """A right of one account, and what it came from.

    `title_id` is the title or series it opens; None for a subscription. A grant moved by a
    merge, or given a later end, is a new grant with the `origin_id` and `granted_at` of the
    first, so that tail rights and the episodes it opens stay what they were. `reopened_at` is
    from when it opens, if it had ended before it was given a later end. `entry_id` is the
    ledger entry that paid for it, if tokens did; `source` names what else it came from, such
    as the audit record of the staff member who gave it.
    """

    id: GrantId
    origin_id: GrantId
    account_id: AccountId
    title_id: TitleId | None
    kind: GrantKind
    status: GrantStatus
    granted_at: datetime
    recorded_at: datetime
    ends_at: datetime | None
    entry_id: EntryId | None
    terms: Terms = UNLOCK_TERMS
    source: str = ""
    reopened_at: datetime | None = None

    def __attrs_post_init__(self) -> None:
        is_plan = self.kind is GrantKind.SUBSCRIPTION
        if is_plan is not (self.title_id is None) or is_plan is not (self.terms.plan is not None):
            raise BadGrant("a subscription has a plan state and no title; every other grant has a title")
        if self.reopened_at is not None and self.reopened_at <= self.granted_at:
            raise BadGrant("it would open again before it began")
        if self.ends_at is not None and self.ends_at <= self.starts_at:
            raise BadGrant("it would end before it begins")
        hours = self.terms.hours
        if self.kind is GrantKind.RENTAL and self.ends_at is None and hours not in RENTAL_HOURS:
            raise BadGrant(f"a rental runs {', '.join(map(str, RENTAL_HOURS))} hours, not {hours}")

    @property
    def starts_at(self) -> datetime:
        """From when it opens."""
        return self.reopened_at or self.granted_at

    @property
    def is_timed(self) -> bool:
        """Tell whether its end depends on what the viewer did with it."""
        return self.kind is GrantKind.WATCH_ONCE or self.terms.hours is not None


class UseKind(StrEnum):
    """What a viewer did with a grant that its end depends on."""

    STARTED = "started"
    """It was played for the first time."""
    CONSUMED = "consumed"
    """What may be watched once was watched."""


@frozen
class GrantUse:
    """Something a viewer did with a grant; recorded once a grant and kind, by its origin.

    By its origin, so that neither a merge nor a later end lets a rental begin again.
    """

    origin_id: GrantId
    kind: UseKind
    at: datetime = field(converter=utc)
    recorded_at: datetime = field(converter=utc)
    session_id: SessionId


@frozen
class GrantChange:
    """A new status of a grant, why, and the grant that takes its place, if one does."""

    grant_id: GrantId
    status: GrantStatus
    at: datetime
    reason: str
    successor_id: GrantId | None
