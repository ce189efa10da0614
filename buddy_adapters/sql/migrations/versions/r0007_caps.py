"""What the guests of one device earned before they registered, and what staff look at earning by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Count guests by device too, from what they were paid, and index what alerts are read by."""
    op.rename_table("ads_counters", "ads_counters_before_0007")
    if op.get_bind().dialect.name == "postgresql":
        # The old table keeps its key's name until it is dropped.
        op.execute("ALTER TABLE ads_counters_before_0007 RENAME CONSTRAINT pk_ads_counters TO pk_before_0007")
    op.create_table(
        "ads_counters",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("paid", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "scope IN ('account', 'device', 'ip', 'guest', 'guest_device')",
            name=op.f("ck_ads_counters_scope"),
        ),
        sa.CheckConstraint("paid >= 0", name=op.f("ck_ads_counters_paid")),
        sa.PrimaryKeyConstraint("scope", "subject", "day", name="pk_ads_counters"),
    )
    op.execute(
        "INSERT INTO ads_counters (scope, subject, day, paid) "
        "SELECT scope, subject, day, paid FROM ads_counters_before_0007"
    )
    op.execute(
        "INSERT INTO ads_counters (scope, subject, day, paid) "
        "SELECT 'guest_device', device_id, '', count(*) FROM ads_rewards "
        "WHERE as_guest AND status = 'paid' GROUP BY device_id"
    )
    op.drop_table("ads_counters_before_0007")
    op.create_index("ix_ads_counters_day_scope_paid", "ads_counters", ["day", "scope", "paid"])
    op.create_index("ix_ads_rewards_device_id_settled_at", "ads_rewards", ["device_id", "settled_at"])
    op.create_index("ix_ads_rewards_ip_key_settled_at", "ads_rewards", ["ip_key", "settled_at"])
