"""Assignments, custom roles, requests for a second person and the audit's hash chain in SQL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    Select,
    Table,
    Text,
    UniqueConstraint,
    and_,
    delete,
    func,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import insert_ignoring, integrity_as, is_postgresql, upsert
from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.raw import RawRow, raw_rows, readable, rebuilt
from buddy_adapters.sql.triggers import APPEND_ONLY
from buddy_adapters.sql.types import CanonicalJson, Hash, Id, Instant
from buddy_core.access import (
    Assignment,
    AuditQuery,
    AuditRecord,
    Decision,
    Outcome,
    Request,
    Role,
    Scope,
    ScopeKind,
)
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.ids import AccountId
from buddy_core.kernel.proof import Fault

assignments_table = Table(
    "access_assignments",
    metadata,
    Column("account_id", Id, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    CheckConstraint("length(role) > 0", name="role"),
    # One's own account is never assigned.
    CheckConstraint(
        "scope = 'global' OR (substr(scope, 1, 8) = 'partner:' AND length(scope) = 44) "
        "OR (substr(scope, 1, 10) = 'territory:' AND length(scope) = 12)",
        name="scope",
    ),
    Index("ix_access_assignments_role", "role"),
)

roles_table = Table(
    "access_roles",
    metadata,
    Column("name", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("permissions", CanonicalJson, nullable=False),
    Column("includes", CanonicalJson, nullable=False),
    Column("scopes", CanonicalJson, nullable=False),
    Column("note", Text, nullable=False),
    CheckConstraint("length(name) > 0", name="name"),
)

requests_table = Table(
    "access_approvals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("act", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("measure", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("requested_by", Id),
    Column("requested_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    CheckConstraint("expires_at > requested_at", name="expires_at"),
    Index("ix_access_approvals_requested_at_id", "requested_at", "id"),
    info=APPEND_ONLY,
)

decisions_table = Table(
    "access_approval_decisions",
    metadata,
    # A request is decided once.
    Column("request_id", Text, ForeignKey("access_approvals.id"), primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("decided_by", Id),
    Column("decided_at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    CheckConstraint("outcome IN ('approved', 'rejected', 'withdrawn')", name="outcome"),
    info=APPEND_ONLY,
)

audit_table = Table(
    "access_audit",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("previous_hash", Hash, nullable=False),
    Column("hash", Hash, nullable=False),
    # What a record has that was written before these columns were: nothing, in the first format.
    Column("as_whom", Text, nullable=False, server_default=text("''")),
    Column("ip", Text, nullable=False, server_default=text("''")),
    Column("format", Integer, nullable=False, server_default=text("1")),
    # A chain never forks: a record is followed by one other.
    UniqueConstraint("previous_hash"),
    CheckConstraint("sequence >= 1", name="sequence"),
    CheckConstraint("length(previous_hash) = 32", name="previous_hash"),
    CheckConstraint("length(hash) = 32", name="hash"),
    # The hash of the first format covers neither address nor impersonation.
    CheckConstraint("format >= 2 OR (format = 1 AND as_whom = '' AND ip = '')", name="format"),
    Index("ix_access_audit_actor_sequence", "actor", "sequence"),
    Index("ix_access_audit_as_whom_sequence", "as_whom", "sequence"),
    Index("ix_access_audit_resource_sequence", "resource", "sequence"),
    # Compared byte by byte, so that a subject's actions lie side by side whatever the database's language.
    Index(
        "ix_access_audit_action_sequence",
        "action",
        "sequence",
        postgresql_ops={"action": "text_pattern_ops"},
    ),
    Index("ix_access_audit_at", "at"),
    info=APPEND_ONLY,
)

# Any fixed number will do: it names the advisory lock that all who change roles share.
_ROLES_LOCK = int.from_bytes(hashlib.sha256(b"access.assignments").digest()[:8], signed=True)


class SqlAssignments:
    """Role assignments, each once."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of(self, account: AccountId) -> list[Assignment]:
        return await self._all(assignments_table.c.account_id == account)

    async def of_role(self, role: str) -> list[Assignment]:
        found = await self._all(assignments_table.c.role == role)
        return sorted(found, key=lambda item: item.account_id)

    async def all(self) -> list[Assignment]:
        return await self._all()

    async def add(self, assignment: Assignment) -> None:
        await insert_ignoring(self._connection, assignments_table, [assignment_to_row(assignment)])

    async def remove(self, assignment: Assignment) -> bool:
        key = assignment_to_row(assignment)
        statement = delete(assignments_table).where(
            *(assignments_table.c[name] == value for name, value in key.items())
        )
        return (await self._connection.execute(statement)).rowcount == 1

    async def lock(self) -> None:
        """Take the one lock of all who change roles; a writer of SQLite is alone anyway."""
        if is_postgresql(self._connection):
            await self._connection.execute(select(func.pg_advisory_xact_lock(_ROLES_LOCK)))

    async def _all(self, *conditions: ColumnElement[bool]) -> list[Assignment]:
        rows = await self._connection.execute(select(assignments_table).where(*conditions))
        return _in_order(assignment_from_row(row) for row in rows.mappings())


