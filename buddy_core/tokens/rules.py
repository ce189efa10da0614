"""Pure decisions over wallets: each returns the new wallet and the entry that explains it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import evolve, frozen

from buddy_core.kernel.canonical import GENESIS
from buddy_core.kernel.clock import utc
from buddy_core.kernel.ids import AccountId, EntityId, EntryId, LotId, derived_uuid
from buddy_core.tokens.commands import (
    EarnTokens,
    FreezeWallet,
    MergeWallets,
    NewIds,
    SetTokenValue,
    SpendTokens,
)
from buddy_core.tokens.errors import (
    BadTokenValue,
    InsufficientTokens,
    NotFrozen,
    UnknownKind,
    ValueVersionInPast,
    WalletFrozen,
)
from buddy_core.tokens.model import (
    BONUS,
    EXPIRED,
    ISSUED,
    PAID,
    TRANSFERRED,
    WALLET,
    Entry,
    Lot,
    OpenLot,
    Operation,
    Posting,
    TokenKind,
    ValueVersion,
    Wallet,
    check_amount,
    spent_on,
)

KINDS_IN_DRAW_ORDER: tuple[TokenKind, ...] = (BONUS, PAID)
"""Bonus tokens go first; a kind not named here comes after those named."""

Versions = Mapping[TokenKind, ValueVersion]


@frozen
class Posted:
    """What a rule decided: the wallet afterwards, and the entry to append."""

    wallet: Wallet
    entry: Entry


@frozen
class Draw:
    """Tokens taken from one lot."""

    lot: Lot
    amount: int


@frozen
class Merged:
    """Both wallets after a merge, the entries in the order to append, and the totals moved."""

    source: Wallet
    target: Wallet
    entries: tuple[Entry, ...]
    transferred: int
    expired_by_cap: int


def is_live(lot: Lot, at: datetime) -> bool:
    """Tell whether a lot can be spent at `at`: from its start, up to but not at its expiry."""
    return lot.effective_from <= at and not is_expired(lot, at)


def is_expired(lot: Lot, at: datetime) -> bool:
    """Tell whether a lot has expired at `at`; the instant of expiry itself counts as expired."""
    return lot.expires_at is not None and lot.expires_at <= at


def draw_order(lots: Iterable[OpenLot]) -> list[OpenLot]:
    """Sort lots as a spend draws them: bonus first, then priority, nearest expiry, creation, id.

    A lot without expiry comes last within its kind and priority. The ledger and
    every forecast use this one order.
    """
    return sorted(lots, key=_draw_key)


def balance(wallet: Wallet, at: datetime) -> dict[TokenKind, int]:
    """Return the spendable tokens of each kind at `at`, swept or not."""
    totals: Counter[TokenKind] = Counter()
    for item in wallet.lots:
        if is_live(item.lot, at):
            totals[item.lot.kind] += item.remaining
    return dict(totals)


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
    version = _version(versions, lot.kind).version
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
    draws = _draw(wallet, check_amount(command.amount), command.title_scopes, at)
    units = {
        kind: (_version(versions, kind).version, _version(versions, kind).unit(command.currency))
        for kind in {draw.lot.kind for draw in draws}
    }

    def valued(account: str, lot_id: LotId | None, kind: TokenKind, amount: int) -> Posting:
        version, unit = units[kind]
        return Posting(account, lot_id, kind, amount, version, command.currency, unit * amount)

    by_kind: dict[TokenKind, int] = {}
    for draw in draws:
        by_kind[draw.lot.kind] = by_kind.get(draw.lot.kind, 0) + draw.amount
    postings = (
        *(valued(WALLET, draw.lot.id, draw.lot.kind, -draw.amount) for draw in draws),
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
    return Posted(wallet.after(entry, _reduced(wallet.lots, draws)), entry)


def freeze(wallet: Wallet, command: FreezeWallet, at: datetime, ids: NewIds) -> Posted:
    """Freeze or unfreeze a wallet; the reason stands on the entry. Freezing twice adds a reason.

    Raises:
        NotFrozen: only a frozen wallet can be unfrozen.
    """
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


def merge(
    source: Wallet, target: Wallet, command: MergeWallets, versions: Versions, at: datetime, entry_id: EntryId
) -> Merged:
    """Move every lot of `source` to `target`, then expire what exceeds the guest cap (C23).

    A moved lot keeps origin, expiry, priority, cost share and guest mark; its new
    id follows from origin and target, so that any order of merges ends the same.
    What had expired unswept is written off first. The cap counts the units left
    in guest-marked lots of the target, keeps the latest expiry first, then the
    smaller origin id. A freeze travels along, so that merging is no way around it.
    """
    at = utc(at)
    entries: list[Entry] = []

    def post(wallet: Wallet, step: str, *args: Any, **kw: Any) -> Wallet:
        made = _merge_entry(wallet, EntryId(derived_uuid(entry_id, step)), command, at, *args, **kw)
        entries.append(made.entry)
        return made.wallet

    stale = [Draw(item.lot, item.remaining) for item in source.lots if is_expired(item.lot, at)]
    if stale:
        source = post(source, "stale", Operation.EXPIRE, _moves(stale, EXPIRED, versions), drawn=stale)
    moved = [Draw(item.lot, item.remaining) for item in source.lots]
    arrivals = [_arrived(draw, target.account_id, at) for draw in moved]
    source = post(source, "out", Operation.TRANSFER_OUT, _moves(moved, TRANSFERRED, versions), drawn=moved)
    target = post(
        target,
        "in",
        Operation.TRANSFER_IN,
        _moves([Draw(lot, -lot.amount) for lot in arrivals], TRANSFERRED, versions),
        opened=arrivals,
    )
    excess = _beyond_cap(target, command.guest_cap, at)
    if excess:
        target = post(target, "cap", Operation.EXPIRE, _moves(excess, EXPIRED, versions), drawn=excess)
    if source.is_frozen and not target.is_frozen:
        target = post(target, "freeze", Operation.FREEZE, ())
    return Merged(
        source,
        target,
        tuple(entries),
        transferred=sum(draw.amount for draw in moved),
        expired_by_cap=sum(draw.amount for draw in excess),
    )


def next_version(
    existing: Sequence[ValueVersion], command: SetTokenValue, currencies: Iterable[str], at: datetime
) -> ValueVersion:
    """Return the version to append for a kind, given those that exist in order.

    Raises:
        ValueVersionInPast: it would take effect before now or before the last one.
        BadTokenValue: a settlement currency has no value.
    """
    effective_from = utc(command.effective_from, "effective_from")
    if existing:
        earliest = max(utc(at), existing[-1].effective_from)
        if effective_from < earliest or effective_from == existing[-1].effective_from:
            raise ValueVersionInPast(command.kind, effective_from, earliest)
    missing = sorted(set(currencies) - set(command.values))
    if missing:
        raise BadTokenValue(command.kind, f"it has no value in {', '.join(missing)}")
    return ValueVersion(
        kind=command.kind,
        version=len(existing) + 1,
        effective_from=effective_from,
        values=command.values,
        recorded_at=at,
        recorded_by=command.by,
        previous_hash=existing[-1].hash if existing else GENESIS,
    )


def version_at(existing: Iterable[ValueVersion], at: datetime) -> ValueVersion | None:
    """Return the version in force at `at`: the last that had taken effect, or None."""
    live = [version for version in existing if version.effective_from <= at]
    return max(live, key=lambda version: version.version, default=None)


def _draw_key(item: OpenLot) -> tuple[Any, ...]:
    lot = item.lot
    known = lot.kind in KINDS_IN_DRAW_ORDER
    rank = KINDS_IN_DRAW_ORDER.index(lot.kind) if known else len(KINDS_IN_DRAW_ORDER)
    expiry = (lot.expires_at is None, lot.expires_at or lot.effective_from)
    return (rank, lot.kind, lot.priority, expiry, lot.created_at, lot.id)


def _draw(wallet: Wallet, amount: int, scopes: tuple[str, ...], at: datetime) -> list[Draw]:
    fits: Callable[[Lot], bool] = lambda lot: not lot.scopes or not set(lot.scopes).isdisjoint(scopes)  # noqa: E731
    lots = draw_order(item for item in wallet.lots if is_live(item.lot, at) and fits(item.lot))
    available = sum(item.remaining for item in lots)
    if available < amount:
        raise InsufficientTokens(amount, available)
    draws, left = [], amount
    for item in lots:
        if not left:
            break
        taken = min(left, item.remaining)
        draws.append(Draw(item.lot, taken))
        left -= taken
    return draws


def _reduced(lots: Sequence[OpenLot], draws: Iterable[Draw]) -> tuple[OpenLot, ...]:
    taken = {draw.lot.id: draw.amount for draw in draws}
    return tuple(evolve(item, remaining=item.remaining - taken.get(item.lot.id, 0)) for item in lots)


def _version(versions: Versions, kind: TokenKind) -> ValueVersion:
    try:
        return versions[kind]
    except KeyError:
        raise UnknownKind(kind) from None


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


def _merge_entry(
    wallet: Wallet,
    entry_id: EntryId,
    command: MergeWallets,
    at: datetime,
    operation: Operation,
    postings: tuple[Posting, ...],
    *,
    drawn: Sequence[Draw] = (),
    opened: Sequence[Lot] = (),
) -> Posted:
    other = command.to_account if wallet.account_id == command.from_account else command.from_account
    entry = Entry(
        id=entry_id,
        account_id=wallet.account_id,
        sequence=wallet.sequence + 1,
        previous_hash=wallet.head,
        operation=operation,
        effective_at=at,
        recorded_at=at,
        idempotency_key=command.idempotency_key,
        source="merge",
        source_ref=str(other),
        postings=postings,
        lots=tuple(opened),
    )
    lots = (*_reduced(wallet.lots, drawn), *(OpenLot(lot, lot.amount) for lot in opened))
    return Posted(wallet.after(entry, lots), entry)


def _moves(draws: Sequence[Draw], account: str, versions: Versions) -> tuple[Posting, ...]:
    """Post `-amount` on each lot and the sum per kind on `account`."""
    totals: dict[TokenKind, int] = {}
    for draw in draws:
        totals[draw.lot.kind] = totals.get(draw.lot.kind, 0) + draw.amount
    return (
        *(
            Posting(
                WALLET, draw.lot.id, draw.lot.kind, -draw.amount, _version(versions, draw.lot.kind).version
            )
            for draw in draws
        ),
        *(Posting(account, None, kind, n, _version(versions, kind).version) for kind, n in totals.items()),
    )


def _arrived(draw: Draw, target: AccountId, at: datetime) -> Lot:
    """Return the lot that `draw` becomes in the target; of a cost basis it takes its share, rounded down."""
    lot = draw.lot
    cost = None if lot.cost_minor is None else lot.cost_minor * draw.amount // lot.amount
    return evolve(
        lot, id=LotId(derived_uuid("lot", lot.origin_id, target)), amount=draw.amount, cost_minor=cost
    )


def _beyond_cap(wallet: Wallet, cap: int, at: datetime) -> list[Draw]:
    marked = [item for item in wallet.lots if item.lot.earned_as_guest and not is_expired(item.lot, at)]

    marked.sort(key=lambda item: item.lot.origin_id)
    marked.sort(key=lambda item: (item.lot.expires_at is None, item.lot.expires_at or at), reverse=True)
    draws, room = [], cap
    for item in marked:
        kept = min(room, item.remaining)
        room -= kept
        if kept < item.remaining:
            draws.append(Draw(item.lot, item.remaining - kept))
    return draws
