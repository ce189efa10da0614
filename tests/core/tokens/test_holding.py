"""Holds: set aside, then posted, voided or over; nothing is lost and nothing spent twice."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import AccountId, EntryId, HoldId, LotId
from buddy_core.tokens import (
    BONUS,
    EXPIRED,
    HELD,
    LONGEST_HOLD,
    PAID,
    WALLET,
    BadHold,
    BadTokenAmount,
    FreezeWallet,
    HoldExpired,
    HoldNotForTitle,
    HoldNotFound,
    HoldTokens,
    InsufficientTokens,
    MergeWallets,
    NewIds,
    Operation,
    PostBeyondHold,
    Posted,
    PostHold,
    VoidHold,
    Wallet,
    WalletFrozen,
    balance,
    freeze,
    hold,
    lapse,
    merge,
    post,
    spend,
    spent_on,
    void,
)
from tests.contracts.cases import AT, NEWTACT, VERSIONS, account, earned, spending, title, uid, version_of
from tests.core.tokens.strategies import EPISODE, wallets

HOUR = timedelta(hours=1)
SCOPES = (f"title:{title(1)}", EPISODE)
ONE = HoldId(uid(501))
NEW = NewIds(EntryId(uid(500)), hold=ONE)
NEXT = NewIds(EntryId(uid(502)))


def held(wallet: Wallet, amount: int, minutes: int = 60, at: datetime = AT, ids: NewIds = NEW) -> Posted:
    """Hold tokens for so many minutes."""
    end = at + timedelta(minutes=minutes)
    command = HoldTokens(wallet.account_id, SCOPES, amount, end, "rental", "r1", f"hold-{ids.hold}")
    return hold(wallet, command, VERSIONS, at, ids)


def posting(who: AccountId, amount: int | None = None, **changes: Any) -> PostHold:
    """Return a command that posts the hold."""
    facts = {"country": "IN", "entity": NEWTACT, "currency": "INR", "title_scopes": SCOPES} | changes
    return PostHold(
        who, ONE, title(1), source="rental", source_ref="r1", idempotency_key="post", amount=amount, **facts
    )


def voiding(who: AccountId) -> VoidHold:
    """Return a command that voids the hold."""
    return VoidHold(who, ONE, "rental", "r1", "void")


def left(wallet: Wallet) -> dict[LotId, int]:
    """Return what each lot has left."""
    return {item.lot.id: item.remaining for item in wallet.lots}


@given(wallets(), st.integers(1, 40))
def test_a_hold_and_its_void_are_nothing(wallet: Wallet, amount: int) -> None:
    """Whatever was held is back in its lots, and the entry that held it balances against the void."""
    if amount > sum(drawable(wallet).values()):
        with pytest.raises(InsufficientTokens):
            held(wallet, amount)
        return
    made = held(wallet, amount)
    assert sum(left(made.wallet).values()) == sum(left(wallet).values()) - amount
    back = void(made.wallet, voiding(wallet.account_id), AT, NEXT)
    assert left(back.wallet) == left(wallet)
    assert back.wallet.holds == ()
    assert sum(item.amount for item in (*made.entry.postings, *back.entry.postings)) == 0


@given(wallets(), st.integers(1, 40))
def test_a_hold_and_its_post_are_a_spend(wallet: Wallet, amount: int) -> None:
    """The lots are left as by a spend, and the title collects the same tokens at the same worth."""
    if amount > sum(drawable(wallet).values()):
        return
    posted = post(held(wallet, amount).wallet, posting(wallet.account_id), VERSIONS, AT, NEXT)
    spent = spend(wallet, spending(wallet.account_id, amount, "spend", source_ref="x"), VERSIONS, AT, NEXT)
    assert left(posted.wallet) == left(spent.wallet)
    valued = [item for item in posted.entry.postings if item.value is not None]
    assert valued == list(spent.entry.postings)


@given(wallets(), st.integers(1, 40), st.data())
def test_a_part_post_takes_what_was_drawn_first(wallet: Wallet, amount: int, data: st.DataObject) -> None:
    """Posting a part spends what a spend of that part draws, and the rest is free again."""
    if amount > sum(drawable(wallet).values()):
        return
    part = data.draw(st.integers(1, amount))
    posted = post(held(wallet, amount).wallet, posting(wallet.account_id, part), VERSIONS, AT, NEXT)
    spent = spend(wallet, spending(wallet.account_id, part, "spend"), VERSIONS, AT, NEXT)
    assert left(posted.wallet) == left(spent.wallet)


def drawable(wallet: Wallet) -> Counter[str]:
    """Return what the title can draw at `AT`, by kind."""
    found: Counter[str] = Counter()
    for item in wallet.lots:
        is_live = item.lot.expires_at is None or item.lot.expires_at > AT
        if is_live and (not item.scopes or set(item.scopes) & set(SCOPES)):
            found[item.kind] += item.remaining
    return found


def test_a_post_is_valued_when_it_posts() -> None:
    """The version in force at the post stamps it, not that of the hold."""
    made = held(earned(Wallet(account(1)), 5, 1).wallet, 4)
    newer = {BONUS: version_of(BONUS, 2, values={"INR": Fraction(70)}), PAID: VERSIONS[PAID]}
    posted = post(made.wallet, posting(account(1)), newer, AT + timedelta(minutes=5), NEXT)
    [collected] = [item for item in posted.entry.postings if item.account == spent_on(title(1))]
    assert (collected.amount, collected.version, collected.value) == (4, 2, Fraction(280))
    assert (posted.entry.country, posted.entry.entity, posted.entry.hold_id) == ("IN", NEWTACT, ONE)


def test_a_lapsed_hold_is_free_without_a_write() -> None:
    """From its end on, to the microsecond, the balance has its tokens again and a post is refused."""
    made = held(earned(Wallet(account(1)), 5, 1).wallet, 4)
    end = AT + HOUR
    before = end - timedelta(microseconds=1)
    assert (balance(made.wallet, before), balance(made.wallet, end)) == ({BONUS: 1}, {BONUS: 5})
    assert post(made.wallet, posting(account(1)), VERSIONS, before, NEXT).wallet.holds == ()
    with pytest.raises(HoldExpired):
        post(made.wallet, posting(account(1)), VERSIONS, end, NEXT)


def test_a_lapse_counts_from_the_end_of_the_hold() -> None:
    """However late it is written, the void is dated to the instant at which the hold was over."""
    made = held(earned(Wallet(account(1)), 5, 1).wallet, 4)
    assert lapse(made.wallet, AT + timedelta(minutes=59)) == []
    [over] = lapse(made.wallet, AT + timedelta(days=3))
    assert (over.entry.effective_at, over.entry.recorded_at) == (AT + HOUR, AT + timedelta(days=3))
    assert (over.entry.operation, over.entry.hold_id) == (Operation.VOID, ONE)
    assert lapse(over.wallet, AT + timedelta(days=9)) == []


def test_what_has_expired_meanwhile_expires_at_once() -> None:
    """A void, and the rest of a part-post, write off what a lot that is over gets back."""
    soon = AT + timedelta(minutes=10)
    wallet = earned(earned(Wallet(account(1)), 3, 1, expires_at=soon).wallet, 5, 2).wallet
    made = held(wallet, 5)
    later = AT + timedelta(minutes=30)
    back = void(made.wallet, voiding(account(1)), later, NEXT)
    assert balance(back.wallet, later) == {BONUS: 5}
    assert sum(left(back.wallet).values()) == 5
    assert [item.amount for item in back.entry.postings if item.account == EXPIRED] == [3]
    posted = post(made.wallet, posting(account(1), 1), VERSIONS, later, NEXT)
    assert [item.amount for item in posted.entry.postings if item.account == EXPIRED] == [2]
    assert sum(left(posted.wallet).values()) == 5


def test_a_post_of_all_writes_nothing_off() -> None:
    """What was live when it was held is spent whole, though its lot would have expired meanwhile."""
    wallet = earned(Wallet(account(1)), 5, 1, expires_at=AT + timedelta(minutes=10)).wallet
    posted = post(held(wallet, 5).wallet, posting(account(1)), VERSIONS, AT + timedelta(minutes=30), NEXT)
    assert {item.account for item in posted.entry.postings} == {WALLET, HELD, spent_on(title(1))}
    assert 0 not in [item.amount for item in posted.entry.postings]


def test_a_frozen_wallet_holds_and_posts_nothing_but_voids() -> None:
    """A freeze stops a new hold and a post; a void and the end of a hold go on."""
    made = held(earned(Wallet(account(1)), 9, 1).wallet, 4)
    command = FreezeWallet(account(1), True, "odd", "admin", "freeze")
    frozen = freeze(made.wallet, command, AT, NewIds(EntryId(uid(503)))).wallet
    with pytest.raises(WalletFrozen):
        held(frozen, 1, ids=NewIds(EntryId(uid(504)), hold=HoldId(uid(505))))
    with pytest.raises(WalletFrozen):
        post(frozen, posting(account(1)), VERSIONS, AT, NEXT)
    assert balance(void(frozen, voiding(account(1)), AT, NEXT).wallet, AT) == {BONUS: 9}
    assert len(lapse(frozen, AT + HOUR)) == 1


def test_a_hold_ends_once() -> None:
    """What was posted or voided is not there to be posted or voided again."""
    made = held(earned(Wallet(account(1)), 9, 1).wallet, 4)
    for ended in (
        post(made.wallet, posting(account(1), 1), VERSIONS, AT, NEXT).wallet,
        void(made.wallet, voiding(account(1)), AT, NEXT).wallet,
    ):
        with pytest.raises(HoldNotFound):
            post(ended, posting(account(1)), VERSIONS, AT, NEXT)
        with pytest.raises(HoldNotFound):
            void(ended, voiding(account(1)), AT, NEXT)


@pytest.mark.parametrize("minutes", [0, -5, LONGEST_HOLD // timedelta(minutes=1) + 1])
def test_a_hold_ends_after_it_begins_and_within_a_month(minutes: int) -> None:
    """One that would be over at once, or tie tokens up for longer, is refused."""
    with pytest.raises(BadHold):
        held(earned(Wallet(account(1)), 9, 1).wallet, 4, minutes)
    held(earned(Wallet(account(1)), 9, 1).wallet, 4, LONGEST_HOLD // timedelta(minutes=1))


def test_a_post_is_within_what_is_held() -> None:
    """More than is held, nothing at all, or a title that a lot held is not for: refused."""
    made = held(earned(Wallet(account(1)), 9, 1, scopes=(EPISODE,)).wallet, 4)
    with pytest.raises(PostBeyondHold):
        post(made.wallet, posting(account(1), 5), VERSIONS, AT, NEXT)
    with pytest.raises(BadTokenAmount):
        post(made.wallet, posting(account(1), 0), VERSIONS, AT, NEXT)
    with pytest.raises(HoldNotForTitle):
        post(made.wallet, posting(account(1), title_scopes=("type:film",)), VERSIONS, AT, NEXT)


def test_a_merge_voids_the_holds_of_the_guest_first() -> None:
    """What the guest had set aside comes along as free tokens, and the hold is over."""
    made = held(earned(Wallet(account(1)), 9, 1).wallet, 4)
    command = MergeWallets(account(1), account(2), 20, "merge")
    merged = merge(made.wallet, Wallet(account(2)), command, VERSIONS, AT, EntryId(uid(506)))
    assert merged.entries[0].operation is Operation.VOID
    assert (merged.source.holds, merged.source.lots) == ((), ())
    assert (merged.transferred, balance(merged.target, AT)) == (9, {BONUS: 9})


def test_what_a_member_holds_counts_under_the_guest_cap() -> None:
    """Guest-marked tokens that are set aside keep their place, so that a hold is no way past the cap."""
    made = held(earned(Wallet(account(2)), 9, 1).wallet, 9)
    guest = earned(Wallet(account(1)), 6, 2).wallet
    merged = merge(
        guest, made.wallet, MergeWallets(account(1), account(2), 12, "m"), VERSIONS, AT, EntryId(uid(506))
    )
    assert merged.expired_by_cap == 3


def test_a_hold_moves_tokens_to_held_and_back() -> None:
    """The entries say by kind what is set aside; a void mirrors them."""
    wallet = earned(earned(Wallet(account(1)), 3, 1).wallet, 5, 2, kind=PAID).wallet
    made = held(wallet, 6)
    back = void(made.wallet, voiding(account(1)), AT, NEXT)
    assert [(i.account, i.kind, i.amount) for i in made.entry.postings if i.account == HELD] == [
        (HELD, BONUS, 3),
        (HELD, PAID, 3),
    ]
    assert [i.amount for i in back.entry.postings if i.account == WALLET] == [3, 3]
