"""What it costs: token costs as data, and quotes that name their rule."""

from buddy_core.pricing.errors import (
    BadCost,
    CostsChanged,
    CostsInPast,
    CostsTooFar,
    NotForTokens,
    NoTokenCosts,
    PriceChanged,
)
from buddy_core.pricing.model import MAX_COST, Quote, TokenCosts
from buddy_core.pricing.ports import CostTables, PricingTx
from buddy_core.pricing.rules import NOTICE, check_seen, next_costs, quote

__all__ = [
    "MAX_COST",
    "NOTICE",
    "BadCost",
    "CostTables",
    "CostsChanged",
    "CostsInPast",
    "CostsTooFar",
    "NoTokenCosts",
    "NotForTokens",
    "PriceChanged",
    "PricingTx",
    "Quote",
    "TokenCosts",
    "check_seen",
    "next_costs",
    "quote",
]
