"""Why an answer is what it is: the facts seen, each rule in its order, and what won and what lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from attrs import evolve, field, frozen

from buddy_core.entitlements.model.answers import Allowed, Decision, Denied, Reason
from buddy_core.entitlements.model.facts import (
    FAR,
    Channel,
    Context,
    Holding,
    LicenceFacts,
    Moment,
    Place,
    PlanState,
    Rights,
    TakedownFacts,
    TitleFacts,
    Viewer,
    WindowFacts,
)
from buddy_core.entitlements.rules.deciding import Source, best_of, dead, includes, opens, sources
from buddy_core.entitlements.rules.placing import moment_of, place_of
from buddy_core.kernel.clock import utc
from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.ids import TitleId


class Verdict(StrEnum):
    """What became of something that might have opened the title."""

    WON = "won"
    GAVE = "gave"
    """Something better won, and a right of the answer is this one's."""
    LOST = "lost"
    BARRED = "barred"
    """It is open, and the answer is no for another reason."""
    NOT_OPEN = "not_open"


@frozen
class Fact:
    """Something that the rules looked at, in words."""

    name: str
    value: str


@frozen
class Asked:
    """A rule that was asked: whether its reason applies, and why it does or does not."""

    reason: Reason
    applies: bool
    why: str


@frozen
class Seen:
    """A grant or window: what became of it and why; `gave` are the rights of the answer that are its own."""

    id: UUID
    kind: str
    is_grant: bool
    starts_at: datetime
    ends_at: datetime | None
    rights: Rights | None
    verdict: Verdict
    why: str
    gave: tuple[str, ...] = ()
    lost_to: UUID | None = None


@frozen
class Trace:
    """A decision with everything that led to it. The first rule that applies is the answer; none: yes."""

    title: TitleId
    at: datetime = field(converter=utc)
    context: Context
    facts: tuple[Fact, ...]
    rules: tuple[Asked, ...]
    """Every reason, in its order."""
    sources: tuple[Seen, ...]
    """Windows, then grants that have to do with the title, each by start and id."""
    decision: Decision

    @property
    def decided_by(self) -> Asked | None:
        """The rule that said no, if one did."""
        return next((rule for rule in self.rules if rule.applies), None)


def explain(viewer: Viewer, title: TitleFacts, context: Context, at: datetime) -> Trace:
    """Answer as `decide` does, by the same rules, and tell how the answer came about.

    Raises:
        InvalidValue: `at` is naive.
    """
    at = utc(at)
    place = place_of(title, context.country)
    moment = moment_of(place, at)
    found = sources(viewer.holdings, title, moment, context, at) if moment.kept else []
    mine = [item for item in viewer.holdings if item.of is None or opens(item, title)]
    is_shut = not moment.kept or not (found or moment.is_open)
    rules = (
        *_place_rules(place, at, context, moment, is_shut=is_shut),
        *_profile_rules(place, context),
        *_grant_rules(mine, title, moment, at, found),
        _streams_rule(found, context),
    )
    no = next((rule.reason for rule in rules if rule.applies), None)
    if no is None:
        decision = best_of(found, context)
    elif is_shut:
        decision = moment.closed
    elif no in (Reason.MATURITY, Reason.PROFILE_PIN, Reason.TOO_MANY_STREAMS):
        decision = Denied(no)
    else:
        decision = Denied(no, () if context.channel is Channel.APP else moment.ways)
    seen = [_window(item, place, moment, context, at) for item in _sorted(title.windows)]
    seen += [_holding(item, title, moment, context, at) for item in _sorted(mine)]
    return Trace(
        title=title.id,
        at=at,
        context=context,
        facts=_facts(title, place, context, len(viewer.holdings), len(mine)),
        rules=rules,
        sources=tuple(_judged(seen, found, context, no)),
        decision=decision,
    )


