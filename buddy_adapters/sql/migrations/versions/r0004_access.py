"""Scoped roles, custom roles, requests that need a second person, and a fuller audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from buddy_adapters.sql.triggers import append_only_statements
from buddy_adapters.sql.types import CanonicalJson, Id, Instant

revision = "0004"
down_revision = "0003"

APPEND_ONLY = ("access_approvals", "access_approval_decisions")


def upgrade() -> None:
    """Give every assignment its scope, widen the audit, and create the new tables."""
    _scope_assignments()
    _create_access_roles()
    _create_access_approvals()
    _create_access_approval_decisions()
    _widen_access_audit()
    for statement in append_only_statements(op.get_bind().dialect.name, APPEND_ONLY):
        op.execute(statement)


def _scope_assignments() -> None:
    """Put the table of scoped roles in the place of the old one.

    An admin becomes a super admin everywhere, a producer the partner admin of
    its partner. Other names gave nobody anything, and neither did a producer
    without a partner; they are left behind, for some of the names are roles now.
    """
    op.drop_index("uq_access_assignments_account_id_role", table_name="access_assignments")
    op.drop_index("uq_access_assignments_account_id_role_partner_id", table_name="access_assignments")
    op.rename_table("access_assignments", "access_assignments_before_0004")
    op.create_table(
        "access_assignments",
        sa.Column("account_id", Id(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.CheckConstraint("length(role) > 0", name=op.f("ck_access_assignments_role")),
        sa.CheckConstraint(
            "scope = 'global' OR (substr(scope, 1, 8) = 'partner:' AND length(scope) = 44) "
            "OR (substr(scope, 1, 10) = 'territory:' AND length(scope) = 12)",
            name=op.f("ck_access_assignments_scope"),
        ),
        sa.PrimaryKeyConstraint("account_id", "role", "scope", name="pk_access_assignments"),
    )
    op.execute(
        "INSERT INTO access_assignments (account_id, role, scope) "
        "SELECT DISTINCT account_id, 'super_admin', 'global' FROM access_assignments_before_0004 "
        "WHERE role = 'admin'"
    )
    op.execute(
        "INSERT INTO access_assignments (account_id, role, scope) "
        "SELECT account_id, 'partner_admin', 'partner:' || CAST(partner_id AS TEXT) "
        "FROM access_assignments_before_0004 WHERE role = 'producer' AND partner_id IS NOT NULL"
    )
    op.drop_table("access_assignments_before_0004")
    op.create_index("ix_access_assignments_role", "access_assignments", ["role"])


def _create_access_roles() -> None:
    op.create_table(
        "access_roles",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("permissions", CanonicalJson(), nullable=False),
        sa.Column("includes", CanonicalJson(), nullable=False),
        sa.Column("scopes", CanonicalJson(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("length(name) > 0", name=op.f("ck_access_roles_name")),
        sa.PrimaryKeyConstraint("name", name="pk_access_roles"),
    )


def _create_access_approvals() -> None:
    op.create_table(
        "access_approvals",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_by", Id(), nullable=True),
        sa.Column("requested_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.CheckConstraint("expires_at > requested_at", name=op.f("ck_access_approvals_expires_at")),
        sa.PrimaryKeyConstraint("id", name="pk_access_approvals"),
    )
    op.create_index("ix_access_approvals_requested_at_id", "access_approvals", ["requested_at", "id"])


def _create_access_approval_decisions() -> None:
    op.create_table(
        "access_approval_decisions",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("decided_by", Id(), nullable=True),
        sa.Column("decided_at", Instant(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('approved', 'rejected', 'withdrawn')",
            name=op.f("ck_access_approval_decisions_outcome"),
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["access_approvals.id"],
            name="fk_access_approval_decisions_request_id_access_approvals",
        ),
        sa.PrimaryKeyConstraint("request_id", name="pk_access_approval_decisions"),
    )


def _widen_access_audit() -> None:
    """Add what the second format covers; what is there keeps its hashes and is of the first."""
    op.execute("ALTER TABLE access_audit ADD COLUMN as_whom TEXT DEFAULT '' NOT NULL")
    op.execute("ALTER TABLE access_audit ADD COLUMN ip TEXT DEFAULT '' NOT NULL")
    # Written out, because Alembic adds no CHECK to a table of SQLite but by copying it, and an audit is long.
    op.execute(
        "ALTER TABLE access_audit ADD COLUMN format INTEGER DEFAULT 1 NOT NULL "
        "CONSTRAINT ck_access_audit_format "
        "CHECK (format >= 2 OR (format = 1 AND as_whom = '' AND ip = ''))"
    )
    for column in ("actor", "as_whom", "resource"):
        op.create_index(f"ix_access_audit_{column}_sequence", "access_audit", [column, "sequence"])
    op.create_index(
        "ix_access_audit_action_sequence",
        "access_audit",
        ["action", "sequence"],
        postgresql_ops={"action": "text_pattern_ops"},
    )
    op.create_index("ix_access_audit_at", "access_audit", ["at"])
