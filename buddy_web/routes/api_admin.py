"""The API's staff operations: values, closing months, the audit, held rewards, wallets and flags."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Literal

from buddy_core.access import OwnAccount, ReasonMissing
from buddy_core.accounts import AccountNotFound, BadEmail
from buddy_core.ads import Reward, RewardCapReached, RewardNotFound, RewardNotHeld
from buddy_core.flags import UnknownFlag
from buddy_core.flows import Awaiting, CloseReport
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.idempotency import IdempotencyMismatch
from buddy_core.kernel.periods import InvalidMonth
from buddy_core.royalty import (
    PLATFORM,
    BadInput,
    BeingWorkedOut,
    ClosedOutOfOrder,
    FactsPending,
    NothingToClose,
    PassedOver,
    PeriodNotFinished,
    StatementDiffers,
    StoredStatement,
    TermsProblems,
)
from buddy_core.tax import UnknownEntity, entities_named
from buddy_core.tokens import (
    BadTokenValue,
    FreezeWallet,
    NotFrozen,
    SetTokenValue,
    TokenKind,
    ValueVersionInPast,
    ValueVersionTooFar,
    WalletFrozen,
)
from buddy_core.views.admin_audit import AuditFound, AuditLine, AuditWanted
from buddy_core.views.admin_rewards import HeldReward, WalletOwnerNotFound
from buddy_core.views.admin_values import ValueVersion
from buddy_core.views.stated import closed_month
from buddy_web.app import web
from buddy_web.errors import InvalidRequest
from buddy_web.logs import correlation_id
from buddy_web.operations import Api
from buddy_web.permissions import current_actor
from buddy_web.schemas import admin as schema
from buddy_web.schemas.accounts import Config, FlagsBody
from buddy_web.schemas.common import IdempotencyHeader, Money
from buddy_web.schemas.statements import MonthPath
from buddy_web.schemas.wallet import RewardPath

api = Api("admin", "What staff do; each act is recorded in the audit.")

_DECIDE: dict[str, Any] = {
    "may": "reward:release",
    "answer": schema.Decided,
    "errors": (
        RewardNotFound,
        RewardNotHeld,
        RewardCapReached,
        ReasonMissing,
        OwnAccount,
        WalletFrozen,
        AccountNotFound,
        Contention,
    ),
}
_FREEZE: dict[str, Any] = {
    "may": "wallet:freeze",
    "answer": schema.WalletFrozen,
    "errors": (
        WalletOwnerNotFound,
        BadEmail,
        NotFrozen,
        ReasonMissing,
        OwnAccount,
        IdempotencyMismatch,
        Contention,
    ),
}


@api.get("/admin/token-values", may="token_value:read", answer=schema.TokenValues)
def token_values() -> dict[str, Any]:
    """Return every version of what a token counts, newest first."""
    w = web()
    found: Sequence[ValueVersion] = w.call(w.container.value_versions, current_actor())
    return schema.TokenValues(versions=[_version(item) for item in found]).model_dump(mode="json")


@api.post(
    "/admin/token-values",
    may="token_value:set",
    answer=schema.TokenValueSet,
    status=201,
    also={202: schema.Waiting},
    errors=(ValueVersionInPast, ValueVersionTooFar, BadTokenValue, IdempotencyMismatch, Contention),
)
def set_token_value(header: IdempotencyHeader, body: schema.TokenValueBody) -> tuple[dict[str, Any], int]:
    """Add a version; no past figure changes. A large change waits for a second person (202)."""
    w = web()
    actor = current_actor()
    values = {currency: Fraction(text) for currency, text in body.values.items()}
    command = SetTokenValue(
        TokenKind(body.kind), body.effective_from, values, actor.name, header.idempotency_key
    )
    version: int | Awaiting = w.call(
        w.container.set_token_value, actor, command, correlation_id=correlation_id.get()
    )
    if isinstance(version, Awaiting):
        return waiting(version), 202
    return schema.TokenValueSet(kind=body.kind, version=version).model_dump(mode="json"), 201


@api.post(
    "/admin/periods/<month>/close",
    may="period:close",
    answer=schema.CloseReport,
    also={202: schema.CloseReport},
    errors=(
        InvalidMonth,
        UnknownEntity,
        PeriodNotFinished,
        NothingToClose,
        ClosedOutOfOrder,
        PassedOver,
        FactsPending,
        BeingWorkedOut,
        StatementDiffers,
        BadInput,
        TermsProblems,
        Contention,
    ),
)
def close_period(path: MonthPath, body: schema.CloseBody) -> tuple[dict[str, Any], int]:
    """Review a month, so that a second person can publish it (202); a closed one answers it again (200).

    Reviewing the same figures again answers the same request. Entities whose month has not ended, or
    cannot be closed, are named; where that is all of them, the answer is an error.
    """
    w = web()
    entities = entities_named(w.container.routes(), body.entity)
    report: CloseReport = w.call_long(
        w.container.close_month, current_actor(), path.month, entities, correlation_id=correlation_id.get()
    )
    if not report.closed and not report.reviewed:
        raise (*report.refused, *report.open)[0]
    answer = schema.CloseReport(
        month=path.month,
        closed=[
            schema.ClosedMonth(
                entity=item.entity,
                is_new=item.is_new,
                statements=[_closed(stored) for stored in item.statements],
            )
            for item in report.closed
        ],
        reviewed=[
            schema.ReviewedMonth(entity=item.entity, digest=item.digest, **_waiting(item.awaiting))
            for item in report.reviewed
        ],
        open=[schema.OpenMonth(entity=item.entity, ends_at=item.ends_at) for item in report.open],
        refused=[
            schema.RefusedMonth(entity=item.entity, code=item.error.code, detail=item.error.message())
            for item in report.refusals
        ],
    )
    return answer.model_dump(mode="json"), 202 if report.reviewed else 200


@api.get("/admin/audit", may="audit:read", answer=schema.Audit, errors=(Contention,))
def audit(query: schema.AuditQuery) -> dict[str, Any]:
    """Return who did what, newest first; that it was searched is recorded too."""
    w = web()
    wanted = AuditWanted(
        actor=query.actor,
        about=query.about,
        action=query.action,
        ip=query.ip,
        reference=query.reference,
        since=query.since,
        until=query.until,
        before=query.cursor,
        limit=query.limit,
    )
    found: AuditFound = w.call(
        w.container.find_audit, current_actor(), wanted, correlation_id=correlation_id.get()
    )
    answer = schema.Audit(lines=[_line(line) for line in found.lines], next_cursor=found.next_before)
    return answer.model_dump(mode="json")


@api.get("/admin/rewards", may="reward:read", answer=schema.HeldRewards, errors=(Contention,))
def held_rewards() -> dict[str, Any]:
    """Return the rewards that wait for a decision, oldest first."""
    w = web()
    found: Sequence[HeldReward] = w.call(
        w.container.held_rewards, current_actor(), correlation_id=correlation_id.get()
    )
    rewards = [
        schema.HeldReward(
            id=item.reward_id,
            account=item.account,
            tokens=item.tokens,
            earned_at=item.earned_at,
            reason=item.reason,
            wallet_frozen=item.wallet_frozen,
        )
        for item in found
    ]
    return schema.HeldRewards(rewards=rewards).model_dump(mode="json")


@api.post("/admin/rewards/<id>/release", **_DECIDE)
def release_reward(path: RewardPath, body: schema.DecisionBody) -> dict[str, Any]:
    """Pay a held reward; its wallet must be unfrozen first."""
    return _decide(path.id, body.reason, release=True)


@api.post("/admin/rewards/<id>/refuse", **_DECIDE)
def refuse_reward(path: RewardPath, body: schema.DecisionBody) -> dict[str, Any]:
    """Refuse a held reward for good."""
    return _decide(path.id, body.reason, release=False)


@api.post("/admin/wallets/freeze", **_FREEZE)
def freeze_wallet(header: IdempotencyHeader, body: schema.WalletBody) -> dict[str, Any]:
    """Freeze a wallet: it neither earns nor spends."""
    return _freeze(header.idempotency_key, body, is_frozen=True)


@api.post("/admin/wallets/unfreeze", **_FREEZE)
def unfreeze_wallet(header: IdempotencyHeader, body: schema.WalletBody) -> dict[str, Any]:
    """Let a frozen wallet go on."""
    return _freeze(header.idempotency_key, body, is_frozen=False)


@api.get("/admin/flags", may="flag:set", answer=Config)
def flags() -> dict[str, Any]:
    """Return every flag and how it stands."""
    w = web()
    return Config(flags=w.call(w.container.list_flags)).model_dump(mode="json")


@api.put("/admin/flags", may="flag:set", answer=Config, errors=(UnknownFlag, Contention))
def switch_flags(body: FlagsBody) -> dict[str, Any]:
    """Turn flags on or off; those not named stay as they are."""
    w = web()
    found = w.call(w.container.switch_flags, current_actor(), body.flags, correlation_id=correlation_id.get())
    return Config(flags=found).model_dump(mode="json")


def waiting(found: Awaiting) -> dict[str, Any]:
    """Return the answer of an act that waits for a second person."""
    return schema.Waiting(**_waiting(found)).model_dump(mode="json")


def _waiting(found: Awaiting) -> dict[str, Any]:
    return {
        "request_id": found.request_id,
        "expires_at": found.expires_at,
        "url": f"/v1/admin/approvals/{found.request_id}",
    }


def _version(item: ValueVersion) -> schema.TokenValueVersion:
    return schema.TokenValueVersion(
        kind=item.kind,
        version=item.version,
        effective_from=item.effective_from,
        values={value.currency: value.per_token for value in item.values},
        state=item.state,
    )


def _closed(stored: StoredStatement) -> schema.ClosedStatement:
    whole = closed_month([stored])
    if whole.platform:
        holder, own = PLATFORM, whole.platform[0].statement.reconciliation.platform
        earned, payable = own, own
    else:
        mine = whole.holders[0]
        holder, earned, payable = mine.statement.holder, mine.earned, mine.payable
    return schema.ClosedStatement(
        holder=holder,
        currency=stored.currency,
        earned=Money(minor=earned, currency=stored.currency),
        payable=Money(minor=payable, currency=stored.currency),
        digest=f"sha256:{hashlib.sha256(stored.body).hexdigest()}",
    )


def _line(line: AuditLine) -> schema.AuditLine:
    return schema.AuditLine(
        at=line.at,
        actor=line.actor,
        as_whom=line.as_whom,
        action=line.action,
        subject=line.subject,
        changes=[
            schema.AuditChange(field=change.field, before=change.before, after=change.after)
            for change in line.changes
        ],
        reason=line.reason,
        ip=line.ip,
        reference=line.reference,
    )


def _decide(reward_id: str, reason: str, *, release: bool) -> dict[str, Any]:
    w = web()
    reward: Reward = w.call(
        w.container.decide_held_reward,
        current_actor(),
        reward_id,
        release=release,
        reason=reason,
        correlation_id=correlation_id.get(),
    )
    status: Literal["paid", "refused"] = "paid" if release else "refused"
    return schema.Decided(id=reward.id, status=status).model_dump(mode="json")


def _freeze(key: str, body: schema.WalletBody, *, is_frozen: bool) -> dict[str, Any]:
    w = web()
    actor = current_actor()
    if (body.email is None) == (body.reward_id is None):
        raise InvalidRequest(({"field": "email", "problem": "give either email or reward_id"},))
    owner = w.call(
        w.container.wallet_owner,
        actor,
        body.email or body.reward_id or "",
        correlation_id=correlation_id.get(),
    )
    command = FreezeWallet(owner, is_frozen, body.reason, actor.name, key)
    w.call(w.container.freeze_wallet, actor, command, correlation_id=correlation_id.get())
    return schema.WalletFrozen(is_frozen=is_frozen).model_dump(mode="json")
