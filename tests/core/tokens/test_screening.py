"""The quick look passes nothing that the slow one would fault, whatever was changed and hashed again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import AccountId, BuddyError, EntryId, HoldId, LotId
from buddy_core.tokens import (
    ADJUSTED,
    BONUS,
    EXPIRED,
    ISSUED,
    PAID,
    SOLD,
    TRANSFERRED,
    WALLET,
    AccountBooks,
    BuyTokens,
    Entry,
    ExpireTokens,
    FreezeWallet,
    Hold,
    HoldTokens,
    MergeWallets,
    NewIds,
    Operation,
    Posted,
    Posting,
    RefundTokens,
    Spending,
    ValueVersion,
    Wallet,
    buy,
    check_books,
    earn,
    expire,
    freeze,
    hold,
    merge,
    refund,
    spend,
    version_at,
)
from buddy_core.tokens.model import entry_body
from buddy_core.tokens.proof.screening import Screen
from tests.contracts.cases import AT, account, earning, spending, title, uid, version_of
from tests.core.tokens.strategies import EPISODE
from tests.core.tokens.test_faults import glance_at

ME, GUEST, MEMBER = account(1), account(2), account(3)
HOUR = timedelta(hours=1)
VERSIONS = [
    version_of(BONUS),
    version_of(BONUS, 2, effective_from=AT + 30 * HOUR, values={"INR": Fraction(1, 3), "USD": Fraction(1)}),
    version_of(PAID),
    version_of(PAID, 2, effective_from=AT + 20 * HOUR),
]
QUICK = (
    Operation.EARN,
    Operation.PURCHASE,
    Operation.SPEND,
    Operation.EXPIRE,
    Operation.TRANSFER_IN,
    Operation.TRANSFER_OUT,
    Operation.FREEZE,
    Operation.UNFREEZE,
)
"""What the quick look takes in."""


class Life:
    """A wallet to which the rules do what is asked, where they do not refuse it."""

    def __init__(self) -> None:
        self.wallet, self.at = Wallet(ME), AT
        self.entries: list[Entry] = []
        self.count = 0

    def do(self, name: str, amount: int) -> None:
        """Let one thing happen; a refusal is nothing."""
        self.at += HOUR * (amount % 4)
        self.count += 1
        rule: Callable[[int], Sequence[Posted] | None] = getattr(self, name)
        try:
            made = rule(amount) or ()
        except BuddyError:
            return
        for posted in made:
            if posted.entry.account_id == ME:
                self.wallet = posted.wallet
                self.entries.append(posted.entry)

    @property
    def versions(self) -> dict[Any, ValueVersion]:
        """The version in force of each kind."""
        found = (version_at([v for v in VERSIONS if v.kind == kind], self.at) for kind in (BONUS, PAID))
        return {version.kind: version for version in found if version is not None}

    @property
    def new(self) -> NewIds:
        """New ids."""
        first = 1_000 * self.count
        return NewIds(EntryId(uid(first)), LotId(uid(first + 1)), HoldId(uid(first + 2)))

    def earn(self, amount: int) -> list[Posted]:
        """Earn a lot that lasts some hours, or for ever."""
        end = None if amount % 3 else self.at + HOUR * (5 + amount % 9)
        scopes = () if amount % 2 else (EPISODE,)
        command = earning(ME, amount, f"k{self.count}", expires_at=end, scopes=scopes)
        return [earn(self.wallet, command, self.versions, self.at, self.new)]

    def buy(self, amount: int) -> list[Posted]:
        """Buy a lot, now and then one that counts from later on."""
        start = self.at + 3 * HOUR if amount % 4 == 3 else None
        command = BuyTokens(
            ME, PAID, amount, 10 * amount, "INR", "order", "o", f"k{self.count}", None, effective_from=start
        )
        return [buy(self.wallet, command, self.versions, self.at, self.new)]

    def spend(self, amount: int) -> list[Posted]:
        """Spend in one of two currencies."""
        currency = "INR" if amount % 2 else "USD"
        command = spending(ME, amount, f"k{self.count}", title(amount % 3), currency=currency)
        return [spend(self.wallet, command, self.versions, self.at, self.new)]

    def expire(self, amount: int) -> list[Posted]:
        """Write off what is over by some hours later."""
        self.at += HOUR * amount
        posted = expire(self.wallet, ExpireTokens(ME, f"k{self.count}"), self.versions, self.at, self.new)
        return [] if posted is None else [posted]

    def freeze(self, amount: int) -> list[Posted]:
        """Freeze, or unfreeze."""
        command = FreezeWallet(ME, bool(amount % 3 == 0), "why", "who", f"k{self.count}")
        return [freeze(self.wallet, command, self.at, self.new)]

    def merge_in(self, amount: int) -> list[Posted]:
        """Take in what a guest has, up to a cap."""
        command = earning(GUEST, 3 * amount, f"k{self.count}")
        guest = earn(Wallet(GUEST), command, self.versions, self.at, self.new).wallet
        wish = MergeWallets(GUEST, ME, amount, f"k{self.count}")
        return self._merged(merge(guest, self.wallet, wish, self.versions, self.at, self.new.entry))

    def merge_out(self, amount: int) -> list[Posted]:
        """Give all to a member; what comes after that begins with nothing."""
        wish = MergeWallets(ME, MEMBER, 99, f"k{self.count}")
        merged = merge(self.wallet, Wallet(MEMBER), wish, self.versions, self.at, self.new.entry)
        return self._merged(merged)

    def _merged(self, merged: Any) -> list[Posted]:
        mine = [entry for entry in merged.entries if entry.account_id == ME]
        after = merged.source if merged.source.account_id == ME else merged.target
        return [Posted(after, entry) for entry in mine]

    def hold(self, amount: int) -> list[Posted]:
        """Hold some."""
        command = HoldTokens(ME, (EPISODE,), amount, self.at + 2 * HOUR, "why", "ref", f"k{self.count}")
        return [hold(self.wallet, command, self.versions, self.at, self.new)]

    def refund(self, amount: int) -> list[Posted]:
        """Give back the last spend."""
        spends = [item for item in self.entries if item.operation is Operation.SPEND]
        if not spends:
            return []
        entry = spends[-1]
        lots = {lot.id: lot for item in self.entries for lot in item.lots}
        command = RefundTokens(ME, entry.id, "why", "ref", f"k{self.count}", 1)
        return [refund(self.wallet, Spending(entry, (), lots), command, self.at, self.new)]


PLAIN = ["earn", "earn", "buy", "spend", "spend", "expire", "freeze", "merge_in", "merge_out"]
STEPS = st.tuples(st.sampled_from(PLAIN), st.integers(1, 12))
ALL_STEPS = st.tuples(st.sampled_from([*PLAIN, "hold", "refund"]), st.integers(1, 12))


def lived(steps: Sequence[tuple[str, int]]) -> list[Entry]:
    """Return the entries of a life."""
    life = Life()
    for name, amount in steps:
        life.do(name, amount)
    return life.entries


def fitting(
    entries: Sequence[Entry],
    *,
    numbers: Mapping[int, int] = {},
    cut: int | None = None,
    forged: int | None = None,
) -> AccountBooks:
    """Return books whose hashes, links, wallet and balances fit the entries, whatever these say.

    `numbers` puts another sequence number in some places; the entry at `cut` follows
    nothing that is there, and the hash stored for the one at `forged` is not its own.
    """
    made: list[Entry] = []
    hashes: list[bytes] = []
    wallet, left = Wallet(ME), dict[LotId, int]()
    holds: dict[HoldId, datetime] = {}
    for place, entry in enumerate(entries):
        before = b"z" * 32 if place == cut else wallet.head
        made.append(evolve(entry, sequence=numbers.get(place, place + 1), previous_hash=before))
        hashes.append(b"y" * 32 if place == forged else made[-1].hash)
        wallet = evolve(wallet.after(made[-1], ()), head=hashes[-1])
        left |= {lot.id: 0 for lot in entry.lots}
        holds |= {item.id: item.expires_at for item in entry.holds}
        holds.pop(entry.hold_id or HoldId(uid(0)), None)
        for posting in entry.postings:
            if posting.account == WALLET and posting.lot_id is not None:
                left[posting.lot_id] = left.get(posting.lot_id, 0) + posting.amount
    return AccountBooks(ME, wallet, left, made, hashes, (), holds)


def both_looks(books: AccountBooks, versions: Sequence[ValueVersion] = VERSIONS) -> bool:
    """Hold the quick look to the slow one; tell whether it passed the books."""
    read = Screen(versions).look(glance_at(books))
    if read is None:
        return False
    assert check_books(books, versions) == []
    assert read == [json.loads(entry_body(entry)) for entry in books.entries]
    return True


# -- what may be changed -------------------------------------------------------------------------------


Change = Callable[[list[Entry]], None]
"""Changes the entries in place."""
ACCOUNTS = [
    WALLET,
    ISSUED,
    SOLD,
    EXPIRED,
    TRANSFERRED,
    ADJUSTED,
    "held",
    "spent",
    f"spent:{title(1)}",
    "",
    "x",
]
SHIFTS = [timedelta(microseconds=1), HOUR, 4 * HOUR, timedelta(days=400)]


@st.composite
def changed_posting(draw: st.DrawFn, entries: list[Entry]) -> list[Entry]:
    """Say something else in a posting, or the same else in all of an entry, which still sum to zero then."""
    moving = [place for place, entry in enumerate(entries) if entry.postings]
    if not moving:
        return entries
    place = draw(st.sampled_from(moving))
    items = list(entries[place].postings)
    lots = [lot.id for entry in entries for lot in entry.lots]
    fields: dict[str, st.SearchStrategy[Any]] = {
        "account": st.sampled_from(ACCOUNTS),
        "lot_id": st.sampled_from([*lots, LotId(uid(77)), None]),
        "kind": st.sampled_from([BONUS, PAID, "other"]),
        "amount": st.integers(-9, 9),
        "version": st.integers(0, 3),
        "currency": st.sampled_from(["INR", "USD", "AED", "", None]),
        "value": st.sampled_from([None, Fraction(0), Fraction(-100), Fraction(2, 3)]),
    }
    name = draw(st.sampled_from(sorted(fields)))
    if draw(st.booleans()):
        where = draw(st.integers(0, len(items) - 1))
        items[where] = evolve(items[where], **{name: draw(fields[name])})
    elif name == "amount":
        factor = draw(st.sampled_from([-1, 2]))
        items = [
            evolve(item, amount=factor * item.amount, value=item.value and factor * item.value)
            for item in items
        ]
    else:
        new = draw(fields[name])
        items = [evolve(item, **{name: new}) for item in items if name != "lot_id" or item.lot_id]
    return [*entries[:place], evolve(entries[place], postings=tuple(items)), *entries[place + 1 :]]


@st.composite
def other_postings(draw: st.DrawFn, entries: list[Entry]) -> list[Entry]:
    """Drop, double, turn round or invent postings of an entry."""
    place = draw(st.integers(0, len(entries) - 1))
    items = list(entries[place].postings)
    how = draw(st.sampled_from(["drop", "double", "turn", "invent", "invent"]))
    if how == "invent" or not items:
        lots = [lot.id for entry in entries for lot in entry.lots]
        one = Posting(
            WALLET, draw(st.sampled_from([*lots, None])), draw(st.sampled_from([BONUS, PAID])), 1, 1
        )
        account_ = draw(st.sampled_from([WALLET, *ACCOUNTS]))
        other = evolve(one, account=account_, amount=-1, lot_id=one.lot_id if account_ == WALLET else None)
        items += [one, other][: draw(st.sampled_from([2, 2, 1]))]
    elif how == "drop":
        del items[draw(st.integers(0, len(items) - 1))]
    elif how == "double":
        items += items
    else:
        items.reverse()
    return [*entries[:place], evolve(entries[place], postings=tuple(items)), *entries[place + 1 :]]


@st.composite
def changed_lots(draw: st.DrawFn, entries: list[Entry]) -> list[Entry]:
    """Give a lot another life, name or number, take it away, or put it into another entry too."""
    opening = [place for place, entry in enumerate(entries) if entry.lots]
    if not opening:
        return entries
    place = draw(st.sampled_from(opening))
    lot, *rest = entries[place].lots
    shift = draw(st.sampled_from(SHIFTS)) * draw(st.sampled_from([-1, 1]))
    how = draw(st.sampled_from(["start", "end", "never", "name", "amount", "kind", "drop", "again"]))
    if how == "start":
        start = lot.effective_from + shift
        end = None if lot.expires_at is None else max(lot.expires_at, start + HOUR)
        lot = evolve(lot, effective_from=start, expires_at=end)
    elif how == "end":
        lot = evolve(lot, expires_at=max((lot.expires_at or AT) + shift, lot.effective_from + HOUR))
    elif how == "never":
        lot = evolve(lot, expires_at=None)
    elif how == "name":
        lot = evolve(lot, id=LotId(uid(78)))
    elif how == "amount":
        lot = evolve(lot, amount=lot.amount + 1)
    elif how == "kind":
        lot = evolve(lot, kind=PAID if lot.kind == BONUS else BONUS)
    found = list(entries)
    found[place] = evolve(entries[place], lots=tuple(rest if how == "drop" else (lot, *rest)))
    if how == "again":
        other = draw(st.integers(0, len(entries) - 1))
        found[other] = evolve(found[other], lots=(*found[other].lots, lot))
    return found


@st.composite
def other_times(draw: st.DrawFn, entries: list[Entry]) -> list[Entry]:
    """Date an entry, one that draws on lots most often, otherwise: also to the edges of their lives."""
    drawing = [n for n, entry in enumerate(entries) if any(item.amount < 0 for item in entry.postings[:1])]
    place = draw(st.sampled_from([*drawing, *drawing, *range(len(entries))]))
    entry = entries[place]
    named = {item.lot_id for item in entry.postings}
    lots = [lot for other in entries for lot in other.lots if lot.id in named]
    edges = [edge for lot in lots for edge in (lot.effective_from, lot.expires_at) if edge is not None]
    shift = draw(st.sampled_from(SHIFTS)) * draw(st.sampled_from([-1, 1]))
    near = draw(st.sampled_from([entry.effective_at + shift, *edges, *(edge - SHIFTS[0] for edge in edges)]))
    changed = evolve(entry, effective_at=near)
    if draw(st.integers(0, 3)) == 3:
        changed = evolve(entry, recorded_at=entry.recorded_at + shift)
    return [*entries[:place], changed, *entries[place + 1 :]]


@st.composite
def changed_entry(draw: st.DrawFn, entries: list[Entry]) -> list[Entry]:
    """Change what an entry says of itself."""
    place = draw(st.integers(0, len(entries) - 1))
    fields: dict[str, st.SearchStrategy[Any]] = {
        "operation": st.sampled_from(Operation),
        "source": st.sampled_from(["merge", "sweep", "unlock"]),
        "account_id": st.just(GUEST),
        "id": st.just(EntryId(uid(79))),
        "idempotency_key": st.just("k1"),
        "corrects": st.sampled_from([None, *(item.id for item in entries)]),
        "hold_id": st.just(HoldId(uid(80))),
        "holds": st.just((Hold(HoldId(uid(80)), 1, AT),)),
        "rule_version": st.integers(-1, 3),
        "country": st.just("XX"),
        "entity": st.none(),
    }
    name = draw(st.sampled_from(["operation", "operation", *fields]))
    return [
        *entries[:place],
        evolve(entries[place], **{name: draw(fields[name])}),
        *entries[place + 1 :],
    ]


@st.composite
def other_entries(draw: st.DrawFn, entries: list[Entry]) -> list[Entry]:
    """Take an entry away, double it, or put it elsewhere."""
    found = list(entries)
    place = draw(st.integers(0, len(entries) - 1))
    how = draw(st.sampled_from(["drop", "double", "double", "move"]))
    taken = found[place] if how == "double" else found.pop(place)
    if how != "drop":
        found.insert(draw(st.integers(0, len(found))), taken)
    return found


@st.composite
def changed_state(draw: st.DrawFn, books: AccountBooks) -> AccountBooks:
    """Change what is stored beside the entries: the wallet's row, balances, open holds, one hash."""
    assert books.stored is not None
    lots = [*books.balances, LotId(uid(81))]
    lot = draw(st.sampled_from(lots))
    how = draw(st.sampled_from(["wallet", "no wallet", "balance", "no balance", "hold", "hash", "unread"]))
    if how == "wallet":
        field = draw(st.sampled_from(["sequence", "head", "is_frozen", "moved_at"]))
        new: dict[str, Any] = {
            "sequence": books.stored.sequence + draw(st.sampled_from([-1, 1])),
            "head": b"x" * 32,
            "is_frozen": not books.stored.is_frozen,
            "moved_at": draw(st.sampled_from([None, AT - HOUR, AT + 99 * HOUR])),
        }
        return evolve(books, stored=evolve(books.stored, **{field: new[field]}))
    if how == "no wallet":
        return evolve(books, stored=None)
    if how == "balance":
        amount = draw(st.integers(-3, 9))
        return evolve(books, balances={**books.balances, lot: amount})
    if how == "no balance":
        return evolve(books, balances={key: left for key, left in books.balances.items() if key != lot})
    if how == "hold":
        return evolve(books, open_holds={HoldId(uid(82)): AT})
    if how == "hash" and books.hashes:
        place = draw(st.integers(0, len(books.hashes) - 1))
        hashes = [b"y" * 32 if n == place else item for n, item in enumerate(books.hashes)]
        return evolve(books, hashes=hashes)
    return books


