"""A later end moves only what it says: nothing that was held before is lost, nothing else is gained."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_adapters.memory.entitlements import CHANGES, GRANTS
from buddy_core import flows
from buddy_core.catalog import Title, TitleType
from buddy_core.entitlements import (
    Allowed,
    Denied,
    GrantKind,
    GrantStatus,
    NotExtended,
    Reason,
    UsedUp,
)
from buddy_core.flows.give_access import GIVE
from buddy_core.flows.verify import _given_access, verify
from buddy_core.kernel import AccountId, GrantId, TitleId
from buddy_web.reference import SELLER_ROUTES
from tests.flows.test_give_access import give, reason, why
from tests.flows.test_verify import Draft
from tests.flows.world import World

pytestmark = pytest.mark.anyio

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TICK = timedelta(microseconds=1)


async def extend(world: World, who: AccountId, grant: GrantId, until: datetime) -> flows.AccessGiven:
    """Let support give a grant a later end."""
    command = flows.ExtendAccess(who, grant, until, "was ill", f"extend-{world._next()}")
    ports: dict[str, Any] = {"uow": world.uow, "clock": world.clock, "ids": world.ids}
    return await flows.extend_access(await world.staff("support"), command, correlation_id="req_3", **ports)


async def test_a_rental_plays_on_under_tail_rights(world: World) -> None:
    """A rental from before the end of the licence is still from before it with a later end."""
    guest, title_id = await world.guest(), TitleId(world.ids.uuid7())
    licence = world.licence(title_id, ends_at=world.clock.now() + 2 * DAY)
    film = await world.add_title(TitleType.FILM, id=title_id, licences=[licence])
    given = await give(world, guest, GrantKind.RENTAL, film, hours=72)
    world.clock.advance(DAY)
    await world.play(guest, film)
    world.clock.advance(2 * DAY)
    assert await reason(world, guest, film) is None, "the licence is over, its tail is not"
    until = world.clock.now() + 3 * DAY
    done = await extend(world, guest, given.grant_id, until)
    assert done.ends_at == until
    assert (await world.play(guest, film)).decision.until == until
    world.clock.set(until)
    assert await reason(world, guest, film) == "no_licence"
    again = await extend(world, guest, done.grant_id, until + DAY)
    assert (await world.play(guest, film)).decision.until == again.ends_at, "also where it had ended"


async def test_what_joined_a_series_later_stays_closed(world: World) -> None:
    """A later end of a series grant without later episodes opens none that came meanwhile."""
    guest = await world.guest()
    series = await world.add_title(TitleType.SERIES, licences=[], media_key=None)
    first = await world.add_title(parent_id=series.id, number=1)
    ends_at = world.clock.now() + 10 * DAY
    given = await give(world, guest, GrantKind.SUPPORT, series, includes_later=False, ends_at=ends_at)
    world.clock.advance(DAY)
    second = await world.add_title(parent_id=series.id, number=2, published_at=world.clock.now())
    world.clock.advance(DAY)
    await extend(world, guest, given.grant_id, ends_at + DAY)
    assert [await reason(world, guest, item) for item in (first, second)] == [None, "no_grant"]


async def test_what_may_be_watched_once_has_its_later_end(world: World) -> None:
    """Begun and not seen to its end it plays until then; seen to its end, a later end is refused."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM, duration_s=1000)
    given = await give(world, guest, GrantKind.WATCH_ONCE, film)
    await world.play(guest, film)
    world.clock.advance(25 * HOUR)
    assert await reason(world, guest, film) == "consumed"
    until = world.clock.now() + 50 * HOUR + TICK
    longer = await extend(world, guest, given.grant_id, until)
    playing = await world.play(guest, film)
    assert playing.decision.until == until
    world.clock.advance(timedelta(minutes=20))
    await world.beat(playing.session.id, guest, 950_000)
    assert await reason(world, guest, film) == "consumed"
    with pytest.raises(UsedUp):
        await extend(world, guest, longer.grant_id, until + DAY)


async def test_an_unstarted_rental_has_longer_to_be_started(world: World) -> None:
    """Its hours stay what they were; until when it is to be started moves, also once that was over."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    given = await give(world, guest, GrantKind.RENTAL, film, hours=24)
    until = world.clock.now() + 40 * DAY
    longer = await extend(world, guest, given.grant_id, until)
    assert longer.ends_at == until
    world.clock.set(until)
    assert await reason(world, guest, film) == "rental_not_started"
    await extend(world, guest, longer.grant_id, until + DAY)
    began = world.clock.now()
    assert (await world.play(guest, film)).decision.until == began + 24 * HOUR
    world.clock.set(began + 24 * HOUR)
    assert await reason(world, guest, film) == "rental_ended"


async def test_a_started_rental_ends_when_staff_said(world: World) -> None:
    """To the microsecond, as a rental, and once more where it is given a later end once more."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    given = await give(world, guest, GrantKind.RENTAL, film, hours=24)
    await world.play(guest, film)
    with pytest.raises(NotExtended):
        await extend(world, guest, given.grant_id, world.clock.now() + 24 * HOUR)
    until = world.clock.now() + 30 * HOUR + TICK
    longer = await extend(world, guest, given.grant_id, until)
    again = await extend(world, guest, longer.grant_id, until + TICK)
    world.clock.set(until)
    assert await reason(world, guest, film) is None
    world.clock.set(until + TICK)
    assert await reason(world, guest, film) == "rental_ended"
    assert [item.status for item in await world.grants(guest) if item.id == again.grant_id] == [
        GrantStatus.ACTIVE
    ]


