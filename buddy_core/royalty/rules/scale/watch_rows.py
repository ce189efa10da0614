"""What watch and subscription rows must be, each way in which they can be wrong, and rows checked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, TypeGuard
from uuid import UUID

from attrs import frozen

from buddy_core.kernel.currencies import EXPONENTS
from buddy_core.royalty.errors import MOST_LISTED, BadInput, Problem
from buddy_core.royalty.model.terms import PoolMethod, PoolRule
from buddy_core.royalty.rules.scale.scaling import (
    MOST_MINOR,
    PoolName,
    SubscriptionRow,
    WatchMonth,
    WatchRow,
)


class Kind(Enum):
    """What a column holds."""

    NAME = "text, a UUID or a whole number"
    WHOLE = "whole numbers of at most 64 bits"


@frozen
class Column:
    """A column of input: its name, what it holds, and what it means."""

    name: str
    kind: Kind
    meaning: str


WATCH_COLUMNS = (
    Column("account", Kind.NAME, "who watched"),
    Column("title", Kind.NAME, "what was watched"),
    Column("territory", Kind.NAME, "the territory of the pool, as in the account's subscription"),
    Column("plan", Kind.NAME, "the plan of the pool"),
    Column("seconds", Kind.WHOLE, "seconds watched, 0 or more"),
)
SUBSCRIPTION_COLUMNS = (
    Column("account", Kind.NAME, "who paid; once in a plan and territory"),
    Column("plan", Kind.NAME, "the plan paid for"),
    Column("territory", Kind.NAME, "where it was sold"),
    Column("currency", Kind.NAME, "ISO 4217, such as INR"),
    Column("gross", Kind.WHOLE, "minor units paid, tax included, 0 or more"),
    Column("tax", Kind.WHOLE, "minor units of tax; below zero where tax of a refund came back"),
    Column("fee", Kind.WHOLE, "minor units that gateways and stores kept; may be below zero"),
    Column("refund", Kind.WHOLE, "minor units given back, tax included, 0 or more"),
    Column("chargeback", Kind.WHOLE, "minor units that banks took back, tax included, 0 or more"),
)
MONEY = ("gross", "tax", "fee", "refund", "chargeback")
NEVER_NEGATIVE = ("gross", "refund", "chargeback")
PAYABLE = frozenset(code for code, digits in EXPONENTS.items() if digits is not None)
"""Currencies that money can be counted in."""

Said = tuple[str, str]
"""What is wrong, and what to do."""


class Wrong:
    """Every way in which rows can be wrong, in words: the same from every store."""

    @staticmethod
    def no_column(column: Column) -> Said:
        """A column is not there."""
        return "the column is missing", f"add it: {column.meaning} ({column.kind.value})"

    @staticmethod
    def wrong_type(found: str, column: Column) -> Said:
        """A column, or a value, is of another type."""
        return f"is {found}", f"write {column.kind.value}: {column.meaning}"

    @staticmethod
    def empty() -> Said:
        """A cell holds nothing."""
        return "is empty", "fill it in, or leave the row out"

    @staticmethod
    def no_number() -> Said:
        """A cell holds NaN."""
        return "is NaN, no number", "find out what it was, or leave the row out"

    @staticmethod
    def negative(value: int) -> Said:
        """A figure is below zero that cannot be."""
        return f"is {value}", "write 0 or more"

    @staticmethod
    def negative_gross(value: int) -> Said:
        """Money that came in is below zero."""
        return f"is {value}", "write 0 or more; what went back belongs into refund or chargeback"

    @staticmethod
    def too_much(value: int) -> Said:
        """An amount is larger than can be counted."""
        return (
            f"is {value}",
            f"amounts are at most {MOST_MINOR} minor units; split the account, or check the unit",
        )

    @staticmethod
    def beyond_period(seconds: int, period_seconds: int) -> Said:
        """One row has more seconds than the period."""
        return (
            f"{seconds} s is more than the period of {period_seconds} s",
            "check the unit (milliseconds?), or whether another month is in the file",
        )

    @staticmethod
    def beyond_in_sum(title: str, seconds: int, period_seconds: int) -> Said:
        """All rows of an account and title together have more seconds than the period."""
        return (
            f"with the account's other rows of {title} it is {seconds} s, "
            f"more than the period of {period_seconds} s",
            "check whether facts are in the files twice",
        )

    @staticmethod
    def no_subscription(account: str, plan: str, territory: str) -> Said:
        """Somebody watched in a pool they did not pay for."""
        return (
            f"{account} has no subscription row for {plan} in {territory}",
            "add the row, with gross 0 for who paid nothing; or put the watch under the plan and territory "
            "that were paid for",
        )

    @staticmethod
    def twice(plan: str, territory: str) -> Said:
        """An account has two subscription rows."""
        return (
            f"the account stands twice for {plan} in {territory}",
            "add the amounts up in one row; of two currencies keep the one that was paid in",
        )

    @staticmethod
    def unknown_currency(code: str) -> Said:
        """A currency is not one that can be paid in."""
        return (
            f"{code!r} is no ISO 4217 currency with a minor unit",
            "write three capital letters, such as INR",
        )

    @staticmethod
    def also_funded(plan: str, territory: str) -> Said:
        """A pool has money as a whole, and subscription rows as well."""
        return (
            f"{plan} in {territory} is a funded pool and has subscription rows too",
            "give one of them another plan",
        )

    @staticmethod
    def no_holder(title: str, territory: str) -> Said:
        """A title that counts has no holder."""
        return f"{title} has no holder in {territory}", "add one row of title, territory and holder"

    @staticmethod
    def two_holders(title: str, territory: str) -> Said:
        """A title has two holders."""
        return (
            f"{title} has two holders in {territory}",
            "name them as one, such as 'a and b'; the deals share what it gets",
        )


HOLDERS = "holders"
"""Where problems of the holder table stand."""


def refuse(problems: Iterable[Problem], count: int | None = None) -> None:
    """Raise the problems, if there are any.

    Raises:
        BadInput: there are; at most a hundred are listed, by file and row.
    """
    found = sorted(set(problems))
    if found:
        raise BadInput(tuple(found[:MOST_LISTED]), len(found) if count is None else count)


def check_holders(month: WatchMonth, rule: PoolRule) -> list[Problem]:
    """Name the titles with two holders, where holders count."""
    if rule.method is not PoolMethod.EQUAL_PER_SUBSCRIBER:
        return []
    seen: set[tuple[str, str]] = set()
    problems = []
    for row, found in enumerate(month.holders, 1):
        if (found.title, found.territory) in seen:
            problems.append(Problem(HOLDERS, row, "holder", *Wrong.two_holders(found.title, found.territory)))
        seen.add((found.title, found.territory))
    return problems


def missing_holders(watched: Iterable[tuple[str, str]], rule: PoolRule, month: WatchMonth) -> list[Problem]:
    """Name the titles that were watched in a territory and have no holder there, where holders count."""
    if rule.method is not PoolMethod.EQUAL_PER_SUBSCRIBER:
        return []
    known = {(found.title, found.territory) for found in month.holders}
    wanted = {place for place in watched if place[0] not in rule.excluded_titles}
    return [Problem(HOLDERS, 0, "title", *Wrong.no_holder(*place)) for place in wanted - known]


Row = Mapping[str, Any]


def check_rows(
    watch: Sequence[Row],
    subscriptions: Sequence[Row],
    month: WatchMonth,
    *,
    watch_file: str = "watch",
    subscription_file: str = "subscriptions",
) -> list[Problem]:
    """Name everything that is wrong with the rows; rows count from 1."""
    problems = _check_cells(watch_file, WATCH_COLUMNS, watch)
    problems += _check_cells(subscription_file, SUBSCRIPTION_COLUMNS, subscriptions)
    columns = {problem.column for problem in problems if problem.row == 0}
    if columns:
        return problems
    problems += _check_seconds(watch_file, watch, month)
    problems += _check_money(subscription_file, subscriptions)
    problems += _check_places(watch_file, watch, subscription_file, subscriptions, month)
    return problems


def watch_rows(rows: Iterable[Row]) -> list[WatchRow]:
    """Return sound rows as values."""
    return [
        WatchRow(
            str(row["account"]), str(row["title"]), str(row["territory"]), str(row["plan"]), row["seconds"]
        )
        for row in rows
    ]


def subscription_rows(rows: Iterable[Row]) -> list[SubscriptionRow]:
    """Return sound rows as values: what is left of the gross."""
    found = []
    for row in rows:
        pool = PoolName(str(row["plan"]), str(row["territory"]), str(row["currency"]))
        net = row["gross"] - row["tax"] - row["fee"] - row["refund"] - row["chargeback"]
        found.append(SubscriptionRow(str(row["account"]), pool, net, bool(row["gross"] or net)))
    return found


def _check_cells(file: str, columns: Sequence[Column], rows: Sequence[Row]) -> list[Problem]:
    problems = []
    for column in columns:
        if rows and not any(column.name in row for row in rows):
            problems.append(Problem(file, 0, column.name, *Wrong.no_column(column)))
            continue
        for place, row in enumerate(rows, 1):
            said = _check_cell(column, row.get(column.name))
            if said is not None:
                problems.append(Problem(file, place, column.name, *said))
    return problems


def _check_cell(column: Column, value: Any) -> Said | None:
    if value is None or value == "":
        return Wrong.empty()
    if isinstance(value, float) and value != value:
        return Wrong.no_number()
    good: tuple[type, ...] = (str, int, UUID) if column.kind is Kind.NAME else (int,)
    if isinstance(value, bool) or not isinstance(value, good):
        return Wrong.wrong_type(f"{value!r}, a {type(value).__name__}", column)
    return None


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_seconds(file: str, rows: Sequence[Row], month: WatchMonth) -> list[Problem]:
    problems = []
    sums: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
    for place, row in enumerate(rows, 1):
        seconds = row.get("seconds")
        if not _is_whole(seconds):
            continue
        if seconds < 0:
            problems.append(Problem(file, place, "seconds", *Wrong.negative(seconds)))
        if seconds > month.period_seconds:
            problems.append(
                Problem(file, place, "seconds", *Wrong.beyond_period(seconds, month.period_seconds))
            )
        names = [row.get(name) for name in ("account", "title", "territory", "plan")]
        if any(name is None or name == "" for name in names):
            continue
        found = sums[tuple(map(str, names))]
        found[0] += seconds
        found[1] = found[1] or place
        found[2] = max(found[2], seconds)
    for (_, title, _, _), (seconds, place, most) in sums.items():
        if seconds > month.period_seconds >= most:
            said = Wrong.beyond_in_sum(title, seconds, month.period_seconds)
            problems.append(Problem(file, place, "seconds", *said))
    return problems


def _check_money(file: str, rows: Sequence[Row]) -> list[Problem]:
    problems = []
    for place, row in enumerate(rows, 1):
        for name in MONEY:
            amount = row.get(name)
            if not _is_whole(amount):
                continue
            if abs(amount) > MOST_MINOR:
                problems.append(Problem(file, place, name, *Wrong.too_much(amount)))
            elif amount < 0 and name in NEVER_NEGATIVE:
                said: Callable[[int], Said] = Wrong.negative_gross if name == "gross" else Wrong.negative
                problems.append(Problem(file, place, name, *said(amount)))
        currency = row.get("currency")
        if currency and str(currency) not in PAYABLE:
            problems.append(Problem(file, place, "currency", *Wrong.unknown_currency(str(currency))))
    return problems


def _check_places(
    watch_file: str, watch: Sequence[Row], file: str, subscriptions: Sequence[Row], month: WatchMonth
) -> list[Problem]:
    problems = []
    funded = {(found.pool.plan, found.pool.territory) for found in month.funded}
    seen: set[tuple[str, ...]] = set()
    for place, row in enumerate(subscriptions, 1):
        who = _place(row)
        if who is None:
            continue
        if who in seen:
            problems.append(Problem(file, place, "account", *Wrong.twice(who[1], who[2])))
        if who[1:] in funded:
            problems.append(Problem(file, place, "plan", *Wrong.also_funded(who[1], who[2])))
        seen.add(who)
    for place, row in enumerate(watch, 1):
        who = _place(row)
        if who is not None and who not in seen and who[1:] not in funded:
            problems.append(Problem(watch_file, place, "account", *Wrong.no_subscription(*who)))
    return problems


def _place(row: Row) -> tuple[str, str, str] | None:
    found = [row.get(name) for name in ("account", "plan", "territory")]
    if any(value is None or value == "" for value in found):
        return None
    account, plan, territory = (str(value) for value in found)
    return account, plan, territory
