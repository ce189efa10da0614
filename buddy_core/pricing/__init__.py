"""What it costs: token costs and price rules as data, and quotes that name their rule."""

from buddy_core.pricing.data import HONOUR, NOTICE
from buddy_core.pricing.errors import (
    BadAmount,
    BadCost,
    BadCurrency,
    BadDates,
    BadHours,
    BadPriceRule,
    BadTerritory,
    CostsChanged,
    CostsInPast,
    CostsTooFar,
    NoPrices,
    NotForTokens,
    NoTokenCosts,
    PriceChanged,
    PricesChanged,
    PricesInPast,
    PricesTooFar,
    SameRank,
)
from buddy_core.pricing.model.costs import MAX_COST, TokenCosts
from buddy_core.pricing.model.prices import HOURS, WINDOWS, PriceBook, PriceRule, price_rule
from buddy_core.pricing.model.quotes import Quote, QuoteKind, Seen
from buddy_core.pricing.ports import CostTables, PriceBooks, PricingTx
from buddy_core.pricing.rules.honouring import (
    check_quote,
    check_seen,
    in_force,
    offers_lately,
    quotes_lately,
)
from buddy_core.pricing.rules.quoting import Ask, Way, quote, quote_offers
from buddy_core.pricing.rules.reading import rule_from_plain, rule_to_plain
from buddy_core.pricing.rules.versions import next_costs, next_prices

__all__ = [
    "HONOUR",
    "HOURS",
    "MAX_COST",
    "NOTICE",
    "WINDOWS",
    "Ask",
    "BadAmount",
    "BadCost",
    "BadCurrency",
    "BadDates",
    "BadHours",
    "BadPriceRule",
    "BadTerritory",
    "CostTables",
    "CostsChanged",
    "CostsInPast",
    "CostsTooFar",
    "NoPrices",
    "NoTokenCosts",
    "NotForTokens",
    "PriceBook",
    "PriceBooks",
    "PriceChanged",
    "PriceRule",
    "PricesChanged",
    "PricesInPast",
    "PricesTooFar",
    "PricingTx",
    "Quote",
    "QuoteKind",
    "SameRank",
    "Seen",
    "TokenCosts",
    "Way",
    "check_quote",
    "check_seen",
    "in_force",
    "next_costs",
    "next_prices",
    "offers_lately",
    "price_rule",
    "quote",
    "quote_offers",
    "quotes_lately",
    "rule_from_plain",
    "rule_to_plain",
]
