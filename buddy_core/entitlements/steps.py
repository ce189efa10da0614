"""Grant access and merge grants inside a transaction that is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from buddy_core.entitlements.events import AccessGranted, GrantsMerged
from buddy_core.entitlements.model import Grant, GrantStatus
from buddy_core.entitlements.ports import EntitlementsTx
from buddy_core.entitlements.rules import GrantMerge, merge_grants
from buddy_core.kernel.events import envelope
from buddy_core.kernel.ids import AccountId, EventId, IdSource


async def grant_in(tx: EntitlementsTx, grants: Sequence[Grant], at: datetime, ids: IdSource) -> None:
    """Store grants and tell of each.

    Raises:
        Contention: an active unlock of the same title was there first.
    """
    await tx.grants.add(grants)
    await tx.outbox.add(
        [
            envelope(
                AccessGranted(grant.id, grant.account_id, grant.title_id, grant.kind),
                id=EventId(ids.uuid7()),
                subject=str(grant.account_id),
                at=at,
            )
            for grant in grants
        ]
    )


async def merge_grants_in(
    tx: EntitlementsTx, source: AccountId, target: AccountId, at: datetime, ids: IdSource
) -> GrantMerge:
    """Move the grants of `source` to `target`."""
    merged = merge_grants(await tx.grants.of_account(source), await tx.grants.of_account(target), target, at)
    await tx.grants.change(merged.changes)
    await tx.grants.add(merged.grants)
    superseded = sum(change.status is GrantStatus.SUPERSEDED for change in merged.changes)
    event = GrantsMerged(source, target, len(merged.grants), superseded)
    await tx.outbox.add([envelope(event, id=EventId(ids.uuid7()), subject=str(target), at=at)])
    return merged
