"""A guest becomes a member: everything comes along once, nothing is made and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_core.accounts import AccountNotFound, CannotMerge, EmailTaken, WrongCredentials, find_account
from buddy_core.catalog import TitleType
from buddy_core.entitlements import GrantStatus
from buddy_core.kernel import AccountId, IdempotencyMismatch, LotId
from buddy_core.tokens import BONUS, PAID, Lot, Operation, WalletFrozen
from tests.contracts.cases import race
from tests.flows.world import PASSWORD, START, Broken, Tampered, World, break_off

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
CAP = 20


async def origins(world: World, who: AccountId) -> set[tuple[Any, ...]]:
    """Return what matters of each open lot: its origin, what is left, and all that a merge must keep."""
    return {
        (
            lot.origin_id,
            item.remaining,
            lot.kind,
            lot.effective_from,
            lot.expires_at,
            lot.created_at,
            lot.source,
            lot.priority,
            lot.scopes,
            lot.earned_as_guest,
            lot.cost_minor,
            lot.cost_currency,
        )
        for item in (await world.wallet(who)).lots
        for lot in (item.lot,)
    }


async def test_registering_brings_everything(world: World) -> None:
    """The member has the guest's tokens and unlocks; the guest is a pointer with an empty wallet."""
    guest, title = await world.guest(), await world.add_title()
    await world.earn(guest, 7)
    bought = await world.unlock(guest, title)
    joined = await world.register("A@Example.com", guest)
    assert (joined.tokens_moved, joined.tokens_expired_by_cap) == (5, 0)
    assert (joined.unlocks_moved, joined.unlocks_superseded) == (1, 0)
    assert await world.balance(guest) == 0
    assert await world.balance(joined.account_id) == 5
    assert (await find_account(guest, uow=world.uow)).id == joined.account_id
    [old], [new] = await world.grants(guest), await world.grants(joined.account_id)
    assert (old.id, old.status) == (bought.grant_id, GrantStatus.TRANSFERRED)
    assert (new.status, new.origin_id, new.granted_at) == (GrantStatus.ACTIVE, old.id, old.granted_at)
    again = await world.unlock(joined.account_id, title)
    assert (again.grant_id, again.tokens_spent) == (new.id, 0)
    assert (await world.sign_in("a@example.com", None)).account_id == joined.account_id


async def test_a_moved_lot_keeps_what_it_was(world: World) -> None:
    """Origin, start, expiry, creation, priority, scopes, source, guest mark and cost share move along."""
    guest, member, title = await world.guest(), await world.member(), await world.add_title()
    await world.earn(guest, 3, priority=10, scopes=("type:film",), earned_as_guest=True)
    await world.earn(guest, 4, PAID, expires_at=None, source="gift")
    lot_id = LotId(world.ids.uuid7())
    await world.buy(
        guest,
        Lot(
            id=lot_id,
            origin_id=lot_id,
            kind=PAID,
            amount=10,
            effective_from=START,
            expires_at=START + 30 * DAY,
            created_at=START,
            source="store",
            earned_as_guest=False,
            cost_minor=999,
            cost_currency="INR",
        ),
    )
    await world.unlock(guest, title)
    before = await origins(world, guest)
    world.clock.advance(DAY)
    await world.merge(guest, member)
    moved = await origins(world, member)
    kept = {item for item in before if item[-1] is None}
    assert len(moved) == 3
    assert kept <= moved
    [bought] = moved - kept
    # 8 of 10 tokens are left, and with them 8/10 of 999, rounded down.
    assert (bought[0], bought[1], bought[-2:]) == (lot_id, 8, (799, "INR"))


async def test_merging_twice_is_merging_once(world: World) -> None:
    """The second merge and a sign-in after it bring nothing and write nothing of value but the session."""
    guest, member = await world.guest(), await world.member("m@example.com")
    await world.earn(guest, 5)
    assert (await world.merge(guest, member)).tokens_moved == 5
    before = await world.books()
    world.clock.advance(DAY)
    again = await world.merge(guest, member)
    assert await world.books() == before
    for joined in (again, await world.sign_in("m@example.com", guest)):
        assert (joined.account_id, joined.tokens_moved, joined.unlocks_moved) == (member, 0, 0)
    *value, events = await world.books()
    assert value == list(before[:-1])
    assert len(events - before[-1]) == 1, "the session that began"


