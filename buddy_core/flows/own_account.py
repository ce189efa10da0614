"""What people do about their own sessions and second factor; whoever is staff leaves a record of it."""

from __future__ import annotations

from typing import Any, Protocol

from buddy_core.access import AccessTx, Actor, Change, SecondFactorNeeded, own_account, record_in
from buddy_core.accounts import AccountsTx, Passwords, check_credentials, resolve_in
from buddy_core.flows.tries import password_key
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.ids import AccountId, IdSource, LoginSessionId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.sessions import (
    EndReason,
    Enrolled,
    EnterCode,
    LoginSession,
    OneTimeCodes,
    Sealer,
    SessionsTx,
    confirm_in,
    end_all_in,
    end_in,
    enrol_in,
    remove_factor_in,
    reserve_try,
    try_key,
)

MANAGE = "account:manage"


class OwnAccountTx(AccountsTx, SessionsTx, AccessTx, Protocol):
    """What looking after one's own account needs of a transaction."""


async def sign_out(
    actor: Actor,
    session: LoginSession,
    *,
    keep_parent: bool = False,
    correlation_id: str,
    uow: UnitOfWork[OwnAccountTx],
    clock: Clock,
    ids: IdSource,
) -> None:
    """End the session of who asks; of staff who look as somebody, the looking and their own session.

    `keep_parent`: only the looking ends.
    """
    person = actor.impersonator or actor.account_id
    assert person is not None, "the command line is not signed in"

    async def work(tx: OwnAccountTx) -> None:
        at = clock.now()
        if session.impersonator is not None:
            await end_in(tx, person, session.id, EndReason.IMPERSONATION_ENDED, at, ids)
            change = Change("impersonation.end", str(session.account_id), None, None, correlation_id)
            await record_in(tx, actor, change, at)
        if session.impersonator is not None and keep_parent:
            return
        own = session.parent_id or session.id
        await end_in(tx, person, own, EndReason.SIGNED_OUT, at, ids)
        await _told_in(tx, actor, "session.end", {"sessions": [own]}, correlation_id, clock)

    await retried(uow, work)


async def end_own_session(
    actor: Actor,
    session_id: LoginSessionId,
    *,
    correlation_id: str,
    uow: UnitOfWork[OwnAccountTx],
    clock: Clock,
    ids: IdSource,
) -> LoginSession:
    """End one of the actor's own sessions, or staff's look at the actor's account.

    Raises:
        NotPermitted: staff only look as its owner.
        LoginSessionNotFound: there is none, or it is another's.
    """
    account = own_account(actor, MANAGE)

    async def work(tx: OwnAccountTx) -> LoginSession:
        ended = await end_in(tx, account, session_id, EndReason.REVOKED, clock.now(), ids)
        await _told_in(tx, actor, "session.end", {"sessions": [ended.id]}, correlation_id, clock)
        return ended

    return await retried(uow, work)


async def end_own_sessions(
    actor: Actor,
    *,
    except_: LoginSessionId | None = None,
    correlation_id: str,
    uow: UnitOfWork[OwnAccountTx],
    clock: Clock,
    ids: IdSource,
) -> list[LoginSession]:
    """End all of the actor's own sessions but one, and return those that were ended.

    Raises:
        NotPermitted: staff only look as its owner.
    """
    account = own_account(actor, MANAGE)

    async def work(tx: OwnAccountTx) -> list[LoginSession]:
        ended = await end_all_in(tx, account, EndReason.REVOKED, clock.now(), ids, except_=except_)
        after = {"sessions": [item.id for item in ended]}
        await _told_in(tx, actor, "session.end", after, correlation_id, clock)
        return ended

    return await retried(uow, work)


async def set_up_second_factor(
    actor: Actor,
    password: str,
    *,
    uow: UnitOfWork[OwnAccountTx],
    clock: Clock,
    ids: IdSource,
    passwords: Passwords,
    codes: OneTimeCodes,
    sealer: Sealer,
) -> Enrolled:
    """Make a secret for whoever knows the password too: a session that was stolen sets up nothing.

    Raises:
        NotPermitted: staff only look as its owner; or a guest has no password.
        SignInLocked, WrongCredentials: as when signing in, and counted with those tries.
        SecondFactorExists: a confirmed one has to be removed first.
    """
    account_id = own_account(actor, MANAGE)
    async with uow.read() as tx:
        email = (await resolve_in(tx, account_id)).email or ""
    key = password_key(email)
    await reserve_try(key, uow=uow, clock=clock, ids=ids)
    await check_credentials(email, password, uow=uow, passwords=passwords)

    async def work(tx: OwnAccountTx) -> Enrolled:
        await tx.lockouts.clear(key)
        return await enrol_in(tx, account_id, email, clock.now(), codes, sealer)

    return await retried(uow, work)


async def confirm_own_second_factor(
    actor: Actor,
    session_id: LoginSessionId,
    code: str,
    *,
    correlation_id: str,
    uow: UnitOfWork[OwnAccountTx],
    clock: Clock,
    ids: IdSource,
    codes: OneTimeCodes,
    sealer: Sealer,
) -> LoginSession:
    """Confirm a new second factor by its first code; every other session of the account ends.

    Raises:
        NotPermitted: staff only look as its owner.
        SignInLocked, LoginSessionNotFound, SecondFactorMissing, SecondFactorExists, SecondFactorWrong.
    """
    account = own_account(actor, MANAGE)
    await reserve_try(try_key(account), uow=uow, clock=clock, ids=ids)

    async def work(tx: OwnAccountTx) -> LoginSession:
        at = clock.now()
        command = EnterCode(account, session_id, code)
        session = await confirm_in(tx, command, at, ids, codes, sealer)
        await end_all_in(tx, account, EndReason.REVOKED, at, ids, except_=session_id)
        await _told_in(tx, actor, "second_factor.set", None, correlation_id, clock)
        return session

    return await retried(uow, work)


async def remove_own_second_factor(
    actor: Actor,
    session_id: LoginSessionId,
    *,
    correlation_id: str,
    uow: UnitOfWork[OwnAccountTx],
    clock: Clock,
    ids: IdSource,
) -> None:
    """Take away one's own second factor, which the session must have proved lately.

    Every other session of the account ends: one that only ever knew the password is not let in by it.

    Raises:
        NotPermitted: staff only look as its owner.
        SecondFactorNeeded: a password alone takes nothing away.
        SecondFactorMissing: there is none.
    """
    account = own_account(actor, MANAGE)

    async def work(tx: OwnAccountTx) -> None:
        at = clock.now()
        factor = await tx.second_factors.lock(account)
        if factor is not None and factor.confirmed_at is not None and not actor.has_second_factor:
            raise SecondFactorNeeded(MANAGE)
        await remove_factor_in(tx, account, at, ids)
        await end_all_in(tx, account, EndReason.REVOKED, at, ids, except_=session_id)
        await _told_in(tx, actor, "second_factor.remove", None, correlation_id, clock)

    await retried(uow, work)


async def _told_in(
    tx: OwnAccountTx, actor: Actor, action: str, after: Any, correlation_id: str, clock: Clock
) -> None:
    """Record what staff did to their own account; what members do to theirs is told by events alone."""
    if not actor.is_staff and actor.impersonator is None:
        return
    person: AccountId | None = actor.impersonator or actor.account_id
    await record_in(tx, actor, Change(action, str(person), None, after, correlation_id), clock.now())
