"""Cases of other shapes than those that are kept here: the adapters of royalty answer them too."""

from __future__ import annotations

from typing import Any

import pytest

from tests.oracles.conftest import ADAPTERS, load

POOL: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {
            "method": "pro_rata",
            "currency": "JPY",
            "fee_percent": "30",
            "subscribers": [{"pays_minor": 999, "units": {"a": 1}}, {"pays_minor": 1, "units": {"b": 2}}],
        },
        {"pool_minor": 700, "fee_minor": 300, "shares_minor": {"a": 233, "b": 467}, "error": False},
    ),
    (
        {
            "method": "user_centric",
            "currency": "KWD",
            "silent": "carry",
            "min_units": 30,
            "subscribers": [
                {"id": "x", "pays_minor": "5/2", "units": {"a": 29}},
                {"pays_minor": 10, "units": {"a": 30}},
            ],
        },
        {"shares_exact": {"a": "10"}, "carried_exact": "5/2", "carried_minor": 3, "platform_minor": 0},
    ),
    (
        {"method": "user_centric", "subscribers": [{"pays_minor": 5}]},
        {"platform_minor": 5, "shares_minor": {}},
    ),
    ({"method": "equal_per_subscriber", "subscribers": [{"pays_minor": 9.5, "units": {}}]}, {"error": True}),
    ({"method": "by_dice", "subscribers": []}, {"error": True}),
    (
        {"method": "pro_rata", "holders": ["a"], "subscribers": [{"pays_minor": 5, "units": {"b": 1}}]},
        {"error": True},
    ),
    (
        {"method": "shapley", "game": {"": "0", "1": "1/2", "2": "0", "1,2": "1"}},
        {"shares_exact": {"1": "3/4", "2": "1/4"}, "shares_minor": {"1": 1, "2": 0}},
    ),
    ({"method": "shapley", "game": {"1": "1", "12": "3"}}, {"error": True}),
    ({"method": "split_percent", "total_minor": 100, "percents": ["33.33", "66.66"]}, {"error": True}),
    (
        {"method": "split_percent", "total_minor": -500, "percents": ["60", "40"], "negative": "mirror"},
        {"shares_minor": [-300, -200], "shares_exact": ["-300", "-200"], "unshared_minor": 0},
    ),
    ({"method": "flat", "revenue_minor": 5, "fee_percent": "101", "holder_percent": "1"}, {"error": True}),
]
FALL: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"kind": "recoup", "earned_minor": -50, "advance_minor": 100},
        {"recouped_minor": 0, "payable_minor": 0, "remaining_minor": 100, "carried_minor": -50},
    ),
    (
        {"kind": "recoup", "holder_percent": "0", "gross_minor": 10, "advance_minor": 100},
        {"gross_still_needed_minor": None, "label_cash_minor": -90},
    ),
    ({"kind": "recoup", "earned_minor": 5, "advance_minor": 1, "recouped_before_minor": 2}, {"error": True}),
    (
        {
            "kind": "tiers",
            "lines": [
                {"format": "ebook", "revenue_minor": 250, "rate_percent": "25"},
                {
                    "format": "print",
                    "revenue_minor": 1000,
                    "units": 10,
                    "units_before": 5,
                    "tiers": [
                        {"over": 0, "up_to": 10, "rate_percent": "10"},
                        {"over": 10, "up_to": None, "rate_percent": "20"},
                    ],
                },
            ],
        },
        {"line_minor": [63, 150], "total_minor": 213, "total_exact": "425/2"},
    ),
    (
        {
            "kind": "tiers",
            "revenue_minor": "301/2",
            "amount_before_minor": 50,
            "tiers": [
                {"over_minor": 0, "up_to_minor": 100, "rate_percent": "10"},
                {"over_minor": 100, "rate_percent": "20"},
            ],
        },
        {"amount_per_tier_minor": [50, "201/2"], "royalty_exact": "251/10", "royalty_minor": 25},
    ),
    ({"kind": "tiers", "units": 1, "revenue_minor": 1, "tiers": []}, {"error": True}),
    (
        {
            "kind": "film",
            "gross_minor": 1000,
            "steps": [
                {"name": "bank", "recoup_minor": 500, "recouped_before_minor": 200},
                {"name": "equity", "recoup_minor": 100, "percent": "120"},
                {"name": "costs", "percent_of": "gross", "percent": "50", "cap_minor": 90},
            ],
            "net_profit_percents": {"star": "50", "writer": "33.3"},
        },
        {
            "step_minor": [300, 120, 90],
            "after_steps_minor": [700, 580, 490],
            "net_profit_minor": 490,
            "star_minor": 245,
            "writer_minor": 163,
            "writer_exact": "16317/100",
            "unshared_minor": 82,
        },
    ),
    ({"kind": "film", "gross_minor": 5, "steps": [{"name": "a", "fixed_minor": -1}]}, {"error": True}),
    (
        {"kind": "guarantee", "earned_minor": 70, "annual_minimum_minor": 100},
        {"true_up_minor": 30},
    ),
    (
        {
            "kind": "guarantee",
            "period_royalties_minor": [10, 20],
            "periods_in_year": 2,
            "annual_minimum_minor": 0,
        },
        {"projected_minor": 30, "pace_percent_of_prorated": None, "true_up_minor": 0},
    ),
    (
        {"kind": "per_unit", "unit_price_minor": 999, "rate_percent": "15"},
        {"royalty_per_unit_exact": "2997/20"},
    ),
    (
        {
            "kind": "per_unit",
            "unit_price_minor": 999,
            "rate_percent": "15",
            "advance_minor": 150000,
            "recouped_before_minor": 150000,
        },
        {"units_to_recoup": 0, "royalty_per_unit_minor": 150},
    ),
]


@pytest.mark.parametrize(
    ("topic", "inputs", "expected"),
    [("royalty_pool", *case) for case in POOL] + [("waterfall", *case) for case in FALL],
)
def test_a_case_of_another_shape_is_answered(
    topic: str, inputs: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Other steps and policies, and fields left out, have their answer; what is wrong is refused."""
    answered = load(ADAPTERS / f"{topic}.py").answer(inputs, None)
    assert {name: answered.get(name) for name in expected} == expected
