"""Spending: which lots are drawn, what is refused, and what each token was worth."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from fractions import Fraction

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import EntryId, HoldId
from buddy_core.tokens import (
    BONUS,
    MAX_SKEW,
    PAID,
    WALLET,
    BadTokenAmount,
    ClockBehind,
    Entry,
    HoldTokens,
    InsufficientTokens,
    NewIds,
    NoValueInCurrency,
    OpenLot,
    Operation,
    TokenKind,
    UnknownKind,
    Wallet,
    WalletFrozen,
    balance,
    draw_order,
    hold,
    is_live,
    spend,
    spent_on,
)
from tests.contracts.cases import AT, LATER, VERSIONS, account, earned, spending, spent, title, uid
from tests.core.tokens.strategies import EPISODE, wallets

DAY = timedelta(days=1)
NEW = NewIds(EntryId(uid(1)))


def drawn(entry: Entry) -> list[tuple[object, int]]:
    """Return which lots an entry took how much of, in order."""
    return [(p.lot_id, -p.amount) for p in entry.postings if p.account == WALLET]


def fits(item: OpenLot) -> bool:
    """Tell whether a lot may go to the episode of these tests at `AT`."""
    return is_live(item.lot, AT) and (not item.lot.scopes or EPISODE in item.lot.scopes)


def test_lots_are_drawn_in_the_order_of_the_policy() -> None:
    """Bonus goes before paid; then lower priority, nearer expiry, no expiry last, older, smaller id."""
    wallet = Wallet(account(1))
    plans = [
        (6, {"expires_at": AT + 2 * DAY}),
        (1, {"kind": PAID, "expires_at": AT + DAY, "priority": 1}),
        (2, {"expires_at": None}),
        (3, {"expires_at": AT + 9 * DAY}),
        (4, {"expires_at": AT + 2 * DAY}),
        (5, {"expires_at": AT + 99 * DAY, "priority": 10}),
    ]
    for number, changes in plans:
        wallet = earned(wallet, 1, number, AT - DAY if number == 6 else AT - DAY / 2, **changes).wallet
    order = [item.lot.id.int - 20_000 for item in draw_order(wallet.lots)]
    assert order == [5, 6, 4, 3, 2, 1]
    assert [lot.int - 20_000 for lot, _ in drawn(spent(wallet, 6, 9).entry)] == order


def test_a_clock_that_is_far_behind_writes_nothing() -> None:
    """More than five seconds before the wallet's last entry is refused; the refusal says both instants."""
    wallet = spent(earned(Wallet(account(1)), 5, 1, AT - DAY).wallet, 1, 1, AT).wallet
    early = AT - MAX_SKEW - timedelta(microseconds=1)
    with pytest.raises(ClockBehind) as refused:
        spent(wallet, 1, 2, early)
    assert (refused.value.at, refused.value.last) == (early, AT)
    assert refused.value.code == "tokens.clock_behind"


def test_a_clock_that_is_a_little_behind_is_another_hosts() -> None:
    """Within five seconds the entry counts by its own clock and is recorded with the one that it follows."""
    wallet = earned(Wallet(account(1)), 5, 1, AT - DAY).wallet
    later = spent(wallet, 1, 2, AT)
    made = spent(later.wallet, 1, 3, AT - MAX_SKEW).entry
    assert (made.effective_at, made.recorded_at) == (AT - MAX_SKEW, AT)
    assert spent(later.wallet, 1, 3, AT).entry.recorded_at == AT


def test_what_another_host_has_just_credited_can_be_spent() -> None:
    """Within five seconds it is there, from when it began; further behind the clock is what is wrong."""
    wallet = earned(earned(Wallet(account(1)), 5, 1, AT - DAY).wallet, 3, 2, AT).wallet
    early = AT - MAX_SKEW
    made = spent(wallet, 8, 3, early).entry
    assert (made.effective_at, made.recorded_at) == (AT, AT)
    assert spent(earned(wallet, 1, 4, AT).wallet, 5, 5, early).entry.recorded_at == AT
    with pytest.raises(InsufficientTokens):
        spent(wallet, 9, 3, early)
    wish = HoldTokens(account(1), (), 8, AT + DAY, "rental", "r", "h")
    new = NewIds(EntryId(uid(4)), hold=HoldId(uid(5)))
    held = hold(wallet, wish, VERSIONS, early, new).entry
    assert (held.effective_at, held.recorded_at) == (AT, AT)
    with pytest.raises(ClockBehind):
        spent(wallet, 8, 3, early - timedelta(microseconds=1))
    with pytest.raises(ClockBehind):
        hold(wallet, wish, VERSIONS, early - timedelta(microseconds=1), new)


def test_a_spend_is_split_over_lots_and_valued_exactly() -> None:
    """Six tokens over three lots: each posting carries its kind's version and exact worth; kinds balance."""
    wallet = earned(Wallet(account(1)), 2, 1).wallet
    wallet = earned(wallet, 3, 2, expires_at=AT + 100 * DAY).wallet
    wallet = earned(wallet, 5, 3, kind=PAID).wallet
    versions = {
        BONUS: VERSIONS[BONUS],
        PAID: evolve(VERSIONS[PAID], version=4, values={"INR": Fraction(7, 3)}),
    }
    posted = spend(wallet, spending(account(1), 6, "key"), versions, AT, NEW)
    rows = [(p.account, p.kind, p.amount, p.version, p.currency, p.value) for p in posted.entry.postings]
    assert rows == [
        (WALLET, BONUS, -2, 1, "INR", Fraction(-100)),
        (WALLET, BONUS, -3, 1, "INR", Fraction(-150)),
        (WALLET, PAID, -1, 4, "INR", Fraction(-7, 3)),
        (spent_on(title(1)), BONUS, 5, 1, "INR", Fraction(250)),
        (spent_on(title(1)), PAID, 1, 4, "INR", Fraction(7, 3)),
    ]
    assert balance(posted.wallet, AT) == {PAID: 4}
    entry = posted.entry
    assert (entry.operation, entry.country, entry.entity, entry.rule_version) == (
        Operation.SPEND,
        "IN",
        "newtact",
        1,
    )


