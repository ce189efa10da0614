"""Bringing a database's schema up to date, from Python and in one transaction."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from attrs import frozen
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from buddy_adapters.sql.dialect import driver_errors
from buddy_adapters.sql.engine import reader

_LOCATION = "buddy_adapters.sql:migrations"
# Any fixed number will do: it is the name of the advisory lock that migrating processes share.
_MIGRATION_LOCK = 0x62756464795F6D67


@frozen
class MigrationState:
    """Which revision a database is at (None: it has no tables of ours), and the newest there is."""

    current: str | None
    newest: str

    @property
    def is_current(self) -> bool:
        """Tell whether nothing is left to do."""
        return self.current == self.newest


async def migrate(engine: AsyncEngine) -> MigrationState:
    """Bring the schema to the newest revision, all or nothing; done already, it changes nothing.

    Processes that start together wait for each other.

    Raises:
        Unavailable: the database cannot be reached.
        InvalidValue: it holds what a revision cannot take on; the message says what to do.
    """
    with driver_errors():
        async with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                lock = text("SELECT pg_advisory_xact_lock(:number)")
                await connection.execute(lock, {"number": _MIGRATION_LOCK})
            await connection.run_sync(_upgrade)
            return await connection.run_sync(_state)


async def migration_state(engine: AsyncEngine) -> MigrationState:
    """Tell where a database stands, changing nothing.

    Raises:
        Unavailable: the database cannot be reached.
    """
    with driver_errors():
        async with reader(engine).connect() as connection:
            return await connection.run_sync(_state)


def alembic_config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration; its environment runs on `connection` where one is given."""
    config = Config()
    config.set_main_option("script_location", _LOCATION)
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> None:
    command.upgrade(alembic_config(connection), "head")


def _state(connection: Connection) -> MigrationState:
    newest = ScriptDirectory.from_config(alembic_config()).get_current_head()
    assert newest is not None, "there is always a first revision"
    return MigrationState(MigrationContext.configure(connection).get_current_revision(), newest)
