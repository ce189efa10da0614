"""What cannot be calculated is refused before anything is: every problem at once, each with what to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve

from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.territories import Territories
from buddy_core.royalty import TermsProblems
from buddy_core.royalty.model.balances import AccountBalance, Balances
from buddy_core.royalty.model.facts import (
    AdRevenue,
    Expense,
    Facts,
    FxRate,
    Impressions,
    Model,
    Paid,
    Sale,
    SubscriptionRevenue,
    TokenUse,
    Watch,
)
from buddy_core.royalty.model.terms import (
    Account,
    Band,
    Deal,
    Escalator,
    From,
    Guarantee,
    PoolMethod,
    PoolRule,
    Terms,
    Tiers,
)
from buddy_core.royalty.rules.stating import state_period
from tests.core.royalty.periods import NOVEMBER, OCTOBER

START = OCTOBER.period.start
HALF = Fraction(1, 2)
ALL = dict.fromkeys(Model, HALF)
DEAL = Deal("d1", "film/a", "anna", ALL)
SALE = Sale("s1", Model.RENTAL, "film/a", "IN", "INR", Paid(100), START)
TERMS = Terms((DEAL,))
FACTS = Facts(sales=(SALE,))


def problems(terms: Terms, facts: Facts) -> tuple[str, ...]:
    """Return what is wrong."""
    with pytest.raises(TermsProblems) as caught:
        state_period(OCTOBER, terms, facts)
    return caught.value.problems


@pytest.mark.parametrize(
    ("terms", "facts", "told"),
    [
        (
            evolve(TERMS, deals=(evolve(DEAL, part=HALF),)),
            FACTS,
            "make 1/2 (anna 1/2), and must make exactly 1",
        ),
        (evolve(TERMS, deals=(DEAL, evolve(DEAL, id="d2"))), FACTS, "make 2 (anna 1, anna 1)"),
        (evolve(TERMS, deals=(DEAL, evolve(DEAL, title="film/b"))), FACTS, "two deals are called d1"),
        (Terms(), FACTS, "there is no deal for film/a; add one, or name it among the platform's own titles"),
        (
            evolve(TERMS, deals=(evolve(DEAL, ends_at=START),)),
            FACTS,
            "film/a earned in IN at 2026-09-30T20:00:00+00:00, where no deal of it holds",
        ),
        (
            evolve(TERMS, deals=(evolve(DEAL, rates={}),)),
            FACTS,
            "deal d1 has no rate for rental; add one (0 is one too)",
        ),
        (evolve(TERMS, deals=(evolve(DEAL, holder="platform"),)), FACTS, "no holder may be called platform"),
        (
            evolve(TERMS, deals=(evolve(DEAL, account="a"),)),
            FACTS,
            "names the account a, which is not in the terms",
        ),
        (
            Terms((evolve(DEAL, account="b"),), (Account("b", "bela", "INR"),)),
            FACTS,
            "which is bela's; what one holder earns never pays another's advance",
        ),
        (
            Terms((evolve(DEAL, account="a"),), (Account("a", "anna", "USD"),)),
            FACTS,
            "account a: there is no rate from INR to USD; add one with its source and time",
        ),
        (Terms((DEAL,), (Account("a", "anna", "XYZ"),)), FACTS, "account a: "),
        (
            Terms((DEAL,), (Account("a", "anna", "INR"), Account("a", "anna", "INR"))),
            FACTS,
            "two accounts are called a",
        ),
        (
            Terms((DEAL,), (Account("a", "anna", "INR", recoups=("z",)),)),
            FACTS,
            "recoups z, which is not in the terms",
        ),
        (
            Terms((DEAL,), (Account("a", "anna", "INR", recoups=("b",)), Account("b", "bela", "INR"))),
            FACTS,
            "account a recoups b of another holder or currency",
        ),
        (
            Terms(
                (DEAL,),
                (Account("a", "anna", "INR", recoups=("b",)), Account("b", "anna", "INR", recoups=("a",))),
            ),
            FACTS,
            "the accounts a -> b -> a recoup each other in a circle",
        ),
        (
            Terms(
                (DEAL,),
                (
                    Account(
                        "a",
                        "anna",
                        "INR",
                        guarantees=(
                            Guarantee(1, START, NOVEMBER.period.end),
                            Guarantee(1, OCTOBER.period.end, NOVEMBER.period.end),
                        ),
                    ),
                ),
            ),
            FACTS,
            "account a has two guarantees at once",
        ),
        (
            Terms((DEAL,), (Account("anna:INR", "bela", "USD"),)),
            FACTS,
            "a name with a colon is that of a holder's own account; write bela:USD",
        ),
        (TERMS, Facts(sales=(evolve(SALE, at=OCTOBER.period.end),)), "is not in 2026-10 of thaja"),
        (TERMS, Facts(sales=(SALE, SALE)), "s1 is there twice"),
        (TERMS, Facts(sales=(evolve(SALE, territory="UK"),)), "'UK' is no country"),
        (TERMS, Facts(sales=(evolve(SALE, currency="RUPEES"),)), "s1: "),
        (
            TERMS,
            Facts(watch=(Watch("u", "film/a", "IN", 3_000_000),)),
            "3000000 seconds; 2026-10 has 2678400",
        ),
        (
            TERMS,
            Facts(expenses=(Expense("x", "d9", 5),)),
            "expenses of the deal d9, which is not in the terms",
        ),
        (
            evolve(TERMS, pools=(PoolRule(method="user_centric"),)),
            Facts(subscriptions=(SubscriptionRevenue("r", "gold", "IN", "INR", Paid(5)),)),
            "r: the pool gold/IN/INR is shared user_centric, so its revenue needs the account",
        ),
        (
            Terms(
                (
                    evolve(DEAL, ends_at=START + timedelta(days=9)),
                    evolve(DEAL, id="d2", starts_at=START + timedelta(days=9)),
                )
            ),
            Facts(
                subscriptions=(SubscriptionRevenue("r", "gold", "IN", "INR", Paid(5)),),
                watch=(Watch("u", "film/a", "IN", 5, "gold"),),
            ),
            "the deals of film/a change at 2026-10-09T20:00:00+00:00 in IN",
        ),
        (
            TERMS,
            Facts(
                rates=(
                    FxRate("INR", "USD", Fraction("0.012"), "bank", START),
                    FxRate("INR", "USD", Fraction("0.013"), "bank", START),
                )
            ),
            "there are two rates from INR to USD",
        ),
        (
            TERMS,
            Facts(
                rates=(
                    FxRate("INR", "USD", Fraction("0.012"), "bank", START),
                    FxRate("USD", "INR", Fraction(50), "bank", START),
                )
            ),
            "the rate from INR to USD is 0.012, and back it is 50, which is no inverse of it",
        ),
        (
            TERMS,
            Facts(rates=(FxRate("INR", "USD", HALF, "bank", START - timedelta(days=367)),)),
            "the rate from INR to USD is stamped 2025-09-28T20:00:00+00:00, more than a year from 2026-10",
        ),
        (
            TERMS,
            Facts(rates=(FxRate("INR", "USD", HALF, "bank", OCTOBER.period.end + timedelta(days=367)),)),
            "more than a year from 2026-10; give the one of the month",
        ),
        (
            TERMS,
            Facts(rates=(FxRate("XXQ", "INR", Fraction(2), "bank", START),)),
            "the rate from XXQ to INR: 'XXQ' is no currency",
        ),
    ],
)
def test_it_is_refused_with_what_to_do(terms: Terms, facts: Facts, told: str) -> None:
    """Each says where it is and what to write instead."""
    found = problems(terms, facts)
    assert any(told in problem for problem in found), found


UNSOLD = Deal("n1", "film/n", "bela", ALL)
MIDDLE = START + timedelta(days=14)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("deals", "told"),
    [
        (
            (evolve(UNSOLD, part=Fraction(3, 5)), evolve(UNSOLD, id="n2", part=Fraction(7, 10))),
            "the parts of film/n in every country make 13/10 (bela 3/5, bela 7/10), and must make exactly 1",
        ),
        ((evolve(UNSOLD, part=HALF),), "the parts of film/n in every country make 1/2"),
        (
            (evolve(UNSOLD, territories=["IN"]), evolve(UNSOLD, id="n2", territories=["SAARC"])),
            "the parts of film/n in IN make 2",
        ),
        (
            (evolve(UNSOLD, territories=["GCC"], part=HALF), evolve(UNSOLD, id="n2", territories=["*"])),
            "the parts of film/n in AE, BH, KW and 3 more countries make 3/2",
        ),
        (
            (evolve(UNSOLD, ends_at=MIDDLE + SECOND), evolve(UNSOLD, id="n2", starts_at=MIDDLE)),
            "the parts of film/n in every country make 2",
        ),
        (
            (evolve(UNSOLD, starts_at=MIDDLE, part=HALF),),
            "the parts of film/n in every country make 1/2",
        ),
    ],
)
def test_parts_are_looked_at_where_nothing_was_earned(deals: tuple[Deal, ...], told: str) -> None:
    """Every country and every instant of the month counts, whether or not the title earned there and then."""
    assert any(told in problem for problem in problems(evolve(TERMS, deals=(DEAL, *deals)), FACTS))


@pytest.mark.parametrize(
    "deals",
    [
        (evolve(UNSOLD, territories=["IN"]), evolve(UNSOLD, id="n2", territories=["US"])),
        (
            evolve(UNSOLD, territories=["*"], part=HALF),
            evolve(UNSOLD, id="n2", territories=["IN"], part=HALF),
            evolve(UNSOLD, id="n3", territories=Territories(("*",), ("IN",)), part=HALF),
        ),
        (evolve(UNSOLD, ends_at=MIDDLE), evolve(UNSOLD, id="n2", starts_at=MIDDLE)),
        (
            evolve(UNSOLD, ends_at=OCTOBER.period.end + SECOND),
            evolve(UNSOLD, id="n2", starts_at=OCTOBER.period.end),
        ),
        (evolve(UNSOLD, part=HALF, ends_at=START),),
    ],
)
def test_parts_that_fit_are_taken(deals: tuple[Deal, ...]) -> None:
    """Countries apart, terms that follow each other, and what another month alone has wrong are no fault."""
    assert state_period(OCTOBER, evolve(TERMS, deals=(DEAL, *deals)), FACTS).statements


@pytest.mark.parametrize(
    ("terms", "facts", "told"),
    [
        (
            TERMS,
            Facts(watch=(Watch("a", "film/x", "IN", 5),)),
            "there is no deal for film/x; add one, or name it among the platform's own titles",
        ),
        (TERMS, Facts(impressions=(Impressions("film/x", "IN", 5),)), "there is no deal for film/x"),
        (
            evolve(TERMS, pools=(PoolRule("Gold "),)),
            Facts(subscriptions=(SubscriptionRevenue("r", "gold", "IN", "INR", Paid(5)),)),
            "there is a rule for the pools of Gold , and revenue of gold; write the plan the same in both",
        ),
        (
            evolve(TERMS, pools=(PoolRule("Ads"),)),
            Facts(ads=(AdRevenue("r", "IN", "INR", Paid(5)),)),
            "there is a rule for the pools of Ads, and revenue of ads",
        ),
        (
            Terms(
                (DEAL,),
                (Account("a", "anna", "INR", guarantees=(Guarantee(1, START, START + timedelta(days=75)),)),),
            ),
            FACTS,
            "the guarantee of account a begins or ends at 2026-12-14T20:00:00+00:00, within a month",
        ),
    ],
)
def test_terms_that_nothing_meets_are_told(terms: Terms, facts: Facts, told: str) -> None:
    """A title that earned nothing, a plan written otherwise, a guarantee that ends later: all are told."""
    assert any(told in problem for problem in problems(terms, facts))


def test_a_rule_of_a_plan_without_revenue_is_no_fault() -> None:
    """A rule may wait for its plan, and two plans may be written alike if each has revenue."""
    revenue = SubscriptionRevenue("r", "gold", "IN", "INR", Paid(5), "u")
    both = (revenue, evolve(revenue, id="q", plan="Gold"))
    for rules, paid in (((PoolRule("silver"),), (revenue,)), ((PoolRule("Gold"), PoolRule("gold")), both)):
        assert state_period(OCTOBER, evolve(TERMS, pools=rules), Facts(subscriptions=paid)).pools


def test_watch_where_a_plan_has_no_revenue_is_reported() -> None:
    """It is in no pool, so the pools of the plan say where it was and how much."""
    facts = Facts(
        subscriptions=(SubscriptionRevenue("r", "gold", "IN", "INR", Paid(5)),),
        watch=(
            Watch("u", "film/a", "IN", 5, "gold"),
            Watch("u", "film/a", "AE", 7, "gold"),
            Watch("v", "film/a", "AE", 8, "gold"),
            Watch("v", "film/a", "US", 9, "gold"),
        ),
    )
    [pool] = state_period(OCTOBER, TERMS, facts).pools
    assert pool.note == (
        "15 seconds were watched in AE, where it has no revenue; "
        "9 seconds were watched in US, where it has no revenue"
    )


def test_the_ads_say_what_the_platform_adds() -> None:
    """One deal by watch and one by impressions each have all of 100.00: the note has the other 100.00."""
    ads = {"ads": Fraction(1)}
    deals = (Deal("a", "t", "h1", ads), Deal("b", "u", "h2", ads, ads_by="impressions"))
    facts = Facts(
        ads=(AdRevenue("p", "IN", "INR", Paid(10_000)),),
        watch=(Watch("a", "t", "IN", 100),),
        impressions=(Impressions("u", "IN", 100),),
    )
    [pool] = state_period(OCTOBER, Terms(deals), facts).pools
    assert pool.note == "deals measure by watch and by impressions; the platform adds 100.00 INR"
    some = evolve(facts, watch=(*facts.watch, Watch("a", "u", "IN", 100)), impressions=facts.impressions * 2)
    less = evolve(some, impressions=(*some.impressions, Impressions("t", "IN", 600)))
    [pool] = state_period(OCTOBER, Terms(deals), less).pools
    assert pool.note == "deals measure by watch and by impressions; the platform keeps 25.00 INR"


def test_a_rate_and_its_rounded_inverse_go_together() -> None:
    """Published both ways, 83.1250 and 0.012 miss each other by a quarter of a percent: both may be given."""
    there, back = (
        FxRate("USD", "INR", Fraction("83.1250"), "bank", START - timedelta(days=366)),
        FxRate("INR", "USD", Fraction("0.012"), "bank", OCTOBER.period.end + timedelta(days=366)),
    )
    terms = Terms((evolve(DEAL, account="a"),), (Account("a", "anna", "USD"),))
    [statement] = state_period(OCTOBER, terms, evolve(FACTS, rates=(there, back))).statements[:1]
    assert statement.shares[0].rate == Fraction("0.012")


def test_a_balance_of_an_unknown_account_is_refused() -> None:
    """What is brought forward belongs to an account of the terms, or to a holder's own."""
    for name in ("A", "anna:", "anna:XYZ"):
        with pytest.raises(TermsProblems, match="is brought forward, which is not in the terms"):
            state_period(OCTOBER, TERMS, FACTS, Balances({name: AccountBalance(0, 5)}))
    settled = state_period(OCTOBER, TERMS, FACTS, Balances({"anna:INR": AccountBalance(0, 5)}))
    assert settled.statements[0].settlements[0].payable == 55


