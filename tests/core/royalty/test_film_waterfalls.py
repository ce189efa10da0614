"""A title's waterfall in the period: steps take of all to date, and deals share what they leave."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from buddy_core.kernel.errors import InvalidValue
from buddy_core.royalty import (
    Account,
    Balances,
    Deal,
    Document,
    Facts,
    FilmWaterfall,
    FxRate,
    Line,
    Model,
    Paid,
    Past,
    PeriodResult,
    PoolMethod,
    PoolRule,
    Sale,
    Step,
    SubscriptionRevenue,
    Takes,
    Terms,
    TermsProblems,
    Tiers,
    Watch,
    WaterfallBalance,
    closing_json,
    explain,
    read_input,
    read_platform,
    read_statement,
    run_waterfall,
    simulate,
    state_period,
    state_with_late,
    statement_bodies,
    statements_csv,
    statements_text,
)
from buddy_core.royalty.model.terms import Band, Basis
from buddy_core.royalty.rules.pieces.waterfall import run_exactly
from tests.core.royalty.counting import OFTEN
from tests.core.royalty.periods import DECEMBER, NOVEMBER, OCTOBER, steps, world

LAW = settings(max_examples=300, deadline=None)
SEEDS = st.integers(0, 2**64)
START = OCTOBER.period.start
ALL = dict.fromkeys(Model, Fraction(1))
DEALS = (Deal("d1", "film", "studio", ALL, Fraction(3, 4)), Deal("d2", "film", "star", ALL, Fraction(1, 4)))
FEE = Step.of_gross("fee", 20, taker="platform")
DEBT = Step.recoup("debt", 1000, taker="bank")
AGENT = Step.of_remaining("agent", 10, taker="agent")


def film(*its: Step, **more: Any) -> FilmWaterfall:
    """Return a waterfall of the film in rupees."""
    return FilmWaterfall(**{"id": "w", "title": "film", "currency": "INR", "steps": its, **more})


def terms(*its: Step, **more: Any) -> Terms:
    """Return the film's deals and its waterfall."""
    return Terms(DEALS, waterfalls=(film(*its),), **more)


def sold(gross: int, name: str = "s", month: Any = OCTOBER, **more: Any) -> Sale:
    """Return what rentals of the film brought; below zero what went back."""
    paid = Paid(max(0, gross), 0, max(0, -gross))
    values = {"title": "film", "territory": "IN", "currency": "INR", "at": month.period.start, **more}
    return Sale(name, values.pop("model", Model.RENTAL), paid=paid, **values)


def lines_of(result: PeriodResult) -> list[Line]:
    """Return the lines of holders and of the platform."""
    return [line for item in result.statements for line in item.lines] + list(result.platform)


def has(*results: PeriodResult) -> dict[str, Fraction]:
    """Return what everybody has: by the step that takes it, else by the holder."""
    found: dict[str, Fraction] = defaultdict(Fraction)
    for result in results:
        for line in lines_of(result):
            found[line.step or line.holder] += line.amount
    return {name: amount for name, amount in found.items() if amount}


def october(terms_: Terms, *grosses: int, before: Balances | None = None) -> PeriodResult:
    """State a month in which the film sold that much."""
    facts = Facts(sales=tuple(sold(gross, f"s{number}") for number, gross in enumerate(grosses)))
    result = state_period(OCTOBER, terms_, facts, before or Balances())
    assert all(sums.residual == 0 for sums in result.reconciliations)
    return result


