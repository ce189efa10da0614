"""Entries that put another one right: refund, reverse, adjust. What they correct is never altered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime

from attrs import evolve, frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.ids import AccountId, LotId
from buddy_core.tokens.commands import AdjustTokens, NewIds, RefundTokens, ReverseTokens
from buddy_core.tokens.errors import (
    AdjustBeyondLot,
    AlreadyRefunded,
    AlreadyReversed,
    BadAdjustment,
    BadTokenAmount,
    NotRefundable,
    NotReversible,
)
from buddy_core.tokens.model import (
    ADJUSTED,
    EXPIRED,
    MAX_TOKENS,
    WALLET,
    Entry,
    Lot,
    OpenHold,
    Operation,
    Posting,
    TokenKind,
    Wallet,
    check_amount,
    is_spent,
)
from buddy_core.tokens.rules.drawing import Draw, is_expired, reduced, restored
from buddy_core.tokens.rules.merging import cost_share, moved_id
from buddy_core.tokens.rules.posting import Because, Posted, moves, next_entry, numbers
from buddy_core.tokens.rules.refunding import LotDraw, refund_draws
from buddy_core.tokens.rules.valuing import Versions


@frozen
class Spending:
    """An entry that spent tokens, and what a refund of it must know."""

    entry: Entry
    earlier: Sequence[Entry]
    """The refunds of it so far, in whichever wallet."""
    lots: Mapping[LotId, Lot]
    """The lots that it drew on, and those of the owner of today that they became."""
    withdrawn: Set[LotId] = frozenset()
    """The lots, by `origin_id`, whose opening earning or purchase has been reversed."""


def home_id(lot: Lot, spender: AccountId, owner: AccountId) -> LotId:
    """Return the id of the lot that takes back what `spender` drew from `lot`, once it is `owner`'s."""
    return lot.id if spender == owner else moved_id(lot, owner)


def refund(wallet: Wallet, spending: Spending, command: RefundTokens, at: datetime, ids: NewIds) -> Posted:
    """Give back what an entry spent, the last drawn first, to the very lots; also of a frozen wallet.

    The postings are the spend's with the sign turned, at its versions and values. After
    a merge the tokens go to the owner's lot of the same origin, opened anew if there is
    none. What has expired meanwhile expires at once, in the same entry; what goes to a
    lot that was withdrawn is taken back at once, to `adjusted`, lot by lot.

    Raises:
        NotRefundable: the entry spent nothing.
        AlreadyRefunded, RefundBeyondDraws: less than that is still used.
        BadTokenAmount.
    """
    at = utc(at)
    spent = spending.entry
    drawn = {item.lot_id: item for item in spent.postings if _is_drawn(item)}
    if spent.operation not in (Operation.SPEND, Operation.POST) or not drawn:
        raise NotRefundable(spent.operation)
    used = _still_used(spent, spending.earlier)
    left = sum(item.amount for item in used)
    if not left:
        raise AlreadyRefunded(spent.id)
    back = refund_draws(used, left if command.amount is None else command.amount).restored
    homes = [_home(spending, item, wallet) for item in back]
    opened = tuple(item.lot for item in homes if item.lot.id not in spending.lots)
    collected = next(item.account for item in spent.postings if is_spent(item.account))
    withdrawn = [item for item in homes if item.lot.origin_id in spending.withdrawn]
    gone = [item for item in homes if item not in withdrawn and is_expired(item.lot, at)]
    given: list[Posting] = []
    of_kind: dict[str, Posting] = {}
    for item, home in zip(back, homes, strict=True):
        source = drawn[item.lot_id]
        assert source.value is not None, "what a spend draws is valued"
        value = source.value / source.amount * item.amount
        turned = evolve(source, lot_id=home.lot.id, amount=item.amount, value=value)
        given.append(turned)
        sum_before = of_kind.get(turned.kind)
        of_kind[turned.kind] = Posting(
            collected,
            None,
            turned.kind,
            -item.amount + (sum_before.amount if sum_before else 0),
            turned.version,
            turned.currency,
            -value + ((sum_before.value if sum_before else None) or 0),
        )
    versioned = {item.kind: item.version for item in drawn.values()}
    entry = next_entry(
        wallet,
        Operation.REFUND,
        command,
        at,
        ids.entry,
        (
            *given,
            *of_kind.values(),
            *moves(gone, EXPIRED, versioned),
            *_taken_again(withdrawn, versioned),
        ),
        lots=opened,
        corrects=spent.id,
        country=spent.country,
        entity=spent.entity,
    )
    return Posted(wallet.after(entry, reduced(restored(wallet.lots, homes), [*gone, *withdrawn])), entry)


