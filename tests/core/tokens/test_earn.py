"""Earning and freezing: a lot that opens, and a wallet that stands still."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import EntryId, InvalidValue, LotId
from buddy_core.tokens import (
    BONUS,
    ISSUED,
    MAX_TOKENS,
    PAID,
    WALLET,
    BadLot,
    BadScope,
    BadTokenAmount,
    FreezeWallet,
    NewIds,
    NotFrozen,
    Operation,
    Posting,
    UnknownKind,
    Wallet,
    WalletFrozen,
    balance,
    earn,
    freeze,
)
from tests.contracts.cases import AT, VERSIONS, account, earned, earning, uid

NEW = NewIds(EntryId(uid(1)), LotId(uid(2)))


def test_earning_opens_a_lot_against_the_system() -> None:
    """The lot carries what the command says, expires on the second, and its postings balance."""
    command = earning(account(1), 5, "key", expires_at=AT + timedelta(days=90), scopes=("type:film",))
    posted = earn(Wallet(account(1)), command, VERSIONS, AT, NEW)
    [lot] = posted.entry.lots
    assert posted.entry.postings == (
        Posting(ISSUED, None, BONUS, -5, 1),
        Posting(WALLET, lot.id, BONUS, 5, 1),
    )
    assert (lot.id, lot.origin_id, lot.amount, lot.priority) == (uid(2), uid(2), 5, 50)
    assert lot.expires_at == (AT + timedelta(days=90)).replace(microsecond=0)
    assert (lot.effective_from, lot.created_at, lot.earned_as_guest) == (AT, AT, True)
    assert lot.scopes == ("type:film",)
    assert (posted.entry.operation, posted.entry.sequence) == (Operation.EARN, 1)
    assert balance(posted.wallet, AT) == {BONUS: 5}


@pytest.mark.parametrize("amount", [0, -3, MAX_TOKENS + 1, False, 2.0])
def test_an_amount_that_is_none_earns_nothing(amount: int) -> None:
    """Zero, negative, too large, bool and float are no numbers of tokens."""
    with pytest.raises(BadTokenAmount):
        earned(Wallet(account(1)), amount, 1)


def test_a_lot_that_is_gone_before_it_begins_is_refused() -> None:
    """An expiry at or before the earning, to the second, opens no lot."""
    for expires_at in (AT, AT - timedelta(days=1), AT.replace(microsecond=999_999)):
        with pytest.raises(BadLot):
            earned(Wallet(account(1)), 1, 1, expires_at=expires_at)
    earned(Wallet(account(1)), 1, 1, expires_at=AT + timedelta(seconds=1))


def test_a_scope_is_an_id_of_a_title_or_a_word() -> None:
    """An id is written as we write it, and a type is a word of small letters; all else opens no lot."""
    scopes = ("type:live_sport", "type:short-2", f"title:{uid(9)}")
    assert earned(Wallet(account(1)), 1, 1, scopes=scopes).entry.lots[0].scopes == scopes
    titles = ("title:nonsense", f"title:{uid(9).hex}", f"title:{uid(171)}".upper(), f"title: {uid(9)}")
    for scope in (*titles, "type:Film", "type:live:sport", "type:film ", "type:", "film", "type:é", ":film"):
        with pytest.raises(BadScope) as refused:
            earned(Wallet(account(1)), 1, 1, scopes=(scope,))
        assert refused.value.scope == scope


def test_an_unknown_kind_earns_nothing() -> None:
    """A kind without a value version is refused, so that nothing unvalued is ever issued."""
    with pytest.raises(UnknownKind):
        earn(Wallet(account(1)), earning(account(1), 1, "key", kind="gold"), VERSIONS, AT, NEW)


def test_a_naive_instant_is_refused() -> None:
    """Earning at an instant without an offset is refused."""
    with pytest.raises(InvalidValue):
        earned(Wallet(account(1)), 1, 1, datetime(2026, 11, 21))  # noqa: DTZ001


def change(wallet: Wallet, *, is_frozen: bool) -> Wallet:
    """Freeze or unfreeze a wallet."""
    command = FreezeWallet(wallet.account_id, is_frozen, "looks odd", "admin-1", "key")
    return freeze(wallet, command, AT, NewIds(EntryId(uid(wallet.sequence)))).wallet


def test_a_frozen_wallet_keeps_its_tokens_and_takes_none() -> None:
    """A freeze changes no lot, refuses earnings, and ends with an unfreeze; each is an entry."""
    wallet = earned(Wallet(account(1)), 5, 1).wallet
    frozen = change(wallet, is_frozen=True)
    assert (frozen.is_frozen, frozen.lots, frozen.sequence) == (True, wallet.lots, 2)
    with pytest.raises(WalletFrozen):
        earned(frozen, 1, 2)
    free = change(change(frozen, is_frozen=True), is_frozen=False)
    assert (free.is_frozen, free.sequence) == (False, 4)
    assert earned(free, 1, 3).wallet.sequence == 5


def test_only_a_frozen_wallet_is_unfrozen() -> None:
    """Unfreezing a free wallet is refused."""
    with pytest.raises(NotFrozen):
        change(Wallet(account(1)), is_frozen=False)


def test_a_freeze_says_who_and_why() -> None:
    """The entry of a freeze names the person as its source and the reason as its reference."""
    command = FreezeWallet(account(1), True, "chargeback", "admin-7", "key")
    entry = freeze(Wallet(account(1)), command, AT, NEW).entry
    assert (entry.source, entry.source_ref, entry.operation) == ("admin-7", "chargeback", Operation.FREEZE)


@given(st.lists(st.tuples(st.sampled_from([BONUS, PAID]), st.integers(1, 1_000)), max_size=8))
def test_the_balance_is_the_sum_of_earnings(earnings: list[tuple[str, int]]) -> None:
    """Whatever is earned is there, by kind, and the chain's hashes follow each other."""
    wallet = Wallet(account(1))
    for number, (kind, amount) in enumerate(earnings):
        posted = earned(wallet, amount, number, kind=kind)
        assert posted.entry.previous_hash == wallet.head
        assert posted.wallet.head == posted.entry.hash
        wallet = posted.wallet
    sums = {kind: sum(n for k, n in earnings if k == kind) for kind, _ in earnings}
    assert balance(wallet, AT) == sums
