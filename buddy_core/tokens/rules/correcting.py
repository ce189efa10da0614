"""Entries that put another one right: refund, reverse, adjust. What they correct is never altered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction

from attrs import evolve, field, frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.ids import AccountId, LotId
from buddy_core.tokens.commands import AdjustTokens, NewIds, RefundTokens, ReverseTokens
from buddy_core.tokens.errors import (
    AdjustBeyondLot,
    AlreadyRefunded,
    AlreadyReversed,
    BadAdjustment,
    BadTokenAmount,
    LotNotFound,
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
from buddy_core.tokens.rules.merging import cost_share, derived_lot_id, moved_id
from buddy_core.tokens.rules.posting import (
    Because,
    Posted,
    check_cause,
    check_own,
    moves,
    next_entry,
    numbers,
)
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
    withdrawn: Mapping[LotId, int] = field(factory=dict)
    """What is uncollectable still of each lot, by `origin_id`, whose opening entry has been reversed."""


@frozen
class Back:
    """What one draw of a spend gets back, and what becomes of it in the lot that it goes to."""

    drawn: Posting
    """The spend's own posting."""
    home: Lot
    amount: int
    withdrawn: int
    """What the reversal of the lot's origin still lacked: it is taken again at once."""
    expired: int
    """What of the rest came too late."""

    @property
    def kept(self) -> int:
        """What can be spent again."""
        return self.amount - self.withdrawn - self.expired

    @property
    def value(self) -> Fraction:
        """What it was worth when it was spent, in minor units."""
        assert self.drawn.value is not None, "what a spend draws is valued"
        return self.drawn.value / self.drawn.amount * self.amount


def home_id(lot: Lot, spender: AccountId, owner: AccountId) -> LotId:
    """Return the id of the lot that takes back what `spender` drew from `lot`, once it is `owner`'s."""
    return lot.id if spender == owner else moved_id(lot, owner)


def refund(wallet: Wallet, spending: Spending, command: RefundTokens, at: datetime, ids: NewIds) -> Posted:
    """Give back what an entry spent, the last drawn first, to the very lots; also of a frozen wallet.

    The postings are the spend's with the sign turned, at its versions and values. After
    a merge the tokens go to the owner's lot of the same origin, opened anew if there is
    none. Of what goes to a lot that was withdrawn, as much is taken again at once, to
    `adjusted`, as is uncollectable still; what of the rest has expired meanwhile expires
    in the same entry.

    Raises:
        NotRefundable: the entry spent nothing.
        AlreadyRefunded, RefundBeyondDraws: less than that is still used.
        LotNotFound: a lot that it drew on is not among the lots given.
        InvalidValue: the command names another account or entry.
        BadTokenAmount.
    """
    at = utc(at)
    spent = spending.entry
    check_own(wallet, command)
    _check_named(command, spent)
    plan = _plan(wallet, spending, command, at)
    versioned = {item.drawn.kind: item.drawn.version for item in plan}
    expired = [Draw(item.home, item.expired) for item in plan if item.expired]
    withdrawn = [Draw(item.home, item.withdrawn) for item in plan if item.withdrawn]
    entry = next_entry(
        wallet,
        Operation.REFUND,
        command,
        at,
        ids.entry,
        (
            *_given_back(plan, spent),
            *moves(expired, EXPIRED, versioned),
            *_taken_again(withdrawn, versioned),
        ),
        lots=tuple(item.home for item in plan if item.home.id not in spending.lots),
        corrects=spent.id,
        country=spent.country,
        entity=spent.entity,
    )
    kept = [Draw(item.home, item.kept) for item in plan]
    return Posted(wallet.after(entry, restored(wallet.lots, kept)), entry)


