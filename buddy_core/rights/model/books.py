"""A title's book of rights: everything that was agreed on it, as one value with its revision."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.ids import TitleId
from buddy_core.rights.model.licences import Licence
from buddy_core.rights.model.ratings import Rating
from buddy_core.rights.model.takedowns import Takedown
from buddy_core.rights.model.windows import Window


@frozen
class TitleRights:
    """One revision of a title's rights. A change appends the next; none is ever altered.

    So what was known at an instant is the last revision recorded by then, and two
    who change a title at once cannot both append the same revision.
    """

    title_id: TitleId
    revision: int
    recorded_at: datetime = field(converter=utc)
    recorded_by: str
    reason: str
    licences: tuple[Licence, ...] = ()
    windows: tuple[Window, ...] = ()
    ratings: tuple[Rating, ...] = ()
    takedowns: tuple[Takedown, ...] = ()
