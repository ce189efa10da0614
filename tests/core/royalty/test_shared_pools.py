"""Pools that were shared where their rows are come to what the period itself would have made of them."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buddy_core.royalty import (
    PLATFORM,
    AdRevenue,
    Balances,
    Deal,
    Escalator,
    Facts,
    From,
    Paid,
    PeriodResult,
    PoolName,
    PoolPart,
    PoolReport,
    PoolRule,
    SharedPool,
    SubscriptionRevenue,
    SubscriptionRow,
    Terms,
    TermsProblems,
    Watch,
    WatchMonth,
    WatchRow,
    explain,
    pool_totals,
    read_statement,
    shared_pool,
    spread,
    state_period,
    statement_bodies,
    title_holders,
)
from buddy_core.royalty.rules.scale.scaling import MOST_COMMON
from tests.core.royalty.written import OCTOBER

POOL = PoolName("gold", "IN", "INR")
RATES = {"subscription": Fraction(1, 2), "ads": Fraction(1, 4)}
DEALS = (
    Deal("d1", "film/a", "ada", RATES, Fraction(2, 3)),
    Deal("d2", "film/a", "bo", RATES, Fraction(1, 3)),
    Deal("d3", "film/b", "bo", RATES),
)
TERMS = Terms(DEALS, own_titles=None)
watched = st.lists(
    st.tuples(
        st.sampled_from("vwxyz"), st.sampled_from(("film/a", "film/b", "film/c")), st.integers(0, 5000)
    ),
    max_size=12,
)
incomes = st.dictionaries(st.sampled_from("vwxyz"), st.integers(0, 99_900), min_size=1)
rules = st.builds(
    PoolRule,
    plan=st.just("gold"),
    method=st.sampled_from(("pro_rata", "user_centric", "equal_per_subscriber", "equal_per_title")),
    silent=st.sampled_from(("pool", "platform", "carry")),
    min_seconds=st.sampled_from((0, 60)),
)


def pool(**changes: Any) -> SharedPool:
    """Return a pool of 10.00 after tax, two titles in it."""
    parts = (PoolPart("film/a", Fraction(600), 60), PoolPart("film/b", Fraction(400), 40))
    whole = SharedPool("p1", "gold", "IN", "INR", Paid(1180, 180), "pro_rata", parts)
    return evolve(whole, **changes)


def stated(
    *pools: SharedPool, terms: Terms = TERMS, before: Balances | None = None, **facts: Any
) -> PeriodResult:
    """State October from pools and what else there is."""
    return state_period(OCTOBER, terms, Facts(pools=pools, **facts), before or Balances())


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(watched, incomes, rules)
def test_it_comes_to_what_the_rows_come_to(
    rows: list[tuple[str, str, int]], paid: dict[str, int], rule: PoolRule
) -> None:
    """By every rule holders have the same within the bound of floors, and nothing is lost on either way."""
    rows = [row for row in rows if row[0] in paid]
    terms = evolve(TERMS, pools=(rule,))
    direct = state_period(
        OCTOBER,
        terms,
        Facts(
            subscriptions=tuple(
                SubscriptionRevenue(f"s{who}", "gold", "IN", "INR", Paid(gross), who)
                for who, gross in paid.items()
            ),
            watch=tuple(Watch(who, title, "IN", seconds, "gold") for who, title, seconds in rows),
        ),
    )
    month = WatchMonth(holders=title_holders(DEALS, ["IN"], OCTOBER.period.start))
    if rule.method.value == "equal_per_subscriber":
        # There a title of several holders is one joint player, and in a period each holder is one.
        rows = [row for row in rows if row[1] == "film/b"]
    [totals] = pool_totals(
        [WatchRow(who, title, "IN", "gold", seconds) for who, title, seconds in rows],
        [SubscriptionRow(who, POOL, gross, bool(gross)) for who, gross in paid.items()],
        rule,
        month,
    )
    shared = spread(totals, rule)
    found = stated(shared_pool(shared, rule, Paid(sum(paid.values()))), terms=terms)
    assert [item.residual for item in found.reconciliations] == [0]
    assert sum(part.amount for part in shared.shares) + shared.platform + shared.carried == sum(paid.values())
    if rule.method.value != "equal_per_subscriber":
        bound = sum((share.bound for share in shared.shares), Fraction(0))
        exact = {item.holder: item.exact for item in direct.statements}
        for item in found.statements:
            assert abs(item.exact - exact.get(item.holder, Fraction(0))) <= bound


@pytest.mark.parametrize("method", ["user_centric", "equal_per_title", "pro_rata"])
@pytest.mark.parametrize("cap", [None, 4000])
@pytest.mark.parametrize("silent", ["pool", "platform", "carry"])
def test_many_accounts_are_shared_by_the_rule_at_scale(method: str, cap: int | None, silent: str) -> None:
    """Where no common denominator is short, a period's shares are those of the rows, to the last grain."""
    chance = Random(7)
    rule = PoolRule("gold", method, silent=silent, max_seconds=cap)
    paid = {f"v{place:03d}": chance.randrange(-500, 99_900) for place in range(300)}
    rows = [
        (who, f"film/{chance.choice('abcd')}", chance.randrange(1, 5000))
        for who in list(paid)[:280]
        for _ in range(3)
    ]
    deals = tuple(Deal(f"d{place}", f"film/{place}", place, {"subscription": 1}) for place in "abcd")
    revenue = tuple(
        SubscriptionRevenue(f"s{who}", "gold", "IN", "INR", Paid(max(gross, 0), refund=max(-gross, 0)), who)
        for who, gross in paid.items()
    )
    watch = tuple(Watch(who, title, "IN", seconds, "gold") for who, title, seconds in rows)
    found = state_period(OCTOBER, Terms(deals, pools=(rule,)), Facts(subscriptions=revenue, watch=watch))
    [totals] = pool_totals(
        [WatchRow(who, title, "IN", "gold", seconds) for who, title, seconds in rows],
        [SubscriptionRow(who, POOL, gross) for who, gross in paid.items()],
        rule,
        WatchMonth(),
    )
    shared = spread(totals, rule)
    exact = {f"film/{item.holder}": item.exact for item in found.statements}
    if (method, cap) == ("user_centric", None):
        assert exact == {share.title: share.amount for share in shared.shares}
    for share in shared.shares:
        assert abs(exact[share.title] - share.amount) <= 2 * share.bound
    assert max(value.denominator for value in exact.values()) <= MOST_COMMON
    [report] = found.pools
    assert (report.attributed, report.kept, report.carried) == (
        shared.shared,
        shared.platform,
        shared.carried,
    )
    assert found.reconciliations[0].residual == 0
    bodies = statement_bodies(OCTOBER, found)
    assert {item.holder: item.exact for item in found.statements} == {
        whose.holder: read_statement(body).exact for whose, body in bodies.items() if whose.holder != PLATFORM
    }


