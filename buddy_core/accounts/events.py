"""Facts about accounts, in the past tense."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from buddy_core.kernel.events import Event
from buddy_core.kernel.ids import AccountId


@frozen
class GuestArrived(Event):
    """A guest account was made."""

    type: ClassVar[str] = "accounts.guest_arrived.v1"
    account_id: AccountId


@frozen
class MemberRegistered(Event):
    """Somebody registered. The address itself stays out of events."""

    type: ClassVar[str] = "accounts.member_registered.v1"
    account_id: AccountId


@frozen
class GuestMerged(Event):
    """A guest's things went to a member."""

    type: ClassVar[str] = "accounts.guest_merged.v1"
    guest_id: AccountId
    member_id: AccountId
