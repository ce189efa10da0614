"""How long what was shown is held, and how soon and how far ahead numbers may change."""

from __future__ import annotations

from datetime import timedelta

HONOUR = timedelta(minutes=15)
"""How long a quote is held after it was given, whatever changes meanwhile."""
NOTICE = timedelta(minutes=1)
"""How long before they count costs and prices must be recorded: longer than any unlock takes to
commit, so that no quote can miss what was in force."""
HORIZON = timedelta(days=366)
