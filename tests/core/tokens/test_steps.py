"""What the steps write and tell: outcomes in the order of the commands, events, and lapsed holds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, TypeVar
from uuid import UUID

import pytest
from attrs import evolve

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_core import tokens
from buddy_core.kernel import (
    AccountId,
    BuddyError,
    Done,
    EntryId,
    Envelope,
    EventId,
    HoldId,
    LotId,
    Outcome,
    Refused,
    envelope,
)
from buddy_core.kernel.events import Event
from buddy_core.tokens import (
    BONUS,
    PAID,
    AdjustTokens,
    BuyTokens,
    Entry,
    ExpireTokens,
    FreezeWallet,
    HoldTokens,
    MergeSummary,
    MergeWallets,
    NewIds,
    Operation,
    PostHold,
    RefundTokens,
    ReverseTokens,
    SetTokenValue,
    Spent,
    SpentByKind,
    Swept,
    TokenKind,
    VoidHold,
    Wallet,
    balance,
)
from buddy_core.tokens.rules.telling import by_kind
from tests.contracts.cases import AT, LATER, NEWTACT, account, earning, post, spending, title, uid, version_of

T = TypeVar("T")
ME, OTHER, GUEST = account(1), account(2), account(3)
NOBODY = uid(999_999)
DAY = timedelta(days=1)
SELLER: dict[str, Any] = {"country": "IN", "entity": NEWTACT, "currency": "INR"}
SCOPES = ("type:episode",)


class Counted:
    """Ids that count from one, so that a test can say which is which."""

    def __init__(self) -> None:
        self.count = 0

    def uuid7(self) -> UUID:
        """Return the next one."""
        self.count += 1
        return UUID(int=self.count)

    def opaque(self, prefix: str) -> str:
        """Refuse: no step asks for one."""
        raise NotImplementedError


class Book:
    """A store with two kinds of tokens, worth 50 and 7/3 paise; steps are done in it one after another."""

    def __init__(self) -> None:
        self.uow, self.ids, self.seen = MemoryUnitOfWork(), Counted(), set[EventId]()
        for kind, version, value in ((BONUS, 1, 50), (PAID, 1, Fraction(7, 3))):
            asyncio.run(self._add(version_of(kind, version, values={"INR": Fraction(value)})))

    async def _add(self, version: tokens.ValueVersion) -> None:
        async with self.uow.begin() as tx:
            await tx.token_values.add(version)

    def do(self, step: Callable[..., Awaitable[T]], commands: object, at: datetime = AT, *more: object) -> T:
        """Do a step in a transaction of its own."""

        async def work() -> T:
            async with self.uow.begin() as tx:
                return await step(tx, commands, *more, at, self.ids)

        return asyncio.run(work())

    def told(self) -> list[Envelope]:
        """Return the events since the last call, in the order in which they were told."""

        async def work() -> list[Envelope]:
            async with self.uow.read() as tx:
                return await tx.outbox_queue.unsent(1_000)

        found = [item for item in asyncio.run(work()) if item.id not in self.seen]
        self.seen |= {item.id for item in found}
        return sorted(found, key=lambda item: item.id)

    def wallet(self, who: AccountId = ME) -> Wallet:
        """Return a wallet as stored."""

        async def work() -> Wallet:
            async with self.uow.read() as tx:
                found: dict[AccountId, Wallet] = await tx.wallets.load([who])
                return found[who]

        return asyncio.run(work())

    def entries(self, who: AccountId = ME) -> list[Entry]:
        """Return the entries of a wallet, the oldest first."""

        async def work() -> list[Entry]:
            async with self.uow.read() as tx:
                found: list[Entry] = await tx.entries.of_account(who, before=None, limit=1_000)
                return found[::-1]

        return asyncio.run(work())

    def earned(self, amount: int, who: AccountId = ME, **changes: Any) -> Entry:
        """Earn tokens under a key that was not used, and forget the event."""
        [made] = self.do(tokens.earn_in, [earning(who, amount, f"earn-{self.ids.count}", **changes)])
        self.told()
        return value(made)

    def spent(self, amount: int, who: AccountId = ME, **changes: Any) -> Spent:
        """Spend tokens under a key that was not used, and forget the event."""
        [made] = self.do(tokens.spend_in, [spending(who, amount, f"spend-{self.ids.count}", **changes)])
        self.told()
        return value(made)

    def held(self, amount: int, who: AccountId = ME, until: datetime = LATER, at: datetime = AT) -> HoldId:
        """Hold tokens under a key that was not used, and forget the event."""
        [made] = self.do(tokens.hold_in, [holding(amount, f"hold-{self.ids.count}", who, until)], at)
        self.told()
        return value(made).holds[0].id

    def merged(self, source: AccountId, target: AccountId) -> None:
        """Merge two wallets, and forget the event."""
        self.do(tokens.merge_in, MergeWallets(source, target, 1_000, f"merge-{source}"))
        self.told()


@pytest.fixture
def book() -> Book:
    """An empty store."""
    return Book()


def value(outcome: Outcome[T]) -> T:
    """Return what was done."""
    assert isinstance(outcome, Done), outcome
    return outcome.value


def refusal(outcome: Outcome[Any]) -> tuple[str, dict[str, Any]]:
    """Return the code and the facts of a refusal."""
    assert isinstance(outcome, Refused), outcome
    error: BuddyError = outcome.error
    return error.code, error.facts()


def sealed(envelopes: Sequence[Envelope], *events: tuple[Event, AccountId, datetime]) -> list[Envelope]:
    """Return what should have been told: each event about its account, at its instant."""
    return [
        envelope(event, id=item.id, subject=str(who), at=at)
        for item, (event, who, at) in zip(envelopes, events, strict=True)
    ]


def holding(amount: int, key: str, who: AccountId = ME, until: datetime = LATER) -> HoldTokens:
    """Return a command that holds tokens for an episode."""
    return HoldTokens(who, SCOPES, amount, until, "rental", "r1", key)


def posting(hold: HoldId, key: str, amount: int | None = None, who: AccountId = ME) -> PostHold:
    """Return a command that posts a hold."""
    return PostHold(who, hold, title(1), SCOPES, "rental", "r1", key, **SELLER, amount=amount)


def voiding(hold: HoldId, key: str, who: AccountId = ME) -> VoidHold:
    """Return a command that voids a hold."""
    return VoidHold(who, hold, "rental", "r1", key)


def refunding(of: EntryId, key: str, amount: int | None = None, who: AccountId = ME) -> RefundTokens:
    """Return a command that refunds a spend."""
    return RefundTokens(who, of, "support", "case", key, amount)


def reversing(of: EntryId, key: str, who: AccountId = ME) -> ReverseTokens:
    """Return a command that reverses an earning."""
    return ReverseTokens(who, of, "ads", "fraud", key)


def adjusting(of: Entry, lot: LotId, amount: int, key: str = "a", who: AccountId = ME) -> AdjustTokens:
    """Return a command that adjusts a lot."""
    return AdjustTokens(who, of.id, lot, amount, "a slip", "admin-1", key)


# -- what comes in -------------------------------------------------------------------------------------


def test_earnings_of_a_batch_follow_each_other(book: Book) -> None:
    """Two earnings of one wallet and one of another are done, the one between them is refused alone."""
    commands = [
        earning(ME, 5, "a"),
        earning(ME, 0, "b"),
        earning(ME, 3, "c", kind=PAID),
        earning(OTHER, 2, "d"),
    ]
    first, bad, second, third = book.do(tokens.earn_in, commands)
    assert refusal(bad) == ("tokens.bad_amount", {"amount": 0})
    assert [value(item).sequence for item in (first, second, third)] == [1, 2, 1]
    assert [value(item).lots[0].id for item in (first, second, third)] == [uid(2), uid(6), uid(8)]
    assert [value(item).id for item in (first, second, third)] == [uid(1), uid(5), uid(7)]
    assert book.entries() == [value(first), value(second)]
    assert (balance(book.wallet(), AT), balance(book.wallet(OTHER), AT)) == ({BONUS: 5, PAID: 3}, {BONUS: 2})
    told = book.told()
    assert told == sealed(
        told,
        (tokens.TokensEarned(value(first).id, ME, BONUS, 5, "ads.reward", "rwd_a"), ME, AT),
        (tokens.TokensEarned(value(second).id, ME, PAID, 3, "ads.reward", "rwd_c"), ME, AT),
        (tokens.TokensEarned(value(third).id, OTHER, BONUS, 2, "ads.reward", "rwd_d"), OTHER, AT),
    )


def test_purchases_tell_what_was_paid(book: Book) -> None:
    """The event has the cost; a purchase that cannot be is refused alone."""
    wish = BuyTokens(ME, PAID, 50, 4900, "INR", "order", "ord_1", "a", None)
    bad, done = book.do(tokens.buy_in, [evolve(wish, cost_minor=-1, idempotency_key="b"), wish])
    assert refusal(bad)[0] == "tokens.bad_lot"
    entry = value(done)
    assert (entry.id, entry.lots[0].id) == (uid(3), uid(4))
    told = book.told()
    assert told == sealed(
        told, (tokens.TokensBought(entry.id, ME, PAID, 50, 4900, "INR", "order", "ord_1"), ME, AT)
    )
    assert book.entries() == [entry]


# -- what goes out -------------------------------------------------------------------------------------


def test_spends_of_a_batch_are_decided_in_order(book: Book) -> None:
    """The first takes what the second then lacks; each answer has its parts by kind and what is left."""
    book.earned(5)
    book.earned(4, kind=PAID)
    book.earned(7, kind=PAID, scopes=("type:film",))
    commands = [spending(ME, 6, "a"), spending(ME, 4, "b"), spending(ME, 3, "c"), spending(OTHER, 1, "d")]
    first, poor, second, nobody = book.do(tokens.spend_in, commands)
    parts = (SpentByKind(BONUS, 5, 1, Fraction(250)), SpentByKind(PAID, 1, 1, Fraction(7, 3)))
    assert value(first) == Spent(value(first).entry_id, parts, 10, AT)
    assert value(second).parts == (SpentByKind(PAID, 3, 1, Fraction(7)),)
    assert value(second).left == 7
    assert refusal(poor) == ("tokens.insufficient", {"needed": 4, "available": 3})
    assert refusal(nobody) == ("tokens.insufficient", {"needed": 1, "available": 0})
    assert [entry.id for entry in book.entries()[3:]] == [value(first).entry_id, value(second).entry_id]
    told = book.told()
    assert told == sealed(
        told,
        (tokens.TokensSpent(value(first).entry_id, ME, title(1), {"bonus": 5, "paid": 1}, "INR"), ME, AT),
        (tokens.TokensSpent(value(second).entry_id, ME, title(1), {"paid": 3}, "INR"), ME, AT),
    )


def test_a_spend_over_two_lots_of_a_kind_is_one_part(book: Book) -> None:
    """Tokens and worth of a kind are added up; what is left is what can be spent now."""
    book.earned(2, expires_at=AT + DAY)
    book.earned(3)
    made = book.spent(4)
    assert (made.parts, made.left) == ((SpentByKind(BONUS, 4, 1, Fraction(200)),), 1)


def test_a_sweep_says_what_it_did(book: Book) -> None:
    """Tokens written off and holds that were over; nothing to do is no entry."""
    book.earned(2, expires_at=LATER)
    book.earned(3, expires_at=LATER, kind=PAID)
    book.earned(9)
    book.held(1, until=AT + timedelta(minutes=1))
    over, nothing = book.do(tokens.expire_in, [ExpireTokens(ME, "a"), ExpireTokens(OTHER, "b")], LATER)
    assert (value(over), value(nothing)) == (Swept(5, 1), Swept(0, 0))
    *_, voided, swept = book.entries()
    assert (voided.operation, swept.operation) == (Operation.VOID, Operation.EXPIRE)
    told = book.told()
    hold = voided.hold_id
    assert hold is not None
    assert told == sealed(
        told,
        (tokens.HoldVoided(voided.id, ME, hold, "time-out"), ME, AT + timedelta(minutes=1)),
        (tokens.TokensExpired(swept.id, ME, {"bonus": 2, "paid": 3}), ME, LATER),
    )
    again = book.do(tokens.expire_in, [ExpireTokens(ME, "c")], LATER + DAY)
    assert (value(again[0]), book.told(), book.entries(OTHER)) == (Swept(0, 0), [], [])


def test_a_sweep_of_an_unknown_kind_is_refused_alone(book: Book) -> None:
    """A lot of a kind that has no value stays as it is; the other wallets of the batch are swept."""
    book.earned(2, expires_at=LATER)
    odd = earning(OTHER, 3, "odd", kind="gold", expires_at=LATER)
    gold = {TokenKind("gold"): version_of(TokenKind("gold"))}
    made = tokens.earn(Wallet(OTHER), odd, gold, AT, NewIds(EntryId(uid(900)), LotId(uid(901))))
    asyncio.run(post(book.uow, [made]))
    bad, done = book.do(tokens.expire_in, [ExpireTokens(OTHER, "a"), ExpireTokens(ME, "b")], LATER)
    assert refusal(bad) == ("tokens.unknown_kind", {"kind": "gold"})
    assert value(done) == Swept(2, 0)
    assert book.wallet(OTHER) == made.wallet


# -- what is set aside ---------------------------------------------------------------------------------


def test_holds_of_a_batch(book: Book) -> None:
    """Each entry has its hold under an id of its own; one that is too much is refused alone."""
    book.earned(5)
    start = book.ids.count
    commands = [holding(3, "a"), holding(3, "b"), holding(2, "c", until=LATER + DAY)]
    first, poor, second = book.do(tokens.hold_in, commands)
    assert refusal(poor) == ("tokens.insufficient", {"needed": 3, "available": 2})
    assert [value(item).holds[0].id for item in (first, second)] == [uid(start + 2), uid(start + 6)]
    assert [value(item).id for item in (first, second)] == [uid(start + 1), uid(start + 5)]
    assert [item.id for item in book.wallet().holds] == [uid(start + 2), uid(start + 6)]
    told = book.told()
    assert told == sealed(
        told,
        (tokens.TokensHeld(value(first).id, ME, HoldId(uid(start + 2)), 3, LATER), ME, AT),
        (tokens.TokensHeld(value(second).id, ME, HoldId(uid(start + 6)), 2, LATER + DAY), ME, AT),
    )


def test_posts_of_a_batch(book: Book) -> None:
    """A post in part, a second of the same hold, and one of nobody's: done, refused, refused."""
    book.earned(2)
    book.earned(5, kind=PAID)
    hold = book.held(5)
    commands = [posting(hold, "a", 3), posting(hold, "b"), posting(HoldId(NOBODY), "c")]
    done, again, nobody = book.do(tokens.post_in, commands)
    made = value(done)
    assert made.parts == (SpentByKind(BONUS, 2, 1, Fraction(100)), SpentByKind(PAID, 1, 1, Fraction(7, 3)))
    assert made.left == 4
    assert refusal(again) == ("tokens.hold_not_found", {"hold_id": hold})
    assert refusal(nobody) == ("tokens.hold_not_found", {"hold_id": NOBODY})
    assert book.entries()[-1].id == made.entry_id
    told = book.told()
    posted = tokens.HoldPosted(made.entry_id, ME, hold, title(1), {"bonus": 2, "paid": 1}, "INR")
    assert told == sealed(told, (posted, ME, AT))


