"""How Alembic reaches a database: on the connection it is given, or on one of its own for its command line.

`alembic -x url=sqlite+aiosqlite:///var/buddy.db ...` needs an alembic.ini whose
script_location is `buddy_adapters.sql:migrations`.
"""

from __future__ import annotations

import asyncio

from alembic import context
from sqlalchemy import Connection

from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.tables import metadata


def run(connection: Connection) -> None:
    """Run what Alembic was asked for in the connection's transaction, so that it is all or nothing."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transactional_ddl=True,
        # SQLite alters a table by copying it.
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_alone(url: str) -> None:
    """Run on an engine of our own."""
    engine = make_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(run)
    finally:
        await engine.dispose()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(run_alone(context.get_x_argument(as_dictionary=True)["url"]))
