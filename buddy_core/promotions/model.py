"""Promotions: what a code brings to whom, in versions, and who has claimed it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from attrs import frozen

from buddy_core.kernel.ids import AccountId, DeviceId, EntryId


@frozen
class Promotion:
    """One version of a campaign: whoever types its code gets tokens, once.

    It counts from `starts_at` up to, not at, `ends_at`. Ending it early is another
    version; nothing else changes from one to the next.
    """

    code: str
    """Folded: upper case, without blanks and hyphens. It names the promotion for ever."""
    version: int
    token_kind: str
    """`bonus`: paid tokens are sold, never given."""
    tokens: int
    """For each claim."""
    days: int
    """How long the tokens last, from the claim on."""
    starts_at: datetime
    ends_at: datetime
    limit: int
    """How many may claim in all."""
    for_guests: bool
    """Guests may claim too; what they get counts towards what guests may earn in all."""
    recorded_at: datetime
    recorded_by: str
    reason: str
    """What it is for; of a later version, why it ended."""

    @property
    def budget(self) -> int:
        """Return how many tokens it gives at most."""
        return self.tokens * self.limit


@frozen
class Claim:
    """That an account had what a code brings; each has its number, from 1 without a gap."""

    code: str
    number: int
    account_id: AccountId
    """Who claimed; a guest stays a guest here, whoever they become."""
    device_id: DeviceId
    as_guest: bool
    version: int
    tokens: int
    entry_id: EntryId
    """What it was in the ledger."""
    claimed_at: datetime


@frozen
class Claimant:
    """Who types a code, as far as the rule asks."""

    is_guest: bool
    has_claimed: bool = False
    """This account, or a guest who became it."""
    device_has_claimed: bool = False
    """Anybody on this device."""


class PromotionState(StrEnum):
    """How a promotion stands at an instant."""

    COMING = "coming"
    RUNNING = "running"
    USED_UP = "used_up"
    OVER = "over"


@frozen
class Earned:
    """A ledger entry whose source is a promotion, reduced to what its claim must say too."""

    entry_id: EntryId
    account_id: AccountId
    code: str
    tokens: int
    as_guest: bool
    at: datetime
