"""The contract of `WatchTotals`: plain Python and DuckDB answer alike, by every rule."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buddy_adapters.warehouse import DuckdbWatchTotals
from buddy_core.kernel import InvalidValue
from buddy_core.royalty import (
    GRAINS,
    MOST_MINOR,
    FundedPool,
    PartTotal,
    PoolName,
    PoolRule,
    PoolTotals,
    TitleHolder,
    WatchMonth,
    WatchTotals,
    spread,
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
STORES = [
    pytest.param(in_memory, id="memory"),
    pytest.param(in_parquet, id="duckdb"),
    pytest.param(partial(in_parquet, files=3), id="duckdb-3-files"),
]
METHODS = ("pro_rata", "user_centric", "equal_per_subscriber", "equal_per_title")
INDIA = PoolName("basic", "IN", "INR")
TITLES = ("a", "b", "c", "d")
HOLDERS = tuple(
    TitleHolder(title, territory, holder)
    for title, holder in zip(TITLES, ("x", "x", "y", "z"), strict=True)
    for territory in ("IN", "AE")
)
MONTH = WatchMonth(holders=HOLDERS)


def one(
    opened: Opened, watch: Rows, subscriptions: Rows, month: WatchMonth = MONTH, **rule: object
) -> PoolTotals:
    with opened(watch, subscriptions) as store:
        (found,) = store.totals(PoolRule(**rule), month)  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("opened", STORES)
class TestTotals:
    """What every store answers."""

    def test_user_centric_sums_each_account_s_money_by_seconds(self, opened: Opened) -> None:
        """Each account's net goes by its own seconds; a silent account's net is named apart."""
        watch = [watched("1", "a", 30), watched("1", "b", 10), watched("2", "b", 5)]
        subscriptions = [paid("1", 400), paid("2", 130, tax=20, fee=5, refund=4, chargeback=1), paid("3", 7)]
        found = one(opened, watch, subscriptions, method="user_centric")
        assert found == PoolTotals(
            INDIA,
            net=507,
            accounts=3,
            counted=2,
            silent=7,
            parts=(
                PartTotal("a", 300 * GRAINS, 30 * GRAINS, 1),
                PartTotal("b", 200 * GRAINS, 15 * GRAINS, 2),
            ),
        )

    def test_a_share_that_is_no_whole_grain_is_floored(self, opened: Opened) -> None:
        """A third of 100 is floored to 2^-40 of a minor unit, and so is a third of -100, downward."""
        watch = [watched("1", title, 1) for title in "abc"]
        for net in (100, -100):
            found = one(opened, watch, [paid("1", max(net, 0), refund=max(-net, 0))], method="user_centric")
            assert [part.grains for part in found.parts] == [net * GRAINS // 3] * 3

    def test_the_largest_amounts_and_seconds_are_exact(self, opened: Opened) -> None:
        """2^53 minor units over whole months of seconds leave no digit out: nothing is a float."""
        month = WatchMonth(period_seconds=2**22 - 1)
        watch = [watched("1", title, 2**22 - 1 - place) for place, title in enumerate(TITLES)]
        watch += [watched("2", title, 2**22 - 1) for title in TITLES]
        subscriptions = [paid("1", MOST_MINOR), paid("2", MOST_MINOR - 1)]
        found = one(opened, watch, subscriptions, month, method="user_centric")
        total = 4 * (2**22 - 1) - 6
        assert [part.grains for part in found.parts] == [
            MOST_MINOR * GRAINS * (2**22 - 1 - place) // total + (MOST_MINOR - 1) * GRAINS // 4
            for place in range(4)
        ]

    def test_what_is_below_the_minimum_in_all_does_not_count(self, opened: Opened) -> None:
        """The minimum is of an account's seconds of a title over all rows; who has none is silent."""
        watch = [watched("1", "a", 30), watched("1", "a", 30), watched("1", "b", 59), watched("2", "a", 59)]
        found = one(opened, watch, [paid("1", 90), paid("2", 10)], method="user_centric", min_seconds=60)
        assert (found.counted, found.silent) == (1, 10)
        assert [(part.title, part.seconds, part.grains) for part in found.parts] == [("a", 60, 90 * GRAINS)]

    def test_a_cap_scales_an_account_s_seconds_down(self, opened: Opened) -> None:
        """Above the cap each title keeps its part of it, floored to 2^-40 of a second."""
        watch = [watched("1", "a", 20), watched("1", "b", 10), watched("2", "b", 4)]
        found = one(opened, watch, [paid("1", 90), paid("2", 10)], max_seconds=10)
        assert [part.weight for part in found.parts] == [
            20 * GRAINS // 3,
            10 * GRAINS // 3 + 4 * GRAINS,
        ]

    def test_excluded_accounts_are_silent_and_excluded_titles_are_nothing(self, opened: Opened) -> None:
        """Their watch counts nowhere; an excluded account's money is a silent subscriber's."""
        watch = [watched("1", "a", 20), watched("1", "b", 10), watched("2", "b", 4)]
        found = one(
            opened,
            watch,
            [paid("1", 90), paid("2", 10)],
            method="user_centric",
            excluded_accounts=frozenset({"2"}),
            excluded_titles=frozenset({"a"}),
        )
        assert (found.net, found.silent, [part.title for part in found.parts]) == (100, 10, ["b"])

    def test_equal_by_title_and_by_holder(self, opened: Opened) -> None:
        """By title each has a third; by holder x has half for its two titles, by their seconds."""
        watch = [watched("1", "a", 10), watched("1", "b", 30), watched("1", "c", 5)]
        by_title = one(opened, watch, [paid("1", 1200)], method="equal_per_title")
        assert [part.grains for part in by_title.parts] == [400 * GRAINS] * 3
        by_holder = one(opened, watch, [paid("1", 1200)], method="equal_per_subscriber")
        assert [(part.holder, part.grains) for part in by_holder.parts] == [
            ("x", 150 * GRAINS),
            ("x", 450 * GRAINS),
            ("y", 600 * GRAINS),
        ]

    def test_pools_are_apart_by_plan_territory_and_currency(self, opened: Opened) -> None:
        """An account may be in two pools; each has its own money and watch, and they come by name."""
        watch = [
            watched("1", "a", 10),
            watched("1", "b", 10, territory="AE"),
            watched("2", "a", 1, plan="top"),
        ]
        subscriptions = [
            paid("1", 100),
            paid("1", 50, territory="AE", currency="AED"),
            paid("2", 9, plan="top", currency="USD"),
        ]
        with opened(watch, subscriptions) as store:
            found = store.totals(PoolRule(method="user_centric"), MONTH)
            assert store.totals(PoolRule(plan="top", method="user_centric"), MONTH) == found[2:]
        assert [(pool.pool, pool.net, pool.parts[0].title) for pool in found] == [
            (PoolName("basic", "AE", "AED"), 50, "b"),
            (INDIA, 100, "a"),
            (PoolName("top", "IN", "USD"), 9, "a"),
        ]

    def test_funded_pools_need_no_subscription(self, opened: Opened) -> None:
        """Money of a pool as a whole is its net in each currency, watched or not."""
        free = [PoolName("free", "IN", "INR"), PoolName("free", "IN", "USD"), PoolName("free", "AE", "AED")]
        month = WatchMonth(funded=tuple(FundedPool(pool, 10 + place) for place, pool in enumerate(free)))
        watch = [watched("9", "a", 10, plan="free"), watched("8", "a", 10, plan="free"), watched("1", "b", 1)]
        with opened(watch, [paid("1", 5)]) as store:
            found = {pool.pool: pool for pool in store.totals(PoolRule(), month)}
            with pytest.raises(InvalidValue, match="pro_rata"):
                store.totals(PoolRule(method="user_centric"), month)
        assert [found[pool].net for pool in free] == [10, 11, 12]
        assert [found[pool].counted for pool in free] == [2, 2, 0]
        assert found[free[1]].parts == (PartTotal("a", 0, 20 * GRAINS, 2),)
        assert [share.minor for share in spread(found[INDIA], PoolRule()).shares] == [5]

    def test_a_month_without_rows_has_no_pools(self, opened: Opened) -> None:
        """Nothing in, nothing out; a month that nobody watched has pools without parts."""
        with opened([], []) as store:
            assert store.totals(PoolRule(), MONTH) == ()
        found = one(opened, [], [paid("1", 5)], method="user_centric")
        assert (found.net, found.silent, found.parts) == (5, 5, ())

    def test_one_opened_month_answers_many_rules(self, opened: Opened) -> None:
        """Each rule's answer is the same as on a store just opened, in any order of asking."""
        watch, subscriptions = month_of(random.Random(3))
        asked = [PoolRule(method=method, max_seconds=cap) for method in METHODS for cap in (None, 700)]
        with opened(watch, subscriptions) as store:
            together = [store.totals(rule, MONTH) for rule in asked]
            again = [store.totals(rule, MONTH) for rule in reversed(asked)]
        assert again[::-1] == together
        with opened(watch, subscriptions) as store:
            assert store.totals(asked[-1], MONTH) == together[-1]


