"""Costs in tokens: the line of the table that wins, and the promise to charge what was shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.pricing import (
    NOTICE,
    BadCost,
    CostsInPast,
    CostsTooFar,
    NotForTokens,
    PriceChanged,
    Quote,
    TokenCosts,
    check_seen,
    next_costs,
    quote,
)
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


def test_new_costs_keep_what_is_not_named() -> None:
    """They have the next number, begin a minute later, and differ in what was named alone."""
    after = next_costs(COSTS, {"episode": 3}, {title(2): 1}, None, AT)
    assert after == TokenCosts(
        4, AT + NOTICE, {"short": 1, "episode": 3, "film": 10}, {title(1): 7, title(2): 1}
    )


def test_a_title_goes_back_to_the_cost_of_its_type() -> None:
    """Without a cost of its own it costs what its type does again."""
    after = next_costs(COSTS, {}, {title(1): None}, None, AT)
    assert after is not None
    assert quote(title(1), "film", COSTS).tokens == 7
    assert quote(title(1), "film", after) == Quote(title(1), 10, "type:film", 4)


@pytest.mark.parametrize(
    ("by_type", "by_title"), [({"film": 10}, {}), ({}, {title(1): 7}), ({}, {title(9): None})]
)
def test_costs_that_stand_so_already_are_no_version(by_type: Any, by_title: Any) -> None:
    """The same numbers again, and taking away what is not there, change nothing."""
    assert next_costs(COSTS, by_type, by_title, None, AT) is None


@pytest.mark.parametrize("cost", [0, -1, True, 1.0, "2", 1_000_001])
def test_new_costs_are_checked(cost: Any) -> None:
    """A cost that cannot be is refused by type and by title."""
    for by_type, by_title in (({"film": cost}, {}), ({}, {title(5): cost})):
        with pytest.raises(BadCost):
            next_costs(COSTS, by_type, by_title, None, AT)


def test_costs_begin_after_the_last_and_within_a_year() -> None:
    """Within the minute of notice, before what was planned and after a year no costs begin."""
    soonest = AT + NOTICE
    assert next_costs(COSTS, {"film": 9}, {}, soonest, AT) is not None
    with pytest.raises(CostsInPast) as refused:
        next_costs(COSTS, {"film": 9}, {}, soonest - timedelta(microseconds=1), AT)
    assert refused.value.earliest == soonest
    planned = evolve(COSTS, version=4, effective_from=AT + timedelta(days=3))
    for at in (None, planned.effective_from):
        with pytest.raises(CostsInPast):
            next_costs(planned, {"film": 9}, {}, at, AT)
    assert next_costs(COSTS, {"film": 9}, {}, AT + timedelta(days=366), AT) is not None
    with pytest.raises(CostsTooFar):
        next_costs(COSTS, {"film": 9}, {}, AT + timedelta(days=366, microseconds=1), AT)


def test_two_changes_within_a_minute_follow_each_other() -> None:
    """As soon as may be is right after costs that begin within the minute."""
    first = next_costs(COSTS, {"film": 9}, {}, None, AT)
    assert first is not None
    second = next_costs(first, {"film": 8}, {}, None, AT)
    assert second is not None
    assert (second.version, second.effective_from - first.effective_from) == (5, timedelta(microseconds=1))
