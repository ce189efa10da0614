"""What one person may not do alone is kept until a second one decides."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

from attrs import frozen

from buddy_core.access import Actor, ApprovalsTx, Change, SecondPersonRule, ask_in
from buddy_core.kernel.ids import IdSource


@frozen
class Awaiting:
    """The act is larger than one person may do alone: it waits for a second one."""

    request_id: str
    expires_at: datetime


async def wait_in(
    tx: ApprovalsTx,
    actor: Actor,
    rule: SecondPersonRule,
    change: Change,
    measure: Fraction | None,
    reason: str,
    at: datetime,
    ids: IdSource,
) -> Awaiting:
    """Keep an act, whose command is `change.after`, until a second person decides."""
    # Whoever asks may do it themselves but for its size: `require` came before.
    request = await ask_in(tx, actor, rule, ids.opaque("apr"), change, measure, reason, at)
    return Awaiting(request.id, request.expires_at)
