"""Alembic's environment and the revisions of the schema; `buddy_adapters.sql.migrate` runs them."""
