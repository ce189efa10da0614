"""A PostgreSQL server of its own that is killed with all its processes and started again, with fsync on."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import psutil  # type: ignore[import-untyped]
from attrs import define
from sqlalchemy import text

from buddy_core.kernel.errors import Unavailable
from tests.crash.world import opened
from tests.postgres import start_server

_START_S = 60


@define
class CrashableServer:
    """A server whose data lie in a folder of a disk, run by the user whom the folder belongs to."""

    data: Path
    host: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+asyncpg://postgres@/{database}?host={self.host}"

    async def create_database(self, name: str) -> str:
        """Make an empty database and return its URL."""
        connection = await asyncpg.connect(host=self.host, user="postgres", database="postgres")
        await connection.execute(f'CREATE DATABASE "{name}"')
        await connection.close()
        return self.url(name)

    def start(self) -> None:
        """Start the server; it recovers before it answers, so ask with `ready`."""
        owner = self.data.stat()
        user: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
        with (self.data / "log").open("ab") as log:
            # Our own child and in its own group, so that we reap it and Ctrl-C does not reach it.
            self.process = subprocess.Popen(
                self.command,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **user,
            )

    async def ready(self) -> None:
        """Wait until it has recovered and answers."""
        async with asyncio.timeout(_START_S), opened(self.url()) as uow:
            while True:
                try:
                    async with uow.read() as tx:
                        await tx.connection.execute(text("SELECT 1"))
                        return
                except Unavailable:
                    assert self.process is not None
                    assert self.process.poll() is None, (self.data / "log").read_text()[-2_000:]
                    await asyncio.sleep(0.02)

    def kill(self) -> tuple[int, int]:
        """Kill the postmaster and all that it has started with SIGKILL; return when, in ns, and how many.

        It is stopped first, so that it starts no process which we would not know of.
        """
        pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        assert self.process is not None
        assert self.process.pid == pid
        os.kill(pid, signal.SIGSTOP)
        children = psutil.Process(pid).children(recursive=True)
        killed_ns = time.monotonic_ns()
        for process in (pid, *(child.pid for child in children)):
            os.kill(process, signal.SIGKILL)
        self.process.wait()
        deadline = time.monotonic() + _START_S
        while any(map(_runs, children)):
            assert time.monotonic() < deadline, "a process of the server outlived SIGKILL"
            time.sleep(0.001)
        return killed_ns, 1 + len(children)

    def stop(self) -> None:
        """End it at once; what it wrote is not needed any more."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()


def _runs(process: psutil.Process) -> bool:
    """Tell whether a process is there; one that nobody has reaped yet holds nothing any more."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@contextmanager
def crashable_server() -> Iterator[CrashableServer]:
    """Make a server as the tests do, then run it as our own child."""
    # On a disk, not in memory: only there does a sync do anything.
    folder = Path(tempfile.mkdtemp(prefix="buddy-crash-"))
    try:
        stop, host = start_server(folder)
        data = folder / "data"
        command = shlex.split((data / "postmaster.opts").read_text())
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + _START_S
        while (data / "postmaster.pid").exists():
            assert time.monotonic() < deadline, "the server did not end"
            time.sleep(0.01)
        if sys.platform == "linux":
            # One call in place of one for each of a thousand files, whenever it starts after a kill.
            command += ["-c", "recovery_init_sync_method=syncfs"]
        server = CrashableServer(data, host, command)
        server.start()
        try:
            yield server
        finally:
            server.stop()
            # It finds nothing to stop, and clears away what it had made.
            with suppress(subprocess.CalledProcessError):
                stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