def when(at: datetime | None) -> str:
    """Return an instant as text: UTC, with as much of the second as it has."""
    if at is None or at == FAR:
        return "no end"
    return at.isoformat(timespec="microseconds" if at.microsecond else "seconds").replace("+00:00", "Z")


def _place_rules(
    place: Place, at: datetime, context: Context, moment: Moment, *, is_shut: bool
) -> tuple[Asked, ...]:
    taken = [span for span in place.taken if span[0] <= at < span[1]]
    is_out = place.published_at is not None and place.published_at <= at
    is_licensed = place.licence_ends is not None and at < place.licence_ends
    here = context.country if place.is_known else "a country that is not known"
    if place.licence_ends is None:
        licence = f"no licence names {here}" if place.is_known else "no licence names any country"
    elif is_licensed:
        licence = f"the licences for {here} end: {when(place.licence_ends)}"
    else:
        licence = f"the last licence for {here} ended {when(place.licence_ends)}"
        licence += "" if is_shut else "; what was bought before plays on"
    ahead = min((start for start, _ in place.openings if start > at), default=None)
    was_open = ahead is None and any(start <= at for start, _ in place.openings)
    is_nothing_open = is_shut and is_licensed and place.is_known
    if not is_shut:
        opening = "a window is open here" if moment.is_open else "no window is open, and something held plays"
    elif was_open:
        opening = "what was open here is over, and nothing is to come"
    elif ahead is None:
        opening = "nothing was ever open here, and no window is known to come"
    else:
        opening = f"nothing is open here before {when(ahead)}"
    return (
        Asked(
            Reason.TAKEN_DOWN,
            bool(taken),
            f"taken down since {when(taken[0][0])}, until: {when(taken[0][1])}"
            if taken
            else "not taken down here",
        ),
        Asked(
            Reason.NOT_PUBLISHED,
            not is_out,
            "has no date of publication"
            if place.published_at is None
            else f"{'published' if is_out else 'will be published'} {when(place.published_at)}",
        ),
        Asked(Reason.NO_LICENCE, is_shut and not is_licensed, licence),
        Asked(
            Reason.COUNTRY_UNKNOWN,
            is_shut and is_licensed and not place.is_known,
            f"the country is {context.country}" if place.is_known else _unknown(context.country),
        ),
        Asked(Reason.NOT_YET, is_nothing_open and not was_open, opening),
        Asked(Reason.OVER, is_nothing_open and was_open, opening),
    )


def _unknown(country: str | None) -> str:
    return "the country could not be told" if not country else f"{country!r} is no country"


def _profile_rules(place: Place, context: Context) -> tuple[Asked, ...]:
    profile = context.profile
    above_age = profile.max_age is not None and place.age > profile.max_age
    above_pin = profile.pin_above is not None and place.age > profile.pin_above
    limit = "the profile has no limit of age"
    if profile.max_age is not None:
        limit = f"the title is from {place.age}, the profile goes up to {profile.max_age}"
    pin = "the profile asks for no PIN"
    if profile.pin_above is not None:
        given = "was given" if profile.is_pin_given else "was not given"
        asked = f"and {given}" if above_pin else "so none is needed"
        pin = f"the title is from {place.age}, a PIN is asked above {profile.pin_above}, {asked}"
    return (
        Asked(Reason.MATURITY, above_age, limit),
        Asked(Reason.PROFILE_PIN, above_pin and not profile.is_pin_given, pin),
    )


def _grant_rules(
    mine: Sequence[Holding], title: TitleFacts, moment: Moment, at: datetime, found: Sequence[Source]
) -> tuple[Asked, ...]:
    by_reason: dict[Reason, list[Holding]] = {}
    for item in _sorted(mine):
        reason = dead(item, title, moment, at)
        if reason is not None:
            by_reason.setdefault(reason, []).append(item)
    first, last = list(Reason).index(Reason.NO_GRANT), list(Reason).index(Reason.TOO_MANY_STREAMS)
    rules = []
    for reason in list(Reason)[first:last]:
        items = by_reason.get(reason, [])
        why = "; ".join(f"{item.kind} {item.id}: {_over(item, reason)}" for item in items)
        applies = not found and (not by_reason if reason is Reason.NO_GRANT else bool(items))
        if reason is Reason.NO_GRANT:
            why = "nothing that is held has to do with it" if applies else "something is held, or is free"
        elif found and items:
            why += "; something else opens it"
        rules.append(Asked(reason, applies, why or "of nothing that is held"))
    return tuple(rules)