async def test_concurrent_merges_are_one(world: World) -> None:
    """Of 8 merges of one guest at once, one moves the tokens, and none fails."""
    guest, member = await world.guest(), await world.member()
    await world.earn(guest, 5)
    joined = await asyncio.gather(*(world.merge(guest, member) for _ in range(8)))
    assert sorted(item.tokens_moved for item in joined) == [0] * 7 + [5]
    assert await world.balance(member) == 5
    assert len(await world.entries(member, Operation.TRANSFER_IN)) == 1


async def test_unlocks_during_a_merge_lose_nothing(world: World) -> None:
    """Unlocks that race with the merge land on one side of it; tokens and grants add up."""
    guest, member = await world.guest(), await world.member()
    titles = [await world.add_title() for _ in range(6)]
    await world.earn(guest, 20)
    done = await asyncio.gather(
        *(world.unlock(guest, title) for title in titles[:3]),
        world.merge(guest, member),
        *(world.unlock(guest, title) for title in titles[3:]),
    )
    assert len(done) == 7
    active = {item.title_id for item in await world.grants(member) if item.status is GrantStatus.ACTIVE}
    assert active == {title.id for title in titles}
    assert (await world.balance(guest), await world.balance(member)) == (0, 20 - 12)


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_what_waits_for_a_merge_finds_the_member(world: World) -> None:
    """Unlock, callback and release that wait for the guest's wallet act on the member's afterwards."""
    guest, member, title = await world.guest(), await world.member(), await world.add_title()
    await world.earn(guest, 10)
    held, begun = await world.begin_ad(guest), await world.begin_ad(guest)
    await world.freeze(guest)
    await world.settle(world.callback(held))
    await world.freeze(guest, False)
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        reached.set()
        await go_on.wait()

    whole = world.uow
    world.uow = Tampered(whole, "wallets", "lock", after=wait)
    merging = asyncio.create_task(world.merge(guest, member))
    await reached.wait()
    world.uow = whole
    acts: tuple[Coroutine[Any, Any, Any], ...] = (
        world.unlock(guest, title),
        world.settle(world.callback(begun)),
        world.decide(held, release=True),
    )
    waiting = [asyncio.create_task(act) for act in acts]
    done, _ = await asyncio.wait(waiting, timeout=0.3)
    assert not done, "they wait for the merge"
    go_on.set()
    await asyncio.gather(merging, *waiting)
    assert (await world.balance(guest), await world.balance(member)) == (0, 10 - 2 + 1 + 1)
    assert len(await world.grants(guest)) == 0


async def test_the_cap_expires_the_nearest_expiry(world: World) -> None:
    """Of guest-marked units 20 stay, the latest expiry first; the rest expires by an entry of its own."""
    guest, member = await world.guest(), await world.member()
    for amount, days in ((8, 30), (9, 90), (7, 60)):
        await world.earn(guest, amount, expires_at=START + days * DAY, earned_as_guest=True)
    await world.earn(guest, 6, PAID)
    joined = await world.merge(guest, member)
    assert (joined.tokens_moved, joined.tokens_expired_by_cap) == (30, 4)
    assert await world.balance(member) == 26
    [expired] = await world.entries(member, Operation.EXPIRE)
    assert sum(posting.amount for posting in expired.postings if posting.lot_id) == -4
    left = {
        item.lot.expires_at: item.remaining
        for item in (await world.wallet(member)).lots
        if item.lot.kind == BONUS
    }
    assert left == {START + 30 * DAY: 4, START + 60 * DAY: 7, START + 90 * DAY: 9}


