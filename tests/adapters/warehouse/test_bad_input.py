"""Bad files and rows: nothing is counted, and every problem is named with file, row and what to do."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buddy_adapters.warehouse import DuckdbWatchTotals
from buddy_core.royalty import (
    MOST_MINOR,
    BadInput,
    FundedPool,
    PoolName,
    PoolRule,
    TitleHolder,
    WatchMonth,
    WatchTotals,
)
from tests.adapters.warehouse.stores import (
    SUBSCRIPTION_SCHEMA,
    WATCH_SCHEMA,
    Rows,
    in_memory,
    in_parquet,
    paid,
    watched,
    write,
)

Opened = Callable[[Rows, Rows], AbstractContextManager[WatchTotals]]
MONTH = WatchMonth(period_seconds=1000)
Told = tuple[str, int, str, str]


def refused(
    opened: Opened, watch: Rows, subscriptions: Rows, month: WatchMonth = MONTH, rule: PoolRule | None = None
) -> BadInput:
    with opened(watch, subscriptions) as store, pytest.raises(BadInput) as caught:
        store.totals(rule or PoolRule(), month)
    return caught.value


def told(error: BadInput) -> list[Told]:
    return [
        (Path(problem.file).stem, problem.row, problem.column, problem.what) for problem in error.problems
    ]


@pytest.mark.parametrize("opened", [in_memory, in_parquet], ids=["memory", "duckdb"])
class TestProblems:
    """Each fault, in every store alike."""

    def test_every_problem_is_listed_with_file_row_and_column(self, opened: Opened) -> None:
        """Faults of both files, of cells and between rows come in one list, by file and row."""
        watch = [
            watched("1", "a", 10),
            watched("1", None, 10),
            watched("1", "a", -5),
            watched("1", "b", 1001),
            watched("2", "a", 1),
            watched("1", "c", 600),
            watched("1", "c", 600),
            watched("1", "a", None),
            watched("", "a", 1),
        ]
        subscriptions = [
            paid("1", 100),
            paid("3", -1, refund=-2, chargeback=-3, tax=-4, fee=-5),
            paid("4", MOST_MINOR + 1),
            paid("5", 1, currency="RUPEE"),
            paid("6", 1, currency="XAU"),
            paid("1", 1, currency="USD"),
            paid("7", 1, plan=None),
            paid("8", 1, tax=None),
        ]
        error = refused(opened, watch, subscriptions)
        assert error.count == 16
        assert told(error) == [
            ("subscriptions", 2, "chargeback", "is -3"),
            ("subscriptions", 2, "gross", "is -1"),
            ("subscriptions", 2, "refund", "is -2"),
            ("subscriptions", 3, "gross", f"is {MOST_MINOR + 1}"),
            ("subscriptions", 4, "currency", "'RUPEE' is no ISO 4217 currency with a minor unit"),
            ("subscriptions", 5, "currency", "'XAU' is no ISO 4217 currency with a minor unit"),
            ("subscriptions", 6, "account", "the account stands twice for basic in IN"),
            ("subscriptions", 7, "plan", "is empty"),
            ("subscriptions", 8, "tax", "is empty"),
            ("watch", 2, "title", "is empty"),
            ("watch", 3, "seconds", "is -5"),
            ("watch", 4, "seconds", "1001 s is more than the period of 1000 s"),
            ("watch", 5, "account", "2 has no subscription row for basic in IN"),
            (
                "watch",
                6,
                "seconds",
                "with the account's other rows of c it is 1200 s, more than the period of 1000 s",
            ),
            ("watch", 8, "seconds", "is empty"),
            ("watch", 9, "account", "is empty"),
        ]
        assert all(problem.fix for problem in error.problems)
        assert "row 4, seconds: 1001 s is more than the period" in error.message()

    def test_watch_without_a_subscription_is_found_where_all_else_is_right(self, opened: Opened) -> None:
        """An account must have paid for that very plan and territory."""
        watch = [watched("1", "a", 1), watched("1", "a", 1, plan="top"), watched("1", "a", 1, territory="AE")]
        assert [found[1] for found in told(refused(opened, watch, [paid("1", 1)]))] == [2, 3]

    def test_rows_beyond_the_period_in_sum_are_found_where_all_else_is_right(self, opened: Opened) -> None:
        """A fact that was cut in two is checked as a whole, and told at its first row."""
        watch = [watched("1", "b", 1), watched("1", "a", 501), watched("1", "a", 500)]
        assert [found[1] for found in told(refused(opened, watch, [paid("1", 1)]))] == [2]

    def test_a_hundred_are_listed_and_the_rest_counted(self, opened: Opened) -> None:
        """Of 250 faults the first hundred by row are told, and that there are 150 more."""
        error = refused(opened, [watched("1", "a", -1)] * 250, [paid("1", 1)])
        assert (error.count, [problem.row for problem in error.problems]) == (250, list(range(1, 101)))
        assert error.message().endswith("and 150 more")

    def test_a_pool_is_not_funded_and_paid_for_at_once(self, opened: Opened) -> None:
        """Subscription rows of a funded pool's plan and territory are refused."""
        month = WatchMonth(funded=(FundedPool(PoolName("basic", "IN", "USD"), 5),))
        error = refused(opened, [], [paid("1", 1)], month)
        assert told(error) == [
            ("subscriptions", 1, "plan", "basic in IN is a funded pool and has subscription rows too")
        ]

    def test_by_holder_each_title_has_one(self, opened: Opened) -> None:
        """A watched title without a holder, and one with two, are refused; by title nobody asks."""
        rule = PoolRule(method="equal_per_subscriber")
        watch, subscriptions = [watched("1", "a", 1), watched("1", "b", 1)], [paid("1", 1)]
        holders = (TitleHolder("a", "IN", "x"), TitleHolder("b", "AE", "y"))
        error = refused(opened, watch, subscriptions, WatchMonth(holders=holders), rule)
        assert told(error) == [("holders", 0, "title", "b has no holder in IN")]
        twice = (*holders, TitleHolder("b", "IN", "y"), TitleHolder("a", "IN", "z"))
        error = refused(opened, watch, subscriptions, WatchMonth(holders=twice), rule)
        assert told(error) == [("holders", 4, "holder", "a has two holders in IN")]
        with opened(watch, subscriptions) as store:
            assert store.totals(PoolRule(method="equal_per_title"), WatchMonth(holders=twice))

    def test_a_store_that_refused_refuses_again(self, opened: Opened) -> None:
        """Nothing of a refused month is kept and taken for good the next time."""
        with opened([watched("2", "a", 1)], [paid("1", 1)]) as store:
            for _ in range(2):
                with pytest.raises(BadInput):
                    store.totals(PoolRule(), MONTH)


