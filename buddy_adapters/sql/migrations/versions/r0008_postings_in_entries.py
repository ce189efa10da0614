"""Postings lie in the row of their entry, lot balances say whether they are open, wallets when they moved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from buddy_adapters.sql.triggers import append_only_statements
from buddy_adapters.sql.types import Id, Instant

revision = "0008"
down_revision = "0007"

_OPERATIONS = (
    "operation IN ('earn', 'purchase', 'spend', 'expire', 'refund', 'reverse', 'transfer_out', "
    "'transfer_in', 'adjust', 'hold', 'post', 'void', 'freeze', 'unfreeze')"
)
_HASHES = "length(previous_hash) = 32 AND length(hash) = 32"
_OPEN = "is_open = (remaining > 0)"

# The canonical JSON that the hash of every entry was taken over from the first day.
_SQLITE_TEXT = """
coalesce((SELECT '[' || group_concat(posting, ',') || ']' FROM (
  SELECT json_array(
    account, lot_id, kind, amount, version, currency, value_numerator || '/' || value_denominator
  ) AS posting FROM token_postings WHERE entry_id = entry.id ORDER BY position
)), '[]')
"""
_POSTGRESQL_TEXT = """
coalesce((SELECT '[' || string_agg(
  concat('[', to_json(account), ',', coalesce(to_json(lot_id)::text, 'null'), ',', to_json(kind), ',', amount,
    ',', version, ',', coalesce(to_json(currency)::text, 'null'), ',',
    coalesce(to_json(value_numerator || '/' || value_denominator)::text, 'null'), ']'),
  ',' ORDER BY position
) || ']' FROM token_postings WHERE entry_id = entry.id), '[]')
"""
_SQLITE_VIEW = """
CREATE VIEW token_postings AS
SELECT entry.id AS entry_id,
  CAST(posting.key AS INTEGER) AS position,
  json_extract(posting.value, '$[0]') AS account,
  json_extract(posting.value, '$[1]') AS lot_id,
  json_extract(posting.value, '$[2]') AS kind,
  json_extract(posting.value, '$[3]') AS amount,
  json_extract(posting.value, '$[4]') AS version,
  json_extract(posting.value, '$[5]') AS currency,
  CAST(json_extract(posting.value, '$[6]') AS INTEGER) AS value_numerator,
  CAST(substr(json_extract(posting.value, '$[6]'), instr(json_extract(posting.value, '$[6]'), '/') + 1)
    AS INTEGER) AS value_denominator
FROM token_entries AS entry, json_each(entry.postings) AS posting
"""
_POSTGRESQL_VIEW = """
CREATE VIEW token_postings AS
SELECT entry.id AS entry_id,
  (number - 1)::integer AS position,
  posting ->> 0 AS account,
  (posting ->> 1)::uuid AS lot_id,
  posting ->> 2 AS kind,
  (posting ->> 3)::bigint AS amount,
  (posting ->> 4)::bigint AS version,
  posting ->> 5 AS currency,
  split_part(posting ->> 6, '/', 1)::bigint AS value_numerator,
  split_part(posting ->> 6, '/', 2)::bigint AS value_denominator
FROM token_entries AS entry,
  json_array_elements(entry.postings::json) WITH ORDINALITY AS each (posting, number)
