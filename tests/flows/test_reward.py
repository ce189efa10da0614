"""Rewarded ads: paid by our own rule, once, up to the caps, to whoever the viewer is by then."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from buddy_core.access import NotPermitted, OwnAccount
from buddy_core.ads import (
    CallbackRefused,
    Reward,
    RewardCapReached,
    RewardNotFound,
    RewardNotHeld,
    RewardStatus,
)
from buddy_core.flows import find_reward
from buddy_core.kernel import AccountId
from buddy_core.kernel.ids import DeviceId
from buddy_core.tokens import BONUS, PAID, WalletFrozen
from buddy_web.reference import REWARD_RULE
from tests.contracts.cases import race
from tests.flows.test_approvals import revoke
from tests.flows.world import START, VIEWER, Broken, Tampered, World, break_off

pytestmark = pytest.mark.anyio

PAID_OUT, CAPPED, HELD = RewardStatus.PAID, RewardStatus.CAPPED, RewardStatus.HELD


async def begin(world: World, who: AccountId, count: int, device: str = "", ip: str = "") -> list[Reward]:
    """Begin ads, each on a device and an address of its own where none is named.

    All but the first are written to the store: a page lets nobody begin so many at once,
    but callbacks of more than the caps allow may still meet.
    """

    def place(number: int) -> tuple[str, str]:
        return device or f"d{who}{number}", ip or f"i{who}{number}"

    rewards = [await world.begin_ad(who, *place(0))]
    async with world.uow.begin() as tx:
        for number in range(1, count):
            on, at = place(number)
            ids = {"id": world.ids.opaque("rwd"), "nonce": world.ids.opaque("non")}
            rewards.append(evolve(rewards[0], device_id=DeviceId(on), ip_key=at, **ids))
            await tx.rewards.add(rewards[-1])
    return rewards


async def settle_all(world: World, rewards: list[Reward]) -> Counter[tuple[RewardStatus, str]]:
    """Settle all at once and count what became of them."""
    done = await asyncio.gather(*(world.settle(world.callback(reward)) for reward in rewards))
    return Counter((reward.status, reward.note) for reward in done)


async def test_an_ad_pays_by_our_rule(world: World) -> None:
    """One bonus token for 90 days, marked as earned by a guest, under the reward's id and rule version."""
    guest = await world.guest()
    begun = await world.begin_ad(guest)
    assert (begun.status, begun.expires_at) == (RewardStatus.PENDING, START + timedelta(minutes=15))
    world.clock.advance(timedelta(minutes=1))
    paid = await world.settle(world.callback(begun))
    assert (paid.status, paid.settled_at) == (PAID_OUT, world.clock.now())
    [entry] = await world.entries(guest)
    [lot] = entry.lots
    assert (entry.source, entry.source_ref, entry.rule_version) == ("ads.reward", begun.id, 1)
    assert (lot.kind, lot.amount, lot.earned_as_guest) == (BONUS, 1, True)
    assert lot.expires_at == world.clock.now() + timedelta(days=90)
    assert await find_reward(begun.id, guest, uow=world.uow) == paid


async def test_a_new_rule_pays_what_it_says(world: World) -> None:
    """The rule in force at the callback sets amount, kind and life; a member's lot has no guest mark."""
    member = await world.member()
    begun = await world.begin_ad(member)
    later = START + timedelta(minutes=2)
    rule = evolve(REWARD_RULE, version=2, effective_from=later, tokens=3, token_kind=PAID)
    async with world.uow.begin() as tx:
        await tx.reward_rules.add(evolve(rule, tokens_live_for=timedelta(days=5)))
    world.clock.set(later)
    await world.settle(world.callback(begun))
    [entry] = await world.entries(member)
    [lot] = entry.lots
    assert (lot.kind, lot.amount, lot.earned_as_guest) == (PAID, 3, False)
    assert (lot.expires_at, entry.rule_version) == (later + timedelta(days=5), 2)


async def test_ten_a_day_for_an_account(world: World) -> None:
    """Of 13 callbacks at once for a member's own devices 10 pay, 3 are capped; then no ad can be begun."""
    member = await world.member()
    assert await settle_all(world, await begin(world, member, 13)) == {
        (PAID_OUT, ""): 10,
        (CAPPED, "account"): 3,
    }
    assert await world.balance(member) == 10
    with pytest.raises(RewardCapReached) as refused:
        await world.begin_ad(member)
    assert (refused.value.scope, refused.value.limit) == ("account", 10)


