"""Small months whose right answer was worked out by hand, from the rules as docs/royalty.md states them."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve

from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.periods import month as month_called
from buddy_core.royalty import (
    Account,
    AccountBalance,
    AdRevenue,
    Balances,
    Band,
    Basis,
    Counting,
    Deal,
    DealBalance,
    Escalator,
    Expense,
    Facts,
    From,
    FxRate,
    Guarantee,
    Impressions,
    Model,
    Month,
    Negative,
    Paid,
    Past,
    PeriodResult,
    PoolMethod,
    PoolRule,
    Reserve,
    Sale,
    Settlement,
    SilentMoney,
    SubscriptionRevenue,
    Terms,
    TermsProblems,
    Tiers,
    TokenUse,
    Watch,
    Withholding,
    explain,
    state_period,
    state_with_late,
)
from buddy_core.royalty.model.balances import Held
from tests.core.royalty.periods import DECEMBER, NOVEMBER, OCTOBER

START, MIDDLE = OCTOBER.period.start, OCTOBER.period.start + timedelta(days=15)
ONE = dict.fromkeys(Model, Fraction(1))
NEVER = Balances()
NONE = Facts()


def deal(name: str = "d", title: str = "a", holder: str = "h", **more: Any) -> Deal:
    """Return a deal that gives its holder everything."""
    return Deal(name, title, holder, **{"rates": ONE, **more})


def sale(gross: int, name: str = "s", title: str = "a", **more: Any) -> Sale:
    """Return a rental of nothing but money."""
    values: dict[str, Any] = {"currency": "INR", "at": START, "territory": "IN", **more}
    return Sale(name, Model.RENTAL, title, paid=Paid(gross), **values)


def paid_for(plan: str = "gold", **accounts: int) -> tuple[SubscriptionRevenue, ...]:
    """Return what accounts paid for a plan in India."""
    return tuple(
        SubscriptionRevenue(f"r-{name}", plan, "IN", "INR", Paid(amount), name)
        for name, amount in accounts.items()
    )


def by_holder(result: PeriodResult) -> dict[str, Fraction]:
    """Return what each holder has exactly."""
    return {item.holder: item.exact for item in result.statements}


def settled(result: PeriodResult) -> Settlement:
    """Return the only account's settlement."""
    [found] = [item for statement in result.statements for item in statement.settlements]
    return found


def run(terms: Terms, facts: Facts = NONE, before: Balances = NEVER) -> PeriodResult:
    """Return October."""
    return state_period(OCTOBER, terms, facts, before)


def account(**more: Any) -> Terms:
    """Return a deal settled in an account of its own."""
    return Terms((deal(account="A"),), (Account("A", "h", "INR", **more),))


def opened(**more: Any) -> Balances:
    """Return the account as the month before left it."""
    return Balances({"A": AccountBalance(**more)})


def test_an_advance_that_is_recouped_is_never_paid_in_cash() -> None:
    """Taking a recouped advance out of the terms, or its account, is a problem and pays nothing."""
    for terms in (account(), Terms((deal(),))):
        with pytest.raises(TermsProblems, match=r"recouped|not in the terms"):
            run(terms, before=opened(recouped=3_000))
    with pytest.raises(TermsProblems, match="not in the terms"):
        run(Terms((deal(),)), before=Balances({"h:INR": AccountBalance(recouped=3_000)}))


def test_late_money_is_exchanged_at_the_rate_of_its_own_month() -> None:
    """USD 10.00 of October in an INR account at 80, told in November at 90: 800.00, and never 1:1."""
    terms = account()
    rate = FxRate("USD", "INR", Fraction(80), "bank", START)
    late = Facts(sales=(sale(1_000, currency="USD"),))
    now = Facts(rates=(evolve(rate, rate=Fraction(90)),))
    past = [Past(OCTOBER, terms, Facts(rates=(rate,)), late)]
    result = state_with_late(NOVEMBER, terms, now, NEVER, past, NEVER)
    assert settled(result).payable == 80_000
    with pytest.raises(TermsProblems, match="no rate from USD to INR"):
        state_with_late(NOVEMBER, terms, now, NEVER, [evolve(past[0], facts=Facts())], NEVER)


