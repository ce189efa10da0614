"""The decision at T from stored facts is the decision that was made at T, whatever came later."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from buddy_core import flows
from buddy_core.catalog import Title, TitleType
from buddy_core.entitlements import (
    Context,
    Decision,
    Denied,
    GrantKind,
    GrantStatus,
    NotExtended,
    PlanState,
    UsedUp,
)
from buddy_core.kernel import AccountId, GrantId
from buddy_core.playback import PlaybackDenied
from buddy_core.rights import Takedown, Territories, Window, WindowType
from tests.flows.test_give_access import give, why
from tests.flows.world import World

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
Made = tuple[AccountId, Title, str, datetime, Decision]


@pytest.mark.parametrize("seed", range(2))
async def test_then_is_told_as_it_was(world: World, seed: int) -> None:
    """After gifts, plans, plays, refunds, takedowns, merges and later ends every answer is found again."""
    draw = random.Random(seed)
    people = [await world.guest() for _ in range(2)]
    titles = [await world.add_title(TitleType.FILM, duration_s=1000) for _ in range(2)]
    for who in people:
        await world.earn(who, 60)
    made: list[Made] = []
    reasons: Counter[str] = Counter()
    for number in range(60):
        if number in (20, 40):
            # What the guest held goes along; what was answered before was answered to the guest.
            member = await world.member()
            await world.merge(people.pop(0), member)
            people.append(member)
        await _act(world, draw, draw.choice(people), draw.choice(titles))
        # Two things at one instant happened in an order that a time does not tell.
        world.clock.advance(timedelta(seconds=1))
        for who in people:
            for title in titles:
                decision = await _now(world, who, title)
                made.append((who, title, "IN", world.clock.now(), decision))
                reasons[decision.reason if isinstance(decision, Denied) else "yes"] += 1
        world.clock.advance(draw.choice((timedelta(minutes=1), timedelta(hours=9), 3 * DAY)))
    assert len(reasons) > 4, reasons
    statuses = Counter([item.status for who in {who for who, *_ in made} for item in await world.grants(who)])
    assert {GrantStatus.EXTENDED, GrantStatus.TRANSFERRED} <= statuses.keys()
    for who, title, country, at, decision in draw.sample(made, 60):
        found = await why(world, who, title, at=at, known_at=at, context=Context(country))
        assert _without_ways(found.decision) == _without_ways(decision)


async def _now(world: World, who: AccountId, title: Title) -> Decision:
    async with world.uow.read() as tx:
        return (await flows.may_watch_in(tx, who, [title], Context("IN"), world.clock.now()))[0].decision


def _without_ways(decision: Decision) -> Decision:
    """Leave aside what would open it: that depends on prices, which are no facts of the decision."""
    return evolve(decision, unlockable_by=()) if isinstance(decision, Denied) else decision


async def _act(world: World, draw: random.Random, who: AccountId, title: Title) -> None:
    now = world.clock.now()
    match draw.randrange(11):
        case 0:
            await give(world, who, GrantKind.RENTAL, title, hours=24)
        case 1:
            await give(world, who, GrantKind.WATCH_ONCE, title)
        case 2:
            state = draw.choice(list(PlanState))
            await give(
                world, who, GrantKind.SUBSCRIPTION, None, tier="gold", plan=state, ends_at=now + 5 * DAY
            )
        case 3:
            await give(world, who, GrantKind.GIFT, title, ends_at=now + DAY)
        case 4:
            await _unless_denied(world.unlock(who, title))
        case 5:
            await _end_one(world, draw, who)
        case 6:
            await _unless_denied(_watch(world, who, title))
        case 7:
            await _add_window(world, draw, title)
        case 8 | 9:
            await _extend_one(world, draw, who)
        case _:
            await _take_down_or_restore(world, title)


async def _watch(world: World, who: AccountId, title: Title) -> None:
    session = (await world.play(who, title)).session.id
    world.clock.advance(timedelta(minutes=16))
    await world.beat(session, who, 950_000)


async def _unless_denied(work: Any) -> None:
    with suppress(PlaybackDenied):
        await work


async def _end_one(world: World, draw: random.Random, who: AccountId) -> None:
    active = [item for item in await world.grants(who) if item.status is GrantStatus.ACTIVE]
    if not active:
        return
    grant = draw.choice(active)
    if grant.entry_id is not None:
        await world.refund(who, grant.entry_id)
        return
    revoke = flows.RevokeAccess(who, GrantId(grant.id), "by mistake", f"r-{world._next()}")
    ports: dict[str, Any] = {"uow": world.uow, "clock": world.clock, "ids": world.ids, "correlation_id": "r"}
    await flows.revoke_access(await world.staff("support"), revoke, **ports)


async def _extend_one(world: World, draw: random.Random, who: AccountId) -> None:
    """Give something that may still be open, or is over, a later end."""
    active = [item for item in await world.grants(who) if item.status is GrantStatus.ACTIVE]
    if not active:
        return
    until = world.clock.now() + draw.choice((DAY, 9 * DAY))
    wish = flows.ExtendAccess(who, draw.choice(active).id, until, "was ill", f"x-{world._next()}")
    ports: dict[str, Any] = {"uow": world.uow, "clock": world.clock, "ids": world.ids, "correlation_id": "r"}
    with suppress(NotExtended, UsedUp):
        await flows.extend_access(await world.staff("support"), wish, **ports)


async def _add_window(world: World, draw: random.Random, title: Title) -> None:
    """End the open window, or open another kind of one, as a new revision."""
    now = world.clock.now()
    async with world.uow.begin() as tx:
        book = (await tx.rights.of_titles([title.id]))[title.id]
        kind = draw.choice((WindowType.SVOD, WindowType.AVOD))
        mine = [item for item in book.windows if item.type is kind]
        window = Window(world.ids.uuid7(), title.id, kind, ("IN",), now, now + 2 * DAY)  # type: ignore[arg-type]
        windows = tuple(item for item in book.windows if item.type is not kind)
        if not mine or (mine[-1].ends_at is not None and mine[-1].ends_at <= now):
            windows = (*windows, *mine, window)
        changed = evolve(book, revision=book.revision + 1, recorded_at=now, reason="test", windows=windows)
        await tx.rights.append(changed)


async def _take_down_or_restore(world: World, title: Title) -> None:
    now = world.clock.now()
    async with world.uow.begin() as tx:
        book = (await tx.rights.of_titles([title.id]))[title.id]
        done = [evolve(item, ends_at=item.ends_at or now) for item in book.takedowns]
        if all(item.ends_at is not None for item in book.takedowns):
            takedown = Takedown(world.ids.uuid7(), Territories(("IN",)), "a notice", now)  # type: ignore[arg-type]
            done.append(takedown)
        await tx.rights.append(
            evolve(book, revision=book.revision + 1, recorded_at=now, reason="test", takedowns=tuple(done))
        )
