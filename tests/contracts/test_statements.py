"""The contracts of the `Statements` and `RoyaltyBooks` ports."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction

import pytest

from buddy_core.kernel import GENESIS, Contention, EntityId, EntryId, chain_hash, month
from buddy_core.royalty import ClosedMonth, Input, InputKind, StoredStatement, TokenSpend
from buddy_core.royalty.rules.files.sealing import stored_bytes
from tests.contracts.cases import NEWTACT, Uow, race, title, uid

pytestmark = pytest.mark.anyio

OCTOBER = month("2026-10", "Asia/Kolkata")
NOVEMBER = month("2026-11", "Asia/Kolkata")
OTHER = EntityId("other")
TICK = timedelta(microseconds=1)


def chain(
    entity: EntityId, name: str, holders: Sequence[str], after: StoredStatement | None = None
) -> list[StoredStatement]:
    """Return a statement for each holder, chained after another."""
    made: list[StoredStatement] = []
    closed_at = OCTOBER.end + timedelta(days=1)
    for holder in holders:
        previous = after.hash if after else GENESIS
        number = after.sequence + 1 if after else 1
        body = f'{{"holder":"{holder}","month":"{name}"}}'.encode()
        link = chain_hash(previous, stored_bytes(entity, number, name, holder, "INR", body, closed_at))
        after = StoredStatement(entity, number, name, holder, "INR", body, closed_at, previous, link)
        made.append(after)
    return made


def closed(entity: EntityId, name: str, cut: int = 0) -> ClosedMonth:
    """Return a closed month, whose terms and balances name it."""
    end = month(name, "Asia/Kolkata").end
    return ClosedMonth(entity, name, end, cut, b'{"terms":"%s"}' % name.encode(), b'{"closing":1}\n')


async def close(uow: Uow, entity: EntityId, name: str, statements: Sequence[StoredStatement]) -> None:
    """Close a month in a transaction of its own."""
    async with uow.begin() as tx:
        await tx.statements.lock_for_close(entity)
        await tx.statements.close(closed(entity, name), statements)


async def test_an_open_entity_has_nothing(uow: Uow) -> None:
    """Before the first close there is no end, no month, no statement, and every instant is open."""
    async with uow.begin() as tx:
        assert await tx.statements.closed_until(NEWTACT) is None
        assert await tx.statements.months(NEWTACT) == []
        assert await tx.statements.closed(NEWTACT, ["2026-10"]) == []
        assert await tx.statements.last(NEWTACT) is None
        assert await tx.statements.of_month(NEWTACT, "2026-10") == []
        assert await tx.statements.of_holder("p1") == []
        await tx.statements.hold_months_open(NEWTACT, OCTOBER.start)


async def test_a_closed_month_comes_back(uow: Uow) -> None:
    """Statements come back byte for byte, in chain order; the month's end and name are known."""
    october = chain(NEWTACT, "2026-10", ["p2", "p1", "platform"])
    await close(uow, NEWTACT, "2026-10", october)
    async with uow.read() as tx:
        assert await tx.statements.of_month(NEWTACT, "2026-10") == october
        assert await tx.statements.of_month(NEWTACT, "2026-11") == []
        assert await tx.statements.last(NEWTACT) == october[-1]
        assert await tx.statements.closed_until(NEWTACT) == OCTOBER.end
        assert await tx.statements.months(NEWTACT) == ["2026-10"]


async def test_a_month_without_statements_is_closed_too(uow: Uow) -> None:
    """A month in which nothing was spent is listed among the closed ones, in order."""
    october = chain(NEWTACT, "2026-10", ["platform"])
    await close(uow, NEWTACT, "2026-10", october)
    await close(uow, NEWTACT, "2026-11", [])
    async with uow.read() as tx:
        assert await tx.statements.months(NEWTACT) == ["2026-10", "2026-11"]
        assert await tx.statements.closed_until(NEWTACT) == NOVEMBER.end
        assert await tx.statements.last(NEWTACT) == october[-1]


async def test_what_a_month_was_stated_from_comes_back(uow: Uow) -> None:
    """Cut, terms and balances come back as they were given, byte for byte, for the months asked for."""
    october = ClosedMonth(NEWTACT, "2026-10", OCTOBER.end, 7, b'{"deals": []} \x00\xff', "\u20b9\n".encode())
    november = closed(NEWTACT, "2026-11", 9)
    async with uow.begin() as tx:
        await tx.statements.close(october, [])
        await tx.statements.close(november, [])
        await tx.statements.close(closed(OTHER, "2026-10"), [])
        assert await tx.statements.closed(NEWTACT, ["2026-10"]) == [october]
    async with uow.read() as tx:
        find = tx.statements.closed
        assert await find(NEWTACT, ["2026-11", "2026-12", "2026-10"]) == [october, november]
        assert await find(OTHER, ["2026-10", "2026-11"]) == [closed(OTHER, "2026-10")]
        assert await find(NEWTACT, []) == []


