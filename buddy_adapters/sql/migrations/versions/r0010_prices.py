"""Prices in money, as versions of a book of rules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from buddy_adapters.sql.triggers import append_only_statements
from buddy_adapters.sql.types import CanonicalJson, Instant

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the table of price books, to which rows are only ever added."""
    op.create_table(
        "pricing_price_books",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("effective_from", Instant(), nullable=False),
        sa.Column("rules", CanonicalJson(), nullable=False),
        sa.Column("currencies", CanonicalJson(), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_pricing_price_books_version")),
        sa.PrimaryKeyConstraint("version", name="pk_pricing_price_books"),
    )
    for statement in append_only_statements(op.get_bind().dialect.name, ["pricing_price_books"]):
        op.execute(statement)
