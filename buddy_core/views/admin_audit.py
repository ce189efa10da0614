"""The audit: who changed what, from what, to what."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from attrs import frozen

from buddy_core.access import Actor, AuditRecord, AuditTx, require
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.views.admin_names import NamesTx, names_in, without_ids

PAGE = 50
_READ_AHEAD = 1000
"""How many records a search looks through before it offers to go on."""
_REASONED = frozenset({"wallet.freeze", "wallet.unfreeze"})
"""Acts whose new value is nothing but the reason."""


class AuditPageTx(AuditTx, NamesTx, Protocol):
    """What the audit page reads."""


@frozen
class AuditChange:
    """One field of the thing changed; None means it was not there."""

    field: str
    before: str | None
    after: str | None


@frozen
class AuditLine:
    """One recorded act; `ip` may be absent for acts of the service itself."""

    at: datetime
    actor: str
    action: str
    subject: str
    changes: tuple[AuditChange, ...] = ()
    reason: str | None = None
    ip: str | None = None
    reference: str | None = None


@frozen
class AdminAudit:
    """Lines, newest first, after the filter that the page was asked with."""

    lines: tuple[AuditLine, ...]
    query: str = ""
    action: str = ""
    actions: tuple[str, ...] = ()
    older_url: str | None = None


@frozen
class AuditWanted:
    """Which lines: a text that one of their fields holds, an act, and only those before a place."""

    query: str = ""
    action: str = ""
    before: int | None = None
    limit: int = PAGE


@frozen
class AuditFound:
    """The lines found; `next_before` asks for those before them, None where there are no more."""

    lines: tuple[AuditLine, ...]
    actions: tuple[str, ...]
    next_before: int | None


async def find_audit(actor: Actor, wanted: AuditWanted, *, uow: UnitOfWork[AuditPageTx]) -> AuditFound:
    """Return recorded acts, newest first.

    Raises:
        NotPermitted: the actor may not read the audit.
    """
    require(actor, "audit:read")
    async with uow.read() as tx:
        records = await tx.audit.newest(before=wanted.before, limit=_READ_AHEAD)
        lines: list[AuditLine] = []
        last = None
        for record, line in zip(records, await lines_in(tx, records), strict=True):
            if len(lines) == wanted.limit:
                break
            last = record.sequence
            if _fits(line, wanted):
                lines.append(line)
    actions = tuple(sorted({record.action for record in records}))
    is_end = last is None or last <= 1
    return AuditFound(tuple(lines), actions, None if is_end else last)


async def lines_in(tx: AuditPageTx, records: Sequence[AuditRecord]) -> list[AuditLine]:
    """Return records as lines, with accounts by name."""
    texts = [text for item in records for text in (item.actor, item.resource, item.before, item.after)]
    names = await names_in(tx, texts)
    return [_line(record, names) for record in records]


def _fits(line: AuditLine, wanted: AuditWanted) -> bool:
    if wanted.action and line.action != wanted.action:
        return False
    texts = [line.actor, line.action, line.subject, line.reason or ""]
    texts += [text for change in line.changes for text in (change.before or "", change.after or "")]
    return wanted.query.casefold() in "\n".join(texts).casefold()


def _line(record: AuditRecord, names: dict[str, str]) -> AuditLine:
    before, after = json.loads(record.before), json.loads(record.after)
    reason: str | None = None
    if record.action in _REASONED:
        reason, after = after, None
    elif isinstance(after, list) and len(after) == 2:
        # A decision is recorded as what it came to and why.
        after, reason = after
    return AuditLine(
        at=record.at,
        actor=without_ids(record.actor, names),
        action=record.action,
        subject=without_ids(record.resource, names),
        changes=_changes(before, after, names),
        reason=None if reason is None else without_ids(str(reason), names),
        reference=record.correlation_id or None,
    )


def _changes(before: Any, after: Any, names: dict[str, str]) -> tuple[AuditChange, ...]:
    old, new = _flat("value", before, names), _flat("value", after, names)
    return tuple(
        AuditChange(field, old.get(field), new.get(field))
        for field in dict.fromkeys((*old, *new))
        if old.get(field) != new.get(field)
    )


def _flat(name: str, value: Any, names: dict[str, str]) -> dict[str, str]:
    """Return a JSON value as texts by field name; nothing has no field."""
    if value is None:
        return {}
    if isinstance(value, dict):
        found: dict[str, str] = {}
        for key, item in value.items():
            found |= _flat(key if name in ("value", "values") else f"{name} {key}", item, names)
        return found
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return {name: without_ids(text, names)}
