"""The contract of the unit of work: all or nothing, one snapshot a reader, and writers that wait."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_core.accounts import Account, AccountType
from buddy_core.ads import Cap
from buddy_core.flags import DEFAULTS
from buddy_core.kernel import Contention, Envelope, EventId, Receipt, RequestKey
from buddy_core.playback import Position
from buddy_core.royalty import ClosedMonth, Input, InputKind, TokenSpend
from buddy_core.tokens import BONUS, Wallet
from tests.contracts.cases import (
    AT,
    LATER,
    NEWTACT,
    Uow,
    account,
    earned,
    grant,
    post,
    race,
    spent,
    title,
    uid,
    version_of,
)

pytestmark = pytest.mark.anyio

ENVELOPE = Envelope(EventId(uid(1)), "tokens.earned.v1", "subject", AT, b"{}")
RECEIPT = Receipt(RequestKey("scope", "key", bytes(32)), b"1", AT)
CAP = Cap("account", "a", "2026-11-21", 1)


async def write_everywhere(tx: Any, wallet: Wallet) -> None:
    """Write to the stores that an unlock and its neighbours write to."""
    posted = spent(wallet, 2, 77)
    await tx.wallets.append([posted])
    await tx.grants.add([grant(1, account(1), title(1))])
    fact = TokenSpend(posted.entry.id, "bonus", 2, 1, "INR", 100, title(1), NEWTACT, "IN", AT)
    await tx.token_spends.add([fact])
    await tx.statements.close(ClosedMonth(NEWTACT, "2026-09", AT - timedelta(days=40), 0, b"{}", b"{}"), [])
    await tx.royalty_inputs.add(Input(NEWTACT, 1, InputKind.POOL, "*", "", b"{}", AT))
    await tx.accounts.add(Account(account(9), AccountType.GUEST, AT))
    await tx.token_values.add(version_of(BONUS, 1))
    await tx.reward_counters.take([CAP])
    await tx.positions.save([Position(account(1), title(1), 5, AT)])
    await tx.flags.set("live.enabled", True)
    await tx.outbox.add([ENVELOPE])
    await tx.receipts.add(RECEIPT)


async def state(uow: Uow) -> list[Any]:
    """Return what `write_everywhere` would have changed."""
    async with uow.read() as tx:
        wallet = (await tx.wallets.load([account(1)]))[account(1)]
        return [
            (wallet.sequence, wallet.head, sorted(item.remaining for item in wallet.lots)),
            len(await tx.entries.of_account(account(1), before=None, limit=9)),
            await tx.grants.of_account(account(1)),
            await tx.token_spends.first_at(NEWTACT, None),
            await tx.statements.months(NEWTACT),
            await tx.royalty_inputs.last(NEWTACT),
            await tx.accounts.get(account(9)),
            await tx.token_values.of_kind(BONUS),
            await tx.reward_counters.peek([CAP]),
            await tx.positions.of_account(account(1)),
            await tx.flags.all() == dict(DEFAULTS),
            await tx.outbox_queue.unsent(9),
            await tx.receipts.find("scope", "key"),
        ]


async def test_every_store_has_the_same_ports(uow: Uow) -> None:
    """A transaction of any store has the attributes that one in memory has, and no port besides."""
    async with MemoryUnitOfWork().read() as reference, uow.read() as tx:
        assert set(vars(tx)) - {"connection", "writes"} == set(vars(reference))


async def test_a_clean_end_commits(uow: Uow) -> None:
    """What a transaction wrote is there for the next, and for itself before it ends."""
    base = earned(Wallet(account(1)), 5, 1)
    await post(uow, [base])
    before = await state(uow)
    async with uow.begin() as tx:
        await write_everywhere(tx, base.wallet)
        assert await tx.receipts.find("scope", "key") == RECEIPT
        assert await tx.grants.of_account(account(1)) == [grant(1, account(1), title(1))]
    after = await state(uow)
    assert all(old != new for old, new in zip(before, after, strict=True))


async def test_an_exception_leaves_nothing(uow: Uow) -> None:
    """A transaction that ends in any exception changes no store, and the same work can be done again."""
    base = earned(Wallet(account(1)), 5, 1)
    await post(uow, [base])
    before = await state(uow)

    async def fail(error: type[BaseException]) -> None:
        async with uow.begin() as tx:
            await write_everywhere(tx, base.wallet)
            raise error("wallet")

    for error in (ZeroDivisionError, Contention, asyncio.CancelledError):
        with pytest.raises(error):
            await fail(error)
        assert await state(uow) == before
    async with uow.begin() as tx:
        await write_everywhere(tx, base.wallet)
    assert await state(uow) != before


async def test_a_row_written_twice_goes_back_to_what_was_committed(uow: Uow) -> None:
    """A failed transaction that changed one row several times leaves the row of the last commit."""

    async def save(tx: Any, *minutes: int) -> None:
        for count in minutes:
            at = AT + timedelta(minutes=count)
            await tx.positions.save([Position(account(1), title(1), count, at)])

    async def fail() -> None:
        async with uow.begin() as tx:
            await save(tx, 2, 3, 4)
            raise ZeroDivisionError

    async with uow.begin() as tx:
        await save(tx, 1)
    with pytest.raises(ZeroDivisionError):
        await fail()
    async with uow.read() as tx:
        found = await tx.positions.of_account(account(1))
    assert found[title(1)].position_ms == 1


async def test_a_cancelled_writer_leaves_nothing_and_blocks_nobody(uow: Uow) -> None:
    """A task that is cancelled inside its transaction is rolled back, and the next writer can go on."""
    base = earned(Wallet(account(1)), 5, 1)
    await post(uow, [base])
    before = await state(uow)
    written = asyncio.Event()

    async def write() -> None:
        async with uow.begin() as tx:
            await write_everywhere(tx, base.wallet)
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await state(uow) == before
    async with uow.begin() as tx:
        await write_everywhere(tx, base.wallet)


async def test_a_reader_sees_nothing_uncommitted(uow: Uow) -> None:
    """While a writer is at work a reader neither waits for it nor sees any of it."""
    base = earned(Wallet(account(1)), 5, 1)
    await post(uow, [base])
    before = await state(uow)
    async with uow.begin() as tx:
        await write_everywhere(tx, base.wallet)
        assert await asyncio.create_task(state(uow)) == before


async def test_a_reader_stays_on_one_snapshot(uow: Uow) -> None:
    """What commits while a reader is at work does not show in it, not even in what it reads first later."""
    async with uow.begin() as tx:
        await tx.flags.set("live.enabled", True)
    async with uow.read() as tx:
        assert await tx.flags.is_on("live.enabled")
        async with uow.begin() as writer:
            await writer.flags.set("live.enabled", False)
            await writer.receipts.add(RECEIPT)
        assert await tx.flags.is_on("live.enabled")
        assert await tx.receipts.find("scope", "key") is None
    async with uow.read() as tx:
        assert not await tx.flags.is_on("live.enabled")
        assert await tx.receipts.find("scope", "key") == RECEIPT


async def test_a_reader_keeps_nothing(uow: Uow) -> None:
    """A write in a transaction that only reads is refused or lost, never kept."""
    with suppress(Exception):
        async with uow.read() as tx:
            await tx.receipts.add(RECEIPT)
    async with uow.read() as tx:
        assert await tx.receipts.find("scope", "key") is None


async def test_many_writers_all_get_their_turn(uow: Uow) -> None:
    """Thirty transactions at once, each on its own account, all commit."""

    async def write(number: int) -> None:
        async with uow.begin() as tx:
            await tx.wallets.append([earned(Wallet(account(number)), 1, number)])

    _, refusals = await race(*(write(number) for number in range(30)))
    assert refusals == []
    async with uow.read() as tx:
        assert len(await tx.ledger_books.accounts()) == 30


async def test_a_locked_wallet_is_never_lost_to_another_writer(uow: Uow) -> None:
    """Writers that lock, load and append on one wallet stand in line: no update is lost, none refused."""

    async def add_one(number: int) -> None:
        async with uow.begin() as tx:
            await tx.wallets.lock([account(1)])
            wallet = (await tx.wallets.load([account(1)]))[account(1)]
            await asyncio.sleep(0)
            await tx.wallets.append([earned(wallet, 1, number, at=LATER)])

    _, refusals = await race(*(add_one(number) for number in range(15)))
    assert refusals == []
    async with uow.read() as tx:
        wallet = (await tx.wallets.load([account(1)]))[account(1)]
    assert wallet.sequence == 15
    assert sum(item.remaining for item in wallet.lots) == 15
