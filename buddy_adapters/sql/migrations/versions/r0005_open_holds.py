"""The holds that are open, and the entries by what they correct."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from buddy_adapters.sql.types import Id, Instant

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the table, with the holds of the ledger that no entry has ended, and the index."""
    op.create_table(
        "token_open_holds",
        sa.Column("hold_id", Id(), nullable=False),
        sa.Column("account_id", Id(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("hold_id", name="pk_token_open_holds"),
    )
    op.create_index("ix_token_open_holds_account_id", "token_open_holds", ["account_id"])
    op.create_index("ix_token_open_holds_expires_at", "token_open_holds", ["expires_at"])
    op.create_index(
        "ix_token_entries_corrects",
        "token_entries",
        ["corrects"],
        postgresql_where=sa.text("corrects IS NOT NULL"),
        sqlite_where=sa.text("corrects IS NOT NULL"),
    )
    # A host of an earlier version may have written holds by the format alone.
    op.execute(
        "INSERT INTO token_open_holds (hold_id, account_id, expires_at) "
        "SELECT token_holds.id, token_entries.account_id, token_holds.expires_at "
        "FROM token_holds JOIN token_entries ON token_entries.id = token_holds.entry_id "
        "WHERE token_holds.id NOT IN "
        "(SELECT hold_id FROM token_entries WHERE hold_id IS NOT NULL AND operation IN ('post', 'void'))"
    )
