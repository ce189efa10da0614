"""Staff look at the service as a member: with a reason, for a time, reading only, on the record."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from attrs import frozen

from buddy_core.access import (
    AccessTx,
    Actor,
    BeyondOwnReach,
    Change,
    afresh_in,
    check_reason,
    record_in,
    require,
)
from buddy_core.accounts import AccountsTx, resolve_in
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.ids import AccountId, IdSource, LoginSessionId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.sessions import (
    BeginImpersonation,
    EndReason,
    LoginSessionNotFound,
    SessionsTx,
    Started,
    end_in,
    impersonate_in,
)


class ImpersonateTx(AccountsTx, SessionsTx, AccessTx, Protocol):
    """What looking as somebody else needs of a transaction."""


@frozen
class Impersonate:
    """Look as this account, for a reason; at most 30 minutes."""

    account_id: AccountId
    reason: str
    minutes: int = 15


async def begin_impersonation(
    actor: Actor,
    command: Impersonate,
    session_id: LoginSessionId,
    *,
    label: str = "",
    correlation_id: str,
    uow: UnitOfWork[ImpersonateTx],
    clock: Clock,
    ids: IdSource,
) -> Started:
    """Begin to look as a member; `session_id` is the actor's own, and ends this one with it.

    Raises:
        NotPermitted: the actor may not, or looks as somebody else already.
        AccountNotFound: there is no such account.
        BeyondOwnReach: the account is staff's; nobody looks as staff.
        ReasonMissing: say why.
        CannotImpersonate: it is the actor's own account, or the actor is signed out.
    """
    require(actor, "user:impersonate")
    reason = check_reason(command.reason)
    assert actor.account_id is not None, "the command line looks as nobody"
    impersonator = actor.account_id

    async def work(tx: ImpersonateTx) -> Started:
        at = clock.now()
        require(await afresh_in(tx, actor), "user:impersonate")
        account = await resolve_in(tx, command.account_id)
        given = await tx.assignments.of(account.id)
        if given:
            raise BeyondOwnReach(f"what the role {given[0].role} may")
        wanted = BeginImpersonation(
            impersonator, session_id, account.id, reason, label, timedelta(minutes=command.minutes)
        )
        started = await impersonate_in(tx, wanted, at, ids)
        after = {"reason": reason, "session": started.session.id, "until": started.session.ends_at}
        await record_in(
            tx, actor, Change("impersonation.begin", str(account.id), None, after, correlation_id), at
        )
        return started

    return await retried(uow, work)


async def end_impersonation(
    actor: Actor,
    session: LoginSessionId,
    *,
    correlation_id: str,
    uow: UnitOfWork[ImpersonateTx],
    clock: Clock,
    ids: IdSource,
) -> None:
    """Stop looking as somebody else; again changes nothing and leaves no second record.

    Raises:
        LoginSessionNotFound: it is not a session that this member of staff began.
    """
    who = actor.impersonator or actor.account_id
    assert who is not None, "the command line looks as nobody"

    async def work(tx: ImpersonateTx) -> None:
        at = clock.now()
        found = await tx.login_sessions.lock(session)
        if found is None or found.impersonator != who:
            # Their own session is ended by signing out, and somebody else's is not theirs to end.
            raise LoginSessionNotFound
        if found.ended_at is not None:
            return
        ended = await end_in(tx, who, session, EndReason.IMPERSONATION_ENDED, at, ids)
        change = Change("impersonation.end", str(ended.account_id), None, None, correlation_id)
        await record_in(tx, actor, change, at)

    await retried(uow, work)


async def record_look(
    actor: Actor,
    what: str,
    *,
    correlation_id: str,
    uow: UnitOfWork[ImpersonateTx],
    clock: Clock,
) -> None:
    """Write down what staff saw while they looked as somebody else."""

    async def work(tx: ImpersonateTx) -> None:
        change = Change("impersonation.look", str(actor.account_id), None, what, correlation_id)
        await record_in(tx, actor, change, clock.now())

    await retried(uow, work)
