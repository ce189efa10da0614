"""How a title's book of rights may change: changes are made together, and what comes of them is checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from attrs import evolve, fields

from buddy_core.kernel.clock import utc
from buddy_core.kernel.ids import TitleId
from buddy_core.kernel.territories import Territories, members
from buddy_core.rights.commands import (
    AddLicence,
    AddWindow,
    AlterWindow,
    EndLicence,
    EndWindow,
    MoveWindow,
    RemoveLicence,
    RemoveWindow,
    Restore,
    RightsEdit,
    SetRating,
    TakeDown,
)
from buddy_core.rights.data import MAX_ITEMS
from buddy_core.rights.errors import (
    BadLicence,
    BadRightsChange,
    BadWindow,
    InBookAlready,
    NotInBook,
    PastIsFixed,
    TakedownOver,
    WindowsOverlap,
)
from buddy_core.rights.model.books import TitleRights
from buddy_core.rights.model.licences import Licence
from buddy_core.rights.model.ratings import Rating
from buddy_core.rights.model.takedowns import Takedown
from buddy_core.rights.model.windows import Window
from buddy_core.rights.rules.licensing import check_exclusive, check_ownership
from buddy_core.rights.rules.rating import age_of, canonical

Item = TypeVar("Item", Window, Licence, Takedown)
MAX_NOTICE = 1000
_BUT_THE_END = tuple(item.name for item in fields(Window) if item.name != "ends_at")


def revise(
    book: TitleRights | None,
    changes: Sequence[RightsEdit],
    *,
    title_id: TitleId,
    at: datetime,
    by: str,
    reason: str,
) -> TitleRights:
    """Return the next revision of a title's rights, with all of the changes made.

    Changes are made in their order, and only what comes of them all has to be right: one licence may
    end and its successors begin in one revision. A revision is never dated before the one it follows.

    Raises:
        BadRightsChange: there is no change, the book is another title's, or it would hold too much.
        BadWindow, BadLicence, RatingUnknown: what is added cannot be, or is of another title.
        NotInBook, InBookAlready: a change names what is not there, or adds what is.
        PastIsFixed: it would rewrite what held before now. TakedownOver: it was restored before.
        WindowsOverlap: two windows of one type would be open in a territory at once.
        OwnershipNotWhole, NotExclusive: the licences would not go together.
    """
    if not changes:
        raise BadRightsChange("nothing is to be changed; name a change")
    if book is not None and book.title_id != title_id:
        raise BadRightsChange(f"the book is of the title {book.title_id}, not {title_id}")
    at = utc(at) if book is None else max(utc(at), book.recorded_at)
    draft = _Draft(book, title_id, at)
    for change in changes:
        draft.make(change)
    found = draft.result(1 if book is None else book.revision + 1, by, reason)
    check_book(found)
    return found


def check_book(book: TitleRights) -> None:
    """Refuse a book that breaks a law of rights, whatever came before it.

    Raises:
        BadRightsChange: it holds too much.
        WindowsOverlap, OwnershipNotWhole, NotExclusive: see `revise`.
    """
    held = len(book.licences) + len(book.windows) + len(book.ratings) + len(book.takedowns)
    if held > MAX_ITEMS:
        raise BadRightsChange(
            f"the title would have {held} licences, windows, certificates and takedowns, above {MAX_ITEMS}; "
            "name regions or * instead of a window a country"
        )
    check_windows(book.windows)
    check_ownership(book.licences)
    check_exclusive(book.licences)


def check_windows(windows: Iterable[Window]) -> None:
    """Refuse two windows of one type that are open in one territory at one time.

    Raises:
        WindowsOverlap: the first instant at which it happens, and there the first territory.
    """
    for overlap in overlaps(windows):
        raise overlap


def overlaps(windows: Iterable[Window]) -> Iterator[WindowsOverlap]:
    """Yield each window that meets an earlier one of its type; what follows is held to the earlier one."""
    open_now: dict[str, list[Window]] = {}
    for window in sorted(windows, key=lambda item: (item.starts_at, item.id)):
        still = [
            item
            for item in open_now.get(window.type, ())
            if item.ends_at is None or window.starts_at < item.ends_at
        ]
        both = [
            (min(item.territories.countries & window.territories.countries), item.id)
            for item in still
            if not item.territories.countries.isdisjoint(window.territories.countries)
        ]
        if both:
            territory, first = min(both)
            yield WindowsOverlap(window.type.value, first, window.id, territory, window.starts_at)
        open_now[window.type] = still if both else [*still, window]


class _Draft:
    """A book while changes are made to it, a dict of each kind of thing by id."""

    def __init__(self, book: TitleRights | None, title_id: TitleId, at: datetime) -> None:
        self._title_id, self._at = title_id, at
        self._licences: dict[Any, Licence] = {item.id: item for item in (book.licences if book else ())}
        self._windows: dict[Any, Window] = {item.id: item for item in (book.windows if book else ())}
        self._takedowns: dict[Any, Takedown] = {item.id: item for item in (book.takedowns if book else ())}
        self._ratings: list[Rating] = list(book.ratings if book else ())

    def result(self, revision: int, by: str, reason: str) -> TitleRights:
        """Return the book as it stands, each kind of thing in a fixed order."""
        return TitleRights(
            title_id=self._title_id,
            revision=revision,
            recorded_at=self._at,
            recorded_by=by,
            reason=reason,
            licences=tuple(sorted(self._licences.values(), key=lambda item: (item.starts_at, item.id))),
            windows=tuple(sorted(self._windows.values(), key=lambda item: (item.starts_at, item.id))),
            ratings=tuple(sorted(self._ratings, key=_by_place)),
            takedowns=tuple(sorted(self._takedowns.values(), key=lambda item: (item.starts_at, item.id))),
        )

    def make(self, change: RightsEdit) -> None:
        """Make one change."""
        match change:
            case AddWindow(window):
                self._check_title(window.title_id, BadWindow)
                _add(self._windows, window, "window")
            case AlterWindow(window):
                self._check_title(window.title_id, BadWindow)
                self._alter(window)
            case MoveWindow(window_id, starts_at, ends_at, places):
                old_window = _named(self._windows, window_id, "window")
                places = places or old_window.territories
                self._alter(evolve(old_window, starts_at=starts_at, ends_at=ends_at, territories=places))
            case EndWindow(window_id, ends_at):
                self._alter(evolve(_named(self._windows, window_id, "window"), ends_at=ends_at))
            case RemoveWindow(window_id):
                self._remove(self._windows, window_id, "window")
            case AddLicence(licence):
                self._check_title(licence.title_id, BadLicence)
                _add(self._licences, licence, "licence")
            case EndLicence(licence_id, ends_at):
                old = _named(self._licences, licence_id, "licence")
                self._check_end(old, ends_at, "licence")
                self._licences[licence_id] = evolve(old, ends_at=ends_at)
            case RemoveLicence(licence_id):
                self._remove(self._licences, licence_id, "licence")
            case SetRating(territories, label):
                self._rate(territories, label)
            case TakeDown(takedown_id, territories, notice):
                if not territories.countries:
                    raise BadRightsChange("the takedown is of no country; name one that is not excluded")
                text = notice.strip()
                if not text or len(text) > MAX_NOTICE:
                    raise BadRightsChange(f"a takedown names its notice in 1 to {MAX_NOTICE} characters")
                _add(self._takedowns, Takedown(takedown_id, territories, text, self._at), "takedown")
            case Restore(takedown_id):
                found = _named(self._takedowns, takedown_id, "takedown")
                if found.ends_at is not None:
                    raise TakedownOver(found.id, found.ends_at)
                self._takedowns[takedown_id] = evolve(found, ends_at=self._at)

    def _alter(self, new: Window) -> None:
        old = _named(self._windows, new.id, "window")
        if old.starts_at > self._at:
            if new.starts_at < self._at:
                raise PastIsFixed(
                    "window",
                    old.id,
                    f"it has not begun and would begin at {new.starts_at.isoformat()}, which is past; "
                    "let it begin now or later",
                )
        elif any(getattr(new, name) != getattr(old, name) for name in _BUT_THE_END):
            raise PastIsFixed(
                "window",
                old.id,
                "it has begun, and only its end may move; end it, and add another that begins then",
            )
        else:
            self._check_end(old, new.ends_at, "window")
        self._windows[new.id] = new

    def _check_end(self, old: Window | Licence, ends_at: datetime | None, what: str) -> None:
        if old.ends_at is not None and old.ends_at <= self._at and ends_at != old.ends_at:
            raise PastIsFixed(what, old.id, f"it ended at {old.ends_at.isoformat()}; add another instead")
        if ends_at is not None and ends_at < self._at and ends_at != old.ends_at:
            raise PastIsFixed(
                what, old.id, f"its end would be {ends_at.isoformat()}, which is past; end it now or later"
            )

    def _remove(self, items: dict[Any, Item], id: Any, what: str) -> None:
        found = _named(items, id, what)
        if found.starts_at <= self._at:
            raise PastIsFixed(what, found.id, "it has begun and stays in the book; end it instead")
        del items[id]

    def _rate(self, territories: Territories, label: str | None) -> None:
        """Keep one certificate a code, so that for a country the most specific code decides."""
        for code in territories.included:
            only = Territories((code,), territories.excluded)
            if not only.countries:
                raise BadRightsChange(f"a certificate for {code} is of no country, all of it is excluded")
            held = [item for item in self._ratings if item.territories.included == (code,)]
            if label is None:
                _check_taken_away(code, only, held)
            self._ratings = [item for item in self._ratings if item not in held]
            if label is not None:
                self._ratings.append(Rating(only, canonical(label), age_of(label)))

    def _check_title(self, title_id: TitleId, error: type[BadWindow] | type[BadLicence]) -> None:
        if title_id != self._title_id:
            raise error(f"it is of the title {title_id}, and the book of {self._title_id}")


def _check_taken_away(code: str, only: Territories, held: Sequence[Rating]) -> None:
    if not held:
        raise BadRightsChange(
            f"there is no certificate of {code} to take away; where a wider one counts there, "
            f"set that one anew and exclude {code}"
        )
    for rating in held:
        beyond = rating.territories.countries - only.countries
        if beyond:
            raise BadRightsChange(
                f"the certificate of {code} would be taken away in {min(beyond)} too; "
                f"take away {code} without exclusions, or set it anew and exclude where it is not to count"
            )


def _named(items: dict[Any, Item], id: Any, what: str) -> Item:
    if id not in items:
        raise NotInBook(what, id)
    return items[id]


def _add(items: dict[Any, Item], item: Item, what: str) -> None:
    if item.id in items:
        raise InBookAlready(what, item.id)
    items[item.id] = item


def _by_place(rating: Rating) -> tuple[int, tuple[str, ...]]:
    """Order certificates by how few countries their codes stand for: the first that has a country decides."""
    return min(len(members(code)) for code in rating.territories.included), rating.territories.included
