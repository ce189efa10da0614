"""What can be asked of promotions."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.ids import AccountId, DeviceId


def _instant(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value)


@frozen
class AddPromotion:
    """Give a code to a new promotion; without a start it counts at once.

    `reason` says what it is for. A start that has passed by the time it is recorded is that time.
    """

    code: str
    tokens: int
    days: int
    limit: int
    ends_at: datetime = field(converter=utc)
    for_guests: bool
    reason: str
    idempotency_key: str
    starts_at: datetime | None = field(default=None, converter=_instant)


@frozen
class EndPromotion:
    """End a promotion now; what was claimed stays."""

    code: str
    reason: str
    idempotency_key: str


@frozen
class ClaimPromotion:
    """A viewer typed a code, on this device."""

    account_id: AccountId
    device_id: DeviceId
    code: str
    idempotency_key: str
