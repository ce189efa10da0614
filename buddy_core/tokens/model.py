"""Lots, postings, entries and wallets: the ledger's format, final from the first day.

An *entry* is one thing that happened to one wallet. Its *postings* move whole
tokens between the wallet's lots and system accounts and sum to zero per kind.
Entries of a wallet form a hash chain; nothing of them is ever changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any, NewType

from attrs import evolve, field, frozen
from attrs.validators import instance_of, optional

from buddy_core.kernel.canonical import GENESIS, canonical_bytes, chain_hash
from buddy_core.kernel.clock import utc, whole_second
from buddy_core.kernel.currencies import minor_digits
from buddy_core.kernel.ids import AccountId, EntityId, EntryId, HoldId, LotId, TitleId
from buddy_core.tokens.errors import BadLot, BadTokenAmount, BadTokenValue, NoValueInCurrency

TokenKind = NewType("TokenKind", str)
BONUS = TokenKind("bonus")
"""Earned, never bought, never paid out in cash."""
PAID = TokenKind("paid")
"""Bought; carries a cost basis."""

MAX_TOKENS = 2**53
DEFAULT_PRIORITY = 50

WALLET = "wallet"
"""The account of the wallet's own lots; every other account belongs to the system."""
ISSUED = "issued"
SOLD = "sold"
EXPIRED = "expired"
TRANSFERRED = "transferred"
ADJUSTED = "adjusted"
HELD = "held"


def spent_on(title_id: TitleId) -> str:
    """Return the system account that collects the tokens spent on a title."""
    return f"spent:{title_id}"


def is_spent(account: str) -> bool:
    """Tell whether an account collects the tokens spent on a title."""
    return account.startswith("spent:")


def check_amount(amount: Any) -> int:
    """Return `amount` if it is a number of tokens that can be moved.

    Raises:
        BadTokenAmount: not an int, below 1 or above 2^53.
    """
    if isinstance(amount, bool) or not isinstance(amount, int) or not 1 <= amount <= MAX_TOKENS:
        raise BadTokenAmount(amount)
    return amount


class Operation(StrEnum):
    """What an entry does. The list is closed here; adding one changes no column."""

    EARN = "earn"
    PURCHASE = "purchase"
    SPEND = "spend"
    EXPIRE = "expire"
    REFUND = "refund"
    REVERSE = "reverse"
    TRANSFER_OUT = "transfer_out"
    TRANSFER_IN = "transfer_in"
    ADJUST = "adjust"
    HOLD = "hold"
    POST = "post"
    VOID = "void"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"


def _instant(value: datetime) -> datetime:
    return utc(value)


def _is_whole(value: Any) -> bool:
    # A bool is stored as a number; the hash taken over the one would not fit the other.
    return isinstance(value, int) and not isinstance(value, bool)


def _whole(_: object, attribute: Any, value: Any) -> None:
    if not _is_whole(value):
        raise BadLot(f"{attribute.name} must be a whole number")


def _texts(_: object, attribute: Any, value: Any) -> None:
    if not isinstance(value, tuple) or not all(isinstance(item, str) for item in value):
        raise BadLot(f"{attribute.name} must be a tuple of texts")


def _values(values: Mapping[str, Any]) -> dict[str, Fraction]:
    for currency, value in values.items():
        if isinstance(value, bool) or not isinstance(value, Fraction | int) or value < 0:
            raise BadTokenValue("these", f"{currency} needs an exact value that is not negative")
    return {currency: Fraction(value) for currency, value in values.items()}


def _second(value: datetime | None) -> datetime | None:
    return None if value is None else whole_second(value)


@frozen
class Lot:
    """Tokens that came together and share kind, expiry, priority and origin; never altered.

    `expires_at` is truncated to the second and exclusive: at that instant the lot
    is gone. A lot moved by a merge is a new lot with the `origin_id` of the first.
    `cost_minor` is what was paid for the whole lot, in minor units of
    `cost_currency`; both are None for tokens that nobody bought.
    """

    id: LotId
    origin_id: LotId
    kind: TokenKind
    amount: int
    effective_from: datetime = field(converter=_instant)
    expires_at: datetime | None = field(converter=_second)
    created_at: datetime = field(converter=_instant)
    source: str
    earned_as_guest: bool = field(validator=instance_of(bool))
    priority: int = field(default=DEFAULT_PRIORITY, validator=_whole)
    scopes: tuple[str, ...] = field(default=(), validator=_texts)
    """What the lot may be spent on: `title:<id>`, `type:<name>`; empty means anything."""
    cost_minor: int | None = None
    cost_currency: str | None = None

    def __attrs_post_init__(self) -> None:
        check_amount(self.amount)
        if self.expires_at is not None and self.expires_at <= self.effective_from:
            raise BadLot("it would expire before it takes effect")
        if (self.cost_minor is None) != (self.cost_currency is None):
            raise BadLot("a cost needs both an amount and a currency")
        if self.cost_minor is not None and self.cost_currency is not None:
            minor_digits(self.cost_currency)
            if not _is_whole(self.cost_minor) or self.cost_minor < 0:
                raise BadLot("a cost is a whole number of minor units, not below zero")


@frozen
class OpenLot:
    """A lot and what is left of it for spending (tokens on hold are not left).

    The lot's fields that a draw policy may name are its own as well.
    """

    lot: Lot
    remaining: int

    @property
    def id(self) -> LotId:
        """The lot's id."""
        return self.lot.id

    @property
    def kind(self) -> TokenKind:
        """The lot's kind."""
        return self.lot.kind

    @property
    def priority(self) -> int:
        """The lot's priority."""
        return self.lot.priority

    @property
    def expires_at(self) -> datetime | None:
        """The lot's expiry."""
        return self.lot.expires_at

    @property
    def created_at(self) -> datetime:
        """When the lot was first opened."""
        return self.lot.created_at

    @property
    def scopes(self) -> tuple[str, ...]:
        """What the lot may be spent on."""
        return self.lot.scopes