def _plan(wallet: Wallet, spending: Spending, command: RefundTokens, at: datetime) -> list[Back]:
    """Say of each draw what comes back, where to, and how much of it stays there."""
    spent = spending.entry
    drawn = {item.lot_id: item for item in spent.postings if _is_drawn(item)}
    if spent.operation not in (Operation.SPEND, Operation.POST) or not drawn:
        raise NotRefundable(spent.operation)
    used = _still_used(spent, spending.earlier)
    left = sum(item.amount for item in used)
    if not left:
        raise AlreadyRefunded(spent.id)
    plan: list[Back] = []
    lacking = dict(spending.withdrawn)
    for item in refund_draws(used, left if command.amount is None else command.amount).restored:
        home = _home(spending, item, wallet)
        withdrawn = min(item.amount, lacking.get(home.origin_id, 0))
        lacking[home.origin_id] = lacking.get(home.origin_id, 0) - withdrawn
        expired = item.amount - withdrawn if is_expired(home, at) else 0
        plan.append(Back(drawn[item.lot_id], home, item.amount, withdrawn, expired))
    return plan


def _given_back(plan: Sequence[Back], spent: Entry) -> tuple[Posting, ...]:
    """Turn the spend round: into each lot, and from the title the sum of each kind."""
    collected = next(item.account for item in spent.postings if is_spent(item.account))
    given = [evolve(item.drawn, lot_id=item.home.id, amount=item.amount, value=item.value) for item in plan]
    of_kind: dict[TokenKind, Posting] = {}
    for item in plan:
        so_far = of_kind.get(item.drawn.kind)
        before, worth = (so_far.amount, so_far.value or 0) if so_far else (0, 0)
        of_kind[item.drawn.kind] = evolve(
            item.drawn, account=collected, lot_id=None, amount=before - item.amount, value=worth - item.value
        )
    return (*given, *of_kind.values())


def taken_at_once(refunds: Iterable[Entry], origin_id: LotId) -> int:
    """Return how many tokens refunds took again of one origin, in whichever wallet they went to."""
    return sum(
        posting.amount
        for entry in refunds
        if entry.operation is Operation.REFUND
        for posting in entry.postings
        if posting.account == ADJUSTED
        and posting.lot_id in (origin_id, derived_lot_id(origin_id, entry.account_id))
    )


def uncollectable(reversal: Entry) -> int:
    """Return how many tokens a reversal did not find in the lot any more."""
    return -sum(posting.amount for posting in reversal.postings if posting.account == ADJUSTED)


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
        InvalidValue: the command names another account or entry.
        UnknownKind.
    """
    at = utc(at)
    check_own(wallet, command)
    _check_named(command, earned)
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
        InvalidValue: the command names another account, entry or lot; a reason that is too long.
        BadTokenAmount, UnknownKind.
    """
    at = utc(at)
    check_own(wallet, command)
    _check_named(command, corrected)
    if command.lot_id != lot.id:
        raise InvalidValue("lot_id", "names another lot than the one given")
    if isinstance(command.amount, bool) or not isinstance(command.amount, int):
        raise BadTokenAmount(command.amount)
    change = Draw(lot, check_amount(abs(command.amount)))
    there = [item.remaining for item in wallet.lots if item.lot.id == lot.id and not is_expired(lot, at)]
    left = sum(there)
    if not check_cause(command.reason, "reason").strip():
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


def _check_named(command: RefundTokens | ReverseTokens | AdjustTokens, entry: Entry) -> None:
    if command.entry_id != entry.id:
        raise InvalidValue("entry_id", "names another entry than the one given")


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


def _home(spending: Spending, back: LotDraw[LotId], wallet: Wallet) -> Lot:
    """Return the lot that takes the tokens back; one that is not there yet is as a merge would open it."""
    lot = spending.lots.get(back.lot_id)
    if lot is None:
        raise LotNotFound(back.lot_id)
    home = home_id(lot, spending.entry.account_id, wallet.account_id)
    found = spending.lots.get(home)
    if found is None:
        found = evolve(lot, id=home, amount=back.amount, cost_minor=cost_share(lot, back.amount))
    return found
