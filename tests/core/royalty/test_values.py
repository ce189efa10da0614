"""What the model is made of: any collection is kept, and what cannot be is refused with its field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from attrs import evolve, fields
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel.errors import InvalidValue
from buddy_core.royalty import (
    Account,
    AccountBalance,
    Balances,
    Band,
    Deal,
    DealBalance,
    Escalator,
    Expense,
    Facts,
    Held,
    Model,
    Month,
    Paid,
    PoolRule,
    Sale,
    SharedPool,
    Terms,
    Tiers,
    Watch,
    simulate,
    state_period,
)
from tests.core.royalty.periods import OCTOBER, facts, world

HALF = Fraction(1, 2)
AT = datetime(2026, 10, 5, tzinfo=UTC)
SALE = Sale("s", Model.RENTAL, "t", "IN", "INR", Paid(10_000), AT)
DEAL = Deal("d", "t", "h", {"rental": HALF})
TERMS = Terms((DEAL,))


@given(st.integers(0, 2**64), st.sampled_from((list, tuple, iter)))
def test_any_collection_is_kept(seed: int, kind: Callable[[Any], Any]) -> None:
    """Lists and generators give the statements that tuples give: nothing is gone through twice and lost."""
    found = world(Random(seed))
    terms = Terms(**{item.name: _of(kind, getattr(found.terms, item.name)) for item in fields(Terms)})
    given_ = Facts(**{item.name: _of(kind, getattr(found.facts, item.name)) for item in fields(Facts)})
    assert (terms, given_) == (found.terms, found.facts)
    assert state_period(OCTOBER, terms, given_, found.before) == state_period(
        OCTOBER, found.terms, found.facts, found.before
    )


def _of(kind: Callable[[Any], Any], value: Any) -> Any:
    return value if value is None else kind(value)


@pytest.mark.parametrize(
    ("field", "made"),
    [
        ("sales", lambda: Facts(sales=SALE)),  # type: ignore[arg-type]
        ("sales", lambda: Facts(sales="SALE")),
        ("sales", lambda: Facts(sales=(Watch("a", "t", "IN", 5),))),
        ("sales", lambda: Facts(sales={"s": SALE})),
        ("facts", lambda: Facts.of([1])),  # type: ignore[list-item]
        ("deals", lambda: Terms(DEAL)),  # type: ignore[arg-type]
        ("pools", lambda: Terms(pools=PoolRule())),  # type: ignore[arg-type]
        ("fund_kinds", lambda: Terms(fund_kinds="bonus")),
        ("own_titles", lambda: Terms(own_titles="t-series")),
        ("own_titles", lambda: Terms(own_titles=(1,))),  # type: ignore[arg-type]
        ("excluded_titles", lambda: PoolRule(excluded_titles="abc")),
        ("excluded_accounts", lambda: PoolRule(excluded_accounts=5)),  # type: ignore[arg-type]
        ("recoups", lambda: Account("a", "h", "INR", recoups="b")),
        ("guarantees", lambda: Account("a", "h", "INR", guarantees=5)),  # type: ignore[arg-type]
        ("withholding", lambda: Account("a", "h", "INR", withholding=(5,))),
        ("bands", lambda: Tiers(({"over": 0},))),
        ("up_to", lambda: Band(0, True, HALF)),
        ("up_to", lambda: Band(0, 5.5, HALF)),  # type: ignore[arg-type]
        ("then", lambda: Escalator(HALF, HALF)),  # type: ignore[arg-type]
        ("parts", lambda: SharedPool("p", "gold", "IN", "INR", Paid(), "pro_rata", 5)),  # type: ignore[arg-type]
        ("paid", lambda: Sale("s", Model.RENTAL, "t", "IN", "INR", 100, AT)),  # type: ignore[arg-type]
        ("paid", lambda: evolve(SALE, paid=100)),  # type: ignore[arg-type]
        ("id", lambda: evolve(DEAL, id=None)),  # type: ignore[arg-type]
        ("holder", lambda: evolve(DEAL, holder="")),
        ("id", lambda: Account(None, "h", "INR")),  # type: ignore[arg-type]
        ("carried", lambda: AccountBalance(carried=0.5)),  # type: ignore[arg-type]
        ("recouped", lambda: AccountBalance(recouped=-1)),
        ("recouped", lambda: AccountBalance(recouped=True)),
        ("in_term", lambda: AccountBalance(in_term=0.5)),  # type: ignore[arg-type]
        ("held", lambda: AccountBalance(held=5)),  # type: ignore[arg-type]
        ("month", lambda: Held("garbage", 5)),
        ("month", lambda: Held("2026-13", 5)),
        ("amount", lambda: Held("2026-09", -5)),
        ("counted", lambda: DealBalance({"rentals": 5})),
        ("counted.rental", lambda: DealBalance({"rental": 0.5})),
        ("laid_out", lambda: DealBalance(laid_out=1.5)),  # type: ignore[arg-type]
        ("taken_back", lambda: DealBalance(taken_back=Fraction(-1))),
        ("accounts", lambda: Balances({5: AccountBalance()})),  # type: ignore[dict-item]
        ("accounts.h:INR", lambda: Balances({"h:INR": {"carried": 5}})),  # type: ignore[dict-item]
        ("deals", lambda: Balances(deals=[])),  # type: ignore[arg-type]
        ("pools", lambda: Balances(pools="gold/IN/INR")),  # type: ignore[arg-type]
        ("period", lambda: Month("2020-01", OCTOBER.entity, "UTC", OCTOBER.period)),
        (
            "token_values",
            lambda: simulate(OCTOBER, TERMS, Facts(), Balances(), token_values={"paid": HALF}),  # type: ignore[dict-item]
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(field: str, made: Callable[[], Any]) -> None:
    """One value for many, a text for a list of them, floats, truth values and odd keys never come further."""
    with pytest.raises(InvalidValue) as caught:
        made()
    assert caught.value.field == field


def test_tiers_counted_by_a_models_name_count() -> None:
    """What a balance has under the text `rental` is what it has under the model of that name."""
    tiers = Tiers((Band(0, 10, HALF), Band(10, None, Fraction(1, 4))))
    terms = Terms((evolve(DEAL, rates={"rental": tiers}),))
    by_text = Balances(deals={"d": DealBalance({"rental": 50})})
    assert by_text == Balances(deals={"d": DealBalance({Model.RENTAL: Fraction(50)})})
    assert state_period(OCTOBER, terms, Facts((SALE,)), by_text).statements[0].earned == 2500


def test_facts_are_added_to_facts_of_any_collection() -> None:
    """What was given as a generator is there to be added to."""
    spent = Expense("x", "d", 5)
    both = Facts(expenses=(item for item in [spent])) + Facts(expenses=[evolve(spent, id="y")])
    assert [item.id for item in both.expenses] == ["x", "y"]
    assert facts(Random(1)) + Facts() == facts(Random(1))