async def test_a_holder_sees_all_its_months(uow: Uow) -> None:
    """A holder's statements come newest month first, of every entity."""
    october = chain(NEWTACT, "2026-10", ["p1", "platform"])
    november = chain(NEWTACT, "2026-11", ["p1", "p2"], october[-1])
    elsewhere = chain(OTHER, "2026-10", ["p1"])
    await close(uow, NEWTACT, "2026-10", october)
    await close(uow, OTHER, "2026-10", elsewhere)
    await close(uow, NEWTACT, "2026-11", november)
    async with uow.read() as tx:
        found = await tx.statements.of_holder("p1")
        assert await tx.statements.of_holder("p9") == []
        assert await tx.statements.months(OTHER) == ["2026-10"]
    assert found[0] == november[0]
    assert set(found[1:]) == {october[0], elsewhere[0]}


async def test_books_hold_everything_stored(uow: Uow) -> None:
    """The books name each fact and input, each closed month, and the statements in chain order."""
    spend = TokenSpend(
        EntryId(uid(1)), "bonus", 2, 1, "INR", Fraction(7, 3), title(1), NEWTACT, "IN", OCTOBER.start
    )
    brought = Input(NEWTACT, 1, InputKind.FACTS, "file", "2026-10", b"{}", OCTOBER.start)
    theirs = Input(OTHER, 1, InputKind.POOL, "*", "", b"null", OCTOBER.start)
    october = chain(NEWTACT, "2026-10", ["p1", "platform"])
    async with uow.begin() as tx:
        await tx.token_spends.add([spend])
        for item in (brought, theirs):
            await tx.royalty_inputs.add(item)
    await close(uow, OTHER, "2026-10", [])
    await close(uow, NEWTACT, "2026-10", october)
    async with uow.read() as tx:
        records = await tx.royalty_books.all()
    assert list(records.spends) == [spend]
    assert list(records.months) == [closed(NEWTACT, "2026-10"), closed(OTHER, "2026-10")]
    assert list(records.inputs) == [brought, theirs]
    assert list(records.statements) == october
    assert list(records.unreadable) == []


async def test_a_month_is_closed_once(uow: Uow) -> None:
    """Closing a closed month again is contention, with the same statements or with others."""
    october = chain(NEWTACT, "2026-10", ["platform"])
    await close(uow, NEWTACT, "2026-10", october)
    for again in (october, chain(NEWTACT, "2026-10", ["p1"], october[-1]), []):
        with pytest.raises(Contention):
            await close(uow, NEWTACT, "2026-10", again)
    async with uow.read() as tx:
        assert await tx.statements.of_month(NEWTACT, "2026-10") == october


async def test_a_place_in_the_chain_is_taken_once(uow: Uow) -> None:
    """A statement whose sequence exists is contention, and its month stays open."""
    await close(uow, NEWTACT, "2026-10", chain(NEWTACT, "2026-10", ["platform"]))
    with pytest.raises(Contention):
        await close(uow, NEWTACT, "2026-11", chain(NEWTACT, "2026-11", ["platform"]))
    async with uow.read() as tx:
        assert await tx.statements.months(NEWTACT) == ["2026-10"]


async def test_a_closed_month_cannot_be_held_open(uow: Uow) -> None:
    """Holding an instant of a closed month is contention; the first instant after it is fine."""
    await close(uow, NEWTACT, "2026-10", [])
    for at in (OCTOBER.start - TICK, OCTOBER.end - TICK):
        with pytest.raises(Contention):
            async with uow.begin() as tx:
                await tx.statements.hold_months_open(NEWTACT, at)
    async with uow.begin() as tx:
        await tx.statements.hold_months_open(NEWTACT, OCTOBER.end)
        await tx.statements.hold_months_open(OTHER, OCTOBER.start)


async def test_of_two_closers_at_once_one_loses(uow: Uow) -> None:
    """Two closers of one month: one closes it, the other gets Contention."""
    october = chain(NEWTACT, "2026-10", ["platform"])
    _, refusals = await race(*(close(uow, NEWTACT, "2026-10", october) for _ in range(2)))
    assert [type(error) for error in refusals] == [Contention]


async def test_a_close_waits_for_what_holds_the_month_open(uow: Uow) -> None:
    """A closer that comes while a spend is under way sees that spend's work, not the state before it."""
    order: list[str] = []
    holding = asyncio.Event()

    async def spender() -> None:
        async with uow.begin() as tx:
            await tx.statements.hold_months_open(NEWTACT, OCTOBER.start)
            holding.set()
            for _ in range(20):
                await asyncio.sleep(0.005)
            order.append("spent")

    async def closer() -> None:
        await holding.wait()
        async with uow.begin() as tx:
            await tx.statements.lock_for_close(NEWTACT)
            order.append("closing")

    await asyncio.gather(spender(), closer())
    assert order == ["spent", "closing"]


async def test_spenders_do_not_wait_for_each_other_twice(uow: Uow) -> None:
    """Many transactions that hold months open at once all finish."""

    async def spender() -> None:
        async with uow.begin() as tx:
            await tx.statements.hold_months_open(NEWTACT, OCTOBER.start)

    assert (await race(*(spender() for _ in range(8))))[1] == []
