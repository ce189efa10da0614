"""The stores that every contract is run on: memory, SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.migrate import migrate
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from tests.contracts.cases import Uow
from tests.postgres import memory_folder


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio alone, as the adapters do."""
    return "asyncio"


@pytest.fixture(scope="session")
def sqlite_template() -> Iterator[Path]:
    """Make a SQLite file with the schema once; each test gets a copy, in memory where it can be."""
    folder = memory_folder("buddy-sqlite-")
    _build(f"sqlite+aiosqlite:///{folder / 'template.db'}")
    yield folder / "template.db"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Answer the URL of an empty database with the schema; None for memory."""
    if request.param == "memory":
        yield None
    elif request.param == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        folder = Path(tempfile.mkdtemp(dir=template.parent))
        yield f"sqlite+aiosqlite:///{shutil.copy(template, folder / 'store.db')}"
        shutil.rmtree(folder, ignore_errors=True)
    else:
        server = request.getfixturevalue("postgres_server")
        url = server.create_database(server.template("contracts", _build))
        yield url
        server.drop_database(url)


@pytest.fixture
async def uow(database_url: str | None) -> AsyncIterator[Uow]:
    """Answer an empty store; its connections are closed on the loop that opened them."""
    if database_url is None:
        yield MemoryUnitOfWork()
        return
    engine = make_engine(database_url)
    yield SqlUnitOfWork(engine)
    await engine.dispose()


def _build(url: str) -> None:
    async def build() -> None:
        engine = make_engine(url)
        await migrate(engine)
        await engine.dispose()

    asyncio.run(build())
