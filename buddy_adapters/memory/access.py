"""Assignments, custom roles, requests for a second person and the audit in memory."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from buddy_adapters.memory.tables import TableName, Tables
from buddy_core.access import Assignment, AuditQuery, AuditRecord, Decision, Request, Role
from buddy_core.kernel import AccountId, Contention
from buddy_core.kernel.proof import Fault

ASSIGNMENTS: TableName[Assignment, Assignment] = TableName("assignments")
CUSTOM_ROLES: TableName[str, Role] = TableName("custom_roles")
REQUESTS: TableName[str, Request] = TableName("approvals")
DECISIONS: TableName[str, Decision] = TableName("approval_decisions")
AUDIT: TableName[int, AuditRecord] = TableName("audit")
LENGTH: TableName[str, int] = TableName("audit_length")
_WHOLE = "audit"


class MemoryAssignments:
    """Assignments as a set."""

    def __init__(self, tables: Tables) -> None:
        self._assignments = tables[ASSIGNMENTS]

    async def of(self, account: AccountId) -> list[Assignment]:
        return _in_order(item for item in self._assignments.rows() if item.account_id == account)

    async def of_role(self, role: str) -> list[Assignment]:
        having = _in_order(item for item in self._assignments.rows() if item.role == role)
        return sorted(having, key=lambda item: item.account_id)

    async def all(self) -> list[Assignment]:
        return _in_order(self._assignments.rows())

    async def add(self, assignment: Assignment) -> None:
        self._assignments.add(assignment, assignment)

    async def remove(self, assignment: Assignment) -> bool:
        if assignment not in self._assignments:
            return False
        self._assignments.drop(assignment)
        return True

    async def lock(self) -> None:
        """Do nothing: writers stand in line."""


class MemoryCustomRoles:
    """Custom roles by name."""

    def __init__(self, tables: Tables) -> None:
        self._roles = tables[CUSTOM_ROLES]

    async def all(self) -> list[Role]:
        return sorted(self._roles.rows(), key=lambda role: role.name)

    async def save(self, role: Role) -> None:
        self._roles.put(role.name, role)

    async def remove(self, name: str) -> bool:
        if name not in self._roles:
            return False
        self._roles.drop(name)
        return True


class MemoryApprovals:
    """Requests by id, and the one decision of each."""

    def __init__(self, tables: Tables) -> None:
        self._requests, self._decisions = tables[REQUESTS], tables[DECISIONS]

    async def add(self, request: Request) -> None:
        if not self._requests.add(request.id, request):
            raise Contention("approval")

    async def get(self, request_id: str) -> tuple[Request, Decision | None] | None:
        request = self._requests.get(request_id)
        return None if request is None else (request, self._decisions.get(request_id))

    async def decide(self, decision: Decision) -> None:
        if decision.request_id not in self._requests:
            raise Contention("approval")
        if not self._decisions.add(decision.request_id, decision):
            raise Contention("approval")

    async def newest(
        self, *, undecided: bool, before: str | None, limit: int
    ) -> list[tuple[Request, Decision | None]]:
        found = sorted(self._requests.rows(), key=_age, reverse=True)
        if before is not None:
            last = self._requests.get(before)
            found = [] if last is None else [request for request in found if _age(request) < _age(last)]
        pairs = ((request, self._decisions.get(request.id)) for request in found)
        return [(request, made) for request, made in pairs if made is None or not undecided][:limit]


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
        return await self.search(AuditQuery(), before=before, limit=limit)

    async def search(self, query: AuditQuery, *, before: int | None, limit: int) -> list[AuditRecord]:
        end = (self._length.get(_WHOLE) or 0) + 1
        if before is not None:
            end = min(end, before)
        found: list[AuditRecord] = []
        for sequence in range(end - 1, 0, -1):
            if len(found) >= limit:
                break
            record = self._audit.get(sequence)
            if record is not None and query.fits(record):
                found.append(record)
        return found


class MemoryAuditBooks:
    """The audit, the requests and the decisions as they lie here."""

    def __init__(self, tables: Tables) -> None:
        self._audit = tables[AUDIT]
        self._requests, self._decisions = tables[REQUESTS], tables[DECISIONS]
        self._assignments, self._roles = tables[ASSIGNMENTS], tables[CUSTOM_ROLES]

    async def records(self) -> tuple[list[AuditRecord], list[bytes], list[Fault]]:
        records = sorted(self._audit.rows(), key=lambda record: record.sequence)
        return records, [record.hash for record in records], []

    async def approvals(self) -> tuple[list[Request], list[Decision], list[Fault]]:
        requests = sorted(self._requests.rows(), key=lambda request: request.id)
        return requests, sorted(self._decisions.rows(), key=lambda made: made.request_id), []

    async def roles(self) -> tuple[list[Assignment], list[Role], list[Fault]]:
        return _in_order(self._assignments.rows()), sorted(self._roles.rows(), key=lambda role: role.name), []


def _in_order(assignments: Iterable[Assignment]) -> list[Assignment]:
    return sorted(assignments, key=lambda item: (item.role, str(item.scope), item.account_id))


def _age(request: Request) -> tuple[datetime, str]:
    return request.requested_at, request.id
