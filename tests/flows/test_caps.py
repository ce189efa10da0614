"""The caps of earning are exact: who comes at once, from how many processes, and past which midnight."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from anyio import to_thread
from attrs import evolve, frozen

from buddy_core.access import SYSTEM
from buddy_core.ads import Reward, RewardCapReached, RewardStatus, SetRewardRule, TooManyOpen
from buddy_core.flows import set_reward_rule
from buddy_core.kernel import AccountId
from buddy_core.kernel.ids import DeviceId
from tests.contracts.cases import race
from tests.flows.caps_caller import from_processes
from tests.flows.world import START, World

pytestmark = pytest.mark.anyio

CALLERS = 64
PAID, CAPPED, HELD = RewardStatus.PAID, RewardStatus.CAPPED, RewardStatus.HELD


@frozen
class Crowd:
    """Who comes at once: so many accounts, and whether they share a device and an address."""

    scope: str
    admitted: int
    accounts: int
    are_guests: bool = False
    share_device: bool = False
    share_address: bool = False


CROWDS = (
    Crowd("account", 10, accounts=1),
    Crowd("device", 20, accounts=8, share_device=True),
    Crowd("ip", 30, accounts=8, share_address=True),
    Crowd("guest", 15, accounts=1, are_guests=True),
    Crowd("guest_device", 15, accounts=8, are_guests=True, share_device=True),
)
"""One for each cap; only this cap is in the way."""


async def new_rule(world: World, **changes: int) -> None:
    """Have a rule with these numbers in force; the clock moves on to it."""
    command = SetRewardRule(changes, f"rule-{world.clock.now()}")
    await set_reward_rule(SYSTEM, command, correlation_id="c1", uow=world.uow, clock=world.clock)
    world.clock.advance(timedelta(minutes=1))


async def assembled(world: World, crowd: Crowd) -> list[Reward]:
    """Return 64 rewards that the crowd has begun, as callbacks of many devices may meet."""
    if crowd.are_guests:
        # Else the day's caps, which are lower, would be in the way first.
        await new_rule(world, account_daily=99, device_daily=99, ip_daily=99, guest_life=crowd.admitted)
    who = [await (world.guest() if crowd.are_guests else world.member()) for _ in range(crowd.accounts)]
    first = await world.begin_ad(who[0], "d-0", "i-0")
    rewards = [first]
    async with world.uow.begin() as tx:
        for number in range(1, CALLERS):
            device = "d-0" if crowd.share_device else f"d-{number}"
            address = "i-0" if crowd.share_address else f"i-{number}"
            ids: dict[str, Any] = {"id": world.ids.opaque("rwd"), "nonce": world.ids.opaque("non")}
            account = who[number % crowd.accounts]
            reward = evolve(first, account_id=account, device_id=DeviceId(device), ip_key=address, **ids)
            await tx.rewards.add(reward)
            rewards.append(reward)
    return rewards


async def earned(world: World, rewards: Sequence[Reward]) -> int:
    """Return how many tokens the accounts of these rewards have."""
    return sum([await world.balance(account) for account in {reward.account_id for reward in rewards}])


async def recorded(world: World, rewards: Sequence[Reward]) -> Counter[tuple[RewardStatus, str]]:
    """Count what the store says of these rewards."""
    async with world.uow.read() as tx:
        found = [await tx.rewards.get(reward.id) for reward in rewards]
    return Counter((item.status, item.note) for item in found if item is not None)


@pytest.mark.parametrize("crowd", CROWDS, ids=lambda crowd: crowd.scope)
async def test_64_at_once_are_paid_exactly_the_cap(world: World, crowd: Crowd) -> None:
    """As many as the cap says are paid, the rest is recorded as capped by it, and the wallets add up."""
    rewards = await assembled(world, crowd)
    await asyncio.gather(*(world.settle(world.callback(reward)) for reward in rewards))
    assert await recorded(world, rewards) == {
        (PAID, ""): crowd.admitted,
        (CAPPED, crowd.scope): CALLERS - crowd.admitted,
    }
    assert await earned(world, rewards) == crowd.admitted


@pytest.mark.parametrize("crowd", CROWDS, ids=lambda crowd: crowd.scope)
async def test_two_processes_together_are_paid_exactly_the_cap(
    world: World, crowd: Crowd, database_url: str | None
) -> None:
    """Each of two processes settles all 64 callbacks at once: one cap, and one answer for each callback."""
    if database_url is None:
        return  # A store in memory has one process; the test above is about it.
    rewards = await assembled(world, crowd)
    callbacks = [world.callback(reward) for reward in rewards]
    answers = await to_thread.run_sync(from_processes, database_url, 2, callbacks, world.clock.now())
    assert answers[0] == answers[1]
    assert await recorded(world, rewards) == {
        (PAID, ""): crowd.admitted,
        (CAPPED, crowd.scope): CALLERS - crowd.admitted,
    }
    assert await earned(world, rewards) == crowd.admitted


async def test_64_ads_begun_at_once_are_ten(world: World) -> None:
    """Of one account's 64 tries at the same moment as many are begun as a day pays; the others are told."""
    guest = await world.guest()
    begun, refused = await race(*(world.begin_ad(guest, f"d-{number}") for number in range(CALLERS)))
    assert len(begun) == 10
    assert [type(error) for error in refused] == [TooManyOpen] * 54
    assert len({reward.nonce for reward in begun}) == 10