def test_a_month_is_what_the_piece_says() -> None:
    """Each step has what `run_waterfall` gives it of the month, and deals share the net profit by part."""
    seen: Counter[str] = Counter()

    @LAW
    @given(SEEDS)
    def law(seed: int) -> None:
        chance = Random(seed)
        # A fixed amount is taken once: what was taken before counts toward it here, and not in the piece.
        its = tuple(
            evolve(step, account=None, taken_before=0 if step.takes is Takes.FIXED else step.taken_before)
            for step in steps(chance)
        )
        gross = chance.randint(1, 4000)
        parts = sorted(chance.randint(0, gross) for _ in range(2))
        rows = (parts[0], parts[1] - parts[0], gross - parts[1])
        found = has(october(terms(*its), *rows))
        wanted = run_waterfall(gross, its, {"studio": 75, "star": 25})
        amounts = {step.step.name: step.taken.exact for step in wanted.steps}
        amounts |= {name: share.exact for name, share in wanted.net_shares.items()}
        assert found == {name: amount for name, amount in amounts.items() if amount}
        seen.update(step.takes.value for step in its if amounts[step.name])

    law()
    assert {takes.value: seen[takes.value] for takes in Takes if seen[takes.value] < OFTEN} == {}


def test_months_are_one_month_of_their_sum() -> None:
    """Over any months, with refunds and months below zero, everybody has what one month of all had given."""
    seen: Counter[str] = Counter()

    @LAW
    @given(SEEDS)
    def law(seed: int) -> None:
        chance = Random(seed)
        its = tuple(evolve(step, account=None) for step in steps(chance))
        amounts = [chance.randint(-800, 1500) for _ in range(chance.randint(2, 4))]
        results, before = [], Balances()
        for amount in amounts:
            results.append(october(terms(*its), amount, before=before))
            before = results[-1].balances
        whole = october(terms(*its), sum(amounts))
        assert has(*results) == has(whole)
        if its:
            assert before.waterfalls == whole.balances.waterfalls
        seen["negative"] += any(amount < 0 for amount in amounts[1:])
        seen["below zero to date"] += amounts[0] < 0 and bool(its)

    law()
    assert min(seen.values()) >= OFTEN


def test_a_step_takes_no_more_than_remains() -> None:
    """Of receipts above zero no step gets less than nothing, and all of them no more than there is."""

    @LAW
    @given(SEEDS)
    def law(seed: int) -> None:
        chance = Random(seed)
        its = tuple(evolve(step, account=None) for step in steps(chance))
        before = october(terms(*its), chance.randint(0, 2000)).balances
        found = has(october(terms(*its), gross := chance.randint(1, 2000), before=before))
        assert all(amount >= 0 for amount in found.values())
        assert sum(found.values()) == gross

    law()


def test_more_receipts_are_nobody_s_loss() -> None:
    """One rupee more takes nothing from any step, nor from the net profits."""

    @LAW
    @given(SEEDS)
    def law(seed: int) -> None:
        chance = Random(seed)
        its, gross = steps(chance), Fraction(chance.randint(-500, 9000), chance.randint(1, 3))
        less, more = (run_exactly(gross + plus, its) for plus in (0, Fraction(chance.randint(1, 300), 7)))
        for one, other in zip(less, more, strict=True):
            assert one.taken <= other.taken
            assert one.left <= other.left

    law()


def test_without_steps_it_changes_nothing() -> None:
    """A waterfall without steps, and one of a title that earned nothing, leave every line as it was."""

    @settings(max_examples=100, deadline=None)
    @given(SEEDS)
    def law(seed: int) -> None:
        found = world(Random(seed))
        bare, before = evolve(found.terms, waterfalls=()), evolve(found.before, waterfalls={})
        titles = {deal.title for deal in bare.deals} | bare.own_titles
        empty = tuple(FilmWaterfall(f"w {title}", title, "USD", ()) for title in sorted(titles))
        idle = FilmWaterfall("idle", "film/idle", "USD", (FEE,))
        more = evolve(bare, waterfalls=(*empty, idle), own_titles=bare.own_titles | {"film/idle"})
        assert state_period(OCTOBER, more, found.facts, before) == state_period(
            OCTOBER, bare, found.facts, before
        )

    law()


