"""The faults that verify names, whole: table, row and words, all of them and no other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from hashlib import sha256
from typing import Any

import pytest
from attrs import evolve

from buddy_core.kernel import EntryId, HoldId, LotId
from buddy_core.kernel.canonical import instant_text
from buddy_core.kernel.proof import Fault
from buddy_core.tokens import (
    ADJUSTED,
    BONUS,
    ISSUED,
    PAID,
    WALLET,
    AccountBooks,
    AdjustTokens,
    BuyTokens,
    Entry,
    ExpireTokens,
    FreezeWallet,
    HoldTokens,
    MergeWallets,
    NewIds,
    PostHold,
    Posting,
    RefundTokens,
    ReverseTokens,
    Spending,
    ValueVersion,
    VoidHold,
    Wallet,
    adjust,
    buy,
    check_books,
    check_corrections,
    check_versions,
    expire,
    freeze,
    hold,
    merge,
    post,
    refund,
    reverse,
    void,
)
from buddy_core.tokens.model import entry_body
from buddy_core.tokens.ports import Glance
from buddy_core.tokens.proof.screening import Screen
from buddy_core.tokens.rules.merging import derived_lot_id
from tests.contracts.cases import AT, LATER, NEWTACT, VERSIONS, account, earned, spent, title, uid, version_of

TICK = timedelta(microseconds=1)
WHO = account(1)
SCOPES = ("type:episode",)
ONE, OTHER = HoldId(uid(600)), HoldId(uid(601))
FIRST = earned(Wallet(WHO), 9, 1, expires_at=AT + timedelta(days=1))
LOT = FIRST.entry.lots[0]
SPENT = spent(FIRST.wallet, 4, 2)
IN_FORCE = list(VERSIONS.values())


def new(number: int) -> NewIds:
    """Return ids for one entry."""
    return NewIds(EntryId(uid(700 + number)), hold=ONE)


HELD_SIX = hold(FIRST.wallet, HoldTokens(WHO, SCOPES, 6, LATER, "why", "ref", "h"), VERSIONS, AT, new(1))
PART = PostHold(WHO, ONE, title(1), SCOPES, "why", "ref", "p", "IN", NEWTACT, "INR", 4)
POSTED = post(HELD_SIX.wallet, PART, VERSIONS, AT, new(2))
VOIDED = void(HELD_SIX.wallet, VoidHold(WHO, ONE, "why", "ref", "v"), AT, new(3))
REFUNDED = refund(
    SPENT.wallet,
    Spending(SPENT.entry, (), {LOT.id: LOT}),
    RefundTokens(WHO, SPENT.entry.id, "why", "ref", "r"),
    AT,
    new(4),
)
REVERSED = reverse(
    SPENT.wallet, FIRST.entry, (), ReverseTokens(WHO, FIRST.entry.id, "why", "ref", "t"), VERSIONS, AT, new(5)
)
FROZEN = freeze(FIRST.wallet, FreezeWallet(WHO, True, "ref", "why", "f"), AT, new(6))
THAWED = freeze(FROZEN.wallet, FreezeWallet(WHO, False, "ref", "why", "u"), AT, new(7))


def stood(entry: Entry) -> Wallet:
    """Return the row of a wallet of which an entry is the last."""
    return Wallet(WHO, entry.sequence, entry.hash, moved_at=entry.recorded_at)


def row(entry: Entry, sequence: int) -> str:
    """Return how a fault names an entry."""
    return f"{entry.id} (account {WHO}, sequence {sequence})"


def chained(*entries: Entry) -> list[Entry]:
    """Return the entries with places and hashes that follow from each other."""
    found: list[Entry] = []
    wallet = Wallet(WHO)
    for number, entry in enumerate(entries, start=1):
        found.append(evolve(entry, sequence=number, previous_hash=wallet.head))
        wallet = wallet.after(found[-1], ())
    return found


def books(*entries: Entry, **changes: Any) -> AccountBooks:
    """Return books that fit the entries, but for `changes`."""
    found = chained(*entries)
    wallet, left = Wallet(WHO), dict[LotId, int]()
    holds: dict[HoldId, datetime] = {}
    for entry in found:
        wallet = wallet.after(entry, ())
        left |= {lot.id: 0 for lot in entry.lots}
        holds |= {item.id: item.expires_at for item in entry.holds}
        if entry.hold_id is not None:
            holds.pop(entry.hold_id, None)
        for posting in entry.postings:
            if posting.lot_id is not None:
                left[posting.lot_id] += posting.amount
    fitting = AccountBooks(WHO, wallet, left, found, [entry.hash for entry in found], (), holds)
    return evolve(fitting, **changes)


def _text(at: datetime | None) -> str | None:
    return None if at is None else instant_text(at)


def glance_at(found: AccountBooks) -> Glance:
    """Return the books in the form of the quick look."""
    stored = found.stored
    return Glance(
        found.account_id,
        None if stored is None else (stored.sequence, stored.head, stored.is_frozen, _text(stored.moved_at)),
        {str(lot): left for lot, left in found.balances.items()},
        [
            (entry_body(entry), entry.previous_hash, digest)
            for entry, digest in zip(found.entries, found.hashes, strict=True)
        ],
        bool(found.unreadable or found.open_holds),
    )


def checked(found: AccountBooks, versions: Sequence[ValueVersion]) -> list[Fault]:
    """Return the faults of the slow look; what has any, the quick one leaves to it."""
    faults = check_books(found, versions)
    read = Screen(versions).look(glance_at(found))
    if read is not None:
        assert faults == []
        assert read == [json.loads(entry_body(entry)) for entry in found.entries]
    return faults


def moved(entry: Entry, *places: int, **changes: Any) -> Entry:
    """Return the entry with some of its postings altered."""
    postings = [evolve(p, **changes) if n in places else p for n, p in enumerate(entry.postings)]
    return evolve(entry, postings=tuple(postings))


SWEPT = expire(FIRST.wallet, ExpireTokens(WHO, "e"), VERSIONS, AT + timedelta(days=1), new(8))
assert SWEPT is not None
GIVEN = adjust(
    FIRST.wallet,
    LOT,
    FIRST.entry,
    AdjustTokens(WHO, FIRST.entry.id, LOT.id, 2, "ref", "why", "a"),
    VERSIONS,
    AT,
    new(9),
)
MERGED = merge(
    earned(Wallet(account(2)), 7, 3).wallet,
    FIRST.wallet,
    MergeWallets(account(2), WHO, 5, "m"),
    VERSIONS,
    AT,
    EntryId(uid(710)),
)


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [FIRST],
        [FIRST, SPENT, REFUNDED],
        [FIRST, SPENT, REVERSED],
        [FIRST, HELD_SIX],
        [FIRST, HELD_SIX, POSTED],
        [FIRST, HELD_SIX, VOIDED],
        [FIRST, SWEPT],
        [FIRST, GIVEN],
        [FIRST, FROZEN],
        [FIRST, FROZEN, THAWED],
    ],
)
def test_what_the_rules_write_is_clean(entries: Sequence[Any]) -> None:
    """A chain of what the rules made has no fault, whatever comes last in it."""
    assert checked(books(*(posted.entry for posted in entries)), IN_FORCE) == []


def test_what_a_merge_writes_is_clean() -> None:
    """What exceeds the cap expires before its time; the merge says so, and that is right."""
    mine = [entry for entry in MERGED.entries if entry.account_id == WHO]
    assert [entry.operation for entry in mine] == ["transfer_in", "expire"]
    assert checked(books(FIRST.entry, *mine), IN_FORCE) == []
    forged = evolve(mine[1], source="sweep")
    assert checked(books(FIRST.entry, mine[0], forged), IN_FORCE) == [
        Fault("token_postings", row(forged, 3), "expires a lot before its time")
    ]


def quick(found: AccountBooks, versions: Sequence[ValueVersion] = IN_FORCE) -> bool:
    """Tell whether the quick look passes books that have no fault."""
    assert checked(found, versions) == []
    return Screen(versions).look(glance_at(found)) is not None


@pytest.mark.parametrize(
    ("posted", "is_quick"),
    [
        ([], True),
        ([FIRST], True),
        ([FIRST, SPENT], True),
        ([FIRST, SWEPT], True),
        ([FIRST, FROZEN], True),
        ([FIRST, FROZEN, THAWED], True),
        ([FIRST, SPENT, REFUNDED], False),
        ([FIRST, SPENT, REVERSED], False),
        ([FIRST, HELD_SIX], False),
        ([FIRST, HELD_SIX, POSTED], False),
        ([FIRST, HELD_SIX, VOIDED], False),
        ([FIRST, GIVEN], False),
    ],
)
def test_the_quick_look_takes_in_what_comes_most(posted: Sequence[Any], is_quick: bool) -> None:
    """Earnings, spends, sweeps and freezes pass it; holds and corrections are left to the slow one."""
    assert quick(books(*(item.entry for item in posted))) is is_quick


def test_the_quick_look_takes_in_purchases_and_both_sides_of_a_merge() -> None:
    """Also where the merge writes off what exceeds the cap, and where a lot never expires."""
    wish = BuyTokens(WHO, PAID, 5, 500, "INR", "order", "o", "buy", None)
    bought = buy(FIRST.wallet, wish, VERSIONS, AT, NewIds(EntryId(uid(730)), LotId(uid(731))))
    paid = spent(bought.wallet, 11, 6, LATER)
    assert quick(books(FIRST.entry, bought.entry, paid.entry))
    mine = [entry for entry in MERGED.entries if entry.account_id == WHO]
    assert quick(books(FIRST.entry, *mine))
    theirs = merge(
        FIRST.wallet, Wallet(account(2)), MergeWallets(WHO, account(2), 5, "m"), VERSIONS, AT, new(9).entry
    )
    [out, *_] = theirs.entries
    assert quick(books(FIRST.entry, out))


def test_the_quick_look_knows_when_a_version_was_in_force() -> None:
    """Of several versions it takes the last that had taken effect, of each kind its own."""
    versions = [
        version_of(BONUS, 1, effective_from=AT - TICK, values={"INR": Fraction(50)}),
        version_of(BONUS, 2, effective_from=LATER, values={"INR": Fraction(60)}),
        version_of(BONUS, 3, effective_from=LATER + TICK, values={"INR": Fraction(70)}),
        version_of(PAID, 4, effective_from=AT - TICK),
    ]
    first = spent(FIRST.wallet, 1, 3).entry
    second = moved(evolve(spent(FIRST.wallet, 1, 4, LATER).entry), 0, version=2, value=Fraction(-60))
    second = moved(second, 1, version=2, value=Fraction(60))
    assert quick(books(FIRST.entry, first, second), versions)
    late = moved(moved(second, 0, version=3, value=Fraction(-70)), 1, version=3, value=Fraction(70))
    assert checked(books(FIRST.entry, first, late), versions) != []
    early = moved(moved(second, 0, version=1, value=Fraction(-50)), 1, version=1, value=Fraction(50))
    assert checked(books(FIRST.entry, first, early), versions) != []


def test_the_quick_look_leaves_a_lot_that_is_opened_twice() -> None:
    """Which of its two lives counts is for the slow look to say, whatever origin it names."""
    again = evolve(FIRST.entry, id=EntryId(uid(732)))
    elsewhere = evolve(again, lots=(evolve(LOT, origin_id=LotId(uid(733))),))
    for second in (again, elsewhere):
        assert Screen(IN_FORCE).look(glance_at(books(FIRST.entry, second))) is None


def test_the_quick_look_leaves_what_is_odd() -> None:
    """A glance that says so, a wallet without a row, and a text that fits its hash and is no entry."""
    screen = Screen(IN_FORCE)
    fine = glance_at(books(FIRST.entry, SPENT.entry))
    assert screen.look(fine) is not None
    assert screen.look(evolve(fine, is_odd=True)) is None
    assert screen.look(evolve(fine, stored=None)) is None
    assert screen.look(evolve(fine, account=account(2))) is None
    assert screen.look(fine) is not None, "what it saw before does not matter"
    body, previous, _ = fine.entries[0]
    for text in ("", "{}", "7", "[]", '["a"]', body[:-1], body.replace("[", "{", 1)):
        digest = sha256(previous + text.encode()).digest()
        odd = evolve(fine, entries=[(text, previous, digest)], stored=(1, digest, False, instant_text(AT)))
        assert screen.look(odd) is None


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (1, str(account(2))),
        (2, 2),
        (3, "adjust"),
        (3, "gift"),
        (4, "2020-01-01T00:00:00.000000Z"),
        (14, [["wallet", str(LOT.id), "bonus", 9, 1, None, None]]),
        (14, [["wallet", str(LOT.id), "bonus", 9, 1, None]]),
        (
            14,
            [
                ["wallet", str(uid(1)), "bonus", 9, 1, None, None],
                ["issued", None, "bonus", -9, 1, None, None],
            ],
        ),
        (
            14,
            [
                ["wallet", str(LOT.id), "bonus", 9, 1, "INR", None],
                ["issued", None, "bonus", -9, 1, None, None],
            ],
        ),
        (
            14,
            [
                ["wallet", str(LOT.id), "bonus", 9, 1, None, "1/1"],
                ["issued", None, "bonus", -9, 1, None, None],
            ],
        ),
        (
            14,
            [["wallet", str(LOT.id), "bonus", 9, 1, None, None], ["sold", None, "bonus", -9, 1, None, None]],
        ),
        (
            14,
            [
                ["wallet", str(LOT.id), "bonus", 9, 1, None, None],
                ["spent:x", None, "bonus", -9, 1, None, None],
            ],
        ),
        (
            14,
            [
                ["wallet", str(LOT.id), "bonus", 9, 1, None, None],
                ["issued", str(LOT.id), "bonus", -9, 1, None, None],
            ],
        ),
        (
            14,
            [["wallet", str(LOT.id), "paid", 9, 1, None, None], ["issued", None, "bonus", -9, 1, None, None]],
        ),
        (
            14,
            [["wallet", str(LOT.id), "gold", 9, 1, None, None], ["issued", None, "gold", -9, 1, None, None]],
        ),
        (16, [[str(ONE), 9, "2026-11-22T00:00:00.000000Z"]]),
    ],
)
def test_the_quick_look_passes_no_earning_that_was_bent(place: int, value: Any) -> None:
    """Whatever column says something else, with a hash that fits it, is not passed."""
    [first] = chained(FIRST.entry)
    screen = Screen(IN_FORCE)

    def looked(columns: list[Any]) -> object:
        body = json.dumps(columns, separators=(",", ":"))
        digest = sha256(first.previous_hash + body.encode()).digest()
        wallet = (1, digest, False, instant_text(AT))
        return screen.look(Glance(WHO, wallet, {str(LOT.id): 9}, [(body, first.previous_hash, digest)]))

    columns = json.loads(entry_body(first))
    assert looked(columns) == [columns]
    columns[place] = value
    assert looked(columns) is None


# -- the chain -----------------------------------------------------------------------------------------


def test_a_break_in_the_chain_is_named_where_it_is() -> None:
    """A gap, a link that does not fit and a hash that is not its own: each at its entry."""
    first, second, third = chained(FIRST.entry, SPENT.entry, REFUNDED.entry)
    whole = books(first, second, third)
    gone = evolve(whole, entries=[first, third], hashes=[first.hash, third.hash])
    assert Fault("token_entries", row(third, 3), "missing or inserted: it comes after 1") in checked(
        gone, IN_FORCE
    )
    turned = evolve(second, previous_hash=b"x" * 32)
    bent = evolve(whole, entries=[first, turned], hashes=[first.hash, turned.hash], stored=stood(turned))
    assert Fault(
        "token_entries", row(second, 2), "altered: it does not follow from the entry before"
    ) in checked(bent, IN_FORCE)
    forged = evolve(whole, entries=[first, second, evolve(third, source="forged")])
    assert checked(forged, IN_FORCE) == [
        Fault("token_entries", row(third, 3), "altered: its hash is not that of its rows")
    ]


def test_a_chain_begins_with_one() -> None:
    """An only entry that says it is the second, or follows something, is named."""
    [first] = chained(FIRST.entry)
    late = evolve(first, sequence=2)
    found = evolve(books(first), entries=[late], hashes=[late.hash], stored=stood(late))
    assert checked(found, IN_FORCE) == [
        Fault("token_entries", row(first, 2), "missing or inserted: it comes after 0")
    ]
    tied = evolve(first, previous_hash=b"x" * 32)
    found = evolve(books(first), entries=[tied], hashes=[tied.hash], stored=stood(tied))
    assert checked(found, IN_FORCE) == [
        Fault("token_entries", row(first, 1), "altered: it does not follow from the entry before")
    ]


def test_the_row_of_a_wallet_fits_its_chain() -> None:
    """One that is missing, ends elsewhere, or is frozen against its entries is named."""
    whole = books(FIRST.entry)
    assert whole.stored is not None
    assert checked(evolve(whole, stored=None), IN_FORCE) == [Fault("token_wallets", str(WHO), "missing")]
    for wrong in (evolve(whole.stored, sequence=2), evolve(whole.stored, head=b"x" * 32)):
        assert checked(evolve(whole, stored=wrong), IN_FORCE) == [
            Fault("token_wallets", str(WHO), "altered, or its last entries are missing or inserted")
        ]
    words = "altered: frozen is not what its entries say"
    for entries, is_frozen in (
        ([FIRST.entry], True),
        ([FIRST.entry, FROZEN.entry], False),
        ([FIRST.entry, FROZEN.entry, THAWED.entry], True),
        ([FIRST.entry, FROZEN.entry, SPENT.entry], False),
    ):
        found = books(*entries)
        assert found.stored is not None
        wrong = evolve(found.stored, is_frozen=is_frozen)
        assert checked(evolve(found, stored=wrong), IN_FORCE) == [Fault("token_wallets", str(WHO), words)]


def test_a_wallet_moved_with_its_last_entry() -> None:
    """Another instant in its row, none, or one where there is no entry, is named."""
    fault = Fault("token_wallets", str(WHO), "altered: its last move is not its last entry's")
    whole, empty = books(FIRST.entry), books()
    assert whole.stored is not None
    assert empty.stored is not None
    for moved_at in (AT + TICK, AT - TICK, None):
        wrong = evolve(whole, stored=evolve(whole.stored, moved_at=moved_at))
        assert checked(wrong, IN_FORCE) == [fault]
    assert checked(evolve(empty, stored=evolve(empty.stored, moved_at=AT)), IN_FORCE) == [fault]


def test_a_balance_is_what_the_entries_give() -> None:
    """A lot's balance that is another, missing, or of no lot at all is named, and one below zero too."""
    whole = books(FIRST.entry, SPENT.entry)
    stray = LotId(uid(1))
    for balances, lot, words in (
        ({LOT.id: 6}, LOT.id, "is 6, its entries give 5"),
        ({}, LOT.id, "is None, its entries give 5"),
        ({LOT.id: 5, stray: 3}, stray, "is 3, its entries give None"),
    ):
        assert checked(evolve(whole, balances=balances), IN_FORCE) == [
            Fault("token_lot_balances", str(lot), words)
        ]
    aside = chained(FIRST.entry, moved(SPENT.entry, 0, lot_id=stray))
    strayed = evolve(
        whole,
        entries=aside,
        hashes=[entry.hash for entry in aside],
        stored=stood(aside[-1]),
        balances={LOT.id: 9},
    )
    assert checked(strayed, IN_FORCE) == [
        Fault("token_lot_balances", str(stray), "is None, its entries give -4"),
        Fault("token_lot_balances", str(stray), "is below zero"),
    ]
    twice = books(FIRST.entry, SPENT.entry, evolve(SPENT.entry, id=EntryId(uid(720))), SPENT.entry)
    assert checked(twice, IN_FORCE) == [Fault("token_lot_balances", str(LOT.id), "is below zero")]


