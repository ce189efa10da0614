"""The contract of the `TokenSpends` port."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from buddy_core.kernel import EntityId, EntryId, month
from buddy_core.royalty import ClosedMonth, PeriodAlreadyClosed, TokenSpend
from tests.contracts.cases import NEWTACT, Uow, title, uid

pytestmark = pytest.mark.anyio

NOVEMBER = month("2026-11", "Asia/Kolkata")
DECEMBER = month("2026-12", "Asia/Kolkata")
OTHER = EntityId("other")
TICK = timedelta(microseconds=1)


def fact(number: int, at: datetime, **changes: Any) -> TokenSpend:
    """Return a royalty fact of one entry."""
    values: dict[str, Any] = {
        "entry_id": EntryId(uid(number)),
        "kind": "bonus",
        "tokens": 2,
        "version": 1,
        "currency": "INR",
        "value": Fraction(100, 3),
        "title_id": title(1),
        "entity": NEWTACT,
        "country": "IN",
        "at": at,
    }
    return TokenSpend(**{**values, **changes})


async def add(uow: Uow, *facts: TokenSpend) -> None:
    """Add facts in a transaction of its own."""
    async with uow.begin() as tx:
        await tx.token_spends.add(facts)


async def test_a_period_is_half_open(uow: Uow) -> None:
    """The first instant of a month belongs to it, its end to the next; every field comes back."""
    early = fact(1, NOVEMBER.start - TICK)
    first = fact(2, NOVEMBER.start)
    last = fact(3, NOVEMBER.end - TICK, kind="paid", value=Fraction(7))
    twin = fact(3, NOVEMBER.end - TICK)
    late = fact(4, NOVEMBER.end)
    await add(uow, late, last, twin, first, early)
    await add(uow)
    async with uow.read() as tx:
        assert set(await tx.token_spends.of_period(NEWTACT, NOVEMBER)) == {first, last, twin}
        assert await tx.token_spends.of_period(NEWTACT, DECEMBER) == [late]


async def test_a_refund_is_kept_with_what_it_takes_back(uow: Uow) -> None:
    """A fact below zero comes back as it was, with the instant of the spend; its month is the refund's."""
    spend = fact(1, NOVEMBER.start)
    back = fact(2, DECEMBER.start, tokens=-2, value=-spend.value, spent_at=spend.at)
    nothing = fact(3, DECEMBER.start, tokens=-1, value=Fraction(0), spent_at=spend.at)
    await add(uow, spend, back, nothing)
    async with uow.read() as tx:
        assert await tx.token_spends.of_period(NEWTACT, DECEMBER) == [back, nothing]
        assert set((await tx.royalty_books.all()).spends) == {spend, back, nothing}


async def test_entities_are_apart(uow: Uow) -> None:
    """A period of one seller holds nothing of another."""
    mine, theirs = fact(1, NOVEMBER.start), fact(2, NOVEMBER.start, entity=OTHER)
    await add(uow, mine, theirs)
    async with uow.read() as tx:
        assert await tx.token_spends.of_period(NEWTACT, NOVEMBER) == [mine]
        assert await tx.token_spends.of_period(OTHER, NOVEMBER) == [theirs]
        assert await tx.token_spends.of_period(EntityId("third"), NOVEMBER) == []


async def test_the_first_fact_since_an_instant(uow: Uow) -> None:
    """The earliest fact at or after the instant is named, of all when there is none, or nothing."""
    await add(uow, fact(1, DECEMBER.start), fact(2, NOVEMBER.start), fact(3, NOVEMBER.end - TICK))
    async with uow.read() as tx:
        spends = tx.token_spends
        assert await spends.first_at(NEWTACT, None) == NOVEMBER.start
        assert await spends.first_at(NEWTACT, NOVEMBER.start) == NOVEMBER.start
        assert await spends.first_at(NEWTACT, NOVEMBER.start + TICK) == NOVEMBER.end - TICK
        assert await spends.first_at(NEWTACT, DECEMBER.start + TICK) is None
        assert await spends.first_at(OTHER, None) is None


async def test_facts_are_counted_up_to_an_instant(uow: Uow) -> None:
    """By entity and before the instant, those that this transaction has added included."""
    await add(uow, fact(1, NOVEMBER.start), fact(2, NOVEMBER.end - TICK), fact(3, DECEMBER.start))
    async with uow.begin() as tx:
        spends = tx.token_spends
        counts = [await spends.count(NEWTACT, at) for at in (NOVEMBER.start, NOVEMBER.end, DECEMBER.end)]
        assert counts == [0, 2, 3]
        assert await spends.count(OTHER, DECEMBER.end) == 0
        await spends.add([fact(4, NOVEMBER.start)])
        assert await spends.count(NEWTACT, NOVEMBER.end) == 3


async def test_a_closed_month_takes_no_fact(uow: Uow) -> None:
    """After a month is closed a fact in it is refused by name; the next month and other sellers go on."""
    async with uow.begin() as tx:
        await tx.statements.close(ClosedMonth(NEWTACT, "2026-11", NOVEMBER.end, 0, b"{}", b"{}"), [])
    with pytest.raises(PeriodAlreadyClosed) as refused:
        await add(uow, fact(1, DECEMBER.start), fact(2, NOVEMBER.end - TICK))
    assert (refused.value.entity, refused.value.month) == (NEWTACT, "2026-11")
    await add(uow, fact(3, NOVEMBER.end), fact(4, NOVEMBER.start, entity=OTHER))
    async with uow.read() as tx:
        assert [spend.entry_id for spend in await tx.token_spends.of_period(NEWTACT, DECEMBER)] == [uid(3)]
        assert await tx.token_spends.of_period(NEWTACT, NOVEMBER) == []
