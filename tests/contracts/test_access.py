"""The contracts of the `Assignments`, `AuditLog` and `AuditBooks` ports."""

from __future__ import annotations

import pytest
from attrs import evolve

from buddy_core.access import SYSTEM, Assignment, AuditRecord, Change, record_in
from buddy_core.kernel import GENESIS, Contention, PartnerId
from tests.contracts.cases import AT, LATER, Uow, account, race, uid

pytestmark = pytest.mark.anyio


def record(number: int, after: AuditRecord | None = None, what: str = "x") -> AuditRecord:
    """Return an audit record that follows another."""
    previous = after.hash if after else GENESIS
    return AuditRecord(
        number, AT, "system", "token_value.set", "bonus", "null", f'"{what}"', "cor-1", previous
    )


async def append(uow: Uow, item: AuditRecord) -> None:
    """Append in a transaction of its own."""
    async with uow.begin() as tx:
        await tx.audit.append(item)


async def test_roles_come_back(uow: Uow) -> None:
    """An account's assignments are found, scoped ones with their partner; unknown accounts have none."""
    admin = Assignment(account(1), "admin")
    scoped = [Assignment(account(1), "producer", PartnerId(uid(number))) for number in (1, 2)]
    async with uow.begin() as tx:
        for item in (*scoped, admin, Assignment(account(2), "admin")):
            await tx.assignments.add(item)
    async with uow.read() as tx:
        assert set(await tx.assignments.of(account(1))) == {admin, *scoped}
        assert await tx.assignments.of(account(3)) == []


async def test_the_same_role_again_changes_nothing(uow: Uow) -> None:
    """An assignment that exists, scoped or not, can be added again, in the same transaction or later."""
    items = [Assignment(account(1), "admin"), Assignment(account(1), "producer", PartnerId(uid(1)))]
    for _ in range(2):
        async with uow.begin() as tx:
            for item in (*items, *items):
                await tx.assignments.add(item)
    async with uow.read() as tx:
        assert sorted(item.role for item in await tx.assignments.of(account(1))) == ["admin", "producer"]


async def test_the_audit_is_one_chain(uow: Uow) -> None:
    """Records come back with every column, so their hashes chain; the last one is known."""
    async with uow.begin() as tx:
        assert await tx.audit.last() is None
        changes = [Change("period.close", f"newtact:{n}", None, {"n": n}, f"cor-{n}") for n in range(3)]
        made = [await record_in(tx, SYSTEM, change, LATER) for change in changes]
    async with uow.read() as tx:
        assert await tx.audit.last() == made[-1]
        records, hashes, faults = await tx.audit_books.records()
    assert records == made
    assert hashes == [item.hash for item in made]
    assert [item.previous_hash for item in records] == [GENESIS, *hashes[:-1]]
    assert faults == []


async def test_the_audit_is_read_newest_first(uow: Uow) -> None:
    """`before` is exclusive, `limit` an upper bound."""
    last: AuditRecord | None = None
    async with uow.begin() as tx:
        for number in range(1, 6):
            last = record(number, last)
            await tx.audit.append(last)
    async with uow.read() as tx:
        pages = [
            [item.sequence for item in await tx.audit.newest(before=before, limit=2)]
            for before in (None, 4, 2, 1)
        ]
    assert pages == [[5, 4], [3, 2], [1], []]


async def test_a_place_in_the_audit_is_taken_once(uow: Uow) -> None:
    """A record whose sequence exists is contention, and the first stays."""
    first = record(1)
    await append(uow, first)
    with pytest.raises(Contention):
        await append(uow, evolve(first, after='"y"'))
    async with uow.read() as tx:
        assert await tx.audit.newest(before=None, limit=9) == [first]


async def test_of_two_appenders_one_loses(uow: Uow) -> None:
    """Two transactions that append after the same record at once: one stands, one gets Contention."""
    first = record(1)
    await append(uow, first)
    _, refusals = await race(append(uow, record(2, first, "a")), append(uow, record(2, first, "b")))
    assert [type(error) for error in refusals] == [Contention]
    async with uow.read() as tx:
        assert len(await tx.audit.newest(before=None, limit=9)) == 2