def test_what_could_not_be_read_comes_first() -> None:
    """Faults of the store's own stand before those that follow from them."""
    unreadable = Fault("token_entries", "3", "cannot be read")
    found = evolve(books(FIRST.entry), unreadable=[unreadable], stored=None)
    assert checked(found, IN_FORCE) == [unreadable, Fault("token_wallets", str(WHO), "missing")]


# -- the postings --------------------------------------------------------------------------------------


def test_postings_balance_by_kind() -> None:
    """A sum that is not zero is named, also where two kinds together would make it so."""
    uneven = moved(SPENT.entry, 1, amount=3, value=Fraction(150))
    assert checked(books(FIRST.entry, uneven), IN_FORCE) == [
        Fault("token_postings", row(uneven, 2), "do not sum to zero")
    ]
    mixed = moved(SPENT.entry, 1, kind=PAID)
    assert checked(books(FIRST.entry, mixed), IN_FORCE) == [
        Fault("token_postings", row(mixed, 2), "do not sum to zero")
    ]


@pytest.mark.parametrize(
    ("entries", "place", "account", "words"),
    [
        ([FIRST], 0, ADJUSTED, "earn moves nothing on adjusted"),
        ([FIRST, SPENT], 1, ISSUED, "spend moves nothing on issued"),
        ([FIRST, SWEPT], 1, "spent:x", "expire moves nothing on spent:x"),
        ([FIRST, FROZEN], None, WALLET, "freeze moves nothing on wallet"),
    ],
)
def test_an_operation_has_its_accounts(
    entries: Sequence[Any], place: int | None, account: str, words: str
) -> None:
    """Tokens on an account that the operation does not know are named, with both."""
    *before, last = [posted.entry for posted in entries]
    if place is None:
        aside = (Posting(WALLET, LOT.id, BONUS, 1, 1), Posting(WALLET, LOT.id, BONUS, -1, 1))
        wrong = evolve(last, postings=aside)
    else:
        wrong = moved(last, place, account=account)
    found = checked(books(*before, wrong), IN_FORCE)
    assert set(found) == {Fault("token_postings", row(wrong, len(entries)), words)}


