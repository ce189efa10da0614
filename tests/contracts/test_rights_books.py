"""What every store of books of rights, and of what takedowns left owed, does."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve

from buddy_core.entitlements import TOKEN_UNLOCK, Grant, GrantStatus
from buddy_core.kernel import AccountId, Contention, EntryId, GrantId, LicenceId, PartnerId, TitleId
from buddy_core.kernel.ids import TakedownId, WindowId
from buddy_core.rights import (
    AddLicence,
    AddWindow,
    Licence,
    Owed,
    RightsEdit,
    SetRating,
    TakeDown,
    TitleRights,
    Window,
    WindowType,
    revise,
)
from tests.contracts.cases import AT, LATER, Uow, account, race, title, uid

pytestmark = pytest.mark.anyio

TICK = timedelta(microseconds=1)


def first_revision(number: int = 1, partner: int = 1) -> TitleRights:
    """Return a book with one of each thing in it, with thirds and an end."""
    of = title(number)
    halves = [
        Licence(
            LicenceId(uid(10 * number + n)),
            of,
            PartnerId(uid(partner + n)),
            Fraction(1, 3),
            ("EU",),
            AT,
            LATER,
            part,
        )
        for n, part in enumerate((Fraction(1, 3), Fraction(2, 3)))
    ]
    window = Window(WindowId(uid(1)), of, WindowType.SVOD, ("*",), AT, None, ("gold",))
    edits: tuple[RightsEdit, ...] = (
        *map(AddLicence, halves),
        AddWindow(window),
        SetRating(("IN",), "UA"),
        TakeDown(TakedownId(uid(1)), ("AE",), "Hinweis, „§ 7“"),
    )
    return revise(None, edits, title_id=of, at=AT, by="me", reason="agreed")


def next_revision(book: TitleRights, **changes: Any) -> TitleRights:
    """Return a book's next revision with another certificate."""
    made = revise(
        book, [SetRating(("GB",), "15")], title_id=book.title_id, at=LATER, by="you", reason="certified"
    )
    return evolve(made, **changes)


async def append(uow: Uow, *books: TitleRights) -> None:
    """Store revisions in one transaction."""
    async with uow.begin() as tx:
        for book in books:
            await tx.rights.append(book)


async def test_a_revision_comes_back_as_it_was(uow: Uow) -> None:
    """Thirds, ends, tiers, notices: everything; the last one is the book, and all are its history."""
    first = first_revision()
    second = next_revision(first)
    await append(uow, first, second)
    async with uow.read() as tx:
        assert await tx.rights.of_titles([title(1), title(2)]) == {title(1): second}
        assert await tx.rights.history(title(1)) == [first, second]
        assert await tx.rights.history(title(2)) == []
        assert await tx.rights.of_titles([]) == {}


async def test_what_was_known_is_the_last_revision_recorded_by_then(uow: Uow) -> None:
    """To the microsecond: at its instant a revision is known, before it the one before is."""
    first = first_revision()
    await append(uow, first, next_revision(first))
    async with uow.read() as tx:
        for known_at, revision in ((AT - TICK, None), (AT, 1), (LATER - TICK, 1), (LATER, 2)):
            found = await tx.rights.of_titles([title(1)], known_at)
            assert (found[title(1)].revision if found else None) == revision


async def test_of_two_next_revisions_one_is_stored(uow: Uow) -> None:
    """Whoever appends the same revision second is told to try again; the first one stands."""
    first = first_revision()
    await append(uow, first)
    tries = [append(uow, next_revision(first, recorded_by=f"writer {n}")) for n in range(4)]
    done, refused = await race(*tries)
    assert (len(done), {type(error) for error in refused}) == (1, {Contention})
    async with uow.read() as tx:
        assert len(await tx.rights.history(title(1))) == 2


async def test_a_partner_has_the_titles_that_they_licensed(uow: Uow) -> None:
    """In title order, with their last revision; of nobody else."""
    mine, other = first_revision(1, partner=1), first_revision(2, partner=2)
    await append(uow, other, mine, next_revision(mine))
    async with uow.read() as tx:
        assert [(book.title_id, book.revision) for book in await tx.rights.of_partner(PartnerId(uid(2)))] == [
            (title(1), 2),
            (title(2), 1),
        ]
        assert [book.title_id for book in await tx.rights.of_partner(PartnerId(uid(1)))] == [title(1)]
        assert await tx.rights.of_partner(PartnerId(uid(9))) == []


def owed(origin: int, takedown: int = 1, **changes: Any) -> Owed:
    """Return a row of what is owed."""
    row = Owed(
        takedown_id=TakedownId(uid(takedown)),
        origin_id=GrantId(uid(origin)),
        grant_id=GrantId(uid(origin + 100)),
        account_id=account(origin),
        title_id=title(1),
        kind="rental",
        country="IN",
        tokens=3,
        entry_id=EntryId(uid(origin + 200)),
        source="",
        recorded_at=AT,
    )
    return evolve(row, **changes)


async def test_what_is_owed_is_kept_once_an_origin(uow: Uow) -> None:
    """The same again is left out, whoever holds it by then and whatever stops it; pages go by origin."""
    bare = owed(2, country=None, tokens=None, entry_id=None, source="order „7“")
    async with uow.begin() as tx:
        assert await tx.owed.add([owed(3), owed(1), bare]) == 3
        assert await tx.owed.add([]) == 0
    async with uow.begin() as tx:
        assert await tx.owed.add([owed(1, account_id=account(9)), owed(1, takedown=2), owed(4)]) == 1
        assert await tx.owed.known([GrantId(uid(number)) for number in (1, 4, 5)]) == {uid(1), uid(4)}
        assert await tx.owed.known([]) == set()
    async with uow.begin() as tx:
        assert await tx.owed.add([owed(5, takedown=2)]) == 1
        assert await tx.owed.add([owed(4, takedown=2)]) == 0
    async with uow.read() as tx:
        first = await tx.owed.of_takedown(TakedownId(uid(1)), after=None, limit=2)
        rest = await tx.owed.of_takedown(TakedownId(uid(1)), after=first[-1].origin_id, limit=9)
        assert (first, rest) == ([owed(1), bare], [owed(3), owed(4)])
        assert await tx.owed.of_takedown(TakedownId(uid(3)), after=None, limit=9) == []


async def test_grants_are_found_by_what_they_are_of(uow: Uow) -> None:
    """Of any of the titles named, whoever holds them, a page at a time in id order."""

    def grant(number: int, of: TitleId, who: AccountId) -> Grant:
        id = GrantId(uid(number))
        return Grant(id, id, who, of, TOKEN_UNLOCK, GrantStatus.ACTIVE, AT, AT, None, EntryId(uid(number)))

    made = [grant(n, title(n % 3), account(n)) for n in range(1, 10)]
    async with uow.begin() as tx:
        await tx.grants.add(made)
        # Within the same transaction, too.
        assert len(await tx.title_grants.of_titles([title(1)], after=None, limit=9)) == 3
    async with uow.read() as tx:
        first = await tx.title_grants.of_titles([title(1), title(2)], after=None, limit=4)
        rest = await tx.title_grants.of_titles([title(1), title(2)], after=first[-1].id, limit=9)
    assert [*first, *rest] == [item for item in made if item.title_id != title(0)]