"""


def upgrade() -> None:
    """Move each posting into the row of its entry; a view of the same name shows them one by one."""
    op.add_column("token_wallets", sa.Column("moved_at", Instant(), nullable=True))
    op.execute(
        "UPDATE token_wallets SET moved_at = (SELECT recorded_at FROM token_entries AS entry "
        "WHERE entry.account_id = token_wallets.account_id AND entry.sequence = token_wallets.sequence)"
    )
    if op.get_bind().dialect.name == "postgresql":
        _widen_entries()
        _widen_balances()
        op.drop_table("token_postings")
        op.execute(_POSTGRESQL_VIEW)
    else:
        _copy_entries()
        _copy_balances()
        op.drop_table("token_postings")
        op.execute(_SQLITE_VIEW)


def _widen_entries() -> None:
    op.execute("DROP TRIGGER token_entries_append_only ON token_entries")
    op.add_column("token_entries", sa.Column("postings", sa.Text(), nullable=True))
    op.execute(f"UPDATE token_entries AS entry SET postings = {_POSTGRESQL_TEXT}")
    op.alter_column("token_entries", "postings", nullable=False)
    for statement in append_only_statements("postgresql", ["token_entries"]):
        op.execute(statement)


def _widen_balances() -> None:
    op.drop_index("ix_token_lot_balances_open", table_name="token_lot_balances")
    op.add_column("token_lot_balances", sa.Column("is_open", sa.Boolean(), nullable=True))
    op.execute("UPDATE token_lot_balances SET is_open = (remaining > 0)")
    op.alter_column("token_lot_balances", "is_open", nullable=False)
    op.create_check_constraint(op.f("ck_token_lot_balances_open"), "token_lot_balances", _OPEN)
    op.create_index(
        "ix_token_lot_balances_open",
        "token_lot_balances",
        ["account_id"],
        postgresql_where=sa.text("is_open"),
    )
    # Room beside each row for its next state: an update then touches no index.
    for table in ("token_wallets", "token_lot_balances"):
        op.execute(f"ALTER TABLE {table} SET (fillfactor = 70)")


def _copy_entries() -> None:
    op.drop_index("ix_token_entries_corrects", table_name="token_entries")
    op.rename_table("token_entries", "token_entries_before_0008")
    op.create_table(
        "token_entries",
        sa.Column("id", Id(), nullable=False),
        sa.Column("account_id", Id(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("operation", sa.String(length=16), nullable=False),
        sa.Column("effective_at", Instant(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.Column("rule_version", sa.BigInteger(), nullable=True),
        sa.Column("corrects", Id(), nullable=True),
        sa.Column("hold_id", Id(), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("entity", sa.Text(), nullable=True),
        sa.Column("postings", sa.Text(), nullable=False),
        sa.CheckConstraint(_OPERATIONS, name=op.f("ck_token_entries_operation")),
        sa.CheckConstraint(_HASHES, name=op.f("ck_token_entries_hashes")),
        sa.CheckConstraint("sequence >= 1", name=op.f("ck_token_entries_sequence")),
        sa.PrimaryKeyConstraint("id", name="pk_token_entries"),
        sa.UniqueConstraint(
            "account_id", "operation", "idempotency_key", name="uq_token_entries_idempotency"
        ),
        sa.UniqueConstraint("account_id", "sequence", name="uq_token_entries_account_id_sequence"),
    )
    op.execute(
        f"INSERT INTO token_entries SELECT entry.*, {_SQLITE_TEXT} FROM token_entries_before_0008 AS entry"
    )
    # Its triggers go with it, so that the new one can have theirs.
    op.drop_table("token_entries_before_0008")
    op.create_index(
        "ix_token_entries_corrects",
        "token_entries",
        ["corrects"],
        sqlite_where=sa.text("corrects IS NOT NULL"),
    )
    for statement in append_only_statements("sqlite", ["token_entries"]):
        op.execute(statement)


def _copy_balances() -> None:
    op.drop_index("ix_token_lot_balances_open", table_name="token_lot_balances")
    op.rename_table("token_lot_balances", "token_lot_balances_before_0008")
    op.create_table(
        "token_lot_balances",
        sa.Column("lot_id", Id(), nullable=False),
        sa.Column("account_id", Id(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.CheckConstraint("remaining >= 0", name=op.f("ck_token_lot_balances_remaining")),
        sa.CheckConstraint(_OPEN, name=op.f("ck_token_lot_balances_open")),
        sa.PrimaryKeyConstraint("lot_id", name="pk_token_lot_balances"),
    )
    op.execute(
        "INSERT INTO token_lot_balances SELECT balance.*, remaining > 0 "
        "FROM token_lot_balances_before_0008 AS balance"
    )
    op.drop_table("token_lot_balances_before_0008")
    op.create_index(
        "ix_token_lot_balances_open", "token_lot_balances", ["account_id"], sqlite_where=sa.text("is_open")
    )
