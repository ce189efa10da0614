"""Months of token spends and refunds: by the terms of the spend, exact, and rounded once."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import EntityId, EntryId, InvalidValue, Rounding, round_fraction
from buddy_core.kernel.territories import Territories
from buddy_core.royalty import (
    Deal,
    Facts,
    HolderStatement,
    Line,
    Model,
    PeriodResult,
    Terms,
    TermsProblems,
    TokenSpend,
    TokenUse,
    state_period,
)
from tests.contracts.cases import title, uid
from tests.core.royalty.periods import NOVEMBER, OCTOBER

START = NOVEMBER.period.start
TICK = timedelta(microseconds=1)


def use(number: int, tokens: int = 2, **changes: Any) -> TokenUse:
    """Return bought tokens worth 50 cents each, spent on the film in November."""
    values: dict[str, Any] = {
        "id": f"t{number}",
        "title": "film",
        "territory": "US",
        "kind": "paid",
        "tokens": tokens,
        "version": 1,
        "currency": "USD",
        "value": Fraction(50) * tokens,
        "at": START + timedelta(hours=number),
    }
    return TokenUse(**{**values, **changes})


def back(spent: TokenUse, at: datetime | None = None, **changes: Any) -> TokenUse:
    """Return the fact that takes a spend back: at the end of November, where nothing else is said."""
    values: dict[str, Any] = {
        "id": f"{spent.id}-back",
        "tokens": -spent.tokens,
        "value": -spent.value,
        "at": at or NOVEMBER.period.end - TICK,
        "spent_at": spent.at,
    }
    return evolve(spent, **{**values, **changes})


def deal(holder: str, rate: Fraction = Fraction(3, 5), **changes: Any) -> Deal:
    """Return a deal on the film, worldwide, of a holder who owns all of it."""
    values: dict[str, Any] = {"id": f"d-{holder}", "title": "film", "rates": {Model.TOKENS: rate}}
    return Deal(holder=holder, **{**values, **changes})


def halves(first: Fraction, second: Fraction) -> Terms:
    """Return terms of two holders who own half of the film each."""
    part = Fraction(1, 2)
    return Terms((deal("anna", first, part=part), deal("bela", second, part=part)))


def stated(terms: Terms, *uses: TokenUse) -> PeriodResult:
    """Return November."""
    return state_period(NOVEMBER, terms, Facts(tokens=uses))


def earned(result: PeriodResult) -> dict[str, int]:
    """Return what each holder has in whole cents, and the platform."""
    return {item.holder: item.earned for item in result.statements} | {
        "platform": sum(item.platform for item in result.reconciliations)
    }


def lines(result: PeriodResult) -> list[Line]:
    """Return the holders' lines."""
    return [line for item in result.statements for line in item.lines]


def test_only_a_refund_says_when_it_was_spent() -> None:
    """A spend with another instant, and tokens taken back without one, are no facts."""
    spend = TokenSpend(
        EntryId(uid(1)), "paid", 2, 1, "USD", Fraction(100), title(1), EntityId("thaja"), "US", START
    )
    for fact in (spend, use(1)):
        with pytest.raises(InvalidValue, match="spent_at"):
            evolve(fact, spent_at=START)
        with pytest.raises(InvalidValue, match="spent_at"):
            evolve(fact, tokens=-2)
    assert evolve(spend, tokens=-2, spent_at=START - TICK).terms_at == START - TICK


def test_a_month_is_shared_by_its_terms() -> None:
    """Three tokens at 50 cents with a rate of 60 %: 90 to the holder, 60 to the platform, no rounding."""
    result = stated(Terms((deal("anna"),)), use(1, 2), use(2, 1))
    assert earned(result) == {"anna": 90, "platform": 60}
    [line] = lines(result)
    assert (line.inputs["tokens"], line.net, line.rate, line.amount) == (3, 150, Fraction(3, 5), 90)
    [whole] = result.reconciliations
    assert (whole.stamped, whole.rounding, whole.residual) == (150, 0, 0)


def test_a_month_is_rounded_half_up_once() -> None:
    """An exact month of 12.5 becomes 13, and the half stands there as rounding."""
    result = stated(
        Terms((deal("anna", Fraction(1, 2)),)),
        use(1, 1, value=Fraction(25, 4)),
        use(2, 1, value=Fraction(25, 4), version=2),
    )
    assert sum(earned(result).values()) == 13
    assert (result.reconciliations[0].stamped, result.reconciliations[0].rounding) == (
        Fraction(25, 2),
        Fraction(1, 2),
    )