def test_a_version_must_have_been_in_force() -> None:
    """One that is not there, not yet there, of another kind, or over is named at each posting."""
    words = "its value version was not in force"
    fault = Fault("token_postings", row(FIRST.entry, 1), words)
    assert checked(books(moved(FIRST.entry, 0, version=2)), IN_FORCE) == [fault]
    assert checked(books(FIRST.entry), []) == [fault, fault]
    assert checked(books(FIRST.entry), [VERSIONS[PAID]]) == [fault, fault]
    later = version_of(BONUS, 2, effective_from=AT)
    assert checked(books(FIRST.entry), [*IN_FORCE, later]) == [fault, fault]
    later = version_of(BONUS, 2, effective_from=AT + TICK)
    assert checked(books(FIRST.entry), [*IN_FORCE, later]) == []


def test_what_takes_back_names_the_versions_of_what_it_takes() -> None:
    """A void or a refund may name a version that is over; one that never was is named."""
    newer = [*IN_FORCE, version_of(BONUS, 2, effective_from=AT + TICK)]
    for entries, last in (
        ([FIRST.entry, HELD_SIX.entry], VOIDED.entry),
        ([FIRST.entry, SPENT.entry], REFUNDED.entry),
    ):
        late = evolve(last, effective_at=AT + TICK, recorded_at=AT + TICK)
        assert checked(books(*entries, late), newer) == []
        wrong = moved(late, 0, version=9)
        assert checked(books(*entries, wrong), newer) == [
            Fault("token_postings", row(wrong, 3), "its value version was not in force")
        ]


