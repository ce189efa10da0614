"""Sessions of those who have signed in, their refresh tokens, lock-outs and second factors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from buddy_adapters.sql.types import CanonicalJson, Hash, Id, Instant

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables."""
    _create_sessions_logins()
    _create_sessions_refresh_tokens()
    _create_sessions_lockouts()
    _create_sessions_second_factors()


def _create_sessions_logins() -> None:
    op.create_table(
        "sessions_logins",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", Id(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("last_used_at", Instant(), nullable=False),
        sa.Column("renew_by", Instant(), nullable=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("second_factor_at", Instant(), nullable=True),
        sa.Column("impersonator", Id(), nullable=True),
        sa.Column("parent_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("over_at", Instant(), nullable=False),
        sa.CheckConstraint("generation >= 1", name=op.f("ck_sessions_logins_generation")),
        sa.CheckConstraint("last_used_at >= started_at", name=op.f("ck_sessions_logins_last_used_at")),
        sa.CheckConstraint("ends_at > started_at", name=op.f("ck_sessions_logins_ends_at")),
        sa.CheckConstraint("ended_at >= started_at", name=op.f("ck_sessions_logins_ended_at")),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (end_reason IS NULL)", name=op.f("ck_sessions_logins_ended")
        ),
        sa.CheckConstraint(
            "end_reason IN "
            "('signed_out', 'revoked', 'reused', 'expired', 'impersonation_ended', 'suspended')",
            name=op.f("ck_sessions_logins_end_reason"),
        ),
        sa.CheckConstraint(
            "(impersonator IS NULL) = (parent_id IS NULL)", name=op.f("ck_sessions_logins_parent_id")
        ),
        sa.CheckConstraint(
            "(impersonator IS NULL) = (ends_at IS NULL)", name=op.f("ck_sessions_logins_impersonator")
        ),
        sa.CheckConstraint(
            "(impersonator IS NULL) = (renew_by IS NOT NULL)", name=op.f("ck_sessions_logins_renew_by")
        ),
        sa.CheckConstraint(
            "impersonator IS NULL OR (impersonator <> account_id AND reason <> '')",
            name=op.f("ck_sessions_logins_reason"),
        ),
        sa.CheckConstraint("over_at = coalesce(renew_by, ends_at)", name=op.f("ck_sessions_logins_over_at")),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["sessions_logins.id"], name="fk_sessions_logins_parent_id_sessions_logins"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sessions_logins"),
    )
    op.create_index(
        "ix_sessions_logins_account_id_last_used_at", "sessions_logins", ["account_id", "last_used_at"]
    )
    op.create_index(
        "ix_sessions_logins_open",
        "sessions_logins",
        ["over_at"],
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )


def _create_sessions_refresh_tokens() -> None:
    op.create_table(
        "sessions_refresh_tokens",
        sa.Column("hash", Hash(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("issued_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        sa.CheckConstraint("length(hash) = 32", name=op.f("ck_sessions_refresh_tokens_hash")),
        sa.CheckConstraint("generation >= 1", name=op.f("ck_sessions_refresh_tokens_generation")),
        sa.CheckConstraint("expires_at > issued_at", name=op.f("ck_sessions_refresh_tokens_expires_at")),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions_logins.id"],
            name="fk_sessions_refresh_tokens_session_id_sessions_logins",
        ),
        sa.PrimaryKeyConstraint("hash", name="pk_sessions_refresh_tokens"),
        sa.UniqueConstraint(
            "session_id", "generation", name="uq_sessions_refresh_tokens_session_id_generation"
        ),
    )
    op.create_index("ix_sessions_refresh_tokens_expires_at", "sessions_refresh_tokens", ["expires_at"])


def _create_sessions_lockouts() -> None:
    op.create_table(
        "sessions_lockouts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("failures", CanonicalJson(), nullable=False),
        sa.Column("locked_until", Instant(), nullable=True),
        sa.Column("last_at", Instant(), nullable=True),
        sa.CheckConstraint("length(key) BETWEEN 1 AND 200", name=op.f("ck_sessions_lockouts_key")),
        sa.CheckConstraint("locked_until > last_at", name=op.f("ck_sessions_lockouts_locked_until")),
        sa.CheckConstraint(
            "(last_at IS NULL) = (failures = '[]')", name=op.f("ck_sessions_lockouts_last_at")
        ),
        sa.PrimaryKeyConstraint("key", name="pk_sessions_lockouts"),
    )
    op.create_index("ix_sessions_lockouts_last_at", "sessions_lockouts", ["last_at"])


def _create_sessions_second_factors() -> None:
    op.create_table(
        "sessions_second_factors",
        sa.Column("account_id", Id(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("confirmed_at", Instant(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "length(sealed_secret) > 0", name=op.f("ck_sessions_second_factors_sealed_secret")
        ),
        sa.CheckConstraint(
            "confirmed_at >= created_at", name=op.f("ck_sessions_second_factors_confirmed_at")
        ),
        sa.CheckConstraint(
            "(confirmed_at IS NULL) = (last_step IS NULL)", name=op.f("ck_sessions_second_factors_last_step")
        ),
        sa.PrimaryKeyConstraint("account_id", name="pk_sessions_second_factors"),
    )
