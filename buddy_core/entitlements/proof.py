"""Re-derive grants from what was paid and merged, and name every row that does not fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import evolve, field, frozen

from buddy_core.entitlements.model.codec import terms_body
from buddy_core.entitlements.model.grants import (
    TOKEN_UNLOCK,
    UNLOCK_TERMS,
    Grant,
    GrantChange,
    GrantStatus,
)
from buddy_core.entitlements.rules.merging import MERGE, REFUND, age
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.ids import AccountId, EntryId, GrantId, TitleId, derived_uuid
from buddy_core.kernel.proof import Fault

GRANTS = "entitlement_grants"
CHANGES = "entitlement_grant_changes"


@frozen
class PaidUnlock:
    """An unlock as the ledger tells it."""

    entry_id: EntryId
    account_id: AccountId
    title_id: TitleId
    grant_id: str
    at: datetime


@frozen
class GrantFacts:
    """What the ledger says that grants must follow from."""

    paid: Mapping[EntryId, PaidUnlock]
    merges: frozenset[tuple[AccountId, datetime]]
    """Each account that took part in a merge, and when."""
    refunds: frozenset[tuple[EntryId, datetime]] = frozenset()
    """Each entry whose tokens were given back, and when."""
    given: Mapping[str, str] = field(factory=dict)
    """Each grant that staff gave or extended, by id, as the audit's canonical text tells it."""
    taken: frozenset[tuple[str, GrantStatus, datetime, str]] = frozenset()
    """Each grant that staff revoked or extended: its id, the status, when and why."""


def check_grants(grants: Iterable[Grant], changes: Iterable[GrantChange], facts: GrantFacts) -> list[Fault]:
    """Return what is wrong with all grants and their changes, held against the ledger."""
    by_id = {grant.id: grant for grant in grants}
    by_grant: dict[GrantId, GrantChange] = {}
    faults: list[Fault] = []
    for change in changes:
        if change.grant_id in by_grant:
            faults.append(Fault(CHANGES, str(change.grant_id), "inserted: a grant changes once"))
        by_grant[change.grant_id] = change
        faults += _check_change(change, by_id, facts)
    came_from = {
        change.successor_id: by_id[change.grant_id]
        for change in by_grant.values()
        if change.status is GrantStatus.TRANSFERRED and change.grant_id in by_id
    }
    refunded = {entry_id for entry_id, _ in facts.refunds}
    for grant in by_id.values():
        found = by_grant.get(grant.id)
        if grant.status is not (found.status if found else GrantStatus.ACTIVE):
            faults.append(Fault(GRANTS, str(grant.id), "altered: its status is not that of its changes"))
        if grant.status is GrantStatus.ACTIVE and grant.entry_id in refunded:
            faults.append(
                Fault(GRANTS, str(grant.id), "altered: it has ended, for its tokens were given back")
            )
        if str(grant.id) in facts.given:
            faults += _check_given(grant, facts)
        elif grant.id == grant.origin_id:
            faults += _check_bought(grant, facts)
        else:
            faults += _check_moved(grant, came_from.get(grant.id), by_grant)
    known = {str(grant_id) for grant_id in by_id}
    faults += [
        Fault(GRANTS, grant_id, "missing: the audit says that it was given")
        for grant_id in sorted(facts.given.keys() - known)
    ]
    changed = {(str(item.grant_id), item.status) for item in by_grant.values()}
    faults += [
        Fault(CHANGES, grant_id, f"missing: the audit says that it was {status}")
        for grant_id, status, _, _ in sorted(facts.taken)
        if (grant_id, status) not in changed
    ]
    faults += [
        Fault(GRANTS, unlock.grant_id, f"missing: entry {unlock.entry_id} paid for it")
        for unlock in facts.paid.values()
        if unlock.grant_id not in known
    ]
    return faults


