"""The contract of the `ShortIds` port: a class that the tests of every store inherit."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

import pytest
from attrs import evolve

from buddy_core.kernel.errors import Contention
from buddy_core.shortids import (
    DEFAULT_WORDS,
    Assignment,
    Origin,
    ShortId,
    ShortIdAlreadyGiven,
    ShortIdBooks,
    ShortIdPublished,
    ShortIds,
    ShortIdTaken,
    ShortIdUnknown,
    Stock,
    account_in,
    assign_in,
    candidates,
    change_in,
    publish_in,
    resolve_in,
    stock_short_ids,
)

AT = datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=UTC)
LATER = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


class Tx(Protocol):
    """What the contract needs of a transaction."""

    @property
    def shortids(self) -> ShortIds: ...

    @property
    def shortid_books(self) -> ShortIdBooks: ...


class Uow(Protocol):
    """What the contract needs of a unit of work: the kernel's `UnitOfWork[Tx]`."""

    def begin(self) -> AbstractAsyncContextManager[Tx]: ...

    def read(self) -> AbstractAsyncContextManager[Tx]: ...


def target(number: int) -> UUID:
    """Return the internal id of a thing of the tests."""
    return UUID(int=number + 1)


def manual(type: str, text: str, number: int) -> Assignment:
    """Return an assignment by hand."""
    return Assignment(type, ShortId(text), target(number), Origin.MANUAL, AT)


