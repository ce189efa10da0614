"""Tokens set aside: hold, then post or void; and holds that end by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from attrs import evolve

from buddy_core.kernel.clock import utc
from buddy_core.kernel.ids import EntryId, HoldId, derived_uuid
from buddy_core.kernel.storable import check_instant
from buddy_core.tokens.commands import HoldTokens, NewIds, PostHold, VoidHold, own_key
from buddy_core.tokens.errors import (
    BadHold,
    HoldExpired,
    HoldNotForTitle,
    HoldNotFound,
    PostBeyondHold,
    WalletFrozen,
)
from buddy_core.tokens.model import (
    EXPIRED,
    HELD,
    HeldLot,
    Hold,
    OpenHold,
    Operation,
    TokenKind,
    Wallet,
    check_amount,
)
from buddy_core.tokens.rules.drawing import Draw, draw, fits, is_expired, reduced, restored
from buddy_core.tokens.rules.posting import (
    Because,
    Cause,
    Posted,
    begun_at,
    check_own,
    check_sale,
    check_scopes,
    drawn_at,
    moves,
    next_entry,
    numbers,
    spending_postings,
)
from buddy_core.tokens.rules.valuing import Versions

LONGEST_HOLD = timedelta(days=31)
"""How long tokens may be set aside: they do not expire meanwhile, and a hold is no way around expiry."""


def hold(wallet: Wallet, command: HoldTokens, versions: Versions, at: datetime, ids: NewIds) -> Posted:
    """Set tokens aside, drawn as a spend would draw them.

    Raises:
        WalletFrozen: a frozen wallet holds nothing new.
        BadHold: it would end before it begins, or later than in 31 days.
        InsufficientTokens: the live lots that fit the title have less.
        BadTokenAmount, UnknownKind.
        InvalidValue: the command names another account.
    """
    at = utc(at)
    check_own(wallet, command)
    if wallet.is_frozen:
        raise WalletFrozen(wallet.account_id)
    assert ids.hold is not None, "a hold needs an id, so the step mints it"
    expires_at = check_instant(command.expires_at, "expires_at")
    now = drawn_at(wallet, at)
    if expires_at <= now:
        raise BadHold("the hold would end before it begins")
    if expires_at > at + LONGEST_HOLD:
        raise BadHold(f"a hold ends within {LONGEST_HOLD.days} days")
    check_scopes(command.title_scopes)
    draws = draw(wallet, check_amount(command.amount), command.title_scopes, now)
    versioned = numbers(draws, versions)
    made = Hold(ids.hold, command.amount, expires_at)
    entry = next_entry(
        wallet,
        Operation.HOLD,
        command,
        begun_at(draws, at),
        ids.entry,
        moves(draws, HELD, versioned),
        holds=(made,),
    )
    kept = tuple(HeldLot(item.lot, item.amount, versioned[item.lot.kind]) for item in draws)
    holds = (*wallet.holds, OpenHold(made, kept))
    return Posted(wallet.after(entry, reduced(wallet.lots, draws), holds), entry)


def post(wallet: Wallet, command: PostHold, versions: Versions, at: datetime, ids: NewIds) -> Posted:
    """Spend what is held, or the part that was drawn first, valued by the versions in force now.

    What is held goes back to its lots and is spent from them in the same entry, so that
    the entry tells what each lot gave as a spend does. The rest stays in its lots; of
    it, what has expired meanwhile expires at once. What is spent was live when it was
    held: that its lot would have expired meanwhile does not count.

    Raises:
        WalletFrozen: a frozen wallet spends nothing.
        HoldNotFound, HoldExpired: there is nothing held any more.
        PostBeyondHold: more than is held.
        HoldNotForTitle: a lot held is restricted to other titles.
        BadTokenAmount, UnknownKind, NoValueInCurrency: the spend cannot be valued.
        InvalidValue: the command names another account, no title or no country.
    """
    at = utc(at)
    check_own(wallet, command)
    check_sale(command)
    check_scopes(command.title_scopes)
    if wallet.is_frozen:
        raise WalletFrozen(wallet.account_id)
    found = open_hold(wallet, command.hold_id)
    if found.has_lapsed(at):
        raise HoldExpired(found.id, found.hold.expires_at)
    amount = found.hold.amount if command.amount is None else check_amount(command.amount)
    if amount > found.hold.amount:
        raise PostBeyondHold(amount, found.hold.amount)
    back = _held(found)
    spent, rest = _split(back, amount)
    if not all(fits(item.lot, command.title_scopes) for item in spent):
        raise HoldNotForTitle(found.id)
    gone = [item for item in rest if is_expired(item.lot, at)]
    versioned = numbers(back, versions)
    postings = (
        *moves([evolve(item, amount=-item.amount) for item in back], HELD, versioned),
        *spending_postings(spent, command.title_id, command.currency, versions),
        *moves(gone, EXPIRED, versioned),
    )
    entry = next_entry(
        wallet,
        Operation.POST,
        command,
        at,
        ids.entry,
        postings,
        rule_version=command.rule_version,
        hold_id=found.id,
        country=command.country,
        entity=command.entity,
    )
    lots = reduced(restored(wallet.lots, back), _summed([*spent, *gone]))
    return Posted(wallet.after(entry, lots, _without(wallet, found.id)), entry)


def void(wallet: Wallet, command: VoidHold, at: datetime, ids: NewIds) -> Posted:
    """Set free all that a hold set aside, also of a frozen wallet; of a lapsed one, from when it lapsed.

    Raises:
        HoldNotFound: it was posted or voided before, or never was.
        InvalidValue: the command names another account.
    """
    check_own(wallet, command)
    return _voided(wallet, open_hold(wallet, command.hold_id), command, utc(at), ids.entry)


def lapse(wallet: Wallet, at: datetime) -> list[Posted]:
    """Return the entries that end the holds whose time is over, each from the instant it was over.

    Their ids follow from the holds, so that whoever writes them writes the same.
    """
    over = [item for item in wallet.holds if item.has_lapsed(at)]
    return release(wallet, over, "lapse", "time-out", at)


def release(wallet: Wallet, holds: Iterable[OpenHold], why: str, source: str, at: datetime) -> list[Posted]:
    """Return the entries that void `holds`, the first to end first, without a command for each."""
    made: list[Posted] = []
    for item in sorted(holds, key=lambda found: (found.hold.expires_at, found.id)):
        cause = Because(own_key(why, str(item.id)), source, str(item.id))
        before = made[-1].wallet if made else wallet
        made.append(_voided(before, item, cause, utc(at), EntryId(derived_uuid(why, item.id))))
    return made


def open_hold(wallet: Wallet, hold_id: HoldId) -> OpenHold:
    """Return the wallet's hold of that id that no entry has ended.

    Raises:
        HoldNotFound: there is none.
    """
    for item in wallet.holds:
        if item.id == hold_id:
            return item
    raise HoldNotFound(hold_id)


def _voided(wallet: Wallet, found: OpenHold, cause: Cause, at: datetime, entry_id: EntryId) -> Posted:
    """Return what void writes: postings that mirror the hold's, with the versions of the hold's."""
    effective_at = min(at, found.hold.expires_at)
    back = _held(found)
    # What expires later than the hold has ended is written off by a sweep, like anything else.
    gone = [item for item in back if is_expired(item.lot, effective_at)]
    versioned: dict[TokenKind, int] = {item.lot.kind: item.version for item in found.lots}
    postings = (
        *moves([evolve(item, amount=-item.amount) for item in back], HELD, versioned),
        *moves(gone, EXPIRED, versioned),
    )
    entry = next_entry(
        wallet,
        Operation.VOID,
        cause,
        at,
        entry_id,
        postings,
        effective_at=effective_at,
        hold_id=found.id,
    )
    lots = reduced(restored(wallet.lots, back), gone)
    return Posted(wallet.after(entry, lots, _without(wallet, found.id)), entry)


def _held(found: OpenHold) -> list[Draw]:
    return [Draw(item.lot, item.amount) for item in found.lots]


def _split(draws: Sequence[Draw], amount: int) -> tuple[list[Draw], list[Draw]]:
    """Return the first `amount` of what was drawn, and the rest."""
    first: list[Draw] = []
    rest: list[Draw] = []
    for item in draws:
        taken = min(amount, item.amount)
        amount -= taken
        first += [Draw(item.lot, taken)] if taken else []
        rest += [Draw(item.lot, item.amount - taken)] if taken < item.amount else []
    return first, rest


def _summed(draws: Sequence[Draw]) -> list[Draw]:
    """Return one draw a lot: the lot that a part-post splits is both spent and left over."""
    of_lot: dict[object, Draw] = {}
    for item in draws:
        before = of_lot.get(item.lot.id)
        of_lot[item.lot.id] = Draw(item.lot, item.amount + (before.amount if before else 0))
    return list(of_lot.values())


def _without(wallet: Wallet, hold_id: HoldId) -> tuple[OpenHold, ...]:
    return tuple(item for item in wallet.holds if item.id != hold_id)
