"""Facts and terms from outside, and what each closed month was stated from and carries on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from buddy_adapters.sql.triggers import append_only_statements
from buddy_adapters.sql.types import Instant
from buddy_core.kernel.errors import InvalidValue

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add them.

    Raises:
        InvalidValue: there are closed months, which have neither terms nor balances to go on from.
    """
    if op.get_bind().execute(sa.text("SELECT count(*) FROM royalty_periods")).scalar_one():
        raise InvalidValue(
            "royalty_periods",
            "has months that were closed in the first form of statements, which carry no balances to go on "
            "from. Keep this store as an archive, with the version that closed them, and begin a new one",
        )
    op.drop_table("royalty_periods")
    op.create_table(
        "royalty_periods",
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("cut", sa.BigInteger(), nullable=False),
        sa.Column("terms", sa.LargeBinary(), nullable=False),
        sa.Column("closing", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("cut >= 0", name=op.f("ck_royalty_periods_cut")),
        sa.PrimaryKeyConstraint("entity", "month", name="pk_royalty_periods"),
        sa.UniqueConstraint("entity", "ends_at", name="uq_royalty_periods_entity_ends_at"),
    )
    op.create_table(
        "royalty_inputs",
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.CheckConstraint("sequence >= 1", name=op.f("ck_royalty_inputs_sequence")),
        sa.CheckConstraint("(kind = 'facts') = (month <> '')", name=op.f("ck_royalty_inputs_month")),
        sa.PrimaryKeyConstraint("entity", "sequence", name="pk_royalty_inputs"),
    )
    op.create_index("ix_royalty_inputs_key", "royalty_inputs", ["entity", "kind", "key", "sequence"])
    for statement in append_only_statements(
        op.get_bind().dialect.name, ["royalty_periods", "royalty_inputs"]
    ):
        op.execute(statement)