async def test_ads_begun_during_a_merge_belong_to_somebody(world: World) -> None:
    """Whether an ad is begun before or after the merge, its callback pays the member."""
    guest, member = await world.guest(), await world.member()
    begun, refused = await race(
        *(world.begin_ad(guest, f"d-{number}") for number in range(4)),
        world.merge(guest, member),
        *(world.begin_ad(guest, f"d-{number}") for number in range(4, 8)),
    )
    assert refused == []
    rewards = [item for item in begun if isinstance(item, Reward)]
    done = [await world.settle(world.callback(reward)) for reward in rewards]
    assert Counter(item.status for item in done) == {PAID: 8}
    assert (await world.balance(guest), await world.balance(member)) == (0, 8)


async def test_guests_of_one_device_share_one_life(world: World) -> None:
    """However many guests a device makes, they earn 20 in all over any number of days; members go on."""
    for day in range(2):
        for number in range(2):
            guest = await world.guest()
            for _ in range(5):
                assert (await world.watch_ad(guest, ip=f"i-{day}-{number}")).status is PAID
        world.clock.advance(timedelta(days=1))
    for number in range(3):
        with pytest.raises(RewardCapReached) as refused:
            await world.begin_ad(await world.guest(), ip=f"i-{number}")
        assert (refused.value.scope, refused.value.limit) == ("guest_device", 20)
    member = await world.member()
    assert (await world.watch_ad(member)).status is PAID
    assert (await world.watch_ad(await world.guest(), device="another")).status is PAID


async def test_registering_gives_a_device_no_second_guest_life(world: World) -> None:
    """Guests that earn, join and leave do not empty the device's count: the next guest finds it as it was."""
    for _ in range(4):
        guest = await world.guest()
        for number in range(5):
            assert (await world.watch_ad(guest, ip=f"i-{number}")).status is PAID
        await world.register("", guest)
        world.clock.advance(timedelta(days=1))
    with pytest.raises(RewardCapReached) as refused:
        await world.begin_ad(await world.guest())
    assert refused.value.scope == "guest_device"


MIDNIGHT = datetime(2026, 10, 11, tzinfo=UTC)
SECOND = timedelta(seconds=1)


async def begun_at(world: World, who: AccountId, count: int) -> list[Reward]:
    """Begin ads on devices and addresses of their own, more than a page lets one begin."""
    first = await world.begin_ad(who, f"d-{who}", f"i-{who}")
    rewards = [first]
    async with world.uow.begin() as tx:
        for number in range(1, count):
            ids: dict[str, Any] = {"id": world.ids.opaque("rwd"), "nonce": world.ids.opaque("non")}
            rewards.append(
                evolve(first, device_id=DeviceId(f"{who}-{number}"), ip_key=f"{who}-{number}", **ids)
            )
            await tx.rewards.add(rewards[-1])
    return rewards


async def test_a_clock_that_steps_back_over_midnight_opens_no_day_again(world: World) -> None:
    """Each day's ten are counted on its own day, in whatever order the clock tells the days."""
    world.clock.set(MIDNIGHT - 60 * SECOND)
    member = await world.member()
    rewards = iter(await begun_at(world, member, 30))
    paid: Counter[bool] = Counter()
    for round in range(14):
        before = round % 2 == 0
        world.clock.set(MIDNIGHT - SECOND if before else MIDNIGHT + SECOND)
        for _ in range(2):
            done = await world.settle(world.callback(next(rewards)))
            paid[before] += done.status is PAID
    assert paid == {True: 10, False: 10}
    assert await world.balance(member) == 20


async def test_a_merge_after_midnight_carries_the_day_before(world: World) -> None:
    """A guest's ten, a merge after midnight, a clock that steps back: the day is full for the member."""
    world.clock.set(MIDNIGHT - 60 * SECOND)
    guest, member = await world.guest(), await world.member()
    for number in range(10):
        assert (await world.watch_ad(guest, f"d-{number}")).status is PAID
    late = await begun_at(world, member, 1)
    world.clock.set(MIDNIGHT + SECOND)
    await world.merge(guest, member)
    world.clock.set(MIDNIGHT - SECOND)
    assert (await world.settle(world.callback(late[0]))).note == "account"
    world.clock.set(MIDNIGHT + SECOND)
    assert (await world.watch_ad(member)).status is PAID


async def test_a_reward_released_later_counts_on_the_day_of_its_release(world: World) -> None:
    """A held reward takes no room on its own day; released, it takes that day's, on its own device too."""
    member = await world.member()
    held = await world.begin_ad(member, "shared")
    await world.freeze(member)
    assert (await world.settle(world.callback(held))).status is HELD
    await world.freeze(member, False)
    assert [(await world.watch_ad(member, f"d-{number}")).status for number in range(10)] == [PAID] * 10
    with pytest.raises(RewardCapReached):
        await world.decide(held, release=True)
    world.clock.set(START + timedelta(days=1))
    for _ in range(2):
        other = await world.member()
        for _ in range(10):
            assert (await world.watch_ad(other, "shared", f"i-{other}")).status is PAID
    with pytest.raises(RewardCapReached) as refused:
        await world.decide(held, release=True)
    assert refused.value.scope == "device"
    world.clock.advance(timedelta(days=1))
    assert (await world.decide(held, release=True)).status is PAID


async def test_a_lower_cap_holds_against_what_was_paid_today(world: World) -> None:
    """A rule that lowers the cap below the day's count stops the account at once, and takes nothing away."""
    member = await world.member()
    for number in range(6):
        await world.watch_ad(member, f"d-{number}")
    await new_rule(world, account_daily=4)
    with pytest.raises(RewardCapReached) as refused:
        await world.begin_ad(member)
    assert (refused.value.scope, refused.value.limit) == ("account", 4)
    assert await world.balance(member) == 6
