"""Signing in, with lock-out, the guest's things and the session; and who a token stands for."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from attrs import frozen

from buddy_core.access import AccessTx, Actor, Change, actor_in, may, record_in
from buddy_core.accounts import Account, AccountsTx, Passwords, check_credentials, resolve_in
from buddy_core.flows.merge_guest import Joined, MergeTx, merge_guest_in
from buddy_core.flows.tries import password_key
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.ids import AccountId, IdSource
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.sessions import (
    POLICY,
    AccessClaims,
    Dead,
    DeadReason,
    LoginSession,
    SessionPolicy,
    SessionsTx,
    Started,
    StartSession,
    is_proven,
    judge_in,
    reserve_try,
    start_in,
)

IMPERSONATE = "user:impersonate"


class SignInTx(MergeTx, SessionsTx, AccessTx, Protocol):
    """What signing in needs of a transaction."""


class IdentifyTx(AccountsTx, SessionsTx, AccessTx, Protocol):
    """What telling who asks needs of a transaction."""


@frozen
class SignIn:
    """E-mail address and password, the guest on this device, and what the browser calls itself."""

    email: str
    password: str
    guest_id: AccountId | None = None
    label: str = ""
    ip: str = ""
    correlation_id: str = ""


@frozen
class SignedIn:
    """Who the viewer is now, what came along, and the tokens of the new session."""

    joined: Joined
    started: Started


@frozen
class Who:
    """Who asks: the account, what it may do, and the session; a guest has none."""

    account: Account
    actor: Actor
    session: LoginSession | None = None


async def sign_in(
    command: SignIn,
    *,
    uow: UnitOfWork[SignInTx],
    clock: Clock,
    ids: IdSource,
    passwords: Passwords,
    policy: SessionPolicy = POLICY,
) -> SignedIn:
    """Sign in, and bring what a guest on this device has; a second time brings nothing more.

    Each try is counted before the password is looked at. An address that nobody has
    is counted, locked and answered as one that somebody has, in the same time.

    Raises:
        BadEmail: the text is no e-mail address.
        SignInLocked: five tries failed within 15 minutes.
        WrongCredentials: they do not belong together.
    """
    key = password_key(command.email)
    await reserve_try(key, uow=uow, clock=clock, ids=ids, policy=policy)
    member = await check_credentials(command.email, command.password, uow=uow, passwords=passwords)

    async def work(tx: SignInTx) -> SignedIn:
        at = clock.now()
        await tx.lockouts.clear(key)
        joined = Joined(member.id)
        if command.guest_id is not None and command.guest_id != member.id:
            joined = await merge_guest_in(tx, command.guest_id, member.id, at, ids)
        started = await start_in(tx, StartSession(member.id, command.label), at, ids, policy)
        await _told_in(tx, started, command.ip, command.correlation_id, at)
        return SignedIn(joined, started)

    return await retried(uow, work)


async def begin_session(
    account_id: AccountId,
    label: str = "",
    *,
    ip: str = "",
    correlation_id: str = "",
    uow: UnitOfWork[SignInTx],
    clock: Clock,
    ids: IdSource,
    policy: SessionPolicy = POLICY,
) -> Started:
    """Begin a session of an account that has just proved itself, by registering."""

    async def work(tx: SignInTx) -> Started:
        at = clock.now()
        started = await start_in(tx, StartSession(account_id, label), at, ids, policy)
        await _told_in(tx, started, ip, correlation_id, at)
        return started

    return await retried(uow, work)


async def identify(
    claims: AccessClaims,
    *,
    ip: str = "",
    uow: UnitOfWork[IdentifyTx],
    clock: Clock,
    policy: SessionPolicy = POLICY,
) -> Who | Dead:
    """Tell whom an access token stands for, by sessions and roles as they are now.

    Whoever looks as a member must still be allowed to, and signed in themselves.
    """
    async with uow.read() as tx:
        at = clock.now()
        verdict = await judge_in(tx, claims, at, policy)
        if isinstance(verdict, Dead):
            return verdict
        session = verdict.session
        account = await resolve_in(tx, session.account_id)
        if session.impersonator is not None:
            # The second factor was proved when the look began; the role must still be there.
            staff = await actor_in(tx, session.impersonator, has_second_factor=True)
            if not may(staff, IMPERSONATE) or await tx.assignments.of(account.id):
                return Dead(DeadReason.PARENT_ENDED)
        factor = await tx.second_factors.get(account.id)
        has_factor = factor is not None and factor.confirmed_at is not None
        actor = await actor_in(
            tx,
            account.id,
            has_second_factor=has_factor and is_proven(session, at, policy),
            owes_second_factor=(
                has_factor and session.second_factor_at is None and session.impersonator is None
            ),
            impersonator=session.impersonator,
            ip=ip,
        )
        return Who(account, actor, session)


async def identify_guest(account_id: AccountId, *, ip: str = "", uow: UnitOfWork[IdentifyTx]) -> Who | None:
    """Tell who a guest's own token stands for; None once it has joined, for then only a session does.

    Raises:
        AccountNotFound: there is no such account.
    """
    async with uow.read() as tx:
        account = await resolve_in(tx, account_id)
        if account.id != account_id or account.email is not None:
            return None
        return Who(account, await actor_in(tx, account.id, ip=ip))


async def _told_in(tx: SignInTx, started: Started, ip: str, correlation_id: str, at: datetime) -> None:
    """Record that staff signed in."""
    session = started.session
    actor = await actor_in(tx, session.account_id, ip=ip)
    if actor.is_staff:
        after = {"session": session.id, "label": session.label}
        change = Change("session.begin", str(session.account_id), None, after, correlation_id)
        await record_in(tx, actor, change, at)
