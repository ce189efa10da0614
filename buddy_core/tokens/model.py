"""Lots, postings, entries and wallets: the ledger's format, final from the first day.

An *entry* is one thing that happened to one wallet. Its *postings* move whole
tokens between the wallet's lots and system accounts and sum to zero per kind.
Entries of a wallet form a hash chain; nothing of them is ever changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, NewType
from uuid import UUID

from attrs import field, frozen
from attrs.validators import optional

from buddy_core.kernel.canonical import (
    GENESIS,
    canonical_bytes,
    chain_hash,
    instant_from_text,
    instant_text,
    json_text,
)
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


def _flag(_: object, attribute: Any, value: Any) -> None:
    if not isinstance(value, bool):
        raise BadLot(f"{attribute.name} must be true or false")


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
    earned_as_guest: bool = field(validator=_flag)
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

    @cached_property
    def postings_text(self) -> str:
        """The postings as canonical JSON: a list of lists, each in the order of the fields of `Posting`."""
        return f"[{','.join(map(_posting_text, self.postings))}]"

    @cached_property
    def hash(self) -> bytes:
        """SHA-256 over the previous hash and every column of entry, postings, lots and holds."""
        return chain_hash(self.previous_hash, entry_body(self).encode())


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
    moved_at: datetime | None = None
    """When its last entry was recorded; the next one is recorded no earlier."""

    def after(
        self, entry: Entry, lots: tuple[OpenLot, ...], holds: tuple[OpenHold, ...] | None = None
    ) -> Wallet:
        """Return the wallet once `entry` is appended and its lots are `lots`; None: its holds stay."""
        return Wallet(
            self.account_id,
            entry.sequence,
            entry.hash,
            _FREEZING.get(entry.operation, self.is_frozen),
            tuple([item for item in lots if item.remaining]),
            self.holds if holds is None else holds,
            entry.recorded_at,
        )


_FREEZING = {Operation.FREEZE: True, Operation.UNFREEZE: False}


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

    def worth(self, amount: int, currency: str) -> Fraction:
        """Return the exact minor units of `currency` that so many tokens are worth.

        Raises:
            NoValueInCurrency: the version has no value in that currency.
        """
        unit = self.unit(currency)
        return _scaled(unit.numerator, unit.denominator, amount)

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


@lru_cache(4096)
def _scaled(numerator: int, denominator: int, amount: int) -> Fraction:
    # Few amounts are spent over and over; to find the least terms takes longer than to look them up.
    return Fraction(numerator * amount, denominator)


def entry_body(entry: Entry) -> str:
    """Return the canonical JSON of all that an entry's hash covers; written out, for each spend makes one."""
    recorded_at = instant_text(entry.recorded_at)
    same = entry.effective_at == entry.recorded_at
    effective_at = recorded_at if same else instant_text(entry.effective_at)
    lots = canonical_bytes([_lot_body(lot) for lot in entry.lots]).decode() if entry.lots else "[]"
    holds = (
        canonical_bytes([[hold.id, hold.amount, hold.expires_at] for hold in entry.holds]).decode()
        if entry.holds
        else "[]"
    )
    return (
        f'["{entry.id}","{entry.account_id}",{entry.sequence},"{entry.operation.value}",'
        f'"{effective_at}","{recorded_at}",{json_text(entry.idempotency_key)},{json_text(entry.source)},'
        f"{json_text(entry.source_ref)},{_number(entry.rule_version)},{_id(entry.corrects)},{_id(entry.hold_id)},"
        f"{_text(entry.country)},{_text(entry.entity)},{entry.postings_text},{lots},{holds}]"
    )


def entry_from_body(body: Sequence[Any], previous_hash: bytes) -> Entry:
    """Return the entry whose hash was taken over `body`, as `json.loads` reads it.

    Raises:
        ValueError, TypeError, BuddyError: it is the body of no entry.
    """
    identity, account, sequence, operation, effective_at, recorded_at, key, source, ref = body[:9]
    rule, corrects, hold_id, country, entity, postings, lots, holds = body[9:]
    return Entry(
        EntryId(UUID(identity)),
        AccountId(UUID(account)),
        sequence,
        previous_hash,
        Operation(operation),
        instant_from_text(effective_at),
        instant_from_text(recorded_at),
        key,
        source,
        ref,
        tuple(map(_posting_from_body, postings)),
        tuple(map(_lot_from_body, lots)),
        tuple(Hold(HoldId(UUID(hold)), amount, instant_from_text(end)) for hold, amount, end in holds),
        rule,
        None if corrects is None else EntryId(UUID(corrects)),
        None if hold_id is None else HoldId(UUID(hold_id)),
        country,
        entity,
    )


def postings_from_text(text: str) -> tuple[Posting, ...]:
    """Return the postings that `Entry.postings_text` wrote.

    Raises:
        ValueError, TypeError: the text is no list of postings.
    """
    return tuple(map(_posting_from_body, json.loads(text)))


def _posting_from_body(body: Sequence[Any]) -> Posting:
    account, lot, kind, amount, version, currency, value = body
    return Posting(
        account,
        None if lot is None else LotId(UUID(lot)),
        kind,
        amount,
        version,
        currency,
        None if value is None else Fraction(value),
    )


def _lot_from_body(body: Sequence[Any]) -> Lot:
    identity, origin, kind, amount, effective_from, expires_at, created_at, priority, scopes, *rest = body
    source, earned_as_guest, cost_minor, cost_currency = rest
    return Lot(
        LotId(UUID(identity)),
        LotId(UUID(origin)),
        kind,
        amount,
        instant_from_text(effective_from),
        None if expires_at is None else instant_from_text(expires_at),
        instant_from_text(created_at),
        source,
        earned_as_guest,
        priority,
        tuple(scopes),
        cost_minor,
        cost_currency,
    )


def _posting_text(posting: Posting) -> str:
    value = posting.value
    worth = "null" if value is None else f'"{value.numerator}/{value.denominator}"'
    return (
        f"[{json_text(posting.account)},{_id(posting.lot_id)},{json_text(posting.kind)},{posting.amount},"
        f"{posting.version},{_text(posting.currency)},{worth}]"
    )


def _id(value: UUID | None) -> str:
    return "null" if value is None else f'"{value}"'


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)


def _text(value: str | None) -> str:
    return "null" if value is None else json_text(value)


def _lot_body(lot: Lot) -> list[Any]:
    return [
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
