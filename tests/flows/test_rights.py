"""Changing a title's rights: once, on the record, within one's reach, and never half."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import Counter
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from attrs import evolve

from buddy_core.access import SYSTEM, Actor, NotPermitted, ReasonMissing, Scope
from buddy_core.catalog import Title, TitleNotFound
from buddy_core.flows import ChangeRights, change_rights, rights_of
from buddy_core.kernel import BuddyError, IdempotencyMismatch, LicenceId, TitleId
from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.ids import TakedownId, WindowId
from buddy_core.rights import (
    REGIONS,
    AddLicence,
    AddWindow,
    BadRightsChange,
    BookChanged,
    EndLicence,
    EndWindow,
    RightsEdit,
    SetRating,
    TakeDown,
    Territories,
    TitleRights,
    Window,
    WindowsOverlap,
    WindowType,
    rating_for,
)
from tests.contracts.cases import race, uid
from tests.core.rights.edits import TITLE, Edits, broken_laws, rewritten
from tests.flows.world import START, VIEWER, Broken, Tampered, World, break_off

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)


def window(title: Title, number: int, start: int = 1, end: int | None = 5, **changes: Any) -> Window:
    """Return a worldwide SVOD window some days from now."""
    ends_at = None if end is None else START + end * DAY
    found = Window(WindowId(uid(number)), title.id, WindowType.SVOD, ("*",), START + start * DAY, ends_at)
    return evolve(found, **changes)


async def change(
    world: World,
    title: Title | TitleId,
    *edits: RightsEdit,
    key: str = "k1",
    actor: Actor = SYSTEM,
    base: int | None = None,
    reason: str = "agreed",
    uow: Any = None,
) -> TitleRights:
    """Change the rights of a title."""
    command = ChangeRights(title.id if isinstance(title, Title) else title, edits, reason, key, base)
    return await change_rights(
        actor, command, correlation_id="c1", uow=uow or world.uow, clock=world.clock, ids=world.ids
    )


async def test_a_change_is_recorded_with_before_and_after(world: World) -> None:
    """The next revision, its audit record and its event are one commit; the same key changes nothing more."""
    title = await world.add_title()
    async with world.uow.read() as tx:
        before = await tx.outbox_queue.unsent(1000)
    edits = (AddWindow(window(title, 1)), SetRating(("IN",), "UA"), SetRating(("GB",), "15"))
    book = await change(world, title, *edits)
    assert await change(world, title, *edits) == book
    assert (book.revision, book.recorded_by, book.reason) == (2, "system", "agreed")
    assert rating_for(book, title.maturity, "IN") == ("UA", 12)
    assert rating_for(book, title.maturity, "GB") == ("15", 15)
    [record] = await world.records("rights.change")
    assert (record.resource, json.loads(record.before)["revision"]) == (str(title.id), 1)
    after = json.loads(record.after)
    assert (after["revision"], [item["id"] for item in after["windows"]]) == (2, [str(uid(1))])
    async with world.uow.read() as tx:
        told = (await tx.outbox_queue.unsent(1000))[len(before) :]
        assert await tx.rights.history(title.id) == [
            *[item for item in await tx.rights.history(title.id) if item.revision == 1],
            book,
        ]
    assert [(item.type, json.loads(item.body)) for item in told] == [
        ("rights.changed.v1", {"title_id": str(title.id), "revision": 2})
    ]
    with pytest.raises(IdempotencyMismatch):
        await change(world, title, *edits[:1])


async def test_a_refusal_leaves_nothing(world: World) -> None:
    """An overlap, an unknown title, a missing reason: no revision, no record, no event."""
    title = await world.add_title()
    book = await change(world, title, AddWindow(window(title, 1)))
    with pytest.raises(WindowsOverlap):
        await change(world, title, SetRating(("*",), "A"), AddWindow(window(title, 2)), key="k2")
    with pytest.raises(TitleNotFound):
        await change(world, TitleId(uid(99)), SetRating(("*",), "A"), key="k3")
    with pytest.raises(ReasonMissing):
        await change(world, title, SetRating(("*",), "A"), key="k4", reason=" ")
    with pytest.raises(BadRightsChange, match="own act"):
        await change(world, title, TakeDown(TakedownId(uid(1)), ("*",), "DMCA"), key="k5")
    assert await rights_of(SYSTEM, title.id, uow=world.uow) == book
    assert len(await world.records("rights.change")) == 1


async def test_who_may_change_rights(world: World) -> None:
    """A viewer may not; a manager of India may there, and not worldwide, nor what reaches beyond."""
    title = await world.add_title()
    with pytest.raises(NotPermitted):
        await change(world, title, AddWindow(window(title, 1)), actor=VIEWER)
    manager = await world.staff("content_manager", Scope.territory("IN"))
    here = AddWindow(window(title, 1, territories=("IN",)))
    assert (await change(world, title, here, actor=manager)).revision == 2
    with pytest.raises(NotPermitted):
        await change(world, title, AddWindow(window(title, 2, 10, 20)), key="k2", actor=manager)
    wide = await change(world, title, AddWindow(window(title, 3, 30, 40)), key="k3")
    with pytest.raises(NotPermitted):
        await change(world, title, EndWindow(wide.windows[-1].id, None), key="k4", actor=manager)
    with pytest.raises(NotPermitted):
        await change(world, title, EndLicence(wide.licences[0].id, None), key="k5", actor=manager)
    with pytest.raises(NotPermitted):
        await rights_of(VIEWER, title.id, uow=world.uow)
    assert await rights_of(manager, title.id, uow=world.uow) == wide


async def test_a_change_that_began_from_an_older_revision_is_stopped(world: World) -> None:
    """Whoever edits what somebody else changed meanwhile is told, and loses nothing."""
    title = await world.add_title()
    assert (await change(world, title, SetRating(("*",), "A"), base=1)).revision == 2
    with pytest.raises(BookChanged):
        await change(world, title, SetRating(("*",), "U"), key="k2", base=1)


async def test_two_writers_at_once_never_overlap(world: World) -> None:
    """Of many who add a window of one type at once one succeeds; the others read whose it met."""
    title = await world.add_title()
    tries = [change(world, title, AddWindow(window(title, n)), key=f"k{n}") for n in range(1, 9)]
    done, refused = await race(*tries)
    assert (len(done), {type(error) for error in refused}) == (1, {WindowsOverlap})
    book = await rights_of(SYSTEM, title.id, uow=world.uow)
    assert book is not None
    assert (book.revision, broken_laws(book)) == (2, [])


async def test_two_writers_at_once_never_own_more_than_the_whole(world: World) -> None:
    """Two partners' licences for the same time cannot both be added, nor is either lost by halves."""
    title = await world.add_title(licences=())
    await change(world, title, SetRating(("*",), "U"), key="first")
    adding = [
        AddLicence(world.licence(title.id, id=LicenceId(uid(n)), share=Fraction(1, 5))) for n in range(1, 5)
    ]
    tries = [change(world, title, edit, key=f"k{n}") for n, edit in enumerate(adding)]
    done, refused = await race(*tries)
    assert (len(done), {error.code for error in refused}) == (1, {"rights.ownership_not_whole"})
    book = await rights_of(SYSTEM, title.id, uow=world.uow)
    assert book is not None
    assert (len(book.licences), broken_laws(book)) == (1, [])


