"""What `verify` says of promotions: versions against the audit, claims against the ledger."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from buddy_core.access import BUILT_IN
from buddy_core.flows import claim_promotion
from buddy_core.kernel import AccountId, DeviceId, EntryId
from buddy_core.kernel.outcomes import unwrap
from buddy_core.promotions import Claim, ClaimPromotion
from buddy_core.tokens import BONUS, EarnTokens, earn_in
from tests.contracts.cases import Uow, uid
from tests.flows.test_promotions import CODE, begin
from tests.flows.world import START, World

pytestmark = pytest.mark.anyio


async def rigged(uow: Uow) -> World:
    """Return a world with a promotion that one member has claimed."""
    world = World(uow)
    await world.seed()
    await begin(world)
    who = await world.member()
    command = ClaimPromotion(who, DeviceId("d-1"), CODE, "k")
    await claim_promotion(BUILT_IN.actor(who), command, uow=uow, clock=world.clock, ids=world.ids)
    assert (await world.verify()).is_clean
    return world


def inserted(who: AccountId, **changes: Any) -> Claim:
    """Return a claim that nothing in the ledger speaks for."""
    values: dict[str, Any] = {
        "code": CODE,
        "number": 2,
        "account_id": who,
        "device_id": DeviceId("d-2"),
        "as_guest": False,
        "version": 1,
        "tokens": 5,
        "entry_id": EntryId(uid(9)),
        "claimed_at": START,
    }
    return Claim(**{**values, **changes})


async def named(world: World) -> set[tuple[str, str, str]]:
    """Return table, row and the first words of everything that verify finds."""
    found = (await world.verify()).faults
    return {(fault.table, fault.row, fault.problem.partition(":")[0]) for fault in found}


async def test_a_claim_without_its_entry_is_named(uow: Uow) -> None:
    """A row that brought nobody anything was put there by hand."""
    world = await rigged(uow)
    who = await world.member()
    async with uow.begin() as tx:
        await tx.promotion_claims.add(inserted(who))
    assert await named(world) == {("promotions_claims", f"{CODE} 2", "inserted or altered")}


async def test_an_entry_without_its_claim_is_named(uow: Uow) -> None:
    """Tokens that say they came by a code, which nobody claimed, by way of the library alone."""
    world = await rigged(uow)
    who = await world.member()
    gift = EarnTokens(who, BONUS, 5, "promotion", CODE, "k", None, False)
    async with uow.begin() as tx:
        await tx.wallets.lock([who])
        entry = unwrap((await earn_in(tx, [gift], world.clock.now(), world.ids))[0])
    row = f"{CODE} entry {entry.id}"
    assert await named(world) == {("promotions_claims", row, "missing or altered")}


async def test_a_version_that_the_audit_does_not_tell_of_is_named(uow: Uow) -> None:
    """One that was put there by hand, to give more than was decided."""
    world = await rigged(uow)
    async with uow.begin() as tx:
        first = await tx.promotions.newest(CODE)
        await tx.promotions.add(evolve(first, version=2, limit=1000))
    assert await named(world) == {("promotions", f"{CODE} version 2", "inserted")}
