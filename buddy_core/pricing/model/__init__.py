"""The values of pricing: token costs, prices in money, and the quote."""
