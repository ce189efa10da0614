"""The stores that are crashed: each run gets its own copy of a store that was filled once."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.crash.server import CrashableServer, crashable_server
from tests.crash.world import build
from tests.postgres import HINT


@pytest.fixture(scope="session")
def first_seed() -> int:
    """The seed of run 0; BUDDY_CRASH_SEED repeats one that was printed."""
    return int(os.environ.get("BUDDY_CRASH_SEED") or secrets.randbelow(2**32))


@pytest.fixture(scope="session")
def filled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file that holds the store as it is before the crash."""
    file = tmp_path_factory.mktemp("crash") / "filled.db"
    asyncio.run(build(f"sqlite+aiosqlite:///{file}"))
    return file


@pytest.fixture
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a store to crash, on the database that the test's parameter names."""
    if request.param == "sqlite":
        filled = request.getfixturevalue("filled_file")
        yield f"sqlite+aiosqlite:///{shutil.copy(filled, tmp_path / 'store.db')}"
        return
    server = request.getfixturevalue("postgres_server")
    url = server.create_database(server.template("crash", lambda empty: asyncio.run(build(empty))))
    yield url
    server.drop_database(url)


@pytest.fixture(scope="module")
def crashable() -> Iterator[CrashableServer]:
    """A server that may be killed; without one the test skips, and fails when CI=true."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(crashable_server())
        except Exception as error:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(f"{HINT} ({type(error).__name__}: {error})")
        yield server
