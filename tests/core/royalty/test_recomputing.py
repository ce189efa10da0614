"""Whoever has a statement and nothing else comes to its amounts: from JSON, from CSV, and in words."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buddy_core.royalty import (
    AdRevenue,
    Balances,
    DealBalance,
    Expense,
    Facts,
    FxRate,
    Model,
    Paid,
    PeriodResult,
    PoolPart,
    Sale,
    SharedPool,
    Terms,
    TokenUse,
    Watch,
    explain,
    reconciliation_csv,
    result_json,
    statements_csv,
    statements_text,
)
from buddy_core.royalty.model.terms import (
    Account,
    Band,
    Guarantee,
    PoolRule,
    Reserve,
    Tiers,
    Withholding,
)
from buddy_core.royalty.rules.stating import state_period
from tests.core.royalty.periods import NOVEMBER, OCTOBER, world
from tests.core.royalty.test_period_cases import deal, paid_for, sale

LAW = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
TAKEN = ("tax", "refund", "chargeback", "gateway_fee")
TIERS = Tiers((Band(0, 10, Fraction(2, 5)), Band(10, None, Fraction(1, 2))))


def net_of(inputs: Mapping[str, Any]) -> Fraction:
    """Work out what a title netted, with what its line carries."""

    def number(name: str) -> Fraction:
        return Fraction(inputs[name])

    if "gross" in inputs:
        return number("gross") - sum((number(name) for name in TAKEN), Fraction(0))
    if "value" in inputs:
        return number("value")
    if "count" in inputs:
        return number("pool_net") * number("count") / number("of")
    own = Fraction(inputs.get("own", inputs.get("pool_part", 0)))
    if "seconds" not in inputs:
        return own
    all_of_it = 0 if "pool_part" in inputs else number("pool_net")
    to_all = number("to_all") if "to_all" in inputs else all_of_it
    return own + to_all * number("seconds") / number("pool_seconds")


def rate_of(inputs: Mapping[str, Any]) -> Fraction:
    """Work out what tiers come to, band by band."""
    numbers = [name.split("_")[1] for name in inputs if name.endswith("_counted")]
    pieces = {number: Fraction(inputs[f"band_{number}_counted"]) for number in numbers}
    rates = {number: Fraction(inputs[f"band_{number}_rate"]) for number in numbers}
    now = Fraction(inputs["tier_now"])
    assert sum(pieces.values()) == now
    return (
        sum((pieces[name] * rates[name] for name in numbers), Fraction(0)) / now
        if now
        else rates.popitem()[1]
    )


def check(line: Mapping[str, Any], inputs: Mapping[str, Any], is_platform: bool) -> None:
    """Come to a line's amount by what it carries."""
    figures = {name: Fraction(line[name]) for name in ("net", "part", "fee", "expenses", "base", "rate")}
    assert net_of(inputs) * Fraction(inputs.get("left", 1)) == figures["net"]
    own = figures["net"] * figures["part"]
    if "step" in inputs:
        taken = Fraction(inputs["taken"]) - Fraction(inputs["opening_taken"])
        assert figures["rate"] == taken / (
            Fraction(inputs["received"]) - Fraction(inputs["opening_received"])
        )
        assert (figures["base"], Fraction(line["amount"])) == (own, own * figures["rate"])
        return
    if is_platform:
        assert Fraction(line["amount"]) == own - Fraction(inputs.get("holder_has", 0))
        return
    expenses = Fraction(0)
    if "expenses_now" in inputs:
        expenses = (
            (own - figures["fee"]) * Fraction(inputs["expenses_now"]) / Fraction(inputs["expenses_from"])
        )
    assert figures["expenses"] == expenses
    if "tier_now" in inputs:
        assert figures["rate"] == rate_of(inputs)
    assert figures["base"] == own - figures["fee"] - expenses
    assert Fraction(line["amount"]) == figures["base"] * figures["rate"]


