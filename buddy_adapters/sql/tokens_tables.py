"""The tables of the token ledger, and the plain functions between their rows and the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    column,
    table,
)

from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.triggers import APPEND_ONLY
from buddy_adapters.sql.types import CanonicalJson, Hash, Id, Instant
from buddy_core.kernel.ids import AccountId, LotId
from buddy_core.tokens import (
    MAX_TOKENS,
    Entry,
    Hold,
    Lot,
    Operation,
    TokenKind,
    ValueVersion,
    Wallet,
    postings_from_text,
)

Row = Mapping[Any, Any]

_ROOM_TO_UPDATE = {"fillfactor": 70}
_OPERATIONS = ", ".join(f"'{operation.value}'" for operation in Operation)

# The hot tables point at each other without foreign keys, which would cost a quarter of the speed of a
# spend; `buddy verify` finds what they would refuse.

wallets = Table(
    "token_wallets",
    metadata,
    Column("account_id", Id, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("head", Hash, nullable=False),
    Column("is_frozen", Boolean, nullable=False),
    Column("moved_at", Instant),
    CheckConstraint("sequence >= 0", "sequence"),
    CheckConstraint("length(head) = 32", "head"),
    postgresql_with=_ROOM_TO_UPDATE,
)

entries = Table(
    "token_entries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account_id", Id, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("previous_hash", Hash, nullable=False),
    Column("hash", Hash, nullable=False),
    Column("operation", String(16), nullable=False),
    Column("effective_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("idempotency_key", String(255), nullable=False),
    Column("source", Text, nullable=False),
    Column("source_ref", Text, nullable=False),
    Column("rule_version", BigInteger),
    Column("corrects", Id),
    Column("hold_id", Id),
    Column("country", String(2)),
    Column("entity", Text),
    # One row for an entry and its postings, in the canonical form that its hash is taken over.
    Column("postings", Text, nullable=False),
    UniqueConstraint("account_id", "sequence"),
    # A merge writes several entries with one key, but never two of one operation on one wallet.
    UniqueConstraint("account_id", "operation", "idempotency_key", name="uq_token_entries_idempotency"),
    CheckConstraint("sequence >= 1", "sequence"),
    CheckConstraint("length(previous_hash) = 32 AND length(hash) = 32", "hashes"),
    CheckConstraint(f"operation IN ({_OPERATIONS})", "operation"),
    info=APPEND_ONLY,
)
# Few entries correct another one, and only those are looked up by what they correct.
Index(
    "ix_token_entries_corrects",
    entries.c.corrects,
    postgresql_where=entries.c.corrects.is_not(None),
    sqlite_where=entries.c.corrects.is_not(None),
)

postings = table(
    "token_postings",
    column("entry_id", Id),
    column("position", Integer),
    column("account", Text),
    column("lot_id", Id),
    column("kind", Text),
    column("amount", BigInteger),
    column("version", BigInteger),
    column("currency", Text),
    column("value_numerator", BigInteger),
    column("value_denominator", BigInteger),
)
"""A view of the postings that lie in the entries, for sums over many; nothing can be written to it."""

lots = Table(
    "token_lots",
    metadata,
    Column("id", Id, primary_key=True),
    Column("entry_id", Id, nullable=False),
    Column("position", Integer, nullable=False),
    Column("account_id", Id, nullable=False),
    Column("origin_id", Id, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("effective_from", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("priority", BigInteger, nullable=False),
    Column("scopes", CanonicalJson, nullable=False),
    Column("source", Text, nullable=False),
    Column("earned_as_guest", Boolean, nullable=False),
    Column("cost_minor", BigInteger),
    Column("cost_currency", String(3)),
    UniqueConstraint("entry_id", "position"),
    CheckConstraint("position >= 0", "position"),
    CheckConstraint(f"amount >= 1 AND amount <= {MAX_TOKENS}", "amount"),
    CheckConstraint("expires_at > effective_from", "expiry"),
    CheckConstraint("(cost_minor IS NULL) = (cost_currency IS NULL)", "cost"),
    info=APPEND_ONLY,
)

balances = Table(
    "token_lot_balances",
    metadata,
    Column("lot_id", Id, primary_key=True),
    Column("account_id", Id, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    # Said beside the number, so that an index can stay as it is while the number changes.
    Column("is_open", Boolean, nullable=False),
    CheckConstraint("remaining >= 0", "remaining"),
    CheckConstraint("is_open = (remaining > 0)", "open"),
    postgresql_with=_ROOM_TO_UPDATE,
)
# Only what can still be spent is looked up by account; a wallet's used-up lots cost nothing.
Index(
    "ix_token_lot_balances_open",
    balances.c.account_id,
    postgresql_where=balances.c.is_open,
    sqlite_where=balances.c.is_open,
)

holds = Table(
    "token_holds",
    metadata,
    Column("id", Id, primary_key=True),
    Column("entry_id", Id, nullable=False),
    Column("position", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("expires_at", Instant, nullable=False),
    UniqueConstraint("entry_id", "position"),
    CheckConstraint("position >= 0", "position"),
    CheckConstraint(f"amount >= 1 AND amount <= {MAX_TOKENS}", "amount"),
    info=APPEND_ONLY,
)

open_holds = Table(
    "token_open_holds",
    metadata,
    Column("hold_id", Id, primary_key=True),
    Column("account_id", Id, nullable=False, index=True),
    Column("expires_at", Instant, nullable=False, index=True),
)
"""The holds that no entry has ended: neither a spend nor a sweep looks through those that are over."""

value_versions = Table(
    "token_value_versions",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("effective_from", Instant, nullable=False),
    Column("values", CanonicalJson, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("previous_hash", Hash, nullable=False),
    Column("hash", Hash, nullable=False),
    UniqueConstraint("kind", "effective_from"),
    CheckConstraint("version >= 1", "version"),
    CheckConstraint("length(previous_hash) = 32 AND length(hash) = 32", "hashes"),
    info=APPEND_ONLY,
)


def wallet_to_row(wallet: Wallet) -> dict[str, Any]:
    """Return the wallet's row; its lots have rows of their own."""
    return {
        "account_id": wallet.account_id,
        "sequence": wallet.sequence,
        "head": wallet.head,
        "is_frozen": wallet.is_frozen,
        "moved_at": wallet.moved_at,
    }


