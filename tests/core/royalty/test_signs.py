"""Amounts bound each other: no fact of a period makes money, or takes more back than there was."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from fractions import Fraction

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from buddy_core.royalty import (
    AdRevenue,
    Deal,
    Facts,
    Model,
    Paid,
    PoolPart,
    Sale,
    SharedPool,
    SubscriptionRevenue,
    Terms,
    TermsProblems,
    TokenUse,
    state_period,
)
from buddy_core.royalty.rules.checking import odd_amounts, odd_sums
from tests.core.royalty.counting import OFTEN
from tests.core.royalty.periods import NOVEMBER, OCTOBER

START = OCTOBER.period.start
TERMS = Terms((Deal("d", "t", "h", dict.fromkeys(Model, Fraction(1, 2))),))
SALE = Sale("s", Model.RENTAL, "t", "IN", "INR", Paid(100), START)
USE = TokenUse("k", "t", "IN", "paid", 9, 1, "INR", Fraction(9), START)


@pytest.mark.parametrize(
    ("paid", "told"),
    [
        (Paid(fee=-1_000_000), "fee is -1000000, and 0 went back"),
        (Paid(tax=-19, refund=18), "tax is -19, and 18 went back"),
        (Paid(fee=-19, refund=10, chargeback=8), "fee is -19, and 18 went back"),
        (Paid(tax=1), "tax is 1, and nothing was paid"),
        (Paid(100, tax=101), "tax is 101, and only 100 was paid; gross has its tax in it"),
        (Paid(100, refund=101), "refund is 101, and only 100 was paid"),
        (Paid(100, chargeback=101), "chargeback is 101, and only 100 was paid"),
        (Paid(100, tax=-1), "tax is -1, and 100 was paid"),
        (Paid(100, fee=-1, refund=50), "fee is -1, and 100 was paid"),
        (Paid(-1), "gross is -1"),
        (Paid(100, refund=-1), "refund is -1"),
        (Paid(chargeback=-1), "chargeback is -1"),
    ],
)
def test_amounts_that_cannot_be_are_refused_in_every_payment(paid: Paid, told: str) -> None:
    """Sales, plans and ads alike: what is odd is named with the fact's own name."""
    for facts in (
        Facts(sales=(evolve(SALE, paid=paid),)),
        Facts(subscriptions=(SubscriptionRevenue("s", "gold", "IN", "INR", paid),)),
        Facts(ads=(AdRevenue("s", "IN", "INR", paid, is_rewarded=True),)),
    ):
        with pytest.raises(TermsProblems) as caught:
            state_period(OCTOBER, TERMS, facts)
        [problem] = caught.value.problems
        assert problem.startswith(f"s: {told}")


@pytest.mark.parametrize(
    "paid",
    [
        Paid(100, 100),
        Paid(100, 0, 100),
        Paid(100, 0, 0, 100),
        Paid(499, 76, 0, 499, 1_545),
        Paid(0, -18, 118, 0, -3),
        Paid(fee=1_500),
    ],
)
def test_amounts_that_can_be_are_counted(paid: Paid) -> None:
    """All of a sale may go back, a disputed one may cost more than it brought, and fees stand alone."""
    assert odd_amounts(paid) == []
    [sums] = state_period(OCTOBER, TERMS, Facts(sales=(evolve(SALE, paid=paid),))).reconciliations
    assert sums.residual == 0


amounts = st.integers(-3, 12)
payments = st.builds(Paid, amounts, amounts, amounts, amounts, amounts)


@settings(max_examples=2_000)
@given(payments)
def test_what_can_be_can_be_told_in_two_halves(paid: Paid) -> None:
    """A payment that is taken has halves that are taken; and two that are taken add up to a sum that is."""
    figures = (paid.gross, paid.tax, paid.refund, paid.chargeback, paid.fee)
    first = Paid(*(amount // 2 if amount > 0 else -(-amount // 2) for amount in figures))
    if not odd_amounts(paid):
        assert odd_amounts(first) == odd_amounts(paid - first) == odd_sums(paid + paid) == []


def test_each_refusal_of_an_amount_is_met() -> None:
    """Of payments drawn from small numbers each kind of refusal stops many, and many are taken."""
    seen: Counter[str] = Counter()

    @settings(max_examples=1_500, database=None)
    @given(payments)
    def law(paid: Paid) -> None:
        odd = odd_amounts(paid)
        seen.update(text.partition(" is ")[0] for text in odd)
        seen["taken"] += not odd
        if not odd:
            assert paid.net <= (paid.gross or paid.refund + paid.chargeback)

    law()
    assert {
        word: seen[word] for word in ("gross", "tax", "refund", "chargeback", "fee") if seen[word] < OFTEN
    } == {}
    assert seen["taken"] >= OFTEN


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (Facts(sales=(evolve(SALE, units=-5),)), "s: units is -5 where 100 was paid"),
        (Facts(sales=(evolve(SALE, sold_at=START + timedelta(1)),)), "s: sold_at is after its refund"),
        (
            Facts(tokens=(evolve(USE, tokens=-9, spent_at=START),)),
            "k: -9 tokens are worth 9; tokens and value have one sign",
        ),
        (Facts(tokens=(evolve(USE, value=Fraction(-9)),)), "k: 9 tokens are worth -9"),
        (Facts(tokens=(evolve(USE, tokens=0),)), "k: no tokens are worth 9"),
        (
            Facts(tokens=(evolve(USE, tokens=-9, value=Fraction(-9), spent_at=NOVEMBER.period.end),)),
            "k: spent_at is after its refund",
        ),
    ],
)
def test_copies_and_tokens_have_the_sign_of_their_money(facts: Facts, told: str) -> None:
    """Copies below zero where money came in, tokens against their value, refunds before the spend."""
    with pytest.raises(TermsProblems, match=told):
        state_period(OCTOBER, TERMS, facts)


def test_a_pool_is_a_sum_of_many_payments() -> None:
    """More may have gone back than was paid in the month, and no more tax than that is no longer owed."""
    pool = SharedPool("p", "gold", "IN", "INR", Paid(100, -18, 218), "pro_rata", (), kept=-100)
    assert state_period(OCTOBER, TERMS, Facts(pools=(pool,))).reconciliations[0].residual == 0
    odd = evolve(pool, paid=Paid(100, -219, 218), kept=101, parts=(PoolPart("t", Fraction(0), 0),))
    with pytest.raises(TermsProblems, match="p: tax is -219, and 218 went back"):
        state_period(OCTOBER, TERMS, Facts(pools=(odd,)))
