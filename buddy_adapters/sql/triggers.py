"""Triggers that refuse UPDATE and DELETE on tables that are only ever added to."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import MetaData

APPEND_ONLY = {"append_only": True}
"""The `info` of a table that may only be added to."""


def append_only_tables(metadata: MetaData) -> list[str]:
    """Return the names of the tables that say of themselves that they are append-only."""
    return sorted(table.name for table in metadata.tables.values() if table.info.get("append_only"))


def append_only_statements(dialect: str, tables: Iterable[str]) -> list[str]:
    """Return the statements that make `tables` append-only on `sqlite` or `postgresql`.

    They hold off mistakes and common tools, not somebody who may alter the schema:
    that is what the hash chains and `buddy verify` are for. Adding rows costs nothing.
    """
    if dialect == "postgresql":
        return [_REFUSE, *(_postgresql(table) for table in tables)]
    return [_sqlite(table, event) for table in tables for event in ("update", "delete")]


# 23001, restrict_violation, is what SQLite's RAISE(ABORT) comes nearest to: an integrity error.
_REFUSE = """
CREATE OR REPLACE FUNCTION buddy_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = '23001';
END
$$
"""


def _postgresql(table: str) -> str:
    return (
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION buddy_append_only()"
    )


def _sqlite(table: str, event: str) -> str:
    return (
        f"CREATE TRIGGER {table}_no_{event} BEFORE {event.upper()} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only: {event.upper()} refused'); END"
    )