class SqlCustomRoles:
    """Custom roles, each name once."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def all(self) -> list[Role]:
        rows = await self._connection.execute(select(roles_table))
        return sorted((role_from_row(row) for row in rows.mappings()), key=lambda role: role.name)

    async def save(self, role: Role) -> None:
        row = role_to_row(role)
        await upsert(self._connection, roles_table, [row], ["name"], [key for key in row if key != "name"])

    async def remove(self, name: str) -> bool:
        statement = delete(roles_table).where(roles_table.c.name == name)
        return (await self._connection.execute(statement)).rowcount == 1


class SqlApprovals:
    """Requests for a second person, each decided once."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, request: Request) -> None:
        if not await insert_ignoring(self._connection, requests_table, [request_to_row(request)]):
            raise Contention("approval")

    async def get(self, request_id: str) -> tuple[Request, Decision | None] | None:
        found = await self._all(_with_decisions().where(requests_table.c.id == request_id))
        return found[0] if found else None

    async def decide(self, decision: Decision) -> None:
        # Where there is no such request the foreign key says so.
        with integrity_as(lambda: Contention("approval")):
            stored = await insert_ignoring(self._connection, decisions_table, [decision_to_row(decision)])
        if not stored:
            raise Contention("approval")

    async def newest(
        self, *, undecided: bool, before: str | None, limit: int
    ) -> list[tuple[Request, Decision | None]]:
        age = tuple_(requests_table.c.requested_at, requests_table.c.id)
        query = _with_decisions().limit(limit)
        query = query.order_by(requests_table.c.requested_at.desc(), requests_table.c.id.desc())
        if undecided:
            query = query.where(decisions_table.c.request_id.is_(None))
        if before is not None:
            last = requests_table.alias("last")
            older = age < tuple_(last.c.requested_at, last.c.id)
            query = query.join(last, last.c.id == before).where(older)
        return await self._all(query)

    async def _all(self, query: Select[Any]) -> list[tuple[Request, Decision | None]]:
        rows = (await self._connection.execute(query)).mappings()
        return [(request_from_row(row), _decision_beside(row)) for row in rows]


