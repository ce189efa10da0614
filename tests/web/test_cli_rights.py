"""`buddy rights`: what it shows, changes and refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from tests.web.test_cli_access import buddy, folder, inside, seeded

__all__ = ["buddy", "folder", "seeded"]

Buddy = Callable[..., Result]


@pytest.fixture
def film(folder: Path) -> str:
    """Return the name of a title of the demo, as the command line takes it."""
    found: list[str] = []

    async def work(uow: SqlUnitOfWork) -> None:
        async with uow.read() as tx:
            title: Any = next(item for item in await tx.titles.all() if item.name == "Paper Kites")
        found.append(f"{title.type}/{title.short_id}")

    inside(folder, work)
    return found[0]


def test_a_window_is_added_shown_and_in_the_calendar(film: str, buddy: Buddy) -> None:
    """The book and the calendar show it, and the same key adds it once."""
    adding = ("rights", "add-window", film, "avod", "IN", "^AE", "--from", "2030-01-01", "--reason", "plan")
    for _ in range(2):
        done = buddy(*adding, "--until", "2030-02-01", "--key", "k1")
        assert done.exit_code == 0, done.output
        assert "is at revision 2." in done.output
    shown = buddy("rights", "show", film).output
    assert "IN ^AE  2030-01-01 00:00Z to 2030-02-01 00:00Z" in shown
    assert "licence" in shown
    told = buddy("rights", "windows", film, "--from", "2029-12-01", "--days", "90", "--in", "IN").output
    assert "2030-01-01 00:00Z to 2030-02-01 00:00Z  tvod, avod" in told


def test_a_refusal_is_one_line_with_place_and_fix(film: str, buddy: Buddy) -> None:
    """An overlap, a typo in a territory, a title that is none: said in words, exit code 1."""
    since = ("--from", "2030-01-01", "--reason", "plan")
    clash = buddy("rights", "add-window", film, "tvod", "IN", *since)
    assert (clash.exit_code, "rights.windows_overlap: In IN two TVOD windows" in clash.output) == (1, True)
    typo = buddy("rights", "add-window", film, "svod", "UK", *since)
    assert (typo.exit_code, "Did you mean GB?" in typo.output) == (1, True)
    for asked in (("why", film, "UK"), ("windows", film, "--in", "UK")):
        told = buddy("rights", *asked)
        assert (told.exit_code, "Did you mean GB?" in told.output) == (1, True), told.output
    tier = buddy("rights", "add-window", film, "svod", "IN", *since, "--tier", "Gold")
    assert (tier.exit_code, "small letters" in tier.output) == (1, True)
    week = buddy("rights", "add-window", film, "svod", "IN", "--from", "2030-W01-1", "--reason", "plan")
    assert (week.exit_code, "no day" in week.output) == (2, True)
    nowhere = buddy("rights", "add-window", film, "svod", "IN", "^IN", *since)
    assert (nowhere.exit_code, "no country" in nowhere.output) == (1, True)
    assert buddy("rights", "show", "film/zzzz").exit_code == 1
    assert buddy("rights", "show", "film/zzzz").output.startswith("Error: catalog.title_not_found")


def test_an_empty_key_is_refused(film: str, buddy: Buddy, tmp_path: Path) -> None:
    """It would name no request, so that the same act twice would be done twice; exit code 2."""
    sheet = tmp_path / "windows.csv"
    sheet.write_text("title,type,territories,starts,ends,tiers,free,tokens\n", "utf-8")
    for acting in (
        ("import", str(sheet)),
        ("ladder", film, "IN", "--released", "2031-01-01"),
        ("takedown", film, "IN", "--notice", "theirs"),
    ):
        for key in ("", " "):
            refused = buddy("rights", *acting, "--reason", "plan", "--key", key)
            assert (refused.exit_code, "it is empty" in refused.output) == (2, True), refused.output
    assert "revision 1" in buddy("rights", "show", film).output


def test_a_sheet_is_added_or_every_fault_is_told(film: str, buddy: Buddy, tmp_path: Path) -> None:
    """With a bad line nothing is written, unless the good ones are asked for."""
    sheet = tmp_path / "windows.csv"
    lines = ("title,type,territories,starts", f"{film},svod,IN,2030-01-01", f"{film},svod,UK,2030-01-01")
    sheet.write_text("\n".join(lines))
    refused = buddy("rights", "import", str(sheet), "--reason", "plan")
    assert (
        refused.exit_code,
        "line 3, territories: 'UK' is no territory. Did you mean GB" in refused.output,
    ) == (1, True)
    assert "svod" not in buddy("rights", "show", film).output
    done = buddy("rights", "import", str(sheet), "--take-good", "--reason", "plan")
    assert "1 windows of 1 titles were added." in done.output
    assert "svod" in buddy("rights", "show", film).output


def test_each_fault_of_a_sheet_is_a_line(film: str, buddy: Buddy, tmp_path: Path) -> None:
    """A hundred are told, the others counted; the last told says where the reading stopped."""
    sheet = tmp_path / "windows.csv"
    sheet.write_text("title,type,territories,starts\n" + f"{film},svod,UK,2030-01-01\n" * 1_500)
    refused = buddy("rights", "import", str(sheet), "--reason", "plan")
    lines = refused.output.splitlines()
    assert (refused.exit_code, len(lines)) == (1, 102)
    assert [line.split(",")[0] for line in lines[:99]] == [f"line {number}" for number in range(2, 101)]
    assert lines[99].startswith("line 1001: 1000 faults up to here. What follows was not read")
    assert lines[100:] == ["And 901 more.", "Error: rights.bad_sheet: Nothing was written."]


def test_a_window_is_shown_with_whom_it_is_for(film: str, buddy: Buddy) -> None:
    """The tiers of its plans, every plan, or a festival that is free."""
    adding = ("--from", "2030-01-01", "--until", "2030-02-01", "--reason", "plan")
    for window in (
        ("svod", "IN", "--tier", "gold", "--tier", "silver"),
        ("svod", "US"),
        ("festival", "IN", "--free"),
    ):
        done = buddy("rights", "add-window", film, *window, *adding)
        assert done.exit_code == 0, done.output
    shown = [line.split("Z  ")[-1] for line in buddy("rights", "show", film).output.splitlines()]
    assert {"for plans of gold, silver", "for every plan", "free"} <= set(shown)


def test_why_ladder_takedown_and_restore(film: str, buddy: Buddy) -> None:
    """It is available, then taken down, then restored; and the ladder refuses to overlap what is there."""
    assert buddy("rights", "why", film, "IN").output == "Available in IN.\n"
    stopping = ("rights", "takedown", film, "IN", "--notice", "DMCA 7", "--reason", "the notice is in order")
    stopped = buddy(*stopping)
    assert stopped.exit_code == 0, stopped.output
    takedown = stopped.output.split()[1].rstrip(":")
    told = buddy("rights", "why", film, "IN").output
    assert "it was taken down at" in told
    assert "(DMCA 7); restore it once that is settled." in told
    assert buddy("rights", "restore", film, takedown, "--reason", "counter-notice").output == "1 restored.\n"
    assert buddy("rights", "why", film, "IN").output == "Available in IN.\n"
    laddered = buddy("rights", "ladder", film, "IN", "--released", "2030-01-01", "--reason", "plan")
    assert (laddered.exit_code, "rights.windows_overlap" in laddered.output) == (1, True)


def test_an_open_window_is_ended_before_a_ladder(film: str, buddy: Buddy) -> None:
    """What a title got when it was added meets the ladder; ended by its id, it makes room for it."""
    [line] = [line for line in buddy("rights", "show", film).output.splitlines() if line.startswith("tvod")]
    ending = ("rights", "end-window", film, line.split()[1], "--until", "2030-01-01", "--reason", "plan")
    for _ in range(2):
        ended = buddy(*ending, "--key", "k1")
        assert ended.exit_code == 0, ended.output
        assert "is at revision 2." in ended.output
    assert "to 2030-01-01 00:00Z" in buddy("rights", "show", film).output
    laddered = buddy("rights", "ladder", film, "IN", "--released", "2030-01-01", "--reason", "plan")
    assert laddered.exit_code == 0, laddered.output
    unknown = buddy("rights", "end-window", film, "0" * 32, "--until", "2030-01-01", "--reason", "plan")
    assert (unknown.exit_code, "rights.not_in_book" in unknown.output) == (1, True)
