"""A wallet as it stood, whole: sequence, lots and holds, however far back and in how many pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from attrs import evolve

from buddy_core.kernel import EntryId, HoldId, InvalidValue
from buddy_core.tokens import (
    BONUS,
    PAID,
    AdjustTokens,
    AsOf,
    Entry,
    ExpiringTokens,
    HeldLot,
    HoldTokens,
    NewIds,
    NotReplayable,
    OpenHold,
    OpenLot,
    PostHold,
    RefundTokens,
    ReverseTokens,
    Rewound,
    Spending,
    VoidHold,
    Wallet,
    WalletThen,
    adjust,
    arrived,
    balance_at,
    expiring_soon,
    hold,
    lapse,
    on_hold,
    post,
    refund,
    replay,
    reverse,
    rewind,
    rewinding,
    void,
)
from tests.contracts.cases import AT, NEWTACT, VERSIONS, account, earned, spent, title, uid

ME = account(1)
HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)
NAIVE = AT.replace(tzinfo=None)
SCOPES = ("type:episode",)
FIRST, SECOND = HoldId(uid(501)), HoldId(uid(502))


def held(wallet: Wallet, amount: int, which: HoldId, hours: int) -> tuple[Wallet, Entry]:
    """Hold tokens at `hours` for three more."""
    at = AT + hours * HOUR
    wanted = HoldTokens(ME, SCOPES, amount, at + 3 * HOUR, "why", "ref", f"h{hours}")
    made = hold(wallet, wanted, VERSIONS, at, NewIds(EntryId(uid(600 + hours)), hold=which))
    return made.wallet, made.entry


EARNED = earned(Wallet(ME), 2, 1, expires_at=AT + 30 * HOUR)
BOTH = earned(EARNED.wallet, 9, 2, AT + HOUR, kind=PAID)
SPENT = spent(BOTH.wallet, 1, 3, AT + 2 * HOUR)
ONCE, HELD = held(SPENT.wallet, 3, FIRST, 4)
TWICE, AGAIN = held(ONCE, 1, SECOND, 5)
[LAPSED] = lapse(TWICE, AT + 7 * HOUR)
VOIDED = void(
    LAPSED.wallet, VoidHold(ME, SECOND, "why", "ref", "v"), AT + 7.5 * HOUR, NewIds(EntryId(uid(610)))
)
BONUS_LOT, PAID_LOT = EARNED.entry.lots[0], BOTH.entry.lots[0]
ENTRIES = [EARNED.entry, BOTH.entry, SPENT.entry, HELD, AGAIN, LAPSED.entry, VOIDED.entry]
"""Two earnings, a spend and two holds, an hour or two apart; one hold lapses at 7, written then, the other is
voided."""
[FIRST_HOLD], [SECOND_HOLD] = HELD.holds, AGAIN.holds
OPEN_FIRST = OpenHold(FIRST_HOLD, (HeldLot(BONUS_LOT, 1, 1), HeldLot(PAID_LOT, 2, 1)))
OPEN_SECOND = OpenHold(SECOND_HOLD, (HeldLot(PAID_LOT, 1, 1),))


def then(effective: float, known: float, entries: list[Entry] | None = None, page: int = 99) -> WalletThen:
    """Return the wallet of the entries as of so many hours, going back page by page."""
    entries = ENTRIES if entries is None else entries
    state = rewinding(replay(ME, entries), AsOf(AT + effective * HOUR, AT + known * HOUR))
    newest_first = entries[::-1]
    while not state.is_there:
        assert newest_first, "it asks for more than there is"
        state = rewind(state, newest_first[:page])
        newest_first = newest_first[page:]
    lots = {lot.id: lot for lot in (BONUS_LOT, PAID_LOT)}
    return arrived(state, lots, {item.id: item for item in (FIRST_HOLD, SECOND_HOLD)})


@pytest.mark.parametrize("page", [1, 2, 99])
@pytest.mark.parametrize(
    ("hours", "sequence", "left", "holds"),
    [
        (-1, 0, (), ()),
        (0, 1, (2, 0), ()),
        (0.5, 1, (2, 0), ()),
        (1, 2, (2, 9), ()),
        (2, 3, (1, 9), ()),
        (4, 4, (0, 7), (OPEN_FIRST,)),
        (5, 5, (0, 6), (OPEN_FIRST, OPEN_SECOND)),
        (7, 6, (1, 8), (OPEN_SECOND,)),
        (7.5, 7, (1, 9), ()),
        (99, 7, (1, 9), ()),
    ],
)
def test_a_wallet_stood_as_its_entries_had_made_it(
    hours: float, sequence: int, left: tuple[int, ...], holds: tuple[OpenHold, ...], page: int
) -> None:
    """At each instant it is what a replay up to there gives, with the versions of its holds."""
    found = then(hours, hours, page=page)
    lots = [OpenLot(lot, n) for lot, n in zip((BONUS_LOT, PAID_LOT), left, strict=False) if n]
    as_of = AsOf(AT + hours * HOUR, AT + hours * HOUR)
    assert found == WalletThen(ME, as_of, sequence, tuple(lots), holds)
    before = replay(ME, ENTRIES[:sequence])
    assert (found.lots, found.holds) == (before.lots, before.holds)


@pytest.mark.parametrize("count", range(1, len(ENTRIES) + 1))
def test_going_back_from_a_wallet_with_holds_takes_them_along(count: int) -> None:
    """A hold that is open today is not there before it was made, and is there after."""
    for sequence, hours in enumerate((0, 1, 2, 4, 5, 7, 7.5)[:count], start=1):
        found = then(hours, hours, ENTRIES[:count])
        before = replay(ME, ENTRIES[:sequence])
        assert (found.sequence, found.lots, found.holds) == (sequence, before.lots, before.holds)


def test_what_was_written_late_counts_from_when_it_took_effect() -> None:
    """A hold that was over on the third and is written on the fifth: what was known tells which it is."""
    [late] = lapse(TWICE, AT + 7.9 * HOUR)
    entries = [*ENTRIES[:5], late.entry]
    assert late.entry.effective_at == AT + 7 * HOUR
    for effective, known, sequence, holds in (
        (7, 7, 5, (OPEN_FIRST, OPEN_SECOND)),
        (7, 8, 6, (OPEN_SECOND,)),
        (6.9, 8, 6, (OPEN_FIRST, OPEN_SECOND)),
        (7.9, 7, 5, (OPEN_FIRST, OPEN_SECOND)),
    ):
        found = then(effective, known, entries)
        assert (found.sequence, found.holds) == (sequence, holds)


SOON = timedelta(seconds=1)


def back_to(entries: list[Entry], seconds: float, page: int) -> WalletThen:
    """Return the wallet as it stood so many seconds after the beginning, by what was known much later."""
    state = rewinding(replay(ME, entries), AsOf(AT + seconds * SOON, AT + HOUR))
    newest_first = entries[::-1]
    while not state.is_there:
        assert newest_first, "it asks for more than there is"
        state = rewind(state, newest_first[:page])
        newest_first = newest_first[page:]
    lots = {lot.id: lot for entry in entries for lot in entry.lots}
    return arrived(state, lots, {made.id: made for entry in entries for made in entry.holds})


@pytest.mark.parametrize("page", [1, 2, 99])
def test_what_a_slower_clock_dated_earlier_waits_for_what_it_builds_on(page: int) -> None:
    """A spend of what an adjustment gave, dated two seconds before it, does not count before it does."""
    given = AdjustTokens(ME, EARNED.entry.id, BONUS_LOT.id, 1, "a slip", "me", "a")
    new = NewIds(EntryId(uid(625)))
    first = adjust(EARNED.wallet, BONUS_LOT, EARNED.entry, given, VERSIONS, AT + 3 * SOON, new)
    second = spent(first.wallet, 1, 2, AT + SOON)
    third = spent(second.wallet, 2, 3, AT + 2 * SOON)
    entries = [EARNED.entry, first.entry, second.entry, third.entry]
    assert [entry.recorded_at for entry in entries[1:]] == [AT + 3 * SOON] * 3
    for seconds, left in ((0, (2,)), (1, (2,)), (2.5, (2,)), (3, ())):
        assert tuple(item.remaining for item in back_to(entries, seconds, page).lots) == left
    assert [item.remaining for item in back_to(entries[:3], 3, page).lots] == [2]


@pytest.mark.parametrize("page", [1, 2, 99])
def test_a_void_that_was_dated_earlier_waits_for_its_hold_alone(page: int) -> None:
    """It frees nothing that was not held yet; what else came between does not matter to it."""
    start = EARNED.entry
    wanted = HoldTokens(ME, SCOPES, 2, AT + HOUR, "why", "ref", "h")
    made = hold(EARNED.wallet, wanted, VERSIONS, AT + 3 * SOON, NewIds(EntryId(uid(620)), hold=FIRST))
    wish = VoidHold(ME, FIRST, "why", "ref", "v")
    freed = void(made.wallet, wish, AT + SOON, NewIds(EntryId(uid(621))))
    found = back_to([start, made.entry, freed.entry], 2, page)
    assert (found.lots, found.holds) == ((OpenLot(BONUS_LOT, 2),), ())
    early = hold(EARNED.wallet, wanted, VERSIONS, AT + SOON / 2, NewIds(EntryId(uid(622)), hold=FIRST))
    between = earned(early.wallet, 9, 2, AT + 3 * SOON, kind=PAID)
    late = void(between.wallet, wish, AT + SOON, NewIds(EntryId(uid(623))))
    found = back_to([start, early.entry, between.entry, late.entry], 2, page)
    assert (found.lots, found.holds) == ((OpenLot(BONUS_LOT, 2),), ())
    found = back_to([start, early.entry, between.entry, late.entry], 0.75, page)
    assert (found.lots, [item.id for item in found.holds]) == ((), [FIRST])


@pytest.mark.parametrize("page", [1, 2, 99])
def test_a_post_that_was_dated_earlier_waits_for_all_before_it(page: int) -> None:
    """Until what was written before it counts, its hold is open."""
    wanted = HoldTokens(ME, SCOPES, 2, AT + HOUR, "why", "ref", "h")
    early = hold(EARNED.wallet, wanted, VERSIONS, AT + SOON / 2, NewIds(EntryId(uid(622)), hold=FIRST))
    between = earned(early.wallet, 9, 2, AT + 3 * SOON, kind=PAID)
    seller = ("IN", NEWTACT, "INR")
    command = PostHold(ME, FIRST, title(1), SCOPES, "why", "ref", "p", *seller)
    posted = post(between.wallet, command, VERSIONS, AT + SOON, NewIds(EntryId(uid(624))))
    entries = [EARNED.entry, early.entry, between.entry, posted.entry]
    found = back_to(entries, 2, page)
    assert (found.lots, [item.id for item in found.holds]) == ((), [FIRST])
    assert back_to(entries, 3, page).holds == ()


@pytest.mark.parametrize("page", [1, 2, 99])
def test_what_came_back_to_a_withdrawn_lot_was_never_in_it(page: int) -> None:
    """Going back past such a refund leaves the lot as empty as it was, and past the spend it is full."""
    made = spent(EARNED.wallet, 2, 2, AT + SOON)
    wish = ReverseTokens(ME, EARNED.entry.id, "why", "ref", "w")
    new = NewIds(EntryId(uid(630)))
    withdrawal = reverse(made.wallet, EARNED.entry, (), wish, VERSIONS, AT + 2 * SOON, new)
    lacking = {BONUS_LOT.origin_id: 2}
    spending = Spending(made.entry, (), {BONUS_LOT.id: BONUS_LOT}, lacking)
    command = RefundTokens(ME, made.entry.id, "why", "ref", "r")
    back = refund(withdrawal.wallet, spending, command, AT + 3 * SOON, NewIds(EntryId(uid(631))))
    entries = [EARNED.entry, made.entry, withdrawal.entry, back.entry]
    for seconds, lots in ((0, (OpenLot(BONUS_LOT, 2),)), (1, ()), (2, ()), (3, ())):
        assert back_to(entries, seconds, page).lots == lots


def test_the_way_back_is_told_step_by_step() -> None:
    """What was looked at, what came back, and which lots are wanted for it."""
    wallet, as_of = replay(ME, ENTRIES), AsOf(AT + 5 * HOUR, AT + 5 * HOUR)
    start = rewinding(wallet, as_of)
    assert start == Rewound(wallet, as_of, 7, None, False, {BONUS_LOT.id: 1, PAID_LOT.id: 9})
    assert start.is_there is False
    one = rewind(start, ENTRIES[:-2:-1])
    assert (one.sequence, one.known, one.is_past) == (6, None, False)
    assert (dict(one.left), dict(one.held)) == (
        {BONUS_LOT.id: 1, PAID_LOT.id: 8},
        {SECOND: ((PAID_LOT.id, 1, 1),)},
    )
    assert (one.wallet, one.as_of, one.undone) == (wallet, as_of, frozenset())
    there = rewind(one, ENTRIES[-2::-1])
    assert (there.sequence, there.known, there.is_past, there.is_there) == (4, 5, True, True)
    assert rewind(there, []) == there
    assert rewind(there, ENTRIES[:4][::-1]) == there, "older entries are not looked at"
    gone = replay(ME, [*ENTRIES, spent(VOIDED.wallet, 1, 9, AT + 8 * HOUR).entry])
    back = rewind(rewinding(gone, as_of), [spent(VOIDED.wallet, 1, 9, AT + 8 * HOUR).entry])
    assert back.lots_wanted == [BONUS_LOT.id]


def test_entries_come_back_one_after_the_other() -> None:
    """A gap, or an entry of another account, is refused by its number."""
    state = rewinding(replay(ME, ENTRIES), AsOf(AT, AT))
    for entry in (ENTRIES[5], evolve(ENTRIES[6], account_id=account(2))):
        with pytest.raises(NotReplayable) as refused:
            rewind(state, [entry])
        assert refused.value.facts() == {
            "sequence": entry.sequence,
            "problem": "going back, entry 7 of the wallet is next",
        }


@pytest.mark.parametrize(
    ("attempt", "field", "problem"),
    [
        (lambda: AsOf(NAIVE, AT), "effective_at", None),
        (lambda: AsOf(AT, NAIVE), "known_at", None),
        (lambda: balance_at([], NAIVE, AT), "effective_at", None),
        (lambda: expiring_soon(TWICE, NAIVE, HOUR), "at", None),
        (lambda: expiring_soon(TWICE, AT, HOUR * 0), "within", "must be longer than no time at all"),
        (lambda: expiring_soon(TWICE, AT, -HOUR), "within", "must be longer than no time at all"),
    ],
)
def test_an_instant_or_a_time_that_is_none_is_named(
    attempt: Callable[[], object], field: str, problem: str | None
) -> None:
    """The refusal says which of them it is."""
    with pytest.raises(InvalidValue) as refused:
        attempt()
    assert refused.value.field == field
    assert problem in (None, refused.value.problem)


def test_what_expires_at_the_end_of_the_time_is_in_it() -> None:
    """To the instant; a tick less and it is not. What is held has no end, what has ended is not to come."""
    end = BONUS_LOT.expires_at
    assert end is not None
    wallet = replay(ME, ENTRIES)
    lost = [ExpiringTokens(BONUS, 1, end)]
    assert expiring_soon(wallet, end - HOUR, HOUR) == lost
    assert expiring_soon(wallet, end - HOUR, HOUR - TICK) == []
    assert expiring_soon(wallet, end - TICK, HOUR) == lost
    assert expiring_soon(wallet, end, HOUR) == []
    assert expiring_soon(ONCE, end - HOUR, HOUR) == lost, "the hold has lapsed by then"
    assert expiring_soon(ONCE, AT + 4 * HOUR, 99 * HOUR) == []


def test_what_is_on_hold_is_added_up_by_kind() -> None:
    """Over all holds and their parts, until each is over."""

    def at(hours: float) -> datetime:
        return AT + hours * HOUR

    assert on_hold(TWICE, at(5)) == {BONUS: 1, PAID: 3}
    assert on_hold(TWICE, at(7) - TICK) == {BONUS: 1, PAID: 3}
    assert on_hold(TWICE, at(7)) == {PAID: 1}
    assert on_hold(TWICE, at(8)) == {}


def test_a_wallet_that_entries_do_not_make_is_refused_by_number() -> None:
    """The entry at which it ends, and why, in words that say how much and which lot."""
    first, second, third = ENTRIES[:3]
    stray = evolve(third, lots=(), postings=tuple(evolve(p, lot_id=uid(9)) for p in third.postings))
    nameless = evolve(third, postings=(evolve(third.postings[0], lot_id=None),))
    greedy = evolve(third, postings=(evolve(third.postings[0], amount=-5),))
    for entries, sequence, problem in (
        ([first, third], 3, "the wallet stands at 1"),
        ([first, evolve(second, account_id=account(2))], 2, "it is another account's"),
        ([evolve(first, source="x"), second], 2, "the entry before it has another hash"),
        ([first, second, stray], 3, f"it names a lot ({uid(9)}) that no entry before it opened"),
        ([first, second, nameless], 3, "it names a lot (None) that no entry before it opened"),
        ([first, second, greedy], 3, f"it takes 3 more from lot {BONUS_LOT.id} than there is"),
        ([first, second, evolve(third, hold_id=FIRST)], 3, "it ends a hold that is not open"),
    ):
        with pytest.raises(NotReplayable) as refused:
            replay(ME, entries)
        assert refused.value.facts() == {"sequence": sequence, "problem": problem}