def test_a_value_is_that_of_its_version() -> None:
    """Another worth, another currency, or one that the version has not, is named."""
    words = "its value is not that of its value version"
    for changes in (
        {"value": Fraction(-201)},
        {"currency": "USD"},
        {"currency": "AED"},
        {"currency": None},
    ):
        wrong = moved(SPENT.entry, 0, **changes)
        assert checked(books(FIRST.entry, wrong), IN_FORCE) == [Fault("token_postings", row(wrong, 2), words)]
        aside = moved(
            SPENT.entry, 1, **{name: -value if name == "value" else value for name, value in changes.items()}
        )
        assert checked(books(FIRST.entry, aside), IN_FORCE) == [Fault("token_postings", row(aside, 2), words)]
    nothing = moved(SPENT.entry, 0, currency=None, value=Fraction(0))
    assert checked(books(FIRST.entry, nothing), IN_FORCE) == []


# -- the lives of lots and holds -----------------------------------------------------------------------


def test_only_what_lives_is_drawn() -> None:
    """A spend or a hold before a lot begins or from its end on is named; an adjustment then is not."""
    words = "draws on a lot that was not live"
    for drawing, holds in ((SPENT.entry, {}), (HELD_SIX.entry, {ONE: LATER})):
        for at in (AT - TICK, LOT.expires_at):
            wrong = evolve(drawing, effective_at=at)
            assert checked(books(FIRST.entry, wrong, open_holds=holds), IN_FORCE) == [
                Fault("token_postings", row(wrong, 2), words)
            ]
        right = evolve(drawing, effective_at=LOT.expires_at - TICK)
        assert checked(books(FIRST.entry, right, open_holds=holds), IN_FORCE) == []
    assert checked(books(FIRST.entry, evolve(GIVEN.entry, effective_at=AT - TICK)), IN_FORCE) == []


