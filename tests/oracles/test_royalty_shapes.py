"""Cases of other shapes than those that are kept here: the adapters of royalty answer them too."""

from __future__ import annotations

from typing import Any

import pytest

from buddy_core.kernel import InvalidValue
from tests.oracles.conftest import OracleCase
from tests.oracles.reading import UnreadKeys

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
    ({"method": "flat", "revenue_minor": 999, "holder_percent": "50"}, {"fee_minor": 0, "share_minor": 500}),
    ({"method": "flat", "revenue_minor": 10, "fee_percent": None, "rate_percent": 50}, {"share_minor": 5}),
    ({"method": "flat", "pool_minor": 7000, "holder_percent": "1"}, {"pool_minor": 7000, "share_minor": 70}),
    (
        {"method": "pro_rata", "holders": ["a"], "subscribers": [{"pays_minor": "a", "units": {"a": 1}}]},
        {"error": True},
    ),
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
            "kind": "recoup",
            "royalty_percent": "50",
            "gross_minor": 30,
            "advance_minor": 20,
            "earned_minor": 15,
        },
        {"recouped_minor": 15, "remaining_minor": 5, "label_cash_minor": 10},
    ),
    (
        {
            "kind": "tiers",
            "units": 3,
            "revenue_minor": 150,
            "tiers": [
                {"over_minor": 0, "up_to_minor": 100, "rate_percent": "10"},
                {"over_minor": 100, "up_to_minor": 200, "rate_percent": "20"},
            ],
        },
        {"amount_per_tier_minor": [100, 50], "royalty_minor": 20},
    ),
    (
        {
            "kind": "tiers",
            "units": None,
            "revenue_minor": 150,
            "returns_minor": 200,
            "tiers": [{"over_minor": 0, "rate_percent": "10"}],
        },
        {"amount_per_tier_minor": [0], "royalty_minor": 0},
    ),
    (
        {
            "kind": "tiers",
            "units": 100,
            "revenue_minor": 1000,
            "returned_units": 150,
            "returns_minor": 1500,
            "units_before": 4000,
            "tiers": [{"over": 0, "up_to": 5000, "rate_percent": "10"}],
        },
        {"units_per_tier": [0], "royalty_minor": 0},
    ),
    (
        {
            "kind": "tiers",
            "units": 1001,
            "revenue_minor": 1001,
            "units_before": 4000,
            "tiers": [{"over": 0, "up_to": 5000, "rate_percent": "10"}],
        },
        {"error": True},
    ),
    (
        {
            "kind": "tiers",
            "lines": [
                {
                    "format": "print",
                    "units": 9,
                    "revenue_minor": 100,
                    "revenue_before_minor": 50,
                    "tiers": [
                        {"over_minor": 0, "up_to_minor": 100, "rate_percent": "10"},
                        {"over_minor": 100, "rate_percent": "20"},
                    ],
                },
                {"format": "ebook", "revenue_minor": 50, "returns_minor": 100, "rate_percent": "10"},
            ],
        },
        {"line_minor": [15, 0], "total_minor": 15},
    ),
    (
        {
            "kind": "film",
            "gross_minor": 1000,
            "steps": [{"name": "loan", "recoups_minor": 300}],
        },
        {"step_minor": [300], "net_profit_minor": 700},
    ),
    (
        {
            "kind": "guarantee",
            "period_royalties_minor": [100, 200],
            "periods_in_year": 3,
            "annual_minimum_minor": 900,
        },
        {
            "pace_percent_of_prorated": "50",
            "progress_percent": "100/3",
            "progress_percent_exact": "100/3",
            "on_track": False,
            "shortfall_due_minor": None,
        },
    ),
    (
        {
            "kind": "guarantee",
            "gross_minor": 8000,
            "returns_minor": 1000,
            "rate_percent": "8",
            "annual_minimum_minor": 2000,
            "periods_in_year": 4,
        },
        {"royalty_minor": 560, "projected_minor": 2240, "pace_percent_of_prorated": "112", "on_track": True},
    ),
    (
        {"kind": "per_unit", "rate_minor": 150, "units": 10},
        {"royalty_per_unit_minor": 150, "royalty_minor": 1500},
    ),
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
    answered = OracleCase(topic, "shape", None, inputs, expected).answer()
    assert {name: answered.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("topic", "inputs", "error"),
    [
        ("royalty_pool", {"method": "by_dice", "subscribers": []}, InvalidValue),
        (
            "royalty_pool",
            {"method": "flat", "revenue_minor": 5, "holder_units": 1, "all_units": 9},
            ValueError,
        ),
        ("waterfall", {"kind": "by_dice"}, KeyError),
        ("waterfall", {"kind": "recoup", "advance_minor": 1, "earned_minor": 1, "interest": 5}, UnreadKeys),
    ],
)
def test_what_no_adapter_knows_is_neither_answered_nor_refused(
    topic: str, inputs: dict[str, Any], error: type[Exception]
) -> None:
    """A rule that is not there, a figure under no known name and a key that is passed over fail loudly."""
    with pytest.raises(error):
        OracleCase(topic, "shape", None, inputs, {"error": True}).answer()
