"""May this actor do this; deny by default."""

from __future__ import annotations

from buddy_core.access.errors import NotPermitted
from buddy_core.access.model import ROLES, Actor


def may(actor: Actor, permission: str) -> bool:
    """Tell whether one of the actor's roles has the permission; an unknown role has none."""
    return any(permission in ROLES.get(role, frozenset()) for role in actor.roles)


def require(actor: Actor, permission: str) -> None:
    """Go on only if the actor may.

    Raises:
        NotPermitted: no role of the actor has the permission.
    """
    if not may(actor, permission):
        raise NotPermitted(permission)
