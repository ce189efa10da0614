"""A wallet made from its entries alone is the wallet that is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from attrs import evolve
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_core.kernel import AccountId, EntryId, HoldId
from buddy_core.tokens import (
    AdjustTokens,
    Entry,
    Lot,
    NewIds,
    NotReplayable,
    Wallet,
    adjust,
    apply,
    replay,
)
from tests.contracts.cases import AT, VERSIONS, account, earned, spent, uid
from tests.core.tokens.operations import Operations, facts

QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


async def _nothing() -> None:
    return None


class Replayed(Operations):
    """The random life of several wallets, each kept beside its replay."""

    open_store = staticmethod(lambda: (MemoryUnitOfWork(), _nothing))
    fired: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.made: dict[AccountId, Wallet] = {}
        self.known: dict[Any, Lot] = {}

    @invariant()
    def each_wallet_is_what_its_entries_make(self) -> None:
        """Applying what was written since the last step gives the wallet as the store loads it."""
        accounts, wallets, written = self.run(self._written())
        for who in accounts:
            before = self.made.get(who, Wallet(who))
            for entry in written[who][before.sequence :]:
                before = apply(before, entry, self.known)
                self.known.update((lot.id, lot) for lot in entry.lots)
            self.made[who] = before
            assert facts(before) == facts(wallets[who])
            assert [item.id for item in before.lots] == sorted(item.id for item in before.lots)

    def teardown(self) -> None:
        """Replay all entries at once as well."""
        accounts, wallets, written = self.run(self._written())
        for who in accounts:
            assert facts(replay(who, written[who])) == facts(wallets[who])
        super().teardown()

    async def _written(
        self,
    ) -> tuple[list[AccountId], dict[AccountId, Wallet], dict[AccountId, Sequence[Entry]]]:
        async with self.uow.read() as tx:
            accounts = await tx.ledger_books.accounts()
            books = await tx.ledger_books.of_accounts(accounts)
            loaded = await tx.wallets.load(accounts)
        return accounts, loaded, {item.account_id: item.entries for item in books}


def test_replay_is_the_live_wallet_after_every_step(request: pytest.FixtureRequest) -> None:
    """Over random histories of all operations, wallets made from entries are those that are stored."""
    chance = int(request.config.getoption("--hypothesis-seed"))
    run_state_machine_as_test(
        seed(chance)(Replayed),
        settings=settings(
            max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=QUIET
        ),
    )
    assert sum(Replayed.fired.values()) > 250


def _history() -> list[Entry]:
    first = earned(Wallet(account(1)), 5, 1)
    return [first.entry, spent(first.wallet, 5, 2).entry]


def test_nothing_gives_an_empty_wallet() -> None:
    """No entries make the wallet of an account that never had tokens."""
    assert replay(account(1), []) == Wallet(account(1))


def test_a_used_up_lot_takes_tokens_back() -> None:
    """What is given back to a lot that the wallet had forgotten stands in that lot again."""
    entries = _history()
    wallet = replay(account(1), entries)
    assert wallet.lots == ()
    [lot] = entries[0].lots
    command = AdjustTokens(account(1), entries[1].id, lot.id, 2, "a slip", "me", "c")
    given = adjust(wallet, lot, entries[1], command, VERSIONS, AT, NewIds(EntryId(uid(13))))
    assert replay(account(1), [*entries, given.entry]) == given.wallet
    with pytest.raises(NotReplayable, match="no entry before it opened"):
        apply(wallet, given.entry)
    assert apply(wallet, given.entry, {lot.id: lot}) == given.wallet


def test_entries_of_another_order_make_no_wallet() -> None:
    """A gap, a repetition, an altered entry and somebody else's are told by the number of the entry."""
    first, second = _history()
    altered = evolve(first, recorded_at=AT + timedelta(seconds=1))
    for entries, why in (
        ([second], "Entry 2 does not follow .* the wallet stands at 0"),
        ([first, first], "Entry 1 does not follow .* the wallet stands at 1"),
        ([altered, second], "the entry before it has another hash"),
        ([evolve(first, account_id=account(2))], "another account's"),
    ):
        with pytest.raises(NotReplayable, match=why):
            replay(account(1), entries)


def test_what_no_lot_or_hold_covers_makes_no_wallet() -> None:
    """An entry that takes more than a lot has, or ends a hold that is not open, is refused."""
    first, second = _history()
    greedy = evolve(second, postings=tuple(evolve(item, amount=item.amount * 2) for item in second.postings))
    with pytest.raises(NotReplayable, match="takes 5 more from lot"):
        replay(account(1), [first, greedy])
    with pytest.raises(NotReplayable, match="ends a hold that is not open"):
        replay(account(1), [first, evolve(second, hold_id=HoldId(uid(77)))])
