"""Closing months: final, in order, exact to the last minor unit, and untouched by what comes later."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_core.access import NotPermitted
from buddy_core.catalog import TitleType
from buddy_core.flows import CloseReport, StatedMonth, month_for
from buddy_core.kernel import Contention, InvalidMonth, Rounding, round_fraction
from buddy_core.royalty import (
    PLATFORM,
    ClosedOutOfOrder,
    HolderStatement,
    Line,
    NothingToClose,
    PassedOver,
    Whose,
    read_statement,
)
from buddy_core.tokens import BONUS, PAID
from buddy_web.reference import NEWTACT, SELLER_ROUTES, THAJA
from tests.flows.world import START, TICK, VIEWER, Broken, Tampered, World, break_off, by_holder, platform

pytestmark = pytest.mark.anyio

OCTOBER = month_for(NEWTACT, "2026-10").period
NOVEMBER = month_for(NEWTACT, "2026-11").period


def lines_of(stated: StatedMonth, currency: str) -> list[Line]:
    """Return all lines of a currency, the platform's last."""
    return [line for item in holders(stated, currency) for line in item.lines] + list(
        platform(stated, currency).lines
    )


def holders(stated: StatedMonth, currency: str) -> list[HolderStatement]:
    """Return the holders' statements of a currency, read from their final bytes."""
    return [
        read_statement(body)
        for whose, body in stated.bodies.items()
        if whose.holder != PLATFORM and whose.currency == currency
    ]


def tokens_in(body: bytes) -> int:
    """Return how many tokens the lines of a statement are about."""
    return sum(line["inputs"]["tokens"] for line in json.loads(body)["lines"])


def told(report: CloseReport) -> tuple[list[tuple[str, int, bool]], list[str]]:
    """Return what a report says: entities closed with their statements, and entities still open."""
    closed = [(str(item.entity), len(item.statements), item.is_new) for item in report.closed]
    return closed, [item.entity for item in report.open]


async def a_month(world: World) -> None:
    """Spend tokens of both kinds on titles of two producers, in both entities."""
    other = await world.add_producer()
    shared = await world.add_title(
        TitleType.FILM,
        licences=[
            world.licence(share=Fraction(1, 3), excluded=("IN",)),
            world.licence(share=Fraction(1, 3), territories=("IN",), ownership=Fraction(1, 2)),
            world.licence(share=Fraction(1, 4), partner=other, territories=("IN",), ownership=Fraction(1, 2)),
        ],
    )
    short = await world.add_title(TitleType.SHORT, licences=[world.licence(partner=other)])
    for number, country in enumerate(("IN", "AE", "IN", "US")):
        guest = await world.guest()
        await world.earn(guest, 3)
        await world.earn(guest, 8, PAID)
        await world.unlock(guest, shared if number < 2 else short, country=country)
        if number == 0:
            await world.unlock(guest, short, country=country)
        world.clock.advance(timedelta(hours=1))


async def test_a_month_that_runs_is_not_closed(world: World) -> None:
    """Until its last instant in the entity's zone a month stays open and is named; then it closes."""
    await a_month(world)
    world.clock.set(OCTOBER.end - TICK)
    assert told(await world.close("2026-10")) == ([], ["newtact", "thaja"])
    world.clock.set(OCTOBER.end)
    # The month of Kolkata ends 90 minutes before that of Dubai.
    report = await world.close("2026-10")
    assert told(report) == ([("newtact", 3, True)], ["thaja"])
    assert report.open[0].ends_at == datetime(2026, 10, 31, 20, 0, tzinfo=UTC)
    world.clock.set(report.open[0].ends_at)
    assert told(await world.close("2026-10")) == ([("newtact", 3, False), ("thaja", 3, True)], [])
    assert await world.audit() == [("period.close", "newtact:2026-10"), ("period.close", "thaja:2026-10")]