def test_carried_money_is_shared_in_the_next_month() -> None:
    """What a silent subscriber paid in October is in November's pool, once."""
    terms = Terms((deal(),), pools=(PoolRule(method="user_centric", silent="carry"),))
    watch = (Watch("x", "a", "IN", 10, "gold"),)
    october = run(terms, Facts(subscriptions=paid_for(x=1_000, y=500), watch=watch))
    assert by_holder(october) == {"h": 1_000}
    both = (*watch, Watch("y", "a", "IN", 5, "gold"))
    following = Facts(subscriptions=paid_for(x=1_000, y=500), watch=both)
    november = state_period(NOVEMBER, terms, following, october.balances)
    assert by_holder(november) == {"h": 2_000}
    assert november.balances.pools == {}


def test_a_new_guarantee_begins_at_nothing() -> None:
    """What the term before has earned does not fill the next one."""
    terms = account(
        guarantees=(
            Guarantee(100, OCTOBER.period.start - timedelta(days=30), OCTOBER.period.start),
            Guarantee(1_000, OCTOBER.period.start, OCTOBER.period.end),
        )
    )
    assert settled(run(terms, before=opened(in_term=5_000))).topped_up == 1_000
    inside = account(guarantees=(Guarantee(1_000, START, MIDDLE),))
    with pytest.raises(TermsProblems, match="within a month"):
        run(inside)


def test_what_was_forgiven_counts_as_nothing_earned_for_a_guarantee() -> None:
    """-500 forgiven in October, +700 in November, minimum 1,000: 300 are added, and 1,000 paid."""
    terms = account(
        negative=Negative.FORGIVE, guarantees=(Guarantee(1_000, OCTOBER.period.start, NOVEMBER.period.end),)
    )
    refund = Sale("x", Model.RENTAL, "a", "IN", "INR", Paid(refund=500), START, sold_at=START)
    october = run(terms, Facts(sales=(refund,)))
    assert (settled(october).forgiven, settled(october).payable) == (500, 0)
    later = Facts(sales=(sale(700, at=NOVEMBER.period.start),))
    november = settled(state_period(NOVEMBER, terms, later, october.balances))
    assert (november.topped_up, november.payable) == (300, 1_000)


def changing(**more: Any) -> tuple[Deal, Deal]:
    """Return two deals of one title that follow each other in mid-month."""
    return (
        deal("d1", ends_at=MIDDLE, **more),
        deal("d2", starts_at=MIDDLE, **{"holder": "k", **more}),
    )


def test_only_what_counts_decides_between_deals_that_follow_each_other() -> None:
    """An excluded account's seconds under the second deal give it nothing."""
    terms = Terms(changing(), pools=(PoolRule(excluded_accounts=("bot",)),))
    watch = (
        Watch("x", "a", "IN", 100, "gold", at=START),
        Watch("bot", "a", "IN", 300, "gold", at=MIDDLE),
    )
    result = run(terms, Facts(subscriptions=paid_for(x=1_000, bot=0), watch=watch))
    assert by_holder(result) == {"h": 1_000}


def test_each_subscriber_s_money_goes_to_the_deals_of_their_own_time() -> None:
    """X watched under the first deal alone, and Y under the second: 100 and 900."""
    terms = Terms(changing(), pools=(PoolRule(method="user_centric", silent="pool"),))
    watch = (
        Watch("x", "a", "IN", 50, "gold", at=START),
        Watch("y", "a", "IN", 50, "gold", at=MIDDLE),
    )
    result = run(terms, Facts(subscriptions=paid_for(x=100, y=900), watch=watch))
    assert by_holder(result) == {"h": 100, "k": 900}


def test_equal_per_subscriber_is_the_shapley_value_where_deals_change_too() -> None:
    """X used H alone, Y used H and K; 100 each: H has 150, K 50."""
    terms = Terms(changing(), pools=(PoolRule(method="equal_per_subscriber", silent="pool"),))
    watch = (
        Watch("x", "a", "IN", 50, "gold", at=START),
        Watch("y", "a", "IN", 90, "gold", at=START),
        Watch("y", "a", "IN", 10, "gold", at=MIDDLE),
    )
    result = run(terms, Facts(subscriptions=paid_for(x=100, y=100), watch=watch))
    assert by_holder(result) == {"h": 150, "k": 50}


