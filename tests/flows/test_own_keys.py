"""The keys that flows and the ledger make for their entries: no caller's key can be one of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from buddy_core import flows, tokens
from buddy_core.access import SYSTEM
from buddy_core.kernel import AccountId, InvalidValue, derived_key
from buddy_core.tokens import BONUS, Entry, Operation
from buddy_core.tokens.commands import OWN_WORDS, own_key
from tests.flows.test_promotions import begin, claimed, typed
from tests.flows.world import START, World

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)
CALLERS = "mine-"


def ports(world: World) -> dict[str, Any]:
    """Return what a handler needs."""
    return {"uow": world.uow, "clock": world.clock, "ids": world.ids}


async def hold(world: World, who: AccountId, key: str) -> None:
    """Set a token aside for an hour."""
    end = world.clock.now() + timedelta(hours=1)
    command = tokens.HoldTokens(who, (), 1, end, "rental", "r", f"{CALLERS}{key}")
    await tokens.hold_tokens(command, **ports(world))


async def earned(world: World, who: AccountId, key: str, **changes: Any) -> Entry:
    """Credit ten tokens, and return the entry."""
    await world.earn(who, 10, idempotency_key=f"{CALLERS}{key}", **changes)
    return (await world.entries(who, Operation.EARN))[-1]


async def live(world: World) -> list[AccountId]:
    """Have flows and ledger write each sort of entry that they write for nobody's command; return whose."""
    guest, member = await world.guest(), await world.member()
    film, other = await world.add_title(), await world.add_title()
    await begin(world)
    await claimed(world, typed(guest))
    await world.watch_ad(guest)
    staff = await world.staff("support")
    assert staff.account_id is not None
    await world.grant(guest, 3, actor=staff)
    first = await earned(world, guest, "first")
    await world.adjust(guest, first, -1)
    unlocked = await world.unlock(guest, film)
    assert unlocked.entry_id is not None
    await world.refund(guest, unlocked.entry_id)
    await hold(world, guest, "lapses")
    world.clock.advance(timedelta(hours=2))
    await world.unlock(guest, other)
    # A reversal writes off what has expired, and voids a hold on what it takes.
    await earned(world, member, "over", expires_at=world.clock.now() + DAY)
    kept = await earned(world, member, "kept", expires_at=None)
    world.clock.advance(2 * DAY)
    await hold(world, member, "released")
    await world.reverse(member, kept.id)
    await world.freeze(guest)
    await world.freeze(guest, False)
    await hold(world, guest, "merged")
    own = await world.guest()
    await world.grant(own, 2, actor=staff)
    await world.merge(own, staff.account_id)
    await world.merge(guest, member)
    await earned(world, member, "swept", expires_at=world.clock.now() + DAY)
    world.clock.advance(2 * DAY)
    await flows.sweep_tokens(**ports(world))
    return [guest, member, own, staff.account_id]


async def test_every_key_of_our_own_begins_with_a_reserved_word(world: World) -> None:
    """Each entry that no caller named has such a key, each word is in use, and no caller may use one."""
    world.clock.set(START)
    accounts = await live(world)
    entries = [entry for who in accounts for entry in await world.entries(who)]
    keys = {entry.idempotency_key for entry in entries}
    ours = {key for key in keys if not key.startswith(CALLERS)}
    assert {key.partition(":")[0] for key in ours} == OWN_WORDS
    assert all(":" in key for key in ours)
    wish = tokens.EarnTokens(accounts[1], BONUS, 1, "s", "r", "k", None, earned_as_guest=False)
    for key in ours:
        with pytest.raises(InvalidValue):
            await tokens.earn_tokens(evolve(wish, idempotency_key=key), **ports(world))
    assert (await world.verify()).faults == ()


async def test_a_caller_cannot_take_the_key_of_what_is_to_come(world: World) -> None:
    """A reward is paid and an earning is reversed whatever keys a host's own commands have used."""
    guest = await world.guest()
    begun = await world.begin_ad(guest)
    await world.earn(guest, 1, idempotency_key=begun.id)
    assert (await world.settle(world.callback(begun))).status == "paid"
    one, two = await earned(world, guest, "one"), await earned(world, guest, "two")
    taken = f"source.withdrawal:{SYSTEM.name}:k"
    with pytest.raises(InvalidValue):
        await tokens.reverse_tokens(tokens.ReverseTokens(guest, one.id, "s", "r", taken), **ports(world))
    assert (await world.reverse(guest, two.id, key="k")).taken == 10


async def test_a_key_comes_once_by_the_guest_s_id_and_once_by_the_member_s(world: World) -> None:
    """A freeze under the same key is another one by another id; by the same id it is the same."""
    guest, member = await world.guest(), await world.member()
    await world.earn(guest, 1)
    await world.merge(guest, member)

    async def freeze(who: AccountId, is_frozen: bool, key: str) -> Any:
        command = tokens.FreezeWallet(who, is_frozen, "a test", SYSTEM.name, key)
        return await flows.freeze_wallet(SYSTEM, command, correlation_id="c", **ports(world))

    first = await freeze(guest, True, "k")
    await freeze(member, False, "k2")
    again = await freeze(member, True, "k")
    assert again != first
    assert (await freeze(guest, True, "k"), await freeze(member, True, "k")) == (first, again)
    assert len(await world.entries(member, Operation.FREEZE)) == 2


def test_a_word_that_is_not_reserved_makes_no_key() -> None:
    """Whoever writes a new sort of entry has to reserve its word; long keys keep it."""
    with pytest.raises(AssertionError):
        own_key("nothing", "k")
    assert own_key("unlock", "k" * 400).startswith("unlock:k")
    assert derived_key("a:b", "c") == derived_key("a", "b:c"), "so parts before the last have no colon"