def test_voids_of_a_batch(book: Book) -> None:
    """The first void of a hold is done, the second is refused alone."""
    book.earned(5)
    one, two = book.held(2), book.held(1)
    commands = [voiding(one, "a"), voiding(one, "b"), voiding(two, "c")]
    first, again, second = book.do(tokens.void_in, commands)
    assert refusal(again) == ("tokens.hold_not_found", {"hold_id": one})
    assert balance(book.wallet(), AT) == {BONUS: 5}
    told = book.told()
    assert told == sealed(
        told,
        (tokens.HoldVoided(value(first).id, ME, one, "rental"), ME, AT),
        (tokens.HoldVoided(value(second).id, ME, two, "rental"), ME, AT),
    )
    assert book.entries()[-2:] == [value(first), value(second)]


@pytest.mark.parametrize("what", ["post", "void"])
def test_a_hold_whose_time_is_over_is_said_to_be(book: Book, what: str) -> None:
    """Whoever comes too late learns when it ended, not before; anybody else learns that there is none."""
    book.earned(5)
    hold = book.held(2)

    def tried(at: datetime, who: AccountId = ME) -> tuple[str, dict[str, Any]]:
        if what == "post":
            [outcome] = book.do(tokens.post_in, [posting(hold, f"late-{at}", None, who)], at)
            return refusal(outcome)
        [other] = book.do(tokens.void_in, [voiding(hold, f"late-{at}", who)], at)
        return refusal(other)

    expired = ("tokens.hold_expired", {"hold_id": hold, "expired_at": LATER})
    missing = ("tokens.hold_not_found", {"hold_id": hold})
    assert tried(LATER) == expired
    assert book.entries()[-1].operation is Operation.HOLD, "a refusal writes nothing"
    assert tried(LATER, OTHER) == missing
    book.do(tokens.expire_in, [ExpireTokens(ME, "sweep")], LATER)
    assert tried(LATER) == tried(LATER + DAY) == expired
    ended = book.held(1, until=LATER + DAY, at=LATER)
    book.do(tokens.void_in, [voiding(ended, "v")], LATER)
    hold, missing = ended, ("tokens.hold_not_found", {"hold_id": ended})
    assert tried(LATER + DAY - timedelta(microseconds=1)) == missing


