"""Playing: allowed or refused with the reason, a session for its owner alone, and honest counting."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from attrs import evolve

from buddy_core.catalog import Title, TitleType
from buddy_core.entitlements import GrantKind, Rights
from buddy_core.kernel import AccountId, InvalidValue, SessionId, TitleId
from buddy_core.kernel.ids import WindowId
from buddy_core.playback import HARD_END, LEASE, NoMedia, PlaybackDenied, SessionEnded, SessionNotFound
from buddy_core.rights import Window, WindowType
from tests.flows.test_give_access import give
from tests.flows.world import DEVICE, START, World

pytestmark = pytest.mark.anyio

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
BEST = Rights(max_height=2160, ads=False, downloads=False, streams=2)


async def viewer(world: World) -> AccountId:
    """Return a guest with tokens."""
    guest = await world.guest()
    await world.earn(guest, 20)
    return guest


async def subscriber(world: World) -> tuple[AccountId, Title]:
    """Return a guest whose plan ends in an hour, and a film that it opens and that may be rented."""
    guest, title_id = await world.guest(), TitleId(world.ids.uuid7())
    windows = tuple(
        Window(WindowId(world.ids.uuid7()), title_id, kind, ("*",), START - DAY)
        for kind in (WindowType.SVOD, WindowType.TVOD)
    )
    film = await world.add_title(TitleType.FILM, id=title_id, windows=windows, duration_s=10_000)
    await give(world, guest, GrantKind.SUBSCRIPTION, None, tier="gold", ends_at=START + HOUR, rights=BEST)
    return guest, film


async def test_play_is_refused_with_the_reason(world: World) -> None:
    """What stands against playing is named, with what would unlock it; nothing is opened."""
    guest = await viewer(world)
    locked, draft = await world.add_title(), await world.add_title(published_at=None)
    abroad = await world.add_title(excluded=("AE",))
    series = await world.add_title(TitleType.SERIES, media_key=None)
    await world.unlock(guest, abroad)
    for title, country, reason, ways in (
        (locked, "IN", "no_grant", ("tokens", "rental", "est")),
        (draft, "IN", "not_published", ()),
        (abroad, "AE", "no_licence", ()),
        (abroad, None, "country_unknown", ()),
        (abroad, "XX", "country_unknown", ()),
    ):
        with pytest.raises(PlaybackDenied) as refused:
            await world.play(guest, title, country)
        assert (refused.value.reason, refused.value.unlockable_by) == (reason, ways)
    for nothing in (series, evolve(locked, id=TitleId(world.ids.uuid7()))):
        with pytest.raises(NoMedia):
            await world.play(guest, nothing)


async def test_a_session_opens_for_its_owner(world: World) -> None:
    """An unlocked title plays by its grant; the session is found by its own account and device only."""
    guest, other, title = await viewer(world), await viewer(world), await world.add_title()
    done = await world.unlock(guest, title)
    playing = await world.play(guest, title)
    session = playing.session
    assert (session.grant_id, session.country, session.device_id) == (done.grant_id, "IN", DEVICE)
    assert (session.started_at, session.ends_at, session.watched_ms) == (START, START + HARD_END, 0)
    assert session.id.startswith("ses_")
    assert (await world.open(session.id, guest)).session == session
    for claim in (
        (session.id, other, DEVICE),
        (session.id, guest, "stolen"),
        (SessionId("ses_0"), guest, DEVICE),
    ):
        with pytest.raises(SessionNotFound):
            await world.open(claim[0], claim[1], device=claim[2])
    with pytest.raises(SessionNotFound):
        await world.beat(session.id, other, 0)


async def test_the_decision_is_asked_again(world: World) -> None:
    """Links and key are refused once the country changes or a licence without tail rights ends."""
    guest = await viewer(world)
    until = START + timedelta(hours=1)
    title = await world.add_title(licences=[world.licence(excluded=("AE",), ends_at=until, has_tail=False)])
    await world.unlock(guest, title)
    session = (await world.play(guest, title)).session.id
    for country, reason in (("AE", "no_licence"), (None, "country_unknown")):
        with pytest.raises(PlaybackDenied) as refused:
            await world.open(session, guest, country)
        assert refused.value.reason == reason
    await world.open(session, guest, "US")
    world.clock.set(until)
    with pytest.raises(PlaybackDenied):
        await world.open(session, guest, "IN")


async def test_beats_count_no_more_than_time(world: World) -> None:
    """Played time counts on our clock, up to the lease; a beat that comes twice adds nothing."""
    guest, title = await viewer(world), await world.add_title()
    await world.unlock(guest, title)
    session = (await world.play(guest, title)).session.id
    watched = []
    for wait_s, position_ms, is_playing in (
        (10, 0, True),  # Nothing played before the first beat.
        (10, 900_000, True),
        (0, 990_000, True),
        (600, 20_000, False),
        (30, 20_000, True),
        (5, 25_000, True),
    ):
        world.clock.advance(wait_s * SECOND)
        watched.append((await world.beat(session, guest, position_ms, is_playing)).watched_ms)
    lease_ms = LEASE // timedelta(milliseconds=1)
    first = 10_000 + lease_ms
    assert watched == [0, 10_000, 10_000, first, first, first + 5_000]
    done = await asyncio.gather(*(world.beat(session, guest, 30_000) for _ in range(5)))
    assert {item.watched_ms for item in done} == {first + 5_000}
    with pytest.raises(InvalidValue):
        await world.beat(session, guest, -1)


async def test_a_position_is_where_play_goes_on(world: World) -> None:
    """The newest report of any session is where the next one resumes; stopping counts up to it."""
    guest, title = await viewer(world), await world.add_title()
    await world.unlock(guest, title)
    first = await world.play(guest, title)
    assert first.resume_ms == 0
    world.clock.advance(SECOND)
    await world.beat(first.session.id, guest, 0)
    world.clock.advance(12 * SECOND)
    stopped = await world.stop(first.session.id, guest, 12_000)
    assert (stopped.watched_ms, stopped.stopped_at) == (12_000, world.clock.now())
    world.clock.advance(SECOND)
    assert await world.stop(first.session.id, guest, 1) == stopped, "stopping twice changes nothing"
    assert (await world.play(guest, title)).resume_ms == 12_000
    for refused in (world.open(first.session.id, guest), world.beat(first.session.id, guest, 0)):
        with pytest.raises(SessionEnded):
            await refused
    other = await viewer(world)
    await world.unlock(other, title)
    assert (await world.play(other, title)).resume_ms == 0


async def test_a_stop_with_a_position_that_cannot_be_is_refused(world: World) -> None:
    """A negative position is refused on stopping as it is on a heartbeat, and the session goes on."""
    guest, title = await viewer(world), await world.add_title()
    await world.unlock(guest, title)
    session = (await world.play(guest, title)).session.id
    world.clock.advance(SECOND)
    with pytest.raises(InvalidValue):
        await world.stop(session, guest, -1)
    assert (await world.open(session, guest)).session.stopped_at is None


async def test_a_session_has_a_hard_end(world: World) -> None:
    """At its end a session gives no links and takes no beats; it can still be stopped."""
    guest, title = await viewer(world), await world.add_title()
    await world.unlock(guest, title)
    session = (await world.play(guest, title)).session.id
    world.clock.set(START + HARD_END - SECOND)
    await world.open(session, guest)
    world.clock.set(START + HARD_END)
    for refused in (world.open(session, guest), world.beat(session, guest, 0)):
        with pytest.raises(SessionEnded):
            await refused
    assert (await world.stop(session, guest, 5)).watched_ms == 0


async def test_a_session_that_goes_on_by_what_may_be_watched_once_uses_it_up(world: World) -> None:
    """When the plan that began it ends it runs by the other grant: one write, and used up at its end."""
    guest, film = await subscriber(world)
    await give(world, guest, GrantKind.WATCH_ONCE, film, ends_at=START + 3 * HOUR)
    session = (await world.play(guest, film)).session
    assert session.via_kind == GrantKind.SUBSCRIPTION
    assert (await world.open(session.id, guest)).session == session
    world.clock.advance(HOUR)
    opened = await world.open(session.id, guest)
    assert opened.session.via_kind == GrantKind.WATCH_ONCE
    world.clock.advance(HOUR / 2)
    assert await world.open(session.id, guest) == opened
    await world.beat(session.id, guest, 9_500_000)
    await world.open(session.id, guest)
    with pytest.raises(PlaybackDenied, match="could be watched once"):
        await world.play(guest, film)


async def test_hours_run_from_where_a_session_goes_on_by_them(world: World) -> None:
    """A rental that a session goes on by ends its hours after that, for this session and every other."""
    guest, film = await subscriber(world)
    await give(world, guest, GrantKind.RENTAL, film, hours=24)
    session = (await world.play(guest, film)).session
    world.clock.set(START + 2 * HOUR)
    opened = await world.open(session.id, guest)
    assert opened.decision.until == START + 26 * HOUR
    world.clock.set(START + 26 * HOUR)
    with pytest.raises(PlaybackDenied, match="rental"):
        await world.play(guest, film)


async def test_a_merged_guests_session_goes_on(world: World) -> None:
    """A film that began as a guest plays on for the member, by either cookie; the position moves."""
    guest, stranger, title = await viewer(world), await viewer(world), await world.add_title()
    await world.unlock(guest, title)
    session = (await world.play(guest, title)).session.id
    world.clock.advance(SECOND)
    await world.beat(session, guest, 0)
    member = (await world.register("", guest)).account_id
    world.clock.advance(10 * SECOND)
    assert (await world.beat(session, member, 10_000)).watched_ms == 10_000
    for who in (guest, member):
        assert (await world.open(session, who)).decision.via != (await world.grants(guest))[0].id
    assert (await world.play(member, title)).resume_ms == 10_000
    with pytest.raises(SessionNotFound):
        await world.open(session, stranger)
