"""The changes of a title's rights, as values; `revise` carries them out together."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.ids import LicenceId, TakedownId, WindowId
from buddy_core.kernel.territories import Territories, territories
from buddy_core.rights.model.licences import Licence
from buddy_core.rights.model.windows import Window


def _utc_or_none(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value)


@frozen
class AddWindow:
    """Add a window. It may begin in the past: what was agreed is often recorded late."""

    window: Window


@frozen
class AlterWindow:
    """Put `window` in the place of the one with its id; of one that has begun, only the end may differ."""

    window: Window


@frozen
class MoveWindow:
    """Give a window other dates, and territories if they are named; of one that has begun only the end."""

    window_id: WindowId
    starts_at: datetime = field(converter=utc)
    ends_at: datetime | None = field(converter=_utc_or_none)
    territories: Territories | None = None


@frozen
class EndWindow:
    """Move a window's end to an instant that is not past; None: no end."""

    window_id: WindowId
    ends_at: datetime | None = field(converter=_utc_or_none)


@frozen
class RemoveWindow:
    """Take away a window that has not begun."""

    window_id: WindowId


@frozen
class AddLicence:
    """Add a licence. It may begin in the past: what was agreed is often recorded late."""

    licence: Licence


@frozen
class EndLicence:
    """Move a licence's end to an instant that is not past; None: no end."""

    licence_id: LicenceId
    ends_at: datetime | None = field(converter=_utc_or_none)


@frozen
class RemoveLicence:
    """Take away a licence that has not begun."""

    licence_id: LicenceId


@frozen
class SetRating:
    """Give the title a certificate in some territories, one for each code; None takes it away there."""

    territories: Territories = field(converter=territories)
    label: str | None


@frozen
class TakeDown:
    """Stop the title for everybody in some territories, at once; `notice` says who wants it and why."""

    takedown_id: TakedownId
    territories: Territories = field(converter=territories)
    notice: str


@frozen
class Restore:
    """End a takedown, at once."""

    takedown_id: TakedownId


RightsEdit = (
    AddWindow
    | AlterWindow
    | MoveWindow
    | EndWindow
    | RemoveWindow
    | AddLicence
    | EndLicence
    | RemoveLicence
    | SetRating
    | TakeDown
    | Restore
)
"""One change of a book; several are made together, and only what comes of them all has to be right."""
