"""Grants, the facts a decision looks at, and its two answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from attrs import frozen

from buddy_core.kernel.ids import AccountId, EntryId, GrantId, TitleId

TOKEN_UNLOCK = "token_unlock"
"""The kind of grant that tokens buy: for ever, while the title is licensed."""


class GrantStatus(StrEnum):
    """Where a grant stands. Only an active one opens anything."""

    ACTIVE = "active"
    TRANSFERRED = "transferred"
    """Moved to another account by a merge; the successor there carries on."""
    SUPERSEDED = "superseded"
    """An older grant of the same title stays instead; no token returns."""
    REFUNDED = "refunded"
    """The tokens that paid for it went back; nothing takes its place."""


@frozen
class Grant:
    """A right to watch one title, and what it came from.

    A grant moved by a merge is a new grant with the `origin_id` and the
    `granted_at` of the first. `entry_id` is the ledger entry that paid for it.
    """

    id: GrantId
    origin_id: GrantId
    account_id: AccountId
    title_id: TitleId
    kind: str
    status: GrantStatus
    granted_at: datetime
    recorded_at: datetime
    ends_at: datetime | None
    entry_id: EntryId


@frozen
class GrantChange:
    """A new status of a grant, why, and the grant that takes its place, if one does."""

    grant_id: GrantId
    status: GrantStatus
    at: datetime
    reason: str
    successor_id: GrantId | None


class Reason(StrEnum):
    """Why not, in the fixed order in which the rules ask; the first that applies is the answer."""

    NOT_PUBLISHED = "not_published"
    COUNTRY_UNKNOWN = "country_unknown"
    NO_LICENCE = "no_licence"
    NO_GRANT = "no_grant"


@frozen
class ViewerFacts:
    """What the decision may know of the viewer: where, and the grants of this title."""

    country: str | None
    grants: Sequence[Grant] = ()


@frozen
class TitleFacts:
    """What the decision may know of the title in the viewer's country at this instant."""

    title_id: TitleId
    is_published: bool
    is_licensed: bool
    unlockable_by: tuple[str, ...] = ()
    """Ways in which the title can be had here, such as `tokens`."""


@frozen
class Allowed:
    """Yes: by which grant, until when (None: no end), and with which rights."""

    via: GrantId
    kind: str
    until: datetime | None
    max_height: int
    ads: bool
    downloads: bool


@frozen
class Denied:
    """No: the reason, and what would change it."""

    reason: Reason
    unlockable_by: tuple[str, ...] = ()


Decision = Allowed | Denied
