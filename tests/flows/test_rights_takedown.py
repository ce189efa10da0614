"""A takedown stops a title at once, and keeps what is owed to whom."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from buddy_core.access import SYSTEM, Actor, NotPermitted, Scope
from buddy_core.catalog import Title, TitleNotFound, TitleType
from buddy_core.entitlements import (
    Context,
    Denied,
    Grant,
    GrantKind,
    GrantStatus,
    Reason,
    Rights,
    Terms,
)
from buddy_core.flows import (
    GiveAccess,
    RestoreTitle,
    TakenDown,
    TakeTitleDown,
    foresee_takedown,
    give_access,
    may_watch_in,
    owed_by,
    owed_in_all,
    record_owed,
    restore,
    rights_of,
    take_down,
)
from buddy_core.kernel import AccountId, GrantId, TitleId
from buddy_core.kernel.ids import TakedownId
from buddy_core.rights import BadRightsChange, NotInBook, TakedownOver, Territories
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


async def test_an_episode_that_comes_later_is_stopped_with_its_series(world: World) -> None:
    """It is stopped where and since when its series is, and is restored with it or by itself."""
    series = await world.add_title(TitleType.SERIES, licences=(), media_key=None)
    first = await world.add_title(parent_id=series.id, number=1)
    guest = await world.guest()
    await give(world, guest, series, GrantKind.EST)
    over = await down(world, series, "AE", key="k0")
    await back(world, series, over.takedown_id, "k01")
    here = await down(world, series, "IN", key="k1")
    wide = await down(world, series, key="k2")
    world.clock.advance(timedelta(hours=1))
    later = [await world.add_title(parent_id=series.id, number=n) for n in (2, 3)]
    bare = await world.add_title(parent_id=series.id, number=4, licences=())
    for title in (first, *later):
        assert await denied(world, guest, title) is Reason.TAKEN_DOWN
    for title in (*later, bare):
        book = await rights_of(SYSTEM, title.id, uow=world.uow)
        assert book is not None
        assert {(item.territories.included, item.ends_at) for item in book.takedowns} == {
            (("*",), None),
            (("IN",), None),
        }
        assert {item.starts_at for item in book.takedowns} == {START}
    assert await back(world, series, wide.takedown_id, "k3") == 5
    assert await denied(world, guest, later[0]) is Reason.TAKEN_DOWN
    assert await denied(world, guest, later[0], "US") is None
    book = await rights_of(SYSTEM, later[1].id, uow=world.uow)
    assert book is not None
    [own] = [item.id for item in book.takedowns if item.ends_at is None]
    assert await back(world, later[1], own, "k4") == 1
    assert await denied(world, guest, later[1]) is None
    assert await back(world, series, here.takedown_id, "k5") == 4
    assert await denied(world, guest, later[0]) is None


async def test_episodes_and_takedowns_at_once_leave_no_episode_open(world: World) -> None:
    """Whichever commits first, a worldwide takedown of the series has every episode of it."""
    series = await world.add_title(TitleType.SERIES, licences=(), media_key=None)
    guest = await world.guest()
    adding = [world.add_title(parent_id=series.id, number=n) for n in range(1, 5)]
    done, refused = await race(*adding[:2], down(world, series), *adding[2:])
    assert refused == []
    for title in done:
        if isinstance(title, Title):
            assert await denied(world, guest, title) is Reason.TAKEN_DOWN


async def test_a_grant_is_owed_once_however_often_it_is_stopped(world: World) -> None:
    """A second notice, one of the episode and one of its series, two at once: one row."""
    series = await world.add_title(TitleType.SERIES, licences=(), media_key=None)
    title = await world.add_title(parent_id=series.id, number=1)
    await give(world, await world.member(), title, GrantKind.EST)
    await give(world, await world.member(), series, GrantKind.EST)
    done, refused = await race(*(down(world, title, key=f"k{n}") for n in range(3)))
    assert (sorted(item.owed for item in done), refused) == ([0, 0, 2], [])
    foreseen = await foresee_takedown(
        SYSTEM, series.id, Territories(("*",)), uow=world.uow, clock=world.clock
    )
    assert (foreseen.owed, (await down(world, series, "IN", key="k8")).owed) == (0, 0)
    for item in done:
        await back(world, title, item.takedown_id, f"b{item.takedown_id}")
    assert (await down(world, title, key="k9")).owed == 0


async def test_what_was_refunded_is_not_owed(world: World) -> None:
    """Paid 1, owed 1; refunded, owed nothing, with the refund told; what was refunded before is no row."""
    title, other, before = await world.add_title(), await world.guest(), await world.guest()
    guest = await world.guest()
    for who in (guest, other, before):
        await world.earn(who, 9)
    paid = {who: await world.unlock(who, title) for who in (guest, other, before)}
    await world.refund(before, (await world.entries(before))[-1].id)
    taken = await down(world, title)
    cost = paid[guest].tokens_spent
    assert taken.owed == 2
    assert await owed_in_all(SYSTEM, taken.takedown_id, uow=world.uow) == (2, 2 * cost)
    await world.refund(guest, (await world.entries(guest))[-1].id)
    assert await owed_in_all(SYSTEM, taken.takedown_id, uow=world.uow) == (1, cost)
    rows = {row.account_id: row for row in await owed_by(SYSTEM, taken.takedown_id, uow=world.uow)}
    assert (rows[guest].tokens, rows[guest].refunded, rows[guest].is_settled) == (0, cost, True)
    assert (rows[other].tokens, rows[other].refunded, rows[other].is_settled) == (cost, 0, False)


async def test_a_refund_of_what_a_merge_moved_settles_what_is_owed(world: World) -> None:
    """The refund is an entry of the member's, and the row is the guest's."""
    title, guest, member = await world.add_title(), await world.guest(), await world.member()
    await world.earn(guest, 9)
    await world.unlock(guest, title)
    spend = (await world.entries(guest))[-1]
    taken = await down(world, title)
    await world.merge(guest, member)
    await world.refund(member, spend.id)
    assert await owed_in_all(SYSTEM, taken.takedown_id, uow=world.uow) == (0, 0)


async def test_what_staff_gave_is_not_owed(world: World) -> None:
    """Nobody paid for an EST or a rental that support gave."""
    title, guest = await world.add_title(), await world.guest()
    support = await world.staff("support")
    for kind in (GrantKind.EST, GrantKind.RENTAL):
        command = GiveAccess(guest, kind, "the film broke off", f"g-{kind}", title.id)
        await give_access(
            support, command, correlation_id="c1", uow=world.uow, clock=world.clock, ids=world.ids
        )
    foreseen = await foresee_takedown(SYSTEM, title.id, Territories(("*",)), uow=world.uow, clock=world.clock)
    assert (foreseen.owed, (await down(world, title)).owed) == (0, 0)


async def test_a_takedown_of_no_country_is_refused(world: World) -> None:
    """India less India stops nothing, and leaves nothing owed."""
    title = await world.add_title()
    await give(world, await world.member(), title, GrantKind.EST)
    nowhere = Territories(("IN",), ("IN",))
    command = TakeTitleDown(title.id, nowhere, "DMCA 7", "the notice is in order", "k1")
    with pytest.raises(BadRightsChange, match="no country"):
        await take_down(SYSTEM, command, correlation_id="c1", uow=world.uow, clock=world.clock, ids=world.ids)
    with pytest.raises(BadRightsChange, match="no country"):
        await foresee_takedown(SYSTEM, title.id, nowhere, uow=world.uow, clock=world.clock)


async def denied(world: World, who: AccountId, title: Title, country: str = "IN") -> Reason | None:
    """Return why somebody may not watch a title now; None if they may."""
    async with world.uow.read() as tx:
        [answer] = await may_watch_in(tx, who, [title], Context(country), world.clock.now())
    return answer.decision.reason if isinstance(answer.decision, Denied) else None