@settings(max_examples=20)
@given(st.randoms(use_true_random=False))
def test_both_stores_name_the_same_problems(draw: random.Random) -> None:
    """Rows with faults strewn in are refused in the same words, or counted alike."""

    def name(good: list[str]) -> Any:
        return draw.choice((*good * 6, None, ""))

    def number(good: int) -> Any:
        return draw.choice((*[good] * 12, None, -good - 1, good + MOST_MINOR + 1))

    watch = [
        watched(
            name(["1", "2"]), name(["a", "b"]), number(draw.randrange(600)), name(["basic"]), name(["IN"])
        )
        for _ in range(draw.randrange(8))
    ]
    subscriptions = [
        paid(name([str(place)]), number(5), name(["basic"]), name(["IN"]), name(["INR"]), refund=number(0))
        for place in range(1, draw.randrange(5))
    ]
    answers = []
    for opened in (in_memory, in_parquet):
        with opened(watch, subscriptions) as store:
            try:
                answers.append(store.totals(PoolRule(), MONTH))
            except BadInput as error:
                answers.append((error.count, told(error), [problem.fix for problem in error.problems]))
    assert answers[0] == answers[1]


def refused_files(watch: Path, subscriptions: Path) -> list[Told]:
    with DuckdbWatchTotals(watch, subscriptions) as store, pytest.raises(BadInput) as caught:
        store.totals(PoolRule(), WatchMonth())
    return told(caught.value)


