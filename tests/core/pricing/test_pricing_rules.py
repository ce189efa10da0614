"""Costs in tokens: the line of the table that wins, and the promise to charge what was shown."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.pricing import BadCost, NotForTokens, PriceChanged, Quote, TokenCosts, check_seen, quote
from tests.contracts.cases import AT, title

COSTS = TokenCosts(3, AT, {"short": 1, "episode": 2, "film": 10}, {title(1): 7})


def test_a_type_has_its_cost() -> None:
    """A title without a cost of its own costs what its type does, and the quote says so."""
    assert quote(title(2), "film", COSTS) == Quote(title(2), 10, "type:film", 3)


def test_a_title_beats_its_type() -> None:
    """A title's own cost wins, even where its type has none."""
    assert quote(title(1), "film", COSTS) == Quote(title(1), 7, f"title:{title(1)}", 3)
    assert quote(title(1), "series", COSTS).tokens == 7


def test_what_has_no_cost_is_not_for_tokens() -> None:
    """A series without a cost is refused; its parts are what can be unlocked."""
    with pytest.raises(NotForTokens):
        quote(title(2), "series", COSTS)


@pytest.mark.parametrize("cost", [0, -1, True, 1.0, "2", None])
def test_a_cost_is_a_whole_number_of_at_least_one(cost: Any) -> None:
    """Nothing is free by mistake: zero, negative and what is no integer make no table."""
    with pytest.raises(BadCost):
        TokenCosts(1, AT, {"film": cost})
    with pytest.raises(BadCost):
        TokenCosts(1, AT, {}, {title(1): cost})


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 4), st.integers(1, 4))
def test_only_what_was_seen_is_charged(cost: int, seen: int, version: int, seen_version: int) -> None:
    """The check passes exactly when cost and version are those that were seen."""
    current = evolve(quote(title(2), "film", COSTS), tokens=cost, rule_version=version)
    if (cost, version) == (seen, seen_version):
        check_seen(current, seen, seen_version)
        return
    with pytest.raises(PriceChanged) as refused:
        check_seen(current, seen, seen_version)
    assert (refused.value.tokens, refused.value.seen_tokens) == (cost, seen)
