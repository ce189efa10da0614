"""The contracts of the `Grants` and `GrantBooks` ports."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from buddy_core.entitlements import Grant, GrantChange, GrantKind, GrantStatus, merge_grants
from buddy_core.kernel import Contention
from tests.contracts.cases import AT, LATER, Uow, account, grant, race, title

pytestmark = pytest.mark.anyio


async def add(uow: Uow, *grants: Grant) -> None:
    """Add grants in a transaction of its own."""
    async with uow.begin() as tx:
        await tx.grants.add(grants)


async def of_account(uow: Uow, number: int) -> list[Grant]:
    """Return an account's grants as stored."""
    async with uow.read() as tx:
        return list(await tx.grants.of_account(account(number)))


async def test_grants_come_back_oldest_first(uow: Uow) -> None:
    """Every field is read back; age goes by when access was granted, not by when the row was written."""
    young = grant(1, account(1), title(1))
    old = grant(2, account(1), title(2), granted_at=AT - timedelta(days=1), recorded_at=LATER)
    limited = grant(
        3,
        account(1),
        title(3),
        granted_at=LATER,
        kind=GrantKind.GIFT,
        ends_at=LATER + timedelta(days=2),
        reopened_at=LATER + timedelta(days=1),
    )
    other = grant(4, account(2), title(1))
    await add(uow, young, old, limited)
    await add(uow, other)
    await add(uow)
    assert await of_account(uow, 1) == [old, young, limited]
    assert await of_account(uow, 2) == [other]
    assert await of_account(uow, 3) == []


async def test_grants_can_be_asked_for_by_title(uow: Uow) -> None:
    """Named titles limit the answer; no title named answers none."""
    mine = [grant(number, account(1), title(number)) for number in range(3)]
    await add(uow, *mine)
    async with uow.read() as tx:
        assert await tx.grants.of_account(account(1), [title(1), title(9)]) == [mine[1]]
        assert await tx.grants.of_account(account(1), []) == []


async def test_one_active_unlock_of_a_title(uow: Uow) -> None:
    """A second active token unlock of the same account and title is contention and leaves nothing."""
    first = grant(1, account(1), title(1))
    await add(uow, first)
    with pytest.raises(Contention):
        await add(uow, grant(2, account(1), title(2)), grant(3, account(1), title(1)))
    assert await of_account(uow, 1) == [first]


async def test_other_kinds_and_ended_unlocks_do_not_clash(uow: Uow) -> None:
    """Only active token unlocks exclude each other: a gift beside one is fine, a superseded one too."""
    grants = [
        grant(1, account(1), title(1)),
        grant(2, account(1), title(1), kind=GrantKind.GIFT),
        grant(3, account(1), title(1), kind=GrantKind.GIFT),
        grant(4, account(1), title(1), status=GrantStatus.SUPERSEDED),
    ]
    await add(uow, *grants)
    assert {item.id for item in await of_account(uow, 1)} == {item.id for item in grants}


async def test_a_change_shows_and_frees_the_title(uow: Uow) -> None:
    """A superseded unlock reads as superseded, and another may take its place in the same transaction."""
    first = grant(1, account(1), title(1))
    second = grant(2, account(1), title(1), granted_at=LATER)
    await add(uow, first)
    async with uow.begin() as tx:
        change = GrantChange(first.id, GrantStatus.SUPERSEDED, LATER, "merge", second.id)
        await tx.grants.change([change])
        await tx.grants.change([])
        await tx.grants.add([second])
    assert await of_account(uow, 1) == [evolve(first, status=GrantStatus.SUPERSEDED), second]


async def test_a_refunded_grant_has_no_successor(uow: Uow) -> None:
    """It reads as refunded, frees its title for another unlock, and its change names nothing in its place."""
    first, second = grant(1, account(1), title(1)), grant(2, account(1), title(1), granted_at=LATER)
    await add(uow, first)
    ended = GrantChange(first.id, GrantStatus.REFUNDED, LATER, "refund", None)
    async with uow.begin() as tx:
        await tx.grants.change([ended])
    await add(uow, second)
    assert await of_account(uow, 1) == [evolve(first, status=GrantStatus.REFUNDED), second]
    async with uow.read() as tx:
        assert list((await tx.grant_books.all()).changes) == [ended]


async def test_a_grant_changes_once(uow: Uow) -> None:
    """A second change of a grant is contention, later or in the same call, and so is one of no grant."""
    first, second = grant(1, account(1), title(1)), grant(2, account(1), title(2))
    moved = GrantChange(first.id, GrantStatus.TRANSFERRED, LATER, "merge", second.id)
    lost = GrantChange(first.id, GrantStatus.SUPERSEDED, LATER + timedelta(hours=1), "merge", second.id)
    nobody = evolve(moved, grant_id=grant(9, account(1), title(1)).id)
    await add(uow, first, second)
    for refused in ([moved, lost], [nobody]):
        await _is_refused(uow, refused)
    assert await of_account(uow, 1) == [first, second]
    async with uow.begin() as tx:
        await tx.grants.change([moved])
    await _is_refused(uow, [lost])
    assert await of_account(uow, 1) == [evolve(first, status=GrantStatus.TRANSFERRED), second]
    async with uow.read() as tx:
        assert list((await tx.grant_books.all()).changes) == [moved]


async def _is_refused(uow: Uow, changes: list[GrantChange]) -> None:
    with pytest.raises(Contention):
        async with uow.begin() as tx:
            await tx.grants.change(changes)


async def test_what_a_merge_decides_can_be_stored(uow: Uow) -> None:
    """Changes first, then the new grants: the order that `merge_grants` gives breaks no rule of the store."""
    older = grant(1, account(1), title(1), granted_at=AT - timedelta(days=1))
    moving = grant(2, account(1), title(2))
    twin = grant(3, account(2), title(1))
    await add(uow, older, moving, twin)
    merged = merge_grants([older, moving], [twin], account(2), LATER)
    async with uow.begin() as tx:
        await tx.grants.change(merged.changes)
        await tx.grants.add(merged.grants)
    assert {item.status for item in await of_account(uow, 1)} == {GrantStatus.TRANSFERRED}
    target = await of_account(uow, 2)
    assert {item.origin_id: item.status for item in target} == {
        older.id: GrantStatus.ACTIVE,
        moving.id: GrantStatus.ACTIVE,
        twin.id: GrantStatus.SUPERSEDED,
    }
    async with uow.read() as tx:
        records = await tx.grant_books.all()
    assert set(records.grants) == {*target, *await of_account(uow, 1)}
    assert set(records.changes) == set(merged.changes)
    assert len(records.changes) == 3
    assert list(records.unreadable) == []


async def test_of_two_unlocks_at_once_one_loses(uow: Uow) -> None:
    """Concurrent unlocks of one title by one account: one stands, the others get Contention."""
    _, refusals = await race(*(add(uow, grant(number, account(1), title(1))) for number in range(6)))
    assert [type(error) for error in refusals] == [Contention] * 5
    assert len(await of_account(uow, 1)) == 1