async def test_the_day_is_a_utc_day(world: World) -> None:
    """What is settled before midnight UTC counts on that day, from midnight on the next, whenever begun."""
    midnight = datetime(2026, 10, 11, tzinfo=UTC)
    member = await world.member()
    world.clock.set(midnight - timedelta(minutes=5))
    rewards = await begin(world, member, 21)
    world.clock.set(midnight - timedelta(microseconds=1))
    assert await settle_all(world, rewards[:10]) == {(PAID_OUT, ""): 10}
    world.clock.set(midnight)
    assert await settle_all(world, rewards[10:]) == {(PAID_OUT, ""): 10, (CAPPED, "account"): 1}


async def test_twenty_a_day_for_a_device_and_thirty_for_an_address(world: World) -> None:
    """Accounts on one device earn 20 together, and devices behind one address 30; not one more."""
    members = [await world.member() for _ in range(4)]
    rewards = [item for who in members[:3] for item in await begin(world, who, 8, "shared", "home")]
    assert await settle_all(world, rewards) == {(PAID_OUT, ""): 20, (CAPPED, "device"): 4}
    with pytest.raises(RewardCapReached) as refused:
        await world.begin_ad(members[3], "shared", "elsewhere")
    assert (refused.value.scope, refused.value.limit) == ("device", 20)
    fourth = await begin(world, members[3], 8, ip="home")
    second = await begin(world, await world.member(), 4, ip="home")
    assert await settle_all(world, fourth + second) == {(PAID_OUT, ""): 10, (CAPPED, "ip"): 2}
    assert sum([await world.balance(who) for who in members[:3]]) == 20


async def test_twenty_in_a_guests_life(world: World) -> None:
    """A guest earns 20 in all over any number of days; as a member they go on."""
    guest = await world.guest()
    for _ in range(2):
        assert await settle_all(world, await begin(world, guest, 9)) == {(PAID_OUT, ""): 9}
        world.clock.advance(timedelta(days=1))
    assert await settle_all(world, await begin(world, guest, 4)) == {(PAID_OUT, ""): 2, (CAPPED, "guest"): 2}
    world.clock.advance(timedelta(days=1))
    with pytest.raises(RewardCapReached) as refused:
        await world.begin_ad(guest)
    assert (refused.value.scope, refused.value.limit) == ("guest", 20)
    member = (await world.register("", guest)).account_id
    assert (await world.watch_ad(member)).status is PAID_OUT
    assert await world.balance(member) == 21


async def test_a_repeated_callback_is_answered_the_same(world: World) -> None:
    """The network may repeat, later and at once: one payment, and every answer is the first."""
    guest = await world.guest()
    callback = world.callback(await world.begin_ad(guest))
    done = await asyncio.gather(*(world.settle(callback) for _ in range(8)))
    assert len(set(done)) == 1
    world.clock.advance(timedelta(days=2))
    assert await world.settle(callback) == done[0]
    assert await world.balance(guest) == 1


async def test_a_capped_callback_stays_capped(world: World) -> None:
    """A repeat of a capped callback on the next day pays nothing."""
    member = await world.member()
    rewards = await begin(world, member, 11)
    callbacks = [world.callback(reward) for reward in rewards]
    done = [await world.settle(callback) for callback in callbacks]
    assert [item.status for item in done] == [PAID_OUT] * 10 + [CAPPED]
    world.clock.advance(timedelta(days=1))
    assert await world.settle(callbacks[-1]) == done[-1]
    assert await world.balance(member) == 10


