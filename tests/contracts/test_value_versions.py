"""The contract of the `ValueVersions` port."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest

from buddy_core.kernel import Contention
from buddy_core.tokens import BONUS, PAID, ValueVersion
from tests.contracts.cases import AT, LATER, Uow, race, version_of

pytestmark = pytest.mark.anyio


async def add(uow: Uow, *versions: ValueVersion) -> None:
    """Append versions in a transaction of its own."""
    async with uow.begin() as tx:
        for version in versions:
            await tx.token_values.add(version)


async def test_versions_come_back_in_order(uow: Uow) -> None:
    """Every field, exact fractions among them, is read back; kinds are apart."""
    values = {"INR": Fraction(50), "USD": Fraction(3, 5), "JPY": Fraction(1, 3), "AED": Fraction(0)}
    first = version_of(BONUS, 1, values=values)
    second = version_of(BONUS, 2, effective_from=LATER, previous_hash=first.hash)
    await add(uow, first, second)
    async with uow.read() as tx:
        found = await tx.token_values.of_kind(BONUS)
        assert await tx.token_values.of_kind(PAID) == []
    assert found == [first, second]
    assert [version.hash for version in found] == [first.hash, second.hash]


async def test_in_force_is_the_last_that_took_effect(uow: Uow) -> None:
    """A version counts from its own instant on, not a microsecond earlier; each kind has its own."""
    first = version_of(BONUS, 1)
    second = version_of(BONUS, 2, effective_from=LATER)
    paid = version_of(PAID, 1, effective_from=LATER)
    await add(uow, first, second, paid)
    async with uow.read() as tx:
        assert await tx.token_values.in_force(LATER - timedelta(microseconds=1)) == {BONUS: first}
        assert await tx.token_values.in_force(LATER) == {BONUS: second, PAID: paid}
        assert await tx.token_values.in_force(AT - timedelta(days=99)) == {}


async def test_a_number_is_used_once(uow: Uow) -> None:
    """Another version with a number that exists is contention, and the first stays as it was."""
    first = version_of(BONUS, 1)
    await add(uow, first)
    with pytest.raises(Contention):
        await add(uow, version_of(BONUS, 1, values={"INR": Fraction(1)}))
    async with uow.read() as tx:
        assert await tx.token_values.of_kind(BONUS) == [first]


async def test_of_two_new_versions_at_once_one_loses(uow: Uow) -> None:
    """Two transactions that append the same number at once: one stands, one gets Contention."""
    _, refusals = await race(
        *(add(uow, version_of(BONUS, 1, recorded_by=f"admin-{number}")) for number in range(2))
    )
    assert [type(error) for error in refusals] == [Contention]
    async with uow.read() as tx:
        assert len(await tx.token_values.of_kind(BONUS)) == 1
