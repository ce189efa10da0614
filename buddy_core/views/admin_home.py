"""The admin's first page: what needs attention today."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from attrs import frozen

from buddy_core.views.admin_audit import AuditLine
from buddy_core.views.admin_close import CloseMonth
from buddy_core.views.admin_values import ValueVersion

AttentionKind = Literal["month_to_close", "rewards_held", "verify_failed", "value_missing", "wallets_frozen"]


@frozen
class Attention:
    """One thing to look at; `subject` is what it is about (a month, a currency)."""

    kind: AttentionKind
    count: int
    url: str
    subject: str | None = None


@frozen
class AdminHome:
    """Attention first, then the values in force, the month to close and the last changes.

    `now` is the service's clock; the demo may move it.
    """

    now: datetime
    attention: tuple[Attention, ...] = ()
    values: tuple[ValueVersion, ...] = ()
    close: CloseMonth | None = None
    audit: tuple[AuditLine, ...] = ()
