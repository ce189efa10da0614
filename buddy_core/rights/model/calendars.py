"""What a calendar of rights shows: spells in which nothing changes, and why a title is not available."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from attrs import frozen

from buddy_core.kernel.ids import LicenceId, TakedownId, WindowId
from buddy_core.rights.model.windows import Window, WindowType


@frozen
class Spell:
    """A half-open time in which a title's rights in some countries stay the same."""

    starts_at: datetime
    ends_at: datetime
    licences: tuple[LicenceId, ...]
    windows: tuple[Window, ...]
    takedowns: tuple[TakedownId, ...]

    @property
    def types(self) -> tuple[WindowType, ...]:
        """Return the types of the windows that are open, in the order of the ladder."""
        return tuple(type for type in WindowType if any(item.type is type for item in self.windows))

    @property
    def is_available(self) -> bool:
        """Tell whether anything is sold or watched; a cinema window alone does neither."""
        is_open = any(item.type is not WindowType.CINEMA for item in self.windows)
        return is_open and bool(self.licences) and not self.takedowns

    @property
    def is_gap(self) -> bool:
        """Tell whether nothing is sold or watched though it is licensed and not taken down."""
        return bool(self.licences) and not self.takedowns and not self.is_available

    @property
    def is_unlicensed(self) -> bool:
        """Tell whether windows are open that count for nothing, because no licence holds."""
        return bool(self.windows) and not self.licences


@frozen
class Strip:
    """Countries whose rights are the same all the time, and their spells one after another."""

    countries: tuple[str, ...]
    spells: tuple[Spell, ...]


class Closed(StrEnum):
    """Why nothing of a title is sold or watched in a country; the first that applies."""

    TAKEN_DOWN = "taken_down"
    NO_LICENCE = "no_licence"
    LICENCE_NOT_YET = "licence_not_yet"
    LICENCE_OVER = "licence_over"
    NO_WINDOW = "no_window"
    CINEMA_ONLY = "cinema_only"
    WINDOW_NOT_YET = "window_not_yet"
    WINDOW_OVER = "window_over"


@frozen
class WhyNot:
    """Why a title is not available in a country at an instant, and what would change it, in words.

    `by` is the takedown, licence or window that it lies at, if there is one.
    """

    country: str
    at: datetime
    closed: Closed
    because: str
    change: str
    by: LicenceId | WindowId | TakedownId | None = None
    opens_at: datetime | None = None
    """When the licence or window that comes next begins; other things may still be in the way then."""

    @property
    def sentence(self) -> str:
        """Return all of it as one sentence."""
        return f"Not available in {self.country}: {self.because}; {self.change}."
