"""The timeline itself: events in order of time, each drawing, filling or emptying lots."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import IntEnum
from heapq import heapify, heappop, heappush

from attrs import define, evolve, field

from buddy_core.kernel.clock import utc
from buddy_core.tokens.errors import BadTimeline, VoidBeyondBalance
from buddy_core.tokens.rules.ordering import LEDGER_POLICY, DrawPolicy, draw_order
from buddy_core.tokens.rules.refunding import LotDraw
from buddy_core.tokens.rules.timeline.answers import Cause, Change, Debt, Settlement, Standing, Timeline
from buddy_core.tokens.rules.timeline.facts import Reset, TimelineLot, Usage, Void


class _Phase(IntEnum):
    """What comes before what at one instant."""

    EXPIRY = 0
    END = 1
    VOID = 2
    RESET = 3
    START = 4
    REFILL = 5
    SETTLEMENT = 6
    USAGE = 7


_Event = tuple[datetime, _Phase, int]
"""When, what, and the place in the list that the phase is about: of lots, voids, resets or usages."""


def timeline(
    lots: Iterable[TimelineLot],
    usages: Iterable[Usage] = (),
    resets: Iterable[Reset] = (),
    voids: Iterable[Void] = (),
    *,
    since: datetime,
    until: datetime,
    policy: DrawPolicy = LEDGER_POLICY,
    carried: Standing | None = None,
) -> Timeline:
    """Play lots and what happens to them from `since` on, and say how things stand at `until`.

    The period is half-open for usages: those at `until` belong to what comes after it.
    All else at `until` counts, as it comes before the usages of its instant: expiry, void,
    reset, start, recurrence. What lies outside plays no part; but without `carried` a reset
    or void up to `since` is refused, as the openings cannot tell whether they hold it. A
    usage that the lots do not cover leaves overage, which the next lot to start or recur
    settles before it serves later usages, the oldest first. The openings hold all that
    happened up to `since` but its usages. `carried` is the standing of an earlier timeline
    at `since`: it takes the place of the openings.

    The order of lots, resets and voids does not count; usages of one instant come
    in the order given.

    Raises:
        BadTimeline: the facts contradict each other; nothing follows from them.
        VoidBeyondBalance: a void takes more than is left; it is refused whole.
        BadDrawPolicy: the lots cannot be put in order.
        InvalidValue: an instant without an offset.
    """
    since, until = utc(since, "since"), utc(until, "until")
    # At one instant a void of one lot comes before those that take from any.
    numbered = sorted(
        enumerate(voids),
        key=lambda item: (
            item[1].lot_id is None,
            item[1].lot_id or "",
            item[1].amount is None,
            item[1].amount or 0,
        ),
    )
    if until < since:
        raise BadTimeline("it ends before it begins")
    run = _Run(
        # The id decides where the policy leaves a tie, so that the order given never does.
        draw_order(sorted(lots, key=lambda lot: lot.id), policy),
        list(usages),
        list(resets),
        [void for _, void in numbered],
        [number for number, _ in numbered],
        since,
        until,
    )
    run.check(carried)
    run.open(carried)
    run.play()
    return run.answer()


@define
class _Shelf:
    """Lots that serve the same scope, the first to be drawn on top; those without balance fall out."""

    heap: list[int] = field(factory=list)
    places: set[int] = field(factory=set)

    def put(self, place: int) -> None:
        if place not in self.places:
            self.places.add(place)
            heappush(self.heap, place)

    def top(self, left: list[int]) -> int | None:
        while self.heap and not left[self.heap[0]]:
            self.places.discard(heappop(self.heap))
        return self.heap[0] if self.heap else None


_ANY = ("any",)
"""The shelf of lots without scopes; the others are ("scope", its name)."""


def _shelf_names(scopes: Iterable[str]) -> list[tuple[str, ...]]:
    return [("scope", scope) for scope in scopes]


@define
class _Run:
    """One pass over the events. Lots go by their place in the order of drawing."""

    lots: list[TimelineLot]
    usages: list[Usage]
    resets: list[Reset]
    voids: list[Void]
    void_numbers: list[int]
    """The place of each void among those given."""
    since: datetime
    until: datetime
    places: dict[str, int] = field(init=False)
    left: list[int] = field(init=False)
    live: set[int] = field(factory=set)
    shelves: dict[tuple[str, ...], _Shelf] = field(factory=dict)
    events: list[_Event] = field(factory=list)
    refills: dict[int, Iterator[datetime]] = field(factory=dict)
    debts: dict[frozenset[str], deque[tuple[int, Debt]]] = field(factory=dict)
    """By what may pay for them: each with its number, the oldest first."""
    owed: int = 0
    """How many debts there have been; the next one's number."""
    settling_at: datetime | None = None
    draws: list[tuple[LotDraw[str], ...]] = field(init=False)
    voided: list[tuple[LotDraw[str], ...]] = field(init=False)
    settlements: list[Settlement] = field(factory=list)
    dropped: list[Debt] = field(factory=list)
    changes: list[Change] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.places = {lot.id: place for place, lot in enumerate(self.lots)}
        self.left = [0] * len(self.lots)
        self.draws = [()] * len(self.usages)
        self.voided = [()] * len(self.voids)

    # What is given

    def check(self, carried: Standing | None) -> None:
        """Refuse facts that contradict each other."""
        if len(self.places) < len(self.lots):
            raise BadTimeline("two lots have the same id")
        if len({reset.at for reset in self.resets}) < len(self.resets):
            raise BadTimeline("two resets come at the same instant")
        strange = sorted({void.lot_id for void in self.voids if void.lot_id is not None} - set(self.places))
        if strange:
            raise BadTimeline(f"a void names lot {strange[0]!r}, which is not given")
        if carried is None:
            instants = [*(reset.at for reset in self.resets), *(void.at for void in self.voids)]
            if any(at <= self.since for at in instants):
                raise BadTimeline(
                    "a reset or void up to `since` is part of the openings; give those after it"
                )
            return
        if carried.at != self.since:
            raise BadTimeline("what is carried stood so at another instant than `since`")
        for lot_id, balance in carried.balances.items():
            place = self.places.get(lot_id)
            if balance and (place is None or not self.lots[place].is_live(self.since)):
                raise BadTimeline(f"lot {lot_id!r} carries {balance}, and is not among the live lots")
        for lot in self.lots:
            if lot.is_live(self.since) and lot.id not in carried.balances:
                raise BadTimeline(f"lot {lot.id!r} has begun, and nothing is carried of it")

    def open(self, carried: Standing | None) -> None:
        """Set the balances and the overage that stand at `since`."""
        for place, lot in enumerate(self.lots):
            if lot.is_live(self.since):
                self.live.add(place)
                own = lot.amount if lot.opening is None else lot.opening
                self.add(
                    self.since, place, Cause.OPENED, own if carried is None else carried.balances[lot.id]
                )
        for debt in carried.debts if carried else ():
            self.owe(debt)

    # Time

    def play(self) -> None:
        """Let everything happen, in order."""
        self.plan()
        happen = {
            _Phase.EXPIRY: self.expire,
            _Phase.END: self.end,
            _Phase.VOID: self.void,
            _Phase.RESET: self.reset,
            _Phase.START: self.start,
            _Phase.REFILL: self.refill,
            _Phase.SETTLEMENT: self.settle,
            _Phase.USAGE: self.use,
        }
        while self.events:
            at, phase, place = heappop(self.events)
            happen[phase](at, place)

    def plan(self) -> None:
        """Gather usages from `since` up to, not at, `until`, and all else after `since` up to `until`.

        Refills come as lots begin.
        """

        def note(at: datetime | None, phase: _Phase, place: int) -> None:
            if at is not None and self.since < at <= self.until:
                self.events.append((at, phase, place))

        for place, lot in enumerate(self.lots):
            note(lot.expires_at, _Phase.EXPIRY, place)
            note(lot.ended_at, _Phase.END, place)
            if lot.is_live(lot.effective_from):
                note(lot.effective_from, _Phase.START, place)
        for place, void in enumerate(self.voids):
            note(void.at, _Phase.VOID, place)
        for place, reset in enumerate(self.resets):
            note(reset.at, _Phase.RESET, place)
        for place, usage in enumerate(self.usages):
            if self.since <= usage.at < self.until:
                self.events.append((usage.at, _Phase.USAGE, place))
        heapify(self.events)
        for place in self.live:
            self.await_refill(place, self.since)

    def await_refill(self, place: int, after: datetime) -> None:
        """Put the lot's next recurrence among the events."""
        recurrence = self.lots[place].recurrence
        if recurrence is None:
            return
        if place not in self.refills:
            self.refills[place] = recurrence.after(after)
        at = next(self.refills[place], None)
        if at is not None and at <= self.until and self.lots[place].is_live(at):
            heappush(self.events, (at, _Phase.REFILL, place))

    # What happens

    def expire(self, at: datetime, place: int) -> None:
        self.empty(at, place, Cause.EXPIRED)
        self.live.discard(place)

    def end(self, at: datetime, place: int) -> None:
        self.empty(at, place, Cause.VOIDED)
        self.live.discard(place)

    def void(self, at: datetime, number: int) -> None:
        void = self.voids[number]
        places = self.live if void.lot_id is None else self.live & {self.places[void.lot_id]}
        left = sum(self.left[place] for place in places)
        wanted = left if void.amount is None else void.amount
        if wanted > left:
            raise VoidBeyondBalance(void.lot_id, wanted, left)
        gone = []
        for place in sorted(places):
            taken = min(wanted, self.left[place])
            self.take(at, place, Cause.VOIDED, taken)
            wanted -= taken
            if taken:
                gone.append(LotDraw(self.lots[place].id, taken))
        self.voided[self.void_numbers[number]] = tuple(gone)

    def reset(self, at: datetime, number: int) -> None:
        for place in sorted(self.live):
            lot, left = self.lots[place], self.left[place]
            kept = min(lot.rollover_max, max(lot.rollover_min, left))
            if kept < left:
                self.take(at, place, Cause.FORFEITED, left - kept)
            else:
                self.add(at, place, Cause.RAISED, kept - left)
        if self.resets[number].preserve_overage:
            self.settle(at)
        else:
            self.dropped += self.owing()
            self.debts.clear()

    def start(self, at: datetime, place: int) -> None:
        self.live.add(place)
        self.add(at, place, Cause.STARTED, self.lots[place].amount)
        self.await_refill(place, at)
        self.await_settlement(at)

    def refill(self, at: datetime, place: int) -> None:
        # Set back, not added to: what was left lapses as the new amount arrives.
        self.empty(at, place, Cause.FORFEITED)
        self.add(at, place, Cause.REFILLED, self.lots[place].amount)
        self.await_refill(place, at)
        self.await_settlement(at)

    def await_settlement(self, at: datetime) -> None:
        """Settle once all that begins or refills at this instant has done so."""
        if self.debts and self.settling_at != at:
            self.settling_at = at
            heappush(self.events, (at, _Phase.SETTLEMENT, 0))

    def settle(self, at: datetime, _: int = 0) -> None:
        """Pay overage from what the lots hold, the oldest that any lot may pay first."""
        oldest = {group[0][0]: scopes for scopes, group in self.debts.items()}
        heap = sorted(oldest)
        while heap:
            number = heappop(heap)
            scopes = oldest[number]
            group = self.debts[scopes]
            debt = group[0][1]
            draws = list(self.draw(at, Cause.SETTLED, scopes, debt.amount))
            self.settlements += [Settlement(debt.usage, at, draw.lot_id, draw.amount) for draw in draws]
            open_still = debt.amount - sum(draw.amount for draw in draws)
            if open_still:
                # No lot can pay more for these scopes now, so the younger of them wait as well.
                group[0] = (number, evolve(debt, amount=open_still))
                continue
            group.popleft()
            if group:
                oldest[group[0][0]] = scopes
                heappush(heap, group[0][0])
            else:
                del self.debts[scopes]

    def use(self, at: datetime, number: int) -> None:
        usage = self.usages[number]
        draws = tuple(self.draw(at, Cause.DRAWN, usage.scopes, usage.amount))
        self.draws[number] = draws
        uncovered = usage.amount - sum(draw.amount for draw in draws)
        if uncovered:
            self.owe(Debt(usage, uncovered))

    # Lots

    def draw(self, at: datetime, cause: Cause, scopes: Iterable[str], amount: int) -> Iterator[LotDraw[str]]:
        """Take up to `amount` from the lots that fit, in the order of drawing."""
        names = [_ANY, *_shelf_names(scopes)]
        shelves = [self.shelves[name] for name in names if name in self.shelves]
        while amount:
            tops = [top for shelf in shelves if (top := shelf.top(self.left)) is not None]
            if not tops:
                return
            place = min(tops)
            taken = min(amount, self.left[place])
            self.take(at, place, cause, taken)
            amount -= taken
            yield LotDraw(self.lots[place].id, taken)

    def add(self, at: datetime, place: int, cause: Cause, amount: int) -> None:
        if not amount:
            return
        lot = self.lots[place]
        self.left[place] += amount
        self.changes.append(Change(at, lot.id, cause, amount))
        for name in _shelf_names(lot.scopes) or [_ANY]:
            if name not in self.shelves:
                self.shelves[name] = _Shelf()
            self.shelves[name].put(place)

    def take(self, at: datetime, place: int, cause: Cause, amount: int) -> None:
        if amount:
            self.left[place] -= amount
            self.changes.append(Change(at, self.lots[place].id, cause, -amount))

    def empty(self, at: datetime, place: int, cause: Cause) -> None:
        self.take(at, place, cause, self.left[place])

    # Overage

    def owe(self, debt: Debt) -> None:
        self.debts.setdefault(frozenset(debt.usage.scopes), deque()).append((self.owed, debt))
        self.owed += 1

    def owing(self) -> Sequence[Debt]:
        """Return the overage, the oldest first."""
        numbered = [item for group in self.debts.values() for item in group]
        return [debt for _, debt in sorted(numbered, key=lambda item: item[0])]

    # The answer

    def answer(self) -> Timeline:
        balances = {lot.id: left for lot, left in zip(self.lots, self.left, strict=True)}
        return Timeline(
            self.since,
            Standing(self.until, balances, tuple(self.owing())),
            tuple(self.draws),
            tuple(self.settlements),
            tuple(self.dropped),
            tuple(self.changes),
            tuple(self.voided),
        )
