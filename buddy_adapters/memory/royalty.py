"""Royalty facts and closed statements in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter

from buddy_adapters.memory.tables import TableName, Tables
from buddy_core.kernel import Contention, EntityId, EntryId, Period
from buddy_core.royalty import (
    ClosedMonth,
    Input,
    InputHead,
    InputKind,
    PeriodAlreadyClosed,
    RoyaltyRecords,
    StoredStatement,
    TokenSpend,
)

SPENDS: TableName[tuple[EntryId, str], TokenSpend] = TableName("token_spends")
STATEMENTS: TableName[tuple[EntityId, int], StoredStatement] = TableName("statements")
CLOSED: TableName[EntityId, tuple[ClosedMonth, ...]] = TableName("closed_months")
"""An entity's closed months in order."""
INPUTS: TableName[tuple[EntityId, int], Input] = TableName("royalty_inputs")


class MemoryTokenSpends:
    """Facts by ledger entry and kind of token."""

    def __init__(self, tables: Tables) -> None:
        self._spends, self._closed = tables[SPENDS], tables[CLOSED]

    async def add(self, spends: Sequence[TokenSpend]) -> None:
        for spend in spends:
            for closed in self._closed.get(spend.entity) or ():
                if spend.at < closed.ends_at:
                    raise PeriodAlreadyClosed(spend.entity, closed.month)
            if not self._spends.add((spend.entry_id, spend.kind), spend):
                raise Contention("token spend")

    async def of_period(self, entity: EntityId, period: Period) -> list[TokenSpend]:
        mine = [spend for spend in self._of(entity) if period.contains(spend.at)]
        return sorted(mine, key=lambda spend: (spend.at, spend.entry_id, spend.kind))

    async def count(self, entity: EntityId, until: datetime) -> int:
        return sum(spend.at < until for spend in self._of(entity))

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
        return closed[-1].ends_at if closed else None

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
        return [closed.month for closed in self._closed.get(entity) or ()]

    async def closed(self, entity: EntityId, months: Sequence[str]) -> list[ClosedMonth]:
        return [closed for closed in self._closed.get(entity) or () if closed.month in months]

    async def close(self, month: ClosedMonth, statements: Sequence[StoredStatement]) -> None:
        closed = self._closed.get(month.entity) or ()
        if any(item.month == month.month for item in closed):
            raise Contention("month")
        for item in statements:
            if not self._statements.add((month.entity, item.sequence), item):
                raise Contention("statement")
        self._closed.put(month.entity, tuple(sorted((*closed, month), key=attrgetter("ends_at"))))

    def _of(self, entity: EntityId) -> list[StoredStatement]:
        mine = [item for item in self._statements.rows() if item.entity == entity]
        return sorted(mine, key=lambda item: item.sequence)


class MemoryInputs:
    """Facts and terms that were brought in, by entity and sequence."""

    def __init__(self, tables: Tables) -> None:
        self._inputs = tables[INPUTS]

    async def add(self, item: Input) -> None:
        if not self._inputs.add((item.entity, item.sequence), item):
            raise Contention("royalty input")

    async def last(self, entity: EntityId) -> int:
        return max((item.sequence for item in self._of(entity)), default=0)

    async def find(self, entity: EntityId, kind: InputKind, key: str) -> Input | None:
        found = [item for item in self._of(entity) if (item.kind, item.key) == (kind, key)]
        return found[-1] if found else None

    async def facts(
        self, entity: EntityId, *, month: str | None = None, since: int = 0, until: int | None = None
    ) -> list[Input]:
        return [
            item
            for item in self._of(entity)
            if item.kind is InputKind.FACTS
            and month in (None, item.month)
            and since < item.sequence
            and (until is None or item.sequence <= until)
        ]

    async def heads(
        self, entity: EntityId, *, month: str | None = None, since: int = 0, until: int | None = None
    ) -> list[InputHead]:
        return list(map(InputHead.of, await self.facts(entity, month=month, since=since, until=until)))

    async def terms(self, entity: EntityId) -> list[Input]:
        newest = {(item.kind.value, item.key): item for item in self._of(entity)}
        return [newest[key] for key in sorted(newest) if newest[key].kind is not InputKind.FACTS]

    def _of(self, entity: EntityId) -> list[Input]:
        mine = [item for item in self._inputs.rows() if item.entity == entity]
        return sorted(mine, key=attrgetter("sequence"))


class MemoryRoyaltyBooks:
    """Facts, closed months and statements as they lie here."""

    def __init__(self, tables: Tables) -> None:
        self._spends, self._statements, self._closed = tables[SPENDS], tables[STATEMENTS], tables[CLOSED]
        self._inputs = tables[INPUTS]

    async def all(self) -> RoyaltyRecords:
        spends = sorted(self._spends.rows(), key=lambda spend: (spend.entry_id, spend.kind))
        months = [closed for entity in sorted(self._closed) for closed in self._closed.get(entity) or ()]
        inputs = sorted(self._inputs.rows(), key=attrgetter("entity", "sequence"))
        statements = sorted(self._statements.rows(), key=lambda item: (item.entity, item.sequence))
        return RoyaltyRecords(spends, months, statements, inputs)