class ShortIdsContract:
    """Inherit, and give a fixture `uow` that answers an empty store."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """Run on asyncio alone."""
        return "asyncio"

    @pytest.mark.anyio
    async def test_assignment_comes_back(self, uow: Uow) -> None:
        """What was added is found by type and folded form, and by target, equal in every field."""
        async with uow.begin() as tx:
            block = await tx.shortids.reserve("film", 64)
            first = candidates(block)[0]
            generated = Assignment(
                "film", ShortId(first.text), target(0), Origin.GENERATED, AT, first.counter
            )
            await tx.shortids.add(generated)
            await tx.shortids.add(manual("film", "l0ve", 1))
        async with uow.read() as tx:
            assert await tx.shortids.find("film", first.text) == generated
            assert await tx.shortids.for_target(target(0)) == generated
            assert await tx.shortids.find("film", "10ve") == manual("film", "l0ve", 1)
            assert await tx.shortids.find("film", "l0ve") is None
            assert await tx.shortids.for_target(target(2)) is None

    @pytest.mark.anyio
    async def test_look_alikes_are_one_id(self, uow: Uow) -> None:
        """An id that differs only in look-alikes is refused, and the transaction can go on."""
        async with uow.begin() as tx:
            await tx.shortids.add(manual("film", "l0ve", 1))
            with pytest.raises(ShortIdTaken) as refused:
                await tx.shortids.add(manual("film", "1ove", 2))
            await tx.shortids.add(manual("film", "hate", 3))
        assert refused.value.facts() == {"type": "film", "short_id": "1ove"}
        async with uow.read() as tx:
            assert await tx.shortids.taken("film", ["10ve", "hate", "free"]) == {"10ve", "hate"}
            assert await tx.shortids.taken("film", []) == set()

    @pytest.mark.anyio
    async def test_types_are_apart(self, uow: Uow) -> None:
        """A film and a genre may have the same id."""
        async with uow.begin() as tx:
            await tx.shortids.add(manual("film", "t9k2", 1))
            await tx.shortids.add(manual("genre", "t9k2", 2))
        async with uow.read() as tx:
            assert (await resolve_in(tx, "film", "T9K2")).target == target(1)
            assert (await resolve_in(tx, "genre", "t9k2")).target == target(2)
            with pytest.raises(ShortIdUnknown):
                await resolve_in(tx, "tag", "t9k2")

    @pytest.mark.anyio
    async def test_one_id_for_each_thing(self, uow: Uow) -> None:
        """A thing that has an id gets no second one; asking again answers the first."""
        async with uow.begin() as tx:
            given = await assign_in(tx, "film", target(1), AT)
            assert await assign_in(tx, "film", target(1), LATER) == given
            with pytest.raises(ShortIdAlreadyGiven):
                await assign_in(tx, "film", target(1), AT, wanted="t9k2")
            with pytest.raises(ShortIdAlreadyGiven):
                await tx.shortids.add(manual("film", "t9k2", 1))

    @pytest.mark.anyio
    async def test_blocks_follow_each_other(self, uow: Uow) -> None:
        """Blocks of a type share one key, never overlap and leave no gap; types have their own keys."""
        async with uow.begin() as tx:
            blocks = [await tx.shortids.reserve("film", size) for size in (3, 64)]
        async with uow.begin() as tx:
            blocks.append(await tx.shortids.reserve("film", 5))
            other = await tx.shortids.reserve("genre", 5)
        assert [(block.start, block.end) for block in blocks] == [(0, 3), (3, 67), (67, 72)]
        assert len({block.key for block in blocks}) == 1
        assert (other.start, other.end) == (0, 5)
        assert other.key != blocks[0].key
        async with uow.read() as tx:
            spaces = await tx.shortid_books.spaces()
        assert [(space.type, space.length, space.counter) for space in spaces] == [
            ("film", 4, 72),
            ("genre", 4, 5),
        ]
        assert spaces[0].key == blocks[0].key

    @pytest.mark.anyio
    async def test_rollback_leaves_nothing(self, uow: Uow) -> None:
        """A transaction that fails keeps neither its ids nor its counters."""

        async def fail() -> None:
            async with uow.begin() as tx:
                await assign_in(tx, "film", target(1), AT)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        async with uow.read() as tx:
            assert await tx.shortids.for_target(target(1)) is None
            assert await tx.shortid_books.spaces() == []

    @pytest.mark.anyio
    async def test_draft_may_change(self, uow: Uow) -> None:
        """Before it is published a thing may get another id, and the old one is free again."""
        async with uow.begin() as tx:
            await assign_in(tx, "film", target(1), AT, wanted="l0ve")
            await assign_in(tx, "film", target(2), AT, wanted="hate")
            with pytest.raises(ShortIdTaken):
                await change_in(tx, target(1), "hate", LATER)
            await change_in(tx, target(1), "love", LATER)
            changed = await change_in(tx, target(1), "t9k2", LATER)
            await assign_in(tx, "film", target(3), LATER, wanted="love")
            with pytest.raises(ShortIdUnknown):
                await change_in(tx, target(9), "abcd", LATER)
        async with uow.read() as tx:
            assert await tx.shortids.for_target(target(1)) == changed
            assert (await resolve_in(tx, "film", "l0ve")).target == target(3)

    @pytest.mark.anyio
    async def test_published_never_changes(self, uow: Uow) -> None:
        """A published id refuses every change; publishing twice keeps the first instant."""
        async with uow.begin() as tx:
            await assign_in(tx, "film", target(1), AT, wanted="t9k2")
            await publish_in(tx, target(1), AT)
            await publish_in(tx, target(1), LATER)
        async with uow.begin() as tx:
            with pytest.raises(ShortIdPublished):
                await change_in(tx, target(1), "abcd", LATER)
            with pytest.raises(ShortIdUnknown):
                await publish_in(tx, target(2), LATER)
            held = await tx.shortids.for_target(target(1))
        assert held == evolve(manual("film", "t9k2", 1), published_at=AT)

    @pytest.mark.anyio
    async def test_stale_rows_are_not_touched(self, uow: Uow) -> None:
        """Removing or publishing what was published, changed or removed meanwhile is contention."""
        draft = manual("film", "t9k2", 1)
        async with uow.begin() as tx:
            await tx.shortids.add(draft)
            await tx.shortids.publish(draft, AT)
        for stale in (draft, manual("film", "abcd", 1), manual("film", "abcd", 2)):
            with pytest.raises(Contention):
                async with uow.begin() as tx:
                    await tx.shortids.remove(stale)
        with pytest.raises(Contention):
            async with uow.begin() as tx:
                await tx.shortids.publish(manual("film", "abcd", 1), AT)

    @pytest.mark.anyio
    async def test_taken_counter_is_passed_over(self, uow: Uow) -> None:
        """An id that was taken by hand after its block was reserved is passed over."""
        stock = Stock()
        await stock_short_ids(uow, stock, "film")
        async with uow.begin() as tx:
            [space] = await tx.shortid_books.spaces()
            following = candidates(await tx.shortids.reserve("film", 64))
            await assign_in(tx, "film", target(1), AT, wanted=following[0].text)
            first = await assign_in(tx, "film", target(2), AT, stock=stock)
        stolen = Stock()
        stolen.put("film", following)
        async with uow.begin() as tx:
            second = await assign_in(tx, "film", target(3), AT, stock=stolen)
        assert space.counter == 64
        assert first.counter is not None
        assert first.counter < 64
        assert second.counter == following[1].counter

    @pytest.mark.anyio
    async def test_crash_gives_up_the_rest(self, uow: Uow) -> None:
        """What a lost stock held is given up, never issued, and counted; nothing comes twice."""
        before, after = Stock(), Stock()
        issued = []
        for stock, numbers in ((before, range(3)), (after, range(3, 8))):
            await stock_short_ids(uow, stock, "film")
            for number in numbers:
                async with uow.begin() as tx:
                    issued.append(await assign_in(tx, "film", target(number), AT, stock=stock))
        async with uow.read() as tx:
            [film] = await account_in(tx)
        assert len({row.folded for row in issued}) == 8
        assert all(row.counter is not None and row.counter >= 64 for row in issued[3:])
        [length] = film.lengths
        assert (length.passed, length.issued, length.by_hand) == (128, 8, 0)
        assert length.given_up == 120 - length.skipped
        assert film.given_up == length.given_up
        assert film.faults == ()

    @pytest.mark.anyio
    async def test_many_at_once(self, uow: Uow) -> None:
        """Tasks that reserve at the same time get different counters, and every id is legal."""

        async def give(number: int) -> Assignment:
            async with uow.begin() as tx:
                return await assign_in(tx, "film", target(number), AT)

        given = await asyncio.gather(*(give(number) for number in range(12)))
        assert len({row.counter for row in given}) == 12
        assert not any(DEFAULT_WORDS.skips(row.short_id.text) for row in given)
        async with uow.read() as tx:
            assert len(await tx.shortid_books.assignments("film")) == 12
