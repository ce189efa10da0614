"""A random life of several wallets: earnings, spends, merges, freezes and time that passes."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from buddy_core.kernel import GENESIS, EntryId
from buddy_core.tokens import (
    EXPIRED,
    ISSUED,
    TRANSFERRED,
    WALLET,
    BadLot,
    Entry,
    FreezeWallet,
    InsufficientTokens,
    MergeWallets,
    NewIds,
    Posted,
    Wallet,
    WalletFrozen,
    balance,
    freeze,
    is_live,
    merge,
)
from tests.contracts.cases import AT, VERSIONS, account, earned, spent, uid
from tests.core.tokens.strategies import earnings

WHO = st.integers(0, 3)


class Ledger(RuleBasedStateMachine):
    """Four wallets; every entry that a rule makes is kept and re-derived."""

    def __init__(self) -> None:
        super().__init__()
        self.now = AT
        self.count = 0
        self.wallets = {number: Wallet(account(number)) for number in range(4)}
        self.entries: list[Entry] = []

    def keep(self, number: int, posted: Posted) -> None:
        """Take over what a rule decided."""
        self.wallets[number] = posted.wallet
        self.entries.append(posted.entry)

    def next(self) -> int:
        """Return a number that was not used."""
        self.count += 1
        return self.count

    @rule(who=WHO, command=earnings())
    def earn(self, who: int, command: dict[str, object]) -> None:
        """Earn, unless the wallet is frozen or the lot would be gone already."""
        amount = command["amount"]
        rest = {name: value for name, value in command.items() if name != "amount"}
        try:
            self.keep(who, earned(self.wallets[who], amount, self.next(), self.now, **rest))
        except (WalletFrozen, BadLot):
            return

    @rule(who=WHO, amount=st.integers(1, 25))
    def spend(self, who: int, amount: int) -> None:
        """Spend, or be refused without an effect."""
        wallet = self.wallets[who]
        try:
            posted = spent(wallet, amount, self.next(), self.now)
        except (WalletFrozen, InsufficientTokens):
            return
        lots = {item.lot.id: item.lot for item in wallet.lots}
        used = [lots[p.lot_id] for p in posted.entry.postings if p.lot_id is not None]
        assert all(is_live(lot, self.now) for lot in used)
        self.keep(who, posted)

    @rule(source=WHO, into=WHO, cap=st.integers(0, 40))
    def merge(self, source: int, into: int, cap: int) -> None:
        """Merge one wallet into another."""
        if source == into:
            return
        command = MergeWallets(account(source), account(into), cap, f"merge-{self.next()}")
        before = sum(sum(balance(self.wallets[number], self.now).values()) for number in (source, into))
        merged = merge(
            self.wallets[source],
            self.wallets[into],
            command,
            VERSIONS,
            self.now,
            EntryId(uid(90_000 + self.count)),
        )
        assert before == sum(balance(merged.target, self.now).values()) + merged.expired_by_cap
        self.wallets[source], self.wallets[into] = merged.source, merged.target
        self.entries += merged.entries

    @rule(who=WHO, is_frozen=st.booleans())
    def freeze(self, who: int, is_frozen: bool) -> None:
        """Freeze or unfreeze, if there is something to unfreeze."""
        if is_frozen or self.wallets[who].is_frozen:
            command = FreezeWallet(account(who), is_frozen, "odd", "admin", f"freeze-{self.next()}")
            ids = NewIds(EntryId(uid(80_000 + self.count)))
            self.keep(who, freeze(self.wallets[who], command, self.now, ids))

    @rule(hours=st.integers(1, 30))
    def wait(self, hours: int) -> None:
        """Let time pass."""
        self.now += timedelta(hours=hours)

    @invariant()
    def every_entry_balances(self) -> None:
        """Postings sum to zero per kind in each entry."""
        for entry in self.entries:
            sums: Counter[str] = Counter()
            for posting in entry.postings:
                sums[posting.kind] += posting.amount
            assert not any(sums.values())

    @invariant()
    def wallets_follow_from_their_entries(self) -> None:
        """Replaying a wallet's entries gives its chain and the very lots it holds, never below zero."""
        for wallet in self.wallets.values():
            left: Counter[object] = Counter()
            head, sequence = GENESIS, 0
            for entry in (e for e in self.entries if e.account_id == wallet.account_id):
                assert (entry.previous_hash, entry.sequence) == (head, sequence + 1)
                head, sequence = entry.hash, entry.sequence
                for posting in entry.postings:
                    if posting.account == WALLET:
                        left[posting.lot_id] += posting.amount
                        assert left[posting.lot_id] >= 0
            assert (wallet.head, wallet.sequence) == (head, sequence)
            assert {item.lot.id: item.remaining for item in wallet.lots} == {
                k: n for k, n in left.items() if n
            }

    @invariant()
    def what_was_issued_is_somewhere(self) -> None:
        """Per kind: issued = in wallets + spent + expired; transfers cancel out."""
        totals: Counter[tuple[str, str]] = Counter()
        for entry in self.entries:
            for posting in entry.postings:
                where = "spent" if posting.account.startswith("spent:") else posting.account
                totals[posting.kind, where] += posting.amount
        for kind in VERSIONS:
            held = sum(i.remaining for w in self.wallets.values() for i in w.lots if i.lot.kind == kind)
            assert totals[kind, WALLET] == held
            assert totals[kind, TRANSFERRED] == 0
            assert -totals[kind, ISSUED] == held + totals[kind, "spent"] + totals[kind, EXPIRED]


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=60, stateful_step_count=25)
