"""The contracts of the `Rewards`, `RewardRules` and `RewardCounters` ports."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from buddy_core.ads import AdCallback, Cap, NoRewardRule, Reward, RewardRule, RewardStatus
from buddy_core.kernel import Contention, DeviceId
from tests.contracts.cases import AT, LATER, Uow, account, race

pytestmark = pytest.mark.anyio


def reward(number: int, **changes: Any) -> Reward:
    """Return a reward that was begun."""
    values: dict[str, Any] = {
        "id": f"rwd_{number}",
        "nonce": f"non_{number}",
        "account_id": account(1),
        "as_guest": True,
        "device_id": DeviceId("dev_1"),
        "ip_key": "key-of-ip",
        "ad_unit": "ca-app-pub/1",
        "started_at": AT + timedelta(minutes=number),
        "expires_at": LATER,
    }
    return Reward(**{**values, **changes})


def rule(version: int, **changes: Any) -> RewardRule:
    """Return a reward rule."""
    values: dict[str, Any] = {
        "version": version,
        "effective_from": AT,
        "tokens": 1,
        "token_kind": "bonus",
        "tokens_live_for": timedelta(days=90),
        "account_daily": 10,
        "device_daily": 20,
        "ip_daily": 30,
        "guest_life": 20,
        "nonce_lives_for": timedelta(minutes=30),
    }
    return RewardRule(**{**values, **changes})


async def add(uow: Uow, *rewards: Reward) -> None:
    """Add rewards in a transaction of its own."""
    async with uow.begin() as tx:
        for item in rewards:
            await tx.rewards.add(item)


async def test_the_rule_in_force_is_the_last_that_took_effect(uow: Uow) -> None:
    """Every field comes back, durations too; before the first version there is none."""
    first = rule(1, tokens_live_for=timedelta(days=1, seconds=7))
    second = rule(2, effective_from=LATER, tokens=3)
    async with uow.begin() as tx:
        await tx.reward_rules.add(first)
        await tx.reward_rules.add(second)
    async with uow.read() as tx:
        assert await tx.reward_rules.in_force(AT) == first
        assert await tx.reward_rules.in_force(LATER) == second
        with pytest.raises(NoRewardRule):
            await tx.reward_rules.in_force(AT - timedelta(microseconds=1))


async def test_a_reward_comes_back(uow: Uow) -> None:
    """A reward is found by id and by nonce, with every field."""
    await add(uow, reward(1), reward(2, as_guest=False))
    async with uow.begin() as tx:
        assert await tx.rewards.get("rwd_1") == reward(1)
        assert await tx.rewards.lock("rwd_2") == reward(2, as_guest=False)
        assert await tx.rewards.lock_nonce("non_1") == reward(1)
        assert await tx.rewards.get("rwd_9") is None
        assert await tx.rewards.lock("non_1") is None
        assert await tx.rewards.lock_nonce("rwd_1") is None


async def test_a_nonce_is_given_out_once(uow: Uow) -> None:
    """A second reward with the same nonce is contention."""
    await add(uow, reward(1))
    with pytest.raises(Contention):
        await add(uow, reward(2, nonce="non_1"))
    async with uow.read() as tx:
        assert await tx.rewards.get("rwd_2") is None


async def test_what_became_of_a_reward_is_kept(uow: Uow) -> None:
    """Settling stores status, instant and note, and nothing else changes."""
    await add(uow, reward(1), reward(2))
    async with uow.begin() as tx:
        await tx.rewards.settle("rwd_1", RewardStatus.CAPPED, LATER, "device")
    async with uow.read() as tx:
        settled = evolve(reward(1), status=RewardStatus.CAPPED, settled_at=LATER, note="device")
        assert await tx.rewards.get("rwd_1") == settled
        assert await tx.rewards.get("rwd_2") == reward(2)


async def test_held_rewards_wait_oldest_first(uow: Uow) -> None:
    """Only held rewards are listed, oldest first; one that staff have decided is gone."""
    await add(uow, *(reward(number) for number in (3, 1, 2, 4)))
    async with uow.begin() as tx:
        for number in (3, 1, 2):
            await tx.rewards.settle(f"rwd_{number}", RewardStatus.HELD, LATER, "")
        await tx.rewards.settle("rwd_4", RewardStatus.PAID, LATER, "")
        await tx.rewards.settle("rwd_2", RewardStatus.REFUSED, LATER, "fraud")
    async with uow.read() as tx:
        assert [item.id for item in await tx.rewards.held()] == ["rwd_1", "rwd_3"]


async def test_an_account_sees_its_newest_rewards(uow: Uow) -> None:
    """An account's own rewards come newest first, never more than asked for."""
    await add(uow, *(reward(number) for number in (2, 3, 1)), reward(9, account_id=account(2)))
    async with uow.read() as tx:
        assert [item.id for item in await tx.rewards.of_account(account(1), 2)] == ["rwd_3", "rwd_2"]
        assert await tx.rewards.of_account(account(3), 2) == []


