"""Facts about royalties, in the past tense."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from buddy_core.kernel.events import Event


@frozen
class MonthClosed(Event):
    """A month of an entity was closed; its statements are final."""

    type: ClassVar[str] = "royalty.month_closed.v1"
    entity: str
    month: str
    statements: int
