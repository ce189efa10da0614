"""Feature flags: names, and how they stand when nobody has said otherwise."""

from __future__ import annotations

from collections.abc import Mapping

DEFAULTS: Mapping[str, bool] = {
    "qoe.enabled": True,
    "cdn.multi.enabled": False,
    "fraud.enforce": False,
    "recon.enabled": True,
    "live.enabled": False,
}
"""The flags that exist. A name not here is a mistake, not an absent flag."""