def test_a_refund_gives_back_what_it_had_paid_of_the_expenses() -> None:
    """1,000 sold with 400 of expenses, all refunded a month later: nothing is left of it for anybody."""
    terms = Terms((deal(rates=dict.fromkeys(Model, Fraction(1, 2))),))
    october = run(terms, Facts(sales=(sale(1_000),), expenses=(Expense("e", "d", 400),)))
    assert by_holder(october) == {"h": 300}
    back = Sale("x", Model.RENTAL, "a", "IN", "INR", Paid(refund=1_000), NOVEMBER.period.start, sold_at=START)
    november = state_period(NOVEMBER, terms, Facts(sales=(back,)), october.balances)
    assert by_holder(november) == {"h": -300}
    assert november.balances.deals["d"] == DealBalance({}, 400, Fraction(0))


def test_tiers_of_gross_count_back_what_was_refunded() -> None:
    """2,000 in two bands, all refunded: the count is at zero, and so is what was earned."""
    tiers = Tiers((Band(0, 1_000, Fraction(1, 10)), Band(1_000, None, Fraction(1, 2))), Basis.GROSS)
    terms = Terms((deal(rates={"rental": tiers}),))
    october = run(terms, Facts(sales=(sale(2_000),)))
    assert by_holder(october) == {"h": 600}
    back = Sale("x", Model.RENTAL, "a", "IN", "INR", Paid(refund=2_000), NOVEMBER.period.start, sold_at=START)
    november = state_period(NOVEMBER, terms, Facts(sales=(back,)), october.balances)
    assert by_holder(november) == {"h": -600}
    assert november.balances.deals["d"].counted == {Model.RENTAL: 0}


def test_a_refund_sells_no_copy() -> None:
    """Where nothing is said of units, one is sold where something was paid, and none where it went back."""
    assert sale(5).units == 1
    assert Sale("x", Model.RENTAL, "a", "IN", "INR", Paid(refund=5), START).units == 0


def test_two_currencies_are_never_added_up() -> None:
    """Expenses and tiers of money of a deal with two currencies need an account to say in which."""
    facts = Facts(sales=(sale(10, currency="USD"), sale(10, "s2", currency="JPY")))
    with pytest.raises(TermsProblems, match="money of several currencies"):
        run(Terms((deal(),)), facts + Facts(expenses=(Expense("e", "d", 5),)))
    tiers = Tiers((Band(0, None, Fraction(1)),), Basis.NET, Counting.PERIOD)
    with pytest.raises(TermsProblems, match="money of several currencies"):
        run(Terms((deal(rates={"rental": tiers}),)), facts)
    assert len(run(Terms((deal(),)), facts).statements) == 2


def test_an_escalator_changes_the_rate_of_watch_too() -> None:
    """10 % until mid-month and 50 % from then on, by the instant of the row; without one it is refused."""
    rates = {Model.SUBSCRIPTION: Escalator(Fraction(1, 10), (From(MIDDLE, Fraction(1, 2)),))}
    terms, revenue = Terms((deal(rates=rates),)), paid_for(x=1_000)
    before, after = Watch("x", "a", "IN", 50, "gold", START), Watch("x", "a", "IN", 50, "gold", MIDDLE)
    result = run(terms, Facts(subscriptions=revenue, watch=(before, after)))
    assert by_holder(result) == {"h": 50 + 250}
    with pytest.raises(TermsProblems, match="need their instant"):
        run(terms, Facts(subscriptions=revenue, watch=(evolve(before, at=None),)))


def test_trial_users_are_in_no_divisor() -> None:
    """An account that paid nothing watched three times as much, and takes nothing from who was paid for."""
    terms = Terms((deal(), deal("e", "b", "k")))
    watch = (Watch("payer", "a", "IN", 100, "gold"), Watch("trial", "b", "IN", 300, "gold"))
    result = run(terms, Facts(subscriptions=paid_for(payer=1_000, trial=0), watch=watch))
    assert by_holder(result) == {"h": 1_000}
    lump = SubscriptionRevenue("lump", "gold", "IN", "INR", Paid(5))
    with pytest.raises(TermsProblems, match="give all of it, or none"):
        run(terms, Facts(subscriptions=(*paid_for(payer=1_000), lump), watch=watch))