def month_of(draw: random.Random) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Draw a month in which every rule has something to do."""
    subscriptions = []
    for number in range(draw.randrange(1, 12)):
        territory, currency = draw.choice((("IN", "INR"), ("AE", "AED")))
        refund = draw.choice((0, 0, draw.randrange(60_000)))
        subscriptions.append(
            paid(
                f"u{number}",
                draw.randrange(50_000),
                draw.choice(("basic", "top")),
                territory,
                currency,
                refund=refund,
            )
        )
    watch = []
    for _ in range(draw.randrange(40)):
        who = draw.choice(subscriptions)
        watch.append(
            watched(who["account"], draw.choice(TITLES), draw.randrange(9000), who["plan"], who["territory"])
        )
    return watch, subscriptions


@settings(max_examples=25)
@given(
    st.randoms(use_true_random=False),
    st.lists(
        st.builds(
            PoolRule,
            plan=st.sampled_from(("*", "top")),
            method=st.sampled_from(METHODS),
            min_seconds=st.sampled_from((0, 900)),
            max_seconds=st.sampled_from((None, 1, 5000)),
            excluded_accounts=st.sampled_from((frozenset(), frozenset({"u1"}))),
            excluded_titles=st.sampled_from((frozenset(), frozenset({"b"}))),
        ),
        min_size=8,
        max_size=8,
    ),
)
def test_duckdb_answers_as_plain_python_does(draw: random.Random, asked: list[PoolRule]) -> None:
    """To the last grain, for any month and rule; rows shuffled, cut in two and dealt over files."""
    watch, subscriptions = month_of(draw)
    cut = []
    for row in watch:
        first = draw.randint(0, row["seconds"])  # type: ignore[call-overload]
        cut += [row | {"seconds": first}, row | {"seconds": row["seconds"] - first}]
    draw.shuffle(cut)
    shuffled = draw.sample(subscriptions, len(subscriptions))
    with in_memory(watch, subscriptions) as plain, in_parquet(cut, shuffled, files=2) as store:
        for rule in asked:
            expected = plain.totals(rule, MONTH)
            assert store.totals(rule, MONTH) == expected
            for pool in expected:
                found = spread(pool, rule)
                assert found.shared + found.platform + found.carried == found.net
                assert sum(share.grains for share in found.shares) == found.shared * GRAINS


@pytest.mark.parametrize("kind", [pa.int64(), pa.int32(), pa.string(), pa.uuid()])
def test_accounts_and_titles_are_numbers_texts_or_uuids(kind: pa.DataType, tmp_path: Path) -> None:
    """Each kind of name gives the same sums, and titles come back as text."""
    is_uuid = kind == pa.uuid()
    made = (lambda number: UUID(int=number).bytes) if is_uuid else int if pa.types.is_integer(kind) else str
    watch = pa.table(
        {
            "account": pa.array([made(1), made(1), made(2)], kind),
            "title": pa.array([made(7), made(8), made(8)], kind),
            "territory": ["IN"] * 3,
            "plan": ["basic"] * 3,
            "seconds": pa.array([3, 1, 9], pa.int32()),
        }
    )
    rows = pa.Table.from_pylist([paid("1", 40), paid("2", 5)], schema=SUBSCRIPTION_SCHEMA)
    rows = rows.set_column(0, "account", pa.array([made(1), made(2)], kind))
    pq.write_table(watch, tmp_path / "watch.parquet")
    pq.write_table(rows, tmp_path / "subscriptions.parquet")
    with DuckdbWatchTotals(tmp_path / "watch.parquet", tmp_path / "subscriptions.parquet") as store:
        (found,) = store.totals(PoolRule(method="user_centric"), WatchMonth())
    named = [str(UUID(int=number)) if is_uuid else str(number) for number in (7, 8)]
    assert [(part.title, part.grains // GRAINS) for part in found.parts] == list(
        zip(named, (30, 15), strict=True)
    )


def test_little_memory_spills_and_changes_nothing(tmp_path: Path) -> None:
    """With 60 MB for 300,000 rows the answer is that of plenty; what was spilled is gone at the end."""
    draw = random.Random(1)
    watch = [watched(str(draw.randrange(20_000)), f"t{draw.randrange(500)}", 1) for _ in range(300_000)]
    write(tmp_path / "watch.parquet", watch, WATCH_SCHEMA)
    write(tmp_path / "subscriptions.parquet", [paid(str(n), n) for n in range(20_000)], SUBSCRIPTION_SCHEMA)
    answers = []
    for limit in ("1GB", "60MB"):
        with DuckdbWatchTotals(
            tmp_path / "watch.parquet",
            tmp_path / "subscriptions.parquet",
            memory_limit=limit,
            spill_folder=tmp_path / "spill",
            threads=1,
        ) as store:
            answers.append(store.totals(PoolRule(method="user_centric"), WatchMonth()))
    assert answers[0] == answers[1]
    assert not [path for path in (tmp_path / "spill").rglob("*") if path.is_file()]
