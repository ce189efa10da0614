"""May this actor do this to that; deny by default."""

from __future__ import annotations

from attrs import frozen

from buddy_core.access.errors import NotPermitted, SecondFactorNeeded
from buddy_core.access.model import PLATFORM, Actor, Holding, Permission, Reason, Resource, Scope, Verdict
from buddy_core.kernel.ids import AccountId


def may(actor: Actor, permission: str, resource: Resource = PLATFORM) -> Verdict:
    """Decide whether one of the actor's roles has the permission and reaches the resource.

    Where several do, the first that grants it is named. Without one the reason is
    that of the role that comes nearest. Impersonation and a missing second factor
    stop what a role would grant.
    """
    beyond: Holding | None = None
    for holding in actor.holdings:
        found = holding.permissions.get(permission)
        if found is None:
            continue
        if found.is_unbound or holding.scope.covers(resource):
            return Verdict(permission, _hindrance(actor, found), holding.role, holding.scope)
        beyond = beyond or holding
    if beyond is not None:
        return Verdict(permission, Reason.OUT_OF_SCOPE, beyond.role, beyond.scope)
    return Verdict(permission, Reason.NO_ROLE)


def may_anywhere(actor: Actor, permission: str) -> Verdict:
    """Decide whether there is anything at all that the actor may do this to.

    For the door: a route asks this before it knows what the request is about, and
    the handler asks `may` once it knows.
    """
    for holding in actor.holdings:
        found = holding.permissions.get(permission)
        if found is not None:
            return Verdict(permission, _hindrance(actor, found), holding.role, holding.scope)
    return Verdict(permission, Reason.NO_ROLE)


def require(actor: Actor, permission: str, resource: Resource = PLATFORM) -> None:
    """Go on only if the actor may do this to the resource.

    Raises:
        NotPermitted: no role of the actor has the permission, or none for this.
        SecondFactorNeeded: it is guarded and none was proved lately, or the account's was never proved.
    """
    _pass(may(actor, permission, resource))


def require_anywhere(actor: Actor, permission: str) -> None:
    """Go on only if there is something that the actor may do this to.

    Raises:
        NotPermitted, SecondFactorNeeded: as `require`.
    """
    _pass(may_anywhere(actor, permission))


def own_account(actor: Actor, permission: str) -> AccountId:
    """Return the actor's own account, if the actor may do this to it.

    Raises:
        NotPermitted: the command line has no account; or staff only look as its owner.
    """
    account = actor.account_id
    if account is None:
        raise NotPermitted(permission)
    require(actor, permission, Resource(account_id=account))
    return account


@frozen
class Considered:
    """One role that was looked at, and why it did or did not decide."""

    role: str
    scope: Scope
    has_permission: bool
    reaches: bool


def explain(actor: Actor, permission: str, resource: Resource = PLATFORM) -> tuple[str, ...]:
    """Say in words, line by line, how `may` comes to its answer."""
    verdict = may(actor, permission, resource)
    lines = [f"{permission} on {_named(resource)}: {'yes' if verdict else 'no'} ({verdict.reason.value})"]
    for item in considered(actor, permission, resource):
        has = "has the permission" if item.has_permission else "does not have the permission"
        reach = " and reaches this" if item.reaches else " and does not reach this"
        lines.append(f"{item.role} ({item.scope}) {has}{reach if item.has_permission else ''}")
    if not actor.holdings:
        lines.append("no roles: what is not granted is denied")
    if verdict.reason is Reason.IMPERSONATING:
        lines.append("looking as somebody else: only reading is left")
    if verdict.reason is Reason.NEEDS_SECOND_FACTOR:
        why = "the account has one" if actor.owes_second_factor else "it is guarded"
        lines.append(f"{why}: the session has to prove a second factor")
    return tuple(lines)


def considered(actor: Actor, permission: str, resource: Resource = PLATFORM) -> tuple[Considered, ...]:
    """Return every role of the actor with what it has to say."""
    found = []
    for holding in actor.holdings:
        has = holding.permissions.get(permission)
        reaches = has is not None and (has.is_unbound or holding.scope.covers(resource))
        found.append(Considered(holding.role, holding.scope, has is not None, reaches))
    return tuple(found)


def _hindrance(actor: Actor, permission: Permission) -> Reason:
    if actor.impersonator is not None and not permission.while_impersonating:
        return Reason.IMPERSONATING
    if actor.owes_second_factor or (permission.is_guarded and not actor.has_second_factor):
        return Reason.NEEDS_SECOND_FACTOR
    return Reason.GRANTED


def _pass(verdict: Verdict) -> None:
    if verdict.reason is Reason.NEEDS_SECOND_FACTOR:
        raise SecondFactorNeeded(verdict.permission)
    if not verdict:
        raise NotPermitted(verdict.permission, verdict.reason.value)


def _named(resource: Resource) -> str:
    parts = [
        f"{name} {value}"
        for name, value in (
            ("partner", resource.partner_id),
            ("territory", resource.territory),
            ("account", resource.account_id),
        )
        if value is not None
    ]
    return ", ".join(parts) or "the platform"
