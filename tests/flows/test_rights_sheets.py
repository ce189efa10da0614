"""A CSV file of windows: every fault by its line, and never half of it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from buddy_core.access import SYSTEM, Actor, NotPermitted, Scope
from buddy_core.flows import AddSheet, SheetAdded, add_windows_from_csv, rights_of
from buddy_core.rights import BadSheet, TitleRights, WindowType
from tests.flows.world import VIEWER, World

pytestmark = pytest.mark.anyio

HEAD = "title,type,territories,starts,ends,tiers,free,tokens"


async def add(
    world: World,
    *lines: str,
    raw: bytes | None = None,
    key: str = "k1",
    actor: Actor = SYSTEM,
    takes_good_lines: bool = False,
) -> SheetAdded:
    """Add a sheet of these lines, after the usual first one."""
    sheet = raw if raw is not None else "\n".join((HEAD, *lines)).encode()
    command = AddSheet(sheet, "autumn plan", key, takes_good_lines)
    return await add_windows_from_csv(
        actor, command, correlation_id="c1", uow=world.uow, clock=world.clock, ids=world.ids
    )


async def books(world: World, *titles: Any) -> list[TitleRights | None]:
    """Return the last revisions of titles."""
    return [await rights_of(SYSTEM, title.id, uow=world.uow) for title in titles]


async def test_a_sheet_adds_windows_to_many_titles_in_one_commit(world: World) -> None:
    """Each title gets one revision, whatever many lines name it; the same key adds nothing more."""
    one, two = await world.add_title(), await world.add_title()
    lines = (
        f"episode/{one.short_id},svod,* -AE,2026-11-01,2026-12-01,gold silver,,",
        f"episode/{one.short_id},SVOD,AE,2026-11-01T00:00+04:00,,,,no",
        "",
        f'episode/{two.short_id},festival,"EU,IN",2026-11-01,2026-11-08,,yes,',
    )
    added = await add(world, *lines)
    assert (added, await add(world, *lines)) == (SheetAdded(3, 2), SheetAdded(3, 2))
    first, second = await books(world, one, two)
    assert first is not None
    assert second is not None
    assert (first.revision, second.revision, len(first.windows)) == (2, 2, 3)
    assert [item.is_free for item in second.windows if item.type is WindowType.FESTIVAL] == [True]
    assert [item.sells_tokens for item in first.windows] == [None, False, None]
    assert len(await world.records("rights.import")) == 2


async def test_every_bad_line_is_told_and_nothing_is_written(world: World) -> None:
    """Number, column, problem and fix of each; the good lines wait for them."""
    title = await world.add_title()
    before = await books(world, title)
    name = f"episode/{title.short_id}"
    with pytest.raises(BadSheet) as refused:
        await add(
            world,
            f"{name},svod,IN,2026-11-01,2026-12-01,,,",
            f"{name},svod,UK,2026-11-01,2026-12-01,,,",
            f"{name},sv0d,IN,01/11/2026,2026-12-01,,maybe,",
            f"{name},avod,IN,2026-12-01,2026-11-01,,,",
            f"{name},avod,IN,2026-12-01",
            "episode/zzzz,avod,IN,2026-12-01,,,,",
            f"{name},svod,IN,2026-11-15,2026-12-15,,,",
        )
    assert [line.partition(":")[0] for line in refused.value.lines] == [
        "line 3, territories",
        "line 4, type",
        "line 4, starts",
        "line 4, free",
        "line 5, ends",
        "line 6",
        "line 7, title",
        "line 8, starts",
    ]
    assert "Did you mean GB?" in refused.value.lines[0]
    assert "(line 2)" in refused.value.lines[-1]
    assert await books(world, title) == before
    assert await world.records("rights.import") == []


async def test_good_lines_may_be_taken_without_the_others(world: World) -> None:
    """Whoever asks for it gets what can be, and is told what was left out."""
    title = await world.add_title()
    name = f"episode/{title.short_id}"
    lines = (
        f"{name},svod,IN,2026-11-01,2026-12-01,,,",
        f"{name},svod,IN AE,2026-11-20,2026-12-01,,,",
        f"{name},svod,AE,2026-11-21,2026-12-01,,,",
        f"{name},tvod,IN,2027-01-01,,,,",
    )
    added = await add(world, *lines, takes_good_lines=True)
    assert (added.windows, added.titles) == (2, 1)
    # TVOD is open worldwide already, and the second line overlaps the first; the third meets neither.
    assert [fault.partition(":")[0] for fault in added.faults] == ["line 3, starts", "line 5, starts"]
    with pytest.raises(BadSheet):
        await add(world, *lines[1:2], key="k2", takes_good_lines=True)


async def test_a_sheet_reaches_no_further_than_its_sender(world: World) -> None:
    """A manager of India is told which lines go beyond; a viewer is not let in at all."""
    title = await world.add_title()
    manager = await world.staff("content_manager", Scope.territory("IN"))
    name = f"episode/{title.short_id}"
    assert (await add(world, f"{name},svod,IN,2026-11-01,,,,", actor=manager)).windows == 1
    with pytest.raises(BadSheet, match="line 2, territories"):
        await add(world, f"{name},avod,IN AE,2026-11-01,,,,", key="k2", actor=manager)
    with pytest.raises(NotPermitted):
        await add(world, f"{name},avod,IN,2026-11-01,,,,", key="k3", actor=VIEWER)


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        ((HEAD + "\n" + "episode/ab2d,svod,XX,nonsense,,,,\n" * 150_000).encode(), "line 2, territories"),
        ((HEAD + '\nepisode/ab2d,"svod' + ",x\n" * 1_700_000).encode(), "line 2"),
        (HEAD.encode() + b"\n" + b"a,b\n" * 1_200_000, "line 2"),
        (HEAD.encode() + b"\nx\xff" + b"y" * 5_000_000, "line 2"),
        (b"\x00" * 5_000_000, "line 1"),
        (b"", "line 1"),
        (b"title;type;territories\n", "line 1, column 1"),
        (b"," * 5_000_000, "line 1"),
    ],
    ids=["codes", "quote", "cells", "bytes", "zeros", "empty", "semicolons", "commas"],
)
async def test_a_broken_sheet_of_five_megabytes_is_answered_at_once(
    world: World, raw: bytes, place: str
) -> None:
    """The first fault is named with its line, within seconds, and nothing is written."""
    title = await world.add_title()
    before, begun = await books(world, title), time.monotonic()
    with pytest.raises(BadSheet) as refused:
        await add(world, raw=raw, takes_good_lines=True)
    assert time.monotonic() - begun < 5
    assert refused.value.lines[0].startswith(place)
    assert len(refused.value.message()) < 50_000
    assert await books(world, title) == before
