"""The whole audit, record by record with its hashes, for a copy that is kept elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator

from attrs import frozen

from buddy_core.access import Actor, AuditRecord, AuditTx, Change, record_in, require
from buddy_core.kernel.canonical import plain
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.unit_of_work import UnitOfWork

PAGE = 1000


@frozen
class AuditExport:
    """How far an export goes: its last record is the one that tells of it."""

    last: AuditRecord
    uow: UnitOfWork[AuditTx]

    async def records(self) -> AsyncIterator[AuditRecord]:
        """Yield every record in order; the audit is read page by page and never held whole."""
        done = 0
        while done < self.last.sequence:
            until = min(done + PAGE, self.last.sequence)
            async with self.uow.read() as tx:
                found = await tx.audit.newest(before=until + 1, limit=PAGE)
            for record in sorted(found, key=lambda item: item.sequence):
                if record.sequence > done:
                    yield record
            done = until


async def export_audit(
    actor: Actor, *, correlation_id: str, uow: UnitOfWork[AuditTx], clock: Clock
) -> AuditExport:
    """Record that the audit is exported, and return what reads it up to that record.

    Raises:
        NotPermitted: the actor may not read the audit.
    """
    require(actor, "audit:read")

    async def work(tx: AuditTx) -> AuditRecord:
        change = Change("audit.export", "audit", None, None, correlation_id)
        return await record_in(tx, actor, change, clock.now())

    return AuditExport(await retried(uow, work), uow)


def audit_row(record: AuditRecord) -> dict[str, object]:
    """Return a record as plain values with its hash, as a line of an export has them.

    `hash` is SHA-256 over `previous_hash` and the other columns (docs/access.md). It is derived
    here: where a stored record was altered, the next one's `previous_hash` does not fit.
    """
    row = plain(record)
    return {**row, "hash": record.hash.hex()}
