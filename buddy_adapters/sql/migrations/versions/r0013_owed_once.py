"""What a takedown leaves owed is owed once a grant, however many takedowns stop it."""

from __future__ import annotations

from alembic import op

from buddy_adapters.sql.triggers import append_only_statements

revision = "0013"
down_revision = "0012"

_LATER = """
DELETE FROM rights_owed WHERE EXISTS (
  SELECT 1 FROM rights_owed AS earlier WHERE earlier.origin_id = rights_owed.origin_id
  AND (earlier.recorded_at, earlier.takedown_id) < (rights_owed.recorded_at, rights_owed.takedown_id))
"""


def upgrade() -> None:
    """Keep the first row of each grant, and refuse a second from now on."""
    dialect = op.get_bind().dialect.name
    if dialect == "postgresql":
        op.execute("DROP TRIGGER rights_owed_append_only ON rights_owed")
    else:
        op.execute("DROP TRIGGER rights_owed_no_update")
        op.execute("DROP TRIGGER rights_owed_no_delete")
    op.execute(_LATER)
    op.create_index("ix_rights_owed_origin_id", "rights_owed", ["origin_id"], unique=True)
    for statement in append_only_statements(dialect, ["rights_owed"]):
        op.execute(statement)