def _streams_rule(found: Sequence[Source], context: Context) -> Asked:
    if not found:
        return Asked(Reason.TOO_MANY_STREAMS, False, "nothing opens it")
    allowed = max(rights.streams for rights, *_ in found)
    why = f"{context.streams} other streams run now, and {allowed} may run at once"
    return Asked(Reason.TOO_MANY_STREAMS, context.streams >= allowed, why)


def _over(item: Holding, reason: Reason) -> str:
    if reason is Reason.NOT_IN_PLAN:
        return f"no window here is for the tier {item.tier!r}"
    if reason is Reason.NOT_BEGUN:
        return f"begins {when(item.starts_at)}"
    if reason is Reason.PLAN_PAUSED:
        return f"paused until: {when(item.ends_at)}"
    return f"{reason.replace('_', ' ')}, since {when(item.ends_at)}"


def _window(item: WindowFacts, place: Place, moment: Moment, context: Context, at: datetime) -> Seen:
    starts_at, ends_at = item.starts_at, item.ends_at or FAR
    if context.country not in item.countries or not place.is_known:
        why = f"is not for {context.country}" if place.is_known else _unknown(context.country)
    elif at < starts_at:
        why = f"opens {when(starts_at)}"
    elif at >= ends_at:
        why = f"ended {when(ends_at)}"
    elif moment.licensed is None:
        why = "is open, but the title may not be shown here now"
    elif item.free is not None:
        why = "is free to watch"
    elif item.ways:
        tiers = f", for plans of {', '.join(sorted(item.tiers))}" if item.tiers else ""
        why = f"sells {', '.join(item.ways)}{tiers}, and opens nothing without a grant"
    else:
        why = "neither sells nor shows anything here"
    return Seen(item.id, item.type, False, item.starts_at, item.ends_at, item.free, Verdict.NOT_OPEN, why)


def _holding(item: Holding, title: TitleFacts, moment: Moment, context: Context, at: datetime) -> Seen:
    reason = dead(item, title, moment, at)
    if reason is not None:
        why = _over(item, reason)
    elif item.ends_at is not None and at >= item.ends_at:
        why = f"carries on in another grant, or counts as never held, since {when(item.ends_at)}"
    elif at < item.starts_at:
        why = f"begins {when(item.starts_at)}"
    elif not moment.kept:
        why = f"is live, but: {moment.closed.reason.replace('_', ' ')}"
    elif item.plan is PlanState.PAUSED:
        why = f"paused until: {when(item.ends_at)}"
    elif item.of is None and not any(includes(gate, item) for gate in moment.gates):
        why = f"no window that is open here is for the tier {item.tier!r}"
    else:
        began = when(item.held_since or item.starts_at)
        why = f"began {began}, after the end of the licence; its tail is for what began before"
    goes_on = item.goes_on_until is None or at < item.goes_on_until
    if item.goes_on_in is not None and item.goes_on_in != context.session_id and goes_on:
        why += "; the session that used it up may still finish"
    return Seen(item.id, item.kind, True, item.starts_at, item.ends_at, item.rights, Verdict.NOT_OPEN, why)


def _judged(seen: Sequence[Seen], found: Sequence[Source], context: Context, no: Reason | None) -> list[Seen]:
    """Return what was seen with its verdict: against the winner, or barred by the reason for a no."""
    by_id = {source[2]: source for source in found}
    # How many streams run bears on the answer, not on which source is the best.
    best = best_of(found, evolve(context, streams=0)) if found else None
    judged = []
    for item in seen:
        source = by_id.get(item.id)
        if source is None or not isinstance(best, Allowed):
            judged.append(item)
        elif no is not None:
            judged.append(evolve(item, verdict=Verdict.BARRED, why=f"opens it, but: {no.replace('_', ' ')}"))
        else:
            judged.append(_against(item, source, by_id[best.via], best))
    return judged


