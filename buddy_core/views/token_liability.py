"""What is owed for tokens that members bought, month by month and currency by currency."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol

from attrs import frozen

from buddy_core.access import Actor, require
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.currencies import minor_digits
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.money import Money
from buddy_core.kernel.periods import InvalidMonth, Period, month, month_of, next_month, previous_month
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.tax import SellerRoutes
from buddy_core.tokens import (
    AtCost,
    BreakagePolicies,
    GivenRoll,
    Liability,
    LiabilityLine,
    LotMovements,
    RollForward,
    roll_given,
)
from buddy_core.views.errors import MonthNotBegun

LiabilityState = Literal["running", "settling", "final"]

SETTLES_AFTER = timedelta(minutes=15)
"""How long after a month's end its figures may change: by what was decided before it and written after."""
GIVEN_ZONE = "UTC"
"""Where the months of promotional tokens run: no company sells them."""
MOST_MONTHS = 60
"""How many months one question may be about."""
READ_IN_ORDER = (
    LiabilityLine.SOLD,
    LiabilityLine.REDEEMED,
    LiabilityLine.EXPIRED,
    LiabilityLine.REVERSED,
    LiabilityLine.ADJUSTED,
)
"""The lines in the order in which people read them."""
_TICK = timedelta(microseconds=1)


class LiabilityTx(Protocol):
    """What the accounting view reads."""

    @property
    def lot_movements(self) -> LotMovements: ...


@frozen
class LiabilityWanted:
    """Which months are asked for: those from `since` to `month`.

    None: the month that runs, of each currency in its own zone, and it alone.
    With a currency, it alone and no promotional tokens.
    """

    month: str | None = None
    since: str | None = None
    currency: str | None = None


@frozen
class LiabilityRow:
    """One row of a roll-forward; `tokens` is None where a row is about money alone."""

    name: str
    tokens: int | None
    amount: Money


@frozen
class LiabilityMonth:
    """One currency's month, as it runs in the zone of the company that settles in it."""

    month: str
    zone: str
    state: LiabilityState
    starts_at: datetime
    ends_at: datetime
    roll: RollForward

    @property
    def rows(self) -> tuple[LiabilityRow, ...]:
        """Return the rows that add up: from the opening by the lines and breakage to the closing."""
        roll = self.roll
        return (
            self._row("opening", roll.opening),
            *(self._row(line.value, roll.lines[line]) for line in READ_IN_ORDER),
            LiabilityRow("breakage", None, Money(roll.breakage, roll.currency)),
            self._row("closing", roll.closing),
        )

    @property
    def notes(self) -> tuple[LiabilityRow, ...]:
        """Return what stands beside the table and is no part of its sum."""
        roll = self.roll
        return (
            LiabilityRow("recognised_ahead", None, Money(roll.recognised_ahead, roll.currency)),
            self._row("uncollectable", roll.uncollectable),
            LiabilityRow("revenue", None, Money(roll.revenue, roll.currency)),
        )

    def _row(self, name: str, at_cost: AtCost) -> LiabilityRow:
        return LiabilityRow(name, at_cost.tokens, Money(at_cost.minor, self.roll.currency))


