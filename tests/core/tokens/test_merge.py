"""Merging wallets: nothing is lost but what the guest cap names, and order does not matter."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import EntryId
from buddy_core.tokens import (
    BONUS,
    PAID,
    WALLET,
    FreezeWallet,
    Merged,
    MergeWallets,
    NewIds,
    OpenLot,
    Operation,
    Wallet,
    balance,
    freeze,
    merge,
)
from tests.contracts.cases import AT, VERSIONS, account, earned, uid
from tests.core.tokens.strategies import wallets

DAY = timedelta(days=1)
CAPS = st.integers(0, 60)


def joined(source: Wallet, target: Wallet, cap: int = 20) -> Merged:
    """Merge two wallets at `AT`."""
    command = MergeWallets(source.account_id, target.account_id, cap, "merge-key")
    seed = source.account_id.int * 10_000 + source.sequence
    return merge(source, target, command, VERSIONS, AT, EntryId(uid(seed)))


def contents(wallet: Wallet) -> Counter[tuple[Any, ...]]:
    """Return what a wallet holds, by origin of its lots."""
    found: Counter[tuple[Any, ...]] = Counter()
    for item in wallet.lots:
        lot = item.lot
        found[
            lot.origin_id, lot.id, lot.kind, lot.expires_at, lot.priority, lot.scopes, lot.earned_as_guest
        ] += item.remaining
    return found


def marked(wallet: Wallet) -> dict[UUID, int]:
    """Return what is left in lots earned as a guest, by origin, of those not expired."""
    return {
        item.lot.origin_id: item.remaining
        for item in wallet.lots
        if item.lot.earned_as_guest and (item.lot.expires_at is None or item.lot.expires_at > AT)
    }


def test_a_lot_moves_with_all_that_it_is() -> None:
    """A moved lot is a new lot with the origin, expiry, priority, scopes and mark of the first."""
    source = earned(Wallet(account(1)), 5, 1, priority=7, scopes=("type:film",)).wallet
    merged = joined(source, earned(Wallet(account(2)), 3, 2, earned_as_guest=False).wallet)
    [old] = source.lots
    new = next(item for item in merged.target.lots if item.lot.origin_id == old.lot.id)
    assert evolve(new.lot, id=old.lot.id) == old.lot
    assert new.lot.id != old.lot.id
    assert merged.source.lots == ()
    assert (merged.transferred, merged.expired_by_cap) == (5, 0)
    assert [entry.operation for entry in merged.entries] == [Operation.TRANSFER_OUT, Operation.TRANSFER_IN]
    assert [entry.source_ref for entry in merged.entries] == [str(account(2)), str(account(1))]


def test_a_cost_basis_moves_by_its_share() -> None:
    """Of 100 paise paid for 3 tokens, 2 tokens left carry 66: the share, rounded down."""
    wallet = earned(Wallet(account(1)), 3, 1, kind=PAID).wallet
    [item] = wallet.lots
    bought = evolve(item.lot, cost_minor=100, cost_currency="INR")
    merged = joined(evolve(wallet, lots=(OpenLot(bought, 2),)), Wallet(account(2)))
    [moved] = merged.target.lots
    assert (moved.lot.amount, moved.lot.cost_minor, moved.lot.cost_currency) == (2, 66, "INR")


def test_the_cap_keeps_the_latest_expiry() -> None:
    """Above the cap the marked tokens that expire soonest go first; no expiry is the latest of all."""
    source = earned(Wallet(account(1)), 8, 1, expires_at=AT + DAY).wallet
    source = earned(source, 6, 2, expires_at=None).wallet
    target = earned(Wallet(account(2)), 9, 3, expires_at=AT + 5 * DAY).wallet
    target = earned(target, 50, 4, earned_as_guest=False).wallet
    merged = joined(source, target, cap=17)
    assert merged.expired_by_cap == 6
    assert marked(merged.target) == {uid(20_001): 2, uid(20_002): 6, uid(20_003): 9}
    assert merged.entries[-1].operation is Operation.EXPIRE
    assert balance(merged.target, AT) == {BONUS: 67}


def test_of_equal_expiries_the_smaller_origin_stays() -> None:
    """A tie at the cap is broken by the origin lot id, not by the account it came from."""
    for one, two in ((1, 2), (2, 1)):
        source = earned(Wallet(account(1)), 5, one).wallet
        target = earned(Wallet(account(2)), 5, two).wallet
        assert marked(joined(source, target, cap=6).target) == {uid(20_001): 5, uid(20_002): 1}


def test_what_expired_unswept_does_not_move() -> None:
    """Lots of the guest that have expired are written off there, and neither move nor count."""
    source = earned(Wallet(account(1)), 5, 1, AT - 2 * DAY, expires_at=AT).wallet
    source = earned(source, 4, 2).wallet
    merged = joined(source, Wallet(account(2)), cap=4)
    assert (merged.transferred, merged.expired_by_cap) == (4, 0)
    assert merged.entries[0].operation is Operation.EXPIRE
    assert merged.source.lots == ()
    assert balance(merged.target, AT) == {BONUS: 4}


def test_a_freeze_travels_along() -> None:
    """Merging a frozen guest freezes the member; merging a free one into a frozen member thaws nothing."""
    command = FreezeWallet(account(1), True, "odd", "admin", "key")
    frozen = freeze(earned(Wallet(account(1)), 1, 1).wallet, command, AT, NewIds(EntryId(uid(5)))).wallet
    assert joined(frozen, Wallet(account(2))).target.is_frozen
    assert joined(earned(Wallet(account(3)), 1, 2).wallet, frozen).target.is_frozen
    assert not joined(Wallet(account(3)), Wallet(account(2))).target.is_frozen


@given(wallets(1), wallets(2), CAPS)
def test_before_is_after_and_what_the_cap_expired(source: Wallet, target: Wallet, cap: int) -> None:
    """Spendable tokens of both before = spendable after + expired by the cap; unmarked lots lose nothing."""
    merged = joined(source, target, cap)
    before = Counter(balance(source, AT)) + Counter(balance(target, AT))
    after = Counter(balance(merged.target, AT))
    assert balance(merged.source, AT) == {}
    assert sum(before.values()) == sum(after.values()) + merged.expired_by_cap
    left, there = marked(merged.target), {**marked(source), **marked(target)}
    assert sum(left.values()) == min(cap, sum(there.values()))
    assert all(left.get(origin, 0) <= there[origin] for origin in there)


@given(wallets(1), wallets(2), CAPS)
def test_every_entry_of_a_merge_balances(source: Wallet, target: Wallet, cap: int) -> None:
    """Postings of each entry sum to zero per kind, follow their wallet's chain, and add up to its lots."""
    merged = joined(source, target, cap)
    heads = {source.account_id: source, target.account_id: target}
    left = {(w.account_id, i.lot.id): i.remaining for w in heads.values() for i in w.lots}
    for entry in merged.entries:
        head = heads[entry.account_id]
        assert (entry.sequence, entry.previous_hash) == (head.sequence + 1, head.head)
        heads[entry.account_id] = evolve(head, sequence=entry.sequence, head=entry.hash)
        sums: Counter[str] = Counter()
        for posting in entry.postings:
            sums[posting.kind] += posting.amount
            if posting.account == WALLET:
                key = (entry.account_id, posting.lot_id)
                left[key] = left.get(key, 0) + posting.amount
                assert left[key] >= 0
        assert not any(sums.values())
    stored = {(w.account_id, i.lot.id): i.remaining for w in (merged.source, merged.target) for i in w.lots}
    assert {key: n for key, n in left.items() if n} == stored


