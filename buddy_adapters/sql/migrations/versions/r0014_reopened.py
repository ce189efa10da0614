"""Grants that had ended and were given a later end: from when they open again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from buddy_adapters.sql.types import Instant

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Make room for it; no grant so far has one."""
    op.add_column("entitlement_grants", sa.Column("reopened_at", Instant(), nullable=True))
