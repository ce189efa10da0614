"""Facts about being signed in, in the past tense."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from attrs import frozen

from buddy_core.kernel.events import Event
from buddy_core.kernel.ids import AccountId, LoginSessionId
from buddy_core.sessions.model import EndReason


@frozen
class SignedIn(Event):
    """A session was begun; with an impersonator, staff entered the account."""

    type: ClassVar[str] = "sessions.signed_in.v1"
    session_id: LoginSessionId
    account_id: AccountId
    impersonator: AccountId | None


@frozen
class SignedOut(Event):
    """A session was ended, for any reason but a reused refresh token."""

    type: ClassVar[str] = "sessions.signed_out.v1"
    session_id: LoginSessionId
    account_id: AccountId
    reason: EndReason


@frozen
class FamilyRevoked(Event):
    """A rotated refresh token came back, so its session with all its tokens was ended."""

    type: ClassVar[str] = "sessions.family_revoked.v1"
    session_id: LoginSessionId
    account_id: AccountId


@frozen
class SecondFactorSet(Event):
    """An account confirmed a second factor."""

    type: ClassVar[str] = "sessions.second_factor_set.v1"
    account_id: AccountId


@frozen
class SecondFactorRemoved(Event):
    """A confirmed second factor was removed."""

    type: ClassVar[str] = "sessions.second_factor_removed.v1"
    account_id: AccountId


@frozen
class LockedOut(Event):
    """A key's last try was begun; no other is let through before `until`, unless this one succeeds."""

    type: ClassVar[str] = "sessions.locked.v1"
    what: str
    """`password` or `totp`; not whose, for an event leaves the house and the key is made of an address."""
    until: datetime
