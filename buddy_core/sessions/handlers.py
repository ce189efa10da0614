"""Async use cases of sessions alone: one transaction around one step."""

from __future__ import annotations

from datetime import timedelta

from attrs import frozen

from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.ids import AccountId, IdSource, LoginSessionId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.sessions import steps
from buddy_core.sessions.commands import BeginImpersonation, EnterCode
from buddy_core.sessions.data import POLICY
from buddy_core.sessions.errors import RefreshRefused
from buddy_core.sessions.model import (
    AccessClaims,
    Attempts,
    Dead,
    EndReason,
    Enrolled,
    Live,
    LoginSession,
    SecondFactor,
    SessionPolicy,
    Started,
)
from buddy_core.sessions.ports import OneTimeCodes, Sealer, SessionsTx
from buddy_core.sessions.rules.locking import forget_before
from buddy_core.sessions.rules.refreshing import Reused

NO_LEEWAY = timedelta()
MAX_LISTED = 100
_SWEEP_LIMIT = 500


async def refresh_session(
    token: str,
    *,
    leeway: timedelta = NO_LEEWAY,
    uow: UnitOfWork[SessionsTx],
    clock: Clock,
    ids: IdSource,
    policy: SessionPolicy = POLICY,
) -> Started:
    """Give new tokens for a refresh token, which works once.

    The token just before the newest, sent again less than `leeway` from its use,
    gets an access token alone. Any other that was used before ends its session.

    Raises:
        RefreshRefused: the token is unknown, expired or used, or its session is over.
    """
    outcome = await retried(
        uow, lambda tx: steps.rotate_in(tx, token, clock.now(), ids, leeway=leeway, policy=policy)
    )
    if isinstance(outcome, Reused):
        raise RefreshRefused("reused")
    return outcome


async def judge_access(
    claims: AccessClaims, *, uow: UnitOfWork[SessionsTx], clock: Clock, policy: SessionPolicy = POLICY
) -> Live | Dead:
    """Tell whether an access token whose signature was proven is accepted now."""
    async with uow.read() as tx:
        return await steps.judge_in(tx, claims, clock.now(), policy)


async def begin_impersonation(
    command: BeginImpersonation,
    *,
    uow: UnitOfWork[SessionsTx],
    clock: Clock,
    ids: IdSource,
    policy: SessionPolicy = POLICY,
) -> Started:
    """Let a member of staff, whose right was checked, into an account; `end_session` leaves it.

    Raises:
        CannotImpersonate: names what is missing.
    """
    async with uow.begin() as tx:
        return await steps.impersonate_in(tx, command, clock.now(), ids, policy)


async def end_session(
    account: AccountId,
    session_id: LoginSessionId,
    *,
    reason: EndReason = EndReason.SIGNED_OUT,
    uow: UnitOfWork[SessionsTx],
    clock: Clock,
    ids: IdSource,
) -> LoginSession:
    """End one session of the account, or an impersonation that the account began.

    Raises:
        LoginSessionNotFound: there is none, or it is neither.
    """
    async with uow.begin() as tx:
        return await steps.end_in(tx, account, session_id, reason, clock.now(), ids)


async def end_all_sessions(
    account: AccountId,
    *,
    except_: LoginSessionId | None = None,
    reason: EndReason = EndReason.REVOKED,
    uow: UnitOfWork[SessionsTx],
    clock: Clock,
    ids: IdSource,
) -> list[LoginSession]:
    """End every session of the account but one, and return those that were ended."""
    return await retried(
        uow, lambda tx: steps.end_all_in(tx, account, reason, clock.now(), ids, except_=except_)
    )


async def list_sessions(
    account: AccountId, *, uow: UnitOfWork[SessionsTx], clock: Clock
) -> list[LoginSession]:
    """Return the account's live sessions, the last used first, at most 100."""
    async with uow.read() as tx:
        return await steps.list_in(tx, account, clock.now(), MAX_LISTED)


async def touch_session(session_id: LoginSessionId, *, uow: UnitOfWork[SessionsTx], clock: Clock) -> None:
    """Record that a session is in use, to the minute."""
    async with uow.begin() as tx:
        await steps.touch_in(tx, session_id, clock.now())