@pytest.mark.parametrize("name", ["x", "gold/IN", "gold/IN/XQQ", "gold/UK/INR", "/IN/INR"])
def test_a_balance_of_no_pool_is_refused(name: str) -> None:
    """A pool is named by plan, country and currency; money of silent subscribers is not lost in another."""
    with pytest.raises(TermsProblems, match="names no pool; write plan/country/currency"):
        state_period(OCTOBER, TERMS, FACTS, Balances(pools={name: Fraction(5)}))


def test_the_terms_may_say_how_a_holder_s_own_account_is_settled() -> None:
    """An account of the name `holder:currency` is the one that deals without an account use."""
    own = Account("anna:INR", "anna", "INR", advance=20)
    result = state_period(OCTOBER, Terms((DEAL,), (own,)), FACTS)
    assert result.statements[0].settlements[0].payable == 30


def test_every_problem_is_told_at_once() -> None:
    """Three faults in three places are three lines, in one order."""
    facts = Facts(sales=(evolve(SALE, territory="UK"), evolve(SALE, id="s2", title="film/x")))
    found = problems(evolve(TERMS, deals=(evolve(DEAL, account="a"),)), facts)
    assert len(found) == 3
    assert list(found) == sorted(found)


@pytest.mark.parametrize(
    "made",
    [
        lambda: Paid(1.5),  # type: ignore[arg-type]
        lambda: Paid(True),
        lambda: Watch("u", "film/a", "IN", -1),
        lambda: Watch("", "film/a", "IN", 1),
        lambda: Sale("s", Model.ADS, "film/a", "IN", "INR", Paid(), START),
        lambda: FxRate("INR", "USD", Fraction(0), "bank", START),
        lambda: FxRate("INR", "INR", Fraction(1), "bank", START),
        lambda: TokenUse("t", "film/a", "IN", "bonus", 1, 1, "INR", 0.5, START),  # type: ignore[arg-type]
        lambda: TokenUse("t", "film/a", "IN", "bonus", -1, 1, "INR", Fraction(-1), START),
        lambda: evolve(DEAL, part=Fraction(3, 2)),
        lambda: evolve(DEAL, rates={"rental": 2}),
        lambda: evolve(DEAL, rates={"rental": 0.5}),
        lambda: Tiers(()),
        lambda: Tiers((Band(0, 5, HALF),)),
        lambda: Tiers((Band(1, None, HALF),)),
        lambda: Tiers((Band(0, 5, HALF), Band(6, None, HALF))),
        lambda: Tiers((Band(0, 5, HALF), Band(5, 5, HALF), Band(5, None, HALF))),
        lambda: Escalator(HALF, (From(START, HALF), From(START, HALF))),
        lambda: Account("a", "anna", "INR", advance=-1),
        lambda: Guarantee(1, START, START),
        lambda: evolve(DEAL, starts_at=START, ends_at=START),
        lambda: evolve(DEAL, starts_at=OCTOBER.period.end, ends_at=START),
        lambda: Account("a", "anna", "INR", threshold=0.5),  # type: ignore[arg-type]
    ],
)
def test_a_value_that_cannot_be_is_refused_where_it_is_made(made: Callable[[], Any]) -> None:
    """Floats, parts above one, tiers with gaps and counts below zero never come to a calculation."""
    with pytest.raises(InvalidValue):
        made()


def test_rewarded_ads_never_reach_two_pools() -> None:
    """Rewarded ads pay into the token fund alone: the ads' pool has nothing of them."""
    facts = Facts(
        ads=(AdRevenue("a", "IN", "INR", Paid(500), is_rewarded=True),),
        watch=(Watch("u", "film/a", "IN", 9),),
    )
    result = state_period(OCTOBER, TERMS, facts)
    assert result.statements == ()
    assert result.funds["INR"].result == 500
    assert result.reconciliations[0].fund == 500


def test_a_title_whose_deals_have_no_part_is_a_problem_by_every_method() -> None:
    """Nobody divides by nothing: the missing parts are named, however the pool is shared."""
    for method in PoolMethod:
        rates = {"subscription": Fraction(1, 2)}
        terms = Terms((Deal("d1", "t1", "ada", rates, Fraction(0)),), pools=(PoolRule(method=method),))
        facts = Facts(
            subscriptions=(SubscriptionRevenue("s1", "gold", "IN", "INR", Paid(1000), "v"),),
            watch=(Watch("v", "t1", "IN", 60, "gold"),),
        )
        with pytest.raises(TermsProblems, match="the parts of t1 in every country make 0"):
            state_period(OCTOBER, terms, facts)
