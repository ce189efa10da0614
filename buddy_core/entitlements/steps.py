"""Grant access, end what was refunded, and merge grants inside a transaction that is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from buddy_core.entitlements.events import AccessEnded, AccessGranted, GrantsMerged, GrantUsed
from buddy_core.entitlements.model.grants import Grant, GrantChange, GrantStatus, GrantUse
from buddy_core.entitlements.ports import EntitlementsTx
from buddy_core.entitlements.rules.merging import REFUND, GrantMerge, merge_grants, refunded_grants
from buddy_core.kernel.events import envelope
from buddy_core.kernel.ids import AccountId, EntryId, EventId, IdSource, TitleId


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


async def end_refunded_in(
    tx: EntitlementsTx, account: AccountId, title: TitleId, entry_id: EntryId, at: datetime, ids: IdSource
) -> list[Grant]:
    """End the account's grants that a refunded entry had paid for, and return them as they were.

    Raises:
        Contention: somebody else ended one first.
    """
    ended = refunded_grants(await tx.grants.of_account(account, [title]), entry_id)
    changes = [GrantChange(grant.id, GrantStatus.REFUNDED, at, REFUND, None) for grant in ended]
    await end_in(tx, changes, ended, ids)
    return ended


async def end_in(
    tx: EntitlementsTx, changes: Sequence[GrantChange], ended: Sequence[Grant], ids: IdSource
) -> None:
    """Record why grants end, and tell of each; `ended` are the grants as they were.

    Raises:
        Contention: somebody else ended one first.
    """
    await tx.grants.change(changes)
    await tx.outbox.add(
        [
            envelope(
                AccessEnded(grant.id, grant.account_id, grant.title_id, grant.kind),
                id=EventId(ids.uuid7()),
                subject=str(grant.account_id),
                at=change.at,
            )
            for change, grant in zip(changes, ended, strict=True)
        ]
    )


async def use_in(tx: EntitlementsTx, account: AccountId, use: GrantUse, ids: IdSource) -> bool:
    """Record what a viewer did with a grant and tell of it; tell whether it was the first time."""
    if not await tx.grants.use(use):
        return False
    event = GrantUsed(use.origin_id, account, use.kind, use.at)
    await tx.outbox.add([envelope(event, id=EventId(ids.uuid7()), subject=str(account), at=use.at)])
    return True


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