@frozen
class Posting:
    """A signed number of tokens on one account.

    `version` is the kind's value version in force. On spends and their refunds
    `value` is the exact worth in minor units of `currency`, signed as the
    amount; elsewhere both are None.
    """

    account: str
    lot_id: LotId | None
    kind: TokenKind
    amount: int
    version: int
    currency: str | None = None
    value: Fraction | None = None


@frozen
class Hold:
    """Tokens set aside until they are posted, voided or `expires_at` passes."""

    id: HoldId
    amount: int
    expires_at: datetime = field(converter=_instant)


@frozen
class HeldLot:
    """What a hold set aside of one lot, and the value version that its postings name."""

    lot: Lot
    amount: int
    version: int


@frozen
class OpenHold:
    """A hold that no entry has ended yet, with what it set aside in the order drawn."""

    hold: Hold
    lots: tuple[HeldLot, ...]

    @property
    def id(self) -> HoldId:
        """The hold's id."""
        return self.hold.id

    def has_lapsed(self, at: datetime) -> bool:
        """Tell whether its time is over at `at`; the instant itself counts as over."""
        return self.hold.expires_at <= at


@frozen
class Entry:
    """One thing that happened to one wallet, with all that is ever stored of it.

    `effective_at` is when it counts, `recorded_at` when it was written.
    `rule_version` names the rule that set the amount (cost or reward rule).
    """

    id: EntryId
    account_id: AccountId
    sequence: int
    previous_hash: bytes
    operation: Operation
    effective_at: datetime = field(converter=_instant)
    recorded_at: datetime = field(converter=_instant)
    idempotency_key: str
    source: str
    source_ref: str
    postings: tuple[Posting, ...] = ()
    lots: tuple[Lot, ...] = ()
    holds: tuple[Hold, ...] = ()
    rule_version: int | None = field(default=None, validator=optional(_whole))
    corrects: EntryId | None = None
    hold_id: HoldId | None = None
    country: str | None = None
    entity: EntityId | None = None

    @property
    def hash(self) -> bytes:
        """SHA-256 over the previous hash and every column of entry, postings, lots and holds."""
        return chain_hash(self.previous_hash, canonical_bytes(_body(self)))


@frozen
class Wallet:
    """The state of one account's tokens: its open lots and holds, its chain's head, and whether it is frozen.

    A hold whose time is over stays among `holds` until an entry ends it; it counts
    for nothing from that instant on, and `balance` sees its tokens as free.
    """

    account_id: AccountId
    sequence: int = 0
    head: bytes = GENESIS
    is_frozen: bool = False
    lots: tuple[OpenLot, ...] = ()
    holds: tuple[OpenHold, ...] = ()

    def after(
        self, entry: Entry, lots: tuple[OpenLot, ...], holds: tuple[OpenHold, ...] | None = None
    ) -> Wallet:
        """Return the wallet once `entry` is appended and its lots are `lots`; None: its holds stay."""
        frozen_now = {Operation.FREEZE: True, Operation.UNFREEZE: False}
        return evolve(
            self,
            sequence=entry.sequence,
            head=entry.hash,
            is_frozen=frozen_now.get(entry.operation, self.is_frozen),
            lots=tuple(item for item in lots if item.remaining),
            holds=self.holds if holds is None else holds,
        )


@frozen
class ValueVersion:
    """What one token of a kind is worth for royalties, from an instant on.

    `values` gives exact minor units per token by settlement currency: 0.50 INR is
    50, 0.006 USD is 3/5. Versions of a kind form a hash chain.
    """

    kind: TokenKind
    version: int
    effective_from: datetime = field(converter=_instant)
    values: Mapping[str, Fraction] = field(converter=_values)
    recorded_at: datetime = field(converter=_instant)
    recorded_by: str
    previous_hash: bytes = GENESIS

    def unit(self, currency: str) -> Fraction:
        """Return the exact minor units of `currency` that one token is worth.

        Raises:
            NoValueInCurrency: the version has no value in that currency.
        """
        try:
            return self.values[currency]
        except KeyError:
            raise NoValueInCurrency(self.kind, self.version, currency) from None

    @property
    def hash(self) -> bytes:
        """SHA-256 over the previous version's hash and every column of this one."""
        body = [
            self.kind,
            self.version,
            self.effective_from,
            self.values,
            self.recorded_at,
            self.recorded_by,
        ]
        return chain_hash(self.previous_hash, canonical_bytes(body))


def _body(entry: Entry) -> list[Any]:
    return [
        entry.id,
        entry.account_id,
        entry.sequence,
        entry.operation,
        entry.effective_at,
        entry.recorded_at,
        entry.idempotency_key,
        entry.source,
        entry.source_ref,
        entry.rule_version,
        entry.corrects,
        entry.hold_id,
        entry.country,
        entry.entity,
        [[p.account, p.lot_id, p.kind, p.amount, p.version, p.currency, p.value] for p in entry.postings],
        [
            [
                lot.id,
                lot.origin_id,
                lot.kind,
                lot.amount,
                lot.effective_from,
                lot.expires_at,
                lot.created_at,
                lot.priority,
                lot.scopes,
                lot.source,
                lot.earned_as_guest,
                lot.cost_minor,
                lot.cost_currency,
            ]
            for lot in entry.lots
        ],
        [[hold.id, hold.amount, hold.expires_at] for hold in entry.holds],
    ]
