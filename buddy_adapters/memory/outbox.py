"""Receipts and outbox in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from buddy_adapters.memory.tables import TableName, Tables
from buddy_core.kernel import Contention, Envelope, EventId, Receipt, ReceiptName

RECEIPTS: TableName[ReceiptName, Receipt] = TableName("receipts")
UNSENT: TableName[EventId, Envelope] = TableName("outbox_unsent")
SENT: TableName[EventId, tuple[Envelope, datetime]] = TableName("outbox_sent")


class MemoryReceipts:
    """Receipts by scope and key."""

    def __init__(self, tables: Tables) -> None:
        self._receipts = tables[RECEIPTS]

    async def find(self, scope: str, key: str) -> Receipt | None:
        return self._receipts.get((scope, key))

    async def find_all(self, names: Sequence[ReceiptName]) -> dict[ReceiptName, Receipt]:
        return self._receipts.found(names)

    async def add(self, *receipts: Receipt) -> None:
        for receipt in receipts:
            if not self._receipts.add((receipt.request.scope, receipt.request.key), receipt):
                raise Contention("receipt")


class MemoryOutbox:
    """Envelopes that wait for the relay."""

    def __init__(self, tables: Tables) -> None:
        self._unsent = tables[UNSENT]

    async def add(self, envelopes: Sequence[Envelope]) -> None:
        for item in envelopes:
            self._unsent.put(item.id, item)


class MemoryOutboxQueue:
    """The relay's side: unsent and sent envelopes lie apart, so that asking for unsent ones stays cheap."""

    def __init__(self, tables: Tables) -> None:
        self._unsent, self._sent = tables[UNSENT], tables[SENT]

    async def unsent(self, limit: int) -> list[Envelope]:
        return sorted(self._unsent.rows(), key=lambda item: (item.at, item.id))[:limit]

    async def since(self, at: datetime) -> list[Envelope]:
        found = [*self._unsent.rows(), *(item for item, _ in self._sent.rows())]
        return sorted((item for item in found if item.at >= at), key=lambda item: (item.at, item.id))

    async def mark_sent(self, ids: Sequence[EventId], at: datetime) -> None:
        for event_id in ids:
            item = self._unsent.get(event_id)
            if item is not None:
                self._sent.put(event_id, (item, at))
                self._unsent.drop(event_id)