def test_lapsed_holds_end_with_the_first_command_that_takes_effect(book: Book) -> None:
    """A refused command writes nothing; the next one writes the ends first, then itself; no other does."""
    book.earned(5)
    one, two = book.held(2), book.held(3, until=LATER + timedelta(minutes=1))
    at = LATER + DAY
    poor, first, second = book.do(
        tokens.spend_in, [spending(ME, 6, "a"), spending(ME, 4, "b"), spending(ME, 1, "c")], at
    )
    assert refusal(poor) == ("tokens.insufficient", {"needed": 6, "available": 5})
    assert (value(first).left, value(second).left) == (1, 0)
    made = book.entries()[3:]
    assert [(entry.operation, entry.hold_id) for entry in made] == [
        (Operation.VOID, one),
        (Operation.VOID, two),
        (Operation.SPEND, None),
        (Operation.SPEND, None),
    ]
    assert [entry.effective_at for entry in made] == [LATER, LATER + timedelta(minutes=1), at, at]
    assert [item.type for item in book.told()] == ["tokens.hold_voided.v1"] * 2 + ["tokens.spent.v1"] * 2
    assert book.wallet().holds == ()


def test_a_batch_of_refusals_writes_nothing(book: Book) -> None:
    """Lapsed holds stay as they are, and nothing is told."""
    book.earned(5)
    book.held(2)
    before = book.wallet()
    [poor] = book.do(tokens.spend_in, [spending(ME, 6, "a")], LATER)
    assert refusal(poor)[0] == "tokens.insufficient"
    assert (book.wallet(), book.told()) == (before, [])