async def test_what_belongs_to_no_open_reward_is_refused(world: World) -> None:
    """Another nonce for a known transaction, a used or unknown nonce, another unit, a wrong time."""
    guest = await world.guest()
    paid, open_ = await world.begin_ad(guest), await world.begin_ad(guest)
    await world.settle(world.callback(paid))
    minute = timedelta(minutes=1)
    shown_late = open_.expires_at + 5 * minute
    refused = [
        world.callback(open_, transaction_id=f"t-{paid.id}"),
        world.callback(paid, transaction_id="t-new"),
        world.callback(open_, nonce="non_unknown"),
        world.callback(open_, nonce="non_unknown", transaction_id=f"t-{paid.id}"),
        world.callback(open_, ad_unit="unit-2"),
        world.callback(open_, at=START + 6 * minute),
        world.callback(open_, at=START - 6 * minute),
    ]
    for callback in refused:
        with pytest.raises(CallbackRefused):
            await world.settle(callback)
    world.clock.set(shown_late)
    with pytest.raises(CallbackRefused):
        await world.settle(world.callback(open_, at=shown_late))
    world.clock.set(START + timedelta(hours=24, microseconds=1))
    with pytest.raises(CallbackRefused):
        await world.settle(world.callback(open_, at=START))
    assert await world.balance(guest) == 1
    world.clock.set(START + timedelta(hours=23))
    assert (await world.settle(world.callback(open_, at=START + minute))).status is PAID_OUT, (
        "late, but in time"
    )


async def test_one_transaction_and_two_nonces_at_once(world: World) -> None:
    """When one transaction comes for two rewards at once, one is paid and the other refused."""
    guest = await world.guest()
    one, two = await world.begin_ad(guest), await world.begin_ad(guest)
    done, refused = await race(
        *(world.settle(world.callback(reward, transaction_id="t")) for reward in (one, two))
    )
    assert ([item.status for item in done], [type(error) for error in refused]) == (
        [PAID_OUT],
        [CallbackRefused],
    )
    assert await world.balance(guest) == 1


async def test_a_late_callback_pays_the_member(world: World) -> None:
    """An ad begun as a guest and called back after registration pays the member, as the member they are."""
    guest = await world.guest()
    begun = await world.begin_ad(guest)
    member = (await world.register("", guest)).account_id
    world.clock.advance(timedelta(hours=2))
    assert (await world.settle(world.callback(begun, at=START))).status is PAID_OUT
    assert (await world.balance(guest), await world.balance(member)) == (0, 1)
    [item] = (await world.wallet(member)).lots
    assert not item.lot.earned_as_guest
    for who in (guest, member):
        assert (await find_reward(begun.id, who, uow=world.uow)).status is PAID_OUT
    with pytest.raises(RewardNotFound):
        await find_reward(begun.id, await world.guest(), uow=world.uow)


async def test_callbacks_during_a_merge_are_not_lost(world: World) -> None:
    """Callbacks that race with the guest's merge all pay, and every token ends with the member."""
    guest, member = await world.guest(), await world.member()
    rewards = await begin(world, guest, 8)
    await asyncio.gather(
        *(world.settle(world.callback(reward)) for reward in rewards[:4]),
        world.merge(guest, member),
        *(world.settle(world.callback(reward)) for reward in rewards[4:]),
    )
    assert (await world.balance(guest), await world.balance(member)) == (0, 8)


async def test_a_fault_in_between_pays_nothing(world: World) -> None:
    """Where settling breaks off, nothing remains, counters included; the repeat pays."""
    member = await world.member()
    rewards = await begin(world, member, 10)
    before = await world.books()
    for port, method in (("rewards", "add_callback"), ("wallets", "append"), ("rewards", "settle")):
        broken = Tampered(world.uow, port, method, after=break_off)
        with pytest.raises(Broken):
            await world.settle(world.callback(rewards[0]), uow=broken)
        assert await world.books() == before
    assert await settle_all(world, rewards) == {(PAID_OUT, ""): 10}