async def admit(uow: Uow, transaction_id: str, number: int, network: str = "admob") -> None:
    """Store an admitted callback in a transaction of its own."""
    callback = AdCallback(network, transaction_id, "ca-app-pub/1", f"non_{number}", AT)
    async with uow.begin() as tx:
        await tx.rewards.add_callback(callback, f"rwd_{number}", LATER)


async def test_a_transaction_is_admitted_once(uow: Uow) -> None:
    """The reward of an admitted transaction is known; admitting it again is contention, per network."""
    await add(uow, reward(1), reward(2), reward(3))
    await admit(uow, "tx-1", 1)
    with pytest.raises(Contention):
        await admit(uow, "tx-1", 2)
    await admit(uow, "tx-1", 3, network="other")
    async with uow.read() as tx:
        assert await tx.rewards.reward_of_callback("admob", "tx-1") == "rwd_1"
        assert await tx.rewards.reward_of_callback("other", "tx-1") == "rwd_3"
        assert await tx.rewards.reward_of_callback("admob", "tx-2") is None


async def test_a_transaction_that_comes_twice_at_once_is_admitted_once(uow: Uow) -> None:
    """Of four concurrent callbacks with one transaction id one stands, three get Contention."""
    await add(uow, *(reward(number) for number in range(4)))
    _, refusals = await race(*(admit(uow, "tx-1", number) for number in range(4)))
    assert [type(error) for error in refusals] == [Contention] * 3


def caps(account_limit: int, device_limit: int, day: str = "2026-11-21") -> list[Cap]:
    """Return two caps of one viewer."""
    return [Cap("account", "a", day, account_limit), Cap("device", "d", day, device_limit)]


async def take(uow: Uow, wanted: list[Cap]) -> Cap | None:
    """Take in a transaction of its own."""
    async with uow.begin() as tx:
        found: Cap | None = await tx.reward_counters.take(wanted)
        return found


async def test_a_cap_admits_its_number(uow: Uow) -> None:
    """Up to the limit nothing is reached; after it the cap is named, first in the order given."""
    assert [await take(uow, caps(2, 2)) for _ in range(2)] == [None, None]
    assert await take(uow, caps(2, 2)) == caps(2, 2)[0]
    assert await take(uow, list(reversed(caps(2, 2)))) == caps(2, 2)[1]
    assert await take(uow, []) is None


async def test_a_reached_cap_counts_nothing(uow: Uow) -> None:
    """When one cap is reached no other count moves, whichever of them it is."""
    assert await take(uow, caps(5, 1)) is None
    assert await take(uow, caps(5, 1)) == caps(5, 1)[1]
    assert [await take(uow, caps(2, 9)[:1]) for _ in range(2)] == [None, caps(2, 9)[0]]


async def test_days_and_lives_are_counted_apart(uow: Uow) -> None:
    """Another day begins at nothing; a cap for a whole life has its own count; a cap of 0 admits none."""
    assert await take(uow, caps(1, 1)) is None
    assert await take(uow, caps(1, 1, day="2026-11-22")) is None
    assert await take(uow, [Cap("account", "a", "", 1)]) is None
    assert await take(uow, [Cap("account", "a", "", 1)]) == Cap("account", "a", "", 1)
    assert await take(uow, [Cap("ip", "x", "", 0)]) == Cap("ip", "x", "", 0)


async def test_peeking_changes_nothing(uow: Uow) -> None:
    """Peeking tells what a take would say, however often it is done."""
    async with uow.read() as tx:
        assert [await tx.reward_counters.peek(caps(1, 1)) for _ in range(3)] == [None] * 3
    await take(uow, caps(1, 9))
    async with uow.read() as tx:
        assert await tx.reward_counters.peek(caps(1, 9)) == caps(1, 9)[0]
        assert await tx.reward_counters.peek(caps(2, 9)) is None


async def test_a_hundred_at_once_admit_exactly_the_cap(uow: Uow) -> None:
    """A hundred concurrent takes against caps of 40 and 23 admit exactly 23."""
    answers, refusals = await race(*(take(uow, caps(40, 23)) for _ in range(100)))
    assert refusals == []
    assert answers.count(None) == 23
    assert answers.count(caps(40, 23)[1]) == 77
    async with uow.read() as tx:
        assert await tx.reward_counters.peek(caps(24, 99)) is None
        assert await tx.reward_counters.peek(caps(23, 99)) == caps(23, 99)[0]


async def test_takes_in_other_orders_do_not_block_each_other_for_ever(uow: Uow) -> None:
    """Concurrent takes that name the same caps in opposite orders all get an answer."""
    answers, refusals = await race(
        *(take(uow, caps(50, 50) if number % 2 else caps(50, 50)[::-1]) for number in range(20))
    )
    assert refusals == []
    assert answers == [None] * 20


GUEST = Cap("account", "guest", "2026-11-21", 3)
MEMBER = Cap("account", "member", "2026-11-21", 3)


async def carry(uow: Uow, source: str, target: str) -> None:
    """Carry an account's days in a transaction of its own."""
    async with uow.begin() as tx:
        await tx.reward_counters.carry("account", source, target)


