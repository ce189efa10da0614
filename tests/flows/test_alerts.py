"""Where many accounts earn on one device or at one address, staff see it, with the wallets to freeze."""

from __future__ import annotations

from datetime import timedelta

import pytest

from buddy_core.access import SYSTEM, Actor, NotPermitted
from buddy_core.views import RewardAlert, admin_home, reward_alerts
from buddy_web.reference import SELLER_ROUTES
from tests.flows.world import VIEWER, World

pytestmark = pytest.mark.anyio


async def alerts(world: World, actor: Actor = SYSTEM) -> tuple[RewardAlert, ...]:
    """Return what staff see now."""
    return await reward_alerts(actor, correlation_id="c1", uow=world.uow, clock=world.clock)


async def waiting(world: World) -> dict[str, int]:
    """Return what needs attention today, by kind."""
    page = await admin_home(SYSTEM, uow=world.uow, clock=world.clock, routes=SELLER_ROUTES)
    return {item.kind: item.count for item in page.attention}


async def test_a_device_of_many_accounts_is_shown(world: World) -> None:
    """Two accounts with ten ads are nothing; the third makes an alert, with each account's ads."""
    members = [await world.member() for _ in range(3)]
    for number, who in enumerate(members[:2]):
        for _ in range(5):
            await world.watch_ad(who, "shared", f"i-{number}")
    assert (await alerts(world), await waiting(world)) == ((), {})
    await world.watch_ad(members[2], "shared", "i-3")
    [alert] = await alerts(world)
    assert (alert.scope, alert.name, alert.day) == ("device", "…shared", "2026-10-10")
    assert (alert.paid, alert.limit, alert.account_count, alert.more) == (11, 20, 3, 0)
    assert sorted((item.name, item.paid) for item in alert.accounts) == sorted(
        [(await world.email(who), paid) for who, paid in zip(members, (5, 5, 1), strict=True)]
    )
    assert await waiting(world) == {"earning_alerts": 1}
    assert ("reward.alerts", "rewards") in await world.audit()


async def test_an_address_of_many_accounts_is_shown(world: World) -> None:
    """Five accounts with half of an address's day on devices of their own, and not four."""
    for number in range(5):
        assert await alerts(world) == ()
        who = await world.member()
        for _ in range(4):
            await world.watch_ad(who, f"d-{number}", "home")
    [alert] = await alerts(world)
    assert (alert.scope, alert.paid, alert.limit, alert.account_count) == ("ip", 20, 30, 5)


async def test_what_was_dealt_with_needs_nobody(world: World) -> None:
    """Once each of its wallets is frozen an alert asks for nothing more; it is still shown."""
    members = [await world.member() for _ in range(3)]
    for number, who in enumerate(members):
        for _ in range(4):
            await world.watch_ad(who, "shared", f"i-{number}")
    for left, who in zip((1, 1, 0), members, strict=True):
        await world.freeze(who)
        assert (await waiting(world)).get("earning_alerts", 0) == left
    [alert] = await alerts(world)
    assert all(item.is_frozen for item in alert.accounts)


async def test_yesterday_is_shown_and_the_day_before_is_not(world: World) -> None:
    """Staff who come in after midnight still see the evening; a day later it is gone."""
    for number in range(3):
        who = await world.member()
        for _ in range(4):
            await world.watch_ad(who, "shared", f"i-{number}")
    world.clock.advance(timedelta(days=1))
    assert [alert.day for alert in await alerts(world)] == ["2026-10-10"]
    world.clock.advance(timedelta(days=1))
    assert (await alerts(world), await waiting(world)) == ((), {})


async def test_a_guest_that_joined_is_shown_as_the_member(world: World) -> None:
    """Guests that all went into one member are three to the rule, and one wallet to look at."""
    member = await world.member()
    for number in range(3):
        guest = await world.guest()
        for _ in range(4):
            await world.watch_ad(guest, "shared", f"i-{number}")
        await world.merge(guest, member)
    [alert] = await alerts(world)
    assert alert.account_count == 3
    [account] = alert.accounts
    assert (account.account_id, account.paid, account.capped, account.held) == (member, 12, 0, 0)


async def test_who_may_not_see_rewards_sees_no_alerts(world: World) -> None:
    """A viewer is refused, and nothing is recorded."""
    with pytest.raises(NotPermitted):
        await alerts(world, VIEWER)
    assert await world.audit() == []
