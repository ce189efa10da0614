"""What a wallet held at an instant, as was known at another; and what of it expires soon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_core.kernel import BuddyError, EntryId, HoldId, InvalidValue, LotId, TitleId
from buddy_core.tokens import (
    BONUS,
    PAID,
    WALLET,
    AdjustTokens,
    AsOf,
    BuyTokens,
    Entry,
    ExpiringTokens,
    HoldTokens,
    NewIds,
    NotReplayable,
    Operation,
    Posted,
    PostHold,
    Stock,
    VoidHold,
    Wallet,
    adjust,
    arrived,
    balance,
    balance_at,
    buy,
    expiring_soon,
    hold,
    lapse,
    on_hold,
    post,
    replay,
    rewind,
    rewinding,
    void,
)
from tests.contracts.cases import AT, NEWTACT, VERSIONS, account, earned, spent, uid
from tests.core.tokens.operations import MEMBERS, PICK, Operations

QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
MINUTE = timedelta(minutes=1)
SCOPES = ("type:film",)


def added_up(entries: Sequence[Entry], effective_at: datetime, known_at: datetime) -> dict[Any, int]:
    """Return the balance, worked out forwards and without the code under test."""
    known = max((item.sequence for item in entries if item.recorded_at <= known_at), default=0)
    past = max((item.sequence for item in entries if item.recorded_at <= effective_at), default=0)
    lots = {lot.id: lot for entry in entries for lot in entry.lots}
    ends = {hold.id: hold.expires_at for entry in entries for hold in entry.holds}
    left: Counter[LotId] = Counter()
    held: dict[HoldId, Counter[LotId]] = {}
    counts, absent = True, set()
    for entry in entries[:known]:
        is_due = entry.sequence <= past or entry.effective_at <= effective_at
        counts = counts and is_due
        if not (counts or (entry.operation is Operation.VOID and is_due and entry.hold_id not in absent)):
            absent |= {made.id for made in entry.holds}
            continue
        moved: Counter[LotId] = Counter()
        for posting in entry.postings:
            if posting.account == WALLET and posting.lot_id is not None:
                moved[posting.lot_id] += posting.amount
        for lot_id, amount in moved.items():
            left[lot_id] += amount
        for made in entry.holds:
            held[made.id] = Counter({lot_id: -amount for lot_id, amount in moved.items()})
        if entry.hold_id is not None:
            del held[entry.hold_id]
    for hold_id, parts in held.items():
        if ends[hold_id] <= effective_at:
            left.update(parts)
    totals: Counter[Any] = Counter()
    for lot_id, amount in left.items():
        lot = lots[lot_id]
        assert amount >= 0
        if lot.effective_from <= effective_at and (lot.expires_at is None or effective_at < lot.expires_at):
            totals[lot.kind] += amount
    return {kind: amount for kind, amount in totals.items() if amount}


def parts(stock: Stock) -> tuple[Any, ...]:
    """Return lots and holds without the versions: those of a hold that came back are of what ended it."""
    holds = {item.id: (item.hold, [(part.lot.id, part.amount) for part in item.lots]) for item in stock.holds}
    return frozenset(stock.lots), {key: (made, sorted(kept)) for key, (made, kept) in holds.items()}


async def _nothing() -> None:
    return None


class Remembered(Operations):
    """The random life of several wallets, asked now and then what was at some instant of it."""

    open_store = staticmethod(lambda: (MemoryUnitOfWork(), _nothing))
    fired: ClassVar[Counter[str]] = Counter()

    @rule(pick=PICK, effective=st.integers(-400, 8_000), known=st.integers(0, 400))
    def ask(self, pick: int, effective: int, known: int) -> None:
        """The balance at an instant is the sum of what counts, and a prefix replayed is the wallet then."""
        who = [*MEMBERS, *self.guests][pick % (len(MEMBERS) + len(self.guests))]
        entries, wallet = self.run(self._entries(who))
        if not entries:
            return
        age = self.clock.now() - AT
        known_at = AT + age * known / 300
        effective_at = known_at + age * (effective - 400) / 8_000 if effective % 3 else known_at
        found = balance_at(entries, effective_at, known_at)
        assert {kind: amount for kind, amount in found.items() if amount} == added_up(
            entries, effective_at, known_at
        )
        self.fired["ask"] += 1
        if effective_at >= known_at:
            then = self._back(wallet, entries, AsOf(effective_at, known_at))
            prefix = entries[: max((e.sequence for e in entries if e.recorded_at <= known_at), default=0)]
            before = replay(who, prefix)
            # What is known by then counts by then: the clock of this life never goes back.
            assert parts(then) == parts(before)
            assert then.sequence == before.sequence
            assert balance(then, effective_at) == balance(before, effective_at)
            self.fired["same"] += 1

    def _back(self, wallet: Wallet, entries: Sequence[Entry], as_of: AsOf) -> Any:
        state = rewinding(wallet, as_of)
        newest_first = list(reversed(entries))
        while not state.is_there:
            start = wallet.sequence - state.sequence
            state = rewind(state, newest_first[start : start + 3])
        lots = {lot.id: lot for entry in entries for lot in entry.lots}
        holds = {item.id: item for entry in entries for item in entry.holds}
        return arrived(state, {lot_id: lots[lot_id] for lot_id in state.lots_wanted}, holds)

    async def _entries(self, who: Any) -> tuple[list[Entry], Wallet]:
        async with self.uow.read() as tx:
            newest_first = await tx.entries.of_account(who, before=None, limit=10_000)
            wallet: Wallet = (await tx.wallets.load([who]))[who]
        return newest_first[::-1], wallet


def test_a_balance_at_an_instant_is_the_sum_of_what_counts(request: pytest.FixtureRequest) -> None:
    """Over random histories, going back from today gives what adding up from the first entry gives."""
    chance = int(request.config.getoption("--hypothesis-seed"))
    run_state_machine_as_test(
        seed(chance)(Remembered),
        settings=settings(
            max_examples=100, stateful_step_count=50, deadline=None, suppress_health_check=QUIET
        ),
    )
    assert Remembered.fired["ask"] > 50
    assert Remembered.fired["same"] > 10


def _lapsed() -> tuple[list[Entry], Wallet]:
    """Return a wallet whose hold ended by itself at minute 10, which was written down at minute 20."""
    first = earned(Wallet(account(1)), 8, 1)
    command = HoldTokens(account(1), SCOPES, 5, AT + 10 * MINUTE, "rental", "r1", "h")
    held = hold(first.wallet, command, VERSIONS, AT + MINUTE, NewIds(EntryId(uid(50)), hold=HoldId(uid(51))))
    [over] = lapse(held.wallet, AT + 20 * MINUTE)
    return [first.entry, held.entry, over.entry], over.wallet


def test_what_was_believed_differs_from_what_was() -> None:
    """A time-out counts from its instant for who knows of the hold; the hold counts from its own."""
    entries, _ = _lapsed()
    now = AT + 30 * MINUTE
    asked = {
        "before anything": (AT - MINUTE, now),
        "before the hold": (AT, now),
        "while held": (AT + 5 * MINUTE, now),
        "from the time-out on": (AT + 10 * MINUTE, now),
        "before the hold was known": (AT + 5 * MINUTE, AT),
        "what comes, as believed while held": (AT + 15 * MINUTE, AT + 5 * MINUTE),
        "before anything was known": (now, AT - MINUTE),
    }
    found = {name: balance_at(entries, *instants).get(BONUS, 0) for name, instants in asked.items()}
    assert found == {
        "before anything": 0,
        "before the hold": 8,
        "while held": 3,
        "from the time-out on": 8,
        "before the hold was known": 8,
        "what comes, as believed while held": 8,
        "before anything was known": 0,
    }


def test_a_lot_counts_from_its_start_to_its_end() -> None:
    """At an instant to come, what begins later and what has ended by then are not in the balance."""
    command = BuyTokens(
        account(1), PAID, 4, 400, "INR", "shop", "o1", "b",
        expires_at=AT + 9 * MINUTE, effective_from=AT + 3 * MINUTE,
    )  # fmt: skip
    bought = buy(Wallet(account(1)), command, VERSIONS, AT, NewIds(EntryId(uid(60)), LotId(uid(61))))
    end = bought.entry.lots[0].expires_at
    assert end is not None
    found = [
        balance_at([bought.entry], at, AT).get(PAID, 0)
        for at in (AT, AT + 3 * MINUTE, end - timedelta(microseconds=1), end)
    ]
    assert found == [0, 4, 4, 0]


def test_an_entry_known_makes_those_before_it_known() -> None:
    """A history whose clock went back, as older versions allowed, has no gap: what came before is known."""
    first = earned(Wallet(account(1)), 8, 1, AT + 5 * MINUTE, expires_at=None)
    second = earned(evolve(first.wallet, moved_at=None), 2, 2, AT, expires_at=None)
    entries = [first.entry, second.entry]
    assert balance_at(entries, AT + 9 * MINUTE, AT) == {BONUS: 10}
    assert balance_at(entries, AT + 9 * MINUTE, AT - MINUTE) == {}


def test_what_a_slower_clock_dates_earlier_waits_for_what_it_builds_upon() -> None:
    """A spend that is dated before the tokens it takes came counts from when they did."""
    second = timedelta(seconds=1)
    first = earned(Wallet(account(1)), 5, 1, expires_at=None)
    more = _adjusted(first.wallet, first.entry, 5, 2, AT + 10 * second)
    gone = spent(more.wallet, 10, 3, AT + 8 * second)
    entries = [first.entry, more.entry, gone.entry]
    assert [item.effective_at for item in entries] == [AT, AT + 10 * second, AT + 8 * second]
    found = [balance_at(entries, AT + at * second, AT + MINUTE).get(BONUS, 0) for at in (7, 8, 9, 10)]
    assert found == [5, 5, 5, 0]


def _adjusted(wallet: Wallet, earning: Entry, amount: int, number: int, at: datetime) -> Posted:
    [lot] = earning.lots
    wish = AdjustTokens(wallet.account_id, earning.id, lot.id, amount, "Why", "me", f"adjust-{number}")
    return adjust(wallet, lot, earning, wish, VERSIONS, at, NewIds(EntryId(uid(30_000 + number))))


STEP = st.tuples(
    st.sampled_from(["earn", "adjust", "spend", "hold", "post", "void", "lapse"]), st.integers(1, 6)
)
LIFE = st.lists(st.tuples(STEP, st.integers(0, 4), st.integers(0, 5)), max_size=14)


@given(LIFE, st.integers(1, 4))
def test_no_balance_is_ever_negative_however_clocks_differ(life: Any, size: int) -> None:
    """Hosts seconds apart write; at each instant both ways of reading agree, and no lot is below 0."""
    entries, wallet = _lived(life)
    if not entries:
        return
    second = timedelta(seconds=1)
    lots = {lot.id: lot for entry in entries for lot in entry.lots}
    holds = {item.id: item for entry in entries for item in entry.holds}
    end = int((entries[-1].recorded_at - AT) / second) + 2
    for effective in range(-1, end):
        for known in (effective, (effective + end) // 2, end):
            as_of = AsOf(AT + effective * second, AT + known * second)
            state = rewinding(wallet, as_of)
            while not state.is_there:
                start = wallet.sequence - state.sequence
                state = rewind(state, entries[::-1][start : start + size])
            then = arrived(state, lots, holds)
            found = balance_at(entries, as_of.effective_at, as_of.known_at)
            assert balance(then, as_of.effective_at) == found
            assert {kind: amount for kind, amount in found.items() if amount} == added_up(
                entries, as_of.effective_at, as_of.known_at
            )
            assert all(item.remaining > 0 for item in then.lots)


def _lived(life: Any) -> tuple[list[Entry], Wallet]:
    """Return what hosts with slower and faster clocks wrote; what a rule refuses is left out."""
    wallet, now = Wallet(account(1)), 0
    entries: list[Entry] = []
    for number, ((what, amount), passed, behind) in enumerate(life):
        now += passed
        at = AT + timedelta(seconds=now - behind)
        ids = NewIds(EntryId(uid(100 + number)), hold=HoldId(uid(200 + number)))
        first = wallet.holds[0].id if wallet.holds else HoldId(uid(999))
        made: list[Posted] = []
        try:
            if what == "earn":
                made = [earned(wallet, amount, number, at, expires_at=None)]
            elif what == "adjust":
                earning = next((item for item in entries if item.lots), None)
                made = [_adjusted(wallet, earning, amount, number, at)] if earning else []
            elif what == "spend":
                made = [spent(wallet, amount, number, at)]
            elif what == "hold":
                ends = at + timedelta(seconds=amount)
                asked = HoldTokens(account(1), SCOPES, amount, ends, "r", "r", "h")
                made = [hold(wallet, asked, VERSIONS, at, ids)]
            elif what == "post":
                wish = PostHold(
                    account(1), first, TitleId(uid(9)), SCOPES, "r", "r", "p", "IN", NEWTACT, "INR"
                )
                made = [post(wallet, wish, VERSIONS, at, ids)]
            elif what == "void":
                made = [void(wallet, VoidHold(account(1), first, "r", "r", "v"), at, ids)]
            else:
                made = lapse(wallet, at)
        except BuddyError:
            continue
        for item in made:
            entries.append(item.entry)
            wallet = item.wallet
    return entries, wallet


def test_only_whole_histories_have_a_balance() -> None:
    """No entries have none; a gap, another's entry and naive instants are refused."""
    entries, wallet = _lapsed()
    assert balance_at([], AT, AT) == {}
    with pytest.raises(NotReplayable):
        balance_at(entries[1:], AT, AT)
    state = rewinding(wallet, AsOf(AT, AT))
    with pytest.raises(NotReplayable, match="going back, entry 3"):
        rewind(state, [entries[1]])
    with pytest.raises(NotReplayable):
        rewind(state, [evolve(entries[2], account_id=account(2))])
    for instants in ((AT.replace(tzinfo=None), AT), (AT, AT.replace(tzinfo=None))):
        with pytest.raises(InvalidValue, match="naive"):
            balance_at(entries, *instants)