async def count(uow: Uow, cap: Cap) -> int:
    """Return what has been counted against a cap: the largest limit that it reaches."""
    async with uow.read() as tx:
        limits = range(200)
        reached = [limit for limit in limits if await tx.reward_counters.peek([evolve(cap, limit=limit)])]
    return max(reached)


async def test_every_day_is_carried_to_another(uow: Uow) -> None:
    """The target has both counts of each day, past its limit too; the source keeps its own; a life stays."""
    before = evolve(GUEST, day="2026-11-20")
    life = Cap("guest", "guest", "", 9)
    assert [await take(uow, [GUEST, life]) for _ in range(3)] == [None] * 3
    assert [await take(uow, [MEMBER]) for _ in range(2)] == [None] * 2
    assert await take(uow, [before]) is None
    await carry(uow, "guest", "member")
    assert await count(uow, MEMBER) == 5
    assert await count(uow, evolve(MEMBER, day="2026-11-20")) == 1
    assert await count(uow, GUEST) == 3
    assert await count(uow, evolve(MEMBER, day="2026-11-22")) == 0
    assert await count(uow, evolve(life, subject="member")) == 0
    assert await take(uow, [MEMBER]) == MEMBER


async def test_a_count_is_carried_to_or_from_nothing(uow: Uow) -> None:
    """A target that was never counted begins with the source's count; a source without one adds nothing."""
    await take(uow, [GUEST])
    await carry(uow, "guest", "member")
    await carry(uow, "nobody", "member")
    assert await count(uow, MEMBER) == 1


async def test_carries_and_takes_at_once_lose_nothing(uow: Uow) -> None:
    """Carries both ways and takes, all at once, are all counted or refused as contention, never lost."""
    low, high = evolve(GUEST, limit=1_000), evolve(MEMBER, limit=1_000)
    other = evolve(GUEST, subject="other", limit=1_000)
    await take(uow, [other])
    answers, refusals = await race(
        *(take(uow, [high, low] if number % 2 else [low, high]) for number in range(10)),
        *(carry(uow, "other", "member") for _ in range(5)),
        *(carry(uow, "other", "guest") for _ in range(5)),
    )
    assert refusals == []
    assert answers == [None] * 20
    assert (await count(uow, low), await count(uow, high)) == (15, 15)
    _, refusals = await race(*(carry(uow, "guest", "member") for _ in range(5)))
    assert refusals == []
    assert await count(uow, high) == 15 + 5 * 15


async def test_the_most_counted_of_a_day_come_first(uow: Uow) -> None:
    """Of one scope and day those with enough, the most first and then by name, no more than asked for."""
    for subject, times in {"a": 3, "b": 1, "c": 2, "d": 2}.items():
        for _ in range(times):
            await take(uow, [Cap("device", subject, "2026-11-21", 9)])
    await take(uow, [Cap("device", "e", "2026-11-20", 9), Cap("ip", "f", "2026-11-21", 9)])
    async with uow.read() as tx:
        most = tx.reward_counters.most
        assert list((await most("device", "2026-11-21", 2, 9)).items()) == [("a", 3), ("c", 2), ("d", 2)]
        assert await most("device", "2026-11-21", 1, 2) == {"a": 3, "c": 2}
        assert await most("ip", "2026-11-20", 1, 9) == {}


async def test_what_was_settled_at_a_place_is_told_by_account(uow: Uow) -> None:
    """By account and status, of the places and the time that were asked about; what is pending is not."""
    on_another = reward(6, device_id=DeviceId("dev_2"))
    await add(uow, *(reward(number) for number in range(1, 5)), reward(5, account_id=account(2)), on_another)
    paid, capped = RewardStatus.PAID, RewardStatus.CAPPED
    async with uow.begin() as tx:
        for number, status, at in ((1, paid, AT), (2, paid, AT), (3, capped, AT), (5, paid, AT)):
            await tx.rewards.settle(f"rwd_{number}", status, at, "")
        await tx.rewards.settle("rwd_6", paid, LATER, "")
    async with uow.read() as tx:
        found = await tx.rewards.uses("device", ["dev_1", "dev_2"], AT, LATER)
        assert {(use.subject, use.account_id, use.status, use.rewards, use.last_id) for use in found} == {
            ("dev_1", account(1), paid, 2, "rwd_2"),
            ("dev_1", account(1), capped, 1, "rwd_3"),
            ("dev_1", account(2), paid, 1, "rwd_5"),
        }
        assert (
            sum(
                use.rewards
                for use in await tx.rewards.uses("ip", ["key-of-ip"], AT, LATER + timedelta(seconds=1))
            )
            == 5
        )
        assert await tx.rewards.uses("ip", [], AT, LATER) == []


async def test_the_newest_rules_come_first(uow: Uow) -> None:
    """Those to come are among them, and no more than asked for."""
    async with uow.begin() as tx:
        assert await tx.reward_rules.newest(5) == []
        for number in (1, 2, 3):
            await tx.reward_rules.add(rule(number, effective_from=AT + timedelta(days=number)))
    async with uow.read() as tx:
        assert [item.version for item in await tx.reward_rules.newest(2)] == [3, 2]
