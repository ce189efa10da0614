"""Windows: what of a title may be sold or watched, where and when."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from attrs import field, frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.ids import TitleId, WindowId
from buddy_core.kernel.territories import Territories, territories
from buddy_core.rights.errors import BadWindow

MAX_TIERS = 20
"""How many tiers a window may name."""
TIER_NAMES = "1 to 32 small letters, digits, hyphens and underscores"
"""What `is_tier` wants, in words."""
_TIER = re.compile(r"[a-z0-9_-]{1,32}", re.ASCII)


def is_tier(name: str) -> bool:
    """Tell whether a tier of plans may be called so."""
    return _TIER.fullmatch(name) is not None


class WindowType(StrEnum):
    """The eight kinds of window, in the order of the usual ladder."""

    FESTIVAL = "festival"
    """Free, or by ticket."""
    CINEMA = "cinema"
    """Shown elsewhere: nothing is sold or watched here."""
    COLLECTOR = "collector"
    """Sells numbered editions."""
    PVOD = "pvod"
    """Sells rental and EST early, and dearer."""
    PPV = "ppv"
    """Sells one event."""
    TVOD = "tvod"
    """Sells rental, watch-once and EST."""
    SVOD = "svod"
    """May be watched with a plan of one of its tiers."""
    AVOD = "avod"
    """May be watched by all, with ads unless it says otherwise."""


def _utc_or_none(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value)


def _names(value: Sequence[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        raise BadWindow(f"its tiers are one text, {value[:40]!r}; give each as a text of its own")
    return tuple(sorted(set(value)))


@frozen
class FreeRights:
    """What somebody without a grant gets in a window that is free to watch."""

    max_height: int = 720
    ads: bool = True
    downloads: bool = False
    streams: int = 2


@frozen
class Window:
    """A title's window of one type in some territories, for a half-open time.

    `is_free` belongs to a festival that needs no ticket. `tiers` are the plans' tiers that
    an SVOD window is for; none named means any. `sells_tokens` says whether tokens unlock
    the title in it; None means what `TOKEN_WINDOWS` says of its type.
    """

    id: WindowId
    title_id: TitleId
    type: WindowType
    territories: Territories = field(converter=territories)
    starts_at: datetime = field(converter=utc)
    ends_at: datetime | None = field(default=None, converter=_utc_or_none)
    tiers: tuple[str, ...] = field(default=(), converter=_names)
    is_free: bool = False
    sells_tokens: bool | None = None
    free: FreeRights = FreeRights()

    def __attrs_post_init__(self) -> None:
        if self.ends_at is not None and self.ends_at <= self.starts_at:
            raise BadWindow("it would end before it begins")
        if not self.territories.countries:
            raise BadWindow("it is of no country; name one that is not excluded")
        bad = next((name for name in self.tiers if not is_tier(name)), None)
        if bad is not None:
            raise BadWindow(f"{bad[:40]!r} is no tier; write {TIER_NAMES}")
        if len(self.tiers) > MAX_TIERS:
            raise BadWindow(f"it names {len(self.tiers)} tiers, above {MAX_TIERS}")
        if self.tiers and self.type is not WindowType.SVOD:
            raise BadWindow("only an SVOD window has tiers")
        if self.is_free and self.type is not WindowType.FESTIVAL:
            raise BadWindow("only a festival window is free or not; an AVOD window always is")
