"""A title and its rights as the plain facts that a decision looks at."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from buddy_core.catalog import Title
from buddy_core.entitlements import (
    LicenceFacts,
    Membership,
    Rights,
    TakedownFacts,
    TitleFacts,
    WindowFacts,
)
from buddy_core.kernel.ids import TitleId
from buddy_core.rights import TitleRights, Window, WindowType, age_of, sells


def title_facts(title: Title, rights: TitleRights | None) -> TitleFacts:
    """Return what a decision may know of a title; one without a book of rights has no licence."""
    if rights is None:
        return TitleFacts(title.id, title.published_at)
    return _facts(title.id, title.published_at, title.parent_id, title.maturity, _Read(rights))


class _Read:
    """A revision of rights as it was read; equal to itself alone, so that nothing in it is compared."""

    __slots__ = ("rights",)

    def __init__(self, rights: TitleRights) -> None:
        self.rights = rights

    def __hash__(self) -> int:
        return id(self.rights)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Read) and other.rights is self.rights


@lru_cache(maxsize=4096)
def _facts(
    title: TitleId, published_at: datetime | None, parent: TitleId | None, maturity: str, read: _Read
) -> TitleFacts:
    """Return the facts of a revision; it never changes, and what the rules work out of it stays with it."""
    rights, ages = read.rights, dict[str, int]()
    for rating in reversed(rights.ratings):
        ages.update(dict.fromkeys(rating.territories.countries, rating.age))
    return TitleFacts(
        id=title,
        published_at=published_at,
        licences=tuple(
            LicenceFacts(item.id, item.territories.countries, item.starts_at, item.ends_at, item.has_tail)
            for item in rights.licences
        ),
        windows=tuple(_window(item) for item in rights.windows),
        takedowns=tuple(
            TakedownFacts(item.id, item.territories.countries, item.starts_at, item.ends_at)
            for item in rights.takedowns
        ),
        part_of=(Membership(parent, published_at),) if parent and published_at else (),
        age=age_of(maturity),
        ages=ages,
    )


def _window(window: Window) -> WindowFacts:
    is_free = window.type is WindowType.AVOD or window.is_free
    free = window.free
    return WindowFacts(
        id=window.id,
        type=window.type,
        countries=window.territories.countries,
        starts_at=window.starts_at,
        ends_at=window.ends_at,
        tiers=frozenset(window.tiers),
        free=Rights(free.max_height, free.ads, free.downloads, free.streams) if is_free else None,
        ways=sells(window),
    )