def test_other_titles_are_left_alone() -> None:
    """A title without a waterfall has the lines that it has without those of others."""

    @settings(max_examples=100, deadline=None)
    @given(SEEDS)
    def law(seed: int) -> None:
        found = world(Random(seed))
        bare = evolve(found.terms, waterfalls=())
        has_one = {one.title for one in found.terms.waterfalls if one.steps}

        def others(terms_: Terms) -> list[Line]:
            # Tiers and expenses are counted by deal, and no deal is of two titles.
            result = state_period(OCTOBER, terms_, found.facts, found.before)
            return [line for line in lines_of(result) if line.title not in has_one]

        assert others(found.terms) == others(bare)

    law()


def test_a_film_s_three_months() -> None:
    """A fee of the gross, a debt, an agent, and net profits: month by month, with a refund in the third."""
    its = terms(FEE, DEBT, AGENT)
    first = october(its, 1000)
    assert has(first) == {"fee": 200, "debt": 800}
    assert first.balances.waterfalls == {
        "w": WaterfallBalance("film", "INR", Fraction(1000), taken={"fee": 200, "debt": 800, "agent": 0})
    }
    second = october(its, 600, 400, before=first.balances)
    assert has(second) == {"fee": 200, "debt": 200, "agent": 60, "studio": 405, "star": 135}
    third = october(its, -900, before=second.balances)
    assert has(third) == {"fee": -180, "debt": -120, "agent": -60, "studio": -405, "star": -135}
    assert third.balances.waterfalls["w"].received == 1100
    assert third.balances.waterfalls["w"].taken == {"fee": 220, "debt": 880, "agent": 0}


def test_each_row_gives_a_step_the_same_proportion() -> None:
    """Countries and models of one month give the steps their parts evenly, and lines say so."""
    facts = Facts(sales=(sold(300), sold(100, "t", territory="US", model=Model.EST)))
    result = state_period(OCTOBER, terms(DEBT, FEE, AGENT), facts, Balances())
    assert [(line.holder, line.territory, line.net, line.rate, line.amount) for line in lines_of(result)] == [
        ("bank", "IN", 300, 1, 300),
        ("bank", "US", 100, 1, 100),
        *((who, where, 0, 1, 0) for who in ("star", "studio") for where in ("IN", "US")),
    ]
    facts = Facts(sales=(sold(3000), sold(1000, "t", territory="US", model=Model.EST)))
    result = state_period(OCTOBER, terms(DEBT, FEE, AGENT), facts, Balances())
    of_step = [line for line in lines_of(result) if line.step]
    assert {(line.step, line.rate) for line in of_step} == {
        ("debt", Fraction(1, 4)),
        ("fee", Fraction(1, 5)),
        ("agent", Fraction(11, 200)),
    }
    assert [line.amount for line in of_step] == [165, 55, 750, 250, 600, 200]
    assert all(line.deal is None and line.part == 1 and line.base == line.net for line in of_step)
    theirs = [line for line in lines_of(result) if line.deal == "d1"]
    assert [(line.net, line.amount) for line in theirs] == [
        (1485, Fraction(4455, 4)),
        (495, Fraction(1485, 4)),
    ]


def test_countries_and_models_may_have_waterfalls_of_their_own() -> None:
    """A waterfall takes of its countries and models alone; two that meet are refused."""
    east = film(FEE, id="east", territories=("IN",), models=(Model.RENTAL,))
    west = film(AGENT, id="west", territories=("US",))
    facts = Facts(
        sales=(
            sold(100),
            sold(100, "t", territory="US"),
            sold(100, "u", model=Model.EST),
            sold(7, "v", territory="AE"),
        )
    )
    result = state_period(OCTOBER, Terms(DEALS, waterfalls=(east, west)), facts, Balances())
    assert {
        (line.step, line.territory, line.model, line.amount) for line in lines_of(result) if line.step
    } == {
        ("fee", "IN", Model.RENTAL, 20),
        ("agent", "US", Model.RENTAL, 10),
    }
    assert {name: one.received for name, one in result.balances.waterfalls.items()} == {
        "east": 100,
        "west": 100,
    }
    with pytest.raises(TermsProblems) as caught:
        state_period(OCTOBER, Terms(DEALS, waterfalls=(east, evolve(west, territories=("*",)))), facts)
    assert caught.value.problems == (
        "waterfall east and west both take of film in IN by rental; give them different countries or models",
    )


