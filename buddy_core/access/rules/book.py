"""What roles are worth: composed, inherited, checked; and who may give which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import Factory, field, frozen

from buddy_core.access.data import (
    ALIASES,
    MEMBER_PERMISSIONS,
    PERMISSIONS,
    ROLES,
    SUPER_ADMIN,
    VIEWER,
    VIEWER_ROLE,
)
from buddy_core.access.errors import BadRole, BadScope, BeyondOwnReach, UnknownRole
from buddy_core.access.model import GLOBAL, Actor, Assignment, Holding, Permission, Role, Scope, ScopeKind
from buddy_core.access.model.roles import EVERYTHING
from buddy_core.kernel.ids import AccountId

MAX_INCLUDED_DEPTH = 13


@frozen
class RoleBook:
    """All roles with what they come to, built-in and custom.

    Raises:
        BadRole: roles include each other in a circle, or name a role or permission that is not there.
    """

    roles: Mapping[str, Role]
    permissions: Mapping[str, Permission] = field(default=PERMISSIONS, repr=False)
    _resolved: Mapping[str, Mapping[str, Permission]] = field(
        init=False, repr=False, eq=False, default=Factory(lambda self: _resolve(self), takes_self=True)
    )
    _viewer: Mapping[str, Permission] = field(
        init=False,
        repr=False,
        eq=False,
        default=Factory(
            lambda self: {name: self.permissions[name] for name in VIEWER_ROLE.permissions}, takes_self=True
        ),
    )

    def with_custom(self, roles: Iterable[Role]) -> RoleBook:
        """Return the book with custom roles added.

        Raises:
            BadRole: a role takes a name that is taken, or cannot be kept.
        """
        added: dict[str, Role] = dict(self.roles)
        for role in roles:
            if role.name in self.roles or role.name in ALIASES or role.name in (VIEWER, "user"):
                raise BadRole(role.name, "a built-in role has this name")
            if role.name in added:
                raise BadRole(role.name, "two roles have this name")
            if not role.scopes or ScopeKind.OWN in role.scopes:
                raise BadRole(role.name, "it must be given everywhere, for a partner or in a territory")
            added[role.name] = role
        return RoleBook(added, self.permissions)

    def named(self, name: str) -> Role:
        """Return a role by its name or one of the names that other systems use.

        Raises:
            UnknownRole: there is none.
        """
        found = self.roles.get(ALIASES.get(name, name))
        if found is None:
            raise UnknownRole(name)
        return found

    def permissions_of(self, role: str) -> Mapping[str, Permission]:
        """Return all permissions of a role, its own and those it includes; an unknown role has none."""
        return self._resolved.get(role, {})

    def holding(self, role: str, scope: Scope = GLOBAL) -> Holding:
        """Return a role within a scope, as an actor holds it."""
        return Holding(role, scope, self.permissions_of(role))

    def actor(
        self,
        account_id: AccountId,
        assignments: Iterable[Assignment] = (),
        *,
        has_second_factor: bool = False,
        owes_second_factor: bool = False,
        impersonator: AccountId | None = None,
        ip: str = "",
    ) -> Actor:
        """Return an account as an actor: a viewer of its own things, and what it was assigned.

        Whoever is impersonated keeps none of the assigned roles: staff look as the viewer only.
        """
        holdings = [Holding(VIEWER, Scope.own(account_id), self._viewer)]
        if impersonator is None:
            holdings += [self.holding(item.role, item.scope) for item in assignments]
        return Actor(account_id, tuple(holdings), has_second_factor, owes_second_factor, impersonator, ip)


def _resolve(book: RoleBook) -> dict[str, Mapping[str, Permission]]:
    resolved: dict[str, Mapping[str, Permission]] = {}
    for name in book.roles:
        _resolve_role(book, name, (), resolved)
    return resolved


def _resolve_role(
    book: RoleBook, name: str, path: tuple[str, ...], resolved: dict[str, Mapping[str, Permission]]
) -> Mapping[str, Permission]:
    """Resolve a role and, before it, those that it includes; each of them once."""
    if name in path:
        raise BadRole(path[0], f"roles include each other in a circle: {' > '.join((*path, name))}")
    if len(path) > MAX_INCLUDED_DEPTH:
        raise BadRole(path[0], f"roles include each other more than {MAX_INCLUDED_DEPTH} deep")
    if name in resolved:
        return resolved[name]
    role = book.roles.get(name)
    if role is None:
        raise BadRole(path[0], f"it includes {name!r}, which is no role")
    found: dict[str, Permission] = {}
    for included in sorted(role.includes):
        found |= _resolve_role(book, included, (*path, name), resolved)
    resolved[name] = found | _own_permissions(book, role)
    return resolved[name]


def _own_permissions(book: RoleBook, role: Role) -> dict[str, Permission]:
    named = role.permissions - {EVERYTHING}
    unknown = sorted(named - book.permissions.keys())
    if unknown:
        raise BadRole(role.name, f"there is no permission {', '.join(unknown)}")
    own = sorted(named & MEMBER_PERMISSIONS)
    if own:
        raise BadRole(role.name, f"{', '.join(own)} is for everybody's own account and in no role")
    if named != role.permissions:
        # What a viewer may do stays everybody's own: no role reaches into other people's accounts by it.
        named = frozenset(book.permissions.keys() - MEMBER_PERMISSIONS)
    return {name: book.permissions[name] for name in sorted(named)}


def check_assignment(book: RoleBook, name: str, scope: Scope) -> Role:
    """Return the role that may be given within this scope.

    Raises:
        UnknownRole: there is none; everybody is a viewer, and that is no role to give.
        BadScope: it is given otherwise, such as for one partner.
    """
    role = book.named(name)
    if scope.kind not in role.scopes:
        raise BadScope(role.name, str(scope), tuple(sorted(kind.value for kind in role.scopes)))
    return role


def check_reach(actor: Actor, permissions: Iterable[str], scope: Scope = GLOBAL) -> None:
    """Let an actor give or take only what they have themselves, at least as far.

    Raises:
        BeyondOwnReach: names the first permission that the actor lacks there.
    """
    for permission in sorted(permissions):
        if not any(
            permission in holding.permissions and holding.scope.holds(scope) for holding in actor.holdings
        ):
            raise BeyondOwnReach(permission)


BUILT_IN = RoleBook(ROLES)
"""The thirteen roles of the data, with nothing added."""

SYSTEM = Actor(None, (BUILT_IN.holding(SUPER_ADMIN),), has_second_factor=True)
"""The operator at the command line: whoever has the machine's shell and the database's password."""