async def test_the_laws_hold_whatever_two_writers_edit_at_once(world: World) -> None:
    """Each revision that either of them appends keeps the laws and the past, and none is lost."""
    title = await world.add_title(licences=(), id=TITLE)
    stored: Counter[str] = Counter()

    async def write(name: str) -> None:
        edits = Edits(Random(f"{seed} {name}"), first=1_000 if name == "a" else 2_000)
        for step in range(25):
            book = await rights_of(SYSTEM, title.id, uow=world.uow)
            try:
                await change(world, title, *edits.some(book, world.clock.now()), key=f"{name}{step}")
                stored[name] += 1
            except BuddyError as error:
                stored[error.code] += 1
            world.clock.advance(DAY / 4)

    seed = secrets.randbelow(2**32)
    await asyncio.gather(write("a"), write("b"))
    async with world.uow.read() as tx:
        history: list[TitleRights] = await tx.rights.history(title.id)
    assert [book.revision for book in history] == list(range(1, len(history) + 1)), seed
    assert len(history) in (stored["a"] + stored["b"], stored["a"] + stored["b"] + 1), seed
    assert [fault for book in history for fault in broken_laws(book)] == [], seed
    assert [fault for pair in pairwise(history) for fault in rewritten(*pair)] == [], seed
    assert stored["a"] * stored["b"] > 0, seed


@pytest.mark.parametrize(
    ("port", "method"), [("rights", "append"), ("audit", "append"), ("outbox", "add"), ("receipts", "add")]
)
async def test_a_change_that_breaks_off_leaves_nothing(world: World, port: str, method: str) -> None:
    """A fault after any write leaves neither revision nor record, and the same key may be used again."""
    title = await world.add_title()
    broken = Tampered(world.uow, port, method, after=break_off)
    with pytest.raises(Broken):
        await change(world, title, SetRating(("*",), "A"), uow=broken)
    assert await world.records("rights.change") == []
    assert (await change(world, title, SetRating(("*",), "A"))).revision == 2


@pytest.mark.parametrize(
    ("place", "held", "given", "elsewhere"),
    [
        ("IN", "*", Territories(("*",), tuple(sorted(COUNTRIES - {"IN"}))), "US"),
        ("DE", "EU", ("DE", "EU"), "FR"),
    ],
)
async def test_a_certificate_is_not_lost_beyond_the_reach_of_who_sets_another(
    world: World, place: str, held: str, given: Any, elsewhere: str
) -> None:
    """Who may change one country may not replace a wider certificate, however much they exclude."""
    title = await world.add_title(maturity="U")
    await change(world, title, SetRating((held,), "A"))
    manager = await world.staff("content_manager", Scope.territory(place))
    within = given
    if not isinstance(given, Territories):
        within = Territories(given, tuple(sorted(REGIONS["EU"] - {"DE"})))
    assert within.countries == {place}
    for key, label in (("k2", "U"), ("k3", None)):
        with pytest.raises((NotPermitted, BadRightsChange)):
            await change(world, title, SetRating(within, label), key=key, actor=manager)
    book = await change(world, title, SetRating((place,), "UA"), key="k4", actor=manager)
    assert rating_for(book, "U", elsewhere) == ("A", 18)
    assert rating_for(book, "U", place) == ("UA", 12)


async def test_a_code_that_is_wholly_excluded_touches_no_certificate(world: World) -> None:
    """`*` less `*` names no country, and may not take the worldwide certificate away."""
    title = await world.add_title(maturity="U")
    await change(world, title, SetRating(("*",), "A"))
    with pytest.raises(BadRightsChange, match="no country"):
        await change(world, title, SetRating(Territories(("IN", "*"), ("*",)), "U"), key="k2")
    book = await rights_of(SYSTEM, title.id, uow=world.uow)
    assert book is not None
    assert rating_for(book, "U", "US") == ("A", 18)
