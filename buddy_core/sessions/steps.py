"""Load, decide and save inside a transaction that is given."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import evolve

from buddy_core.kernel.events import Event, envelope
from buddy_core.kernel.ids import AccountId, EventId, IdSource, LoginSessionId
from buddy_core.sessions.commands import BeginImpersonation, EnterCode, StartSession
from buddy_core.sessions.data import POLICY
from buddy_core.sessions.errors import LoginSessionNotFound, SecondFactorMissing
from buddy_core.sessions.events import (
    FamilyRevoked,
    LockedOut,
    SecondFactorRemoved,
    SecondFactorSet,
    SignedIn,
    SignedOut,
)
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
from buddy_core.sessions.rules.factors import confirm, enrol, use
from buddy_core.sessions.rules.living import claims_for, end, impersonate, is_live, judge, own, start, touch
from buddy_core.sessions.rules.locking import begin_try
from buddy_core.sessions.rules.refreshing import Repeated, Reused, Rotated, hash_token, issue, rotate


async def start_in(
    tx: SessionsTx, command: StartSession, at: datetime, ids: IdSource, policy: SessionPolicy = POLICY
) -> Started:
    """Begin a session of an account whose credentials were checked."""
    session = start(command, LoginSessionId(ids.opaque("sgn")), at, policy)
    await tx.login_sessions.add(session)
    await _tell(tx, SignedIn(session.id, session.account_id, None), session.id, at, ids)
    return await _issued_in(tx, session, at, ids, policy)


async def impersonate_in(
    tx: SessionsTx, command: BeginImpersonation, at: datetime, ids: IdSource, policy: SessionPolicy = POLICY
) -> Started:
    """Let a member of staff, whose right was checked, into an account; there is no refresh token.

    Raises:
        CannotImpersonate: names what is missing.
    """
    parent = await tx.login_sessions.get(command.parent_id)
    session = impersonate(command, parent, LoginSessionId(ids.opaque("sgn")), at, policy)
    await tx.login_sessions.add(session)
    await _tell(tx, SignedIn(session.id, session.account_id, session.impersonator), session.id, at, ids)
    return Started(session, claims_for(session, at, policy))


async def rotate_in(
    tx: SessionsTx,
    token: str,
    at: datetime,
    ids: IdSource,
    *,
    leeway: timedelta,
    policy: SessionPolicy = POLICY,
) -> Started | Reused:
    """Give new tokens for a refresh token.

    With `Reused` the caller commits, and only then refuses: the session has ended.

    Raises:
        RefreshRefused: the token is unknown or expired, or its session is over.
    """
    token_hash = hash_token(token)
    stored = await tx.refresh_tokens.lock(token_hash)
    session = None if stored is None else await tx.login_sessions.lock(stored.session_id)
    outcome = rotate(session, stored, at, policy, leeway)
    if isinstance(outcome, Repeated):
        return Started(outcome.session, claims_for(outcome.session, at, policy))
    await tx.login_sessions.save(outcome.session)
    if isinstance(outcome, Rotated):
        await tx.refresh_tokens.mark_used(token_hash, at)
        return await _issued_in(tx, outcome.session, at, ids, policy)
    ended = outcome.session
    await _tell(tx, FamilyRevoked(ended.id, ended.account_id), ended.id, at, ids)
    return outcome


async def judge_in(
    tx: SessionsTx, claims: AccessClaims, at: datetime, policy: SessionPolicy = POLICY
) -> Live | Dead:
    """Tell whether an access token with these claims is accepted, on the sessions as they are now."""
    session = await tx.login_sessions.get(claims.session_id)
    parent = None
    if session is not None and session.parent_id is not None:
        parent = await tx.login_sessions.get(session.parent_id)
    return judge(claims, session, parent, at, policy)


async def end_in(
    tx: SessionsTx,
    account: AccountId,
    session_id: LoginSessionId,
    reason: EndReason,
    at: datetime,
    ids: IdSource,
) -> LoginSession:
    """End one session of the account, or one in which it is the impersonator; again changes nothing.

    Raises:
        LoginSessionNotFound: there is none, or it is neither.
    """
    session = await tx.login_sessions.lock(session_id)
    if session is None or account not in (session.account_id, session.impersonator):
        raise LoginSessionNotFound
    return await _ended_in(tx, session, reason, at, ids)


async def end_all_in(
    tx: SessionsTx,
    account: AccountId,
    reason: EndReason,
    at: datetime,
    ids: IdSource,
    *,
    except_: LoginSessionId | None = None,
) -> list[LoginSession]:
    """End every session of the account but one, and return those that were ended."""
    found = await tx.login_sessions.lock_open(account)
    return [await _ended_in(tx, item, reason, at, ids) for item in found if item.id != except_]


async def end_over_in(tx: SessionsTx, at: datetime, ids: IdSource, limit: int) -> int:
    """Write down as expired up to `limit` sessions that are over by themselves; return how many."""
    found = [item for item in await tx.login_sessions.lock_over(at, limit) if not is_live(item, at)]
    for item in found:
        await _ended_in(tx, item, EndReason.EXPIRED, at, ids)
    return len(found)


async def list_in(tx: SessionsTx, account: AccountId, at: datetime, limit: int) -> list[LoginSession]:
    """Return the account's live sessions, the last used first."""
    found = await tx.login_sessions.of_account(account, limit)
    return [item for item in found if is_live(item, at)]


async def touch_in(tx: SessionsTx, session_id: LoginSessionId, at: datetime) -> None:
    """Record that a session is in use, to the minute; one that is over or unknown is left alone."""
    seen = await tx.login_sessions.get(session_id)
    if seen is None or touch(seen, at) is seen:
        return
    session = await tx.login_sessions.lock(session_id)
    if session is not None:
        await tx.login_sessions.save(touch(session, at))


