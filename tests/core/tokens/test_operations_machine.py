"""Every operation of the ledger in random order, on every store, with all laws checked after each step."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
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
from tests.core.tokens.operations import EXPECTED, Balanced, Life, Opening, Operations
from tests.postgres import PostgresServer, memory_folder

OFTEN = 50
STEPS = 60
"""Of a long life. Its tables grow with it, and so does the time that a step takes."""
LIVES = 17
"""How many long lives are enough nearly always; the first of them is the same each time."""


def live(machine: type[Life], opening: Opening, examples: int, steps: int, **more: Any) -> Counter[str]:
    """Run that many lives of that many steps; return how often each thing took effect."""
    chance, fired = more.pop("chance"), Counter[str]()
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    lived = type("Lived", (machine,), {"open_store": staticmethod(opening), "fired": fired, **more})
    run_state_machine_as_test(
        seed(chance)(lived),
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=quiet
        ),
    )
    print(dict(fired))
    return fired


def live_often(opening: Opening, chance: int, replay_on: Sequence[Opening]) -> None:
    """Live until each thing took effect at least fifty times, and replay each life on other stores."""
    fired = live(Balanced, opening, LIVES, STEPS, chance=chance, replay_on=replay_on)
    for number in range(1, LIVES):
        if all(fired[name] >= OFTEN for name in EXPECTED):
            break
        fired += live(Balanced, opening, 3, STEPS, chance=chance + number, replay_on=replay_on)
    assert {name: fired[name] for name in EXPECTED if fired[name] < OFTEN} == {}


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> int:
    """The seed of this run, which its header prints."""
    return int(request.config.getoption("--hypothesis-seed"))


@pytest.fixture
def on_sqlite() -> Iterator[Opening]:
    """Opens empty SQLite stores."""
    folder = memory_folder("buddy-operations-")
    _build(f"sqlite+aiosqlite:///{folder / 'template.db'}")
    numbers = iter(range(1_000_000))

    def opening() -> tuple[Uow, Callable[[], Awaitable[None]]]:
        copy = shutil.copy(folder / "template.db", folder / f"{next(numbers)}.db")
        return _opened(f"sqlite+aiosqlite:///{copy}", lambda: Path(copy).unlink())

    yield opening
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def on_postgresql(postgres_server: PostgresServer) -> Opening:
    """Opens empty PostgreSQL stores."""
    template = postgres_server.template("contracts", _build)

    def opening() -> tuple[Uow, Callable[[], Awaitable[None]]]:
        url = postgres_server.create_database(template)
        return _opened(url, lambda: postgres_server.drop_database(url))

    return opening


def in_memory() -> tuple[Uow, Callable[[], Awaitable[None]]]:
    """Open an empty store in memory."""

    async def nothing() -> None:
        return None

    return MemoryUnitOfWork(), nothing


def test_random_lives_in_memory(chance: int, on_sqlite: Opening) -> None:
    """All laws hold after every step, and each thing took effect at least fifty times.

    Hypothesis leaves some rules out of each short life; in a long one everything happens.
    """
    live(Operations, in_memory, 60, 50, chance=chance)
    live_often(in_memory, chance, [on_sqlite])


def test_random_lives_on_sqlite(chance: int, on_sqlite: Opening) -> None:
    """The same laws hold where lots, holds and corrections are read back from tables."""
    live_often(on_sqlite, chance, [on_sqlite])


@pytest.mark.postgres
def test_random_lives_on_postgresql(chance: int, on_sqlite: Opening, on_postgresql: Opening) -> None:
    """The same laws hold on PostgreSQL; what happened there is replayed on SQLite."""
    live_often(on_postgresql, chance, [on_sqlite])


@pytest.mark.postgres
def test_a_life_elsewhere_is_replayed_on_postgresql(
    chance: int, on_sqlite: Opening, on_postgresql: Opening
) -> None:
    """Histories of each sort of store give the same wallets and hashes on PostgreSQL."""
    for opening in (in_memory, on_sqlite, on_postgresql):
        fired = live(Balanced, opening, 2, 40, chance=chance, replay_on=[on_postgresql])
        assert sum(fired.values()) > 40


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
