"""What merges and refunds do to grants."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from attrs import evolve, frozen

from buddy_core.entitlements.model.grants import TOKEN_UNLOCK, Grant, GrantChange, GrantStatus
from buddy_core.kernel.ids import AccountId, EntryId, GrantId, derived_uuid

MERGE, REFUND = "merge", "refund"
"""Why a grant's status changes."""


def is_live(grant: Grant, at: datetime) -> bool:
    """Tell whether a grant opens its title at `at`: from its start, up to but not at its end."""
    in_time = grant.starts_at <= at and (grant.ends_at is None or at < grant.ends_at)
    return grant.status is GrantStatus.ACTIVE and in_time


@frozen
class GrantMerge:
    """What a merge writes: the changes first, then the new grants."""

    changes: tuple[GrantChange, ...]
    grants: tuple[Grant, ...]


def merge_grants(
    moved: Iterable[Grant], kept: Iterable[Grant], target: AccountId, at: datetime
) -> GrantMerge:
    """Give `target` every active grant of `moved`; of two unlocks of one title the older stays.

    Age is `granted_at`, then origin id, so that any order of merges ends the same.
    """
    mine = {g.title_id: g for g in kept if g.status is GrantStatus.ACTIVE and g.kind == TOKEN_UNLOCK}
    changes: list[GrantChange] = []
    grants: list[Grant] = []
    for grant in sorted(moved, key=age):
        if grant.status is not GrantStatus.ACTIVE:
            continue
        twin = mine.get(grant.title_id) if grant.kind == TOKEN_UNLOCK else None
        if twin is not None and age(twin) <= age(grant):
            changes.append(GrantChange(grant.id, GrantStatus.SUPERSEDED, at, MERGE, twin.id))
            continue
        new_id = GrantId(derived_uuid("grant", grant.origin_id, target))
        changes.append(GrantChange(grant.id, GrantStatus.TRANSFERRED, at, MERGE, new_id))
        if twin is not None:
            changes.append(GrantChange(twin.id, GrantStatus.SUPERSEDED, at, MERGE, new_id))
        grants.append(evolve(grant, id=new_id, account_id=target, recorded_at=at))
    return GrantMerge(tuple(changes), tuple(grants))


def refunded_grants(grants: Iterable[Grant], entry_id: EntryId) -> list[Grant]:
    """Return those of an account's grants that end when `entry_id`, which paid for them, is refunded.

    There is none where the grant gave way to an older one before: that one was paid for apart.
    """
    return [grant for grant in grants if grant.entry_id == entry_id and grant.status is GrantStatus.ACTIVE]


def age(grant: Grant) -> tuple[datetime, GrantId]:
    """Return what older means: granted earlier, then the smaller origin id."""
    return grant.granted_at, grant.origin_id