async def test_the_cap_counts_what_earlier_merges_left(world: World) -> None:
    """The cap covers the union of all guests' marked units that are still there, ties by origin id."""
    member, first, second = await world.member(), await world.guest(), await world.guest()
    for guest in (first, second):
        await world.earn(guest, 15, earned_as_guest=True)
    elder = next(iter(await origins(world, first)))[0]
    assert (await world.merge(second, member)).tokens_expired_by_cap == 0
    assert (await world.merge(first, member)).tokens_expired_by_cap == 10
    left = {item[0]: item[1] for item in await origins(world, member)}
    assert left[elder] == 15
    assert sum(left.values()) == CAP


async def test_what_expired_is_written_off_on_the_way(world: World) -> None:
    """A guest's expired tokens do not arrive; they are expired by an entry, and the sums agree."""
    guest, member = await world.guest(), await world.member()
    await world.earn(guest, 3, expires_at=START + DAY)
    await world.earn(guest, 4)
    world.clock.set(START + DAY)
    assert (await world.merge(guest, member)).tokens_moved == 4
    assert await world.balance(member) == 4
    assert [entry.operation for entry in await world.entries(guest)][-2:] == [
        Operation.EXPIRE,
        Operation.TRANSFER_OUT,
    ]


async def test_the_older_unlock_stays(world: World) -> None:
    """Of two unlocks of one title the older stays, wherever it was; the other is superseded for no token."""
    member, early, late = await world.member(), await world.guest(), await world.guest()
    one, two = await world.add_title(), await world.add_title()
    for who in (member, early, late):
        await world.earn(who, 4)
    for who, title in ((early, one), (member, one), (member, two), (late, two)):
        world.clock.advance(DAY)
        await world.unlock(who, title)
    first = (await world.grants(early))[0]
    joined = await world.merge(early, member)
    assert (joined.unlocks_moved, joined.unlocks_superseded, joined.tokens_moved) == (1, 1, 2)
    joined = await world.merge(late, member)
    assert (joined.unlocks_moved, joined.unlocks_superseded, joined.tokens_moved) == (0, 1, 2)
    active = [item for item in await world.grants(member) if item.status is GrantStatus.ACTIVE]
    assert {item.title_id: item.granted_at for item in active} == {
        one.id: first.granted_at,
        two.id: START + 3 * DAY,
    }
    assert await world.balance(member) == 0 + 2 + 2
    assert len(await world.spends()) == 4, "what was spent stays spent"


async def test_a_freeze_travels(world: World) -> None:
    """Merging is no way around a freeze: the member's wallet is frozen afterwards."""
    guest, member, title = await world.guest(), await world.member(), await world.add_title()
    await world.earn(guest, 5)
    await world.freeze(guest)
    assert (await world.merge(guest, member)).tokens_moved == 5
    with pytest.raises(WalletFrozen):
        await world.unlock(member, title)


async def test_a_freeze_of_a_merged_guest_reaches_the_member(world: World) -> None:
    """Staff who freeze a guest that has just gone to a member freeze the member's wallet."""
    guest, member, title = await world.guest(), await world.member(), await world.add_title()
    await world.earn(guest, 5)
    await world.merge(guest, member)
    await world.freeze(guest)
    with pytest.raises(WalletFrozen):
        await world.unlock(member, title)
    await world.freeze(guest, False)
    assert (await world.unlock(member, title)).tokens_spent == 2


async def test_the_latest_position_wins(world: World) -> None:
    """Of two positions in one title the later report stays, whichever side it was on."""
    guest, member = await world.guest(), await world.member()
    here, there = await world.add_title(), await world.add_title()
    for who in (guest, member):
        await world.earn(who, 4)
        for title in (here, there):
            await world.unlock(who, title)
    for number, (who, title) in enumerate(
        ((guest, here), (member, here), (member, there), (guest, there)), start=1
    ):
        session = (await world.play(who, title)).session.id
        world.clock.advance(timedelta(seconds=5))
        await world.beat(session, who, number * 1000)
    await world.merge(guest, member)
    assert [(await world.play(member, title)).resume_ms for title in (here, there)] == [2000, 4000]


