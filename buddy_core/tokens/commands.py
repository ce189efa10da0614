"""Frozen inputs, one a use case. Whatever moves value carries its idempotency key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction

from attrs import frozen

from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.idempotency import derived_key
from buddy_core.kernel.ids import AccountId, EntityId, EntryId, HoldId, LotId, TitleId
from buddy_core.tokens.model import DEFAULT_PRIORITY, TokenKind

OWN_WORDS = frozenset(
    {
        "ads.reward",
        "expired",
        "lapse",
        "merge",
        "promotion",
        "reverse",
        "source.withdrawal",
        "support.grant",
        "support.refund",
        "sweep",
        "tokens.adjust",
        "unlock",
        "wallet.freeze",
    }
)
"""How the keys of entries begin that the ledger and the flows make, each before a colon."""


def own_key(word: str, *parts: str) -> str:
    """Return the key of an entry that no caller names: a reserved word, a colon, and what tells it apart."""
    assert word in OWN_WORDS, f"{word} is no reserved word, so that a caller's key could be the same"
    return derived_key(word, *parts)


def check_callers_key(key: str) -> str:
    """Return a caller's key, which may not look like one of ours.

    Raises:
        InvalidValue: it begins with a reserved word and a colon.
    """
    if key.partition(":")[0] in OWN_WORDS and ":" in key:
        raise InvalidValue("idempotency_key", "must not begin with a word that Buddy's own keys begin with")
    return key


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
class BuyTokens:
    """Open a lot for tokens that were paid for, with what was paid for all of them."""

    account_id: AccountId
    kind: TokenKind
    amount: int
    cost_minor: int
    """Minor units of `cost_currency`, for the whole lot."""
    cost_currency: str
    source: str
    source_ref: str
    idempotency_key: str
    expires_at: datetime | None
    effective_from: datetime | None = None
    """From when the tokens can be spent, not in the past; None: from now."""
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
class ExpireTokens:
    """Write off what has expired in a wallet, and end the holds whose time is over."""

    account_id: AccountId
    idempotency_key: str


@frozen
class HoldTokens:
    """Set tokens aside for a title until they are posted, voided or `expires_at` passes."""

    account_id: AccountId
    title_scopes: tuple[str, ...]
    """The scopes of the title they are meant for, as a spend has them."""
    amount: int
    expires_at: datetime
    source: str
    source_ref: str
    idempotency_key: str


@frozen
class PostHold:
    """Spend what a hold set aside, or a part of it, on a title; the rest is free again."""

    account_id: AccountId
    hold_id: HoldId
    title_id: TitleId
    title_scopes: tuple[str, ...]
    source: str
    source_ref: str
    idempotency_key: str
    country: str
    entity: EntityId
    currency: str
    amount: int | None = None
    """None: all that is held."""
    rule_version: int | None = None


@frozen
class VoidHold:
    """Set free all that a hold set aside."""

    account_id: AccountId
    hold_id: HoldId
    source: str
    source_ref: str
    idempotency_key: str


@frozen
class RefundTokens:
    """Give back what an entry spent, or a part of it, to the very lots it was drawn from."""

    account_id: AccountId
    """Who owns the tokens now: after a merge the member, not the guest who had spent them."""
    entry_id: EntryId
    source: str
    source_ref: str
    idempotency_key: str
    amount: int | None = None
    """None: all that was not given back before."""


@frozen
class ReverseTokens:
    """Take back what an earning or a purchase brought in, because its source withdraws it."""

    account_id: AccountId
    """Who owns the tokens now."""
    entry_id: EntryId
    source: str
    source_ref: str
    idempotency_key: str


@frozen
class AdjustTokens:
    """Put a lot right by hand; `entry_id` is the entry that had it wrong."""

    account_id: AccountId
    """Who owns the lot now."""
    entry_id: EntryId
    lot_id: LotId
    amount: int
    """Tokens to give; below zero: to take."""
    reason: str
    by: str
    idempotency_key: str


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
    hold: HoldId | None = None
