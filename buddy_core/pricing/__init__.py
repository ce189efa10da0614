"""What it costs: token costs as data, and quotes that name their rule."""

from buddy_core.pricing.errors import BadCost, NotForTokens, NoTokenCosts, PriceChanged
from buddy_core.pricing.model import Quote, TokenCosts
from buddy_core.pricing.ports import CostTables, PricingTx
from buddy_core.pricing.rules import check_seen, quote

__all__ = [
    "BadCost",
    "CostTables",
    "NoTokenCosts",
    "NotForTokens",
    "PriceChanged",
    "PricingTx",
    "Quote",
    "TokenCosts",
    "check_seen",
    "quote",
]
