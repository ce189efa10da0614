"""The contract of the `Inputs` port: facts and terms from outside, numbered, and only ever added to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from buddy_core.kernel import Contention, EntityId
from buddy_core.royalty import Input, InputHead, InputKind
from tests.contracts.cases import AT, NEWTACT, Uow, race

pytestmark = pytest.mark.anyio

OTHER = EntityId("other")


def item(sequence: int, kind: InputKind = InputKind.FACTS, key: str = "", **changes: Any) -> Input:
    """Return facts of October, or terms, each with bytes of its own."""
    values: dict[str, Any] = {
        "entity": NEWTACT,
        "month": "2026-10" if kind is InputKind.FACTS else "",
        "body": f'{{"sales":[],"of":"{sequence}"}}'.encode(),
        "at": AT + timedelta(seconds=sequence),
    }
    return Input(sequence=sequence, kind=kind, key=key or f"file {sequence}", **{**values, **changes})


async def add(uow: Uow, *items: Input) -> None:
    """Store inputs in a transaction of their own."""
    async with uow.begin() as tx:
        for one in items:
            await tx.royalty_inputs.add(one)


async def test_an_empty_store_has_none(uow: Uow) -> None:
    """Before the first input nothing is found, and the last sequence is 0."""
    async with uow.read() as tx:
        assert await tx.royalty_inputs.last(NEWTACT) == 0
        assert await tx.royalty_inputs.find(NEWTACT, InputKind.FACTS, "x") is None
        assert await tx.royalty_inputs.facts(NEWTACT) == []
        assert await tx.royalty_inputs.terms(NEWTACT) == []


async def test_what_was_stored_comes_back(uow: Uow) -> None:
    """Every field comes back, whatever is in the key and the bytes; in the same transaction as well."""
    odd = item(1, key="S\u00e4les \u2013 \U0001f600 'x' %", body=b"\x00\xff{}\n")
    async with uow.begin() as tx:
        await tx.royalty_inputs.add(odd)
        assert await tx.royalty_inputs.facts(NEWTACT) == [odd]
        assert await tx.royalty_inputs.last(NEWTACT) == 1
    async with uow.read() as tx:
        assert await tx.royalty_inputs.find(NEWTACT, InputKind.FACTS, odd.key) == odd


async def test_entities_count_apart(uow: Uow) -> None:
    """Each entity has sequences, facts and terms of its own."""
    mine, theirs = item(1, key="a"), item(1, key="a", entity=OTHER)
    await add(uow, mine, theirs, item(2, InputKind.POOL, "*", entity=OTHER))
    async with uow.read() as tx:
        assert (await tx.royalty_inputs.last(NEWTACT), await tx.royalty_inputs.last(OTHER)) == (1, 2)
        assert await tx.royalty_inputs.facts(NEWTACT) == [mine]
        assert await tx.royalty_inputs.find(OTHER, InputKind.FACTS, "a") == theirs
        assert await tx.royalty_inputs.terms(NEWTACT) == []


async def test_a_place_is_taken_once(uow: Uow) -> None:
    """A sequence that is there is contention, and what is there stays."""
    await add(uow, item(1))
    for again in (item(1), item(1, InputKind.POOL, "*")):
        with pytest.raises(Contention):
            await add(uow, again)
    async with uow.read() as tx:
        assert await tx.royalty_inputs.facts(NEWTACT) == [item(1)]


async def test_of_many_at_once_one_has_the_place(uow: Uow) -> None:
    """Of five who take the same sequence one is stored, and the others begin again."""
    _, refusals = await race(*(add(uow, item(1, key=f"f{place}")) for place in range(5)))
    assert [type(error) for error in refusals] == [Contention] * 4
    async with uow.read() as tx:
        assert await tx.royalty_inputs.last(NEWTACT) == 1


async def test_the_newest_of_a_key_is_found(uow: Uow) -> None:
    """Of one kind and key the last is found; the same key of another kind is another thing."""
    await add(
        uow,
        item(1, InputKind.ACCOUNT, "gold"),
        item(2, InputKind.POOL, "gold"),
        item(3, InputKind.ACCOUNT, "gold"),
        item(4, InputKind.LICENCE, "gold"),
        item(5, key="gold"),
    )
    async with uow.read() as tx:
        found = [await tx.royalty_inputs.find(NEWTACT, kind, "gold") for kind in InputKind]
        assert await tx.royalty_inputs.find(NEWTACT, InputKind.POOL, "Gold") is None
    assert [one.sequence for one in found if one] == [5, 4, 3, 2]


async def test_facts_come_in_order(uow: Uow) -> None:
    """Facts of one month or of all, after one sequence and up to another; terms are not among them."""
    await add(
        uow,
        item(1),
        item(2, InputKind.POOL, "*"),
        item(3, month="2026-09"),
        item(4),
        item(5, month="2026-11", body=b"null"),
    )
    async with uow.read() as tx:
        facts = tx.royalty_inputs.facts

        async def numbers(**limits: Any) -> list[int]:
            return [one.sequence for one in await facts(NEWTACT, **limits)]

        assert await numbers() == [1, 3, 4, 5]
        assert await numbers(month="2026-10") == [1, 4]
        assert await numbers(since=1) == [3, 4, 5]
        assert await numbers(until=4) == [1, 3, 4]
        assert await numbers(month="2026-10", since=1, until=4) == [4]
        assert await numbers(until=0) == []
        assert await numbers(month="2026-12") == []


async def test_facts_are_told_of_without_their_bodies(uow: Uow) -> None:
    """Heads have what `facts` has but the bodies: how many facts, how many bytes, and whether they came."""
    body = b'{"sales":[{"id":"a"},{"id":"b"}],"rates":[{}]}'
    await add(
        uow,
        item(1, body=body),
        item(2, InputKind.POOL, "*"),
        item(3, month="2026-09", body=b"null"),
        item(4, body=b"{}\n "),
        item(5, body=b"\x00\xff"),
    )
    async with uow.read() as tx:
        heads = tx.royalty_inputs.heads
        found = await heads(NEWTACT)
        for limits in ({}, {"month": "2026-10"}, {"since": 1}, {"until": 3}, {"since": 1, "until": 4}):
            read = [InputHead.of(one) for one in await tx.royalty_inputs.facts(NEWTACT, **limits)]
            assert await heads(NEWTACT, **limits) == read
        assert await heads(OTHER) == []
    assert [(one.facts, one.size, one.is_awaited) for one in found] == [
        (3, len(body), False),
        (0, 4, True),
        (0, 4, False),
        (0, 2, False),
    ]
    assert (found[0].key, found[0].month, found[0].at) == ("file 1", "2026-10", item(1).at)


async def test_a_file_of_many_megabytes_is_one_row(uow: Uow) -> None:
    """What the largest files become, a hundred here, comes back whole, and is told of without being read."""
    large = (
        b'{"ads":['
        + b'{"id":"0123456789","gross":100,"territory":"IN","currency":"INR","of":"0123456789012"},\n'
        * 999_999
        + b'{"id":"last"}]}'
    )
    await add(uow, item(1, body=large))
    async with uow.read() as tx:
        [head] = await tx.royalty_inputs.heads(NEWTACT)
        assert (head.facts, head.size) == (1_000_000, len(large))
        [found] = await tx.royalty_inputs.facts(NEWTACT)
    assert found.body == large


async def test_terms_are_the_newest_of_each_key(uow: Uow) -> None:
    """By kind and key, those that were taken away as well, and no facts."""
    gone = item(5, InputKind.LICENCE, "L-1", body=b"null")
    await add(
        uow,
        item(1, InputKind.POOL, "b"),
        item(2, InputKind.POOL, "a"),
        item(3, InputKind.LICENCE, "L-1"),
        item(4, InputKind.POOL, "b"),
        gone,
        item(6, key="b"),
        item(7, InputKind.ACCOUNT, "z"),
        item(8, InputKind.ACCOUNT, "Zz"),
        item(9, InputKind.ACCOUNT, "\u00e4"),
    )
    async with uow.read() as tx:
        found = await tx.royalty_inputs.terms(NEWTACT)
    assert [(one.kind.value, one.key, one.sequence) for one in found] == [
        ("account", "Zz", 8),
        ("account", "z", 7),
        ("account", "\u00e4", 9),
        ("licence", "L-1", 5),
        ("pool", "a", 2),
        ("pool", "b", 4),
    ]
    assert found[3] == gone


async def test_what_failed_is_not_there(uow: Uow) -> None:
    """An input of a transaction that ends in an error is not stored, and its place is free."""

    async def fail() -> None:
        async with uow.begin() as tx:
            await tx.royalty_inputs.add(item(1))
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    await add(uow, item(1))
