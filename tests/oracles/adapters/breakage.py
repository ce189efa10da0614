"""Breakage cases: `expired_by_lot` where records are given, else `breakage` on what was sold and redeemed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buddy_core.tokens import (
    BadBreakage,
    BadTokenAmount,
    BreakageRecord,
    breakage,
    expired_by_lot,
)

UNASKED = frozenset({"currency", "expires_at"})


def answer(inputs: Mapping[str, Any], group: str | None) -> dict[str, Any]:
    """Answer one case: what has expired lot by lot, or the worth of what is unused."""
    try:
        if "records" in inputs:
            records = [BreakageRecord(row["lot_id"], row["kind"], row["amount"]) for row in inputs["records"]]
            return {"expired": expired_by_lot(records), "error": False}
        found = breakage(
            inputs["sold_minor"], inputs["redeemed_minor"], inputs.get("expected_unredeemed_minor")
        )
    except (BadBreakage, BadTokenAmount):
        return {"error": True}
    return {
        "unused_minor": found.unused,
        "breakage_recognised_minor": found.recognised,
        "total_revenue_minor": found.revenue,
        "error": False,
    }