def test_money_of_other_currencies_counts_at_the_stamped_rate() -> None:
    """A cap in rupees is reached by dollars too; each line stays in the currency that the title earned in."""
    rates = (FxRate("USD", "INR", Fraction(80), "bank", START),)
    facts = Facts(sales=(sold(2000), sold(100, "t", currency="USD")), rates=rates)
    result = state_period(OCTOBER, terms(DEBT), facts, Balances())
    assert result.balances.waterfalls["w"].received == 10000
    assert {(line.currency, line.amount) for line in lines_of(result) if line.step} == {
        ("INR", 200),
        ("USD", 10),
    }
    assert all(sums.residual == 0 for sums in result.reconciliations)
    with pytest.raises(TermsProblems) as caught:
        state_period(OCTOBER, terms(DEBT), evolve(facts, rates=()), Balances())
    assert caught.value.problems == (
        "waterfall w: there is no rate from USD to INR; add one with its source and time",
    )


def test_a_taker_is_settled_like_any_holder() -> None:
    """A step's money goes to the account that it names, else the taker's own, and may recoup an advance."""
    account = Account("bank-main", "bank", "INR", advance=300)
    named = evolve(DEBT, account="bank-main")
    result = october(terms(named, AGENT, accounts=(account,)), 2000)
    by_name = {item.holder: item for item in result.statements}
    bank, agent = by_name["bank"], by_name["agent"]
    assert [(item.account, item.payable) for item in bank.settlements] == [("bank-main", 700)]
    assert [(item.account, item.payable) for item in agent.settlements] == [("agent:INR", 100)]


def test_a_fixed_amount_is_taken_once() -> None:
    """A fixed step has its amount over the life of the film, less what was taken before."""
    fixed = Step.fixed("prints", 500, taker="lab", taken_before=100)
    first = october(terms(fixed), 300)
    assert has(first) == {"prints": 300}
    second = october(terms(fixed), 300, before=first.balances)
    assert has(second)["prints"] == 100
    assert "prints" not in has(october(terms(fixed), 300, before=second.balances))
    assert has(october(terms(evolve(fixed, cap=250)), 300))["prints"] == 150


def test_tiers_of_net_count_what_the_steps_left() -> None:
    """A deal's tiers of units and gross count as ever, and those of net what its waterfall left."""
    bands = (Band(0, 100, Fraction(1)), Band(100, None, Fraction(0)))
    found = {}
    for basis in Basis:
        deal = Deal("d", "film", "studio", {"rental": Tiers(bands, basis)}, account="studio:INR")
        account = Account("studio:INR", "studio", "INR")
        made = Terms((deal,), (account,), waterfalls=(film(Step.of_gross("fee", 50, taker="platform")),))
        found[basis] = has(october(made, 200))["studio"]
    assert found == {Basis.UNITS: 100, Basis.GROSS: 50, Basis.NET: 100}


def test_steps_that_change_begin_anew_from_then_on() -> None:
    """What was taken stays taken; a new debt takes of what comes next, a raised cap what it is raised by."""
    capped = Step.of_gross("costs", 50, cap=100, taker="lab")
    first = october(terms(capped), 1000)
    assert has(first)["costs"] == 100
    # As if it had always been so, it would have taken 50 more then, and would never get it.
    raised = terms(evolve(capped, cap=150))
    second = october(raised, 60, before=first.balances)
    assert has(second)["costs"] == 30
    third = october(raised, 1000, before=second.balances)
    assert has(third)["costs"] == 20
    late = terms(evolve(capped, cap=150), DEBT)
    assert has(october(late, 1500, before=third.balances)) == {"debt": 1000, "studio": 375, "star": 125}
    gone = october(terms(AGENT), 100, before=third.balances)
    assert gone.balances.waterfalls["w"].taken == {"costs": 150, "agent": 10}
    assert gone.balances.waterfalls["w"].before == {"costs": 150}
    back = october(raised, 100, before=gone.balances)
    assert "costs" not in has(back)