def test_exclusions_hold_among_the_ads_as_well() -> None:
    """A bot's seconds and ads with an excluded title are in no divisor; `ads` may have its own rule."""
    rule = PoolRule(excluded_accounts=("bot",), excluded_titles=("b",))
    terms = Terms((deal(), deal("e", "b", "k", ads_by="impressions")), pools=(rule,))
    facts = Facts(
        ads=(AdRevenue("r", "IN", "INR", Paid(1_000)),),
        watch=(Watch("x", "a", "IN", 100), Watch("bot", "a", "IN", 300)),
        impressions=(Impressions("b", "IN", 9),),
    )
    assert by_holder(run(terms, facts)) == {"h": 1_000}
    free = evolve(terms, pools=(rule, PoolRule("ads")))
    assert by_holder(run(free, facts)) == {"h": 1_000, "k": 1_000}


def test_two_rules_for_one_thing_are_refused() -> None:
    """Of two rules for a plan, or two rates of withholding from one instant, neither wins silently."""
    with pytest.raises(TermsProblems, match="two rules for the pools of gold"):
        run(Terms(pools=(PoolRule("gold"), PoolRule("gold", PoolMethod.USER_CENTRIC))))
    twice = (Withholding(Fraction(1, 10), START, "tax"), Withholding(Fraction(1, 50), START, "cess"))
    with pytest.raises(TermsProblems, match="two rates of withholding"):
        run(account(withholding=twice))


def test_what_is_held_back_pays_for_refunds_first() -> None:
    """-400 with 500 held: 400 of it are used, nothing is forgiven, and 100 stay held."""
    terms = account(negative=Negative.FORGIVE, reserve=Reserve(Fraction(1, 2), 6))
    refund = Sale("x", Model.RENTAL, "a", "IN", "INR", Paid(refund=400), START, sold_at=START)
    found = settled(run(terms, Facts(sales=(refund,)), opened(held=(Held("2026-09", 500),))))
    assert (found.forgiven, found.payable, found.closing.held) == (0, 0, (Held("2026-09", 100),))
    with pytest.raises(InvalidValue):
        Reserve(Fraction(1, 2), 0)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (Facts(sales=(evolve(sale(0), paid=Paid(11_800, 1_800, -500)),)), "refund is -500"),
        (Facts(sales=(evolve(sale(0), paid=Paid(11_800, fee=-5)),)), "fee is -5"),
        (Facts(sales=(evolve(sale(0), paid=Paid(refund=-500)),)), "refund is -500"),
        (Facts(sales=(evolve(sale(0), paid=Paid(-500)),)), "gross is -500"),
        (Facts(sales=(evolve(sale(5), currency="RUPEES"),)), "'RUPEES' is no currency"),
        (Facts(watch=(Watch("x", "a", "IN", 5, at=START - timedelta(days=9)),)), "is not in 2026-10"),
        (Facts(impressions=(Impressions("a", "IN", 5, START - timedelta(days=9)),)), "is not in 2026-10"),
        (Facts(watch=(Watch("x", "a", "IN", 2_000_000),) * 2), "4000000 seconds"),
        (Facts(subscriptions=paid_for(x=5), watch=(Watch("x", "a", "IN", 5, "Gold"),)), "of the plan Gold"),
    ],
)
def test_facts_that_cannot_be_are_refused(facts: Facts, told: str) -> None:
    """An accountant's minus signs, rows of another month, and more seconds than the month has."""
    with pytest.raises(TermsProblems, match=told):
        run(Terms((deal(),)), facts)


