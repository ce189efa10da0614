"""Follow the audit's chain, hold requests and decisions against it, and name what does not fit."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from buddy_core.access.model import Assignment, AuditRecord, Decision, Outcome, Request, Role
from buddy_core.access.model.audit import FORMAT, OLDEST_FORMAT
from buddy_core.kernel.canonical import GENESIS, canonical_bytes
from buddy_core.kernel.proof import Fault

AUDIT = "access_audit"
ASSIGNMENTS, CUSTOM_ROLES = "access_assignments", "access_roles"
REQUESTS, DECISIONS = "access_approvals", "access_approval_decisions"
ASKED, DECIDED = "approval.request", "approval.decide"
"""How the audit names a request and what was decided about it."""


def check_audit(records: Sequence[AuditRecord], hashes: Sequence[bytes]) -> list[Fault]:
    """Return what is wrong with the audit, given in order with the stored hashes."""
    faults: list[Fault] = []
    sequence, head, newest_format = 0, GENESIS, OLDEST_FORMAT
    for record, stored in zip(records, hashes, strict=True):
        row = f"record {record.sequence}"
        if record.sequence != sequence + 1:
            faults.append(
                Fault(AUDIT, row, f"missing or inserted: {sequence + 1} must come after {sequence}")
            )
        elif record.previous_hash != head:
            faults.append(Fault(AUDIT, row, "altered: it does not follow from the record before"))
        if record.hash != stored:
            faults.append(Fault(AUDIT, row, "altered: its hash is not that of its columns"))
        # The hash of the oldest format covers neither of these two, so there they must be empty.
        is_known = newest_format <= record.format <= FORMAT
        if not is_known or (record.format == OLDEST_FORMAT and (record.as_whom or record.ip)):
            faults.append(Fault(AUDIT, row, "altered: it is not in the format that was written then"))
        sequence, head, newest_format = record.sequence, stored, max(newest_format, record.format)
    return faults


def check_approvals(
    requests: Sequence[Request], decisions: Sequence[Decision], records: Sequence[AuditRecord]
) -> list[Fault]:
    """Return which requests and decisions are not, to the byte, what the audit tells of."""
    by_id = {item.id: item for item in requests}
    done = {_approved_by(record) for record in records if record.action not in (ASKED, DECIDED)}
    faults = []
    for decision in decisions:
        request = by_id.get(decision.request_id)
        if request is None:
            continue
        if (decision.by == request.requested_by) != (decision.outcome is Outcome.WITHDRAWN):
            faults.append(Fault(DECISIONS, request.id, "decided by whoever must not decide it"))
        if decision.outcome is Outcome.APPROVED and (request.act, request.id) not in done:
            faults.append(Fault(DECISIONS, request.id, "approved, but the audit tells of no such act"))
    return [
        *faults,
        *_against(REQUESTS, ASKED, {item.id: canonical_bytes(item).decode() for item in requests}, records),
        *_against(
            DECISIONS,
            DECIDED,
            {item.request_id: canonical_bytes(item).decode() for item in decisions},
            records,
        ),
    ]


def _approved_by(record: AuditRecord) -> tuple[str, str]:
    """Return the act of a record, and the request that it came from; empty without one."""
    try:
        return record.action, str(json.loads(record.after)["request"])
    except (ValueError, KeyError, TypeError):
        return record.action, ""


def check_roles(
    assignments: Sequence[Assignment],
    roles: Sequence[Role],
    records: Sequence[AuditRecord],
    partner_of: Callable[[str], str],
) -> list[Fault]:
    """Return which assignments and custom roles are not what the audit's acts come to, done in order.

    A role that was written into the table by hand is found by this. `partner_of` gives
    the id of a producer by its short id, which the oldest records name.
    """
    given: dict[tuple[str, str, str], None] = {}
    defined: dict[str, str] = {}
    for record in records:
        if record.action == "role.assign":
            given |= dict.fromkeys(_assigned(record, partner_of))
        elif record.action == "role.revoke":
            for item in _assigned(record, partner_of):
                given.pop(item, None)
        elif record.action == "role.define":
            defined[record.resource] = record.after
        elif record.action == "role.drop":
            defined.pop(record.resource, None)
    stored = {(str(item.account_id), item.role, str(item.scope)) for item in assignments}
    faults = [
        Fault(ASSIGNMENTS, " ".join(item), "inserted or altered: the audit tells of no such act")
        for item in sorted(stored - given.keys())
    ]
    faults += [
        Fault(ASSIGNMENTS, " ".join(item), "missing or altered: the audit tells that it was given")
        for item in sorted(given.keys() - stored)
    ]
    kept = {role.name: canonical_bytes(role_as_plain(role)).decode() for role in roles}
    for name in sorted(kept.keys() | defined.keys()):
        if kept.get(name) != defined.get(name):
            problem = "not as the audit defines it: altered, missing or inserted"
            faults.append(Fault(CUSTOM_ROLES, name, problem))
    return faults


def role_as_plain(role: Role) -> dict[str, Any]:
    """Return a role as the audit holds it, with its sets in order."""
    return {
        "name": role.name,
        "title": role.title,
        "permissions": sorted(role.permissions),
        "includes": sorted(role.includes),
        "scopes": sorted(kind.value for kind in role.scopes),
        "note": role.note,
    }


def _assigned(record: AuditRecord, partner_of: Callable[[str], str]) -> list[tuple[str, str, str]]:
    try:
        after = json.loads(record.after)
        if record.format != OLDEST_FORMAT:
            role, scope = after["role"], after["scope"]
        elif after["role"] == "admin":
            role, scope = "super_admin", "global"
        else:
            role, scope = "partner_admin", f"partner:{partner_of(str(after['producer']))}"
    except (ValueError, KeyError, TypeError, RecursionError):
        # A record that was altered is a fault of the audit's own chain.
        return []
    # Whatever was written there instead of text is no failure of the check, and fits nothing.
    return [(record.resource, str(role), str(scope))]


def _against(table: str, action: str, stored: dict[str, str], records: Sequence[AuditRecord]) -> list[Fault]:
    told = {record.resource: record.after for record in records if record.action == action}
    faults = [
        Fault(table, row, "inserted: the audit does not tell of it")
        for row in sorted(stored.keys() - told.keys())
    ]
    for row, body in sorted(told.items()):
        if row not in stored:
            faults.append(Fault(table, row, "missing: the audit tells of it"))
        elif stored[row] != body:
            faults.append(Fault(table, row, "altered: the audit tells of another"))
    return faults
