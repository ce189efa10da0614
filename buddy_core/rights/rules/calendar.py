"""The calendar of a title's rights: what is open where and when, gaps, and why something is not available."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from buddy_core.kernel.clock import utc
from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.countries import country as known_country
from buddy_core.rights.errors import BadSpan
from buddy_core.rights.model.books import TitleRights
from buddy_core.rights.model.calendars import Closed, Spell, Strip, WhyNot
from buddy_core.rights.model.licences import Licence
from buddy_core.rights.model.takedowns import Takedown
from buddy_core.rights.model.windows import Window, WindowType

Dated = TypeVar("Dated", Licence, Window, Takedown)


def spells(book: TitleRights | None, country: str, since: datetime, until: datetime) -> tuple[Spell, ...]:
    """Return what holds in a country from `since` up to, not at, `until`; each spell ends as the next begins.

    Raises:
        CountryUnknown: it is no country. BadSpan: the span ends before it begins.
    """
    known_country(country)
    since, until = utc(since), utc(until)
    if until <= since:
        raise BadSpan(since, until)
    licences, windows, takedowns = _here(book, country)
    edges = sorted(
        {since, *(edge for edge in _edges((*licences, *windows, *takedowns)) if since < edge < until)}
    )
    found: list[Spell] = []
    for start, end in zip(edges, [*edges[1:], until], strict=True):
        spell = Spell(
            starts_at=start,
            ends_at=end,
            licences=tuple(item.id for item in _at(licences, start)),
            windows=tuple(_at(windows, start)),
            takedowns=tuple(item.id for item in _at(takedowns, start)),
        )
        found.append(spell)
    return tuple(found)


def calendar(book: TitleRights | None, since: datetime, until: datetime) -> tuple[Strip, ...]:
    """Return the spells of every country, countries with the same rights together, the first one first.

    Raises:
        BadSpan: the span ends before it begins.
    """
    kinds: dict[tuple[object, ...], list[str]] = {}
    for code in sorted(COUNTRIES):
        here = tuple(item.id for items in _here(book, code) for item in items)
        kinds.setdefault(here, []).append(code)
    return tuple(Strip(tuple(codes), spells(book, codes[0], since, until)) for codes in kinds.values())


def gaps(book: TitleRights | None, country: str, since: datetime, until: datetime) -> tuple[Spell, ...]:
    """Return the spells in which a country is licensed, and nothing is sold or watched there.

    Raises:
        CountryUnknown: it is no country. BadSpan: the span ends before it begins.
    """
    return tuple(item for item in spells(book, country, since, until) if item.is_gap)


def together(book: TitleRights | None, country: str, since: datetime, until: datetime) -> tuple[Spell, ...]:
    """Return the spells in which windows of two or more types are open in a country at once.

    Raises:
        CountryUnknown: it is no country. BadSpan: the span ends before it begins.
    """
    return tuple(item for item in spells(book, country, since, until) if len(item.types) > 1)


def upcoming(book: TitleRights | None, country: str, at: datetime) -> tuple[Window, ...]:
    """Return the windows that begin in a country after `at`, the next one first.

    Raises:
        CountryUnknown: it is no country.
    """
    known_country(country)
    return tuple(item for item in _here(book, country)[1] if item.starts_at > utc(at))


def why_not(book: TitleRights | None, country: str, at: datetime) -> WhyNot | None:
    """Return why nothing of a title is sold or watched in a country at `at`; None if something is.

    Raises:
        CountryUnknown: it is no country.
    """
    known_country(country)
    at = utc(at)
    licences, windows, takedowns = _here(book, country)
    down = _at(takedowns, at)
    if down:
        because = f"it was taken down at {_day(down[0].starts_at)} ({down[0].notice})"
        return WhyNot(country, at, Closed.TAKEN_DOWN, because, "restore it once that is settled", down[0].id)
    if not _at(licences, at):
        return _unlicensed(book, country, licences, at)
    live = _at(windows, at)
    if any(item.type is not WindowType.CINEMA for item in live):
        return None
    return _windowless(country, windows, live, at)


def _unlicensed(book: TitleRights | None, country: str, licences: Sequence[Licence], at: datetime) -> WhyNot:
    coming, gone = _next(licences, at), _last(licences, at)
    if coming is not None:
        because = f"the licence {coming.id} begins only at {_day(coming.starts_at)}"
        change = "wait for it, or add a licence that holds before it"
        return WhyNot(
            country, at, Closed.LICENCE_NOT_YET, because, change, coming.id, opens_at=coming.starts_at
        )
    if gone is not None and gone.ends_at is not None:
        because = f"the licence {gone.id} ended at {_day(gone.ends_at)}"
        return WhyNot(country, at, Closed.LICENCE_OVER, because, f"add a licence for {country}", gone.id)
    excluding = [
        item for item in (book.licences if book else ()) if country not in item.territories.countries
    ]
    if excluding:
        many = (
            f"none of its {len(excluding)} licences has it"
            if len(excluding) > 1
            else "its licence leaves it out"
        )
        return WhyNot(country, at, Closed.NO_LICENCE, many, f"add a licence for {country}", excluding[0].id)
    return WhyNot(country, at, Closed.NO_LICENCE, "it has no licence at all", f"add a licence for {country}")


def _windowless(country: str, windows: Sequence[Window], live: Sequence[Window], at: datetime) -> WhyNot:
    opening = [item for item in windows if item.type is not WindowType.CINEMA]
    coming, gone = _next(opening, at), _last(opening, at)
    opens_at = None if coming is None else coming.starts_at
    if live:
        because = f"it is in cinemas only, by the window {live[0].id}"
        change = f"add a window that sells or shows it in {country}, or wait for one"
        return WhyNot(country, at, Closed.CINEMA_ONLY, because, change, live[0].id, opens_at)
    if coming is not None:
        because = (
            f"its next window there, {coming.type.upper()} {coming.id}, opens at {_day(coming.starts_at)}"
        )
        change = "wait for it, or let it begin earlier"
        return WhyNot(country, at, Closed.WINDOW_NOT_YET, because, change, coming.id, opens_at)
    if gone is not None and gone.ends_at is not None:
        because = f"its last window there, {gone.type.upper()} {gone.id}, closed at {_day(gone.ends_at)}"
        return WhyNot(country, at, Closed.WINDOW_OVER, because, f"add a window for {country}", gone.id)
    because = "it is licensed there, and no window sells or shows it"
    return WhyNot(country, at, Closed.NO_WINDOW, because, f"add a window for {country}")


def _here(book: TitleRights | None, country: str) -> tuple[list[Licence], list[Window], list[Takedown]]:
    """Return what of a book is about a country, each in order of its start."""
    if book is None:
        return [], [], []
    return _sorted(book.licences, country), _sorted(book.windows, country), _sorted(book.takedowns, country)


def _sorted(items: Iterable[Dated], country: str) -> list[Dated]:
    mine = (item for item in items if country in item.territories.countries)
    return sorted(mine, key=lambda item: (item.starts_at, item.id))


def _at(items: Iterable[Dated], at: datetime) -> list[Dated]:
    return [item for item in items if item.starts_at <= at and (item.ends_at is None or at < item.ends_at)]


def _next(items: Iterable[Dated], at: datetime) -> Dated | None:
    return next((item for item in items if item.starts_at > at), None)


def _last(items: Iterable[Dated], at: datetime) -> Dated | None:
    over = [item for item in items if item.ends_at is not None and item.ends_at <= at]
    return max(over, key=lambda item: (item.ends_at or at, item.id), default=None)


def _edges(items: Iterable[Licence | Window | Takedown]) -> Iterable[datetime]:
    for item in items:
        yield item.starts_at
        if item.ends_at is not None:
            yield item.ends_at


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
