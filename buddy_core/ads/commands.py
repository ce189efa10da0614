"""What can be asked of rewarded ads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen

from buddy_core.kernel.clock import utc


def _instant(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value, "effective_from")


@frozen
class SetRewardRule:
    """Change what an ad pays and how often, from an instant on; None: as soon as may be.

    Names are `tokens`, `days` (until the tokens expire), `account_daily`,
    `device_daily`, `ip_daily` and `guest_life`; what is not named stays.
    """

    changes: Mapping[str, int]
    idempotency_key: str
    effective_from: datetime | None = field(default=None, converter=_instant)
    base: int | None = None
    """The version that it began from, where another one meanwhile should stop it."""