async def test_registering_twice_with_one_key_is_once(world: World) -> None:
    """The same key answers the same member, one after the other and at once; the tokens move once."""
    guest = await world.guest()
    await world.earn(guest, 5)
    first = await world.register("a@example.com", guest, "k")
    assert await world.register("a@example.com", guest, "k") == first
    other = await world.guest()
    await world.earn(other, 3)
    both = await asyncio.gather(*(world.register("b@example.com", other, "k2") for _ in range(4)))
    assert len(set(both)) == 1
    assert await world.balance(both[0].account_id) == 3


async def test_a_key_alone_lets_nobody_in(world: World) -> None:
    """Who repeats a key with another address or password is not told of the member it made."""
    await world.register("a@example.com", None, "k")
    guest = await world.guest()
    await world.register("b@example.com", guest, "k2")
    for email, password, who, key in (
        ("c@example.com", PASSWORD, None, "k"),
        ("a@example.com", "Other-2026!", None, "k"),
        ("c@example.com", PASSWORD, guest, "k2"),
        ("a@example.com", PASSWORD, guest, "k2"),
    ):
        with pytest.raises(IdempotencyMismatch):
            await world.register(email, who, key, password)


async def test_an_address_is_one_members(world: World) -> None:
    """A taken address is refused, in capitals too, and nothing of the guest has moved."""
    await world.member("a@example.com")
    guest = await world.guest()
    await world.earn(guest, 5)
    with pytest.raises(EmailTaken):
        await world.register("A@EXAMPLE.com ", guest, "k")
    assert await world.balance(guest) == 5
    assert (await world.register("b@example.com", guest, "k")).tokens_moved == 5
    done, refused = await race(*(world.register("c@example.com", None, f"c{n}") for n in range(4)))
    assert (len(done), {type(error) for error in refused}) == (1, {EmailTaken})


async def test_a_broken_registration_leaves_no_member(world: World) -> None:
    """When the merge breaks off, there is no member, no receipt, and the guest has everything still."""
    guest = await world.guest()
    await world.earn(guest, 5)
    before, whole = await world.books(), world.uow
    for port, method in (("wallets", "append"), ("accounts", "mark_merged"), ("receipts", "add")):
        world.uow = Tampered(whole, port, method, after=break_off)
        with pytest.raises(Broken):
            await world.register("a@example.com", guest, "k")
        world.uow = whole
        assert await world.books() == before
    assert (await world.register("a@example.com", guest, "k")).tokens_moved == 5


async def test_signing_in_elsewhere_merges(world: World) -> None:
    """A guest on another device comes along on sign-in; a wrong password brings nothing."""
    member = await world.member("a@example.com")
    guest = await world.guest()
    await world.earn(guest, 5)
    for email, password in (("a@example.com", "Wrong-2026"), ("nobody@example.com", PASSWORD)):
        with pytest.raises(WrongCredentials):
            await world.sign_in(email, guest, password)
    assert await world.balance(guest) == 5
    joined = await world.sign_in(" A@Example.com", guest)
    assert (joined.account_id, joined.tokens_moved) == (member, 5)
    again = await world.sign_in("a@example.com", member)
    assert (again.account_id, again.tokens_moved) == (member, 0)


async def test_a_merged_guest_merges_nowhere_else(world: World) -> None:
    """A guest goes to one member; a second member, a guest as target and nobody are refused."""
    guest, other = await world.guest(), await world.guest()
    member, second = await world.member(), await world.member()
    await world.earn(guest, 5)
    await world.merge(guest, member)
    for source, target in ((guest, second), (other, guest), (other, other)):
        with pytest.raises(CannotMerge):
            await world.merge(source, target)
    with pytest.raises(AccountNotFound):
        await world.merge(AccountId(world.ids.uuid7()), member)
    assert await world.merge(member, second) is not None
    assert (await world.balance(member), await world.balance(second)) == (5, 0)


async def test_one_guest_and_two_members_at_once(world: World) -> None:
    """When two members claim one guest at once, one gets everything and the other is refused."""
    guest, one, two = await world.guest(), await world.member(), await world.member()
    await world.earn(guest, 5)
    done, refused = await race(world.merge(guest, one), world.merge(guest, two))
    assert ([item.tokens_moved for item in done], [type(error) for error in refused]) == ([5], [CannotMerge])
    assert sorted([await world.balance(one), await world.balance(two)]) == [0, 5]