async def reserve_try(
    key: str, *, uow: UnitOfWork[SessionsTx], clock: Clock, ids: IdSource, policy: SessionPolicy = POLICY
) -> Attempts:
    """Count one more try of a key before it is checked; a good one is followed by `clear_tries`.

    Raises:
        SignInLocked: the key is locked.
        InvalidValue: the key is empty, too long or not printable.
    """
    return await retried(uow, lambda tx: steps.reserve_in(tx, key, clock.now(), ids, policy))


async def clear_tries(key: str, *, uow: UnitOfWork[SessionsTx]) -> None:
    """Forget the tries of a key, because one was good."""
    async with uow.begin() as tx:
        await tx.lockouts.clear(key)


async def find_second_factor(account: AccountId, *, uow: UnitOfWork[SessionsTx]) -> SecondFactor | None:
    """Return the account's second factor, or None; it counts only if it was confirmed."""
    async with uow.read() as tx:
        return await tx.second_factors.get(account)


async def enrol_second_factor(
    account: AccountId,
    name: str,
    *,
    uow: UnitOfWork[SessionsTx],
    clock: Clock,
    codes: OneTimeCodes,
    sealer: Sealer,
) -> Enrolled:
    """Make a secret for the account's authenticator app, in which it is called `name`.

    Raises:
        SecondFactorExists: a confirmed one has to be removed first.
    """
    return await retried(uow, lambda tx: steps.enrol_in(tx, account, name, clock.now(), codes, sealer))


async def confirm_second_factor(
    account: AccountId,
    session_id: LoginSessionId,
    code: str,
    *,
    uow: UnitOfWork[SessionsTx],
    clock: Clock,
    ids: IdSource,
    codes: OneTimeCodes,
    sealer: Sealer,
    policy: SessionPolicy = POLICY,
) -> LoginSession:
    """Confirm a new second factor by its first code, and return the session, proven by it.

    Raises:
        SignInLocked, LoginSessionNotFound, NotWhileImpersonating, SecondFactorMissing, SecondFactorExists,
        SecondFactorWrong, SecretUnreadable.
    """
    await reserve_try(steps.try_key(account), uow=uow, clock=clock, ids=ids, policy=policy)
    command = EnterCode(account, session_id, code)
    return await retried(uow, lambda tx: steps.confirm_in(tx, command, clock.now(), ids, codes, sealer))


async def prove_second_factor(
    account: AccountId,
    session_id: LoginSessionId,
    code: str,
    *,
    uow: UnitOfWork[SessionsTx],
    clock: Clock,
    ids: IdSource,
    codes: OneTimeCodes,
    sealer: Sealer,
    policy: SessionPolicy = POLICY,
) -> LoginSession:
    """Use up a code and return the session, proven by it.

    Raises:
        SignInLocked, LoginSessionNotFound, NotWhileImpersonating, SecondFactorMissing, SecondFactorWrong,
        SecretUnreadable.
    """
    await reserve_try(steps.try_key(account), uow=uow, clock=clock, ids=ids, policy=policy)
    command = EnterCode(account, session_id, code)
    return await retried(uow, lambda tx: steps.prove_in(tx, command, clock.now(), codes, sealer))


async def remove_second_factor(
    account: AccountId, *, uow: UnitOfWork[SessionsTx], clock: Clock, ids: IdSource
) -> None:
    """Remove the account's second factor; no session counts as proven by it any more.

    Raises:
        SecondFactorMissing: there is none.
    """
    await retried(uow, lambda tx: steps.remove_factor_in(tx, account, clock.now(), ids))


@frozen
class Swept:
    """How many rows a sweep has dealt with."""

    sessions: int
    tokens: int
    keys: int


async def sweep_sessions(
    *, uow: UnitOfWork[SessionsTx], clock: Clock, ids: IdSource, policy: SessionPolicy = POLICY
) -> Swept:
    """Write down expired sessions as ended, and remove expired tokens and counts that say nothing any more.

    Nothing that is accepted or refused depends on it; it keeps the store small.
    """
    at = clock.now()
    tokens = await retried(uow, lambda tx: tx.refresh_tokens.sweep(at))
    keys = await retried(uow, lambda tx: tx.lockouts.sweep(forget_before(at, policy)))
    sessions = 0
    while True:
        done = await retried(uow, lambda tx: steps.end_over_in(tx, at, ids, _SWEEP_LIMIT))
        sessions += done
        if done < _SWEEP_LIMIT:
            return Swept(sessions, tokens, keys)
