"""The migrations make the schema that the adapters declare, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, Text, inspect, text
from sqlalchemy.exc import IntegrityError

from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.migrate import MigrationState, alembic_config, migrate, migration_state
from buddy_adapters.sql.tables import metadata
from buddy_adapters.sql.types import Hash, Id, Instant
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_core.access import GLOBAL, SYSTEM, Assignment, Change, Scope, check_audit, check_roles, record_in
from buddy_core.kernel.canonical import GENESIS
from buddy_core.kernel.errors import Unavailable
from buddy_core.kernel.ids import AccountId, PartnerId

pytestmark = pytest.mark.anyio


async def test_an_empty_database_is_brought_up_to_date(empty_url: str) -> None:
    """From nothing, one call makes every table; before it the database says that it has none."""
    engine = make_engine(empty_url)
    assert await migration_state(engine) == MigrationState(None, "0008")
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


ONE, TWO, THREE = (AccountId(UUID(int=number)) for number in (1001, 1002, 1003))
RED, BLUE = (PartnerId(UUID(int=number)) for number in (7, 8))

ASSIGNMENTS_0001 = Table(
    "access_assignments",
    MetaData(),
    Column("account_id", Id),
    Column("role", Text),
    Column("partner_id", Id),
)
AUDIT_0001 = Table(
    "access_audit",
    MetaData(),
    Column("sequence", BigInteger),
    Column("at", Instant),
    *(Column(name, Text) for name in ("actor", "action", "resource", "before", "after", "correlation_id")),
    Column("previous_hash", Hash),
    Column("hash", Hash),
)

# Written out, with the hashes that the first version gave them.
OLD_RECORDS = [
    {
        "sequence": 1,
        "at": datetime(2026, 11, 1, 9, 30, 0, 1, tzinfo=UTC),
        "actor": "system",
        "action": "role.assign",
        "resource": "00000000-0000-0000-0000-0000000003e9",
        "before": "[]",
        "after": '{"producer":null,"role":"admin"}',
        "correlation_id": "cor-1",
        "previous_hash": GENESIS,
        "hash": bytes.fromhex("4257ace55e53054de05c6068d34c74b4e7ae5023bd7b3180b79ee9500b9e8f54"),
    },
    {
        "sequence": 2,
        "at": datetime(2026, 11, 1, 9, 30, 0, 2, tzinfo=UTC),
        "actor": "00000000-0000-0000-0000-0000000003e9",
        "action": "flag.set",
        "resource": "sandbox",
        "before": "false",
        "after": "true",
        "correlation_id": "cor-2",
        "previous_hash": bytes.fromhex("4257ace55e53054de05c6068d34c74b4e7ae5023bd7b3180b79ee9500b9e8f54"),
        "hash": bytes.fromhex("e616fdd375ea5dfd65504315c057ecbe1665e2056f92ac5833f66e3ec27fe97e"),
    },
]


def _first_schema(connection: Connection) -> None:
    command.upgrade(alembic_config(connection), "0001")


async def test_roles_of_the_first_schema_become_scoped_ones(empty_url: str) -> None:
    """An admin is a super admin, a producer its partner's admin; what gave nothing gives nothing still."""
    given = [
        (ONE, "admin", None),
        (ONE, "admin", RED),
        (ONE, "producer", RED),
        (TWO, "producer", RED),
        (TWO, "producer", BLUE),
        (TWO, "viewer", None),
        # No rule wrote these, and they meant nothing; by name two of them would be roles now.
        (THREE, "producer", None),
        (THREE, "finance", None),
        (THREE, "partner_admin", RED),
    ]
    engine = make_engine(empty_url)
    async with engine.begin() as connection:
        await connection.run_sync(_first_schema)
        rows = [{"account_id": who, "role": role, "partner_id": partner} for who, role, partner in given]
        await connection.execute(ASSIGNMENTS_0001.insert(), rows)
    assert (await migrate(engine)).is_current
    async with SqlUnitOfWork(engine).read() as tx:
        assert await tx.assignments.all() == [
            Assignment(ONE, "partner_admin", Scope.partner(RED)),
            Assignment(TWO, "partner_admin", Scope.partner(RED)),
            Assignment(TWO, "partner_admin", Scope.partner(BLUE)),
            Assignment(ONE, "super_admin", GLOBAL),
        ]
    await engine.dispose()


async def test_the_audit_of_the_first_schema_stays_whole(empty_url: str) -> None:
    """Old records keep their hashes in format 1, new ones follow, and what they tell of roles holds."""
    engine = make_engine(empty_url)
    async with engine.begin() as connection:
        await connection.run_sync(_first_schema)
        await connection.execute(AUDIT_0001.insert(), OLD_RECORDS)
        told = {"account_id": ONE, "role": "admin", "partner_id": None}
        await connection.execute(ASSIGNMENTS_0001.insert(), [told])
    await migrate(engine)
    uow = SqlUnitOfWork(engine)
    async with uow.read() as tx:
        old, hashes, faults = await tx.audit_books.records()
    assert (faults, check_audit(old, hashes)) == ([], [])
    assert hashes == [item["hash"] for item in OLD_RECORDS]
    assert [(item.format, item.as_whom, item.ip) for item in old] == [(1, "", "")] * 2
    async with uow.begin() as tx:
        change = Change("flag.set", "sandbox", True, False)
        made = await record_in(tx, SYSTEM, change, datetime(2026, 11, 2, tzinfo=UTC))
    async with uow.read() as tx:
        records, hashes, faults = await tx.audit_books.records()
        assignments, roles, _ = await tx.audit_books.roles()
    assert (faults, check_audit(records, hashes)) == ([], [])
    assert check_roles(assignments, roles, records, str) == []
    assert records == [*old, made]
    assert made.format == 2
    await engine.dispose()


async def test_the_old_audit_is_still_only_added_to(empty_url: str) -> None:
    """The wider table has kept its triggers, and an old record takes no address afterwards."""
    engine = make_engine(empty_url)
    async with engine.begin() as connection:
        await connection.run_sync(_first_schema)
        await connection.execute(AUDIT_0001.insert(), OLD_RECORDS)
    await migrate(engine)
    for attempt in ("UPDATE access_audit SET ip = '192.0.2.1'", "DELETE FROM access_audit"):
        with pytest.raises(IntegrityError, match="append-only"):
            async with engine.begin() as connection:
                await connection.execute(text(attempt))
    await engine.dispose()


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
