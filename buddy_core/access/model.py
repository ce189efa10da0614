"""Actors, what their roles permit, and the record of what they did."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import frozen

from buddy_core.kernel.canonical import canonical_bytes, chain_hash
from buddy_core.kernel.ids import AccountId, PartnerId

ROLES: Mapping[str, frozenset[str]] = {
    "viewer": frozenset({"title:watch", "wallet:read"}),
    "producer": frozenset({"title:watch", "wallet:read", "statement:read"}),
    "admin": frozenset(
        {
            "title:watch",
            "wallet:read",
            "wallet:freeze",
            "statement:read",
            "period:close",
            "token_value:set",
            "reward:release",
            "audit:read",
            "flag:set",
            "cost:set",
            "reward_rule:set",
            "role:assign",
            "demo:clock",
        }
    ),
}
"""Which permissions (`resource:action`) a role has; what is not here is denied."""


@frozen
class Actor:
    """Who asks: an account with its roles, and the partner it acts for, if any."""

    account_id: AccountId | None
    roles: frozenset[str] = frozenset({"viewer"})
    partner_id: PartnerId | None = None

    @property
    def name(self) -> str:
        """How the actor is written down: the account id, or `system`."""
        return str(self.account_id) if self.account_id else "system"


SYSTEM = Actor(None, frozenset({"admin"}))
"""The operator at the command line."""


@frozen
class Assignment:
    """A role given to an account; a producer's is scoped to its partner."""

    account_id: AccountId
    role: str
    partner_id: PartnerId | None = None


@frozen
class AuditRecord:
    """What somebody changed: before, after, when; one link of the audit's hash chain."""

    sequence: int
    at: datetime
    actor: str
    action: str
    resource: str
    before: str
    """Canonical JSON."""
    after: str
    correlation_id: str
    previous_hash: bytes

    @property
    def hash(self) -> bytes:
        """SHA-256 over the previous hash and every column of this record."""
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
        return chain_hash(self.previous_hash, canonical_bytes(body))
