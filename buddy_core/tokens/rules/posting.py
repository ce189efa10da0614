"""Entries on one wallet: earn, buy, spend, freeze; each returns the wallet afterwards and what to append."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from attrs import frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.idempotency import MAX_KEY_LENGTH
from buddy_core.kernel.ids import AccountId, EntityId, EntryId, HoldId, LotId, TitleId
from buddy_core.kernel.storable import check_instant, check_text, check_whole
from buddy_core.tokens.commands import (
    BuyTokens,
    EarnTokens,
    FreezeWallet,
    NewIds,
    PostHold,
    SpendTokens,
)
from buddy_core.tokens.errors import BadLot, BadScope, ClockBehind, NotFrozen, WalletFrozen
from buddy_core.tokens.model import (
    ISSUED,
    SOLD,
    WALLET,
    Entry,
    Hold,
    Lot,
    OpenLot,
    Operation,
    Posting,
    TokenKind,
    Wallet,
    check_amount,
    spent_on,
)
from buddy_core.tokens.rules.drawing import Draw, draw, reduced
from buddy_core.tokens.rules.valuing import Versions, version_of

MAX_SKEW = timedelta(seconds=5)
"""How far one host's clock may be behind another's that has just written to the same wallet."""

MAX_SCOPES = 100
"""How many scopes a lot may have: every draw looks at them."""
MAX_CAUSE_LENGTH = 512
"""How many characters a source, its reference or a reason may have: room for a name and a key."""

_TYPE = re.compile(r"[a-z][a-z0-9_-]{0,62}")


@frozen
class Posted:
    """What a rule decided: the wallet afterwards, and the entry to append."""

    wallet: Wallet
    entry: Entry


class Cause(Protocol):
    """What caused an entry; every command that moves tokens says it."""

    @property
    def idempotency_key(self) -> str: ...

    @property
    def source(self) -> str: ...

    @property
    def source_ref(self) -> str: ...


class _OfAccount(Protocol):
    @property
    def account_id(self) -> AccountId: ...


def check_own(wallet: Wallet, command: _OfAccount) -> None:
    """Refuse a command on another wallet than the one given.

    Raises:
        InvalidValue: the command names another account.
    """
    if command.account_id != wallet.account_id:
        raise InvalidValue("account_id", "names another account than that of the wallet given")


def earn(wallet: Wallet, command: EarnTokens, versions: Versions, at: datetime, ids: NewIds) -> Posted:
    """Open a lot in the wallet, issued against the system.

    Raises:
        WalletFrozen: a frozen wallet earns nothing.
        BadTokenAmount, BadLot, BadScope, UnknownKind: the command names no lot that can be.
        InvalidValue: it names another account, or no key.
    """
    at = utc(at)
    check_own(wallet, command)
    if wallet.is_frozen:
        raise WalletFrozen(wallet.account_id)
    assert ids.lot is not None, "earn opens a lot, so the step mints its id"
    _check_lot(command)
    lot = Lot(
        id=ids.lot,
        origin_id=ids.lot,
        kind=command.kind,
        amount=check_amount(command.amount),
        effective_from=at,
        expires_at=command.expires_at,
        created_at=at,
        source=command.source,
        earned_as_guest=command.earned_as_guest,
        priority=command.priority,
        scopes=command.scopes,
    )
    return _opened(wallet, Operation.EARN, ISSUED, command, lot, versions, at, ids.entry)


def buy(wallet: Wallet, command: BuyTokens, versions: Versions, at: datetime, ids: NewIds) -> Posted:
    """Open a lot with its cost in the wallet, sold by the system.

    Raises:
        WalletFrozen: a frozen wallet takes nothing in.
        BadTokenAmount, BadLot, BadScope, UnknownKind: the command names no lot that can be.
        BadLot: it would take effect in the past.
        UnknownCurrency, NoMinorUnit: nobody can have paid in that.
        InvalidValue: it names another account, or no key.
    """
    at = utc(at)
    check_own(wallet, command)
    if wallet.is_frozen:
        raise WalletFrozen(wallet.account_id)
    assert ids.lot is not None, "buy opens a lot, so the step mints its id"
    _check_lot(command)
    if command.effective_from is None:
        effective_from = at
    else:
        effective_from = check_instant(command.effective_from, "effective_from")
    if effective_from < at:
        raise BadLot("it would take effect in the past")
    lot = Lot(
        id=ids.lot,
        origin_id=ids.lot,
        kind=command.kind,
        amount=check_amount(command.amount),
        effective_from=effective_from,
        expires_at=command.expires_at,
        created_at=at,
        source=command.source,
        earned_as_guest=False,
        priority=command.priority,
        scopes=command.scopes,
        cost_minor=command.cost_minor,
        cost_currency=check_text(command.cost_currency, "cost_currency"),
    )
    check_whole(lot.cost_minor, "cost_minor")
    return _opened(wallet, Operation.PURCHASE, SOLD, command, lot, versions, at, ids.entry)


def _opened(
    wallet: Wallet,
    operation: Operation,
    account: str,
    command: EarnTokens | BuyTokens,
    lot: Lot,
    versions: Versions,
    at: datetime,
    entry_id: EntryId,
) -> Posted:
    if len(lot.scopes) > MAX_SCOPES:
        raise BadLot(f"it has more than {MAX_SCOPES} scopes")
    for scope in lot.scopes:
        _check_scope(scope)
    check_whole(lot.priority, "priority")
    version = version_of(versions, lot.kind).version
    postings = (
        Posting(account, None, lot.kind, -lot.amount, version),
        Posting(WALLET, lot.id, lot.kind, lot.amount, version),
    )
    entry = next_entry(
        wallet, operation, command, at, entry_id, postings, lots=(lot,), rule_version=command.rule_version
    )
    return Posted(wallet.after(entry, (*wallet.lots, OpenLot(lot, lot.amount))), entry)


def _check_lot(command: EarnTokens | BuyTokens) -> None:
    """Refuse what would only be found out when a lot is made of it, or when it is stored."""
    check_text(command.kind, "kind")
    if command.expires_at is not None:
        check_instant(command.expires_at, "expires_at")


def _check_scope(scope: str) -> None:
    """Refuse a scope that no title answers to: `title:` with an id as we write it, `type:` with a word."""
    kind, _, name = scope.partition(":")
    if kind == "type" and _TYPE.fullmatch(name):
        return
    try:
        if kind == "title" and str(UUID(name)) == name:
            return
    except ValueError:
        pass
    raise BadScope(scope)


def spend(wallet: Wallet, command: SpendTokens, versions: Versions, at: datetime, ids: NewIds) -> Posted:
    """Draw tokens for a title and stamp each posting with its exact value.

    Raises:
        WalletFrozen: a frozen wallet spends nothing.
        InsufficientTokens: the live lots that fit the title hold less than the cost.
        BadTokenAmount, UnknownKind, NoValueInCurrency: the spend cannot be valued.
        InvalidValue: it names another account, no title, no country or no key.
    """
    at = utc(at)
    check_own(wallet, command)
    if wallet.is_frozen:
        raise WalletFrozen(wallet.account_id)
    check_sale(command)
    check_scopes(command.title_scopes)
    draws = draw(wallet, check_amount(command.amount), command.title_scopes, drawn_at(wallet, at))
    entry = next_entry(
        wallet,
        Operation.SPEND,
        command,
        begun_at(draws, at),
        ids.entry,
        spending_postings(draws, command.title_id, command.currency, versions),
        rule_version=command.rule_version,
        country=command.country,
        entity=command.entity,
    )
    return Posted(wallet.after(entry, reduced(wallet.lots, draws)), entry)


def check_sale(command: SpendTokens | PostHold) -> None:
    """Refuse what names no title, country or seller; the store would cut it after the hash was taken.

    Raises:
        InvalidValue: the title is no UUID, the country is not two capital letters, or entity or
            currency is no text.
    """
    if not isinstance(command.title_id, UUID):
        raise InvalidValue("title_id", "must be a UUID")
    country = check_text(command.country, "country")
    if len(country) != 2 or not country.isascii() or not country.isalpha() or not country.isupper():
        raise InvalidValue("country", f"{country!r} is not a country code of two capital letters, such as IN")
    check_text(command.entity, "entity")
    check_text(command.currency, "currency")


def check_scopes(scopes: Any) -> None:
    """Refuse what no title answers to.

    Raises:
        InvalidValue: it is not a tuple of texts.
    """
    if not isinstance(scopes, tuple) or not all(isinstance(item, str) for item in scopes):
        raise InvalidValue("title_scopes", "must be a tuple of texts, such as type:film")


def drawn_at(wallet: Wallet, at: datetime) -> datetime:
    """Return the instant at which lots are looked at: what another host has just written is there already.

    Raises:
        ClockBehind: the clock is behind by more than `MAX_SKEW`.
    """
    last = wallet.moved_at
    if last is None or last <= at:
        return at
    if at < last - MAX_SKEW:
        raise ClockBehind(at, last)
    return last


def begun_at(draws: Sequence[Draw], at: datetime) -> datetime:
    """Return the first instant from `at` on at which all that is drawn can be spent."""
    return max(at, *(item.lot.effective_from for item in draws))


def spending_postings(
    draws: Sequence[Draw], title: TitleId, currency: str, versions: Versions
) -> tuple[Posting, ...]:
    """Move `draws` from their lots to a title, each with its exact value by the versions in force.

    Raises:
        UnknownKind, NoValueInCurrency: the tokens cannot be valued.
    """
    by_kind: dict[TokenKind, int] = {}
    for drawn in draws:
        by_kind[drawn.lot.kind] = by_kind.get(drawn.lot.kind, 0) + drawn.amount
    in_force = {kind: version_of(versions, kind) for kind in by_kind}
    account = spent_on(title)

    def valued(account: str, lot: LotId | None, kind: TokenKind, amount: int) -> Posting:
        version = in_force[kind]
        return Posting(account, lot, kind, amount, version.version, currency, version.worth(amount, currency))

    postings = [valued(WALLET, drawn.lot.id, drawn.lot.kind, -drawn.amount) for drawn in draws]
    postings += [valued(account, None, kind, amount) for kind, amount in by_kind.items()]
    return tuple(postings)


def moves(draws: Sequence[Draw], account: str, versions: dict[TokenKind, int]) -> tuple[Posting, ...]:
    """Move `draws` from their lots to a system account, the sum of each kind at once; no value moves."""
    totals: dict[TokenKind, int] = {}
    for drawn in draws:
        totals[drawn.lot.kind] = totals.get(drawn.lot.kind, 0) + drawn.amount
    return (
        *(
            Posting(WALLET, drawn.lot.id, drawn.lot.kind, -drawn.amount, versions[drawn.lot.kind])
            for drawn in draws
        ),
        *(Posting(account, None, kind, amount, versions[kind]) for kind, amount in totals.items()),
    )


def numbers(draws: Sequence[Draw], versions: Versions) -> dict[TokenKind, int]:
    """Return the number of the version in force of each kind drawn.

    Raises:
        UnknownKind: a kind has none.
    """
    return {kind: version_of(versions, kind).version for kind in {drawn.lot.kind for drawn in draws}}


def freeze(wallet: Wallet, command: FreezeWallet, at: datetime, ids: NewIds) -> Posted:
    """Freeze or unfreeze a wallet; the reason stands on the entry. Freezing twice adds a reason.

    Raises:
        NotFrozen: only a frozen wallet can be unfrozen.
        InvalidValue: there is no reason, or it is too long; the command names another account.
    """
    check_own(wallet, command)
    if not check_cause(command.reason, "reason").strip():
        raise InvalidValue("reason", "is missing; say why, for whoever asks later")
    if not command.is_frozen and not wallet.is_frozen:
        raise NotFrozen(wallet.account_id)
    operation = Operation.FREEZE if command.is_frozen else Operation.UNFREEZE
    why = Because(command.idempotency_key, command.by, command.reason)
    entry = next_entry(wallet, operation, why, utc(at), ids.entry, ())
    return Posted(wallet.after(entry, wallet.lots), entry)


@frozen
class Because:
    """A cause that no command gives as such: a person and a reason, or an operation of the ledger's own."""

    idempotency_key: str
    source: str
    source_ref: str


