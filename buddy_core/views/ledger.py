"""A wallet and its history as plain values, for those who ask for data rather than a page."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from attrs import evolve, frozen

from buddy_core.access import Actor, AuditTx, Change, record_in, require
from buddy_core.accounts import AccountsTx, resolve_in
from buddy_core.kernel.clock import Clock, utc
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.ids import AccountId, HoldId, LotId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.tokens import (
    AsOf,
    BadStatementPlace,
    Entry,
    Hold,
    Lot,
    NotReplayable,
    Operation,
    StatementPlace,
    Stock,
    Wallet,
    WalletThen,
    arrived,
    balance,
    expiring_soon,
    is_expired,
    on_hold,
    open_lots,
    rewind,
    rewinding,
)
from buddy_core.views.token_liability import SETTLES_AFTER
from buddy_core.views.wallet_lines import LedgerPage, WalletLinesTx, ledger_page_in

LOOK = "wallet.read"
"""What the audit says of staff who read somebody's wallet."""
_ALL = datetime.max.replace(tzinfo=UTC)
"""Known is all that was recorded."""
_BACK = 500
"""How many entries one step back reads, and for how many lots or holds one question asks."""


class LedgerTx(WalletLinesTx, AccountsTx, AuditTx, Protocol):
    """What reading a wallet needs; the audit, where it is another's."""


@frozen
class Look:
    """Who of the staff reads a wallet, and in which request."""

    actor: Actor
    correlation_id: str


@frozen
class Instants:
    """The instant a balance is for, and until when entries were known; None: as the other, or now."""

    at: datetime | None = None
    known_at: datetime | None = None


NOW = Instants()


@frozen
class LotLeft:
    """Tokens that came together, from when they can be spent, and when they end."""

    kind: str
    tokens: int
    effective_from: datetime
    expires_at: datetime | None


@frozen
class WalletState:
    """What an account can spend at an instant, by kind; `lots` are in the order in which they came.

    `expired` is in the statement's balance still, because no entry has written it off.
    `is_frozen` is of now, whichever instant is asked about. Until `is_final`, asking again for
    the same `known_at` may answer more: what was dated before it may still be on its way.
    """

    at: datetime
    known_at: datetime
    is_final: bool
    tokens: dict[str, int]
    held: dict[str, int]
    expired: dict[str, int]
    is_frozen: bool
    lots: tuple[LotLeft, ...]


@frozen
class SoonGone:
    """Tokens of one kind that end at one instant."""

    kind: str
    tokens: int
    expires_at: datetime


@frozen
class ExpiringState:
    """What expires from `at` until `until` if nobody spends it, the soonest first."""

    at: datetime
    until: datetime
    tokens: tuple[SoonGone, ...]


async def wallet_state(
    account: AccountId,
    wanted: Instants = NOW,
    *,
    look: Look | None = None,
    uow: UnitOfWork[LedgerTx],
    clock: Clock,
) -> WalletState:
    """Return what an account can spend now, or could at an instant, by what was known then or is known now.

    Now costs the same however long the history is; another instant costs what happened
    since. An instant to come answers what will be left if nothing happens; one before the
    first entry, nothing; one before a merge, what both wallets held. `look`: staff read it, which
    is recorded.

    Raises:
        AccountNotFound, NotPermitted.
        InvalidValue: an instant is naive, or nothing can be known of `known_at` yet.
        NotReplayable: the store lacks entries; `buddy verify` says which.
    """
    now = clock.now()
    as_of = _as_of(wanted, now)
    account = await _looked(
        account, look, {"read": "balance", "at": wanted.at, "known_at": wanted.known_at}, uow, now
    )
    async with uow.read() as tx:
        owner = (await resolve_in(tx, account)).id
        wallet = (await tx.wallets.load([owner]))[owner]
        then = wallet if as_of is None else await _wallet_then(tx, wallet, as_of)
    return _state(then, as_of.effective_at if as_of else now, wanted.known_at or now, now, wallet.is_frozen)


async def wallet_expiring(
    account: AccountId,
    within: timedelta,
    *,
    look: Look | None = None,
    uow: UnitOfWork[LedgerTx],
    clock: Clock,
) -> ExpiringState:
    """Return what expires soon. `look`: staff read it, which is recorded.

    Raises:
        AccountNotFound, NotPermitted.
        InvalidValue: `within` is no time, or ends beyond the calendar.
    """
    now = clock.now()
    try:
        until = now + within
    except OverflowError:
        raise InvalidValue("within", "ends beyond the calendar; ask about fewer days") from None
    account = await _looked(account, look, {"read": "expiring"}, uow, now)
    async with uow.read() as tx:
        owner = (await resolve_in(tx, account)).id
        wallet = (await tx.wallets.load([owner]))[owner]
    found = expiring_soon(wallet, now, within)
    return ExpiringState(
        now, until, tuple(SoonGone(item.kind, item.tokens, item.expires_at) for item in found)
    )


