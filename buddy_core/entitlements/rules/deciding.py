"""May this viewer watch this title here and now: one pure decision, of one title or a page of many."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from buddy_core.entitlements.model.answers import Allowed, Decision, Denied, Reason, Untils
from buddy_core.entitlements.model.facts import (
    FAR,
    Channel,
    Context,
    Gate,
    Holding,
    Moment,
    PlanState,
    Rights,
    TitleFacts,
    Viewer,
)
from buddy_core.entitlements.rules.placing import moment_of, place_of
from buddy_core.kernel.clock import utc

Source = tuple[Rights, datetime, UUID, str, bool]
"""What opens a title: the rights, until when, the id and kind of grant or window, and if it is in grace."""
_ORDER = {reason: place for place, reason in enumerate(Reason)}
_LAST = len(_ORDER)


def decide(viewer: Viewer, title: TitleFacts, context: Context, at: datetime) -> Decision:
    """Answer whether `viewer` may watch `title` at `at`, or the first reason against it in `Reason`'s order.

    The best of each right comes from all that is live. `via` is the best grant or
    window by height, no ads, downloads, end, then the smaller id. Adding a holding
    lowers no right and does not shorten the answer's `until`.

    Raises:
        InvalidValue: `at` is naive.
    """
    return _decide(viewer.holdings, title, context, utc(at))


def decide_each(
    viewer: Viewer, titles: Sequence[TitleFacts], context: Context, at: datetime
) -> list[Decision]:
    """Answer for many titles as `decide` does for each; every holding is looked at where it matters only."""
    at = utc(at)
    by_title: dict[int, list[Holding]] = {}
    plans = []
    for holding in viewer.holdings:
        if holding.of is None:
            plans.append(holding)
        else:
            by_title.setdefault(holding.of.int, []).append(holding)
    answers = []
    for title in titles:
        mine = plans
        found = by_title.get(title.id.int)
        if found is not None:
            mine = mine + found
        for part in title.part_of:
            found = by_title.get(part.of.int)
            if found is not None:
                mine = mine + found
        answers.append(_decide(mine, title, context, at))
    return answers


def _decide(holdings: Iterable[Holding], title: TitleFacts, context: Context, at: datetime) -> Decision:
    # What `place_of` and `moment_of` do, without a call where it is worked out already.
    place = title.places.get(context.country) or place_of(title, context.country)
    moment = place.moments.get(bisect_right(place.bounds, at)) or moment_of(place, at)
    if not moment.kept:
        return moment.closed
    found = sources(holdings, title, moment, context, at)
    if not found and not moment.is_open:
        return moment.closed
    profile = context.profile
    if profile.max_age is not None and place.age > profile.max_age:
        return Denied(Reason.MATURITY)
    if profile.pin_above is not None and place.age > profile.pin_above and not profile.is_pin_given:
        return Denied(Reason.PROFILE_PIN)
    if found:
        return best_of(found, context)
    ways = () if context.channel is Channel.APP else moment.ways
    return Denied(why_not(holdings, title, moment, at), ways)


def sources(
    holdings: Iterable[Holding], title: TitleFacts, moment: Moment, context: Context, at: datetime
) -> list[Source]:
    """Return everything that opens the title at `at`."""
    licensed, gates = moment.licensed, moment.gates
    found: list[Source] = []
    if licensed is not None:
        for gate in gates:
            if gate.free is not None:
                found.append((gate.free, min(gate.until, licensed), gate.id, gate.type, False))
    # Two ids are the same where their numbers are: many times quicker than to compare the ids.
    wanted = title.id.int
    for item in holdings:
        starts_at = item.starts_at
        if at < starts_at:
            continue
        ends_at = item.ends_at or FAR
        if item.goes_on_in is not None and item.goes_on_in == context.session_id:
            ends_at = max(ends_at, item.goes_on_until or FAR)
        if at >= ends_at:
            continue
        of = item.of
        if of is not None:
            if of.int == wanted or _is_in(item, of.int, title):
                kept = plays_until(moment, item.held_since or starts_at)
                if kept is not None:
                    end = ends_at if ends_at < kept else kept
                    found.append((item.rights, end, item.id, item.kind, False))
        elif licensed is not None and item.plan is not PlanState.PAUSED:
            until = None
            for gate in gates:
                if includes(gate, item) and (until is None or until < gate.until):
                    until = gate.until
            if until is not None:
                grace = item.plan is PlanState.GRACE
                found.append((item.rights, min(ends_at, until, licensed), item.id, item.kind, grace))
    return found


def plays_until(moment: Moment, held_since: datetime) -> datetime | None:
    """Return until when what began at `held_since` plays here; None if it does not.

    After the end of a licence with tail rights that is only what began before that end.
    """
    for before, until in moment.kept:
        if held_since < before:
            return until
    return None


def opens(holding: Holding, title: TitleFacts) -> bool:
    """Tell whether a holding is of this title, or of something that the title is part of."""
    of = holding.of
    return of is not None and (of.int == title.id.int or _is_in(holding, of.int, title))


def _is_in(holding: Holding, of: int, title: TitleFacts) -> bool:
    for part in title.part_of:
        if part.of.int == of and (
            holding.includes_later or part.since <= (holding.held_since or holding.starts_at)
        ):
            return True
    return False


def why_not(holdings: Iterable[Holding], title: TitleFacts, moment: Moment, at: datetime) -> Reason:
    """Return the first reason why nothing that is held opens the title at `at`."""
    found, place = Reason.NO_GRANT, _LAST
    for item in holdings:
        reason = dead(item, title, moment, at)
        if reason is not None and _ORDER[reason] < place:
            found, place = reason, _ORDER[reason]
    return found


def dead(item: Holding, title: TitleFacts, moment: Moment, at: datetime) -> Reason | None:
    """Return why a holding that does not open the title does not; None if it never had to do with it."""
    if item.of is None:
        for gate in moment.gates:
            if includes(gate, item):
                break
        else:
            is_open = item.starts_at <= at < (item.ends_at or FAR) and item.plan is not PlanState.PAUSED
            return Reason.NOT_IN_PLAN if is_open else None
    elif not opens(item, title):
        return None
    # The end first: what was taken back before it began will never begin.
    if item.ends_at is not None and at >= item.ends_at:
        return item.after
    if at < item.starts_at:
        return Reason.NOT_BEGUN
    return Reason.PLAN_PAUSED if item.plan is PlanState.PAUSED else None


def includes(gate: Gate, plan: Holding) -> bool:
    """Tell whether a window is for plans of this tier."""
    return gate.free is None and (not gate.tiers or plan.tier in gate.tiers)


def best_of(found: Sequence[Source], context: Context) -> Decision:
    """Return the best of each right over all sources, in one pass, named by the best source."""
    best = found[0]
    rights, until, _, _, _ = best
    height, ads, downloads, streams = rights.max_height, rights.ads, rights.downloads, rights.streams
    height_end = ads_end = downloads_end = streams_end = until
    if len(found) > 1:
        for source in found[1:]:
            rights, end, _, _, _ = source
            if end > until:
                until = end
            if rights.max_height > height:
                best, height, height_end = source, rights.max_height, end
            elif rights.max_height == height:
                if end > height_end:
                    height_end = end
                if _beats(source, best):
                    best = source
            if rights.ads < ads:
                ads, ads_end = False, end
            elif end > ads_end and rights.ads == ads:
                ads_end = end
            if rights.downloads > downloads:
                downloads, downloads_end = True, end
            elif end > downloads_end and rights.downloads == downloads:
                downloads_end = end
            if rights.streams > streams:
                streams, streams_end = rights.streams, end
            elif end > streams_end and rights.streams == streams:
                streams_end = end
    if context.streams >= streams:
        return Denied(Reason.TOO_MANY_STREAMS)
    _, _, via, kind, grace = best
    last = _end(until)
    if height_end == ads_end == downloads_end == streams_end == until:
        untils = _NEVER if last is None else Untils(last, last, last, last)
    else:
        untils = Untils(_end(height_end), _end(ads_end), _end(downloads_end), _end(streams_end))
    return Allowed(via, kind, last, height, ads, downloads, streams, untils, grace)


_NEVER = Untils(None, None, None, None)


def _beats(source: Source, best: Source) -> bool:
    """Tell which of two sources of equal height is the better one."""
    rights, end, via, _, _ = source
    other, other_end, other_via, _, _ = best
    if rights.ads != other.ads:
        return not rights.ads
    if rights.downloads != other.downloads:
        return rights.downloads
    return end > other_end if end != other_end else via.int < other_via.int


def _end(end: datetime) -> datetime | None:
    return None if end == FAR else end