def test_a_change_that_touches_nothing_of_before_goes_on() -> None:
    """A debt that is raised before it is repaid, or a step that would have had nothing, just goes on."""
    first = october(terms(FEE, DEBT), 500)
    more = october(terms(FEE, evolve(DEBT, amount=2000)), 500, before=first.balances)
    assert more.balances.waterfalls["w"].since == 0
    assert has(more) == {"fee": 100, "debt": 400}
    assert has(october(terms(FEE, DEBT, AGENT), 500, before=first.balances)) == {"fee": 100, "debt": 400}


def test_below_zero_to_date_is_with_the_deals() -> None:
    """While a film has received less than nothing no step has anything, and it is made good first."""
    first = october(terms(FEE, DEBT), -400)
    assert has(first) == {"studio": -300, "star": -100}
    second = october(terms(FEE, DEBT), 900, before=first.balances)
    assert has(second) == {"fee": 100, "debt": 400, "studio": 300, "star": 100}
    changed = october(terms(AGENT), 500, before=first.balances)
    assert has(changed) == {"agent": 10, "studio": Fraction(735, 2), "star": Fraction(245, 2)}


def test_a_waterfall_that_is_gone_is_carried_on() -> None:
    """Where it stands stays in the balances, so that it goes on when it is set again."""
    first = october(terms(FEE, DEBT), 500)
    without = october(Terms(DEALS), 500, before=first.balances)
    assert without.balances.waterfalls == first.balances.waterfalls
    assert has(october(terms(FEE, DEBT), 500, before=without.balances)) == {"fee": 100, "debt": 400}


def test_what_comes_late_runs_through_the_steps_of_its_month() -> None:
    """A late receipt or refund adjusts steps and net profits by its month's terms, as if in time."""
    then, now = terms(FEE, DEBT), terms(DEBT, AGENT)
    first = october(then, 1000)
    facts = Facts(sales=(sold(700, "n", NOVEMBER),))
    late = Facts(sales=(sold(600, "l"),))
    past = [Past(OCTOBER, then, Facts(sales=(sold(1000, "s0"),)), late)]
    result = state_with_late(NOVEMBER, now, facts, first.balances, past, Balances())
    adjusted = {(line.step or line.holder): line.amount for line in lines_of(result) if line.adjusts}
    assert adjusted == {"fee": 120, "debt": 200, "studio": 210, "star": 70}
    in_time = october(then, 1000, 600)
    after = state_period(NOVEMBER, now, facts, in_time.balances)
    assert has(first, result) == has(in_time, after)
    assert result.balances.waterfalls == after.balances.waterfalls
    [line] = [line for line in lines_of(result) if line.adjusts and line.step == "debt"]
    assert "by the step debt of the waterfall w: 2.00 INR" in explain(line)
    # The fee is in no terms of November, and still its adjustment reaches the platform.
    account = Account("bank-main", "bank", "INR")
    moved = evolve(DEBT, account="bank-main")
    past = [Past(OCTOBER, terms(FEE, moved, accounts=(account,)), Facts(sales=(sold(1000, "s0"),)), late)]
    result = state_with_late(NOVEMBER, terms(AGENT), facts, first.balances, past, Balances())
    [bank] = [item for item in result.statements if item.holder == "bank"]
    assert [share.account for share in bank.shares] == ["bank-main"]