class SqlAuditLog:
    """The audit's chain: each place is taken once, and none is left out."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def last(self) -> AuditRecord | None:
        found = await self.newest(before=None, limit=1)
        return found[0] if found else None

    async def append(self, record: AuditRecord) -> None:
        end = await self._connection.execute(select(func.max(audit_table.c.sequence)))
        if record.sequence != (end.scalar_one() or 0) + 1:
            raise Contention("audit log")
        if not await insert_ignoring(self._connection, audit_table, [record_to_row(record)]):
            raise Contention("audit log")

    async def newest(self, *, before: int | None, limit: int) -> list[AuditRecord]:
        return await self.search(AuditQuery(), before=before, limit=limit)

    async def search(self, query: AuditQuery, *, before: int | None, limit: int) -> list[AuditRecord]:
        narrowed = select(audit_table).where(*self._conditions(query))
        if before is not None:
            narrowed = narrowed.where(audit_table.c.sequence < before)
        newest = narrowed.order_by(audit_table.c.sequence.desc()).limit(limit)
        return [record_from_row(row) for row in (await self._connection.execute(newest)).mappings()]

    def _conditions(self, query: AuditQuery) -> list[ColumnElement[bool]]:
        """Say in SQL what `AuditQuery.fits` says."""
        columns = audit_table.c
        equal = ("actor", "as_whom", "resource", "ip", "correlation_id")
        found = [columns[name] == getattr(query, name) for name in equal if getattr(query, name)]
        if query.action:
            found.append(or_(columns.action == query.action, self._within(query.action)))
        if query.since is not None:
            found.append(columns.at >= query.since)
        if query.until is not None:
            found.append(columns.at < query.until)
        return found

    def _within(self, subject: str) -> ColumnElement[bool]:
        """Return the condition that an action begins with the subject and a full stop.

        It is a range from the full stop to the character after it, so that an
        index serves. PostgreSQL compares bytes with operators of their own.
        """
        action = audit_table.c.action
        begin, end = f"{subject}.", f"{subject}{chr(ord('.') + 1)}"
        if is_postgresql(self._connection):
            return and_(action.bool_op("~>=~")(begin), action.bool_op("~<~")(end))
        return and_(action >= begin, action < end)


class SqlAuditBooks:
    """The audit and the requests as they are stored: a row that cannot be read is a fault, not a failure."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def records(self) -> tuple[list[AuditRecord], list[bytes], list[Fault]]:
        """Return all records by sequence, the stored hash of each, and what could not be read."""
        rows = await raw_rows(self._connection, audit_table)
        records, kept, faults = readable(audit_table, rows, _rebuilt_record)
        return records, [row["hash"] for row in kept], faults

    async def approvals(self) -> tuple[list[Request], list[Decision], list[Fault]]:
        """Return all requests and decisions by id, and what could not be read."""
        rows = await raw_rows(self._connection, requests_table)
        requests, _, faults = readable(requests_table, rows, _rebuilt_request)
        rows = await raw_rows(self._connection, decisions_table)
        decisions, _, broken = readable(decisions_table, rows, _rebuilt_decision)
        return requests, decisions, [*faults, *broken]

    async def roles(self) -> tuple[list[Assignment], list[Role], list[Fault]]:
        """Return all assignments and custom roles, and what could not be read."""
        rows = await raw_rows(self._connection, assignments_table)
        assignments, _, faults = readable(assignments_table, rows, _rebuilt_assignment)
        rows = await raw_rows(self._connection, roles_table)
        roles, _, broken = readable(roles_table, rows, _rebuilt_role)
        return assignments, roles, [*faults, *broken]


def _in_order(assignments: Iterable[Assignment]) -> list[Assignment]:
    # A database sorts text by its own language, which the ports do not promise.
    return sorted(assignments, key=lambda item: (item.role, str(item.scope), item.account_id))


def _with_decisions() -> Select[Any]:
    """Return the query for requests, each with its decision beside it, under names of its own."""
    decided = (column.label(f"decision_{column.name}") for column in decisions_table.c)
    return select(requests_table, *decided).select_from(requests_table.outerjoin(decisions_table))


def _decision_beside(row: Mapping[Any, Any]) -> Decision | None:
    decided = {column.name: row[f"decision_{column.name}"] for column in decisions_table.c}
    return None if decided["request_id"] is None else decision_from_row(decided)


def _rebuilt_record(row: RawRow) -> AuditRecord:
    return rebuilt(audit_table, row, record_from_row, record_to_row)


def _rebuilt_assignment(row: RawRow) -> Assignment:
    return rebuilt(assignments_table, row, assignment_from_row, assignment_to_row)


