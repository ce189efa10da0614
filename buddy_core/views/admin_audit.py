"""The audit: who changed what, from what, to what."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen


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