def test_a_month_between_is_restated_too() -> None:
    """What comes late of the first of two closed months moves on what the second one's steps took."""
    its = terms(DEBT, AGENT)
    facts = {
        month.name: Facts(sales=(sold(800, f"s{month.name}", month),))
        for month in (OCTOBER, NOVEMBER, DECEMBER)
    }
    late = Facts(sales=(sold(300, "late"),))
    one = state_period(OCTOBER, its, facts["2026-10"])
    two = state_period(NOVEMBER, its, facts["2026-11"], one.balances)
    past = [Past(OCTOBER, its, facts["2026-10"], late), Past(NOVEMBER, its, facts["2026-11"], Facts())]
    three = state_with_late(DECEMBER, its, facts["2026-12"], two.balances, past, Balances())
    assert has(one, two, three) == has(october(its, 2700))
    assert {line.adjusts for line in lines_of(three)} == {"", "2026-10", "2026-11"}


def test_other_steps_are_tried_on_a_month() -> None:
    """`simulate` says who would have more by a waterfall, and by another one."""
    facts = Facts(sales=(sold(1000),))
    found = simulate(OCTOBER, Terms(DEALS), facts, Balances(), other_terms=terms(FEE, AGENT))
    assert {item.holder: item.change for item in found.differences} == {
        "agent": 80,
        "platform": 200,
        "star": -70,
        "studio": -210,
    }


def test_a_line_of_a_step_says_where_it_comes_from() -> None:
    """Its words name the step, what it takes, and all to date; a deal's words say what is left."""
    its = terms(
        Step.of_gross("exhibitors", 25, cap=60_000, taker="halls"),
        Step.premium("equity", 30_000, 120, taker="investor"),
        evolve(AGENT, percent=Fraction(100, 3)),
        Step.fixed("deferral", 9_000, taker="director"),
    )
    first = october(its, 100_000)
    second = october(its, 100_000, before=first.balances)
    said = {line.step or line.holder: explain(line) for line in lines_of(second)}
    assert said["exhibitors"] == (
        "Rentals of film in IN took 1000.00 INR. The step exhibitors of the waterfall w "
        "takes 25 % of all that is received, 600.00 INR at most, for halls: of 2000.00 INR received to "
        "date it has 500.00 INR; before, of 1000.00 INR, it had 250.00 INR. The difference makes 25 % of "
        "what the month brought: 250.00 INR. Rule royalty/1; nothing was rounded here, the statement "
        "rounds once."
    )
    assert "takes 1/3 (about 33.3333 %) of what remains, 1140.00 INR to date, for agent" in said["agent"]
    assert "equity" not in said
    words = {line.step: explain(line) for line in lines_of(first)}
    assert (
        "takes 120 % of 300.00 INR, for investor: of 1000.00 INR received to date it has 360.00 INR"
        in words["equity"]
    )
    assert "takes 90.00 INR, for director" in words["deferral"]
    assert "1000.00 INR. The steps of the waterfall w leave 50 % of that: 500.00 INR." in said["studio"]
    assert "studio owns 75 %: 375.00 INR." in said["studio"]


def test_a_step_stands_in_text_and_csv() -> None:
    """The page and the CSV name a line's step, and the account it is settled in."""
    account = Account("bank-main", "bank", "INR")
    its = terms(evolve(DEBT, account="bank-main"), AGENT, accounts=(account,))
    result = october(its, 2000)
    text = statements_text(OCTOBER, result)
    assert f"  {'film IN rental (debt)':<48}{'INR 10.00':>20}\n" in text
    rows = [line.split(",") for line in statements_csv(result, its).splitlines()]
    place = {name: number for number, name in enumerate(rows[0])}
    found = [
        [row[place[name]] for name in ("holder", "account", "step", "amount")]
        for row in rows
        if row[0] == "line"
    ]
    assert found[:2] == [["agent", "agent:INR", "agent", "100"], ["bank", "bank-main", "debt", "1000"]]
    assert found[2][2] == ""


