"""Follow the audit's chain and name every record that does not fit."""

from __future__ import annotations

from collections.abc import Sequence

from buddy_core.access.model import AuditRecord
from buddy_core.kernel.canonical import GENESIS
from buddy_core.kernel.proof import Fault

AUDIT = "access_audit"


def check_audit(records: Sequence[AuditRecord], hashes: Sequence[bytes]) -> list[Fault]:
    """Return what is wrong with the audit, given in order with the stored hashes."""
    faults: list[Fault] = []
    sequence, head = 0, GENESIS
    for record, stored in zip(records, hashes, strict=True):
        row = f"record {record.sequence}"
        if record.sequence != sequence + 1:
            faults.append(
                Fault(AUDIT, row, f"missing or inserted: {sequence + 1} must come after {sequence}")
            )
        elif record.previous_hash != head:
            faults.append(Fault(AUDIT, row, "altered: it does not follow from the record before"))
        if record.hash != stored:
            faults.append(Fault(AUDIT, row, "altered: its hash is not that of its columns"))
        sequence, head = record.sequence, stored
    return faults