# -- the laws ------------------------------------------------------------------------------------------


@given(st.lists(STEPS, max_size=15))
def test_a_healthy_wallet_takes_the_quick_look(steps: list[tuple[str, int]]) -> None:
    """Whatever the rules wrote of what it knows, nothing is left to the slow one."""
    entries = lived(steps)
    assert {entry.operation for entry in entries} <= set(QUICK)
    assert both_looks(fitting(entries))


@given(st.lists(ALL_STEPS, max_size=15))
def test_whatever_the_rules_wrote_is_clean(steps: list[tuple[str, int]]) -> None:
    """Holds and corrections are left to the slow look, which faults none of them."""
    entries = lived(steps)
    books = fitting(entries)
    assert check_books(books, VERSIONS) == []
    assert both_looks(books) == ({entry.operation for entry in entries} <= set(QUICK))


CHANGES = (changed_posting, other_postings, changed_lots, other_times, changed_entry, other_entries)
SOME_STEPS = st.lists(STEPS, min_size=2, max_size=8).map(lambda steps: [("earn", 9), ("buy", 9), *steps])


@pytest.mark.parametrize("change", CHANGES)
@given(data=st.data())
def test_what_was_changed_and_hashed_again_passes_only_if_it_is_right(
    change: Any, data: st.DataObject
) -> None:
    """One change, all hashes and balances made to fit: what the slow look faults is not passed over."""
    entries = lived(data.draw(SOME_STEPS, "steps"))
    for _ in range(3):
        both_looks(fitting(data.draw(change(entries))))


