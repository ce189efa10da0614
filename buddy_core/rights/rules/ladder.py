"""The windows that a ladder gives a title from its release on."""

from __future__ import annotations

from datetime import datetime, timedelta

from buddy_core.kernel.canonical import instant_text
from buddy_core.kernel.clock import utc
from buddy_core.kernel.ids import TitleId, WindowId, derived_uuid
from buddy_core.kernel.territories import Territories
from buddy_core.rights.data import LADDER
from buddy_core.rights.errors import BadLadder
from buddy_core.rights.model.ladders import Ladder
from buddy_core.rights.model.windows import Window


def apply_ladder(
    title_id: TitleId, released_at: datetime, territories: Territories, ladder: Ladder = LADDER
) -> tuple[Window, ...]:
    """Return a ladder's windows for a title that is released at an instant, which begins day 1.

    Day 30 begins 29 times 24 hours later. The same ladder for the same title, instant and territories
    gives windows with the same ids, so that it cannot be added twice.

    Raises:
        BadLadder: a day of it would lie beyond the year 9999.
    """
    released_at = utc(released_at)
    place = ",".join((*territories.included, "-", *territories.excluded))

    def day(number: int) -> datetime:
        try:
            return released_at + timedelta(days=number - 1)
        except OverflowError:
            raise BadLadder(f"day {number} from {released_at:%Y-%m-%d} on is beyond the year 9999") from None

    return tuple(
        Window(
            id=WindowId(
                derived_uuid(
                    "ladder",
                    title_id,
                    instant_text(released_at),
                    place,
                    ladder.name,
                    rung.type,
                    str(rung.from_day),
                )
            ),
            title_id=title_id,
            type=rung.type,
            territories=territories,
            starts_at=day(rung.from_day),
            ends_at=None if rung.until_day is None else day(rung.until_day),
        )
        for rung in ladder.rungs
    )
