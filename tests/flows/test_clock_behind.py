"""Two hosts, one of whose clocks is behind: what the one credits can be spent at the other."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest

from buddy_core.flows import Awaiting
from buddy_core.tokens import BONUS, MAX_SKEW, NOTICE, ClockBehind, Operation
from tests.flows.world import World

pytestmark = pytest.mark.anyio
TICK = timedelta(microseconds=1)


async def test_what_another_host_has_just_paid_opens_a_title(world: World) -> None:
    """Grant, royalty and entry all count from when the tokens began; the store proves clean."""
    guest, film = await world.guest(), await world.add_title()
    await world.earn(guest, 5)
    earned_at = world.clock.now()
    world.clock.set(earned_at - MAX_SKEW)
    unlocked = await world.unlock(guest, film)
    assert unlocked.tokens_left == 3
    [spend] = await world.entries(guest, Operation.SPEND)
    [grant] = await world.grants(guest)
    assert (spend.effective_at, spend.recorded_at, grant.granted_at) == (earned_at,) * 3
    assert {fact.at for fact in await world.spends()} == {earned_at}
    assert (await world.verify()).faults == ()


async def test_a_clock_that_is_too_far_behind_says_so(world: World) -> None:
    """It is the clock that is wrong, not the balance; nothing is written."""
    guest, film = await world.guest(), await world.add_title()
    await world.earn(guest, 5)
    world.clock.set(world.clock.now() - MAX_SKEW - TICK)
    before = await world.books()
    with pytest.raises(ClockBehind):
        await world.unlock(guest, film)
    assert await world.books() == before


async def test_no_spend_misses_a_value_that_was_in_force(world: World) -> None:
    """Tokens credited after a value began, spent by a clock that is before it: refused until it is over."""
    guest, film = await world.guest(), await world.add_title()
    since = world.clock.now() + NOTICE
    waiting = await world.set_value(BONUS, Fraction(60), Fraction(1), since=since)
    if isinstance(waiting, Awaiting):
        await world.settle_request(waiting.request_id, actor=await world.second())
    world.clock.set(since + TICK)
    await world.earn(guest, 5)
    world.clock.set(since - TICK)
    with pytest.raises(ClockBehind):
        await world.unlock(guest, film)
    world.clock.set(since)
    await world.unlock(guest, film)
    [spend] = await world.entries(guest, Operation.SPEND)
    assert {posting.version for posting in spend.postings} == {2}
    assert (await world.verify()).faults == ()