# -- what puts right -----------------------------------------------------------------------------------


def test_refunds_of_a_batch_see_each_other(book: Book) -> None:
    """Three of five, then three more, then the rest: the second is one too many, and all are of one spend."""
    book.earned(2)
    book.earned(9, kind=PAID)
    spend = book.spent(5)
    commands = [refunding(spend.entry_id, key, amount) for key, amount in (("a", 3), ("b", 3), ("c", None))]
    first, over, rest = book.do(tokens.refund_in, [*commands, refunding(spend.entry_id, "d")])[:3]
    assert refusal(over) == ("tokens.refund_beyond_draws", {"amount": 3, "drawn": 2})
    told = book.told()
    assert told == sealed(
        told,
        (tokens.TokensRefunded(value(first).id, ME, spend.entry_id, {"paid": 3}, 0), ME, AT),
        (tokens.TokensRefunded(value(rest).id, ME, spend.entry_id, {"bonus": 2}, 0), ME, AT),
    )
    assert balance(book.wallet(), AT) == {BONUS: 2, PAID: 9}
    [late] = book.do(tokens.refund_in, [refunding(spend.entry_id, "e")])
    assert refusal(late) == ("tokens.already_refunded", {"entry_id": spend.entry_id})


def test_a_refund_tells_what_has_expired(book: Book) -> None:
    """What came back to a lot that is over is in the sum and counted as expired."""
    book.earned(2, expires_at=LATER)
    book.earned(9)
    spend = book.spent(5)
    [done] = book.do(tokens.refund_in, [refunding(spend.entry_id, "a")], LATER)
    told = book.told()
    event = tokens.TokensRefunded(value(done).id, ME, spend.entry_id, {"bonus": 5}, 2)
    assert told == sealed(told, (event, ME, LATER))


