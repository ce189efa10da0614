"""What access needs from storage."""

from __future__ import annotations

from typing import Protocol

from buddy_core.access.model import Assignment, AuditRecord
from buddy_core.kernel.ids import AccountId
from buddy_core.kernel.proof import Fault


class Assignments(Protocol):
    """Which roles an account has."""

    async def of(self, account: AccountId) -> list[Assignment]:
        """Return the account's assignments; empty means a viewer."""
        ...

    async def add(self, assignment: Assignment) -> None:
        """Store an assignment; the same again changes nothing."""
        ...


class AuditLog(Protocol):
    """The record of what was changed by whom; only ever added to."""

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


class AuditTx(Protocol):
    """A transaction that audit steps can work in."""

    @property
    def audit(self) -> AuditLog: ...


class AuditBooks(Protocol):
    """The audit as stored, for `buddy verify`."""

    async def records(self) -> tuple[list[AuditRecord], list[bytes], list[Fault]]:
        """Return all records in order, their stored hashes, and the rows that could not be read."""
        ...