def _against(item: Seen, source: Source, winner: Source, best: Allowed) -> Seen:
    gave = tuple(
        name for name in _given(source, best) if source is winner or name not in _given(winner, best)
    )
    until = when(source[1])
    grace = ", in grace" if source[4] else ""
    if source is winner:
        return evolve(item, verdict=Verdict.WON, gave=gave, why=f"opens it, until: {until}{grace}")
    verdict = Verdict.GAVE if gave else Verdict.LOST
    why = f"opens it, until: {until}{grace}; {_lack(source, winner)}"
    return evolve(item, verdict=verdict, gave=gave, why=why, lost_to=winner[2])


def _given(source: Source, best: Allowed) -> tuple[str, ...]:
    """Return which rights of the answer, with how long they last, this source alone would give."""
    rights, end, *_ = source
    found = [
        name
        for name in ("max_height", "ads", "downloads", "streams")
        if getattr(rights, name) == getattr(best, name) and end == (getattr(best.untils, name) or FAR)
    ]
    return (*found, "until") if end == (best.until or FAR) else tuple(found)


def _lack(source: Source, winner: Source) -> str:
    """Return the first thing in which the winner is better."""
    (ours, end, *_), (theirs, their_end, *_) = source, winner
    if ours.max_height != theirs.max_height:
        return f"{ours.max_height} lines, and the winner has {theirs.max_height}"
    if ours.ads != theirs.ads:
        return "with ads, and the winner has none"
    if ours.downloads != theirs.downloads:
        return "without downloads, and the winner has them"
    if end != their_end:
        return f"ends before the winner: {when(their_end)}"
    return "as good as the winner, whose id is smaller"


def _facts(title: TitleFacts, place: Place, context: Context, held: int, mine: int) -> tuple[Fact, ...]:
    profile = context.profile
    lines = [
        Fact("country", context.country or "not known"),
        Fact("channel", context.channel),
        Fact("published", when(title.published_at) if title.published_at else "never"),
        Fact("age", f"from {place.age}" if place.age else "for all"),
        Fact("profile", f"up to {profile.max_age}" if profile.max_age is not None else "no limit of age"),
    ]
    if profile.pin_above is not None:
        given = "given" if profile.is_pin_given else "not given"
        lines.append(Fact("pin", f"asked above {profile.pin_above}, {given}"))
    lines.append(Fact("streams", f"{context.streams} others run"))
    if context.session_id is not None:
        lines.append(Fact("session", str(context.session_id)))
    for licence in _sorted(title.licences):
        tail = "with tail rights" if licence.has_tail else "without tail rights"
        lines.append(Fact(f"licence {licence.id}", f"{_spell(licence, context.country)}, {tail}"))
    lines += [Fact(f"takedown {item.id}", _spell(item, context.country)) for item in _sorted(title.takedowns)]
    for part in sorted(title.part_of, key=lambda item: (item.since, item.of)):
        lines.append(Fact("part of", f"{part.of} since {when(part.since)}"))
    lines.append(Fact("held", f"{held}, of which {mine} may have to do with it"))
    return tuple(lines)


def _spell(item: LicenceFacts | TakedownFacts, country: str | None) -> str:
    if country in COUNTRIES:
        where = f"for {country}" if country in item.countries else f"not for {country}"
    else:
        where = f"for {len(item.countries)} countries"
    return f"{where}, from {when(item.starts_at)}, until: {when(item.ends_at)}"


def _sorted(items: Sequence) -> list:  # type: ignore[type-arg]
    return sorted(items, key=lambda item: (item.starts_at, item.id))
