"""The contract of the `CostTables` port."""

from __future__ import annotations

from datetime import timedelta

import pytest

from buddy_core.kernel import Contention
from buddy_core.pricing import NoTokenCosts, TokenCosts
from tests.contracts.cases import AT, LATER, Uow, title

pytestmark = pytest.mark.anyio

FIRST = TokenCosts(1, AT, {"film": 10, "episode": 2}, {title(1): 7, title(2): 1})
SECOND = TokenCosts(2, LATER, {"film": 12})


async def add(uow: Uow, costs: TokenCosts) -> None:
    """Append a version in a transaction of its own."""
    async with uow.begin() as tx:
        await tx.token_costs.add(costs)


async def test_the_version_in_force_is_the_last_that_took_effect(uow: Uow) -> None:
    """Every cost comes back; a version counts from its instant on, and before the first there is none."""
    await add(uow, FIRST)
    await add(uow, SECOND)
    async with uow.read() as tx:
        assert await tx.token_costs.in_force(AT) == FIRST
        assert await tx.token_costs.in_force(LATER - timedelta(microseconds=1)) == FIRST
        assert await tx.token_costs.in_force(LATER + timedelta(days=9)) == SECOND
        with pytest.raises(NoTokenCosts):
            await tx.token_costs.in_force(AT - timedelta(microseconds=1))


async def test_a_number_is_used_once(uow: Uow) -> None:
    """Another version with a number that exists is contention, and the first stays."""
    await add(uow, FIRST)
    with pytest.raises(Contention):
        await add(uow, TokenCosts(1, AT, {"film": 1}))
    async with uow.read() as tx:
        assert await tx.token_costs.in_force(AT) == FIRST


async def test_the_newest_costs_come_first(uow: Uow) -> None:
    """Those to come are among them, and no more than asked for."""
    await add(uow, FIRST)
    await add(uow, SECOND)
    async with uow.read() as tx:
        assert await tx.token_costs.newest(5) == [SECOND, FIRST]
        assert await tx.token_costs.newest(1) == [SECOND]