@frozen
class GivenMonth:
    """A month of promotional tokens, by kind."""

    month: str
    zone: str
    state: LiabilityState
    rolls: tuple[GivenRoll, ...]

    @property
    def rows(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Return the rows that add up, each with one number of tokens a kind, in the order of `rolls`."""
        lines = [(line.value, tuple(roll.lines[line] for roll in self.rolls)) for line in READ_IN_ORDER]
        return (
            ("opening", tuple(roll.opening for roll in self.rolls)),
            *lines,
            ("closing", tuple(roll.closing for roll in self.rolls)),
        )


@frozen
class TokenLiability:
    """The answer; `months` is empty where nothing had been sold by then, `given` where nothing was given.

    `since` and `month` are the first and the last that were asked for; where none was named, the months
    that run, which over a month's end are not the same everywhere.
    `later` is None where the next month has not begun.
    """

    month: str
    since: str
    currency: str | None
    as_of: datetime
    months: tuple[LiabilityMonth, ...]
    given: tuple[GivenMonth, ...]
    earlier: str | None
    later: str | None


async def token_liability(
    actor: Actor,
    wanted: LiabilityWanted,
    *,
    uow: UnitOfWork[LiabilityTx],
    clock: Clock,
    routes: SellerRoutes,
    policies: BreakagePolicies,
) -> TokenLiability:
    """Return the roll-forwards of paid tokens, in order of currency and month, and the counts of those given.

    Raises:
        NotPermitted: the actor may not see months.
        InvalidMonth: the text names no month.
        MonthNotBegun: it lies in the future wherever a company of ours is.
        InvalidValue: `since` is after the month, or too long before it.
        UnknownCurrency, NoMinorUnit: nobody can have paid in that.
    """
    require(actor, "period:read")
    at = clock.now()
    if wanted.currency is not None:
        minor_digits(wanted.currency)
    months: list[LiabilityMonth] = []
    given: tuple[GivenMonth, ...] = ()
    async with uow.read() as tx:
        sold_in = await tx.lot_movements.sold_in()
        asked = sorted(sold_in) if wanted.currency is None else [wanted.currency]
        zones = {currency: zone_of(routes, currency) for currency in asked}
        running = {month_of(at, zone) for zone in zones.values()}
        if wanted.currency is None:
            running.add(month_of(at, GIVEN_ZONE))
        last = wanted.month if wanted.month is not None else max(running)
        first_name = last if wanted.month is not None else min(running)
        names = _names(wanted.since if wanted.since is not None else first_name, last)
        _check_begun(last, routes, at)

        def spans_in(zone: str) -> list[_Span]:
            # Over a month's end another month runs in each zone; who names none sees the one that runs there.
            is_open = wanted.month is None and wanted.since is None
            return _spans([month_of(at, zone)] if is_open else names, zone, at)

        for currency, zone in zones.items():
            if currency in sold_in:
                spans = [span for span in spans_in(zone) if span.period.end > sold_in[currency]]
                months += await _months_in(tx, currency, zone, spans, policies)
        if wanted.currency is None:
            given = await _given_in(tx, spans_in(GIVEN_ZONE))
    return TokenLiability(
        month=last,
        since=names[0],
        currency=wanted.currency,
        as_of=at,
        months=tuple(months),
        given=given,
        earlier=_earlier(last),
        later=_later(last, routes, at),
    )


def zone_of(routes: SellerRoutes, currency: str) -> str:
    """Return where a currency's months run: the zone of the company that settles in it.

    Where none does, that of the one that sells to all the rest of the world.
    """
    for entity in routes.entities:
        if entity.currency == currency:
            return entity.zone
    return routes.entity(routes.otherwise).zone


@frozen
class _Span:
    """A month that has begun, and up to when it is looked at."""

    name: str
    period: Period
    until: datetime
    state: LiabilityState


def _names(since: str, last: str) -> list[str]:
    names = [last]
    month(last, GIVEN_ZONE)
    month(since, GIVEN_ZONE)
    if since > last:
        raise InvalidValue("since", f"{since} is after {last}; give an earlier month, or none")
    while names[0] != since:
        if len(names) == MOST_MONTHS:
            raise InvalidValue("since", f"{since} is too early; ask for at most {MOST_MONTHS} months at once")
        names.insert(0, previous_month(names[0]))
    return names


def _check_begun(name: str, routes: SellerRoutes, at: datetime) -> None:
    zones = [GIVEN_ZONE, *(entity.zone for entity in routes.entities)]
    if all(month(name, zone).start > at for zone in zones):
        raise MonthNotBegun(name, max(month_of(at, zone) for zone in zones))


def _spans(names: Sequence[str], zone: str, at: datetime) -> list[_Span]:
    """Return those of the months that have begun."""
    spans = []
    for name in names:
        period = month(name, zone)
        if period.start <= at:
            is_over = period.end <= at
            state: LiabilityState = "running"
            if is_over:
                state = "settling" if at < period.end + SETTLES_AFTER else "final"
            spans.append(_Span(name, period, period.end - _TICK if is_over else at, state))
    return spans


def _instants(spans: Sequence[_Span]) -> list[datetime]:
    return [spans[0].period.start - _TICK, *(span.until for span in spans)]


async def _months_in(
    tx: LiabilityTx, currency: str, zone: str, spans: Sequence[_Span], policies: BreakagePolicies
) -> list[LiabilityMonth]:
    if not spans:
        return []
    instants = _instants(spans)
    liability = Liability(currency, instants, policies, zone)
    async for lots in tx.lot_movements.bought(currency, instants):
        liability.add(lots)
    return [
        LiabilityMonth(span.name, zone, span.state, span.period.start, span.period.end, roll)
        for span, roll in zip(spans, liability.roll_forwards(), strict=True)
    ]


async def _given_in(tx: LiabilityTx, spans: Sequence[_Span]) -> tuple[GivenMonth, ...]:
    if not spans:
        return ()
    instants = _instants(spans)
    rolls = roll_given(await tx.lot_movements.given(instants), len(instants))
    return tuple(
        GivenMonth(span.name, GIVEN_ZONE, span.state, of_month)
        for span, of_month in zip(spans, rolls, strict=True)
        if of_month
    )


def _earlier(name: str) -> str | None:
    try:
        return previous_month(name)
    except InvalidMonth:
        return None


def _later(name: str, routes: SellerRoutes, at: datetime) -> str | None:
    try:
        found = next_month(name)
        _check_begun(found, routes, at)
    except (InvalidMonth, MonthNotBegun):
        return None
    return found