@pytest.mark.parametrize(
    ("waterfall", "told"),
    [
        (
            film(id="w", title="flim"),
            "waterfall w is of flim, which has no deal; correct the name, add a deal, or ",
        ),
        (
            film(currency="RUPEES"),
            "waterfall w: 'RUPEES' is no currency; write an ISO 4217 code, such as INR",
        ),
        (
            film(evolve(FEE, taker=None)),
            "waterfall w: step fee has no taker; write a holder's name, or platform",
        ),
        (
            film(evolve(FEE, taker="fund")),
            "waterfall w: step fee: no holder may be called fund; write platform, or another name",
        ),
        (
            film(evolve(FEE, account="bank-main")),
            "waterfall w: step fee is the platform's, which has no account; leave the account out",
        ),
        (
            film(evolve(DEBT, account="other")),
            "waterfall w: step debt names the account other, which is not in the terms; add it",
        ),
        (
            film(evolve(AGENT, account="bank-main")),
            "waterfall w: step agent of agent names the account bank-main, which is bank's; ",
        ),
        (film(FEE, FEE), "waterfall w: step 2 (fee) has the name of an earlier step"),
        (film(evolve(FEE, percent=101)), "waterfall w: step 1 (fee) takes 101 percent; write from 0 to 100"),
        (
            film(evolve(DEBT, amount=None)),
            "waterfall w: step 1 (debt) has no amount; write how much it takes",
        ),
        (film(evolve(DEBT, amount=-1)), "waterfall w: step 1 (debt): amount is -1; write 0 or more"),
    ],
)
def test_what_no_waterfall_can_be_is_refused(waterfall: FilmWaterfall, told: str) -> None:
    """Each problem names the waterfall and the step, and says what to write."""
    made = Terms(DEALS, (Account("bank-main", "bank", "INR"),), waterfalls=(waterfall,))
    with pytest.raises(TermsProblems) as caught:
        october(made, 1000)
    assert [problem[: len(told)] for problem in caught.value.problems] == [told]


def test_names_and_currencies_stay() -> None:
    """Two waterfalls of one id are refused, and one whose receipts are carried in another currency."""
    with pytest.raises(TermsProblems) as caught:
        october(Terms(DEALS, waterfalls=(film(territories=("IN",)), film(territories=("US",)))), 1000)
    assert caught.value.problems == ("two waterfalls are called w; give one another id",)
    before = Balances(waterfalls={"w": WaterfallBalance("film", "USD", Fraction(5))})
    with pytest.raises(TermsProblems) as caught:
        october(terms(FEE), 1000, before=before)
    assert caught.value.problems == (
        "waterfall w is in INR, and what it has received is carried in USD; leave its currency, or give it "
        "another id",
    )


def test_a_waterfall_of_no_model_is_none() -> None:
    """The models of a waterfall are some or all."""
    with pytest.raises(InvalidValue, match="models: is empty; name some, or leave it out for all"):
        film(FEE, models=())


def test_fractions_of_a_pool_are_stated_kept_and_said() -> None:
    """A waterfall takes of a title's part of a pool as well, and what is kept of it is read and explained."""
    chance = Random(1)
    facts = Facts(
        subscriptions=tuple(
            SubscriptionRevenue(f"s{one}", "gold", "IN", "INR", Paid(29900), f"u{one}") for one in range(99)
        ),
        watch=tuple(
            Watch(f"u{one}", title, "IN", chance.randint(1, 90_000), "gold")
            for one in range(99)
            for title in ("film", "other")
        ),
    )
    pool = PoolRule("*", PoolMethod.USER_CENTRIC)
    late = Step.of_gross("late fee", 5, taker="platform")
    made = terms(FEE, late, DEBT, AGENT, pools=(pool,), own_titles=None)
    first = state_period(OCTOBER, made, facts)
    assert first.balances.waterfalls["w"].received.denominator > 10**9
    assert all(sums.residual == 0 for sums in first.reconciliations)
    text = closing_json(OCTOBER, first)
    later = {"month": {"name": "2026-11", "entity": "thaja", "zone": OCTOBER.zone}}
    document = Document("terms.json", json.dumps(later).encode())
    assert read_input(document, [], Document("closing.json", text.encode())).before == first.balances
    for body in statement_bodies(OCTOBER, first).values():
        kept = read_platform(body) if b'"fund"' in body else read_statement(body)
        for line in kept.lines:
            assert len(explain(line)) < 1_000