def entry_to_row(entry: Entry) -> dict[str, Any]:
    """Return the entry's row, without its postings, lots and holds."""
    return {
        "id": entry.id,
        "account_id": entry.account_id,
        "sequence": entry.sequence,
        "previous_hash": entry.previous_hash,
        "hash": entry.hash,
        "operation": entry.operation.value,
        "effective_at": entry.effective_at,
        "recorded_at": entry.recorded_at,
        "idempotency_key": entry.idempotency_key,
        "source": entry.source,
        "source_ref": entry.source_ref,
        "rule_version": entry.rule_version,
        "corrects": entry.corrects,
        "hold_id": entry.hold_id,
        "country": entry.country,
        "entity": entry.entity,
        "postings": entry.postings_text,
    }


def parts_to_rows(made: Sequence[Entry]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of all lots and holds of entries, each numbered within its entry."""
    opened, held = [], []
    for entry in made:
        for position, lot in enumerate(entry.lots):
            place = {"entry_id": entry.id, "position": position, "account_id": entry.account_id}
            opened.append(place | lot_to_row(lot))
        for position, hold in enumerate(entry.holds):
            held.append({"entry_id": entry.id, "position": position, **hold_to_row(hold)})
    return opened, held


def wallet_from_row(row: Row) -> Wallet:
    """Return the wallet of a row, without its lots."""
    return Wallet(
        AccountId(row["account_id"]),
        row["sequence"],
        row["head"],
        row["is_frozen"],
        moved_at=row["moved_at"],
    )


def entry_from_row(row: Row, opened: tuple[Lot, ...], held: tuple[Hold, ...]) -> Entry:
    """Return the entry of a row and of what hangs on it, each in order of position."""
    return Entry(
        id=row["id"],
        account_id=row["account_id"],
        sequence=row["sequence"],
        previous_hash=row["previous_hash"],
        operation=Operation(row["operation"]),
        effective_at=row["effective_at"],
        recorded_at=row["recorded_at"],
        idempotency_key=row["idempotency_key"],
        source=row["source"],
        source_ref=row["source_ref"],
        postings=postings_from_text(row["postings"]),
        lots=opened,
        holds=held,
        rule_version=row["rule_version"],
        corrects=row["corrects"],
        hold_id=row["hold_id"],
        country=row["country"],
        entity=row["entity"],
    )


def lot_to_row(lot: Lot) -> dict[str, Any]:
    """Return the lot's row, without its place in an entry and that entry's account."""
    return {
        "id": lot.id,
        "origin_id": lot.origin_id,
        "kind": lot.kind,
        "amount": lot.amount,
        "effective_from": lot.effective_from,
        "expires_at": lot.expires_at,
        "created_at": lot.created_at,
        "priority": lot.priority,
        "scopes": list(lot.scopes),
        "source": lot.source,
        "earned_as_guest": lot.earned_as_guest,
        "cost_minor": lot.cost_minor,
        "cost_currency": lot.cost_currency,
    }


def lot_from_row(row: Row) -> Lot:
    """Return the lot of a row."""
    return Lot(
        id=LotId(row["id"]),
        origin_id=LotId(row["origin_id"]),
        kind=TokenKind(row["kind"]),
        amount=row["amount"],
        effective_from=row["effective_from"],
        expires_at=row["expires_at"],
        created_at=row["created_at"],
        source=row["source"],
        earned_as_guest=row["earned_as_guest"],
        priority=row["priority"],
        scopes=tuple(row["scopes"]),
        cost_minor=row["cost_minor"],
        cost_currency=row["cost_currency"],
    )


def hold_to_row(hold: Hold) -> dict[str, Any]:
    """Return the hold's row, without its place in an entry."""
    return {"id": hold.id, "amount": hold.amount, "expires_at": hold.expires_at}


def hold_from_row(row: Row) -> Hold:
    """Return the hold of a row."""
    return Hold(row["id"], row["amount"], row["expires_at"])


def open_hold_to_row(account: AccountId, hold: Hold) -> dict[str, Any]:
    """Return the row that says that a hold is open."""
    return {"hold_id": hold.id, "account_id": account, "expires_at": hold.expires_at}


def balance_to_row(account: AccountId, lot: LotId, remaining: int) -> dict[str, Any]:
    """Return the row that says what is left of a lot."""
    return {"lot_id": lot, "account_id": account, "remaining": remaining, "is_open": remaining > 0}


def version_to_row(version: ValueVersion) -> dict[str, Any]:
    """Return the value version's row."""
    return {
        "kind": version.kind,
        "version": version.version,
        "effective_from": version.effective_from,
        "values": dict(version.values),
        "recorded_at": version.recorded_at,
        "recorded_by": version.recorded_by,
        "previous_hash": version.previous_hash,
        "hash": version.hash,
    }


def version_from_row(row: Row) -> ValueVersion:
    """Return the value version of a row."""
    return ValueVersion(
        kind=TokenKind(row["kind"]),
        version=row["version"],
        effective_from=row["effective_from"],
        values={currency: Fraction(text) for currency, text in row["values"].items()},
        recorded_at=row["recorded_at"],
        recorded_by=row["recorded_by"],
        previous_hash=row["previous_hash"],
    )
