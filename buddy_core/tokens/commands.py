"""Frozen inputs, one a use case. Whatever moves value carries its idempotency key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction

from attrs import frozen

from buddy_core.kernel.ids import AccountId, EntityId, EntryId, LotId, TitleId
from buddy_core.tokens.model import DEFAULT_PRIORITY, TokenKind


@frozen
class EarnTokens:
    """Open a lot for tokens that a verified source granted."""

    account_id: AccountId
    kind: TokenKind
    amount: int
    source: str
    source_ref: str
    idempotency_key: str
    expires_at: datetime | None
    earned_as_guest: bool
    rule_version: int | None = None
    priority: int = DEFAULT_PRIORITY
    scopes: tuple[str, ...] = ()


@frozen
class SpendTokens:
    """Draw `amount` tokens for a title, valued in the seller's settlement currency."""

    account_id: AccountId
    title_id: TitleId
    title_scopes: tuple[str, ...]
    """The scopes the title answers to, such as `title:<id>` and `type:episode`."""
    amount: int
    source: str
    source_ref: str
    idempotency_key: str
    country: str
    entity: EntityId
    currency: str
    rule_version: int | None = None


@frozen
class MergeWallets:
    """Move all that `from_account` holds to `to_account` and apply the guest cap."""

    from_account: AccountId
    to_account: AccountId
    guest_cap: int
    """How many units may remain in lots earned as a guest (decision C23)."""
    idempotency_key: str


@frozen
class FreezeWallet:
    """Stop a wallet from earning and spending, or let it go on."""

    account_id: AccountId
    is_frozen: bool
    reason: str
    by: str
    idempotency_key: str


@frozen
class SetTokenValue:
    """Record what one token of a kind is worth from an instant on."""

    kind: TokenKind
    effective_from: datetime
    values: Mapping[str, Fraction]
    by: str
    idempotency_key: str


@frozen
class NewIds:
    """The ids a rule may use up: minted by the step, so that the rule stays pure."""

    entry: EntryId
    lot: LotId | None = None