@given(SOME_STEPS)
def test_the_edges_of_every_life_are_seen(steps: Any) -> None:
    """Each entry that draws on lots, dated a tick before, to, and after where these begin and end."""
    entries = lived(steps)
    for place, entry in enumerate(entries):
        named = {item.lot_id for item in entry.postings if item.amount < 0}
        for lot in (lot for other in entries for lot in other.lots if lot.id in named):
            for edge in (lot.effective_from, lot.expires_at or lot.effective_from):
                for at in (edge - SHIFTS[0], edge, edge + SHIFTS[0]):
                    moved = evolve(entry, effective_at=at)
                    both_looks(fitting([*entries[:place], moved, *entries[place + 1 :]]))


@given(data=st.data())
def test_many_changes_pass_only_if_they_are_right(data: st.DataObject) -> None:
    """Several changes of several sorts, with holds and corrections among the entries."""
    entries = lived(data.draw(st.lists(ALL_STEPS, min_size=2, max_size=12), "steps"))
    for _ in range(data.draw(st.integers(2, 4), "changes")):
        if entries:
            entries = data.draw(data.draw(st.sampled_from(CHANGES), "change")(entries))
    both_looks(fitting(entries))


@given(steps=SOME_STEPS, data=st.data())
def test_a_chain_that_is_broken_does_not_pass(steps: Any, data: st.DataObject) -> None:
    """Another number, a link to nothing, or a hash that is not its own, with all that follows made to fit."""
    entries = lived(steps)
    place = data.draw(st.integers(0, len(entries) - 1))
    number = data.draw(st.integers(1, len(entries) + 1).filter(lambda number: number != place + 1))
    assert not both_looks(fitting(entries, numbers={place: number}))
    assert not both_looks(fitting(entries, cut=place))
    assert not both_looks(fitting(entries, forged=place))


