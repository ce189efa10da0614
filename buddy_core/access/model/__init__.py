"""The values of access: permissions and roles, actors, requests for a second person, audit records."""

from buddy_core.access.model.actors import Actor, Holding, Reason, Verdict
from buddy_core.access.model.approvals import (
    ApprovalState,
    Decision,
    Outcome,
    Request,
    SecondPersonRule,
)
from buddy_core.access.model.audit import AuditQuery, AuditRecord
from buddy_core.access.model.roles import (
    GLOBAL,
    PLATFORM,
    Assignment,
    Permission,
    Resource,
    Role,
    Scope,
    ScopeKind,
)

__all__ = [
    "GLOBAL",
    "PLATFORM",
    "Actor",
    "ApprovalState",
    "Assignment",
    "AuditQuery",
    "AuditRecord",
    "Decision",
    "Holding",
    "Outcome",
    "Permission",
    "Reason",
    "Request",
    "Resource",
    "Role",
    "Scope",
    "ScopeKind",
    "SecondPersonRule",
    "Verdict",
]
