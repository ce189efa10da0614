"""Receipts of requests done once, and the outbox of events, in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    and_,
    bindparam,
    column,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import is_postgresql
from buddy_adapters.sql.direct import text_of
from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.triggers import APPEND_ONLY
from buddy_adapters.sql.types import Hash, Id, Instant
from buddy_adapters.sql.writes import Writes
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.events import Envelope, Outbox, OutboxQueue
from buddy_core.kernel.idempotency import MAX_KEY_LENGTH, Receipt, ReceiptName, Receipts, RequestKey
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
Index(
    "ix_outbox_sent",
    outbox.c.sent_at,
    postgresql_where=outbox.c.sent_at.is_not(None),
    sqlite_where=outbox.c.sent_at.is_not(None),
)


_ONE = text_of(
    select(receipts).where(receipts.c.scope == bindparam("scope"), receipts.c.key == bindparam("key"))
)
_NAMED = (
    func.unnest(bindparam("scopes", type_=ARRAY(Text)), bindparam("keys", type_=ARRAY(Text)))
    .table_valued(column("scope", Text), column("key", Text), name="named")
    .render_derived()
)
_MANY = text_of(
    select(receipts).join(_NAMED, and_(receipts.c.scope == _NAMED.c.scope, receipts.c.key == _NAMED.c.key))
)


class SqlReceipts:
    """Receipts by scope and key."""

    def __init__(self, connection: AsyncConnection, writes: Writes) -> None:
        self._connection = connection
        self._writes = writes

    async def find(self, scope: str, key: str) -> Receipt | None:
        return (await self.find_all([(scope, key)])).get((scope, key))

    async def find_all(self, names: Sequence[ReceiptName]) -> dict[ReceiptName, Receipt]:
        await self._writes.flush()
        if not is_postgresql(self._connection):
            query = select(receipts).where(tuple_(receipts.c.scope, receipts.c.key).in_(names))
            rows: Sequence[Any] = (await self._connection.execute(query)).all()
        elif len(names) == 1:
            rows = await self._writes.direct.rows(_ONE, *names[0])
        else:
            scopes, keys = zip(*names, strict=True)
            rows = await self._writes.direct.rows(_MANY, list(scopes), list(keys))
        found = (dict(zip(receipts.c.keys(), row, strict=True)) for row in rows)
        return {(row["scope"], row["key"]): receipt_from_row(row) for row in found}

    async def add(self, *given: Receipt) -> None:
        self._writes.insert(receipts, map(receipt_to_row, given), lambda: Contention("request"))


class SqlOutbox:
    """Events as rows, written in the commit of the change that they tell of."""

    def __init__(self, writes: Writes) -> None:
        self._writes = writes

    async def add(self, envelopes: Sequence[Envelope]) -> None:
        self._writes.insert(outbox, map(envelope_to_row, envelopes), lambda: Contention("event"))


class SqlOutboxQueue:
    """The rows that were not sent yet; a serial would skip those that commit late."""

    def __init__(self, connection: AsyncConnection, writes: Writes) -> None:
        self._connection = connection
        self._writes = writes

    async def unsent(self, limit: int) -> list[Envelope]:
        await self._writes.flush()
        query = select(outbox).where(outbox.c.sent_at.is_(None)).order_by(outbox.c.at, outbox.c.id)
        rows = await self._connection.execute(query.limit(limit))
        return [envelope_from_row(row) for row in rows.mappings()]

    async def since(self, at: datetime) -> list[Envelope]:
        # Two questions, each with an index of its own; one that asks for either reads the whole table.
        found: list[Envelope] = []
        for news in (and_(outbox.c.sent_at.is_(None), outbox.c.at >= at), outbox.c.sent_at >= at):
            rows = await self._connection.execute(select(outbox).where(news))
            found += map(envelope_from_row, rows.mappings())
        return sorted(found, key=lambda item: (item.at, item.id))

    async def mark_sent(self, ids: Sequence[EventId], at: datetime) -> None:
        if ids:
            await self._writes.flush()
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
        "sent_at": None,
    }


def envelope_from_row(row: Mapping[Any, Any]) -> Envelope:
    """Return the envelope of a row."""
    return Envelope(EventId(row["id"]), row["type"], row["subject"], row["at"], row["body"])


def _conforms(connection: AsyncConnection, writes: Writes) -> tuple[Receipts, Outbox, OutboxQueue]:
    """Hold every class here to its port; read by the type checker alone."""
    return SqlReceipts(connection, writes), SqlOutbox(writes), SqlOutboxQueue(connection, writes)