def test_a_refund_finds_the_owner_of_today(book: Book) -> None:
    """After two merges the tokens go to the last account, in one lot however many refunds there are."""
    book.earned(5, GUEST)
    spend = book.spent(5, GUEST)
    book.merged(GUEST, ME)
    book.merged(ME, OTHER)
    commands = [
        refunding(spend.entry_id, "a", 1, GUEST),
        refunding(spend.entry_id, "b", 1, ME),
        refunding(spend.entry_id, "c", 2, OTHER),
        refunding(spend.entry_id, "d", None, OTHER),
    ]
    gone, moved, first, second = book.do(tokens.refund_in, commands)
    assert refusal(gone) == ("tokens.wallet_moved", {"account_id": GUEST})
    assert refusal(moved) == ("tokens.wallet_moved", {"account_id": ME})
    [lot] = value(first).lots
    assert (value(second).lots, lot.amount) == ((), 2)
    assert [(item.lot.id, item.remaining) for item in book.wallet(OTHER).lots] == [(lot.id, 5)]
    later = book.do(tokens.spend_in, [spending(OTHER, 5, "s")])
    assert value(later[0]).left == 0
    book.earned(1, account(4))
    [strange] = book.do(tokens.refund_in, [refunding(spend.entry_id, "e", None, account(4))])
    assert refusal(strange) == ("tokens.entry_not_found", {"entry_id": spend.entry_id})
    [unknown] = book.do(tokens.refund_in, [refunding(EntryId(NOBODY), "f", None, OTHER)])
    assert refusal(unknown) == ("tokens.entry_not_found", {"entry_id": NOBODY})


