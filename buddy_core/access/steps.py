"""Write down what an actor changed, in the commit of the change."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import frozen

from buddy_core.access.model import Actor, AuditRecord
from buddy_core.access.ports import AuditTx
from buddy_core.kernel.canonical import GENESIS, canonical_bytes


@frozen
class Change:
    """What was changed, as values with a canonical form."""

    action: str
    resource: str
    before: Any
    after: Any
    correlation_id: str = ""


async def record_in(tx: AuditTx, actor: Actor, change: Change, at: datetime) -> AuditRecord:
    """Append a record to the audit's chain."""
    last = await tx.audit.last()
    record = AuditRecord(
        sequence=last.sequence + 1 if last else 1,
        at=at,
        actor=actor.name,
        action=change.action,
        resource=change.resource,
        before=canonical_bytes(change.before).decode(),
        after=canonical_bytes(change.after).decode(),
        correlation_id=change.correlation_id,
        previous_hash=last.hash if last else GENESIS,
    )
    await tx.audit.append(record)
    return record
