"""Who may do what, and the record of what they did."""

from buddy_core.access.errors import NotPermitted
from buddy_core.access.model import ROLES, SYSTEM, Actor, Assignment, AuditRecord
from buddy_core.access.ports import Assignments, AuditBooks, AuditLog, AuditTx
from buddy_core.access.proof import check_audit
from buddy_core.access.rules import may, require
from buddy_core.access.steps import Change, record_in

__all__ = [
    "ROLES",
    "SYSTEM",
    "Actor",
    "Assignment",
    "Assignments",
    "AuditBooks",
    "AuditLog",
    "AuditRecord",
    "AuditTx",
    "Change",
    "NotPermitted",
    "check_audit",
    "may",
    "record_in",
    "require",
]
