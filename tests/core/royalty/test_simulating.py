"""What if: the same month under other terms, other pools or other token values."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve

from buddy_core.kernel.errors import InvalidValue
from buddy_core.royalty import (
    PLATFORM,
    Balances,
    Band,
    Deal,
    DealBalance,
    Facts,
    Model,
    Paid,
    PoolRule,
    Sale,
    Simulation,
    SubscriptionRevenue,
    Terms,
    Tiers,
    TokenUse,
    Watch,
    simulate,
)
from tests.core.royalty.periods import OCTOBER

START = OCTOBER.period.start
HALF = Fraction(1, 2)
TERMS = Terms(
    tuple(
        Deal(title, title, holder, dict.fromkeys(Model, HALF))
        for title, holder in (("a", "anna"), ("b", "bela"))
    )
)
FACTS = Facts(
    sales=(Sale("s", Model.RENTAL, "a", "IN", "INR", Paid(1_000), START),),
    subscriptions=tuple(
        SubscriptionRevenue(account, "gold", "IN", "INR", Paid(300), account) for account in ("u", "v")
    ),
    watch=(
        Watch("u", "a", "IN", 100, "gold"),
        Watch("v", "b", "IN", 300, "gold"),
    ),
    tokens=(TokenUse("t", "b", "IN", "bonus", 10, 1, "INR", Fraction(40), START),),
)


def changed(found: Simulation) -> dict[tuple[str, str], Fraction]:
    """Return what each would have more of each title."""
    return {(item.holder, item.title): item.change for item in found.differences}


def test_another_rate_moves_money_between_a_holder_and_the_platform() -> None:
    """Ten points more on one title: what the holder gains the platform loses, and nobody else changes."""
    deal = evolve(TERMS.deals[0], rates=dict.fromkeys(Model, Fraction(3, 5)))
    found = simulate(
        OCTOBER, TERMS, FACTS, Balances(), other_terms=evolve(TERMS, deals=(deal, TERMS.deals[1]))
    )
    assert changed(found) == {("anna", "a"): Fraction(115), (PLATFORM, "a"): Fraction(-115)}


def test_another_pool_rule_moves_money_between_titles() -> None:
    """By subscriber instead of by seconds: a heavy viewer's favourite loses what a light one's gains."""
    rules = evolve(TERMS, pools=(PoolRule(method="user_centric", silent="pool"),))
    found = simulate(OCTOBER, TERMS, FACTS, Balances(), other_terms=rules)
    assert changed(found) == {
        ("anna", "a"): Fraction(75),
        ("bela", "b"): Fraction(-75),
        (PLATFORM, "a"): Fraction(75),
        (PLATFORM, "b"): Fraction(-75),
    }


def test_another_token_value_changes_tokens_alone() -> None:
    """Eight instead of four for a token; kinds that are not named keep what is stamped."""
    found = simulate(OCTOBER, TERMS, FACTS, Balances(), token_values={("bonus", "INR"): Fraction(8)})
    assert changed(found) == {("bela", "b"): Fraction(20), (PLATFORM, "b"): Fraction(20)}
    same = simulate(OCTOBER, TERMS, FACTS, Balances(), token_values={("paid", "INR"): Fraction(8)})
    assert same.differences == ()
    with pytest.raises(InvalidValue):
        simulate(OCTOBER, TERMS, FACTS, Balances(), token_values={("bonus", "INR"): 8.5})  # type: ignore[dict-item]


def test_nothing_changed_is_no_difference() -> None:
    """The same terms give the same month."""
    found = simulate(OCTOBER, TERMS, FACTS, Balances())
    assert found.differences == ()
    assert found.now == found.then


def test_both_months_go_on_where_the_last_one_closed() -> None:
    """Where tiers stand is the same on both sides: after a first sale the second band holds in each."""
    tiers = Tiers((Band(0, 1, HALF), Band(1, None, Fraction(3, 4))))
    terms = Terms(tuple(evolve(deal, rates={**deal.rates, Model.RENTAL: tiers}) for deal in TERMS.deals))
    before = Balances(deals={"a": DealBalance({Model.RENTAL: Fraction(1)})})
    found = simulate(OCTOBER, terms, FACTS, before, other_terms=terms)
    assert found.differences == ()
    [line] = [line for item in found.then.statements for line in item.lines if line.model is Model.RENTAL]
    assert line.rate == Fraction(3, 4)


def test_the_platform_stands_last_whatever_it_is_called() -> None:
    """Holders by name, also those whose names come after it."""
    deals = tuple(evolve(deal, holder=deal.holder.replace("bela", "zoe")) for deal in TERMS.deals)
    others = tuple(evolve(deal, rates=dict.fromkeys(Model, Fraction(1))) for deal in deals)
    found = simulate(OCTOBER, Terms(deals), FACTS, Balances(), other_terms=Terms(others))
    assert [item.holder for item in found.differences] == ["anna", "zoe", PLATFORM, PLATFORM]


def test_each_key_of_token_values_is_a_kind_and_a_currency() -> None:
    """The first that is none is told, also behind one that is."""
    values: Any = {("bonus", "INR"): Fraction(8), "paid": Fraction(1)}
    with pytest.raises(InvalidValue) as refused:
        simulate(OCTOBER, TERMS, FACTS, Balances(), token_values=values)
    assert refused.value.field == "token_values"
    assert refused.value.problem == "has 'paid' for a key; give ('paid', 'INR'): kind and currency"