@frozen
class Earned:
    """A lot that a guest of the random histories has."""

    amount: int
    days: int
    as_guest: bool
    is_paid: bool


EARNED = st.builds(
    Earned,
    amount=st.integers(1, 14),
    days=st.sampled_from([30, 60, 90]),
    as_guest=st.booleans(),
    is_paid=st.booleans(),
)


async def merged(
    world: World, lots: Sequence[Sequence[Earned]], unlocked: Sequence[Sequence[int]], order: Sequence[int]
) -> tuple[Any, ...]:
    """Make a member and guests, merge them in this order, and return all that must not depend on it."""
    titles = [await world.add_title(TitleType.SHORT) for _ in range(3)]
    member = await world.member()
    people = [member, *[await world.guest() for _ in lots[1:]]]
    for who, mine, opened in zip(people, lots, unlocked, strict=True):
        world.clock.advance(timedelta(minutes=1))
        for item in mine:
            await world.earn(
                who,
                item.amount,
                PAID if item.is_paid else BONUS,
                expires_at=START + item.days * DAY,
                earned_as_guest=item.as_guest and who != member,
            )
        if mine:
            for number in dict.fromkeys(opened):
                if await world.balance(who):
                    await world.unlock(who, titles[number])
    before = sum([await world.balance(who) for who in people])
    world.clock.advance(timedelta(minutes=1))
    expired = 0
    for number in order:
        joined = await world.merge(people[number], member)
        expired += joined.tokens_expired_by_cap
    assert before == await world.balance(member) + expired
    marked = [item for item in (await world.wallet(member)).lots if item.lot.earned_as_guest]
    assert sum(item.remaining for item in marked) <= CAP
    active = {
        (item.title_id, item.granted_at, item.origin_id, item.id)
        for item in await world.grants(member)
        if item.status is GrantStatus.ACTIVE
    }
    return expired, await origins(world, member), active, {item.lot.id for item in marked}


LOTS = st.lists(st.lists(EARNED, max_size=3), min_size=4, max_size=4)
UNLOCKED = st.lists(st.lists(st.integers(0, 2), max_size=3), min_size=4, max_size=4)


@settings(max_examples=60)
@given(lots=LOTS, unlocked=UNLOCKED)
def test_any_order_of_merges_ends_the_same(lots: list[list[Earned]], unlocked: list[list[int]]) -> None:
    """Three guests in any of six orders: the same expiry, lots by origin, marks and unlocks."""

    async def run(order: Sequence[int]) -> tuple[Any, ...]:
        world = World(MemoryUnitOfWork())
        await world.seed()
        answer = await merged(world, lots, unlocked, order)
        report = await world.verify()
        assert report.is_clean, report.faults
        return answer

    async def run_all() -> list[tuple[Any, ...]]:
        return [await run(order) for order in permutations((1, 2, 3))]

    answers = asyncio.run(run_all())
    assert all(answer == answers[0] for answer in answers)


EXAMPLE = [
    [Earned(3, 60, False, True)],
    [Earned(12, 30, True, False), Earned(5, 90, True, False)],
    [Earned(9, 60, True, False)],
    [Earned(9, 60, True, False), Earned(4, 30, False, True)],
]


async def test_fixed_orders_end_the_same_on_every_store(world: World) -> None:
    """One history with ties at the cap and shared unlocks ends the same in three orders."""
    answers = []
    for order in ((1, 2, 3), (3, 1, 2), (2, 3, 1)):
        # A member of its own for each order; what is compared are amounts, since ids differ.
        expired, lots, active, _ = await merged(world, EXAMPLE, [[0, 1], [0], [1, 2], [2]], order)
        answers.append((expired, sorted((item[1], item[2], item[4]) for item in lots), len(active)))
        world.clock.set(START)
    assert answers[0][0] > 0
    assert answers[0] == answers[1] == answers[2]
