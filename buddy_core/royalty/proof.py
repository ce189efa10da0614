"""Follow the chains of closed statements and name every row that does not fit."""

from __future__ import annotations

from collections.abc import Iterable

from buddy_core.kernel.canonical import GENESIS, chain_hash
from buddy_core.kernel.proof import Fault
from buddy_core.royalty.model.months import StoredStatement
from buddy_core.royalty.rules.files.sealing import stored_bytes

STATEMENTS = "royalty_statements"


def check_statements(statements: Iterable[StoredStatement]) -> list[Fault]:
    """Return what is wrong with the chains; statements come by entity and sequence."""
    faults: list[Fault] = []
    last: dict[str, StoredStatement] = {}
    for item in statements:
        before = last.get(item.entity)
        row = f"{item.entity} {item.sequence} ({item.month}, {item.holder}, {item.currency})"
        if item.sequence != (before.sequence + 1 if before else 1):
            faults.append(Fault(STATEMENTS, row, "missing or inserted: the sequence has a gap before it"))
        elif item.previous_hash != (before.hash if before else GENESIS):
            faults.append(Fault(STATEMENTS, row, "altered: it does not follow from the statement before"))
        covered = stored_bytes(
            item.entity, item.sequence, item.month, item.holder, item.currency, item.body, item.closed_at
        )
        if item.hash != chain_hash(item.previous_hash, covered):
            faults.append(Fault(STATEMENTS, row, "altered: its hash is not that of its columns"))
        last[item.entity] = item
    return faults
