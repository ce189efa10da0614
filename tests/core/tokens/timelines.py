"""Random facts for timelines, and a second timeline so plain that it can be checked by eye."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import evolve, frozen
from hypothesis import strategies as st

from buddy_core.tokens import (
    BONUS,
    LEDGER_POLICY,
    PAID,
    DrawPolicy,
    Recurrence,
    Reset,
    Standing,
    Timeline,
    TimelineLot,
    Usage,
    Void,
    VoidBeyondBalance,
    draw_order,
    timeline,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
HOURS = 12
END = START + timedelta(hours=HOURS)
POLICIES = (
    LEDGER_POLICY,
    DrawPolicy(("priority", "restricted_first", "expires_at", "id")),
    DrawPolicy(("created_at",)),
)


def hour(number: float) -> datetime:
    """Return an instant so many hours after the start."""
    return START + timedelta(hours=number)


def lot(
    name: str, amount: int = 100, begins: float = 0, ends: float | None = None, **more: Any
) -> TimelineLot:
    """Return a lot that lives between two hours."""
    return TimelineLot(name, amount, hour(begins), None if ends is None else hour(ends), **more)


def taken(found: Timeline) -> list[list[tuple[str, int]]]:
    """Return what each usage drew, as plain pairs."""
    return [[(draw.lot_id, draw.amount) for draw in draws] for draws in found.draws]


@frozen
class Facts:
    """What a timeline is asked about."""

    lots: tuple[TimelineLot, ...]
    usages: tuple[Usage, ...]
    resets: tuple[Reset, ...]
    voids: tuple[Void, ...]
    policy: DrawPolicy

    def play(
        self, since: datetime = START, until: datetime = END, carried: Standing | None = None
    ) -> Timeline:
        """Ask the timeline under test."""
        return timeline(
            self.lots,
            self.usages,
            self.resets,
            self.voids,
            since=since,
            until=until,
            policy=self.policy,
            carried=carried,
        )


INSTANTS = st.integers(-2, HOURS + 2).map(hour)
INSIDE = st.integers(1, HOURS + 2).map(hour)
SCOPES = st.sampled_from([(), (), ("a",), ("b",), ("a", "b")])


@st.composite
def lots(draw: st.DrawFn, name: str) -> TimelineLot:
    """Return a lot that may begin, end, recur and roll over anywhere around the period."""
    begins = draw(st.integers(-3, HOURS + 1))
    return lot(
        name,
        draw(st.integers(1, 20)),
        begins,
        draw(st.none() | st.integers(begins + 1, HOURS + 3)),
        ended_at=draw(st.none() | st.none() | INSTANTS),
        kind=draw(st.sampled_from([BONUS, PAID])),
        priority=draw(st.sampled_from([1, 2])),
        scopes=draw(SCOPES),
        created_at=draw(st.none() | INSTANTS),
        opening=draw(st.none() | st.integers(0, 25)),
        recurrence=draw(
            st.none() | st.builds(Recurrence, st.sampled_from(["PT1H", "PT3H", "PT5H", "P1D"]), INSTANTS)
        ),
        rollover_min=draw(st.integers(0, 4)),
        rollover_max=draw(st.integers(0, 30)),
    )


USAGES = st.builds(Usage, INSTANTS, st.integers(0, 30), SCOPES)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    """Return lots and events that can all be, some of them outside of the period."""
    names = "abcdef"[: draw(st.integers(0, 5))]
    voids = st.builds(Void, INSIDE, st.none() | st.sampled_from(names or "x"), st.none() | st.integers(1, 6))
    return Facts(
        tuple(draw(lots(name)) for name in names),
        tuple(draw(st.lists(USAGES, max_size=8))),
        tuple(draw(st.lists(st.builds(Reset, INSIDE, st.booleans()), max_size=3, unique_by=lambda r: r.at))),
        tuple(draw(st.lists(voids, max_size=2))) if names else (),
        draw(st.sampled_from(POLICIES)),
    )


@frozen
class Plain:
    """The plain timeline's answer."""

    balances: dict[str, int]
    overage: int
    draws: list[list[tuple[str, int]]]
    settled: list[tuple[int, str, int]]
    """Place of the usage, lot, amount."""
    dropped: int


def plain(given: Facts) -> Plain:
    """Play the facts hour by hour, looking at every lot every time."""
    in_order = draw_order(sorted(given.lots, key=lambda item: item.id), given.policy)
    left = {item.id: 0 for item in given.lots}
    draws: list[list[tuple[str, int]]] = [[] for _ in given.usages]
    settled: list[tuple[int, str, int]] = []
    owed: list[list[int]] = []
    dropped = 0

    def pay(scopes: tuple[str, ...], amount: int, at: datetime) -> list[tuple[str, int]]:
        paid = []
        for item in in_order:
            fits = not item.scopes or set(item.scopes) & set(scopes)
            part = min(amount, left[item.id]) if fits and item.is_live(at) else 0
            if part:
                left[item.id] -= part
                amount -= part
                paid.append((item.id, part))
        return paid

    def settle(at: datetime) -> None:
        for debt in owed:
            for name, part in pay(given.usages[debt[0]].scopes, debt[1], at):
                settled.append((debt[0], name, part))
                debt[1] -= part
        owed[:] = [debt for debt in owed if debt[1]]

    for number in range(HOURS + 1):
        at = hour(number)
        before = hour(number - 0.5)
        if number == 0:
            for item in given.lots:
                if item.is_live(at):
                    left[item.id] = item.amount if item.opening is None else item.opening
        else:
            for item in given.lots:
                if not item.is_live(at):
                    left[item.id] = 0
            here = [void for void in given.voids if void.at == at]
            for void in sorted(
                here, key=lambda v: (v.lot_id is None, v.lot_id or "", v.amount is None, v.amount or 0)
            ):
                names = [
                    item.id for item in in_order if void.lot_id in (None, item.id) and item.is_live(before)
                ]
                rest = sum(left[name] for name in names) if void.amount is None else void.amount
                for name in names:
                    part = min(rest, left[name])
                    left[name] -= part
                    rest -= part
                if rest:
                    raise VoidBeyondBalance(void.lot_id, rest, 0)
            for reset in [reset for reset in given.resets if reset.at == at]:
                for item in given.lots:
                    if item.is_live(at) and item.effective_from < at:
                        left[item.id] = min(item.rollover_max, max(item.rollover_min, left[item.id]))
                if reset.preserve_overage:
                    settle(at)
                else:
                    dropped += sum(debt[1] for debt in owed)
                    owed.clear()
            for item in given.lots:
                if item.is_live(at) and (item.effective_from == at or _recurs(item, at)):
                    left[item.id] = item.amount
            settle(at)
        for place, usage in enumerate(given.usages):
            # Those of the last instant belong to what comes after it.
            if usage.at == at < END:
                draws[place] = pay(usage.scopes, usage.amount, at)
                rest = usage.amount - sum(part for _, part in draws[place])
                if rest:
                    owed.append([place, rest])
    return Plain(left, sum(debt[1] for debt in owed), draws, settled, dropped)


def _recurs(item: TimelineLot, at: datetime) -> bool:
    """Tell whether a lot recurs at `at`, by dividing; only for durations of whole hours."""
    if item.recurrence is None:
        return False
    return not (at - item.recurrence.anchor) % item.recurrence.every.rest


def named(given: Facts) -> Facts:
    """Return the facts with each usage named by its place."""
    usages = tuple(evolve(usage, ref=str(place)) for place, usage in enumerate(given.usages))
    return evolve(given, usages=usages)