@pytest.mark.parametrize("own", [(), ("a",), None])
@pytest.mark.parametrize("dates", [{"starts_at": MIDDLE}, {"ends_at": MIDDLE}])
def test_a_licence_that_begins_or_ends_within_the_month_needs_no_instants(own: Any, dates: Any) -> None:
    """Watch without an instant is of the one deal that holds in the month; with one, of its instant."""
    terms = Terms((deal(**dates),), own_titles=own)
    row = Watch("x", "a", "IN", 5, "gold")
    facts = Facts(subscriptions=paid_for(x=1_000), watch=(row,))
    assert by_holder(run(terms, facts)) == {"h": 1_000}
    held = MIDDLE if "starts_at" in dates else START
    assert by_holder(run(terms, evolve(facts, watch=(evolve(row, at=held),)))) == {"h": 1_000}
    other = START if "starts_at" in dates else MIDDLE
    away = evolve(facts, watch=(evolve(row, at=other),))
    if own == ():
        with pytest.raises(TermsProblems, match="where no deal of it holds"):
            run(terms, away)
    else:
        assert by_holder(run(terms, away)) == {}


def test_an_adjustment_says_what_was_and_what_is() -> None:
    """Its words give both months' figures, and its amount is their difference."""
    terms = Terms((deal(rates=dict.fromkeys(Model, Fraction(1, 2))),))
    past = [Past(OCTOBER, terms, Facts(sales=(sale(1_000),)), Facts(sales=(sale(300, "late"),)))]
    closed = run(terms, past[0].facts)
    result = state_with_late(NOVEMBER, terms, Facts(), closed.balances, past, NEVER)
    [line] = result.statements[0].lines
    said = explain(line)
    for figure in ("adjusts 2026-10", "10.00 INR then", "13.00 INR now", "5.00 INR", "6.50 INR", "1.50 INR"):
        assert figure in said


def test_seconds_count_once_in_a_tier() -> None:
    """A holder's own money and the silent subscribers' are two lines of the same ten seconds."""
    tiers = Tiers((Band(0, 10, Fraction(1, 10)), Band(10, None, Fraction(1))))
    rule = PoolRule(method="equal_per_subscriber", silent="pool")
    terms = Terms((deal(rates={"subscription": tiers}),), pools=(rule,))
    facts = Facts(subscriptions=paid_for(x=100, y=40), watch=(Watch("x", "a", "IN", 10, "gold"),))
    result = run(terms, facts)
    assert by_holder(result) == {"h": 14}
    assert result.balances.deals["d"].counted == {Model.SUBSCRIPTION: 10}


def test_months_with_late_facts_follow_each_other() -> None:
    """A month that is left out between would lose what is carried through it."""
    terms = Terms((deal(),))
    past = [Past(OCTOBER, terms, Facts(), Facts(sales=(sale(5),)))]
    with pytest.raises(TermsProblems, match="2026-10 of thaja is followed by 2026-12"):
        state_with_late(DECEMBER, terms, Facts(), NEVER, past, NEVER)


def test_an_account_in_another_currency_since_then_needs_that_month_s_rate() -> None:
    """The account was INR and is USD now: October's late money is refused without October's rate."""
    then, now = account(), Terms((deal(account="A"),), (Account("A", "h", "USD"),))
    rates = (FxRate("INR", "USD", Fraction(1, 80), "bank", NOVEMBER.period.start),)
    past = [Past(OCTOBER, then, Facts(), Facts(sales=(sale(8_000),)))]
    with pytest.raises(TermsProblems, match="no rate from INR to USD"):
        state_with_late(NOVEMBER, now, Facts(rates=rates), NEVER, past, NEVER)


def test_silent_money_of_the_platform_is_reported() -> None:
    """What a subscriber paid who watched nothing stays with the platform, and the pool says so."""
    terms = Terms((deal(),), pools=(PoolRule(method="user_centric", silent=SilentMoney.PLATFORM),))
    facts = Facts(subscriptions=paid_for(x=100, y=40), watch=(Watch("x", "a", "IN", 5, "gold"),))
    [pool] = run(terms, facts).pools
    assert (pool.attributed, pool.kept) == (100, 40)


@pytest.mark.parametrize(
    ("held", "is_released"),
    [("2026-07", True), ("2026-08", False), ("2025-10", True), ("2025-12", True), ("2026-10", False)],
)
def test_a_reserve_is_released_after_its_months(held: str, is_released: bool) -> None:
    """Of three months, those of July or before come free in October, whatever the year."""
    terms = account(reserve=Reserve(Fraction(1, 10), 3))
    result = run(terms, before=opened(held=(Held(held, 70),)))
    [settlement] = result.statements[0].settlements
    assert settlement.payable == (70 if is_released else 0)
    assert settlement.closing.held == (() if is_released else (Held(held, 70),))


