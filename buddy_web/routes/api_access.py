"""The API's roles: what each may, who has which, giving and taking them, and why somebody may or may not."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from buddy_core.access import (
    PERMISSIONS,
    BadRole,
    BadScope,
    BeyondOwnReach,
    LastSuperAdmin,
    NotAssigned,
    Role,
    RoleInUse,
    ScopeKind,
    UnknownRole,
)
from buddy_core.access import Assignment as Given
from buddy_core.accounts import Account, BadEmail, MemberNotFound
from buddy_core.catalog import ProducerNotFound
from buddy_core.flows import AssignRole
from buddy_core.kernel.errors import Contention, InvalidValue
from buddy_core.views.admin_roles import AdminRoles, Holder, RoleShown
from buddy_core.views.admin_users import Explained, ExplainWanted
from buddy_web.app import Web, web
from buddy_web.logs import correlation_id
from buddy_web.operations import Api, scopes_of
from buddy_web.permissions import current_actor
from buddy_web.routes.api_sessions import no_content
from buddy_web.routes.api_users import given_role
from buddy_web.schemas import access as schema

api = Api("access", "Roles and permissions: who may do what, where, and why.")

_ASSIGN_ERRORS = (
    BeyondOwnReach,
    BadEmail,
    MemberNotFound,
    UnknownRole,
    BadScope,
    ProducerNotFound,
    InvalidValue,
    Contention,
)


@api.get("/admin/permissions", may="role:read", answer=schema.Permissions)
def permissions() -> dict[str, Any]:
    """Return every permission, and what whoever has it may do."""
    shown = [
        schema.PermissionShown(
            name=item.name,
            does=item.does,
            is_guarded=item.is_guarded,
            is_planned=item.is_planned,
            scopes=scopes_of(item.name),
        )
        for item in PERMISSIONS.values()
    ]
    return schema.Permissions(permissions=shown).model_dump(mode="json")


@api.get("/admin/roles", may="role:read", answer=schema.Roles, errors=(Contention,))
def roles() -> dict[str, Any]:
    """Return every role, and all that it may do."""
    found = _roles(web())
    return schema.Roles(roles=[_shown(item) for item in found.roles]).model_dump(mode="json")


@api.put(
    "/admin/roles/<name>",
    may="role:edit",
    answer=schema.Role,
    errors=(BadRole, BeyondOwnReach, RoleInUse, InvalidValue, Contention),
)
def define_role(path: schema.RolePath, body: schema.RoleBody) -> dict[str, Any]:
    """Keep a role of one's own, new or changed; whoever has it may what it says from now on."""
    w = web()
    role = Role(
        path.name,
        body.title,
        frozenset(body.permissions),
        frozenset(body.includes),
        frozenset(ScopeKind(name) for name in body.scopes),
        body.note,
    )
    kept: Role = w.call(w.container.define_role, current_actor(), role, correlation_id=correlation_id.get())
    return schema.Role(**_role(kept)).model_dump(mode="json")


@api.delete(
    "/admin/roles/<name>",
    may="role:edit",
    answer=None,
    status=204,
    errors=(UnknownRole, BadRole, RoleInUse, Contention),
)
def drop_role(path: schema.RolePath) -> Response:
    """Remove a role of one's own that nobody has and no role includes."""
    w = web()
    w.call(w.container.drop_role, current_actor(), path.name, correlation_id=correlation_id.get())
    return no_content()


@api.get("/admin/assignments", may="role:read", answer=schema.Assignments, errors=(Contention,))
def assignments() -> dict[str, Any]:
    """Return who has which role, by role."""
    w = web()
    found = [_assignment(w, item.role.name, holder) for item in _roles(w).roles for holder in item.holders]
    return schema.Assignments(assignments=found).model_dump(mode="json")


@api.post(
    "/admin/assignments", may="role:assign", answer=schema.Assignment, status=201, errors=_ASSIGN_ERRORS
)
def assign_role(body: schema.AssignmentBody) -> tuple[dict[str, Any], int]:
    """Give a role: everywhere, for one producer, or in one territory. Given already, nothing changes."""
    w = web()
    given: Given = w.call(
        w.container.assign_role, current_actor(), _command(body), correlation_id=correlation_id.get()
    )
    return _answer(w, given, body), 201


@api.post(
    "/admin/assignments/revoke",
    may="role:assign",
    answer=schema.Assignment,
    errors=(*_ASSIGN_ERRORS, NotAssigned, LastSuperAdmin),
)
def revoke_role(body: schema.AssignmentBody) -> dict[str, Any]:
    """Take a role away; sessions that are open lose it with their next request."""
    w = web()
    taken: Given = w.call(
        w.container.revoke_role, current_actor(), _command(body), correlation_id=correlation_id.get()
    )
    return _answer(w, taken, body)


@api.get(
    "/admin/explain",
    may="role:read",
    answer=schema.Explained,
    errors=(BadEmail, MemberNotFound, InvalidValue, ProducerNotFound, Contention),
)
def explain(query: schema.ExplainQuery) -> dict[str, Any]:
    """Say why a member may or may not do something, as if they had just proved what they can prove."""
    w = web()
    wanted = ExplainWanted(query.permission, query.producer or "", query.territory or "")
    found: Explained = w.call(
        w.container.explain_access,
        current_actor(),
        query.email,
        wanted,
        correlation_id=correlation_id.get(),
    )
    answer = schema.Explained(
        permission=found.permission, is_granted=found.is_granted, lines=list(found.lines)
    )
    return answer.model_dump(mode="json")


def _roles(w: Web) -> AdminRoles:
    found: AdminRoles = w.call(w.container.roles_page, current_actor(), correlation_id=correlation_id.get())
    return found


def _role(role: Role) -> dict[str, Any]:
    return {
        "name": role.name,
        "title": role.title,
        "permissions": sorted(role.permissions),
        "includes": sorted(role.includes),
        "scopes": sorted(kind.value for kind in role.scopes),
        "note": role.note,
    }


def _shown(item: RoleShown) -> schema.RoleShown:
    return schema.RoleShown(
        **_role(item.role),
        is_built_in=item.is_built_in,
        may=[permission.name for permission in item.permissions],
        users=len(item.holders),
    )


def _assignment(w: Web, role: str, holder: Holder) -> schema.Assignment:
    scope: schema.ScopeName = "global"
    if holder.producer:
        scope = "partner"
    elif holder.territory:
        scope = "territory"
    return schema.Assignment(
        user_id=w.public_ids.show(holder.account_id),
        email=holder.email,
        role=role,
        scope=scope,
        producer=holder.producer,
        territory=holder.territory,
    )


def _command(body: schema.AssignmentBody) -> AssignRole:
    return AssignRole(body.email, body.role, body.producer, body.territory)


def _answer(w: Web, item: Given, body: schema.AssignmentBody) -> dict[str, Any]:
    account: Account = w.call(w.container.find_account, item.account_id)
    answer = schema.Assignment(
        **given_role(w, item).model_dump(),
        user_id=w.public_ids.show(account.id),
        email=account.email or body.email,
    )
    return answer.model_dump(mode="json")