async def test_one_entity_can_be_closed_alone(world: World) -> None:
    """With an entity named, the others are neither closed nor spoken of."""
    await a_month(world)
    world.clock.set(OCTOBER.end + timedelta(days=3))
    assert told(await world.close("2026-10", THAJA)) == ([("thaja", 3, True)], [])
    async with world.uow.read() as tx:
        assert await tx.statements.months(NEWTACT.id) == []
    with pytest.raises(NotPermitted):
        await world.close("2026-10", actor=VIEWER)
    with pytest.raises(InvalidMonth):
        await world.close("2026-13")


async def test_closing_again_gives_the_same_bytes(world: World) -> None:
    """A closed month is stated anew and found byte for byte the same; nothing is written."""
    await a_month(world)
    world.clock.set(OCTOBER.end + timedelta(days=3))
    first = await world.close("2026-10")
    before = await world.books()
    world.clock.advance(timedelta(days=400))
    await world.revalue(BONUS, Fraction(75), Fraction(1))
    again = await world.close("2026-10")
    assert told(again) == ([("newtact", 3, False), ("thaja", 3, False)], [])
    assert [item.statements for item in again.closed] == [item.statements for item in first.closed]
    assert (await world.books())[4] == before[4]


async def test_closing_at_once_is_closing_once(world: World) -> None:
    """Of 5 who close at once one writes; all get the same statements."""
    await a_month(world)
    world.clock.set(OCTOBER.end + timedelta(days=3))
    reports = await asyncio.gather(*(world.close("2026-10") for _ in range(5)))
    for place in (0, 1):
        assert Counter(report.closed[place].is_new for report in reports) == {True: 1, False: 4}
        assert len({report.closed[place].statements for report in reports}) == 1


async def test_a_month_is_not_closed_before_an_earlier_one(world: World) -> None:
    """The first month with spends is closed first, and from then on each after the one before it."""
    await a_month(world)
    world.clock.set(NOVEMBER.start + timedelta(days=40))
    await world.unlock(await rich(world), await world.add_title())
    world.clock.set(NOVEMBER.end + timedelta(days=60))

    async def refused(name: str) -> Any:
        [error] = (await world.close(name, NEWTACT)).refused
        return error

    error = await refused("2026-12")
    assert isinstance(error, ClosedOutOfOrder)
    assert (error.month, error.first) == ("2026-12", "2026-10")
    await world.close("2026-10", NEWTACT)
    # November had no spends, and is closed all the same: balances are carried from month to month.
    error = await refused("2026-12")
    assert isinstance(error, ClosedOutOfOrder)
    assert (error.month, error.first) == ("2026-12", "2026-11")
    assert told(await world.close("2026-11", NEWTACT)) == ([("newtact", 0, True)], [])
    assert told(await world.close("2026-12", NEWTACT)) == ([("newtact", 2, True)], [])
    error = await refused("2026-09")
    assert isinstance(error, PassedOver)
    assert (error.month, error.first) == ("2026-09", "2026-10")


async def test_one_entity_that_cannot_close_keeps_no_other_from_it(world: World) -> None:
    """Where one entity's earlier month is open, the other closes all the same, and both are told of."""
    await a_month(world)
    world.clock.set(NOVEMBER.end + timedelta(days=1))
    await world.close("2026-10", NEWTACT)
    report = await world.close("2026-11")
    assert [(item.entity, item.is_new) for item in report.closed] == [("newtact", True)]
    assert [error.code for error in report.refused] == ["royalty.closed_out_of_order"]


async def rich(world: World) -> Any:
    """Return a guest with tokens."""
    guest = await world.guest()
    await world.earn(guest, 50)
    return guest


