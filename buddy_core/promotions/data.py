"""The bounds of promotions: data that operators may set otherwise."""

from __future__ import annotations

from datetime import timedelta

MOST_TOKENS = 50
"""The most tokens that one claim brings: as many as one person may give an account by hand."""
MOST_CLAIMS = 1_000_000
MOST_DAYS = 3_660
"""The longest that claimed tokens last."""
HORIZON = timedelta(days=366)
"""How far ahead a promotion may end."""