def test_only_what_is_over_expires() -> None:
    """A sweep a tick before a lot ends is named; one at its end is not."""
    assert quick(books(FIRST.entry, evolve(SWEPT.entry, effective_at=LOT.expires_at)))  # type: ignore[union-attr]
    early = evolve(SWEPT.entry, effective_at=LOT.expires_at - TICK)  # type: ignore[union-attr]
    assert checked(books(FIRST.entry, early), IN_FORCE) == [
        Fault("token_postings", row(early, 2), "expires a lot before its time")
    ]


def test_a_hold_is_made_by_a_hold() -> None:
    """Holds on another operation, none on a hold, or two of them are named with their number."""
    aside = evolve(SPENT.entry, holds=HELD_SIX.entry.holds)
    assert checked(books(FIRST.entry, aside), IN_FORCE) == [
        Fault("token_holds", row(aside, 2), "spend has 1 holds"),
        Fault("token_holds", row(aside, 2), "holds 6, its postings 0"),
    ]
    none = evolve(HELD_SIX.entry, holds=())
    assert checked(books(FIRST.entry, none), IN_FORCE) == [
        Fault("token_holds", row(none, 2), "hold has 0 holds")
    ]
    [made] = HELD_SIX.entry.holds
    two = evolve(HELD_SIX.entry, holds=(made, evolve(made, id=OTHER)))
    assert checked(books(FIRST.entry, two), IN_FORCE) == [
        Fault("token_holds", row(two, 2), "hold has 2 holds")
    ]
    more = evolve(HELD_SIX.entry, holds=(evolve(made, amount=7),))
    assert checked(books(FIRST.entry, more), IN_FORCE) == [
        Fault("token_holds", row(more, 2), "holds 7, its postings 6")
    ]


