"""Samples of the pages of rights: a book, its changes before they are saved, refusals, and files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from attrs import evolve

from buddy_core.catalog import Producer, Title, TitleType
from buddy_core.flows import SheetAdded, SheetForeseen, TakedownForeseen
from buddy_core.flows.takedown import RestoreTitle, TakeTitleDown
from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.ids import LicenceId, PartnerId, TakedownId, TitleId, WindowId
from buddy_core.rights import (
    COLUMNS,
    LADDER,
    SCALE,
    Licence,
    Rating,
    Takedown,
    Territories,
    TitleRights,
    Window,
    WindowType,
    spells,
    why_not,
)
from buddy_core.views import (
    CountryView,
    OpenNow,
    Revision,
    RightsEffect,
    RightsHistory,
    RightsItems,
    RightsLine,
    RightsList,
    RightsPage,
    Shift,
    ShownBook,
)
from buddy_core.views.admin_values import FieldValue
from buddy_web.public_ids import public_ids
from buddy_web.rights_names import RightsNames
from buddy_web.routes.admin_rights import SheetPage
from buddy_web.timelines import timeline

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
DAY = timedelta(days=1)
TITLE = Title(
    TitleId(UUID(int=1)), "ab2d", "the-last-monsoon", TitleType.FILM, "The Last Monsoon", "",
    PartnerId(UUID(int=2)), "UA 13+", ("hi",), 2025, 6000, AT,
)  # fmt: skip
PARTNER, OTHER = (
    Producer(PartnerId(UUID(int=2)), "mg7k", "Marigold Pictures"),
    Producer(PartnerId(UUID(int=3)), "b2lt", "Blue Lantern Films"),
)


def _window(
    number: int, type: WindowType, *codes: str, start: int, end: int | None = None, **more: Any
) -> Window:
    ends = None if end is None else AT + DAY * end
    return Window(WindowId(UUID(int=number)), TITLE.id, type, codes, AT + DAY * start, ends, **more)


def _licence(number: int, partner: Producer, ownership: Fraction) -> Licence:
    return Licence(
        LicenceId(UUID(int=number)), TITLE.id, partner.id, Fraction(1667, 5000), Territories(("*",), ("AE",)),
        datetime(2026, 1, 1, tzinfo=UTC), None, ownership, True, has_tail=number == 20,
    )  # fmt: skip


OPEN = _window(10, WindowType.TVOD, "*", start=-300)
COMING = _window(11, WindowType.SVOD, "IN", "PK", start=30, end=90, tiers=("gold",), sells_tokens=False)
OVER = _window(12, WindowType.FESTIVAL, "IN", start=-60, end=-50, is_free=True)
DOWN = Takedown(TakedownId(UUID(int=30)), Territories(("GB",)), "DMCA 7, Studio X", AT - DAY)
BOOK = TitleRights(
    TITLE.id, 3, AT, "me", "the autumn plan",
    (_licence(20, PARTNER, Fraction(1, 3)), _licence(21, OTHER, Fraction(2, 3))),
    (OVER, OPEN, COMING),
    (Rating(Territories(("GB",)), "15", 15),),
    (DOWN, evolve(DOWN, id=TakedownId(UUID(int=31)), ends_at=AT)),
)  # fmt: skip
_PARTNERS = {PARTNER.id: PARTNER, OTHER.id: OTHER}
_HISTORY = RightsHistory(
    TITLE,
    (
        Revision(3, AT, "admin@example.com", "a notice came", RightsItems(), RightsItems(takedowns=(DOWN,))),
        Revision(
            2,
            AT - DAY,
            "admin@example.com",
            "the autumn plan",
            RightsItems(windows=(COMING,), ratings=BOOK.ratings),
            RightsItems(BOOK.licences, (COMING,)),
        ),
    ),
    None,
    _PARTNERS,
)
PAGE = RightsPage(
    ShownBook(TITLE, BOOK, "admin@example.com", _PARTNERS),
    AT,
    (OpenNow(WindowType.TVOD, tuple(sorted(COUNTRIES - {"AE", "GB"}))),),
    _HISTORY,
    (PARTNER, OTHER),
    ("UTC", "Asia/Kolkata"),
    "rgt_1",
)
NONE = evolve(PAGE, shown=ShownBook(TITLE, None, "", {}), open=(), history=RightsHistory(TITLE, (), None, {}))
ASKED = evolve(PAGE, here=CountryView("AE", why_not(BOOK, "AE", AT), spells(BOOK, "AE", AT, AT + 400 * DAY)))
THERE = evolve(PAGE, here=CountryView("IN", None, spells(BOOK, "IN", AT, AT + 400 * DAY)))
_TYPED = (
    FieldValue("type", "svod"),
    FieldValue("territories", "IN"),
    FieldValue("starts", "2027-01-01"),
    FieldValue("reason", "the autumn plan"),
)
EFFECT = evolve(
    PAGE,
    act="add_window",
    fields=_TYPED,
    effect=RightsEffect(
        RightsItems(windows=(OPEN,)),
        RightsItems(BOOK.licences, (OPEN, COMING), BOOK.ratings),
        (Shift(AT, ("IN",), ("AE", "GB")), Shift(AT + DAY, (), ())),
        ((COMING, ("PK",)),),
    ),
)
NO_EFFECT = evolve(EFFECT, effect=RightsEffect(RightsItems(), RightsItems(windows=(COMING,)), ()))
WRONG = evolve(
    PAGE,
    act="add_licence",
    fields=(
        FieldValue("territories", "UK", "'UK' is no territory."),
        FieldValue("partner_2", "b2lt"),
        FieldValue("ownership_2", "33.3", "'33.3' is no part."),
        FieldValue("ends", "2026-01-01", "It would end before it begins."),
    ),
)
_STOP = TakeTitleDown(TITLE.id, Territories(("*",), ("AE",)), "DMCA 7", "in order", "rgt_1")
TAKEDOWN = evolve(
    PAGE,
    act="takedown",
    fields=(FieldValue("territories", "*"), FieldValue("notice", "DMCA 7")),
    command=_STOP,
    effect=RightsEffect(
        RightsItems(), RightsItems(), (Shift(AT, (), ("IN", "US")),), foreseen=TakedownForeseen(4, 12, 15)
    ),
)
RESTORE = evolve(
    PAGE,
    act="restore",
    fields=(FieldValue("item", str(DOWN.id)),),
    command=RestoreTitle(TITLE.id, DOWN.id, "a counter-notice", "rgt_1"),
    effect=RightsEffect(
        RightsItems(takedowns=(DOWN,)),
        RightsItems(),
        (Shift(AT, ("GB",), ()),),
        foreseen=TakedownForeseen(1, 1, 1),
    ),
)
LIST = RightsList(
    (
        RightsLine(TITLE, None, PAGE.open, COMING, True, ("GB",)),
        RightsLine(evolve(TITLE, type=TitleType.SERIES, name="Night Ferry"), None, (), None, False, ()),
        RightsLine(evolve(TITLE, type=TitleType.EPISODE, number=2), TITLE, (), None, True, ()),
        RightsLine(evolve(TITLE, short_id="zz9k"), None, (), None, False, ()),
    ),
    90,
    2,
    "monsoon",
    AT,
)
LIST_NONE = RightsList((), 0, 1, "zzz", AT)
_FAULTS = ("line 3, territories: 'UK' is no territory.", "line 4: it has 2 cells.")
SHEET = SheetPage("csv_1")
SHEET_WRONG = SheetPage(
    "csv_1", "plan", "title,type\n", SheetForeseen(((TITLE, COMING),), _FAULTS, 7), True, _FAULTS, 7
)
SHEET_LARGE = SheetPage("csv_1", "plan", None, SheetForeseen(tuple((TITLE, COMING) for _ in range(3))))
SHEET_NOTHING = SheetPage("csv_1", "plan", foreseen=SheetForeseen(()), problem="Choose a CSV file first.")
SHEET_DONE = SheetPage("csv_1", faults=_FAULTS[:1], done=SheetAdded(1, 1, _FAULTS[:1]))
SHEET_MORE = {"columns": COLUMNS, "shown": 2, "everywhere": len(COUNTRIES)}
LIST_MORE = {"everywhere": len(COUNTRIES)}
NAMES = RightsNames(public_ids(("a-secret-key-that-is-long-enough-for-samples",)))


def more(page: RightsPage, problem: str | None = None, done: str = "") -> dict[str, Any]:
    """Return what the route gives the template besides."""
    return {
        "line": timeline(page.book, page.at) if page.book else None,
        "names": NAMES,
        "problem": problem,
        "why": page.here.why.sentence if page.here and page.here.why else None,
        "item": "tkd_1",
        "country": "AE",
        "done": done,
        "kinds": [(type.value, type.upper()) for type in WindowType],
        "zones": [(zone, zone) for zone in page.zones],
        "partners": [(item.short_id, item.name) for item in page.producers],
        "all_partners": _PARTNERS,
        "scale": list(SCALE),
        "owners": 4,
        "ladder": LADDER,
        "anchor": "add-window",
        "everywhere": len(COUNTRIES),
        "takedown_owed": {DOWN.id: (12, 15)},
    }
