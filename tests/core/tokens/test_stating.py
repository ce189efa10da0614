"""A statement: entries with the balance after each, page by page, and what makes no page."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buddy_core.kernel import EntryId, HoldId
from buddy_core.tokens import (
    BONUS,
    PAID,
    WALLET,
    BadStatementPlace,
    Entry,
    FreezeWallet,
    HoldTokens,
    NewIds,
    PostHold,
    StatementLine,
    StatementPlace,
    TokenKind,
    Wallet,
    balance,
    freeze,
    hold,
    newest_place,
    place_below,
    post,
    statement_lines,
)
from tests.contracts.cases import AT, LATER, NEWTACT, VERSIONS, account, earned, spent, title, uid

SCOPES = (f"title:{title(1)}", "type:episode")


def _history() -> tuple[list[Entry], Wallet]:
    """Return entries of a wallet, oldest first: both kinds, a hold and its post, a freeze, spends."""
    made = [earned(Wallet(account(1)), 5, 1)]
    made.append(earned(made[-1].wallet, 4, 2, kind=PAID, expires_at=None))
    made.append(spent(made[-1].wallet, 7, 3))
    wish = HoldTokens(account(1), SCOPES, 2, LATER, "rental", "r1", "h")
    made.append(hold(made[-1].wallet, wish, VERSIONS, AT, NewIds(EntryId(uid(50)), hold=HoldId(uid(51)))))
    some = PostHold(
        account(1), HoldId(uid(51)), title(1), SCOPES, "rental", "r1", "p", "IN", NEWTACT, "INR", amount=1
    )
    made.append(post(made[-1].wallet, some, VERSIONS, AT, NewIds(EntryId(uid(52)))))
    odd = FreezeWallet(account(1), True, "odd", "admin", "f")
    made.append(freeze(made[-1].wallet, odd, AT, NewIds(EntryId(uid(53)))))
    return [item.entry for item in made], made[-1].wallet


def _pages(entries: Sequence[Entry], wallet: Wallet, sizes: Sequence[int]) -> list[StatementLine]:
    """Return all lines, read in pages of these sizes, each begun where the one before ended."""
    place, lines = newest_place(wallet), []
    for size in (*sizes, len(entries)):
        place = StatementPlace.of_text(place.text)
        below = [item for item in reversed(entries) if item.sequence < place.before][:size]
        found = statement_lines(below, place)
        lines += found
        if found:
            place = place_below(found[-1])
    assert (place.before, dict(place.after)) == (1, {})
    return lines


def test_a_line_tells_what_moved_and_what_is_left() -> None:
    """Each line has its signed tokens and its hold by kind, and the balance that follows from all before."""
    entries, wallet = _history()
    found = [
        (str(line.entry.operation), dict(line.tokens), dict(line.held), dict(line.after))
        for line in statement_lines(reversed(entries), newest_place(wallet))
    ]
    assert found == [
        ("freeze", {}, {}, {PAID: 1}),
        ("post", {PAID: 1}, {PAID: -2}, {PAID: 1}),
        ("hold", {PAID: -2}, {PAID: 2}, {PAID: 0}),
        ("spend", {BONUS: -5, PAID: -2}, {}, {BONUS: 0, PAID: 2}),
        ("earn", {PAID: 4}, {}, {BONUS: 5, PAID: 4}),
        ("earn", {BONUS: 5}, {}, {BONUS: 5}),
    ]
    assert balance(wallet, AT) == {PAID: 1}


@settings(deadline=None)
@given(sizes=st.lists(st.integers(1, 4), max_size=6), count=st.integers(1, 12))
def test_pages_of_any_size_are_one_statement(sizes: list[int], count: int) -> None:
    """However it is cut into pages, every line has the balance that adding up from the first entry gives."""
    wallet, entries = Wallet(account(1)), []
    for number in range(count):
        made = (spent if number % 3 == 2 else earned)(wallet, 2, number)
        wallet = made.wallet
        entries.append(made.entry)
    lines = _pages(entries, wallet, sizes)
    totals: Counter[TokenKind] = Counter()
    for line in reversed(lines):
        for posting in line.entry.postings:
            if posting.account == WALLET:
                totals[posting.kind] += posting.amount
        assert line.after == totals
    assert [line.entry for line in reversed(lines)] == entries


def test_an_empty_wallet_has_no_lines() -> None:
    """There is a place to begin at, and nothing below it."""
    place = newest_place(Wallet(account(1)))
    assert (place, statement_lines([], place)) == (StatementPlace(1, {}), [])


def test_a_place_of_another_statement_is_refused() -> None:
    """A gap, a balance that would fall below zero, and one that does not end at nothing are told."""
    entries, wallet = _history()
    right = newest_place(wallet)
    for place, listed in (
        (StatementPlace(99, right.after), entries),
        (StatementPlace(right.before, {PAID: 0}), entries),
        (StatementPlace(right.before, {PAID: 2}), entries),
        (StatementPlace(right.before, {**right.after, TokenKind("gold"): 1}), entries),
        (right, [entries[-1], entries[0]]),
    ):
        with pytest.raises(BadStatementPlace):
            statement_lines(sorted(listed, key=lambda item: -item.sequence), place)


def _written(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "text",
    ["", "x", "9", "====", "ä", "\x00", "W10", "a" * 1001, "[" * 900]
    + [
        _written(value)
        for value in (
            None, 7, [], [2], [2, 3], [2, []], [2, {}, 1], [0, {}], [-1, {}], [True, {}], [1.0, {}],
            ["2", {}],
            [2, {"paid": -1}], [2, {"paid": 1.5}], [2, {"paid": "1"}], [2, {"paid": None}], [2**63, {}],
            [2, {"paid": 2**63}], [2, {"\ud800": 1}], {"before": 2, "after": {}},
        )
    ]
    + [_written([2, {"paid": 1}]) + "=", base64.urlsafe_b64encode(b'[2, {"paid":1}]').decode().rstrip("=")],
)  # fmt: skip
def test_garbage_is_no_place(text: str) -> None:
    """What no page gave is refused by one error that says what to send, whatever it is."""
    with pytest.raises(BadStatementPlace, match="send what the last page gave"):
        StatementPlace.of_text(text)


@given(
    before=st.integers(1, 2**63 - 1), after=st.dictionaries(st.text(max_size=9), st.integers(0, 2**63 - 1))
)
def test_a_place_is_read_back_as_it_was_written(before: int, after: dict[str, int]) -> None:
    """Its text is a word that an address can carry, and gives the same place again."""
    place = StatementPlace(before, {TokenKind(kind): amount for kind, amount in after.items()})
    if len(place.text) <= 1000:
        assert StatementPlace.of_text(place.text) == place
    assert place.text.replace("-", "").replace("_", "").isalnum()


def test_a_place_is_at_most_a_thousand_letters() -> None:
    """One of a thousand is read back; a longer one is none, however it came about."""
    whole = StatementPlace(7, {TokenKind("k" * 740): 1})
    assert len(whole.text) == 1000
    assert StatementPlace.of_text(whole.text) == whole
    longer = StatementPlace(7, {TokenKind("k" * 741): 1})
    with pytest.raises(BadStatementPlace):
        StatementPlace.of_text(longer.text)


def test_a_page_goes_on_where_a_line_says() -> None:
    """Below an entry stands what stood after it less what it moved, also of a kind that it does not name."""
    line = StatementLine(_history()[0][2], {BONUS: -1}, {}, {PAID: 9})
    assert place_below(line) == StatementPlace(3, {BONUS: 1, PAID: 9})
    assert place_below(StatementLine(line.entry, {PAID: 9}, {}, line.after)) == StatementPlace(3, {})
