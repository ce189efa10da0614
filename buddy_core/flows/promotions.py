"""Promotions: a code brings bonus tokens; staff begin and end them, large ones by two people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Protocol
from uuid import UUID

import attrs
from attrs import evolve, frozen

from buddy_core.access import (
    SECOND_PERSON_RULES,
    Actor,
    AuditQuery,
    AuditRecord,
    Change,
    OwnAccount,
    Resource,
    afresh_in,
    check_reason,
    needs_second_person,
    record_in,
    require,
)
from buddy_core.accounts import Account, AccountType, resolve_in
from buddy_core.ads import RewardCounters, RewardRules, guest_caps
from buddy_core.flows.awaiting import Awaiting, wait_in
from buddy_core.flows.lock_wallet import lock_wallet_in
from buddy_core.flows.sources import PROMOTION
from buddy_core.flows.staff import MOST_GIFTS, StaffTx
from buddy_core.kernel.canonical import canonical_bytes, instant_from_text, plain
from buddy_core.kernel.clock import Clock, whole_second
from buddy_core.kernel.idempotency import once, request_key
from buddy_core.kernel.ids import EntryId, IdSource
from buddy_core.kernel.outcomes import unwrap
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.promotions import (
    AddPromotion,
    Claim,
    Claimant,
    ClaimPromotion,
    CodeTaken,
    EndPromotion,
    GuestCapReached,
    Promotion,
    PromotionState,
    UnknownCode,
    claim,
    end,
    fold_code,
    plan,
    state_of,
)
from buddy_core.tokens import EarnTokens, Entry, Operation, TokenKind, WalletFrozen, earn_in, own_key

MANAGE = "campaign:manage"
ADD, END = "promotion.add", "promotion.end"
_BUDGET = "budget"
_FIELDS = tuple(field.name for field in attrs.fields(Promotion))


class ClaimTx(StaffTx, Protocol):
    """What claiming needs of a transaction."""

    @property
    def reward_rules(self) -> RewardRules: ...

    @property
    def reward_counters(self) -> RewardCounters: ...


@frozen
class Claimed:
    """What a code brought."""

    code: str
    tokens: int
    expires_at: datetime
    entry_id: EntryId


@frozen
class PromotionNow:
    """A promotion as it stands, with how many have claimed."""

    promotion: Promotion
    claimed: int
    state: PromotionState


async def claim_promotion(
    actor: Actor, command: ClaimPromotion, *, uow: UnitOfWork[ClaimTx], clock: Clock, ids: IdSource
) -> Claimed:
    """Give an account what a code brings, once; claim, tokens and receipt are one commit.

    What a guest gets counts towards what guests may earn in all, theirs and their device's.

    Raises:
        NotPermitted: it is not the actor's own wallet, or the actor only looks as its owner.
        BadCode, UnknownCode, NotBegun, Over, UsedUp: the code brings nothing now.
        OwnAccount: nobody claims what they have begun themselves.
        AlreadyClaimed, DeviceClaimed: it was used before. NotForGuests, GuestCapReached: join first.
        WalletFrozen: a frozen wallet earns nothing. IdempotencyMismatch: the key was used for another code.
    """
    require(actor, "reward:earn", Resource(account_id=command.account_id))
    code = fold_code(command.code)

    async def work(tx: ClaimTx, at: datetime) -> Claimed:
        owner = await lock_wallet_in(tx, command.account_id)
        account = await resolve_in(tx, owner)
        # Before the code is looked at: a frozen wallet is no place to try codes from.
        if (await tx.wallets.load([owner]))[owner].is_frozen:
            raise WalletFrozen(owner)
        promotion = await tx.promotions.lock(code)
        if promotion is not None and promotion.recorded_by == str(owner):
            raise OwnAccount
        claimed = await tx.promotion_claims.count(code)
        claimant = await _claimant_in(tx, account, command, code)
        number = claim(promotion, claimed, claimant, at)
        assert promotion is not None, "the rule refuses a code that is none"
        if claimant.is_guest:
            await _count_guest_in(tx, account, command, promotion, at)
        return await _give_in(tx, promotion, number, account, command, at, ids)

    # The device may be another one when the answer is asked for again.
    request = request_key(f"promotion.claim:{command.account_id}", command.idempotency_key, [code])
    return await once(
        uow,
        request,
        clock,
        work,
        encode=canonical_bytes,
        decode=_claimed,
        lock=lambda tx: lock_wallet_in(tx, command.account_id),
    )


async def _claimant_in(tx: ClaimTx, account: Account, command: ClaimPromotion, code: str) -> Claimant:
    # The wallet is locked, and with it what merges into it.
    accounts = [account.id, *await tx.accounts.guests_of(account.id)]
    return Claimant(
        is_guest=account.type is AccountType.GUEST,
        has_claimed=await tx.promotion_claims.has_any(code, accounts),
        device_has_claimed=await tx.promotion_claims.has_device(code, command.device_id),
    )


async def _count_guest_in(
    tx: ClaimTx, account: Account, command: ClaimPromotion, promotion: Promotion, at: datetime
) -> None:
    """Count what a guest gets like so many ads, so that more guests on a device gain nothing."""
    rule = await tx.reward_rules.in_force(at)
    caps = guest_caps(account.id, command.device_id, rule)
    if await tx.reward_counters.take(caps, promotion.tokens) is not None:
        raise GuestCapReached(rule.guest_life)


async def _give_in(
    tx: ClaimTx,
    promotion: Promotion,
    number: int,
    account: Account,
    command: ClaimPromotion,
    at: datetime,
    ids: IdSource,
) -> Claimed:
    expires_at = whole_second(at + timedelta(days=promotion.days))
    as_guest = account.type is AccountType.GUEST
    gift = EarnTokens(
        account_id=account.id,
        kind=TokenKind(promotion.token_kind),
        amount=promotion.tokens,
        source=PROMOTION,
        source_ref=promotion.code,
        idempotency_key=own_key(PROMOTION, promotion.code),
        expires_at=expires_at,
        earned_as_guest=as_guest,
    )
    entry = unwrap((await earn_in(tx, [gift], at, ids))[0])
    await tx.promotion_claims.add(
        Claim(
            code=promotion.code,
            number=number,
            account_id=account.id,
            device_id=command.device_id,
            as_guest=as_guest,
            version=promotion.version,
            tokens=promotion.tokens,
            entry_id=entry.id,
            claimed_at=entry.effective_at,
        )
    )
    return Claimed(promotion.code, promotion.tokens, expires_at, entry.id)


async def add_promotion(
    actor: Actor,
    command: AddPromotion,
    *,
    correlation_id: str,
    uow: UnitOfWork[StaffTx],
    clock: Clock,
    ids: IdSource,
) -> Promotion | Awaiting:
    """Begin a promotion; one that may give more than one person decides alone waits for a second one.

    Raises:
        NotPermitted, SecondFactorNeeded: the actor may not.
        BadCode, BadPromotion, ReasonMissing: it cannot be like this. CodeTaken: choose another code.
        IdempotencyMismatch: the key was used for another promotion.
    """
    require(actor, MANAGE)
    command = evolve(command, code=fold_code(command.code), reason=check_reason(command.reason))

    async def work(tx: StaffTx, at: datetime) -> Promotion | Awaiting:
        # Of two at once the second has to see the first: small ones add up.
        await tx.assignments.lock()
        require(await afresh_in(tx, actor), MANAGE)
        # The rule itself says no before anybody is asked to approve what cannot be.
        wanted = await _planned_in(tx, command, actor.name, at)
        measure = Fraction(wanted.budget + await _given_lately_in(tx, actor, at))
        rule = needs_second_person(ADD, measure)
        if rule is not None:
            change = Change(ADD, wanted.code, None, command, correlation_id)
            return await wait_in(tx, actor, rule, change, measure, command.reason, at, ids)
        return await carry_out_promotion_in(tx, actor, command, correlation_id, at)

    request = request_key(f"{ADD}:{actor.name}", command.idempotency_key, command)
    return await once(uow, request, clock, work, encode=canonical_bytes, decode=_promotion_or_awaiting)


async def carry_out_promotion_in(
    tx: StaffTx,
    actor: Actor,
    command: AddPromotion,
    correlation_id: str,
    at: datetime,
    **approved: str,
) -> Promotion:
    """Append the first version and record it; `approved` says which request of whom it comes from."""
    promotion = await _planned_in(tx, command, approved.get("requested_by", actor.name), at)
    await tx.promotions.add(promotion)
    after = {**plain(promotion), _BUDGET: promotion.budget, **approved}
    await record_in(tx, actor, Change(ADD, promotion.code, None, after, correlation_id), at)
    return promotion


async def end_promotion(
    actor: Actor, command: EndPromotion, *, correlation_id: str, uow: UnitOfWork[StaffTx], clock: Clock
) -> Promotion:
    """End a promotion now; what was claimed stays, and its code names nothing else ever.

    Raises:
        NotPermitted, SecondFactorNeeded: the actor may not.
        BadCode, UnknownCode, ReasonMissing: which one, and why? Over: it has ended.
        IdempotencyMismatch: the key was used for another one.
    """
    require(actor, MANAGE)
    command = evolve(command, code=fold_code(command.code), reason=check_reason(command.reason))

    async def work(tx: StaffTx, at: datetime) -> Promotion:
        require(await afresh_in(tx, actor), MANAGE)
        before = await tx.promotions.lock(command.code)
        if before is None:
            raise UnknownCode
        after = end(before, actor.name, command.reason, at)
        await tx.promotions.add(after)
        change = Change(END, after.code, plain(before), plain(after), correlation_id)
        await record_in(tx, actor, change, at)
        return after

    request = request_key(f"{END}:{actor.name}", command.idempotency_key, command)
    return await once(uow, request, clock, work, encode=canonical_bytes, decode=_promotion)


async def list_promotions(
    actor: Actor, *, limit: int = 100, offset: int = 0, uow: UnitOfWork[StaffTx], clock: Clock
) -> tuple[PromotionNow, ...]:
    """Return promotions with how many have claimed, those that begin last first.

    Raises:
        NotPermitted, SecondFactorNeeded: the actor may not.
    """
    require(actor, MANAGE)
    at = clock.now()
    async with uow.read() as tx:
        found = await tx.promotions.page(limit, offset)
    return tuple(PromotionNow(item, claimed, state_of(item, claimed, at)) for item, claimed in found)


def promotion_command_from_plain(stored: Mapping[str, Any]) -> AddPromotion:
    """Return the command of a request, as its canonical JSON holds it."""
    starts_at = stored["starts_at"]
    return AddPromotion(
        **{
            **stored,
            "starts_at": None if starts_at is None else instant_from_text(starts_at),
            "ends_at": instant_from_text(stored["ends_at"]),
        }
    )


def told_of(record: AuditRecord) -> tuple[tuple[str, int], str] | None:
    """Return which version of which code a record of the audit tells of, and all of it; None if of none."""
    if record.action not in (ADD, END):
        return None
    try:
        after = json.loads(record.after)
        body = {name: after[name] for name in _FIELDS}
        return (str(after["code"]), int(after["version"])), canonical_bytes(body).decode()
    except (ValueError, KeyError, TypeError):
        # A record that was altered is a fault of the audit's own chain.
        return None


def is_claim(entry: Entry) -> bool:
    """Tell whether an entry is what a code brought."""
    return entry.operation is Operation.EARN and entry.source == PROMOTION


async def _planned_in(tx: StaffTx, command: AddPromotion, by: str, at: datetime) -> Promotion:
    promotion = plan(command, by, at)
    if await tx.promotions.newest(promotion.code) is not None:
        raise CodeTaken(promotion.code)
    return promotion


async def _given_lately_in(tx: StaffTx, actor: Actor, at: datetime) -> int:
    """Return what the promotions that this person began alone of late may give."""
    query = AuditQuery(actor=actor.name, action=ADD, since=at - SECOND_PERSON_RULES[ADD].over)
    found = await tx.audit.search(query, before=None, limit=MOST_GIFTS)
    given = [json.loads(record.after) for record in found]
    # What a second person approved is theirs to answer for.
    return sum(item[_BUDGET] for item in given if "request" not in item)


def _claimed(raw: bytes) -> Claimed:
    stored = json.loads(raw)
    return Claimed(
        stored["code"],
        stored["tokens"],
        instant_from_text(stored["expires_at"]),
        EntryId(UUID(stored["entry_id"])),
    )


def _promotion(raw: bytes) -> Promotion:
    return _promotion_from_plain(json.loads(raw))


def _promotion_or_awaiting(raw: bytes) -> Promotion | Awaiting:
    stored = json.loads(raw)
    if "request_id" in stored:
        return Awaiting(stored["request_id"], instant_from_text(stored["expires_at"]))
    return _promotion_from_plain(stored)


def _promotion_from_plain(stored: Mapping[str, Any]) -> Promotion:
    instants = {name: instant_from_text(stored[name]) for name in ("starts_at", "ends_at", "recorded_at")}
    return Promotion(**{**stored, **instants})