@LAW
@given(st.integers(0, 2**64))
def test_every_line_can_be_recomputed_from_what_it_carries(seed: int) -> None:
    """Net, tiers, expenses and amount of each line follow from its own figures, in JSON and in CSV."""
    found = world(Random(seed))
    result = state_period(OCTOBER, found.terms, found.facts, found.before)
    written = json.loads(result_json(OCTOBER, result))
    for statement in written["statements"]:
        for line in statement["lines"]:
            check(line, line["inputs"], is_platform=False)
    for line in written["platform"]:
        check(line, line["inputs"], is_platform=True)
    for row in csv.DictReader(io.StringIO(statements_csv(result, found.terms), newline="")):
        if row["row"] == "line":
            check(row, json.loads(row["inputs"]), is_platform=False)
    for one in result.statements:
        for line_ in one.lines:
            explain(line_)


@LAW
@given(st.integers(0, 2**64))
def test_what_reaches_an_account_follows_from_the_rate_on_it(seed: int) -> None:
    """Where currencies change, the statement has the rate with its source and time; nowhere else."""
    found = world(Random(seed))
    result = state_period(OCTOBER, found.terms, found.facts, found.before)
    accounts = {account.id: account.currency for account in found.terms.accounts}
    for statement in result.statements:
        for share in statement.shares:
            to = accounts.get(share.account, statement.currency)
            assert (share.fx is None) == (to == statement.currency)
            if share.fx is not None:
                assert {share.fx.base, share.fx.quote} == {to, statement.currency}
                assert (share.fx.source, share.fx.at) == ("central bank", OCTOBER.period.start)


def stated(terms: Terms, facts: Facts, before: Balances | None = None) -> PeriodResult:
    """Return an October."""
    return state_period(OCTOBER, terms, facts, before or Balances())


def test_tiers_say_what_was_counted_before_and_what_is_in_each_band() -> None:
    """Eight before and five now: two at 40 %, three at 50 %, so 46 % of all five."""
    terms = Terms((deal(rates={"rental": TIERS}),))
    five = Sale("s", Model.RENTAL, "a", "IN", "INR", Paid(1_000), OCTOBER.period.start, units=5)
    before = Balances(deals={"d": DealBalance({Model.RENTAL: Fraction(8)})})
    [line] = stated(terms, Facts(sales=(five,)), before).statements[0].lines
    assert (line.rate, line.inputs["tier_before"], line.inputs["tier_now"]) == (Fraction(46, 100), 8, 5)
    said = explain(line)
    for piece in ("8 before and 5 now", "2 at 40 % (over 0 up to 10)", "3 at 50 % (over 10)", "46 %"):
        assert piece in said


def test_many_bands_are_counted_from_one() -> None:
    """Of twelve bands of one unit each, twelve units are in each one."""
    bands = [Band(number, number + 1, Fraction(1, number + 1)) for number in range(11)]
    tiers = Tiers((*bands, Band(11, None, Fraction(1, 12))))
    twelve = Sale("s", Model.RENTAL, "a", "IN", "INR", Paid(1_200), OCTOBER.period.start, units=12)
    [line] = stated(Terms((deal(rates={"rental": tiers}),)), Facts(sales=(twelve,))).statements[0].lines
    assert [line.inputs[f"band_{number}_rate"] for number in range(1, 13)] == [
        Fraction(1, number) for number in range(1, 13)
    ]
    assert {line.inputs[f"band_{number}_counted"] for number in range(1, 13)} == {1}
    assert line.rate == rate_of(line.inputs)


def test_returns_say_which_bands_they_leave() -> None:
    """Twelve before and five back: two leave the second band, three the first."""
    terms = Terms((deal(rates={"rental": TIERS}),))
    back = Sale("s", Model.RENTAL, "a", "IN", "INR", Paid(refund=1_000), OCTOBER.period.start, units=-5)
    before = Balances(deals={"d": DealBalance({Model.RENTAL: Fraction(12)})})
    [line] = stated(terms, Facts(sales=(back,)), before).statements[0].lines
    assert (line.inputs["band_1_counted"], line.inputs["band_2_counted"]) == (-3, -2)
    assert line.rate == Fraction(-3 * 2 - 2 * Fraction(5, 2), -25) == rate_of(line.inputs)