def test_a_refund_after_a_merge_fills_the_lot_that_moved(book: Book) -> None:
    """A guest's lot that had something left is the member's by now, and takes the tokens back."""
    book.earned(5, GUEST)
    spend = book.spent(3, GUEST)
    book.merged(GUEST, ME)
    [before] = book.wallet().lots
    [done] = book.do(tokens.refund_in, [refunding(spend.entry_id, "a")])
    assert value(done).lots == ()
    assert book.wallet().lots == (evolve(before, remaining=5),)


def test_a_merge_there_and_back_has_an_owner(book: Book) -> None:
    """Where two wallets were merged into each other in turn, somebody still owns what was spent."""
    book.earned(5)
    spend = book.spent(5)
    book.merged(ME, OTHER)
    book.merged(OTHER, ME)
    outcomes = [
        *book.do(tokens.refund_in, [refunding(spend.entry_id, "a", 1, ME)]),
        *book.do(tokens.refund_in, [refunding(spend.entry_id, "b", 1, OTHER)]),
    ]
    assert sum(isinstance(outcome, Done) for outcome in outcomes) == 1


def test_two_wallets_that_name_each_other_have_no_owner(book: Book) -> None:
    """Rows that no merge wrote, each wallet moved into the other, end in a refusal and not in a circle."""
    book.earned(5)
    spend = book.spent(5)
    book.merged(ME, OTHER)
    wish = MergeWallets(OTHER, ME, 1_000, "forged")
    forged = tokens.merge(book.wallet(OTHER), book.wallet(), wish, {}, AT, EntryId(uid(900)))
    [out] = [entry for entry in forged.entries if entry.account_id == OTHER]
    asyncio.run(post(book.uow, [tokens.Posted(forged.source, out)]))
    looks = 0

    async def at_most_five_looks(tx: Any, *given: Any) -> list[Outcome[Entry]]:
        of_account = tx.entries.of_account

        async def counted(*which: Any, **how: Any) -> Any:
            nonlocal looks
            looks += 1
            assert looks <= 5, "it goes round and round"
            return await of_account(*which, **how)

        tx.entries.of_account = counted
        return await tokens.refund_in(tx, *given)

    [strange] = book.do(at_most_five_looks, [refunding(spend.entry_id, "a", None, GUEST)])
    assert refusal(strange) == ("tokens.entry_not_found", {"entry_id": spend.entry_id})


def test_a_reversal_voids_the_holds_on_what_it_takes(book: Book) -> None:
    """Holds on the tokens end first; the event says what was taken and what was gone, and once is all."""
    first = book.earned(5)
    book.earned(9, kind=PAID)
    book.spent(2)
    on_it = book.held(3)
    beside = book.held(4)
    done, again = book.do(tokens.reverse_in, [reversing(first.id, "a"), reversing(first.id, "b")])
    assert refusal(again) == ("tokens.already_reversed", {"entry_id": first.id})
    voided, taken = book.entries()[-2:]
    assert (voided.operation, voided.hold_id, taken) == (Operation.VOID, on_it, value(done))
    assert (voided.idempotency_key, voided.source) == (f"reverse:{on_it}", "reverse")
    assert [item.id for item in book.wallet().holds] == [beside]
    told = book.told()
    assert told == sealed(
        told,
        (tokens.HoldVoided(voided.id, ME, on_it, "reverse"), ME, AT),
        (tokens.TokensReversed(taken.id, ME, first.id, 3, 2), ME, AT),
    )
    [late] = book.do(tokens.reverse_in, [reversing(first.id, "c")])
    assert refusal(late)[0] == "tokens.already_reversed"
    [unknown] = book.do(tokens.reverse_in, [reversing(EntryId(NOBODY), "d")])
    assert refusal(unknown)[0] == "tokens.entry_not_found"


