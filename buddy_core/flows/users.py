"""Staff find accounts, look at one, sign it out or reset a lost second factor; all of it on the record."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from attrs import frozen

from buddy_core.access import (
    AccessTx,
    Actor,
    Assignment,
    Change,
    OwnAccount,
    actor_in,
    afresh_in,
    check_reach,
    check_reason,
    record_in,
    require,
)
from buddy_core.accounts import Account, AccountsTx, resolve_in
from buddy_core.flows.tries import password_key
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.ids import AccountId, IdSource
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.sessions import (
    EndReason,
    LoginSession,
    SessionsTx,
    end_all_in,
    list_in,
    remove_factor_in,
)
from buddy_core.tokens import Wallets, balance

PAGE = 20
MAX_SESSIONS = 100


class UsersTx(AccountsTx, SessionsTx, AccessTx, Protocol):
    """What looking after accounts needs of a transaction."""

    @property
    def wallets(self) -> Wallets: ...


@frozen
class FindUsers:
    """Members whose address begins like this, newest first; nothing typed: the newest."""

    email: str = ""
    after: AccountId | None = None
    limit: int = PAGE


@frozen
class FoundUser:
    """One account in a list, with its roles."""

    account: Account
    assignments: tuple[Assignment, ...]


@frozen
class UsersFound:
    """A page of accounts; `next_after` leads on."""

    users: tuple[FoundUser, ...]
    next_after: AccountId | None


@frozen
class UserRecord:
    """What staff see of an account."""

    account: Account
    assignments: tuple[Assignment, ...]
    sessions: tuple[LoginSession, ...]
    has_second_factor: bool
    locked_until: datetime | None
    tokens: int
    is_frozen: bool


async def find_users(
    actor: Actor, command: FindUsers, *, correlation_id: str, uow: UnitOfWork[UsersTx], clock: Clock
) -> UsersFound:
    """Find members; that staff did, and which accounts they were shown, is recorded.

    Raises:
        NotPermitted: the actor may not see accounts.
    """
    require(actor, "user:read")

    async def work(tx: UsersTx) -> UsersFound:
        found = await tx.accounts.search(command.email.strip(), after=command.after, limit=command.limit + 1)
        shown = found[: command.limit]
        users = [FoundUser(item, tuple(await tx.assignments.of(item.id))) for item in shown]
        # The address that was typed is personal data itself, and the audit is for ever: it is not kept.
        after = {"accounts": [item.id for item in shown], "by_address": bool(command.email.strip())}
        await record_in(
            tx, actor, Change("user.search", "accounts", None, after, correlation_id), clock.now()
        )
        return UsersFound(tuple(users), shown[-1].id if len(found) > command.limit else None)

    return await retried(uow, work)


async def look_at_user(
    actor: Actor, account_id: AccountId, *, correlation_id: str, uow: UnitOfWork[UsersTx], clock: Clock
) -> UserRecord:
    """Return what staff see of an account; that they looked is recorded.

    Raises:
        NotPermitted, AccountNotFound.
    """
    require(actor, "user:read")

    async def work(tx: UsersTx) -> UserRecord:
        at = clock.now()
        account = await resolve_in(tx, account_id)
        factor = await tx.second_factors.get(account.id)
        wallet = (await tx.wallets.load([account.id]))[account.id]
        locked = (await tx.lockouts.lock(password_key(account.email))).locked_until if account.email else None
        await record_in(tx, actor, Change("user.read", str(account.id), None, None, correlation_id), at)
        return UserRecord(
            account,
            tuple(await tx.assignments.of(account.id)),
            tuple(await list_in(tx, account.id, at, MAX_SESSIONS)),
            factor is not None and factor.confirmed_at is not None,
            locked if locked and locked > at else None,
            sum(balance(wallet, at).values()),
            wallet.is_frozen,
        )

    return await retried(uow, work)


async def sign_out_user(
    actor: Actor,
    account_id: AccountId,
    reason: str,
    *,
    correlation_id: str,
    uow: UnitOfWork[UsersTx],
    clock: Clock,
    ids: IdSource,
) -> int:
    """End every session of an account, and return how many there were; its access tokens die at once.

    Raises:
        NotPermitted, AccountNotFound, ReasonMissing.
    """
    require(actor, "session:revoke")
    reason = check_reason(reason)

    async def work(tx: UsersTx) -> int:
        at = clock.now()
        account = await resolve_in(tx, account_id)
        ended = await end_all_in(tx, account.id, EndReason.REVOKED, at, ids)
        after = {"ended": len(ended), "reason": reason}
        await record_in(tx, actor, Change("session.revoke", str(account.id), None, after, correlation_id), at)
        return len(ended)

    return await retried(uow, work)


async def reset_second_factor(
    actor: Actor,
    account_id: AccountId,
    reason: str,
    *,
    correlation_id: str,
    uow: UnitOfWork[UsersTx],
    clock: Clock,
    ids: IdSource,
) -> None:
    """Take away a second factor that its owner has lost, and sign them out everywhere.

    Raises:
        NotPermitted, AccountNotFound, ReasonMissing, SecondFactorMissing.
        BeyondOwnReach: the account may do what the actor may not; somebody who may has to help.
        OwnAccount: one's own is taken away by proving it.
    """
    require(actor, "second_factor:reset")
    reason = check_reason(reason)

    async def work(tx: UsersTx) -> None:
        at = clock.now()
        require(await afresh_in(tx, actor), "second_factor:reset")
        account = await resolve_in(tx, account_id)
        if actor.account_id == account.id:
            raise OwnAccount
        target = await actor_in(tx, account.id)
        for holding in target.holdings[1:]:
            check_reach(actor, holding.permissions, holding.scope)
        await remove_factor_in(tx, account.id, at, ids)
        await end_all_in(tx, account.id, EndReason.REVOKED, at, ids)
        await record_in(
            tx,
            actor,
            Change("second_factor.reset", str(account.id), None, {"reason": reason}, correlation_id),
            at,
        )

    await retried(uow, work)