@pytest.mark.parametrize(
    ("month", "held", "is_released"), [("2027-01", "2026-10", True), ("2027-01", "2026-11", False)]
)
def test_a_reserve_is_released_over_a_year_s_end(month: str, held: str, is_released: bool) -> None:
    """From October to January it is three months."""
    there = Month(month, OCTOBER.entity, OCTOBER.zone, month_called(month, OCTOBER.zone))
    terms = account(reserve=Reserve(Fraction(1, 10), 3))
    result = state_period(there, terms, NONE, opened(held=(Held(held, 70),)))
    assert result.statements[0].settlements[0].payable == (70 if is_released else 0)


def test_what_comes_late_of_the_fund_is_a_difference() -> None:
    """Of rewarded ads and bonus tokens of October that come in November, the fund has what is new alone."""
    spend = TokenUse("t", "a", "IN", "bonus", 9, 1, "INR", Fraction(300), START)
    ads = AdRevenue("r", "IN", "INR", Paid(500), is_rewarded=True)
    terms = Terms((deal(rates=dict.fromkeys(Model, Fraction(1, 2))),))
    known = Facts(tokens=(spend,), ads=(ads,))
    late = Facts(
        tokens=(evolve(spend, id="u", value=Fraction(40)),), ads=(evolve(ads, id="q", paid=Paid(7)),)
    )
    closed = run(terms, known)
    fund = closed.funds["INR"]
    assert (fund.paid_in, fund.attributed, fund.result) == (500, 300, 200)
    result = state_with_late(
        NOVEMBER, terms, Facts(), closed.balances, [Past(OCTOBER, terms, known, late)], NEVER
    )
    fund = result.funds["INR"]
    assert (fund.paid_in, fund.attributed, fund.result) == (7, 40, -33)
    [line] = result.statements[0].lines
    assert (line.net, line.base, line.amount, line.adjusts) == (40, 40, 20, "2026-10")
    assert " by deal d: 0.20 INR." in explain(line)


def test_two_lines_of_one_key_are_one_when_they_are_adjusted() -> None:
    """Fees and expenses of both are in the difference: ten per cent of what came late."""
    terms = Terms((deal(fee=Fraction(1, 10)),))
    known = Facts(sales=(sale(1_000), sale(2_000, "s2")))
    late = Facts(sales=(sale(500, "l1"), sale(700, "l2")))
    closed = run(terms, known)
    result = state_with_late(
        NOVEMBER, terms, Facts(), closed.balances, [Past(OCTOBER, terms, known, late)], NEVER
    )
    [line] = result.statements[0].lines
    assert (line.net, line.fee, line.base, line.amount) == (1_200, 120, 1_080, 1_080)


def test_tokens_that_went_back_are_told_as_such() -> None:
    """Two were given back, worth minus one: no line says that minus two were spent."""
    spend = TokenUse("t", "a", "IN", "paid", 9, 1, "INR", Fraction(450), START)
    back = TokenUse("b", "a", "IN", "paid", -2, 1, "INR", Fraction(-100), START, START - timedelta(days=40))
    said = [explain(line) for line in run(Terms((deal(),)), Facts(tokens=(spend, back))).statements[0].lines]
    assert said[0].startswith("9 paid tokens were spent on a in IN, worth 4.50 INR by value version 1")
    assert said[1].startswith("2 paid tokens were given back on a in IN, worth -1.00 INR by value version 1")


def test_the_platform_s_lines_say_what_is_its() -> None:
    """Of a deal about a part: what it is about, what the holder has, and the rest."""
    half = deal("d1", part=Fraction(1, 2), rates={"rental": Fraction(1, 4)})
    other = deal("d2", holder="i", part=Fraction(1, 2))
    result = run(
        Terms((half, other), own_titles=frozenset({"own"})), Facts(sales=(sale(1_000), sale(70, "o", "own")))
    )
    said = {line.deal: explain(line) for line in result.platform}
    assert (
        "Deal d1 is about 50 % of it, 5.00 INR; its holder has 1.25 INR, and 3.75 INR is the platform's."
        in said["d1"]
    )
    assert "Of that 0.70 INR is the platform's." in said[None]
