"""Facts that come after their month was closed: the next one adjusts it, and what is closed stays."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_core.catalog import Title, TitleType
from buddy_core.flows import month_for
from buddy_core.royalty import (
    PLATFORM,
    Facts,
    FactsPending,
    FxRate,
    InputKind,
    Line,
    Paid,
    PassedOver,
    Sale,
    SubscriptionRevenue,
    Watch,
)
from buddy_web.reference import NEWTACT
from tests.core.royalty.counting import OFTEN
from tests.flows.months import (
    bring,
    close,
    lines_of,
    name_of,
    number_of,
    of_holders,
    of_platform,
    sale,
    set_terms,
    sums_of,
)
from tests.flows.world import START, Broken, Tampered, World, break_off

pytestmark = pytest.mark.anyio

OCTOBER, NOVEMBER, DECEMBER = (month_for(NEWTACT, f"2026-{number}").period for number in (10, 11, 12))
DAY = timedelta(days=1)
TIERS = {
    "bands": [
        {"over": 0, "up_to": 2, "rate": "1/10"},
        {"over": 2, "up_to": 5, "rate": "1/2"},
        {"over": 5, "up_to": None, "rate": "9/10"},
    ],
    "basis": "units",
    "counting": "life",
}
"""Rates that rise with the copies sold since the deal began."""


async def test_a_sale_that_comes_late_stands_in_the_next_month(world: World) -> None:
    """October stays to the byte; November has a line that names October, and pays what it is worth."""
    title = await world.add_title(TitleType.FILM, share=Fraction(1, 2))
    await bring(world, "2026-10", "october", Facts(sales=(sale("s1", title, 1000, START),)))
    october = await close(world, "2026-10")
    assert [line.amount for item in of_holders(october.statements) for line in item.lines] == [500]
    late = await bring(world, "2026-10", "more", Facts(sales=(sale("s2", title, 300, START),)))
    assert (late.is_new, late.is_late) == (True, True)
    again = await close(world, "2026-10")
    assert not again.is_new
    assert [item.body for item in again.statements] == [item.body for item in october.statements]
    november = await close(world, "2026-11")
    [statement] = of_holders(november.statements)
    [line] = statement.lines
    assert (line.adjusts, line.amount, line.net) == ("2026-10", 150, 300)
    assert statement.settlements[0].payable == statement.earned == 150
    found = of_platform(november.statements)
    assert (found.reconciliation.gross, found.reconciliation.residual) == (300, 0)
    assert [item.adjusts for item in found.lines] == ["2026-10"]


async def test_what_comes_late_of_two_months_names_each(world: World) -> None:
    """Facts of October and of November that come in December are two adjustments, by two months' terms."""
    title = await world.add_title(TitleType.FILM, share=Fraction(1, 2))
    number = await number_of(world, title)
    await close(world, "2026-10")
    await set_terms(world, InputKind.LICENCE, number, {"rates": {"rental": "1/4"}})
    await close(world, "2026-11")
    await set_terms(world, InputKind.LICENCE, number, {"rates": {"rental": "1"}})
    await bring(world, "2026-10", "a", Facts(sales=(sale("s1", title, 100, START),)))
    await bring(world, "2026-11", "b", Facts(sales=(sale("s2", title, 100, NOVEMBER.start),)))
    await bring(world, "2026-12", "c", Facts(sales=(sale("s3", title, 100, DECEMBER.start),)))
    december = await close(world, "2026-12")
    [statement] = of_holders(december.statements)
    assert {line.adjusts: line.amount for line in statement.lines} == {"2026-10": 50, "2026-11": 25, "": 100}
    january = await close(world, "2027-01")
    assert lines_of(january.statements) == [], "it is adjusted once"


async def test_what_came_late_counts_on_in_tiers(world: World) -> None:
    """Three copies of September told in October's close still count when a late one of October comes."""
    title = await world.add_title(TitleType.FILM)
    await set_terms(world, InputKind.LICENCE, await number_of(world, title), {"rates": {"rental": TIERS}})
    world.clock.set(OCTOBER.start + DAY)
    await close(world, "2026-09")
    start = month_for(NEWTACT, "2026-09").period.start
    three = tuple(sale(f"s{place}", title, 100, start) for place in range(3))
    await bring(world, "2026-09", "late", Facts(sales=three))
    october = await close(world, "2026-10")
    assert sum(line.amount for item in of_holders(october.statements) for line in item.lines) == 10 + 10 + 50
    await bring(world, "2026-10", "later", Facts(sales=(sale("s3", title, 100, START),)))
    await bring(
        world, "2026-11", "now", Facts(sales=tuple(sale(f"t{n}", title, 100, NOVEMBER.start) for n in (0, 1)))
    )
    november = await close(world, "2026-11")
    [statement] = of_holders(november.statements)
    # The fourth copy is October's, the fifth and the sixth November's: 50, then 50 + 90.
    assert {line.adjusts: line.amount for line in statement.lines} == {"2026-10": 50, "": 140}
    # The seventh: nothing that was counted has been lost on the way.
    await bring(world, "2026-12", "then", Facts(sales=(sale("u", title, 100, DECEMBER.start),)))
    december = await close(world, "2026-12")
    [statement] = of_holders(december.statements)
    assert [line.amount for line in statement.lines] == [90]