def _rebuilt_role(row: RawRow) -> Role:
    return rebuilt(roles_table, row, role_from_row, role_to_row)


def _rebuilt_request(row: RawRow) -> Request:
    return rebuilt(requests_table, row, request_from_row, request_to_row)


def _rebuilt_decision(row: RawRow) -> Decision:
    return rebuilt(decisions_table, row, decision_from_row, decision_to_row)


def assignment_to_row(assignment: Assignment) -> dict[str, Any]:
    """Return the row of an assignment."""
    return {
        "account_id": assignment.account_id,
        "role": assignment.role,
        "scope": str(assignment.scope),
    }


def assignment_from_row(row: Mapping[Any, Any]) -> Assignment:
    """Return the assignment of a row."""
    return Assignment(row["account_id"], row["role"], Scope.parse(row["scope"]))


def role_to_row(role: Role) -> dict[str, Any]:
    """Return the row of a custom role; its sets are sorted lists."""
    return {
        "name": role.name,
        "title": role.title,
        "permissions": sorted(role.permissions),
        "includes": sorted(role.includes),
        "scopes": sorted(kind.value for kind in role.scopes),
        "note": role.note,
    }


def role_from_row(row: Mapping[Any, Any]) -> Role:
    """Return the custom role of a row."""
    return Role(
        name=row["name"],
        title=row["title"],
        permissions=frozenset(row["permissions"]),
        includes=frozenset(row["includes"]),
        scopes=frozenset(ScopeKind(kind) for kind in row["scopes"]),
        note=row["note"],
    )


def request_to_row(request: Request) -> dict[str, Any]:
    """Return the row of a request."""
    return {
        "id": request.id,
        "act": request.act,
        "resource": request.resource,
        "command": request.command,
        "measure": request.measure,
        "reason": request.reason,
        "requested_by": request.requested_by,
        "requested_at": request.requested_at,
        "expires_at": request.expires_at,
    }


def request_from_row(row: Mapping[Any, Any]) -> Request:
    """Return the request of a row."""
    return Request(
        id=row["id"],
        act=row["act"],
        resource=row["resource"],
        command=row["command"],
        measure=row["measure"],
        reason=row["reason"],
        requested_by=row["requested_by"],
        requested_at=row["requested_at"],
        expires_at=row["expires_at"],
    )


def decision_to_row(decision: Decision) -> dict[str, Any]:
    """Return the row of a decision."""
    return {
        "request_id": decision.request_id,
        "outcome": decision.outcome.value,
        "decided_by": decision.by,
        "decided_at": decision.at,
        "reason": decision.reason,
    }


def decision_from_row(row: Mapping[Any, Any]) -> Decision:
    """Return the decision of a row."""
    return Decision(
        request_id=row["request_id"],
        outcome=Outcome(row["outcome"]),
        by=row["decided_by"],
        at=row["decided_at"],
        reason=row["reason"],
    )


def record_to_row(record: AuditRecord) -> dict[str, Any]:
    """Return the row of a record, with its hash."""
    return {
        "sequence": record.sequence,
        "at": record.at,
        "actor": record.actor,
        "action": record.action,
        "resource": record.resource,
        "before": record.before,
        "after": record.after,
        "correlation_id": record.correlation_id,
        "previous_hash": record.previous_hash,
        "hash": record.hash,
        "as_whom": record.as_whom,
        "ip": record.ip,
        "format": record.format,
    }


def record_from_row(row: Mapping[Any, Any]) -> AuditRecord:
    """Return the record of a row; its stored hash is for verify alone."""
    return AuditRecord(
        sequence=row["sequence"],
        at=row["at"],
        actor=row["actor"],
        action=row["action"],
        resource=row["resource"],
        before=row["before"],
        after=row["after"],
        correlation_id=row["correlation_id"],
        previous_hash=row["previous_hash"],
        as_whom=row["as_whom"],
        ip=row["ip"],
        format=row["format"],
    )