async def test_months_change_at_midnight_in_kolkata(world: World) -> None:
    """18:30 UTC is the first instant of the next month: the spend before it belongs to the old one."""
    assert OCTOBER.start == datetime(2026, 9, 30, 18, 30, tzinfo=UTC)
    title = await world.add_title()
    for at in (OCTOBER.start - TICK, OCTOBER.start, OCTOBER.end - TICK, OCTOBER.end):
        world.clock.set(at)
        await world.unlock(await rich(world), title)
    world.clock.set(NOVEMBER.end)
    counts = {}
    for name in ("2026-09", "2026-10", "2026-11"):
        report = await world.close(name, NEWTACT)
        counts[name] = tokens_in(by_holder(report.closed[0].statements)[PLATFORM, "INR"].body)
    assert counts == {"2026-09": 2, "2026-10": 4, "2026-11": 2}


async def test_statements_sum_to_the_rounded_month(world: World) -> None:
    """Earned, kept and the fund's are the stamped worth, rounded half up once; lines are the spends."""
    await a_month(world)
    for entity, currency in ((NEWTACT, "INR"), (THAJA, "USD")):
        stated = await world.provisional("2026-10", entity)
        spends = [spend for spend in await world.spends() if spend.entity == entity.id]
        value = sum((spend.value for spend in spends), Fraction(0))
        paid = sum((spend.value for spend in spends if spend.kind == PAID), Fraction(0))
        whole = platform(stated, currency).reconciliation
        assert whole.residual == 0
        assert whole.stamped == paid
        assert whole.rounding == round_fraction(paid, Rounding.HALF_UP) - paid
        assert whole.holders + whole.platform + whole.fund == round_fraction(paid, Rounding.HALF_UP)
        assert sum(item.earned for item in holders(stated, currency)) == whole.holders
        for item in holders(stated, currency):
            assert abs(item.rounding) < 1
            assert item.exact == sum((line.amount for line in item.lines), Fraction(0))
        fund = platform(stated, currency).fund
        assert fund is not None
        assert (fund.paid_in, fund.attributed) == (0, value - paid), "no ad revenue was told"
        assert sum((line.amount for line in lines_of(stated, currency)), Fraction(0)) == value


async def test_a_value_is_what_was_stamped(world: World) -> None:
    """Lines of each kind and version of tokens come to what was stamped on their spends, and no more."""
    await a_month(world)
    await world.revalue(BONUS, Fraction(75), Fraction(1))
    await world.unlock(await rich(world), await world.add_title())
    stamped: dict[tuple[str, int], Fraction] = defaultdict(Fraction)
    for spend in await world.spends():
        if spend.entity == NEWTACT.id:
            stamped[spend.kind, spend.version] += spend.value
    found: dict[tuple[str, int], Fraction] = defaultdict(Fraction)
    for line in lines_of(await world.provisional("2026-10"), "INR"):
        found[line.inputs["kind"], line.inputs["value_version"]] += line.amount
    assert found == stamped
    assert len(found) == 3


async def test_a_tie_goes_to_the_smaller_amount(world: World) -> None:
    """Two cents over 1/2, 1/2 and 1: of equal remainders the smaller amount, then name, is paid first."""
    two = [world.producer, await world.add_producer()]
    title = await world.add_title(
        TitleType.SHORT,
        licences=[world.licence(share=Fraction(1, 2), partner=one, ownership=Fraction(1, 2)) for one in two],
    )
    await world.revalue(PAID, Fraction(50), Fraction(2))
    guest = await world.guest()
    await world.earn(guest, 1, PAID)
    await world.unlock(guest, title, country="AE")
    stated = await world.provisional("2026-10", THAJA)
    small, large = sorted(holders(stated, "USD"), key=lambda item: item.holder)
    # Two cents: 0.5, 0.5 and 1 exactly; of the two equal halves the smaller name is paid.
    assert (small.earned, large.earned, platform(stated, "USD").reconciliation.platform) == (1, 0, 1)
    assert (small.rounding, large.rounding) == (Fraction(1, 2), Fraction(-1, 2))


