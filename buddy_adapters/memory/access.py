"""Role assignments and the audit log in memory."""

from __future__ import annotations

from buddy_adapters.memory.tables import TableName, Tables
from buddy_core.access import Assignment, AuditRecord
from buddy_core.kernel import AccountId, Contention
from buddy_core.kernel.proof import Fault

ASSIGNMENTS: TableName[Assignment, Assignment] = TableName("assignments")
AUDIT: TableName[int, AuditRecord] = TableName("audit")
LENGTH: TableName[str, int] = TableName("audit_length")
_WHOLE = "audit"


class MemoryAssignments:
    """Assignments as a set."""

    def __init__(self, tables: Tables) -> None:
        self._assignments = tables[ASSIGNMENTS]

    async def of(self, account: AccountId) -> list[Assignment]:
        mine = [item for item in self._assignments.rows() if item.account_id == account]
        return sorted(mine, key=lambda item: (item.role, str(item.partner_id or "")))

    async def add(self, assignment: Assignment) -> None:
        self._assignments.add(assignment, assignment)


class MemoryAuditLog:
    """Audit records by their place in the chain."""

    def __init__(self, tables: Tables) -> None:
        self._audit, self._length = tables[AUDIT], tables[LENGTH]

    async def last(self) -> AuditRecord | None:
        return self._audit.get(self._length.get(_WHOLE) or 0)

    async def append(self, record: AuditRecord) -> None:
        if record.sequence != (self._length.get(_WHOLE) or 0) + 1:
            raise Contention("audit log")
        self._audit.put(record.sequence, record)
        self._length.put(_WHOLE, record.sequence)

    async def newest(self, *, before: int | None, limit: int) -> list[AuditRecord]:
        end = (self._length.get(_WHOLE) or 0) + 1
        if before is not None:
            end = min(end, before)
        newest_first = range(end - 1, max(0, end - 1 - limit), -1)
        return list(self._audit.found(newest_first).values())


class MemoryAuditBooks:
    """The audit as it lies here."""

    def __init__(self, tables: Tables) -> None:
        self._audit = tables[AUDIT]

    async def records(self) -> tuple[list[AuditRecord], list[bytes], list[Fault]]:
        records = sorted(self._audit.rows(), key=lambda record: record.sequence)
        return records, [record.hash for record in records], []
