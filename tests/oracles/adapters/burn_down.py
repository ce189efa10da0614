"""Burn-down cases: a period is played, lots alone are put in order, a draw is taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from buddy_core.kernel import from_milliseconds
from buddy_core.tokens import (
    BONUS,
    PAID,
    BadDrawPolicy,
    BadLot,
    BadRecurrence,
    BadTimeline,
    BadTokenAmount,
    Candidate,
    DrawPolicy,
    LotDraw,
    OrderKey,
    Recurrence,
    RefundBeyondDraws,
    Reset,
    TimelineLot,
    Usage,
    Void,
    VoidBeyondBalance,
    draw_order,
    refund_draws,
    timeline,
)

Inputs = Mapping[str, Any]

KEYS = {"lot_id": OrderKey.ID}
KINDS = {"granted": BONUS, "purchased": PAID}
LOT_FIELDS = {
    "amount": "amount",
    "opening_balance": "opening",
    "rollover_min": "rollover_min",
    "rollover_max": "rollover_max",
}
# What orders no lots, in a case that only asks for their order.
NOT_ORDERED = ("amount", "opening_balance", "effective_at", "ended_at")
# Expiries are compared to the second; a case that wants another resolution is not answered.
RESOLUTIONS = {"whole second": True}
REFUSED = (
    BadDrawPolicy,
    BadLot,
    BadRecurrence,
    BadTimeline,
    BadTokenAmount,
    RefundBeyondDraws,
    VoidBeyondBalance,
)


def answer(inputs: Inputs, group: str | None) -> dict[str, Any]:
    """Answer one case by what it gives: a draw to take back, lots to put in order, or a period to play."""
    try:
        if "original_draw" in inputs:
            return refunded(inputs)
        if "from" in inputs:
            return played(inputs)
        if inputs.get("expiry_resolution") is not None:
            RESOLUTIONS[inputs["expiry_resolution"]]
        return {"order": ids(draw_order([candidate(lot) for lot in inputs["lots"]], policy(inputs)))}
    except REFUSED:
        return {"error": True}


def refunded(inputs: Inputs) -> dict[str, Any]:
    """Give back a part of a draw."""
    draws = [LotDraw(lot_id, amount) for lot_id, amount in inputs["original_draw"]]
    refund = refund_draws(draws, inputs["restore"])
    return {"restored": pairs(refund.restored), "still_used": refund.still_used, "error": False}


def played(inputs: Inputs) -> dict[str, Any]:
    """Play a period over the case's lots and events; a row of usage may be a void."""
    lots = [timeline_lot(lot) for lot in inputs["lots"]]
    rows = [ROWS[row.get("kind")](row) for row in inputs.get("usage") or ()]
    voids = [void(row) for row in inputs.get("voids") or ()]
    result = timeline(
        lots,
        [row for row in rows if isinstance(row, Usage)],
        [Reset(instant(row["at"]), row.get("preserve_overage", False)) for row in inputs.get("resets") or ()],
        [*(row for row in rows if isinstance(row, Void)), *voids],
        since=instant(inputs["from"]),
        until=instant(inputs["until"]),
        policy=policy(inputs),
    )
    taken = {Usage: iter(result.draws), Void: iter(result.voided)}
    return {
        "balances": dict(result.balances),
        "overage": result.overage,
        "drawn": [pairs(next(taken[type(row)])) for row in rows],
        "order": ids(draw_order(lots, policy(inputs))),
        "error": False,
    }


def policy(inputs: Inputs) -> DrawPolicy:
    """Read the case's sort keys under their names here."""
    return DrawPolicy([KEYS.get(key, key) for key in inputs["order"]])


def timeline_lot(inputs: Inputs) -> TimelineLot:
    """Read a lot; what the case leaves out keeps its default."""
    return TimelineLot(
        id=inputs["lot_id"],
        effective_from=instant(inputs["effective_at"]),
        ended_at=maybe(inputs.get("ended_at")),
        recurrence=recurrence(inputs.get("recurrence")),
        **{name: inputs[field] for field, name in LOT_FIELDS.items() if inputs.get(field) is not None},
        **ordering(inputs),
    )


def candidate(inputs: Inputs) -> Candidate:
    """Read the fields of a lot that only has to be put in order."""
    for name in NOT_ORDERED:
        inputs.get(name)
    return Candidate(id=inputs["lot_id"], **ordering(inputs))


def ordering(inputs: Inputs) -> dict[str, Any]:
    """Read the fields that lots are ordered by, besides the id."""
    known = {name: inputs[name] for name in ("kind", "priority") if inputs.get(name) is not None}
    if "kind" in known:
        known["kind"] = KINDS.get(known["kind"], known["kind"])
    return {
        **known,
        "expires_at": expiry(inputs),
        "created_at": maybe(inputs.get("created_at")),
        "scopes": tuple(inputs.get("scopes") or ()),
    }


def expiry(inputs: Inputs) -> Any:
    """Read an expiry from ISO 8601, or from milliseconds since 1970."""
    if inputs.get("expires_at_ms") is not None:
        return from_milliseconds(inputs["expires_at_ms"])
    return maybe(inputs.get("expires_at"))


def recurrence(inputs: Any) -> Any:
    """Read a recurrence."""
    return None if inputs is None else Recurrence(inputs["every"], instant(inputs["anchor"]))


def usage(inputs: Inputs) -> Usage:
    """Read a usage; one without a scope fits only lots without scopes."""
    scope = inputs.get("scope")
    return Usage(instant(inputs["at"]), inputs["amount"], () if scope is None else (scope,))


def void(inputs: Inputs) -> Void:
    """Read a void, of one lot or of any."""
    return Void(instant(inputs["at"]), inputs.get("lot_id"), inputs["amount"])


ROWS: dict[str | None, Callable[[Inputs], Any]] = {None: usage, "usage": usage, "void": void}


def instant(text: str) -> datetime:
    """Read an ISO 8601 instant."""
    return datetime.fromisoformat(text)


def maybe(text: Any) -> Any:
    """Read an instant that may be absent."""
    return None if text is None else instant(text)


def pairs(draws: Any) -> list[list[Any]]:
    """Write draws as the cases do."""
    return [[draw.lot_id, draw.amount] for draw in draws]


def ids(lots: Any) -> list[str]:
    """Write an order as the cases do."""
    return [lot.id for lot in lots]
