"""Grants that end by a refund, and royalty facts that take a spend back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from buddy_adapters.sql.triggers import append_only_statements
from buddy_adapters.sql.types import Id, Instant

revision = "0006"
down_revision = "0005"

_STATUSES = "status IN ('active', 'transferred', 'superseded', 'refunded')"
_SPENT_AT = (
    "(tokens > 0 AND value_numerator >= 0 AND spent_at IS NULL) "
    "OR (tokens < 0 AND value_numerator <= 0 AND spent_at IS NOT NULL)"
)


def upgrade() -> None:
    """Let grants be refunded, and facts say when what they take back was spent."""
    dialect = op.get_bind().dialect
    if dialect.name == "postgresql":
        _widen_grants()
    else:
        _copy_grants()
        _copy_changes()
    # Written out, because Alembic adds no CHECK to a table of SQLite but by copying it, and facts are many.
    instant = dialect.type_compiler_instance.process(Instant())
    op.execute(
        f"ALTER TABLE royalty_token_spends ADD COLUMN spent_at {instant} "
        f"CONSTRAINT ck_royalty_token_spends_spent_at CHECK ({_SPENT_AT})"
    )


def _widen_grants() -> None:
    for table in ("entitlement_grants", "entitlement_grant_changes"):
        op.drop_constraint(op.f(f"ck_{table}_status"), table)
        op.create_check_constraint(op.f(f"ck_{table}_status"), table, _STATUSES)
    op.alter_column("entitlement_grant_changes", "successor_id", nullable=True)


def _copy_grants() -> None:
    op.drop_index("ix_entitlement_grants_account", table_name="entitlement_grants")
    op.drop_index("uq_entitlement_grants_active_unlock", table_name="entitlement_grants")
    op.rename_table("entitlement_grants", "entitlement_grants_before_0006")
    op.create_table(
        "entitlement_grants",
        sa.Column("id", Id(), nullable=False),
        sa.Column("origin_id", Id(), nullable=False),
        sa.Column("account_id", Id(), nullable=False),
        sa.Column("title_id", Id(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("granted_at", Instant(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=True),
        sa.Column("entry_id", Id(), nullable=False),
        sa.CheckConstraint(_STATUSES, name=op.f("ck_entitlement_grants_status")),
        sa.PrimaryKeyConstraint("id", name="pk_entitlement_grants"),
    )
    _move_rows("entitlement_grants")
    op.create_index("ix_entitlement_grants_account", "entitlement_grants", ["account_id", "title_id"])
    op.create_index(
        "uq_entitlement_grants_active_unlock",
        "entitlement_grants",
        ["account_id", "title_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'token_unlock' AND status = 'active'"),
    )


def _copy_changes() -> None:
    op.rename_table("entitlement_grant_changes", "entitlement_grant_changes_before_0006")
    op.create_table(
        "entitlement_grant_changes",
        sa.Column("grant_id", Id(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("successor_id", Id(), nullable=True),
        sa.CheckConstraint(_STATUSES, name=op.f("ck_entitlement_grant_changes_status")),
        sa.PrimaryKeyConstraint("grant_id", "at", name="pk_entitlement_grant_changes"),
    )
    _move_rows("entitlement_grant_changes")
    for statement in append_only_statements("sqlite", ["entitlement_grant_changes"]):
        op.execute(statement)


def _move_rows(table: str) -> None:
    op.execute(f"INSERT INTO {table} SELECT * FROM {table}_before_0006")
    # Its triggers go with it, so that the new one can have theirs.
    op.drop_table(f"{table}_before_0006")
