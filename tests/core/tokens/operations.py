"""A random life of several wallets in a store: every operation, and what must hold after every step.

`Life` says what can happen, `Operations` makes a Hypothesis rule of each (which leaves
some out of each life), and `Balanced` lets everything happen about as often; there the
clock also steps back a little.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, ClassVar, TypeVar

from attrs import evolve, frozen
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from buddy_adapters.system import SequentialIds, SettableClock
from buddy_core import tokens
from buddy_core.flows import verify
from buddy_core.kernel import (
    AccountId,
    BuddyError,
    EntryId,
    HoldId,
    Invalid,
    LotId,
    NotFound,
    Rejected,
)
from buddy_core.kernel.proof import Fault
from buddy_core.tokens import ADJUSTED, BONUS, HELD, PAID, WALLET, Entry, Operation, Posted, Wallet
from buddy_web.reference import SELLER_ROUTES
from tests.contracts.cases import AT, NEWTACT, VERSIONS, Uow, account, title
from tests.core.tokens.strategies import EPISODE, earnings

T = TypeVar("T")
Opening = Callable[[], tuple[Uow, Callable[[], Awaitable[None]]]]
"""Answers an empty store and what closes it, inside the running loop."""
MEMBERS = [account(number) for number in range(3)]
SCOPES = (f"title:{title(1)}", EPISODE)
CAUSE: dict[str, Any] = {"source": "test", "source_ref": "ref"}
SELLER: dict[str, Any] = {"country": "IN", "entity": NEWTACT, "currency": "INR"}
PICK = st.integers(0, 10_000)
AMOUNT = st.integers(1, 25)


@frozen
class Seen:
    """All that lies in a store, read at once."""

    books: Sequence[tokens.AccountBooks]
    versions: Sequence[tokens.ValueVersion]
    version_hashes: Sequence[bytes]
    faults: Sequence[Fault]
    """What of the versions could not be read."""
    wallets: Mapping[AccountId, Wallet]

    @property
    def heads(self) -> list[object]:
        """What moves whenever anything is written: every wallet's head, and the versions."""
        # A lock may leave the row of an empty wallet.
        wallets = [wallet for wallet in self.wallets.values() if wallet.sequence]
        return [*((item.account_id, item.sequence, item.head) for item in wallets), *self.version_hashes]

    def entry(self, entry_id: EntryId) -> Entry:
        """Return an entry by its id."""
        return next(entry for item in self.books for entry in item.entries if entry.id == entry_id)


