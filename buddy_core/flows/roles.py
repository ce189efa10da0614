"""Giving and taking roles, and defining one's own, each on the record."""

from __future__ import annotations

from typing import Protocol

from attrs import frozen

from buddy_core.access import (
    BUILT_IN,
    GLOBAL,
    SUPER_ADMIN,
    AccessTx,
    Actor,
    Assignment,
    BadRole,
    Change,
    LastSuperAdmin,
    NotAssigned,
    Role,
    RoleBook,
    RoleInUse,
    Scope,
    UnknownRole,
    afresh_in,
    book_in,
    check_assignment,
    check_reach,
    record_in,
    require,
    role_as_plain,
)
from buddy_core.accounts import AccountsTx, MemberNotFound, fold_email
from buddy_core.catalog import ProducerNotFound, Producers
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.ids import AccountId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.shortids import fold


class RolesTx(AccountsTx, AccessTx, Protocol):
    """What giving and defining roles needs of a transaction."""

    @property
    def producers(self) -> Producers: ...


@frozen
class AssignRole:
    """A role of the member with this e-mail address: everywhere, for one producer, or in one territory."""

    email: str
    role: str
    producer: str | None = None
    """The producer's short id."""
    territory: str | None = None
    """Two letters, ISO 3166-1."""


async def assign_role(
    actor: Actor, command: AssignRole, *, correlation_id: str, uow: UnitOfWork[RolesTx], clock: Clock
) -> Assignment:
    """Give the role; given already, nothing changes and nothing is recorded.

    Raises:
        NotPermitted: the actor may not give roles.
        BeyondOwnReach: the role can do what the actor cannot; nobody gives more than they have.
        BadEmail, MemberNotFound: nobody registered with this address.
        UnknownRole, BadScope: there is no such role, or it is not given like this.
        ProducerNotFound: no producer has this short id.
    """
    require(actor, "role:assign")

    async def work(tx: RolesTx) -> Assignment:
        # Nobody drops or narrows the role while it is given, nor takes the actor's own away.
        await tx.assignments.lock()
        now = await afresh_in(tx, actor)
        require(now, "role:assign")
        wanted, book = await _meant_in(tx, command)
        check_reach(now, book.permissions_of(wanted.role), wanted.scope)
        before = await tx.assignments.of(wanted.account_id)
        if wanted in before:
            return wanted
        await tx.assignments.add(wanted)
        await record_in(tx, actor, _change("role.assign", before, wanted, correlation_id), clock.now())
        return wanted

    return await retried(uow, work)


async def revoke_role(
    actor: Actor, command: AssignRole, *, correlation_id: str, uow: UnitOfWork[RolesTx], clock: Clock
) -> Assignment:
    """Take the role away; sessions that are open lose it with their next request.

    Raises:
        NotPermitted, BeyondOwnReach, BadEmail, MemberNotFound, UnknownRole, BadScope, ProducerNotFound.
        NotAssigned: the account does not have it.
        LastSuperAdmin: nobody could give roles any more.
    """
    require(actor, "role:assign")

    async def work(tx: RolesTx) -> Assignment:
        await tx.assignments.lock()
        now = await afresh_in(tx, actor)
        require(now, "role:assign")
        unwanted, book = await _meant_in(tx, command)
        check_reach(now, book.permissions_of(unwanted.role), unwanted.scope)
        before = await tx.assignments.of(unwanted.account_id)
        if unwanted.role == SUPER_ADMIN and await tx.assignments.of_role(SUPER_ADMIN) == [unwanted]:
            raise LastSuperAdmin
        if not await tx.assignments.remove(unwanted):
            raise NotAssigned(unwanted.role, str(unwanted.scope))
        await record_in(tx, actor, _change("role.revoke", before, unwanted, correlation_id), clock.now())
        return unwanted

    return await retried(uow, work)


