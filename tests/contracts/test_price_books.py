"""The contract of the `PriceBooks` port, and what token costs share with it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from buddy_core.kernel import Contention
from buddy_core.pricing import NoPrices, PriceBook, TokenCosts, price_rule
from tests.contracts.cases import AT, LATER, Uow, title

pytestmark = pytest.mark.anyio

MOMENT = timedelta(microseconds=1)
DAY = timedelta(days=1)
RENTAL = price_rule("rental-in", "rental", "IN", "INR", 4900, hours=48)
FULL = price_rule(
    "all-fields.of_a-rule",
    "subscription",
    ("*", "GB"),
    "GBP",
    599,
    excluding=("EU", "AE"),
    title_id=title(1),
    window="svod",
    plan="gold",
    tier="gold",
    period="P1M",
    starts_at=AT,
    ends_at=LATER,
)
FIRST = PriceBook(1, AT, (RENTAL, FULL), {"*": "USD", "EU": "EUR", "IN": "INR"})
SECOND = PriceBook(2, LATER, (price_rule("est", "est", "*", "USD", 999, title_type="film"),))
THIRD = PriceBook(3, LATER + DAY, ())


async def add(uow: Uow, *books: PriceBook) -> None:
    """Append versions, each in a transaction of its own."""
    for book in books:
        async with uow.begin() as tx:
            await tx.price_books.add(book)


async def test_the_book_in_force_is_the_last_that_took_effect(uow: Uow) -> None:
    """Every field of every rule comes back, and before the first version there is none."""
    await add(uow, FIRST, SECOND)
    async with uow.read() as tx:
        assert await tx.price_books.in_force(AT) == FIRST
        assert await tx.price_books.in_force(LATER - MOMENT) == FIRST
        assert await tx.price_books.in_force(LATER + 9 * DAY) == SECOND
        with pytest.raises(NoPrices):
            await tx.price_books.in_force(AT - MOMENT)


async def test_a_number_of_a_book_is_used_once(uow: Uow) -> None:
    """Another version with a number that exists is contention, and the first stays."""
    await add(uow, FIRST)
    with pytest.raises(Contention):
        await add(uow, PriceBook(1, AT, ()))
    async with uow.read() as tx:
        assert await tx.price_books.in_force(AT) == FIRST


async def test_the_newest_books_come_first(uow: Uow) -> None:
    """Those to come are among them, no more than asked for, and each knows the one before it."""
    await add(uow, FIRST, SECOND)
    async with uow.read() as tx:
        assert await tx.price_books.newest(5) == [SECOND, FIRST]
        assert await tx.price_books.newest(1) == [SECOND]
        assert await tx.price_books.before(2) == FIRST
        assert await tx.price_books.before(1) is None


async def test_books_of_a_span_are_those_in_force_in_it(uow: Uow) -> None:
    """The one in force when the span begins and each that began until its end, the newest first."""
    await add(uow, FIRST, SECOND, THIRD)
    async with uow.read() as tx:
        between = tx.price_books.in_force_between
        assert await between(AT - DAY, AT - MOMENT) == []
        assert await between(AT - DAY, AT) == [FIRST]
        assert await between(AT, LATER - MOMENT) == [FIRST]
        assert await between(LATER - MOMENT, LATER) == [SECOND, FIRST]
        assert await between(LATER, LATER) == [SECOND]
        assert await between(AT, LATER + 9 * DAY) == [THIRD, SECOND, FIRST]


async def test_costs_of_a_span_are_those_in_force_in_it(uow: Uow) -> None:
    """Token costs answer as books do."""
    first, second = TokenCosts(1, AT, {"film": 10}, {title(1): 3}), TokenCosts(2, LATER, {"film": 12})
    for costs in (first, second):
        async with uow.begin() as tx:
            await tx.token_costs.add(costs)
    async with uow.read() as tx:
        between = tx.token_costs.in_force_between
        assert await between(AT - DAY, AT - MOMENT) == []
        assert await between(AT - DAY, LATER - MOMENT) == [first]
        assert await between(LATER - MOMENT, LATER) == [second, first]
        assert await between(LATER, LATER + DAY) == [second]
