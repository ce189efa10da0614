"""Every table of Buddy, registered on the one metadata by importing the files that declare them."""

from __future__ import annotations

from buddy_adapters.sql import (
    access,
    accounts,
    ads,
    catalog,
    entitlements,
    flags,
    limits,
    outbox,
    playback,
    pricing,
    promotions,
    rights,
    royalty,
    sessions,
    shortids,
    tokens_tables,
)
from buddy_adapters.sql.metadata import metadata

DECLARING = (
    access,
    accounts,
    ads,
    catalog,
    entitlements,
    flags,
    limits,
    outbox,
    playback,
    pricing,
    promotions,
    rights,
    royalty,
    sessions,
    shortids,
    tokens_tables,
)
"""The modules that declare tables."""

__all__ = ["DECLARING", "metadata"]
