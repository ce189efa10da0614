"""A random life of several wallets in a store, checked after every step; wallets made from entries alone."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, ClassVar, TypeVar

from attrs import evolve
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

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
from buddy_core.tokens import BONUS, HELD, PAID, WALLET, Entry, OpenLot, Operation, Posted, Wallet
from buddy_web.reference import SELLER_ROUTES
from tests.contracts.cases import AT, NEWTACT, VERSIONS, Uow, account, title
from tests.core.tokens.strategies import EPISODE, earnings

T = TypeVar("T")
MEMBERS = [account(number) for number in range(3)]
SCOPES = (f"title:{title(1)}", EPISODE)
CAUSE: dict[str, Any] = {"source": "test", "source_ref": "ref"}
SELLER: dict[str, Any] = {"country": "IN", "entity": NEWTACT, "currency": "INR"}
PICK = st.integers(0, 10_000)
AMOUNT = st.integers(1, 25)


class Operations(RuleBasedStateMachine):
    """Three members, and guests who come and go into them; the store is what `open_store` answers."""

    open_store: Callable[[], tuple[Uow, Callable[[], Awaitable[None]]]]
    """Answers an empty store and what closes it, inside the running loop."""
    fired: ClassVar[Counter[str]]
    """How often each rule took effect, over all examples."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock, self.ids = SettableClock(AT), SequentialIds()
        self.uow, self.close = self.run(self._open())
        self.who: dict[str, Any] = {"uow": self.uow, "clock": self.clock, "ids": self.ids}
        self.count = 0
        self.guests = [account(100)]
        self.owners: dict[AccountId, AccountId] = {}
        self.opened: list[tuple[EntryId, AccountId, LotId]] = []
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
        """Verify the whole store, replay all entries into an empty one, and close."""
        report = self.run(verify(uow=self.uow, routes=SELLER_ROUTES))
        assert report.faults == ()
        self.run(self.replay())
        self.run(self.close())
        self.runner.close()

    # -- what rules are made of ---------------------------------------------------------------------

    def run(self, work: Awaitable[T]) -> T:
        """Run in the machine's loop."""

        async def inside() -> T:
            return await work

        return self.runner.run(inside())

    def key(self) -> str:
        """Return a key that was not used."""
        self.count += 1
        return f"key-{self.count}"

    def owner(self, who: AccountId) -> AccountId:
        """Return who has what an account had."""
        return self.owners.get(who, who)

    def anybody(self, pick: int) -> AccountId:
        """Return a member or the guest of now."""
        everybody = [*MEMBERS, self.guests[-1]]
        return everybody[pick % len(everybody)]

    def wallet(self, who: AccountId) -> Wallet:
        """Return a wallet as stored, once its lapsed holds are over."""

        async def load() -> Wallet:
            async with self.uow.read() as tx:
                return (await tx.wallets.load([who]))[who]

        wallet = self.run(load())
        over = tokens.lapse(wallet, self.clock.now())
        return over[-1].wallet if over else wallet

    def attempt(self, name: str, work: Awaitable[T]) -> T | None:
        """Do it and count it, or be refused by a rule, with nothing written."""
        before = self.run(self.everything())
        refusal: BuddyError | None = None
        try:
            answer = self.run(work)
        except BuddyError as error:
            refusal = error
        if refusal is None:
            self.fired[name] += 1
            return answer
        assert isinstance(refusal, Rejected | Invalid | NotFound), refusal
        assert refusal.code.startswith("tokens."), refusal
        assert self.run(self.everything()) == before, f"{name} was refused and wrote something"
        self.fired["refused"] += 1
        return None

    async def everything(self) -> list[tuple[AccountId, int, bytes]]:
        """Return the head of every wallet: whatever is written moves one."""
        async with self.uow.read() as tx:
            books = await tx.ledger_books.of_accounts(await tx.ledger_books.accounts())
        # A lock may leave the row of an empty wallet.
        heads = [item.stored for item in books if item.stored is not None and item.entries]
        return [(wallet.account_id, wallet.sequence, wallet.head) for wallet in heads]

    async def entry(self, entry_id: EntryId) -> Entry:
        """Return an entry by its id."""
        async with self.uow.read() as tx:
            found: Entry = (await tx.entries.get([entry_id]))[entry_id]
        return found

    def enough(self, who: AccountId, amount: int) -> int:
        """Return an amount that the wallet can spend, where it can spend anything; few of them too much."""
        left = sum(taken for _, taken in in_order(self.wallet(who), 10_000, self.clock.now()))
        return amount if amount > 20 or not left else 1 + amount % left

    # -- the rules ----------------------------------------------------------------------------------

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

    @rule(pick=PICK, made=earnings())
    def earn(self, pick: int, made: dict[str, Any]) -> None:
        """Earn a lot, guest-marked where a guest earns it."""
        who = self.anybody(pick)
        made = self._shifted(made) | {"earned_as_guest": who not in MEMBERS}
        command = tokens.EarnTokens(who, idempotency_key=self.key(), **CAUSE, **made)
        self._opened("earn", who, tokens.earn_tokens(command, **self.who))

    @rule(pick=PICK, made=earnings(), cost=st.integers(0, 900), later=st.sampled_from([None, 0, 5]))
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

    @rule(pick=PICK, amount=AMOUNT)
    def spend(self, pick: int, amount: int) -> None:
        """Spend from what is live, in the order of the ledger."""
        self.do_spend(self.anybody(pick), amount)

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
            assert drawn(self.run(self.entry(made))) == expected

    @rule(pick=PICK, amount=AMOUNT, minutes=st.integers(1, 3_000))
    def hold(self, pick: int, amount: int, minutes: int) -> None:
        """Set tokens aside, drawn as a spend draws them."""
        self.do_hold(self.anybody(pick), amount, minutes)

    def hold_first(self, pick: int) -> None:
        """Set tokens aside for what comes next, every other time or where nothing is."""
        if pick % 2 == 0 or not self.held:
            self.do_hold(self.anybody(pick // 2), 1 + pick % 12, 60)

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

    @rule(pick=PICK, part=st.none() | st.integers(1, 6))
    def post(self, pick: int, part: int | None) -> None:
        """Post one of the newest holds, whole or in part; one is made if there is none."""
        self.hold_first(pick)
        if not self.held:
            return
        hold_id, who = self.held[-1 - pick % min(3, len(self.held))]
        command = tokens.PostHold(
            who, hold_id, title(1), SCOPES, idempotency_key=self.key(), amount=part, **CAUSE, **SELLER
        )
        made = self.attempt("post", tokens.post_hold(command, **self.who))
        if made is not None:
            self.held.remove((hold_id, who))
            self.spent.append((made, who))

    @rule(pick=PICK)
    def void(self, pick: int) -> None:
        """Void one of the newest holds; one is made if there is none."""
        self.hold_first(pick)
        if not self.held:
            return
        hold_id, who = self.held[-1 - pick % min(3, len(self.held))]
        command = tokens.VoidHold(who, hold_id, idempotency_key=self.key(), **CAUSE)
        if self.attempt("void", tokens.void_hold(command, **self.who)) is not None:
            self.held.remove((hold_id, who))

    @rule(pick=PICK, part=st.none() | st.integers(1, 6))
    def refund(self, pick: int, part: int | None) -> None:
        """Give back one of the newest spends, whole or in part, to whoever has the tokens now."""
        if pick % 2 == 0 or not self.spent:
            self.do_spend(self.anybody(pick), 1 + pick % 12)
        if not self.spent:
            return
        entry_id, who = self.spent[-1 - pick % min(4, len(self.spent))]
        command = tokens.RefundTokens(
            self.owner(who), entry_id, idempotency_key=self.key(), amount=part, **CAUSE
        )
        self.attempt("refund", tokens.refund_tokens(command, **self.who))

    @precondition(lambda self: self.opened)
    @rule(pick=PICK)
    def reverse(self, pick: int) -> None:
        """Withdraw an earning or a purchase."""
        entry_id, who, _ = self.opened[pick % len(self.opened)]
        command = tokens.ReverseTokens(self.owner(who), entry_id, idempotency_key=self.key(), **CAUSE)
        self.attempt("reverse", tokens.reverse_tokens(command, **self.who))

    @precondition(lambda self: self.opened)
    @rule(pick=PICK, amount=st.integers(-9, 9))
    def adjust(self, pick: int, amount: int) -> None:
        """Put a lot right that its owner still has under its first id."""
        entry_id, who, lot_id = self.opened[-1 - pick % min(4, len(self.opened))]
        command = tokens.AdjustTokens(self.owner(who), entry_id, lot_id, amount, "a slip", "me", self.key())
        self.attempt("adjust", tokens.adjust_tokens(command, **self.who))

    @rule(pick=PICK)
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
        assert not any(tokens.is_expired(item.lot, now) for item in after.lots)

    @rule(pick=PICK)
    def freeze(self, pick: int) -> None:
        """Unfreeze a wallet that is frozen, or freeze one: never more than one stands still."""
        frozen = [who for who in [*MEMBERS, self.guests[-1]] if self.wallet(who).is_frozen]
        who = frozen[0] if frozen else self.anybody(pick)
        command = tokens.FreezeWallet(who, not self.wallet(who).is_frozen, "odd", "admin", self.key())

        async def work() -> None:
            async with self.uow.begin() as tx:
                await tokens.freeze_in(tx, command, self.clock.now(), self.ids)

        self.attempt("freeze", work())

    @rule(pick=PICK, cap=st.integers(0, 40))
    def merge(self, pick: int, cap: int) -> None:
        """Merge the guest of now into a member; the next guest comes."""
        guest, member = self.guests[-1], MEMBERS[pick % len(MEMBERS)]
        command = tokens.MergeWallets(guest, member, cap, self.key())
        now = self.clock.now()
        before = Counter(tokens.balance(self.wallet(guest), now)) + Counter(
            tokens.balance(self.wallet(member), now)
        )
        held = sum(part.amount for item in self.wallet(guest).holds for part in item.lots)

        async def work() -> tokens.MergeSummary:
            async with self.uow.begin() as tx:
                await tx.wallets.lock([guest, member])
                return await tokens.merge_in(tx, command, now, self.ids)

        merged = self.attempt("merge", work())
        assert merged is not None
        after = sum(tokens.balance(self.wallet(member), now).values())
        # A hold gives back what it set aside; what of it has expired is gone.
        assert sum(before.values()) <= after + merged.expired_by_cap <= sum(before.values()) + held
        self.owners[guest] = member
        self.guests.append(account(100 + len(self.guests)))

    @rule(kind=st.sampled_from([BONUS, PAID]), value=st.integers(1, 90))
    def new_value(self, kind: tokens.TokenKind, value: int) -> None:
        """Set another value of a kind, from two minutes on."""
        values = {"INR": Fraction(value, 3), "USD": Fraction(value, 7)}
        start = self.clock.now() + timedelta(minutes=2)
        command = tokens.SetTokenValue(kind, start, values, "me", self.key())

        async def work() -> None:
            async with self.uow.begin() as tx:
                await tokens.set_value_in(tx, command, ["INR", "USD"], self.clock.now(), self.ids)

        self.attempt("new_value", work())

    @rule(minutes=st.sampled_from([1, 7, 61, 600, 3_000]))
    def wait(self, minutes: int) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(minutes=minutes))
        self.fired["wait"] += 1

    # -- what holds after every step ----------------------------------------------------------------

    @invariant()
    def the_books_are_right(self) -> None:
        """Chains, balances, open holds, lives and corrections follow from the entries; sums are zero."""
        books, versions = self.run(self.books())
        faults = [fault for item in books for fault in tokens.check_books(item, versions)]
        entries = [entry for item in books for entry in item.entries]
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
        left = sum(amount for item in books for amount in item.balances.values())
        assert totals[BONUS, WALLET] + totals[PAID, WALLET] == left
        self.run(
            self.check_holds(totals[BONUS, HELD] + totals[PAID, HELD], [item.account_id for item in books])
        )

    async def check_holds(self, held: int, accounts: Sequence[AccountId]) -> None:
        """What is on `held` is what the open holds of all wallets set aside."""
        async with self.uow.read() as tx:
            wallets = (await tx.wallets.load(accounts)).values()
        assert held == sum(item.hold.amount for wallet in wallets for item in wallet.holds)
        for wallet in wallets:
            for item in wallet.holds:
                assert item.hold.amount == sum(part.amount for part in item.lots)

    async def books(self) -> tuple[list[tokens.AccountBooks], list[tokens.ValueVersion]]:
        """Return everything as it lies there."""
        async with self.uow.read() as tx:
            accounts = await tx.ledger_books.accounts()
            versions, _, faults = await tx.ledger_books.value_versions()
            strays = await tx.ledger_books.strays()
            assert [*faults, *strays] == []
            return await tx.ledger_books.of_accounts(accounts), versions

    async def replay(self) -> None:
        """Make all wallets anew from the entries alone: they are those that are stored, to the hash."""
        # Imported late: only here a second store is needed.
        from buddy_adapters.memory import MemoryUnitOfWork

        books, _ = await self.books()
        empty = MemoryUnitOfWork()
        for item in books:
            async with empty.begin() as tx:
                await tx.wallets.append(replayed(item.account_id, item.entries))
        accounts = [item.account_id for item in books if item.entries]
        async with empty.read() as again, self.uow.read() as tx:
            fresh, stored = await again.wallets.load(accounts), await tx.wallets.load(accounts)
            copies = await again.ledger_books.of_accounts(accounts)
        assert {who: facts(wallet) for who, wallet in fresh.items()} == {
            who: facts(wallet) for who, wallet in stored.items()
        }
        assert [list(item.hashes) for item in copies] == [list(item.hashes) for item in books if item.entries]

    def _shifted(self, made: dict[str, Any]) -> dict[str, Any]:
        """Return an earning whose expiry is as far from now as it was from the beginning."""
        if made["expires_at"] is None:
            return made
        return made | {"expires_at": made["expires_at"] + (self.clock.now() - AT)}

    def _opened(self, name: str, who: AccountId, work: Awaitable[EntryId]) -> None:
        made = self.attempt(name, work)
        if made is not None:
            [lot] = self.run(self.entry(made)).lots
            self.opened.append((made, who, lot.id))

    def _open_hold(self, who: AccountId, hold_id: HoldId) -> tokens.OpenHold:
        return next(item for item in self.wallet(who).holds if item.id == hold_id)


def in_order(wallet: Wallet, amount: int, at: datetime) -> list[tuple[LotId, int]]:
    """Return what a spend draws, worked out without the code under test: bonus first, and so on."""
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


def replayed(who: AccountId, entries: Iterable[Entry]) -> list[Posted]:
    """Return the wallet after each entry, from the entries alone."""
    wallet = Wallet(who)
    lots: dict[LotId, tokens.Lot] = {}
    made: list[Posted] = []
    for entry in entries:
        lots |= {lot.id: lot for lot in entry.lots}
        left = Counter({item.lot.id: item.remaining for item in wallet.lots})
        for posting in entry.postings:
            if posting.lot_id is not None:
                left[posting.lot_id] += posting.amount
        holds = tuple(item for item in wallet.holds if item.id != entry.hold_id)
        for hold in entry.holds:
            parts = tuple(
                tokens.HeldLot(lots[posting.lot_id], -posting.amount, posting.version)
                for posting in entry.postings
                if posting.lot_id is not None
            )
            holds = (*holds, tokens.OpenHold(hold, parts))
        open_lots = tuple(OpenLot(lots[lot], amount) for lot, amount in left.items())
        wallet = wallet.after(entry, open_lots, holds)
        made.append(Posted(wallet, entry))
    return made


def facts(wallet: Wallet) -> tuple[Any, ...]:
    """Return what makes two wallets the same, whatever the order of their lots and holds."""
    bare = evolve(wallet, lots=(), holds=())
    return bare, frozenset(wallet.lots), frozenset(wallet.holds)


EXPECTED = [
    "earn", "buy", "spend", "hold", "post", "void", "refund", "reverse", "adjust",
    "expire", "freeze", "merge", "new_value", "wait", "refused",
]  # fmt: skip
"""Everything that must have happened, for a run to say anything."""
assert Operation.ADJUST.value in EXPECTED
