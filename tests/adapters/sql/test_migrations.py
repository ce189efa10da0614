"""The migrations make the schema that the adapters declare, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.migrate import MigrationState, alembic_config, migrate, migration_state
from buddy_adapters.sql.tables import metadata
from buddy_core.kernel.errors import Unavailable

pytestmark = pytest.mark.anyio


async def test_an_empty_database_is_brought_up_to_date(empty_url: str) -> None:
    """From nothing, one call makes every table; before it the database says that it has none."""
    engine = make_engine(empty_url)
    assert await migration_state(engine) == MigrationState(None, "0001")
    state = await migrate(engine)
    assert state.is_current
    assert await migration_state(engine) == state
    await engine.dispose()


async def test_migrating_again_changes_nothing(migrated_url: str) -> None:
    """A second run leaves the schema and the rows as they are."""
    engine = make_engine(migrated_url)
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO flags (name, is_on) VALUES ('sandbox', true)"))
        before = await connection.run_sync(_schema)
    assert (await migrate(engine)).is_current
    async with engine.connect() as connection:
        assert await connection.run_sync(_schema) == before
        assert (await connection.execute(text("SELECT count(*) FROM flags"))).scalar() == 1
    await engine.dispose()


async def test_the_migrated_schema_is_the_declared_one(migrated_url: str) -> None:
    """Alembic finds no table, column, index or unique key that only one side has."""

    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    engine = make_engine(migrated_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_checks_are_the_declared_ones(empty_url: str) -> None:
    """Every CHECK, which Alembic does not compare, is in the migrated schema word for word."""
    engine = make_engine(empty_url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        declared = await connection.run_sync(_schema)
        await connection.run_sync(metadata.drop_all)
    await migrate(engine)
    async with engine.connect() as connection:
        assert await connection.run_sync(_schema) == declared
    await engine.dispose()


async def test_a_database_that_cannot_be_reached_is_unavailable() -> None:
    """No driver's error gets out where there is no server."""
    engine = make_engine("postgresql+asyncpg://nobody@/none?host=/nowhere")
    with pytest.raises(Unavailable):
        await migrate(engine)
    await engine.dispose()


def test_the_revisions_lie_in_the_package() -> None:
    """Alembic is pointed at the installed package, not at a folder of the repository."""
    assert alembic_config().get_main_option("script_location") == "buddy_adapters.sql:migrations"


def _schema(connection: Connection) -> dict[str, Any]:
    found = inspect(connection)
    tables = sorted(set(found.get_table_names()) - {"alembic_version"})
    return {
        table: (
            [
                (column["name"], str(column["type"]), column["nullable"])
                for column in found.get_columns(table)
            ],
            sorted((check["name"], check["sqltext"]) for check in found.get_check_constraints(table)),
            sorted(str(key) for key in found.get_unique_constraints(table)),
            sorted(_index(index) for index in found.get_indexes(table)),
            sorted(str(key) for key in found.get_foreign_keys(table)),
        )
        for table in tables
    }


def _index(index: Any) -> tuple[str, list[str], bool, list[str]]:
    where = [str(value) for name, value in index["dialect_options"].items() if name.endswith("_where")]
    return index["name"], index["column_names"], bool(index["unique"]), where