def test_a_lot_is_gone_at_the_instant_it_expires() -> None:
    """A microsecond before its expiry a lot can be spent; at it, not."""
    wallet = earned(Wallet(account(1)), 5, 1, expires_at=LATER.replace(microsecond=0)).wallet
    [item] = wallet.lots
    assert item.lot.expires_at is not None
    spent(wallet, 5, 2, item.lot.expires_at - timedelta(microseconds=1))
    with pytest.raises(InsufficientTokens) as refused:
        spent(wallet, 1, 2, item.lot.expires_at)
    assert (refused.value.needed, refused.value.available) == (1, 0)


def test_a_restricted_lot_pays_only_for_what_it_names() -> None:
    """Tokens for films buy no episode, and count for nothing in what is available."""
    wallet = earned(Wallet(account(1)), 5, 1, scopes=("type:film",)).wallet
    wallet = earned(wallet, 2, 2, scopes=("type:film", EPISODE)).wallet
    with pytest.raises(InsufficientTokens) as refused:
        spent(wallet, 3, 3)
    assert refused.value.available == 2
    assert [amount for _, amount in drawn(spent(wallet, 2, 3).entry)] == [2]


def test_a_frozen_wallet_spends_nothing() -> None:
    """A freeze refuses the spend, however much there is."""
    wallet = evolve(earned(Wallet(account(1)), 5, 1).wallet, is_frozen=True)
    with pytest.raises(WalletFrozen):
        spent(wallet, 1, 2)


@pytest.mark.parametrize("amount", [0, -1, 2**53 + 1, True, 1.0, "1", None])
def test_an_amount_that_is_none_is_refused(amount: int) -> None:
    """Zero, negative, too large, bool, float and text are no numbers of tokens."""
    wallet = earned(Wallet(account(1)), 5, 1).wallet
    with pytest.raises(BadTokenAmount):
        spent(wallet, amount, 2)


def test_what_cannot_be_valued_is_not_spent() -> None:
    """Without a version of the kind, or a value in the currency, the spend is refused."""
    wallet = earned(Wallet(account(1)), 5, 1).wallet
    with pytest.raises(UnknownKind):
        spend(wallet, spending(account(1), 1, "key"), {PAID: VERSIONS[PAID]}, AT, NEW)
    with pytest.raises(NoValueInCurrency):
        spend(wallet, spending(account(1), 1, "key", currency="AED"), VERSIONS, AT, NEW)


@given(wallets(), st.integers(1, 120))
def test_a_spend_conserves_tokens(wallet: Wallet, amount: int) -> None:
    """A spend takes exactly its amount from live, fitting lots in draw order, or is refused for want."""
    available = sum(item.remaining for item in wallet.lots if fits(item))
    if amount > available:
        with pytest.raises(InsufficientTokens) as refused:
            spent(wallet, amount, 1)
        assert (refused.value.needed, refused.value.available) == (amount, available)
        return
    posted = spent(wallet, amount, 1)
    sums: Counter[TokenKind] = Counter()
    values: Counter[TokenKind] = Counter()
    for posting in posted.entry.postings:
        assert posting.value is not None
        sums[posting.kind] += posting.amount
        values[posting.kind] += posting.value
    assert not any(sums.values())
    assert not any(values.values())
    before = {item.lot.id: item for item in wallet.lots}
    after = {item.lot.id: item.remaining for item in posted.wallet.lots}
    taken = dict(drawn(posted.entry))
    assert sum(taken.values()) == amount
    for lot_id, item in before.items():
        assert after.get(lot_id, 0) == item.remaining - taken.get(lot_id, 0) >= 0
        assert lot_id not in taken or fits(item)
    in_order = [item for item in draw_order(wallet.lots) if fits(item)]
    touched = [item for item in in_order if item.lot.id in taken]
    assert touched == in_order[: len(touched)]
    assert all(taken[item.lot.id] == item.remaining for item in touched[:-1])


@given(wallets(), st.permutations(range(6)))
def test_the_draw_order_is_one(wallet: Wallet, order: list[int]) -> None:
    """The order of drawing does not depend on the order in which the lots happen to lie."""
    lots = [wallet.lots[place] for place in order if place < len(wallet.lots)]
    assert draw_order(lots) == draw_order(wallet.lots)


@given(wallets(), st.integers(1, 20), st.integers(1, 20))
def test_two_spends_take_what_one_would(wallet: Wallet, first: int, second: int) -> None:
    """Spending in two steps leaves the same lots as spending the sum at once."""
    if first + second > sum(item.remaining for item in wallet.lots if fits(item)):
        return
    twice = spent(spent(wallet, first, 1).wallet, second, 2).wallet
    assert set(twice.lots) == set(spent(wallet, first + second, 3).wallet.lots)