def test_a_hold_ends_once() -> None:
    """An end without a hold, of another one, or a second end is named, and nothing else of it is asked."""
    words = "ends a hold that is not open"
    for wrong in (evolve(VOIDED.entry, hold_id=None), evolve(VOIDED.entry, hold_id=OTHER)):
        assert checked(books(FIRST.entry, HELD_SIX.entry, wrong), IN_FORCE) == [
            Fault("token_entries", row(wrong, 3), words)
        ]
    again = evolve(VOIDED.entry, id=EntryId(uid(721)))
    found = checked(books(FIRST.entry, HELD_SIX.entry, VOIDED.entry, again), IN_FORCE)
    assert found == [Fault("token_entries", row(again, 4), words)]
    none = evolve(HELD_SIX.entry, holds=(), id=EntryId(uid(725)))
    later = checked(books(FIRST.entry, HELD_SIX.entry, VOIDED.entry, again, none), IN_FORCE)
    assert later == [
        Fault("token_entries", row(again, 4), words),
        Fault("token_holds", row(none, 5), "hold has 0 holds"),
    ]
    after = checked(books(FIRST.entry, HELD_SIX.entry, again, VOIDED.entry, SPENT.entry), IN_FORCE)
    assert [fault.row for fault in after if fault.problem == words] == [row(VOIDED.entry, 4)]


def test_a_hold_ends_in_time() -> None:
    """A post must come before its end, a void may come at it; what is later is named."""
    words = "ends a hold that was over"
    for ending, at, is_late in (
        (POSTED.entry, LATER - TICK, False),
        (POSTED.entry, LATER, True),
        (VOIDED.entry, LATER, False),
        (VOIDED.entry, LATER + TICK, True),
    ):
        late = evolve(ending, effective_at=at)
        expected = [Fault("token_entries", row(late, 3), words)] if is_late else []
        assert checked(books(FIRST.entry, HELD_SIX.entry, late), IN_FORCE) == expected


def test_a_hold_gives_back_what_it_had() -> None:
    """Another number of tokens, or another lot, back from a hold is named."""
    words = "gives back something else than its hold set aside"
    less = moved(moved(VOIDED.entry, 0, amount=5), 1, amount=-5)
    second = earned(FIRST.wallet, 9, 5)
    elsewhere = moved(VOIDED.entry, 0, lot_id=second.entry.lots[0].id)
    for entries, wrong in (
        ([FIRST.entry, HELD_SIX.entry], less),
        ([FIRST.entry, second.entry, HELD_SIX.entry], elsewhere),
    ):
        assert checked(books(*entries, wrong), IN_FORCE) == [
            Fault("token_postings", row(wrong, len(entries) + 1), words)
        ]
    little = hold(FIRST.wallet, HoldTokens(WHO, SCOPES, 1, LATER, "why", "ref", "h"), VERSIONS, AT, new(1))
    freed = void(little.wallet, VoidHold(WHO, ONE, "why", "ref", "v"), AT, new(3))
    astray = moved(freed.entry, 0, lot_id=second.entry.lots[0].id)
    assert checked(books(FIRST.entry, second.entry, little.entry, astray), IN_FORCE) == [
        Fault("token_postings", row(astray, 4), words)
    ]
    kind = moved(VOIDED.entry, 1, kind=PAID)
    assert Fault("token_postings", row(kind, 3), words) in checked(
        books(FIRST.entry, HELD_SIX.entry, kind), IN_FORCE
    )