def test_a_shared_pool_of_ads_is_explained() -> None:
    """Its lines say the pool, the rule and the seconds, as those of a plan do."""
    [ada, _] = stated(pool(plan="ads", method="pro_rata")).statements
    assert explain(ada.lines[0]).startswith(
        "film/a in IN has 6.00 INR of the pool ads/IN/INR: 10.00 INR after tax and fees. All of it is "
    )


def test_an_unknown_method_is_refused_by_name() -> None:
    """A pool's method is one that there is, as its lines are explained by it."""
    with pytest.raises(TermsProblems, match="p1: 'banana' is no method; write one of pro_rata, user_centric"):
        stated(pool(method="banana"))


def test_deals_share_a_titles_part() -> None:
    """Of 6.00 two thirds are ada's at a half: 2.00; the line says which pool it came from."""
    [ada, bo] = stated(pool()).statements
    assert (ada.exact, bo.exact) == (200, 100 + 200)
    [line] = ada.lines
    assert (line.model.value, line.net, line.part) == ("subscription", 600, Fraction(2, 3))
    assert dict(line.inputs) == {
        "pool": "gold/IN/INR",
        "pool_net": 1000,
        "method": "pro_rata",
        "pool_fact": "p1",
        "pool_part": 600,
        "seconds": 60,
        "pool_seconds": 100,
    }


def test_ads_are_a_pool_of_their_own_model() -> None:
    """The plan ads is what advertisers paid: its lines are ads, by the rate for ads."""
    [ada, _] = stated(pool(plan="ads")).statements
    assert [(line.model.value, line.amount) for line in ada.lines] == [("ads", 100)]


