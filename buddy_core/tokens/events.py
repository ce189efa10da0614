"""Facts about tokens, in the past tense."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from buddy_core.kernel.events import Event
from buddy_core.kernel.ids import AccountId, EntryId, TitleId
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
class TokensSpent(Event):
    """Tokens went to a title; `by_kind` tells how many of each kind."""

    type: ClassVar[str] = "tokens.spent.v1"
    entry_id: EntryId
    account_id: AccountId
    title_id: TitleId
    by_kind: dict[str, int]
    currency: str


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
