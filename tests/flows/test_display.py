"""What is kept for display: the same answers as on fresh facts, once the commit's events have been told."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from anyio import to_thread
from attrs import evolve

from buddy_adapters.memory.cache import MemoryCache
from buddy_adapters.told import OutboxFeed, TellingUnitOfWork
from buddy_core import flows
from buddy_core.catalog import Title, TitleType
from buddy_core.entitlements import Context, Denied, GrantKind
from buddy_core.flows.display import LIFE
from buddy_core.kernel import AccountId
from buddy_core.playback import PlaybackDenied
from tests.flows.display_caller import elsewhere
from tests.flows.test_give_access import give
from tests.flows.world import World

pytestmark = pytest.mark.anyio

SECOND, TICK = timedelta(seconds=1), timedelta(microseconds=1)
COUNTRIES = ("IN", "AE", "US", None)


class Shown:
    """A process that keeps facts for display."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.cache = MemoryCache()
        self.feed = OutboxFeed(world.uow, self.forget)

    def forget(self, envelopes: Any) -> None:
        """Let go of what events make stale."""
        self.cache.drop(flows.stale_keys(envelopes))

    async def answers(self, who: AccountId, titles: list[Title], country: str | None) -> list[flows.Answer]:
        """Answer as pages do; titles that are not there are left out."""
        names = tuple((title.type.value, title.short_id) for title in titles)
        asked = flows.ForDisplay(who, names, Context(country))
        at = self.world.clock.now()
        found = await flows.display_answers(asked, at, uow=self.world.uow, cache=self.cache)
        return [item for item in found if item is not None]


async def fresh(world: World, who: AccountId, titles: list[Title], country: str | None) -> list[flows.Answer]:
    """Answer on facts read now."""
    async with world.uow.read() as tx:
        return await flows.may_watch_in(tx, who, titles, Context(country), world.clock.now())


@pytest.mark.parametrize("seed", range(3))
async def test_kept_answers_are_the_fresh_ones(world: World, seed: int) -> None:
    """After each of many random acts, told of by its events, both ways answer the same for all."""
    draw = random.Random(seed)
    shown = Shown(world)
    world.uow = TellingUnitOfWork(world.uow, shown.forget)
    titles = [await world.add_title(TitleType.FILM, excluded=("AE",) if n else ()) for n in range(3)]
    people = [await world.guest() for _ in range(2)]
    for who in people:
        await world.earn(who, 40)
    acts = 0
    for _ in range(40):
        acts += await _act(world, draw, draw.choice(people), draw.choice(titles))
        world.clock.advance(timedelta(minutes=draw.choice((0, 1, 30))))
        for who in people:
            for country in COUNTRIES:
                assert await shown.answers(who, titles, country) == await fresh(world, who, titles, country)
    assert acts > 20, "enough of them did something"


async def _act(world: World, draw: random.Random, who: AccountId, title: Title) -> bool:
    """Do something that changes an answer, if it can be done; tell whether it was."""
    grants = [item for item in await world.grants(who) if item.title_id == title.id]
    acts: list[Callable[[], Any]] = [
        lambda: world.unlock(who, title),
        lambda: give(world, who, GrantKind.GIFT, title, ends_at=world.clock.now() + timedelta(minutes=20)),
        lambda: give(world, who, GrantKind.RENTAL, title, hours=24),
        lambda: world.play(who, title),
    ]
    paid = [item.entry_id for item in grants if item.entry_id is not None and item.status == "active"]
    if paid:
        acts.append(lambda: world.refund(who, paid[0]))
    try:
        await draw.choice(acts)()
    except PlaybackDenied:
        return False
    return True


