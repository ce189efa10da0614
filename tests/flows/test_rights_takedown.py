"""A takedown stops a title at once, and keeps what is owed to whom."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from buddy_core.access import SYSTEM, Actor, NotPermitted, Scope
from buddy_core.catalog import Title, TitleNotFound, TitleType
from buddy_core.entitlements import Grant, GrantKind, GrantStatus, Rights, Terms
from buddy_core.flows import (
    RestoreTitle,
    TakenDown,
    TakeTitleDown,
    owed_by,
    record_owed,
    restore,
    rights_of,
    take_down,
)
from buddy_core.kernel import AccountId, GrantId, TitleId
from buddy_core.kernel.ids import TakedownId
from buddy_core.rights import BadRightsChange, NotInBook, TakedownOver
from tests.contracts.cases import Uow, race, uid
from tests.flows.world import START, VIEWER, Broken, Tampered, World, break_off

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(uow: Uow) -> World:
    """Answer a world that is not verified: these tests put grants in by hand, which `verify` would find."""
    made = World(uow)
    await made.seed()
    return made


async def down(
    world: World,
    title: Title | TitleId,
    *territories: str,
    key: str = "k1",
    actor: Actor = SYSTEM,
    uow: Any = None,
    notice: str = "DMCA 7, Studio X",
) -> TakenDown:
    """Take a title down, worldwide where nothing else is said."""
    title_id = title.id if isinstance(title, Title) else title
    command = TakeTitleDown(title_id, territories or ("*",), notice, "the notice is in order", key)
    return await take_down(
        actor, command, correlation_id="c1", uow=uow or world.uow, clock=world.clock, ids=world.ids
    )


async def back(world: World, title: Title, takedown: TakedownId, key: str = "k2", **who: Any) -> int:
    """Restore a title."""
    command = RestoreTitle(title.id, takedown, "counter-notice", key)
    return await restore(
        who.get("actor", SYSTEM),
        command,
        correlation_id="c1",
        uow=world.uow,
        clock=world.clock,
        ids=world.ids,
    )


async def give(world: World, who: AccountId, title: Title, kind: GrantKind, **changes: Any) -> Grant:
    """Store a grant as if it had been sold; no flow sells these yet."""
    id = GrantId(world.ids.uuid7())
    grant = Grant(
        id=id,
        origin_id=id,
        account_id=who,
        title_id=title.id,
        kind=kind,
        status=GrantStatus.ACTIVE,
        granted_at=START,
        recorded_at=START,
        ends_at=None,
        entry_id=None,
        terms=Terms(Rights(1080, False, False, 2), hours=48 if kind is GrantKind.RENTAL else None),
        source="order 1",
    )
    grant = evolve(grant, **changes)
    async with world.uow.begin() as tx:
        await tx.grants.add([grant])
    return grant


async def test_a_takedown_keeps_what_is_owed_to_whom(world: World) -> None:
    """Live grants that were paid for, of the title or its series; not what is over or was free."""
    series = await world.add_title(TitleType.SERIES, licences=(), media_key=None)
    title, other = await world.add_title(parent_id=series.id, number=1), await world.add_title()
    guest, member = await world.guest(), await world.member()
    await world.earn(guest, 9)
    unlocked = await world.unlock(guest, title)
    await world.unlock(guest, other)
    rental = await give(world, member, title, GrantKind.RENTAL)
    pack = await give(world, member, series, GrantKind.EST)
    await give(world, member, title, GrantKind.GIFT)
    await give(world, member, other, GrantKind.EST)
    await give(world, guest, title, GrantKind.PVOD, ends_at=START + timedelta(hours=1))
    await give(
        world, guest, series, GrantKind.EST, terms=Terms(Rights(1080, False, False, 2), includes_later=False)
    )
    world.clock.advance(timedelta(hours=1))
    taken = await down(world, title)
    assert (taken.titles, taken.owed) == (1, 4)
    rows = await owed_by(SYSTEM, taken.takedown_id, uow=world.uow)
    assert [row.origin_id for row in rows] == sorted(row.origin_id for row in rows)
    told = {(row.account_id, row.kind, row.title_id, row.tokens, row.source) for row in rows}
    assert {item for item in told if item[0] == member} == {
        (member, "rental", title.id, None, rental.source),
        (member, "est", series.id, None, pack.source),
    }
    [paid] = [row for row in rows if row.kind == "token_unlock"]
    assert (paid.account_id, paid.tokens, paid.country) == (guest, unlocked.tokens_spent, "IN")
    assert await down(world, title) == taken
    book = await rights_of(SYSTEM, title.id, uow=world.uow)
    assert book is not None
    assert [(item.notice, item.starts_at, item.ends_at) for item in book.takedowns] == [
        ("DMCA 7, Studio X", world.clock.now(), None)
    ]
    [record] = await world.records("title.takedown")
    assert json.loads(record.after)["takedowns"][0]["notice"] == "DMCA 7, Studio X"


async def test_what_is_known_to_be_sold_elsewhere_is_not_owed(world: World) -> None:
    """A takedown in the Emirates leaves out an unlock in India; what was sold nobody knows where stays in."""
    title, guest = await world.add_title(), await world.guest()
    await world.earn(guest, 9)
    await world.unlock(guest, title)
    est = await give(world, await world.member(), title, GrantKind.EST)
    taken = await down(world, title, "AE")
    rows = await owed_by(SYSTEM, taken.takedown_id, uow=world.uow)
    assert [(row.grant_id, row.country) for row in rows] == [(est.id, None)]


async def test_a_series_goes_down_and_comes_back_whole(world: World) -> None:
    """Each episode is stopped with it, and restored with it unless it was restored by itself."""
    series = await world.add_title(TitleType.SERIES, licences=(), media_key=None)
    episodes = [await world.add_title(parent_id=series.id, number=n) for n in (1, 2)]
    await give(world, await world.member(), series, GrantKind.EST)
    await give(world, await world.member(), episodes[1], GrantKind.EST)
    taken = await down(world, series)
    assert (taken.titles, taken.owed) == (3, 2)
    books = [await rights_of(SYSTEM, title.id, uow=world.uow) for title in (series, *episodes)]
    ids = [book.takedowns[0].id for book in books if book is not None]
    assert (len(set(ids)), ids[0]) == (3, taken.takedown_id)
    assert await back(world, episodes[0], ids[1], "k2") == 1
    assert await back(world, series, taken.takedown_id, "k3") == 2
    for title in (series, *episodes):
        book = await rights_of(SYSTEM, title.id, uow=world.uow)
        assert book is not None
        assert book.takedowns[0].ends_at == world.clock.now()
    with pytest.raises(TakedownOver):
        await back(world, series, taken.takedown_id, "k4")


async def test_a_sale_that_came_in_late_is_found_by_looking_again(world: World) -> None:
    """What was committed after the takedown is owed too, once."""
    title = await world.add_title()
    taken = await down(world, title)
    await give(world, await world.member(), title, GrantKind.EST)
    ports: dict[str, Any] = {"correlation_id": "c1", "uow": world.uow, "clock": world.clock}
    assert await record_owed(SYSTEM, title.id, taken.takedown_id, **ports) == 1
    assert await record_owed(SYSTEM, title.id, taken.takedown_id, **ports) == 0
    assert len(await world.records("title.owed")) == 1
    with pytest.raises(NotInBook):
        await record_owed(SYSTEM, title.id, TakedownId(uid(1)), **ports)
    await back(world, title, taken.takedown_id)
    with pytest.raises(TakedownOver):
        await record_owed(SYSTEM, title.id, taken.takedown_id, **ports)


async def test_who_may_take_a_title_down(world: World) -> None:
    """A manager of India there, and nowhere else; a viewer not at all; nor what is no title."""
    title = await world.add_title()
    manager = await world.staff("content_manager", Scope.territory("IN"))
    with pytest.raises(NotPermitted):
        await down(world, title, "IN", actor=VIEWER)
    with pytest.raises(NotPermitted):
        await down(world, title, "IN", "AE", actor=manager)
    taken = await down(world, title, "IN", actor=manager)
    assert await back(world, title, taken.takedown_id, actor=manager) == 1
    wide = await down(world, title, key="k3")
    with pytest.raises(NotPermitted):
        await back(world, title, wide.takedown_id, "k4", actor=manager)
    with pytest.raises(NotPermitted):
        await owed_by(VIEWER, wide.takedown_id, uow=world.uow)
    with pytest.raises(TitleNotFound):
        await down(world, TitleId(uid(9)), key="k5")
    with pytest.raises(BadRightsChange, match="notice"):
        await down(world, title, key="k6", notice=" ")


async def test_many_who_take_a_title_down_at_once_all_do(world: World) -> None:
    """Each notice is a takedown of its own; the same key is one."""
    title = await world.add_title()
    tries = [down(world, title, key=f"k{n % 3}") for n in range(6)]
    done, refused = await race(*tries)
    assert (len({item.takedown_id for item in done}), refused) == (3, [])
    book = await rights_of(SYSTEM, title.id, uow=world.uow)
    assert book is not None
    assert (book.revision, len(book.takedowns)) == (4, 3)


@pytest.mark.parametrize(("port", "method"), [("rights", "append"), ("owed", "add"), ("receipts", "add")])
async def test_a_takedown_that_breaks_off_leaves_nothing(world: World, port: str, method: str) -> None:
    """Neither a takedown without what is owed, nor rows of a takedown that never was."""
    title = await world.add_title()
    await give(world, await world.member(), title, GrantKind.EST)
    with pytest.raises(Broken):
        await down(world, title, uow=Tampered(world.uow, port, method, after=break_off))
    book = await rights_of(SYSTEM, title.id, uow=world.uow)
    assert book is not None
    assert book.takedowns == ()
    assert (await down(world, title)).owed == 1
