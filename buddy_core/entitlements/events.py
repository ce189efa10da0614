"""Facts about grants, in the past tense."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from attrs import frozen

from buddy_core.kernel.events import Event
from buddy_core.kernel.ids import AccountId, GrantId, TitleId


@frozen
class AccessGranted(Event):
    """An account may now watch a title."""

    type: ClassVar[str] = "entitlements.granted.v1"
    grant_id: GrantId
    account_id: AccountId
    title_id: TitleId | None
    kind: str


@frozen
class GrantUsed(Event):
    """A viewer began what runs from its first play, or used up what may be watched once."""

    type: ClassVar[str] = "entitlements.used.v1"
    origin_id: GrantId
    account_id: AccountId
    kind: str
    at: datetime


@frozen
class GrantsMerged(Event):
    """The grants of one account went to another."""

    type: ClassVar[str] = "entitlements.merged.v1"
    from_account: AccountId
    to_account: AccountId
    transferred: int
    superseded: int


@frozen
class AccessEnded(Event):
    """An account may no longer watch a title: what paid for the grant was refunded."""

    type: ClassVar[str] = "entitlements.ended.v1"
    grant_id: GrantId
    account_id: AccountId
    title_id: TitleId | None
    kind: str
