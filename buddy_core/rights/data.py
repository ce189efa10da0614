"""What an operator may want otherwise: the ladder of windows, and how large a book of rights may be."""

from __future__ import annotations

from buddy_core.rights.model.ladders import Ladder, Rung
from buddy_core.rights.model.windows import WindowType

LADDER = Ladder(
    "standard",
    (
        Rung(WindowType.FESTIVAL, 1, 30),
        Rung(WindowType.CINEMA, 30, 90),
        Rung(WindowType.COLLECTOR, 90, None),
        Rung(WindowType.PVOD, 90, 120),
        Rung(WindowType.TVOD, 120, None),
        Rung(WindowType.SVOD, 180, None),
        Rung(WindowType.AVOD, 365, None),
    ),
)
"""From which day after its release a title is where, and until which; the first day is day 1. PPV is an event
with a day of its own, so no rung names it."""

MAX_ITEMS = 1000
"""How many licences, windows, certificates and takedowns together a title's book may hold."""
