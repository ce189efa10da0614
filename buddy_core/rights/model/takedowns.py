"""Takedowns: a title stopped in some territories, by whose notice and why, until it is restored."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.ids import TakedownId
from buddy_core.kernel.territories import Territories


@frozen
class Takedown:
    """A title stopped for everybody in some territories, whatever they bought."""

    id: TakedownId
    territories: Territories
    notice: str
    """Whose notice, and what it says; shown to staff."""
    starts_at: datetime = field(converter=utc)
    ends_at: datetime | None = None
    """When it was restored."""