async def test_a_refund_after_the_close_leaves_what_a_refund_before_it_leaves(world: World) -> None:
    """Over both months nothing is left of an unlock, nor of a sale, that is refunded after its close."""
    title = await world.add_title(TitleType.FILM, share=Fraction(1, 3))
    guest = await world.guest()
    await world.earn(guest, 20)
    unlocked = await world.unlock(guest, title)
    await bring(world, "2026-10", "sold", Facts(sales=(sale("s1", title, 1000, START),)))
    october = await close(world, "2026-10")
    await world.refund(guest, unlocked.entry_id)
    back = sale("s1-back", title, 0, START + DAY, paid=Paid(refund=1000), sold_at=START, units=-1)
    await bring(world, "2026-10", "refunds", Facts(sales=(back,)))
    november = await close(world, "2026-11")
    lines = lines_of(november.statements)
    assert {(line.model.value, line.adjusts, line.inputs.get("refund_of")) for line in lines} == {
        ("tokens", "", "2026-10"),
        ("rental", "2026-10", "2026-10"),
    }
    assert sums_of([*lines_of(october.statements), *lines]) == {}
    [statement] = of_holders(november.statements)
    assert statement.earned < 0
    assert statement.settlements[0].payable == 0
    assert statement.settlements[0].closing.carried == statement.earned


async def test_late_money_goes_by_the_rate_of_its_month(world: World) -> None:
    """An account in rupees gets October's dollars at October's rate, though November has another."""
    title = await world.add_title(TitleType.FILM, share=Fraction(1))
    number = await number_of(world, title)
    account = {"holder": world.producer.short_id, "currency": "INR"}
    await set_terms(world, InputKind.ACCOUNT, "inr", account)
    await set_terms(world, InputKind.LICENCE, number, {"account": "inr"})
    for name, rate, at in (("2026-10", 80, START), ("2026-11", 90, NOVEMBER.start)):
        stamped = FxRate("USD", "INR", Fraction(rate), "bank", at)
        world.clock.set(max(world.clock.now(), at))
        await bring(world, name, f"rates-{name}", Facts(rates=(stamped,)))
    await close(world, "2026-10")
    dollars: dict[str, Any] = {"currency": "USD", "territory": "US"}
    await bring(world, "2026-10", "late", Facts(sales=(sale("s1", title, 1000, START, **dollars),)))
    await bring(world, "2026-11", "now", Facts(sales=(sale("s2", title, 1000, NOVEMBER.start, **dollars),)))
    november = await close(world, "2026-11")
    [settled] = [item for one in of_holders(november.statements) for item in one.settlements]
    assert (settled.currency, settled.payable) == ("INR", 80_000 + 90_000)


async def test_a_close_waits_for_what_was_announced(world: World) -> None:
    """A month is refused by the name of what it awaits until that has come, be it empty."""
    await bring(world, "2026-10", "sales of October", None)
    world.clock.set(OCTOBER.end)
    [refused] = (await world.close("2026-10", NEWTACT)).refused
    assert isinstance(refused, FactsPending)
    assert refused.names == ("sales of October",)
    await bring(world, "2026-10", "sales of October", Facts())
    assert (await close(world, "2026-10")).is_new


async def test_nothing_comes_before_the_first_closed_month(world: World) -> None:
    """The books begin with the month that was closed first; facts of one before it are refused."""
    await close(world, "2026-10")
    title = await world.add_title()
    early = Facts(sales=(sale("s1", title, 100, OCTOBER.start - DAY),))
    with pytest.raises(PassedOver):
        await bring(world, "2026-09", "early", early)


async def test_facts_alone_make_a_month_the_first(world: World) -> None:
    """Where facts of October lie there, November is not closed before it."""
    title = await world.add_title()
    await bring(world, "2026-10", "october", Facts(sales=(sale("s1", title, 100, START),)))
    world.clock.set(NOVEMBER.end)
    [refused] = (await world.close("2026-11", NEWTACT)).refused
    assert (refused.code, getattr(refused, "first", "")) == ("royalty.closed_out_of_order", "2026-10")


