"""Migrated databases of both kinds for the tests of the SQL adapters."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.migrate import migrate
from tests.postgres import PostgresServer


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio alone, as the adapters do."""
    return "asyncio"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Answer the URL of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create_database()
    yield url
    server.drop_database(url)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answer a migrated SQLite file, made once; each test gets a copy."""
    file = tmp_path_factory.mktemp("migrated") / "migrated.db"
    _migrate(f"sqlite+aiosqlite:///{file}")
    return file


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Answer the URL of a migrated database without any row."""
    if request.param == "sqlite":
        copy = shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "migrated.db")
        yield f"sqlite+aiosqlite:///{copy}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create_database(server.template("sql-adapters", _migrate))
    yield url
    server.drop_database(url)


@pytest.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    """Answer an engine on a migrated database."""
    made = make_engine(migrated_url)
    yield made
    await made.dispose()


def _migrate(url: str) -> None:
    async def run() -> None:
        made = make_engine(url)
        try:
            await migrate(made)
        finally:
            await made.dispose()

    asyncio.run(run())
