"""Nobody is their own guest: what staff did for a guest that becomes them waits for somebody else."""

from __future__ import annotations

from typing import Any

import pytest

from buddy_core.access import Actor, ApprovalState, Outcome, OwnAccount
from buddy_core.flows import Awaiting, find_request
from buddy_core.kernel import AccountId
from buddy_core.tokens import Operation
from tests.flows.world import World

pytestmark = pytest.mark.anyio
MANY = 1_000


def account_of(actor: Actor) -> AccountId:
    """Return whose account an actor is."""
    assert actor.account_id is not None
    return actor.account_id


async def asked(world: World, act: str, actor: Actor, guest: AccountId) -> str:
    """Ask for tokens for a guest that need a second person; return the request's id."""
    found: Any
    if act == "tokens.grant":
        found = await world.grant(guest, MANY, actor=actor)
    else:
        [earned] = await world.entries(guest, Operation.EARN)
        found = await world.adjust(guest, earned, MANY, actor=actor)
    assert isinstance(found, Awaiting)
    return found.request_id


@pytest.mark.parametrize(("act", "role"), [("tokens.grant", "support"), ("tokens.adjust", "finance")])
async def test_whoever_asked_for_a_guest_may_not_become_it(world: World, act: str, role: str) -> None:
    """Once the guest is whoever asked, nobody can approve it, and it can still be rejected."""
    guest, actor, second = await world.guest(), await world.staff(role), await world.second()
    await world.earn(guest, 5)
    request = await asked(world, act, actor, guest)
    await world.merge(guest, account_of(actor))
    before = await world.books()
    with pytest.raises(OwnAccount):
        await world.settle_request(request, actor=second)
    assert await world.books() == before
    assert await world.balance(account_of(actor)) == 5
    await world.settle_request(request, Outcome.REJECTED, actor=second, reason="it is their own")
    shown = await find_request(second, request, uow=world.uow, clock=world.clock)
    assert shown.state is ApprovalState.REJECTED


@pytest.mark.parametrize(("act", "role"), [("tokens.grant", "support"), ("tokens.adjust", "finance")])
async def test_what_another_approved_is_frozen_when_it_becomes_one_s_own(
    world: World, act: str, role: str
) -> None:
    """Whoever asked joins the guest after the approval: the wallet stands still, on the record."""
    guest, actor = await world.guest(), await world.staff(role)
    await world.earn(guest, 5)
    await world.settle_request(await asked(world, act, actor, guest), actor=await world.second())
    await world.merge(guest, account_of(actor))
    assert (await world.wallet(account_of(actor))).is_frozen
    assert [item.resource for item in await world.records("wallet.freeze")] == [str(actor.account_id)]


async def test_a_reward_that_was_released_is_frozen_too(world: World) -> None:
    """A held reward of a guest is released by whom it joins; of another's guest it is no matter."""
    guest, other, actor = await world.guest(), await world.guest(), await world.staff("finance")
    member = await world.member()
    for who in (guest, other):
        begun = await world.begin_ad(who, device=f"dev_{who}", ip=f"ip-{who}")
        await world.freeze(who)
        held = await world.settle(world.callback(begun))
        await world.freeze(who, False)
        await world.decide(held, release=True, actor=actor)
    await world.merge(other, member)
    assert not (await world.wallet(member)).is_frozen
    await world.merge(guest, account_of(actor))
    assert (await world.wallet(account_of(actor))).is_frozen


async def test_what_others_did_for_a_guest_freezes_nothing(world: World) -> None:
    """Tokens that one of the staff asked for and another approved are a third one's to spend."""
    guest, actor, third = await world.guest(), await world.staff("support"), await world.staff("support")
    request = await asked(world, "tokens.grant", actor, guest)
    await world.settle_request(request, actor=await world.second())
    await world.merge(guest, account_of(third))
    assert not (await world.wallet(account_of(third))).is_frozen
    assert await world.balance(account_of(third)) > 0
