"""Staff give, extend and take away access: permission, reason and audit record in the same commit."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from attrs import frozen

from buddy_core.access import Actor, ApprovalsTx, Change, afresh_in, check_reason, record_in, require
from buddy_core.accounts import AccountsTx, resolve_in
from buddy_core.catalog import CatalogTx, TitleNotFound
from buddy_core.entitlements import (
    DEFAULT_HOURS,
    GIVEN_RIGHTS,
    ONCE_HOURS,
    RENTAL_HOURS,
    TO_START,
    BadGrant,
    EntitlementsTx,
    Grant,
    GrantChange,
    GrantKind,
    GrantNotFound,
    GrantStatus,
    PlanState,
    Rights,
    Terms,
    end_in,
    extend,
    grant_in,
)
from buddy_core.flows.staff import check_not_own
from buddy_core.kernel.canonical import canonical_bytes, instant_from_text
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import once, request_key
from buddy_core.kernel.ids import AccountId, GrantId, IdSource, TitleId
from buddy_core.kernel.unit_of_work import UnitOfWork

PERMISSION = "entitlement:grant"
GIVE, EXTEND, REVOKE = "entitlement.give", "entitlement.extend", "entitlement.revoke"
"""The acts in the audit; `buddy verify` holds grants that no tokens paid for against them."""
_TIMED = {GrantKind.RENTAL: DEFAULT_HOURS, GrantKind.PVOD: DEFAULT_HOURS, GrantKind.WATCH_ONCE: ONCE_HOURS}


class GiveAccessTx(EntitlementsTx, CatalogTx, AccountsTx, ApprovalsTx, Protocol):
    """What these acts need of a transaction."""


@frozen
class GiveAccess:
    """Give an account access to a title or series, or a plan, without payment.

    `hours`, one of `RENTAL_HOURS`, belong to a rental, PVOD or what may be watched once, `tier`
    and `plan` to a subscription, which also needs `ends_at`. Rights that are not given are
    those of the kind.
    """

    account_id: AccountId
    kind: GrantKind
    reason: str
    idempotency_key: str
    title_id: TitleId | None = None
    ends_at: datetime | None = None
    hours: int | None = None
    tier: str = ""
    plan: PlanState | None = None
    rights: Rights | None = None
    includes_later: bool = True


@frozen
class ExtendAccess:
    """Give a grant a later end, or what was not begun yet longer to begin it.

    It stays what it was in all else: begun when it began, its hours those that it had. What had
    ended opens again now.
    """

    account_id: AccountId
    grant_id: GrantId
    ends_at: datetime
    reason: str
    idempotency_key: str


@frozen
class RevokeAccess:
    """Take a grant away. What tokens paid for is refunded instead, so that they go back."""

    account_id: AccountId
    grant_id: GrantId
    reason: str
    idempotency_key: str


@frozen
class AccessGiven:
    """The grant that stands after the act; of a revoked one, the grant that has ended.

    Of one that was extended, `ends_at` is what was asked for: its end, or until when it is to be begun.
    """

    grant_id: GrantId
    ends_at: datetime | None


async def give_access(
    actor: Actor,
    command: GiveAccess,
    *,
    correlation_id: str,
    uow: UnitOfWork[GiveAccessTx],
    clock: Clock,
    ids: IdSource,
) -> AccessGiven:
    """Give access, once per idempotency key.

    Raises:
        NotPermitted, SecondFactorNeeded, ReasonMissing, IdempotencyMismatch.
        OwnAccount: nobody gives access to themselves.
        AccountNotFound, TitleNotFound.
        BadGrant: the terms do not fit the kind, or the end is not ahead.
    """

    async def work(tx: GiveAccessTx, at: datetime) -> AccessGiven:
        owner = await _owner_in(tx, actor, command.account_id)
        if command.title_id is not None and command.title_id not in await tx.titles.get([command.title_id]):
            raise TitleNotFound("title", "given")
        grant = _given(command, owner, GrantId(ids.uuid7()), at)
        await grant_in(tx, [grant], at, ids)
        change = Change(GIVE, str(owner), None, _told(grant, command.reason), correlation_id)
        await record_in(tx, actor, change, at)
        return AccessGiven(grant.id, grant.ends_at)

    return await _once(actor, GIVE, command, work, uow, clock)


async def extend_access(
    actor: Actor,
    command: ExtendAccess,
    *,
    correlation_id: str,
    uow: UnitOfWork[GiveAccessTx],
    clock: Clock,
    ids: IdSource,
) -> AccessGiven:
    """Give a grant a later end, once per idempotency key: another takes its place and carries on.

    Raises:
        NotPermitted, SecondFactorNeeded, ReasonMissing, IdempotencyMismatch, OwnAccount.
        GrantNotFound: the account has no such grant that may be extended.
        NotExtended: the end is not later than it is.
        UsedUp: it could be watched once, and was.
    """

    async def work(tx: GiveAccessTx, at: datetime) -> AccessGiven:
        owner = await _owner_in(tx, actor, command.account_id)
        before = await _active_in(tx, owner, command.grant_id)
        uses = await tx.grants.uses([before.origin_id])
        after = extend(before, uses, command.ends_at, at, GrantId(ids.uuid7()))
        await end_in(
            tx, [GrantChange(before.id, GrantStatus.EXTENDED, at, command.reason, after.id)], [before], ids
        )
        await grant_in(tx, [after], at, ids)
        change = Change(EXTEND, str(owner), _told(before, ""), _told(after, command.reason), correlation_id)
        await record_in(tx, actor, change, at)
        return AccessGiven(after.id, command.ends_at)

    return await _once(actor, EXTEND, command, work, uow, clock)


async def revoke_access(
    actor: Actor,
    command: RevokeAccess,
    *,
    correlation_id: str,
    uow: UnitOfWork[GiveAccessTx],
    clock: Clock,
    ids: IdSource,
) -> AccessGiven:
    """Take a grant away, once per idempotency key; what asks next is denied.

    Raises:
        NotPermitted, SecondFactorNeeded, ReasonMissing, IdempotencyMismatch, OwnAccount.
        GrantNotFound: the account has no such grant that may be revoked.
        BadGrant: tokens paid for it; refund it.
    """

    async def work(tx: GiveAccessTx, at: datetime) -> AccessGiven:
        owner = await _owner_in(tx, actor, command.account_id)
        before = await _active_in(tx, owner, command.grant_id)
        if before.entry_id is not None:
            raise BadGrant("tokens paid for it, and they would be lost; refund the unlock instead")
        await end_in(
            tx, [GrantChange(before.id, GrantStatus.REVOKED, at, command.reason, None)], [before], ids
        )
        change = Change(REVOKE, str(owner), _told(before, ""), _told(before, command.reason), correlation_id)
        await record_in(tx, actor, change, at)
        return AccessGiven(before.id, at)

    return await _once(actor, REVOKE, command, work, uow, clock)


async def _once(actor: Actor, act: str, command: Any, work: Any, uow: Any, clock: Clock) -> AccessGiven:
    require(actor, PERMISSION)
    check_reason(command.reason)
    request = request_key(f"{act}:{actor.name}", command.idempotency_key, command)
    return await once(uow, request, clock, work, encode=canonical_bytes, decode=_from_bytes)


async def _owner_in(tx: GiveAccessTx, actor: Actor, account: AccountId) -> AccountId:
    require(await afresh_in(tx, actor), PERMISSION)
    owner = (await resolve_in(tx, account)).id
    check_not_own(actor, owner)
    return owner


async def _active_in(tx: GiveAccessTx, owner: AccountId, wanted: GrantId) -> Grant:
    for grant in await tx.grants.of_account(owner):
        if grant.id == wanted and grant.status is GrantStatus.ACTIVE:
            return grant
    raise GrantNotFound(wanted)


def _given(command: GiveAccess, owner: AccountId, grant_id: GrantId, at: datetime) -> Grant:
    if command.kind is GrantKind.TOKEN_UNLOCK:
        raise BadGrant("tokens unlock a title by being spent; give a support grant, or give tokens")
    if command.ends_at is not None and command.ends_at <= at:
        raise BadGrant("its end is not ahead; give a later one")
    if command.kind is GrantKind.SUBSCRIPTION and (command.ends_at is None or not command.tier):
        raise BadGrant("a subscription needs its tier and when its period ends")
    hours = command.hours
    if hours is not None and command.kind not in _TIMED:
        raise BadGrant(f"hours from the first play are for {', '.join(_TIMED)}; give it an end, or none")
    if hours is not None and hours not in RENTAL_HOURS:
        raise BadGrant(
            f"it may run {', '.join(map(str, RENTAL_HOURS))} hours from its first play, not {hours}"
        )
    if command.ends_at is None and command.kind in _TIMED:
        hours = _TIMED[command.kind] if hours is None else hours
    is_plan = command.kind is GrantKind.SUBSCRIPTION
    return Grant(
        id=grant_id,
        origin_id=grant_id,
        account_id=owner,
        title_id=command.title_id,
        kind=command.kind,
        status=GrantStatus.ACTIVE,
        granted_at=at,
        recorded_at=at,
        ends_at=command.ends_at,
        entry_id=None,
        terms=Terms(
            rights=command.rights or GIVEN_RIGHTS[command.kind],
            hours=hours,
            start_by=at + TO_START if hours is not None and command.ends_at is None else None,
            tier=command.tier,
            plan=(command.plan or PlanState.ACTIVE) if is_plan else command.plan,
            includes_later=command.includes_later,
        ),
        source="staff",
    )


def _told(grant: Grant, reason: str) -> dict[str, Any]:
    """Return what the audit keeps of a grant: all of it, so that it can be held against its row."""
    return {"grant": grant, "reason": reason}


def _from_bytes(raw: bytes) -> AccessGiven:
    stored = json.loads(raw)
    ends_at = stored["ends_at"]
    return AccessGiven(
        GrantId(UUID(stored["grant_id"])), None if ends_at is None else instant_from_text(ends_at)
    )
