"""Every operation of the ledger in random order, on every store, with all laws checked after each step."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.migrate import migrate
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from tests.contracts.cases import Uow
from tests.core.tokens.operations import EXPECTED, Operations
from tests.postgres import PostgresServer, memory_folder

OFTEN = 50
ROUNDS = 12

Opening = Callable[[], tuple[Uow, Callable[[], Awaitable[None]]]]


def live(opening: Opening, examples: int, steps: int, chance: int, fired: Counter[str]) -> None:
    """Run that many lives of that many steps, and count how often each rule took effect."""

    class Life(Operations):
        """The machine on one sort of store."""

        open_store = staticmethod(opening)

    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    Life.fired = fired
    run_state_machine_as_test(
        seed(chance)(Life),
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=quiet
        ),
    )
    print(dict(fired))


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> int:
    """The seed of this run, which its header prints."""
    return int(request.config.getoption("--hypothesis-seed"))


def test_random_lives_in_memory(chance: int) -> None:
    """All laws hold after every step, and each rule took effect at least fifty times.

    Hypothesis leaves some rules out of each life, so the rarest decides how many rounds there are.
    """

    async def nothing() -> None:
        return None

    fired: Counter[str] = Counter()
    for number in range(ROUNDS):
        live(lambda: (MemoryUnitOfWork(), nothing), 30, 50, chance + number, fired)
        if all(fired[name] >= OFTEN for name in EXPECTED):
            break
    assert {name: fired[name] for name in EXPECTED if fired[name] < OFTEN} == {}


def test_random_lives_on_sqlite(chance: int) -> None:
    """The same laws hold where lots, holds and corrections are read back from tables."""
    folder = memory_folder("buddy-operations-")
    _build(f"sqlite+aiosqlite:///{folder / 'template.db'}")
    numbers = iter(range(1_000_000))

    def opening() -> tuple[Uow, Callable[[], Awaitable[None]]]:
        copy = shutil.copy(folder / "template.db", folder / f"{next(numbers)}.db")
        return _opened(f"sqlite+aiosqlite:///{copy}", lambda: Path(copy).unlink())

    fired: Counter[str] = Counter()
    live(opening, 4, 25, chance, fired)
    assert sum(fired.values()) > 50
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.postgres
def test_random_lives_on_postgresql(postgres_server: PostgresServer, chance: int) -> None:
    """The same laws hold on PostgreSQL."""
    template = postgres_server.template("contracts", _build)

    def opening() -> tuple[Uow, Callable[[], Awaitable[None]]]:
        url = postgres_server.create_database(template)
        return _opened(url, lambda: postgres_server.drop_database(url))

    fired: Counter[str] = Counter()
    live(opening, 4, 25, chance, fired)
    assert sum(fired.values()) > 50


def _opened(url: str, remove: Callable[[], Any]) -> tuple[Uow, Callable[[], Awaitable[None]]]:
    engine = make_engine(url)

    async def close() -> None:
        await engine.dispose()
        remove()

    return SqlUnitOfWork(engine), close


def _build(url: str) -> None:
    async def build() -> None:
        engine = make_engine(url)
        await migrate(engine)
        await engine.dispose()

    asyncio.run(build())
