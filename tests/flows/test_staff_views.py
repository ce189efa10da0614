"""What staff's pages show of other people, and the record that they leave of it."""

from __future__ import annotations

from typing import Any

import pytest

from buddy_core import flows, views
from buddy_core.access import NotPermitted
from buddy_core.ads import RewardStatus
from buddy_core.views.admin_rewards import WalletOwnerNotFound
from buddy_web.reference import SELLER_ROUTES
from tests.flows.world import VIEWER, World

pytestmark = pytest.mark.anyio


def ports(world: World) -> dict[str, Any]:
    return {"correlation_id": "c1", "uow": world.uow, "clock": world.clock}


async def test_home_shows_the_audit_to_those_who_may_read_it(world: World) -> None:
    """Without `audit:read` no line is there, with it the newest are, by the name of who acted alone."""
    support, auditor = await world.staff("support"), await world.staff("auditor")
    member = await world.member("asha@example.com")
    await world.grant(member, 5, actor=support)
    shown = {
        name: await views.admin_home(actor, uow=world.uow, clock=world.clock, routes=SELLER_ROUTES)
        for name, actor in (("support", support), ("auditor", auditor))
    }
    assert shown["support"].audit == ()
    assert any(line.action == "tokens.grant" for line in shown["auditor"].audit)
    assert "asha@example.com" not in repr(shown["auditor"].audit)
    assert support.account_id is not None
    assert await world.email(support.account_id) in repr(shown["auditor"].audit)


async def test_whose_wallet_was_looked_for_is_recorded(world: World) -> None:
    """Found or not, the record has the account and not the address; who may not looks for nobody."""
    support, member = await world.staff("support"), await world.member("asha@example.com")
    assert await views.wallet_owner(support, " Asha@example.com", **ports(world)) == member
    for text in ("nobody@example.com", "rwd_none"):
        with pytest.raises(WalletOwnerNotFound):
            await views.wallet_owner(support, text, **ports(world))
    with pytest.raises(NotPermitted):
        await views.wallet_owner(VIEWER, "asha@example.com", **ports(world))
    assert [item.after for item in await world.records("user.search")] == [
        f'{{"accounts":["{member}"],"by_address":true}}',
        '{"accounts":[],"by_address":true}',
        '{"accounts":[],"by_address":false}',
    ]


async def test_gifts_that_wait_are_shown_on_the_record(world: World) -> None:
    """Requests about members leave `approval.read` with their ids; requests about none leave nothing."""
    support, member = await world.staff("support"), await world.member()
    for asked in (False, True):
        if asked:
            assert isinstance(await world.grant(member, 51, actor=support), flows.Awaiting)
        found = await flows.list_requests(support, uow=world.uow, clock=world.clock)
        assert len(await views.show_requests(support, found, **ports(world), routes=SELLER_ROUTES)) == int(
            asked
        )
    [record] = await world.records("approval.read")
    assert (record.actor, record.after) == (support.name, f'["{found[0].request.id}"]')
    with pytest.raises(NotPermitted):
        await views.show_requests(VIEWER, found, **ports(world), routes=SELLER_ROUTES)


async def test_who_saw_held_rewards_is_recorded(world: World) -> None:
    """The record names the rewards that were shown; an empty list leaves none, nor does a refusal."""
    support, guest = await world.staff("support"), await world.guest()
    assert await views.held_rewards(support, **ports(world)) == ()
    reward = await world.begin_ad(guest)
    await world.earn(guest, 1)
    await world.freeze(guest)
    assert (await world.settle(world.callback(reward))).status is RewardStatus.HELD
    assert [item.reward_id for item in await views.held_rewards(support, **ports(world))] == [reward.id]
    with pytest.raises(NotPermitted):
        await views.held_rewards(VIEWER, **ports(world))
    [record] = await world.records("reward.list")
    assert (record.actor, record.after) == (support.name, f'["{reward.id}"]')
