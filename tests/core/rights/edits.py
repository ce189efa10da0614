"""Random edits of a book of rights, and the laws told anew by counting, to hold the rules to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from fractions import Fraction
from random import Random
from typing import TypeVar
from uuid import UUID

from attrs import evolve

from buddy_core.kernel import LicenceId, PartnerId
from buddy_core.kernel.ids import TakedownId, WindowId
from buddy_core.rights import (
    AddLicence,
    AddWindow,
    AlterWindow,
    EndLicence,
    EndWindow,
    Licence,
    RemoveLicence,
    RemoveWindow,
    Restore,
    RightsEdit,
    SetRating,
    TakeDown,
    Takedown,
    Territories,
    TitleRights,
    Window,
    WindowType,
)
from tests.contracts.cases import AT, title, uid

Item = TypeVar("Item", Window, Licence, Takedown)
DAY = timedelta(days=1)
TITLE = title(1)
PLACES = (
    Territories(("IN",)),
    Territories(("AE",)),
    Territories(("AE", "IN")),
    Territories(("EU",), ("FR",)),
    Territories(("*",), ("AE",)),
    Territories(("*",)),
    Territories(("FR", "SAARC")),
)
ONE_OF_EACH_KIND = ("AE", "DE", "FR", "IN", "LK", "US")
"""A country of each kind that the places tell apart."""
LABELS = ("U", "u/a 7+", "UA", "15", "PG13", "A", "FSK 12", "nothing", "")


def days(count: int) -> datetime:
    """Return an instant some days after the first."""
    return AT + count * DAY


class Edits:
    """Edits drawn from one source of chance, about as often possible as not."""

    def __init__(self, random: Random, first: int = 100) -> None:
        self._random = random
        self._next = first

    def some(self, book: TitleRights | None, at: datetime) -> list[RightsEdit]:
        """Return one edit, or a few that belong together."""
        make = self._random.choices(
            (
                self._add_window,
                self._alter,
                self._end_window,
                self._remove_window,
                self._add_licences,
                self._end_licence,
                self._remove_licence,
                self._rate,
                self._take_down,
                self._restore,
                self._nothing,
            ),
            (6, 3, 3, 2, 6, 2, 2, 2, 2, 5, 0.6),
        )[0]
        return list(make(book, at))

    def _add_window(self, book: TitleRights | None, at: datetime) -> Iterator[RightsEdit]:
        window = self._window(at)
        if book and book.windows and self._random.random() < 0.1:
            window = evolve(window, id=self._random.choice(book.windows).id)
        if self._random.random() < 0.04:
            window = evolve(window, title_id=title(2))
        yield AddWindow(window)

    def _alter(self, book: TitleRights | None, at: datetime) -> Iterator[RightsEdit]:
        old = self._one(book.windows if book else ())
        if old is None or self._random.random() < 0.1:
            yield AlterWindow(self._window(at))
        elif self._random.random() < 0.5:
            yield AlterWindow(evolve(old, ends_at=old.starts_at + self._random.randint(1, 20) * DAY))
        else:
            yield AlterWindow(evolve(self._window(at), id=old.id))

    def _end_window(self, book: TitleRights | None, at: datetime) -> Iterator[RightsEdit]:
        old = self._one(book.windows if book else ())
        yield EndWindow(WindowId(uid(1)) if old is None else old.id, self._end(at))

    def _remove_window(self, book: TitleRights | None, at: datetime) -> Iterator[RightsEdit]:
        old = self._one(book.windows if book else ())
        yield RemoveWindow(WindowId(uid(1)) if old is None else old.id)

    def _add_licences(self, book: TitleRights | None, at: datetime) -> Iterator[RightsEdit]:
        start, end = self._span(at)
        places = self._random.choice(PLACES)
        parts = self._random.choice(
            (
                (Fraction(1),),
                (Fraction(1),),
                (Fraction(1, 3), Fraction(2, 3)),
                (Fraction(9_999, 10_000),),
                (Fraction(1, 3), Fraction(1, 3)),
                (Fraction(1), Fraction(0)),
            )
        )
        exclusive = self._random.random() < 0.5
        share = self._random.choice((Fraction(1, 2), Fraction(1, 2), Fraction(3, 5), Fraction(0)))
        if book and book.licences and self._random.random() < 0.3:
            # What there is ends, and others begin then.
            for old in book.licences:
                if old.ends_at is None or old.ends_at > start > old.starts_at:
                    yield EndLicence(old.id, start)
        for number, part in enumerate(parts):
            licence = Licence(
                LicenceId(self._id()),
                title(2) if self._random.random() < 0.02 else TITLE,
                PartnerId(uid(1 + number)),
                share,
                places,
                start,
                end,
                part,
                exclusive and number == 0,
            )
            if book and book.licences and self._random.random() < 0.05:
                licence = evolve(licence, id=self._random.choice(book.licences).id)
            yield AddLicence(licence)

    def _end_licence(self, book: TitleRights | None, at: datetime) -> Iterator[RightsEdit]:
        old = self._one(book.licences if book else ())
        yield EndLicence(LicenceId(uid(1)) if old is None else old.id, self._end(at))

    def _remove_licence(self, book: TitleRights | None, at: datetime) -> Iterator[RightsEdit]:
        old = self._one(book.licences if book else ())
        yield RemoveLicence(LicenceId(uid(1)) if old is None else old.id)

    def _rate(self, book: TitleRights | None, at: datetime) -> Iterator[RightsEdit]:
        label = self._random.choice(LABELS)
        yield SetRating(self._random.choice(PLACES), label or None)

    def _take_down(self, book: TitleRights | None, at: datetime) -> Iterator[RightsEdit]:
        yield TakeDown(TakedownId(self._id()), self._random.choice(PLACES), self._random.choice(("A.", "")))

    def _restore(self, book: TitleRights | None, at: datetime) -> Iterator[RightsEdit]:
        old = self._one(book.takedowns if book else ())
        yield Restore(TakedownId(uid(1)) if old is None else old.id)

    def _nothing(self, book: TitleRights | None, at: datetime) -> Iterator[RightsEdit]:
        return iter(())

    def _one(self, items: tuple[Item, ...]) -> Item | None:
        return self._random.choice(items) if items and self._random.random() < 0.95 else None

    def _window(self, at: datetime) -> Window:
        start, end = self._span(at)
        type = self._random.choice((WindowType.TVOD, WindowType.SVOD, WindowType.AVOD))
        return Window(WindowId(self._id()), TITLE, type, self._random.choice(PLACES), start, end)

    def _span(self, at: datetime) -> tuple[datetime, datetime | None]:
        start = at + self._random.randint(-4, 16) * DAY
        return start, None if self._random.random() < 0.1 else start + self._random.randint(1, 8) * DAY

    def _end(self, at: datetime) -> datetime | None:
        return None if self._random.random() < 0.1 else at + self._random.randint(-5, 20) * DAY

    def _id(self) -> UUID:
        self._next += 1
        return uid(self._next)


def broken_laws(book: TitleRights) -> list[str]:
    """Return what is wrong with a book, found by looking at each kind of country at every change."""
    found = []
    items: list[Window | Licence] = [*book.windows, *book.licences]
    instants = {edge for item in items for edge in (item.starts_at, item.ends_at) if edge is not None}
    for at in sorted(instants):
        windows = [item for item in book.windows if is_at(item, at)]
        licences = [item for item in book.licences if is_at(item, at)]
        for country in ONE_OF_EACH_KIND:
            types = [item.type for item in windows if country in item.territories]
            if len(types) != len(set(types)):
                found.append(f"two windows of one type in {country} at {at}")
            here = [item for item in licences if country in item.territories]
            if here and sum(item.ownership for item in here) != 1:
                found.append(f"ownership in {country} at {at}")
            for item in here:
                others = [other for other in here if other.partner_id != item.partner_id]
                if item.is_exclusive and any(other.ownership == 0 for other in others):
                    found.append(f"beside the exclusive in {country} at {at}")
    return found


def is_at(item: Window | Licence, at: datetime) -> bool:
    """Tell whether a window is open, or a licence holds, at an instant."""
    return item.starts_at <= at and (item.ends_at is None or at < item.ends_at)


def rewritten(old: TitleRights, new: TitleRights) -> list[str]:
    """Return what of the past a new revision tells otherwise; what is added to it is not among them."""
    at, found = new.recorded_at, []
    now: dict[UUID, Window | Licence] = {item.id: item for item in new.windows}
    now |= {item.id: item for item in new.licences}
    before: list[Window | Licence] = [*old.windows, *old.licences]
    for item in before:
        after = now.get(item.id)
        if item.starts_at > at:
            continue
        if after is None or evolve(after, ends_at=item.ends_at) != item:
            found.append(f"{item.id} began and is not what it was")
        elif after.ends_at != item.ends_at:
            if item.ends_at is not None and item.ends_at <= at:
                found.append(f"{item.id} was over and ends at another time")
            if after.ends_at is not None and after.ends_at < at:
                found.append(f"{item.id} ended before now")
    return found
