"""A title and its rights as the plain facts that a decision looks at."""

from __future__ import annotations

from buddy_core.catalog import Title
from buddy_core.entitlements import (
    LicenceFacts,
    Membership,
    Rights,
    TakedownFacts,
    TitleFacts,
    WindowFacts,
)
from buddy_core.rights import TitleRights, Window, WindowType, age_of, sells


def title_facts(title: Title, rights: TitleRights | None) -> TitleFacts:
    """Return what a decision may know of a title; one without a book of rights has no licence."""
    if rights is None:
        return TitleFacts(title.id, title.published_at)
    since = title.published_at
    ages = {}
    for rating in reversed(rights.ratings):
        ages.update(dict.fromkeys(rating.territories.countries, rating.age))
    return TitleFacts(
        id=title.id,
        published_at=title.published_at,
        licences=tuple(
            LicenceFacts(item.id, item.territories.countries, item.starts_at, item.ends_at, item.has_tail)
            for item in rights.licences
        ),
        windows=tuple(_window(item) for item in rights.windows),
        takedowns=tuple(
            TakedownFacts(item.id, item.territories.countries, item.starts_at, item.ends_at)
            for item in rights.takedowns
        ),
        part_of=(Membership(title.parent_id, since),) if title.parent_id and since else (),
        age=age_of(title.maturity),
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
