"""A CSV file of windows: every fault by its line, and never half of it."""

from __future__ import annotations

import time
from datetime import date, timedelta
from typing import Any

import pytest

from buddy_core.access import SYSTEM, Actor, NotPermitted, Scope
from buddy_core.catalog import TitleType
from buddy_core.flows import AddSheet, SheetAdded, add_windows_from_csv, check_sheet, rights_of
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


@pytest.mark.parametrize(("bad", "good", "stop"), [(180_000, 0, "1001"), (0, 5_001, "5002"), (99, 0, None)])
async def test_what_was_not_read_is_not_counted_and_said(
    world: World, bad: int, good: int, stop: str | None
) -> None:
    """Where the reading stops before the end, that is among the faults told, with its line."""
    title = await world.add_title(TitleType.FILM)
    lines = ["a,b"] * bad + [f"film/{title.short_id},svod,IN,2030-01-01,2030-01-02,,,"] * good
    with pytest.raises(BadSheet) as refused:
        await add(world, raw="\n".join([HEAD, *lines]).encode())
    told, more = refused.value.lines, refused.value.more
    assert len(told) == min(100, bad + good)
    said = [line for line in told if "What follows was not read" in line]
    assert said == ([] if stop is None else [told[-1]])
    if stop is not None:
        assert told[-1].startswith(f"line {stop}: ")
    assert more == {180_000: 901, 0: 4_900, 99: 0}[bad]


async def test_a_line_says_what_its_tier_date_title_or_place_must_be(world: World) -> None:
    """A tier that no plan has, a week for a day, a title with a NUL, and no country: each with its line."""
    title = await world.add_title(TitleType.FILM)
    name = f"film/{title.short_id}"
    good = f"{name},svod,IN,2027-01-01,2027-02-01,"
    lines = [
        f"{good}Gold",
        f"{good}<script>",
        f"{good}gold/silver",
        f"{good}{'x' * 100_000}",
        f"{good}go\0ld",
        f"{name},svod,IN,2026-W01-1,2027-02-01,",
        f"{name},svod,IN,2027-01-01,2026-W53-1T10:00+00:00,",
        f"{name},svod,IN,20270101T1000+0000,2027-02-01,",
        "film/a\0b,svod,IN,2027-01-01,2027-02-01,",
        f"{name},svod,IN -IN,2027-01-01,2027-02-01,",
        f"{name},svod,IN,2027-01-01T10:00Z,2027-02-01 10:00+05:30,gold silver",
    ]
    raw = "\n".join(["title,type,territories,starts,ends,tiers", *lines]).encode()
    with pytest.raises(BadSheet) as refused:
        await add(world, raw=raw)
    told = [line.split(":")[0] for line in refused.value.lines]
    columns = ["tiers"] * 5 + ["starts", "ends", "starts", "title", "territories"]
    assert told == [f"line {number}, {column}" for number, column in enumerate(columns, 2)]
    assert len(refused.value.message()) < 5_000
    done = await add(world, raw=raw, key="k2", takes_good_lines=True)
    assert (done.windows, len(done.faults)) == (1, 10)


async def test_a_whole_sheet_of_worldwide_windows_is_added_soon(world: World) -> None:
    """Five thousand lines of `*` take as long as of one country: who may do it is asked once a country."""
    titles = [await world.add_title(TitleType.FILM) for _ in range(10)]
    manager = await world.staff("content_manager")
    day = date(2030, 1, 1)

    def sheet(place: str) -> AddSheet:
        lines = [
            f"film/{title.short_id},svod,{place},{first},{first + timedelta(days=1)},gold,,"
            for first in (day + timedelta(days=number) for number in range(500))
            for title in titles
        ]
        return AddSheet("\n".join([HEAD, *lines]).encode(), "autumn plan", "k0")

    took: dict[str, float] = {}
    for place in ("IN", "*", "* -AE") * 2:
        begun = time.process_time()
        foreseen = await check_sheet(manager, sheet(place), uow=world.uow, clock=world.clock)
        took[place] = min(took.get(place, 60), time.process_time() - begun)
        assert (len(foreseen.windows), foreseen.faults) == (5_000, ())
    assert max(took.values()) < 4 * took["IN"], took
    begun = time.process_time()
    done = await add(world, raw=sheet("*").sheet, actor=manager)
    assert (done.windows, done.titles, done.faults) == (5_000, 10, ())
    assert time.process_time() - begun < 10