async def test_a_refund_shows_at_once_and_is_denied_elsewhere(world: World) -> None:
    """Where it was committed the page knows at once; another process denies playing, whatever it keeps."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    here, elsewhere = Shown(world), Shown(world)
    plain, world.uow = world.uow, TellingUnitOfWork(world.uow, here.forget)
    await world.earn(guest, 10)
    unlocked = await world.unlock(guest, film)
    assert unlocked.entry_id is not None
    await elsewhere.feed.catch_up(world.clock.now())
    for process in (here, elsewhere):
        assert (await process.answers(guest, [film], "IN"))[0].is_allowed
    await world.refund(guest, unlocked.entry_id)
    assert not (await here.answers(guest, [film], "IN"))[0].is_allowed
    assert (await elsewhere.answers(guest, [film], "IN"))[0].is_allowed, "it has not been told yet"
    world.uow = plain
    with pytest.raises(PlaybackDenied, match="refunded"):
        await world.play(guest, film)
    world.clock.advance(timedelta(seconds=1))
    await elsewhere.feed.catch_up(world.clock.now())
    assert not (await elsewhere.answers(guest, [film], "IN"))[0].is_allowed
    await elsewhere.feed.catch_up(world.clock.now())


async def test_a_refund_reaches_another_process(world: World, database_url: str | None) -> None:
    """It denies playing at once, whatever it keeps, and shows it as soon as it has looked at the events."""
    if database_url is None:
        return  # A store in memory has one process; the test above is about it.
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    await world.earn(guest, 10)
    unlocked = await world.unlock(guest, film)
    assert unlocked.entry_id is not None
    with elsewhere(database_url) as other:

        async def ask(what: str) -> str:
            return await to_thread.run_sync(other.ask, what, guest, film, world.clock.now())

        world.clock.advance(SECOND)
        assert [await ask(what) for what in ("is kept", "show", "is kept", "play")] == [
            "False",
            "plays",
            "True",
            "plays",
        ]
        await world.refund(guest, unlocked.entry_id)
        world.clock.advance(TICK)
        assert await ask("show") == "plays", "it has just looked, and shows what it keeps"
        assert await ask("play") == "refunded"
        world.clock.advance(SECOND)
        assert await ask("is kept") == "True"
        assert await ask("show") == "refunded"
        again = await world.unlock(guest, film)
        world.clock.advance(SECOND)
        assert (again.grant_id != unlocked.grant_id, await ask("show")) == (True, "plays")


async def test_what_no_event_told_of_is_shown_for_half_a_minute(world: World) -> None:
    """A process that hears nothing shows what it keeps until it is too old."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    deaf = Shown(world)
    assert isinstance((await deaf.answers(guest, [film], "IN"))[0].decision, Denied)
    await give(world, guest, GrantKind.GIFT, film)
    assert isinstance((await deaf.answers(guest, [film], "IN"))[0].decision, Denied)
    world.clock.advance(LIFE)
    assert (await deaf.answers(guest, [film], "IN"))[0].is_allowed


async def test_an_event_is_not_overtaken_by_what_was_read_before_it(world: World) -> None:
    """What was read before a change is not kept, if the change was told of meanwhile."""
    cache, at = MemoryCache(size=2), world.clock.now()
    mark = cache.mark()
    cache.drop(["held:1"])
    cache.put("held:1", "old", mark, at + LIFE)
    assert cache.get("held:1", at) is None
    cache.put("held:1", "new", cache.mark(), at + LIFE)
    assert cache.get("held:1", at) == "new"
    mark = cache.mark()
    cache.drop(["a", "b", "c"])
    cache.put("a", "old", mark, at + LIFE)
    assert cache.get("a", at) is None, "also where the drop is no longer remembered by its key"


async def test_a_page_of_what_is_not_there(world: World) -> None:
    """Titles that do not exist are left out, kept or not."""
    film = await world.add_title(TitleType.FILM)
    other = await world.add_title(TitleType.FILM)
    shown = Shown(world)
    ghost = evolve(other, short_id="zzzz")
    for _ in range(2):
        found = await shown.answers(await world.guest(), [film, ghost], "IN")
        assert [item.title for item in found] == [film]