async def test_a_frozen_wallet_holds(world: World) -> None:
    """A good callback for a frozen wallet is held; none can be begun; a release pays once, on the record."""
    guest = await world.guest()
    held, refused = await world.begin_ad(guest), await world.begin_ad(guest)
    await world.freeze(guest)
    for reward in (held, refused):
        assert (await world.settle(world.callback(reward))).status is HELD
    with pytest.raises(WalletFrozen):
        await world.begin_ad(guest)
    with pytest.raises(WalletFrozen):
        await world.decide(held, release=True)
    with pytest.raises(NotPermitted):
        await world.decide(held, release=True, actor=VIEWER)
    await world.freeze(guest, False)
    world.clock.advance(timedelta(days=2))
    assert (await world.decide(held, release=True, reason="checked")).note == "checked"
    assert (await world.decide(refused, release=False, reason="a robot")).status is RewardStatus.REFUSED
    assert await world.balance(guest) == 1
    assert (await world.audit())[-2:] == [("reward.release", held.id), ("reward.refuse", refused.id)]
    for reward in (held, refused, await world.begin_ad(guest)):
        with pytest.raises(RewardNotHeld):
            await world.decide(reward, release=True)
    assert (await world.settle(world.callback(held))).status is PAID_OUT, "a repeat answers how it stands"


async def test_a_held_reward_is_decided_once(world: World) -> None:
    """Two releases at once pay once; the other is told that nothing is held."""
    guest = await world.guest()
    begun = await world.begin_ad(guest)
    await world.freeze(guest)
    await world.settle(world.callback(begun))
    await world.freeze(guest, False)
    done, refused = await race(*(world.decide(begun, release=True) for _ in range(3)))
    assert (len(done), {type(error) for error in refused}) == (1, {RewardNotHeld})
    assert await world.balance(guest) == 1
    with pytest.raises(RewardNotFound):
        await world.decide(evolve(begun, id="rwd_none"), release=False)


async def test_a_held_reward_is_not_ones_own_to_decide(world: World) -> None:
    """Staff decide about no reward of their own, nor of a guest they were, nor with a role that was taken."""
    admin, guest = await world.staff("super_admin"), await world.guest()
    assert admin.account_id is not None
    begun = await world.begin_ad(guest)
    await world.freeze(guest)
    await world.settle(world.callback(begun))
    await world.merge(guest, admin.account_id)
    await world.freeze(admin.account_id, False)
    for release in (True, False):
        with pytest.raises(OwnAccount):
            await world.decide(begun, release=release, actor=admin)
    other = await world.staff("super_admin")
    await revoke(world, other, "super_admin")
    with pytest.raises(NotPermitted):
        await world.decide(begun, release=True, actor=other)
    await world.decide(begun, release=True)
    assert await world.balance(admin.account_id) == 1


async def test_a_held_reward_is_released_to_the_member(world: World) -> None:
    """After a merge the freeze has travelled: release waits for the member's wallet, and pays it."""
    guest, member = await world.guest(), await world.member()
    begun = await world.begin_ad(guest)
    await world.freeze(guest)
    await world.settle(world.callback(begun))
    await world.merge(guest, member)
    with pytest.raises(WalletFrozen):
        await world.decide(begun, release=True)
    await world.freeze(member, False)
    await world.decide(begun, release=True)
    assert (await world.balance(guest), await world.balance(member)) == (0, 1)


async def test_a_merge_is_no_way_to_a_second_day(world: World) -> None:
    """What a guest earned today counts against the member's day, and so do the ads still under way."""
    guest = await world.guest()
    for _ in range(4):
        await world.watch_ad(guest)
    pending = [await world.begin_ad(guest, ip=f"ip-{number}") for number in range(4)]
    member = (await world.register("", guest)).account_id
    statuses = [(await world.settle(world.callback(reward))).status for reward in pending]
    assert statuses == [PAID_OUT] * 4
    assert [(await world.watch_ad(member)).status for _ in range(2)] == [PAID_OUT] * 2
    with pytest.raises(RewardCapReached):
        await world.begin_ad(member)
    assert await world.balance(member) == 10


async def test_a_released_reward_counts_like_any_other(world: World) -> None:
    """When the day's cap is reached, a held reward waits for another day or is refused."""
    guest = await world.guest()
    held = await world.begin_ad(guest)
    for _ in range(9):
        await world.watch_ad(guest)
    other = await world.begin_ad(guest)
    await world.freeze(guest)
    assert {(await world.settle(world.callback(reward))).status for reward in (held, other)} == {HELD}
    await world.freeze(guest, False)
    assert (await world.decide(held, release=True)).status is PAID_OUT
    with pytest.raises(RewardCapReached):
        await world.decide(other, release=True)
    world.clock.advance(timedelta(days=1))
    assert (await world.decide(other, release=True)).status is PAID_OUT