def test_a_tie_goes_to_the_smaller_amount_then_name_platform_last() -> None:
    """A spare cent between equal fractions goes to the smaller amount, then name, the platform last."""
    thirds = halves(Fraction(2, 3), Fraction(2, 3))
    assert earned(stated(thirds, use(1, 1, value=Fraction(100)))) == {
        "anna": 34,
        "bela": 33,
        "platform": 33,
    }
    assert earned(stated(thirds, use(1, 1, value=Fraction(101)))) == {
        "anna": 34,
        "bela": 34,
        "platform": 33,
    }
    uneven = halves(Fraction(1), Fraction(3, 4))
    # 2, 1.5 and 0.5: of two equal remainders the smaller amount is next, here the platform's.
    assert earned(stated(uneven, use(1, 1, value=Fraction(4)))) == {"anna": 2, "bela": 1, "platform": 1}


def test_terms_hold_where_and_when_they_say() -> None:
    """Outside of its countries or its half-open time a deal takes nothing: the platform has it all."""
    terms = Terms(
        (
            deal("anna", territories=Territories(("*",), ("CN", "AE")), ends_at=START + timedelta(hours=3)),
            deal("bela", territories=("AE",)),
        ),
        own_titles=None,
    )
    result = stated(
        terms,
        use(1),
        use(2, territory="CN"),
        use(3),
        use(4, territory="AE"),
        use(5, title="other"),
    )
    assert earned(result) == {"anna": 60, "bela": 60, "platform": 380}


def test_currencies_are_rounded_apart() -> None:
    """Each currency has statements and a reconciliation of its own."""
    result = stated(Terms((deal("anna"),)), use(1), use(2, 3, currency="JPY", value=Fraction(9, 5)))
    assert [(item.currency, item.earned) for item in result.statements] == [("JPY", 1), ("USD", 60)]
    assert [(item.currency, item.platform) for item in result.reconciliations] == [("JPY", 1), ("USD", 40)]


def test_tokens_that_are_worth_nothing_pay_nothing() -> None:
    """A month whose exact worth is zero states zero for everybody and divides by nothing."""
    assert set(earned(stated(Terms((deal("anna"),)), use(1, value=Fraction(0)))).values()) == {0}


def test_in_its_own_month_a_refund_nets_out() -> None:
    """Spend and refund are two lines, which say what each is; together they are nothing."""
    spent = use(1, 3)
    result = stated(Terms((deal("anna"),)), spent, back(spent))
    assert earned(result) == {"anna": 0, "platform": 0}
    bought, refunded = sorted(lines(result), key=lambda line: -line.amount)
    assert (bought.inputs["tokens"], bought.amount, bought.inputs.get("refund_of")) == (3, 90, None)
    assert (refunded.inputs["tokens"], refunded.net, refunded.amount) == (-3, -150, -90)
    assert refunded.inputs["refund_of"] == "2026-11"


def test_a_month_of_refunds_is_the_mirror() -> None:
    """What October paid, November takes back to the cent, whatever the rounding was."""
    spends = [
        use(1, 1, value=Fraction(25, 4), at=OCTOBER.period.start),
        use(2, 1, value=Fraction(25, 4), at=OCTOBER.period.start, version=2),
        use(3, 7, value=Fraction(10, 3), at=OCTOBER.period.start),
    ]
    terms = halves(Fraction(2, 3), Fraction(2, 3))
    before = state_period(OCTOBER, terms, Facts(tokens=tuple(spends)))
    after = stated(terms, *(back(spent) for spent in spends))
    assert earned(after) == {who: -amount for who, amount in earned(before).items()}
    [whole] = after.reconciliations
    assert (whole.stamped, whole.holders + whole.platform) == (Fraction(-95, 6), -16)
    assert all(item.payable == 0 for one in after.statements for item in one.settlements)
    assert {line.inputs["refund_of"] for line in lines(after)} == {"2026-10"}


def test_a_refund_goes_by_the_terms_of_the_spend() -> None:
    """Whoever got it gives it back, also when another has the title by the time of the refund."""
    old, new = deal("anna", ends_at=START), deal("bela", starts_at=START)
    spent = use(1, at=OCTOBER.period.start)
    assert earned(stated(Terms((old, new)), back(spent))) == {"anna": -60, "platform": -40}


