"""What access needs from storage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from buddy_core.access.model import Assignment, AuditQuery, AuditRecord, Decision, Request, Role
from buddy_core.kernel.ids import AccountId
from buddy_core.kernel.proof import Fault


class Assignments(Protocol):
    """Which roles an account has."""

    async def of(self, account: AccountId) -> list[Assignment]:
        """Return the account's assignments by role and scope; empty means a viewer."""
        ...

    async def of_role(self, role: str) -> list[Assignment]:
        """Return who has a role, by account."""
        ...

    async def all(self) -> list[Assignment]:
        """Return every assignment, by role, scope and account."""
        ...

    async def add(self, assignment: Assignment) -> None:
        """Store an assignment; the same again changes nothing."""
        ...

    async def remove(self, assignment: Assignment) -> bool:
        """Take an assignment away; tell whether it was there."""
        ...

    async def lock(self) -> None:
        """Keep others from changing who has which role until this transaction ends."""
        ...


class CustomRoles(Protocol):
    """Roles that the operator defined, beside the built-in ones."""

    async def all(self) -> list[Role]:
        """Return every custom role, by name."""
        ...

    async def save(self, role: Role) -> None:
        """Store a role, replacing the one of this name."""
        ...

    async def remove(self, name: str) -> bool:
        """Remove a role; tell whether it was there."""
        ...


class Approvals(Protocol):
    """Requests for a second person and what was decided; only ever added to."""

    async def add(self, request: Request) -> None:
        """Store a request."""
        ...

    async def get(self, request_id: str) -> tuple[Request, Decision | None] | None:
        """Return a request with its decision, or None."""
        ...

    async def decide(self, decision: Decision) -> None:
        """Store a decision.

        Raises:
            Contention: the request was decided first by somebody else.
        """
        ...

    async def newest(
        self, *, undecided: bool, before: str | None, limit: int
    ) -> list[tuple[Request, Decision | None]]:
        """Return up to `limit` requests older than the one named `before`, newest first."""
        ...


class AuditLog(Protocol):
    """The record of what was done by whom; only ever added to."""

    async def last(self) -> AuditRecord | None:
        """Return the last record."""
        ...

    async def append(self, record: AuditRecord) -> None:
        """Store the next record.

        Raises:
            Contention: another record took this place in the chain first.
        """
        ...

    async def newest(self, *, before: int | None, limit: int) -> list[AuditRecord]:
        """Return up to `limit` records with a sequence below `before`, newest first."""
        ...

    async def search(self, query: AuditQuery, *, before: int | None, limit: int) -> list[AuditRecord]:
        """Return up to `limit` records that fit, with a sequence below `before`, newest first."""
        ...


class AuditTx(Protocol):
    """A transaction that audit steps can work in."""

    @property
    def audit(self) -> AuditLog: ...


class AccessTx(AuditTx, Protocol):
    """A transaction that knows who has which role."""

    @property
    def assignments(self) -> Assignments: ...

    @property
    def custom_roles(self) -> CustomRoles: ...


class ApprovalsTx(AccessTx, Protocol):
    """A transaction that requests for a second person are kept in."""

    @property
    def approvals(self) -> Approvals: ...


class AuditBooks(Protocol):
    """The audit, the requests and the roles as stored, for `buddy verify`."""

    async def records(self) -> tuple[list[AuditRecord], list[bytes], list[Fault]]:
        """Return all records in order, their stored hashes, and the rows that could not be read."""
        ...

    async def approvals(self) -> tuple[Sequence[Request], Sequence[Decision], list[Fault]]:
        """Return all requests and decisions, and the rows that could not be read."""
        ...

    async def roles(self) -> tuple[Sequence[Assignment], Sequence[Role], list[Fault]]:
        """Return all assignments and custom roles, and the rows that could not be read."""
        ...
