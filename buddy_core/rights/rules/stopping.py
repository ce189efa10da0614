"""How a takedown of a series stands in the books of its episodes."""

from __future__ import annotations

from attrs import evolve

from buddy_core.kernel.ids import TakedownId, TitleId, derived_uuid
from buddy_core.rights.model.books import TitleRights
from buddy_core.rights.model.takedowns import Takedown


def part_takedown_id(first: TakedownId, part: TitleId) -> TakedownId:
    """Return the id under which a takedown of a series stands in the book of one of its episodes."""
    return TakedownId(derived_uuid("takedown", first, part))


def passed_on(series: TitleRights | None, part: TitleId) -> tuple[Takedown, ...]:
    """Return the takedowns that run of a series as they stand in the book of an episode that joins it."""
    running = (item for item in (series.takedowns if series else ()) if item.ends_at is None)
    return tuple(evolve(item, id=part_takedown_id(item.id, part)) for item in running)
