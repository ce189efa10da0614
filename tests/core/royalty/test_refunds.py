"""Refunds in a month's statements: lines of their own, exact sums, and months below zero."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import EntryId, InvalidValue, Rounding, month, round_fraction
from buddy_core.royalty import (
    PLATFORM,
    Month,
    Statement,
    TermsProblems,
    TokenSpend,
    TokenTerms,
    split_rounded,
    state_month,
    statement_body,
)
from tests.contracts.cases import NEWTACT, uid
from tests.core.royalty.test_state_month import NAMES, NOVEMBER, PERIOD, TICK, fact, holder, payable, term

DECEMBER = Month("2026-12", NEWTACT, "Asia/Kolkata", month("2026-12", "Asia/Kolkata"))


def back(spend: TokenSpend, at: datetime | None = None, number: int = 900, **changes: Any) -> TokenSpend:
    """Return the fact that takes a spend back: at the end of November, where nothing else is said."""
    values = {
        "entry_id": EntryId(uid(number)),
        "tokens": -spend.tokens,
        "value": -spend.value,
        "at": at or PERIOD.end - TICK,
        "spent_at": spend.at,
    }
    return evolve(spend, **{**values, **changes})


def test_only_a_refund_says_when_it_was_spent() -> None:
    """A spend with another instant, and tokens taken back without one, are no facts."""
    with pytest.raises(InvalidValue, match="spent_at"):
        evolve(fact(1), spent_at=PERIOD.start)
    with pytest.raises(InvalidValue, match="spent_at"):
        evolve(fact(1), tokens=-2)


def test_in_its_own_month_a_refund_nets_out() -> None:
    """Spend and refund are two lines, which say what each is; both sums are nothing."""
    spend = fact(1, 3)
    statements = state_month(NOVEMBER, [spend, back(spend)], [term(1)])
    assert payable(statements) == {str(holder(1)): 0, PLATFORM: 0}
    [bought, refunded] = statements[0].lines
    assert (bought.tokens, bought.amount, bought.refund_of) == (3, Fraction(90), None)
    assert (refunded.tokens, refunded.value, refunded.amount) == (-3, Fraction(-150), Fraction(-90))
    assert (refunded.refund_of, refunded.unit_value) == ("2026-11", Fraction(50))


def test_a_month_of_refunds_is_the_mirror() -> None:
    """What November paid, December takes back to the unit, whatever the rounding was."""
    spends = [
        fact(1, 1, value=Fraction(25, 4)),
        fact(2, 1, value=Fraction(25, 4), kind="paid"),
        fact(3, 7, value=Fraction(10, 3)),
    ]
    terms = [term(1, Fraction(1, 3)), term(2, Fraction(1, 3))]
    refunds = [back(item, DECEMBER.period.start, number=900 + n) for n, item in enumerate(spends)]
    before, after = state_month(NOVEMBER, spends, terms), state_month(DECEMBER, refunds, terms)
    assert payable(after) == {who: -paid for who, paid in payable(before).items()}
    reconciliation = after[-1].reconciliation
    assert reconciliation is not None
    assert (reconciliation.value, reconciliation.rounded) == (Fraction(-95, 6), -16)
    assert reconciliation.holders + reconciliation.platform == -16
    body = json.loads(statement_body(after[0], NAMES))
    assert body["payable_minor"] < 0
    assert {line["refund_of"] for line in body["lines"]} == {"2026-11"}
    assert "refunds" in body["rules"]


def test_terms_count_at_the_spend() -> None:
    """Whoever got it gives it back, also when another has the title by the time of the refund."""
    old = term(1, ends_at=PERIOD.end)
    new = term(2, starts_at=PERIOD.end)
    spend = fact(1, 2)
    statements = state_month(DECEMBER, [back(spend, DECEMBER.period.start)], [old, new])
    assert payable(statements) == {str(holder(1)): -60, PLATFORM: -40}


def test_refunds_of_two_months_are_two_lines() -> None:
    """A line of refunds is about one month of spends, counted in the entity's zone."""
    late, early = fact(1), fact(2, at=PERIOD.start - TICK)
    facts = [back(late, number=901), back(early, number=902)]
    statements = state_month(NOVEMBER, facts, [term(1)])
    assert [line.refund_of for line in statements[0].lines] == ["2026-10", "2026-11"]


def test_the_month_of_a_refund_is_its_own() -> None:
    """A refund dated outside of the month is refused like a spend."""
    with pytest.raises(TermsProblems):
        state_month(NOVEMBER, [back(fact(1), PERIOD.end)], [term(1)])


def test_bytes_without_refunds_are_as_they_were() -> None:
    """A statement without refunds says nothing of them, so that closed months stay the same."""
    body = statement_body(state_month(NOVEMBER, [fact(1)], [term(1)])[0], NAMES)
    assert b"refund" not in body