async def ledger_page(
    account: AccountId,
    place: StatementPlace | None,
    limit: int,
    *,
    of: AccountId | None = None,
    look: Look | None = None,
    uow: UnitOfWork[LedgerTx],
    clock: Clock,
) -> LedgerPage:
    """Return a page of an account's entries, newest first. `look`: staff read it, which is recorded.

    `of`: whose wallet `place` is in, as the page that ended there said it.

    Raises:
        AccountNotFound, NotPermitted.
        BadStatementPlace: no page of this wallet ended there; it may be the member's by now.
    """
    before = None if place is None else place.before
    account = await _looked(account, look, {"read": "statement", "before": before}, uow, clock.now())
    async with uow.read() as tx:
        owner = (await resolve_in(tx, account)).id
        if of not in (None, owner):
            raise BadStatementPlace
        return await ledger_page_in(tx, owner, place, limit)


async def _looked(
    account: AccountId, look: Look | None, what: dict[str, object], uow: UnitOfWork[LedgerTx], at: datetime
) -> AccountId:
    """Record who of the staff looks, and return whose wallet it is by now; the owner's own look is none.

    Raises:
        AccountNotFound, NotPermitted.
    """
    if look is None:
        return account
    require(look.actor, "user:read")
    told = {name: value for name, value in what.items() if value is not None}

    async def work(tx: LedgerTx) -> AccountId:
        owner = (await resolve_in(tx, account)).id
        await record_in(tx, look.actor, Change(LOOK, str(owner), None, told, look.correlation_id), at)
        return owner

    return await retried(uow, work)


def _as_of(wanted: Instants, now: datetime) -> AsOf | None:
    """Return the instants asked about; None: now.

    Raises:
        InvalidValue: one is naive, or `known_at` is still to come.
    """
    at = None if wanted.at is None else utc(wanted.at, "at")
    known_at = None if wanted.known_at is None else utc(wanted.known_at, "known_at")
    if known_at is not None and known_at > now:
        raise InvalidValue("known_at", "is still to come; leave it out for what is known now")
    if at is None and known_at is None:
        return None
    # Another process may be ahead of this one's clock by a little, and what it wrote is known.
    return AsOf(at or known_at or now, known_at or _ALL)


async def _wallet_then(tx: WalletLinesTx, wallet: Wallet, as_of: AsOf) -> WalletThen:
    """Go back from the wallet of now, page by page, until all older entries count.

    Wallets that came in by a merge since are in it with what they held then.
    """
    state, limit, came_in = rewinding(wallet, as_of), 1, list[Entry]()
    while not state.is_there:
        page = await tx.entries.of_account(wallet.account_id, before=state.sequence + 1, limit=limit)
        if not page:
            raise NotReplayable(state.sequence, "it is missing")
        # The newest entry alone mostly settles it.
        state, limit = rewind(state, page), _BACK
        came_in += [
            item
            for item in page
            if item.operation is Operation.TRANSFER_IN and item.sequence > state.sequence
        ]
    lots: dict[LotId, Lot] = {}
    wanted = state.lots_wanted
    for start in range(0, len(wanted), _BACK):
        found = await tx.entries.lots(wanted[start : start + _BACK])
        lots |= {lot_id: lot for lot_id, (_, lot) in found.items()}
    holds: dict[HoldId, Hold] = {}
    ended = sorted(state.held)
    for start in range(0, len(ended), _BACK):
        kept = await tx.entries.holds(ended[start : start + _BACK])
        holds |= {hold_id: hold for hold_id, (_, hold) in kept.items()}
    then = arrived(state, lots, holds)
    for entry in came_in:
        if entry not in state.waiting:
            source = AccountId(UUID(entry.source_ref))
            before = await _wallet_then(tx, (await tx.wallets.load([source]))[source], as_of)
            then = evolve(then, lots=(*then.lots, *before.lots), holds=(*then.holds, *before.holds))
    return then


def _state(stock: Stock, at: datetime, known_at: datetime, now: datetime, is_frozen: bool) -> WalletState:
    lots = sorted(open_lots(stock, at), key=lambda item: (item.lot.created_at, item.lot.id))
    expired: Counter[str] = Counter()
    for item in lots:
        if is_expired(item.lot, at):
            expired[item.lot.kind] += item.remaining
    return WalletState(
        at=at,
        known_at=known_at,
        is_final=now - known_at >= SETTLES_AFTER,
        tokens={str(kind): tokens for kind, tokens in balance(stock, at).items()},
        held={str(kind): tokens for kind, tokens in on_hold(stock, at).items()},
        expired=dict(expired),
        is_frozen=is_frozen,
        lots=tuple(
            LotLeft(item.lot.kind, item.remaining, item.lot.effective_from, item.lot.expires_at)
            for item in lots
            if not is_expired(item.lot, at)
        ),
    )
