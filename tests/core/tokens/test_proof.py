"""What verify finds in books whose hashes fit: entries that no rule would have written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from attrs import evolve

from buddy_core.kernel import EntryId, HoldId
from buddy_core.tokens import (
    EXPIRED,
    WALLET,
    AccountBooks,
    Entry,
    ExpireTokens,
    HoldTokens,
    NewIds,
    PostHold,
    Posting,
    VoidHold,
    Wallet,
    check_books,
    check_versions,
    expire,
    hold,
    post,
    void,
)
from tests.contracts.cases import AT, NEWTACT, VERSIONS, account, earned, spent, title, uid

HOUR = timedelta(hours=1)
SCOPES = ("type:episode",)
ONE = HoldId(uid(600))


def books(entries: Sequence[Entry], open_holds: dict[HoldId, object] | None = None) -> AccountBooks:
    """Return the books of entries that are chained anew, with balances that follow from them."""
    chained: list[Entry] = []
    wallet, left = Wallet(account(1)), dict[object, int]()
    for number, entry in enumerate(entries, start=1):
        chained.append(evolve(entry, sequence=number, previous_hash=wallet.head))
        wallet = wallet.after(chained[-1], ())
        left |= {lot.id: left.get(lot.id, 0) for lot in entry.lots}
        for posting in entry.postings:
            if posting.lot_id is not None:
                left[posting.lot_id] += posting.amount
    hashes = [entry.hash for entry in chained]
    return AccountBooks(account(1), wallet, left, chained, hashes, (), open_holds or {})  # type: ignore[arg-type]


def problems(found: AccountBooks) -> set[str]:
    """Return what is wrong, in words."""
    return {fault.problem for fault in check_books(found, list(VERSIONS.values()))}


def life() -> tuple[Entry, Entry, Entry, Entry]:
    """Return an earning, a hold of it, and how that may end: a post of a part, or a void."""
    first = earned(Wallet(account(1)), 9, 1, expires_at=AT + timedelta(days=1))
    wanted = HoldTokens(account(1), SCOPES, 6, AT + HOUR, "test", "", "h")
    made = hold(first.wallet, wanted, VERSIONS, AT, NewIds(EntryId(uid(601)), hold=ONE))
    part = PostHold(account(1), ONE, title(1), SCOPES, "test", "", "p", "IN", NEWTACT, "INR", 4)
    posted = post(made.wallet, part, VERSIONS, AT, NewIds(EntryId(uid(602))))
    freed = void(made.wallet, VoidHold(account(1), ONE, "test", "", "v"), AT, NewIds(EntryId(uid(603))))
    return first.entry, made.entry, posted.entry, freed.entry


def test_a_life_by_the_rules_is_clean() -> None:
    """A hold that is open, posted or voided has nothing wrong with it."""
    first, held, posted, freed = life()
    assert problems(books([first, held], {ONE: AT + HOUR})) == set()
    assert problems(books([first, held, posted])) == set()
    assert problems(books([first, held, freed])) == set()


def test_every_entry_and_every_version_has_one_hash() -> None:
    """Where a store gives fewer hashes than rows, or more, they are refused and not read in part."""
    found, versions = books(life()[:2], {ONE: AT + HOUR}), list(VERSIONS.values())
    hashes, of_versions = found.hashes, [version.hash for version in versions]
    for wrong in (hashes[:1], [*hashes, hashes[0]]):
        with pytest.raises(ValueError, match="zip"):
            check_books(evolve(found, hashes=wrong), versions)
    for wrong in (of_versions[:1], [*of_versions, of_versions[0]]):
        with pytest.raises(ValueError, match="zip"):
            check_versions(versions, wrong)


def test_a_hold_that_is_open_or_not_against_its_entries_is_named() -> None:
    """A row that is missing, altered or too many among the open holds does not fit the entries."""
    first, held, posted, _ = life()
    for entries, stored in (
        ([first, held], {}),
        ([first, held], {ONE: AT}),
        ([first, held], {ONE: AT + HOUR, HoldId(uid(9)): AT}),
        ([first, held, posted], {ONE: AT + HOUR}),
    ):
        faults = check_books(books(entries, stored), list(VERSIONS.values()))  # type: ignore[arg-type]
        assert [fault.table for fault in faults] == ["token_open_holds"]


def test_a_hold_ends_once_and_in_time() -> None:
    """A second end, one without a beginning and one after its time are named."""
    first, held, posted, freed = life()
    assert "ends a hold that is not open" in problems(books([first, held, posted, freed]))
    assert "ends a hold that is not open" in problems(books([first, freed]))
    for entry, late in ((posted, HOUR), (freed, HOUR + timedelta(microseconds=1))):
        wrong = evolve(entry, effective_at=AT + late)
        assert "ends a hold that was over" in problems(books([first, held, wrong]))
    assert problems(books([first, held, evolve(freed, effective_at=AT + HOUR)])) == set()


def test_a_hold_gives_back_what_it_had() -> None:
    """An end that moves more or less than the hold, and a hold that says another number, are named."""
    first, held, _, freed = life()
    less = evolve(freed, postings=tuple(evolve(item, amount=item.amount // 2) for item in freed.postings))
    assert "gives back something else than its hold set aside" in problems(books([first, held, less]))
    other = evolve(held, holds=(evolve(held.holds[0], amount=7),))
    assert "holds 7, its postings 6" in problems(books([first, other], {ONE: AT + HOUR}))
    none = evolve(held, holds=())
    assert "hold has 0 holds" in problems(books([first, none]))


@pytest.mark.parametrize("at", [AT + timedelta(days=1), AT - HOUR])
def test_a_lot_that_was_not_live_is_not_drawn(at: object) -> None:
    """A spend dated before a lot begins or after it is over is named."""
    first = earned(Wallet(account(1)), 9, 1, expires_at=AT + timedelta(days=1))
    wrong = evolve(spent(first.wallet, 2, 2).entry, effective_at=at)
    assert problems(books([first.entry, wrong])) == {"draws on a lot that was not live"}


def test_a_lot_does_not_expire_before_its_time() -> None:
    """A sweep of a lot that still lives is named; of one that is over it is right."""
    first = earned(Wallet(account(1)), 9, 1, expires_at=AT + HOUR)
    swept = expire(
        first.wallet, ExpireTokens(account(1), "x"), VERSIONS, AT + HOUR, NewIds(EntryId(uid(604)))
    )
    assert swept is not None
    assert problems(books([first.entry, swept.entry])) == set()
    early = evolve(swept.entry, effective_at=AT + HOUR / 2)
    assert problems(books([first.entry, early])) == {"expires a lot before its time"}


def test_an_operation_moves_tokens_on_its_own_accounts_alone() -> None:
    """A spend that writes something off, as no rule would, is named."""
    first = earned(Wallet(account(1)), 9, 1)
    [lot] = first.entry.lots
    aside = (Posting(WALLET, lot.id, lot.kind, -1, 1), Posting(EXPIRED, None, lot.kind, 1, 1))
    made = spent(first.wallet, 2, 2).entry
    wrong = evolve(made, postings=(*made.postings, *aside))
    assert problems(books([first.entry, wrong])) == {"spend moves nothing on expired"}
