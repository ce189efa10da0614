"""The two answers: yes, by what, until when and how; or no, why, and what would change it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from attrs import frozen


class Reason(StrEnum):
    """Why not, in the fixed order in which the rules ask; the first that applies is the answer."""

    TAKEN_DOWN = "taken_down"
    NOT_PUBLISHED = "not_published"
    NO_LICENCE = "no_licence"
    """No licence names this country, now or later."""
    COUNTRY_UNKNOWN = "country_unknown"
    """Where the viewer is could not be told, and the title has a licence somewhere."""
    NOT_YET = "not_yet"
    """Nothing is open here, and a window is to come, or none has been open yet."""
    OVER = "over"
    """What was open here is over, and nothing is to come."""
    MATURITY = "maturity"
    PROFILE_PIN = "profile_pin"
    NO_GRANT = "no_grant"
    """Nothing is held that ever opened it."""
    NOT_BEGUN = "not_begun"
    """What is held begins later."""
    RENTAL_NOT_STARTED = "rental_not_started"
    """It was not started within the time for it."""
    RENTAL_ENDED = "rental_ended"
    CONSUMED = "consumed"
    NOT_IN_PLAN = "not_in_plan"
    """The viewer's plan does not include it."""
    PLAN_PAUSED = "plan_paused"
    PLAN_LAPSED = "plan_lapsed"
    GRANT_ENDED = "grant_ended"
    REFUNDED = "refunded"
    REVOKED = "revoked"
    TOO_MANY_STREAMS = "too_many_streams"


@frozen
class Untils:
    """Until when each right is what the answer says; None: no end."""

    max_height: datetime | None
    ads: datetime | None
    downloads: datetime | None
    streams: datetime | None


@frozen
class Allowed:
    """Yes: by which grant or window, until when (None: no end), and with the best of each right.

    `until` is when access itself ends; a right may end before, see `untils`.
    """

    via: UUID
    kind: str
    """The grant's kind, or the type of the window that is free to watch."""
    until: datetime | None
    max_height: int
    ads: bool
    downloads: bool
    streams: int
    untils: Untils
    is_in_grace: bool = False
    """The plan that opens it is past due."""


@frozen
class Denied:
    """No: the reason, what would open it here and now, and when it opens by itself if that is known."""

    reason: Reason
    unlockable_by: tuple[str, ...] = ()
    opens_at: datetime | None = None


Decision = Allowed | Denied
