"""Royalty facts and closed statements in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from buddy_adapters.memory.tables import TableName, Tables
from buddy_core.kernel import Contention, EntityId, EntryId, Period
from buddy_core.royalty import PeriodAlreadyClosed, RoyaltyRecords, StoredStatement, TokenSpend

SPENDS: TableName[tuple[EntryId, str], TokenSpend] = TableName("token_spends")
STATEMENTS: TableName[tuple[EntityId, int], StoredStatement] = TableName("statements")
CLOSED: TableName[EntityId, tuple[tuple[str, datetime], ...]] = TableName("closed_months")
"""An entity's closed months in order, each with the instant that it ended."""


class MemoryTokenSpends:
    """Facts by ledger entry and kind of token."""

    def __init__(self, tables: Tables) -> None:
        self._spends, self._closed = tables[SPENDS], tables[CLOSED]

    async def add(self, spends: Sequence[TokenSpend]) -> None:
        for spend in spends:
            for month, ends_at in self._closed.get(spend.entity) or ():
                if spend.at < ends_at:
                    raise PeriodAlreadyClosed(spend.entity, month)
            if not self._spends.add((spend.entry_id, spend.kind), spend):
                raise Contention("token spend")

    async def of_period(self, entity: EntityId, period: Period) -> list[TokenSpend]:
        mine = [spend for spend in self._of(entity) if period.contains(spend.at)]
        return sorted(mine, key=lambda spend: (spend.at, spend.entry_id, spend.kind))

    async def first_at(self, entity: EntityId, since: datetime | None) -> datetime | None:
        instants = (spend.at for spend in self._of(entity))
        return min((at for at in instants if since is None or at >= since), default=None)

    def _of(self, entity: EntityId) -> list[TokenSpend]:
        return [spend for spend in self._spends.rows() if spend.entity == entity]


class MemoryStatements:
    """Statements by entity and place in its chain."""

    def __init__(self, tables: Tables) -> None:
        self._statements, self._closed = tables[STATEMENTS], tables[CLOSED]

    async def hold_months_open(self, entity: EntityId, at: datetime) -> None:
        """Refuse what is closed; holding needs nothing, because there is one writer at a time."""
        end = await self.closed_until(entity)
        if end is not None and at < end:
            raise Contention("month")

    async def lock_for_close(self, entity: EntityId) -> None:
        """Do nothing: there is one writer at a time."""

    async def closed_until(self, entity: EntityId) -> datetime | None:
        closed = self._closed.get(entity)
        return closed[-1][1] if closed else None

    async def of_month(self, entity: EntityId, month: str) -> list[StoredStatement]:
        return [item for item in self._of(entity) if item.month == month]

    async def of_holder(self, holder: str) -> list[StoredStatement]:
        found = [item for item in self._statements.rows() if item.holder == holder]
        found.sort(key=lambda item: (item.entity, item.sequence))
        return sorted(found, key=lambda item: item.month, reverse=True)

    async def last(self, entity: EntityId) -> StoredStatement | None:
        chain = self._of(entity)
        return chain[-1] if chain else None

    async def months(self, entity: EntityId) -> list[str]:
        return [month for month, _ in self._closed.get(entity) or ()]

    async def close(
        self, entity: EntityId, month: str, ends_at: datetime, statements: Sequence[StoredStatement]
    ) -> None:
        closed = self._closed.get(entity) or ()
        if any(name == month for name, _ in closed):
            raise Contention("month")
        for item in statements:
            if not self._statements.add((entity, item.sequence), item):
                raise Contention("statement")
        self._closed.put(entity, tuple(sorted((*closed, (month, ends_at)), key=lambda pair: pair[1])))

    def _of(self, entity: EntityId) -> list[StoredStatement]:
        mine = [item for item in self._statements.rows() if item.entity == entity]
        return sorted(mine, key=lambda item: item.sequence)


class MemoryRoyaltyBooks:
    """Facts, closed months and statements as they lie here."""

    def __init__(self, tables: Tables) -> None:
        self._spends, self._statements, self._closed = tables[SPENDS], tables[STATEMENTS], tables[CLOSED]

    async def all(self) -> RoyaltyRecords:
        spends = sorted(self._spends.rows(), key=lambda spend: (spend.entry_id, spend.kind))
        months = [
            (entity, month, ends_at)
            for entity in sorted(self._closed)
            for month, ends_at in self._closed.get(entity) or ()
        ]
        statements = sorted(self._statements.rows(), key=lambda item: (item.entity, item.sequence))
        return RoyaltyRecords(spends, months, statements)
