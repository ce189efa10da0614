"""Receipts of requests done once, and the outbox of events, in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, String, Table, Text, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import insert_ignoring, insert_rows
from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.triggers import APPEND_ONLY
from buddy_adapters.sql.types import Hash, Id, Instant
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.events import Envelope, Outbox, OutboxQueue
from buddy_core.kernel.idempotency import MAX_KEY_LENGTH, Receipt, Receipts, RequestKey
from buddy_core.kernel.ids import EventId

receipts = Table(
    "receipts",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("key", String(MAX_KEY_LENGTH), primary_key=True),
    Column("fingerprint", Hash, nullable=False),
    Column("result", LargeBinary, nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("length(fingerprint) = 32", "fingerprint"),
    info=APPEND_ONLY,
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("sent_at", Instant),
)
Index(
    "ix_outbox_unsent",
    outbox.c.at,
    outbox.c.id,
    postgresql_where=outbox.c.sent_at.is_(None),
    sqlite_where=outbox.c.sent_at.is_(None),
)


class SqlReceipts:
    """Receipts by scope and key."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, scope: str, key: str) -> Receipt | None:
        query = select(receipts).where(receipts.c.scope == scope, receipts.c.key == key)
        row = (await self._connection.execute(query)).mappings().one_or_none()
        return None if row is None else receipt_from_row(row)

    async def add(self, receipt: Receipt) -> None:
        if await insert_ignoring(self._connection, receipts, [receipt_to_row(receipt)]) != 1:
            raise Contention("request")


class SqlOutbox:
    """Events as rows, written in the commit of the change that they tell of."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, envelopes: Sequence[Envelope]) -> None:
        await insert_rows(self._connection, outbox, [envelope_to_row(item) for item in envelopes])


class SqlOutboxQueue:
    """The rows that were not sent yet; a serial would skip those that commit late."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def unsent(self, limit: int) -> list[Envelope]:
        query = select(outbox).where(outbox.c.sent_at.is_(None)).order_by(outbox.c.at, outbox.c.id)
        rows = await self._connection.execute(query.limit(limit))
        return [envelope_from_row(row) for row in rows.mappings()]

    async def mark_sent(self, ids: Sequence[EventId], at: datetime) -> None:
        if ids:
            unsent = update(outbox).where(outbox.c.id.in_(ids), outbox.c.sent_at.is_(None))
            await self._connection.execute(unsent.values(sent_at=at))


def receipt_to_row(receipt: Receipt) -> dict[str, Any]:
    """Return the receipt's row."""
    return {
        "scope": receipt.request.scope,
        "key": receipt.request.key,
        "fingerprint": receipt.request.fingerprint,
        "result": receipt.result,
        "at": receipt.at,
    }


def receipt_from_row(row: Mapping[Any, Any]) -> Receipt:
    """Return the receipt of a row."""
    return Receipt(RequestKey(row["scope"], row["key"], row["fingerprint"]), row["result"], row["at"])


def envelope_to_row(envelope: Envelope) -> dict[str, Any]:
    """Return the row of an envelope that is still to be sent."""
    return {
        "id": envelope.id,
        "type": envelope.type,
        "subject": envelope.subject,
        "at": envelope.at,
        "body": envelope.body,
    }


def envelope_from_row(row: Mapping[Any, Any]) -> Envelope:
    """Return the envelope of a row."""
    return Envelope(EventId(row["id"]), row["type"], row["subject"], row["at"], row["body"])


def _conforms(connection: AsyncConnection) -> tuple[Receipts, Outbox, OutboxQueue]:
    """Hold every class here to its port; read by the type checker alone."""
    return SqlReceipts(connection), SqlOutbox(connection), SqlOutboxQueue(connection)