async def test_the_provisional_month_is_what_is_closed(world: World) -> None:
    """With nothing more spent, the closed bodies are the provisional month's; all go by public names."""
    await a_month(world)
    world.clock.set(OCTOBER.end + timedelta(days=3))
    stated = {entity.id: await world.provisional("2026-10", entity) for entity in SELLER_ROUTES.entities}
    report = await world.close("2026-10")
    for closed in report.closed:
        kept = {Whose(item.holder, item.currency): item.body for item in closed.statements}
        assert kept == dict(stated[closed.entity].bodies)
    bodies = [item.body for item in report.closed[0].statements]
    shown = [json.loads(body) for body in bodies]
    assert {item["holder"] for item in shown} >= {world.producer.short_id, PLATFORM}
    assert {line["title"].split("/")[0] for item in shown for line in item["lines"]} == {"film", "short"}
    async with world.uow.read() as tx:
        internal = [str(title.id) for title in await tx.titles.all()] + [str(world.producer.id)]
        books = await tx.rights.of_titles([title.id for title in await tx.titles.all()])
        internal += [str(item.id) for book in books.values() for item in book.licences]
    assert not any(name.encode() in body for name in internal for body in bodies)


async def test_books_do_not_begin_with_a_month_that_nothing_is_known_of(world: World) -> None:
    """A first month with nothing in it or before it is refused, and named which one is the first."""
    report = await world.close("2016-10")
    assert [error.code for error in report.refused] == ["royalty.nothing_to_close"] * 2
    await a_month(world)
    world.clock.set(OCTOBER.end + timedelta(days=3))
    [refused] = (await world.close("2016-10", NEWTACT)).refused
    assert isinstance(refused, NothingToClose)
    assert refused.first == "2026-10"
    assert "close that one" in refused.message()
    assert told(await world.close("2026-10", NEWTACT)) == ([("newtact", 3, True)], [])


async def test_an_empty_month_after_the_first_closes_without_statements(world: World) -> None:
    """A later month without spends is closed, once, and states nothing; who never traded is passed over."""
    await a_month(world)
    world.clock.set(NOVEMBER.end + timedelta(days=3))
    await world.close("2026-10", NEWTACT)
    assert told(await world.close("2026-11", NEWTACT)) == ([("newtact", 0, True)], [])
    assert told(await world.close("2026-11", NEWTACT)) == ([("newtact", 0, False)], [])


async def test_a_broken_close_leaves_the_month_open(world: World) -> None:
    """Where closing breaks off, neither month nor statement nor audit remains; then it closes."""
    await a_month(world)
    world.clock.set(OCTOBER.end + timedelta(days=3))
    before, whole = await world.books(), world.uow
    for port, method in (("statements", "close"), ("audit", "append"), ("outbox", "add")):
        world.uow = Tampered(whole, port, method, after=break_off)
        with pytest.raises(Broken):
            await world.close("2026-10", NEWTACT)
        world.uow = whole
        assert await world.books() == before
    assert told(await world.close("2026-10", NEWTACT)) == ([("newtact", 3, True)], [])


async def test_a_clock_behind_the_close_spends_nothing(world: World) -> None:
    """A spend dated into a closed month is refused, and nothing of it is written."""
    guest, title = await rich(world), await world.add_title()
    world.clock.set(OCTOBER.end)
    await world.close("2026-10", NEWTACT)
    world.clock.set(OCTOBER.end - TICK)
    before = await world.books()
    with pytest.raises(Contention):
        await world.unlock(guest, title)
    assert await world.books() == before


class Ticking:
    """A clock that moves on by a second each time it is read, and tells when October is over."""

    def __init__(self, at: datetime) -> None:
        self.at, self.october_is_over = at, asyncio.Event()

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        if self.at >= OCTOBER.end:
            self.october_is_over.set()
        return self.at


