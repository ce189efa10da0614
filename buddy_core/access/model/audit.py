"""The record of what staff did and read; only ever added to, each record chained to the one before."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import frozen

from buddy_core.kernel.canonical import canonical_bytes, chain_hash

OLDEST_FORMAT, FORMAT = 1, 2
"""Format 1 knew neither impersonation nor addresses; its records keep the hash they were written with."""


@frozen
class AuditRecord:
    """What somebody did or read: who, as whom, what, before, after, from where; one link of the chain."""

    sequence: int
    at: datetime
    actor: str
    """The account id of whoever acted, or `system`."""
    action: str
    resource: str
    before: str
    """Canonical JSON."""
    after: str
    correlation_id: str
    previous_hash: bytes
    as_whom: str = ""
    """The account that staff looked as; empty unless they impersonated."""
    ip: str = ""
    """The address that the request came from; empty if none was known."""
    format: int = FORMAT

    @property
    def hash(self) -> bytes:
        """SHA-256 over the previous hash and every column that the record's format has."""
        body: list[Any] = [
            self.sequence,
            self.at,
            self.actor,
            self.action,
            self.resource,
            self.before,
            self.after,
            self.correlation_id,
        ]
        if self.format != OLDEST_FORMAT:
            body = [self.format, *body, self.as_whom, self.ip]
        return chain_hash(self.previous_hash, canonical_bytes(body))


@frozen
class AuditQuery:
    """What to look for; what is empty does not narrow."""

    actor: str = ""
    as_whom: str = ""
    action: str = ""
    """An action such as `role.assign`, or a whole subject such as `role`."""
    resource: str = ""
    ip: str = ""
    correlation_id: str = ""
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""

    def fits(self, record: AuditRecord) -> bool:
        """Tell whether a record is looked for; stores that search for themselves answer alike."""
        return (
            self.actor in ("", record.actor)
            and self.as_whom in ("", record.as_whom)
            and (self.action in ("", record.action) or record.action.startswith(f"{self.action}."))
            and self.resource in ("", record.resource)
            and self.ip in ("", record.ip)
            and self.correlation_id in ("", record.correlation_id)
            and (self.since is None or self.since <= record.at)
            and (self.until is None or record.at < self.until)
        )