def test_of_holders_above_and_below_each_is_next_to_its_own() -> None:
    """One holder gains and one gives back: each gets its own sum, rounded, and the whole is exact."""
    mine, theirs = term(1, Fraction(1)), term(2, Fraction(1), title_id=NAMES_SECOND)
    earlier = fact(9, 1, title_id=NAMES_SECOND, value=Fraction(21, 2), at=PERIOD.start - TICK)
    facts = [fact(1, 1, value=Fraction(31, 3)), back(earlier)]
    statements = state_month(NOVEMBER, facts, [mine, theirs])
    assert payable(statements) == {str(holder(1)): 10, str(holder(2)): -10, PLATFORM: 0}
    assert statements[-1].reconciliation is not None
    assert statements[-1].reconciliation.rounded == 0


NAMES_SECOND = list(NAMES.titles)[1]
FRACTIONS = st.fractions(min_value=-1000, max_value=1000, max_denominator=60)


@given(st.lists(FRACTIONS, min_size=1, max_size=8))
def test_a_rounded_sum_is_split_to_the_unit(exact: list[Fraction]) -> None:
    """The parts add up to the whole, each is next to its amount, and nothing gets nothing."""
    rounded = round_fraction(sum(exact, Fraction(0)), Rounding.HALF_UP)
    parts = split_rounded(rounded, exact)
    if any(exact):
        assert sum(parts) == rounded
    for part, amount in zip(parts, exact, strict=True):
        assert abs(part - amount) < Fraction(3, 2)
        assert amount or not part
    if min(exact) < 0 < max(exact):
        assert all(abs(part - amount) < 1 for part, amount in zip(parts, exact, strict=True))


@given(st.lists(FRACTIONS, min_size=1, max_size=8))
def test_below_zero_is_the_mirror_of_above(exact: list[Fraction]) -> None:
    """Amounts of one sign with the sign turned give the parts with the sign turned."""
    positive = [abs(amount) for amount in exact]
    rounded = round_fraction(sum(positive, Fraction(0)), Rounding.HALF_UP)
    parts = split_rounded(rounded, positive)
    assert split_rounded(-rounded, [-amount for amount in positive]) == tuple(-part for part in parts)


@given(st.integers(-40, 40), st.lists(FRACTIONS, min_size=2, max_size=8))
def test_any_sum_can_be_split(rounded: int, exact: list[Fraction]) -> None:
    """Also a sum that is far from the amounts, as a part of a statement may be, is split whole."""
    if any(exact):
        assert sum(split_rounded(rounded, exact)) == rounded


@st.composite
def months(draw: st.DrawFn) -> list[TokenSpend]:
    """Draw spends of November, and refunds of some, and of some of October."""
    facts: list[TokenSpend] = []
    for number in range(1, draw(st.integers(1, 8))):
        tokens = draw(st.integers(1, 9))
        spend = fact(
            number,
            tokens,
            value=draw(st.fractions(0, 500, max_denominator=30)),
            kind=draw(st.sampled_from(["bonus", "paid"])),
            currency=draw(st.sampled_from(["INR", "USD"])),
            version=draw(st.integers(1, 2)),
            country=draw(st.sampled_from(["IN", "AE"])),
        )
        what = draw(st.sampled_from(["spend", "both", "refund"]))
        facts += [spend] if what != "refund" else []
        if what != "spend":
            source = spend if what == "both" else evolve(spend, at=spend.at - timedelta(days=31))
            facts.append(back(source, number=900 + number))
    return facts


def _terms() -> list[TokenTerms]:
    return [term(1, Fraction(1, 3)), term(2, Fraction(1, 7), territories=("IN",))]


@given(months(), st.randoms(use_true_random=False))
def test_every_month_adds_up(facts: list[TokenSpend], chance: Any) -> None:
    """With any refunds the sums of holders are exact, the payable add up, and the order plays no part."""
    statements = state_month(NOVEMBER, facts, _terms())
    for currency in {item.currency for item in facts}:
        mine = [item for item in statements if item.currency == currency]
        value = sum((item.value for item in facts if item.currency == currency), Fraction(0))
        assert sum(item.exact for item in mine) == value
        assert sum(item.payable for item in mine) == round_fraction(value, Rounding.HALF_UP)
        for item in mine:
            _check_lines(item)
    shuffled = list(facts)
    chance.shuffle(shuffled)
    assert state_month(NOVEMBER, shuffled, _terms()) == statements


def _check_lines(statement: Statement) -> None:
    assert sum((line.amount for line in statement.lines), Fraction(0)) == statement.exact
    for line in statement.lines:
        assert line.amount == line.tokens * line.unit_value * line.share
        assert (line.tokens < 0) == (line.refund_of is not None)
