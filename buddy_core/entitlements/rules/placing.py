"""A title in one country: when it may be shown, kept, watched and sold there; worked out once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime

from buddy_core.entitlements.model.answers import Denied, Reason
from buddy_core.entitlements.model.facts import (
    FAR,
    PLAN,
    WAYS,
    Gate,
    LicenceFacts,
    Moment,
    Place,
    Rights,
    Span,
    TakedownFacts,
    TitleFacts,
    WindowFacts,
)
from buddy_core.kernel.countries import COUNTRIES
from buddy_core.rights import WindowType


def place_of(title: TitleFacts, country: str | None) -> Place:
    """Return the title as it stands in a country; what is no country has no licence and no window."""
    found = title.places.get(country)
    if found is None:
        known = country if country in COUNTRIES else None
        found = title.places.get(known)
        if found is None:
            found = title.places[known] = _place(title, known)
    return found


def moment_of(place: Place, at: datetime) -> Moment:
    """Return what holds in a place at `at`: the same from each bound up to, not at, the next."""
    number = bisect_right(place.bounds, at)
    found = place.moments.get(number)
    if found is None:
        found = place.moments[number] = _moment(place, at)
    return found


def end_of(spans: Sequence[Span], at: datetime) -> datetime | None:
    """Return when the span that holds `at` ends, or None if none does."""
    for start, end in spans:
        if start <= at < end:
            return end
    return None


def _place(title: TitleFacts, country: str | None) -> Place:
    taken = joined(
        _span(item)
        for item in title.takedowns
        # Where the viewer is unknown, only what is taken down everywhere is known to be.
        if (country in item.countries if country else item.countries >= COUNTRIES)
    )
    licences = [item for item in title.licences if country in item.countries]
    windows = [item for item in title.windows if country in item.countries]
    out = () if title.published_at is None else ((title.published_at, FAR),)
    licensed = _without(_within(joined(map(_span, licences)), out), taken)
    if country is None:
        ends = [FAR if item.has_tail else item.ends_at or FAR for item in title.licences]
    else:
        ends = [item.ends_at or FAR for item in licences]
    kept = tuple(
        (before, _without(_within(_kept(licences, before), out), taken))
        for before in sorted({FAR, *(item.ends_at for item in licences if item.has_tail and item.ends_at)})
    )
    offers = [item for item in windows if item.ways or item.free is not None]
    gates = _gates(item for item in windows if item.free is not None or PLAN in item.ways)
    openings = _within(joined(map(_span, offers)), licensed)
    bounds = {title.published_at, *ends, *(at for gate in gates for at in (gate.starts_at, gate.ends_at))}
    bounds.update(at for item in offers for at in _span(item))
    for spans in (licensed, openings, taken, *(spans for _, spans in kept)):
        bounds.update(at for span in spans for at in span)
    return Place(
        licensed=licensed,
        kept=kept,
        openings=openings,
        gates=gates,
        shops=tuple((item.starts_at, item.ends_at or FAR, item.ways) for item in windows if item.ways),
        taken=taken,
        published_at=title.published_at,
        licence_ends=max(ends, default=None),
        age=title.ages.get(country, title.age) if country else title.age,
        is_known=country is not None,
        bounds=sorted(at for at in bounds if at is not None),
    )


def _moment(place: Place, at: datetime) -> Moment:
    licensed = end_of(place.licensed, at)
    sold = {way for start, end, ways in place.shops if start <= at < end for way in ways}
    return Moment(
        closed=_closed(place, at),
        is_open=end_of(place.openings, at) is not None,
        kept=tuple((before, end) for before, spans in place.kept if (end := end_of(spans, at)) is not None),
        licensed=licensed,
        gates=tuple(gate for gate in place.gates if licensed and gate.starts_at <= at < gate.ends_at),
        ways=tuple(way for way in WAYS if licensed and way in sold),
    )


def _closed(place: Place, at: datetime) -> Denied:
    """Return why nobody may watch the title here who holds nothing that still plays."""
    if end_of(place.taken, at) is not None:
        return Denied(Reason.TAKEN_DOWN)
    ahead = min((start for start, _ in place.openings if start > at), default=None)
    if place.published_at is None or at < place.published_at:
        return Denied(Reason.NOT_PUBLISHED, opens_at=ahead)
    if place.licence_ends is None or at >= place.licence_ends:
        return Denied(Reason.NO_LICENCE)
    if not place.is_known:
        return Denied(Reason.COUNTRY_UNKNOWN)
    if ahead is None and any(start <= at for start, _ in place.openings):
        return Denied(Reason.OVER)
    return Denied(Reason.NOT_YET, opens_at=ahead)


def _span(item: LicenceFacts | WindowFacts | TakedownFacts) -> Span:
    return item.starts_at, item.ends_at or FAR


def _kept(licences: Iterable[LicenceFacts], before: datetime) -> tuple[Span, ...]:
    """Return when something plays that began just before `before`: its licences, and their tails."""
    return joined(
        (item.starts_at, FAR if item.has_tail and before <= (item.ends_at or FAR) else item.ends_at or FAR)
        for item in licences
    )


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the spans sorted, those that touch or overlap as one, and none that is empty."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return tuple(found)


def _within(spans: Sequence[Span], others: Sequence[Span]) -> tuple[Span, ...]:
    """Return the parts of `spans` that lie in one of `others`."""
    return joined((max(a, c), min(b, d)) for a, b in spans for c, d in others)


def _without(spans: Sequence[Span], others: Sequence[Span]) -> tuple[Span, ...]:
    """Return the parts of `spans` that lie in none of `others`, which are sorted and apart."""
    left = list(spans)
    for start, end in others:
        left = [
            (a, b)
            for first, last in left
            for a, b in ((first, min(last, start)), (max(first, end), last))
            if a < b
        ]
    return tuple(left)


def _gates(windows: Iterable[WindowFacts]) -> tuple[Gate, ...]:
    """Return the windows that may be watched, each with the end of those that carry on as it does."""
    alike: dict[tuple[WindowType, frozenset[str], Rights | None], list[WindowFacts]] = {}
    for item in windows:
        alike.setdefault((item.type, item.tiers, item.free), []).append(item)
    found = []
    for items in alike.values():
        spans = joined(map(_span, items))
        for item in items:
            until = end_of(spans, item.starts_at) or item.starts_at
            start, end = _span(item)
            found.append(Gate(item.id, item.type, start, end, until, item.tiers, item.free))
    return tuple(sorted(found, key=lambda gate: (gate.type, gate.starts_at, gate.id)))
