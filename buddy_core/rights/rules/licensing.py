"""Which licences hold for a country at an instant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from fractions import Fraction

from buddy_core.kernel.countries import country
from buddy_core.kernel.ids import PartnerId, TitleId, WindowId, derived_uuid
from buddy_core.kernel.territories import WORLDWIDE
from buddy_core.rights.errors import NotExclusive, OwnershipNotWhole
from buddy_core.rights.model.books import TitleRights
from buddy_core.rights.model.licences import Licence
from buddy_core.rights.model.windows import Window, WindowType


def holds(licence: Licence, place: str | None, at: datetime) -> bool:
    """Tell whether a licence lets us show its title in `place` at `at`.

    Raises:
        CountryUnknown: the place could not be told; a licensed title is then denied.
    """
    code = country(place)
    return _in_time(licence, at) and covers(licence, code)


def covers(licence: Licence, code: str) -> bool:
    """Tell whether a country is among a licence's territories; what is excluded never is."""
    return code in licence.territories


def check_ownership(licences: Iterable[Licence]) -> None:
    """Refuse licences that hold in a country at a time and do not own exactly the whole title together.

    Raises:
        OwnershipNotWhole: the first instant at which it happens, and there the first country.
    """
    for at, code, live in _spells(licences):
        total = sum((item.ownership for item in live), Fraction(0))
        if total != 1:
            raise OwnershipNotWhole(code, at, total)


def check_exclusive(licences: Iterable[Licence]) -> None:
    """Refuse a licence beside an exclusive one of another partner, unless it is a co-owner's.

    An exclusive licence keeps out all who own no part of the title there; its owners together
    own the whole (`check_ownership`), so each of them may hold one.

    Raises:
        NotExclusive: the first instant at which it happens, and there the first country.
    """
    for at, code, live in _spells(licences):
        for exclusive in (item for item in live if item.is_exclusive):
            for other in live:
                if other.partner_id != exclusive.partner_id and other.ownership == 0:
                    raise NotExclusive(exclusive.id, other.id, code, at)


def _spells(licences: Iterable[Licence]) -> Iterator[tuple[datetime, str, tuple[Licence, ...]]]:
    """Yield which licences hold from each instant at which that changes, for one country of each kind.

    Countries that the same licences cover are of one kind, named by the first of them. Ordered by
    instant, then country; nothing is yielded where none holds.
    """
    found = sorted(licences, key=lambda item: item.id)
    covering: dict[str, list[int]] = {}
    for place, licence in enumerate(found):
        for code in licence.territories.countries:
            covering.setdefault(code, []).append(place)
    kinds: dict[tuple[int, ...], str] = {}
    for code in sorted(covering):
        kinds.setdefault(tuple(covering[code]), code)
    spells = []
    for places, code in kinds.items():
        mine = [found[place] for place in places]
        ends = {item.ends_at for item in mine if item.ends_at is not None}
        for at in {item.starts_at for item in mine} | ends:
            live = tuple(item for item in mine if _in_time(item, at))
            if live:
                spells.append((at, code, live))
    yield from sorted(spells, key=lambda spell: spell[:2])


def licences_for(licences: Iterable[Licence], place: str | None, at: datetime) -> tuple[Licence, ...]:
    """Return the licences that hold for `place` at `at`, in id order."""
    return tuple(sorted((item for item in licences if holds(item, place, at)), key=lambda item: item.id))


def _in_time(licence: Licence, at: datetime) -> bool:
    return licence.starts_at <= at and (licence.ends_at is None or at < licence.ends_at)


def licences_of(partner: PartnerId, books: Iterable[TitleRights]) -> list[Licence]:
    """Return the licences that a partner gave, in id order."""
    mine = [item for book in books for item in book.licences if item.partner_id == partner]
    return sorted(mine, key=lambda item: item.id)


def first_book(
    title: TitleId,
    at: datetime,
    by: str,
    licences: Sequence[Licence],
    windows: Sequence[Window] | None = None,
) -> TitleRights:
    """Return the first revision of a title's rights.

    Without windows, a licensed title gets one: TVOD, worldwide, from the first licence's
    start and without end; the licences say where and when it really holds.
    """
    if windows is None:
        start = min((item.starts_at for item in licences), default=None)
        windows = [] if start is None else [_open_window(title, start)]
    return TitleRights(title, 1, at, by, "added", tuple(licences), tuple(windows))


def _open_window(title: TitleId, start: datetime) -> Window:
    window = WindowId(derived_uuid("window", title, WindowType.TVOD))
    return Window(window, title, WindowType.TVOD, (WORLDWIDE,), start)