def test_tiers_of_money_are_told_in_major_units() -> None:
    """A band up to 10000 paise is said to end at 100.00 INR."""
    tiers = Tiers((Band(0, 10_000, Fraction(1, 3)), Band(10_000, None, Fraction(1, 2))), basis="gross")
    [line] = stated(Terms((deal(rates={"rental": tiers}),)), Facts(sales=(sale(15_000),))).statements[0].lines
    said = explain(line)
    assert "100.00 INR at 1/3 (about 33.3333 %) (over 0.00 INR up to 100.00 INR)" in said
    assert "50.00 INR at 50 % (over 100.00 INR)" in said


def test_expenses_say_what_was_laid_out_the_cap_and_what_was_taken_before() -> None:
    """500 laid out, at most 300 of it, 100 taken before: 200 is taken now."""
    terms = Terms((deal(expense_cap=30_000),))
    facts = Facts(sales=(sale(100_000),), expenses=(Expense("x", "d", 20_000),))
    before = Balances(deals={"d": DealBalance({}, 30_000, Fraction(10_000))})
    [line] = stated(terms, facts, before).statements[0].lines
    assert line.expenses == 20_000
    said = explain(line)
    for piece in (
        "500.00 INR were laid out",
        "300.00 INR may be",
        "100.00 INR was taken back before",
        "200.00 INR is now",
    ):
        assert piece in said


def test_silent_money_is_told_with_its_rule() -> None:
    """A sleeper's money stands in the reconciliation with its rule, and in the line it went to."""
    rule = PoolRule(method="user_centric", silent="pool")
    facts = Facts(
        subscriptions=paid_for(x=1_000, y=500, z=70_000),
        watch=(
            Watch("x", "a", "IN", 10, "gold"),
            Watch("x", "b", "IN", 30, "gold"),
            Watch("y", "a", "IN", 60, "gold"),
        ),
    )
    terms = Terms((deal(), deal("e", "b")), pools=(rule,))
    result = stated(terms, facts)
    [pool] = result.pools
    assert (pool.silent, pool.silent_accounts) == (Fraction(70_000), 1)
    text = statements_text(OCTOBER, result)
    note = "1 account paid 700.00 INR and watched nothing that counts; by the rule silent = pool"
    assert note in text
    assert note in reconciliation_csv(result)
    line = next(line for line in result.statements[0].lines if line.title == "a")
    assert (line.inputs["accounts"], line.inputs["accounts_paid"], line.inputs["own"]) == (2, 1_500, 750)
    assert (line.inputs["to_all"], line.inputs["seconds"], line.inputs["pool_seconds"]) == (70_000, 70, 100)
    assert "2 accounts that watched it paid 15.00 INR; its parts of that come to 7.50 INR" in explain(line)


def test_seconds_that_lead_nowhere_are_not_told() -> None:
    """Where every account's money goes by its own seconds, a line has none of all seconds."""
    rule = PoolRule(method="user_centric")
    facts = Facts(subscriptions=paid_for(x=1_000), watch=(Watch("x", "a", "IN", 10, "gold"),))
    [line] = stated(Terms((deal(),), pools=(rule,)), facts).statements[0].lines
    assert "seconds" not in line.inputs
    assert "10 of 10" not in explain(line)


def test_no_line_tells_of_no_seconds_at_all() -> None:
    """A pool that was shared elsewhere, by rows that counted nothing, has no '0 of 0 seconds'."""
    part = PoolPart("a", amount=Fraction(5), counted=Fraction(0))
    pool = SharedPool("p", "gold", "IN", "INR", Paid(1_000), "pro_rata", (part,), 995)
    [line] = stated(Terms((deal(),)), Facts(pools=(pool,))).statements[0].lines
    assert not {"seconds", "pool_seconds", "to_all"} & set(line.inputs)
    assert "0 of 0" not in explain(line)


