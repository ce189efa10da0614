"""Facts about rights, in the past tense."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from buddy_core.kernel.events import Event
from buddy_core.kernel.ids import TitleId


@frozen
class RightsChanged(Event):
    """What may be sold or watched of a title is not what it was: it has a new revision."""

    type: ClassVar[str] = "rights.changed.v1"
    title_id: TitleId
    revision: int
