"""Entries on one wallet: earn, spend, freeze; each returns the wallet afterwards and what to append."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.ids import EntityId, EntryId, LotId
from buddy_core.tokens.commands import EarnTokens, FreezeWallet, NewIds, SpendTokens
from buddy_core.tokens.errors import NotFrozen, WalletFrozen
from buddy_core.tokens.model import (
    ISSUED,
    WALLET,
    Entry,
    Lot,
    OpenLot,
    Operation,
    Posting,
    TokenKind,
    Wallet,
    check_amount,
    spent_on,
)
from buddy_core.tokens.rules.drawing import draw, reduced
from buddy_core.tokens.rules.valuing import Versions, version_of


@frozen
class Posted:
    """What a rule decided: the wallet afterwards, and the entry to append."""

    wallet: Wallet
    entry: Entry


def earn(wallet: Wallet, command: EarnTokens, versions: Versions, at: datetime, ids: NewIds) -> Posted:
    """Open a lot in the wallet, issued against the system.

    Raises:
        WalletFrozen: a frozen wallet earns nothing.
        BadTokenAmount, BadLot, UnknownKind: the command names no lot that can be.
    """
    at = utc(at)
    if wallet.is_frozen:
        raise WalletFrozen(wallet.account_id)
    assert ids.lot is not None, "earn opens a lot, so the step mints its id"
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
    version = version_of(versions, lot.kind).version
    postings = (
        Posting(ISSUED, None, lot.kind, -lot.amount, version),
        Posting(WALLET, lot.id, lot.kind, lot.amount, version),
    )
    entry = _entry(
        wallet,
        Operation.EARN,
        command,
        at,
        ids.entry,
        postings,
        lots=(lot,),
        rule_version=command.rule_version,
    )
    return Posted(wallet.after(entry, (*wallet.lots, OpenLot(lot, lot.amount))), entry)


def spend(wallet: Wallet, command: SpendTokens, versions: Versions, at: datetime, ids: NewIds) -> Posted:
    """Draw tokens for a title and stamp each posting with its exact value.

    Raises:
        WalletFrozen: a frozen wallet spends nothing.
        InsufficientTokens: the live lots that fit the title hold less than the cost.
        BadTokenAmount, UnknownKind, NoValueInCurrency: the spend cannot be valued.
    """
    at = utc(at)
    if wallet.is_frozen:
        raise WalletFrozen(wallet.account_id)
    draws = draw(wallet, check_amount(command.amount), command.title_scopes, at)
    units = {
        kind: (version_of(versions, kind).version, version_of(versions, kind).unit(command.currency))
        for kind in {drawn.lot.kind for drawn in draws}
    }

    def valued(account: str, lot_id: LotId | None, kind: TokenKind, amount: int) -> Posting:
        version, unit = units[kind]
        return Posting(account, lot_id, kind, amount, version, command.currency, unit * amount)

    by_kind: dict[TokenKind, int] = {}
    for drawn in draws:
        by_kind[drawn.lot.kind] = by_kind.get(drawn.lot.kind, 0) + drawn.amount
    postings = (
        *(valued(WALLET, drawn.lot.id, drawn.lot.kind, -drawn.amount) for drawn in draws),
        *(valued(spent_on(command.title_id), None, kind, amount) for kind, amount in by_kind.items()),
    )
    entry = _entry(
        wallet,
        Operation.SPEND,
        command,
        at,
        ids.entry,
        postings,
        rule_version=command.rule_version,
        country=command.country,
        entity=command.entity,
    )
    return Posted(wallet.after(entry, reduced(wallet.lots, draws)), entry)


def freeze(wallet: Wallet, command: FreezeWallet, at: datetime, ids: NewIds) -> Posted:
    """Freeze or unfreeze a wallet; the reason stands on the entry. Freezing twice adds a reason.

    Raises:
        NotFrozen: only a frozen wallet can be unfrozen.
        InvalidValue: there is no reason.
    """
    if not command.reason.strip():
        raise InvalidValue("reason", "is missing; say why, for whoever asks later")
    if not command.is_frozen and not wallet.is_frozen:
        raise NotFrozen(wallet.account_id)
    operation = Operation.FREEZE if command.is_frozen else Operation.UNFREEZE
    entry = Entry(
        id=ids.entry,
        account_id=wallet.account_id,
        sequence=wallet.sequence + 1,
        previous_hash=wallet.head,
        operation=operation,
        effective_at=utc(at),
        recorded_at=utc(at),
        idempotency_key=command.idempotency_key,
        source=command.by,
        source_ref=command.reason,
    )
    return Posted(wallet.after(entry, wallet.lots), entry)


def _entry(
    wallet: Wallet,
    operation: Operation,
    command: EarnTokens | SpendTokens,
    at: datetime,
    entry_id: EntryId,
    postings: tuple[Posting, ...],
    *,
    lots: tuple[Lot, ...] = (),
    rule_version: int | None = None,
    country: str | None = None,
    entity: EntityId | None = None,
) -> Entry:
    return Entry(
        id=entry_id,
        account_id=wallet.account_id,
        sequence=wallet.sequence + 1,
        previous_hash=wallet.head,
        operation=operation,
        effective_at=at,
        recorded_at=at,
        idempotency_key=command.idempotency_key,
        source=command.source,
        source_ref=command.source_ref,
        postings=postings,
        lots=lots,
        rule_version=rule_version,
        country=country,
        entity=entity,
    )
