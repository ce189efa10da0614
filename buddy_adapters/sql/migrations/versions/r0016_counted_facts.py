"""Files of facts say how many they have, so that lists need not read them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from buddy_adapters.sql.triggers import append_only_statements
from buddy_core.royalty import count_facts

revision = "0016"
down_revision = "0015"

_INPUTS = sa.table(
    "royalty_inputs",
    sa.column("entity", sa.Text()),
    sa.column("sequence", sa.BigInteger()),
    sa.column("kind", sa.String()),
    sa.column("body", sa.LargeBinary()),
    sa.column("facts", sa.BigInteger()),
)


def upgrade() -> None:
    """Add the column and count what is there, one file after the other."""
    op.add_column(
        "royalty_inputs", sa.Column("facts", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )
    bind = op.get_bind()
    is_postgresql = bind.dialect.name == "postgresql"
    kept = "royalty_inputs_append_only ON royalty_inputs" if is_postgresql else "royalty_inputs_no_update"
    op.execute(f"DROP TRIGGER {kept}")
    files = sa.select(_INPUTS.c.entity, _INPUTS.c.sequence).where(_INPUTS.c.kind == "facts")
    for entity, sequence in bind.execute(files).all():
        row = (_INPUTS.c.entity == entity, _INPUTS.c.sequence == sequence)
        body = bind.execute(sa.select(_INPUTS.c.body).where(*row)).scalar_one()
        bind.execute(sa.update(_INPUTS).where(*row).values(facts=count_facts(bytes(body))))
    for statement in append_only_statements(bind.dialect.name, ["royalty_inputs"]):
        if is_postgresql or "royalty_inputs_no_update" in statement:
            op.execute(statement)