def test_going_back_stops_where_all_that_is_older_counts() -> None:
    """Entries before the instant are not looked at, however many there are."""
    made: list[Posted] = []
    wallet = Wallet(account(1))
    for number in range(20):
        made.append((earned if number % 2 == 0 else spent)(wallet, 2, number, AT + number * MINUTE))
        wallet = made[-1].wallet
    looked: list[int] = []

    def back() -> Any:
        for item in reversed(made):
            looked.append(item.entry.sequence)
            yield item.entry

    state = rewind(rewinding(wallet, AsOf(AT + 16 * MINUTE, AT + 17 * MINUTE)), back())
    assert state.is_there
    assert looked == [20, 19, 18, 17, 16]
    assert (state.known, state.sequence) == (18, 16)


def test_what_expires_soon_comes_soonest_first() -> None:
    """Lots of one kind that end together are one line; what never ends, has ended or is held is none."""
    wallet = Wallet(account(1))
    ends = [30, 10, 30, None, 99]
    for number, minutes in enumerate(ends):
        end = None if minutes is None else AT + minutes * MINUTE
        wallet = earned(
            wallet, number + 1, number, expires_at=end, priority=1 if minutes == 10 else 50
        ).wallet
    command = HoldTokens(account(1), SCOPES, 2, AT + 20 * MINUTE, "rental", "r1", "h")
    held = hold(wallet, command, VERSIONS, AT, NewIds(EntryId(uid(50)), hold=HoldId(uid(51)))).wallet

    def soon(wallet: Wallet, after: int, within: int) -> list[tuple[int, datetime]]:
        found = expiring_soon(wallet, AT + after * MINUTE, within * MINUTE)
        return [(item.tokens, item.expires_at) for item in found]

    def ends_at(minutes: int) -> datetime:
        return (AT + minutes * MINUTE).replace(microsecond=0)

    assert soon(wallet, 0, 60) == [(2, ends_at(10)), (4, ends_at(30))]
    assert soon(wallet, 0, 10) == [(2, ends_at(10))]
    assert soon(wallet, 10, 60) == [(4, ends_at(30))]
    assert soon(held, 0, 60) == [(4, ends_at(30))]
    assert soon(wallet, 0, 100)[-1] == (5, ends_at(99))
    assert expiring_soon(wallet, AT, timedelta.max)[0] == ExpiringTokens(BONUS, 2, ends_at(10))
    assert (on_hold(held, AT), on_hold(held, AT + 20 * MINUTE)) == ({BONUS: 2}, {})
    for within in (timedelta(), -MINUTE):
        with pytest.raises(InvalidValue):
            expiring_soon(wallet, AT, within)
    with pytest.raises(InvalidValue, match="naive"):
        expiring_soon(wallet, AT.replace(tzinfo=None), MINUTE)
