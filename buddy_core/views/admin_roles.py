"""The roles, what each may do, and who has it."""

from __future__ import annotations

from typing import Protocol

from attrs import frozen

from buddy_core.access import (
    BUILT_IN,
    PERMISSIONS,
    AccessTx,
    Actor,
    Assignment,
    Change,
    Permission,
    Role,
    ScopeKind,
    book_in,
    may,
    record_in,
    require,
)
from buddy_core.accounts import Account, AccountsTx
from buddy_core.catalog import Producers
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.ids import AccountId
from buddy_core.kernel.unit_of_work import UnitOfWork


class AdminRolesTx(AccessTx, AccountsTx, Protocol):
    """What the page of roles reads."""

    @property
    def producers(self) -> Producers: ...


@frozen
class Holder:
    """Somebody who has a role; `where` is `everywhere`, a territory, or a producer's name.

    `producer` and `territory` name the scope as a form that takes the role away sends it.
    """

    account_id: AccountId
    email: str
    where: str
    producer: str | None = None
    territory: str | None = None


@frozen
class RoleShown:
    """A role with all that it may do, what it includes, and who has it."""

    role: Role
    is_built_in: bool
    permissions: tuple[Permission, ...]
    holders: tuple[Holder, ...]


@frozen
class AdminRoles:
    """Every role; `may_assign` and `may_edit` say which forms the page has."""

    roles: tuple[RoleShown, ...]
    permissions: tuple[Permission, ...]
    producers: tuple[tuple[str, str], ...]
    """Name and short id of each producer that a role may be given for."""
    may_assign: bool
    may_edit: bool


async def roles_page(
    actor: Actor, *, correlation_id: str, uow: UnitOfWork[AdminRolesTx], clock: Clock
) -> AdminRoles:
    """Return the roles and who has them; that somebody looked is recorded.

    Raises:
        NotPermitted: the actor may not see roles.
    """
    require(actor, "role:read")

    async def work(tx: AdminRolesTx) -> AdminRoles:
        book = await book_in(tx)
        producers = {item.id: item for item in await tx.producers.all()}
        names = {str(item.id): (item.name, item.short_id) for item in producers.values()}
        given = await tx.assignments.all()
        holders = {item: await _holder_in(tx, item, names) for item in given}
        shown = tuple(
            RoleShown(
                role,
                name in BUILT_IN.roles,
                tuple(book.permissions_of(name).values()),
                tuple(holder for item, holder in holders.items() if item.role == name),
            )
            for name, role in book.roles.items()
        )
        change = Change("role.read", "roles", None, {"assignments": len(given)}, correlation_id)
        await record_in(tx, actor, change, clock.now())
        return AdminRoles(
            shown,
            tuple(PERMISSIONS.values()),
            tuple((item.name, item.short_id) for item in producers.values()),
            bool(may(actor, "role:assign")),
            bool(may(actor, "role:edit")),
        )

    return await retried(uow, work)


async def _holder_in(tx: AdminRolesTx, item: Assignment, names: dict[str, tuple[str, str]]) -> Holder:
    account: Account | None = await tx.accounts.get(item.account_id)
    email = account.email if account and account.email else "unknown"
    key = item.scope.key
    if item.scope.kind is ScopeKind.PARTNER:
        name, short_id = names.get(key, ("a producer that is gone", key[-6:]))
        return Holder(item.account_id, email, name, producer=short_id)
    if item.scope.kind is ScopeKind.TERRITORY:
        return Holder(item.account_id, email, key, territory=key)
    return Holder(item.account_id, email, "everywhere")
