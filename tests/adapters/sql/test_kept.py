"""What a process keeps of wallets and values is what a store without memory would read."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from sqlalchemy.ext.asyncio import AsyncEngine

from buddy_adapters.sql.kept import MOST_LOTS, Kept
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_adapters.system import SequentialIds, SettableClock
from buddy_core.flows import verify_ledger
from buddy_core.kernel import Done, Refused
from buddy_core.tokens import BONUS, PAID, Wallet, move_tokens
from tests.adapters.sql.statements import Statements
from tests.adapters.sql.test_writes import POSTGRESQL, migrated_url, sqlite_template, stock
from tests.contracts.cases import AT, LATER, VERSIONS, account, earned, earning, spending, spent

__all__ = ["migrated_url", "sqlite_template"]

pytestmark = pytest.mark.anyio

ME = account(1)


def spends(key: str, amount: int = 1) -> list[Any]:
    """Return a spend for each of two wallets: two are locked, one goes without."""
    return [spending(account(number), amount, key) for number in range(2)]


async def test_another_process_is_noticed(engine: AsyncEngine) -> None:
    """Two processes spend in turns from the same wallets: each sees what the other has left."""
    who = await stock(SqlUnitOfWork(engine), 2)
    other = who | {"uow": SqlUnitOfWork(engine), "ids": SequentialIds(7)}
    for turn in range(9):
        done = await move_tokens(spends(f"turn-{turn}"), **(other if turn % 2 else who))
        assert all(isinstance(item, Done) for item in done)
    refused = await move_tokens(spends("too much"), **who)
    assert [item.error.code for item in refused if isinstance(item, Refused)] == ["tokens.insufficient"] * 2
    assert (await verify_ledger(uow=SqlUnitOfWork(engine))).faults == ()


async def lose_a_spend(uow: SqlUnitOfWork) -> None:
    """Append a spend in a transaction that fails at its end."""
    async with uow.begin() as tx:
        await tx.wallets.lock([ME])
        await tx.wallets.append([spent((await tx.wallets.load([ME]))[ME], 1, 99)])
        raise LookupError


async def test_what_was_rolled_back_is_not_kept(engine: AsyncEngine) -> None:
    """A wallet that was appended to in a transaction that failed stands where it stood."""
    uow = SqlUnitOfWork(engine)
    who = await stock(uow, 2)
    assert all(isinstance(item, Done) for item in await move_tokens(spends("first"), **who))
    with pytest.raises(LookupError):
        await lose_a_spend(uow)
    done = await move_tokens(spends("second", 8), **who)
    assert all(isinstance(item, Done) for item in done)
    assert (await verify_ledger(uow=uow)).faults == ()


async def test_a_kept_wallet_is_the_stored_one(engine: AsyncEngine) -> None:
    """With several lots and after each movement, the wallet that is kept equals the one that is read."""
    uow = SqlUnitOfWork(engine)
    who = await stock(uow, 2)
    for turn, kind in enumerate([BONUS, PAID, BONUS]):
        given = [earning(account(number), 3, f"more-{turn}", kind=kind) for number in range(2)]
        assert all(isinstance(item, Done) for item in await move_tokens(given, **who))
        assert all(isinstance(item, Done) for item in await move_tokens(spends(f"s-{turn}", 4), **who))
        async with uow.begin() as tx:
            await tx.wallets.lock([ME])
            kept = (await tx.wallets.load([ME]))[ME]
        async with SqlUnitOfWork(engine).read() as tx:
            assert (await tx.wallets.load([ME]))[ME] == kept


@POSTGRESQL
async def test_what_is_kept_is_not_asked_for(engine: AsyncEngine) -> None:
    """A batch on wallets that this process moved last is a lock, a look at receipts and one write."""
    statements = Statements(engine)
    who = await stock(SqlUnitOfWork(engine), 2)
    for key in ("first", "second"):
        await move_tokens(spends(key), **who)
    async with statements.of() as sent:
        await move_tokens(spends("third"), **who)
    assert len(sent) == 3, sent


async def test_a_new_value_counts_from_its_instant(engine: AsyncEngine) -> None:
    """A version that was recorded after the others were kept is stamped on spends once it is in force."""
    uow = SqlUnitOfWork(engine)
    who = await stock(uow, 2)
    await move_tokens(spends("before"), **who)
    newer = evolve(VERSIONS[BONUS], version=2, effective_from=LATER, previous_hash=VERSIONS[BONUS].hash)
    async with SqlUnitOfWork(engine).begin() as tx:
        await tx.token_values.add(newer)
    for at, version in ((AT, 1), (LATER, 2)):
        await move_tokens(spends(f"at-{version}"), **who | {"clock": SettableClock(at)})
        async with uow.read() as tx:
            [entry] = await tx.entries.of_account(ME, before=None, limit=1)
        assert {posting.version for posting in entry.postings} == {version}


def test_no_more_than_so_many_are_kept() -> None:
    """The wallet that was moved longest ago goes first, and one with very many lots is not kept at all."""
    kept = Kept(most_wallets=2)
    kept.keep([Wallet(account(1)), Wallet(account(2))])
    kept.keep([Wallet(account(1)), Wallet(account(3))])
    assert [kept.has_any([account(number)]) for number in (1, 2, 3)] == [True, False, True]
    lots = earned(Wallet(account(3)), 5, 1).wallet.lots * (MOST_LOTS + 1)
    kept.keep([Wallet(account(3), lots=lots)])
    assert not kept.has_any([account(3)])