async def test_hindsight_keeps_the_gap_and_the_end_that_was(world: World) -> None:
    """While it was over it was over, merged or not; what ran on has the later end in hindsight too."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    start = world.clock.now()
    given = await give(world, guest, GrantKind.GIFT, film, ends_at=start + HOUR)
    world.clock.set(start + 2 * HOUR)
    longer = await extend(world, guest, given.grant_id, start + 3 * HOUR)
    world.clock.advance(HOUR / 2)
    last = await extend(world, guest, longer.grant_id, start + 4 * HOUR)
    assert await _until(world, guest, film, start) == start + HOUR
    assert await _until(world, guest, film, start + HOUR) is None
    assert await _until(world, guest, film, start + 2 * HOUR - TICK) is None
    assert await _until(world, guest, film, start + 2 * HOUR) == last.ends_at
    member = await world.member()
    await world.merge(guest, member)
    assert await _until(world, member, film, start + 2 * HOUR - TICK) is None
    assert await _until(world, member, film, start + 2 * HOUR) == last.ends_at


async def test_a_merge_takes_what_was_extended_along(world: World) -> None:
    """A rental with a later end, moved to a member, ends when it did, and may be given a later end there."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    given = await give(world, guest, GrantKind.RENTAL, film, hours=24)
    await world.play(guest, film)
    until = world.clock.now() + 60 * HOUR
    await extend(world, guest, given.grant_id, until)
    member = await world.member()
    await world.merge(guest, member)
    assert (await world.play(member, film)).decision.until == until
    [moved] = await world.grants(member)
    later = await extend(world, member, moved.id, until + DAY)
    assert (await world.play(member, film)).decision.until == later.ends_at


@pytest.mark.parametrize("database_url", ["memory"], indirect=True)
async def test_verify_finds_what_was_altered_of_a_later_end(world: World) -> None:
    """The audit has the whole grant: when it opened again, its end, and which grant it carries on."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    given = await give(world, guest, GrantKind.GIFT, film, ends_at=world.clock.now() + HOUR)
    other = await give(world, guest, GrantKind.GIFT, film, ends_at=world.clock.now() + HOUR)
    world.clock.advance(DAY)
    longer = await extend(world, guest, given.grant_id, world.clock.now() + DAY)
    assert isinstance(world.uow, MemoryUnitOfWork)
    tables = world.uow._tables
    grant, change = tables[GRANTS].get(longer.grant_id), tables[CHANGES].get(given.grant_id)
    assert grant is not None
    assert change is not None
    altered: list[tuple[Any, Any, Any]] = [
        (GRANTS, grant.id, evolve(grant, reopened_at=None)),
        (GRANTS, grant.id, evolve(grant, reopened_at=world.clock.now() - HOUR)),
        (GRANTS, grant.id, evolve(grant, ends_at=None)),
        (CHANGES, given.grant_id, evolve(change, successor_id=other.grant_id)),
        (CHANGES, given.grant_id, evolve(change, successor_id=None)),
    ]
    for table, key, row in altered:
        tables[table].put(key, row)
        report = await verify(uow=Draft(tables), routes=SELLER_ROUTES)
        assert not report.is_clean, row
        tables.rollback()


async def test_verify_reads_what_was_given_before_grants_could_open_again(world: World) -> None:
    """A record of the audit that does not name it tells of a grant that never did."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    await give(world, guest, GrantKind.GIFT, film)
    [record] = await world.records(GIVE)
    after = json.loads(record.after)
    del after["grant"]["reopened_at"]
    old = evolve(record, after=json.dumps(after))
    assert _given_access([old]) == _given_access([record])


async def _until(world: World, who: AccountId, title: Title, at: datetime) -> datetime | None:
    """Return until when a title played at an instant, as is known today; None if it did not."""
    decision = (await why(world, who, title, at=at)).decision
    if isinstance(decision, Denied):
        assert decision.reason in (Reason.NOT_BEGUN, Reason.GRANT_ENDED)
        return None
    assert isinstance(decision, Allowed)
    return decision.until
