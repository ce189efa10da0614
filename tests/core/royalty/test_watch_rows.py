"""Rows of a month at scale: what is wrong with them, in the words that every store uses."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from buddy_core.royalty import BadInput, PoolRule, Problem
from buddy_core.royalty.rules.scale.scaling import (
    MOST_MINOR,
    FundedPool,
    PoolName,
    SubscriptionRow,
    TitleHolder,
    WatchMonth,
    WatchRow,
)
from buddy_core.royalty.rules.scale.watch_rows import (
    SUBSCRIPTION_COLUMNS,
    WATCH_COLUMNS,
    check_holders,
    check_rows,
    missing_holders,
    refuse,
    subscription_rows,
    watch_rows,
)

LAMP = UUID("00000000-0000-0000-0000-000000000001")
MONTH = WatchMonth(1_000, (FundedPool(PoolName("ads", "IN", "INR"), 5),))
WATCHED: dict[str, Any] = {"account": 1, "title": "a", "territory": "IN", "plan": "gold", "seconds": 10}
PAID: dict[str, Any] = {
    "account": 1, "plan": "gold", "territory": "IN", "currency": "INR", "gross": 100, "tax": 15, "fee": 2,
    "refund": 0, "chargeback": 0,
}  # fmt: skip
BY_HOLDER = PoolRule(method="equal_per_subscriber", excluded_titles=("trailer",))


def said(watch: list[dict[str, Any]], paid: list[dict[str, Any]]) -> list[str]:
    """Return what is wrong, a line a problem, in the order in which it is found."""
    return [problem.text() for problem in check_rows(watch, paid, MONTH)]


def test_sound_rows_are_values() -> None:
    """Names are texts, and of what was paid the net is kept; nothing paid and nothing back is no payment."""
    watched = [WATCHED, {**WATCHED, "title": LAMP, "seconds": 0}]
    paid = [
        PAID,
        {**PAID, "account": "b", "gross": 0, "tax": 0, "fee": 0},
        {**PAID, "account": "c", "gross": 0, "tax": -3, "fee": 0, "refund": 20, "chargeback": 1},
        {**PAID, "account": "d", "gross": 17},
    ]
    assert said(watched, paid) == []
    assert watch_rows(watched) == [
        WatchRow("1", "a", "IN", "gold", 10),
        WatchRow("1", str(LAMP), "IN", "gold", 0),
    ]
    gold = PoolName("gold", "IN", "INR")
    assert subscription_rows(paid) == [
        SubscriptionRow("1", gold, 83),
        SubscriptionRow("b", gold, 0, pays=False),
        SubscriptionRow("c", gold, -18),
        SubscriptionRow("d", gold, 0, pays=True),
    ]


def test_each_missing_column_is_told_and_nothing_else_is_looked_at() -> None:
    """Without a column the rows cannot be held against each other."""
    watch = {name: value for name, value in WATCHED.items() if name != "title"}
    paid = {name: value for name, value in PAID.items() if name not in ("tax", "account")}
    assert said([watch, {**watch, "seconds": -5}], [paid]) == [
        "watch, title: the column is missing; add it: what was watched (text, a UUID or a whole number)",
        "subscriptions, account: the column is missing; add it: who paid; once in a plan and territory "
        "(text, a UUID or a whole number)",
        "subscriptions, tax: the column is missing; add it: minor units of tax; below zero where tax of a "
        "refund came back (whole numbers of at most 64 bits)",
    ]
    assert said([], []) == []


def test_each_cell_is_told_by_its_row() -> None:
    """Empty, no number, of another type, below zero, too much, no currency: counted from row 1."""
    watch = [
        {**WATCHED, "account": None},
        {**WATCHED, "account": ""},
        {**WATCHED, "account": 1.5},
        {**WATCHED, "account": True},
        {**WATCHED, "seconds": float("nan")},
        {**WATCHED, "seconds": "9"},
        {**WATCHED, "seconds": -1},
        {**WATCHED, "seconds": 1_000, "title": "b"},
        {**WATCHED, "seconds": 1_001, "title": "c"},
    ]
    paid = [
        PAID,
        {**PAID, "account": 2, "gross": -1, "tax": -1, "fee": -1, "refund": -1, "chargeback": -1},
        {**PAID, "account": 3, "gross": MOST_MINOR, "fee": -MOST_MINOR},
        {**PAID, "account": 4, "gross": MOST_MINOR + 1, "fee": -MOST_MINOR - 1},
        {**PAID, "account": 5, "currency": "XXX"},
        {**PAID, "account": 6, "gross": False},
    ]
    name, whole = "text, a UUID or a whole number", "whole numbers of at most 64 bits"
    most = f"amounts are at most {MOST_MINOR} minor units; split the account, or check the unit"
    assert said(watch, paid) == [
        "watch, row 1, account: is empty; fill it in, or leave the row out",
        "watch, row 2, account: is empty; fill it in, or leave the row out",
        f"watch, row 3, account: is 1.5, a float; write {name}: who watched",
        f"watch, row 4, account: is True, a bool; write {name}: who watched",
        "watch, row 5, seconds: is NaN, no number; find out what it was, or leave the row out",
        f"watch, row 6, seconds: is '9', a str; write {whole}: seconds watched, 0 or more",
        f"subscriptions, row 6, gross: is False, a bool; write {whole}: minor units paid, tax included, 0 "
        "or more",
        "watch, row 7, seconds: is -1; write 0 or more",
        "watch, row 9, seconds: 1001 s is more than the period of 1000 s; check the unit (milliseconds?), or "
        "whether another month is in the file",
        "subscriptions, row 2, gross: is -1; write 0 or more; what went back belongs into refund or "
        "chargeback",
        "subscriptions, row 2, refund: is -1; write 0 or more",
        "subscriptions, row 2, chargeback: is -1; write 0 or more",
        f"subscriptions, row 4, gross: is {MOST_MINOR + 1}; {most}",
        f"subscriptions, row 4, fee: is {-MOST_MINOR - 1}; {most}",
        "subscriptions, row 5, currency: 'XXX' is no ISO 4217 currency with a minor unit; write three "
        "capital letters, such as INR",
        "watch, row 3, account: 1.5 has no subscription row for gold in IN; add the row, with gross 0 for "
        "who paid nothing; or put the watch under the plan and territory that were paid for",
        "watch, row 4, account: True has no subscription row for gold in IN; add the row, with gross 0 for "
        "who paid nothing; or put the watch under the plan and territory that were paid for",
    ]


def test_rows_are_held_against_each_other() -> None:
    """Seconds that are too many only together, accounts that come twice, pools that are funded as a whole."""
    watch = [
        {**WATCHED, "seconds": 600},
        {**WATCHED, "seconds": 400, "plan": "silver"},
        {**WATCHED, "seconds": 300},
        {**WATCHED, "seconds": 101},
        {**WATCHED, "account": 9, "plan": "ads"},
        {**WATCHED, "account": 9, "plan": "ads", "territory": "AE"},
    ]
    paid = [PAID, {**PAID, "currency": "USD"}, {**PAID, "plan": "silver"}, {**PAID, "plan": "ads"}]
    unpaid = (
        "add the row, with gross 0 for who paid nothing; or put the watch under the plan and territory "
        "that were paid for"
    )
    assert said(watch, paid) == [
        "watch, row 1, seconds: with the account's other rows of a it is 1001 s, more than the period of "
        "1000 s; check whether facts are in the files twice",
        "subscriptions, row 2, account: the account stands twice for gold in IN; add the amounts up in one "
        "row; of two currencies keep the one that was paid in",
        "subscriptions, row 4, plan: ads in IN is a funded pool and has subscription rows too; give one of "
        "them another plan",
        f"watch, row 6, account: 9 has no subscription row for ads in AE; {unpaid}",
    ]
    files = check_rows(
        [{**WATCHED, "seconds": -1}], [{**PAID, "gross": -1}], MONTH, watch_file="w", subscription_file="s"
    )
    assert [problem.file for problem in files] == ["w", "s"]


def test_holders_are_looked_at_where_they_count() -> None:
    """One holder each, and one for each title that was watched and is not left out."""
    month = WatchMonth(1_000, holders=(
        TitleHolder("a", "IN", "asha"), TitleHolder("a", "AE", "asha"), TitleHolder("a", "IN", "kite"),
    ))  # fmt: skip
    watched = [("a", "IN"), ("b", "IN"), ("trailer", "IN")]
    found = [*check_holders(month, BY_HOLDER), *missing_holders(watched, BY_HOLDER, month)]
    assert [problem.text() for problem in found] == [
        "holders, row 3, holder: a has two holders in IN; name them as one, such as 'a and b'; the deals "
        "share what it gets",
        "holders, title: b has no holder in IN; add one row of title, territory and holder",
    ]
    by_title = PoolRule(method="equal_per_title")
    assert check_holders(month, by_title) == missing_holders(watched, by_title, month) == []


def test_a_hundred_are_listed_and_all_are_counted() -> None:
    """By file and row, each once; of none nothing is raised."""
    refuse([])
    rows = [Problem("w", row, "", "is wrong", "mend it") for row in (*range(150, 0, -1), 3)]
    with pytest.raises(BadInput) as refused:
        refuse(rows)
    assert ([item.row for item in refused.value.problems], refused.value.count) == ([*range(1, 101)], 150)
    with pytest.raises(BadInput) as refused:
        refuse(rows, 9_000)
    assert refused.value.count == 9_000


def test_what_columns_hold_is_told() -> None:
    """Whoever makes such files finds each column with its meaning."""
    assert [column.name for column in WATCH_COLUMNS] == [*WATCHED]
    assert [column.name for column in SUBSCRIPTION_COLUMNS] == [*PAID]