async def define_role(
    actor: Actor, role: Role, *, correlation_id: str, uow: UnitOfWork[RolesTx], clock: Clock
) -> Role:
    """Keep a custom role, new or changed; whoever has it may what it says from now on.

    Raises:
        NotPermitted: the actor may not define roles.
        BeyondOwnReach: it can do what the actor cannot, or could before.
        BadRole: it cannot be like this, or a built-in role has its name.
        RoleInUse: it is assigned within scopes that it would no longer take.
    """
    require(actor, "role:edit")
    if not role.permissions and not role.includes:
        raise BadRole(role.name, "it has no permission and includes no role")

    async def work(tx: RolesTx) -> Role:
        await tx.assignments.lock()
        now = await afresh_in(tx, actor)
        require(now, "role:edit")
        others = [item for item in await tx.custom_roles.all() if item.name != role.name]
        earlier = next((item for item in await tx.custom_roles.all() if item.name == role.name), None)
        if earlier == role:
            return role
        book = BUILT_IN.with_custom([*others, role])
        check_reach(now, book.permissions_of(role.name))
        check_reach(now, (await book_in(tx)).permissions_of(role.name))
        left_out = [
            item for item in await tx.assignments.of_role(role.name) if item.scope.kind not in role.scopes
        ]
        if left_out:
            raise RoleInUse(role.name, len(left_out))
        await tx.custom_roles.save(role)
        change = Change("role.define", role.name, _plain(earlier), _plain(role), correlation_id)
        await record_in(tx, actor, change, clock.now())
        return role

    return await retried(uow, work)


async def drop_role(
    actor: Actor, name: str, *, correlation_id: str, uow: UnitOfWork[RolesTx], clock: Clock
) -> None:
    """Remove a custom role that nobody has and no role includes.

    Raises:
        NotPermitted, UnknownRole.
        BeyondOwnReach: it can do what the actor cannot.
        BadRole: it is built in.
        RoleInUse: it is assigned or included.
    """
    require(actor, "role:edit")
    if name in BUILT_IN.roles:
        raise BadRole(name, "it is built in and stays")

    async def work(tx: RolesTx) -> None:
        await tx.assignments.lock()
        now = await afresh_in(tx, actor)
        require(now, "role:edit")
        custom = await tx.custom_roles.all()
        earlier = next((item for item in custom if item.name == name), None)
        if earlier is None:
            raise UnknownRole(name)
        check_reach(now, (await book_in(tx)).permissions_of(name))
        users = len(await tx.assignments.of_role(name)) + sum(name in item.includes for item in custom)
        if users:
            raise RoleInUse(name, users)
        await tx.custom_roles.remove(name)
        await record_in(
            tx, actor, Change("role.drop", name, _plain(earlier), None, correlation_id), clock.now()
        )

    await retried(uow, work)


async def _meant_in(tx: RolesTx, command: AssignRole) -> tuple[Assignment, RoleBook]:
    """Return the assignment that the command names, and the book it is from."""
    book = await book_in(tx)
    found = await tx.accounts.by_email(fold_email(command.email))
    if found is None:
        raise MemberNotFound
    scope = await _scope_in(tx, command)
    role = check_assignment(book, command.role, scope)
    return Assignment(found[0].id, role.name, scope), book


async def _scope_in(tx: RolesTx, command: AssignRole) -> Scope:
    if command.producer and command.territory:
        raise InvalidValue("scope", "a role is for one producer or in one territory, not both")
    if command.territory:
        return Scope.territory(command.territory.strip().upper())
    if not command.producer:
        return GLOBAL
    for producer in await tx.producers.all():
        if fold(producer.short_id) == fold(command.producer):
            return Scope.partner(producer.id)
    raise ProducerNotFound(command.producer)


def _change(action: str, before: list[Assignment], item: Assignment, correlation_id: str) -> Change:
    account: AccountId = item.account_id
    after = {"role": item.role, "scope": str(item.scope)}
    had = {"roles": sorted(f"{given.role} {given.scope}" for given in before)}
    return Change(action, str(account), had, after, correlation_id)


def _plain(role: Role | None) -> object:
    return None if role is None else role_as_plain(role)