def test_a_refund_of_what_was_withdrawn_gives_nothing(book: Book) -> None:
    """What was uncollectable comes back and is taken at once, in the same batch too; the event says so."""
    first = book.earned(5)
    book.earned(2, kind=PAID)
    spend = book.spent(4)
    book.do(tokens.reverse_in, [reversing(first.id, "a")])
    book.told()
    part, rest = book.do(
        tokens.refund_in, [refunding(spend.entry_id, "b", 1), refunding(spend.entry_id, "c")]
    )
    told = book.told()
    assert told == sealed(
        told,
        (tokens.TokensRefunded(value(part).id, ME, spend.entry_id, {"bonus": 1}, 0, 1), ME, AT),
        (tokens.TokensRefunded(value(rest).id, ME, spend.entry_id, {"bonus": 3}, 0, 3), ME, AT),
    )
    assert balance(book.wallet(), AT) == {PAID: 2}
    other = book.earned(5)
    again = book.spent(4)
    assert other.id != first.id
    [fine] = book.do(tokens.refund_in, [refunding(again.entry_id, "d")])
    assert value(fine).postings[-1].account == f"spent:{title(1)}", "of another earning nothing is taken"
    assert balance(book.wallet(), AT) == {BONUS: 5, PAID: 2}


@pytest.mark.parametrize("what", ["reverse", "adjust"])
def test_what_has_expired_is_written_off_before_it_is_put_right(book: Book, what: str) -> None:
    """So that it is the same whether a sweep came before or not; with nothing expired nothing is written."""
    first = book.earned(5, expires_at=LATER)
    second = book.earned(3)
    lot = second.lots[0].id
    step = tokens.reverse_in if what == "reverse" else tokens.adjust_in

    def wish(key: str) -> object:
        return reversing(first.id, key) if what == "reverse" else adjusting(second, lot, 2, key)

    [early] = book.do(
        step, [adjusting(second, lot, 1, "a") if what == "adjust" else reversing(second.id, "a")]
    )
    assert book.entries()[2:] == [value(early)]
    book.told()
    [late] = book.do(step, [wish("b")], LATER)
    swept, made = book.entries()[3:]
    assert made == value(late)
    assert (swept.operation, swept.idempotency_key) == (Operation.EXPIRE, f"expired:{swept.id}")
    assert isinstance(swept.id, UUID)
    told = book.told()
    event: Event = tokens.TokensReversed(made.id, ME, first.id, 0, 5)
    if what == "adjust":
        event = tokens.TokensAdjusted(made.id, ME, second.id, lot, 2, "a slip", "admin-1")
    assert told == sealed(
        told, (tokens.TokensExpired(swept.id, ME, {"bonus": 5}), ME, LATER), (event, ME, LATER)
    )
    assert sum(balance(book.wallet(), LATER).values()) == (0 if what == "reverse" else 6)


def test_an_adjustment_is_of_a_lot_that_one_owns(book: Book) -> None:
    """The event has who and why; a lot of somebody else, an unknown one, and an unknown entry are refused."""
    mine, theirs = book.earned(5), book.earned(5, OTHER)
    lot, other = mine.lots[0].id, theirs.lots[0].id
    commands = [
        adjusting(mine, lot, 2, "a"),
        adjusting(mine, other, 2, "b"),
        adjusting(mine, LotId(NOBODY), 2, "c"),
        adjusting(theirs, lot, 2, "d"),
        adjusting(mine, lot, -3, "e"),
    ]
    up, foreign, unknown, strange, down = book.do(tokens.adjust_in, commands)
    assert refusal(foreign) == ("tokens.lot_not_found", {"lot_id": other})
    assert refusal(unknown) == ("tokens.lot_not_found", {"lot_id": NOBODY})
    assert refusal(strange) == ("tokens.entry_not_found", {"entry_id": theirs.id})
    assert balance(book.wallet(), AT) == {BONUS: 4}
    told = book.told()
    assert told == sealed(
        told,
        (tokens.TokensAdjusted(value(up).id, ME, mine.id, lot, 2, "a slip", "admin-1"), ME, AT),
        (tokens.TokensAdjusted(value(down).id, ME, mine.id, lot, -3, "a slip", "admin-1"), ME, AT),
    )


# -- what stands alone ---------------------------------------------------------------------------------


def test_a_merge_tells_what_moved(book: Book) -> None:
    """The void of the guest's hold, then the transfer, about the member; the summary has the same figures."""
    book.earned(9, GUEST)
    hold = book.held(4, GUEST)
    book.earned(2)
    summary = book.do(tokens.merge_in, MergeWallets(GUEST, ME, 10, "m"), AT + DAY / 48)
    assert summary == MergeSummary(9, 1)
    voided = book.entries(GUEST)[2]
    told = book.told()
    assert told == sealed(
        told,
        (tokens.HoldVoided(voided.id, GUEST, hold, "merge"), GUEST, AT + DAY / 48),
        (tokens.TokensTransferred(GUEST, ME, 9, 1), ME, AT + DAY / 48),
    )
    assert (book.wallet(GUEST).lots, balance(book.wallet(), AT)) == ((), {BONUS: 10})
    assert [entry.operation for entry in book.entries()] == ["earn", "transfer_in", "expire"]


