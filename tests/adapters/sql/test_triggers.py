"""What is only ever added to cannot be changed by a plain statement, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import MetaData, Table, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from buddy_adapters.sql.tables import metadata
from buddy_adapters.sql.triggers import append_only_statements, append_only_tables

pytestmark = pytest.mark.anyio

NEEDED = {
    "token_entries",
    "token_lots",
    "token_holds",
    "token_value_versions",
    "receipts",
    "royalty_token_spends",
    "royalty_statements",
    "royalty_periods",
    "royalty_inputs",
    "entitlement_grant_changes",
    "access_audit",
}


@pytest.mark.parametrize("verb", ["UPDATE", "DELETE"])
async def test_a_row_is_neither_updated_nor_deleted(engine: AsyncEngine, verb: str) -> None:
    """Adding works; changing or removing the added row is refused and leaves it."""
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE kept (n INTEGER PRIMARY KEY)"))
        for statement in append_only_statements(engine.dialect.name, ["kept"]):
            await connection.execute(text(statement))
        await connection.execute(text("INSERT INTO kept VALUES (1)"))
    attempt = "UPDATE kept SET n = 2" if verb == "UPDATE" else "DELETE FROM kept"
    with pytest.raises(IntegrityError, match="kept is append-only"):
        async with engine.begin() as connection:
            await connection.execute(text(attempt))
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT n FROM kept"))).scalars().all() == [1]


async def test_every_append_only_table_has_its_triggers(engine: AsyncEngine) -> None:
    """The migrated schema guards exactly the tables that say that they are append-only."""
    postgresql = "SELECT tgrelid::regclass::text, tgtype & 24 FROM pg_trigger WHERE NOT tgisinternal"
    sqlite = "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'"
    query = postgresql if engine.dialect.name == "postgresql" else sqlite
    async with engine.connect() as connection:
        rows = (await connection.execute(text(query))).all()
    guarded = {row[0] for row in rows}
    assert guarded == set(append_only_tables(metadata))
    if engine.dialect.name == "postgresql":
        # Bits 8 and 16 of a trigger's type: it fires on DELETE and on UPDATE.
        assert {row[1] for row in rows} == {24}
    else:
        assert {row[1] for row in rows} == {
            f"{table}_no_{do}" for table in guarded for do in ("update", "delete")
        }


async def test_an_unwanted_update_is_refused_on_the_real_tables(engine: AsyncEngine) -> None:
    """On PostgreSQL even a statement that would match no row is refused; SQLite asks row by row."""
    if engine.dialect.name != "postgresql":
        return
    for table in append_only_tables(metadata):
        column = next(iter(metadata.tables[table].columns)).name
        for attempt in (
            f"UPDATE {table} SET {column} = {column}",
            f"DELETE FROM {table}",
            f"TRUNCATE {table} CASCADE",
        ):
            with pytest.raises(IntegrityError):
                async with engine.begin() as connection:
                    await connection.execute(text(attempt))


def test_the_ledger_receipts_and_statements_are_append_only() -> None:
    """No table that must keep its rows forgets to say so."""
    assert set(append_only_tables(metadata)) >= NEEDED


def test_a_table_is_append_only_by_its_own_word() -> None:
    """The list follows from the tables' info."""
    some = MetaData()
    Table("b", some, info={"append_only": True})
    Table("a", some, info={"append_only": True})
    Table("c", some)
    assert append_only_tables(some) == ["a", "b"]
