"""Purchases, sweeps, and what puts an entry right: refund, reversal, adjustment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import BuddyError, EntryId, HoldId, LotId
from buddy_core.tokens import (
    ADJUSTED,
    BONUS,
    EXPIRED,
    ISSUED,
    MAX_TOKENS,
    PAID,
    SOLD,
    WALLET,
    AdjustBeyondLot,
    AdjustTokens,
    AlreadyRefunded,
    AlreadyReversed,
    BadAdjustment,
    BadLot,
    BadScope,
    BadTokenAmount,
    BuyTokens,
    Entry,
    ExpireTokens,
    FreezeWallet,
    HoldTokens,
    Lot,
    MergeWallets,
    NewIds,
    NotRefundable,
    NotReversible,
    OpenLot,
    Operation,
    Posted,
    PostHold,
    Posting,
    RefundBeyondDraws,
    RefundTokens,
    ReverseTokens,
    Spending,
    UnknownKind,
    Wallet,
    WalletFrozen,
    adjust,
    balance,
    buy,
    check_corrections,
    expire,
    freeze,
    hold,
    merge,
    post,
    refund,
    reverse,
    spent_on,
)
from tests.contracts.cases import AT, NEWTACT, VERSIONS, account, earned, spent, title, uid
from tests.core.tokens.strategies import wallets

DAY = timedelta(days=1)
NEW = NewIds(EntryId(uid(700)), LotId(uid(701)), HoldId(uid(702)))


def buying(**changes: Any) -> BuyTokens:
    """Return a command that buys fifty tokens for 49 rupees."""
    values: dict[str, Any] = {
        "account_id": account(1),
        "kind": PAID,
        "amount": 50,
        "cost_minor": 4900,
        "cost_currency": "INR",
        "source": "order",
        "source_ref": "ord_1",
        "idempotency_key": "buy",
        "expires_at": None,
    }
    return BuyTokens(**{**values, **changes})


def refunded(
    wallet: Wallet,
    of: Entry,
    amount: int | None = None,
    earlier: Sequence[Entry] = (),
    lots: Sequence[Lot] = (),
    at: datetime = AT,
) -> Posted:
    """Refund an entry, given the refunds before; `lots` beside those that the wallet has open."""
    known = {lot.id: lot for lot in lots} | {item.lot.id: item.lot for item in wallet.lots}
    command = RefundTokens(wallet.account_id, of.id, "support", "case 1", f"r-{len(earlier)}", amount)
    new = NewIds(EntryId(uid(710 + len(earlier))))
    return refund(wallet, Spending(of, earlier, known), command, at, new)


def left(wallet: Wallet) -> dict[LotId, int]:
    """Return what each lot has left."""
    return {item.lot.id: item.remaining for item in wallet.lots}


def lots_of(wallet: Wallet) -> list[Lot]:
    """Return the open lots."""
    return [item.lot for item in wallet.lots]


# -- buy -----------------------------------------------------------------------------------------------


def test_a_purchase_opens_a_paid_lot_with_its_cost() -> None:
    """The lot says what was paid for all of it, and the tokens come from those sold."""
    posted = buy(Wallet(account(1)), buying(expires_at=AT + DAY), VERSIONS, AT, NEW)
    [lot] = posted.entry.lots
    assert (lot.cost_minor, lot.cost_currency, lot.earned_as_guest) == (4900, "INR", False)
    assert posted.entry.postings == (
        Posting(SOLD, None, PAID, -50, 1),
        Posting(WALLET, lot.id, PAID, 50, 1),
    )
    assert posted.entry.operation is Operation.PURCHASE
    assert balance(posted.wallet, AT) == {PAID: 50}


def test_a_purchase_may_count_from_later_on() -> None:
    """Before its start a lot cannot be spent; a start in the past is refused."""
    posted = buy(Wallet(account(1)), buying(effective_from=AT + DAY), VERSIONS, AT, NEW)
    assert (balance(posted.wallet, AT), balance(posted.wallet, AT + DAY)) == ({}, {PAID: 50})
    assert posted.entry.lots[0].created_at == AT
    with pytest.raises(BadLot):
        buy(Wallet(account(1)), buying(effective_from=AT - timedelta(seconds=1)), VERSIONS, AT, NEW)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": 0}, "tokens.bad_amount"),
        ({"amount": -1}, "tokens.bad_amount"),
        ({"amount": MAX_TOKENS + 1}, "tokens.bad_amount"),
        ({"amount": 1.5}, "tokens.bad_amount"),
        ({"kind": "gold"}, "tokens.unknown_kind"),
        ({"scopes": ("",)}, "tokens.bad_scope"),
        ({"scopes": ("type:",)}, "tokens.bad_scope"),
        ({"scopes": ("type:film", "film")}, "tokens.bad_scope"),
        ({"scopes": "type:film"}, "tokens.bad_lot"),
        ({"expires_at": AT}, "tokens.bad_lot"),
        ({"effective_from": AT + DAY, "expires_at": AT + timedelta(hours=1)}, "tokens.bad_lot"),
        ({"cost_minor": -1}, "tokens.bad_lot"),
        ({"cost_minor": 4.5}, "tokens.bad_lot"),
        ({"cost_minor": None}, "tokens.bad_lot"),
    ],
)
def test_bad_input_buys_nothing(change: dict[str, Any], code: str) -> None:
    """Each mistake has its code."""
    with pytest.raises(BuddyError) as refusal:
        buy(Wallet(account(1)), buying(**change), VERSIONS, AT, NEW)
    assert refusal.value.code == code


def test_an_earning_with_a_scope_that_names_nothing_is_refused() -> None:
    """A lot that nothing could ever be spent from is not opened."""
    with pytest.raises(BadScope):
        earned(Wallet(account(1)), 5, 1, scopes=("title: ",))


# -- expire --------------------------------------------------------------------------------------------


@given(wallets(), st.integers(0, 200))
def test_a_sweep_touches_expired_lots_only(wallet: Wallet, hours: int) -> None:
    """The balance is what it was; of the rest nothing moved; a second sweep finds nothing."""
    at = AT + timedelta(hours=hours)
    dead = {
        item.lot.id: item.remaining
        for item in wallet.lots
        if item.lot.expires_at is not None and item.lot.expires_at <= at
    }
    posted = expire(wallet, ExpireTokens(wallet.account_id, "sweep"), VERSIONS, at, NEW)
    if posted is None:
        assert dead == {}
        return
    assert left(posted.wallet) == {lot: n for lot, n in left(wallet).items() if lot not in dead}
    assert {i.lot_id: -i.amount for i in posted.entry.postings if i.account == WALLET} == dead
    assert balance(posted.wallet, at) == balance(wallet, at)
    assert expire(posted.wallet, ExpireTokens(wallet.account_id, "again"), VERSIONS, at, NEW) is None


def test_a_frozen_wallet_is_swept() -> None:
    """A freeze does not keep tokens from expiring; it stops purchases."""
    wallet = earned(Wallet(account(1)), 5, 1, expires_at=AT + DAY).wallet
    command = FreezeWallet(account(1), True, "odd", "admin", "freeze")
    frozen = freeze(wallet, command, AT, NewIds(EntryId(uid(703)))).wallet
    posted = expire(frozen, ExpireTokens(account(1), "sweep"), VERSIONS, AT + DAY, NEW)
    assert posted is not None
    assert (posted.wallet.lots, posted.wallet.is_frozen) == ((), True)
    with pytest.raises(WalletFrozen):
        buy(frozen, buying(), VERSIONS, AT, NEW)


# -- refund --------------------------------------------------------------------------------------------


@given(wallets(), st.integers(1, 40))
def test_a_spend_and_its_refund_are_nothing(wallet: Wallet, amount: int) -> None:
    """Every lot has what it had, and by account and kind the two entries cancel out, values too."""
    try:
        made = spent(wallet, amount, 1)
    except BuddyError:
        return
    back = refunded(made.wallet, made.entry, lots=lots_of(wallet))
    assert left(back.wallet) == left(wallet)
    sums: dict[object, list[Any]] = {}
    for item in (*made.entry.postings, *back.entry.postings):
        found = sums.setdefault((item.account, item.lot_id, item.kind, item.version), [0, Fraction(0)])
        found[0] += item.amount
        found[1] += item.value or 0
    assert set(map(tuple, sums.values())) == {(0, Fraction(0))}
    assert check_corrections({made.entry.id: made.entry}, [back.entry]) == []


@given(wallets(), st.integers(2, 40), st.data())
def test_refunds_in_parts_are_one_refund(wallet: Wallet, amount: int, data: st.DataObject) -> None:
    """In whatever parts, the last drawn comes back first, and after all of it there is nothing more."""
    try:
        made = spent(wallet, amount, 1)
    except BuddyError:
        return
    state, earlier, rest = made.wallet, list[Entry](), amount
    while rest:
        part = data.draw(st.integers(1, rest))
        with pytest.raises(RefundBeyondDraws):
            refunded(state, made.entry, rest + 1, earlier, lots_of(wallet))
        posted = refunded(state, made.entry, part, earlier, lots_of(wallet))
        state, rest = posted.wallet, rest - part
        earlier.append(posted.entry)
        if rest:
            assert left(state) == left(spent(wallet, rest, 2).wallet)
    assert left(state) == left(wallet)
    with pytest.raises(AlreadyRefunded):
        refunded(state, made.entry, None, earlier, lots_of(wallet))
    twice = [*earlier, earlier[0]]
    assert check_corrections({made.entry.id: made.entry}, twice) != []


def test_what_has_expired_meanwhile_expires_at_once() -> None:
    """The lot gets its tokens back and loses them in the same entry; the others keep theirs."""
    soon = AT + timedelta(hours=1)
    wallet = earned(earned(Wallet(account(1)), 3, 1, expires_at=soon).wallet, 5, 2).wallet
    made = spent(wallet, 5, 1)
    back = refunded(made.wallet, made.entry, lots=lots_of(wallet), at=soon)
    assert balance(back.wallet, soon) == {BONUS: 5}
    assert [i.amount for i in back.entry.postings if i.account == EXPIRED] == [3]
    assert [i.amount for i in back.entry.postings if i.account == spent_on(title(1))] == [-5]


def test_a_refund_after_a_merge_goes_to_the_member() -> None:
    """Tokens come back to the lot of the same origin; one that was used up is opened with its cost share."""
    wallet = buy(Wallet(account(1)), buying(amount=10, cost_minor=1000), VERSIONS, AT, NEW).wallet
    wallet = earned(wallet, 4, 2).wallet
    made = spent(wallet, 14, 1)
    command = MergeWallets(account(1), account(2), 99, "merge")
    merged = merge(made.wallet, Wallet(account(2)), command, VERSIONS, AT, EntryId(uid(720)))
    back = refunded(merged.target, made.entry, 3, lots=lots_of(wallet))
    [opened] = back.entry.lots
    assert (opened.origin_id, opened.amount, opened.cost_minor) == (uid(701), 3, 300)
    again = refunded(back.wallet, made.entry, None, [back.entry], lots_of(wallet))
    assert balance(again.wallet, AT) == {BONUS: 4, PAID: 10}
    assert [lot.kind for lot in again.entry.lots] == [BONUS], "the paid lot is there by now"
    # The same from a guest who had something left: it is the lot that the merge had opened.
    part = spent(wallet, 12, 3)
    merged = merge(part.wallet, Wallet(account(2)), command, VERSIONS, AT, EntryId(uid(721)))
    moved = refunded(merged.target, part.entry, 5, lots=lots_of(wallet))
    assert moved.entry.lots == ()
    assert moved.wallet.lots == (OpenLot(merged.target.lots[0].lot, 7),)
    assert moved.entry.postings[0].lot_id == merged.target.lots[0].lot.id


def test_a_refund_of_a_post_gives_back_what_was_spent() -> None:
    """Of a hold that was posted in part, what had expired at the post stays expired."""
    soon, later = AT + timedelta(minutes=30), AT + timedelta(hours=1)
    wallet = earned(earned(Wallet(account(1)), 6, 1, expires_at=soon).wallet, 9, 2).wallet
    wish = HoldTokens(account(1), ("type:film",), 8, later, "rental", "r1", "hold")
    held = hold(wallet, wish, VERSIONS, AT, NEW).wallet
    part = PostHold(
        account(1), HoldId(uid(702)), title(1), ("type:film",), "rental", "r1", "p", "IN", NEWTACT, "INR", 4
    )
    posted = post(held, part, VERSIONS, soon, NEW)
    assert [item.amount for item in posted.entry.postings if item.account == EXPIRED] == [2]
    back = refunded(posted.wallet, posted.entry, at=soon - timedelta(seconds=1), lots=lots_of(wallet))
    assert [item.amount for item in back.entry.postings] == [4, -4]
    assert check_corrections({posted.entry.id: posted.entry}, [back.entry]) == []


def test_what_comes_back_to_a_withdrawn_lot_is_taken_at_once() -> None:
    """The refund names the lot on both sides; the proof passes it after the reversal, and never without."""
    first = earned(Wallet(account(1)), 8, 1)
    made = spent(first.wallet, 8, 2)
    withdrawal = reversed_(made.wallet, first.entry)
    command = RefundTokens(account(1), made.entry.id, "support", "r", "refund")
    lots = {lot.id: lot for lot in lots_of(first.wallet)}
    spending = Spending(made.entry, [], lots, {lot.origin_id: lot.amount for lot in lots.values()})
    back = refund(withdrawal.wallet, spending, command, AT, NewIds(EntryId(uid(740))))
    assert back.wallet.lots == ()
    [lot_id] = lots
    assert [(i.lot_id, i.amount) for i in back.entry.postings if i.account == ADJUSTED] == [(lot_id, 8)]
    originals = {item.entry.id: item.entry for item in (first, made)}
    assert check_corrections(originals, [withdrawal.entry, back.entry]) == []
    [fault] = check_corrections(originals, [back.entry])
    assert fault.problem == "takes back at once what was not withdrawn"
    kept = [item for item in back.entry.postings if item.account != WALLET or item.value is not None]
    [fault] = check_corrections(originals, [withdrawal.entry, evolve(back.entry, postings=tuple(kept))])
    assert fault.problem == "what it takes back at once does not leave the lot"


def test_no_more_is_taken_at_once_than_was_uncollectable() -> None:
    """Ten were bought and five given; the reversal found ten, so what is spent of the five comes back."""
    bought = buy(Wallet(account(1)), buying(amount=10, cost_minor=1000), VERSIONS, AT, NEW)
    [lot] = bought.entry.lots
    more = AdjustTokens(account(1), bought.entry.id, lot.id, 5, "sorry", "me", "a")
    given = adjust(bought.wallet, lot, bought.entry, more, VERSIONS, AT, NewIds(EntryId(uid(741))))
    early = spent(given.wallet, 3, 5)
    for before, uncollectable, left_over in ((given.wallet, 0, 5), (early.wallet, 0, 2)):
        withdrawal = reversed_(before, bought.entry)
        assert sum(i.amount for i in withdrawal.entry.postings if i.account == ADJUSTED) == -uncollectable
        made = spent(withdrawal.wallet, left_over, 6)
        back = refunded(made.wallet, made.entry, lots=[lot])
        assert balance(back.wallet, AT) == {PAID: left_over}
    late = spent(given.wallet, 12, 7)
    withdrawal = reversed_(late.wallet, bought.entry)
    whole = RefundTokens(account(1), late.entry.id, "support", "r", "refund")
    spending = Spending(late.entry, [], {lot.id: lot}, {lot.id: 7})
    back = refund(withdrawal.wallet, spending, whole, AT, NewIds(EntryId(uid(742))))
    assert [i.amount for i in back.entry.postings if i.account == ADJUSTED] == [7]
    assert balance(back.wallet, AT) == {PAID: 5}
    originals = {bought.entry.id: bought.entry, late.entry.id: late.entry}
    assert check_corrections(originals, [given.entry, withdrawal.entry, back.entry]) == []
    greedy = evolve(spending, withdrawn={lot.id: 12})
    wrong = refund(withdrawal.wallet, greedy, whole, AT, NewIds(EntryId(uid(742))))
    [fault] = check_corrections(originals, [given.entry, withdrawal.entry, wrong.entry])
    assert fault.problem == "takes back at once more than was uncollectable"


def test_what_is_over_is_lost_beyond_what_was_withdrawn() -> None:
    """Of a lot that has expired meanwhile the uncollectable part is taken, and the rest expires."""
    soon = AT + timedelta(hours=1)
    first = earned(Wallet(account(1)), 8, 1, expires_at=soon)
    made = spent(first.wallet, 8, 2)
    [lot] = first.entry.lots
    command = RefundTokens(account(1), made.entry.id, "support", "r", "refund")
    spending = Spending(made.entry, [], {lot.id: lot}, {lot.id: 3})
    back = refund(made.wallet, spending, command, soon, NewIds(EntryId(uid(743))))
    assert [(i.account, i.amount) for i in back.entry.postings] == [
        (WALLET, 8),
        (spent_on(title(1)), -8),
        (WALLET, -5),
        (EXPIRED, 5),
        (WALLET, -3),
        (ADJUSTED, 3),
    ]
    assert back.wallet.lots == ()


def test_only_a_spend_is_refunded() -> None:
    """An earning, a refund itself, and a spend that names no lot give nothing back."""
    posted = earned(Wallet(account(1)), 5, 1)
    with pytest.raises(NotRefundable):
        refunded(posted.wallet, posted.entry)
    made = spent(posted.wallet, 5, 2)
    with pytest.raises(NotRefundable):
        refunded(made.wallet, evolve(made.entry, postings=made.entry.postings[1:]))
    back = refunded(made.wallet, made.entry, lots=lots_of(posted.wallet))
    with pytest.raises(NotRefundable):
        refunded(back.wallet, back.entry)
    for amount in (0, -1, 2.5, True):
        with pytest.raises(BadTokenAmount):
            refunded(made.wallet, made.entry, amount, lots=lots_of(posted.wallet))  # type: ignore[arg-type]


# -- reverse -------------------------------------------------------------------------------------------


def reversed_(wallet: Wallet, of: Entry, earlier: Sequence[Entry] = ()) -> Posted:
    """Reverse an entry."""
    command = ReverseTokens(wallet.account_id, of.id, "ads", "fraud", "reverse")
    return reverse(wallet, of, earlier, command, VERSIONS, AT, NewIds(EntryId(uid(730))))


@pytest.mark.parametrize("used", [0, 3, 8])
def test_a_reversal_takes_what_is_left(used: int) -> None:
    """What is there goes back to where it came from; what is gone is uncollectable, by its own posting."""
    first = earned(Wallet(account(1)), 8, 1)
    wallet = spent(first.wallet, used, 2).wallet if used else first.wallet
    wallet = earned(wallet, 5, 3).wallet
    back = reversed_(wallet, first.entry)
    by_account = {item.account: item.amount for item in back.entry.postings}
    expected = {WALLET: used - 8, ISSUED: 8, ADJUSTED: -used}
    assert by_account == {where: amount for where, amount in expected.items() if amount}
    assert balance(back.wallet, AT) == {BONUS: 5}
    assert check_corrections({first.entry.id: first.entry}, [back.entry]) == []
    assert check_corrections({first.entry.id: first.entry}, [back.entry, back.entry]) != []


def test_a_reversal_after_a_merge_finds_the_lot_by_its_origin() -> None:
    """The member's lot that was the guest's is taken, nothing else."""
    first = earned(Wallet(account(1)), 8, 1)
    member = earned(Wallet(account(2)), 5, 2).wallet
    command = MergeWallets(account(1), account(2), 99, "merge")
    merged = merge(first.wallet, member, command, VERSIONS, AT, EntryId(uid(722)))
    assert left(reversed_(merged.target, first.entry).wallet) == left(member)


def test_a_reversal_is_done_once_and_only_of_what_came_in() -> None:
    """A second one, and one of a spend, are refused."""
    first = earned(Wallet(account(1)), 8, 1)
    back = reversed_(first.wallet, first.entry)
    with pytest.raises(AlreadyReversed):
        reversed_(back.wallet, first.entry, [back.entry])
    with pytest.raises(NotReversible):
        reversed_(first.wallet, spent(first.wallet, 1, 2).entry)
    command = ReverseTokens(account(1), first.entry.id, "ads", "fraud", "reverse")
    with pytest.raises(UnknownKind):
        reverse(first.wallet, first.entry, (), command, {}, AT, NEW)


# -- adjust --------------------------------------------------------------------------------------------


def adjusted(wallet: Wallet, lot: Lot, of: Entry, amount: Any, reason: str = "a slip") -> Posted:
    """Adjust a lot."""
    command = AdjustTokens(wallet.account_id, of.id, lot.id, amount, reason, "admin-1", "adjust")
    return adjust(wallet, lot, of, command, VERSIONS, AT, NewIds(EntryId(uid(740))))


@pytest.mark.parametrize("amount", [4, -4, -8])
def test_an_adjustment_gives_or_takes(amount: int) -> None:
    """The lot changes by that, against `adjusted`; who, why and what it corrects stand on the entry."""
    first = earned(Wallet(account(1)), 8, 1)
    posted = adjusted(first.wallet, first.entry.lots[0], first.entry, amount)
    assert sum(left(posted.wallet).values()) == 8 + amount
    assert {item.account: item.amount for item in posted.entry.postings} == {
        WALLET: amount,
        ADJUSTED: -amount,
    }
    entry = posted.entry
    assert (entry.source, entry.source_ref, entry.corrects) == ("admin-1", "a slip", first.entry.id)


def test_an_adjustment_may_fill_a_lot_that_was_used_up() -> None:
    """The lot is there again, with what it was given; there is nothing to take from it before."""
    first = earned(Wallet(account(1)), 8, 1)
    used = spent(first.wallet, 8, 2)
    posted = adjusted(used.wallet, first.entry.lots[0], used.entry, 2)
    assert left(posted.wallet) == {first.entry.lots[0].id: 2}
    with pytest.raises(AdjustBeyondLot) as refused:
        adjusted(used.wallet, first.entry.lots[0], used.entry, -1)
    assert (refused.value.amount, refused.value.available) == (1, 0)


def test_an_adjustment_may_fill_a_lot_to_the_brim() -> None:
    """A lot may have as many tokens as a lot can be opened with, and not one more."""
    first = earned(Wallet(account(1)), 8, 1)
    posted = adjusted(first.wallet, first.entry.lots[0], first.entry, MAX_TOKENS - 8)
    assert left(posted.wallet) == {first.entry.lots[0].id: MAX_TOKENS}
    with pytest.raises(BadAdjustment):
        adjusted(first.wallet, first.entry.lots[0], first.entry, MAX_TOKENS - 7)


def test_an_adjustment_must_be_possible() -> None:
    """Never below zero, nothing to a lot that is over, never without a reason or beyond the largest lot."""
    first = earned(Wallet(account(1)), 8, 1)
    lot = first.entry.lots[0]
    with pytest.raises(AdjustBeyondLot):
        adjusted(first.wallet, lot, first.entry, -9)
    with pytest.raises(BadAdjustment):
        adjusted(first.wallet, lot, first.entry, 1, " ")
    with pytest.raises(BadAdjustment):
        adjusted(first.wallet, lot, first.entry, MAX_TOKENS)
    for amount in (0, 1.5, True, MAX_TOKENS + 1, "3"):
        with pytest.raises(BadTokenAmount):
            adjusted(first.wallet, lot, first.entry, amount)
    late = earned(Wallet(account(1)), 8, 1, AT - DAY, expires_at=AT)
    with pytest.raises(BadAdjustment):
        adjusted(late.wallet, late.entry.lots[0], late.entry, 1)


# -- what verify sees ----------------------------------------------------------------------------------


def test_corrections_of_nothing_or_with_another_stamp_are_found() -> None:
    """A correction of an entry that is not there, or at another worth than the spend's, is named."""
    first = earned(Wallet(account(1)), 8, 1)
    made = spent(first.wallet, 5, 2)
    back = refunded(made.wallet, made.entry, lots=lots_of(first.wallet))
    assert [f.problem for f in check_corrections({}, [back.entry])] == ["corrects an entry that is missing"]
    other = spent(first.wallet, 5, 3).entry
    assert check_corrections({made.entry.id: other}, [back.entry]) == []
    wrong = check_corrections({made.entry.id: first.entry}, [back.entry])
    assert "gives back what no entry spent" in {fault.problem for fault in wrong}
