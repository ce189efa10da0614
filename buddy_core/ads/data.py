"""From when on a device or an address is shown to staff: data that operators may set otherwise."""

from __future__ import annotations

from fractions import Fraction

from buddy_core.ads.model import AlertRule

ALERT_RULES = (
    AlertRule("device", part_of_cap=Fraction(1, 2), accounts=3),
    AlertRule("ip", part_of_cap=Fraction(1, 2), accounts=5),
)
"""A family shares a device and a household an address; half a day's cap over more accounts is looked at."""
MOST_ALERTS = 20
"""How many places of a scope and day are looked at, those with the most paid ads first."""
