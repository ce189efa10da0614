"""What if: the same month under other terms, other pools or other token values."""

from __future__ import annotations

from fractions import Fraction

import pytest
from attrs import evolve

from buddy_core.kernel.errors import InvalidValue
from buddy_core.royalty import (
    PLATFORM,
    Balances,
    Deal,
    Facts,
    Model,
    Paid,
    PoolRule,
    Sale,
    Simulation,
    SubscriptionRevenue,
    Terms,
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