async def test_a_broken_import_leaves_nothing(world: World) -> None:
    """Facts whose record fails are not there, and can be brought in again."""
    title = await world.add_title()
    facts = Facts(sales=(sale("s1", title, 100, START),))
    before, whole = await world.books(), world.uow
    for port, method in (("royalty_inputs", "add"), ("audit", "append")):
        world.uow = Tampered(whole, port, method, after=break_off)
        with pytest.raises(Broken):
            await bring(world, "2026-10", "october", facts)
        world.uow = whole
        assert await world.books() == before
        async with world.uow.read() as tx:
            assert await tx.royalty_inputs.facts(NEWTACT.id) == []
    assert (await bring(world, "2026-10", "october", facts)).is_new
    assert not (await bring(world, "2026-10", "october", facts)).is_new


async def test_many_who_bring_at_once_are_all_in_order(world: World) -> None:
    """Of eight files at once each has a place of its own, and the month has every sale."""
    title = await world.add_title(TitleType.FILM, share=Fraction(1))
    found = await asyncio.gather(
        *(
            bring(world, "2026-10", f"f{place}", Facts(sales=(sale(f"s{place}", title, 10, START),)))
            for place in range(8)
        )
    )
    assert sorted(item.sequence for item in found) == list(range(1, 9))
    october = await close(world, "2026-10")
    assert sum(item.earned for item in of_holders(october.statements)) == 80


MONTHS = ("2026-10", "2026-11", "2026-12", "2027-01")
ROWS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, 3),
        st.sampled_from(["sale", "refund", "plan", "watch"]),
        st.integers(1, 400),
        st.integers(0, 1),
    ),
    min_size=1,
    max_size=10,
)
"""The month that a fact is of, how many months it comes late, what it is, how much, and of which title."""


def test_over_all_months_what_is_late_is_as_if_it_had_been_in_time() -> None:
    """Whatever comes late and when: over all months, each holder's titles have what was due in time."""
    seen: Counter[str] = Counter()

    @settings(max_examples=40, deadline=None)
    @given(ROWS)
    def law(rows: list[tuple[int, int, str, int, int]]) -> None:
        in_time = asyncio.run(_history(rows, is_late=False, seen=Counter()))
        assert asyncio.run(_history(rows, is_late=True, seen=seen)) == in_time

    law()
    assert seen["late"] >= OFTEN
    assert seen["adjusted"] >= OFTEN


async def _history(
    rows: list[tuple[int, int, str, int, int]], *, is_late: bool, seen: Counter[str]
) -> dict[tuple[bool, int], Fraction]:
    """Bring facts in and close four months; return what all lines come to, the platform's apart, by title."""
    world = World(MemoryUnitOfWork())
    await world.seed()
    titles = [await world.add_title(TitleType.FILM) for _ in range(2)]
    terms = {"rates": {"rental": TIERS, "subscription": "1/3"}}
    for title in titles:
        await set_terms(world, InputKind.LICENCE, await number_of(world, title), terms)
    lines: list[Line] = []
    for place, name in enumerate(MONTHS):
        world.clock.set(month_for(NEWTACT, name).period.end)
        for row, (of, by, what, amount, which) in enumerate(rows):
            came = min(of + by, 3) if is_late else of
            if came != place:
                continue
            facts = _fact(f"f{row}", MONTHS[of], what, amount, titles[which])
            brought = await bring(world, MONTHS[of], f"file-{row}", facts)
            assert brought.is_late == (came > of)
            seen["late"] += brought.is_late
        lines += lines_of((await close(world, name)).statements)
    seen["adjusted"] += sum(1 for line in lines if line.adjusts)
    report = await world.verify()
    assert report.is_clean, report.faults
    # Short ids are drawn anew in every world.
    places = {name_of(title): place for place, title in enumerate(titles)}
    sums = sums_of(lines)
    return {(who == PLATFORM, places[title]): amount for (who, title, _), amount in sums.items()}


def _fact(name: str, month: str, what: str, amount: int, title: Title) -> Facts:
    at = month_for(NEWTACT, month).period.start
    if what == "sale":
        return Facts(sales=(sale(name, title, amount, at),))
    if what == "refund":
        back: Sale = sale(name, title, 0, at, paid=Paid(refund=amount), sold_at=at)
        return Facts(sales=(back,))
    if what == "plan":
        paid = SubscriptionRevenue(name, "gold", "IN", "INR", Paid(amount), account="a")
        return Facts(subscriptions=(paid,), watch=(Watch("a", name_of(title), "IN", amount, "gold"),))
    return Facts(
        subscriptions=(SubscriptionRevenue(name, "gold", "IN", "INR", Paid(amount), account="b"),),
        watch=(Watch("b", name_of(title), "IN", amount * 2, "gold"),),
    )