def test_refunds_of_two_months_are_two_lines() -> None:
    """A line of refunds is about one month of spends, counted in the entity's zone."""
    result = stated(Terms((deal("anna"),)), back(use(1, at=START)), back(use(2, at=START - TICK)))
    assert sorted(line.inputs["refund_of"] for line in lines(result)) == ["2026-10", "2026-11"]


def test_the_month_of_a_refund_is_its_own() -> None:
    """A refund dated outside of the month is refused like a spend."""
    for wrong in (back(use(1), NOVEMBER.period.end), use(1, at=START - TICK)):
        with pytest.raises(TermsProblems, match="not in 2026-11"):
            stated(Terms((deal("anna"),)), wrong)


def test_of_holders_above_and_below_each_is_next_to_its_own() -> None:
    """One holder gains and one gives back: each gets its own sum, rounded, and the whole is exact."""
    one = Fraction(1)
    terms = Terms((deal("anna", one), deal("bela", one, title="short")))
    earlier = use(9, 1, title="short", value=Fraction(21, 2), at=START - TICK)
    result = stated(terms, use(1, 1, value=Fraction(31, 3)), back(earlier))
    assert earned(result) == {"anna": 10, "bela": -10, "platform": 0}


@st.composite
def months(draw: st.DrawFn) -> list[TokenUse]:
    """Draw spends of November, and refunds of some, and of some of October."""
    facts: list[TokenUse] = []
    for number in range(1, draw(st.integers(2, 8))):
        spent = use(
            number,
            draw(st.integers(1, 9)),
            value=draw(st.fractions(0, 500, max_denominator=30)),
            kind=draw(st.sampled_from(["bonus", "paid"])),
            currency=draw(st.sampled_from(["INR", "USD"])),
            version=draw(st.integers(1, 2)),
            territory=draw(st.sampled_from(["US", "AE"])),
        )
        what = draw(st.sampled_from(["spend", "both", "refund"]))
        facts += [spent] if what != "refund" else []
        if what != "spend":
            facts.append(back(spent if what == "both" else evolve(spent, at=spent.at - timedelta(days=31))))
    return facts


TERMS = Terms(
    (
        deal("anna", Fraction(1, 3), part=Fraction(1, 2), territories=("AE",)),
        deal("bela", Fraction(1, 7), part=Fraction(1, 2), territories=("AE",)),
        deal("chen", Fraction(2, 3), territories=Territories(("*",), ("AE",))),
    )
)


@given(months())
def test_every_month_adds_up(facts: list[TokenUse]) -> None:
    """With any refunds the exact sums are the stamps, and what is earned is near, with all rounded once."""
    result = stated(TERMS, *facts)
    for whole in result.reconciliations:
        mine = [item for item in result.statements if item.currency == whole.currency]
        paid = sum((item.value for item in facts if _is_bought(item, whole.currency)), Fraction(0))
        bonus = sum(
            (item.value for item in facts if item.currency == whole.currency and item.kind == "bonus"),
            Fraction(0),
        )
        own = sum((line.amount for line in result.platform if line.currency == whole.currency), Fraction(0))
        assert sum((item.exact for item in mine), own) == paid + bonus
        assert whole.stamped == paid
        assert whole.holders + whole.platform + whole.fund == round_fraction(paid, Rounding.HALF_UP)
        assert sum(item.earned for item in mine) == whole.holders
        for item in mine:
            _check_statement(item)


def _is_bought(item: TokenUse, currency: str) -> bool:
    return item.currency == currency and item.kind == "paid"


def _check_statement(item: HolderStatement) -> None:
    assert abs(item.rounding) < Fraction(3, 2)
    assert item.exact == sum((line.amount for line in item.lines), Fraction(0))
    for line in item.lines:
        assert line.net == line.inputs["value"]
        assert line.amount == line.net * line.part * line.rate
        assert (line.inputs["tokens"] < 0) == ("refund_of" in line.inputs)


@given(months(), st.integers(1, 30))
def test_a_later_value_version_changes_no_stated_line(facts: list[TokenUse], tokens: int) -> None:
    """Spends under a new version add lines of their own; every line of the old ones stays as it was."""
    before = stated(TERMS, *facts)
    after = stated(TERMS, *facts, use(80, tokens, version=9, value=Fraction(77) * tokens))
    assert [line for line in lines(after) if line.inputs["value_version"] != 9] == lines(before)
