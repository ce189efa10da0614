"""The bars of a title's rights in time: per cents of a width, so that a template only draws them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from attrs import frozen

from buddy_core.kernel.territories import Territories
from buddy_core.rights import Licence, Takedown, TitleRights, Window, WindowType

_BEFORE, _AHEAD, _MOST = timedelta(days=90), timedelta(days=365), timedelta(days=1095)
_EDGE = timedelta(days=45)
_SMALLEST = 60
"""A bar is at least so many hundredths of a per cent wide, so that a day can be seen."""
_TICKS = 3


@frozen
class Bar:
    """One thing in time: where its bar begins and how wide it is, in per cent such as `12.50%`."""

    item: Licence | Window | Takedown
    x: str
    width: str
    state: str
    """`past`, `now` or `coming`."""


@frozen
class Lane:
    """A line of bars of one kind: a window's type, `licence` or `down`."""

    kind: str
    bars: tuple[Bar, ...]


@frozen
class Band:
    """The lanes of the same territories."""

    territories: Territories
    lanes: tuple[Lane, ...]


@frozen
class Tick:
    """The first of a month, and where it is."""

    at: datetime
    x: str


@frozen
class Timeline:
    """A title's windows, licences and takedowns over a span, by territories and type."""

    since: datetime
    until: datetime
    now: str
    """Where now is."""
    ticks: tuple[Tick, ...]
    bands: tuple[Band, ...]


def timeline(book: TitleRights, at: datetime) -> Timeline:
    """Return the bars of a book: a year ahead at least, three at most; what is over for long is left out."""
    items: list[Licence | Window | Takedown] = [*book.licences, *book.windows, *book.takedowns]
    since = max(min([at, *(item.starts_at for item in items)]), at - _BEFORE)
    edges = [edge for item in items for edge in (item.starts_at, item.ends_at) if edge is not None]
    until = min(max([at + _AHEAD, *(edge + _EDGE for edge in edges if edge < at + _MOST)]), at + _MOST)
    places: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Licence | Window | Takedown]] = {}
    for item in items:
        if item.starts_at < until and (item.ends_at is None or item.ends_at > since):
            key = (item.territories.included, item.territories.excluded)
            places.setdefault(key, []).append(item)
    found = sorted(places.items(), key=lambda pair: (-len(pair[1][0].territories.countries), pair[0]))
    bands = tuple(Band(some[0].territories, _lanes(some, since, until, at)) for _, some in found)
    return Timeline(since, until, _percent(at, since, until), _ticks(since, until), bands)


def _lanes(
    items: Sequence[Licence | Window | Takedown], since: datetime, until: datetime, at: datetime
) -> tuple[Lane, ...]:
    kinds: list[tuple[str, list[Licence | Window | Takedown]]] = [
        ("down", [item for item in items if isinstance(item, Takedown)])
    ]
    for type in WindowType:
        kinds.append((type.value, [item for item in items if isinstance(item, Window) and item.type is type]))
    lanes = [Lane(kind, _bars(some, since, until, at)) for kind, some in kinds if some]
    # Licences of co-owners lie over each other: each has a lane.
    owned = [Lane("licence", _bars([item], since, until, at)) for item in items if isinstance(item, Licence)]
    return (*owned, *lanes)


def _bars(
    items: Iterable[Licence | Window | Takedown], since: datetime, until: datetime, at: datetime
) -> tuple[Bar, ...]:
    found = []
    for item in items:
        start, end = max(item.starts_at, since), min(item.ends_at or until, until)
        width = max(_hundredths(end, since, until) - _hundredths(start, since, until), _SMALLEST)
        x = min(_hundredths(start, since, until), 10_000 - width)
        state = (
            "coming"
            if at < item.starts_at
            else "now"
            if item.ends_at is None or at < item.ends_at
            else "past"
        )
        found.append(Bar(item, _text(x), _text(width), state))
    return tuple(found)


def _ticks(since: datetime, until: datetime) -> tuple[Tick, ...]:
    """Return about three firsts of months within a span."""
    months = max(1, (until - since).days // 30 // _TICKS)
    year, month = since.year, since.month
    found: list[Tick] = []
    while True:
        month += months
        year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
        at = datetime(year, month, 1, tzinfo=UTC)
        place = _hundredths(at, since, until)
        if place > 9_000:
            return tuple(found)
        if place >= 0:
            found.append(Tick(at, _text(place)))


def _percent(at: datetime, since: datetime, until: datetime) -> str:
    return _text(_hundredths(at, since, until))


def _hundredths(at: datetime, since: datetime, until: datetime) -> int:
    return (at - since) * 10_000 // (until - since)


def _text(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02}%"
