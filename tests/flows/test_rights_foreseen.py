"""What is shown before rights are changed is what then happens, and changes nothing itself."""

from __future__ import annotations

import pytest
from attrs import evolve

from buddy_core.access import SYSTEM, NotPermitted, Scope
from buddy_core.catalog import TitleType
from buddy_core.flows import (
    AddSheet,
    TakedownForeseen,
    check_sheet,
    foresee_takedown,
    owed_in_all,
    rights_of,
)
from buddy_core.kernel.ids import PartnerId, TakedownId
from buddy_core.rights import Territories
from buddy_core.views import rights_book, rights_history, rights_list
from tests.contracts.cases import Uow, uid
from tests.flows.test_rights_sheets import HEAD, add
from tests.flows.test_rights_takedown import down
from tests.flows.world import VIEWER, World

pytestmark = pytest.mark.anyio
WORLDWIDE = Territories(("*",))


@pytest.fixture
async def world(uow: Uow) -> World:
    """Answer a world with its values and costs."""
    made = World(uow)
    await made.seed()
    return made


async def test_a_takedown_comes_to_what_was_foreseen(world: World) -> None:
    """Titles, grants and tokens are the same before and after; where nobody bought, nothing is owed."""
    series = await world.add_title(TitleType.SERIES, licences=(), media_key=None)
    title = await world.add_title(parent_id=series.id, number=1)
    guest = await world.guest()
    await world.earn(guest, 9)
    await world.unlock(guest, title)

    async def foreseen(*codes: str) -> TakedownForeseen:
        return await foresee_takedown(SYSTEM, series.id, Territories(codes), uow=world.uow, clock=world.clock)

    before = await foreseen("*")
    assert await rights_of(SYSTEM, series.id, uow=world.uow) is None
    assert (await foreseen("AE")).owed == 0
    done = await down(world, series)
    assert (done.titles, done.owed) == (before.titles, before.owed) == (2, 1)
    assert await owed_in_all(SYSTEM, done.takedown_id, uow=world.uow) == (1, before.tokens)
    assert before.tokens > 0


async def test_a_sheet_adds_what_was_foreseen(world: World) -> None:
    """The check has the same windows and faults as the adding, and writes nothing."""
    title = await world.add_title()
    lines = [f"episode/{title.short_id},svod,{code},2026-11-01,,,," for code in ("IN", "XX")]
    command = AddSheet("\n".join((HEAD, *lines)).encode(), "", "k1", True)
    seen = await check_sheet(SYSTEM, command, uow=world.uow, clock=world.clock)
    assert [shown.id for shown, _ in seen.windows] == [title.id]
    done = await add(world, *lines, takes_good_lines=True)
    assert (done.windows, done.faults, done.more) == (1, seen.faults, seen.more)
    book = await rights_of(SYSTEM, title.id, uow=world.uow)
    assert book is not None
    assert seen.windows[0][1] in book.windows


async def test_a_role_for_one_partner_sees_no_book(world: World) -> None:
    """Books have every partner's shares: who works for one of them reads none, and the staff of India do."""
    title = await world.add_title()
    india = await world.staff("content_manager", Scope.territory("IN"))
    elsewhere = [evolve(item, scope=Scope.partner(PartnerId(uid(1)))) for item in india.holdings]
    partner = evolve(india, holdings=tuple(elsewhere))
    for actor in (partner, VIEWER):
        for ask in (
            rights_of(actor, title.id, uow=world.uow),
            rights_book(actor, title.id, uow=world.uow),
            rights_history(actor, title.id, uow=world.uow),
            rights_list(actor, uow=world.uow, clock=world.clock),
            owed_in_all(actor, TakedownId(uid(2)), uow=world.uow),
            foresee_takedown(actor, title.id, WORLDWIDE, uow=world.uow, clock=world.clock),
        ):
            with pytest.raises(NotPermitted):
                await ask
    assert (await rights_book(india, title.id, uow=world.uow)).revision == 1
    with pytest.raises(NotPermitted):
        await foresee_takedown(india, title.id, WORLDWIDE, uow=world.uow, clock=world.clock)