@given(st.data())
def test_what_is_stored_beside_the_entries_passes_only_if_it_fits(data: st.DataObject) -> None:
    """A right chain with another wallet row, balance, hold or hash beside it."""
    books = fitting(lived(data.draw(SOME_STEPS)))
    for _ in range(3):
        both_looks(data.draw(changed_state(books)))


@given(st.data())
def test_other_versions_than_those_that_were_in_force_are_seen(data: st.DataObject) -> None:
    """Versions that are missing, moved or worth something else: what they were stamped on is not passed."""
    books = fitting(lived(data.draw(SOME_STEPS)))
    place = data.draw(st.integers(0, len(VERSIONS) - 1))
    version = VERSIONS[place]
    other = data.draw(
        st.sampled_from(
            [
                [],
                [evolve(version, effective_from=version.effective_from + 3 * HOUR)],
                [evolve(version, effective_from=version.effective_from - 3 * HOUR)],
                [evolve(version, values={"INR": Fraction(49)})],
                [evolve(version, version=3)],
                [version, evolve(version, version=3, effective_from=AT - timedelta(days=31))],
            ]
        )
    )
    both_looks(books, [*VERSIONS[:place], *other, *VERSIONS[place + 1 :]])


# -- the ends of time ----------------------------------------------------------------------------------


