"""Tokens given by campaigns: promotions with their versions, and who has claimed them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from buddy_adapters.sql.triggers import append_only_statements
from buddy_adapters.sql.types import Id, Instant

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add both tables, and find the guests who became a member."""
    op.create_table(
        "promotions",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("token_kind", sa.Text(), nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("starts_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("claim_limit", sa.Integer(), nullable=False),
        sa.Column("for_guests", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_promotions_version")),
        sa.CheckConstraint("token_kind = 'bonus'", name=op.f("ck_promotions_token_kind")),
        sa.CheckConstraint(
            "tokens >= 1 AND days >= 1 AND claim_limit >= 1", name=op.f("ck_promotions_numbers")
        ),
        sa.CheckConstraint("ends_at >= starts_at", name=op.f("ck_promotions_ends_at")),
        sa.PrimaryKeyConstraint("code", "version", name="pk_promotions"),
    )
    op.create_table(
        "promotions_claims",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", Id(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("as_guest", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("entry_id", Id(), nullable=False),
        sa.Column("claimed_at", Instant(), nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_promotions_claims_number")),
        sa.CheckConstraint("tokens >= 1", name=op.f("ck_promotions_claims_tokens")),
        sa.ForeignKeyConstraint(
            ["code", "version"],
            ["promotions.code", "promotions.version"],
            name="fk_promotions_claims_code_version_promotions",
        ),
        sa.PrimaryKeyConstraint("code", "number", name="pk_promotions_claims"),
        sa.UniqueConstraint("code", "account_id", name="uq_promotions_claims_code_account_id"),
        sa.UniqueConstraint("entry_id", name="uq_promotions_claims_entry_id"),
    )
    op.create_index("ix_promotions_claims_device", "promotions_claims", ["code", "device_id"])
    op.create_index(
        "uq_promotions_claims_guest_device",
        "promotions_claims",
        ["code", "device_id"],
        unique=True,
        postgresql_where=sa.text("as_guest"),
        sqlite_where=sa.text("as_guest"),
    )
    op.create_index("ix_accounts_merged_into", "accounts", ["merged_into"])
    for statement in append_only_statements(op.get_bind().dialect.name, ["promotions", "promotions_claims"]):
        op.execute(statement)