@pytest.fixture
def good(tmp_path: Path) -> tuple[Path, Path]:
    """One month's files without a fault."""
    return (
        write(tmp_path / "watch.parquet", [watched("1", "a", 1), watched("1", "b", 2)], WATCH_SCHEMA),
        write(tmp_path / "subscriptions.parquet", [paid("1", 5)], SUBSCRIPTION_SCHEMA),
    )


def test_missing_columns_of_every_file_are_named(good: tuple[Path, Path]) -> None:
    """Two columns that are not there, in two files, are two problems in one answer."""
    watch, subscriptions = good
    pq.write_table(pq.read_table(watch).drop_columns(["title"]), watch)
    pq.write_table(pq.read_table(subscriptions).drop_columns(["fee"]), subscriptions)
    assert refused_files(watch, subscriptions) == [
        ("subscriptions", 0, "fee", "the column is missing"),
        ("watch", 0, "title", "the column is missing"),
    ]


def test_a_column_of_floats_is_refused_and_its_nans_named(good: tuple[Path, Path]) -> None:
    """Seconds as DOUBLE are of the wrong type, and each NaN has its row."""
    watch, subscriptions = good
    write(watch, [watched("1", title, 1) for title in "abc"], WATCH_SCHEMA)
    floats = pa.array([1.0, float("nan"), None], pa.float64())
    pq.write_table(pq.read_table(watch).set_column(4, "seconds", floats), watch)
    assert refused_files(watch, subscriptions) == [
        ("watch", 0, "seconds", "is of the type float64"),
        ("watch", 2, "seconds", "is NaN, no number"),
    ]


def test_a_name_of_another_type_in_one_file_is_refused(good: tuple[Path, Path], tmp_path: Path) -> None:
    """Accounts as text here and numbers there would never meet, so it is said."""
    watch, subscriptions = good
    numbers = pq.read_table(subscriptions).set_column(0, "account", pa.array([1], pa.int64()))
    pq.write_table(numbers, subscriptions)
    assert refused_files(watch, subscriptions) == [
        ("subscriptions", 0, "account", "is whole numbers, and text in the watch rows")
    ]


def test_files_that_are_none_are_named(good: tuple[Path, Path], tmp_path: Path) -> None:
    """A file that is not Parquet, and a folder without any, are problems like others."""
    watch, _ = good
    watch.write_bytes(b"account,title\n")
    (tmp_path / "empty").mkdir()
    assert refused_files(watch, tmp_path / "empty") == [
        ("empty", 0, "", "there is no Parquet file"),
        ("watch", 0, "", "cannot be read as Parquet"),
    ]


def test_rows_count_within_their_file(tmp_path: Path, good: tuple[Path, Path]) -> None:
    """Of two files each problem names its own, and the row within it."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number, seconds in enumerate(([1, -1], [1, 1, -2])):
        rows = [watched("1", f"t{place}", value) for place, value in enumerate(seconds)]
        write(folder / f"{number}.parquet", rows, WATCH_SCHEMA)
    assert [found[:2] for found in refused_files(folder, good[1])] == [("0", 2), ("1", 3)]


def test_memory_rows_say_what_a_value_is() -> None:
    """A float, a NaN and a text are refused as seconds, each in its own words."""
    watch = [watched("1", "a", value) for value in (1.5, float("nan"), "ten", True)]
    assert [found[1:] for found in told(refused(in_memory, watch, [paid("1", 1)]))] == [
        (1, "seconds", "is 1.5, a float"),
        (2, "seconds", "is NaN, no number"),
        (3, "seconds", "is 'ten', a str"),
        (4, "seconds", "is True, a bool"),
    ]
    missing = [{"account": "1"}]
    assert [found[2] for found in told(refused(in_memory, missing, [paid("1", 1)]))] == [
        "plan",
        "seconds",
        "territory",
        "title",
    ]
