"""Two hosts, one of whose clocks is behind: what the one credits can be spent at the other."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction

import pytest

from buddy_core import flows
from buddy_core.catalog import Title, TitleType
from buddy_core.entitlements import (
    Allowed,
    Context,
    Denied,
    Grant,
    GrantKind,
    GrantStatus,
    Rights,
    Terms,
)
from buddy_core.flows import Awaiting
from buddy_core.kernel import AccountId, GrantId
from buddy_core.tokens import BONUS, MAX_SKEW, NOTICE, ClockBehind, Operation
from tests.flows.test_give_access import give, reason, why
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


async def test_what_another_host_has_just_given_plays(world: World) -> None:
    """It is on record, so it has begun; explain says so too, and of no other instant that it is asked for."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    given_at = world.clock.now()
    until = given_at + timedelta(days=1)
    await give(world, guest, GrantKind.GIFT, film, ends_at=until)
    for behind, is_open in ((TICK, True), (MAX_SKEW, True), (MAX_SKEW + TICK, False)):
        world.clock.set(given_at - behind)
        assert (await reason(world, guest, film) is None) is is_open
        assert isinstance((await why(world, guest, film)).decision, Allowed) is is_open
        past = await why(world, guest, film, at=given_at - behind)
        assert isinstance(past.decision, Denied)
    world.clock.set(given_at)


class _Undone(Exception):
    """Ends a transaction without a trace."""


async def test_what_begins_soon_does_not_begin_early(world: World) -> None:
    """A grant for a later time opens at that time to the microsecond, and lowers nothing before it."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    now = world.clock.now()
    over, begins = now + timedelta(seconds=2), now + timedelta(seconds=4)
    held = [
        _gift(world, guest, film, (now - timedelta(days=1), over), 2160),
        _gift(world, guest, film, (begins, None), 720),
    ]
    found: list[int | str] = []

    async def ask() -> None:
        async with world.uow.begin() as tx:
            await tx.grants.add(held)
            for at in (now, over - TICK, over, begins - TICK, begins):
                decision = (await flows.may_watch_in(tx, guest, [film], Context("IN"), at))[0].decision
                found.append(decision.max_height if isinstance(decision, Allowed) else decision.reason)
            # They were given by nobody, and are not to be left behind.
            raise _Undone

    with pytest.raises(_Undone):
        await ask()
    assert found == [2160, 2160, "not_begun", "not_begun", 720]


def _gift(
    world: World, who: AccountId, title: Title, span: tuple[datetime, datetime | None], height: int
) -> Grant:
    """Return a gift that is on record now and open from a time to a time."""
    grant_id = GrantId(world.ids.uuid7())
    return Grant(
        id=grant_id,
        origin_id=grant_id,
        account_id=who,
        title_id=title.id,
        kind=GrantKind.GIFT,
        status=GrantStatus.ACTIVE,
        granted_at=span[0],
        recorded_at=world.clock.now(),
        ends_at=span[1],
        entry_id=None,
        terms=Terms(Rights(height, ads=False, downloads=False, streams=2)),
    )


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