def test_the_notes_of_a_settlement_are_in_major_units_and_percent() -> None:
    """Rates, minimums, thresholds, reserves and advances read as an accountant writes them."""
    account = Account(
        "A",
        "h",
        "INR",
        advance=300_000,
        guarantees=(Guarantee(400_000, OCTOBER.period.start, NOVEMBER.period.start),),
        reserve=Reserve(Fraction(9, 50), 3),
        threshold=11_447,
        withholding=(Withholding(Fraction(1, 10), OCTOBER.period.start, "IN:194J"),),
    )
    terms = Terms((deal(account="A"),), (account,))
    usd = Sale("u", Model.RENTAL, "a", "IN", "USD", Paid(1_000), OCTOBER.period.start)
    fx = FxRate("USD", "INR", Fraction(665, 8), "RBI", datetime(2026, 10, 31, tzinfo=UTC))
    result = stated(terms, Facts(sales=(sale(100_000), usd), rates=(fx,)))
    text = statements_text(OCTOBER, result)
    for note in (
        "1000.00 INR + 10.00 USD = 831.25 INR at 1 USD = 83.125 INR (RBI, 2026-10-31 00:00 UTC)",
        "18 % for 3 months",
        "minimum 4000.00 INR, of which 1831.25 INR was earned",
        "advance 3000.00 INR, 0.00 INR recouped before",
        "IN:194J 10 %",
    ):
        assert note in text
    small = stated(terms, Facts(sales=(sale(1_000),)), Balances())
    assert "minimum 4000.00 INR, of which 10.00 INR was earned" in statements_text(OCTOBER, small)
    below = Terms((deal(account="A"),), (Account("A", "h", "INR", threshold=11_447),))
    assert "paid from 114.47 INR on" in statements_text(OCTOBER, stated(below, Facts(sales=(sale(1_000),))))


def test_the_fund_is_a_line_with_what_came_in_and_what_it_gave() -> None:
    """A deficit has a minus sign, and beside it stands what it is the difference of."""
    spend = TokenUse("t", "a", "IN", "bonus", 9, 1, "INR", Fraction(1998, 2), OCTOBER.period.start)
    ads = AdRevenue("r", "IN", "INR", Paid(500), is_rewarded=True)
    result = stated(Terms((deal(),)), Facts(tokens=(spend,), ads=(ads,)))
    text = statements_text(OCTOBER, result)
    assert "Token fund: 5.00 INR in, less 9.99 INR of value attributed, is a deficit of -4.99 INR." in text
    assert "deficit of the token fund, put in by the platform" in text
    [row] = csv.DictReader(io.StringIO(reconciliation_csv(result)))
    assert (row["fund_in"], row["fund_attributed"], row["fund"]) == ("500", "999", "-499")


def test_tax_no_longer_owed_is_added_and_a_refund_says_of_when() -> None:
    """No line says 'less -18.00 INR', nor that 10.00 INR is 10.00 INR."""
    sold = datetime(2026, 8, 3, tzinfo=UTC)
    back = Sale(
        "r",
        Model.RENTAL,
        "a",
        "IN",
        "INR",
        Paid(refund=11_800, tax=-1_800),
        OCTOBER.period.start,
        sold_at=sold,
    )
    one, other = stated(Terms((deal(),)), Facts(sales=(sale(1_000), back))).statements[0].lines
    said = f"{explain(one)} {explain(other)}"
    assert (
        "Refunds of rentals of a in IN in 2026-08 took 0.00 INR, less 118.00 INR refunds, plus 18.00 INR tax"
        in said
    )
    assert "Rentals of a in IN took 10.00 INR." in said
    assert "-18.00" not in said