async def reserve_in(
    tx: SessionsTx, key: str, at: datetime, ids: IdSource, policy: SessionPolicy = POLICY
) -> Attempts:
    """Count one more try of a key, before anything is checked.

    It has to be committed before the check, so that no two tries share a place.

    Raises:
        SignInLocked: the key is locked.
        InvalidValue: the key is empty, too long or not printable.
    """
    # What is no key must not reach the store.
    Attempts(key)
    attempts = begin_try(await tx.lockouts.lock(key), at, policy)
    await tx.lockouts.save(attempts)
    if attempts.locked_until is not None:
        what = key.partition(":")[0]
        await _tell(tx, LockedOut(what, attempts.locked_until), what, at, ids)
    return attempts


async def enrol_in(
    tx: SessionsTx, account: AccountId, name: str, at: datetime, codes: OneTimeCodes, sealer: Sealer
) -> Enrolled:
    """Store a new secret that waits for its first code; an unconfirmed one before it is forgotten.

    Raises:
        SecondFactorExists: a confirmed one has to be removed first.
    """
    secret = codes.new_secret()
    existing = await tx.second_factors.lock(account)
    factor = enrol(existing, account, sealer.seal(secret, factor_context(account)), at)
    if existing is None:
        await tx.second_factors.add(factor)
    else:
        await tx.second_factors.save(factor)
    return Enrolled(codes.uri(secret, name))


async def confirm_in(
    tx: SessionsTx, command: EnterCode, at: datetime, ids: IdSource, codes: OneTimeCodes, sealer: Sealer
) -> LoginSession:
    """Confirm the account's new second factor by its first code, which also proves the session.

    Raises:
        LoginSessionNotFound, NotWhileImpersonating, SecondFactorMissing, SecondFactorExists,
        SecondFactorWrong, SecretUnreadable.
    """
    factor = await tx.second_factors.lock(command.account_id)
    confirmed = confirm(factor, _step(factor, command.code, at, codes, sealer), at)
    session = await _proven_in(tx, command, confirmed, at)
    await _tell(tx, SecondFactorSet(command.account_id), str(command.account_id), at, ids)
    return session


async def prove_in(
    tx: SessionsTx, command: EnterCode, at: datetime, codes: OneTimeCodes, sealer: Sealer
) -> LoginSession:
    """Use up a code of the account's second factor to prove the session.

    Raises:
        LoginSessionNotFound, NotWhileImpersonating, SecondFactorMissing, SecondFactorWrong, SecretUnreadable.
    """
    factor = await tx.second_factors.lock(command.account_id)
    used = use(factor, _step(factor, command.code, at, codes, sealer))
    # Sealed anew with the key of today: an old key may go once its owners have been here.
    context = factor_context(command.account_id)
    used = evolve(used, sealed_secret=sealer.seal(sealer.open(used.sealed_secret, context), context))
    return await _proven_in(tx, command, used, at)


async def remove_factor_in(tx: SessionsTx, account: AccountId, at: datetime, ids: IdSource) -> None:
    """Remove the account's second factor; what it has proven counts no more.

    Raises:
        SecondFactorMissing: there is none.
    """
    factor = await tx.second_factors.lock(account)
    if factor is None:
        raise SecondFactorMissing
    await tx.second_factors.remove(account)
    for session in await tx.login_sessions.lock_open(account):
        if session.second_factor_at is not None:
            await tx.login_sessions.save(evolve(session, second_factor_at=None))
    if factor.confirmed_at is not None:
        await _tell(tx, SecondFactorRemoved(account), str(account), at, ids)


def try_key(account: AccountId) -> str:
    """Return the key under which codes of an account's second factor are tried."""
    return f"totp:{account}"


async def _issued_in(
    tx: SessionsTx, session: LoginSession, at: datetime, ids: IdSource, policy: SessionPolicy
) -> Started:
    text = ids.opaque("rft")
    await tx.refresh_tokens.add(issue(session, hash_token(text), at))
    return Started(session, claims_for(session, at, policy), text)


async def _ended_in(
    tx: SessionsTx, session: LoginSession, reason: EndReason, at: datetime, ids: IdSource
) -> LoginSession:
    ended = end(session, reason, at)
    if ended is not session and ended.end_reason is not None:
        await tx.login_sessions.save(ended)
        await _tell(tx, SignedOut(ended.id, ended.account_id, ended.end_reason), ended.id, at, ids)
    return ended


async def _proven_in(tx: SessionsTx, command: EnterCode, factor: SecondFactor, at: datetime) -> LoginSession:
    found = await tx.login_sessions.lock(command.session_id)
    session = evolve(own(found, command.account_id, at), second_factor_at=at)
    await tx.second_factors.save(factor)
    await tx.login_sessions.save(session)
    await tx.lockouts.clear(try_key(command.account_id))
    return session


def _step(
    factor: SecondFactor | None, code: str, at: datetime, codes: OneTimeCodes, sealer: Sealer
) -> int | None:
    if factor is None:
        return None
    secret = sealer.open(factor.sealed_secret, factor_context(factor.account_id))
    # Apps show a code in two halves, and people type it so.
    return codes.matching_step(secret, code.replace(" ", ""), at)


def factor_context(account: AccountId) -> bytes:
    """Return what an account's secret is bound to when it is sealed."""
    return f"second factor of {account}".encode()


async def _tell(tx: SessionsTx, event: Event, subject: str, at: datetime, ids: IdSource) -> None:
    await tx.outbox.add([envelope(event, id=EventId(ids.uuid7()), subject=subject, at=at)])