@given(wallets(1), wallets(2), wallets(3), wallets(4), CAPS, st.permutations([0, 1, 2]))
def test_any_order_of_merges_ends_the_same(
    one: Wallet, two: Wallet, three: Wallet, member: Wallet, cap: int, order: list[int]
) -> None:
    """Three guests merged into a member in any order leave the same lots by origin, and the same balances."""
    guests = [one, two, three]
    target, other = member, member
    for guest in guests:
        target = joined(guest, target, cap).target
    for place in order:
        other = joined(guests[place], other, cap).target
    assert contents(target) == contents(other)
    assert balance(target, AT) == balance(other, AT)


@given(wallets(1), wallets(2), CAPS)
def test_merging_an_emptied_guest_again_moves_nothing(source: Wallet, target: Wallet, cap: int) -> None:
    """A second merge of the same two wallets leaves the same lots: what is gone cannot go twice."""
    first = joined(source, target, cap)
    second = joined(first.source, first.target, cap)
    assert (second.transferred, second.expired_by_cap) == (0, 0)
    assert contents(second.target) == contents(first.target)


@given(wallets(1), wallets(2), CAPS)
def test_a_replayed_merge_is_the_same(source: Wallet, target: Wallet, cap: int) -> None:
    """The same merge decided again gives the same entries, ids and hashes among them."""
    assert joined(source, target, cap) == joined(source, target, cap)
