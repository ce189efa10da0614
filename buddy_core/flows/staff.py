"""What staff change about money, each act with its permission and its audit record in the same commit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Protocol
from uuid import UUID

from attrs import evolve, frozen

from buddy_core.access import (
    SECOND_PERSON_RULES,
    Actor,
    ApprovalsTx,
    AuditQuery,
    Change,
    OwnAccount,
    afresh_in,
    check_reason,
    needs_second_person,
    record_in,
    require,
)
from buddy_core.accounts import Account, AccountType, resolve_in
from buddy_core.flows.awaiting import Awaiting, wait_in
from buddy_core.flows.lock_wallet import LockWalletTx, lock_wallet_in
from buddy_core.flows.sources import SUPPORT_GRANT
from buddy_core.kernel.canonical import canonical_bytes, instant_from_text
from buddy_core.kernel.clock import Clock, whole_second
from buddy_core.kernel.idempotency import once, request_key
from buddy_core.kernel.ids import AccountId, EntryId, IdSource, LotId
from buddy_core.kernel.outcomes import unwrap
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.promotions import PromotionsTx
from buddy_core.tax import SellerRoutes
from buddy_core.tokens import (
    BONUS,
    EarnTokens,
    FreezeWallet,
    NewIds,
    Operation,
    SetTokenValue,
    TokenKind,
    UnknownKind,
    ValueVersion,
    check_amount,
    earn,
    earn_in,
    freeze_in,
    next_version,
    own_key,
    set_value_in,
    version_at,
)

GRANTED_TOKENS_LIVE_FOR = timedelta(days=90)
"""How long tokens last that support gave."""
MOST_GIFTS = 1000
"""How many gifts of a day are looked at; far more than the cap lets one person give."""
_ENTRIES_AT_ONCE = 100
BY_HAND = ("tokens.grant", "tokens.adjust")
"""The acts that move tokens by hand: they count together, so that one is no way around the other."""


class StaffTx(LockWalletTx, ApprovalsTx, PromotionsTx, Protocol):
    """What staff acts need of a transaction."""


@frozen
class GrantTokens:
    """Give an account bonus tokens to make up for something."""

    account_id: AccountId
    tokens: int
    reason: str
    idempotency_key: str


async def set_token_value(
    actor: Actor,
    command: SetTokenValue,
    *,
    correlation_id: str,
    uow: UnitOfWork[StaffTx],
    clock: Clock,
    ids: IdSource,
    routes: SellerRoutes,
) -> int | Awaiting:
    """Append a value version of a kind, with a value in every settlement currency; return its number.

    One that changes a value by more than the second-person rule allows waits for a second person.

    Raises:
        NotPermitted, SecondFactorNeeded, UnknownKind, BadTokenValue, IdempotencyMismatch.
        ValueVersionInPast, ValueVersionTooFar: it must count from soon on, within a year.
    """
    require(actor, "token_value:set")
    command = evolve(command, by=actor.name)

    async def work(tx: StaffTx, at: datetime) -> int | Awaiting:
        require(await afresh_in(tx, actor), "token_value:set")
        existing = await tx.token_values.of_kind(command.kind)
        if not existing:
            raise UnknownKind(command.kind)
        # The rule itself says no before anybody is asked to approve what cannot be.
        next_version(existing, command, routes.currencies, at)
        over = SECOND_PERSON_RULES["token_value.set"].over
        measure = largest_change(existing, command, at, over)
        rule = needs_second_person("token_value.set", measure)
        if rule is not None:
            change = Change("token_value.set", command.kind, None, command, correlation_id)
            return await wait_in(tx, actor, rule, change, measure, "", at, ids)
        return await carry_out_value_in(tx, actor, command, correlation_id, at, ids, routes)

    request = request_key(f"tokens.value:{command.kind}", command.idempotency_key, command)
    return await once(uow, request, clock, work, encode=canonical_bytes, decode=_number_or_awaiting)


def largest_change(
    existing: Sequence[ValueVersion], command: SetTokenValue, at: datetime, over: timedelta
) -> Fraction | None:
    """Return the largest change of any value, as a part of what it was; None where it was nothing.

    Compared with every version that was in force since `at - over` or is to come:
    many small steps, at once or one after another, are no way around the rule.
    """
    first = version_at(existing, at - over)
    compared = [item for item in existing if first is None or item.version >= first.version]
    if not compared:
        return None
    largest = Fraction(0)
    for before in compared:
        for currency, value in command.values.items():
            old = before.values.get(currency)
            if not old:
                if value:
                    return None
                continue
            largest = max(largest, abs(value - old) / old)
    return largest


async def carry_out_value_in(
    tx: StaffTx,
    actor: Actor,
    command: SetTokenValue,
    correlation_id: str,
    at: datetime,
    ids: IdSource,
    routes: SellerRoutes,
    **approved: str,
) -> int:
    """Append the version and record it; `approved` says which request of whom it comes from."""
    existing = await tx.token_values.of_kind(command.kind)
    before = version_at(existing, at)
    version = await set_value_in(tx, command, routes.currencies, at, ids)
    after = {"version": version.version, "from": version.effective_from, "values": version.values}
    old = {"version": before.version, "values": before.values} if before else None
    change = Change("token_value.set", command.kind, old, {**after, **approved}, correlation_id)
    await record_in(tx, actor, change, at)
    return version.version


async def grant_tokens(
    actor: Actor,
    command: GrantTokens,
    *,
    correlation_id: str,
    uow: UnitOfWork[StaffTx],
    clock: Clock,
    ids: IdSource,
) -> EntryId | Awaiting:
    """Give bonus tokens that last 90 days; return the ledger entry.

    More than the second-person rule allows wait for a second person.

    Raises:
        NotPermitted, SecondFactorNeeded, AccountNotFound, BadTokenAmount, WalletFrozen, IdempotencyMismatch.
        OwnAccount: nobody gives tokens to themselves.
        ReasonMissing: say why.
    """
    require(actor, "tokens:grant")
    command = evolve(command, reason=check_reason(command.reason))
    check_amount(command.tokens)

    async def work(tx: StaffTx, at: datetime) -> EntryId | Awaiting:
        # Of two gifts at once the second has to see the first, whose wallet is another one.
        await tx.assignments.lock()
        require(await afresh_in(tx, actor), "tokens:grant")
        account = await resolve_in(tx, command.account_id)
        owner = account.id
        check_not_own(actor, owner)
        measure = Fraction(command.tokens + await moved_lately_in(tx, actor, owner, at))
        rule = needs_second_person("tokens.grant", measure)
        if rule is not None:
            # The rule itself says no before anybody is asked to approve what cannot be.
            wallet, versions = (await tx.wallets.load([owner]))[owner], await tx.token_values.in_force(at)
            new = NewIds(EntryId(ids.uuid7()), LotId(ids.uuid7()))
            earn(wallet, _gift(command, account, "nobody", at), versions, at, new)
            change = Change("tokens.grant", str(command.account_id), None, command, correlation_id)
            return await wait_in(tx, actor, rule, change, measure, command.reason, at, ids)
        ref = f"{actor.name}:{command.idempotency_key}"
        return await carry_out_grant_in(tx, actor, command, ref, correlation_id, at, ids)

    request = request_key(f"tokens.grant:{actor.name}", command.idempotency_key, command)
    return await once(
        uow,
        request,
        clock,
        work,
        encode=canonical_bytes,
        decode=entry_or_awaiting,
        lock=lambda tx: lock_wallet_in(tx, command.account_id),
    )


async def carry_out_grant_in(
    tx: StaffTx,
    actor: Actor,
    command: GrantTokens,
    ref: str,
    correlation_id: str,
    at: datetime,
    ids: IdSource,
    **approved: str,
) -> EntryId:
    """Give the tokens once for `ref` and record it; `approved` says which request of whom it comes from."""
    owner = await lock_wallet_in(tx, command.account_id)
    check_not_own(actor, owner)
    account = await resolve_in(tx, owner)
    gift = _gift(command, account, ref, at)
    entry = unwrap((await earn_in(tx, [gift], at, ids))[0])
    after = {"tokens": command.tokens, "reason": command.reason, **approved}
    await record_in(tx, actor, Change("tokens.grant", str(owner), None, after, correlation_id), at)
    return entry.id


def _gift(command: GrantTokens, account: Account, ref: str, at: datetime) -> EarnTokens:
    return EarnTokens(
        account_id=account.id,
        kind=BONUS,
        amount=command.tokens,
        source=SUPPORT_GRANT,
        source_ref=ref,
        idempotency_key=own_key(SUPPORT_GRANT, ref),
        expires_at=whole_second(at + GRANTED_TOKENS_LIVE_FOR),
        earned_as_guest=account.type is AccountType.GUEST,
    )


async def freeze_wallet(
    actor: Actor,
    command: FreezeWallet,
    *,
    correlation_id: str,
    uow: UnitOfWork[StaffTx],
    clock: Clock,
    ids: IdSource,
) -> EntryId:
    """Freeze a wallet or let it go on; return the ledger entry.

    A frozen wallet neither earns, buys, spends, holds nor posts, and says so. What comes
    back, is taken back or expires still does. A guest that has merged stands for the
    member, so that merging is no way around a freeze.

    Raises:
        NotPermitted, AccountNotFound, NotFrozen, IdempotencyMismatch.
        OwnAccount: nobody freezes their own wallet or lets it go on. ReasonMissing: say why.
    """
    require(actor, "wallet:freeze")
    command = evolve(command, reason=check_reason(command.reason), by=actor.name)

    async def work(tx: StaffTx, at: datetime) -> EntryId:
        require(await afresh_in(tx, actor), "wallet:freeze")
        owner = await lock_wallet_in(tx, command.account_id)
        check_not_own(actor, owner)
        was_frozen = (await tx.wallets.load([owner]))[owner].is_frozen
        # As the receipt is found: the same key may come once by the guest's id and once by the member's.
        key = own_key("wallet.freeze", str(command.account_id), command.idempotency_key)
        entry = await freeze_in(tx, evolve(command, account_id=owner, idempotency_key=key), at, ids)
        action = "wallet.freeze" if command.is_frozen else "wallet.unfreeze"
        before = {"is_frozen": was_frozen}
        after = {"is_frozen": command.is_frozen, "reason": command.reason}
        await record_in(tx, actor, Change(action, str(owner), before, after, correlation_id), at)
        return entry.id

    request = request_key(f"tokens.freeze:{command.account_id}", command.idempotency_key, command)
    return await once(
        uow,
        request,
        clock,
        work,
        encode=canonical_bytes,
        decode=lambda raw: EntryId(UUID(json.loads(raw))),
        lock=lambda tx: lock_wallet_in(tx, command.account_id),
    )


def value_from_plain(stored: Mapping[str, Any]) -> SetTokenValue:
    """Return the command of a request, as its canonical JSON holds it."""
    return SetTokenValue(
        TokenKind(stored["kind"]),
        instant_from_text(stored["effective_from"]),
        {currency: Fraction(value) for currency, value in stored["values"].items()},
        stored["by"],
        stored["idempotency_key"],
    )


def grant_from_plain(stored: Mapping[str, Any]) -> GrantTokens:
    """Return the command of a request, as its canonical JSON holds it."""
    return GrantTokens(
        AccountId(UUID(stored["account_id"])), stored["tokens"], stored["reason"], stored["idempotency_key"]
    )


def check_not_own(actor: Actor, owner: AccountId) -> None:
    """Go on only if the wallet is another's.

    Raises:
        OwnAccount: it is the actor's own.
    """
    if actor.account_id == owner:
        raise OwnAccount


async def moved_lately_in(tx: StaffTx, actor: Actor, owner: AccountId, at: datetime) -> int:
    """Return what this person gave or corrected alone of late, or this account had so, whichever is more.

    An account had what the guests had that became it.
    """
    by_person = of_account = 0
    for act in BY_HAND:
        since = at - SECOND_PERSON_RULES[act].over
        by_person += await _sum_in(tx, AuditQuery(actor=actor.name, action=act, since=since))
        for account in (str(owner), *await _joined_in(tx, owner, since)):
            of_account += await _sum_in(tx, AuditQuery(resource=account, action=act, since=since))
    return max(by_person, of_account)


async def _joined_in(tx: StaffTx, owner: AccountId, since: datetime) -> set[str]:
    """Return the guests that became this member since then: what was given to them was given to it."""
    joined: set[str] = set()
    before: int | None = None
    while found := await tx.entries.of_account(owner, before=before, limit=_ENTRIES_AT_ONCE):
        lately = [entry for entry in found if entry.recorded_at >= since]
        joined |= {entry.source_ref for entry in lately if entry.operation is Operation.TRANSFER_IN}
        if len(lately) < _ENTRIES_AT_ONCE:
            break
        before = found[-1].sequence
    return joined


async def _sum_in(tx: StaffTx, query: AuditQuery) -> int:
    found = await tx.audit.search(query, before=None, limit=MOST_GIFTS)
    given = [json.loads(record.after) for record in found]
    # What a second person approved is theirs to answer for, and takes no room from small gifts.
    return sum(abs(item["tokens"]) for item in given if "request" not in item)


def _number_or_awaiting(raw: bytes) -> int | Awaiting:
    stored = json.loads(raw)
    return stored if isinstance(stored, int) else _awaiting(stored)


def entry_or_awaiting(raw: bytes) -> EntryId | Awaiting:
    """Return the answer of a receipt: the entry that was made, or the request that waits."""
    stored = json.loads(raw)
    return EntryId(UUID(stored)) if isinstance(stored, str) else _awaiting(stored)


def _awaiting(stored: Mapping[str, Any]) -> Awaiting:
    return Awaiting(stored["request_id"], instant_from_text(stored["expires_at"]))