def test_what_a_hold_gives_back_is_added_up() -> None:
    """In how many postings does not matter, as long as they come to what was set aside."""
    half = [evolve(posting, amount=posting.amount // 2) for posting in VOIDED.entry.postings]
    split = evolve(VOIDED.entry, postings=(*half, *half))
    assert checked(books(FIRST.entry, HELD_SIX.entry, split), IN_FORCE) == []


def test_an_open_hold_is_stored_with_its_end() -> None:
    """A row that is missing, ends at another time, or is of no hold at all is named with both ends."""
    whole = books(FIRST.entry, HELD_SIX.entry)
    for holds, which, words in (
        ({}, ONE, f"ends None, by its entries {LATER}"),
        ({ONE: AT}, ONE, f"ends {AT}, by its entries {LATER}"),
        ({ONE: LATER, OTHER: AT}, OTHER, f"ends {AT}, by its entries None"),
    ):
        assert checked(evolve(whole, open_holds=holds), IN_FORCE) == [
            Fault("token_open_holds", str(which), words)
        ]
    both = checked(evolve(whole, open_holds={OTHER: AT}), IN_FORCE)
    assert [fault.row for fault in both] == [str(ONE), str(OTHER)]


# -- corrections ---------------------------------------------------------------------------------------


def test_corrections_are_of_what_is_there() -> None:
    """What corrects nothing that exists is named; what corrects nothing at all is none."""
    assert check_corrections({}, [REFUNDED.entry]) == [
        Fault("token_entries", row(REFUNDED.entry, 3), "corrects an entry that is missing")
    ]
    assert check_corrections({}, [SPENT.entry]) == []
    two = check_corrections({}, [REFUNDED.entry, REVERSED.entry])
    assert [fault.row for fault in two] == [row(REFUNDED.entry, 3), row(REVERSED.entry, 3)]
    assert check_corrections({FIRST.entry.id: FIRST.entry}, [GIVEN.entry]) == []


def test_each_entry_s_corrections_are_looked_at() -> None:
    """A fault of one does not hide that of another."""
    wrong_refund = moved(REFUNDED.entry, 1, version=2)
    wrong_reversal = moved(REVERSED.entry, 1, amount=8)
    originals = {SPENT.entry.id: SPENT.entry, FIRST.entry.id: FIRST.entry}
    stamp = Fault("token_entries", row(REFUNDED.entry, 3), "its stamp is not that of the spend")
    other = Fault("token_entries", row(REVERSED.entry, 3), "takes back something else than came in")
    assert check_corrections(originals, [wrong_refund, wrong_reversal]) == [stamp, other]
    assert check_corrections(originals, [wrong_reversal, wrong_refund]) == [other, stamp]


def refund_of(original: Entry, **changes: Any) -> list[Fault]:
    """Check a refund that was altered."""
    return check_corrections({SPENT.entry.id: original}, [evolve(REFUNDED.entry, **changes)])


def test_a_refund_gives_back_what_was_spent_so() -> None:
    """An entry that spent nothing, another stamp, and more than was spent are named."""
    which = row(REFUNDED.entry, 3)
    assert refund_of(SPENT.entry) == []
    assert refund_of(evolve(POSTED.entry, id=SPENT.entry.id)) == []
    assert Fault("token_entries", which, "gives back what no entry spent") in refund_of(FIRST.entry)
    stamp = Fault("token_entries", which, "its stamp is not that of the spend")
    for changes in (
        {"account": "spent:other"},
        {"kind": PAID},
        {"version": 2},
        {"currency": "USD"},
        {"value": Fraction(-201)},
        {"value": None},
    ):
        assert refund_of(SPENT.entry, postings=moved(REFUNDED.entry, 1, **changes).postings) == [stamp]
    again = evolve(REFUNDED.entry, id=EntryId(uid(722)), sequence=4)
    assert check_corrections({SPENT.entry.id: SPENT.entry}, [REFUNDED.entry, again]) == [
        Fault("token_entries", which, "inserted: more is given back than was spent")
    ]
    part = moved(moved(REFUNDED.entry, 0, amount=2), 1, amount=-2, value=Fraction(-100))
    rest = evolve(part, id=EntryId(uid(723)))
    assert check_corrections({SPENT.entry.id: SPENT.entry}, [part, rest]) == []


def test_only_what_was_withdrawn_is_taken_back_at_once() -> None:
    """A refund to a lot whose earning was reversed takes as much as it gives; to any other lot, nothing."""
    originals = {SPENT.entry.id: SPENT.entry, FIRST.entry.id: FIRST.entry}
    which = row(REFUNDED.entry, 4)
    for amount in (1, 4):
        known = Spending(SPENT.entry, (), {LOT.id: LOT}, {LOT.id: 4})
        wish = RefundTokens(WHO, SPENT.entry.id, "why", "ref", "r", amount)
        back = refund(REVERSED.wallet, known, wish, AT, new(4)).entry
        assert [posting.account for posting in back.postings][2:] == [WALLET, ADJUSTED]
        assert check_corrections(originals, [REVERSED.entry, back]) == []
        assert check_corrections(originals, [back]) == [
            Fault("token_entries", which, "takes back at once what was not withdrawn")
        ]
        for changes in ({"amount": 9}, {"amount": -amount}, {"kind": PAID}, {"version": 2}, {"lot_id": None}):
            wrong = moved(back, 3, **changes)
            assert check_corrections(originals, [REVERSED.entry, wrong]) == [
                Fault("token_entries", which, "what it takes back at once does not leave the lot")
            ]
        nothing = moved(moved(back, 3, amount=0), 2, amount=0)
        assert check_corrections(originals, [REVERSED.entry, nothing]) != []
    fine = adjust(
        FIRST.wallet,
        LOT,
        FIRST.entry,
        AdjustTokens(WHO, FIRST.entry.id, LOT.id, 2, "r", "me", "a"),
        VERSIONS,
        AT,
        new(9),
    )
    assert check_corrections({FIRST.entry.id: FIRST.entry}, [fine.entry]) == []


def test_what_was_withdrawn_may_have_moved() -> None:
    """After a merge the lot has another id, which follows from the first one and the member."""
    mine = account(2)
    merged = merge(
        REVERSED.wallet, Wallet(mine), MergeWallets(WHO, mine, 99, "m"), VERSIONS, AT, new(9).entry
    )
    known = Spending(SPENT.entry, (), {LOT.id: LOT}, {LOT.id: 4})
    back = refund(
        merged.target, known, RefundTokens(mine, SPENT.entry.id, "why", "ref", "r"), AT, new(4)
    ).entry
    assert back.postings[3].lot_id == derived_lot_id(LOT.id, mine)
    originals = {SPENT.entry.id: SPENT.entry, FIRST.entry.id: FIRST.entry}
    assert check_corrections(originals, [REVERSED.entry, back]) == []
    other = earned(Wallet(WHO), 3, 9).entry
    assert (
        check_corrections({**originals, other.id: other}, [evolve(REVERSED.entry, corrects=other.id), back])
        != []
    )


def test_a_reversal_takes_back_what_came_in() -> None:
    """An entry that brought nothing in, another amount, kind or account, and a second time are named."""
    which = row(REVERSED.entry, 3)
    original = {FIRST.entry.id: FIRST.entry}
    assert check_corrections(original, [REVERSED.entry]) == []
    assert check_corrections({FIRST.entry.id: SPENT.entry}, [REVERSED.entry]) == [
        Fault("token_entries", which, "takes back what no entry brought in")
    ]
    for changes in ({"amount": 8}, {"kind": PAID}, {"account": "sold"}, {"account": ADJUSTED}):
        wrong = moved(REVERSED.entry, 1, **changes)
        assert check_corrections(original, [wrong]) == [
            Fault("token_entries", which, "takes back something else than came in")
        ]
    again = evolve(REVERSED.entry, id=EntryId(uid(724)), sequence=4)
    assert check_corrections(original, [REVERSED.entry, again]) == [
        Fault("token_entries", which, "inserted: an entry is reversed twice")
    ]
    assert check_corrections(original, [REVERSED.entry, GIVEN.entry]) == []


# -- value versions ------------------------------------------------------------------------------------

OLD = version_of(BONUS)
NEXT = version_of(BONUS, 2, effective_from=AT, previous_hash=OLD.hash)
LAST = version_of(BONUS, 3, effective_from=LATER, previous_hash=NEXT.hash)
MONEY = version_of(PAID)


def versions(*found: ValueVersion) -> list[Fault]:
    """Check versions with the hashes that they have."""
    return check_versions(found, [version.hash for version in found])


def test_versions_of_each_kind_are_a_chain() -> None:
    """A gap, a link that does not fit, a hash that is not its own, and an order that is none are named."""
    assert versions(OLD, NEXT, LAST, MONEY) == versions() == []
    assert versions(OLD, MONEY, NEXT) == []
    assert versions(OLD, LAST) == [
        Fault("token_value_versions", "bonus version 3", "a version before it is missing")
    ]
    assert versions(NEXT) == [
        Fault("token_value_versions", "bonus version 2", "a version before it is missing")
    ]
    words = "altered: it does not follow from the version before"
    assert versions(OLD, evolve(NEXT, previous_hash=MONEY.hash)) == [
        Fault("token_value_versions", "bonus version 2", words)
    ]
    assert versions(evolve(MONEY, previous_hash=OLD.hash)) == [
        Fault("token_value_versions", "paid version 1", words)
    ]
    assert check_versions([OLD, NEXT], [OLD.hash, OLD.hash]) == [
        Fault("token_value_versions", "bonus version 2", "altered: its hash is not that of its columns")
    ]
    early = "altered: it takes effect before the version before it"
    for at in (OLD.effective_from, OLD.effective_from - TICK):
        assert versions(OLD, evolve(NEXT, effective_from=at)) == [
            Fault("token_value_versions", "bonus version 2", early)
        ]
    assert versions(OLD, evolve(NEXT, effective_from=OLD.effective_from + TICK)) == []