class Life(RuleBasedStateMachine):
    """Three members, and guests who come and go into them; the store is what `open_store` answers."""

    open_store: Opening
    replay_on: ClassVar[Sequence[Opening]] = ()
    """Stores that the whole history is replayed on at the end, besides one in memory step by step."""
    fired: ClassVar[Counter[str]]
    """How often each rule took effect, over all examples."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock, self.ids = SettableClock(AT), SequentialIds()
        self._seen: Seen | None = None
        self.uow, self.close = self.run(self._open())
        self.copy = Copy()
        self.who: dict[str, Any] = {"uow": self.uow, "clock": self.clock, "ids": self.ids}
        self.count = 0
        self.guests = [account(100)]
        self.owners: dict[AccountId, AccountId] = {}
        self.opened: list[tuple[EntryId, AccountId, LotId]] = []
        self.withdrawn: set[EntryId] = set()
        self.lacking: Counter[LotId] = Counter()
        """What reversals did not find, of each lot's origin, less what refunds have taken of it since."""
        self.spent: list[tuple[EntryId, AccountId]] = []
        self.held: list[tuple[HoldId, AccountId]] = []
        self.values = 1

    async def _open(self) -> tuple[Uow, Callable[[], Awaitable[None]]]:
        uow, close = type(self).open_store()
        async with uow.begin() as tx:
            for version in VERSIONS.values():
                await tx.token_values.add(version)
        return uow, close

    def teardown(self) -> None:
        """Verify the whole store, replay all entries into empty ones, and close."""
        report = self.run(verify(uow=self.uow, routes=SELLER_ROUTES))
        assert report.faults == ()
        for opening in self.replay_on:
            self.run(self._replay(opening))
        self.run(self.close())
        self.runner.close()

    # -- what rules are made of ---------------------------------------------------------------------

    def run(self, work: Awaitable[T]) -> T:
        """Run in the machine's loop; what was seen of the store before may be so no more."""
        self._seen = None

        async def inside() -> T:
            return await work

        return self.runner.run(inside())

    @property
    def seen(self) -> Seen:
        """All that lies in the store now, read once between two steps."""
        if self._seen is None:
            self._seen = self.runner.run(look(self.uow))
        return self._seen

    def key(self) -> str:
        """Return a key that was not used."""
        self.count += 1
        return f"key-{self.count}"

    def owner(self, who: AccountId) -> AccountId:
        """Return who has what an account had."""
        return self.owners.get(who, who)

    def anybody(self, pick: int) -> AccountId:
        """Return a member or the guest of now."""
        return self.everybody()[pick % len(self.everybody())]

    def able(self, pick: int) -> AccountId:
        """Return somebody who can spend, where there is one; now and then anybody."""
        now = self.clock.now()
        able = [
            who
            for who in self.everybody()
            if not self.wallet(who).is_frozen and in_order(self.wallet(who), 1, now)
        ]
        return able[pick % len(able)] if able and pick % 8 != 7 else self.anybody(pick)

    def everybody(self) -> list[AccountId]:
        """Return the members and the guest of now."""
        return [*MEMBERS, self.guests[-1]]

    def wallet(self, who: AccountId) -> Wallet:
        """Return a wallet as stored, once its lapsed holds are over."""
        wallet = self.seen.wallets.get(who, Wallet(who))
        over = tokens.lapse(wallet, self.clock.now())
        return over[-1].wallet if over else wallet

    def attempt(self, name: str, work: Awaitable[T]) -> T | None:
        """Do it and count it, or be refused by a rule, with nothing written."""
        before = self.seen.heads
        refusal: BuddyError | None = None
        try:
            answer = self.run(work)
        except BuddyError as error:
            refusal = error
        if refusal is None:
            self.count_effect(name)
            return answer
        # A clock that slipped back over the start of a value is told so, and the wallet waits for it.
        assert isinstance(refusal, Rejected | Invalid | NotFound | tokens.ClockBehind), refusal
        assert refusal.code.startswith("tokens."), refusal
        assert self.seen.heads == before, f"{name} was refused and wrote something"
        self.count_effect("refused")
        return None

    def count_effect(self, name: str) -> None:
        """Count that something took effect."""
        self.fired[name] += 1

    def enough(self, who: AccountId, amount: int) -> int:
        """Return an amount that the wallet can spend, where it can spend anything; few of them too much."""
        left = sum(taken for _, taken in in_order(self.wallet(who), 10_000, self.clock.now()))
        return amount if amount > 20 or not left else 1 + amount % left

    # -- what can happen ----------------------------------------------------------------------------

    @initialize(amounts=st.tuples(*(st.integers(20, 60) for _ in MEMBERS)))
    def begin(self, amounts: tuple[int, ...]) -> None:
        """Give each member something that lasts."""
        for who, amount in zip(MEMBERS, amounts, strict=True):
            command = tokens.EarnTokens(
                who,
                BONUS,
                amount,
                idempotency_key=self.key(),
                expires_at=None,
                earned_as_guest=False,
                **CAUSE,
            )
            self._opened("earn", who, tokens.earn_tokens(command, **self.who))

    def earn(self, pick: int, made: dict[str, Any]) -> None:
        """Earn a lot, guest-marked where a guest earns it."""
        who = self.anybody(pick)
        made = self._shifted(made) | {"earned_as_guest": who not in MEMBERS}
        command = tokens.EarnTokens(who, idempotency_key=self.key(), **CAUSE, **made)
        self._opened("earn", who, tokens.earn_tokens(command, **self.who))

    def buy(self, pick: int, made: dict[str, Any], cost: int, later: int | None) -> None:
        """Buy a lot that counts from now or from later on."""
        who = self.anybody(pick)
        made = self._shifted(made)
        del made["earned_as_guest"]
        start = None if later is None else self.clock.now() + timedelta(hours=later)
        command = tokens.BuyTokens(
            who,
            cost_minor=cost,
            cost_currency="INR",
            effective_from=start,
            idempotency_key=self.key(),
            **CAUSE,
            **made,
        )
        self._opened("buy", who, tokens.buy_tokens(command, **self.who))

    def spend(self, pick: int, amount: int) -> None:
        """Spend from what is live, in the order of the ledger."""
        self.do_spend(self.able(pick), amount)

    def do_spend(self, who: AccountId, amount: int) -> None:
        """Spend, and see that the lots drawn are those that come first."""
        amount = self.enough(who, amount)
        expected = in_order(self.wallet(who), amount, self.clock.now())
        command = tokens.SpendTokens(
            who, title(1), SCOPES, amount, idempotency_key=self.key(), **CAUSE, **SELLER
        )
        made = self.attempt("spend", tokens.spend_tokens(command, **self.who))
        if made is not None:
            self.spent.append((made, who))
            assert drawn(self.seen.entry(made)) == expected
            assert sum(taken for _, taken in expected) == amount

    def hold(self, pick: int, amount: int, minutes: int) -> None:
        """Set tokens aside, drawn as a spend draws them."""
        self.do_hold(self.able(pick), amount, minutes)

    def some_hold(self, pick: int) -> tuple[HoldId, AccountId] | None:
        """Return a hold that is open, one that is made now, or now and then one that may be over."""
        if pick % 8 == 7 and self.held:
            return self.held[-1 - pick % min(3, len(self.held))]
        if pick % 2 == 0 or not self._still_held():
            self.do_hold(self.able(pick // 2), 1 + pick % 12, 60)
        found = self._still_held()
        return found[pick % len(found)] if found else None

    def _still_held(self) -> list[tuple[HoldId, AccountId]]:
        is_open = {item.id for who in self.everybody() for item in self.wallet(who).holds}
        return [item for item in self.held if item[0] in is_open]

    def do_hold(self, who: AccountId, amount: int, minutes: int) -> None:
        """Set tokens aside, and see that the lots drawn are those that come first."""
        amount = self.enough(who, amount)
        expected = in_order(self.wallet(who), amount, self.clock.now())
        end = self.clock.now() + timedelta(minutes=minutes)
        command = tokens.HoldTokens(who, SCOPES, amount, end, idempotency_key=self.key(), **CAUSE)
        made = self.attempt("hold", tokens.hold_tokens(command, **self.who))
        if made is not None:
            self.held.append((made, who))
            assert [(item.lot.id, item.amount) for item in self._open_hold(who, made).lots] == expected
            assert sum(taken for _, taken in expected) == amount

    def post(self, pick: int, part: int | None) -> None:
        """Post one of the newest holds, whole or in part; one is made if there is none."""
        found = self.some_hold(pick)
        if found is None:
            return
        hold_id, who = found
        command = tokens.PostHold(
            who, hold_id, title(1), SCOPES, idempotency_key=self.key(), amount=part, **CAUSE, **SELLER
        )
        made = self.attempt("post", tokens.post_hold(command, **self.who))
        if made is not None:
            self.spent.append((made, who))

    def void(self, pick: int) -> None:
        """Void one of the newest holds; one is made if there is none."""
        found = self.some_hold(pick)
        if found is None:
            return
        hold_id, who = found
        command = tokens.VoidHold(who, hold_id, idempotency_key=self.key(), **CAUSE)
        self.attempt("void", tokens.void_hold(command, **self.who))

    def refund(self, pick: int, part: int | None) -> None:
        """Give back one of the newest spends, whole or in part, to whoever has the tokens now."""
        if pick % 2 == 0 or not self.spent:
            self.do_spend(self.able(pick), 1 + pick % 12)
        if not self.spent:
            return
        entry_id, who = self.spent[-1 - pick % min(4, len(self.spent))]
        self.do_refund(entry_id, who, part)

    def do_refund(self, entry_id: EntryId, who: AccountId, part: int | None) -> None:
        """Give a spend back, and see that what was uncollectable is taken at once, and no more."""
        command = tokens.RefundTokens(
            self.owner(who), entry_id, idempotency_key=self.key(), amount=part, **CAUSE
        )
        made = self.attempt("refund", tokens.refund_tokens(command, **self.who))
        if made is None:
            return
        postings = self.seen.entry(made).postings
        origins = {
            lot.id: lot.origin_id for item in self.seen.books for entry in item.entries for lot in entry.lots
        }
        back, taken = Counter[LotId](), Counter[LotId]()
        for posting in postings:
            if posting.lot_id is not None and posting.account == WALLET and posting.value is not None:
                back[origins[posting.lot_id]] += posting.amount
            elif posting.lot_id is not None and posting.account == ADJUSTED:
                taken[origins[posting.lot_id]] += posting.amount
        assert taken == Counter({origin: min(back[origin], self.lacking[origin]) for origin in back})
        self.lacking -= taken

    def reverse(self, pick: int) -> None:
        """Withdraw an earning or a purchase, if there was one."""
        if not self.opened:
            return
        still = [item for item in self.opened if item[0] not in self.withdrawn]
        among = self.opened if pick % 8 == 7 or not still else still
        entry_id, who, _ = among[pick % len(among)]
        self.do_reverse(entry_id, who)

    def do_reverse(self, entry_id: EntryId, who: AccountId) -> None:
        """Withdraw what an entry brought in, and keep what was not there any more."""
        command = tokens.ReverseTokens(self.owner(who), entry_id, idempotency_key=self.key(), **CAUSE)
        made = self.attempt("reverse", tokens.reverse_tokens(command, **self.who))
        if made is not None:
            self.withdrawn.add(entry_id)
            [lot] = self.seen.entry(entry_id).lots
            gone = [item.amount for item in self.seen.entry(made).postings if item.account == ADJUSTED]
            self.lacking[lot.origin_id] -= sum(gone)

    def adjust(self, pick: int, amount: int) -> None:
        """Put a lot right that its owner still has under its first id."""
        if not self.opened:
            return
        left = {item.lot.id: item.remaining for who in MEMBERS for item in self.wallet(who).lots}
        full = [item for item in self.opened if item[2] in left]
        among = self.opened if pick % 8 == 7 or not full else full
        entry_id, who, lot_id = among[-1 - pick % min(4, len(among))]
        if amount < 0 and pick % 8 != 7:
            amount = -min(-amount, left.get(lot_id, 1))
        command = tokens.AdjustTokens(self.owner(who), entry_id, lot_id, amount, "a slip", "me", self.key())
        self.attempt("adjust", tokens.adjust_tokens(command, **self.who))

    def recall(self, pick: int, given: int, early: int, late: int, *, is_spent_first: bool) -> None:
        """Buy a lot, have it put right, withdraw it, and give back what was spent of it before or after."""
        who = MEMBERS[pick % len(MEMBERS)]
        if self.wallet(who).is_frozen:
            return
        # With the lowest number of all, it is drawn first among the bonus.
        command = tokens.BuyTokens(
            who, BONUS, 10, 100, "INR", idempotency_key=self.key(), expires_at=None, priority=-9, **CAUSE
        )
        if not self._opened("buy", who, tokens.buy_tokens(command, **self.who)):
            return
        entry_id, _, lot_id = self.opened[-1]
        if is_spent_first:
            self.do_spend(who, early)
        right = tokens.AdjustTokens(who, entry_id, lot_id, given, "a gift", "me", self.key())
        self.run(tokens.adjust_tokens(right, **self.who))
        self.do_reverse(entry_id, who)
        self.do_spend(who, late)
        for spend, spender in self.spent[-2:]:
            self.do_refund(spend, spender, None)
        self.count_effect("recall")

    def expire(self, pick: int) -> None:
        """Sweep a wallet; only what has expired goes, and the balance is what it was."""
        who = self.anybody(pick)
        now = self.clock.now()
        before = self.wallet(who)
        dead = sum(item.remaining for item in before.lots if tokens.is_expired(item.lot, now))
        swept = self.attempt("expire", tokens.expire_tokens(tokens.ExpireTokens(who, self.key()), **self.who))
        after = self.wallet(who)
        assert swept is not None
        assert swept.expired >= dead
        assert tokens.balance(after, now) == tokens.balance(before, now)
        # Each lot by itself: what has expired is gone, and every other lot is as it was.
        kept = {item for item in before.lots if not tokens.is_expired(item.lot, now)}
        assert set(after.lots) == kept

    def freeze(self, pick: int) -> None:
        """Unfreeze a wallet that is frozen, or freeze one: never more than one stands still."""
        frozen = [who for who in self.everybody() if self.wallet(who).is_frozen]
        who = frozen[0] if frozen else self.anybody(pick)
        command = tokens.FreezeWallet(who, not self.wallet(who).is_frozen, "odd", "admin", self.key())

        async def work() -> None:
            async with self.uow.begin() as tx:
                await tokens.freeze_in(tx, command, self.clock.now(), self.ids)

        self.attempt("freeze", work())

    def merge(self, pick: int, cap: int) -> None:
        """Merge the guest of now into a member; the next guest comes."""
        guest, member = self.guests[-1], MEMBERS[pick % len(MEMBERS)]
        command = tokens.MergeWallets(guest, member, cap, self.key())
        now = self.clock.now()
        before = Counter(tokens.balance(self.wallet(guest), now)) + Counter(
            tokens.balance(self.wallet(member), now)
        )
        held = sum(part.amount for item in self.wallet(guest).holds for part in item.lots)
        waiting = sum(item.remaining for item in self.wallet(guest).lots if item.lot.effective_from > now)

        async def work() -> tokens.MergeSummary:
            async with self.uow.begin() as tx:
                await tx.wallets.lock([guest, member])
                return await tokens.merge_in(tx, command, now, self.ids)

        merged = self.attempt("merge", work())
        assert merged is not None
        after = sum(tokens.balance(self.wallet(member), now).values())
        # A hold gives back what it set aside; what of it has expired is gone. What counts from later on
        # may be over the cap too.
        most = sum(before.values()) + held + waiting
        assert sum(before.values()) <= after + merged.expired_by_cap <= most
        self.owners[guest] = member
        self.guests.append(account(100 + len(self.guests)))

    def new_value(self, kind: tokens.TokenKind, value: int) -> None:
        """Set another value of a kind, from two minutes on."""
        values = {"INR": Fraction(value, 3), "USD": Fraction(value, 7)}
        start = self.clock.now() + timedelta(minutes=2)
        command = tokens.SetTokenValue(kind, start, values, "me", self.key())

        async def work() -> None:
            async with self.uow.begin() as tx:
                await tokens.set_value_in(tx, command, ["INR", "USD"], self.clock.now(), self.ids)

        self.attempt("new_value", work())

    def wait(self, minutes: int) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(minutes=minutes))
        self.count_effect("wait")

    def slip(self, microseconds: int) -> None:
        """Let the machine's clock step back a little, as it does when it is set right."""
        self.clock.advance(-timedelta(microseconds=microseconds))
        self.count_effect("slip")

    # -- what holds after every step ----------------------------------------------------------------

    @invariant()
    def the_books_are_right(self) -> None:
        """Chains, balances, open holds, lives, versions and corrections follow; sums are zero."""
        seen = self.seen
        faults = [*seen.faults, *tokens.check_versions(seen.versions, seen.version_hashes)]
        faults += [fault for item in seen.books for fault in tokens.check_books(item, seen.versions)]
        entries = [entry for item in seen.books for entry in item.entries]
        corrections = [entry for entry in entries if entry.corrects is not None]
        faults += tokens.check_corrections({entry.id: entry for entry in entries}, corrections)
        assert faults == []
        totals: Counter[tuple[str, str]] = Counter()
        for entry in entries:
            for posting in entry.postings:
                where = "spent" if posting.account.startswith("spent:") else posting.account
                totals[posting.kind, where] += posting.amount
        for kind in (BONUS, PAID):
            assert sum(amount for (of, _), amount in totals.items() if of == kind) == 0
            assert totals[kind, "transferred"] == 0
            assert totals[kind, "spent"] >= 0
        left = [amount for item in seen.books for amount in item.balances.values()]
        assert all(amount >= 0 for amount in left)
        assert totals[BONUS, WALLET] + totals[PAID, WALLET] == sum(left)
        self.check_holds(totals[BONUS, HELD] + totals[PAID, HELD])

    def check_holds(self, held: int) -> None:
        """What is on `held` is what the open holds of all wallets set aside."""
        holds = [item for wallet in self.seen.wallets.values() for item in wallet.holds]
        assert held == sum(item.hold.amount for item in holds)
        for item in holds:
            assert item.hold.amount == sum(part.amount for part in item.lots)

    @invariant()
    def the_entries_alone_give_the_same(self) -> None:
        """Replayed into a store that was empty, all entries give the wallets and hashes that are stored."""
        self.copy.take_over(self.runner, self.seen.books)
        copied = self.runner.run(look(self.copy.uow))
        assert wallets_of(copied) == wallets_of(self.seen)
        assert hashes_of(copied) == hashes_of(self.seen)

    async def _replay(self, opening: Opening) -> None:
        uow, close = opening()
        stored = await look(self.uow)
        async with uow.begin() as tx:
            for version in stored.versions:
                await tx.token_values.add(version)
            for item in stored.books:
                await tx.wallets.append(replayed(Wallet(item.account_id), {}, item.entries))
        copied = await look(uow)
        assert wallets_of(copied) == wallets_of(stored)
        assert hashes_of(copied) == hashes_of(stored)
        assert copied.version_hashes == stored.version_hashes
        assert (await verify(uow=uow, routes=SELLER_ROUTES)).faults == ()
        await close()

    def _shifted(self, made: dict[str, Any]) -> dict[str, Any]:
        """Return an earning whose expiry is as far from now as it was from the beginning."""
        if made["expires_at"] is None:
            return made
        return made | {"expires_at": made["expires_at"] + (self.clock.now() - AT)}

    def _opened(self, name: str, who: AccountId, work: Awaitable[EntryId]) -> bool:
        made = self.attempt(name, work)
        if made is not None:
            [lot] = self.seen.entry(made).lots
            self.opened.append((made, who, lot.id))
        return made is not None

    def _open_hold(self, who: AccountId, hold_id: HoldId) -> tokens.OpenHold:
        return next(item for item in self.wallet(who).holds if item.id == hold_id)


def in_order(wallet: Wallet, amount: int, at: datetime) -> list[tuple[LotId, int]]:
    """Return what a spend draws, worked out without the code under test: bonus first, and so on."""
    # A clock that has stepped back sees what was there before it did.
    at = max(at, wallet.moved_at or at)
    live = [
        item
        for item in wallet.lots
        if item.lot.effective_from <= at
        and (item.lot.expires_at is None or item.lot.expires_at > at)
        and (not item.lot.scopes or set(item.lot.scopes) & set(SCOPES))
    ]
    never = at + timedelta(days=100_000)
    live.sort(
        key=lambda item: (
            item.kind != BONUS,
            item.priority,
            item.expires_at or never,
            item.created_at,
            item.id,
        )
    )
    found = []
    for item in live:
        taken = min(amount, item.remaining)
        if taken:
            found.append((item.id, taken))
        amount -= taken
    return found


def drawn(entry: Entry) -> list[tuple[LotId, int]]:
    """Return what an entry took out of lots, in its order."""
    return [
        (posting.lot_id, -posting.amount)
        for posting in entry.postings
        if posting.lot_id is not None and posting.amount < 0
    ]


class Copy:
    """A store in memory that is given entries alone."""

    def __init__(self) -> None:
        # Imported late: only here a second store is needed.
        from buddy_adapters.memory import MemoryUnitOfWork

        self.uow = MemoryUnitOfWork()
        self.wallets: dict[AccountId, Wallet] = {}
        self.lots: dict[LotId, tokens.Lot] = {}

    def take_over(self, runner: asyncio.Runner, books: Iterable[tokens.AccountBooks]) -> None:
        """Append the entries that are not here yet."""
        new: list[Posted] = []
        for item in books:
            wallet = self.wallets.get(item.account_id, Wallet(item.account_id))
            new += replayed(wallet, self.lots, item.entries[wallet.sequence :])
        self.wallets |= {posted.entry.account_id: posted.wallet for posted in new}
        runner.run(self._append(new))

    async def _append(self, new: Sequence[Posted]) -> None:
        async with self.uow.begin() as tx:
            await tx.wallets.append(new)


async def look(uow: Uow) -> Seen:
    """Read all of a store on one snapshot."""
    async with uow.read() as tx:
        accounts = await tx.ledger_books.accounts()
        books = await tx.ledger_books.of_accounts(accounts)
        versions, hashes, faults = await tx.ledger_books.value_versions()
        wallets = await tx.wallets.load(accounts)
    return Seen(books, versions, hashes, faults, wallets)


def replayed(wallet: Wallet, lots: dict[LotId, tokens.Lot], entries: Iterable[Entry]) -> list[Posted]:
    """Return a wallet after each further entry; `lots` has those that are known, and takes in new ones."""
    made: list[Posted] = []
    for entry in entries:
        wallet = tokens.apply(wallet, entry, lots)
        lots.update((lot.id, lot) for lot in entry.lots)
        made.append(Posted(wallet, entry))
    return made


def wallets_of(seen: Seen) -> dict[AccountId, tuple[Any, ...]]:
    """Return what makes the wallets of two stores the same."""
    return {who: facts(wallet) for who, wallet in seen.wallets.items() if wallet.sequence}


def hashes_of(seen: Seen) -> dict[AccountId, list[bytes]]:
    """Return the hash of each entry as it is stored."""
    return {item.account_id: list(item.hashes) for item in seen.books if item.entries}


def facts(wallet: Wallet) -> tuple[Any, ...]:
    """Return what makes two wallets the same, whatever the order of their lots and holds."""
    bare = evolve(wallet, lots=(), holds=())
    return bare, frozenset(wallet.lots), frozenset(wallet.holds)


ARGUMENTS: Mapping[str, Mapping[str, st.SearchStrategy[Any]]] = {
    "earn": {"pick": PICK, "made": earnings()},
    "buy": {
        "pick": PICK,
        "made": earnings(),
        "cost": st.integers(0, 900),
        "later": st.sampled_from([None, 0, 5]),
    },
    "spend": {"pick": PICK, "amount": AMOUNT},
    "hold": {"pick": PICK, "amount": AMOUNT, "minutes": st.integers(1, 3_000)},
    "post": {"pick": PICK, "part": st.none() | st.integers(1, 6)},
    "void": {"pick": PICK},
    "refund": {"pick": PICK, "part": st.none() | st.integers(1, 6)},
    "reverse": {"pick": PICK},
    "adjust": {"pick": PICK, "amount": st.integers(-9, 9)},
    "recall": {
        "pick": PICK,
        "given": st.integers(1, 9),
        "early": st.integers(1, 12),
        "late": st.integers(1, 12),
        "is_spent_first": st.booleans(),
    },
    "expire": {"pick": PICK},
    "freeze": {"pick": PICK},
    "merge": {"pick": PICK, "cap": st.integers(0, 40)},
    "new_value": {"kind": st.sampled_from([BONUS, PAID]), "value": st.integers(1, 90)},
    "wait": {"minutes": st.sampled_from([1, 7, 61, 600, 3_000])},
    "slip": {"microseconds": st.integers(1, 1_000_000)},
}
"""What is drawn for each thing that can happen."""


def _rule(name: str) -> Any:
    """Return the rule by which Hypothesis lets something happen."""
    made: Any = rule
    return made(**ARGUMENTS[name])(getattr(Life, name))


class Operations(Life):
    """Each thing that can happen is a rule."""

    earn = _rule("earn")
    buy = _rule("buy")
    spend = _rule("spend")
    hold = _rule("hold")
    post = _rule("post")
    void = _rule("void")
    refund = _rule("refund")
    reverse = _rule("reverse")
    adjust = _rule("adjust")
    recall = _rule("recall")
    expire = _rule("expire")
    freeze = _rule("freeze")
    merge = _rule("merge")
    new_value = _rule("new_value")
    wait = _rule("wait")


class Balanced(Life):
    """What happens next is one of those that happened least in this life, so that few lives see all of it."""

    AMONG = 6

    def __init__(self) -> None:
        super().__init__()
        self.happened: Counter[str] = Counter()
        self.tried: Counter[str] = Counter()

    def count_effect(self, name: str) -> None:
        """Count it for this life too."""
        super().count_effect(name)
        self.happened[name] += 1

    @rule(data=st.data())
    def something(self, data: st.DataObject) -> None:
        """Let one of the rarest things happen; a refusal counts as a third."""
        rarest = sorted(ARGUMENTS, key=lambda name: (2 * self.happened[name] + self.tried[name], name))
        name = data.draw(st.sampled_from(rarest[: self.AMONG]))
        self.tried[name] += 1
        getattr(self, name)(**{key: data.draw(given, key) for key, given in ARGUMENTS[name].items()})


EXPECTED = [
    "earn", "buy", "spend", "hold", "post", "void", "refund", "reverse", "adjust",
    "recall", "expire", "freeze", "merge", "new_value", "wait", "slip", "refused",
]  # fmt: skip
"""Everything that must have happened, for a run to say anything."""
assert Operation.ADJUST.value in EXPECTED
