"""Grants of every kind with their terms, and what viewers did with them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from buddy_adapters.sql.triggers import append_only_statements
from buddy_adapters.sql.types import Id, Instant

revision = "0011"
down_revision = "0010"

_STATUSES = "status IN ('active', 'transferred', 'superseded', 'refunded', 'revoked', 'extended')"
_UNLOCK = (
    '{"hours":null,"includes_later":true,"plan":null,'
    '"rights":{"ads":false,"downloads":false,"max_height":1080,"streams":2},"start_by":null,"tier":""}'
)
"""The terms of every grant until now: what tokens buy."""


def upgrade() -> None:
    """Give each grant the terms it had, and make room for subscriptions, revocations and uses."""
    dialect = op.get_bind().dialect.name
    if dialect == "postgresql":
        _widen_grants()
    else:
        _copy_grants()
        _copy_changes()
    op.create_table(
        "entitlement_grant_uses",
        sa.Column("origin_id", Id(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('started', 'consumed')", name=op.f("ck_entitlement_grant_uses_kind")),
        sa.PrimaryKeyConstraint("origin_id", "kind", name="pk_entitlement_grant_uses"),
    )
    op.add_column("playback_sessions", sa.Column("via_kind", sa.Text(), nullable=False, server_default=""))
    op.create_index(
        "ix_playback_sessions_account_id_last_beat_at", "playback_sessions", ["account_id", "last_beat_at"]
    )
    op.create_index(
        "ix_outbox_sent",
        "outbox",
        ["sent_at"],
        postgresql_where=sa.text("sent_at IS NOT NULL"),
        sqlite_where=sa.text("sent_at IS NOT NULL"),
    )
    for statement in append_only_statements(dialect, ["entitlement_grant_uses"]):
        op.execute(statement)


def _widen_grants() -> None:
    for table in ("entitlement_grants", "entitlement_grant_changes"):
        op.drop_constraint(op.f(f"ck_{table}_status"), table)
        op.create_check_constraint(op.f(f"ck_{table}_status"), table, _STATUSES)
    op.alter_column("entitlement_grants", "title_id", nullable=True)
    op.alter_column("entitlement_grants", "entry_id", nullable=True)
    # A default that is dropped again: the rows there are are not written anew.
    for column, default in (("terms", _UNLOCK), ("source", "")):
        op.add_column(
            "entitlement_grants", sa.Column(column, sa.Text(), nullable=False, server_default=default)
        )
        op.alter_column("entitlement_grants", column, server_default=None)


def _copy_grants() -> None:
    op.drop_index("ix_entitlement_grants_account", table_name="entitlement_grants")
    op.drop_index("uq_entitlement_grants_active_unlock", table_name="entitlement_grants")
    op.rename_table("entitlement_grants", "entitlement_grants_before_0011")
    op.create_table(
        "entitlement_grants",
        sa.Column("id", Id(), nullable=False),
        sa.Column("origin_id", Id(), nullable=False),
        sa.Column("account_id", Id(), nullable=False),
        sa.Column("title_id", Id(), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("granted_at", Instant(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=True),
        sa.Column("entry_id", Id(), nullable=True),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint(_STATUSES, name=op.f("ck_entitlement_grants_status")),
        sa.PrimaryKeyConstraint("id", name="pk_entitlement_grants"),
    )
    move = "SELECT grants.*, :terms, '' FROM entitlement_grants_before_0011 AS grants"
    op.execute(sa.text(f"INSERT INTO entitlement_grants {move}").bindparams(terms=_UNLOCK))
    op.drop_table("entitlement_grants_before_0011")
    op.create_index("ix_entitlement_grants_account", "entitlement_grants", ["account_id", "title_id"])
    op.create_index(
        "uq_entitlement_grants_active_unlock",
        "entitlement_grants",
        ["account_id", "title_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'token_unlock' AND status = 'active'"),
    )


def _copy_changes() -> None:
    op.rename_table("entitlement_grant_changes", "entitlement_grant_changes_before_0011")
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
    op.execute("INSERT INTO entitlement_grant_changes SELECT * FROM entitlement_grant_changes_before_0011")
    # Its triggers go with it, so that the new one can have theirs.
    op.drop_table("entitlement_grant_changes_before_0011")
    for statement in append_only_statements("sqlite", ["entitlement_grant_changes"]):
        op.execute(statement)
