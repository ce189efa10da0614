"""Role assignments and the audit's hash chain in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Table,
    Text,
    UniqueConstraint,
    func,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import insert_ignoring
from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.raw import RawRow, raw_rows, readable, rebuilt
from buddy_adapters.sql.triggers import APPEND_ONLY
from buddy_adapters.sql.types import Hash, Id, Instant
from buddy_core.access import Assignment, AuditRecord
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.ids import AccountId
from buddy_core.kernel.proof import Fault

assignments_table = Table(
    "access_assignments",
    metadata,
    Column("account_id", Id, nullable=False),
    Column("role", Text, nullable=False),
    Column("partner_id", Id),
    CheckConstraint("length(role) > 0", name="role"),
)
# Two keys, because NULLs are never equal in one.
Index(
    "uq_access_assignments_account_id_role",
    assignments_table.c.account_id,
    assignments_table.c.role,
    unique=True,
    postgresql_where=assignments_table.c.partner_id.is_(None),
    sqlite_where=assignments_table.c.partner_id.is_(None),
)
Index(
    "uq_access_assignments_account_id_role_partner_id",
    assignments_table.c.account_id,
    assignments_table.c.role,
    assignments_table.c.partner_id,
    unique=True,
    postgresql_where=assignments_table.c.partner_id.is_not(None),
    sqlite_where=assignments_table.c.partner_id.is_not(None),
)

audit_table = Table(
    "access_audit",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("previous_hash", Hash, nullable=False),
    Column("hash", Hash, nullable=False),
    # A chain never forks: a record is followed by one other.
    UniqueConstraint("previous_hash"),
    CheckConstraint("sequence >= 1", name="sequence"),
    CheckConstraint("length(previous_hash) = 32", name="previous_hash"),
    CheckConstraint("length(hash) = 32", name="hash"),
    info=APPEND_ONLY,
)


class SqlAssignments:
    """Role assignments, each once."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of(self, account: AccountId) -> list[Assignment]:
        query = select(assignments_table).where(assignments_table.c.account_id == account)
        found = [assignment_from_row(row) for row in (await self._connection.execute(query)).mappings()]
        return sorted(found, key=lambda item: (item.role, str(item.partner_id or "")))

    async def add(self, assignment: Assignment) -> None:
        await insert_ignoring(self._connection, assignments_table, [assignment_to_row(assignment)])


class SqlAuditLog:
    """The audit's chain: each place is taken once, and none is left out."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def last(self) -> AuditRecord | None:
        found = await self.newest(before=None, limit=1)
        return found[0] if found else None

    async def append(self, record: AuditRecord) -> None:
        end = await self._connection.execute(select(func.max(audit_table.c.sequence)))
        if record.sequence != (end.scalar_one() or 0) + 1:
            raise Contention("audit log")
        if not await insert_ignoring(self._connection, audit_table, [record_to_row(record)]):
            raise Contention("audit log")

    async def newest(self, *, before: int | None, limit: int) -> list[AuditRecord]:
        query = select(audit_table).order_by(audit_table.c.sequence.desc()).limit(limit)
        if before is not None:
            query = query.where(audit_table.c.sequence < before)
        return [record_from_row(row) for row in (await self._connection.execute(query)).mappings()]


class SqlAuditBooks:
    """The audit as it is stored, for verify: a row that cannot be read is a fault, not a failure."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def records(self) -> tuple[list[AuditRecord], list[bytes], list[Fault]]:
        """Return all records by sequence, the stored hash of each, and what could not be read."""
        rows = await raw_rows(self._connection, audit_table)
        records, kept, faults = readable(audit_table, rows, _rebuilt)
        return records, [row["hash"] for row in kept], faults


def _rebuilt(row: RawRow) -> AuditRecord:
    return rebuilt(audit_table, row, record_from_row, record_to_row)


def assignment_to_row(assignment: Assignment) -> dict[str, Any]:
    """Return the row of an assignment."""
    return {
        "account_id": assignment.account_id,
        "role": assignment.role,
        "partner_id": assignment.partner_id,
    }


def assignment_from_row(row: Mapping[Any, Any]) -> Assignment:
    """Return the assignment of a row."""
    return Assignment(row["account_id"], row["role"], row["partner_id"])


def record_to_row(record: AuditRecord) -> dict[str, Any]:
    """Return the row of a record, with its hash."""
    return {
        "sequence": record.sequence,
        "at": record.at,
        "actor": record.actor,
        "action": record.action,
        "resource": record.resource,
        "before": record.before,
        "after": record.after,
        "correlation_id": record.correlation_id,
        "previous_hash": record.previous_hash,
        "hash": record.hash,
    }


def record_from_row(row: Mapping[Any, Any]) -> AuditRecord:
    """Return the record of a row; its stored hash is for verify alone."""
    return AuditRecord(
        sequence=row["sequence"],
        at=row["at"],
        actor=row["actor"],
        action=row["action"],
        resource=row["resource"],
        before=row["before"],
        after=row["after"],
        correlation_id=row["correlation_id"],
        previous_hash=row["previous_hash"],
    )
