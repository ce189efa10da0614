"""What rate limits have let through."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from buddy_adapters.sql.types import Instant

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "rate_limits",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("stamps", sa.LargeBinary(), nullable=False),
        sa.Column("needed_until", Instant(), nullable=False),
        sa.CheckConstraint("length(stamps) / 8 * 8 = length(stamps)", name=op.f("ck_rate_limits_stamps")),
        sa.PrimaryKeyConstraint("key", name="pk_rate_limits"),
    )
