"""The audit: who changed what, from what, to what."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from attrs import evolve, frozen

from buddy_core.access import Actor, AuditQuery, AuditRecord, AuditTx, Change, record_in, require
from buddy_core.accounts import BadEmail, fold_email
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.views.admin_names import NamesTx, names_in, without_ids

PAGE = 50
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z]{2,8}_[0-9a-f]{32}")
_REASONED = frozenset({"wallet.freeze", "wallet.unfreeze"})
_DECIDED = frozenset({"reward.release", "reward.refuse"})
_NOBODY = "nobody"
"""Looked for where an address belongs to no account: no record has it."""
ACTIONS = (
    "approval.decide",
    "approval.read",
    "approval.request",
    "audit.export",
    "audit.search",
    "entitlement.extend",
    "entitlement.give",
    "entitlement.read",
    "entitlement.revoke",
    "flag.set",
    "impersonation.begin",
    "impersonation.end",
    "impersonation.look",
    "period.close",
    "promotion.add",
    "promotion.end",
    "reward.alerts",
    "rights.change",
    "rights.import",
    "reward.list",
    "reward.refuse",
    "prices.set",
    "reward.release",
    "reward_rule.set",
    "role.assign",
    "role.define",
    "role.drop",
    "role.explain",
    "role.read",
    "role.revoke",
    "royalty.facts",
    "royalty.terms",
    "second_factor.remove",
    "second_factor.reset",
    "second_factor.set",
    "session.begin",
    "session.end",
    "session.revoke",
    "title.owed",
    "title.restore",
    "title.takedown",
    "token_costs.set",
    "token_value.set",
    "tokens.adjust",
    "tokens.grant",
    "tokens.refund",
    "tokens.reverse",
    "user.read",
    "user.search",
    "wallet.freeze",
    "wallet.read",
    "wallet.unfreeze",
)
"""Everything that the audit tells of."""


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
    as_whom: str | None = None
    """Whom the actor looked as."""


@frozen
class AuditWanted:
    """Which lines; what is empty does not narrow.

    `actor` and `about` are e-mail addresses, `system`, or what a record is about in
    its own words, such as `bonus`; `action` is an act or its subject, such as `role`.
    `until` is exclusive.
    """

    actor: str = ""
    about: str = ""
    action: str = ""
    ip: str = ""
    reference: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    limit: int = PAGE


@frozen
class AuditFound:
    """The lines found, newest first; `next_before` asks for older ones, None where there are none."""

    lines: tuple[AuditLine, ...]
    next_before: int | None


async def find_audit(
    actor: Actor, wanted: AuditWanted, *, correlation_id: str, uow: UnitOfWork[AuditPageTx], clock: Clock
) -> AuditFound:
    """Return recorded acts, newest first; that somebody looked is recorded too.

    Raises:
        NotPermitted: the actor may not read the audit.
    """
    require(actor, "audit:read")

    async def work(tx: AuditPageTx) -> AuditFound:
        query = AuditQuery(
            actor=await _account_in(tx, wanted.actor),
            resource=await _account_in(tx, wanted.about),
            action=wanted.action.strip(),
            ip=wanted.ip.strip(),
            correlation_id=wanted.reference.strip(),
            since=wanted.since,
            until=wanted.until,
        )
        found = await tx.audit.search(query, before=wanted.before, limit=wanted.limit + 1)
        shown = found[: wanted.limit]
        lines = tuple(await lines_in(tx, shown))
        # What is typed may be anybody's address, and the audit is for ever: only ids are kept.
        asked = evolve(query, actor=_kept(query.actor), resource=_kept(query.resource))
        change = Change("audit.search", "audit", None, {"asked": asked, "shown": len(shown)}, correlation_id)
        await record_in(tx, actor, change, clock.now())
        return AuditFound(lines, shown[-1].sequence if len(found) > wanted.limit else None)

    return await retried(uow, work)


def _kept(text: str) -> str:
    return text if not text or text in ("system", _NOBODY) or _ID.fullmatch(text) else "(a text)"


async def _account_in(tx: NamesTx, text: str) -> str:
    """Return the account id that an address stands for, or the text itself where it is no address."""
    try:
        found = await tx.accounts.by_email(fold_email(text))
    except BadEmail:
        return text.strip()
    return str(found[0].id) if found else _NOBODY


async def lines_in(
    tx: AuditPageTx, records: Sequence[AuditRecord], *, staff_only: bool = False
) -> list[AuditLine]:
    """Return records as lines, with accounts by name; with `staff_only` none but of those who acted."""
    texts = (
        [record.actor for record in records]
        if staff_only
        else [
            text
            for item in records
            for text in (item.actor, item.as_whom, item.resource, item.before, item.after)
        ]
    )
    names = await names_in(tx, texts)
    return [_line(record, names) for record in records]


def _line(record: AuditRecord, names: dict[str, str]) -> AuditLine:
    before, after = json.loads(record.before), json.loads(record.after)
    reason: str | None = None
    if isinstance(after, str) and record.action in _REASONED:
        # Records of before 0.2 hold nothing but the reason.
        reason, after = after, None
    elif record.action in _DECIDED and isinstance(after, list):
        # A decision is recorded as what it came to and why.
        after, reason = after
    elif isinstance(after, dict) and "reason" in after:
        reason = after.pop("reason") or None
    return AuditLine(
        at=record.at,
        actor=without_ids(record.actor, names),
        action=record.action,
        subject=without_ids(record.resource, names),
        changes=_changes(before, after, names),
        reason=None if reason is None else without_ids(str(reason), names),
        ip=record.ip or None,
        reference=record.correlation_id or None,
        as_whom=without_ids(record.as_whom, names) if record.as_whom else None,
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