def test_a_lot_that_never_expires_is_not_written_off_at_the_end_of_time() -> None:
    """At the last instant that can be written, too, what has no end has not ended."""
    end = datetime.max.replace(tzinfo=UTC)
    life = Life()
    life.do("earn", 4)
    [first] = life.entries
    lot = first.lots[0]
    assert lot.expires_at is None
    gone = (Posting(WALLET, lot.id, BONUS, -4, 2), Posting(EXPIRED, None, BONUS, 4, 2))
    wrong = evolve(first, operation=Operation.EXPIRE, lots=(), postings=gone, effective_at=end)
    books = fitting([first, wrong])
    assert [fault.problem for fault in check_books(books, VERSIONS)] == ["expires a lot before its time"]
    assert not both_looks(books)


def test_a_lot_that_is_opened_twice_is_left_to_the_slow_look() -> None:
    """Which of its two lives counts is not for the quick one to say."""
    life = Life()
    for name, amount in (("earn", 4), ("spend", 1)):
        life.do(name, amount)
    first, taken = life.entries
    later = evolve(first.lots[0], effective_from=AT + 99 * HOUR)
    again = evolve(first, id=EntryId(uid(83)), lots=(later,))
    books = fitting([first, taken, again])
    assert check_books(books, VERSIONS) != []
    assert not both_looks(books)


@pytest.mark.parametrize("account_id", [ME, GUEST])
def test_an_account_without_entries(account_id: AccountId) -> None:
    """An empty wallet passes; one that has no row, or a row that says more, does not."""
    empty = AccountBooks(account_id, Wallet(account_id), {}, [], [])
    assert both_looks(empty)
    assert not both_looks(evolve(empty, stored=None))
    assert not both_looks(evolve(empty, stored=Wallet(account_id, is_frozen=True)))
