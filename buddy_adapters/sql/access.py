"""Role assignments and the audit's hash chain in SQL."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Table, Text, UniqueConstraint

from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.types import Hash, Id, Instant

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
    "audit_records",
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
    info={"append_only": True},
)