def check_cause(value: Any, field: str) -> str:
    """Return a text that says what caused an entry.

    Raises:
        InvalidValue: no store keeps it, or it is too long.
    """
    if len(check_text(value, field)) > MAX_CAUSE_LENGTH:
        raise InvalidValue(field, f"must have at most {MAX_CAUSE_LENGTH} characters")
    return str(value)


def _check_key(key: Any) -> None:
    # As a request's key is checked: the rules are also used without a store.
    if not 1 <= len(check_text(key, "idempotency_key")) <= MAX_KEY_LENGTH or not key.isprintable():
        raise InvalidValue("idempotency_key", f"must be 1 to {MAX_KEY_LENGTH} printable characters")


def next_entry(
    wallet: Wallet,
    operation: Operation,
    cause: Cause,
    at: datetime,
    entry_id: EntryId,
    postings: tuple[Posting, ...],
    *,
    effective_at: datetime | None = None,
    lots: tuple[Lot, ...] = (),
    holds: tuple[Hold, ...] = (),
    rule_version: int | None = None,
    corrects: EntryId | None = None,
    hold_id: HoldId | None = None,
    country: str | None = None,
    entity: EntityId | None = None,
) -> Entry:
    """Return the entry that follows the wallet's last; it counts from `at` where nothing else is said.

    A clock that is behind the wallet's last entry by `MAX_SKEW` or less is that of another
    host: the entry is recorded with the last one then, so that records never go back.

    Raises:
        ClockBehind: the clock is behind by more.
        InvalidValue: the cause has no key, or its source or reference is too long.
    """
    recorded_at = max(at, drawn_at(wallet, at))
    _check_key(cause.idempotency_key)
    check_cause(cause.source, "source")
    check_cause(cause.source_ref, "source_ref")
    if rule_version is not None:
        check_whole(rule_version, "rule_version")
    return Entry(
        id=entry_id,
        account_id=wallet.account_id,
        sequence=wallet.sequence + 1,
        previous_hash=wallet.head,
        operation=operation,
        effective_at=at if effective_at is None else effective_at,
        recorded_at=recorded_at,
        idempotency_key=cause.idempotency_key,
        source=cause.source,
        source_ref=cause.source_ref,
        postings=postings,
        lots=lots,
        holds=holds,
        rule_version=rule_version,
        corrects=corrects,
        hold_id=hold_id,
        country=country,
        entity=entity,
    )