def _check_given(grant: Grant, facts: GrantFacts) -> list[Fault]:
    first = evolve(grant, status=GrantStatus.ACTIVE)
    if canonical_bytes(first).decode() != facts.given[str(grant.id)]:
        return [Fault(GRANTS, str(grant.id), "altered: it is not what the audit says was given")]
    return []


def _check_bought(grant: Grant, facts: GrantFacts) -> list[Fault]:
    paid = None if grant.entry_id is None else facts.paid.get(grant.entry_id)
    if paid is None:
        return [Fault(GRANTS, str(grant.id), "inserted or altered: no entry paid for it")]
    expected = (
        str(grant.id),
        grant.account_id,
        grant.title_id,
        grant.granted_at,
        grant.recorded_at,
        grant.ends_at,
        grant.kind,
        terms_body(grant.terms),
        grant.source,
        grant.reopened_at,
    )
    bought = (TOKEN_UNLOCK, terms_body(UNLOCK_TERMS), "", None)
    if expected != (paid.grant_id, paid.account_id, paid.title_id, paid.at, paid.at, None, *bought):
        return [Fault(GRANTS, str(grant.id), f"altered: it is not what entry {grant.entry_id} paid for")]
    return []


def _check_moved(grant: Grant, before: Grant | None, changes: Mapping[GrantId, GrantChange]) -> list[Fault]:
    if before is None:
        return [Fault(GRANTS, str(grant.id), "inserted or altered: no grant was moved to it")]
    same = (
        grant.id == derived_uuid("grant", grant.origin_id, grant.account_id)
        and grant
        == evolve(
            before,
            id=grant.id,
            account_id=grant.account_id,
            status=grant.status,
            recorded_at=grant.recorded_at,
        )
        and grant.recorded_at == changes[before.id].at
    )
    return [] if same else [Fault(GRANTS, str(grant.id), f"altered: it is not what {before.id} was moved to")]


def _new_of(grant: Grant) -> dict[str, Any]:
    """Return what a merge gives a grant that it moves."""
    names = ("id", "account_id", "status", "recorded_at")
    return {name: getattr(grant, name) for name in names}


def _check_change(change: GrantChange, grants: Mapping[GrantId, Grant], facts: GrantFacts) -> list[Fault]:
    row = str(change.grant_id)
    grant = grants.get(change.grant_id)
    if grant is not None and change.status is GrantStatus.REFUNDED:
        is_told = (change.reason, change.successor_id) == (REFUND, None)
        if is_told and (grant.entry_id, change.at) in facts.refunds:
            return []
        return [Fault(CHANGES, row, "inserted or altered: there was no such refund")]
    if change.status in (GrantStatus.REVOKED, GrantStatus.EXTENDED):
        if (row, change.status, change.at, change.reason) not in facts.taken:
            return [Fault(CHANGES, row, "inserted or altered: the audit tells of no such act")]
        if change.status is GrantStatus.REVOKED:
            return (
                []
                if change.successor_id is None
                else [Fault(CHANGES, row, "altered: nothing takes its place")]
            )
        following = None if change.successor_id is None else grants.get(change.successor_id)
        is_next = (
            grant is not None
            and following is not None
            and str(following.id) in facts.given
            and (following.origin_id, following.account_id) == (grant.origin_id, grant.account_id)
        )
        return [] if is_next else [Fault(CHANGES, row, "altered: its successor is not what was given")]
    successor = None if change.successor_id is None else grants.get(change.successor_id)
    if grant is None or successor is None:
        return [Fault(CHANGES, row, "inserted or altered: a grant that it names does not exist")]
    if change.reason != MERGE or (grant.account_id, change.at) not in facts.merges:
        return [Fault(CHANGES, row, "inserted or altered: there was no such merge")]
    if change.status is GrantStatus.TRANSFERRED:
        fits = successor.account_id != grant.account_id and successor.origin_id == grant.origin_id
    else:
        fits = change.status is GrantStatus.SUPERSEDED and age(successor) <= age(grant)
    if not fits or successor.title_id != grant.title_id:
        return [Fault(CHANGES, row, "altered: its grants do not follow each other")]
    return []
