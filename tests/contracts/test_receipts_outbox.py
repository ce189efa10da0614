"""The contracts of the `Receipts`, `Outbox` and `OutboxQueue` ports, and of `once` over them."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from buddy_adapters.system import SettableClock
from buddy_core.kernel import (
    Contention,
    Envelope,
    EventId,
    Receipt,
    RequestKey,
    canonical_bytes,
    once,
    request_key,
)
from tests.contracts.cases import AT, LATER, Uow, account, earned, race, uid

pytestmark = pytest.mark.anyio


def receipt(key: str, scope: str = "unlock:1", result: bytes = b"{}") -> Receipt:
    """Return a receipt."""
    return Receipt(RequestKey(scope, key, bytes(range(32))), result, AT)


def wrapped(number: int, at: datetime) -> Envelope:
    """Return an event in its envelope."""
    return Envelope(EventId(uid(number)), "tokens.spent.v1", f"subject-{number}", at, b'{"n":%d}' % number)


async def test_a_receipt_comes_back(uow: Uow) -> None:
    """A receipt is found by scope and key with every field, any bytes as its result among them."""
    stored = receipt("clé \U0001f511", result=bytes(range(256)))
    async with uow.begin() as tx:
        await tx.receipts.add(stored)
        assert await tx.receipts.find("unlock:1", "clé \U0001f511") == stored
    async with uow.read() as tx:
        assert await tx.receipts.find("unlock:1", "clé \U0001f511") == stored
        assert await tx.receipts.find("unlock:2", "clé \U0001f511") is None
        assert await tx.receipts.find("unlock:1", "CLÉ \U0001f511") is None


async def test_a_key_is_used_once_in_its_scope(uow: Uow) -> None:
    """A second receipt of one scope and key is contention; in another scope it is another request."""
    async with uow.begin() as tx:
        await tx.receipts.add(receipt("key"))
        await tx.receipts.add(receipt("key", scope="unlock:2"))
    with pytest.raises(Contention):
        async with uow.begin() as tx:
            await tx.receipts.add(receipt("key", result=b"other"))
    async with uow.read() as tx:
        assert await tx.receipts.find("unlock:1", "key") == receipt("key")


async def test_a_long_key_fits(uow: Uow) -> None:
    """A key of 255 characters, the longest allowed, is stored whole."""
    async with uow.begin() as tx:
        await tx.receipts.add(receipt("k" * 255))
    async with uow.read() as tx:
        assert await tx.receipts.find("unlock:1", "k" * 255) is not None


async def test_once_without_a_lock_is_one_effect(uow: Uow) -> None:
    """Six concurrent `once` with one key and no lock: the work stands once, all get the same answer."""
    request = request_key("grant", "same", ["command"])
    runs = 0

    async def work(tx: Any, at: datetime) -> int:
        nonlocal runs
        runs += 1
        number = runs
        wallet = (await tx.wallets.load([account(1)]))[account(1)]
        await asyncio.sleep(0)
        await tx.wallets.append([earned(wallet, 1, number)])
        return number

    answers, refusals = await race(
        *(once(uow, request, SettableClock(AT), work, encode=canonical_bytes, decode=int) for _ in range(6))
    )
    assert refusals == []
    assert len(set(answers)) == 1
    async with uow.read() as tx:
        assert len(await tx.entries.of_account(account(1), before=None, limit=9)) == 1


async def test_an_empty_outbox_has_nothing_to_send(uow: Uow) -> None:
    """No envelope, or none added, means nothing unsent; marking nothing or the unknown is no error."""
    async with uow.begin() as tx:
        await tx.outbox.add([])
        await tx.outbox_queue.mark_sent([], AT)
        await tx.outbox_queue.mark_sent([EventId(uid(9))], AT)
        assert await tx.outbox_queue.unsent(10) == []


async def test_unsent_envelopes_come_oldest_first(uow: Uow) -> None:
    """Envelopes come back whole, oldest first, never more than asked for."""
    made = [wrapped(number, AT + timedelta(seconds=number)) for number in range(4)]
    async with uow.begin() as tx:
        await tx.outbox.add([made[2], made[0]])
        await tx.outbox.add([made[3], made[1]])
    async with uow.read() as tx:
        assert await tx.outbox_queue.unsent(10) == made
        assert await tx.outbox_queue.unsent(2) == made[:2]


async def test_what_was_sent_is_not_sent_again(uow: Uow) -> None:
    """A marked envelope is gone from the queue; marking it twice changes nothing; others stay."""
    made = [wrapped(number, AT) for number in range(3)]
    async with uow.begin() as tx:
        await tx.outbox.add(made)
    for _ in range(2):
        async with uow.begin() as tx:
            await tx.outbox_queue.mark_sent([made[0].id, made[2].id], LATER)
    async with uow.read() as tx:
        assert await tx.outbox_queue.unsent(10) == [made[1]]


async def test_an_older_envelope_that_commits_later_is_sent(uow: Uow) -> None:
    """An envelope dated before one that was sent already is still found: the queue knows no position."""
    old, new = wrapped(1, AT), wrapped(2, LATER)
    for item in (new, old):
        async with uow.begin() as tx:
            await tx.outbox.add([item])
        async with uow.begin() as tx:
            assert await tx.outbox_queue.unsent(10) == [item]
            await tx.outbox_queue.mark_sent([item.id], LATER)