def test_what_was_brought_forward_goes_by_what_counts() -> None:
    """Silent money of before is shared over the same titles; where there are none the platform keeps it."""
    before = Balances(pools={"gold/IN/INR": Fraction(50)})
    [ada, _] = stated(pool(), before=before).statements
    assert ada.exact == (600 + 30) * Fraction(1, 3)
    nobody = pool(parts=(), kept=1000)
    result = stated(nobody, before=before)
    assert (result.statements, result.reconciliations[0].platform) == ((), 1050)


def test_what_is_carried_is_there_in_the_next_month() -> None:
    """The pool's silent money is in the closing balances by its name."""
    parts = (PoolPart("film/b", Fraction(400), 40),)
    result = stated(pool(parts=parts, carried=600))
    assert result.balances.pools == {"gold/IN/INR": 600}
    assert result.reconciliations[0].residual == 0


WATCH = Watch("v", "film/a", "IN", 60, "gold")
MONEY = SubscriptionRevenue("s1", "gold", "IN", "INR", Paid(100), "v")
SHOWN = AdRevenue("a1", "IN", "INR", Paid(100))


@pytest.mark.parametrize(
    ("pools", "others", "said"),
    [
        ((pool(kept=1),), {}, "p1: its parts, kept and carried make 1001, and its net is 1000"),
        ((pool(parts=pool().parts[:1] * 2, carried=-200),), {}, "p1: a title is there twice"),
        ((pool(parts=(PoolPart("film/a", 1000, -1),)),), {}, "p1: counted seconds are below zero"),
        ((pool(), pool(id="p2")), {}, "p2 is the pool of p1 as well"),
        ((pool(),), {"subscriptions": (MONEY,)}, "p1 is the pool of s1 as well"),
        ((pool(plan="ads"),), {"ads": (SHOWN,)}, "p1 is the pool of a1 as well"),
        ((pool(),), {"watch": (WATCH,)}, "p1: there is watch of gold in IN beside it"),
        ((pool(territory="XX"),), {}, "p1: 'XX' is no country"),
        ((pool(currency="INX"),), {}, "p1: 'INX' is no currency"),
        ((pool(), pool(currency="USD")), {}, "p1 is there twice"),
    ],
)
def test_a_pool_that_cannot_be_is_named(
    pools: tuple[SharedPool, ...], others: dict[str, Any], said: str
) -> None:
    """Nothing is stated, and the pool is named with what is wrong."""
    with pytest.raises(TermsProblems) as raised:
        stated(*pools, **others)
    assert any(said in problem for problem in raised.value.problems)


def test_a_line_of_a_shared_pool_says_what_it_is_of() -> None:
    """The pool with what was brought to it, its fact and part there, and its share of what was brought."""
    result = stated(pool(), before=Balances(pools={"gold/IN/INR": Fraction(50)}))
    lines = {line.title: line for item in result.statements for line in item.lines if line.holder == "bo"}
    assert lines["film/b"].inputs == {
        "pool": "gold/IN/INR",
        "pool_net": 1_050,
        "method": "pro_rata",
        "pool_fact": "p1",
        "pool_part": 400,
        "to_all": 50,
        "seconds": 40,
        "pool_seconds": 100,
    }
    [report] = result.pools
    assert report == PoolReport(
        "gold/IN/INR", "INR", 1_000, "pro_rata", Fraction(1_050), Fraction(0), Fraction(0), Fraction(100),
        "shared where its rows are",
    )  # fmt: skip


def test_a_rate_that_changes_within_the_month_is_refused_by_its_model() -> None:
    """A shared part has no instant; where another model's rate changes nothing is wrong."""
    changes = Escalator(Fraction(1, 2), (From(OCTOBER.period.start + timedelta(days=9), Fraction(1, 3)),))
    deals = (*DEALS[:2], evolve(DEALS[2], rates={**RATES, "subscription": changes}))
    with pytest.raises(TermsProblems, match="the subscription rate of deal d3 changes within the month"):
        stated(pool(), terms=evolve(TERMS, deals=deals))
    other = (*DEALS[:2], evolve(DEALS[2], rates={**RATES, "rental": changes}))
    assert stated(pool(), terms=evolve(TERMS, deals=other)).statements