def test_nothing_moves_in_a_wallet_that_was_merged_away(book: Book) -> None:
    """Neither in nor out, while the other wallets of the batch go on; one that is only empty takes more."""
    book.earned(3, GUEST)
    book.merged(GUEST, ME)
    book.spent(3)
    gone, mine = book.do(tokens.earn_in, [earning(GUEST, 1, "a"), earning(ME, 2, "b")])
    assert refusal(gone) == ("tokens.wallet_moved", {"account_id": GUEST})
    assert value(mine).sequence == 3
    late, fine = book.do(tokens.spend_in, [spending(GUEST, 1, "c"), spending(ME, 1, "d")])
    assert refusal(late) == ("tokens.wallet_moved", {"account_id": GUEST})
    assert value(fine).left == 1
    assert [entry.operation for entry in book.entries(GUEST)] == ["earn", "transfer_out"]


def test_only_an_empty_wallet_with_a_past_is_asked_after(book: Book) -> None:
    """Whether it was merged away is not looked up where there are lots, a hold alone, or no entry yet."""
    book.earned(3)
    book.earned(3, OTHER)
    book.held(3, OTHER)
    book.earned(3, GUEST)
    book.spent(3, GUEST)
    asked: list[list[AccountId]] = []

    async def watched(tx: Any, *given: Any) -> list[Outcome[Entry]]:
        moved_away = tx.wallets.moved_away

        async def noted(accounts: Sequence[AccountId]) -> Any:
            asked.append(list(accounts))
            return await moved_away(accounts)

        tx.wallets.moved_away = noted
        return await tokens.earn_in(tx, *given)

    for who in (ME, OTHER, account(4), GUEST):
        [made] = book.do(watched, [earning(who, 1, "more")])
        assert value(made).account_id == who
    assert asked == [[GUEST]]


def test_a_merge_is_told_of_the_member(book: Book) -> None:
    """Also where nothing exceeds the cap, and where there is nothing to move."""
    book.earned(3, GUEST)
    for number, amount in enumerate((3, 0)):
        book.do(tokens.merge_in, MergeWallets(GUEST, ME, 10, f"m{number}"))
        told = book.told()
        assert told == sealed(told, (tokens.TokensTransferred(GUEST, ME, amount, 0), ME, AT))


def test_what_an_entry_moves_is_summed_by_kind(book: Book) -> None:
    """Over all the lots of a kind, and on the account asked for alone."""
    book.earned(2, expires_at=AT + DAY)
    book.earned(3)
    book.earned(4, kind=PAID)
    book.spent(7)
    spent = book.entries()[-1]
    assert by_kind(spent, "wallet") == {"bonus": -5, "paid": -2}
    assert by_kind(spent, f"spent:{title(1)}") == {"bonus": 5, "paid": 2}
    assert by_kind(spent, "expired") == {}


def test_a_freeze_and_its_end_are_told(book: Book) -> None:
    """The entry is answered and stored, and the event has the reason."""
    frozen = book.do(tokens.freeze_in, FreezeWallet(ME, True, "odd", "admin-1", "f"))
    assert (book.entries(), book.wallet().is_frozen) == ([frozen], True)
    [told] = book.told()
    assert [told] == sealed([told], (tokens.WalletFreezeChanged(ME, True, "odd"), ME, AT))
    book.do(tokens.freeze_in, FreezeWallet(ME, False, "fine", "admin-1", "u"), LATER)
    [told] = book.told()
    assert [told] == sealed([told], (tokens.WalletFreezeChanged(ME, False, "fine"), ME, LATER))
    assert not book.wallet().is_frozen


def test_a_value_is_told_by_kind_and_number(book: Book) -> None:
    """The version follows the one in force; the event is about the kind, when it was recorded."""
    wish = SetTokenValue(BONUS, LATER, {"INR": Fraction(60)}, "admin-1", "v")
    made = book.do(tokens.set_value_in, wish, AT, ["INR"])  # type: ignore[misc]
    assert (made.version, made.effective_from, made.recorded_at) == (2, LATER, AT)
    [told] = book.told()
    assert told == envelope(tokens.TokenValueSet(BONUS, 2), id=told.id, subject="bonus", at=AT)
    assert book.do(tokens.spend_in, [spending(ME, 1, "s")])[0]
    book.earned(5)
    [late] = book.do(tokens.spend_in, [spending(ME, 1, "t")], LATER)
    assert value(late).parts == (SpentByKind(BONUS, 1, 2, Fraction(60)),)
