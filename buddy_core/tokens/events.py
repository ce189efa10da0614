"""Facts about tokens, in the past tense."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from attrs import frozen

from buddy_core.kernel.events import Event
from buddy_core.kernel.ids import AccountId, EntryId, HoldId, LotId, TitleId
from buddy_core.tokens.model import TokenKind


@frozen
class TokensEarned(Event):
    """Tokens came in: `amount` of `kind`, from `source`."""

    type: ClassVar[str] = "tokens.earned.v1"
    entry_id: EntryId
    account_id: AccountId
    kind: TokenKind
    amount: int
    source: str
    source_ref: str


@frozen
class TokensBought(Event):
    """Tokens that were paid for came in; `cost_minor` is what was paid for all of them."""

    type: ClassVar[str] = "tokens.bought.v1"
    entry_id: EntryId
    account_id: AccountId
    kind: TokenKind
    amount: int
    cost_minor: int
    cost_currency: str
    source: str
    source_ref: str


@frozen
class TokensSpent(Event):
    """Tokens went to a title; `by_kind` tells how many of each kind."""

    type: ClassVar[str] = "tokens.spent.v1"
    entry_id: EntryId
    account_id: AccountId
    title_id: TitleId
    by_kind: dict[str, int]
    currency: str


@frozen
class TokensExpired(Event):
    """Tokens whose time was over were written off; `by_kind` tells how many of each kind."""

    type: ClassVar[str] = "tokens.expired.v1"
    entry_id: EntryId
    account_id: AccountId
    by_kind: dict[str, int]


@frozen
class TokensHeld(Event):
    """Tokens were set aside until `expires_at`."""

    type: ClassVar[str] = "tokens.held.v1"
    entry_id: EntryId
    account_id: AccountId
    hold_id: HoldId
    amount: int
    expires_at: datetime


@frozen
class HoldPosted(Event):
    """Held tokens went to a title; what was held and is not in `by_kind` is free again."""

    type: ClassVar[str] = "tokens.hold_posted.v1"
    entry_id: EntryId
    account_id: AccountId
    hold_id: HoldId
    title_id: TitleId
    by_kind: dict[str, int]
    currency: str


@frozen
class HoldVoided(Event):
    """A hold ended without a spend: by somebody, by its time, by a merge or by a reversal."""

    type: ClassVar[str] = "tokens.hold_voided.v1"
    entry_id: EntryId
    account_id: AccountId
    hold_id: HoldId
    source: str


@frozen
class TokensRefunded(Event):
    """Tokens that an entry had spent were given back; some may have expired or been taken back at once.

    `withdrawn` of them had been uncollectable when their earning or purchase was reversed.
    """

    type: ClassVar[str] = "tokens.refunded.v1"
    entry_id: EntryId
    account_id: AccountId
    corrects: EntryId
    by_kind: dict[str, int]
    expired: int
    withdrawn: int = 0


@frozen
class TokensReversed(Event):
    """What an entry had brought in was taken back; `uncollectable` of it was gone already."""

    type: ClassVar[str] = "tokens.reversed.v1"
    entry_id: EntryId
    account_id: AccountId
    corrects: EntryId
    taken: int
    uncollectable: int


@frozen
class TokensAdjusted(Event):
    """Staff put a lot right by `amount` tokens."""

    type: ClassVar[str] = "tokens.adjusted.v1"
    entry_id: EntryId
    account_id: AccountId
    corrects: EntryId
    lot_id: LotId
    amount: int
    reason: str
    by: str


@frozen
class TokensTransferred(Event):
    """All live tokens of one account moved to another by a merge."""

    type: ClassVar[str] = "tokens.transferred.v1"
    from_account: AccountId
    to_account: AccountId
    amount: int
    expired_by_cap: int


@frozen
class WalletFreezeChanged(Event):
    """A wallet was frozen or unfrozen."""

    type: ClassVar[str] = "tokens.wallet_freeze_changed.v1"
    account_id: AccountId
    is_frozen: bool
    reason: str


@frozen
class TokenValueSet(Event):
    """A new value version was recorded."""

    type: ClassVar[str] = "tokens.value_set.v1"
    kind: TokenKind
    version: int