def test_what_a_step_had_before_is_told() -> None:
    """What it had before there was a waterfall, and since when its steps are what they are."""
    loan = Step.recoup("loan", 5_000, 2_000, taker="bank")
    first = october(terms(loan), 10_000)
    [line] = [line for line in lines_of(first) if line.step]
    assert (line.amount, line.inputs["taken_before"]) == (3_000, 2_000)
    assert (
        "takes 50.00 INR, and had 20.00 INR before there was a waterfall here, for bank: of 100.00"
        in explain(line)
    )
    more = october(terms(Step.of_gross("loan", 25, taker="bank")), 10_000, before=first.balances)
    [line] = [line for line in lines_of(more) if line.step]
    assert (line.amount, line.inputs["since"]) == (2_500, 10_000)
    assert "25 % of all that is received, counted since 100.00 INR was received, when the steps" in explain(
        line
    )


def test_a_step_that_took_nothing_may_go_without_beginning_anew() -> None:
    """A refund after it is gone goes back to the steps that had taken, as if it had never been there."""
    steps = (Step.of_gross("fee", 20, taker="f"), Step.recoup("debt", 1_000, taker="b"))
    agent = Step.of_remaining("agent", 10, taker="g")
    first = october(terms(*steps, agent), 1_000)
    second = october(terms(*steps), -500, before=first.balances)
    assert {line.step or line.holder: line.amount for line in lines_of(second) if line.amount} == {
        "fee": -100,
        "debt": -400,
    }


@pytest.mark.parametrize(
    ("name", "title", "said"),
    [
        (
            "v",
            "film",
            "waterfall v is new, and what film has received is carried by waterfall w; keep its id",
        ),
        (
            "w",
            "other",
            "waterfall w is of other, and what is carried under its name is of film; give it another id",
        ),
    ],
)
def test_a_waterfall_keeps_its_id(name: str, title: str, said: str) -> None:
    """Under another it would recoup once more, and another title would go on with what is not its."""
    first = october(terms(DEBT), 1_000)
    others = Terms(
        (Deal("d", "film", "studio", {"rental": 1}), Deal("e", "other", "studio", {"rental": 1})),
        waterfalls=(FilmWaterfall(name, title, "INR", (DEBT,)),),
    )
    with pytest.raises(TermsProblems) as refused:
        october(others, 1_000, before=first.balances)
    assert said in refused.value.problems


@pytest.mark.parametrize("taker", ["Platform", "PLATFORM", "Fund"])
def test_nobody_is_called_almost_as_the_platform(taker: str) -> None:
    """It would be a holder, who is paid."""
    with pytest.raises(TermsProblems, match="no holder may be called"):
        october(terms(evolve(DEBT, taker=taker)), 1_000)
    deal = Deal("d", "film", taker, {"rental": 1})
    with pytest.raises(TermsProblems, match="no holder may be called"):
        october(Terms((deal,)), 1_000)


def test_where_each_waterfall_stands_is_printed() -> None:
    """For who sees all: what came in, each step, and what is left."""
    text = statements_text(OCTOBER, october(terms(DEBT, AGENT), 2_000))
    rows = [("received", "20.00"), ("debt", "-10.00"), ("agent", "-1.00"), ("left for the deals", "9.00")]
    table = "".join(f"  {name:<48}{f'INR {amount}':>20}\n" for name, amount in rows)
    assert text.endswith(f"\n\nWaterfall w of film to date, INR\n{table}")
    assert "Waterfall" not in statements_text(OCTOBER, october(terms(DEBT), 2_000), holder="bank")