def reverse(
    wallet: Wallet,
    earned: Entry,
    earlier: Sequence[Entry],
    command: ReverseTokens,
    versions: Versions,
    at: datetime,
    ids: NewIds,
) -> Posted:
    """Take back what is left of the very lot that an entry opened; also of a frozen wallet.

    After a merge it is the owner's lot of the same origin. What is not there any more is
    recorded as uncollectable on `adjusted`. Holds on the lot must have been released, and
    what has expired written off.

    Raises:
        NotReversible: the entry brought nothing in.
        AlreadyReversed: it was done before.
        UnknownKind.
    """
    at = utc(at)
    if earned.operation not in (Operation.EARN, Operation.PURCHASE):
        raise NotReversible(earned.operation)
    if any(item.operation is Operation.REVERSE for item in earlier):
        raise AlreadyReversed(earned.id)
    [lot] = earned.lots
    [account] = [item.account for item in earned.postings if item.account != WALLET]
    rest, taken = lot.amount, []
    for item in sorted(wallet.lots, key=lambda found: found.lot.id):
        if item.lot.origin_id == lot.origin_id and rest:
            taken.append(Draw(item.lot, min(rest, item.remaining)))
            rest -= taken[-1].amount
    version = numbers([Draw(lot, lot.amount)], versions)[lot.kind]
    postings = (
        *(Posting(WALLET, item.lot.id, lot.kind, -item.amount, version) for item in taken),
        Posting(account, None, lot.kind, lot.amount, version),
        *([Posting(ADJUSTED, None, lot.kind, -rest, version)] if rest else []),
    )
    entry = next_entry(wallet, Operation.REVERSE, command, at, ids.entry, postings, corrects=earned.id)
    return Posted(wallet.after(entry, reduced(wallet.lots, taken)), entry)


def holds_on(wallet: Wallet, earned: Entry) -> list[OpenHold]:
    """Return the open holds that set aside tokens which `earned` brought in."""
    origins = {lot.origin_id for lot in earned.lots}
    return [item for item in wallet.holds if any(held.lot.origin_id in origins for held in item.lots)]


def adjust(
    wallet: Wallet,
    lot: Lot,
    corrected: Entry,
    command: AdjustTokens,
    versions: Versions,
    at: datetime,
    ids: NewIds,
) -> Posted:
    """Give tokens to a lot or take some, by hand; also of a frozen wallet.

    Raises:
        BadAdjustment: there is no reason, or the lot to give to has expired or would be too large.
        AdjustBeyondLot: the lot has less left; one that has expired has nothing.
        BadTokenAmount, UnknownKind.
    """
    at = utc(at)
    if isinstance(command.amount, bool) or not isinstance(command.amount, int):
        raise BadTokenAmount(command.amount)
    change = Draw(lot, check_amount(abs(command.amount)))
    there = [item.remaining for item in wallet.lots if item.lot.id == lot.id and not is_expired(lot, at)]
    left = sum(there)
    if not command.reason.strip():
        raise BadAdjustment("there is no reason; say why, for whoever asks later")
    if command.amount > 0 and is_expired(lot, at):
        raise BadAdjustment("the lot has expired, so that what it is given could not be spent")
    if left + command.amount > MAX_TOKENS:
        raise BadAdjustment("the lot would have more than 2^53 tokens")
    if left + command.amount < 0:
        raise AdjustBeyondLot(-command.amount, left)
    cause = Because(command.idempotency_key, command.by, command.reason)
    taken = [Draw(lot, -command.amount)]
    postings = moves(taken, ADJUSTED, numbers(taken, versions))
    entry = next_entry(wallet, Operation.ADJUST, cause, at, ids.entry, postings, corrects=corrected.id)
    if command.amount > 0:
        return Posted(wallet.after(entry, restored(wallet.lots, [change])), entry)
    return Posted(wallet.after(entry, reduced(wallet.lots, [change])), entry)


def given_back(refunds: Iterable[Entry]) -> int:
    """Return how many tokens refunds took back from the title."""
    return -sum(
        posting.amount
        for entry in refunds
        if entry.operation is Operation.REFUND
        for posting in entry.postings
        if is_spent(posting.account)
    )


def _taken_again(draws: Sequence[Draw], versioned: Mapping[TokenKind, int]) -> tuple[Posting, ...]:
    """Take from lots that were withdrawn; the other side names the lot, too, for it was uncollectable."""
    made: list[Posting] = []
    for item in draws:
        lot, version = item.lot, versioned[item.lot.kind]
        made.append(Posting(WALLET, lot.id, lot.kind, -item.amount, version))
        made.append(Posting(ADJUSTED, lot.id, lot.kind, item.amount, version))
    return tuple(made)


def _still_used(spent: Entry, earlier: Sequence[Entry]) -> list[LotDraw[LotId]]:
    """Return what of each draw no refund has given back; refunds go backwards, so their sum tells it."""
    draws = [
        LotDraw(item.lot_id, -item.amount)
        for item in spent.postings
        if _is_drawn(item) and item.lot_id is not None
    ]
    before = given_back(earlier)
    if not before:
        return draws
    used = refund_draws(draws, before).still_used
    return [LotDraw(item.lot_id, used[item.lot_id]) for item in draws if used[item.lot_id]]


def _is_drawn(posting: Posting) -> bool:
    return posting.account == WALLET and posting.amount < 0 and posting.value is not None


def _home(spending: Spending, back: LotDraw[LotId], wallet: Wallet) -> Draw:
    """Return the lot that takes the tokens back; one that is not there yet is as a merge would open it."""
    lot = spending.lots[back.lot_id]
    home = home_id(lot, spending.entry.account_id, wallet.account_id)
    found = spending.lots.get(home)
    if found is None:
        found = evolve(lot, id=home, amount=back.amount, cost_minor=cost_share(lot, back.amount))
    return Draw(found, back.amount)