async def test_spends_at_the_edge_land_before_or_after_the_close(world: World) -> None:
    """Of 24 unlocks across the month's end while it is closed, each is in its statement or in November."""
    guests, title = [await rich(world) for _ in range(24)], await world.add_title()
    clock = Ticking(OCTOBER.end - timedelta(seconds=12))

    async def close() -> CloseReport:
        await clock.october_is_over.wait()
        return await world.close("2026-10", NEWTACT, clock=clock)

    closing = asyncio.create_task(close())
    await asyncio.gather(*(world.unlock(guest, title, clock=clock) for guest in guests))
    report = await closing
    spends = await world.spends()
    early = [spend for spend in spends if OCTOBER.contains(spend.at)]
    assert len(spends) == 24
    assert all(NOVEMBER.contains(spend.at) for spend in spends if spend not in early)
    assert tokens_in(by_holder(report.closed[0].statements)[PLATFORM, "INR"].body) == 2 * len(early) > 0


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_spend_that_waited_for_the_close_is_dated_after_it(world: World) -> None:
    """A spend of October that finds the month closed starts again and lands in November."""
    guest, title = await rich(world), await world.add_title()
    world.clock.set(OCTOBER.end - TICK)
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        reached.set()
        await go_on.wait()

    paused = Tampered(world.uow, "statements", "hold_months_open", before=wait)
    unlocking = asyncio.create_task(world.unlock(guest, title, uow=paused))
    await reached.wait()
    world.clock.set(OCTOBER.end)
    assert told(await world.close("2026-10", NEWTACT)) == ([("newtact", 0, True)], [])
    go_on.set()
    assert (await unlocking).tokens_spent == 2
    [spend] = await world.spends()
    assert spend.at == OCTOBER.end


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_close_waits_for_the_spend_that_holds_the_month(world: World) -> None:
    """A spend that holds October open and commits late is in October's statement."""
    guest, title = await rich(world), await world.add_title()
    world.clock.set(OCTOBER.end - TICK)
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        reached.set()
        await go_on.wait()

    paused = Tampered(world.uow, "token_spends", "add", after=wait)
    unlocking = asyncio.create_task(world.unlock(guest, title, uow=paused))
    await reached.wait()
    world.clock.set(OCTOBER.end)
    closing = asyncio.create_task(world.close("2026-10", NEWTACT))
    done, _ = await asyncio.wait([closing], timeout=0.2)
    assert not done, "the close waits"
    go_on.set()
    await unlocking
    assert told(await closing) == ([("newtact", 2, True)], [])


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("unlock"), st.integers(0, 3), st.sampled_from(["IN", "AE"])),
        st.tuples(st.just("value"), st.integers(0, 300), st.sampled_from([BONUS, PAID])),
        st.tuples(st.just("wait"), st.integers(1, 25), st.none()),
    ),
    max_size=14,
)


@settings(max_examples=60)
@given(steps=STEPS)
def test_a_new_value_changes_no_past_figure(steps: list[tuple[str, int, Any]]) -> None:
    """Whatever values are set and when, facts, statements and closed months before them stay as they were."""
    asyncio.run(_history(steps))


async def _history(steps: list[tuple[str, int, Any]]) -> None:
    world = World(MemoryUnitOfWork())
    await world.seed()
    titles = [await world.add_title(TitleType.SHORT, share=Fraction(1, number + 2)) for number in range(4)]
    months = ("2026-10", "2026-11")

    async def figures() -> Any:
        stated = [await world.provisional(name, item) for name in months for item in SELLER_ROUTES.entities]
        return [dict(month.bodies) for month in stated], await world.spends()

    for kind, number, what in steps:
        if kind == "unlock":
            guest = await world.guest()
            await world.earn(guest, 1, BONUS if number % 2 else PAID)
            await world.unlock(guest, titles[number], country=what)
        elif kind == "wait":
            world.clock.advance(timedelta(hours=number * 7))
        else:
            before = await figures()
            await world.revalue(what, Fraction(number, 7), Fraction(number, 900))
            assert await figures() == before
    before = await figures()
    world.clock.set(START + timedelta(days=90))
    for name in months:
        await world.close(name)
    assert await figures() == before
    report = await world.verify()
    assert report.is_clean, report.faults
